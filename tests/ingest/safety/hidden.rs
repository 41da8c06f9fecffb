//! Footage that nobody sees: below what is mounted on the card, and in folders that may not be read.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use super::day::Day;
use crate::ingest::card::{noise, put};
use crate::shoot::Answer;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;

/// Somebody who is not root.
const NOBODY: u32 = 65534;

#[test]
fn whatever_is_mounted_below_the_card_hides_footage() {
    let Some(day) = Day::new() else { return };
    fs::create_dir(day.card.join("NEW")).unwrap();
    let mut day = day;
    day.is_card_said = true;
    day.ingest(&[0, 1]);
    day.say_disk("SHUTTLE", "WD-1");
    day.say_disk("RAID", "WD-2");
    day.is_safe(&[]);
    put(&day.card, "NEW/B.wav", &noise(4, 9000));
    let at = day.card.join("NEW");
    let clips = day.card.join("Clips").to_str().unwrap().to_owned();
    let kinds: [&[&str]; 5] = [
        &["-t", "tmpfs", "x"],
        &["-t", "mqueue", "x"],
        &["-t", "proc", "x"],
        &["-t", "devpts", "x"],
        &["--bind", &clips],
    ];
    for kind in kinds {
        let mount = Mount::new(kind, &at);
        day.is_not_safe(&[], "another volume is mounted here");
        mount.unmount();
    }
    fs::remove_file(day.card.join("NEW/B.wav")).unwrap();
    day.is_safe(&[]);
    // Folders of the system are not walked.
    for folder in [".Spotlight-V100/Store", ".Trashes", ".TemporaryItems"] {
        let at = day.card.join(folder);
        fs::create_dir_all(&at).unwrap();
        day.is_safe(&[]);
        let mount = Mount::new(kinds[0], &at);
        day.is_not_safe(&[], "another volume is mounted here");
        mount.unmount();
    }
}

#[test]
fn a_folder_that_may_not_be_read_is_a_doubt_whosever_it_is() {
    let Some(mut day) = Day::new() else { return };
    day.is_card_said = true;
    day.ingest(&[0, 1]);
    day.say_disk("SHUTTLE", "WD-1");
    day.say_disk("RAID", "WD-2");
    // Who is not root may not ask which volumes are mounted.
    day.disks.iter_mut().for_each(Disk::unmount);
    be_of_no_size_that_is_mounted(&day, "SHUTTLE");
    be_of_no_size_that_is_mounted(&day, "RAID");
    day.is_safe(&[]);
    for folder in [day.shoot.root(), day.shoot.catalogue()] {
        give(&folder);
    }
    for name in ["lost+found", ".Spotlight-V100", "Clips/00/closed"] {
        let folder = day.card.join(name);
        fs::create_dir_all(&folder).unwrap();
        chown(&folder, Some(NOBODY), None).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let well = asked(&day);
    assert_eq!(well.code, 0, "{}{}", well.stdout, well.stderr);
    for name in ["lost+found", ".Spotlight-V100", "Clips/00/closed"] {
        let folder = day.card.join(name);
        let recovered = folder.join("#12345.mov");
        fs::write(&recovered, noise(9, 5000)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        chown(&folder, Some(0), None).unwrap();
        let answer = asked(&day);
        assert_eq!(answer.code, 4, "{name}: {}", answer.stdout);
        let line = format!("{}: Permission denied", folder.display());
        assert!(answer.stdout.contains(&line), "{}", answer.stdout);
        // Who may read it finds what is in it.
        day.is_not_safe(&[], "#12345.mov: no disk");
        fs::remove_file(recovered).unwrap();
        chown(&folder, Some(NOBODY), None).unwrap();
    }
    assert_eq!(asked(&day).code, 0);
}

/// Records a size of a volume that is away, so that no drive of another test may be it.
fn be_of_no_size_that_is_mounted(day: &Day, label: &str) {
    let sql = "UPDATE volume SET bytes = 1 WHERE label = ?1";
    assert_eq!(day.database().execute(sql, [label]).unwrap(), 1);
}

/// What somebody who is not root is told.
fn asked(day: &Day) -> Answer {
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "env",
        "HOME=/tmp",
    ]);
    let own = day.asked(&[]);
    command.arg(own.get_program()).args(own.get_args());
    let set = own
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.envs(set);
    Answer::from_output(&command.output().unwrap())
}

#[test]
fn a_drive_that_may_be_mounted_elsewhere_under_no_name_is_a_doubt() {
    let Some(mut day) = Day::new() else { return };
    day.is_card_said = true;
    // A size that no other test makes.
    let raid = Disk::new(&day.shoot.folder("more"), "RAID", 113);
    let Some(raid) = raid else { return };
    day.disks[1].unmount();
    day.disks[1] = raid;
    day.disks[1].mount(&day.drives[1].clone());
    fs::remove_dir(day.card.join("lost+found")).unwrap();
    day.ingest(&[0, 1]);
    day.say_disk("SHUTTLE", "WD-1");
    day.say_disk("RAID", "WD-2");
    day.disks.iter_mut().for_each(Disk::unmount);
    be_of_no_size_that_is_mounted(&day, "SHUTTLE");
    for folder in [day.shoot.root(), day.shoot.catalogue()] {
        give(&folder);
    }
    let answer = asked(&day);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    // Its copies are gone; who may not ask for uuids does not know the drive.
    let elsewhere = day.shoot.folder("elsewhere");
    day.disks[1].mount(&elsewhere);
    fs::remove_dir_all(elsewhere.join("A001")).unwrap();
    let answer = asked(&day);
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
