//! Memory use for cards with many files and with large files: `BTSINDEX_CARD_FILES` is the number
//! of files, `BTSINDEX_LARGE_MB` the size in megabytes.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Instant;

use super::card::{RunningCommand, ingest_command, ingest_ok, verify};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::{Shoot, number};

/// Limit of the memory use in kilobytes.
const LIMIT: u64 = 200 * 1024;

/// Peak memory use of a running process in kilobytes.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs a command to its end; returns its summary and its peak memory use in kilobytes.
fn run_measured(command: std::process::Command) -> (serde_json::Value, u64) {
    let mut running = RunningCommand::start(command);
    let mut peak = 0;
    while running.next_event().is_some() {
        peak = peak_memory(running.id()).unwrap_or(0).max(peak);
    }
    let answer = running.finish();
    assert_eq!(answer.code, 0, "{}", answer.summary());
    (answer.summary(), peak)
}

#[test]
fn many_files_need_little_memory() {
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
    let started = Instant::now();
    let (summary, peak) = run_measured(ingest_command(&shoot, &[&card], &[&raid]));
    let first = started.elapsed();
    assert_eq!(summary["copied"], files, "{summary}");
    assert!(peak > 0 && peak < LIMIT, "{peak} KB");
    let started = Instant::now();
    let again = ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(again["known"], 1, "{again}");
    let second = started.elapsed();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!((code, &found["verified"]), (0, &files.into()));
    for number in (0..files).step_by(97) {
        let path = raid.join(format!("{:03}/{number:06}.bin", number / 500));
        assert_eq!(fs::read_to_string(path).unwrap(), number.to_string());
    }
    assert_reference_verifies(&raid);
    eprintln!("{files} files: {peak} KB, {first:?}, again {second:?}");
}

#[test]
fn a_large_file_needs_little_memory_and_stays_sparse() {
    let shoot = Shoot::new();
    let bytes = number("BTSINDEX_LARGE_MB", 300) * 1024 * 1024;
    let card = shoot.folder("A001");
    let file = fs::File::create(card.join("large.bin")).unwrap();
    file.set_len(bytes).unwrap();
    for at in [0, bytes / 3, bytes - 7] {
        file.write_all_at(b"content", at).unwrap();
    }
    let raid = shoot.folder("raid");
    let started = Instant::now();
    let (summary, peak) = run_measured(ingest_command(&shoot, &[&card], &[&raid]));
    assert_eq!(summary["bytes_copied"], bytes, "{summary}");
    assert!(peak > 0 && peak < LIMIT, "{peak} KB");
    let copied = fs::File::open(raid.join("large.bin")).unwrap();
    let metadata = copied.metadata().unwrap();
    assert_eq!(metadata.len(), bytes);
    assert!(metadata.blocks() * 512 < 64 * 1024 * 1024);
    for at in [0, bytes / 3, bytes - 7] {
        let mut found = [0; 7];
        copied.read_exact_at(&mut found, at).unwrap();
        assert_eq!(&found, b"content");
    }
    eprintln!("{bytes} bytes: {peak} KB, {:?}", started.elapsed());
}
