//! Copies of which another program has a page mapped: the page stays in memory, and answers instead of the medium.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::card::{ingest_well, noise, put, verify};
use super::judges::is_here;
use crate::shoot::Shoot;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;

/// A program that has one page of a file in memory, until it is dropped.
struct Holder(Child);

impl Holder {
    fn new(path: &Path, place: usize) -> Self {
        const SCRIPT: &str = "import mmap, sys; file = open(sys.argv[1], 'rb'); place = int(sys.argv[2]); \
            held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ); held.madvise(mmap.MADV_RANDOM); \
            held[place]; print('held', flush=True); sys.stdin.read()";
        let mut program = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(path)
            .arg(place.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = program.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Self(program)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How each copy was read last.
fn how(shoot: &Shoot) -> Vec<(String, String)> {
    let ingest = &shoot.run(&["ingests", "1", "--files", "--json"]).json()[0];
    let files = ingest["copies"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    files
        .map(|file| (text(&file["path"]), text(&file["copies"][0]["read_back"])))
        .collect()
}

#[test]
fn a_page_that_another_program_maps_is_no_proof_wherever_it_is() {
    if !is_here("python3") {
        return;
    }
    let shoot = Shoot::new();
    let Some(disk) = Disk::new(&shoot.folder("images"), "RAID", 100) else {
        return;
    };
    // With its data in the journal, ext4 reads through the page cache, whatever it is asked.
    let raid = shoot.folder("raid");
    let image = disk.image().to_str().unwrap().to_owned();
    let _mounted = Mount::new(&["-o", "loop,data=journal", &image], &raid);
    let card = shoot.folder("A001");
    for (name, length) in [
        ("small", 300_000),
        ("large", 5_000_000),
        ("other", 5_000_000),
    ] {
        put(&card, name, &noise(7, length));
    }
    let summary = ingest_well(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["read_back"], "cache-dropped");
    for (name, place) in [
        ("small", 0),
        ("small", 20 * 4096),
        ("large", 100 * 4096),
        ("large", 1219 * 4096),
    ] {
        let held = Holder::new(&raid.join(name), place);
        assert_eq!(verify(&shoot, &raid).0, 0);
        for (copy, how) in how(&shoot) {
            let expected = if copy == name {
                "cached"
            } else {
                "cache-dropped"
            };
            assert_eq!(how, expected, "{copy} while {place} of {name} is mapped");
        }
        drop(held);
    }
    assert_eq!(verify(&shoot, &raid).0, 0);
    assert!(how(&shoot).iter().all(|(_, how)| how == "cache-dropped"));
}
