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

/// Read method, ordered from the least to the most certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadMethod {
    /// The bytes may come from memory, since this system or filesystem has no other method.
    Cached,
    /// The volume was unmounted and mounted again, which emptied the only cache that could have
    /// served the read.
    Remounted,
    /// The system dropped the file's cached pages, and no page was left in memory.
    Dropped,
    /// The bytes were read with direct I/O, which bypassed all caches of this machine.
    Bypassed,
}

impl ReadMethod {
    /// Returns the name, as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Remounted => "remounted",
            Self::Dropped => "cache-dropped",
            Self::Bypassed => "cache-bypassed",
        }
    }

    /// Returns true if the bytes certainly came from the medium.
    #[must_use]
    pub fn is_from_medium(self) -> bool {
        self > Self::Cached
    }

    /// Parses a name that [`ReadMethod::name`] returned.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Cached, Self::Remounted, Self::Dropped, Self::Bypassed]
            .into_iter()
            .find(|how| how.name() == name)
    }
}

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

/// Cache that may serve direct reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DirectReadCache {
    /// Direct reads bypass all caches on this machine.
    Bypassed,
    /// The page cache may serve direct reads.
    PageCache,
    /// The filesystem's own cache may serve direct reads.
    Filesystem,
}

/// Returns the cache that may serve direct reads of a file. The decision is based on the magic
/// number of its filesystem and on statx(2) (`STATX_DIOALIGN`, since Linux 6.1).
#[cfg(target_os = "linux")]
pub(super) fn cache(file: &File) -> DirectReadCache {
    use rustix::fs::{AtFlags, StatxFlags, fstatfs, statx};
    /// `STATX_DIOALIGN`
    const ALIGNMENT: StatxFlags = StatxFlags::from_bits_retain(0x2000);
    // If the filesystem is unknown, assume the worst case.
    let Ok(filesystem) = fstatfs(file) else {
        return DirectReadCache::Filesystem;
    };
    // The width of `f_type` depends on the processor; magic numbers have 32 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only the bits are compared"
    )]
    let magic = filesystem.f_type as u32;
    let reported = statx(file, "", AtFlags::EMPTY_PATH, ALIGNMENT).ok();
    let reported = reported.filter(|reported| reported.stx_mask & ALIGNMENT.bits() != 0);
    cache_of(
        magic,
        reported.map(|reported| reported.stx_dio_mem_align != 0),
    )
}

/// Returns the cache that may serve direct reads, by a filesystem's magic number
/// (`include/uapi/linux/magic.h`). `is_direct` is true if the filesystem reports support of direct
/// I/O for the file, and `None` if it reports nothing.
#[cfg(target_os = "linux")]
fn cache_of(magic: u32, is_direct: Option<bool>) -> DirectReadCache {
    match (magic, is_direct) {
        // FUSE (and virtiofs), ZFS, 9P
        (0x6573_5546 | 0x2fc1_2fc1 | 0x0102_1997, _) => DirectReadCache::Filesystem,
        // btrfs, NTFS (ntfs3), bcachefs, Ceph, overlay, tmpfs
        (0x9123_683e | 0x7366_746e | 0xca45_1a4e | 0x00c3_6400 | 0x794c_7630 | 0x0102_1994, _) => {
            DirectReadCache::PageCache
        }
        // Reported by statx, or known to bypass the page cache for every file: XFS, FAT, exFAT,
        // HFS+, JFS, NFS, SMB 1 and later
        (_, Some(true))
        | (
            0x5846_5342 | 0x4d44 | 0x2011_bab0 | 0x482b | 0x3153_464a | 0x6969 | 0xff53_4d42
            | 0xfe53_4d42,
            None,
        ) => DirectReadCache::Bypassed,
        // Other filesystems, such as ext4, F2FS, UDF and GFS2, use the page cache for inline,
        // compressed or journalled files.
        (_, Some(false) | None) => DirectReadCache::PageCache,
    }
}

/// Returns the cache that may serve direct reads of a file. `F_NOCACHE` does not bypass the caches
/// of FUSE programs.
#[cfg(target_os = "macos")]
fn cache(file: &File) -> DirectReadCache {
    let Ok(filesystem) = rustix::fs::fstatfs(file) else {
        return DirectReadCache::Filesystem;
    };
    let name = filesystem.f_fstypename.iter().map_while(|&byte| {
        let byte = u8::try_from(byte).unwrap_or(0);
        (byte != 0).then_some(char::from(byte))
    });
    if name.collect::<String>().to_lowercase().contains("fuse") {
        DirectReadCache::Filesystem
    } else {
        DirectReadCache::Bypassed
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn cache(_file: &File) -> DirectReadCache {
    DirectReadCache::Bypassed
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

    #[cfg(target_os = "linux")]
    #[test]
    fn direct_reads_are_certain_only_if_the_filesystem_is_known_to_bypass_the_cache() {
        let (ext4, xfs, btrfs, fuse, unknown) =
            (0xef53, 0x5846_5342, 0x9123_683e, 0x6573_5546, 0x1234);
        for (magic, is_direct, expected) in [
            (ext4, Some(true), DirectReadCache::Bypassed),
            (ext4, Some(false), DirectReadCache::PageCache),
            // Linux before 6.1
            (ext4, None, DirectReadCache::PageCache),
            (unknown, None, DirectReadCache::PageCache),
            (unknown, Some(true), DirectReadCache::Bypassed),
            (xfs, None, DirectReadCache::Bypassed),
            (xfs, Some(false), DirectReadCache::PageCache),
            (btrfs, Some(true), DirectReadCache::PageCache),
            (fuse, Some(true), DirectReadCache::Filesystem),
        ] {
            assert_eq!(
                cache_of(magic, is_direct),
                expected,
                "{magic:x} {is_direct:?}"
            );
        }
    }

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
