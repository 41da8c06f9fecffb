//! Which volumes were mounted when, and what was found of their disks meanwhile.
//!
//! Copies on a drive that is away count by what was seen last. So whatever a later look at the mount table says against
//! them is written down, and stays until the volume is seen again: another filesystem on its disk, a filesystem
//! that was made again under the same uuid. Looks are counted, not timed, since clocks go back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::params;

use super::disks::Disks;
use super::volumes::{FORGOTTEN, lines};
use super::{Catalogue, unix_seconds};
use crate::error::Error;
use crate::volume::{Attached, Between, MountKey, Volume, Volumes};

/// Recorded state of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sighting {
    id: i64,
    identity: String,
    label: String,
    disks: Vec<String>,
    /// The last look in which it was mounted.
    look: i64,
    session: i64,
    mount_key: Option<String>,
    made: Option<String>,
    made_again: Option<i64>,
    backing: String,
    extent: Option<String>,
    replaced_by: Option<String>,
}

/// Spans of time in which a share and disks were both mounted: the disk's identity, the first and the last second, since
/// 1970 UTC.
pub type Spans = Vec<(String, i64, i64)>;

impl Catalogue {
    /// Records which volumes are mounted, if it differs from the record. No command waits for it or fails by it: if another
    /// process is writing, or nothing can be written, the next command does it.
    pub(super) fn note_mounts(&self) -> Result<(), Error> {
        if self.only_read.is_some() || !self.is_look_due()? {
            return Ok(());
        }
        self.check(|connection| connection.busy_timeout(Duration::ZERO))?;
        let begun = self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"));
        self.check(|connection| connection.busy_timeout(super::open::BUSY_TIMEOUT))?;
        if begun.is_err() {
            return Ok(());
        }
        if self.look().and_then(|()| self.commit()).is_err() {
            self.roll_back();
        }
        Ok(())
    }

    fn is_look_due(&self) -> Result<bool, Error> {
        let before = self.sightings()?;
        let is_due = seen(&before, &self.volumes, &[]) != before;
        Ok(is_due && seen(&before, &self.volumes, &attached(&before)) != before)
    }

    /// Records which volumes are mounted, as a part of the change that is being made.
    pub(super) fn look(&self) -> Result<(), Error> {
        self.look_at(&self.volumes)
    }

    fn look_at(&self, volumes: &Volumes) -> Result<(), Error> {
        let before = self.sightings()?;
        let now = seen(&before, volumes, &attached(&before));
        for row in now.iter().filter(|row| !before.contains(row)) {
            self.check(|connection| {
                connection
                    .prepare_cached(
                        "UPDATE volume SET disks = ?2, sighting = ?3, session = ?4, mount_key = ?5, made = ?6,
                                made_again = ?7, backing = ?8, extent = ?9, replaced_by = ?10 WHERE id = ?1",
                    )?
                    .execute(params![
                        row.id,
                        row.disks.join("\n"),
                        row.look,
                        row.session,
                        row.mount_key,
                        row.made,
                        row.made_again,
                        row.backing,
                        row.extent,
                        row.replaced_by
                    ])
            })?;
        }
        Ok(())
    }

    fn sightings(&self) -> Result<Vec<Sighting>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, identity, coalesce(name, label), disks, sighting, session, mount_key, made, made_again,
                            backing, extent, replaced_by
                     FROM volume WHERE substr(identity, 1, length(?1)) <> ?1 ORDER BY id",
                )?
                .query_map([FORGOTTEN], |row| {
                    Ok(Sighting {
                        id: row.get(0)?,
                        identity: row.get(1)?,
                        label: row.get(2)?,
                        disks: lines(&row.get::<_, String>(3)?),
                        look: row.get(4)?,
                        session: row.get(5)?,
                        mount_key: row.get(6)?,
                        made: row.get(7)?,
                        made_again: row.get(8)?,
                        backing: row.get(9)?,
                        extent: row.get(10)?,
                        replaced_by: row.get(11)?,
                    })
                })?
                .collect()
        })
    }

    /// Number of the mount of a volume: it is counted up each time it is mounted.
    ///
    /// # Errors
    /// If `SQLite` fails, or there is no such volume.
    pub fn session_of(&self, volume: i64) -> Result<i64, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT session FROM volume WHERE id = ?1")?
                .query_row([volume], |row| row.get(0))
        })
    }

    /// What took the place of volumes that are away, as far as is known now: labels by the volumes' numbers.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn replaced(&self) -> Result<BTreeMap<i64, String>, Error> {
        let before = self.sightings()?;
        let now = seen(&before, &self.volumes, &Volumes::attached());
        let replaced = now
            .into_iter()
            .filter_map(|row| Some((row.id, row.replaced_by?)));
        Ok(replaced.collect())
    }

    /// Records, with what is written now, in which mount of a volume it was read, and which disks were mounted together with a
    /// share. Hours may have passed since the catalogue was opened.
    pub(super) fn note_mounted_now(&self) -> Result<(), Error> {
        let is_asked = |volume: &Volume| volume.forgets_unmounted() || volume.is_share();
        if !self.volumes.all().iter().any(is_asked) {
            return Ok(());
        }
        let mut now = Volumes::mounted();
        now.settle(&self.known_volumes()?);
        self.look_at(&now)?;
        self.note_together(&now)
    }

    fn note_together(&self, now: &Volumes) -> Result<(), Error> {
        let rows = self.sightings()?;
        let shares_of = |volumes: &Volumes| -> Vec<i64> {
            let is_share = |row: &&Sighting| {
                let mut all = volumes.all().iter();
                all.any(|volume| volume.identity == row.identity && volume.is_share())
            };
            rows.iter().filter(is_share).map(|row| row.id).collect()
        };
        let shares = shares_of(&self.volumes);
        if shares.is_empty() {
            return Ok(());
        }
        // Of what was never seen before, nothing was seen at the same time either.
        let mut known = self.cards()?;
        known.extend(rows.iter().map(|row| row.identity.clone()));
        let disks_of = |volumes: &Volumes| -> BTreeSet<String> {
            disks_of(volumes).intersection(&known).cloned().collect()
        };
        let (mounted_shares, mounted_disks) = (shares_of(now), disks_of(now));
        let mut together = self.together.borrow_mut();
        for share in shares {
            for disk in disks_of(&self.volumes) {
                if rows
                    .iter()
                    .any(|row| row.id == share && row.identity == disk)
                {
                    continue;
                }
                let is_mounted = mounted_shares.contains(&share) && mounted_disks.contains(&disk);
                let since = together
                    .entry((share, disk.clone()))
                    .or_insert(Some(self.opened));
                if !is_mounted {
                    *since = None;
                    continue;
                }
                let since = *since.get_or_insert_with(unix_seconds);
                self.check(|connection| {
                    connection
                        .prepare_cached(
                            "INSERT INTO mounted_together (share, disk, since, until) VALUES (?1, ?2, ?3, ?4)
                             ON CONFLICT (share, disk, since) DO UPDATE SET until = excluded.until",
                        )?
                        .execute(params![share, disk, since, unix_seconds()])
                })?;
            }
        }
        Ok(())
    }

    /// The identities of volumes that cards were ingested from.
    fn cards(&self) -> Result<BTreeSet<String>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT DISTINCT volume FROM ingest")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// When each share was mounted together with which disks, by the share's number.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn mounted_together(&self) -> Result<BTreeMap<i64, Spans>, Error> {
        self.check(|connection| {
            let mut all: BTreeMap<i64, Spans> = BTreeMap::new();
            let mut statement =
                connection.prepare("SELECT share, disk, since, until FROM mounted_together")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let span = (row.get(1)?, row.get(2)?, row.get(3)?);
                all.entry(row.get(0)?).or_default().push(span);
            }
            Ok(all)
        })
    }
}

/// The identities of volumes that are on disks, here or elsewhere.
fn disks_of(volumes: &Volumes) -> BTreeSet<String> {
    let all = volumes.all().iter().filter(|volume| {
        let backing = volumes.backing(volume);
        !backing.is_memory && !backing.is_view
    });
    all.map(|volume| volume.identity.clone()).collect()
}

/// The disks that are plugged in, where a volume may be on one of them.
fn attached(rows: &[Sighting]) -> Vec<Attached> {
    let may_be_there = |row: &Sighting| {
        row.replaced_by.is_none() && Disks::new(row.disks.iter().map(String::as_str)).are_told()
    };
    if rows.iter().any(may_be_there) {
        Volumes::attached()
    } else {
        Vec::new()
    }
}

/// The record as it is after a look at the mount table.
fn seen(before: &[Sighting], volumes: &Volumes, attached: &[Attached]) -> Vec<Sighting> {
    let mounted = |row: &Sighting| {
        let mut all = volumes.all().iter();
        all.find(|volume| volume.identity == row.identity)
    };
    let last = before.iter().map(|row| row.look).max().unwrap_or(0);
    let is_as_it_was = |row: &Sighting| mounted(row).is_some() == (row.look == last && last > 0);
    let look = if before.iter().all(is_as_it_was) {
        last
    } else {
        last + 1
    };
    let mut now: Vec<Sighting> = before.to_vec();
    for row in &mut now {
        if let Some(volume) = mounted(row) {
            row.note_mounted(volume, volumes, look);
        }
    }
    let replaced: Vec<Option<String>> = now
        .iter()
        .map(|row| {
            let is_away = mounted(row).is_none() && row.replaced_by.is_none();
            is_away.then(|| replacement(row, &now, volumes, attached))?
        })
        .collect();
    for (row, replaced) in now.iter_mut().zip(replaced) {
        row.replaced_by = row.replaced_by.take().or(replaced);
    }
    now
}

impl Sighting {
    fn note_mounted(&mut self, volume: &Volume, volumes: &Volumes, look: i64) {
        if let Some(key) = volumes.mount_key(&self.identity) {
            let before = self.mount_key.as_deref().and_then(MountKey::parse);
            let between = before.map_or(Between::Unmounted, |before| key.since(&before));
            self.session += i64::from(between == Between::Unmounted);
            // The numbers of another namespace say nothing here, and would hide those of this one.
            if between != Between::Unknown {
                self.mount_key = Some(key.to_string());
            }
        }
        self.look = look;
        self.replaced_by = None;
        self.backing = volumes.backing(volume).to_string();
        self.extent = volume.extent.clone().or(self.extent.take());
        let hardware = volume.hardware.as_ref().map(|told| told.replace('\n', " "));
        self.disks
            .extend(hardware.filter(|told| !self.disks.contains(told)));
        if let Some(made) = volume.made() {
            let before = self.made.take().unwrap_or_default();
            if is_other(&before, &made) {
                self.made_again = Some(unix_seconds());
            }
            self.made = Some(joined(&before, &made));
        }
    }

    fn uuid(&self) -> Option<&str> {
        let uuid = self.identity.strip_prefix("uuid:")?;
        uuid.split('@').next()
    }
}

/// Whether a filesystem is another one by its size or birth, each of which may not be told.
fn is_other(before: &str, now: &str) -> bool {
    let mut pairs = before.split(':').zip(now.split(':'));
    pairs.any(|(before, now)| !before.is_empty() && !now.is_empty() && before != now)
}

/// Size and birth, with those of before where they are not told now.
fn joined(before: &str, now: &str) -> String {
    let mut before = before.split(':');
    let parts = now.split(':').map(|part| {
        let known = before.next().unwrap_or_default();
        if part.is_empty() { known } else { part }
    });
    parts.collect::<Vec<_>>().join(":")
}

/// What took the place of a volume that is away on its disk: a volume that is mounted now or was after it,
/// or a partition table that has no place for it.
fn replacement(
    row: &Sighting,
    rows: &[Sighting],
    volumes: &Volumes,
    attached: &[Attached],
) -> Option<String> {
    let own = serials(&row.disks);
    if own.is_empty() {
        return None;
    }
    let shares_disk = |disks: &[String]| !serials(disks).is_disjoint(&own);
    let its_disks = || {
        let disks = attached.iter();
        disks.filter(|disk| shares_disk(std::slice::from_ref(&disk.hardware)))
    };
    if its_disks().any(|disk| disk.holds(row.uuid())) {
        return None;
    }
    let later = rows
        .iter()
        .filter(|other| other.id != row.id && other.look > row.look && shares_disk(&other.disks))
        .max_by_key(|other| other.look);
    let mounted = || {
        let mut all = volumes.all().iter();
        all.find(|volume| {
            let hardware = volume.hardware.as_ref().filter(|_| !volume.is_share());
            hardware.is_some_and(|hardware| shares_disk(std::slice::from_ref(hardware)))
        })
    };
    let lacking = || {
        let lacks = |disk: &Attached| disk.lacks(row.uuid(), row.extent.as_deref());
        its_disks()
            .any(lacks)
            .then(|| "another partition table".to_owned())
    };
    later
        .map(|other| other.label.clone())
        .or_else(|| mounted().map(|volume| volume.label.clone()))
        .or_else(lacking)
}

/// The serials among what is known of a volume's disks; servers share what they like.
fn serials(disks: &[String]) -> BTreeSet<String> {
    Disks::new(disks.iter().map(String::as_str)).serials()
}
