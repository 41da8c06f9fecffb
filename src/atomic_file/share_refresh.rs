//! Detection of local filesystems, and refreshing of cached metadata on shares.

use std::fs::File;
use std::path::Path;

/// Returns true if a file or folder is on a local disk: reads return the latest writes, and every
/// process sees its locks.
#[must_use]
#[cfg(target_os = "linux")]
pub fn is_local(file: &File) -> bool {
    /// Filesystem types of statfs(2): ext2 to ext4, XFS, btrfs, F2FS, tmpfs, FAT, exFAT, NTFS,
    /// overlayfs, ZFS, bcachefs.
    const LOCAL: [i64; 11] = [
        0xef53,
        0x5846_5342,
        0x9123_683e,
        0xf2f5_2010,
        0x0102_1994,
        0x4d44,
        0x2011_bab0,
        0x7366_746e,
        0x794c_7630,
        0x2fc1_2fc1,
        0xca45_1a4e,
    ];
    #[allow(
        clippy::useless_conversion,
        reason = "the width of `f_type` depends on the processor"
    )]
    let kind = rustix::fs::fstatfs(file).map(|found| i64::try_from(found.f_type));
    matches!(kind, Ok(Ok(kind)) if LOCAL.contains(&kind))
}

/// Returns true if a file or folder is on a local disk.
#[must_use]
#[cfg(target_os = "macos")]
pub fn is_local(file: &File) -> bool {
    /// Flag `MNT_LOCAL` of statfs(2).
    const LOCAL: u64 = 0x1000;
    rustix::fs::fstatfs(file).is_ok_and(|found| u64::from(found.f_flags) & LOCAL != 0)
}

/// Returns false: this system does not report whether a disk is local.
#[must_use]
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn is_local(_file: &File) -> bool {
    false
}

/// Requests a file's current size and times from a share. Cached ones may be seconds old, and a
/// file that grew would be read only to its old end.
#[cfg(target_os = "linux")]
pub fn refresh(path: &Path) {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    // If this is not supported, the next check may use old metadata. Writers verify their result.
    let _ = statx(
        CWD,
        path,
        AtFlags::STATX_FORCE_SYNC,
        StatxFlags::BASIC_STATS,
    );
}

/// Refreshes the metadata of an open file like [`refresh`].
#[cfg(target_os = "linux")]
pub fn refresh_open(file: &std::fs::File) {
    use rustix::fs::{AtFlags, StatxFlags, statx};
    let flags = AtFlags::STATX_FORCE_SYNC | AtFlags::EMPTY_PATH;
    let _ = statx(file, "", flags, StatxFlags::BASIC_STATS);
}

/// Does nothing: this system cannot refresh metadata.
#[cfg(not(target_os = "linux"))]
pub fn refresh(_path: &Path) {}

/// Does nothing: this system cannot refresh metadata.
#[cfg(not(target_os = "linux"))]
pub fn refresh_open(_file: &std::fs::File) {}
