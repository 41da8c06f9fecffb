//! The index as the commands use it: repaired automatically, and searched where nothing can be
//! written.

#[cfg(target_os = "linux")]
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shoot::Shoot;
#[cfg(target_os = "linux")]
use crate::shoot::{
    Answer, copy,
    disk::{Disk, ReadOnly},
};
use crate::skipped_tests::or_skip;
use serde_json::Value;

/// Writers during a rebuild.
const WRITERS: usize = 4;
const TURNS: usize = 12;

fn files(shoot: &Shoot) -> Vec<PathBuf> {
    let entries = fs::read_dir(shoot.catalogue().join("index")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Flips a bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_is_reported_once_and_repaired() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let search = |shoot: &Shoot| shoot.run(&["search", "--paths", "drummer"]);
    let expected = search(&shoot);
    assert_eq!((expected.code, expected.stderr.as_str()), (0, ""));
    let ending = |kind: &str| {
        let is = |path: &PathBuf| path.extension().is_some_and(|ending| ending == kind);
        files(&shoot).into_iter().find(is).unwrap()
    };
    for kind in ["term", "idx", "pos", "fast", "fieldnorm", "store"] {
        let path = ending(kind);
        flip(&path);
        let doctor = shoot.run(&["doctor"]);
        assert_eq!(doctor.code, 1, "{kind}: {}", doctor.stdout);
        assert!(doctor.stdout.contains("is damaged"), "{}", doctor.stdout);
        let answer = search(&shoot);
        assert_eq!(
            (answer.code, &answer.stdout),
            (0, &expected.stdout),
            "{kind}"
        );
        let name = path.file_name().unwrap().to_str().unwrap();
        let warning =
            format!("warning: the index is damaged ({name}); rebuilding it from the catalogue\n");
        assert_eq!(answer.stderr, warning);
        assert_eq!(search(&shoot).stderr, "");
    }
    let doctor = shoot.run(&["doctor", "--thorough"]);
    assert_eq!(doctor.code, 0, "{}", doctor.stdout);
    assert!(
        doctor
            .stdout
            .contains("ok     index      17 clips compared, all equal\n"),
        "{}",
        doctor.stdout
    );
}

#[test]
fn a_scan_repairs_the_index() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    for path in files(&shoot) {
        if path.extension().is_some_and(|ending| ending == "idx") {
            flip(&path);
        }
    }
    let added = shoot.add("Location Scout/old_tape.avi", "Day 9/newcomer.avi");
    // Different content, so it is a separate clip.
    let mut bytes = fs::read(&added).unwrap();
    bytes.extend([1; 100]);
    fs::write(&added, bytes).unwrap();
    let scan = shoot.scan_facts();
    assert!(
        scan.stderr.contains("the index is damaged"),
        "{}",
        scan.stderr
    );
    let answer = shoot.run(&["search", "--paths", "newcomer"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert_eq!(shoot.run(&["doctor", "--thorough"]).code, 0);
}

#[test]
fn rebuild_recreates_the_index_and_the_posters() {
    let shoot = Shoot::with_fixtures();
    let none = shoot.run(&["rebuild"]);
    assert_eq!(none.code, 1, "{}", none.stderr);
    shoot.scan();
    fs::remove_dir_all(shoot.catalogue().join("index")).unwrap();
    let answer = shoot.run(&["rebuild"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert!(
        answer.stdout.starts_with("indexed 17 clips in ") && answer.stdout.ends_with(" s\n"),
        "{}",
        answer.stdout
    );
    fs::remove_dir_all(shoot.catalogue().join("posters")).unwrap();
    let answer = shoot.run(&["rebuild", "--json"]);
    let lines: Vec<Value> = answer.json();
    assert_eq!((lines.len(), &lines[0]["clips"]), (1, &17.into()));
    assert_eq!(
        lines[0]["posters"], 13,
        "every clip with a picture has one again"
    );
    assert_eq!(shoot.run(&["rebuild", "--json"]).json()[0]["posters"], 0);
    assert_eq!(shoot.run(&["doctor", "--thorough"]).code, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_catalogue_can_be_searched() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let expected = shoot.run(&["search", "--paths", "drummer"]).stdout;
    let at = shoot.folder("read-only");
    let mounted = or_skip!(ReadOnly::mount(&shoot.catalogue(), &at));
    // Held open, so that SQLite's log exists even if SQLite would remove it in a read-only folder.
    let open = btsindex::catalogue::Catalogue::create(&shoot.catalogue()).unwrap();
    let search = || {
        let mut command = shoot.command();
        command.arg("--catalogue").arg(&mounted.0);
        command.args(["search", "--paths", "drummer"]);
        Answer::from_output(&command.output().unwrap())
    };
    let answer = search();
    assert_eq!(
        (answer.code, answer.stdout.as_str(), answer.stderr.as_str()),
        (0, expected.as_str(), ""),
        "an intact index is read in place"
    );
    let index = shoot.catalogue().join("index");
    for file in fs::read_dir(&index).unwrap() {
        let path = file.unwrap().path();
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let answer = search();
        assert_eq!(
            (answer.code, answer.stdout.as_str()),
            (0, expected.as_str()),
            "without {}: {}",
            path.display(),
            answer.stderr
        );
        fs::write(&path, whole).unwrap();
    }
    fs::remove_dir_all(&index).unwrap();
    let answer = search();
    assert_eq!(
        (answer.code, answer.stdout.as_str()),
        (0, expected.as_str())
    );
    assert!(
        answer
            .stderr
            .starts_with("the index cannot be written; using one in memory"),
        "{}",
        answer.stderr
    );
    drop(open);
}

#[test]
fn rebuilds_during_concurrent_edits_lose_no_note() {
    let shoot = Shoot::new();
    let clips = ["a.avi", "b.avi"];
    for (at, name) in clips.iter().enumerate() {
        let path = shoot.add("Location Scout/old_tape.avi", name);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend([u8::try_from(at).unwrap(); 100]);
        fs::write(&path, bytes).unwrap();
    }
    shoot.scan_facts();
    // Every note replaces one of two documents, so segments are emptied all the time.
    let note = |writer: usize, turn: usize| {
        let text = format!("said{writer}x{turn}e");
        let answer = shoot.run(&["note", &text, clips[(writer + turn) % clips.len()]]);
        assert_eq!((answer.code, answer.stderr.contains("warning")), (0, false));
    };
    let left = std::sync::atomic::AtomicUsize::new(WRITERS);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (note, left) = (&note, &left);
            scope.spawn(move || {
                (0..TURNS).for_each(|turn| note(writer, turn));
                left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            });
        }
        while left.load(std::sync::atomic::Ordering::SeqCst) > 0 {
            let answer = shoot.run(&["rebuild", "--no-pictures"]);
            assert_eq!(answer.code, 0, "{}", answer.stderr);
            let doctor = shoot.run(&["doctor"]);
            assert_eq!(doctor.code, 0, "{}", doctor.stdout);
        }
    });
    for (writer, turn) in (0..WRITERS).flat_map(|writer| (0..TURNS).map(move |turn| (writer, turn)))
    {
        let text = format!("said{writer}x{turn}e");
        let count = shoot
            .clips()
            .iter()
            .filter(|clip| clip["notes"].to_string().contains(&text))
            .count();
        assert_eq!(count, 1, "{text}");
    }
    shoot.assert_consistent("after the rebuilds");
}

/// Disk image in which one bit of the file's first block is flipped.
#[cfg(target_os = "linux")]
fn corrupted_image(image: &[u8], file: &[u8]) -> Vec<u8> {
    let mut image = image.to_owned();
    let block = &file[..file.len().min(1024)];
    let places = (0..image.len()).step_by(1024);
    // Blocks of removed files may have the same content.
    let found: Vec<usize> = places
        .filter(|&at| image[at..].starts_with(block))
        .collect();
    assert!(
        !found.is_empty(),
        "the first block of the file was not found"
    );
    for at in found {
        image[at + block.len() / 2] ^= 4;
    }
    image
}

#[cfg(target_os = "linux")]
#[test]
fn disk_corruption_is_found_by_the_first_search_after_a_remount() {
    let shoot = Shoot::with_fixtures();
    shoot.scan_facts();
    let folder = shoot.folder("disks");
    let mut disk = or_skip!(Disk::new(&folder, "CATALOGUE", 16));
    let at = folder.join("at");
    disk.mount(&at);
    copy(&shoot.catalogue(), &at.join("catalogue"));
    let search = || {
        let mut command = shoot.command();
        command.arg("--catalogue").arg(at.join("catalogue"));
        command.args(["search", "--paths", "drummer"]);
        Answer::from_output(&command.output().unwrap())
    };
    let expected = search();
    assert_eq!((expected.code, expected.stderr.as_str()), (0, ""));
    let ending = |kind: &'static str| {
        move |path: &&PathBuf| path.extension().is_some_and(|extension| extension == kind)
    };
    let listing = || -> BTreeSet<PathBuf> {
        let entries = fs::read_dir(at.join("catalogue/index")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let is_remembered = |path: &PathBuf| {
        let memo = fs::read_to_string(at.join("catalogue/index/checked.json")).unwrap_or_default();
        memo.contains(path.file_name().unwrap().to_str().unwrap())
    };
    // A search may merge segments after its answer and remove their files. The files are chosen
    // once a search leaves the listing unchanged and finds them old enough to remember.
    let files = loop {
        let all = listing();
        assert_eq!(search().stderr, "");
        let files = ["term", "idx", "pos", "fast", "fieldnorm"]
            .map(|kind| all.iter().find(ending(kind)).unwrap().clone());
        if listing() == all && files.iter().all(is_remembered) {
            break files;
        }
    };
    let before = files
        .each_ref()
        .map(|path| (fs::read(path).unwrap(), path.metadata().unwrap()));
    disk.unmount();
    let image = fs::read(disk.image()).unwrap();
    for (number, (path, (bytes, metadata))) in files.iter().zip(before).enumerate() {
        // A separate disk image each time: while another process has the loop device open, the next
        // mount of the same image reuses that device with its cached content.
        let mut disk = disk.clone_to(&folder.join(format!("{number}.img")));
        fs::write(disk.image(), corrupted_image(&image, &bytes)).unwrap();
        disk.mount(&at);
        assert!(fs::read(path).unwrap() != bytes, "the file is corrupted");
        assert_eq!(
            stamp(&path.metadata().unwrap()),
            stamp(&metadata),
            "the metadata reveals the corruption"
        );
        let answer = search();
        let name = path.display();
        assert!(
            answer.stderr.contains("the index is damaged"),
            "{name}: {}",
            answer.stderr
        );
        assert_eq!(
            (answer.code, &answer.stdout),
            (0, &expected.stdout),
            "{name}"
        );
        disk.unmount();
    }
}

/// All metadata by which the catalogue recognizes an index file.
#[cfg(target_os = "linux")]
fn stamp(metadata: &fs::Metadata) -> [i64; 6] {
    use std::os::linux::fs::MetadataExt;
    let number = |number: u64| i64::try_from(number).unwrap();
    [
        number(metadata.st_size()),
        number(metadata.st_ino()),
        metadata.st_mtime(),
        metadata.st_mtime_nsec(),
        metadata.st_ctime(),
        metadata.st_ctime_nsec(),
    ]
}
