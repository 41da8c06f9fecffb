//! Identifier of the mount that a folder is on.
//!
//! Bit rot becomes visible when blocks are read from the disk again, and a disk that was remounted
//! has none of its blocks in memory.

use std::path::Path;

/// Returns the boot id and the mount id of a folder as text, as far as the system reports them. The
/// text changes after a restart and after a remount.
///
/// Linux before 6.8 reuses mount ids. Other systems report none.
#[cfg(target_os = "linux")]
pub(super) fn identify(folder: &Path) -> String {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    // STATX_MNT_ID_UNIQUE, since Linux 6.8; an older kernel ignores it.
    let unique = StatxFlags::from_bits_retain(0x4000);
    let mount = statx(CWD, folder, AtFlags::empty(), StatxFlags::MNT_ID | unique);
    let mount = mount.map_or(0, |found| found.stx_mnt_id);
    let start = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    format!("{}/{mount}", start.trim())
}

/// Returns an empty text, because this system does not identify mounts.
#[cfg(not(target_os = "linux"))]
pub(super) fn identify(_folder: &Path) -> String {
    String::new()
}
