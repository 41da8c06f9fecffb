//! Finds the copies of a card's files: what the catalogue recorded, and what is at their paths now.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;

use super::check_run::{CheckRun, Event};
use super::copy_state::Observation;
use super::copy_volume::{CopyVolume, VolumeCache};
use super::verdict::{CardLocation, CountedCopies, Requirements, count_copies};
use crate::catalogue::{
    CHANGED_SINCE_VERIFIED, Catalogue, CopyFound, CopyState, DISK_NAME_PREFIX, Disks, Finding,
    HashRecord, MountedWith, RecordedPath, VolumeRow, WholeHash, how_read, unix_seconds,
};
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::offload::{Item, Lane, ReadMethod};
use crate::source_file::Stamp;
use crate::value::Fingerprint;
use crate::volume::{Drive, Volume, Volumes};

/// Hash and size that identify a content.
type Content = (Fingerprint, u64);

/// Copy to read and hash.
struct ToRead {
    /// Volume id, and path relative to the root of the volume.
    at: (i64, PathBuf),
    /// Current absolute path.
    path: PathBuf,
    item: Item,
}

/// Recorded and observed facts about all copies of the card's contents.
pub(super) struct KnownCopies {
    recorded: BTreeMap<Content, Vec<RecordedPath>>,
    /// Current state of each path, by volume id and path.
    observations: BTreeMap<(i64, PathBuf), Observation>,
    pub(super) copy_volumes: BTreeMap<i64, CopyVolume>,
    rows: BTreeMap<i64, VolumeRow>,
}

/// Looks up copies in the catalogue and checks those on mounted volumes. `card` is the device that
/// the card is on.
pub(super) fn find(
    contents: &BTreeSet<Content>,
    card: &Drive,
    catalogue: &Catalogue,
) -> Result<KnownCopies, Error> {
    let rows = catalogue.seen_volumes()?;
    let volumes = catalogue.volumes();
    let mut replaced = catalogue.replaced()?;
    let mut copy_volumes: BTreeMap<i64, CopyVolume> = BTreeMap::new();
    for row in &rows {
        let mut copy_volume = describe_volume(row, &rows, card, volumes);
        copy_volume.replaced_by = replaced.remove(&row.id);
        copy_volumes.insert(row.id, copy_volume);
    }
    follow_images(&mut copy_volumes, &rows);
    for copy_volume in copy_volumes
        .values_mut()
        .filter(|copy_volume| copy_volume.is_share)
    {
        copy_volume.mounted_with = catalogue.mounted_with(&copy_volume.identity)?;
    }
    let mut found = KnownCopies {
        recorded: catalogue.recorded_paths(contents)?,
        observations: BTreeMap::new(),
        copy_volumes,
        rows: rows.into_iter().map(|row| (row.id, row)).collect(),
    };
    let mut folders = HashMap::new();
    for recorded in found.recorded.values().flatten() {
        let Some(row) = found.rows.get(&recorded.volume) else {
            continue;
        };
        let observation = || observe(row, &recorded.path, volumes, &mut folders);
        let at = (recorded.volume, recorded.path.clone());
        found.observations.entry(at).or_insert_with(observation);
    }
    Ok(found)
}

/// Collects the recorded facts about a volume, and those that the system reports now.
fn describe_volume(
    row: &VolumeRow,
    rows: &[VolumeRow],
    card: &Drive,
    volumes: &Volumes,
) -> CopyVolume {
    let mounted = || {
        let all = volumes.all().iter();
        all.filter(|volume| volume.identity == row.identity)
    };
    let now = mounted().find_map(|volume| volume.hardware.clone());
    let mut disk_names = row.disks.clone();
    disk_names.extend(now.filter(|now| !row.disks.contains(now)));
    // Byte-for-byte copies of a disk share one identity: only a serial number distinguishes them.
    let base = |identity: &str| identity.split('@').next().map(str::to_owned);
    let twins = rows
        .iter()
        .filter(|other| base(&other.identity) == base(&row.identity));
    let is_twin = twins.count() > 1;
    let backing = mounted()
        .next()
        .map(|volume| volumes.backing(volume))
        .or_else(|| row.backing.clone());
    // Volumes last seen before the storage was recorded may have been in memory.
    let is_unrecorded = backing.is_none();
    let is_ignored =
        |disk_names: &str| (is_twin || is_unrecorded) && disk_names.starts_with(DISK_NAME_PREFIX);
    let countable = disk_names.iter().map(String::as_str);
    let countable = countable.filter(|disk_names| !is_ignored(disk_names));
    let disks = Disks::new(countable);
    CopyVolume {
        label: row.label.clone(),
        identity: row.identity.clone(),
        all_disks: disks.clone(),
        disks,
        held_by: Vec::new(),
        is_mounted: row.mounted.is_some(),
        is_on_other_device: mounted().any(|volume| volume.drive.name != card.name),
        is_share: is_share(row, volumes),
        is_disk_named_by_user: row
            .disks
            .iter()
            .any(|disk| disk.starts_with(DISK_NAME_PREFIX)),
        backing: backing.unwrap_or_default(),
        cache: mounted().next().map_or(VolumeCache::None, cache),
        mounted_with: MountedWith::new(),
        replaced_by: None,
        formats: row.formats,
        disk_names,
    }
}

/// Applies the facts about a volume to each volume in an image file on it. The system disk is
/// skipped, because the user names the disk of images there.
fn follow_images(copy_volumes: &mut BTreeMap<i64, CopyVolume>, rows: &[VolumeRow]) {
    let holders: BTreeMap<String, CopyVolume> = rows
        .iter()
        .filter(|row| row.mount != Path::new("/"))
        .filter_map(|row| Some((row.identity.clone(), copy_volumes.get(&row.id)?.clone())))
        .collect();
    for copy_volume in copy_volumes.values_mut() {
        for image in &copy_volume.backing.images {
            let Some(holder) = holders.get(&image.volume) else {
                continue;
            };
            copy_volume.all_disks.extend(&holder.disks);
            copy_volume.held_by.push(image.volume.clone());
            copy_volume.is_share |= holder.is_share;
            copy_volume.is_on_other_device &= !holder.is_mounted || holder.is_on_other_device;
            copy_volume.replaced_by = copy_volume
                .replaced_by
                .take()
                .or(holder.replaced_by.clone());
        }
    }
}

fn cache(volume: &Volume) -> VolumeCache {
    match (volume.has_own_cache(), volume.is_cache_dropped_on_unmount()) {
        (false, _) => VolumeCache::None,
        (true, true) => VolumeCache::UntilUnmounted,
        (true, false) => VolumeCache::Always,
    }
}

/// Returns true if the system reports the volume as a share now, or it was recorded as one.
fn is_share(row: &VolumeRow, volumes: &Volumes) -> bool {
    let mut all = volumes.all().iter();
    let is_now = all.any(|volume| volume.identity == row.identity && volume.is_share());
    let is_recorded = row.disks.iter().any(|disk| disk.starts_with("server:"));
    is_now || is_recorded || row.identity.starts_with("share:")
}

/// Returns true if the observed file may be the one that was recorded in the claim.
fn is_as_seen(claim: &HashRecord, observation: &Observation) -> bool {
    match observation {
        Observation::Missing => false,
        Observation::File(now, keeps_ctime) => {
            let is_untouched = |then: Stamp| then.is_like(now, *keeps_ctime);
            claim.stamp.is_none_or(is_untouched)
        }
        Observation::NotMounted | Observation::Unreadable(_) | Observation::Read(..) => true,
    }
}

/// Checks the file at a path of a volume. If a link or mount redirects the path to another folder,
/// the file is not a copy. `folders` caches the resolved path of each folder.
fn observe(
    row: &VolumeRow,
    inside: &Path,
    volumes: &Volumes,
    folders: &mut HashMap<PathBuf, Result<PathBuf, Observation>>,
) -> Observation {
    let Some(path) = volumes.path(&row.identity, inside) else {
        return observe_unmounted(row, volumes);
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Observation::Missing;
    };
    let real = folders
        .entry(folder.to_owned())
        .or_insert_with(|| fs::canonicalize(folder).map_err(|error| observe_error(&error)));
    let real = match real {
        Ok(real) => real.join(name),
        Err(observation) => return observation.clone(),
    };
    let (volume, there) = volumes.locate(&real);
    if volume.identity != row.identity {
        return Observation::Unreadable("a link or mount leads to another volume".to_owned());
    }
    if there != inside {
        return Observation::Unreadable("a link or mount leads to another folder".to_owned());
    }
    match real.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => Observation::File(
            Stamp::from_metadata(&metadata),
            volume.detects_writes_by_ctime(),
        ),
        Ok(_) => Observation::Missing,
        Err(error) => observe_error(&error),
    }
}

/// Returns `NotMounted`, unless the volume may be mounted but the user may not read its uuid: a
/// volume of unknown identity is at the same mount point, or its size is equal or unknown.
fn observe_unmounted(row: &VolumeRow, volumes: &Volumes) -> Observation {
    let is_other_size = |other: &Volume| {
        let sizes = other.size.zip(row.bytes);
        sizes.is_some_and(|(one, other)| one != other)
    };
    let is_nameless = |other: &&Volume| {
        let backing = volumes.backing(other);
        other.identity.starts_with("label:") && !backing.is_memory && !backing.is_view
    };
    let mut nameless = volumes.all().iter().filter(is_nameless);
    let is_hidden = row.identity.starts_with("uuid:")
        && nameless.any(|other| other.mount == row.mount || !is_other_size(other));
    if is_hidden {
        let reason = "it may be mounted, but you have no permission to read its uuid";
        return Observation::Unreadable(reason.to_owned());
    }
    Observation::NotMounted
}

fn observe_error(error: &std::io::Error) -> Observation {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Observation::Missing,
        _ => Observation::Unreadable(error.to_string()),
    }
}

impl KnownCopies {
    /// Counts the copies of a content.
    pub(super) fn count_copies(
        &self,
        content: Content,
        card: &CardLocation,
        requirements: Requirements,
    ) -> CountedCopies {
        let recorded = self.recorded.get(&content).into_iter().flatten();
        let at: Vec<_> = recorded
            .filter_map(|recorded| {
                let row = self.rows.get(&recorded.volume)?;
                let mount = row.mounted.as_ref().unwrap_or(&row.mount);
                let root = recorded.root.as_ref().map(|root| mount.join(root));
                let observation = self
                    .observations
                    .get(&(recorded.volume, recorded.path.clone()))?;
                Some((recorded, mount.join(&recorded.path), root, observation))
            })
            .collect();
        count_copies(content, &at, card, &self.copy_volumes, requirements)
    }

    /// Records copies that are missing or changed since they were verified, because this cannot be
    /// seen after their drive is unmounted. A failure to write the catalogue does not change the
    /// verdict.
    pub(super) fn record_doubts(&self, catalogue: &Catalogue) {
        let now = unix_seconds();
        let mut findings = Vec::new();
        let mut hashes: BTreeMap<i64, Vec<&Path>> = BTreeMap::new();
        for recorded in self.recorded.values().flatten() {
            let at = (recorded.volume, recorded.path.clone());
            let Some(observation) = self.observations.get(&at) else {
                continue;
            };
            for claim in &recorded.records {
                if claim.state != CopyState::Verified || is_as_seen(claim, observation) {
                    continue;
                }
                let is_missing = *observation == Observation::Missing;
                let Some(logged) = &claim.logged else {
                    hashes
                        .entry(recorded.volume)
                        .or_default()
                        .push(&recorded.path);
                    continue;
                };
                let Some(digest) = logged.digest.clone() else {
                    continue;
                };
                let found = CopyFound {
                    state: if is_missing {
                        CopyState::Missing
                    } else {
                        CopyState::Unread
                    },
                    how: None,
                    at: now,
                    problem: (!is_missing).then(|| CHANGED_SINCE_VERIFIED.to_owned()),
                    stamp: claim.stamp,
                };
                findings.push(Finding::Rechecked(logged.file, logged.place, digest, found));
            }
        }
        let _ = catalogue.record_findings(&findings);
        for (volume, paths) in hashes {
            let _ = catalogue.mark_hashes_suspect(volume, &paths);
        }
    }

    /// Reads every copy whose volume is mounted, except on the card's volume, and records the
    /// results.
    pub(super) fn read(
        &mut self,
        card: &CardLocation,
        catalogue: &Catalogue,
        run: &mut CheckRun<'_>,
    ) -> Result<(), Error> {
        let volumes = catalogue.volumes();
        let mut files: BTreeMap<Drive, Vec<ToRead>> = BTreeMap::new();
        for ((volume, inside), observation) in &self.observations {
            let row = self
                .rows
                .get(volume)
                .filter(|_| Some(*volume) != card.volume);
            let Some(identity) = row.map(|row| row.identity.as_str()) else {
                continue;
            };
            if let Observation::File(now, _) = observation
                && let Some(path) = volumes.path(identity, inside)
            {
                let item = Item {
                    inside: inside.clone(),
                    bytes: now.bytes,
                    modified: now.modified,
                };
                let drive = volumes.drive(identity).unwrap_or_else(Drive::unknown);
                let at = (*volume, inside.clone());
                let of_drive = files.entry(drive).or_default();
                of_drive.push(ToRead { at, path, item });
            }
        }
        run.report(Event::CopiesStarted {
            files: files.values().map(Vec::len).sum(),
            bytes: files.values().flatten().map(|file| file.item.bytes).sum(),
        });
        let now = unix_seconds();
        let missing = self
            .observations
            .iter()
            .filter(|(_, observation)| **observation == Observation::Missing);
        let missing: Vec<_> = missing
            .map(|(at, _)| (at.clone(), CopyReading::Missing(now)))
            .collect();
        let mut readings = read_all(&files, run);
        let known = self.by_path();
        for ((volume, path), reading) in &mut readings {
            if let CopyReading::Read(_, how, stamp, _) = reading
                && let Some(recorded) = known.get(&(*volume, path.as_path()))
            {
                let earlier = recorded.records.iter().filter_map(HashRecord::earlier);
                *how = how_read(*how, stamp, self.session(*volume), earlier);
            }
        }
        let observations = readings
            .iter()
            .map(|(at, reading)| (at.clone(), reading.observation()));
        self.observations.extend(observations);
        readings.extend(missing);
        self.record(&readings, catalogue)
    }

    /// Indexes the recorded copies by volume id and path.
    fn by_path(&self) -> BTreeMap<(i64, &Path), &RecordedPath> {
        let all = self.recorded.values().flatten();
        all.map(|recorded| ((recorded.volume, recorded.path.as_path()), recorded))
            .collect()
    }

    /// Returns the mount session of a volume if unmounting it drops the only cache that could answer
    /// a read.
    fn session(&self, volume: i64) -> Option<i64> {
        let cache = self.copy_volumes.get(&volume)?.cache;
        let is_asked = cache == VolumeCache::UntilUnmounted;
        let row = self.rows.get(&volume).filter(|_| is_asked)?;
        Some(row.session)
    }

    /// Writes the results to the ingest log and the hash table of the catalogue.
    fn record(
        &self,
        readings: &[((i64, PathBuf), CopyReading)],
        catalogue: &Catalogue,
    ) -> Result<(), Error> {
        let known = self.by_path();
        let mut findings = Vec::new();
        let mut hashes: BTreeMap<i64, Vec<(PathBuf, u64, Option<WholeHash>)>> = BTreeMap::new();
        for ((volume, path), reading) in readings {
            let Some(recorded) = known.get(&(*volume, path.as_path())) else {
                continue;
            };
            let claims = recorded.records.iter();
            findings.extend(claims.filter_map(|claim| reading.finding(claim)));
            let is_known = |hash: &WholeHash| {
                let mut claims = recorded.records.iter();
                claims.any(|claim| claim.content == hash.digest && claim.bytes == reading.bytes())
            };
            let hash = reading.hash().filter(is_known);
            let of_volume = hashes.entry(*volume).or_default();
            of_volume.push((path.clone(), reading.bytes(), hash));
        }
        catalogue.record_findings(&findings)?;
        for (volume, hashes) in hashes {
            catalogue.record_hashes(volume, &hashes)?;
        }
        Ok(())
    }
}

/// Result of reading one copy.
enum CopyReading {
    Read(Fingerprint, ReadMethod, Stamp, i64),
    Missing(i64),
    Unread(String, i64),
}

impl CopyReading {
    fn observation(&self) -> Observation {
        match self {
            Self::Read(hash, how, stamp, at) => Observation::Read(*hash, *stamp, *at, *how),
            Self::Missing(_) => Observation::Missing,
            Self::Unread(reason, _) => Observation::Unreadable(reason.clone()),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Read(_, _, stamp, _) => stamp.bytes,
            Self::Missing(_) | Self::Unread(..) => 0,
        }
    }

    fn hash(&self) -> Option<WholeHash> {
        match self {
            Self::Read(digest, how, stamp, at) => Some(WholeHash {
                digest: *digest,
                at: *at,
                how: Some(*how),
                changed: stamp.changed,
            }),
            Self::Missing(_) | Self::Unread(..) => None,
        }
    }

    /// Converts the result to a finding about a copy in the ingest log.
    fn finding(&self, claim: &HashRecord) -> Option<Finding> {
        let logged = claim.logged.as_ref();
        // The ingest found a different file at this path, so this is not a copy.
        let logged = logged.filter(|_| claim.state != CopyState::NotCopied)?;
        let problem = logged.problem.clone();
        let found = match self {
            Self::Read(hash, how, stamp, at) => {
                let is_same = *hash == claim.content && stamp.bytes == claim.bytes;
                CopyFound {
                    state: if is_same {
                        CopyState::Verified
                    } else {
                        CopyState::Altered
                    },
                    how: Some(how.name().to_owned()),
                    at: *at,
                    problem: problem.filter(|_| is_same && claim.state == CopyState::Verified),
                    stamp: Some(*stamp),
                }
            }
            Self::Missing(at) => CopyFound {
                state: CopyState::Missing,
                how: None,
                at: *at,
                problem: None,
                stamp: None,
            },
            Self::Unread(reason, at) => CopyFound {
                state: CopyState::Unread,
                how: None,
                at: *at,
                problem: Some(reason.clone()),
                stamp: None,
            },
        };
        let digest = logged.digest.clone()?;
        Some(Finding::Rechecked(logged.file, logged.place, digest, found))
    }
}

/// Reads and hashes the files of all devices in parallel.
fn read_all(
    files: &BTreeMap<Drive, Vec<ToRead>>,
    run: &mut CheckRun<'_>,
) -> Vec<((i64, PathBuf), CopyReading)> {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let lanes: Vec<Lane<'_>> = files
        .iter()
        .map(|(drive, files)| Lane {
            readers: drive.kind.readers(jobs),
            files: files
                .iter()
                .map(|file| (file.path.clone(), &file.item, vec![HashKind::Xxh128]))
                .collect(),
        })
        .collect();
    let all: Vec<&Vec<ToRead>> = files.values().collect();
    let mut read = Vec::new();
    let name = |lane: usize, at: usize| all[lane][at].path.clone();
    run.hash_files(&lanes, &name, &mut |lane, at, outcome| {
        let file = &all[lane][at];
        let now = unix_seconds();
        let reading = match outcome {
            Ok(read) => match read.hashes.first().and_then(Checksum::fingerprint) {
                Some(hash) => CopyReading::Read(hash, read.how, read.stamp, now),
                None => CopyReading::Unread("not hashed".to_owned(), now),
            },
            Err(error) => match observe_error(&error) {
                Observation::Missing => CopyReading::Missing(now),
                _ => CopyReading::Unread(error.to_string(), now),
            },
        };
        read.push((file.at.clone(), reading));
    });
    read
}
