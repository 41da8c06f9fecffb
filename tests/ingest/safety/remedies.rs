//! Commands that `safe` suggests for a card that is not safe, run as printed: in another folder and
//! without environment variables.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::CLIP;
use super::setup::Offload;
use crate::ingest::card::{ingest_ok, verify, write_card, write_file};
use crate::shoot::{Answer, Shoot, copy, fixtures};
use crate::skipped_tests::or_skip;

impl Offload {
    /// Suggested remedies in the JSON output.
    fn remedies(&self, arguments: &[&str]) -> Vec<Value> {
        let (is_safe, events) = self.safe(arguments);
        assert!(!is_safe, "{events:#?}");
        let remedies = events.last().unwrap()["mend"].as_array().unwrap();
        assert!(!remedies.is_empty(), "{events:#?}");
        remedies.clone()
    }

    /// Suggested commands with the placeholders filled in.
    fn suggested_commands(&self, arguments: &[&str]) -> Vec<String> {
        let other = self.copy(1);
        let remedies = self.remedies(arguments).into_iter();
        let commands = remedies.filter_map(|remedy| remedy["command"].as_str().map(str::to_owned));
        commands
            .map(|command| {
                let disk = if command.contains("SHUTTLE") {
                    "WD-1"
                } else {
                    "WD-2"
                };
                command
                    .replace("FOLDER-ON-ANOTHER-DISK", other.to_str().unwrap())
                    .replace(" DISK", &format!(" {disk}"))
            })
            .collect()
    }

    /// Runs the suggested commands until the card is safe; returns their names.
    #[track_caller]
    fn apply_remedies(&self, arguments: &[&str]) -> Vec<String> {
        let mut done = Vec::new();
        while !self.safe(arguments).0 {
            assert!(done.len() < 4, "{done:#?}");
            for command in self.suggested_commands(arguments) {
                let answer = run_in_shell(&command);
                assert_eq!(
                    answer.code, 0,
                    "{command}: {}{}",
                    answer.stdout, answer.stderr
                );
                done.push(subcommand(&command));
            }
        }
        done
    }

    /// Checks that exactly these files are not safe.
    #[track_caller]
    fn assert_unsafe(&self, names: &[&str]) {
        let (_, events) = self.safe(&[]);
        let unsafe_lines = events.iter().filter(|line| line["safe"] == false);
        let unsafe_names: Vec<&str> = unsafe_lines
            .filter_map(|line| line["path"].as_str())
            .collect();
        assert_eq!(unsafe_names, names);
    }
}

/// Runs a command in a shell, in the root folder and without the path of the catalogue in the
/// environment.
fn run_in_shell(command: &str) -> Answer {
    let program = Path::new(env!("CARGO_BIN_EXE_btsindex")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("bash");
    shell
        .args(["-c", command])
        .current_dir("/")
        .env_remove("BTSINDEX_CATALOGUE")
        .env("PATH", format!("{}:{path}", program.display()));
    Answer::from_output(&shell.output().unwrap())
}

/// Subcommand of a command line: `verify` of `btsindex --catalogue /somewhere verify /media/RAID`.
fn subcommand(command: &str) -> String {
    let words = command.split(' ').skip(3);
    words.take(1).collect()
}

#[test]
fn the_suggested_commands_make_a_card_safe() {
    let mut offload = or_skip!(Offload::new());
    offload.is_card_disk_given = true;
    offload.ingest(&[0]);
    fs::create_dir_all(offload.copy(1)).unwrap();
    assert_eq!(
        offload.apply_remedies(&[]),
        ["volumes", "ingest", "volumes"],
        "from one copy on an unknown disk"
    );

    // A copy was opened and saved.
    let copied = offload.copy(0).join(CLIP);
    let bytes = fs::read(&copied).unwrap();
    fs::write(&copied, bytes).unwrap();
    assert_eq!(offload.apply_remedies(&[]), ["verify"]);

    offload.set_age(40);
    assert_eq!(offload.apply_remedies(&["--max-age", "30d"]), ["verify"]);

    fs::remove_file(&copied).unwrap();
    assert_eq!(offload.apply_remedies(&[]), ["ingest"]);

    // A flipped bit: the altered copy must be moved away manually; the commands alone do not help.
    offload.flip_bit(0, CLIP);
    assert_eq!(verify(&offload.shoot, &offload.copy(0)).0, 4);
    let manual = offload.remedies(&[])[0].clone();
    let what = manual["what"].as_str().unwrap();
    assert!(what.ends_with(copied.to_str().unwrap()), "{what}");
    assert_eq!(manual["command"], Value::Null);
    assert_eq!(run_in_shell(&offload.suggested_commands(&[])[0]).code, 3);
    assert_eq!(offload.remedies(&[])[0], manual);
    assert_eq!(
        offload.suggested_commands(&[])[0].matches(" --to ").count(),
        2
    );
    fs::rename(&copied, copied.with_extension("altered")).unwrap();
    assert_eq!(offload.apply_remedies(&[]), ["ingest"]);

    // Two partitions of one disk: a third destination is required.
    offload.set_disk("RAID", "WD-1");
    let remedies = offload.remedies(&[]);
    let command = remedies[0]["command"].as_str().unwrap();
    assert_eq!(command.matches(" --to ").count(), 3, "{remedies:#?}");
    assert!(
        command.ends_with(" --to FOLDER-ON-ANOTHER-DISK"),
        "{remedies:#?}"
    );
    assert_eq!(remedies.len(), 1, "{remedies:#?}");
    offload.set_disk("RAID", "WD-2");

    // An unmounted drive is mounted again.
    offload.set_age(40);
    offload.disks[1].unmount();
    let what = offload.remedies(&["--max-age", "30d"])[0]["what"].clone();
    assert_eq!(what, "mount RAID, then verify its copies");
    let raid = offload.drives[1].clone();
    offload.disks[1].mount(&raid);
    assert_eq!(offload.apply_remedies(&["--max-age", "30d"]), ["verify"]);
}

#[test]
fn a_file_rewritten_by_the_camera_is_copied_once_the_old_copy_is_moved_away() {
    let offload = or_skip!(Offload::ingested());
    let status = "STATUS.BIN";
    fs::write(offload.card.join(status), "another one").unwrap();
    let remedies = offload.remedies(&[]);
    let what = remedies[0]["what"].as_str().unwrap();
    for drive in 0..2 {
        let old = offload.copy(drive).join(status);
        assert!(what.contains(old.to_str().unwrap()), "{what}");
        fs::rename(&old, old.with_extension("old")).unwrap();
    }
    // The difference from the manifests is reported; the file is copied anyway.
    let answer = run_in_shell(&offload.suggested_commands(&[])[0]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert!(answer.stdout.contains("copied as it is on the card"));
    offload.assert_safe(&[]);
}

#[test]
fn compared_copies_are_enough_and_have_remedies() {
    let mut offload = or_skip!(Offload::new());
    offload.is_card_disk_given = true;
    // A small clip, which its fingerprint covers completely.
    let clip = fixtures().join("Location Scout/IMG_1234.MOV");
    let folders = offload.drives.clone();
    fs::remove_dir_all(offload.card.join("Clips")).unwrap();
    for name in ["STATUS.BIN", "empty"] {
        fs::remove_file(offload.card.join(name)).unwrap();
    }
    copy(&clip, &offload.card.join("IMG_1234.MOV"));
    for folder in &folders {
        copy(&clip, &folder.join("IMG_1234.MOV"));
        let mut scan = offload.shoot.command();
        scan.args(["scan", "--no-pictures"]).arg(folder);
        assert!(scan.output().unwrap().status.success());
    }
    // The card was never ingested: the command has both destinations.
    let command = offload.suggested_commands(&[])[0].clone();
    assert_eq!(command.matches(" --to ").count(), 2, "{command}");
    assert_eq!(offload.shoot.run(&["copies", "--verify"]).code, 0);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("RAID", "WD-2");
    offload.assert_safe(&[]);
    let copied = folders[0].join("IMG_1234.MOV");
    fs::write(&copied, fs::read(&copied).unwrap()).unwrap();
    assert_eq!(offload.apply_remedies(&[]), ["scan", "copies"]);
}

#[test]
fn remedies_work_despite_damaged_manifests_and_unusual_names() {
    let mut offload = or_skip!(Offload::new());
    offload.is_card_disk_given = true;
    let odd = offload
        .card
        .join("it's {card} $(touch pwned)\nof\u{202e} A");
    fs::create_dir(&odd).unwrap();
    write_file(&odd, "clip.bin", b"clip");
    write_file(&odd, "broken.mhl", b"<hashlist");
    offload.card = odd;
    for drive in &offload.drives {
        fs::create_dir_all(drive.join("{x}")).unwrap();
    }
    let to: Vec<String> = offload
        .drives
        .iter()
        .map(|drive| format!("{}/{{{{x}}}}", drive.display()))
        .collect();
    let to: Vec<&Path> = to.iter().map(Path::new).collect();
    ingest_ok(&offload.shoot, &[&offload.card], &to);
    offload.set_disk("SHUTTLE", "WD-1");
    offload.set_disk("RAID", "WD-2");
    assert!(offload.safe(&[]).0);
    let copy = offload.drives[0].join("{x}/clip.bin");
    fs::remove_file(&copy).unwrap();
    assert_eq!(offload.apply_remedies(&[]), ["ingest"]);
    assert_eq!(fs::read(&copy).unwrap(), b"clip");
    fs::write(&copy, b"clip").unwrap();
    assert_eq!(offload.apply_remedies(&[]), ["verify"]);
    let history = offload.drives[0].join("{x}/ascmhl");
    for entry in fs::read_dir(history).unwrap() {
        fs::write(entry.unwrap().path(), "garbage").unwrap();
    }
    fs::write(&copy, b"clip").unwrap();
    let command = offload.suggested_commands(&[])[0].clone();
    let options = " --paranoid --card-disk=card ";
    assert!(command.contains(options), "{command}");
    assert_eq!(run_in_shell(&command).code, 0, "{command}");
    assert!(offload.safe(&[]).0);
}

#[test]
fn suggested_commands_keep_the_options_of_the_check() {
    let mut offload = or_skip!(Offload::ingested());
    offload.is_card_disk_given = false;
    for disk in &mut offload.disks {
        disk.unmount();
    }
    let options = ["--copies", "3", "--max-age", "30d", "--trust-ingest"];
    let commands = offload.suggested_commands(&options);
    assert_eq!(subcommand(&commands[0]), "safe");
    let expected = " --copies 3 --max-age 2592000s --trust-ingest ";
    assert!(commands[0].contains(expected), "{commands:#?}");
    let answer = run_in_shell(&commands[0].replace("WD-2", "card"));
    assert_eq!(answer.code, 4, "{}{}", answer.stdout, answer.stderr);
    assert!(
        answer.stdout.contains("6 of 6 files not on 3 disks"),
        "{}",
        answer.stdout
    );
    // With the default of two disks, the card is safe.
    let two = offload
        .suggested_commands(&[])
        .swap_remove(0)
        .replace("WD-2", "card");
    assert!(!two.contains("--copies"), "{two}");
    let answer = run_in_shell(&two);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
}

#[test]
fn a_card_with_a_history_is_safe_once_its_chain_is_copied_unchanged() {
    let mut offload = or_skip!(Offload::new());
    // The card is a shuttle drive, whose files were ingested before with another catalogue.
    let other = Shoot::new();
    let origin = other.folder("A001");
    write_card(&origin, 2, 3000);
    let shuttled = offload.card.join("A001");
    fs::create_dir_all(&shuttled).unwrap();
    ingest_ok(&other, &[&origin], &[&shuttled]);
    offload.card = shuttled;
    offload.ingest_to_known_disks();
    offload.assert_unsafe(&["ascmhl/ascmhl_chain.xml"]);
    for disk in &mut offload.disks {
        disk.unmount();
    }
    // Sealing extended both chains, which cannot be checked while the drives are unmounted.
    offload.assert_unsafe(&["ascmhl/ascmhl_chain.xml"]);
    for (disk, drive) in offload.disks.iter_mut().zip(&offload.drives) {
        disk.mount(drive);
    }
    let command = offload.remedies(&[])[0]["command"].clone();
    let command = command.as_str().unwrap();
    assert!(command.ends_with("raid/{card} of A001'"), "{command}");
    assert_eq!(offload.apply_remedies(&[]), ["ingest"]);

    // The chain is copied, but the copies are on one disk, or written to since.
    offload.set_disk("RAID", "WD-1");
    assert_eq!(subcommand(&offload.suggested_commands(&[])[0]), "ingest");
    offload.set_disk("RAID", "WD-2");
    let kept_chain = offload.drives[0].join("ascmhl of A001/ascmhl_chain.xml");
    fs::write(&kept_chain, fs::read(&kept_chain).unwrap()).unwrap();
    offload.assert_unsafe(&["ascmhl/ascmhl_chain.xml"]);
    assert_eq!(offload.apply_remedies(&[]), ["verify"]);
}
