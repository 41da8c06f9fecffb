//! Copies of what is on a card: what the catalogue knows of them, and what is seen where they should be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;

use super::Event;
use super::copy_state::{Sight, is_untouched};
use super::verdict::{Counted, OfCard, Shelf, ShelfCache, Wanted, counted};
use crate::catalogue::{
    Catalogue, CopyFound, CopyState, DISK_NAME_PREFIX, Disks, Finding, HashRecord, MountedWith,
    RecordedPath, VolumeRow, WholeHash, how_read, unix_seconds,
};
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::media::Cancel;
use crate::offload::{Heard, How, Item, Lane, hash_files};
use crate::source_file::Stamp;
use crate::value::Fingerprint;
use crate::volume::{Drive, Volume, Volumes};

/// A content's bytes and hash.
type Content = (Fingerprint, u64);

/// A copy that is to be read.
struct ToRead {
    /// Its volume, and where it is there.
    at: (i64, PathBuf),
    /// Where it is now.
    path: PathBuf,
    item: Item,
}

/// Everything that is known of some contents' copies.
pub(super) struct Found {
    stood: BTreeMap<Content, Vec<RecordedPath>>,
    /// What is seen at each path, given with its volume.
    sights: BTreeMap<(i64, PathBuf), Sight>,
    pub(super) shelves: BTreeMap<i64, Shelf>,
    rows: BTreeMap<i64, VolumeRow>,
}

/// Asks the catalogue, and looks at what is mounted. `card`: the device that the card is on.
pub(super) fn find(
    contents: &BTreeSet<Content>,
    card: &Drive,
    catalogue: &Catalogue,
) -> Result<Found, Error> {
    let rows = catalogue.seen_volumes()?;
    let volumes = catalogue.volumes();
    let mut replaced = catalogue.replaced()?;
    let mut shelves: BTreeMap<i64, Shelf> = BTreeMap::new();
    for row in &rows {
        let mut shelf = shelf(row, &rows, card, volumes);
        shelf.replaced_by = replaced.remove(&row.id);
        shelves.insert(row.id, shelf);
    }
    follow_images(&mut shelves, &rows);
    for shelf in shelves.values_mut().filter(|shelf| shelf.is_share) {
        shelf.mounted_with = catalogue.mounted_with(&shelf.identity)?;
    }
    let mut found = Found {
        stood: catalogue.recorded_paths(contents)?,
        sights: BTreeMap::new(),
        shelves,
        rows: rows.into_iter().map(|row| (row.id, row)).collect(),
    };
    let mut folders = HashMap::new();
    for stood in found.stood.values().flatten() {
        let Some(row) = found.rows.get(&stood.volume) else {
            continue;
        };
        let sight = || seen(row, &stood.path, volumes, &mut folders);
        let at = (stood.volume, stood.path.clone());
        found.sights.entry(at).or_insert_with(sight);
    }
    Ok(found)
}

/// What a volume was ever told to be on, and is by what its system says now.
fn shelf(row: &VolumeRow, rows: &[VolumeRow], card: &Drive, volumes: &Volumes) -> Shelf {
    let mounted = || {
        let all = volumes.all().iter();
        all.filter(|volume| volume.identity == row.identity)
    };
    let now = mounted().find_map(|volume| volume.hardware.clone());
    let mut told = row.disks.clone();
    told.extend(now.filter(|now| !row.disks.contains(now)));
    // Of copies of whole disks only a serial tells which is which.
    let base = |identity: &str| identity.split('@').next().map(str::to_owned);
    let twins = rows
        .iter()
        .filter(|other| base(&other.identity) == base(&row.identity));
    let is_twin = twins.count() > 1;
    let backing = mounted()
        .next()
        .map(|volume| volumes.backing(volume))
        .or_else(|| row.backing.clone());
    // What was last seen before it was recorded what it is on may have been in memory.
    let is_unrecorded = backing.is_none();
    let is_nothing = |told: &str| (is_twin || is_unrecorded) && told.starts_with(DISK_NAME_PREFIX);
    let counted = told.iter().map(String::as_str);
    let counted = counted.filter(|told| !is_nothing(told));
    let disks = Disks::new(counted);
    Shelf {
        label: row.label.clone(),
        identity: row.identity.clone(),
        all_disks: disks.clone(),
        disks,
        held_by: Vec::new(),
        is_mounted: row.mounted.is_some(),
        is_beside: mounted().any(|volume| volume.drive.name != card.name),
        is_share: is_share(row, volumes),
        is_disk_said: row
            .disks
            .iter()
            .any(|disk| disk.starts_with(DISK_NAME_PREFIX)),
        backing: backing.unwrap_or_default(),
        cache: mounted().next().map_or(ShelfCache::None, cache),
        mounted_with: MountedWith::new(),
        replaced_by: None,
        formats: row.formats,
        told,
    }
}

/// What befalls the volume that holds an image file befalls the image, too. The system disk is left out: an image there is
/// on the disk that a person says.
fn follow_images(shelves: &mut BTreeMap<i64, Shelf>, rows: &[VolumeRow]) {
    let holders: BTreeMap<String, Shelf> = rows
        .iter()
        .filter(|row| row.mount != Path::new("/"))
        .filter_map(|row| Some((row.identity.clone(), shelves.get(&row.id)?.clone())))
        .collect();
    for shelf in shelves.values_mut() {
        for image in &shelf.backing.images {
            let Some(holder) = holders.get(&image.volume) else {
                continue;
            };
            shelf.all_disks.extend(&holder.disks);
            shelf.held_by.push(image.volume.clone());
            shelf.is_share |= holder.is_share;
            shelf.is_beside &= !holder.is_mounted || holder.is_beside;
            shelf.replaced_by = shelf.replaced_by.take().or(holder.replaced_by.clone());
        }
    }
}

fn cache(volume: &Volume) -> ShelfCache {
    match (volume.has_own_cache(), volume.forgets_unmounted()) {
        (false, _) => ShelfCache::None,
        (true, true) => ShelfCache::UntilUnmounted,
        (true, false) => ShelfCache::Always,
    }
}

/// Whether another machine answers for a volume: as its system says while it is mounted, and by what was told of it.
fn is_share(row: &VolumeRow, volumes: &Volumes) -> bool {
    let mut all = volumes.all().iter();
    let is_now = all.any(|volume| volume.identity == row.identity && volume.is_share());
    let is_told = row.disks.iter().any(|disk| disk.starts_with("server:"));
    is_now || is_told || row.identity.starts_with("share:")
}

/// Whether what is seen may be what a claim says.
fn is_as_seen(claim: &HashRecord, sight: &Sight) -> bool {
    match sight {
        Sight::Gone => false,
        Sight::File(now, is_change_kept) => {
            let is_untouched = |then| is_untouched(then, *now, *is_change_kept);
            claim.stamp.is_none_or(is_untouched)
        }
        Sight::Away | Sight::Unreadable(_) | Sight::Read(..) => true,
    }
}

/// What is at a path of a volume now. A link or a mount on the way may lead elsewhere, where the copy is no copy more;
/// `folders` remembers where folders lead.
fn seen(
    row: &VolumeRow,
    inside: &Path,
    volumes: &Volumes,
    folders: &mut HashMap<PathBuf, Result<PathBuf, Sight>>,
) -> Sight {
    let Some(path) = volumes.path(&row.identity, inside) else {
        return unseen_volume(row, volumes);
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Sight::Gone;
    };
    let real = folders
        .entry(folder.to_owned())
        .or_insert_with(|| fs::canonicalize(folder).map_err(|error| unseen(&error)));
    let real = match real {
        Ok(real) => real.join(name),
        Err(sight) => return sight.clone(),
    };
    let (volume, there) = volumes.of(&real);
    if volume.identity != row.identity {
        return Sight::Unreadable("a link, or a mount, leads to another volume".to_owned());
    }
    if there != inside {
        return Sight::Unreadable("a link, or a mount, leads to another folder".to_owned());
    }
    match real.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => {
            Sight::File(Stamp::of(&metadata), volume.is_told_by_change_time())
        }
        Ok(_) => Sight::Gone,
        Err(error) => unseen(&error),
    }
}

/// A volume that is not mounted, unless it may be one of those whose uuids this user may not read: one at its place, or one of
/// its size or of unknown size at another.
fn unseen_volume(row: &VolumeRow, volumes: &Volumes) -> Sight {
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
        let reason = "it may be mounted, but you may not ask which volume that is";
        return Sight::Unreadable(reason.to_owned());
    }
    Sight::Away
}

fn unseen(error: &std::io::Error) -> Sight {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Sight::Gone,
        _ => Sight::Unreadable(error.to_string()),
    }
}

impl Found {
    /// Counts the copies of a content.
    pub(super) fn counted(&self, content: Content, card: &OfCard, wanted: Wanted) -> Counted {
        let stood = self.stood.get(&content).into_iter().flatten();
        let at: Vec<_> = stood
            .filter_map(|stood| {
                let row = self.rows.get(&stood.volume)?;
                let mount = row.mounted.as_ref().unwrap_or(&row.mount);
                let root = stood.root.as_ref().map(|root| mount.join(root));
                let sight = self.sights.get(&(stood.volume, stood.path.clone()))?;
                Some((stood, mount.join(&stood.path), root, sight))
            })
            .collect();
        counted(content, &at, card, &self.shelves, wanted)
    }

    /// Records which copies are not there, or do not look as they did when they were verified: once their drive is away, nobody
    /// could see that. Where the catalogue cannot be written, the verdict of now is the same.
    pub(super) fn record_doubts(&self, catalogue: &Catalogue) {
        let now = unix_seconds();
        let mut findings = Vec::new();
        let mut hashes: BTreeMap<i64, Vec<&Path>> = BTreeMap::new();
        for stood in self.stood.values().flatten() {
            let at = (stood.volume, stood.path.clone());
            let Some(sight) = self.sights.get(&at) else {
                continue;
            };
            for claim in &stood.records {
                if claim.state != CopyState::Verified || is_as_seen(claim, sight) {
                    continue;
                }
                let is_gone = *sight == Sight::Gone;
                let Some(logged) = &claim.logged else {
                    hashes.entry(stood.volume).or_default().push(&stood.path);
                    continue;
                };
                let Some(digest) = logged.digest.clone() else {
                    continue;
                };
                let found = CopyFound {
                    state: if is_gone {
                        CopyState::Missing
                    } else {
                        CopyState::Unread
                    },
                    how: None,
                    at: now,
                    problem: (!is_gone).then(|| "it changed after it was verified".to_owned()),
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

    /// Reads every copy whose volume is mounted, and writes down what it is. The card's own volume is left out.
    pub(super) fn read(
        &mut self,
        card: &OfCard,
        catalogue: &Catalogue,
        cancel: &Cancel,
        report: &mut dyn FnMut(Event),
    ) -> Result<(), Error> {
        let volumes = catalogue.volumes();
        let mut files: BTreeMap<Drive, Vec<ToRead>> = BTreeMap::new();
        for ((volume, inside), sight) in &self.sights {
            let row = self
                .rows
                .get(volume)
                .filter(|_| Some(*volume) != card.volume);
            let Some(identity) = row.map(|row| row.identity.as_str()) else {
                continue;
            };
            if let Sight::File(now, _) = sight
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
        report(Event::Copies {
            files: files.values().map(Vec::len).sum(),
            bytes: files.values().flatten().map(|file| file.item.bytes).sum(),
        });
        let now = unix_seconds();
        let gone = self
            .sights
            .iter()
            .filter(|(_, sight)| **sight == Sight::Gone);
        let gone: Vec<_> = gone
            .map(|(at, _)| (at.clone(), Looked::Gone(now)))
            .collect();
        let mut looked = read_all(&files, cancel, report);
        let told = self.told();
        for ((volume, path), looked) in &mut looked {
            if let Looked::Read(_, how, stamp, _) = looked
                && let Some(stood) = told.get(&(*volume, path.as_path()))
            {
                let earlier = stood.records.iter().filter_map(HashRecord::earlier);
                *how = how_read(*how, stamp, self.session(*volume), earlier);
            }
        }
        let sights = looked
            .iter()
            .map(|(at, looked)| (at.clone(), looked.sight()));
        self.sights.extend(sights);
        looked.extend(gone);
        self.write_down(&looked, catalogue)
    }

    /// Everything that is known of copies, by their volumes and paths.
    fn told(&self) -> BTreeMap<(i64, &Path), &RecordedPath> {
        let all = self.stood.values().flatten();
        all.map(|stood| ((stood.volume, stood.path.as_path()), stood))
            .collect()
    }

    /// Number of the mount of a volume, where unmounting it empties the only cache that could answer.
    fn session(&self, volume: i64) -> Option<i64> {
        let cache = self.shelves.get(&volume)?.cache;
        let is_asked = cache == ShelfCache::UntilUnmounted;
        let row = self.rows.get(&volume).filter(|_| is_asked)?;
        Some(row.session)
    }

    /// Has the log and the hashes of the catalogue know what was found.
    fn write_down(
        &self,
        looked: &[((i64, PathBuf), Looked)],
        catalogue: &Catalogue,
    ) -> Result<(), Error> {
        let told = self.told();
        let mut findings = Vec::new();
        let mut hashes: BTreeMap<i64, Vec<(PathBuf, u64, Option<WholeHash>)>> = BTreeMap::new();
        for ((volume, path), looked) in looked {
            let Some(stood) = told.get(&(*volume, path.as_path())) else {
                continue;
            };
            let claims = stood.records.iter();
            findings.extend(claims.filter_map(|claim| looked.finding(claim)));
            let is_known = |hash: &WholeHash| {
                let mut claims = stood.records.iter();
                claims.any(|claim| claim.content == hash.digest && claim.bytes == looked.bytes())
            };
            let hash = looked.hash().filter(is_known);
            let of_volume = hashes.entry(*volume).or_default();
            of_volume.push((path.clone(), looked.bytes(), hash));
        }
        catalogue.record_findings(&findings)?;
        for (volume, hashes) in hashes {
            catalogue.record_hashes(volume, &hashes)?;
        }
        Ok(())
    }
}

/// What reading a copy found, now.
enum Looked {
    Read(Fingerprint, How, Stamp, i64),
    Gone(i64),
    Unread(String, i64),
}

impl Looked {
    fn sight(&self) -> Sight {
        match self {
            Self::Read(hash, how, stamp, at) => Sight::Read(*hash, *stamp, *at, *how),
            Self::Gone(_) => Sight::Gone,
            Self::Unread(reason, _) => Sight::Unreadable(reason.clone()),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Read(_, _, stamp, _) => stamp.bytes,
            Self::Gone(_) | Self::Unread(..) => 0,
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
            Self::Gone(_) | Self::Unread(..) => None,
        }
    }

    /// What that says of a copy that the log has.
    fn finding(&self, claim: &HashRecord) -> Option<Finding> {
        let logged = claim.logged.as_ref();
        // Under its name another file stood there, which was no copy of it.
        let logged = logged.filter(|_| claim.state != CopyState::NotCopied)?;
        let problem = logged.problem.clone();
        let found = match self {
            Self::Read(hash, how, stamp, at) => {
                let is_it = *hash == claim.content && stamp.bytes == claim.bytes;
                CopyFound {
                    state: if is_it {
                        CopyState::Verified
                    } else {
                        CopyState::Altered
                    },
                    how: Some(how.name().to_owned()),
                    at: *at,
                    problem: problem.filter(|_| is_it && claim.state == CopyState::Verified),
                    stamp: Some(*stamp),
                }
            }
            Self::Gone(at) => CopyFound {
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

/// Reads and hashes files, each device's beside those of others.
fn read_all(
    files: &BTreeMap<Drive, Vec<ToRead>>,
    cancel: &Cancel,
    report: &mut dyn FnMut(Event),
) -> Vec<((i64, PathBuf), Looked)> {
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
    let go_on = || !cancel.is_cancelled();
    hash_files(&lanes, &go_on, &mut |heard| match heard {
        Heard::Reading(lane, at) => report(Event::Reading(all[lane][at].path.clone())),
        Heard::Read(bytes) => report(Event::Read(bytes)),
        Heard::Hashed(lane, at, outcome) => {
            let file = &all[lane][at];
            let now = unix_seconds();
            let looked = match outcome {
                Ok(read) => match read.hashes.first().and_then(Checksum::fingerprint) {
                    Some(hash) => Looked::Read(hash, read.how, read.stamp, now),
                    None => Looked::Unread("it was not hashed".to_owned(), now),
                },
                Err(error) => match unseen(&error) {
                    Sight::Gone => Looked::Gone(now),
                    _ => Looked::Unread(error.to_string(), now),
                },
            };
            read.push((file.at.clone(), looked));
        }
    });
    read
}
