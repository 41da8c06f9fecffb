//! Footage hidden below mount points on the card and in folders without read permission.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use super::setup::Offload;
use crate::ingest::card::{random_bytes, write_file};
use crate::shoot::Answer;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;
use crate::skipped_tests::or_skip;

/// Id of a user without privileges.
const UNPRIVILEGED_USER: u32 = 65534;

#[test]
fn every_kind_of_mount_below_the_card_is_a_doubt() {
    let mut offload = or_skip!(Offload::new());
    fs::create_dir(offload.card.join("NEW")).unwrap();
    offload.ingest_to_known_disks();
    offload.assert_safe(&[]);
    write_file(&offload.card, "NEW/B.wav", &random_bytes(4, 9000));
    let at = offload.card.join("NEW");
    let clips = offload.card.join("Clips").to_str().unwrap().to_owned();
    let kinds: [&[&str]; 5] = [
        &["-t", "tmpfs", "x"],
        &["-t", "mqueue", "x"],
        &["-t", "proc", "x"],
        &["-t", "devpts", "x"],
        &["--bind", &clips],
    ];
    for kind in kinds {
        let mount = Mount::new(kind, &at);
        offload.assert_not_safe(&[], "another volume is mounted here");
        mount.unmount();
    }
    fs::remove_file(offload.card.join("NEW/B.wav")).unwrap();
    offload.assert_safe(&[]);
    // Folders of the system are checked as well, although they are not searched.
    for folder in [".Spotlight-V100/Store", ".Trashes", ".TemporaryItems"] {
        let at = offload.card.join(folder);
        fs::create_dir_all(&at).unwrap();
        offload.assert_safe(&[]);
        let mount = Mount::new(kinds[0], &at);
        offload.assert_not_safe(&[], "another volume is mounted here");
        mount.unmount();
    }
}

#[test]
fn a_folder_without_read_permission_is_a_doubt_whatever_its_name() {
    let mut offload = or_skip!(Offload::new());
    offload.ingest_to_known_disks();
    // Without root, the identities of mounted volumes are unknown.
    offload.disks.iter_mut().for_each(Disk::unmount);
    set_unique_size(&offload, "SHUTTLE");
    set_unique_size(&offload, "RAID");
    offload.assert_safe(&[]);
    for folder in [offload.shoot.root(), offload.shoot.catalogue()] {
        give_to_unprivileged_user(&folder);
    }
    for name in ["lost+found", ".Spotlight-V100", "Clips/00/closed"] {
        let folder = offload.card.join(name);
        fs::create_dir_all(&folder).unwrap();
        chown(&folder, Some(UNPRIVILEGED_USER), None).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let answer = safe_without_root(&offload);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    for name in ["lost+found", ".Spotlight-V100", "Clips/00/closed"] {
        let folder = offload.card.join(name);
        let recovered = folder.join("#12345.mov");
        fs::write(&recovered, random_bytes(9, 5000)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        chown(&folder, Some(0), None).unwrap();
        let answer = safe_without_root(&offload);
        assert_eq!(answer.code, 4, "{name}: {}", answer.stdout);
        let line = format!("{}: Permission denied", folder.display());
        assert!(answer.stdout.contains(&line), "{}", answer.stdout);
        // Root reads the folder and finds the file.
        offload.assert_not_safe(&[], "#12345.mov: no disk");
        fs::remove_file(recovered).unwrap();
        chown(&folder, Some(UNPRIVILEGED_USER), None).unwrap();
    }
    assert_eq!(safe_without_root(&offload).code, 0);
}

/// Records another size for an unmounted volume, so that no drive of another test matches it.
fn set_unique_size(offload: &Offload, label: &str) {
    let sql = "UPDATE volume SET bytes = 1 WHERE label = ?1";
    assert_eq!(offload.database().execute(sql, [label]).unwrap(), 1);
}

/// Runs `safe` as a user who is not root.
fn safe_without_root(offload: &Offload) -> Answer {
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "env",
        "HOME=/tmp",
    ]);
    let own = offload.safe_command(&[]);
    command.arg(own.get_program()).args(own.get_args());
    let set = own
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.envs(set);
    Answer::from_output(&command.output().unwrap())
}

#[test]
fn an_unidentified_drive_that_may_hold_the_copies_is_a_doubt() {
    let mut offload = or_skip!(Offload::new());
    // A size that no other test uses.
    let raid = or_skip!(Disk::new(&offload.shoot.folder("more"), "RAID", 113));
    offload.disks[1].unmount();
    offload.disks[1] = raid;
    offload.disks[1].mount(&offload.drives[1].clone());
    fs::remove_dir(offload.card.join("lost+found")).unwrap();
    offload.ingest_to_known_disks();
    offload.disks.iter_mut().for_each(Disk::unmount);
    set_unique_size(&offload, "SHUTTLE");
    for folder in [offload.shoot.root(), offload.shoot.catalogue()] {
        give_to_unprivileged_user(&folder);
    }
    let answer = safe_without_root(&offload);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    // Its copies are deleted; a user who cannot read the uuid cannot identify the drive.
    let elsewhere = offload.shoot.folder("elsewhere");
    offload.disks[1].mount(&elsewhere);
    fs::remove_dir_all(elsewhere.join("A001")).unwrap();
    let answer = safe_without_root(&offload);
    assert_eq!(answer.code, 4, "{}{}", answer.stdout, answer.stderr);
    let is_missing = answer.stdout.contains("missing from the mounted volume");
    let is_unidentified = answer.stdout.contains("no permission to read its uuid");
    assert!(is_missing || is_unidentified, "{}", answer.stdout);
}

/// Makes a folder and its files usable by every user.
fn give_to_unprivileged_user(folder: &std::path::Path) {
    chown(folder, Some(UNPRIVILEGED_USER), None).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_file() {
            chown(entry.path(), Some(UNPRIVILEGED_USER), None).unwrap();
        }
    }
}
