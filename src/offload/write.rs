//! Writer of one destination. Copies have temporary names and are verified and published in
//! batches.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, FileTimes};
use std::io::{self, ErrorKind};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::buffers::PIECE;
use super::direct_io;
use super::{DestinationContext, Event, GONE, Job, LARGE, Message};
use crate::atomic_file::{self, Unfinished};
use crate::source_file::is_zero;

/// Maximum number of files in a batch; each is open.
const MOST_FILES: usize = 192;
/// Size at which a batch ends, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes after which writeback to the disk is started.
const STEP: u64 = 8 * PIECE as u64;

/// Copies that are verified together.
#[derive(Default)]
pub(super) struct Batch {
    /// Copies that were written.
    pub(super) written: Vec<(Arc<Job>, Unfinished)>,
    /// Files that exist already.
    pub(super) there: Vec<Arc<Job>>,
    /// Folders that must be synced: parents of created folders and of published files.
    pub(super) folders: BTreeSet<PathBuf>,
    bytes: u64,
}

/// Copy that is being written.
struct Current {
    job: Arc<Job>,
    file: Unfinished,
    /// Handle of the same file for direct I/O.
    past: Option<File>,
    written: u64,
}

struct Writer<'a> {
    place: DestinationContext<'a>,
    /// Folders that exist.
    known: HashSet<PathBuf>,
    batch: Batch,
    current: Option<Current>,
}

/// Writes incoming files and passes batches to `verify`.
pub(super) fn run(
    place: DestinationContext<'_>,
    messages: &Receiver<Message>,
    verify: &mut dyn FnMut(Batch),
) {
    let mut writer = Writer {
        place,
        known: HashSet::new(),
        batch: Batch::default(),
        current: None,
    };
    for message in messages {
        if writer.place.is_given_up() {
            writer.current = None;
            continue;
        }
        match message {
            Message::Begin(job) => writer.begin(job),
            Message::Piece(piece) => writer.write(piece.bytes()),
            Message::End(seen) => writer.end(seen.is_some()),
            Message::Compare(job) => writer.batch.there.push(job),
        }
        let batch = &writer.batch;
        if batch.bytes >= MOST_BYTES || batch.written.len() + batch.there.len() >= MOST_FILES {
            verify(std::mem::take(&mut writer.batch));
        }
    }
    if !writer.place.is_given_up() && (writer.place.go_on)() {
        verify(writer.batch);
    }
}

impl Writer<'_> {
    fn begin(&mut self, job: Arc<Job>) {
        if self.place.is_gone() {
            self.place.give_up(GONE.to_owned());
            return;
        }
        let path = self.place.destination.folder.join(&job.inside);
        let folder = path.parent().unwrap_or(&path).to_owned();
        let created = self
            .make_folder(&folder)
            .and_then(|()| Unfinished::in_folder(&folder));
        match created {
            Ok(file) => {
                direct_io::keep_out(file.file());
                let is_past =
                    job.bytes >= LARGE && !job.is_sparse && !self.place.destination.is_share;
                self.current = Some(Current {
                    past: is_past.then(|| direct_io::to_write(file.path())).flatten(),
                    job,
                    file,
                    written: 0,
                });
            }
            Err(error) => self.place.fail(&job, &error),
        }
    }

    /// Creates a folder and its ancestors; removes leftovers of dead processes from an existing
    /// one.
    fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        if self.known.contains(folder) {
            return Ok(());
        }
        if *folder != self.place.destination.base
            && let Some(above) = folder.parent()
        {
            self.make_folder(above)?;
        }
        match fs::create_dir(folder) {
            Ok(()) => {
                let above = folder.parent().unwrap_or(folder);
                self.batch.folders.insert(above.to_owned());
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.is_folder(folder)?;
                let _ = atomic_file::sweep(folder);
            }
            Err(error) => return Err(error),
        }
        self.known.insert(folder.to_owned());
        Ok(())
    }

    /// Checks that a path is a folder. A link to a folder is accepted above the card's root, but
    /// not below it, where it would lead elsewhere.
    fn is_folder(&self, folder: &Path) -> io::Result<()> {
        let root = &self.place.destination.folder;
        if folder.starts_with(root) && folder != root {
            is_own_folder(folder)
        } else if folder.is_dir() {
            Ok(())
        } else {
            Err(ErrorKind::NotADirectory.into())
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let Some(current) = &mut self.current else {
            return;
        };
        match current.write(bytes) {
            Ok(()) => self
                .place
                .send_event(Event::Written(self.place.number, bytes.len() as u64)),
            Err(error) => {
                let job = current.job.clone();
                self.current = None;
                self.place.fail(&job, &error);
            }
        }
    }

    fn end(&mut self, is_whole: bool) {
        let Some(current) = self.current.take().filter(|_| is_whole) else {
            return;
        };
        if let Err(error) = current.finish() {
            self.place.fail(&current.job, &error);
            return;
        }
        self.batch.bytes += current.job.bytes;
        self.batch.written.push((current.job, current.file));
    }
}

impl Current {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.file();
        // Holes on the card become holes in the copy.
        let is_hole = self.job.is_sparse && is_zero(bytes);
        if !is_hole && bytes.len() == PIECE {
            direct_io::write_at(&mut self.past, file, bytes, self.written)?;
        } else if !is_hole {
            direct_io::write_at(&mut None, file, bytes, self.written)?;
        }
        self.written += bytes.len() as u64;
        if self.past.is_none() && self.written.is_multiple_of(STEP) {
            hurry(file, self.written - STEP);
        }
        Ok(())
    }

    fn finish(&self) -> io::Result<()> {
        let file = self.file.file();
        if self.job.is_sparse {
            file.set_len(self.job.bytes)?;
        }
        Ok(())
    }
}

/// Starts writing a range to the disk without waiting, and drops it from the cache. The final sync
/// then has little left to do.
#[cfg(target_os = "linux")]
fn hurry(file: &File, from: u64) {
    let length = NonZeroU64::new(STEP);
    let _ = rustix::fs::fadvise(file, from, length, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn hurry(_file: &File, _from: u64) {
    let _ = NonZeroU64::new(STEP);
}

/// Sets the times of a file or folder to those on the card.
pub(super) fn set_time(file: &File, nanos: i64) -> io::Result<()> {
    let since = Duration::from_nanos(nanos.unsigned_abs());
    let time = if nanos < 0 {
        UNIX_EPOCH.checked_sub(since)
    } else {
        UNIX_EPOCH.checked_add(since)
    };
    let time = time.unwrap_or(SystemTime::UNIX_EPOCH);
    match file.set_times(FileTimes::new().set_modified(time).set_accessed(time)) {
        // The filesystem cannot store the time (FAT begins in 1980), or the share does not allow
        // setting it. Only the content matters.
        Err(error) if !is_of_device(&error) => Ok(()),
        set => set,
    }
}

/// Creates the empty folders of a card, sets the times of all folders and syncs them. Call it after
/// the last write into them. Returns folders that could not be created, with the reason.
#[must_use]
pub fn finish_folders(destination: &Path, folders: &[(PathBuf, i64)]) -> Vec<(PathBuf, String)> {
    let mut problems = Vec::new();
    // The destination is needed even if nothing could be copied from the card.
    if let Err(error) = fs::create_dir_all(destination) {
        return vec![(destination.to_owned(), reason(&error))];
    }
    let created = folders.iter().filter(|(inside, _)| {
        let folder = destination.join(inside);
        let created = match fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => is_own_folder(&folder),
            created => created,
        };
        if let Err(error) = &created {
            problems.push((folder, reason(error)));
        }
        created.is_ok()
    });
    let created: Vec<_> = created.collect();
    // Children first: creating one changes the time of its parent.
    for (inside, time) in created.into_iter().rev() {
        let folder = destination.join(inside);
        let _ = atomic_file::sweep(&folder);
        #[cfg(unix)]
        let _ = File::open(&folder).and_then(|open| {
            set_time(&open, *time)?;
            open.sync_all()
        });
        #[cfg(not(unix))]
        let _ = time;
    }
    let _ = atomic_file::sweep(destination);
    let _ = atomic_file::sync_folder(destination);
    problems
}

/// Returns an error unless the path is a folder, and not a link to one.
fn is_own_folder(folder: &Path) -> io::Result<()> {
    if folder.symlink_metadata()?.is_dir() {
        Ok(())
    } else {
        Err(ErrorKind::NotADirectory.into())
    }
}

/// Returns true if an error concerns the whole device, so that other files would fail as well.
pub(super) fn is_of_device(error: &io::Error) -> bool {
    /// `EIO`, `ENXIO`, `ENODEV`, `ENOTCONN`, `EHOSTDOWN`, `ESTALE` on Linux.
    const GONE: [i32; 6] = [5, 6, 19, 107, 112, 116];
    matches!(
        error.kind(),
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StaleNetworkFileHandle
            | ErrorKind::NotConnected
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::TimedOut
    ) || error
        .raw_os_error()
        .is_some_and(|code| GONE.contains(&code))
}

/// Returns a reason for a write error that is clearer than the system's message.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::FileTooLarge => {
            "the file is too large for the filesystem there (FAT32: 4 GiB)".to_owned()
        }
        ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            format!("the filesystem there does not accept the name: {error}")
        }
        ErrorKind::NotADirectory => "a file or link exists where the card has a folder".to_owned(),
        _ => error.to_string(),
    }
}
