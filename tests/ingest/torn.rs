//! Cameras that write to a file while it is copied, or after.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::card::{
    Working, are_equal, command, fill, ingest_well, is_told, noise, nothing_is_left_over, put,
    verify,
};
use super::judges::is_here;
use crate::shoot::Shoot;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;

/// Long enough to be met while it is copied.
const LENGTH: usize = 96 * 1024 * 1024;

/// Has an ingest stand still while the only file of its card is half copied, and `write` writes to that file.
#[track_caller]
fn written_half_way(shoot: &Shoot, card: &Path, to: &Path, write: impl FnOnce()) {
    let unfinished = || -> Option<usize> {
        let mut entries = fs::read_dir(to).unwrap().flatten();
        let part = entries.find(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
        usize::try_from(part?.metadata().ok()?.len()).ok()
    };
    let mut write = Some(write);
    let working = loop {
        let working = Working::start(command(shoot, &[card], &[to]));
        let begun = Instant::now();
        while unfinished().is_none_or(|bytes| bytes < 8 * 1024 * 1024) {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "nothing is copied"
            );
            thread::yield_now();
        }
        working.meanwhile(|| {
            // On a busy machine, it may have read the whole file by now.
            if unfinished().is_some_and(|bytes| bytes < LENGTH / 2) {
                write.take().unwrap()();
            }
        });
        if write.is_none() {
            break working;
        }
        working.end();
        for folder in [to, shoot.catalogue().as_path()] {
            fs::remove_dir_all(folder).unwrap();
        }
        fs::create_dir(to).unwrap();
    };
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "C0001.bin", "still recording");
    assert_eq!(answer.summary()["complete"], 0, "{}", answer.stdout);
    assert!(!to.join("C0001.bin").exists() && !to.join("ascmhl").exists());
    nothing_is_left_over(to);
    // The next run copies it as it is now.
    ingest_well(shoot, &[card], &[to]);
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
fn a_header_that_is_written_again_within_two_seconds_is_not_sealed_torn() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    let path = put(&card, "C0001.bin", &noise(1, LENGTH));
    let camera = File::options().write(true).open(&path).unwrap();
    write_at(&camera, b"OLD!", &[100]);
    written_half_way(&shoot, &card, &raid, || {
        write_at(&camera, b"NEW!", &[100, LENGTH - 100]);
    });
}

#[test]
fn a_camera_on_exfat_that_writes_a_header_again_is_noticed() {
    let shoot = Shoot::new();
    let disks = shoot.folder("disks");
    let Some(mut disk) = Disk::camera(&disks, "CARD", 160) else {
        assert!(std::env::var_os("BTSINDEX_REQUIRE_JUDGES").is_none());
        return;
    };
    let (card, raid) = (disks.join("mounted"), shoot.folder("raid"));
    disk.mount(&card);
    let path = put(&card, "C0001.bin", &noise(1, LENGTH));
    let camera = File::options().write(true).open(&path).unwrap();
    write_at(&camera, b"OLD!", &[100]);
    written_half_way(&shoot, &card, &raid, || {
        write_at(&camera, b"NEW!", &[100]);
    });
    drop(camera);
}

/// Maps a file and writes to it each time it is told to.
const MAPPER: &str = "
import mmap, sys
f = open(sys.argv[1], 'r+b')
m = mmap.mmap(f.fileno(), 0)
for line in sys.stdin:
    m[100:104] = line.strip().encode()
    print('written', flush=True)
";

#[test]
fn a_write_through_a_mapping_that_is_dirty_already_is_noticed() {
    if !is_here("python3") {
        return;
    }
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    let path = put(&card, "C0001.bin", &noise(1, LENGTH));
    let mut mapper = Command::new("python3")
        .args(["-c", MAPPER])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = mapper.stdin.take().unwrap();
    let mut heard = BufReader::new(mapper.stdout.take().unwrap()).lines();
    let mut write = |bytes: &str| {
        writeln!(said, "{bytes}").unwrap();
        assert_eq!(heard.next().unwrap().unwrap(), "written");
    };
    write("OLD!");
    written_half_way(&shoot, &card, &raid, || write("NEW!"));
    drop(said);
    mapper.wait().unwrap();
}

#[test]
fn a_file_that_is_written_to_after_it_was_copied_is_told_and_not_sealed() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    fill(&card, 1350, 1024);
    let first = card.join("Clips/00/D00000.bin");
    let mut working = Working::start(command(&shoot, &[&card], &[&raid]));
    working.until("file");
    working.meanwhile(|| {
        let file = File::options().write(true).open(&first).unwrap();
        write_at(&file, b"other", &[10]);
    });
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "D00000.bin", "after it was copied");
    assert_eq!(answer.summary()["complete"], 0);
    let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 1349, "{ingest}");
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(found["verified"], 1349, "{code} {found}");
    // What it was is moved away, and the same command copies what it is.
    fs::rename(
        raid.join("Clips/00/D00000.bin"),
        shoot.folder("old").join("a"),
    )
    .unwrap();
    ingest_well(&shoot, &[&card], &[&raid]);
    are_equal(&card, &raid);
    assert_eq!(verify(&shoot, &raid).0, 0);
}

/// A share that remembers sizes and times, and a file that is written to there after it was copied.
fn written_behind_a_memory(seconds: i32, offset: usize, is_time_kept: bool) {
    if !is_here("btsindex-fuse-python") {
        return;
    }
    let shoot = Shoot::new();
    let (behind, card, raid) = (
        shoot.folder("behind"),
        shoot.folder("A001"),
        shoot.folder("raid"),
    );
    put(&behind, "C0001.bin", &noise(1, 2_000_000));
    put(&behind, "C0002.bin", &noise(2, 4_000_000));
    let _share = Mount::passthrough_with_cache(&behind, &card, "nas:/A001", "sshfs", seconds);
    let mut working = Working::start(command(&shoot, &[&card], &[&raid]));
    working.until("file");
    working.meanwhile(|| {
        let path = behind.join("C0001.bin");
        let modified = path.metadata().unwrap().modified().unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        write_at(&file, b"NEW!", &[offset]);
        if is_time_kept {
            file.set_modified(modified).unwrap();
        }
    });
    let answer = working.end();
    assert_eq!(answer.code, 3, "{}", answer.stdout);
    is_told(&answer, "C0001.bin", "after it was copied");
    assert_eq!(answer.summary()["complete"], 0);
}

#[test]
fn a_write_behind_a_share_that_remembers_times_is_noticed() {
    written_behind_a_memory(20, 1_000_003, false);
}

#[test]
fn a_write_behind_a_share_that_remembers_times_of_open_files_is_noticed_by_samples() {
    written_behind_a_memory(-20, 100, false);
}

#[test]
fn a_write_behind_a_share_whose_time_is_put_back_is_noticed_by_samples() {
    written_behind_a_memory(20, 100, true);
}
