//! Cards that fail: pulled, broken, still written to.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
    is_told(&answer, "/disks/CARD", "it was taken away");
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
    is_told(
        &answer,
        "A001/growing.bin",
        "is the camera still recording?",
    );
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
    if answer.code == 3 {
        is_told(&answer, "D00449.bin", "is the camera still recording?");
        ingest_well(&shoot, &[&card], &[&raid]);
    } else {
        // It was read before; the next time it is another.
        assert_eq!(answer.code, 0, "{}", answer.stdout);
    }
    let again = ingest(&shoot, &[&card], &[&raid]);
    let mut copied = Vec::new();
    let mut file = fs::File::open(raid.join("Clips/04/D00449.bin")).unwrap();
    file.read_to_end(&mut copied).unwrap();
    let is_same = copied == fs::read(&last).unwrap();
    assert_eq!(again.code, if is_same { 0 } else { 3 }, "{}", again.stdout);
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
    let answer = Answer::of(&command.output().unwrap());
    assert_eq!(answer.code, 3, "{}{}", answer.stdout, answer.stderr);
    is_told(&answer, "A001/locked.bin", "Permission denied");
    is_told(&answer, "A001/closed", "Permission denied");
    assert!(raid.join("open.bin").is_file());
    assert!(!raid.join("locked.bin").exists());
    nothing_is_left_over(&raid);
    set(&locked, 0o644);
    set(&closed, 0o755);
    let answer = Answer::of(&command.output().unwrap());
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
    is_told(&answer, "/B001", "there is no file on it");
    is_told(&answer, "/C001", "No such file or directory");
    let summary = answer.summary();
    assert_eq!(
        (&summary["cards"], &summary["complete"]),
        (&3.into(), &1.into())
    );
    are_equal(&good, &raid.join("A001"));
    assert!(!raid.join("B001").exists() && !raid.join("C001").exists());
}
