//! Files of a card that are written to, renamed, deleted or added while the card is copied or
//! afterwards.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use super::card::{
    RunningCommand, assert_nothing_unfinished, assert_problem, assert_same_files, ingest,
    ingest_command, ingest_ok, random_bytes, verify, write_card, write_file,
};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;
use crate::shoot::{Answer, Shoot, wait_until};
use crate::skipped_tests::{find_installed, or_skip};

/// Size in bytes at which copying takes long enough to interfere.
const LENGTH: usize = 96 * 1024 * 1024;

/// Stops an ingest while the only file of its card is half copied and calls `write`, which writes
/// to that file; checks that the file is copied by the next run only.
#[track_caller]
fn assert_write_half_way_is_noticed(shoot: &Shoot, card: &Path, to: &Path, write: impl FnOnce()) {
    let unfinished = || -> Option<usize> {
        let mut entries = fs::read_dir(to).unwrap().flatten();
        let part = entries.find(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
        usize::try_from(part?.metadata().ok()?.len()).ok()
    };
    let mut write = Some(write);
    let running = loop {
        let running = RunningCommand::start(ingest_command(shoot, &[card], &[to]));
        wait_until("a part is copied", || {
            unfinished().is_some_and(|bytes| bytes >= 8 * 1024 * 1024)
        });
        running.while_stopped(|| {
            // On a busy machine, the ingest may have read the whole file by now.
            if unfinished().is_some_and(|bytes| bytes < LENGTH / 2) {
                write.take().unwrap()();
            }
        });
        if write.is_none() {
            break running;
        }
        running.finish();
        for folder in [to, shoot.catalogue().as_path()] {
            fs::remove_dir_all(folder).unwrap();
        }
        fs::create_dir(to).unwrap();
    };
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "C0001.bin", "still recording");
    assert_eq!(answer.summary()["complete"], 0, "{}", answer.stdout);
    assert!(!to.join("C0001.bin").exists() && !to.join("ascmhl").exists());
    assert_nothing_unfinished(to);
    // The next run copies the current content.
    ingest_ok(shoot, &[card], &[to]);
    assert_eq!(
        fs::read(card.join("C0001.bin")).unwrap(),
        fs::read(to.join("C0001.bin")).unwrap()
    );
}

fn write_at(file: &File, bytes: &[u8], offsets: &[usize]) {
    for offset in offsets {
        file.write_all_at(bytes, *offset as u64).unwrap();
    }
}

#[test]
fn a_header_rewritten_within_two_seconds_is_not_sealed_half_old_half_new() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    let path = write_file(&card, "C0001.bin", &random_bytes(1, LENGTH));
    let camera = File::options().write(true).open(&path).unwrap();
    write_at(&camera, b"OLD!", &[100]);
    assert_write_half_way_is_noticed(&shoot, &card, &raid, || {
        write_at(&camera, b"NEW!", &[100, LENGTH - 100]);
    });
}

#[test]
fn a_header_rewritten_on_exfat_is_noticed() {
    let shoot = Shoot::new();
    let disks = shoot.folder("disks");
    let mut disk = or_skip!(Disk::camera(&disks, "CARD", 160));
    let (card, raid) = (disks.join("mounted"), shoot.folder("raid"));
    disk.mount(&card);
    let path = write_file(&card, "C0001.bin", &random_bytes(1, LENGTH));
    let camera = File::options().write(true).open(&path).unwrap();
    write_at(&camera, b"OLD!", &[100]);
    assert_write_half_way_is_noticed(&shoot, &card, &raid, || {
        write_at(&camera, b"NEW!", &[100]);
    });
    drop(camera);
}

/// Python program that maps a file and writes each line of its standard input to the mapping.
const MAPPER: &str = "
import mmap, sys
f = open(sys.argv[1], 'r+b')
m = mmap.mmap(f.fileno(), 0)
for line in sys.stdin:
    m[100:104] = line.strip().encode()
    print('written', flush=True)
";

#[test]
fn a_write_through_an_already_dirty_mapping_is_noticed() {
    or_skip!(find_installed("python3"));
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    let path = write_file(&card, "C0001.bin", &random_bytes(1, LENGTH));
    let mut mapper = Command::new("python3")
        .args(["-c", MAPPER])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = mapper.stdin.take().unwrap();
    let mut lines = BufReader::new(mapper.stdout.take().unwrap()).lines();
    let mut write = |bytes: &str| {
        writeln!(stdin, "{bytes}").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "written");
    };
    write("OLD!");
    assert_write_half_way_is_noticed(&shoot, &card, &raid, || write("NEW!"));
    drop(stdin);
    mapper.wait().unwrap();
}

#[test]
fn a_file_written_to_after_it_was_copied_is_reported_and_not_sealed() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 1350, 1024);
    let first = card.join("Clips/00/D00000.bin");
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &[&raid]));
    running.wait_for("file");
    running.while_stopped(|| {
        let file = File::options().write(true).open(&first).unwrap();
        write_at(&file, b"other", &[10]);
    });
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "D00000.bin", "after it was copied");
    assert_eq!(answer.summary()["complete"], 0);
    let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 1349, "{ingest}");
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(found["verified"], 1349, "{code} {found}");
    // Once the old copy is moved away, the same command copies the new content.
    fs::rename(
        raid.join("Clips/00/D00000.bin"),
        shoot.folder("old").join("a"),
    )
    .unwrap();
    ingest_ok(&shoot, &[&card], &[&raid]);
    assert_same_files(&card, &raid);
    assert_eq!(verify(&shoot, &raid).0, 0);
}

/// Writes to a file behind a share that caches sizes and times for `seconds`, after the file was
/// copied; checks that the write is noticed.
fn assert_write_behind_a_cache_is_noticed(seconds: i32, offset: usize, is_time_restored: bool) {
    or_skip!(find_installed("btsindex-fuse-python"));
    let shoot = Shoot::new();
    let (behind, card, raid) = (
        shoot.folder("behind"),
        shoot.folder("A001"),
        shoot.folder("raid"),
    );
    write_file(&behind, "C0001.bin", &random_bytes(1, 2_000_000));
    write_file(&behind, "C0002.bin", &random_bytes(2, 4_000_000));
    let _share = Mount::passthrough_with_cache(&behind, &card, "nas:/A001", "sshfs", seconds);
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &[&raid]));
    running.wait_for("file");
    running.while_stopped(|| {
        let path = behind.join("C0001.bin");
        let modified = path.metadata().unwrap().modified().unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        write_at(&file, b"NEW!", &[offset]);
        if is_time_restored {
            file.set_modified(modified).unwrap();
        }
    });
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "C0001.bin", "after it was copied");
    assert_eq!(answer.summary()["complete"], 0);
}

#[test]
fn a_write_behind_a_share_that_caches_times_is_noticed() {
    assert_write_behind_a_cache_is_noticed(20, 1_000_003, false);
}

#[test]
fn a_write_behind_a_share_that_caches_times_of_open_files_is_noticed_by_samples() {
    assert_write_behind_a_cache_is_noticed(-20, 100, false);
}

#[test]
fn a_write_behind_a_share_with_the_time_restored_is_noticed_by_samples() {
    assert_write_behind_a_cache_is_noticed(20, 100, true);
}

#[test]
fn a_file_still_being_written_is_left_for_the_next_run() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_file(&card, "done.bin", &random_bytes(1, 100_000));
    let growing = write_file(&card, "growing.bin", &random_bytes(2, 8 * 1024 * 1024));
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
    assert_problem(&answer, "A001/growing.bin", "still recording");
    assert!(!raid.join("growing.bin").exists());
    assert!(raid.join("done.bin").exists());
    assert_nothing_unfinished(&raid);
    let summary = ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["copied"], 1, "{summary}");
    assert_same_files(&card, &raid);
    assert_reference_verifies(&raid);
}

#[test]
fn a_file_that_changes_after_it_was_listed_is_reported() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 1350, 1024);
    let last = card.join("Clips/04/D00449.bin");
    let raid = shoot.folder("raid");
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &[&raid]));
    running.wait_for("file");
    running.while_stopped(|| {
        let mut file = fs::File::options().write(true).open(&last).unwrap();
        file.seek(SeekFrom::Start(10)).unwrap();
        file.write_all(b"other").unwrap();
    });
    let answer = running.finish();
    // The change may come before or after the file is read; in both cases before the card is
    // sealed.
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(&answer, "D00449.bin", "still recording");
    let copy = raid.join("Clips/04/D00449.bin");
    let again = ingest(&shoot, &[&card], &[&raid]);
    if answer
        .stdout
        .contains("the camera wrote to it after it was copied")
    {
        assert_eq!(again.code, 3, "{}", again.stdout);
        assert_problem(&again, "D00449.bin", "a different file of that name exists");
        assert_ne!(fs::read(copy).unwrap(), fs::read(&last).unwrap());
    } else {
        assert_eq!(again.code, 0, "{}", again.stdout);
        assert_eq!(fs::read(copy).unwrap(), fs::read(&last).unwrap());
    }
}

/// Reads events until a file is copied. The ingest cannot seal the card before the rest of its
/// output is read.
fn until_copied(running: &mut RunningCommand, name: &str) {
    let is_named = |event: &Value| {
        event["path"]
            .as_str()
            .is_some_and(|path| path.ends_with(name))
    };
    while !is_named(&running.wait_for("file")) {}
}

/// Changes a byte of a file outside the samples and sets its modification time.
pub(super) fn alter_between_samples(path: &Path, time: std::time::SystemTime) {
    let mut bytes = fs::read(path).unwrap();
    bytes[500_000] ^= 1;
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.write_all(&bytes).unwrap();
    file.set_modified(time).unwrap();
}

pub(super) fn modified(path: &Path) -> std::time::SystemTime {
    path.metadata().unwrap().modified().unwrap()
}

#[test]
fn a_file_that_changed_after_it_was_copied_is_read_again_even_if_its_time_is_the_same() {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 1350, 1024);
    let raid = shoot.folder("raid");
    let first = write_file(&card, "A.bin", &random_bytes(3000, 4_000_000));
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &[&raid]));
    until_copied(&mut running, "A.bin");
    running.while_stopped(|| alter_between_samples(&first, modified(&first)));
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_problem(
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
        assert_problem(&again, "A.bin", "a different file of that name exists");
        assert_eq!(verified(), 1350);
    }
    fs::remove_file(raid.join("A.bin")).unwrap();
    ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(verified(), 1351);
    assert_same_files(&card, &raid);
}

/// Ingests a card and calls `change` with the path of a copied file before the card is sealed.
fn ingest_while_changing(change: impl FnOnce(&Path)) -> (Shoot, PathBuf, PathBuf, Answer) {
    let shoot = Shoot::new();
    let card = shoot.folder("A001");
    write_card(&card, 1350, 1024);
    let raid = shoot.folder("raid");
    let first = write_file(&card, "A.bin", &random_bytes(3000, 2000));
    let mut running = RunningCommand::start(ingest_command(&shoot, &[&card], &[&raid]));
    until_copied(&mut running, "A.bin");
    running.while_stopped(|| change(&first));
    let answer = running.finish();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    assert_eq!(answer.summary()["complete"], 0, "{}", answer.stdout);
    (shoot, card, raid, answer)
}

#[test]
fn a_file_added_after_the_card_was_listed_is_reported_and_copied_by_the_next_run() {
    let (shoot, card, raid, answer) = ingest_while_changing(|first| {
        fs::copy(first, first.with_file_name("NEW.bin")).unwrap();
    });
    assert_problem(&answer, "NEW.bin", "added to the card after it was listed");
    assert!(!raid.join("NEW.bin").exists());
    let ingest = &shoot.run(&["ingests", "1", "--json"]).json()[0];
    assert_eq!(ingest["state"], "with problems", "{ingest}");
    assert_eq!(ingest_ok(&shoot, &[&card], &[&raid])["copied"], 1);
    assert_same_files(&card, &raid);
}

#[test]
fn a_file_deleted_after_it_was_copied_is_reported_and_its_copy_stays() {
    let (_shoot, _, raid, answer) = ingest_while_changing(|first| fs::remove_file(first).unwrap());
    assert_problem(&answer, "A.bin", "removed from the card after");
    assert_eq!(
        fs::read(raid.join("A.bin")).unwrap(),
        random_bytes(3000, 2000)
    );
}

#[test]
fn a_file_renamed_after_it_was_copied_is_reported_under_both_names() {
    let (_, _, _, answer) = ingest_while_changing(|first| {
        fs::rename(first, first.with_file_name("B.bin")).unwrap();
    });
    assert_problem(&answer, "A.bin", "removed from the card after");
    assert_problem(&answer, "B.bin", "added to the card after it was listed");
}
