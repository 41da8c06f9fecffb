//! Tests of clones with and without earlier records.

use std::path::{Path, PathBuf};

use super::super::KnownVolume;
use super::{FakeSystem, UUID};

/// Creates two disks with the same uuid and the given serial numbers.
fn two_disks(first: Option<&str>, second: Option<&str>) -> FakeSystem {
    let fake = FakeSystem::new(
        r"8:17 / /mnt/b ext4 /dev/sdb1
          8:2 / /mnt/a ext4 /dev/sda2
          8:2 /day1 /srv/day1 ext4 /dev/sda2",
    );
    fake.disk("sda", "sda2", "8:2", first);
    fake.disk("sdb", "sdb1", "8:17", second);
    for number in ["8:2", "8:17"] {
        fake.write(
            &format!("/run/udev/data/b{number}"),
            format!("E:ID_FS_UUID={UUID}\n"),
        );
    }
    fake
}

fn known(identity: &str, mount: &str, hardware: Option<&str>) -> KnownVolume {
    KnownVolume {
        identity: identity.to_owned(),
        mount: mount.into(),
        hardware: hardware.map(str::to_owned),
    }
}

/// Returns the identities at `/mnt/a` and `/mnt/b`, with the common uuid abbreviated to `U`.
fn identities_of(fake: &FakeSystem, known: &[KnownVolume]) -> (String, String) {
    let mut volumes = fake.volumes();
    volumes.distinguish_clones(known);
    let at = |mount: &str| {
        let (volume, _) = volumes.locate(Path::new(mount));
        volume.identity.replace(&format!("uuid:{UUID}"), "U")
    };
    assert_eq!(at("/mnt/a"), at("/srv/day1"), "a bind mount is not a clone");
    (at("/mnt/a"), at("/mnt/b"))
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

#[test]
fn the_clone_on_the_recorded_disk_keeps_the_identity() {
    let base = format!("uuid:{UUID}");
    let fake = two_disks(Some("A"), Some("B"));
    // Without records, the filesystem with the lowest device number keeps it.
    assert_eq!(identities_of(&fake, &[]), pair("U", "U@B"));
    // The recorded disk decides, wherever it is mounted.
    let by_disk = [known(&base, "/mnt/a", Some("B"))];
    assert_eq!(identities_of(&fake, &by_disk), pair("U@A", "U"));
    // The mount point decides if no disk was recorded.
    let by_mount = [known(&base, "/mnt/b", None)];
    assert_eq!(identities_of(&fake, &by_mount), pair("U@A", "U"));
    let mut volumes = fake.volumes();
    volumes.distinguish_clones(&by_disk);
    assert_eq!(
        volumes.clones(),
        [(PathBuf::from("/mnt/a"), PathBuf::from("/mnt/b"))]
    );
    assert_eq!(
        volumes
            .path(&format!("{base}@A"), Path::new("day2/x"))
            .as_deref(),
        Some(Path::new("/mnt/a/day2/x"))
    );
    assert!(volumes.are_same_under(&fake.volumes(), Path::new("/mnt")));
}

#[test]
fn clones_on_unknown_or_equal_disks_are_distinguished_by_mount_point() {
    for disk in [None, Some("same")] {
        let fake = two_disks(disk, disk);
        assert_eq!(identities_of(&fake, &[]), pair("U", "U@/mnt/b"));
        let base = format!("uuid:{UUID}");
        let before = [
            known(&base, "/mnt/b", disk),
            known(&format!("{base}@/mnt/a"), "/mnt/a", disk),
        ];
        assert_eq!(identities_of(&fake, &before), pair("U@/mnt/a", "U"));
    }
}

#[test]
fn a_recorded_clone_gets_the_same_identity_again() {
    let base = format!("uuid:{UUID}");
    let fake = two_disks(Some("A"), Some("B"));
    // This holds for a suffix with a mount point, even if the clone is mounted elsewhere.
    let before = [
        known(&base, "/mnt/x", Some("B")),
        known(&format!("{base}@/media/y"), "/media/y", Some("A")),
    ];
    assert_eq!(identities_of(&fake, &before), pair("U@/media/y", "U"));
    // This holds even if the original is not mounted.
    let before = [
        known(&base, "/mnt/a", Some("O")),
        known(&format!("{base}@B"), "/mnt/b", Some("B")),
        known(&format!("{base}@A"), "/mnt/q", Some("A")),
    ];
    assert_eq!(identities_of(&fake, &before), pair("U@A", "U@B"));
    // An identity is not assigned twice.
    let before = [
        known(&base, "/", None),
        known(&format!("{base}@B"), "/mnt/a", Some("A")),
    ];
    assert_eq!(identities_of(&fake, &before), pair("U@B", "U"));
}
