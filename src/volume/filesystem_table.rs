//! Table of filesystem types, with all properties of each. A type that is not listed has none.

use Property::{
    AddressedShare, ChangeTime, CreationTime, DetectsWrites, Layer, Local, LocalClock, Memory,
    NamedShare, Share, StableInodes, VariableSize, Virtual,
};

/// Property of a filesystem type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    /// On a local disk or in memory, so its size can be queried without waiting for a network.
    Local,
    /// Its size changes with other volumes in the same container.
    VariableSize,
    /// In memory.
    Memory,
    /// Share of a network or of a virtual machine's host.
    Share,
    /// The prefix of the identity is `share:`; otherwise it is the filesystem type. Identities are
    /// stored in catalogues, so this must not change.
    NamedShare,
    /// The mount table names the server. Otherwise it names an entry of a configuration file, or a
    /// folder of a virtual machine's host, or it uses one name for several shares.
    AddressedShare,
    /// Files keep their inode numbers.
    StableInodes,
    /// The ctime of a file changes with every write and cannot be set.
    ChangeTime,
    /// The root folder stores its creation time.
    CreationTime,
    /// An unchanged stamp shows that a file was not written, although the ctime is not reliable in
    /// every case.
    DetectsWrites,
    /// Times come from this machine's clock, although there is no reliable ctime. In memory
    /// filesystems, writes through a mapping do not update it.
    LocalClock,
    /// Shows files of other filesystems. A copy there may be a file that is already counted
    /// elsewhere.
    Layer,
    /// Virtual filesystem of the kernel, which cannot contain footage.
    Virtual,
}

/// Filesystem types. `""` stands for systems that do not report types.
#[rustfmt::skip]
const FILESYSTEMS: &[(&str, &[Property])] = &[
    ("", &[Local, LocalClock]),
    ("ext2", &[Local, StableInodes, ChangeTime]),
    ("ext3", &[Local, StableInodes, ChangeTime]),
    ("ext4", &[Local, StableInodes, ChangeTime, CreationTime]),
    ("xfs", &[Local, StableInodes, ChangeTime, CreationTime]),
    ("btrfs", &[Local, VariableSize, StableInodes, ChangeTime, CreationTime]),
    ("f2fs", &[Local, StableInodes, ChangeTime, CreationTime]),
    ("vfat", &[Local, LocalClock]),
    ("msdos", &[Local, LocalClock]),
    ("exfat", &[Local, LocalClock]),
    ("ntfs", &[Local, LocalClock]),
    ("ntfs3", &[Local, StableInodes, ChangeTime, CreationTime]),
    ("fuseblk", &[Local, DetectsWrites, LocalClock]),
    ("hfs", &[Local, StableInodes, ChangeTime, CreationTime]),
    ("hfsplus", &[Local, StableInodes, ChangeTime, CreationTime]),
    ("apfs", &[Local, VariableSize, StableInodes, ChangeTime]),
    ("udf", &[Local, ChangeTime]),
    ("iso9660", &[Local, LocalClock]),
    ("tmpfs", &[Local, Memory, StableInodes, DetectsWrites, LocalClock]),
    ("overlay", &[Local, StableInodes, ChangeTime, Layer]),
    ("ramfs", &[Memory, LocalClock]),
    ("devtmpfs", &[Memory, Virtual]),
    ("rootfs", &[Memory]),
    ("nfs", &[Share, NamedShare, AddressedShare, StableInodes, ChangeTime]),
    ("nfs4", &[Share, NamedShare, AddressedShare, StableInodes, ChangeTime]),
    ("cifs", &[Share, NamedShare, AddressedShare]),
    ("smb3", &[Share, NamedShare, AddressedShare]),
    ("smbfs", &[Share, NamedShare, AddressedShare]),
    ("afpfs", &[Share, NamedShare, AddressedShare]),
    ("fuse.sshfs", &[Share, NamedShare, AddressedShare]),
    ("9p", &[Share, NamedShare]),
    ("smb2", &[Share, AddressedShare]),
    ("ncpfs", &[Share, AddressedShare]),
    ("afs", &[Share, AddressedShare]),
    ("coda", &[Share, AddressedShare]),
    ("webdav", &[Share, AddressedShare]),
    ("davfs", &[Share, AddressedShare]),
    ("davfs2", &[Share, AddressedShare]),
    ("fuse.davfs", &[Share, AddressedShare]),
    ("fuse.davfs2", &[Share, AddressedShare]),
    ("fuse.rclone", &[Share]),
    ("fuse.s3fs", &[Share]),
    ("fuse.goofys", &[Share]),
    ("fuse.mount-s3", &[Share]),
    ("fuse.gcsfuse", &[Share]),
    ("fuse.blobfuse", &[Share]),
    ("fuse.blobfuse2", &[Share]),
    ("fuse.gvfsd-fuse", &[Share]),
    ("fuse.kio-fuse", &[Share]),
    ("fuse.curlftpfs", &[Share, AddressedShare]),
    ("fuse.smbnetfs", &[Share, AddressedShare]),
    ("fuse.juicefs", &[Share]),
    ("fuse.seaweedfs", &[Share]),
    ("fuse.glusterfs", &[Share, AddressedShare]),
    ("glusterfs", &[Share, AddressedShare]),
    ("ceph", &[Share, AddressedShare]),
    ("fuse.ceph", &[Share, AddressedShare]),
    ("fuse.ceph-fuse", &[Share, AddressedShare]),
    ("lustre", &[Share, AddressedShare]),
    ("beegfs", &[Share, AddressedShare]),
    ("gpfs", &[Share, AddressedShare]),
    ("orangefs", &[Share, AddressedShare]),
    ("pvfs2", &[Share, AddressedShare]),
    ("ocfs2", &[Share, AddressedShare]),
    ("gfs2", &[Share, AddressedShare]),
    ("acfs", &[Share, AddressedShare]),
    ("stornext", &[Share, AddressedShare]),
    ("cvfs", &[Share, AddressedShare]),
    ("vboxsf", &[Share]),
    ("fuse.vmhgfs-fuse", &[Share]),
    ("prl_fs", &[Share]),
    ("virtiofs", &[Share]),
    ("zfs", &[StableInodes, ChangeTime]),
    ("bcachefs", &[ChangeTime]),
    ("jfs", &[ChangeTime]),
    ("overlayfs", &[Layer]),
    ("aufs", &[Layer]),
    ("unionfs", &[Layer]),
    ("ecryptfs", &[Layer]),
    ("nullfs", &[Layer]),
    ("bindfs", &[Layer]),
    ("shiftfs", &[Layer]),
    ("wrapfs", &[Layer]),
    ("proc", &[Virtual]),
    ("sysfs", &[Virtual]),
    ("devpts", &[Virtual]),
    ("cgroup", &[Virtual]),
    ("cgroup2", &[Virtual]),
    ("autofs", &[Virtual]),
    ("debugfs", &[Virtual]),
    ("tracefs", &[Virtual]),
    ("securityfs", &[Virtual]),
    ("configfs", &[Virtual]),
    ("fusectl", &[Virtual]),
    ("mqueue", &[Virtual]),
    ("hugetlbfs", &[Virtual]),
    ("pstore", &[Virtual]),
    ("bpf", &[Virtual]),
    ("binfmt_misc", &[Virtual]),
    ("rpc_pipefs", &[Virtual]),
    ("efivarfs", &[Virtual]),
    ("nsfs", &[Virtual]),
    ("selinuxfs", &[Virtual]),
    ("devfs", &[Virtual]),
    ("smackfs", &[Virtual]),
    ("functionfs", &[Virtual]),
    ("resctrl", &[Virtual]),
];

/// Returns true if the filesystem type has a property.
pub(super) fn has(kind: &str, property: Property) -> bool {
    let mut all = FILESYSTEMS.iter();
    all.find(|(name, _)| *name == kind)
        .is_some_and(|(_, properties)| properties.contains(&property))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_listed_once() {
        let mut names: Vec<&str> = FILESYSTEMS.iter().map(|(name, _)| *name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn properties_are_consistent() {
        for (kind, properties) in FILESYSTEMS {
            let is = |property| properties.contains(&property);
            assert!(!(is(Share) && is(Local)), "{kind}");
            assert!(
                is(Share) || !(is(NamedShare) || is(AddressedShare)),
                "{kind}"
            );
            assert!(!(is(DetectsWrites) && is(ChangeTime)), "{kind}");
            assert!(!(is(LocalClock) && is(ChangeTime)), "{kind}");
        }
    }
}
