//! Cards that fail: pulled, broken, still written to.

use std::collections::HashMap;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use super::card::{
    Working, are_equal, command, fill, ingest, ingest_well, is_told, noise, nothing_is_left_over,
    nothing_is_wrong, put, told,
};
use super::judges::reference_agrees;
use crate::shoot::disk::{Disk, run};
use crate::shoot::{Answer, Shoot};

/// A card on a disk of its own, mounted, and the same card elsewhere to compare with.
fn on_a_disk(shoot: &Shoot, megabytes: u64, files: u64, bytes: usize) -> Option<(Disk, PathBuf)> {
    let folder = shoot.folder("disks");
    let mut disk = Disk::new(&folder, "CARD", megabytes)?;
    let like = shoot.folder("like the card");
    fill(&like, files, bytes);
    disk.mount(&folder.join("CARD"));
    let from = format!("{}/.", like.display());
    assert!(run(
        "cp",
        &["-a", &from, folder.join("CARD").to_str().unwrap()]
    ));
    // What is in memory is forgotten.
    disk.unmount();
    Some((disk, like))
}

#[test]
fn a_card_that_is_pulled_is_gone_on_with() {
    let shoot = Shoot::new();
    let Some((mut disk, like)) = on_a_disk(&shoot, 40, 1350, 4096) else {
        return;
    };
    let card = shoot.folder("disks").join("CARD");
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    disk.mount(&card);
    let mut working = Working::start(command(&shoot, &[&card], &[&raid, &backup]));
    working.until("file");
    working.meanwhile(|| disk.pull());
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "/disks/CARD", "removed, or no longer readable");
    for copy in [&raid, &backup] {
        nothing_is_wrong(&like, copy, "pulled");
        nothing_is_left_over(copy);
    }
    assert_eq!(answer.summary()["complete"], 0);
    let gone = ingest(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(gone.code, 3, "{}", gone.stdout);
    is_told(&gone, "/disks/CARD", "is the card mounted there?");
    disk.mount(&card);
    let summary = ingest_well(&shoot, &[&card], &[&raid, &backup]);
    assert!(summary["copied"].as_u64().unwrap() > 0);
    for copy in [&raid, &backup] {
        are_equal(&like, copy);
        reference_agrees(copy);
    }
}

/// Where the last of a file's parts lies in an image, in whichever order they were written.
fn last_part(file: &Path, image: &[u8]) -> u64 {
    let places: HashMap<&[u8], u64> = image.chunks(1024).zip((0..).step_by(1024)).collect();
    let content = fs::read(file).unwrap();
    content.chunks(1024).map(|part| places[part]).max().unwrap()
}

#[test]
fn a_card_that_cannot_be_read_half_way_loses_only_what_cannot_be_read() {
    let shoot = Shoot::new();
    let Some((mut disk, like)) = on_a_disk(&shoot, 24, 8, 1024 * 1024) else {
        return;
    };
    let card = shoot.folder("disks").join("CARD");
    let (raid, backup) = (shoot.folder("raid"), shoot.folder("backup"));
    let whole = fs::read(disk.image()).unwrap();
    let mut files: Vec<(u64, String)> = (0..8)
        .map(|number| format!("Clips/00/D{number:05}.bin"))
        .map(|name| (last_part(&like.join(&name), &whole), name))
        .collect();
    files.sort();
    let (bad, cut) = (&files[5].1, files[5].0 - 512 * 1024);
    let good = files.iter().filter(|(last_part, _)| *last_part < cut);
    assert!(good.clone().next().is_some(), "{files:?}");
    disk.mount(&card);
    // Folders are read while they can be; and nothing is written, or the image would grow again
    // and hold zeros where there is to be nothing.
    assert!(run("ls", &["-lR", card.to_str().unwrap()]));
    disk.set_writable(false);
    let image = fs::File::options().write(true).open(disk.image()).unwrap();
    image.set_len(cut).unwrap();
    let answer = ingest(&shoot, &[&card], &[&raid, &backup]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, bad, "Input/output error");
    let ingests = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingests["state"], "with problems", "{ingests}");
    assert!(ingests["unread"].as_u64().unwrap() >= 1, "{ingests}");
    for copy in [&raid, &backup] {
        nothing_is_wrong(&like, copy, "unreadable");
        nothing_is_left_over(copy);
        assert!(!copy.join(bad).exists());
        let mut good = good.clone();
        assert!(
            good.all(|(_, name)| copy.join(name).exists()),
            "{files:?} {}",
            answer.stdout
        );
        reference_agrees(copy);
    }
    disk.unmount();
    let mut image = fs::File::options().write(true).open(disk.image()).unwrap();
    image.write_all(&whole).unwrap();
    disk.mount(&card);
    ingest_well(&shoot, &[&card], &[&raid, &backup]);
    for copy in [&raid, &backup] {
        are_equal(&like, copy);
        reference_agrees(copy);
    }
}

#[test]
fn a_file_that_is_still_written_to_is_left_for_the_next_time() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    put(&card, "done.bin", &noise(1, 100_000));
    let growing = put(&card, "growing.bin", &noise(2, 8 * 1024 * 1024));
    let raid = shoot.folder("raid");
    let is_over = AtomicBool::new(false);
    let answer = thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs::File::options().append(true).open(&growing).unwrap();
            while !is_over.load(Ordering::SeqCst) {
                file.write_all(b"more").unwrap();
                thread::yield_now();
            }
        });
        let answer = ingest(&shoot, &[&card], &[&raid]);
        is_over.store(true, Ordering::SeqCst);
        answer
    });
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, "A001/growing.bin", "still recording");
    assert!(!raid.join("growing.bin").exists());
    assert!(raid.join("done.bin").exists());
    nothing_is_left_over(&raid);
    let summary = ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["copied"], 1, "{summary}");
    are_equal(&card, &raid);
    reference_agrees(&raid);
}

#[test]
fn a_file_that_changes_after_it_was_listed_is_not_copied_as_it_was() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 1350, 1024);
    let last = card.join("Clips/04/D00449.bin");
    let raid = shoot.folder("raid");
    let mut working = Working::start(command(&shoot, &[&card], &[&raid]));
    working.until("file");
    working.meanwhile(|| {
        let mut file = fs::File::options().write(true).open(&last).unwrap();
        file.seek(SeekFrom::Start(10)).unwrap();
        file.write_all(b"other").unwrap();
    });
    let answer = working.end();
    // It may change before it is read or after that; in both cases before the card is sealed.
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "D00449.bin", "still recording");
    let copy = raid.join("Clips/04/D00449.bin");
    let again = ingest(&shoot, &[&card], &[&raid]);
    if answer
        .stdout
        .contains("the camera wrote to it after it was copied")
    {
        assert_eq!(again.code, 3, "{}", again.stdout);
        is_told(&again, "D00449.bin", "a different file of that name");
        assert_ne!(fs::read(copy).unwrap(), fs::read(&last).unwrap());
    } else {
        assert_eq!(again.code, 0, "{}", again.stdout);
        assert_eq!(fs::read(copy).unwrap(), fs::read(&last).unwrap());
    }
}

/// Listens until a file is copied. What is not read yet of all that is told keeps the card from being sealed.
fn until_copied(working: &mut Working, name: &str) {
    let is_it = |event: &Value| {
        event["path"]
            .as_str()
            .is_some_and(|path| path.ends_with(name))
    };
    while !is_it(&working.until("file")) {}
}

/// Changes a byte of a file outside what is sampled, and gives the file a time.
fn alter_unseen(path: &Path, time: std::time::SystemTime) {
    let mut bytes = fs::read(path).unwrap();
    bytes[500_000] ^= 1;
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.write_all(&bytes).unwrap();
    file.set_modified(time).unwrap();
}

fn modified(path: &Path) -> std::time::SystemTime {
    path.metadata().unwrap().modified().unwrap()
}

#[test]
fn a_file_that_changed_after_it_was_copied_is_read_again_although_its_time_is_the_same() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 1350, 1024);
    let raid = shoot.folder("raid");
    let first = put(&card, "A.bin", &noise(3000, 4_000_000));
    let mut working = Working::start(command(&shoot, &[&card], &[&raid]));
    until_copied(&mut working, "A.bin");
    working.meanwhile(|| alter_unseen(&first, modified(&first)));
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(
        &answer,
        "A.bin",
        "the camera wrote to it after it was copied",
    );
    let verified = || {
        let ingest = &shoot.run(&["ingests", "1", "--json"]).json()[0];
        ingest["places"][0]["verified"].clone()
    };
    for _ in 0..2 {
        let again = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(again.code, 3, "{}", again.stdout);
        is_told(&again, "A.bin", "a different file of that name");
        assert_eq!(verified(), 1350);
    }
    fs::remove_file(raid.join("A.bin")).unwrap();
    ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(verified(), 1351);
    are_equal(&card, &raid);
}

/// Takes in a card that changes after a file of it was copied, before it is sealed.
fn changing(change: impl FnOnce(&Path)) -> (Shoot, PathBuf, PathBuf, Answer) {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    fill(&card, 1350, 1024);
    let raid = shoot.folder("raid");
    let first = put(&card, "A.bin", &noise(3000, 2000));
    let mut working = Working::start(command(&shoot, &[&card], &[&raid]));
    until_copied(&mut working, "A.bin");
    working.meanwhile(|| change(&first));
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_eq!(answer.summary()["complete"], 0, "{}", answer.stdout);
    (shoot, card, raid, answer)
}

#[test]
fn a_file_that_appears_after_the_card_was_listed_is_told_and_copied_the_next_time() {
    let (shoot, card, raid, answer) = changing(|first| {
        fs::copy(first, first.with_file_name("NEW.bin")).unwrap();
    });
    is_told(&answer, "NEW.bin", "added to the card after it was listed");
    assert!(!raid.join("NEW.bin").exists());
    let ingest = &shoot.run(&["ingests", "1", "--json"]).json()[0];
    assert_eq!(ingest["state"], "with problems", "{ingest}");
    assert_eq!(ingest_well(&shoot, &[&card], &[&raid])["copied"], 1);
    are_equal(&card, &raid);
}

#[test]
fn a_file_that_vanishes_after_it_was_copied_is_told_and_its_copy_stays() {
    let (_shoot, _, raid, answer) = changing(|first| fs::remove_file(first).unwrap());
    is_told(&answer, "A.bin", "removed from the card after");
    assert_eq!(fs::read(raid.join("A.bin")).unwrap(), noise(3000, 2000));
}

#[test]
fn a_file_that_is_renamed_after_it_was_copied_is_told_by_both_names() {
    let (_, _, _, answer) = changing(|first| {
        fs::rename(first, first.with_file_name("B.bin")).unwrap();
    });
    is_told(&answer, "A.bin", "removed from the card after");
    is_told(&answer, "B.bin", "added to the card after it was listed");
}

#[test]
fn a_copy_that_does_not_look_as_it_was_proved_is_read_again() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    for number in 0..4 {
        put(&card, format!("{number}.bin"), &noise(number, 4_000_000));
    }
    let raid = shoot.folder("raid");
    ingest_well(&shoot, &[&card], &[&raid]);
    let copies = [0, 1, 2].map(|number| raid.join(format!("{number}.bin")));
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_500_000_000);
    alter_unseen(&copies[0], old);
    alter_unseen(&copies[1], modified(&copies[1]));
    // Of this one, only the time is another.
    let file = fs::File::options().write(true).open(&copies[2]).unwrap();
    file.set_modified(old).unwrap();
    for _ in 0..2 {
        let answer = ingest(&shoot, &[&card], &[&raid]);
        assert_eq!(answer.code, 3, "{}", answer.stdout);
        is_told(&answer, "0.bin", "a different file of that name");
        is_told(&answer, "1.bin", "a different file of that name");
        assert_eq!(answer.summary()["problems"].as_array().unwrap().len(), 2);
    }
    for copy in &copies[..2] {
        fs::remove_file(copy).unwrap();
    }
    assert_eq!(ingest_well(&shoot, &[&card], &[&raid])["copied"], 2);
    assert_eq!(ingest_well(&shoot, &[&card], &[&raid])["known"], 1);
}

/// The program as somebody who may not read everything.
fn as_nobody(shoot: &Shoot, cards: &[&Path], to: &[&Path]) -> Option<std::process::Command> {
    let whole = shoot.folder("");
    let is_given = run("chown", &["-R", "65534:65534", whole.to_str().unwrap()]);
    let usual = command(shoot, cards, to);
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(usual.get_program()).args(usual.get_args());
    command.env("BTSINDEX_CATALOGUE", shoot.catalogue());
    command.env("HOME", &whole).current_dir(&whole);
    let is_able = run(
        "setpriv",
        &[
            "--reuid=65534",
            "--clear-groups",
            usual.get_program().to_str().unwrap(),
            "--version",
        ],
    );
    if !(is_given && is_able) {
        eprintln!("skipped: nobody else can run the program here");
        return None;
    }
    Some(command)
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_copied() {
    use std::os::unix::fs::PermissionsExt;
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let raid = shoot.folder("raid");
    put(&card, "open.bin", b"open");
    let locked = put(&card, "locked.bin", b"locked");
    put(&card, "closed/inside.bin", b"inside");
    let closed = card.join("closed");
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let Some(mut command) = as_nobody(&shoot, &[&card], &[&raid]) else {
        return;
    };
    set(&locked, 0);
    set(&closed, 0);
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, "A001/locked.bin", "Permission denied");
    is_told(&answer, "A001/closed", "Permission denied");
    assert!(raid.join("open.bin").is_file());
    assert!(!raid.join("locked.bin").exists());
    nothing_is_left_over(&raid);
    set(&locked, 0o644);
    set(&closed, 0o755);
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    are_equal(&card, &raid);
    assert_eq!(told(&answer, "problem").len(), 0);
}

#[test]
fn a_card_that_is_empty_or_not_there_fails_alone() {
    let shoot = Shoot::new();
    let raid = shoot.folder("raid");
    let (empty, good, none) = (
        shoot.folder("B001"),
        shoot.folder("A001"),
        shoot.folder("").join("C001"),
    );
    put(&good, "a.bin", b"bytes");
    let to = raid.join("{card}");
    let answer = ingest(&shoot, &[&empty, &good, &none], &[&to]);
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, "/B001", "no files");
    is_told(&answer, "/C001", "No such file or directory");
    let summary = answer.summary();
    assert_eq!(
        (&summary["cards"], &summary["complete"]),
        (&3.into(), &1.into())
    );
    are_equal(&good, &raid.join("A001"));
    assert!(!raid.join("B001").exists() && !raid.join("C001").exists());
}
