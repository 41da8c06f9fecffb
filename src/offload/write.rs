//! Writer of one destination. It writes copies under temporary names and passes them in batches to
//! the verifier, which gives them their final names.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, FileTimes};
use std::io::{self, ErrorKind};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::buffers::PIECE;
use super::destination_context::{DestinationContext, GONE};
use super::direct_io;
use super::event::Event;
use super::message::{DIRECT_IO_MIN_BYTES, Job, Message};
use super::write_error::{describe_error, is_device_error};
use crate::atomic_file::{self, Unfinished};
use crate::source_file::is_zero;

/// Maximum number of files in a batch, all of which are open.
const MAX_BATCH_FILES: usize = 192;
/// Size of the copies, in bytes, at which a batch ends.
const MAX_BATCH_BYTES: u64 = 64 * 1024 * 1024;
/// Number of bytes after which writeback to the disk is started.
const WRITEBACK_STEP: u64 = 8 * PIECE as u64;

/// Copies and existing files that are verified together.
#[derive(Default)]
pub(super) struct Batch {
    /// Copies that were written completely.
    pub(super) written: Vec<(Arc<Job>, Unfinished)>,
    /// Files that already exist at the destination and must be compared.
    pub(super) existing: Vec<Arc<Job>>,
    /// Folders to sync: parents of created folders. The verifier adds the parents of published
    /// files.
    pub(super) folders: BTreeSet<PathBuf>,
    bytes: u64,
}

/// Copy that is being written.
struct CurrentCopy {
    job: Arc<Job>,
    file: Unfinished,
    /// Handle of the same file for direct I/O, if used.
    direct: Option<File>,
    written: u64,
}

struct Writer<'a> {
    context: DestinationContext<'a>,
    /// Folders already created or found.
    existing_folders: HashSet<PathBuf>,
    batch: Batch,
    current: Option<CurrentCopy>,
}

/// Writes incoming files and passes batches to `verify`.
pub(super) fn run(
    context: DestinationContext<'_>,
    messages: &Receiver<Message>,
    verify: &mut dyn FnMut(Batch),
) {
    let mut writer = Writer {
        context,
        existing_folders: HashSet::new(),
        batch: Batch::default(),
        current: None,
    };
    for message in messages {
        if writer.context.is_given_up() {
            writer.current = None;
            continue;
        }
        match message {
            Message::Begin(job) => writer.begin(job),
            Message::Piece(piece) => writer.write(piece.bytes()),
            Message::End(seen) => writer.end(seen.is_some()),
            Message::Compare(job) => writer.batch.existing.push(job),
        }
        let batch = &writer.batch;
        if batch.bytes >= MAX_BATCH_BYTES
            || batch.written.len() + batch.existing.len() >= MAX_BATCH_FILES
        {
            verify(std::mem::take(&mut writer.batch));
        }
    }
    if !writer.context.is_given_up() && !(writer.context.is_cancelled)() {
        verify(writer.batch);
    }
}

impl Writer<'_> {
    fn begin(&mut self, job: Arc<Job>) {
        if self.context.is_gone() {
            self.context.give_up(GONE.to_owned());
            return;
        }
        let path = self.context.destination.folder.join(&job.inside);
        let folder = path.parent().unwrap_or(&path).to_owned();
        let created = self
            .make_folder(&folder)
            .and_then(|()| Unfinished::in_folder(&folder));
        match created {
            Ok(file) => {
                direct_io::disable_write_cache(file.file());
                let use_direct_io = job.bytes >= DIRECT_IO_MIN_BYTES
                    && !job.is_sparse
                    && !self.context.destination.is_share;
                self.current = Some(CurrentCopy {
                    direct: use_direct_io
                        .then(|| direct_io::open_direct_for_write(file.path()))
                        .flatten(),
                    job,
                    file,
                    written: 0,
                });
            }
            Err(error) => self.context.fail(&job, &error),
        }
    }

    /// Creates a folder and its ancestors up to the destination's base. Removes leftovers of dead
    /// processes from an existing folder.
    fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        if self.existing_folders.contains(folder) {
            return Ok(());
        }
        if *folder != self.context.destination.base
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
                self.check_folder(folder)?;
                let _ = atomic_file::sweep(folder);
            }
            Err(error) => return Err(error),
        }
        self.existing_folders.insert(folder.to_owned());
        Ok(())
    }

    /// Checks that a path is a folder. A link to a folder is accepted as the copy's root and above
    /// it, but not below, where it would lead out of the copy.
    fn check_folder(&self, folder: &Path) -> io::Result<()> {
        let root = &self.context.destination.folder;
        if folder.starts_with(root) && folder != root {
            check_is_folder(folder)
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
                .context
                .send_event(Event::Written(self.context.number, bytes.len() as u64)),
            Err(error) => {
                let job = current.job.clone();
                self.current = None;
                self.context.fail(&job, &error);
            }
        }
    }

    fn end(&mut self, is_complete: bool) {
        let Some(current) = self.current.take().filter(|_| is_complete) else {
            return;
        };
        if let Err(error) = current.finish() {
            self.context.fail(&current.job, &error);
            return;
        }
        self.batch.bytes += current.job.bytes;
        self.batch.written.push((current.job, current.file));
    }
}

impl CurrentCopy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.file.file();
        // Holes on the card become holes in the copy.
        let is_hole = self.job.is_sparse && is_zero(bytes);
        if !is_hole && bytes.len() == PIECE {
            direct_io::write_at(&mut self.direct, file, bytes, self.written)?;
        } else if !is_hole {
            direct_io::write_at(&mut None, file, bytes, self.written)?;
        }
        self.written += bytes.len() as u64;
        if self.direct.is_none() && self.written.is_multiple_of(WRITEBACK_STEP) {
            start_writeback(file, self.written - WRITEBACK_STEP);
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

/// Starts writing a range to the disk, without waiting, so that the final sync has little left to
/// do. Pages already written are dropped from the cache.
#[cfg(target_os = "linux")]
fn start_writeback(file: &File, from: u64) {
    let length = NonZeroU64::new(WRITEBACK_STEP);
    let _ = rustix::fs::fadvise(file, from, length, rustix::fs::Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn start_writeback(_file: &File, _from: u64) {
    let _ = NonZeroU64::new(WRITEBACK_STEP);
}

/// Sets the modification and access time of a file or folder to a time on the card, in nanoseconds
/// since 1970 UTC.
pub(super) fn set_time(file: &File, nanos: i64) -> io::Result<()> {
    let offset = Duration::from_nanos(nanos.unsigned_abs());
    let time = if nanos < 0 {
        UNIX_EPOCH.checked_sub(offset)
    } else {
        UNIX_EPOCH.checked_add(offset)
    };
    let time = time.unwrap_or(SystemTime::UNIX_EPOCH);
    match file.set_times(FileTimes::new().set_modified(time).set_accessed(time)) {
        // The filesystem cannot store the time (FAT times begin in 1980), or the network share does
        // not allow setting it. Only the content matters.
        Err(error) if !is_device_error(&error) => Ok(()),
        result => result,
    }
}

/// Creates the folders of a card that do not exist yet, sets the times of all folders and syncs
/// them. Must be called after the last write into them. Returns the folders that could not be
/// created, each with the reason.
#[must_use]
pub(crate) fn finish_folders(
    destination: &Path,
    folders: &[(PathBuf, i64)],
) -> Vec<(PathBuf, String)> {
    let mut problems = Vec::new();
    // The destination may not exist yet if nothing could be copied from the card.
    if let Err(error) = fs::create_dir_all(destination) {
        return vec![(destination.to_owned(), describe_error(&error))];
    }
    let created = folders.iter().filter(|(inside, _)| {
        let folder = destination.join(inside);
        let created = match fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => check_is_folder(&folder),
            created => created,
        };
        if let Err(error) = &created {
            problems.push((folder, describe_error(error)));
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

/// Checks that a path is a folder and not a link to one.
fn check_is_folder(folder: &Path) -> io::Result<()> {
    if folder.symlink_metadata()?.is_dir() {
        Ok(())
    } else {
        Err(ErrorKind::NotADirectory.into())
    }
}
