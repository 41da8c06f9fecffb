//! Kinds of filesystems: which are shares, which may be asked things, which keep their
//! files' numbers.

/// Filesystems of the kernel's own, on which no footage is.
#[cfg(any(test, target_os = "linux", target_os = "macos"))]
const VIRTUAL: &[&str] = &[
    "proc",
    "sysfs",
    "devpts",
    "devtmpfs",
    "cgroup",
    "cgroup2",
    "autofs",
    "debugfs",
    "tracefs",
    "securityfs",
    "configfs",
    "fusectl",
    "mqueue",
    "hugetlbfs",
    "pstore",
    "bpf",
    "binfmt_misc",
    "rpc_pipefs",
    "efivarfs",
    "nsfs",
    "selinuxfs",
];

/// Shares whose identity was `share:…` from the first; that of the others begins with their
/// kind, and stays so for catalogues that know them.
const NAMED_SHARE: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afpfs",
    "fuse.sshfs",
    "9p",
];

/// All other filesystems that another machine answers for.
const SHARE: &[&str] = &[
    "smb2",
    "ncpfs",
    "afs",
    "coda",
    "webdav",
    "davfs",
    "davfs2",
    "fuse.davfs",
    "fuse.davfs2",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.goofys",
    "fuse.mount-s3",
    "fuse.gcsfuse",
    "fuse.blobfuse",
    "fuse.blobfuse2",
    "fuse.gvfsd-fuse",
    "fuse.kio-fuse",
    "fuse.curlftpfs",
    "fuse.smbnetfs",
    "fuse.juicefs",
    "fuse.seaweedfs",
    "fuse.glusterfs",
    "glusterfs",
    "ceph",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "lustre",
    "beegfs",
    "gpfs",
    "orangefs",
    "pvfs2",
    "ocfs2",
    "gfs2",
    "acfs",
    "stornext",
    "cvfs",
    "vboxsf",
    "fuse.vmhgfs-fuse",
    "prl_fs",
];

/// Filesystems that are on a disk here, so that asking for their size does not wait for a
/// network; `""` is the disk of a system whose mount table names no kinds.
const LOCAL: &[&str] = &[
    "", "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat", "msdos", "exfat", "ntfs", "ntfs3",
    "fuseblk", "hfs", "hfsplus", "apfs", "udf", "iso9660", "tmpfs", "overlay",
];

/// Whether it is of the kernel's own.
#[cfg(any(test, target_os = "linux", target_os = "macos"))]
pub(super) fn is_virtual(kind: &str) -> bool {
    VIRTUAL.contains(&kind)
}

/// Whether another machine answers for it. What is mounted through FUSE by a tool that does
/// not say its kind is one when its device is an address.
pub(super) fn is_share(kind: &str, device: &str) -> bool {
    NAMED_SHARE.contains(&kind)
        || SHARE.contains(&kind)
        || (kind.starts_with("fuse") && device.contains("://"))
}

/// Whether its identity is `share:…`.
pub(super) fn is_named_share(kind: &str) -> bool {
    NAMED_SHARE.contains(&kind)
}

/// Whether it is on a disk here, or in memory, and answers at once.
pub(super) fn is_local(kind: &str) -> bool {
    LOCAL.contains(&kind)
}

/// Whether a file keeps its inode number for as long as it lives there.
pub(super) fn has_stable_inodes(kind: &str) -> bool {
    matches!(
        kind,
        "ext2"
            | "ext3"
            | "ext4"
            | "xfs"
            | "btrfs"
            | "f2fs"
            | "zfs"
            | "apfs"
            | "hfs"
            | "hfsplus"
            | "ntfs3"
            | "tmpfs"
            | "overlay"
            | "nfs"
            | "nfs4"
    )
}

/// The machine that answers for a share: of `nas:/export`, `//nas/share`,
/// `https://nas/dav`, `kim@nas:/home`.
pub(super) fn server(device: &str) -> Option<&str> {
    let address = device.split_once("://").map_or(device, |(_, rest)| rest);
    let address = address.trim_start_matches(['/', '\\']);
    let host = if let Some(six) = address.strip_prefix('[') {
        six.split(']').next()?
    } else {
        address.split(['/', '\\', ':', ',']).next()?
    };
    // Lustre writes the network behind the host, everybody else the user before it.
    let host = match host.split_once('@') {
        Some((_, after)) if !matches!(after, "tcp" | "o2ib" | "gni") => after,
        Some((before, _)) => before,
        None => host,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_known_by_kind_or_by_address() {
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
    fn a_share_tells_its_server() {
        for (device, host) in [
            ("nas:/export/a", "nas"),
            ("//nas/footage", "nas"),
            (r"\\nas\footage", "nas"),
            ("kim@nas.local:/srv", "nas.local"),
            ("//kim@nas/footage", "nas"),
            ("https://dav.example:8080/x", "dav.example"),
            ("[fe80::1]:/export", "fe80::1"),
            ("10.0.0.1@tcp:/scratch", "10.0.0.1"),
            ("10.0.0.1:6789,10.0.0.2:6789:/", "10.0.0.1"),
        ] {
            assert_eq!(server(device), Some(host), "{device}");
        }
        assert_eq!(server("/"), None);
    }

    #[test]
    fn fat_and_unknown_kinds_make_up_inode_numbers() {
        assert!(has_stable_inodes("ext4") && has_stable_inodes("nfs4"));
        for kind in ["vfat", "exfat", "cifs", "fuse.sshfs", "fuseblk", ""] {
            assert!(!has_stable_inodes(kind), "{kind}");
        }
    }
}
