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
use super::writer::Writer;
use super::{Event, Request, Summary};
use crate::catalogue::Known;
use crate::clip::FileState;
use crate::error::{Error, Problem};
use crate::footage::{
    Content, Drive, Found, HEAD, Listing, Named, Role, Root, Step, Volume, named, sniff, walk,
};
use crate::media::Tools;
use crate::original;
use crate::value::{Fingerprint, from_bytes, to_bytes};

/// The walk's side of a scan.
pub(super) struct Sift<'a, 'w> {
    request: &'a Request,
    tools: &'a Tools,
    writer: &'a mut Writer<'w>,
    summary: &'a mut Summary,
    report: &'a mut dyn FnMut(Event),
    posters: HashSet<Fingerprint>,
    strips: HashSet<Fingerprint>,
    volumes: HashMap<String, i64>,
    /// The device of the folder that is looked at.
    drive: Drive,
    queued: HashSet<i64>,
    sifted: Sifted,
}

/// What the walk came to.
#[derive(Default)]
pub(super) struct Sifted {
    /// Files to read, each with its device, in the order of the walk.
    pub unread: Vec<(i64, Drive)>,
    /// Folders that were walked.
    pub walked: HashSet<i64>,
    /// Known files that are not there any more, by root and volume.
    pub gone: Vec<Gone>,
}

/// The paths to walk, each once, none inside another; files together with those beside them.
pub(super) fn roots(paths: &[PathBuf]) -> Vec<Result<Root, Error>> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut files: BTreeMap<PathBuf, BTreeSet<OsString>> = BTreeMap::new();
    let mut errors = Vec::new();
    for path in paths {
        match fs::canonicalize(path) {
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
        .map(|folder| Root { folder, only: None });
    let files = files.into_iter().map(|(folder, names)| Root {
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
            posters: writer.catalogue.thumbnails().posters.present(),
            strips: writer.catalogue.thumbnails().strips.present(),
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
    pub(super) fn root(&mut self, root: &Root) -> Result<(), Error> {
        let mut unseen = Unseen::default();
        let mut outcome = Ok(());
        let request = self.request;
        let mut options = request.walk.clone();
        options.own = fs::canonicalize(&request.catalogue).ok();
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
        }
        Ok(())
    }

    /// Ends the walk: stubs can be found from here on.
    pub(super) fn finish(self) -> Result<Sifted, Error> {
        self.writer.commit()?;
        self.writer.catch_up(self.report);
        Ok(self.sifted)
    }

    fn step(&mut self, step: Step, unseen: &mut Unseen) -> Result<(), Error> {
        match step {
            Step::Folder(listing) => self.folder(&listing, unseen),
            Step::Problem(problem) => {
                self.problem(problem);
                Ok(())
            }
            Step::Loop(path) => {
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

    fn folder(&mut self, listing: &Listing, unseen: &mut Unseen) -> Result<(), Error> {
        // Behind a link that was followed, a folder is on its target's volume.
        let place = if self.request.walk.follow_links {
            fs::canonicalize(&listing.folder).unwrap_or_else(|_| listing.folder.clone())
        } else {
            listing.folder.clone()
        };
        let (volume, inside) = self.writer.catalogue.volumes().of(&place);
        self.drive = volume.drive.clone();
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
            self.file(listing, folder, found, before)?;
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
        if let Some(&id) = self.volumes.get(&volume.identity) {
            return Ok(id);
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        let id = self
            .writer
            .write(self.report, |catalogue| catalogue.see_volume(volume, now))?;
        self.volumes.insert(volume.identity.clone(), id);
        Ok(id)
    }

    /// One file against what is known of it.
    fn file(
        &mut self,
        listing: &Listing,
        folder: i64,
        found: &Found,
        known: Option<Known>,
    ) -> Result<(), Error> {
        let original = self.original(listing, folder, found)?;
        let is_same = known.as_ref().is_some_and(|known| {
            known.bytes == found.bytes
                && known.modified == found.modified
                && known.frames == found.frames
        });
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
                let id = self.writer.write(self.report, |catalogue| {
                    catalogue.add_file(folder, found, role, original)
                })?;
                self.summary.new += usize::from(role == Role::Media);
                self.after_change(id, role, original);
                Ok(())
            }
            Some(known) if !is_same || known.role != role || known.original != original => {
                self.writer.write(self.report, |catalogue| {
                    catalogue.update_file(known.id, found, role, original)
                })?;
                self.summary.changed += usize::from(role == Role::Media);
                self.after_change(known.id, role, original);
                Ok(())
            }
            Some(known) => self.unchanged(&listing.folder.join(&found.name), &known),
        }
    }

    /// Footage is to be read; with a sidecar, its original is.
    fn after_change(&mut self, id: i64, role: Role, original: Option<i64>) {
        match (role, original) {
            (Role::Media, _) => self.queue(id),
            (Role::Sidecar, Some(original)) => self.queue(original),
            _ => {}
        }
    }

    fn queue(&mut self, id: i64) {
        if self.queued.insert(id) {
            self.sifted.unread.push((id, self.drive.clone()));
        }
    }

    /// A file as it was: read only if an earlier scan did not get to it, if another version
    /// of a tool may now succeed, or if its poster was deleted.
    fn unchanged(&mut self, path: &Path, known: &Known) -> Result<(), Error> {
        if known.state == FileState::Missing {
            let state = if known.is_readable {
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
        }
        if known.role != Role::Media {
            return Ok(());
        }
        self.summary.unchanged += 1;
        let is_other_tool = known
            .failed_with
            .as_ref()
            .is_some_and(|tool| !self.tools.have(tool));
        if known.is_unread {
            self.queue(known.id);
        } else if is_other_tool || self.lacks_pictures(known) {
            self.writer
                .write(self.report, |catalogue| catalogue.read_again(known.id))?;
            self.queue(known.id);
        } else if let Some(reason) = &known.problem {
            // It is told every time: a bad file never hides.
            self.problem(Problem::new(path, reason.clone()));
        }
        Ok(())
    }

    /// Whether pictures of a clip are gone, or were never asked for before.
    fn lacks_pictures(&self, known: &Known) -> bool {
        let Some(fingerprint) = known.fingerprint.filter(|_| known.has_poster) else {
            return false;
        };
        let is_strip_there = match known.strip {
            None => self.request.strip == 0,
            Some(pictures) => pictures == 0 || self.strips.contains(&fingerprint),
        };
        !known.is_waiting && (!self.posters.contains(&fingerprint) || !is_strip_there)
    }

    /// The number of the original that a companion belongs to.
    fn original(
        &mut self,
        listing: &Listing,
        folder: i64,
        found: &Found,
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

/// What a file is whose name does not tell.
fn unsure(path: &Path) -> io::Result<Role> {
    let mut head = Vec::with_capacity(HEAD);
    original::open(path)?
        .take(HEAD as u64)
        .read_to_end(&mut head)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(match (sniff(&head), named(&name)) {
        (Content::Media, _) | (Content::Empty | Content::Unknown, Named::MediaOrText) => {
            Role::Media
        }
        (Content::Empty | Content::Text | Content::Unknown, _) => Role::Unsure,
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
