//! Machines that copy to one share at the same time, each with a catalogue of its own.
//!
//! A share is a folder mounted twice through FUSE, where locks of one mount do not show in the other. A second machine is
//! a process that runs under another host name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::card::{
    Working, are_equal, command, fill, ingest_well, noise, nothing_is_left_over, problems, put,
    verify,
};
use super::judges::{is_here, reference_agrees};
use crate::shoot::disk::run;
use crate::shoot::{Answer, Shoot};

/// A share that two machines have mounted.
struct Share {
    shoot: Shoot,
    mounts: [PathBuf; 2],
}

impl Share {
    /// Mounts it; `None` where that cannot be, which CI does not accept.
    fn new() -> Option<Self> {
        if !is_here("bindfs") {
            return None;
        }
        let shoot = Shoot::new();
        let mounts = ["one", "two"].map(|name| shoot.folder(name));
        let share = Self { shoot, mounts };
        let back = share.back();
        for mount in &share.mounts {
            let paths = [back.to_str().unwrap(), mount.to_str().unwrap()];
            if !run("bindfs", &paths) {
                assert!(std::env::var_os("BTSINDEX_REQUIRE_JUDGES").is_none());
                eprintln!("skipped: nothing can be mounted through FUSE here");
                return None;
            }
        }
        Some(share)
    }

    /// The folder on the server.
    fn back(&self) -> PathBuf {
        self.shoot.folder("server")
    }

    /// Where a machine has it.
    fn at(&self, host: usize) -> &Path {
        &self.mounts[host]
    }

    fn chain(&self) -> String {
        fs::read_to_string(self.back().join("ascmhl/ascmhl_chain.xml")).unwrap()
    }

    /// All of some cards is there, in so many generations, and nothing else.
    #[track_caller]
    fn holds(&self, cards: &[&Path], generations: usize) {
        let back = self.back();
        nothing_is_left_over(&back);
        for card in cards {
            for entry in fs::read_dir(card).unwrap() {
                let name = entry.unwrap().file_name();
                let copied = fs::read(back.join(&name)).unwrap();
                assert!(
                    copied == fs::read(card.join(&name)).unwrap(),
                    "{}",
                    name.display()
                );
            }
        }
        assert_eq!(self.chain().matches("<hashlist ").count(), generations);
        let (code, found) = verify(&Shoot::new(), &back);
        assert_eq!(code, 0, "{found}");
        assert_eq!(found["new"], serde_json::json!([]), "{found}");
        reference_agrees(&back);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        for mount in &self.mounts {
            run("umount", &["-l", mount.to_str().unwrap()]);
        }
    }
}

/// A card of some files with names of their own.
fn card(shoot: &Shoot, name: &str, files: u64, bytes: usize) -> PathBuf {
    let card = shoot.folder(name);
    for number in 0..files {
        put(
            &card,
            format!("{name}{number:03}.bin"),
            &noise(number + 1, bytes),
        );
    }
    card
}

/// The same command on another machine.
fn elsewhere(usual: &Command, host: &Shoot) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--uts", "sh", "-c", "hostname another && exec \"$@\"", "sh"]);
    command.arg(usual.get_program()).args(usual.get_args());
    command.env("BTSINDEX_CATALOGUE", host.catalogue());
    command
}

/// An ingest that stands still with an unfinished file at its destination.
fn half_way(share: &Share, host: &Shoot, card: &Path) -> Working {
    let mut working = Working::start(command(host, &[card], &[share.at(0)]));
    working.until("file");
    working.signal("-STOP");
    let back = fs::read_dir(share.back()).unwrap();
    let mut names = back.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_met = names.any(|name| name.starts_with(".btsindex-"));
    assert!(is_met, "it was done before it was met");
    working
}

#[test]
fn a_machine_leaves_the_unfinished_files_of_another_alone() {
    let Some(share) = Share::new() else { return };
    let (ours, theirs) = (Shoot::new(), Shoot::new());
    let (one, two) = (card(&ours, "A", 700, 4096), card(&theirs, "B", 5, 4096));
    let working = half_way(&share, &ours, &one);
    let usual = command(&theirs, &[&two], &[share.at(1)]);
    let answer = Working::start(elsewhere(&usual, &theirs)).end();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    working.signal("-CONT");
    let answer = working.end();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    share.holds(&[&one, &two], 2);
}

#[test]
fn a_machine_that_is_killed_goes_on_after_another_and_removes_what_it_left() {
    let Some(share) = Share::new() else { return };
    let (ours, theirs) = (Shoot::new(), Shoot::new());
    let (one, two) = (card(&ours, "A", 700, 4096), card(&theirs, "B", 5, 4096));
    let working = half_way(&share, &ours, &one);
    working.signal("-KILL");
    drop(working);
    let usual = command(&theirs, &[&two], &[share.at(1)]);
    let answer = Working::start(elsewhere(&usual, &theirs)).end();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    let left = fs::read_dir(share.back()).unwrap();
    let mut left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        left.any(|name| name.starts_with(".btsindex-")),
        "it may live"
    );
    ingest_well(&ours, &[&one], &[share.at(0)]);
    share.holds(&[&one, &two], 2);
}

#[test]
fn machines_that_seal_at_the_same_moment_lose_no_generation() {
    let Some(share) = Share::new() else { return };
    let (ours, theirs) = (Shoot::new(), Shoot::new());
    let mut cards = Vec::new();
    for round in 0..3 {
        let one = card(&ours, &format!("A{round}"), 2, 100);
        let two = card(&theirs, &format!("B{round}"), 2, 100);
        let usual = command(&theirs, &[&two], &[share.at(1)]);
        let both = [
            Working::start(command(&ours, &[&one], &[share.at(0)])),
            Working::start(elsewhere(&usual, &theirs)),
        ];
        for answer in both.map(Working::end) {
            assert_eq!(answer.code, 0, "{}", answer.stdout);
        }
        cards.extend([one, two]);
    }
    let cards: Vec<&Path> = cards.iter().map(PathBuf::as_path).collect();
    share.holds(&cards, 6);
}

#[test]
fn of_two_contents_with_one_name_the_first_stays_and_the_other_is_told() {
    let Some(share) = Share::new() else { return };
    let (ours, theirs) = (Shoot::new(), Shoot::new());
    let (one, two) = (ours.folder("A001"), theirs.folder("A001"));
    for number in 0..40_u64 {
        let name = format!("C{number:04}.bin");
        put(&one, &name, &noise(number, 5000));
        put(&two, &name, &noise(number + 100, 5000));
    }
    let usual = command(&theirs, &[&two], &[share.at(1)]);
    let both = [
        Working::start(command(&ours, &[&one], &[share.at(0)])),
        Working::start(elsewhere(&usual, &theirs)),
    ];
    let answers = both.map(Working::end);
    let refused: Vec<String> = answers
        .iter()
        .flat_map(|answer| problems(&answer.summary()))
        .collect();
    assert_eq!(refused.len(), 40, "{refused:#?}");
    assert!(
        refused
            .iter()
            .all(|problem| problem.contains("a different file of that name exists"))
    );
    for number in 0..40_u64 {
        let name = format!("C{number:04}.bin");
        let copied = fs::read(share.back().join(&name)).unwrap();
        let has = |card: &Path| fs::read(card.join(&name)).unwrap() == copied;
        assert!(has(&one) || has(&two), "{name}");
    }
    nothing_is_left_over(&share.back());
    reference_agrees(&share.back());
}

#[test]
fn whoever_finds_a_chain_locked_waits_until_it_is_not() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    fill(&card, 3, 100);
    let theirs = b"ffffffff-00000001-1-1 of another machine\n0\n";
    let lock = put(&raid, "ascmhl/.btsindex-000shared000.part", theirs);
    let mut working = Working::start(command(&shoot, &[&card], &[&raid]));
    working.until("warning");
    assert!(!raid.join("ascmhl/ascmhl_chain.xml").exists());
    fs::remove_file(&lock).unwrap();
    working.until("sealed");
    let answer = working.end();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    are_equal(&card, &raid);
    assert!(!lock.exists());
    reference_agrees(&raid);
}

/// Interrupts an ingest that waits for the manifest of one of its places.
#[track_caller]
fn interrupted_at_a_lock(places: &[&str], locked: &str) {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let places: Vec<PathBuf> = places.iter().map(|name| shoot.folder(name)).collect();
    let places: Vec<&Path> = places.iter().map(PathBuf::as_path).collect();
    fill(&card, 3, 100);
    let theirs = b"ffffffff-00000001-1-1 of another machine\n0\n";
    let inside = "ascmhl/.btsindex-000shared000.part";
    let lock = put(&shoot.folder(locked), inside, theirs);
    let mut working = Working::start(command(&shoot, &[&card], &places));
    working.until("warning");
    working.signal("-INT");
    let answer = working.end();
    assert_eq!(answer.code, 130, "{}", answer.stdout);
    let summary = answer.summary();
    assert_eq!(summary["interrupted"], true, "{summary}");
    assert_eq!(summary["complete"], 0, "{summary}");
    let ingest = &shoot.run(&["ingests", "1", "--json"]).json()[0];
    assert_eq!(ingest["ended"], serde_json::Value::Null, "{ingest}");
    fs::remove_file(&lock).unwrap();
    ingest_well(&shoot, &[&card], &places);
    for place in places {
        are_equal(&card, place);
        reference_agrees(place);
    }
}

#[test]
fn an_ingest_that_is_interrupted_while_it_waits_for_a_chain_has_not_ended() {
    interrupted_at_a_lock(&["raid"], "raid");
}

#[test]
fn an_ingest_that_is_interrupted_at_its_first_or_last_chain_has_not_ended() {
    interrupted_at_a_lock(&["raid", "backup"], "raid");
    interrupted_at_a_lock(&["raid", "backup"], "backup");
}

#[test]
fn a_manifest_that_the_chain_lost_is_told_and_taken_in_by_the_next_writer() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    fill(&card, 2, 100);
    ingest_well(&shoot, &[&card], &[&raid]);
    let chain = raid.join("ascmhl/ascmhl_chain.xml");
    let late = fs::read(&chain).unwrap();
    put(&raid, "of another machine", b"new");
    let record = || {
        let mut command = shoot.command();
        command.args(["verify", "--record", "--json"]).arg(&raid);
        Answer::from_output(&command.output().unwrap())
    };
    assert_eq!(record().code, 0);
    // A machine that was stopped puts its own chain there when it wakes.
    fs::write(&chain, late).unwrap();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(code, 3, "{found}");
    let told = found["problems"][0]["reason"].as_str().unwrap();
    assert!(told.contains("the chain does not name"), "{told}");
    assert_eq!(found["new"][0], "of another machine");
    // The next ingest takes it in, and writes a generation of its own.
    put(&card, "LATER.BIN", b"later");
    ingest_well(&shoot, &[&card], &[&raid]);
    let (code, found) = verify(&shoot, &raid);
    assert_eq!((code, &found["verified"]), (0, &4.into()), "{found}");
    reference_agrees(&raid);
}
