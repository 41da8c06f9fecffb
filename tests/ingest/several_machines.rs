//! Machines that copy to one share at the same time, each with a separate catalogue.
//!
//! The share is a folder mounted twice through FUSE, so that one mount does not see the locks of
//! the other. The second machine is a process with another host name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::card::{
    RunningCommand, assert_nothing_unfinished, assert_same_files, ingest_command, ingest_ok,
    problems, random_bytes, verify, write_card, write_file,
};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::disk::run;
use crate::shoot::{Answer, Shoot};
use crate::skipped_tests::{Skipped, find_installed, or_skip, skip_or_fail};

/// Share that two machines have mounted.
struct Share {
    shoot: Shoot,
    mounts: [PathBuf; 2],
}

impl Share {
    /// Mounts the share; fails if nothing can be mounted.
    fn new() -> Result<Self, Skipped> {
        find_installed("bindfs")?;
        let shoot = Shoot::new();
        let mounts = ["one", "two"].map(|name| shoot.folder(name));
        let share = Self { shoot, mounts };
        let server = share.server();
        for mount in &share.mounts {
            let paths = [server.to_str().unwrap(), mount.to_str().unwrap()];
            if !run("bindfs", &paths) {
                return Err(skip_or_fail("cannot mount through FUSE"));
            }
        }
        Ok(share)
    }

    /// Folder on the server.
    fn server(&self) -> PathBuf {
        self.shoot.folder("server")
    }

    /// Mount point on a machine.
    fn at(&self, host: usize) -> &Path {
        &self.mounts[host]
    }

    fn chain(&self) -> String {
        fs::read_to_string(self.server().join("ascmhl/ascmhl_chain.xml")).unwrap()
    }

    /// Checks that the share has all files of the cards, a chain of `generations` generations, and
    /// no other files.
    #[track_caller]
    fn assert_has(&self, cards: &[&Path], generations: usize) {
        let server = self.server();
        assert_nothing_unfinished(&server);
        for card in cards {
            for entry in fs::read_dir(card).unwrap() {
                let name = entry.unwrap().file_name();
                let copied = fs::read(server.join(&name)).unwrap();
                assert!(
                    copied == fs::read(card.join(&name)).unwrap(),
                    "{}",
                    name.display()
                );
            }
        }
        assert_eq!(self.chain().matches("<hashlist ").count(), generations);
        let (code, found) = verify(&Shoot::new(), &server);
        assert_eq!(code, 0, "{found}");
        assert_eq!(found["new"], serde_json::json!([]), "{found}");
        assert_reference_verifies(&server);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        for mount in &self.mounts {
            run("umount", &["-l", mount.to_str().unwrap()]);
        }
    }
}

/// Creates a card whose file names start with its name.
fn card(shoot: &Shoot, name: &str, files: u64, bytes: usize) -> PathBuf {
    let card = shoot.folder(name);
    for number in 0..files {
        write_file(
            &card,
            format!("{name}{number:03}.bin"),
            &random_bytes(number + 1, bytes),
        );
    }
    card
}

/// Returns the same command for another machine.
fn on_another_machine(own: &Command, host: &Shoot) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--uts", "sh", "-c", "hostname another && exec \"$@\"", "sh"]);
    command.arg(own.get_program()).args(own.get_args());
    command.env("BTSINDEX_CATALOGUE", host.catalogue());
    command
}

/// Starts an ingest and stops it while an unfinished file is at its destination.
fn stop_half_way(share: &Share, host: &Shoot, card: &Path) -> RunningCommand {
    let mut running = RunningCommand::start(ingest_command(host, &[card], &[share.at(0)]));
    running.wait_for("file");
    running.signal("-STOP");
    let entries = fs::read_dir(share.server()).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_unfinished = names.any(|name| name.starts_with(".btsindex-"));
    assert!(is_unfinished, "the ingest ended before it was stopped");
    running
}

#[test]
fn a_machine_does_not_remove_the_unfinished_files_of_another() {
    let share = or_skip!(Share::new());
    let (ours, theirs) = (Shoot::new(), Shoot::new());
    let (one, two) = (card(&ours, "A", 700, 4096), card(&theirs, "B", 5, 4096));
    let running = stop_half_way(&share, &ours, &one);
    let own = ingest_command(&theirs, &[&two], &[share.at(1)]);
    let answer = RunningCommand::start(on_another_machine(&own, &theirs)).finish();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    running.signal("-CONT");
    let answer = running.finish();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    share.assert_has(&[&one, &two], 2);
}

#[test]
fn a_killed_machine_resumes_after_another_and_removes_its_unfinished_files() {
    let share = or_skip!(Share::new());
    let (ours, theirs) = (Shoot::new(), Shoot::new());
    let (one, two) = (card(&ours, "A", 700, 4096), card(&theirs, "B", 5, 4096));
    let running = stop_half_way(&share, &ours, &one);
    running.signal("-KILL");
    drop(running);
    let own = ingest_command(&theirs, &[&two], &[share.at(1)]);
    let answer = RunningCommand::start(on_another_machine(&own, &theirs)).finish();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    let entries = fs::read_dir(share.server()).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        names.any(|name| name.starts_with(".btsindex-")),
        "the killed ingest might still be running"
    );
    ingest_ok(&ours, &[&one], &[share.at(0)]);
    share.assert_has(&[&one, &two], 2);
}

#[test]
fn machines_that_seal_at_the_same_time_lose_no_generation() {
    let share = or_skip!(Share::new());
    let (ours, theirs) = (Shoot::new(), Shoot::new());
    let mut cards = Vec::new();
    for round in 0..3 {
        let one = card(&ours, &format!("A{round}"), 2, 100);
        let two = card(&theirs, &format!("B{round}"), 2, 100);
        let own = ingest_command(&theirs, &[&two], &[share.at(1)]);
        let both = [
            RunningCommand::start(ingest_command(&ours, &[&one], &[share.at(0)])),
            RunningCommand::start(on_another_machine(&own, &theirs)),
        ];
        for answer in both.map(RunningCommand::finish) {
            assert_eq!(answer.code, 0, "{}", answer.stdout);
        }
        cards.extend([one, two]);
    }
    let cards: Vec<&Path> = cards.iter().map(PathBuf::as_path).collect();
    share.assert_has(&cards, 6);
}

#[test]
fn of_two_files_with_one_name_the_first_is_kept_and_the_other_reported() {
    let share = or_skip!(Share::new());
    let (ours, theirs) = (Shoot::new(), Shoot::new());
    let (one, two) = (ours.folder("A001"), theirs.folder("A001"));
    for number in 0..40_u64 {
        let name = format!("C{number:04}.bin");
        write_file(&one, &name, &random_bytes(number, 5000));
        write_file(&two, &name, &random_bytes(number + 100, 5000));
    }
    let own = ingest_command(&theirs, &[&two], &[share.at(1)]);
    let both = [
        RunningCommand::start(ingest_command(&ours, &[&one], &[share.at(0)])),
        RunningCommand::start(on_another_machine(&own, &theirs)),
    ];
    let answers = both.map(RunningCommand::finish);
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
        let copied = fs::read(share.server().join(&name)).unwrap();
        let is_from = |card: &Path| fs::read(card.join(&name)).unwrap() == copied;
        assert!(is_from(&one) || is_from(&two), "{name}");
    }
    assert_nothing_unfinished(&share.server());
    assert_reference_verifies(&share.server());
}

#[test]
fn an_ingest_waits_while_the_chain_is_locked() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 3, 100);
    let theirs = b"ffffffff-00000001-1-1 of another machine\n0\n";
    let lock = write_file(&raid, "ascmhl/.btsindex-000shared000.part", theirs);
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &[&raid]));
    running.wait_for("warning");
    assert!(!raid.join("ascmhl/ascmhl_chain.xml").exists());
    fs::remove_file(&lock).unwrap();
    running.wait_for("sealed");
    let answer = running.finish();
    assert_eq!(answer.code, 0, "{}", answer.stdout);
    assert_same_files(&card, &raid);
    assert!(!lock.exists());
    assert_reference_verifies(&raid);
}

/// Interrupts an ingest that waits for the lock of one destination; checks that it resumes.
#[track_caller]
fn interrupt_at_a_lock(destinations: &[&str], locked: &str) {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    let destinations: Vec<PathBuf> = destinations.iter().map(|name| shoot.folder(name)).collect();
    let destinations: Vec<&Path> = destinations.iter().map(PathBuf::as_path).collect();
    write_card(&card, 3, 100);
    let theirs = b"ffffffff-00000001-1-1 of another machine\n0\n";
    let inside = "ascmhl/.btsindex-000shared000.part";
    let lock = write_file(&shoot.folder(locked), inside, theirs);
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &destinations));
    running.wait_for("warning");
    running.signal("-INT");
    let answer = running.finish();
    assert_eq!(answer.code, 130, "{}", answer.stdout);
    let summary = answer.summary();
    assert_eq!(summary["interrupted"], true, "{summary}");
    assert_eq!(summary["complete"], 0, "{summary}");
    let ingest = &shoot.run(&["ingests", "1", "--json"]).json()[0];
    assert_eq!(ingest["ended"], serde_json::Value::Null, "{ingest}");
    fs::remove_file(&lock).unwrap();
    ingest_ok(&shoot, &[&card], &destinations);
    for destination in destinations {
        assert_same_files(&card, destination);
        assert_reference_verifies(destination);
    }
}

#[test]
fn an_ingest_interrupted_while_it_waits_for_a_chain_is_not_marked_as_ended() {
    interrupt_at_a_lock(&["raid"], "raid");
}

#[test]
fn an_ingest_interrupted_at_its_first_or_last_chain_is_not_marked_as_ended() {
    interrupt_at_a_lock(&["raid", "backup"], "raid");
    interrupt_at_a_lock(&["raid", "backup"], "backup");
}

#[test]
fn a_manifest_missing_from_the_chain_is_reported_and_added_by_the_next_ingest() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 2, 100);
    ingest_ok(&shoot, &[&card], &[&raid]);
    let chain = raid.join("ascmhl/ascmhl_chain.xml");
    let outdated = fs::read(&chain).unwrap();
    write_file(&raid, "of another machine", b"new");
    let record = || {
        let mut command = shoot.command();
        command.args(["verify", "--record", "--json"]).arg(&raid);
        Answer::from_output(&command.output().unwrap())
    };
    assert_eq!(record().code, 0);
    // A machine that was suspended writes its outdated chain when it continues.
    fs::write(&chain, outdated).unwrap();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(code, 3, "{found}");
    let reason = found["problems"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("not in the chain"), "{reason}");
    assert_eq!(found["new"][0], "of another machine");
    // The next ingest adds it to the chain and writes another generation.
    write_file(&card, "LATER.BIN", b"later");
    ingest_ok(&shoot, &[&card], &[&raid]);
    let (code, found) = verify(&shoot, &raid);
    assert_eq!((code, &found["verified"]), (0, &4.into()), "{found}");
    assert_reference_verifies(&raid);
}
