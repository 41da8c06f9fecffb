//! Places that fail: full, broken, pulled, locked, not there.

use std::fs;
use std::path::{Path, PathBuf};

use super::card::{
    Working, are_equal, command, fill, ingest, ingest_well, is_told, nothing_is_left_over,
    nothing_is_wrong, put, tree, verify,
};
use super::judges::reference_agrees;
use crate::shoot::disk::{Disk, run};
use crate::shoot::{Answer, Shoot};

/// A card of many small files: long before the last of them, the first are proved.
fn card(shoot: &Shoot) -> PathBuf {
    let card = shoot.folder("A001");
    fill(&card, 450, 48 * 1024);
    card
}

/// A disk that is mounted as a place to copy to.
fn disk(shoot: &Shoot, label: &str, megabytes: u64) -> Option<(Disk, PathBuf)> {
    let folder = shoot.folder("disks");
    let at = folder.join(label);
    let mut disk = Disk::new(&folder, label, megabytes)?;
    disk.mount(&at);
    Some((disk, at))
}

/// Takes all of a filesystem but so many kilobytes.
fn fill_up(folder: &Path, but: u64) -> PathBuf {
    let filler = folder.join("filler");
    let free = fs4::available_space(folder).unwrap();
    let bytes = (free - but * 1024).to_string();
    let path = filler.to_str().unwrap();
    assert!(run("fallocate", &["-l", &bytes, path]));
    filler
}

/// The same command, now that nothing is in its way, comes to its end.
#[track_caller]
fn completes(shoot: &Shoot, card: &Path, to: &[&Path], copies: &[&Path]) {
    ingest_well(shoot, &[card], to);
    for copy in copies {
        are_equal(card, copy);
        nothing_is_left_over(copy);
        let (code, found) = verify(shoot, copy);
        assert_eq!(code, 0, "{found}");
    }
    reference_agrees(copies.last().unwrap());
}

#[test]
fn where_there_is_no_room_nothing_is_begun() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let raid = shoot.folder("raid");
    let Some((_disk, small)) = disk(&shoot, "SMALL", 76) else {
        return;
    };
    let answer = ingest(
        &shoot,
        &[&card],
        &[&raid.join("{card}"), &small.join("{card}")],
    );
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, "/A001", "on SMALL, which has");
    assert!(!raid.join("A001").exists() && !small.join("A001").exists());
    let shoot = Shoot::new();
    let to = shoot.folder("raid").join("{card}");
    completes(&shoot, &card, &[&to], &[&shoot.folder("raid/A001")]);
}

#[test]
fn a_place_that_is_full_half_way_does_not_stop_the_other() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let raid = shoot.folder("raid");
    let Some((_disk, full)) = disk(&shoot, "FULL", 110) else {
        return;
    };
    let copies = [raid.join("A001"), full.join("A001")];
    let to = [raid.join("{card}"), full.join("{card}")];
    let to: [&Path; 2] = [&to[0], &to[1]];
    let mut working = Working::start(command(&shoot, &[&card], &to));
    working.until("card");
    let mut filler = PathBuf::new();
    working.meanwhile(|| filler = fill_up(&full, 500));
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "FULL/A001", "No space left on device");
    are_equal(&card, &copies[0]);
    nothing_is_wrong(&card, &copies[1], "full");
    nothing_is_left_over(&copies[1]);
    let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 450, "{ingest}");
    assert!(ingest["places"][1]["verified"].as_u64().unwrap() < 450);
    assert_eq!(ingest["state"], "with problems");
    fs::remove_file(filler).unwrap();
    completes(&shoot, &card, &to, &[&copies[0], &copies[1]]);
}

#[test]
fn a_place_that_cannot_be_written_half_way_does_not_stop_the_other() {
    let shoot = Shoot::new();
    let card = card(&shoot);
    let raid = shoot.folder("raid");
    // A disk whose image is on another that is full, so that what it takes goes nowhere.
    let Some((_under, under)) = disk(&shoot, "UNDER", 140) else {
        return;
    };
    let Some(mut broken) = Disk::new(&under, "BROKEN", 130) else {
        return;
    };
    let at = shoot.folder("disks").join("BROKEN");
    broken.mount(&at);
    let copies = [raid.join("A001"), at.join("A001")];
    let to = [raid.join("{card}"), at.join("{card}")];
    let to: [&Path; 2] = [&to[0], &to[1]];
    let mut working = Working::start(command(&shoot, &[&card], &to));
    working.until("card");
    let mut filler = PathBuf::new();
    working.meanwhile(|| filler = fill_up(&under, 500));
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "BROKEN/A001", "os error");
    are_equal(&card, &copies[0]);
    fs::remove_file(filler).unwrap();
    broken.pull();
    run("e2fsck", &["-fy", broken.image().to_str().unwrap()]);
    broken.mount(&at);
    let again = ingest(&shoot, &[&card], &to);
    // What the disk lost after it was proved is another content now, if anything; nothing is told to be
    // verified that is not.
    if again.code == 0 {
        completes(&shoot, &card, &to, &[&copies[0], &copies[1]]);
    } else {
        assert_eq!(again.code, 3, "{}{}", again.stdout, again.stderr);
        assert_eq!(again.summary()["complete"], 0, "{}", again.stdout);
    }
}

/// Pulls a place half-way; its template is `place` below its mount point, its copy `inside`; the next time, with
/// nothing mounted there, it is refused for `reason`.
fn pulled(place: &str, inside: &str, reason: &str) {
    let shoot = Shoot::new();
    let card = card(&shoot);
    put(&card, "z in the root.bin", b"last of all");
    let raid = shoot.folder("raid");
    let Some((mut disk, at)) = disk(&shoot, "SHUTTLE", 110) else {
        return;
    };
    let copies = [&raid, &at].map(|folder| folder.join(inside).components().collect::<PathBuf>());
    for copy in &copies {
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
    }
    let to = [raid.join(place), at.join(place)];
    let to: [&Path; 2] = [&to[0], &to[1]];
    let mut working = Working::start(command(&shoot, &[&card], &to));
    working.until("file");
    working.meanwhile(|| disk.pull());
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    let left: Vec<PathBuf> = tree(&at).into_keys().collect();
    assert!(left.is_empty(), "in the folder it was mounted at: {left:?}");
    assert!(!at.join("ascmhl").exists());
    is_told(
        &answer,
        &copies[1].to_string_lossy(),
        "removed, or no longer readable",
    );
    are_equal(&card, &copies[0]);
    let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 451, "{ingest}");
    assert!(ingest["places"][1]["verified"].as_u64().unwrap() < 451);
    assert_eq!(ingest["state"], "with problems", "{ingest}");
    let away = super::card::ingest(&shoot, &[&card], &to);
    assert_eq!(away.code, 3, "{}{}", away.stdout, away.stderr);
    is_told(&away, "/A001", reason);
    assert!(tree(&at).is_empty());
    disk.mount(&at);
    nothing_is_wrong(&card, &copies[1], "pulled");
    completes(&shoot, &card, &to, &[&copies[0], &copies[1]]);
}

#[test]
fn a_place_that_is_pulled_is_not_gone_on_with_on_the_system_disk() {
    pulled("{card}", "A001", "SHUTTLE is not mounted");
}

#[test]
fn a_place_that_is_pulled_is_noticed_where_its_own_folder_is_the_destination() {
    pulled("", "", "SHUTTLE is not mounted");
}

#[test]
fn a_place_that_is_pulled_is_noticed_by_a_folder_in_it() {
    pulled("copies/{card}", "copies/A001", "SHUTTLE/copies not found");
}

#[test]
fn a_place_that_cannot_be_written_is_told_and_the_other_completes() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 20, 1000);
    let raid = shoot.folder("raid");
    let Some((disk, at)) = disk(&shoot, "LOCKED", 110) else {
        return;
    };
    disk.set_writable(false);
    let copies = [raid.join("A001"), at.join("A001")];
    let to = [raid.join("{card}"), at.join("{card}")];
    let to: [&Path; 2] = [&to[0], &to[1]];
    let answer = ingest(&shoot, &[&card], &to);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, "LOCKED/A001", "Read-only file system");
    are_equal(&card, &copies[0]);
    assert!(!copies[1].exists());
    disk.set_writable(true);
    completes(&shoot, &card, &to, &[&copies[0], &copies[1]]);
}

#[test]
fn a_folder_may_be_said_from_where_one_is() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 3, 1000);
    let here = shoot.folder("here");
    for (to, copy) in [
        ("raid", "raid"),
        ("{card}", "A001"),
        ("./a/{card}", "a/A001"),
    ] {
        fs::create_dir_all(here.join(copy).parent().unwrap()).unwrap();
        let mut command = command(&shoot, &[&card], &[Path::new(to)]);
        let answer = Answer::from_output(&command.current_dir(&here).output().unwrap());
        assert_eq!(answer.code, 0, "{to}: {}{}", answer.stdout, answer.stderr);
        are_equal(&card, &here.join(copy));
    }
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 3, 1000);
    let raid = shoot.folder("raid");
    let none = shoot.folder("").join("none");
    let to = [raid.join("{card}"), none.join("{card}")];
    let answer = ingest(&shoot, &[&card], &[&to[0], &to[1]]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, "/A001", "/none not found");
    assert!(!none.exists() && tree(&raid).is_empty());
    fs::create_dir(&none).unwrap();
    completes(
        &shoot,
        &card,
        &[&to[0], &to[1]],
        &[&raid.join("A001"), &none.join("A001")],
    );
}

/// The command with an option more.
fn ingest_with(shoot: &Shoot, card: &Path, to: &Path, option: &str) -> Answer {
    let mut command = command(shoot, &[card], &[to]);
    Answer::from_output(&command.arg(option).output().unwrap())
}

#[test]
fn the_folder_of_a_drive_that_is_mounted_elsewhere_is_refused_unless_that_is_allowed() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 3, 1000);
    let Some((mut disk, at)) = disk(&shoot, "SHUTTLE", 110) else {
        assert!(std::env::var_os("BTSINDEX_REQUIRE_JUDGES").is_none());
        return;
    };
    ingest_well(&shoot, &[&card], &[&at.join("{card}")]);
    disk.unmount();
    let other = shoot.folder("disks").join("other");
    disk.mount(&other);
    let to = at.join("{card}");
    let answer = ingest(&shoot, &[&card], &[&to]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, "/A001", "but on the system disk");
    is_told(&answer, "/A001", "use `--allow-system-disk`");
    assert!(tree(&at).is_empty());
    let dry = ingest_with(&shoot, &card, &to, "--dry-run");
    assert_eq!(dry.code, 3, "{}", dry.stdout);
    let allowed = ingest_with(&shoot, &card, &to, "--allow-system-disk");
    assert_eq!(allowed.code, 0, "{}{}", allowed.stdout, allowed.stderr);
    are_equal(&card, &at.join("A001"));
}

#[test]
fn the_kernel_keeps_no_copies_and_memory_is_warned_of() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 3, 1000);
    for folder in ["/proc/self/fd", "/sys/kernel", "/dev"] {
        let answer = ingest(&shoot, &[&card], &[&Path::new(folder).join("{card}")]);
        assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
        is_told(&answer, "/A001", "stores no files");
    }
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let answer = ingest(&shoot, &[&card], &[&memory.path().join("{card}")]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let warned = super::card::told(&answer, "warning");
    let message = warned[0]["message"].as_str().unwrap();
    assert!(message.contains("is in memory"), "{message}");
    are_equal(&card, &memory.path().join("A001"));
}
