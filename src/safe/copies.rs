//! Copies of what is on a card: what the catalogue knows of them, and what is seen where they should be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;

use super::Event;
use super::disks::Disks;
use super::standing::Sight;
use super::verdict::{Counted, OfCard, Shelf, Wanted, counted};
use crate::catalogue::{
    Catalogue, Claim, CopyFound, CopyState, Finding, Stood, VolumeRow, unix_seconds,
};
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::footage::{Drive, Volumes};
use crate::media::Cancel;
use crate::offload::{Heard, How, Item, Lane, hash_files};
use crate::original::modified;
use crate::value::Fingerprint;

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
    stood: BTreeMap<Content, Vec<Stood>>,
    /// What is seen at each path, given with its volume.
    sights: BTreeMap<(i64, PathBuf), Sight>,
    pub(super) shelves: BTreeMap<i64, Shelf>,
    rows: BTreeMap<i64, VolumeRow>,
}

/// Asks the catalogue, and looks at what is mounted.
pub(super) fn find(contents: &BTreeSet<Content>, catalogue: &Catalogue) -> Result<Found, Error> {
    let rows = catalogue.seen_volumes()?;
    let rows: BTreeMap<i64, VolumeRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut found = Found {
        stood: catalogue.stood(contents)?,
        sights: BTreeMap::new(),
        shelves: BTreeMap::new(),
        rows,
    };
    let volumes = catalogue.volumes();
    let mut folders = HashMap::new();
    for stood in found.stood.values().flatten() {
        let Some(row) = found.rows.get(&stood.volume) else {
            continue;
        };
        let shelf = || shelf(row, volumes);
        found.shelves.entry(row.id).or_insert_with(shelf);
        let sight = || seen(&row.identity, &stood.path, volumes, &mut folders);
        let at = (stood.volume, stood.path.clone());
        found.sights.entry(at).or_insert_with(sight);
    }
    Ok(found)
}

/// What a volume was ever told to be on, and is by what its system says now.
fn shelf(row: &VolumeRow, volumes: &Volumes) -> Shelf {
    let mounted = volumes.all().iter();
    let mut mounted = mounted.filter(|volume| volume.identity == row.identity);
    let now = mounted.find_map(|volume| volume.hardware.clone());
    let mut told = row.disks.clone();
    told.extend(now.filter(|now| !row.disks.contains(now)));
    Shelf {
        label: row.label.clone(),
        disks: Disks::new(told.iter().map(String::as_str)),
        told,
        is_mounted: row.mounted.is_some(),
    }
}

/// What is at a path of a volume now. A link on the way may lead to another volume, where the copy is no copy more;
/// `folders` remembers where folders lead.
fn seen(
    identity: &str,
    inside: &Path,
    volumes: &Volumes,
    folders: &mut HashMap<PathBuf, Result<PathBuf, Sight>>,
) -> Sight {
    let Some(path) = volumes.path(identity, inside) else {
        return Sight::Away;
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
    let (volume, _) = volumes.of(&real);
    if volume.identity != identity {
        return Sight::Unreadable("a link, or a mount, leads to another volume".to_owned());
    }
    let metadata = match real.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Sight::Gone,
        Err(error) => return unseen(&error),
    };
    let is_told = volume.has_stable_inodes() && !volume.is_share();
    Sight::File {
        bytes: metadata.len(),
        modified: modified(&metadata),
        changed: changed(&metadata).filter(|_| is_told),
    }
}

fn unseen(error: &std::io::Error) -> Sight {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Sight::Gone,
        _ => Sight::Unreadable(error.to_string()),
    }
}

/// When anything of a file was last changed, nanoseconds since 1970 UTC.
#[cfg(unix)]
fn changed(metadata: &fs::Metadata) -> Option<i64> {
    use std::os::unix::fs::MetadataExt;
    let nanos = metadata.ctime().checked_mul(1_000_000_000)?;
    nanos.checked_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_metadata: &fs::Metadata) -> Option<i64> {
    None
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
            if let Sight::File {
                bytes, modified, ..
            } = sight
                && let Some(path) = volumes.path(identity, inside)
            {
                let item = Item {
                    inside: inside.clone(),
                    bytes: *bytes,
                    modified: *modified,
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
        let read = read_all(&files, cancel, report);
        let gone = self
            .sights
            .iter()
            .filter(|(_, sight)| **sight == Sight::Gone);
        let gone: Vec<(i64, PathBuf)> = gone.map(|(at, _)| at.clone()).collect();
        self.sights.extend(read.iter().cloned());
        self.write_down(&read, &gone, catalogue)
    }

    /// Has the log and the hashes of the catalogue know what was read.
    fn write_down(
        &self,
        read: &[((i64, PathBuf), Sight)],
        gone: &[(i64, PathBuf)],
        catalogue: &Catalogue,
    ) -> Result<(), Error> {
        let mut told: BTreeMap<(i64, &Path), Vec<&Stood>> = BTreeMap::new();
        for stood in self.stood.values().flatten() {
            let at = (stood.volume, stood.path.as_path());
            told.entry(at).or_default().push(stood);
        }
        let mut findings = Vec::new();
        let mut hashes: BTreeMap<i64, Vec<(PathBuf, u64, Option<Fingerprint>)>> = BTreeMap::new();
        for ((volume, path), sight) in read {
            let Sight::Read(content, bytes, at, how) = sight else {
                continue;
            };
            let stood = told
                .get(&(*volume, path.as_path()))
                .and_then(|all| all.first());
            let Some(stood) = stood else { continue };
            let is_it = |claim: &Claim| claim.content == *content && claim.bytes == *bytes;
            findings.extend(stood.claims.iter().filter_map(|claim| {
                let state = if is_it(claim) {
                    CopyState::Verified
                } else {
                    CopyState::Altered
                };
                seen_again(claim, state, Some(*how), *at)
            }));
            let is_known = stood.claims.iter().any(is_it);
            let hash = Some(*content).filter(|_| is_known && *how > How::Cached);
            if hash.is_some() || !is_known {
                let of_volume = hashes.entry(*volume).or_default();
                of_volume.push((path.clone(), *bytes, hash));
            }
        }
        for (volume, path) in gone {
            let stood = told
                .get(&(*volume, path.as_path()))
                .and_then(|all| all.first());
            let claims = stood.into_iter().flat_map(|stood| &stood.claims);
            let now = unix_seconds();
            findings.extend(
                claims.filter_map(|claim| seen_again(claim, CopyState::Missing, None, now)),
            );
        }
        catalogue.note_findings(&findings)?;
        for (volume, hashes) in hashes {
            catalogue.note_hashes(volume, &hashes)?;
        }
        Ok(())
    }
}

/// What a later look found of a copy that the log has.
fn seen_again(claim: &Claim, state: CopyState, how: Option<How>, at: i64) -> Option<Finding> {
    let logged = claim.logged.as_ref();
    // Under its name another file stood there, which was no copy of it.
    let logged = logged.filter(|_| claim.state != CopyState::NotCopied)?;
    let found = CopyFound {
        state,
        how: how.map(|how| how.name().to_owned()),
        at,
        problem: logged
            .problem
            .clone()
            .filter(|_| state == CopyState::Verified),
    };
    let digest = logged.digest.clone()?;
    Some(Finding::Seen(logged.file, logged.place, digest, found))
}

/// Reads and hashes files, each device's beside those of others.
fn read_all(
    files: &BTreeMap<Drive, Vec<ToRead>>,
    cancel: &Cancel,
    report: &mut dyn FnMut(Event),
) -> Vec<((i64, PathBuf), Sight)> {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let lanes: Vec<Lane<'_>> = files
        .iter()
        .map(|(drive, files)| Lane {
            readers: drive.kind.readers(jobs).min(super::card::MOST_READERS),
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
            let sight = match outcome {
                Ok((hashes, how)) => match hashes.first().and_then(Checksum::fingerprint) {
                    Some(hash) => Sight::Read(hash, file.item.bytes, unix_seconds(), how),
                    None => Sight::Unreadable("it was not hashed".to_owned()),
                },
                Err(error) => unseen(&error),
            };
            read.push((file.at.clone(), sight));
        }
    });
    read
}
