//! Reads a file back from its medium, not from memory. A file that was just written is still in the
//! system's cache, so reading it from there verifies nothing.
//!
//! Most filesystems support direct I/O. Some treat it as advice (compressed files of btrfs, ext4
//! with `data=journal`), so their cached pages are dropped first. A FUSE program, ZFS and a folder
//! of a virtual machine's host have their own caches, which cannot be bypassed; such reads count as
//! "cached".

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::direct_io::{self, Aligned};

/// Read method, the least certain first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The bytes may come from memory: this system or filesystem has no other method.
    Cached,
    /// The volume was unmounted and mounted again, which emptied the only cache that could answer.
    Remounted,
    /// The system dropped its cached pages, which was verified.
    Dropped,
    /// Direct I/O.
    Bypassed,
}

impl How {
    /// Name as printed and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Remounted => "remounted",
            Self::Dropped => "cache-dropped",
            Self::Bypassed => "cache-bypassed",
        }
    }

    /// Returns true if the bytes certainly came from the medium, not from memory.
    #[must_use]
    pub fn is_from_medium(self) -> bool {
        self > Self::Cached
    }

    /// Parses the result of [`How::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Cached, Self::Remounted, Self::Dropped, Self::Bypassed]
            .into_iter()
            .find(|how| how.name() == name)
    }
}

/// Bytes per read.
const PIECE: usize = 4 * 1024 * 1024;
/// Buffer for reading files back, one after another.
pub struct Medium {
    memory: Aligned,
    images: super::loop_images::Images,
}

impl Default for Medium {
    fn default() -> Self {
        Self {
            memory: Aligned::new(PIECE),
            images: super::loop_images::Images::default(),
        }
    }
}

impl Medium {
    /// Reads a whole file from its medium, piece by piece; writes to it must be synced before.
    /// `None` if `each` returned false.
    ///
    /// # Errors
    /// Returns an error if the path is not a regular file or cannot be read.
    pub fn read(
        &mut self,
        path: &Path,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<Option<How>> {
        let mut read = 0;
        let mut file = crate::source_file::open(path)?;
        let below = self.images.dropped(&file);
        let how = self.past_page_cache(path, &mut file, &mut read, each)?;
        Ok(how.map(|how| how.min(below)))
    }

    /// Reads a file, bypassing the page cache of its own filesystem.
    fn past_page_cache(
        &mut self,
        path: &Path,
        file: &mut File,
        read: &mut u64,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<Option<How>> {
        let cache = cache(file);
        // The pages are not in memory afterwards, whichever read method follows.
        let before = (cache == Cache::MayAnswer).then(|| dropped(file, 0));
        if let Some(mut past) = direct_io::to_read(path)? {
            match self.rest(&mut past, read, each) {
                // Some filesystems reject direct I/O only at the first read, or at the last.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                Err(error) => return Err(error),
                Ok(is_whole) => {
                    let how = match cache {
                        Cache::Separate => How::Cached,
                        Cache::MayAnswer | Cache::IsBypassed => before.unwrap_or(How::Bypassed),
                    };
                    return Ok(is_whole.then_some(how));
                }
            }
        }
        let how = match cache {
            Cache::Separate => How::Cached,
            Cache::MayAnswer | Cache::IsBypassed => before.unwrap_or_else(|| dropped(file, *read)),
        };
        io::Seek::seek(file, io::SeekFrom::Start(*read))?;
        Ok(self.rest(file, read, each)?.then_some(how))
    }

    fn rest(
        &mut self,
        file: &mut File,
        read: &mut u64,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<bool> {
        let piece = self.memory.bytes_mut();
        loop {
            let length = match file.read(piece) {
                Ok(0) => return Ok(true),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            *read += length as u64;
            if !each(&piece[..length]) {
                return Ok(false);
            }
        }
    }
}

/// Cache between direct I/O and the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cache {
    /// No cache on this machine.
    IsBypassed,
    /// The page cache may still answer.
    MayAnswer,
    /// The filesystem has its own cache.
    Separate,
}

/// Returns the cache that may answer for a file, from the magic number of its filesystem and from
/// statx(2) (`STATX_DIOALIGN`, since Linux 6.1).
#[cfg(target_os = "linux")]
pub(super) fn cache(file: &File) -> Cache {
    use rustix::fs::{AtFlags, StatxFlags, fstatfs, statx};
    /// `STATX_DIOALIGN`
    const ALIGNMENT: StatxFlags = StatxFlags::from_bits_retain(0x2000);
    // Without an answer, assume the worst case.
    let Ok(filesystem) = fstatfs(file) else {
        return Cache::Separate;
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

/// Returns the cache that may answer, from a filesystem's magic number
/// (`include/uapi/linux/magic.h`). `is_direct`: support of direct I/O for the file; `None` if the
/// filesystem does not report it.
#[cfg(target_os = "linux")]
fn cache_of(magic: u32, is_direct: Option<bool>) -> Cache {
    match (magic, is_direct) {
        // FUSE (and virtiofs), ZFS, 9P
        (0x6573_5546 | 0x2fc1_2fc1 | 0x0102_1997, _) => Cache::Separate,
        // btrfs, NTFS (ntfs3), bcachefs, Ceph, overlay, tmpfs
        (0x9123_683e | 0x7366_746e | 0xca45_1a4e | 0x00c3_6400 | 0x794c_7630 | 0x0102_1994, _) => {
            Cache::MayAnswer
        }
        // Reported by statx, or known to bypass the page cache for every file: XFS, FAT, exFAT,
        // HFS+, JFS, NFS, SMB 1 and later
        (_, Some(true))
        | (
            0x5846_5342 | 0x4d44 | 0x2011_bab0 | 0x482b | 0x3153_464a | 0x6969 | 0xff53_4d42
            | 0xfe53_4d42,
            None,
        ) => Cache::IsBypassed,
        // Others use the page cache for inline, compressed or journalled files: ext4, F2FS, UDF,
        // GFS2.
        (_, Some(false) | None) => Cache::MayAnswer,
    }
}

/// `F_NOCACHE` does not bypass the caches of FUSE programs.
#[cfg(target_os = "macos")]
fn cache(file: &File) -> Cache {
    let Ok(filesystem) = rustix::fs::fstatfs(file) else {
        return Cache::Separate;
    };
    let name = filesystem.f_fstypename.iter().map_while(|&byte| {
        let byte = u8::try_from(byte).unwrap_or(0);
        (byte != 0).then_some(char::from(byte))
    });
    if name.collect::<String>().to_lowercase().contains("fuse") {
        Cache::Separate
    } else {
        Cache::IsBypassed
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn cache(_file: &File) -> Cache {
    Cache::IsBypassed
}

#[cfg(target_os = "linux")]
use super::page_cache::drop_cached as dropped;

#[cfg(not(target_os = "linux"))]
fn dropped(_file: &File, _from: u64) -> How {
    How::Cached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn does_not_trust_a_filesystem_that_reports_no_read_method() {
        let (ext4, xfs, btrfs, fuse, unknown) =
            (0xef53, 0x5846_5342, 0x9123_683e, 0x6573_5546, 0x1234);
        for (magic, is_direct, expected) in [
            (ext4, Some(true), Cache::IsBypassed),
            (ext4, Some(false), Cache::MayAnswer),
            // Linux before 6.1
            (ext4, None, Cache::MayAnswer),
            (unknown, None, Cache::MayAnswer),
            (unknown, Some(true), Cache::IsBypassed),
            (xfs, None, Cache::IsBypassed),
            (xfs, Some(false), Cache::MayAnswer),
            (btrfs, Some(true), Cache::MayAnswer),
            (fuse, Some(true), Cache::Separate),
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
        let mut medium = Medium::default();
        for length in [0, 1, 4095, 4096, 4097, PIECE, PIECE + 1, 2 * PIECE + 4096] {
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
