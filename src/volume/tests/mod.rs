//! Tests with simulated systems: trees of `/proc`, `/sys`, `/dev` and `/run` in a folder.

mod clones;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::system_tables::System;
use super::{Volume, Volumes, linux, write_marker};

/// Simulated system, consisting of files written by a test.
struct FakeSystem {
    root: tempfile::TempDir,
}

impl FakeSystem {
    /// Creates a system with a mount table of `NUMBER ROOT POINT KIND SOURCE` lines.
    fn new(table: &str) -> Self {
        let fake = Self {
            root: tempfile::tempdir().unwrap(),
        };
        let mut mountinfo = String::new();
        let lines = table.lines().filter(|line| !line.trim().is_empty());
        for (id, line) in (21..).zip(lines) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [number, root, point, kind, source] = fields[..] else {
                panic!("{line}");
            };
            let before = format!("{id} 20 {number} {root} {point}");
            mountinfo.extend([&before, " rw shared:1 - ", kind, " ", source, " rw\n"]);
            if !point.contains('\\') {
                fs::create_dir_all(fake.path(point)).unwrap();
            }
        }
        fake.write("/proc/self/mountinfo", &mountinfo);
        fake
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// Writes a disk with one partition to `sysfs`.
    fn disk(&self, name: &str, part: &str, number: &str, serial: Option<&str>) {
        let folder = format!("/sys/devices/pci0/block/{name}");
        self.write(&format!("{folder}/{part}/partition"), "1\n");
        self.write(&format!("{folder}/{part}/dev"), format!("{number}\n"));
        self.write(&format!("{folder}/queue/rotational"), "1\n");
        if let Some(serial) = serial {
            self.write(&format!("{folder}/device/wwid"), serial);
        }
        let there = format!("../../devices/pci0/block/{name}");
        self.link(
            &format!("/sys/dev/block/{number}"),
            &format!("{there}/{part}"),
        );
        self.link(
            &format!("/sys/class/block/{part}"),
            &format!("{there}/{part}"),
        );
        self.link(&format!("/sys/class/block/{name}"), &there);
    }

    fn volumes(&self) -> Volumes {
        let mut system = System::in_folder(self.root.path());
        system.nodes = vec![(PathBuf::from("/dev/sdc1"), "8:33".to_owned())];
        Volumes::new(&system, linux::read_mounts(&system))
    }

    fn at(&self, mount: &str) -> Volume {
        let (volume, _) = self.volumes().locate(Path::new(mount));
        assert_eq!(volume.mount, Path::new(mount));
        volume
    }
}

const UUID: &str = "807693cc-fd40-4d4f-9d4d-59a0ffbde7c4";

/// Creates an ext4 superblock with only a uuid and a label.
fn ext4(uuid: u8, label: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 4096];
    image[1024 + 56..1024 + 58].copy_from_slice(&[0x53, 0xef]);
    image[1024 + 104..1024 + 120].fill(uuid);
    image[1024 + 120..1024 + 120 + label.len()].copy_from_slice(label);
    image
}

#[test]
fn a_uuid_is_the_same_from_links_database_sysfs_and_superblock() {
    let ones = "01010101-0101-0101-0101-010101010101";
    let fake = FakeSystem::new(
        r"8:1 / /links ext4 /dev/mapper/shelf
          8:17 / /database ext4 /dev/sdb1
          0:40 /@home /sysfs btrfs /dev/sdc1
          8:49 / /superblock ext4 /dev/sdd1",
    );
    fake.disk("sda", "sda1", "8:1", Some("naa.1"));
    fake.link(
        "/dev/disk/by-uuid/01010101-0101-0101-0101-010101010101",
        "../../sda1",
    );
    fake.link("/dev/disk/by-label/SHELF\\x2007", "../../sda1");
    fake.disk("sdb", "sdb1", "8:17", None);
    fake.write(
        "/run/udev/data/b8:17",
        format!("S:disk/x\nE:ID_FS_UUID={ones}\nE:ID_FS_LABEL=SHELF_07\nE:ID_FS_LABEL_ENC=SHELF\\x2007\n"),
    );
    fake.disk("sdc", "sdc1", "8:33", Some("naa.2"));
    let btrfs = format!("/sys/fs/btrfs/{ones}");
    fake.write(&format!("{btrfs}/label"), "SHELF 07\n");
    fake.link(
        &format!("{btrfs}/devices/sdc1"),
        "../../../../devices/pci0/block/sdc/sdc1",
    );
    fake.link(
        &format!("{btrfs}/devices/sda1"),
        "../../../../devices/pci0/block/sda/sda1",
    );
    fs::create_dir_all(fake.path("/sys/fs/btrfs/features")).unwrap();
    fake.disk("sdd", "sdd1", "8:49", None);
    fake.write("/dev/sdd1", ext4(1, b"SHELF 07"));
    let volumes = fake.volumes();
    for mount in ["/links", "/database", "/sysfs", "/superblock"] {
        let (volume, _) = volumes.locate(Path::new(mount));
        assert_eq!(volume.base, format!("uuid:{ones}"), "{mount}");
        assert_eq!(volume.label, "SHELF 07", "{mount}");
        assert!(volume.is_label_own, "{mount}");
    }
    let (subvolume, inside) = volumes.locate(Path::new("/sysfs/a.mov"));
    assert_eq!(inside, Path::new("@home/a.mov"));
    assert_eq!(subvolume.hardware.as_deref(), Some("naa.1+naa.2"));
    assert_eq!(fake.at("/links").drive.kind.name(), "spinning disk");
}

#[test]
fn a_btrfs_filesystem_uses_its_seed_and_has_a_separate_uuid() {
    let sprout = "02020202-0202-0202-0202-020202020202";
    let other = "03030303-0303-0303-0303-030303030303";
    let fake = FakeSystem::new(
        "0:40 / /sprout btrfs /dev/sdc1
         8:17 / /other ext4 /dev/sdb1",
    );
    fake.disk("sdb", "sdb1", "8:17", Some("naa.1"));
    fake.disk("sdc", "sdc1", "8:33", Some("naa.2"));
    // The mount table names the device of the seed.
    fake.link(&format!("/dev/disk/by-uuid/{UUID}"), "../../sdc1");
    fake.link(&format!("/dev/disk/by-uuid/{other}"), "../../sdb1");
    for device in ["sdb/sdb1", "sdc/sdc1"] {
        let name = &device[4..];
        fake.link(
            &format!("/sys/fs/btrfs/{sprout}/devices/{name}"),
            &format!("../../../../devices/pci0/block/{device}"),
        );
    }
    let volume = fake.at("/sprout");
    assert_eq!(volume.identity, format!("uuid:{sprout}"));
    assert_eq!(volume.hardware.as_deref(), Some("naa.1+naa.2"));
    // If the seed is also mounted, both use all devices.
    fake.link(
        &format!("/sys/fs/btrfs/{UUID}/devices/sdc1"),
        "../../../../devices/pci0/block/sdc/sdc1",
    );
    let volume = fake.at("/sprout");
    assert_eq!(volume.hardware.as_deref(), Some("naa.1+naa.2"));
}

#[test]
fn a_uuid_of_zeros_is_ignored_and_the_label_is_used() {
    let fake = FakeSystem::new("8:1 / /media/a ext4 /dev/sda1\n8:2 / /media/b ext4 /dev/sda2");
    fake.disk("sda", "sda1", "8:1", None);
    fake.write("/run/udev/data/b8:1", "E:ID_FS_UUID=0000-0000\n");
    fake.write("/dev/sda2", ext4(0, b"SHELF-08"));
    let (a, b) = (fake.at("/media/a"), fake.at("/media/b"));
    let size = a.size.unwrap();
    assert!(
        a.identity.starts_with(&format!("label:a:{size}:")),
        "{}",
        a.identity
    );
    assert!(!a.is_label_own);
    assert!(
        b.identity.starts_with(&format!("label:SHELF-08:{size}:")),
        "{}",
        b.identity
    );
    assert!(b.is_label_own);
}

#[test]
fn a_volume_without_a_uuid_is_identified_by_its_marker() {
    let hex = "00112233445566778899aabbccddeeff";
    let fake = FakeSystem::new(
        r"0:50 / /card tmpfs tmpfs
          0:50 /DCIM /elsewhere tmpfs tmpfs
          8:1 / /disk ext4 /dev/sda1
          0:60 / /nas nfs4 nas:/export",
    );
    fake.link(&format!("/dev/disk/by-uuid/{UUID}"), "../../sda1");
    for mount in ["/card", "/disk", "/nas", "/elsewhere"] {
        let text = format!("{{\"volume\":\"{hex}\"}}");
        fake.write(&format!("{mount}/.btsindex-volume"), text);
    }
    assert_eq!(fake.at("/card").identity, format!("mark:{hex}"));
    assert_eq!(fake.at("/elsewhere").identity, format!("mark:{hex}"));
    assert_eq!(fake.at("/disk").identity, format!("uuid:{UUID}"));
    assert_eq!(fake.at("/nas").identity, "share:nas:/export");
    assert!(fake.volumes().clones().is_empty());
    for mount in ["/disk", "/nas", "/elsewhere"] {
        assert!(write_marker(&fake.at(mount)).is_err(), "{mount}");
    }
}

#[test]
fn shares_are_never_accessed_and_identified_by_their_address() {
    let fake = FakeSystem::new(
        r"8:1 / / ext4 /dev/sda1
          0:60 / /mnt/nas nfs4 nas:/export/rushes
          0:61 / /mnt/dav fuse https://cloud/dav
          0:62 / /mnt/s3 fuse.rclone bucket:
          0:63 / /mnt/nas/inner tmpfs tmpfs
          0:64 / /mnt/pool zfs tank/footage
          0:65 / /net autofs /etc/auto.net
          0:66 / /mnt/merged fuse.mergerfs a:b",
    );
    for (mount, identity, label, share) in [
        (
            "/mnt/nas",
            "share:nas:/export/rushes",
            "rushes",
            Some("nas:/export/rushes"),
        ),
        (
            "/mnt/dav",
            "fuse:https://cloud/dav",
            "dav",
            Some("https://cloud/dav"),
        ),
        ("/mnt/s3", "fuse.rclone:bucket:", "s3", Some("bucket:")),
        ("/mnt/nas/inner", "label:inner:0:0", "inner", None),
        ("/mnt/pool", "zfs:tank/footage", "pool", None),
        ("/mnt/merged", "fuse.mergerfs:a:b", "merged", None),
    ] {
        let volume = fake.at(mount);
        assert_eq!(volume.identity, identity);
        assert_eq!(volume.label, label);
        assert_eq!(volume.size, None, "{mount}");
        assert_eq!(volume.is_share(), share.is_some(), "{mount}");
        let below = Path::new(mount).join("new/catalogue");
        assert_eq!(fake.volumes().share_of(&below).as_deref(), share, "{mount}");
    }
    assert_eq!(fake.at("/mnt/nas").hardware.as_deref(), Some("server:nas"));
    assert!(fake.at("/mnt/nas").has_stable_inodes());
    assert!(!fake.at("/mnt/merged").has_stable_inodes());
    // Simulates an automount point where nothing is mounted yet.
    let (volume, _) = fake.volumes().locate(Path::new("/net/x"));
    assert!(super::is_kernel_filesystem(&volume.kind));
}

#[test]
fn a_fuse_mount_is_not_on_the_disk_that_its_source_names() {
    let fake = FakeSystem::new(
        r"0:70 / /view fuse /media/tmp/sda1
          0:71 / /device fuse.bindfs /dev/sdc1
          8:1 / /ntfs fuseblk /dev/sda1",
    );
    fake.disk("sda", "sda1", "8:1", Some("naa.1"));
    fake.disk("sdc", "sdc1", "8:33", Some("naa.2"));
    fake.link(&format!("/dev/disk/by-uuid/{UUID}"), "../../sda1");
    for mount in ["/view", "/device"] {
        let view = fake.at(mount);
        assert_eq!(view.hardware, None, "{mount}");
        assert!(!view.identity.contains("uuid:"), "{}", view.identity);
        assert!(fake.volumes().backing(&view).is_view, "{mount}");
    }
    let disk = fake.at("/ntfs");
    assert_eq!(disk.hardware.as_deref(), Some("naa.1"));
    assert!(!fake.volumes().backing(&disk).is_view && disk.is_cache_dropped_on_unmount());
}

#[test]
fn memory_and_image_files_are_detected_through_nested_mounts() {
    let fake = FakeSystem::new(
        r"8:1 / / ext4 /dev/sda1
          0:30 / /ram tmpfs ram
          7:0 / /image ext4 /dev/loop0
          7:1 / /deep ext4 /dev/loop1
          7:2 / /plain ext4 /dev/loop2
          253:0 / /zram ext4 /dev/zram0
          0:6 / /dev devtmpfs devtmpfs",
    );
    for (number, name, file) in [
        ("7:0", "loop0", "/ram/a.img"),
        ("7:1", "loop1", "/image/b.img (deleted)"),
        ("7:2", "loop2", "/srv/c.img"),
        ("253:0", "zram0", ""),
    ] {
        let folder = format!("/sys/devices/virtual/block/{name}");
        fake.write(&format!("{folder}/size"), "8\n");
        if !file.is_empty() {
            fake.write(&format!("{folder}/loop/backing_file"), format!("{file}\n"));
        }
        fake.link(
            &format!("/sys/dev/block/{number}"),
            &format!("../../devices/virtual/block/{name}"),
        );
    }
    fake.write("/srv/c.img", [0; 8 * 512]);
    let volumes = fake.volumes();
    let backing = |mount: &str| volumes.backing(&fake.at(mount));
    for memory in ["/ram", "/image", "/deep", "/zram", "/dev"] {
        assert!(backing(memory).is_memory, "{memory}");
    }
    assert_eq!(backing("/deep").images.len(), 2);
    let root = fake.at("/").identity;
    assert!(backing("/plain").is_held_by(&root));
    assert_eq!(backing("/plain").images[0].file, Path::new("srv/c.img"));
    assert!(!backing("/plain").is_memory && backing("/").images.is_empty());
    // Simulates another file at the same path.
    fake.write("/srv/c.img", "short");
    assert!(fake.volumes().backing(&fake.at("/plain")).is_memory);
}

#[test]
fn a_share_is_detected_through_links() {
    let real = tempfile::tempdir().unwrap();
    let real = real.path().canonicalize().unwrap();
    fs::create_dir(real.join("nas")).unwrap();
    symlink(real.join("nas"), real.join("link")).unwrap();
    let fake = FakeSystem::new(&format!(
        "8:1 / / ext4 /dev/sda1\n0:60 / {} cifs //nas/footage",
        real.join("nas").display()
    ));
    let volumes = fake.volumes();
    let share = volumes.share_of(&real.join("link/new/catalogue"));
    assert_eq!(share.as_deref(), Some("//nas/footage"));
    assert_eq!(volumes.share_of(&real.join("other")), None);
}

#[test]
fn a_covered_mount_is_not_visible() {
    let fake = FakeSystem::new(
        "8:1 / / ext4 /dev/sda1\n8:17 / /mnt ext4 /dev/sdb1\n0:60 / /mnt nfs4 nas:/export",
    );
    fake.link(&format!("/dev/disk/by-uuid/{UUID}"), "../../sdb1");
    let volumes = fake.volumes();
    assert_eq!(
        volumes.locate(Path::new("/mnt/a.mov")).0.identity,
        "share:nas:/export"
    );
    assert_eq!(
        volumes.path(&format!("uuid:{UUID}"), Path::new("a.mov")),
        None
    );
}

#[test]
fn a_later_mount_covers_mounts_below_it() {
    // With an initramfs, the root comes after mounts below it in the table.
    let table = "22 26 0:20 / /run rw - tmpfs tmpfs rw\n\
                 26 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                 30 26 8:17 / /mnt/set/D1 rw - ext4 /dev/sdb1 rw\n\
                 31 26 8:33 / /mnt/set rw - ext4 /dev/sdc1 rw\n\
                 32 31 8:49 / /mnt/set/D2 rw - ext4 /dev/sdd1 rw\n";
    let fake = FakeSystem::new("");
    fake.write("/proc/self/mountinfo", table);
    let volumes = fake.volumes();
    let points: Vec<&Path> = volumes
        .all()
        .iter()
        .map(|volume| volume.mount.as_path())
        .collect();
    let expected = ["/mnt/set/D2", "/mnt/set", "/run", "/"];
    assert_eq!(points, expected.map(Path::new));
}

#[test]
fn a_share_mounted_twice_is_one_volume() {
    let fake = FakeSystem::new("0:60 / /a nfs4 nas:/export\n0:61 / /b nfs4 nas:/export");
    assert_eq!(fake.at("/a").identity, fake.at("/b").identity);
    assert!(fake.volumes().clones().is_empty());
}

#[test]
fn tolerates_unusual_names_and_malformed_lines_in_the_table() {
    let fake = FakeSystem::new("8:1 / /media/SHELF\\04007 ext4 /dev/sda1");
    let table = fs::read_to_string(fake.path("/proc/self/mountinfo")).unwrap();
    fake.write(
        "/proc/self/mountinfo",
        format!("rubbish\n\n1 2 - \n{table}1 2 3 4"),
    );
    assert_eq!(fake.at("/media/SHELF 07").label, "SHELF 07");
    let nothing = FakeSystem::new("");
    fs::remove_file(nothing.path("/proc/self/mountinfo")).unwrap();
    let (volume, inside) = nothing.volumes().locate(Path::new("/a/b"));
    assert_eq!(
        (volume.identity.as_str(), inside.as_path()),
        ("label:/", Path::new("a/b"))
    );
}

#[test]
fn every_path_is_on_some_volume() {
    let (volume, inside) = Volumes::mounted().locate(Path::new("/some/folder"));
    assert_eq!(
        Volumes::mounted()
            .path(&volume.identity, &inside)
            .as_deref(),
        Some(Path::new("/some/folder"))
    );
    assert!(!volume.label.is_empty());
}
