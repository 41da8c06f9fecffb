//! Files past the system's cache: what is read comes from the medium, what is written goes there at once, and
//! nothing is copied from memory to memory on the way. Not every system and filesystem knows how; whoever asks
//! goes on through the cache then.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// What addresses, places and lengths must be multiples of; 4096 does for every disk there is.
const ALIGNMENT: usize = 4096;

/// Memory that begins where reading and writing past the cache want it to.
pub(super) struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    length: usize,
}

impl Aligned {
    pub(super) fn new(length: usize) -> Self {
        let bytes = vec![0; length + ALIGNMENT];
        let start = bytes.as_ptr().align_offset(ALIGNMENT);
        Self {
            // A machine that cannot say where its memory stands reads through its cache.
            start: if start <= ALIGNMENT { start } else { 0 },
            bytes,
            length,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.length]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.length]
    }
}

/// Opens a file so that it is read past the cache; `None` where that is not known.
///
/// # Errors
/// When it is no regular file, or cannot be opened.
pub(super) fn to_read(path: &Path) -> io::Result<Option<File>> {
    if !path.symlink_metadata()?.is_file() {
        let reason = "not a regular file";
        return Err(io::Error::new(ErrorKind::InvalidInput, reason));
    }
    #[cfg(target_os = "linux")]
    return open(path, rustix::fs::OFlags::RDONLY);
    #[cfg(target_os = "macos")]
    {
        let file = crate::source_file::open(path)?;
        let is_past = rustix::fs::fcntl_nocache(&file, true).is_ok();
        Ok(is_past.then_some(file))
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    Ok(None)
}

/// Opens a file so that it is written past the cache; `None` where that is not known.
pub(super) fn to_write(path: &Path) -> Option<File> {
    #[cfg(target_os = "linux")]
    return open(path, rustix::fs::OFlags::WRONLY).ok().flatten();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// Has what is written to a file not stay in memory, where the system takes such advice.
pub(super) fn keep_out(file: &File) {
    #[cfg(target_os = "macos")]
    let _ = rustix::fs::fcntl_nocache(file, true);
    #[cfg(not(target_os = "macos"))]
    let _ = file;
}

#[cfg(target_os = "linux")]
fn open(path: &Path, access: rustix::fs::OFlags) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags};
    let flags = access | OFlags::DIRECT | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(rustix::io::Errno::INVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A file that is read from its beginning to its end, past the cache as far as that goes.
pub(super) struct Reading {
    past: Option<File>,
    file: File,
    place: u64,
}

impl Reading {
    /// Reads `file`, which stands at `path`; past the cache if so asked.
    pub(super) fn new(file: File, path: &Path, is_past: bool) -> Self {
        let past = is_past
            .then(|| to_read(path))
            .and_then(Result::ok)
            .flatten();
        Self {
            past,
            file,
            place: 0,
        }
    }

    /// The file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether it is read through the cache, which should forget it then.
    pub(super) fn is_cached(&self) -> bool {
        self.past.is_none()
    }

    /// Fills as much of some [`Aligned`] memory as there is left of the file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn fill(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < room.len() {
            let got = match &mut self.past {
                // The end of a file has any length; there is nothing behind it.
                Some(_) if !filled.is_multiple_of(ALIGNMENT) => break,
                Some(past) => past.read(&mut room[filled..]),
                None => self.file.read(&mut room[filled..]),
            };
            match got {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Some filesystems say only at a read that they know no such way.
                Err(error) if error.kind() == ErrorKind::InvalidInput && self.past.is_some() => {
                    self.past = None;
                    let place = io::SeekFrom::Start(self.place + filled as u64);
                    io::Seek::seek(&mut self.file, place)?;
                }
                Err(error) => return Err(error),
            }
        }
        self.place += filled as u64;
        Ok(filled)
    }
}

/// Writes [`Aligned`] memory to a place of a file: past the cache by `past`, as far as that goes, else by `file`.
///
/// # Errors
/// When it cannot be written.
#[cfg(unix)]
pub(super) fn write_at(
    past: &mut Option<File>,
    file: &File,
    bytes: &[u8],
    place: u64,
) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let mut written = 0;
    while let Some(open) = past
        && written < bytes.len()
    {
        match open.write_at(&bytes[written..], place + written as u64) {
            Ok(length) if length > 0 && length.is_multiple_of(ALIGNMENT) => written += length,
            Ok(length) => {
                written += length;
                *past = None;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::InvalidInput => *past = None,
            Err(error) => return Err(error),
        }
    }
    file.write_all_at(&bytes[written..], place + written as u64)
}

#[cfg(not(unix))]
pub(super) fn write_at(
    _past: &mut Option<File>,
    mut file: &File,
    bytes: &[u8],
    place: u64,
) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(place))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_past_the_cache_is_read_past_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut memory = Aligned::new(8 * ALIGNMENT);
        for (at, byte) in memory.bytes_mut().iter_mut().enumerate() {
            *byte = u8::try_from(at % 251).unwrap();
        }
        for length in [1, ALIGNMENT, 3 * ALIGNMENT + 7, 8 * ALIGNMENT] {
            let file = File::create(&path).unwrap();
            let mut past = to_write(&path);
            let bytes = &memory.bytes()[..length];
            let (whole, rest) = bytes.split_at(length / ALIGNMENT * ALIGNMENT);
            write_at(&mut past, &file, whole, 0).unwrap();
            // Its end is of no such length: it goes through the cache.
            write_at(&mut past, &file, rest, whole.len() as u64).unwrap();
            for is_past in [true, false] {
                let mut reading = Reading::new(File::open(&path).unwrap(), &path, is_past);
                let mut room = Aligned::new(4 * ALIGNMENT);
                let mut back = Vec::new();
                loop {
                    let filled = reading.fill(room.bytes_mut()).unwrap();
                    back.extend_from_slice(&room.bytes()[..filled]);
                    if filled < 4 * ALIGNMENT {
                        break;
                    }
                }
                assert!(back == bytes, "{length} bytes, past the cache: {is_past}");
            }
        }
    }
}
