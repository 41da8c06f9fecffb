//! Volumes that were ever seen: what they are called, what is on them, and how to forget one.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, Row, params};

use super::files::{loaded, stored};
use super::{Catalogue, Hashed, unix_seconds};
use crate::error::{Error, escape};
use crate::value::{Duration, from_bytes, to_bytes};
use crate::volume::{Backing, KnownVolume, Volume};

/// A volume that was ever seen.
#[derive(Debug, Clone)]
pub struct VolumeRow {
    /// Its number here.
    pub id: i64,
    /// What it is known by.
    pub identity: String,
    /// What people call it, else what it calls itself.
    pub label: String,
    /// Where it is mounted now; `None` while it is not.
    pub mounted: Option<PathBuf>,
    /// Where it was last mounted.
    pub mount: PathBuf,
    /// How large it is.
    pub bytes: Option<u64>,
    /// Serial of the disk it is on, or server of the share.
    pub hardware: Option<String>,
    /// Every one that it was ever seen on, and `said:` with what a person calls its disk.
    pub disks: Vec<String>,
    /// What it is on, where that is no disk of its own; `None` for a volume that was not seen since that is recorded.
    pub backing: Option<Backing>,
    /// Number of the mount, counted up each time it is mounted.
    pub session: i64,
    /// How often its filesystem was found to be another one under the same identity.
    pub formats: i64,
    /// When it was last seen, seconds since 1970 UTC.
    pub last_seen: i64,
    /// Clips that have a file on it, missing ones left out.
    pub clips: usize,
    /// Bytes of these files.
    pub clip_bytes: u64,
    /// How long these clips run together.
    pub duration: Duration,
    /// Files of it that are missing.
    pub missing: usize,
}

/// What would be lost with a volume.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loss {
    /// Clips that no other volume holds.
    pub only_here: usize,
    /// Clips that another volume holds too, but whose copies were never compared in full.
    pub unproved: usize,
    /// All clips that have a file on it.
    pub clips: usize,
}

/// What would become of a file's content without the file, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// Another file holds the same, to the last byte.
    Proved,
    /// Another file may.
    Unproved,
    /// No other does.
    OnlyHere,
}

impl Fate {
    fn of(file: &Hashed, others: &[Hashed]) -> Self {
        let beside = |other: &Hashed| match file.digest.zip(other.digest) {
            Some((one, other)) if one == other => Self::Proved,
            Some(_) => Self::OnlyHere,
            None => Self::Unproved,
        };
        others.iter().map(beside).min().unwrap_or(Self::OnlyHere)
    }
}

/// What a scan learns when it sees a volume.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Its number.
    pub id: i64,
    /// When it was seen the time before, seconds since 1970 UTC; 0 when it is new.
    pub before: i64,
}

/// What the identity of a volume begins with that was forgotten, and that the log of ingests still names.
pub(super) const FORGOTTEN: &str = "forgotten:";
/// What a person says of a disk begins with this among what systems told.
pub const SAID: &str = "said:";

pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

impl Catalogue {
    /// The numbers of the volumes that are mounted now.
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

    /// Notes a volume as seen, mounted where it is.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn see_volume(&self, volume: &Volume) -> Result<Seen, Error> {
        let before: Option<(i64, String)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT last_seen, disks FROM volume WHERE identity = ?1")?
                .query_row([&volume.identity], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        let (before, disks) = before.unwrap_or_default();
        let mut disks = lines(&disks);
        let hardware = volume.hardware.iter().map(|told| told.replace('\n', " "));
        disks.extend(
            hardware
                .filter(|told| !disks.contains(told))
                .collect::<Vec<_>>(),
        );
        // A label that only says where it was mounted does not take the place of another.
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
        self.look()?;
        Ok(Seen { id, before })
    }

    /// The number of a volume, if it was ever seen.
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

    /// What tells a volume, given by its number, from others.
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

    /// Has a volume be known by another identity from now on, unless that one is known already.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn identify_anew(&self, volume: &str, identity: &str) -> Result<(), Error> {
        self.check(|connection| {
            connection.execute(
                "UPDATE OR IGNORE volume SET identity = ?2 WHERE identity = ?1",
                [volume, identity],
            )
        })?;
        Ok(())
    }

    /// What was recorded of each volume, to tell those apart that look alike.
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

    /// Volumes that were last mounted at `root` or above it and are not mounted now, unless
    /// another has their place: then they are on a shelf, as one card is while the next is read.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn away_from(&self, root: &Path) -> Result<Vec<VolumeRow>, Error> {
        let mut rows = self.volume_rows(false)?;
        rows.retain(|row| row.mounted.is_none() && root.starts_with(&row.mount));
        // What lies deepest was in front of the rest.
        let deepest = rows.iter().map(|row| row.mount.as_os_str().len()).max();
        rows.retain(|row| Some(row.mount.as_os_str().len()) == deepest);
        let is_taken = |mount: &Path| self.volumes.all().iter().any(|other| other.mount == *mount);
        rows.retain(|row| !is_taken(&row.mount));
        Ok(rows)
    }

    /// Every volume that was ever seen, with what is on it, in the order of their labels.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn all_volumes(&self) -> Result<Vec<VolumeRow>, Error> {
        self.volume_rows(true)
    }

    /// … without what is on it.
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

    /// The volume that `text` means: its label or name, its mount point, or the beginning of
    /// its identity.
    ///
    /// # Errors
    /// [`Error::NoVolume`], [`Error::AmbiguousVolume`], or when `SQLite` fails.
    pub fn find_volume(&self, text: &str) -> Result<VolumeRow, Error> {
        let rows = self.volume_rows(false)?;
        let is_label = |row: &VolumeRow| row.label == text;
        let is_mount =
            |row: &VolumeRow| row.mounted.as_deref().unwrap_or(&row.mount) == Path::new(text);
        let is_begun = |row: &VolumeRow| text.len() >= 4 && row.identity.starts_with(text);
        // The whole identity means one alone; a label may be what another is called or where
        // another is mounted, as whoever formats a drive pleases.
        let ways: [&dyn Fn(&VolumeRow) -> bool; 3] = [
            &|row| row.identity == text,
            &|row| is_label(row) || is_mount(row),
            &is_begun,
        ];
        for way in ways {
            let found: Vec<&VolumeRow> = rows.iter().filter(|row| way(row)).collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok((*one).clone()),
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

    /// Calls a volume something else, in every search result from now on.
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

    /// Notes what a person says of the disk that a volume is on, in the place of what was said before.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written.
    pub fn say_disk(&self, volume: &VolumeRow, disk: &str) -> Result<(), Error> {
        let told = volume.disks.iter().filter(|disk| !disk.starts_with(SAID));
        let mut disks: Vec<String> = told.cloned().collect();
        disks.push(format!("{SAID}{disk}"));
        self.write_transaction(|| {
            self.check(|connection| {
                connection.execute(
                    "UPDATE volume SET disks = ?2 WHERE id = ?1",
                    params![volume.id, disks.join("\n")],
                )
            })?;
            self.look()
        })?;
        Ok(())
    }

    /// Every view hears of the clips that have a file on a volume.
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

    /// What would be lost with a volume. Only full hashes prove a copy.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn loss_of(&self, volume: i64) -> Result<Loss, Error> {
        let mut loss = Loss::default();
        for clip in self.clips_on(volume)? {
            loss.clips += 1;
            let (here, elsewhere): (Vec<_>, Vec<_>) = self
                .hashed(clip)?
                .into_iter()
                // What another volume only shows goes with this one.
                .filter(|copy| copy.volume == volume || copy.is_kept)
                .partition(|copy| copy.volume == volume);
            // Each of its files here may hold something else, so each needs its own copy.
            let fates = here.iter().map(|one| Fate::of(one, &elsewhere));
            let nothing_here = if elsewhere.is_empty() {
                Fate::OnlyHere
            } else {
                Fate::Proved
            };
            match fates.max().unwrap_or(nothing_here) {
                Fate::Proved => {}
                Fate::Unproved => loss.unproved += 1,
                Fate::OnlyHere => loss.only_here += 1,
            }
        }
        Ok(loss)
    }

    /// Forgets a volume and its files. What people said of its clips stays in the journal, and
    /// what was found out of their content stays too, should it come back.
    ///
    /// # Errors
    /// If `SQLite` fails, or the catalogue cannot be written; then nothing was forgotten.
    pub fn forget_volume(&self, volume: i64) -> Result<(), Error> {
        self.write_transaction(|| {
            // It may be known by it that another volume is gone.
            self.look()?;
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
                // The log of ingests goes on telling what was copied there.
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
