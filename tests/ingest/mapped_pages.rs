//! Copies with a page mapped by another program: the page stays in memory, and reads return it
//! instead of the data on the medium.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::card::{ingest_ok, random_bytes, verify, write_file};
use crate::shoot::Shoot;
use crate::shoot::disk::Disk;
use crate::shoot::mounts::Mount;
use crate::skipped_tests::{find_installed, or_skip};

/// Python program that maps one page of a file until it is dropped.
struct PageHolder(Child);

impl PageHolder {
    fn new(path: &Path, offset: usize) -> Self {
        const SCRIPT: &str = "import mmap, sys; file = open(sys.argv[1], 'rb'); offset = int(sys.argv[2]); \
            held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ); held.madvise(mmap.MADV_RANDOM); \
            held[offset]; print('held', flush=True); sys.stdin.read()";
        let mut program = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(path)
            .arg(offset.to_string())
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

impl Drop for PageHolder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the path of each copy and how it was last read back.
fn read_back_methods(shoot: &Shoot) -> Vec<(String, String)> {
    let ingest = &shoot.run(&["ingests", "1", "--files", "--json"]).json()[0];
    let files = ingest["copies"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    files
        .map(|file| (text(&file["path"]), text(&file["copies"][0]["read_back"])))
        .collect()
}

#[test]
fn a_copy_with_a_mapped_page_counts_as_read_from_the_cache() {
    or_skip!(find_installed("python3"));
    let shoot = Shoot::new();
    let disk = or_skip!(Disk::new(&shoot.folder("images"), "RAID", 100));
    // With `data=journal`, ext4 reads through the page cache even if direct I/O is requested.
    let raid = shoot.folder("raid");
    let image = disk.image().to_str().unwrap().to_owned();
    let _mounted = Mount::new(&["-o", "loop,data=journal", &image], &raid);
    let card = shoot.folder("A001");
    for (name, length) in [
        ("small", 300_000),
        ("large", 5_000_000),
        ("other", 5_000_000),
    ] {
        write_file(&card, name, &random_bytes(7, length));
    }
    let summary = ingest_ok(&shoot, &[&card], &[&raid]);
    assert_eq!(summary["read_back"], "cache-dropped");
    for (name, offset) in [
        ("small", 0),
        ("small", 20 * 4096),
        ("large", 100 * 4096),
        ("large", 1219 * 4096),
    ] {
        let held = PageHolder::new(&raid.join(name), offset);
        assert_eq!(verify(&shoot, &raid).0, 0);
        for (copy, how) in read_back_methods(&shoot) {
            let expected = if copy == name {
                "cached"
            } else {
                "cache-dropped"
            };
            assert_eq!(how, expected, "{copy} while {offset} of {name} is mapped");
        }
        drop(held);
    }
    assert_eq!(verify(&shoot, &raid).0, 0);
    assert!(
        read_back_methods(&shoot)
            .iter()
            .all(|(_, how)| how == "cache-dropped")
    );
}
