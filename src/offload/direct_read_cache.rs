//! Cache that may serve direct reads of a file, by its filesystem.

use std::fs::File;

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
pub(super) fn cache(file: &File) -> DirectReadCache {
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
pub(super) fn cache(_file: &File) -> DirectReadCache {
    DirectReadCache::Bypassed
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
}
