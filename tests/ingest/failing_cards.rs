//! Cards that are removed, unreadable, empty or missing, and entries of cards that are not files.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::card::{
    RunningCommand, assert_no_wrong_copies, assert_nothing_unfinished, assert_problem,
    assert_same_files, events, ingest, ingest_command, ingest_ok, read_tree, write_card,
    write_file,
};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::disk::{Disk, run};
use crate::shoot::unprivileged::without_privileges;
use crate::shoot::{Answer, Shoot};
use crate::skipped_tests::{Skipped, or_skip};

/// Creates a card on a separate disk, which is not mounted, and the same files in a folder for
/// comparison.
fn card_on_a_disk(
    shoot: &Shoot,
    megabytes: u64,
    files: u64,
    bytes: usize,
) -> Result<(Disk, PathBuf), Skipped> {
    let folder = shoot.folder("disks");
    let mut disk = Disk::new(&folder, "CARD", megabytes)?;
    let reference = shoot.folder("like the card");
    write_card(&reference, files, bytes);
    disk.mount(&folder.join("CARD"));
    let from = format!("{}/.", reference.display());
    assert!(run(
        "cp",
        &["-a", &from, folder.join("CARD").to_str().unwrap()]
    ));
    // Drops the page cache.
    disk.unmount();
    Ok((disk, reference))
}

#[test]
fn an_ingest_resumes_after_the_card_was_removed() {
    let shoot = Shoot::new();
    let (mut disk, reference) = or_skip!(card_on_a_disk(&shoot, 40, 1350, 4096));
    let card = shoot.folder("disks").join("CARD");
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    disk.mount(&card);
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &[&raid, &backup]));
    running.wait_for("file");
    running.while_stopped(|| disk.pull());
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "/disks/CARD", "removed, or no longer readable");
    for copy in [&raid, &backup] {
        assert_no_wrong_copies(&reference, copy, "pulled");
        assert_nothing_unfinished(copy);
    }
    assert_eq!(answer.summary()["complete"], 0);
    let removed = ingest(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(removed.code, 3, "{}", removed.stdout);
    assert_problem(&removed, "/disks/CARD", "is the card mounted there?");
    disk.mount(&card);
    let summary = ingest_ok(&shoot, &[&card], &[&raid, &backup]);
    assert!(summary["copied"].as_u64().unwrap() > 0);
    for copy in [&raid, &backup] {
        assert_same_files(&reference, copy);
        assert_reference_verifies(copy);
    }
}

/// Offset of the last kilobyte of a file in a disk image; the filesystem may store it in any order.
fn last_part(file: &Path, image: &[u8]) -> u64 {
    let offsets: HashMap<&[u8], u64> = image.chunks(1024).zip((0..).step_by(1024)).collect();
    let content = fs::read(file).unwrap();
    content
        .chunks(1024)
        .map(|part| offsets[part])
        .max()
        .unwrap()
}

#[test]
fn a_partly_unreadable_card_loses_only_the_unreadable_files() {
    let shoot = Shoot::new();
    let (mut disk, reference) = or_skip!(card_on_a_disk(&shoot, 24, 8, 1024 * 1024));
    let card = shoot.folder("disks").join("CARD");
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    let image_bytes = fs::read(disk.image()).unwrap();
    let mut files: Vec<(u64, String)> = (0..8)
        .map(|number| format!("Clips/00/D{number:05}.bin"))
        .map(|name| (last_part(&reference.join(&name), &image_bytes), name))
        .collect();
    files.sort();
    let (unreadable, cut) = (&files[5].1, files[5].0 - 512 * 1024);
    let readable = files.iter().filter(|(last_part, _)| *last_part < cut);
    assert!(readable.clone().next().is_some(), "{files:?}");
    disk.mount(&card);
    // Reads the folders while they are readable. The disk becomes read-only, because a write would
    // extend the image again and fill the unreadable part with zeros.
    assert!(run("ls", &["-lR", card.to_str().unwrap()]));
    disk.set_writable(false);
    let image = fs::File::options().write(true).open(disk.image()).unwrap();
    image.set_len(cut).unwrap();
    let answer = ingest(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_problem(&answer, unreadable, "Input/output error");
    let ingests = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingests["state"], "with problems", "{ingests}");
    assert!(ingests["unread"].as_u64().unwrap() >= 1, "{ingests}");
    for copy in [&raid, &backup] {
        assert_no_wrong_copies(&reference, copy, "unreadable");
        assert_nothing_unfinished(copy);
        assert!(!copy.join(unreadable).exists());
        let mut readable = readable.clone();
        assert!(
            readable.all(|(_, name)| copy.join(name).exists()),
            "{files:?} {}",
            answer.stdout
        );
        assert_reference_verifies(copy);
    }
    disk.unmount();
    let mut image = fs::File::options().write(true).open(disk.image()).unwrap();
    image.write_all(&image_bytes).unwrap();
    disk.mount(&card);
    ingest_ok(&shoot, &[&card], &[&raid, &backup]);
    for copy in [&raid, &backup] {
        assert_same_files(&reference, copy);
        assert_reference_verifies(copy);
    }
}

#[test]
fn files_without_read_permission_are_reported_and_the_others_copied() {
    use std::os::unix::fs::PermissionsExt;
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let raid = shoot.folder("raid");
    write_file(&card, "open.bin", b"open");
    let locked = write_file(&card, "locked.bin", b"locked");
    write_file(&card, "closed/inside.bin", b"inside");
    let closed = card.join("closed");
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut command = or_skip!(without_privileges(
        &shoot,
        &ingest_command(&shoot, &[&card], &[&raid])
    ));
    set(&locked, 0);
    set(&closed, 0);
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_problem(&answer, "A001/locked.bin", "Permission denied");
    assert_problem(&answer, "A001/closed", "Permission denied");
    assert!(raid.join("open.bin").is_file());
    assert!(!raid.join("locked.bin").exists());
    assert_nothing_unfinished(&raid);
    set(&locked, 0o644);
    set(&closed, 0o755);
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_same_files(&card, &raid);
    assert_eq!(events(&answer, "problem").len(), 0);
}

#[test]
fn an_empty_or_missing_card_does_not_affect_the_others() {
    let shoot = Shoot::new();
    let raid = shoot.folder("raid");
    let (empty, full, missing) = (
        shoot.folder("B001"),
        shoot.folder("A001"),
        shoot.folder("").join("C001"),
    );
    write_file(&full, "a.bin", b"bytes");
    let to = raid.join("{card}");
    let answer = ingest(&shoot, &[&empty, &full, &missing], &[&to]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_problem(&answer, "/B001", "no files");
    assert_problem(&answer, "/C001", "No such file or directory");
    let summary = answer.summary();
    assert_eq!(
        (&summary["cards"], &summary["complete"]),
        (&3.into(), &1.into())
    );
    assert_same_files(&full, &raid.join("A001"));
    assert!(!raid.join("B001").exists() && !raid.join("C001").exists());
}

#[test]
fn links_and_pipes_are_reported_and_system_folders_skipped() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let elsewhere = shoot.folder("elsewhere");
    write_file(&elsewhere, "secret.bin", b"not on the card");
    write_file(&card, "a.bin", b"on the card");
    write_file(&card, ".Spotlight-V100/Store-V2/x", b"the system's");
    write_file(&card, "System Volume Information/x", b"the system's");
    write_file(&card, ".Trashes/501/a.bin", b"thrown away");
    symlink(&elsewhere, card.join("linked")).unwrap();
    symlink(elsewhere.join("secret.bin"), card.join("secret.bin")).unwrap();
    symlink("nowhere", card.join("dangling")).unwrap();
    assert!(run("mkfifo", &[card.join("pipe").to_str().unwrap()]));
    let raid = shoot.folder("raid");
    let answer = ingest(&shoot, &[&card], &[&raid]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    for name in ["linked", "secret.bin", "dangling"] {
        assert_problem(&answer, &format!("A001/{name}"), "a link: its target");
    }
    assert_problem(&answer, "A001/pipe", "a pipe or a device");
    let names: Vec<String> = read_tree(&raid)
        .into_keys()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        [".Trashes", ".Trashes/501", ".Trashes/501/a.bin", "a.bin"]
    );
    assert_reference_verifies(&raid);
}
