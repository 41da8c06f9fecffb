//! The first half of a scan: what the walk sees against what the catalogue knows.
//!
//! A folder costs two queries and its files a stat each; nothing is opened but files
//! whose name says nothing of what they are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::missing::{Gone, Unseen};
use super::retry::Attention;
use super::still_growing::is_young;
use super::writer::Writer;
use super::{Event, Request, Summary};
use crate::catalogue::{KnownFile, Seen};
use crate::clip::FileState;
use crate::error::{Error, Problem};
use crate::footage::{
    FolderListing, FoundFile, HEAD, HeadKind, NameKind, Role, WalkEvent, WalkRoot, kind_of_name,
    sniff, walk,
};
use crate::media::Tools;
use crate::sidecar::declared_extension;
use crate::source_file;
use crate::value::{from_bytes, to_bytes};
use crate::volume::{Drive, Volume};

/// The walk's side of a scan.
pub(super) struct Sift<'a, 'w> {
    request: &'a Request,
    tools: &'a Tools,
    writer: &'a mut Writer<'w>,
    summary: &'a mut Summary,
    report: &'a mut dyn FnMut(Event),
    /// Looked up when the first unchanged file is met.
    attention: Option<Attention>,
    volumes: HashMap<String, Seen>,
    /// The device of the folder that is looked at.
    drive: Drive,
    queued: HashSet<i64>,
    sifted: Sifted,
}

/// What the walk came to.
#[derive(Default)]
pub(super) struct Sifted {
    /// Folders that were walked with all that is in them, none inside another.
    pub roots: Vec<PathBuf>,
    /// Files to read, each with its device, in the order of the walk.
    pub unread: Vec<(i64, Drive)>,
    /// Those that were written a moment ago.
    pub young: Vec<(i64, Drive)>,
    /// Folders that were walked.
    pub walked: HashSet<i64>,
    /// Those of them in which files came, went or changed.
    pub changed: HashSet<i64>,
    /// KnownFile files that are not there any more, by root and volume.
    pub gone: Vec<Gone>,
    /// When each volume was seen the time before this scan, by its number.
    pub seen_before: HashMap<i64, i64>,
}

/// The paths to walk, each once, none inside another; files together with those beside them.
pub(super) fn roots(paths: &[PathBuf]) -> Vec<Result<WalkRoot, Error>> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut files: BTreeMap<PathBuf, BTreeSet<OsString>> = BTreeMap::new();
    let mut errors = Vec::new();
    for path in paths {
        match source_file::canonical(path) {
            Ok(path) if path.is_dir() => folders.push(path),
            Ok(path) => {
                if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
                    files
                        .entry(folder.to_owned())
                        .or_default()
                        .insert(name.to_owned());
                }
            }
            Err(error) => errors.push(Err(Error::path(path)(error))),
        }
    }
    folders.sort();
    folders.dedup_by(|inner, outer| inner.starts_with(outer));
    files.retain(|folder, _| !folders.iter().any(|outer| folder.starts_with(outer)));
    let folders = folders
        .into_iter()
        .map(|folder| WalkRoot { folder, only: None });
    let files = files.into_iter().map(|(folder, names)| WalkRoot {
        folder,
        only: Some(names),
    });
    folders.chain(files).map(Ok).chain(errors).collect()
}

impl<'a, 'w> Sift<'a, 'w> {
    pub(super) fn new(
        request: &'a Request,
        tools: &'a Tools,
        writer: &'a mut Writer<'w>,
        summary: &'a mut Summary,
        report: &'a mut dyn FnMut(Event),
    ) -> Self {
        Self {
            attention: None,
            drive: Drive::unknown(),
            request,
            tools,
            writer,
            summary,
            report,
            volumes: HashMap::new(),
            queued: HashSet::new(),
            sifted: Sifted::default(),
        }
    }

    /// Tells of a file or folder that could not be read.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.summary.unreadable += 1;
        (self.report)(Event::Problem(problem));
    }

    /// Walks one root, and notes what is no longer there.
    pub(super) fn root(&mut self, root: &WalkRoot) -> Result<(), Error> {
        let mut unseen = Unseen::default();
        let mut outcome = Ok(());
        let request = self.request;
        let mut options = request.walk.clone();
        options.own = fs::canonicalize(&request.catalogue).ok();
        options.declared = Some(declared_extension);
        let (volume, _) = self.writer.catalogue.volumes().of(&root.folder);
        let readers = request.readers_of(&volume.drive);
        walk(root, &options, readers, &mut |step| {
            outcome = self.step(step, &mut unseen);
            outcome.is_ok() && !request.cancel.is_cancelled()
        })?;
        outcome?;
        if root.only.is_none() && !request.cancel.is_cancelled() {
            let gone = unseen.gone(&root.folder, self.writer.catalogue, &self.sifted.walked)?;
            self.sifted.gone.extend(gone);
            self.sifted.roots.push(root.folder.clone());
            self.away(&root.folder)?;
        }
        Ok(())
    }

    /// Tells of a volume that was mounted at a root the last time and is nowhere now.
    fn away(&mut self, root: &Path) -> Result<(), Error> {
        for volume in self.writer.catalogue.away_from(root)? {
            let gone = Gone::of_volume(root, &volume, self.writer.catalogue)?;
            self.sifted.gone.extend(gone);
        }
        Ok(())
    }

    /// A root that cannot be read: what is known of it stays as it is, unless the files are
    /// accepted to be missing.
    pub(super) fn unread_root(&mut self, path: &Path) -> Result<(), Error> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let gone = Gone::below(&path, self.writer.catalogue)?;
        self.sifted.gone.extend(gone);
        self.away(&path)
    }

    /// Ends the walk: stubs can be found from here on.
    pub(super) fn finish(mut self) -> Result<Sifted, Error> {
        let seen = self.volumes.values().map(|seen| (seen.id, seen.before));
        self.sifted.seen_before = seen.collect();
        self.writer.commit()?;
        self.writer.catch_up(self.report);
        Ok(self.sifted)
    }

    fn step(&mut self, step: WalkEvent, unseen: &mut Unseen) -> Result<(), Error> {
        match step {
            WalkEvent::Folder(listing) => self.folder(listing, unseen),
            WalkEvent::Problem(problem) => {
                self.problem(problem);
                Ok(())
            }
            WalkEvent::Loop(path) => {
                (self.report)(Event::Warning {
                    message: format!(
                        "{}: a link that leads back to a folder above it",
                        path.display()
                    ),
                    hint: "it was not followed again".to_owned(),
                });
                Ok(())
            }
        }
    }

    fn folder(&mut self, mut listing: FolderListing, unseen: &mut Unseen) -> Result<(), Error> {
        // Behind a link that was followed, a folder is on its target's volume.
        let place = if self.request.walk.follow_links {
            fs::canonicalize(&listing.folder).unwrap_or_else(|_| listing.folder.clone())
        } else {
            listing.folder.clone()
        };
        let (volume, inside) = self.writer.catalogue.volumes().of(&place);
        self.drive = volume.drive.clone();
        if !volume.has_stable_inodes() {
            listing
                .files
                .iter_mut()
                .for_each(|found| found.inode = None);
        }
        let volume = self.volume(&volume)?;
        // A folder without footage needs no number, unless it had some.
        let folder = match self.writer.catalogue.find_folder(volume, &inside)? {
            Some(folder) => folder,
            None if listing.files.is_empty() => return Ok(()),
            None => self.writer.write(self.report, |catalogue| {
                catalogue.add_folder(volume, &inside)
            })?,
        };
        self.sifted.walked.insert(folder);
        let mut known = self.writer.catalogue.known_files(folder)?;
        // Originals before what belongs to them.
        let (companions, originals): (Vec<_>, Vec<_>) = listing
            .files
            .iter()
            .partition(|found| found.original.is_some());
        for found in originals.into_iter().chain(companions) {
            let before = known.remove(&to_bytes(&found.name));
            if let Some(before) = &before {
                unseen.count(volume, before);
            }
            self.file(&listing, folder, found, before)?;
        }
        if !known.is_empty() {
            self.sifted.changed.insert(folder);
        }
        for (name, known) in known {
            unseen.count(volume, &known);
            // Of a folder that was not read whole, nothing is known to be gone.
            if listing.is_whole {
                unseen.add(volume, &known, place.join(from_bytes(name)));
            }
        }
        (self.report)(Event::Walked {
            files: self.summary.found,
            folder: listing.folder.clone(),
        });
        self.writer.tick(self.report)
    }

    fn volume(&mut self, volume: &Volume) -> Result<i64, Error> {
        if let Some(seen) = self.volumes.get(&volume.identity) {
            return Ok(seen.id);
        }
        let seen = self
            .writer
            .write(self.report, |catalogue| catalogue.see_volume(volume))?;
        self.volumes.insert(volume.identity.clone(), seen);
        Ok(seen.id)
    }

    /// One file against what is known of it.
    fn file(
        &mut self,
        listing: &FolderListing,
        folder: i64,
        found: &FoundFile,
        known: Option<KnownFile>,
    ) -> Result<(), Error> {
        let original = self.original(listing, folder, found)?;
        let is_same = known.as_ref().is_some_and(|known| is_same(known, found));
        let role = match (found.role, &known) {
            (Role::Unsure, Some(known)) if is_same => known.role,
            (Role::Unsure, _) => {
                let path = listing.folder.join(&found.name);
                match unsure(&path) {
                    Ok(role) => role,
                    // It may be footage.
                    Err(error) => {
                        self.problem(Problem::new(path, error.to_string()));
                        return Ok(());
                    }
                }
            }
            (Role::Media, _) => Role::Media,
            // Without its original, a companion is footage if it can be, or nothing.
            (Role::Proxy, _) if original.is_none() => Role::Media,
            (_, _) if original.is_none() => return Ok(()),
            (role, _) => role,
        };
        match role {
            Role::Media => self.summary.found += 1,
            Role::Unsure => {}
            Role::Proxy | Role::Thumbnail | Role::Sidecar => self.summary.companions += 1,
        }
        match known {
            None => {
                self.sifted.changed.insert(folder);
                let id = self.writer.write(self.report, |catalogue| {
                    catalogue.add_file(folder, found, role, original)
                })?;
                self.summary.new += usize::from(role == Role::Media);
                self.after_change(id, found, role, original);
                Ok(())
            }
            Some(known) if !is_same || known.role != role || known.original != original => {
                self.writer.write(self.report, |catalogue| {
                    catalogue.update_file(known.id, found, role, original)
                })?;
                self.summary.changed += usize::from(role == Role::Media);
                self.after_change(known.id, found, role, original);
                Ok(())
            }
            Some(known) => self.unchanged(listing, found, &known),
        }
    }

    /// Footage is to be read; with a sidecar, its original is.
    fn after_change(&mut self, id: i64, found: &FoundFile, role: Role, original: Option<i64>) {
        match (role, original) {
            (Role::Media, _) => self.queue_by_age(id, found),
            (Role::Sidecar, Some(original)) => self.queue(original),
            _ => {}
        }
    }

    /// What was written a moment ago is read when all else is.
    fn queue_by_age(&mut self, id: i64, found: &FoundFile) {
        if !is_young(found.modified) {
            self.queue(id);
        } else if self.queued.insert(id) {
            self.sifted.young.push((id, self.drive.clone()));
        }
    }

    fn queue(&mut self, id: i64) {
        if self.queued.insert(id) {
            self.sifted.unread.push((id, self.drive.clone()));
        }
    }

    /// A file as it was: read only if an earlier scan did not get to it, if another version
    /// of a tool may now succeed, or if its poster was deleted.
    fn unchanged(
        &mut self,
        listing: &FolderListing,
        found: &FoundFile,
        known: &KnownFile,
    ) -> Result<(), Error> {
        if (known.changed, known.inode) != (found.changed, found.inode) {
            self.writer.write(self.report, |catalogue| {
                catalogue.note_times(known.id, found)
            })?;
        }
        if known.state == FileState::Missing {
            self.came_back(known)?;
        }
        if known.role != Role::Media {
            return Ok(());
        }
        self.summary.unchanged += 1;
        if known.is_unread {
            self.queue_by_age(known.id, found);
            return Ok(());
        }
        let (is_odd, lacks_pictures) = {
            let attention = self.attention()?;
            (
                attention.is_odd(known.clip),
                attention.lacks_pictures(known.clip),
            )
        };
        let odd = match known.clip.filter(|_| is_odd) {
            Some(clip) => Some(self.writer.catalogue.read_failure(clip)?),
            None => None,
        };
        let failed_with = odd.as_ref().and_then(|odd| odd.failed_with.as_ref());
        let is_other_tool = failed_with.is_some_and(|tool| !self.tools.has_version(tool));
        if is_other_tool || lacks_pictures || self.request.recheck {
            self.writer
                .write(self.report, |catalogue| catalogue.read_again(known.id))?;
            self.queue(known.id);
        } else if let Some(reason) = odd.and_then(|odd| odd.problem) {
            // It is told every time: a bad file never hides.
            self.problem(Problem::new(listing.folder.join(&found.name), reason));
        }
        Ok(())
    }

    /// A file that was missing is there again.
    fn came_back(&mut self, known: &KnownFile) -> Result<(), Error> {
        let is_readable = match known.clip {
            Some(clip) => self.writer.catalogue.read_failure(clip)?.is_readable,
            None => true,
        };
        let state = if is_readable {
            FileState::Present
        } else {
            FileState::Unreadable
        };
        let original = self.writer.write(self.report, |catalogue| {
            catalogue.set_state(known.id, state)
        })?;
        if let Some(original) = original {
            self.queue(original);
        }
        Ok(())
    }

    fn attention(&mut self) -> Result<&Attention, Error> {
        if self.attention.is_none() {
            self.attention = Some(Attention::look(self.writer.catalogue, self.request.strip)?);
        }
        self.attention.as_ref().ok_or(Error::Thread)
    }

    /// The number of the original that a companion belongs to.
    fn original(
        &mut self,
        listing: &FolderListing,
        folder: i64,
        found: &FoundFile,
    ) -> Result<Option<i64>, Error> {
        let Some(original) = &found.original else {
            return Ok(None);
        };
        let Some(name) = original.file_name() else {
            return Ok(None);
        };
        if original.parent() == Some(&listing.folder) {
            return self.writer.catalogue.file_id(folder, name);
        }
        let (volume, inside) = self.writer.catalogue.volumes().of(original);
        let volume = self.volume(&volume)?;
        let inside = inside.parent().unwrap_or(Path::new(""));
        match self.writer.catalogue.find_folder(volume, inside)? {
            Some(folder) => self.writer.catalogue.file_id(folder, name),
            None => Ok(None),
        }
    }
}

/// Whether nothing of a file changed, as far as it was told both times.
fn is_same(known: &KnownFile, found: &FoundFile) -> bool {
    let agree = |one: Option<i64>, other: Option<i64>| {
        one.zip(other).is_none_or(|(one, other)| one == other)
    };
    known.bytes == found.bytes
        && known.modified == found.modified
        && known.frames == found.frames
        && agree(known.changed, found.changed)
        && agree(known.inode, found.inode)
}

/// What a file is whose name does not tell.
fn unsure(path: &Path) -> io::Result<Role> {
    let mut head = Vec::with_capacity(HEAD);
    source_file::open(path)?
        .take(HEAD as u64)
        .read_to_end(&mut head)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(match (sniff(&head), kind_of_name(&name)) {
        (HeadKind::Media, _) | (HeadKind::Empty | HeadKind::Unknown, NameKind::MediaOrText) => {
            Role::Media
        }
        (HeadKind::Empty | HeadKind::Text | HeadKind::Unknown, _) => Role::Unsure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_what_a_name_does_not_unless_it_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take one");
        fs::write(&path, "a list of shots").unwrap();
        assert_eq!(unsure(&path).unwrap(), Role::Unsure);
        fs::write(&path, b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0").unwrap();
        assert_eq!(unsure(&path).unwrap(), Role::Media);
        assert!(unsure(folder.path()).is_err());
    }
}
