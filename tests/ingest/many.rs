//! Cards of many files and of large ones: memory stays as it is. `BTSINDEX_CARD_FILES` and `BTSINDEX_LARGE_MB` say
//! how many, and how large.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Instant;

use super::card::{Working, command, ingest_well, verify};
use super::judges::reference_agrees;
use crate::shoot::{Shoot, number};

/// Kilobytes that nothing here needs, whatever is on a card.
const MOST: u64 = 200 * 1024;

/// The most memory that a process had by now, in kilobytes.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs to the end; its summary, and the most memory that it had.
fn watched(command: std::process::Command) -> (serde_json::Value, u64) {
    let mut working = Working::start(command);
    let mut most = 0;
    while working.next().is_some() {
        most = peak(working.id()).unwrap_or(0).max(most);
    }
    let answer = working.end();
    assert_eq!(answer.code, 0, "{}", answer.summary());
    (answer.summary(), most)
}

#[test]
fn many_files_take_little_memory() {
    let shoot = Shoot::new();
    let files = number("BTSINDEX_CARD_FILES", 1500);
    let card = shoot.folder("A001");
    for number in 0..files {
        let folder = card.join(format!("{:03}", number / 500));
        if number % 500 == 0 {
            fs::create_dir(&folder).unwrap();
        }
        fs::write(folder.join(format!("{number:06}.bin")), number.to_string()).unwrap();
    }
    let raid = shoot.folder("raid");
    let begun = Instant::now();
    let (summary, most) = watched(command(&shoot, &[&card], &[&raid]));
    let first = begun.elapsed();
    assert_eq!(summary["copied"], files, "{summary}");
    assert!(most > 0 && most < MOST, "{most} KB");
    let begun = Instant::now();
    let again = ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(again["known"], 1, "{again}");
    let second = begun.elapsed();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!((code, &found["verified"]), (0, &files.into()));
    for number in (0..files).step_by(97) {
        let path = raid.join(format!("{:03}/{number:06}.bin", number / 500));
        assert_eq!(fs::read_to_string(path).unwrap(), number.to_string());
    }
    reference_agrees(&raid);
    eprintln!("{files} files: {most} KB, {first:?}, again {second:?}");
}

#[test]
fn a_large_file_takes_little_memory_and_stays_sparse() {
    let shoot = Shoot::new();
    let bytes = number("BTSINDEX_LARGE_MB", 300) * 1024 * 1024;
    let card = shoot.folder("A001");
    let file = fs::File::create(card.join("large.bin")).unwrap();
    file.set_len(bytes).unwrap();
    for at in [0, bytes / 3, bytes - 7] {
        file.write_all_at(b"content", at).unwrap();
    }
    let raid = shoot.folder("raid");
    let begun = Instant::now();
    let (summary, most) = watched(command(&shoot, &[&card], &[&raid]));
    assert_eq!(summary["bytes_copied"], bytes, "{summary}");
    assert!(most > 0 && most < MOST, "{most} KB");
    let copied = fs::File::open(raid.join("large.bin")).unwrap();
    let metadata = copied.metadata().unwrap();
    assert_eq!(metadata.len(), bytes);
    assert!(metadata.blocks() * 512 < 64 * 1024 * 1024);
    for at in [0, bytes / 3, bytes - 7] {
        let mut found = [0; 7];
        copied.read_exact_at(&mut found, at).unwrap();
        assert_eq!(&found, b"content");
    }
    eprintln!("{bytes} bytes: {most} KB, {:?}", begun.elapsed());
}
