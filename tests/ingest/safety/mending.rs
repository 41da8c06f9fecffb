//! What is said to mend a card that is not safe: the very commands, typed in another folder by somebody who set nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::CLIP;
use super::day::Day;
use crate::ingest::card::{fill, ingest_well, put, verify};
use crate::shoot::{Answer, Shoot, copy, fixtures};

impl Day {
    /// What would mend it, as it is told.
    fn mends(&self, arguments: &[&str]) -> Vec<Value> {
        let (is_safe, told) = self.safe(arguments);
        assert!(!is_safe, "{told:#?}");
        let mends = told.last().unwrap()["mend"].as_array().unwrap();
        assert!(!mends.is_empty(), "{told:#?}");
        mends.clone()
    }

    /// … as the commands that a person types, who knows what the words in capitals stand for.
    fn commands(&self, arguments: &[&str]) -> Vec<String> {
        let other = self.copy(1);
        let mends = self.mends(arguments).into_iter();
        let commands = mends.filter_map(|mend| mend["command"].as_str().map(str::to_owned));
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

    /// Does what is said until it is safe; each command's name.
    #[track_caller]
    fn mend(&self, arguments: &[&str]) -> Vec<String> {
        let mut done = Vec::new();
        while !self.safe(arguments).0 {
            assert!(done.len() < 4, "{done:#?}");
            for command in self.commands(arguments) {
                let answer = typed(&command);
                assert_eq!(
                    answer.code, 0,
                    "{command}: {}{}",
                    answer.stdout, answer.stderr
                );
                done.push(name(&command));
            }
        }
        done
    }

    /// Just these files are not safe.
    #[track_caller]
    fn are_unsafe(&self, names: &[&str]) {
        let (_, told) = self.safe(&[]);
        let told = told.iter().filter(|line| line["safe"] == false);
        let told: Vec<&str> = told.filter_map(|line| line["path"].as_str()).collect();
        assert_eq!(told, names);
    }
}

/// Has a shell run a command, in a folder where nothing is, without a word of where the catalogue is.
fn typed(command: &str) -> Answer {
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

/// `verify`, of `btsindex --catalogue /somewhere verify /media/RAID`.
fn name(command: &str) -> String {
    let words = command.split(' ').skip(3);
    words.take(1).collect()
}

#[test]
fn what_is_said_to_mend_it_mends_it() {
    let Some(mut day) = Day::new() else { return };
    day.is_card_said = true;
    day.ingest(&[0]);
    fs::create_dir_all(day.copy(1)).unwrap();
    assert_eq!(
        day.mend(&[]),
        ["volumes", "ingest", "volumes"],
        "from one copy on a disk that nobody knows"
    );

    // Somebody opened and saved a copy.
    let copied = day.copy(0).join(CLIP);
    let bytes = fs::read(&copied).unwrap();
    fs::write(&copied, bytes).unwrap();
    assert_eq!(day.mend(&[]), ["verify"]);

    day.age(40);
    assert_eq!(day.mend(&["--max-age", "30d"]), ["verify"]);

    fs::remove_file(&copied).unwrap();
    assert_eq!(day.mend(&[]), ["ingest"]);

    // A byte that turned: what is in the way is moved away by hands, however often the rest is tried before.
    day.flip(0, CLIP);
    assert_eq!(verify(&day.shoot, &day.copy(0)).0, 4);
    let by_hand = day.mends(&[])[0].clone();
    let what = by_hand["what"].as_str().unwrap();
    assert!(what.ends_with(copied.to_str().unwrap()), "{what}");
    assert_eq!(by_hand["command"], Value::Null);
    assert_eq!(typed(&day.commands(&[])[0]).code, 3);
    assert_eq!(day.mends(&[])[0], by_hand);
    assert_eq!(day.commands(&[])[0].matches(" --to ").count(), 2);
    fs::rename(&copied, copied.with_extension("altered")).unwrap();
    assert_eq!(day.mend(&[]), ["ingest"]);

    // Two partitions of one disk: a third place is wanted.
    day.say_disk("RAID", "WD-1");
    let asked = day.mends(&[]);
    let command = asked[0]["command"].as_str().unwrap();
    assert_eq!(command.matches(" --to ").count(), 3, "{asked:#?}");
    assert!(
        command.ends_with(" --to FOLDER-ON-ANOTHER-DISK"),
        "{asked:#?}"
    );
    assert_eq!(asked.len(), 1, "{asked:#?}");
    day.say_disk("RAID", "WD-2");

    // A drive that is away comes back.
    day.age(40);
    day.disks[1].unmount();
    let what = day.mends(&["--max-age", "30d"])[0]["what"].clone();
    assert_eq!(what, "mount RAID, then verify its copies");
    let raid = day.drives[1].clone();
    day.disks[1].mount(&raid);
    assert_eq!(day.mend(&["--max-age", "30d"]), ["verify"]);
}

#[test]
fn a_file_that_the_camera_wrote_again_is_copied_when_the_former_is_out_of_the_way() {
    let Some(day) = Day::taken_in() else { return };
    let status = "STATUS.BIN";
    fs::write(day.card.join(status), "another one").unwrap();
    let mends = day.mends(&[]);
    let what = mends[0]["what"].as_str().unwrap();
    for drive in 0..2 {
        let former = day.copy(drive).join(status);
        assert!(what.contains(former.to_str().unwrap()), "{what}");
        fs::rename(&former, former.with_extension("former")).unwrap();
    }
    // Their histories knew another one, which is told; it is copied all the same.
    let answer = typed(&day.commands(&[])[0]);
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert!(answer.stdout.contains("copied as it is on the card"));
    day.is_safe(&[]);
}

#[test]
fn copies_that_were_only_compared_are_enough_and_mended() {
    let Some(mut day) = Day::new() else { return };
    day.is_card_said = true;
    // A small one, all of which its fingerprint reads.
    let clip = fixtures().join("Location Scout/IMG_1234.MOV");
    let folders = day.drives.clone();
    fs::remove_dir_all(day.card.join("Clips")).unwrap();
    for name in ["STATUS.BIN", "empty"] {
        fs::remove_file(day.card.join(name)).unwrap();
    }
    copy(&clip, &day.card.join("IMG_1234.MOV"));
    for folder in &folders {
        copy(&clip, &folder.join("IMG_1234.MOV"));
        let mut scan = day.shoot.command();
        scan.args(["scan", "--no-pictures"]).arg(folder);
        assert!(scan.output().unwrap().status.success());
    }
    // Nobody took it in: it is said to how many places.
    let command = day.commands(&[])[0].clone();
    assert_eq!(command.matches(" --to ").count(), 2, "{command}");
    assert_eq!(day.shoot.run(&["copies", "--verify"]).code, 0);
    day.say_disk("SHUTTLE", "WD-1");
    day.say_disk("RAID", "WD-2");
    day.is_safe(&[]);
    let copied = folders[0].join("IMG_1234.MOV");
    fs::write(&copied, fs::read(&copied).unwrap()).unwrap();
    assert_eq!(day.mend(&[]), ["scan", "copies"]);
}

#[test]
fn a_damaged_manifest_and_an_odd_name_hinder_no_mending() {
    let Some(mut day) = Day::new() else { return };
    day.is_card_said = true;
    let odd = day.card.join("it's {card} $(touch pwned)\nof\u{202e} A");
    fs::create_dir(&odd).unwrap();
    put(&odd, "clip.bin", b"clip");
    put(&odd, "broken.mhl", b"<hashlist");
    day.card = odd;
    for drive in &day.drives {
        fs::create_dir_all(drive.join("{x}")).unwrap();
    }
    let to: Vec<String> = day
        .drives
        .iter()
        .map(|drive| format!("{}/{{{{x}}}}", drive.display()))
        .collect();
    let to: Vec<&Path> = to.iter().map(Path::new).collect();
    ingest_well(&day.shoot, &[&day.card], &to);
    day.say_disk("SHUTTLE", "WD-1");
    day.say_disk("RAID", "WD-2");
    assert!(day.safe(&[]).0);
    let copy = day.drives[0].join("{x}/clip.bin");
    fs::remove_file(&copy).unwrap();
    assert_eq!(day.mend(&[]), ["ingest"]);
    assert_eq!(fs::read(&copy).unwrap(), b"clip");
    fs::write(&copy, b"clip").unwrap();
    assert_eq!(day.mend(&[]), ["verify"]);
    let history = day.drives[0].join("{x}/ascmhl");
    for entry in fs::read_dir(history).unwrap() {
        fs::write(entry.unwrap().path(), "garbage").unwrap();
    }
    fs::write(&copy, b"clip").unwrap();
    let told = day.commands(&[])[0].clone();
    let again = " --paranoid --card-disk=card ";
    assert!(told.contains(again), "{told}");
    assert_eq!(typed(&told).code, 0, "{told}");
    assert!(day.safe(&[]).0);
}

#[test]
fn whoever_asks_again_is_not_told_that_less_is_enough() {
    let Some(mut day) = Day::taken_in() else {
        return;
    };
    day.is_card_said = false;
    for disk in &mut day.disks {
        disk.unmount();
    }
    let asked = ["--copies", "3", "--max-age", "30d", "--trust-ingest"];
    let commands = day.commands(&asked);
    assert_eq!(name(&commands[0]), "safe");
    let again = " --copies 3 --max-age 2592000s --trust-ingest ";
    assert!(commands[0].contains(again), "{commands:#?}");
    let answer = typed(&commands[0].replace("WD-2", "card"));
    assert_eq!(answer.code, 4, "{}{}", answer.stdout, answer.stderr);
    assert!(
        answer.stdout.contains("6 of 6 files not on 3 disks"),
        "{}",
        answer.stdout
    );
    // … and by two it is safe.
    let two = day.commands(&[]).swap_remove(0).replace("WD-2", "card");
    assert!(!two.contains("--copies"), "{two}");
    let answer = typed(&two);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
}

#[test]
fn a_card_with_a_history_is_safe_when_that_is_kept_as_it_is() {
    let Some(mut day) = Day::new() else { return };
    // It is a shuttle: what is on it was taken in before, by somebody else.
    let other = Shoot::new();
    let origin = other.folder("A001");
    fill(&origin, 2, 3000);
    let shuttled = day.card.join("A001");
    fs::create_dir_all(&shuttled).unwrap();
    ingest_well(&other, &[&origin], &[&shuttled]);
    day.card = shuttled;
    day.is_card_said = true;
    day.ingest(&[0, 1]);
    day.say_disk("SHUTTLE", "WD-1");
    day.say_disk("RAID", "WD-2");
    day.are_unsafe(&["ascmhl/ascmhl_chain.xml"]);
    for disk in &mut day.disks {
        disk.unmount();
    }
    // Both chains were added to when they were sealed, which nobody can see while the drives are away.
    day.are_unsafe(&["ascmhl/ascmhl_chain.xml"]);
    for (disk, drive) in day.disks.iter_mut().zip(&day.drives) {
        disk.mount(drive);
    }
    let told = day.mends(&[])[0]["command"].clone();
    let told = told.as_str().unwrap();
    assert!(told.ends_with("raid/{card} of A001'"), "{told}");
    assert_eq!(day.mend(&[]), ["ingest"]);

    // Kept as it is, and nobody knows where any more.
    day.say_disk("RAID", "WD-1");
    assert_eq!(name(&day.commands(&[])[0]), "ingest");
    day.say_disk("RAID", "WD-2");
    let kept = day.drives[0].join("ascmhl of A001/ascmhl_chain.xml");
    fs::write(&kept, fs::read(&kept).unwrap()).unwrap();
    day.are_unsafe(&["ascmhl/ascmhl_chain.xml"]);
    assert_eq!(day.mend(&[]), ["verify"]);
}
