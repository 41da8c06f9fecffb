//! Destinations that fail: full, broken, removed, read-only, missing, not mounted.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::card::{
    RunningCommand, assert_no_wrong_copies, assert_nothing_unfinished, assert_problem,
    assert_same_files, ingest, ingest_command, ingest_ok, read_tree, verify, write_card,
    write_file,
};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::disk::{Disk, run};
use crate::shoot::{Answer, Shoot};
use crate::skipped_tests::{Skipped, or_skip};

/// Creates a card of many small files: the first are verified long before the last is copied.
fn card(shoot: &Shoot) -> PathBuf {
    let card = shoot.folder("A001");
    write_card(&card, 450, 48 * 1024);
    card
}

/// Creates and mounts a disk to copy to.
fn disk(shoot: &Shoot, label: &str, megabytes: u64) -> Result<(Disk, PathBuf), Skipped> {
    let folder = shoot.folder("disks");
    let at = folder.join(label);
    let mut disk = Disk::new(&folder, label, megabytes)?;
    disk.mount(&at);
    Ok((disk, at))
}

/// Fills a filesystem up to the last `kilobytes` and returns the path of the large file.
fn fill_up(folder: &Path, kilobytes: u64) -> PathBuf {
    let filler = folder.join("filler");
    let free = fs4::available_space(folder).unwrap();
    let bytes = (free - kilobytes * 1024).to_string();
    let path = filler.to_str().unwrap();
    assert!(run("fallocate", &["-l", &bytes, path]));
    filler
}

/// Runs the same command again without the obstacle; checks that every copy is complete.
#[track_caller]
fn assert_completes(shoot: &Shoot, card: &Path, to: &[&Path], copies: &[&Path]) {
    ingest_ok(shoot, &[card], to);
    for copy in copies {
        assert_same_files(card, copy);
        assert_nothing_unfinished(copy);
        let (code, found) = verify(shoot, copy);
        assert_eq!(code, 0, "{found}");
    }
    assert_reference_verifies(copies.last().unwrap());
}

#[test]
fn an_ingest_without_enough_space_does_not_start() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let raid = shoot.folder("raid");
    let (_disk, small) = or_skip!(disk(&shoot, "SMALL", 76));
    let answer = ingest(
        &shoot,
        &[&card],
        &[&raid.join("{card}"), &small.join("{card}")],
    );
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_problem(&answer, "/A001", "on SMALL, which has");
    assert!(!raid.join("A001").exists() && !small.join("A001").exists());
    let shoot = Shoot::new();
    let to = shoot.folder("raid").join("{card}");
    assert_completes(&shoot, &card, &[&to], &[&shoot.folder("raid/A001")]);
}

#[test]
fn a_destination_that_fills_up_does_not_stop_the_other() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let raid = shoot.folder("raid");
    let (_disk, full) = or_skip!(disk(&shoot, "FULL", 110));
    let copies = [raid.join("A001"), full.join("A001")];
    let to = [raid.join("{card}"), full.join("{card}")];
    let to: [&Path; 2] = [&to[0], &to[1]];
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &to));
    running.wait_for("card");
    let mut filler = PathBuf::new();
    running.while_stopped(|| filler = fill_up(&full, 500));
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "FULL/A001", "No space left on device");
    assert_same_files(&card, &copies[0]);
    assert_no_wrong_copies(&card, &copies[1], "full");
    assert_nothing_unfinished(&copies[1]);
    let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 450, "{ingest}");
    assert!(ingest["places"][1]["verified"].as_u64().unwrap() < 450);
    assert_eq!(ingest["state"], "with problems");
    fs::remove_file(filler).unwrap();
    assert_completes(&shoot, &card, &to, &[&copies[0], &copies[1]]);
}

#[test]
fn a_destination_with_write_errors_does_not_stop_the_other() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let raid = shoot.folder("raid");
    // The image of this disk is on another disk, which gets full: later writes to it fail.
    let (_under, under) = or_skip!(disk(&shoot, "UNDER", 140));
    let mut broken = or_skip!(Disk::new(&under, "BROKEN", 130));
    let at = shoot.folder("disks").join("BROKEN");
    broken.mount(&at);
    let copies = [raid.join("A001"), at.join("A001")];
    let to = [raid.join("{card}"), at.join("{card}")];
    let to: [&Path; 2] = [&to[0], &to[1]];
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &to));
    running.wait_for("card");
    let mut filler = PathBuf::new();
    running.while_stopped(|| filler = fill_up(&under, 500));
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "BROKEN/A001", "os error");
    assert_same_files(&card, &copies[0]);
    fs::remove_file(filler).unwrap();
    broken.pull();
    run("e2fsck", &["-fy", broken.image().to_str().unwrap()]);
    broken.mount(&at);
    let again = ingest(&shoot, &[&card], &to);
    // Data that the disk lost after verification is missing or different now; it must not be
    // reported as verified.
    if again.code == 0 {
        assert_completes(&shoot, &card, &to, &[&copies[0], &copies[1]]);
    } else {
        assert_eq!(again.code, 3, "{}{}", again.stdout, again.stderr);
        assert_eq!(again.summary()["complete"], 0, "{}", again.stdout);
    }
}

/// Removes a destination half-way. Its template is `template` below its mount point, its copy is
/// `inside`. The next run, with nothing mounted there, must fail with `reason`.
fn assert_removal_is_noticed(template: &str, inside: &str, reason: &str) {
    let shoot = Shoot::new();
    let card = card(&shoot);
    write_file(&card, "z in the root.bin", b"last of all");
    let raid = shoot.folder("raid");
    let (mut disk, at) = or_skip!(disk(&shoot, "SHUTTLE", 110));
    let copies = [&raid, &at].map(|folder| folder.join(inside).components().collect::<PathBuf>());
    for copy in &copies {
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
    }
    let to = [raid.join(template), at.join(template)];
    let to: [&Path; 2] = [&to[0], &to[1]];
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &to));
    running.wait_for("file");
    running.while_stopped(|| disk.pull());
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    let remaining: Vec<PathBuf> = read_tree(&at).into_keys().collect();
    assert!(remaining.is_empty(), "at the mount point: {remaining:?}");
    assert!(!at.join("ascmhl").exists());
    assert_problem(
        &answer,
        &copies[1].to_string_lossy(),
        "removed, or no longer readable",
    );
    assert_same_files(&card, &copies[0]);
    let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 451, "{ingest}");
    assert!(ingest["places"][1]["verified"].as_u64().unwrap() < 451);
    assert_eq!(ingest["state"], "with problems", "{ingest}");
    let unmounted = super::card::ingest(&shoot, &[&card], &to);
    assert_eq!(
        unmounted.code, 3,
        "{}{}",
        unmounted.stdout, unmounted.stderr
    );
    assert_problem(&unmounted, "/A001", reason);
    assert!(read_tree(&at).is_empty());
    disk.mount(&at);
    assert_no_wrong_copies(&card, &copies[1], "pulled");
    assert_completes(&shoot, &card, &to, &[&copies[0], &copies[1]]);
}

#[test]
fn after_a_destination_is_removed_nothing_is_written_to_the_system_disk() {
    assert_removal_is_noticed("{card}", "A001", "SHUTTLE is not mounted");
}

#[test]
fn a_removed_destination_is_noticed_if_its_mount_point_is_the_destination() {
    assert_removal_is_noticed("", "", "SHUTTLE is not mounted");
}

#[test]
fn a_removed_destination_is_noticed_if_a_folder_on_it_is_the_destination() {
    assert_removal_is_noticed("copies/{card}", "copies/A001", "SHUTTLE/copies not found");
}

#[test]
fn a_read_only_destination_is_reported_and_the_other_completes() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 20, 1000);
    let raid = shoot.folder("raid");
    let (disk, at) = or_skip!(disk(&shoot, "LOCKED", 110));
    disk.set_writable(false);
    let copies = [raid.join("A001"), at.join("A001")];
    let to = [raid.join("{card}"), at.join("{card}")];
    let to: [&Path; 2] = [&to[0], &to[1]];
    let answer = ingest(&shoot, &[&card], &to);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_problem(&answer, "LOCKED/A001", "Read-only file system");
    assert_same_files(&card, &copies[0]);
    assert!(!copies[1].exists());
    disk.set_writable(true);
    assert_completes(&shoot, &card, &to, &[&copies[0], &copies[1]]);
}

#[test]
fn a_destination_may_be_relative_to_the_current_folder() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 3, 1000);
    let here = shoot.folder("here");
    for (to, copy) in [
        ("raid", "raid"),
        ("{card}", "A001"),
        ("./a/{card}", "a/A001"),
    ] {
        fs::create_dir_all(here.join(copy).parent().unwrap()).unwrap();
        let mut command = ingest_command(&shoot, &[&card], &[Path::new(to)]);
        let answer = Answer::from_output(&command.current_dir(&here).output().unwrap());
        assert_eq!(answer.code, 0, "{to}: {}{}", answer.stdout, answer.stderr);
        assert_same_files(&card, &here.join(copy));
    }
}

#[test]
fn a_missing_parent_folder_is_not_created() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 3, 1000);
    let raid = shoot.folder("raid");
    let missing = shoot.folder("").join("none");
    let to = [raid.join("{card}"), missing.join("{card}")];
    let answer = ingest(&shoot, &[&card], &[&to[0], &to[1]]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_problem(&answer, "/A001", "/none not found");
    assert!(!missing.exists() && read_tree(&raid).is_empty());
    fs::create_dir(&missing).unwrap();
    assert_completes(
        &shoot,
        &card,
        &[&to[0], &to[1]],
        &[&raid.join("A001"), &missing.join("A001")],
    );
}

/// Ingests with one more option.
fn ingest_with(shoot: &Shoot, card: &Path, to: &Path, option: &str) -> Answer {
    let mut command = ingest_command(shoot, &[card], &[to]);
    Answer::from_output(&command.arg(option).output().unwrap())
}

#[test]
fn the_former_mount_point_of_a_drive_mounted_elsewhere_requires_allow_system_disk() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 3, 1000);
    let (mut disk, at) = or_skip!(disk(&shoot, "SHUTTLE", 110));
    ingest_ok(&shoot, &[&card], &[&at.join("{card}")]);
    disk.unmount();
    let other = shoot.folder("disks").join("other");
    disk.mount(&other);
    let to = at.join("{card}");
    let answer = ingest(&shoot, &[&card], &[&to]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    assert_problem(&answer, "/A001", "but on the system disk");
    assert_problem(&answer, "/A001", "use `--allow-system-disk`");
    assert!(read_tree(&at).is_empty());
    let dry = ingest_with(&shoot, &card, &to, "--dry-run");
    assert_eq!(dry.code, 3, "{}", dry.stdout);
    let allowed = ingest_with(&shoot, &card, &to, "--allow-system-disk");
    assert_eq!(allowed.code, 0, "{}{}", allowed.stdout, allowed.stderr);
    assert_same_files(&card, &at.join("A001"));
}

#[test]
fn kernel_filesystems_are_refused_and_memory_causes_a_warning() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 3, 1000);
    for folder in ["/proc/self/fd", "/sys/kernel", "/dev"] {
        let answer = ingest(&shoot, &[&card], &[&Path::new(folder).join("{card}")]);
        assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
        assert_problem(&answer, "/A001", "stores no files");
    }
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let answer = ingest(&shoot, &[&card], &[&memory.path().join("{card}")]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let warnings = super::card::events(&answer, "warning");
    let message = warnings[0]["message"].as_str().unwrap();
    assert!(message.contains("is in memory"), "{message}");
    assert_same_files(&card, &memory.path().join("A001"));
}

#[test]
fn a_forgotten_destination_stays_in_the_ingest_log() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 3, 500);
    let at = shoot.folder("mounted");
    let mut disk = or_skip!(Disk::new(&shoot.folder(""), "DEAD", 90));
    disk.mount(&at);
    let to = at.join("{card}");
    ingest_ok(&shoot, &[&card], &[&to]);
    disk.unmount();
    let answer = ingest(&shoot, &[&card], &[&to]);
    assert_problem(&answer, "A001", "DEAD is not mounted");
    let answer = shoot.run(&["volumes", "forget", "DEAD", "--yes"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(!shoot.run(&["volumes"]).stdout.contains("DEAD"));
    let destination = &shoot.run(&["ingests", "--json"]).json()[0]["places"][0];
    assert_eq!(
        (&destination["verified"], &destination["mounted"]),
        (&json!(3), &json!(false)),
        "{destination}"
    );
    // Its mount point is an ordinary folder now; the drive may still come back.
    ingest_ok(&shoot, &[&card], &[&to]);
    disk.mount(&at);
    assert_eq!(verify(&shoot, &at.join("A001")).0, 0);
}

#[test]
fn the_mount_point_of_an_unmounted_drive_requires_allow_system_disk() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 3, 500);
    let at = shoot.folder("mounted");
    let mut disk = or_skip!(Disk::new(&shoot.folder(""), "AWAY", 90));
    disk.mount(&at);
    let to = at.join("{card}");
    ingest_ok(&shoot, &[&card], &[&to]);
    disk.unmount();
    assert_problem(
        &ingest(&shoot, &[&card], &[&to]),
        "A001",
        "AWAY is not mounted",
    );
    let mut allowed = ingest_command(&shoot, &[&card], &[&to]);
    let answer = Answer::from_output(&allowed.arg("--allow-system-disk").output().unwrap());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_same_files(&card, &at.join("A001"));
}
