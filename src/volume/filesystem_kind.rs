//! Properties of filesystem types: shares, views, memory, stable inode numbers, reliable ctimes,
//! caches.

use super::filesystem_table::{Property, has};

/// Returns true for virtual filesystems of the kernel.
#[must_use]
pub fn is_virtual(kind: &str) -> bool {
    has(kind, Property::Virtual)
}

/// Returns true for shares. A FUSE mount without a known type is a share if its device is an
/// address.
pub(super) fn is_share(kind: &str, device: &str) -> bool {
    has(kind, Property::Share) || (kind.starts_with("fuse") && device.contains("://"))
}

/// Returns true if the identity starts with `share:`.
pub(super) fn is_named_share(kind: &str) -> bool {
    has(kind, Property::NamedShare)
}

/// Returns true if the filesystem is on a local disk or in memory, so that queries do not block.
pub(super) fn is_local(kind: &str) -> bool {
    has(kind, Property::Local)
}

/// Returns true if files on this kind of filesystem keep their inode numbers.
pub(super) fn has_stable_inodes(kind: &str) -> bool {
    has(kind, Property::StableInodes)
}

/// Returns true if the ctime of a file changes with every write and cannot be set.
pub(super) fn keeps_ctime(kind: &str) -> bool {
    has(kind, Property::ChangeTime)
}

/// Returns true if the root folder stores its creation time.
pub(super) fn keeps_birth(kind: &str) -> bool {
    has(kind, Property::CreationTime)
}

/// Returns true if the size does not depend on other volumes in the same container.
pub(super) fn has_fixed_size(kind: &str) -> bool {
    is_local(kind) && !has(kind, Property::VariableSize)
}

/// Returns true if an unchanged stamp, including the ctime, proves that a file was not written.
pub(super) fn detects_writes_by_ctime(kind: &str) -> bool {
    keeps_ctime(kind) || has(kind, Property::DetectsWrites)
}

/// Returns true if files get their times from this machine's clock.
pub(super) fn uses_local_clock(kind: &str) -> bool {
    keeps_ctime(kind) || has(kind, Property::LocalClock)
}

/// Returns true if the files are in memory.
#[must_use]
pub fn is_memory(kind: &str) -> bool {
    has(kind, Property::Memory)
}

/// Returns true if the filesystem shows files of other filesystems: overlays, unions, and FUSE
/// mounts without a device. `number` is the device number of the mount; it starts with `0:` if
/// there is no device.
pub(super) fn is_view(kind: &str, device: &str, number: &str) -> bool {
    // A tape is a physical medium, although LTFS reads it through FUSE.
    let is_tape = matches!(kind, "fuse" | "fuse.ltfs") && device.starts_with("ltfs:");
    let is_fuse = kind == "fuse" || kind.starts_with("fuse.") || is_mac_fuse(kind);
    let has_device = !number.starts_with("0:") && !is_mac_fuse(kind);
    has(kind, Property::Layer) || (is_fuse && !has_device && !is_tape && !is_share(kind, device))
}

fn is_mac_fuse(kind: &str) -> bool {
    kind.starts_with("macfuse") || kind.starts_with("osxfuse") || kind.starts_with("fuse-t")
}

/// Returns true if direct I/O may still be answered from memory: by a FUSE program or a cache of
/// the filesystem.
pub(super) fn has_own_cache(kind: &str) -> bool {
    kind.starts_with("fuse") || is_mac_fuse(kind) || kind == "zfs"
}

/// Returns true if unmounting drops that cache, because the FUSE program exits and leaves no cache
/// on this computer. Programs for remote storage that cache files on a local disk are excluded.
pub(super) fn is_cache_dropped_on_unmount(kind: &str) -> bool {
    matches!(kind, "fuseblk" | "fuse.sshfs" | "fuse.ltfs")
}

/// Returns the server of a share: `nas:/export`, `//nas/share`, `https://nas/dav`, `kim@nas:/home`.
/// Returns `None` if the mount table does not name one.
pub(super) fn server<'a>(kind: &str, device: &'a str) -> Option<&'a str> {
    let is_address = device.contains("://")
        || device.starts_with("//")
        || device.starts_with(r"\\")
        || (device.contains(':') && !device.starts_with('/'));
    let is_addressed = !has(kind, Property::Share) || has(kind, Property::AddressedShare);
    (is_address && is_addressed).then(|| host(device))?
}

fn host(device: &str) -> Option<&str> {
    let address = device.split_once("://").map_or(device, |(_, rest)| rest);
    let address = address.trim_start_matches(['/', '\\']);
    let authority = address.split(['/', '\\']).next()?;
    // Lustre writes the network after the host; all others write the user before the host.
    let host = match authority.rsplit_once('@') {
        Some((before, after)) => {
            let network = after.split(':').next()?;
            let is_network = matches!(network, "tcp" | "o2ib" | "gni");
            if is_network { before } else { after }
        }
        None => authority,
    };
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next()?,
        None => host.split([':', ',']).next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_recognized_by_kind_or_by_address() {
        for kind in [
            "nfs4",
            "cifs",
            "fuse.sshfs",
            "fuse.rclone",
            "9p",
            "ceph",
            "davfs",
        ] {
            assert!(is_share(kind, "x") && !is_local(kind), "{kind}");
        }
        assert!(is_share("fuse", "https://nas/dav"));
        for kind in ["ext4", "fuseblk", "fuse", "tmpfs", "zfs", ""] {
            assert!(!is_share(kind, "/dev/sda1"), "{kind}");
        }
    }

    #[test]
    fn parses_the_server_of_a_share() {
        for (device, host) in [
            ("nas:/export/a", "nas"),
            ("//nas/footage", "nas"),
            (r"\\nas\footage", "nas"),
            ("kim@nas.local:/srv", "nas.local"),
            ("//kim@nas/footage", "nas"),
            ("https://dav.example:8080/x", "dav.example"),
            ("[fe80::1]:/export", "fe80::1"),
            ("kim@[::1]:/export", "::1"),
            ("https://kim:pw@nas/dav", "nas"),
            ("10.0.0.1@tcp:/scratch", "10.0.0.1"),
            ("10.0.0.1:6789,10.0.0.2:6789:/", "10.0.0.1"),
        ] {
            assert_eq!(server("nfs", device), Some(host), "{device}");
        }
        for device in ["/", "/dev/sdb1", "footage", "gvfsd-fuse"] {
            assert_eq!(server("nfs", device), None, "{device}");
        }
        for (kind, device) in [
            ("fuse.rclone", "gdrive:rushes"),
            ("9p", "//hostshare"),
            ("fuse.gvfsd-fuse", "gvfsd-fuse:"),
        ] {
            assert_eq!(server(kind, device), None, "{kind}");
        }
        assert_eq!(server("fuse.sshfs", "kim@nas:rushes"), Some("nas"));
    }

    #[test]
    fn filesystems_that_show_files_of_others_are_views() {
        for (kind, device, number) in [
            ("overlay", "overlay", "0:40"),
            ("fuse", "/media/SHELF/day", "0:41"),
            ("fuse.mergerfs", "a:b", "0:42"),
            ("fuse.bindfs", "/dev/sda1", "0:43"),
            ("ecryptfs", "/home/.private", "0:44"),
        ] {
            assert!(is_view(kind, device, number), "{kind}");
        }
        for (kind, device, number) in [
            ("ext4", "/dev/sda1", "8:1"),
            ("btrfs", "/dev/sda1", "0:40"),
            ("fuseblk", "/dev/sdb1", "8:17"),
            ("fuse.sshfs", "nas:/export", "0:45"),
            ("fuse", "https://nas/dav", "0:46"),
            ("fuse", "ltfs:/dev/sg0", "0:47"),
            ("zfs", "tank/footage", "0:48"),
        ] {
            assert!(!is_view(kind, device, number), "{kind}");
        }
    }

    #[test]
    fn direct_io_is_sufficient_only_without_another_cache() {
        for kind in ["ext4", "exfat", "ntfs3", "nfs4", "apfs", ""] {
            assert!(!has_own_cache(kind), "{kind}");
        }
        for kind in ["fuseblk", "fuse", "fuse.sshfs", "zfs", "macfuse_1"] {
            assert!(has_own_cache(kind), "{kind}");
        }
        assert!(
            is_cache_dropped_on_unmount("fuseblk") && !is_cache_dropped_on_unmount("fuse.rclone")
        );
    }

    #[test]
    fn fat_and_unknown_types_have_no_stable_inode_numbers() {
        assert!(has_stable_inodes("ext4") && has_stable_inodes("nfs4"));
        for kind in ["vfat", "exfat", "cifs", "fuse.sshfs", "fuseblk", ""] {
            assert!(!has_stable_inodes(kind), "{kind}");
        }
    }
}
