//! History of mounts, and of changes found on the disks of unmounted volumes.
//!
//! Copies on an unmounted drive count as they were last seen. So until a volume is mounted again,
//! this module records all evidence against its copies from later snapshots of the mount table:
//! another filesystem on its disk, or a new filesystem with the same uuid. Snapshots are numbered,
//! not timed, because clocks can go backwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::params;

use super::Catalogue;
use super::disks::Disks;
use super::volumes::{FORGOTTEN, lines};
use crate::error::Error;
use crate::volume::{Backing, ConnectedDisk, MountChange, MountKey, Volume, Volumes};

/// Recorded mount state of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MountRecord {
    id: i64,
    identity: String,
    label: String,
    disks: Vec<String>,
    /// Number of the last snapshot in which it was mounted.
    snapshot: i64,
    session: i64,
    mount_key: Option<String>,
    creation_key: Option<String>,
    /// Number of times that a new filesystem was found under its identity.
    formats: i64,
    backing: String,
    extent: Option<String>,
    replaced_by: Option<String>,
}

/// Identities of volumes that were mounted at the same time as a share, each with the row id of a
/// mounted set that contains both.
pub type MountedWith = BTreeSet<(String, i64)>;

impl Catalogue {
    /// Records the mounted volumes if they changed. If another process is writing, or the catalogue
    /// cannot be written, leaves that to the next command, without waiting or failing.
    pub(super) fn record_mounts(&self) -> Result<(), Error> {
        if self.read_only_reason.is_some() || !self.is_record_outdated()? {
            return Ok(());
        }
        self.check(|connection| connection.busy_timeout(Duration::ZERO))?;
        let result = self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"));
        self.check(|connection| connection.busy_timeout(super::open::BUSY_TIMEOUT))?;
        if result.is_err() {
            return Ok(());
        }
        if self
            .record_current_mounts()
            .and_then(|()| self.commit())
            .is_err()
        {
            self.roll_back();
        }
        Ok(())
    }

    fn is_record_outdated(&self) -> Result<bool, Error> {
        let before = self.mount_records()?;
        // The connected disks are queried only if the mounted volumes changed.
        let is_due = updated(&before, &self.volumes, &[], false) != before;
        Ok(is_due && updated(&before, &self.volumes, &connected_disks(&before), false) != before)
    }

    /// Records the mounted volumes within the open transaction.
    pub(super) fn record_current_mounts(&self) -> Result<(), Error> {
        self.record_snapshot(&self.volumes)
    }

    fn record_snapshot(&self, volumes: &Volumes) -> Result<(), Error> {
        let before = self.mount_records()?;
        let now = updated(&before, volumes, &connected_disks(&before), false);
        self.write_mount_records(&before, &now)
    }

    fn write_mount_records(
        &self,
        before: &[MountRecord],
        now: &[MountRecord],
    ) -> Result<(), Error> {
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
                        row.snapshot,
                        row.session,
                        row.mount_key,
                        row.creation_key,
                        row.formats,
                        row.backing,
                        row.extent,
                        row.replaced_by
                    ])
            })?;
        }
        Ok(())
    }

    fn mount_records(&self) -> Result<Vec<MountRecord>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, identity, coalesce(name, label), disks, sighting, session, mount_key, made, formats,
                            backing, extent, replaced_by
                     FROM volume WHERE substr(identity, 1, length(?1)) <> ?1 ORDER BY id",
                )?
                .query_map([FORGOTTEN], |row| {
                    Ok(MountRecord {
                        id: row.get(0)?,
                        identity: row.get(1)?,
                        label: row.get(2)?,
                        disks: lines(&row.get::<_, String>(3)?),
                        snapshot: row.get(4)?,
                        session: row.get(5)?,
                        mount_key: row.get(6)?,
                        creation_key: row.get(7)?,
                        formats: row.get(8)?,
                        backing: row.get(9)?,
                        extent: row.get(10)?,
                        replaced_by: row.get(11)?,
                    })
                })?
                .collect()
        })
    }

    /// Returns the number of the last mount of a volume, which is incremented with each mount.
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

    /// Returns the replaced volumes: for each unmounted volume that was replaced, its row id and the
    /// label of the replacement. Also checks image files on shares. Records the result if the
    /// catalogue can be written.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn replaced(&self) -> Result<BTreeMap<i64, String>, Error> {
        let before = self.mount_records()?;
        let now = updated(&before, &self.volumes, &Volumes::connected_disks(), true);
        if now != before && self.read_only_reason.is_none() {
            // A failure to record it, such as a long wait for another process, is harmless.
            let _ = self.write_transaction(|| self.write_mount_records(&before, &now));
        }
        let replaced = now
            .into_iter()
            .filter_map(|row| Some((row.id, row.replaced_by?)));
        Ok(replaced.collect())
    }

    /// Resets the set of volumes that stayed mounted to those mounted now.
    pub(super) fn begin_mounted_set(&self) {
        self.mounted_since_refresh.replace(disks_of(&self.volumes));
    }

    /// Updates the mount records within the open transaction, because the last snapshot may be hours
    /// old. Returns the row id of the set of volumes that stayed mounted since then; `None` if no
    /// share is mounted.
    pub(super) fn record_mounted_set(&self) -> Result<Option<i64>, Error> {
        let is_tracked =
            |volume: &Volume| volume.is_cache_dropped_on_unmount() || volume.is_share();
        if !self.volumes.all().iter().any(is_tracked) {
            return Ok(None);
        }
        let mut now = Volumes::mounted();
        now.distinguish_clones(&self.known_volumes()?);
        self.record_snapshot(&now)?;
        let now = disks_of(&now);
        let mut mounted = self.mounted_since_refresh.borrow_mut();
        // A volume mounted later may have been on another machine while a file was read.
        mounted.retain(|identity| now.contains(identity));
        if !self.volumes.all().iter().any(Volume::is_share) {
            return Ok(None);
        }
        // Volumes outside the catalogue are omitted, because their identities may change.
        let mut known = self.cards()?;
        known.extend(self.mount_records()?.into_iter().map(|row| row.identity));
        let volumes = mounted.iter().filter(|identity| known.contains(*identity));
        let volumes: Vec<&str> = volumes.map(String::as_str).collect();
        self.mounted_set(&volumes.join("\n")).map(Some)
    }

    /// Returns the identities of volumes from which cards were ingested.
    fn cards(&self) -> Result<BTreeSet<String>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT DISTINCT volume FROM ingest")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Returns the row id of a set of volumes, given by identities, one per line. Adds the set if it
    /// is new.
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

    /// Returns the volumes that were mounted at the same time as a share.
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

/// Returns the identities of the volumes on disks, of this machine or of a file server. Omits
/// volumes in memory and views of other volumes.
fn disks_of(volumes: &Volumes) -> BTreeSet<String> {
    let all = volumes.all().iter().filter(|volume| {
        let backing = volumes.backing(volume);
        !backing.is_memory && !backing.is_view
    });
    all.map(|volume| volume.identity.replace('\n', " "))
        .collect()
}

/// Returns the connected disks; empty if no recorded volume can be on one of them.
fn connected_disks(rows: &[MountRecord]) -> Vec<ConnectedDisk> {
    let may_be_connected = |row: &MountRecord| {
        row.replaced_by.is_none() && Disks::new(row.disks.iter().map(String::as_str)).are_reported()
    };
    if rows.iter().any(may_be_connected) {
        Volumes::connected_disks()
    } else {
        Vec::new()
    }
}

/// Returns the records updated by a snapshot of the mount table. Queries shares only if `may_wait`
/// is true, because they may respond slowly.
fn updated(
    before: &[MountRecord],
    volumes: &Volumes,
    connected: &[ConnectedDisk],
    may_wait: bool,
) -> Vec<MountRecord> {
    let mounted = |row: &MountRecord| {
        let mut all = volumes.all().iter();
        all.find(|volume| volume.identity == row.identity)
    };
    let last = before.iter().map(|row| row.snapshot).max().unwrap_or(0);
    let is_unchanged =
        |row: &MountRecord| mounted(row).is_some() == (row.snapshot == last && last > 0);
    let snapshot = if before.iter().all(is_unchanged) {
        last
    } else {
        last + 1
    };
    let mut now: Vec<MountRecord> = before.to_vec();
    for row in &mut now {
        if let Some(volume) = mounted(row) {
            row.update_mounted(volume, volumes, snapshot);
        }
    }
    count_formats_of_images(before, &mut now, volumes);
    let replaced: Vec<Option<String>> = now
        .iter()
        .map(|row| {
            let is_due = mounted(row).is_none() && row.replaced_by.is_none();
            let image = || lost_image(row, volumes, may_wait);
            is_due.then(|| image().or_else(|| replacement(row, &now, volumes, connected)))?
        })
        .collect();
    for (row, replaced) in now.iter_mut().zip(replaced) {
        row.replaced_by = row.replaced_by.take().or(replaced);
    }
    now
}

/// Counts a format of a volume also for the volumes in its image files. Ignores the system disk.
fn count_formats_of_images(before: &[MountRecord], now: &mut [MountRecord], volumes: &Volumes) {
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

impl MountRecord {
    fn update_mounted(&mut self, volume: &Volume, volumes: &Volumes, snapshot: i64) {
        if let Some(key) = volumes.mount_key(&self.identity) {
            let before = self.mount_key.as_deref().and_then(MountKey::parse);
            let change = before.map_or(MountChange::Unmounted, |before| key.since(&before));
            self.session += i64::from(change == MountChange::Unmounted);
            // The mount ids of different namespaces cannot be compared. Keep the recorded one, so
            // that later snapshots in its namespace can be.
            if change != MountChange::Unknown {
                self.mount_key = Some(key.to_string());
            }
        }
        self.snapshot = snapshot;
        self.replaced_by = None;
        self.backing = volumes.backing(volume).to_string();
        self.extent = volume.extent.clone().or(self.extent.take());
        let hardware = volume
            .hardware
            .as_ref()
            .map(|serial| serial.replace('\n', " "));
        self.disks
            .extend(hardware.filter(|serial| !self.disks.contains(serial)));
        if let Some(creation_key) = volume.creation_key() {
            let before = self.creation_key.take().unwrap_or_default();
            self.formats += i64::from(is_other_filesystem(&before, &creation_key));
            self.creation_key = Some(merged_key(&before, &creation_key));
        }
    }

    fn uuid(&self) -> Option<&str> {
        let uuid = self.identity.strip_prefix("uuid:")?;
        uuid.split('@').next()
    }
}

/// Returns true if the size or the creation time differs, which means another filesystem. Both are
/// in the form `SIZE:TIME`, where an empty part is unknown.
fn is_other_filesystem(before: &str, now: &str) -> bool {
    let mut pairs = before.split(':').zip(now.split(':'));
    pairs.any(|(before, now)| !before.is_empty() && !now.is_empty() && before != now)
}

/// Returns the size and creation time in the form `SIZE:TIME`, with empty parts taken from the
/// previous value.
fn merged_key(before: &str, now: &str) -> String {
    let mut before = before.split(':');
    let parts = now.split(':').map(|part| {
        let previous = before.next().unwrap_or_default();
        if part.is_empty() { previous } else { part }
    });
    parts.collect::<Vec<_>>().join(":")
}

/// Returns a description of the replacement if an image file that holds the volume no longer
/// exists or was replaced.
fn lost_image(row: &MountRecord, volumes: &Volumes, may_wait: bool) -> Option<String> {
    let backing = Backing::parse(&row.backing)?;
    let mut images = backing.images.iter();
    let is_lost = images.any(|image| volumes.is_image_gone(image, may_wait));
    is_lost.then(|| "no image file or a different one".to_owned())
}

/// Returns the label of the replacement of an unmounted volume on its disk, if there is one: a
/// volume that is mounted now or was mounted later, or a partition table without its partition.
fn replacement(
    row: &MountRecord,
    rows: &[MountRecord],
    volumes: &Volumes,
    connected: &[ConnectedDisk],
) -> Option<String> {
    let own = serials(&row.disks);
    if own.is_empty() {
        return None;
    }
    let shares_disk = |disks: &[String]| !serials(disks).is_disjoint(&own);
    let own_disks = || {
        let disks = connected.iter();
        disks.filter(|disk| shares_disk(std::slice::from_ref(&disk.hardware)))
    };
    if own_disks().any(|disk| disk.holds(row.uuid())) {
        return None;
    }
    let later = rows
        .iter()
        .filter(|other| {
            other.id != row.id && other.snapshot > row.snapshot && shares_disk(&other.disks)
        })
        .max_by_key(|other| other.snapshot);
    let mounted = || {
        let mut all = volumes.all().iter();
        all.find(|volume| {
            let hardware = volume.hardware.as_ref().filter(|_| !volume.is_share());
            hardware.is_some_and(|hardware| shares_disk(std::slice::from_ref(hardware)))
        })
    };
    let other_table = || {
        let lacks = |disk: &ConnectedDisk| disk.lacks(row.uuid(), row.extent.as_deref());
        own_disks()
            .any(lacks)
            .then(|| "another partition table".to_owned())
    };
    later
        .map(|other| other.label.clone())
        .or_else(|| mounted().map(|volume| volume.label.clone()))
        .or_else(other_table)
}

/// Returns the serials of a volume's disks. Omits servers, because any of their disks may be shared.
fn serials(disks: &[String]) -> BTreeSet<String> {
    Disks::new(disks.iter().map(String::as_str)).serials()
}
