//! Reconciliation: compares the files that the walk finds with the catalogue, and queues new and
//! changed ones for reading.
//!
//! A folder costs two queries, and each of its files one `stat`. Only files whose role is not clear
//! from their name are opened.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::missing::{MissingFiles, UnseenFiles};
use super::retry::RetryCandidates;
use super::scan_run::ScanRun;
use super::still_growing::is_recent;
use super::writer::ScanWriter;
use super::{ScanEvent, ScanRequest, ScanSummary};
use crate::catalogue::{KnownFile, SeenVolume};
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

/// State of the walk over all roots of a scan.
pub(super) struct Reconciler<'a, 'w> {
    request: &'a ScanRequest,
    tools: &'a Tools,
    writer: &'a mut ScanWriter<'w>,
    summary: &'a mut ScanSummary,
    /// Loaded at the first unchanged file.
    retry: Option<RetryCandidates>,
    /// Volumes seen in this scan, by identity.
    volumes: HashMap<String, SeenVolume>,
    /// Device of the current folder.
    drive: Drive,
    /// Ids of the files in `unread` and `recent`, so that each is queued only once.
    queued: HashSet<i64>,
    result: WalkResult,
}

/// Result of the walk: files to read, and files that are gone.
#[derive(Default)]
pub(super) struct WalkResult {
    /// Folders that were walked completely, none inside another.
    pub roots: Vec<PathBuf>,
    /// Ids of files to read, each with its device, in walk order.
    pub unread: Vec<(i64, Drive)>,
    /// Files to read that were modified just before the walk and may still be growing.
    pub recent: Vec<(i64, Drive)>,
    /// Unchanged files to read again at the request of the user: ids of file and folder, device.
    pub refresh: Vec<(i64, i64, Drive)>,
    /// Files and folders with a reported problem.
    pub problems: HashSet<PathBuf>,
    /// Ids of the folders that were walked.
    pub walked: HashSet<i64>,
    /// Ids of walked folders in which files were added, removed or changed.
    pub changed: HashSet<i64>,
    /// Known files that no longer exist, by root and volume.
    pub missing: Vec<MissingFiles>,
    /// Time each volume was last seen before this scan, in seconds since 1970 UTC, by volume id.
    pub seen_before: HashMap<i64, i64>,
}

/// Returns the folders to walk, without duplicates or nested folders. Files in the same folder form
/// one root. Paths that cannot be resolved are returned as errors.
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
    folders.dedup_by(|folder, parent| folder.starts_with(parent));
    files.retain(|folder, _| !folders.iter().any(|parent| folder.starts_with(parent)));
    let folders = folders
        .into_iter()
        .map(|folder| WalkRoot { folder, only: None });
    let files = files.into_iter().map(|(folder, names)| WalkRoot {
        folder,
        only: Some(names),
    });
    folders.chain(files).map(Ok).chain(errors).collect()
}

impl<'a, 'w> Reconciler<'a, 'w> {
    pub(super) fn new(scan: &'a mut ScanRun<'w>) -> Self {
        Self {
            retry: None,
            drive: Drive::unknown(),
            request: scan.request,
            tools: scan.tools,
            writer: &mut scan.writer,
            summary: &mut scan.summary,
            volumes: HashMap::new(),
            queued: HashSet::new(),
            result: WalkResult::default(),
        }
    }

    /// Reports a file or folder that could not be read.
    pub(super) fn report_problem(&mut self, problem: Problem) {
        self.summary.unreadable += 1;
        self.result.problems.insert(problem.path.clone());
        self.writer.report(ScanEvent::Problem(problem));
    }

    /// Walks one root and collects the known files that are gone.
    pub(super) fn walk_root(&mut self, root: &WalkRoot) -> Result<(), Error> {
        let mut unseen = UnseenFiles::default();
        let mut outcome = Ok(());
        let request = self.request;
        let mut options = request.walk.clone();
        options.own = fs::canonicalize(&request.catalogue).ok();
        options.declared = Some(declared_extension);
        let (volume, _) = self.writer.catalogue.volumes().locate(&root.folder);
        let readers = request.readers_for(&volume.drive);
        walk(root, &options, readers, &mut |event| {
            outcome = self.handle(event, &mut unseen);
            outcome.is_ok() && !request.cancel.is_cancelled()
        })?;
        outcome?;
        if root.only.is_none() && !request.cancel.is_cancelled() {
            self.result.roots.push(root.folder.clone());
            let missing =
                unseen.into_missing(&root.folder, self.writer.catalogue, &self.result.walked)?;
            self.result.missing.extend(missing);
            self.add_unmounted(&root.folder)?;
        }
        Ok(())
    }

    /// Collects the files of volumes that were last mounted at this root and are not mounted now.
    fn add_unmounted(&mut self, root: &Path) -> Result<(), Error> {
        for volume in self.writer.catalogue.unmounted_volumes_at(root)? {
            let missing = MissingFiles::on_unmounted_volume(root, &volume, self.writer.catalogue)?;
            self.result.missing.extend(missing);
        }
        Ok(())
    }

    /// Collects all known files of a root that cannot be read. They are marked as missing only with
    /// `accept_missing`.
    pub(super) fn add_unreadable_root(&mut self, path: &Path) -> Result<(), Error> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let missing = MissingFiles::under_path(&path, self.writer.catalogue)?;
        self.result.missing.extend(missing);
        self.add_unmounted(&path)
    }

    /// Ends the walk and updates the index, so that searches find the names of new files.
    pub(super) fn finish(mut self) -> Result<WalkResult, Error> {
        let seen = self.volumes.values().map(|seen| (seen.id, seen.last_seen));
        self.result.seen_before = seen.collect();
        self.writer.commit()?;
        self.writer.catch_up();
        Ok(self.result)
    }

    /// Handles an event of the walk.
    fn handle(&mut self, event: WalkEvent, unseen: &mut UnseenFiles) -> Result<(), Error> {
        match event {
            WalkEvent::Folder(listing) => self.reconcile_folder(listing, unseen),
            WalkEvent::Problem(problem) => {
                self.report_problem(problem);
                Ok(())
            }
            WalkEvent::Loop(path) => {
                self.writer.report(ScanEvent::Warning {
                    message: format!("{}: link to one of its parent folders", path.display()),
                    hint: "not followed, to avoid an endless loop".to_owned(),
                });
                Ok(())
            }
        }
    }

    /// Compares the files of one folder with the catalogue.
    fn reconcile_folder(
        &mut self,
        mut listing: FolderListing,
        unseen: &mut UnseenFiles,
    ) -> Result<(), Error> {
        // A folder behind a link is on the volume of the link's target.
        let path = if self.request.walk.follow_links {
            fs::canonicalize(&listing.folder).unwrap_or_else(|_| listing.folder.clone())
        } else {
            listing.folder.clone()
        };
        let (volume, inside) = self.writer.catalogue.volumes().locate(&path);
        self.drive = volume.drive.clone();
        if !volume.has_stable_inodes() {
            listing
                .files
                .iter_mut()
                .for_each(|found| found.inode = None);
        }
        let volume = self.volume_id(&volume)?;
        // A folder without footage gets no row, unless it contained footage before.
        let folder = match self.writer.catalogue.find_folder(volume, &inside)? {
            Some(folder) => folder,
            None if listing.files.is_empty() => return Ok(()),
            None => self
                .writer
                .write(|catalogue| catalogue.add_folder(volume, &inside))?,
        };
        self.result.walked.insert(folder);
        let mut known = self.writer.catalogue.known_files(folder)?;
        // Originals come before their companions, which refer to them.
        let (companions, originals): (Vec<_>, Vec<_>) = listing
            .files
            .iter()
            .partition(|found| found.original.is_some());
        for found in originals.into_iter().chain(companions) {
            let known = known.remove(&to_bytes(&found.name));
            if let Some(known) = &known {
                unseen.count(volume, known);
            }
            self.reconcile_file(&listing, folder, found, known)?;
        }
        if !known.is_empty() {
            self.result.changed.insert(folder);
        }
        for (name, known) in known {
            unseen.count(volume, &known);
            // If the folder could not be read completely, its other files may still exist.
            if listing.is_whole {
                unseen.add(volume, &known, path.join(from_bytes(name)));
            }
        }
        self.writer.report(ScanEvent::Walked {
            clips: self.summary.found,
            folder: listing.folder.clone(),
        });
        self.writer.tick()
    }

    /// Returns the id of a volume, and records once per scan that the volume was seen.
    fn volume_id(&mut self, volume: &Volume) -> Result<i64, Error> {
        if let Some(seen) = self.volumes.get(&volume.identity) {
            return Ok(seen.id);
        }
        let seen = self
            .writer
            .write(|catalogue| catalogue.record_volume(volume))?;
        self.volumes.insert(volume.identity.clone(), seen);
        Ok(seen.id)
    }

    /// Compares one file with its row in the catalogue; `known` is `None` for a new file.
    fn reconcile_file(
        &mut self,
        listing: &FolderListing,
        folder: i64,
        found: &FoundFile,
        known: Option<KnownFile>,
    ) -> Result<(), Error> {
        let original = self.original_id(listing, folder, found)?;
        let is_same = known
            .as_ref()
            .is_some_and(|known| is_unchanged(known, found));
        let role = match (found.role, &known) {
            (Role::Unsure, Some(known)) if is_same => known.role,
            (Role::Unsure, _) => {
                let path = listing.folder.join(&found.name);
                match role_by_content(&path) {
                    Ok(role) => role,
                    // The file may be footage, so the error must not be hidden.
                    Err(error) => {
                        self.report_problem(Problem::new(path, error.to_string()));
                        return Ok(());
                    }
                }
            }
            (Role::Media, _) => Role::Media,
            // Without its original, a proxy is a clip, and other companions are ignored.
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
                self.result.changed.insert(folder);
                let id = self
                    .writer
                    .write(|catalogue| catalogue.add_file(folder, found, role, original))?;
                self.summary.new += usize::from(role == Role::Media);
                self.queue_changed(id, found, role, original);
                Ok(())
            }
            Some(known) if !is_same || known.role != role || known.original != original => {
                self.writer
                    .write(|catalogue| catalogue.update_file(known.id, found, role, original))?;
                self.summary.changed += usize::from(role == Role::Media);
                self.queue_changed(known.id, found, role, original);
                Ok(())
            }
            Some(known) => self.check_unchanged(listing, folder, found, &known),
        }
    }

    /// Queues a new or changed clip. For a sidecar, queues its original.
    fn queue_changed(&mut self, id: i64, found: &FoundFile, role: Role, original: Option<i64>) {
        match (role, original) {
            (Role::Media, _) => self.queue_by_age(id, found),
            (Role::Sidecar, Some(original)) => self.queue(original),
            _ => {}
        }
    }

    /// Queues a clip; a recently modified one is queued separately.
    fn queue_by_age(&mut self, id: i64, found: &FoundFile) {
        if !is_recent(found.modified) {
            self.queue(id);
        } else if self.queued.insert(id) {
            self.result.recent.push((id, self.drive.clone()));
        }
    }

    fn queue(&mut self, id: i64) {
        if self.queued.insert(id) {
            self.result.unread.push((id, self.drive.clone()));
        }
    }

    /// Queues an unchanged clip only if it was never read, if another version of the tool that
    /// failed may now succeed, if pictures are missing, or if the user requested a recheck.
    fn check_unchanged(
        &mut self,
        listing: &FolderListing,
        folder: i64,
        found: &FoundFile,
        known: &KnownFile,
    ) -> Result<(), Error> {
        if (known.changed, known.inode) != (found.changed, found.inode) {
            self.writer
                .write(|catalogue| catalogue.record_change_time(known.id, found))?;
        }
        if known.state == FileState::Missing {
            self.restore_missing(known)?;
        }
        if known.role != Role::Media {
            return Ok(());
        }
        self.summary.unchanged += 1;
        if known.is_unread {
            self.queue_by_age(known.id, found);
            return Ok(());
        }
        let (has_failed, lacks_pictures) = {
            let retry = self.retry_candidates()?;
            (
                retry.has_failed(known.clip),
                retry.lacks_pictures(known.clip),
            )
        };
        let failure = match known.clip.filter(|_| has_failed) {
            Some(clip) => Some(self.writer.catalogue.read_failure(clip)?),
            None => None,
        };
        let failed_with = failure
            .as_ref()
            .and_then(|failure| failure.failed_with.as_ref());
        let is_other_tool = failed_with.is_some_and(|tool| !self.tools.has_version(tool));
        if is_other_tool || lacks_pictures || self.request.recheck {
            self.writer
                .write(|catalogue| catalogue.read_again(known.id))?;
            self.queue(known.id);
        } else if self.request.refresh {
            let drive = self.drive.clone();
            self.result.refresh.push((known.id, folder, drive));
        } else if let Some(reason) = failure.and_then(|failure| failure.problem) {
            // Every scan reports the problem, so that a bad file is not forgotten.
            self.report_problem(Problem::new(listing.folder.join(&found.name), reason));
        }
        Ok(())
    }

    /// Marks a missing file as present or unreadable again.
    fn restore_missing(&mut self, known: &KnownFile) -> Result<(), Error> {
        let is_readable = match known.clip {
            Some(clip) => self.writer.catalogue.read_failure(clip)?.is_readable,
            None => true,
        };
        let state = if is_readable {
            FileState::Present
        } else {
            FileState::Unreadable
        };
        let original = self
            .writer
            .write(|catalogue| catalogue.set_state(known.id, state))?;
        if let Some(original) = original {
            self.queue(original);
        }
        Ok(())
    }

    /// Returns the clips that may need another attempt; loads them at the first call.
    fn retry_candidates(&mut self) -> Result<&RetryCandidates, Error> {
        if self.retry.is_none() {
            let candidates = RetryCandidates::load(self.writer.catalogue, self.request.strip)?;
            self.retry = Some(candidates);
        }
        self.retry.as_ref().ok_or(Error::Thread)
    }

    /// Returns the file id of the original that a companion belongs to; `None` if the file is not a
    /// companion or its original is not in the catalogue.
    fn original_id(
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
        let (volume, inside) = self.writer.catalogue.volumes().locate(original);
        let volume = self.volume_id(&volume)?;
        let inside = inside.parent().unwrap_or(Path::new(""));
        match self.writer.catalogue.find_folder(volume, inside)? {
            Some(folder) => self.writer.catalogue.file_id(folder, name),
            None => Ok(None),
        }
    }
}

/// Returns true if a file did not change. Change time and inode are compared only if both are
/// known.
fn is_unchanged(known: &KnownFile, found: &FoundFile) -> bool {
    let is_equal = |a: Option<i64>, b: Option<i64>| a.zip(b).is_none_or(|(a, b)| a == b);
    known.bytes == found.bytes
        && known.modified == found.modified
        && known.frames == found.frames
        && is_equal(known.changed, found.changed)
        && is_equal(known.inode, found.inode)
}

/// Returns the role of a file by its first bytes, if its name does not determine it.
fn role_by_content(path: &Path) -> io::Result<Role> {
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
    fn the_content_decides_if_the_name_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("take one");
        fs::write(&path, "a list of shots").unwrap();
        assert_eq!(role_by_content(&path).unwrap(), Role::Unsure);
        fs::write(&path, b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0").unwrap();
        assert_eq!(role_by_content(&path).unwrap(), Role::Media);
        assert!(role_by_content(folder.path()).is_err());
    }
}
