//! Read-only access to source files. Only regular files are opened: opening a pipe blocks forever,
//! and opening a device may have side effects.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Opens a file for reading.
///
/// # Errors
/// Returns an error if the path is not a regular file or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    File::open(path)
}

/// Resolves links and returns the real path, with each name spelled as its folder lists it. On
/// case-insensitive filesystems, one folder would otherwise have several paths.
///
/// # Errors
/// Returns an error if the path does not exist or cannot be read.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    let real = std::fs::canonicalize(path)?;
    let mut listed = PathBuf::new();
    for part in real.components() {
        let Component::Normal(name) = part else {
            listed.push(part);
            continue;
        };
        let name = listed_spelling(&listed, name).unwrap_or_else(|| name.to_owned());
        listed.push(name);
    }
    Ok(listed)
}

/// Returns the listed spelling of a name on a case-insensitive filesystem.
fn listed_spelling(folder: &Path, name: &OsStr) -> Option<OsString> {
    let text = name.to_str()?;
    let lower = text.to_lowercase();
    let other_case = if lower == text {
        text.to_uppercase()
    } else {
        lower
    };
    // A FUSE program may give each spelling of a name its own inode, so inodes are not compared.
    (other_case != text && folder.join(other_case).symlink_metadata().is_ok()).then_some(())?;
    let names = std::fs::read_dir(folder).ok()?.flatten();
    let names: Vec<OsString> = names.map(|entry| entry.file_name()).collect();
    if names.iter().any(|listed| listed == name) {
        return None;
    }
    let lower = text.to_lowercase();
    let is_spelling = |listed: &OsString| listed.to_string_lossy().to_lowercase() == lower;
    names.into_iter().find(is_spelling)
}

/// Returns the modification time in nanoseconds since 1970 UTC; 0 if the system does not report it.
#[must_use]
pub fn modified(metadata: &Metadata) -> i64 {
    metadata.modified().map_or(0, nanos)
}

/// Size and times of a file when it was read. If they are unchanged, the contents are unchanged
/// too, unless a program restored the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// Change time (ctime) in nanoseconds since 1970 UTC; `None` if the system does not report it.
    pub changed: Option<i64>,
}

impl Stamp {
    /// Creates a stamp from a file's metadata.
    #[must_use]
    pub fn from_metadata(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: modified(metadata),
            changed: changed(metadata),
        }
    }

    /// Returns true if `now` shows an unchanged file. Filesystems without a reliable change time
    /// (ctime) may round times when they are mounted again.
    #[must_use]
    pub fn is_like(&self, now: &Self, has_change_time: bool) -> bool {
        if has_change_time {
            return self == now;
        }
        self.bytes == now.bytes && self.modified.abs_diff(now.modified) <= COARSEST_RESOLUTION
    }
}

/// Coarsest time resolution of a filesystem (FAT), in nanoseconds.
pub(crate) const COARSEST_RESOLUTION: u64 = 2_000_000_000;

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

/// Returns true if all bytes are zero.
#[must_use]
pub fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| *word == [0; 16]) && rest.iter().all(|&byte| byte == 0)
}

/// Number of bytes of each test read of a drive.
const TRIAL_BYTES: u64 = 64 * 1024;

/// Reads the beginning, the middle and the end of a file, to check that its drive is readable.
///
/// # Errors
/// Returns an error if a read fails.
pub fn try_reading(path: &Path) -> io::Result<()> {
    let original = Original::open(path)?;
    let size = original.size();
    for start in [0, size / 2, size.saturating_sub(TRIAL_BYTES)] {
        let length = usize::try_from(TRIAL_BYTES.min(size - start)).map_err(io::Error::other)?;
        original.read(start, length)?;
    }
    Ok(())
}

/// Number of read calls on source files since this process started.
static CALLS: AtomicU64 = AtomicU64::new(0);
/// Number of bytes read from source files since this process started.
static BYTES: AtomicU64 = AtomicU64::new(0);

/// Read statistics of this process for source files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Number of read calls.
    pub calls: u64,
    /// Bytes read.
    pub bytes: u64,
}

impl Traffic {
    /// Returns the statistics since the process started.
    #[must_use]
    pub fn so_far() -> Self {
        Self {
            calls: CALLS.load(Ordering::Relaxed),
            bytes: BYTES.load(Ordering::Relaxed),
        }
    }
}

/// Open source file that is read in ranges. Ranges that several stages need can be stored, so that
/// they are read only once.
#[derive(Debug)]
pub struct Original {
    file: File,
    size: u64,
    stored: Vec<(u64, Vec<u8>)>,
}

impl Original {
    /// Opens a source file.
    ///
    /// # Errors
    /// Returns an error if the path is not a regular file or cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        Ok(Self {
            size: file.metadata()?.len(),
            file,
            stored: Vec::new(),
        })
    }

    /// Returns the size in bytes when the file was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads exactly `length` bytes at `start`, from a stored range or with one read call.
    ///
    /// # Errors
    /// Returns `UnexpectedEof` if the range ends after the file, or the system error.
    pub fn read(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.stored(start, length) {
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

    /// Stores bytes that were read at `start`.
    pub fn store(&mut self, start: u64, bytes: Vec<u8>) {
        self.stored.push((start, bytes));
    }

    /// Returns the stored bytes at the beginning of the file.
    #[must_use]
    pub fn beginning(&self) -> &[u8] {
        let first = self.stored.iter().find(|(start, _)| *start == 0);
        first.map_or(&[], |(_, bytes)| bytes)
    }

    /// Returns a range if all of it is stored.
    #[must_use]
    pub fn stored(&self, start: u64, length: usize) -> Option<&[u8]> {
        self.stored.iter().find_map(|(first, bytes)| {
            let offset = usize::try_from(start.checked_sub(*first)?).ok()?;
            bytes.get(offset..offset.checked_add(length)?)
        })
    }
}

/// Limits the number of parallel readers of a device. A spinning disk or a card gets one, since
/// several readers would slow each other down.
#[derive(Debug, Clone)]
pub struct ReadLimiter(Arc<(Mutex<usize>, Condvar)>);

/// Permit to read, released on drop.
#[derive(Debug)]
pub struct ReadPermit<'a>(&'a ReadLimiter);

impl ReadLimiter {
    /// Creates a limiter for `readers` parallel readers.
    #[must_use]
    pub fn new(readers: usize) -> Self {
        Self(Arc::new((Mutex::new(readers.max(1)), Condvar::new())))
    }

    /// Waits until fewer readers than the limit are active.
    #[must_use]
    pub fn acquire(&self) -> ReadPermit<'_> {
        let (free, released) = &*self.0;
        let free = free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = released
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        ReadPermit(self)
    }
}

impl Drop for ReadPermit<'_> {
    fn drop(&mut self) {
        let (free, released) = &*self.0.0;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        released.notify_one();
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
        original.store(4, b"XYZ".to_vec());
        assert_eq!(original.read(5, 2).unwrap(), b"YZ");
        assert_eq!(original.read(6, 2).unwrap(), b"67");
        assert!(original.read(8, 3).is_err());
        assert!(original.read(u64::MAX, 1).is_err());
        assert!(try_reading(&path).is_ok());
        assert!(try_reading(&folder.path().join("b.mov")).is_err());
        assert!(Original::open(folder.path()).is_err());
    }
}
