//! Volumes that were ever seen: their names and contents, and the removal of a volume.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, params};

use super::files::{loaded, stored};
use super::{Catalogue, HashedFile, unix_seconds};
use crate::error::{Error, escape};
use crate::value::{Duration, from_bytes, to_bytes};
use crate::volume::{Backing, KnownVolume, Volume};

/// Recorded volume, mounted or not.
#[derive(Debug, Clone)]
pub struct VolumeRow {
    /// Row id.
    pub id: i64,
    /// Identity, such as `uuid:…`; see docs/identity.md.
    pub identity: String,
    /// Name given by the user, otherwise its label.
    pub label: String,
    /// Current mount point; `None` if it is not mounted.
    pub mounted: Option<PathBuf>,
    /// Last mount point.
    pub mount: PathBuf,
    /// Size of the filesystem in bytes.
    pub bytes: Option<u64>,
    /// Serial number of its disk, or server of the share; `None` if unknown.
    pub hardware: Option<String>,
    /// All disks on which it was ever seen, and `said:` with the user's name for its disk.
    pub disks: Vec<String>,
    /// Storage of the volume, such as a disk or an image file; `None` if it was not recorded.
    pub backing: Option<Backing>,
    /// Number of its last mount, incremented with each mount.
    pub session: i64,
    /// Number of times that a new filesystem was found under this identity.
    pub formats: i64,
    /// Time when it was last seen, seconds since 1970 UTC.
    pub last_seen: i64,
    /// Number of clips with a file on it. Missing files do not count.
    pub clips: usize,
    /// Total size of these files in bytes.
    pub clip_bytes: u64,
    /// Total duration of these clips.
    pub duration: Duration,
    /// Number of media files missing on it.
    pub missing: usize,
}

impl VolumeRow {
    /// Describes where a volume that is not mounted was mounted last.
    #[must_use]
    pub fn describe_unmounted(&self) -> String {
        format!(
            "{} is not mounted; it was last mounted at {}",
            escape(&self.label),
            escape(&self.mount.to_string_lossy())
        )
    }
}

/// Numbers of clips that would or might be lost with a volume.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LostClips {
    /// Clips without a copy on another volume.
    pub only_here: usize,
    /// Clips with copies on other volumes that were never verified by a full hash.
    pub unverified: usize,
    /// All clips with a file on it.
    pub clips: usize,
}

/// Certainty that another file has the same content, from most to least certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CopyCertainty {
    /// Another file is identical by its full hash.
    Identical,
    /// Another file may be identical.
    Unverified,
    /// No other file has the content.
    OnlyHere,
}

impl CopyCertainty {
    fn from_files(file: &HashedFile, others: &[HashedFile]) -> Self {
        let compare = |other: &HashedFile| match file.digest.zip(other.digest) {
            Some((digest, other)) if digest == other => Self::Identical,
            Some(_) => Self::OnlyHere,
            None => Self::Unverified,
        };
        others.iter().map(compare).min().unwrap_or(Self::OnlyHere)
    }
}

/// Volume as recorded before this scan.
#[derive(Debug, Clone, Copy)]
pub struct SeenVolume {
    /// Row id.
    pub id: i64,
    /// Time when it was last seen before, seconds since 1970 UTC; 0 if it is new.
    pub last_seen: i64,
}

/// Prefix of the identity of a forgotten volume that is still in the ingest log.
pub(super) const FORGOTTEN: &str = "forgotten:";
/// Prefix of disk names given by the user, which distinguishes them from reported serial numbers.
pub const DISK_NAME_PREFIX: &str = "said:";

pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

impl Catalogue {
    /// Returns the row ids of the mounted volumes.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn mounted(&self) -> Result<Vec<i64>, Error> {
        let all: Vec<(i64, String)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id, identity FROM volume ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let is_mounted = |(_, identity): &(i64, String)| self.volumes.drive(identity).is_some();
        Ok(all
            .into_iter()
            .filter(is_mounted)
            .map(|(number, _)| number)
            .collect())
    }

    /// Records that a volume is mounted now. Returns its previous record.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn record_volume(&self, volume: &Volume) -> Result<SeenVolume, Error> {
        let previous: Option<(i64, String)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT last_seen, disks FROM volume WHERE identity = ?1")?
                .query_row([&volume.identity], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        let (last_seen, disks) = previous.unwrap_or_default();
        let mut disks = lines(&disks);
        let hardware = volume
            .hardware
            .iter()
            .map(|serial| serial.replace('\n', " "));
        disks.extend(
            hardware
                .filter(|serial| !disks.contains(serial))
                .collect::<Vec<_>>(),
        );
        // A label derived from the mount point does not replace another label.
        let id = self.check(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO volume (identity, label, mount, last_seen, bytes, hardware, disks)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?8)
                     ON CONFLICT (identity) DO UPDATE SET
                         label = CASE WHEN ?7 THEN ?2 ELSE label END, mount = ?3, last_seen = ?4,
                         bytes = coalesce(?5, bytes), hardware = coalesce(?6, hardware), disks = ?8
                     RETURNING id",
                )?
                .query_row(
                    params![
                        volume.identity,
                        volume.label,
                        to_bytes(volume.mount.as_os_str()),
                        unix_seconds(),
                        volume.size.map(stored),
                        volume.hardware,
                        volume.is_label_own,
                        disks.join("\n")
                    ],
                    |row| row.get(0),
                )
        })?;
        self.record_current_mounts()?;
        Ok(SeenVolume { id, last_seen })
    }

    /// Returns the row id of a volume; `None` if it was never seen.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn volume_id(&self, identity: &str) -> Result<Option<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT id FROM volume WHERE identity = ?1")?
                .query_row([identity], |row| row.get(0))
                .optional()
        })
    }

    /// Returns the identity of a volume.
    ///
    /// # Errors
    /// If `SQLite` fails, or there is no such volume.
    pub fn volume_identity(&self, volume: i64) -> Result<String, Error> {
        self.check(|connection| {
            connection
                .prepare_cached("SELECT identity FROM volume WHERE id = ?1")?
                .query_row([volume], |row| row.get(0))
        })
    }

    /// Changes the identity of a volume, unless another volume has the new identity.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn change_identity(&self, volume: &str, identity: &str) -> Result<(), Error> {
        self.check(|connection| {
            connection.execute(
                "UPDATE OR IGNORE volume SET identity = ?2 WHERE identity = ?1",
                [volume, identity],
            )
        })?;
        Ok(())
    }

    /// Returns the recorded properties that distinguish mounted volumes with equal identities.
    pub(super) fn known_volumes(&self) -> Result<Vec<KnownVolume>, Error> {
        self.check(|connection| {
            connection
                .prepare("SELECT identity, mount, hardware FROM volume")?
                .query_map([], |row| {
                    Ok(KnownVolume {
                        identity: row.get(0)?,
                        mount: PathBuf::from(from_bytes(row.get(1)?)),
                        hardware: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// Returns unmounted volumes that were last mounted at `root` or a folder above it. Skips mount
    /// points where another volume is mounted now, such as the next card in the same reader.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn unmounted_volumes_at(&self, root: &Path) -> Result<Vec<VolumeRow>, Error> {
        let mut rows = self.volume_rows(false)?;
        rows.retain(|row| row.mounted.is_none() && root.starts_with(&row.mount));
        // The files at `root` were on the volume with the deepest mount point.
        let deepest = rows.iter().map(|row| row.mount.as_os_str().len()).max();
        rows.retain(|row| Some(row.mount.as_os_str().len()) == deepest);
        let is_in_use = |mount: &Path| self.volumes.all().iter().any(|other| other.mount == *mount);
        rows.retain(|row| !is_in_use(&row.mount));
        Ok(rows)
    }

    /// Returns all volumes with their contents, sorted by label.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn all_volumes(&self) -> Result<Vec<VolumeRow>, Error> {
        self.volume_rows(true)
    }

    /// Returns all volumes without their contents, sorted by label.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn seen_volumes(&self) -> Result<Vec<VolumeRow>, Error> {
        self.volume_rows(false)
    }

    fn volume_rows(&self, with_clips: bool) -> Result<Vec<VolumeRow>, Error> {
        let mut rows: Vec<VolumeRow> = self.check(|connection| {
            connection
                .prepare(
                    "SELECT * FROM volume WHERE substr(identity, 1, length(?1)) <> ?1
                     ORDER BY coalesce(name, label), id",
                )?
                .query_map([FORGOTTEN], |row| self.volume_row(row))?
                .collect()
        })?;
        if with_clips {
            for row in &mut rows {
                self.count_clips(row)?;
            }
        }
        Ok(rows)
    }

    fn volume_row(&self, row: &Row<'_>) -> rusqlite::Result<VolumeRow> {
        let identity: String = row.get("identity")?;
        let name: Option<String> = row.get("name")?;
        let bytes: Option<i64> = row.get("bytes")?;
        Ok(VolumeRow {
            id: row.get("id")?,
            mounted: self.volumes.mount_of(&identity),
            identity,
            label: name.map_or_else(|| row.get("label"), Ok)?,
            mount: PathBuf::from(from_bytes(row.get("mount")?)),
            bytes: bytes.map(loaded),
            hardware: row.get("hardware")?,
            disks: lines(&row.get::<_, String>("disks")?),
            backing: Backing::parse(&row.get::<_, String>("backing")?),
            session: row.get("session")?,
            formats: row.get("formats")?,
            last_seen: row.get("last_seen")?,
            clips: 0,
            clip_bytes: 0,
            duration: Duration::from_micros(0),
            missing: 0,
        })
    }

    fn count_clips(&self, row: &mut VolumeRow) -> Result<(), Error> {
        let (clips, micros): (i64, i64) = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT count(*), CAST(total(duration) AS INTEGER) FROM clip WHERE id IN
                         (SELECT f.clip FROM file f JOIN dir d ON d.id = f.dir
                          WHERE d.volume = ?1 AND NOT f.was AND f.role = 0 AND f.state <> 2)",
                )?
                .query_row([row.id], |row| Ok((row.get(0)?, row.get(1)?)))
        })?;
        let (bytes, missing): (i64, i64) = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT CAST(total(f.bytes) FILTER (WHERE f.state <> 2) AS INTEGER),
                            count(*) FILTER (WHERE f.state = 2)
                     FROM file f JOIN dir d ON d.id = f.dir
                     WHERE d.volume = ?1 AND NOT f.was AND f.role = 0",
                )?
                .query_row([row.id], |row| Ok((row.get(0)?, row.get(1)?)))
        })?;
        row.clips = usize::try_from(clips).unwrap_or(0);
        row.duration = Duration::from_micros(loaded(micros));
        row.clip_bytes = loaded(bytes);
        row.missing = usize::try_from(missing).unwrap_or(0);
        Ok(())
    }

    /// Finds a volume by label or name, by mount point, or by a prefix of its identity.
    ///
    /// # Errors
    /// [`Error::NoVolume`], [`Error::AmbiguousVolume`], or if `SQLite` fails.
    pub fn find_volume(&self, text: &str) -> Result<VolumeRow, Error> {
        let rows = self.volume_rows(false)?;
        let is_label = |row: &VolumeRow| row.label == text;
        let is_mount =
            |row: &VolumeRow| row.mounted.as_deref().unwrap_or(&row.mount) == Path::new(text);
        let is_prefix = |row: &VolumeRow| text.len() >= 4 && row.identity.starts_with(text);
        // A complete identity is unique. A label may equal the name or mount point of another
        // volume, because it is chosen freely when a drive is formatted.
        let matchers: [&dyn Fn(&VolumeRow) -> bool; 3] = [
            &|row| row.identity == text,
            &|row| is_label(row) || is_mount(row),
            &is_prefix,
        ];
        for matches in matchers {
            let found: Vec<&VolumeRow> = rows.iter().filter(|row| matches(row)).collect();
            match found.as_slice() {
                [] => {}
                [row] => return Ok((*row).clone()),
                many => {
                    return Err(Error::AmbiguousVolume {
                        name: escape(text),
                        identities: many.iter().map(|row| escape(&row.identity)).collect(),
                    });
                }
            }
        }
        let labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
        Err(Error::NoVolume {
            name: escape(text),
            closest: crate::error::closest(text, &labels).map(escape),
        })
    }

    /// Sets the user's name for a volume, which replaces its label in all output.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written.
    pub fn rename_volume(&self, volume: i64, name: &str) -> Result<(), Error> {
        self.write_transaction(|| {
            self.check(|connection| {
                connection.execute(
                    "UPDATE volume SET name = ?2 WHERE id = ?1",
                    params![volume, name],
                )
            })?;
            self.touch_volume(volume)
        })
    }

    /// Records the user's name for the disk of a volume. It replaces an earlier name.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written.
    pub fn name_disk(&self, volume: &VolumeRow, disk: &str) -> Result<(), Error> {
        let reported = volume
            .disks
            .iter()
            .filter(|disk| !disk.starts_with(DISK_NAME_PREFIX));
        let mut disks: Vec<String> = reported.cloned().collect();
        disks.push(format!("{DISK_NAME_PREFIX}{disk}"));
        self.write_transaction(|| {
            self.check(|connection| {
                connection.execute(
                    "UPDATE volume SET disks = ?2 WHERE id = ?1",
                    params![volume.id, disks.join("\n")],
                )
            })?;
            self.record_current_mounts()
        })?;
        Ok(())
    }

    /// Marks all clips with a file on a volume as changed.
    fn touch_volume(&self, volume: i64) -> Result<(), Error> {
        for clip in self.clips_on(volume)? {
            self.touch(clip)?;
        }
        Ok(())
    }

    fn clips_on(&self, volume: i64) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT DISTINCT f.clip FROM file f JOIN dir d ON d.id = f.dir
                     WHERE d.volume = ?1 AND f.clip IS NOT NULL ORDER BY f.clip",
                )?
                .query_map([volume], |row| row.get(0))?
                .collect()
        })
    }

    /// Counts the clips that would be lost with a volume. A copy on another volume counts as
    /// certain only if the full hashes are equal.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn count_lost_clips(&self, volume: i64) -> Result<LostClips, Error> {
        let mut loss = LostClips::default();
        for clip in self.clips_on(volume)? {
            loss.clips += 1;
            let (here, elsewhere): (Vec<_>, Vec<_>) = self
                .hashed_files(clip)?
                .into_iter()
                // A view of this volume disappears with it.
                .filter(|copy| copy.volume == volume || copy.has_own_storage)
                .partition(|copy| copy.volume == volume);
            // The files on this volume may differ, so each needs a copy.
            let certainties = here
                .iter()
                .map(|file| CopyCertainty::from_files(file, &elsewhere));
            let without_files_here = if elsewhere.is_empty() {
                CopyCertainty::OnlyHere
            } else {
                CopyCertainty::Identical
            };
            match certainties.max().unwrap_or(without_files_here) {
                CopyCertainty::Identical => {}
                CopyCertainty::Unverified => loss.unverified += 1,
                CopyCertainty::OnlyHere => loss.only_here += 1,
            }
        }
        Ok(loss)
    }

    /// Removes a volume and its files from the catalogue. Keeps the edits of its clips in the
    /// journal, and the facts of their contents in case the volume returns.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written. In that case nothing is removed.
    pub fn forget_volume(&self, volume: i64) -> Result<(), Error> {
        self.write_transaction(|| {
            // The mounted volume may be evidence that another one was replaced.
            self.record_current_mounts()?;
            let clips = self.clips_on(volume)?;
            self.check(|connection| {
                let files =
                    "SELECT f.id FROM file f JOIN dir d ON d.id = f.dir WHERE d.volume = ?1";
                connection.execute(
                    &format!("UPDATE file SET original = NULL WHERE original IN ({files})"),
                    [volume],
                )?;
                connection.execute(&format!("DELETE FROM file WHERE id IN ({files})"), [volume])?;
                connection.execute("DELETE FROM dir WHERE volume = ?1", [volume])?;
                // The volume is kept if the ingest log refers to it.
                let kept = connection.execute(
                    "UPDATE volume SET identity = ?2 || id, mount = X''
                     WHERE id = ?1 AND EXISTS (SELECT 1 FROM ingest_place WHERE volume = ?1)",
                    params![volume, FORGOTTEN],
                )?;
                if kept > 0 {
                    return Ok(kept);
                }
                connection.execute("DELETE FROM volume WHERE id = ?1", [volume])
            })?;
            clips.into_iter().try_for_each(|clip| self.touch(clip))
        })
    }
}
