//! Identity of this machine, of its boot and of its mounts, as the system reports them.

use std::path::Path;

/// Returns the host name, if the system reports it.
#[cfg(unix)]
pub(crate) fn host_name() -> Option<String> {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}

/// Returns the host name, if the system reports it.
#[cfg(not(unix))]
pub(crate) fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

/// Returns the random id of the current boot, if the system has one.
pub(crate) fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

/// Returns the id of the mount that a path is on (statx(2)). It is unique since Linux 6.8; older
/// kernels may reuse it. Does not wait for a network.
#[cfg(target_os = "linux")]
pub(crate) fn mount_id(path: &Path) -> Option<u64> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    /// `STATX_MNT_ID_UNIQUE`; older kernels ignore it.
    const UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);
    let flags = AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    let answer = statx(CWD, path, flags, UNIQUE | StatxFlags::MNT_ID).ok()?;
    Some(answer.stx_mnt_id)
}

/// Returns `None`, because this system does not number its mounts.
#[cfg(not(target_os = "linux"))]
pub(crate) fn mount_id(_path: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_a_name_a_boot_and_mounts() {
        assert!(host_name().is_some_and(|name| !name.is_empty()));
        assert!(boot_id().is_some_and(|id| id.len() == 36));
        assert_eq!(mount_id(Path::new("/nothing here")), None);
        let mount = mount_id(Path::new("/proc"));
        assert!(mount.is_some() && mount != mount_id(Path::new("/")));
    }
}
