//! Footage that nobody sees: below what is mounted on the card, and in folders that may not be read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use super::offload::Offload;
use crate::ingest::card::{random_bytes, write_file};
use crate::shoot::Answer;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;

/// Somebody who is not root.
const NOBODY: u32 = 65534;

#[test]
fn whatever_is_mounted_below_the_card_hides_footage() {
    let Some(offload) = Offload::new() else {
        return;
    };
    fs::create_dir(offload.card.join("NEW")).unwrap();
    let mut offload = offload;
    offload.is_card_disk_given = true;
    offload.ingest(&[0, 1]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("RAID", "WD-2");
    offload.is_safe(&[]);
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
        offload.is_not_safe(&[], "another volume is mounted there");
        mount.unmount();
    }
    fs::remove_file(offload.card.join("NEW/B.wav")).unwrap();
    offload.is_safe(&[]);
    // Folders of the system are not walked.
    for folder in [".Spotlight-V100/Store", ".Trashes", ".TemporaryItems"] {
        let at = offload.card.join(folder);
        fs::create_dir_all(&at).unwrap();
        offload.is_safe(&[]);
        let mount = Mount::new(kinds[0], &at);
        offload.is_not_safe(&[], "another volume is mounted there");
        mount.unmount();
    }
}

#[test]
fn a_folder_that_may_not_be_read_is_a_doubt_whosever_it_is() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    offload.is_card_disk_given = true;
    offload.ingest(&[0, 1]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("RAID", "WD-2");
    // Who is not root may not ask which volumes are mounted.
    offload.disks.iter_mut().for_each(Disk::unmount);
    be_of_no_size_that_is_mounted(&offload, "SHUTTLE");
    be_of_no_size_that_is_mounted(&offload, "RAID");
    offload.is_safe(&[]);
    for folder in [offload.shoot.root(), offload.shoot.catalogue()] {
        give(&folder);
    }
    for name in ["lost+found", ".Spotlight-V100", "Clips/00/closed"] {
        let folder = offload.card.join(name);
        fs::create_dir_all(&folder).unwrap();
        chown(&folder, Some(NOBODY), None).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let well = asked(&offload);
    assert_eq!(well.code, 0, "{}{}", well.stdout, well.stderr);
    for name in ["lost+found", ".Spotlight-V100", "Clips/00/closed"] {
        let folder = offload.card.join(name);
        let recovered = folder.join("#12345.mov");
        fs::write(&recovered, random_bytes(9, 5000)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        chown(&folder, Some(0), None).unwrap();
        let answer = asked(&offload);
        assert_eq!(answer.code, 4, "{name}: {}", answer.stdout);
        let line = format!("{}: Permission denied", folder.display());
        assert!(answer.stdout.contains(&line), "{}", answer.stdout);
        // Who may read it finds what is in it.
        offload.is_not_safe(&[], "#12345.mov: no disk");
        fs::remove_file(recovered).unwrap();
        chown(&folder, Some(NOBODY), None).unwrap();
    }
    assert_eq!(asked(&offload).code, 0);
}

/// Records a size of a volume that is away, so that no drive of another test may be it.
fn be_of_no_size_that_is_mounted(offload: &Offload, label: &str) {
    let sql = "UPDATE volume SET bytes = 1 WHERE label = ?1";
    assert_eq!(offload.database().execute(sql, [label]).unwrap(), 1);
}

/// What somebody who is not root is told.
fn asked(offload: &Offload) -> Answer {
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "env",
        "HOME=/tmp",
    ]);
    let own = offload.asked(&[]);
    command.arg(own.get_program()).args(own.get_args());
    let set = own
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.envs(set);
    Answer::from_output(&command.output().unwrap())
}

#[test]
fn a_drive_that_may_be_mounted_elsewhere_under_no_name_is_a_doubt() {
    let Some(mut offload) = Offload::new() else {
        return;
    };
    offload.is_card_disk_given = true;
    // A size that no other test makes.
    let raid = Disk::new(&offload.shoot.folder("more"), "RAID", 113);
    let Some(raid) = raid else { return };
    offload.disks[1].unmount();
    offload.disks[1] = raid;
    offload.disks[1].mount(&offload.drives[1].clone());
    fs::remove_dir(offload.card.join("lost+found")).unwrap();
    offload.ingest(&[0, 1]);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("RAID", "WD-2");
    offload.disks.iter_mut().for_each(Disk::unmount);
    be_of_no_size_that_is_mounted(&offload, "SHUTTLE");
    for folder in [offload.shoot.root(), offload.shoot.catalogue()] {
        give(&folder);
    }
    let answer = asked(&offload);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    // Its copies are gone; who may not ask for uuids does not know the drive.
    let elsewhere = offload.shoot.folder("elsewhere");
    offload.disks[1].mount(&elsewhere);
    fs::remove_dir_all(elsewhere.join("A001")).unwrap();
    let answer = asked(&offload);
    assert_eq!(answer.code, 4, "{}{}", answer.stdout, answer.stderr);
    let is_gone = answer.stdout.contains("missing from the mounted volume");
    let is_hidden = answer.stdout.contains("no permission to read its uuid");
    assert!(is_gone || is_hidden, "{}", answer.stdout);
}

/// Has everybody be able to use a folder and what is in it.
fn give(folder: &std::path::Path) {
    chown(folder, Some(NOBODY), None).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_file() {
            chown(entry.path(), Some(NOBODY), None).unwrap();
        }
    }
}
