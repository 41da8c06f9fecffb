//! Direct I/O (`O_DIRECT`, `F_NOCACHE`), which bypasses the page cache. Reads come from the medium,
//! writes go to it at once, and no bytes are copied within memory. Some systems and filesystems do
//! not support it; cached I/O is used there.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Alignment of addresses, offsets and lengths in bytes, sufficient for every disk.
const ALIGNMENT: usize = 4096;

/// Buffer whose address is aligned for direct I/O.
pub(super) struct AlignedBuffer {
    bytes: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    pub(super) fn new(length: usize) -> Self {
        let bytes = vec![0; length + ALIGNMENT];
        let start = bytes.as_ptr().align_offset(ALIGNMENT);
        Self {
            // If the alignment cannot be computed, the buffer is unaligned and I/O is cached.
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

/// Opens a file for direct reads; `None` if they are not supported.
///
/// # Errors
/// Returns an error if the path is not a regular file or cannot be opened.
pub(super) fn open_direct(path: &Path) -> io::Result<Option<File>> {
    if !path.symlink_metadata()?.is_file() {
        let reason = "not a regular file";
        return Err(io::Error::new(ErrorKind::InvalidInput, reason));
    }
    #[cfg(target_os = "linux")]
    return open(path, rustix::fs::OFlags::RDONLY);
    #[cfg(target_os = "macos")]
    {
        let file = crate::source_file::open(path)?;
        let is_direct = rustix::fs::fcntl_nocache(&file, true).is_ok();
        Ok(is_direct.then_some(file))
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    Ok(None)
}

/// Opens a file for direct writes; `None` if they are not supported.
pub(super) fn open_direct_for_write(path: &Path) -> Option<File> {
    #[cfg(target_os = "linux")]
    return open(path, rustix::fs::OFlags::WRONLY).ok().flatten();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// Advises the system not to cache writes to a file. Has an effect only on macOS.
pub(super) fn disable_write_cache(file: &File) {
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

/// Sequential reader of a file, with direct I/O where possible.
pub(super) struct SequentialReader {
    direct: Option<File>,
    file: File,
    offset: u64,
}

impl SequentialReader {
    /// Creates a reader of `file`, whose path is `path`. If `use_direct_io` is true, it tries
    /// direct I/O first.
    pub(super) fn new(file: File, path: &Path, use_direct_io: bool) -> Self {
        let direct = use_direct_io
            .then(|| open_direct(path))
            .and_then(Result::ok)
            .flatten();
        Self {
            direct,
            file,
            offset: 0,
        }
    }

    /// Returns the handle for cached I/O.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Returns true if reads use the page cache. The caller should then drop the pages that were
    /// read.
    pub(super) fn is_cached(&self) -> bool {
        self.direct.is_none()
    }

    /// Fills an [`AlignedBuffer`] and returns the number of bytes read, which is smaller than the
    /// buffer only at the end of the file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let read = match &mut self.direct {
                // A read of unaligned length reached the end of the file.
                Some(_) if !filled.is_multiple_of(ALIGNMENT) => break,
                Some(direct) => direct.read(&mut buffer[filled..]),
                None => self.file.read(&mut buffer[filled..]),
            };
            match read {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Some filesystems reject direct I/O only at the first read.
                Err(error) if error.kind() == ErrorKind::InvalidInput && self.direct.is_some() => {
                    self.direct = None;
                    let position = io::SeekFrom::Start(self.offset + filled as u64);
                    io::Seek::seek(&mut self.file, position)?;
                }
                Err(error) => return Err(error),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }
}

/// Writes an [`AlignedBuffer`] at an offset. Uses the handle `direct` where possible, else `file`;
/// sets `direct` to `None` once direct I/O fails.
///
/// # Errors
/// Returns an error if the file cannot be written.
#[cfg(unix)]
pub(super) fn write_at(
    direct: &mut Option<File>,
    file: &File,
    bytes: &[u8],
    offset: u64,
) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let mut written = 0;
    while let Some(handle) = direct
        && written < bytes.len()
    {
        match handle.write_at(&bytes[written..], offset + written as u64) {
            Ok(length) if length > 0 && length.is_multiple_of(ALIGNMENT) => written += length,
            Ok(length) => {
                written += length;
                *direct = None;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::InvalidInput => *direct = None,
            Err(error) => return Err(error),
        }
    }
    file.write_all_at(&bytes[written..], offset + written as u64)
}

#[cfg(not(unix))]
pub(super) fn write_at(
    _past: &mut Option<File>,
    mut file: &File,
    bytes: &[u8],
    offset: u64,
) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_written_with_direct_io_is_read_with_direct_io() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut memory = AlignedBuffer::new(8 * ALIGNMENT);
        for (at, byte) in memory.bytes_mut().iter_mut().enumerate() {
            *byte = u8::try_from(at % 251).unwrap();
        }
        for length in [1, ALIGNMENT, 3 * ALIGNMENT + 7, 8 * ALIGNMENT] {
            let file = File::create(&path).unwrap();
            let mut direct = open_direct_for_write(&path);
            let bytes = &memory.bytes()[..length];
            let (aligned, rest) = bytes.split_at(length / ALIGNMENT * ALIGNMENT);
            write_at(&mut direct, &file, aligned, 0).unwrap();
            // The unaligned end of the file is written through the cache.
            write_at(&mut direct, &file, rest, aligned.len() as u64).unwrap();
            for use_direct_io in [true, false] {
                let mut reader =
                    SequentialReader::new(File::open(&path).unwrap(), &path, use_direct_io);
                let mut buffer = AlignedBuffer::new(4 * ALIGNMENT);
                let mut back = Vec::new();
                loop {
                    let filled = reader.fill(buffer.bytes_mut()).unwrap();
                    back.extend_from_slice(&buffer.bytes()[..filled]);
                    if filled < 4 * ALIGNMENT {
                        break;
                    }
                }
                assert!(back == bytes, "{length} bytes, direct I/O: {use_direct_io}");
            }
        }
    }
}
