//! Originals are opened to be read, and only when they are regular files: opening a pipe
//! waits for ever, and a device may do anything.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Opens a file of a drive for reading.
///
/// # Errors
/// When it is no regular file, or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    File::open(path)
}

/// The real path of a file or folder, links resolved, each name as its folder lists it: where letter case makes no
/// difference, one folder would go by several paths.
///
/// # Errors
/// When it is not there, or cannot be looked at.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    let real = std::fs::canonicalize(path)?;
    let mut listed = PathBuf::new();
    for part in real.components() {
        let Component::Normal(name) = part else {
            listed.push(part);
            continue;
        };
        let name = name_in(&listed, name).unwrap_or_else(|| name.to_owned());
        listed.push(name);
    }
    Ok(listed)
}

/// How a folder lists a name, where it makes no difference between small and capital letters.
fn name_in(folder: &Path, name: &OsStr) -> Option<OsString> {
    let text = name.to_str()?;
    let lower = text.to_lowercase();
    let other = if lower == text {
        text.to_uppercase()
    } else {
        lower
    };
    // A FUSE program may number one file by each of its spellings, so numbers tell nothing.
    (other != text && folder.join(other).symlink_metadata().is_ok()).then_some(())?;
    let names = std::fs::read_dir(folder).ok()?.flatten();
    let names: Vec<OsString> = names.map(|entry| entry.file_name()).collect();
    if names.iter().any(|listed| listed == name) {
        return None;
    }
    let spelling = text.to_lowercase();
    let is_spelling = |listed: &OsString| listed.to_string_lossy().to_lowercase() == spelling;
    names.into_iter().find(is_spelling)
}

/// A file's modification time, nanoseconds since 1970 UTC; 0 where the system does not tell.
#[must_use]
pub fn modified(metadata: &Metadata) -> i64 {
    metadata.modified().map_or(0, nanos)
}

/// What a file looked like when it was read: as long as it looks so, nobody wrote to it, unless they put back what
/// tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// When the system last changed anything of it (ctime), nanoseconds since 1970 UTC, where it tells.
    pub changed: Option<i64>,
}

impl Stamp {
    /// What a file looks like now.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: modified(metadata),
            changed: changed(metadata),
        }
    }

    /// Whether a file looks as it did. Filesystems without a reliable change time (ctime) may round times when they are
    /// mounted again.
    #[must_use]
    pub fn is_like(&self, now: &Self, has_change_time: bool) -> bool {
        if has_change_time {
            return self == now;
        }
        self.bytes == now.bytes && self.modified.abs_diff(now.modified) <= COARSEST
    }
}

/// Coarsest step of a filesystem's times (FAT), nanoseconds.
const COARSEST: u64 = 2_000_000_000;

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<i64> {
    use std::os::unix::fs::MetadataExt;
    let nanos = metadata.ctime().checked_mul(1_000_000_000)?;
    nanos.checked_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_metadata: &Metadata) -> Option<i64> {
    None
}

fn nanos(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

/// Whether all bytes are zero.
#[must_use]
pub fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| *word == [0; 16]) && rest.iter().all(|&byte| byte == 0)
}

/// Bytes that are read to try a drive.
const TRIAL: u64 = 64 * 1024;

/// Reads the begin, the middle and the end of a file: whether its drive still gives it.
///
/// # Errors
/// When it does not.
pub fn try_reading(path: &Path) -> io::Result<()> {
    let original = Original::open(path)?;
    let size = original.size();
    for start in [0, size / 2, size.saturating_sub(TRIAL)] {
        let length = usize::try_from(TRIAL.min(size - start)).map_err(io::Error::other)?;
        original.read(start, length)?;
    }
    Ok(())
}

/// Read calls and bytes of this process so far, from originals alone.
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// What was read of originals, by this process itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Read calls.
    pub calls: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Traffic {
    /// Since this process began.
    #[must_use]
    pub fn so_far() -> Self {
        Self {
            calls: CALLS.load(Ordering::Relaxed),
            bytes: BYTES.load(Ordering::Relaxed),
        }
    }
}

/// An opened original, of which ranges are read. It remembers those worth keeping, so that
/// what two stages look at is read once.
#[derive(Debug)]
pub struct Original {
    file: File,
    size: u64,
    kept: Vec<(u64, Vec<u8>)>,
}

impl Original {
    /// Opens a file of a drive.
    ///
    /// # Errors
    /// When it is no regular file, or cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        Ok(Self {
            size: file.metadata()?.len(),
            file,
            kept: Vec::new(),
        })
    }

    /// Bytes it had when it was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads exactly `length` bytes from `start`: one read call, or none where they are kept.
    ///
    /// # Errors
    /// `UnexpectedEof` when they are not all there; whatever the system says.
    pub fn read(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.kept(start, length) {
            return Ok(bytes.to_vec());
        }
        let is_inside = start
            .checked_add(length as u64)
            .is_some_and(|end| end <= self.size);
        if !is_inside {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length];
        read_at(&self.file, &mut bytes, start)?;
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(length as u64, Ordering::Relaxed);
        Ok(bytes)
    }

    /// Keeps bytes that were read from `start`.
    pub fn keep(&mut self, start: u64, bytes: Vec<u8>) {
        self.kept.push((start, bytes));
    }

    /// What is kept of its beginning.
    #[must_use]
    pub fn beginning(&self) -> &[u8] {
        let first = self.kept.iter().find(|(start, _)| *start == 0);
        first.map_or(&[], |(_, bytes)| bytes)
    }

    /// A range that is kept whole.
    #[must_use]
    pub fn kept(&self, start: u64, length: usize) -> Option<&[u8]> {
        self.kept.iter().find_map(|(first, bytes)| {
            let at = usize::try_from(start.checked_sub(*first)?).ok()?;
            bytes.get(at..at.checked_add(length)?)
        })
    }
}

/// How many may read from one device at a time: one from a spinning disk or a card, whose
/// head or bus would only be torn between more.
#[derive(Debug, Clone)]
pub struct Gate(Arc<(Mutex<usize>, Condvar)>);

/// Leave to read, until it is dropped.
#[derive(Debug)]
pub struct Pass<'a>(&'a Gate);

impl Gate {
    /// A gate for so many at a time.
    #[must_use]
    pub fn new(readers: usize) -> Self {
        Self(Arc::new((Mutex::new(readers.max(1)), Condvar::new())))
    }

    /// Waits for a turn.
    #[must_use]
    pub fn pass(&self) -> Pass<'_> {
        let (free, changed) = &*self.0;
        let free = free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = changed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Pass(self)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let (free, changed) = &*self.0.0;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        changed.notify_one();
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_once_and_never_past_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mov");
        std::fs::write(&path, b"0123456789").unwrap();
        let mut original = Original::open(&path).unwrap();
        assert_eq!(original.read(2, 3).unwrap(), b"234");
        original.keep(4, b"XYZ".to_vec());
        assert_eq!(original.read(5, 2).unwrap(), b"YZ");
        assert_eq!(original.read(6, 2).unwrap(), b"67");
        assert!(original.read(8, 3).is_err());
        assert!(original.read(u64::MAX, 1).is_err());
        assert!(try_reading(&path).is_ok());
        assert!(try_reading(&folder.path().join("b.mov")).is_err());
        assert!(Original::open(folder.path()).is_err());
    }
}
