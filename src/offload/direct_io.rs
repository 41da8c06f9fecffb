//! Direct I/O (`O_DIRECT`, `F_NOCACHE`): bypasses the page cache, so reads come from the medium,
//! writes go to it at once, and no bytes are copied within memory. Not every system and filesystem
//! supports it; callers then fall back to cached I/O.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Alignment of addresses, offsets and lengths; 4096 is sufficient for every disk.
const ALIGNMENT: usize = 4096;

/// Buffer aligned for direct I/O.
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
            // Where addresses are unknown, the buffer is not aligned and I/O is cached.
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

/// Opens a file for direct reads; `None` if that is not supported.
///
/// # Errors
/// Returns an error if the path is not a regular file or cannot be opened.
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

/// Opens a file for direct writes; `None` if that is not supported.
pub(super) fn to_write(path: &Path) -> Option<File> {
    #[cfg(target_os = "linux")]
    return open(path, rustix::fs::OFlags::WRONLY).ok().flatten();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// Advises the system not to cache writes to a file, if it accepts such advice.
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

/// File that is read sequentially, with direct I/O where possible.
pub(super) struct Reading {
    past: Option<File>,
    file: File,
    place: u64,
}

impl Reading {
    /// Reads `file`, whose path is `path`; with direct I/O if `is_past` is true.
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

    /// The cached handle of the file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Returns true if reads go through the page cache, which should then drop the pages.
    pub(super) fn is_cached(&self) -> bool {
        self.past.is_none()
    }

    /// Fills an [`Aligned`] buffer; returns a smaller count only at the end of the file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(super) fn fill(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < room.len() {
            let got = match &mut self.past {
                // Only the last read of a file has an unaligned length.
                Some(_) if !filled.is_multiple_of(ALIGNMENT) => break,
                Some(past) => past.read(&mut room[filled..]),
                None => self.file.read(&mut room[filled..]),
            };
            match got {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Some filesystems reject direct I/O only at the first read.
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

/// Writes an [`Aligned`] buffer at an offset: by `past` with direct I/O where possible, else by
/// `file`.
///
/// # Errors
/// Returns an error if the file cannot be written.
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
    fn data_written_with_direct_io_is_read_with_direct_io() {
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
            // The unaligned end of the file goes through the cache.
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
