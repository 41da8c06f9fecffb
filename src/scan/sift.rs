//! The first half of a scan: what the walk sees against what the catalogue knows.
//!
//! A folder costs one query and its files a stat each; nothing is opened but files
//! whose name says nothing of what they are.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::writer::Writer;
use super::{Event, Request, Summary};
use crate::catalogue::{Catalogue, Known};
use crate::clip::FileState;
use crate::error::{Error, Problem};
use crate::footage::{
    Content, Found, HEAD, Listing, Named, Role, Step, Volume, named, sniff, walk,
};
use crate::media::Tools;
use crate::original;
use crate::value::{Fingerprint, to_bytes};

/// The walk's side of a scan.
pub(super) struct Sift<'a, 'w> {
    request: &'a Request,
    tools: &'a Tools,
    writer: &'a mut Writer<'w>,
    summary: &'a mut Summary,
    report: &'a mut dyn FnMut(Event),
    posters: HashSet<Fingerprint>,
    volumes: HashMap<String, i64>,
    unread: Vec<i64>,
    queued: HashSet<i64>,
}

/// What is known under a root, to find out what is missing.
#[derive(Default)]
struct Seen {
    /// Folders that were walked.
    folders: HashSet<i64>,
    /// Files known as present that the walk did not see.
    unseen: Vec<(i64, PathBuf)>,
    /// Files known as present, seen or not.
    known: usize,
    /// Whether any folder was listed in full.
    is_whole: bool,
}

/// The paths to walk, absolute, each once, none inside another.
pub(super) fn roots(paths: &[PathBuf]) -> Vec<Result<PathBuf, Error>> {
    let mut roots: Vec<PathBuf> = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        match fs::canonicalize(path) {
            Ok(path) => roots.push(path),
            Err(error) => errors.push(Err(Error::path(path)(error))),
        }
    }
    roots.sort();
    roots.dedup_by(|inner, outer| inner.starts_with(outer));
    roots.into_iter().map(Ok).chain(errors).collect()
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
            posters: writer.posters().present(),
            request,
            tools,
            writer,
            summary,
            report,
            volumes: HashMap::new(),
            unread: Vec::new(),
            queued: HashSet::new(),
        }
    }

    /// Tells of a file or folder that could not be read.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.summary.unreadable += 1;
        (self.report)(Event::Problem(problem));
    }

    /// Walks one root, and marks what is no longer there.
    pub(super) fn root(&mut self, root: &Path) -> Result<(), Error> {
        let mut seen = Seen::default();
        let mut outcome = Ok(());
        let request = self.request;
        let mut options = request.walk.clone();
        options.own = fs::canonicalize(&request.catalogue).ok();
        walk(root, &options, &mut |step| {
            outcome = self.step(step, &mut seen);
            outcome.is_ok() && !request.cancel.is_cancelled()
        })?;
        outcome?;
        if seen.is_whole && !request.cancel.is_cancelled() {
            self.mark_missing(root, seen)?;
        }
        Ok(())
    }

    /// Ends the walk: stubs can be found from here on.
    pub(super) fn finish(self) -> Result<Vec<i64>, Error> {
        self.writer.commit()?;
        self.writer.catch_up(self.report);
        Ok(self.unread)
    }

    fn step(&mut self, step: Step, seen: &mut Seen) -> Result<(), Error> {
        match step {
            Step::Folder(listing) => self.folder(&listing, seen),
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

    fn folder(&mut self, listing: &Listing, seen: &mut Seen) -> Result<(), Error> {
        seen.is_whole |= listing.is_whole;
        let (volume, inside) = self.writer.catalogue.volumes().of(&listing.folder);
        let volume = self.volume(&volume)?;
        // A folder without footage needs no number, unless it had some.
        let folder = match self.writer.catalogue.find_folder(volume, &inside)? {
            Some(folder) => folder,
            None if listing.files.is_empty() => return Ok(()),
            None => self.writer.write(self.report, |catalogue| {
                catalogue.add_folder(volume, &inside)
            })?,
        };
        seen.folders.insert(folder);
        let mut known = self.writer.catalogue.known_files(folder)?;
        // Originals before what belongs to them.
        let (companions, originals): (Vec<_>, Vec<_>) = listing
            .files
            .iter()
            .partition(|found| found.original.is_some());
        for found in originals.into_iter().chain(companions) {
            let before = known.remove(&to_bytes(&found.name));
            seen.known += usize::from(
                before
                    .as_ref()
                    .is_some_and(|known| known.state != FileState::Missing),
            );
            self.file(listing, folder, found, before)?;
        }
        if listing.is_whole {
            for (name, gone) in known {
                if gone.state != FileState::Missing {
                    seen.known += 1;
                    let path = listing.folder.join(crate::value::from_bytes(name));
                    seen.unseen.push((gone.id, path));
                }
            }
        }
        (self.report)(Event::Walked {
            files: self.summary.found,
            folder: listing.folder.clone(),
        });
        Ok(())
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
            (Role::Unsure, _) => match unsure(&listing.folder.join(&found.name)) {
                Some(role) => role,
                None => return Ok(()),
            },
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
                self.after_change(id, role, original)
            }
            Some(known) if !is_same || known.role != role || known.original != original => {
                self.writer.write(self.report, |catalogue| {
                    catalogue.update_file(known.id, found, role, original)
                })?;
                self.summary.changed += usize::from(role == Role::Media);
                self.after_change(known.id, role, original)
            }
            Some(known) => self.unchanged(&listing.folder.join(&found.name), &known),
        }
    }

    /// Footage is to be read; what belongs to footage has its original read again.
    fn after_change(&mut self, id: i64, role: Role, original: Option<i64>) -> Result<(), Error> {
        match (role, original) {
            (Role::Media, _) => self.queue(id),
            (Role::Sidecar, Some(original)) => {
                self.writer
                    .write(self.report, |catalogue| catalogue.read_again(original))?;
                self.queue(original);
            }
            _ => {}
        }
        Ok(())
    }

    fn queue(&mut self, id: i64) {
        if self.queued.insert(id) {
            self.unread.push(id);
        }
    }

    /// A file as it was: read only if an earlier scan did not get to it, if another version
    /// of a tool may now succeed, or if its poster was deleted.
    fn unchanged(&mut self, path: &Path, known: &Known) -> Result<(), Error> {
        if known.state == FileState::Missing {
            let state = if known.failed_with.is_some() {
                FileState::Unreadable
            } else {
                FileState::Present
            };
            self.writer.write(self.report, |catalogue| {
                catalogue.set_state(&[known.id], state)
            })?;
        }
        if known.role != Role::Media {
            return Ok(());
        }
        self.summary.unchanged += 1;
        let tools = [&self.tools.ffprobe.version, &self.tools.ffmpeg.version];
        let is_other_tool = known
            .failed_with
            .as_ref()
            .is_some_and(|tool| !tools.contains(&tool));
        let is_poster_gone = known.has_poster
            && known
                .fingerprint
                .is_some_and(|id| !self.posters.contains(&id));
        if known.is_unread {
            self.queue(known.id);
        } else if is_other_tool || is_poster_gone {
            self.writer
                .write(self.report, |catalogue| catalogue.read_again(known.id))?;
            self.queue(known.id);
        } else if let Some(reason) = &known.problem {
            // It is told every time: a bad file never hides.
            self.problem(Problem::new(path, reason.clone()));
        }
        Ok(())
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

    /// Marks as missing what is known under `root` and is not there: never more than half of
    /// it unless that was accepted, for then the drive is more likely gone than its files.
    fn mark_missing(&mut self, root: &Path, mut seen: Seen) -> Result<(), Error> {
        self.add_unwalked(root, &mut seen)?;
        let is_gone = |path: &Path| {
            let error = fs::symlink_metadata(path).err();
            error.is_some_and(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                )
            })
        };
        let gone: Vec<i64> = seen
            .unseen
            .iter()
            .filter(|(_, path)| is_gone(path))
            .map(|(id, _)| *id)
            .collect();
        if gone.len() * 2 > seen.known && !self.request.accept_missing {
            self.summary.doubted += gone.len();
            (self.report)(Event::Warning {
                message: format!(
                    "{}: {} of {} known files are not there; nothing was changed",
                    root.display(),
                    gone.len(),
                    seen.known
                ),
                hint: "is the drive mounted? if they are gone for good, scan again with `--accept-missing`".to_owned(),
            });
            return Ok(());
        }
        self.summary.missing += gone.len();
        self.writer.write(self.report, |catalogue| {
            catalogue.set_state(&gone, FileState::Missing)
        })
    }

    /// Adds the files of known folders that the walk did not come to.
    fn add_unwalked(&mut self, root: &Path, seen: &mut Seen) -> Result<(), Error> {
        let catalogue: &Catalogue = self.writer.catalogue;
        let (volume, inside) = catalogue.volumes().of(root);
        let mount = volume.mount.clone();
        let volume = self.volume(&volume)?;
        for (folder, path) in catalogue.known_folders(volume, &inside)? {
            if seen.folders.contains(&folder) {
                continue;
            }
            for (name, known) in catalogue.known_files(folder)? {
                if known.state != FileState::Missing {
                    seen.known += 1;
                    let name = crate::value::from_bytes(name);
                    seen.unseen.push((known.id, mount.join(&path).join(name)));
                }
            }
        }
        Ok(())
    }
}

/// What a file is whose name does not tell; `None` when it cannot be read, and may be anything.
fn unsure(path: &Path) -> Option<Role> {
    let mut head = Vec::with_capacity(HEAD);
    original::open(path)
        .ok()?
        .take(HEAD as u64)
        .read_to_end(&mut head)
        .ok()?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Some(match (sniff(&head), named(&name)) {
        (Content::Media, _) | (Content::Empty | Content::Unknown, Named::MediaOrText) => {
            Role::Media
        }
        (Content::Empty | Content::Text | Content::Unknown, _) => Role::Unsure,
    })
}
