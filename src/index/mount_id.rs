//! Identifier of the mount that a folder is on.
//!
//! Bit rot shows only when blocks are read from the disk again. After a remount, the page cache
//! holds none of the disk's blocks, so they are read again.

use std::path::Path;

/// Returns the boot id and the mount id of a folder as one string, as far as the system reports
/// them. The string changes after a restart and after a remount.
///
/// Linux before 6.8 reuses mount ids. Other systems report none.
#[cfg(target_os = "linux")]
pub(super) fn identify(folder: &Path) -> String {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    // STATX_MNT_ID_UNIQUE, since Linux 6.8; older kernels ignore it.
    let unique = StatxFlags::from_bits_retain(0x4000);
    let mount = statx(CWD, folder, AtFlags::empty(), StatxFlags::MNT_ID | unique);
    let mount = mount.map_or(0, |found| found.stx_mnt_id);
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    format!("{}/{mount}", boot.trim())
}

/// Returns an empty string, because this system does not identify mounts.
#[cfg(not(target_os = "linux"))]
pub(super) fn identify(_folder: &Path) -> String {
    String::new()
}
