//! Which volumes were mounted when, and what was found of their disks meanwhile.
//!
//! Copies on a drive that is away count by what was seen last. So whatever a later look at the mount table says against
//! them is written down, and stays until the volume is seen again: another filesystem on its disk, a filesystem
//! that was made again under the same uuid. Looks are counted, not timed, since clocks go back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::params;

use super::Catalogue;
use super::disks::Disks;
use super::volumes::{FORGOTTEN, lines};
use crate::error::Error;
use crate::volume::{Backing, ConnectedDisk, MountChange, MountKey, Volume, Volumes};

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
    /// How often another filesystem was found under its identity.
    formats: i64,
    backing: String,
    extent: Option<String>,
    replaced_by: Option<String>,
}

/// Identities of volumes that were mounted at the same time as a share, each with the number of the set that says so.
pub type MountedWith = BTreeSet<(String, i64)>;

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
        let is_due = seen(&before, &self.volumes, &[], false) != before;
        Ok(is_due && seen(&before, &self.volumes, &attached(&before), false) != before)
    }

    /// Records which volumes are mounted, as a part of the change that is being made.
    pub(super) fn look(&self) -> Result<(), Error> {
        self.look_at(&self.volumes)
    }

    fn look_at(&self, volumes: &Volumes) -> Result<(), Error> {
        let before = self.sightings()?;
        let now = seen(&before, volumes, &attached(&before), false);
        self.write_sightings(&before, &now)
    }

    fn write_sightings(&self, before: &[Sighting], now: &[Sighting]) -> Result<(), Error> {
        for row in now.iter().filter(|row| !before.contains(row)) {
            self.check(|connection| {
                connection
                    .prepare_cached(
                        "UPDATE volume SET disks = ?2, sighting = ?3, session = ?4, mount_key = ?5, made = ?6,
                                formats = ?7, backing = ?8, extent = ?9, replaced_by = ?10 WHERE id = ?1",
                    )?
                    .execute(params![
                        row.id,
                        row.disks.join("\n"),
                        row.look,
                        row.session,
                        row.mount_key,
                        row.made,
                        row.formats,
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
                    "SELECT id, identity, coalesce(name, label), disks, sighting, session, mount_key, made, formats,
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
                        formats: row.get(8)?,
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

    /// What took the place of volumes that are away, as far as is known now: labels by the volumes' numbers. Image files on
    /// shares are looked for, too. What is found is recorded, where the catalogue can be written.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn replaced(&self) -> Result<BTreeMap<i64, String>, Error> {
        let before = self.sightings()?;
        let now = seen(&before, &self.volumes, &Volumes::connected_disks(), true);
        if now != before && self.only_read.is_none() {
            // The answer of now is the same when another process writes for long.
            let _ = self.write_transaction(|| self.write_sightings(&before, &now));
        }
        let replaced = now
            .into_iter()
            .filter_map(|row| Some((row.id, row.replaced_by?)));
        Ok(replaced.collect())
    }

    /// Begins the set of volumes that are mounted all the time: those that are mounted now.
    pub(super) fn begin_mounted_set(&self) {
        self.mounted_since_opened.replace(disks_of(&self.volumes));
    }

    /// Records, with what is written now, in which mount of a volume it was read. Returns the number of the set of volumes that
    /// were mounted meanwhile, if there was a share. Hours may have passed since the catalogue was opened.
    pub(super) fn note_mounted_now(&self) -> Result<Option<i64>, Error> {
        let is_asked = |volume: &Volume| volume.is_cache_dropped_on_unmount() || volume.is_share();
        if !self.volumes.all().iter().any(is_asked) {
            return Ok(None);
        }
        let mut now = Volumes::mounted();
        now.distinguish_clones(&self.known_volumes()?);
        self.look_at(&now)?;
        let now = disks_of(&now);
        let mut mounted = self.mounted_since_opened.borrow_mut();
        // What comes later may have been elsewhere while a file was read.
        mounted.retain(|identity| now.contains(identity));
        if !self.volumes.all().iter().any(Volume::is_share) {
            return Ok(None);
        }
        // A volume that the catalogue does not know yet may have been seen under another identity.
        let mut known = self.cards()?;
        known.extend(self.sightings()?.into_iter().map(|row| row.identity));
        let volumes = mounted.iter().filter(|identity| known.contains(*identity));
        let volumes: Vec<&str> = volumes.map(String::as_str).collect();
        self.mounted_set(&volumes.join("\n")).map(Some)
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

    /// Number of a set of volumes, given as it is stored.
    fn mounted_set(&self, volumes: &str) -> Result<i64, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("INSERT OR IGNORE INTO mounted_set (volumes) VALUES (?1)")?
                .execute([volumes])?;
            connection
                .prepare_cached("SELECT id FROM mounted_set WHERE volumes = ?1")?
                .query_row([volumes], |row| row.get(0))
        })
    }

    /// Volumes that were mounted at the same time as a share, in which sets.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn mounted_with(&self, share: &str) -> Result<MountedWith, Error> {
        let sets: Vec<(i64, String)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id, volumes FROM mounted_set")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let sets = sets.iter().map(|(set, volumes)| (set, lines(volumes)));
        let with_share = sets.filter(|(_, volumes)| volumes.iter().any(|volume| volume == share));
        let pairs = with_share.flat_map(|(set, volumes)| {
            let others = volumes.into_iter().filter(|volume| volume != share);
            others.map(|volume| (volume, *set))
        });
        Ok(pairs.collect())
    }
}

/// The identities of volumes that are on disks, here or elsewhere.
fn disks_of(volumes: &Volumes) -> BTreeSet<String> {
    let all = volumes.all().iter().filter(|volume| {
        let backing = volumes.backing(volume);
        !backing.is_memory && !backing.is_view
    });
    all.map(|volume| volume.identity.replace('\n', " "))
        .collect()
}

/// The disks that are plugged in, where a volume may be on one of them.
fn attached(rows: &[Sighting]) -> Vec<ConnectedDisk> {
    let may_be_there = |row: &Sighting| {
        row.replaced_by.is_none() && Disks::new(row.disks.iter().map(String::as_str)).are_told()
    };
    if rows.iter().any(may_be_there) {
        Volumes::connected_disks()
    } else {
        Vec::new()
    }
}

/// The record as it is after a look at the mount table. `may_wait`: shares are asked, too.
fn seen(
    before: &[Sighting],
    volumes: &Volumes,
    attached: &[ConnectedDisk],
    may_wait: bool,
) -> Vec<Sighting> {
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
    count_formats_of_images(before, &mut now, volumes);
    let replaced: Vec<Option<String>> = now
        .iter()
        .map(|row| {
            let is_away = mounted(row).is_none() && row.replaced_by.is_none();
            let image = || lost_image(row, volumes, may_wait);
            is_away.then(|| image().or_else(|| replacement(row, &now, volumes, attached)))?
        })
        .collect();
    for (row, replaced) in now.iter_mut().zip(replaced) {
        row.replaced_by = row.replaced_by.take().or(replaced);
    }
    now
}

/// What happened to the volume that holds an image file happened to the image, except on the system disk.
fn count_formats_of_images(before: &[Sighting], now: &mut [Sighting], volumes: &Volumes) {
    let pairs = before.iter().zip(&*now);
    let formatted = pairs.filter(|(before, now)| before.formats < now.formats);
    let formatted = formatted.map(|(_, now)| now.identity.clone());
    let is_system = |identity: &str| volumes.mount_of(identity).as_deref() == Some(Path::new("/"));
    let formatted: Vec<String> = formatted.filter(|identity| !is_system(identity)).collect();
    for row in now.iter_mut().filter(|_| !formatted.is_empty()) {
        let backing = Backing::parse(&row.backing).unwrap_or_default();
        let mut formatted = formatted.iter();
        row.formats += i64::from(formatted.any(|holder| backing.is_held_by(holder)));
    }
}

impl Sighting {
    fn note_mounted(&mut self, volume: &Volume, volumes: &Volumes, look: i64) {
        if let Some(key) = volumes.mount_key(&self.identity) {
            let before = self.mount_key.as_deref().and_then(MountKey::parse);
            let between = before.map_or(MountChange::Unmounted, |before| key.since(&before));
            self.session += i64::from(between == MountChange::Unmounted);
            // The numbers of another namespace say nothing here, and would hide those of this one.
            if between != MountChange::Unknown {
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
        if let Some(made) = volume.creation_key() {
            let before = self.made.take().unwrap_or_default();
            self.formats += i64::from(is_other(&before, &made));
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

/// What took the place of an image file that the volume was in, if the file is not there.
fn lost_image(row: &Sighting, volumes: &Volumes, may_wait: bool) -> Option<String> {
    let backing = Backing::parse(&row.backing)?;
    let mut images = backing.images.iter();
    let is_lost = images.any(|image| volumes.is_image_gone(image, may_wait));
    is_lost.then(|| "no image file or a different one".to_owned())
}

/// What took the place of a volume that is away on its disk: a volume that is mounted now or was after it,
/// or a partition table that has no place for it.
fn replacement(
    row: &Sighting,
    rows: &[Sighting],
    volumes: &Volumes,
    attached: &[ConnectedDisk],
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
        let lacks = |disk: &ConnectedDisk| disk.lacks(row.uuid(), row.extent.as_deref());
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
