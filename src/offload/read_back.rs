//! Reads a file back from its medium rather than from memory. A file that was just written is still
//! in the system's cache, and reading it from there verifies nothing.
//!
//! Most filesystems support direct I/O. Some treat it as advice (compressed files of btrfs, ext4
//! with `data=journal`), so their cached pages are dropped first. FUSE programs, ZFS and shared
//! folders of a virtual machine's host have their own caches, which cannot be bypassed. Reads from
//! these count as "cached".

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::direct_io::{self, AlignedBuffer};
use super::direct_read_cache::{DirectReadCache, cache};
use super::read_method::ReadMethod;

/// Size of the read buffer in bytes.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Reader of files from their media. It keeps its buffer and the loop device images it found for
/// the next file.
pub(crate) struct MediumReader {
    buffer: AlignedBuffer,
    images: super::loop_images::LoopImages,
}

impl Default for MediumReader {
    fn default() -> Self {
        Self {
            buffer: AlignedBuffer::new(BUFFER_BYTES),
            images: super::loop_images::LoopImages::default(),
        }
    }
}

impl MediumReader {
    /// Reads a whole file from its medium and passes each piece to `on_piece`. Writes to the file
    /// must be synced before. Returns `None` if `on_piece` returned false, which ends the read.
    ///
    /// # Errors
    /// Returns an error if the path is not a regular file or cannot be read.
    pub(crate) fn read(
        &mut self,
        path: &Path,
        on_piece: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<Option<ReadMethod>> {
        let mut read = 0;
        let mut file = crate::source_file::open(path)?;
        let image_limit = self.images.drop_images(&file);
        let how = self.read_bypassing_page_cache(path, &mut file, &mut read, on_piece)?;
        Ok(how.map(|how| how.min(image_limit)))
    }

    /// Reads a file without the page cache of its own filesystem.
    fn read_bypassing_page_cache(
        &mut self,
        path: &Path,
        file: &mut File,
        read: &mut u64,
        on_piece: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<Option<ReadMethod>> {
        let cache = cache(file);
        // The pages are dropped now, so that neither read method below finds them.
        let before = (cache == DirectReadCache::PageCache).then(|| drop_cached(file, 0));
        if let Some(mut direct) = direct_io::open_direct(path)? {
            match self.read_rest(&mut direct, read, on_piece) {
                // Some filesystems reject direct I/O only at the first or the last read.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                Err(error) => return Err(error),
                Ok(is_complete) => {
                    let how = match cache {
                        DirectReadCache::Filesystem => ReadMethod::Cached,
                        DirectReadCache::PageCache | DirectReadCache::Bypassed => {
                            before.unwrap_or(ReadMethod::Bypassed)
                        }
                    };
                    return Ok(is_complete.then_some(how));
                }
            }
        }
        let how = match cache {
            DirectReadCache::Filesystem => ReadMethod::Cached,
            DirectReadCache::PageCache | DirectReadCache::Bypassed => {
                before.unwrap_or_else(|| drop_cached(file, *read))
            }
        };
        io::Seek::seek(file, io::SeekFrom::Start(*read))?;
        Ok(self.read_rest(file, read, on_piece)?.then_some(how))
    }

    /// Reads from the current position to the end. Returns false if `on_piece` ended the read.
    fn read_rest(
        &mut self,
        file: &mut File,
        read: &mut u64,
        on_piece: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<bool> {
        let piece = self.buffer.bytes_mut();
        loop {
            let length = match file.read(piece) {
                Ok(0) => return Ok(true),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            *read += length as u64;
            if !on_piece(&piece[..length]) {
                return Ok(false);
            }
        }
    }
}

#[cfg(target_os = "linux")]
use super::page_cache::drop_cached;

#[cfg(not(target_os = "linux"))]
fn drop_cached(_file: &File, _from: u64) -> ReadMethod {
    ReadMethod::Cached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_files_of_any_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut medium = MediumReader::default();
        for length in [
            0,
            1,
            4095,
            4096,
            4097,
            BUFFER_BYTES,
            BUFFER_BYTES + 1,
            2 * BUFFER_BYTES + 4096,
        ] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            std::fs::write(&path, &bytes).unwrap();
            File::open(&path).unwrap().sync_all().unwrap();
            let mut back = Vec::new();
            let how = medium.read(&path, &mut |piece| {
                back.extend_from_slice(piece);
                true
            });
            assert!(back == bytes, "{length} bytes, {how:?}");
            assert!(how.unwrap().is_some());
        }
        assert_eq!(medium.read(&path, &mut |_| false).unwrap(), None);
        assert!(medium.read(folder.path(), &mut |_| true).is_err());
    }
}
