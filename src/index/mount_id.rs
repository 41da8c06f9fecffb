//! Which mount a folder is on. Rot on a disk shows when its blocks are read again, and a disk that
//! was mounted again has none of them in memory.

use std::path::Path;

/// The start of this machine and the mount of a folder, as text that is another after a restart
/// and after the volume was mounted again; as much of it as the system tells.
///
/// Linux before 6.8 reuses the numbers of mounts. Other systems tell nothing.
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

/// Returns an empty text: this system does not identify mounts.
#[cfg(not(target_os = "linux"))]
pub(super) fn identify(_folder: &Path) -> String {
    String::new()
}
