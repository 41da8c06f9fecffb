//! Files that are written to while they are read.

use std::fs::{File, FileTimes};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::*;

/// Bytes of the file: several pieces.
const LENGTH: usize = 6 * buffers::PIECE;
/// Number of the `go_on` call during which the file is written to: some pieces have been read by
/// then.
const CALL: usize = 5;

const LOCAL: Times = Times {
    is_own_clock: true,
    has_change_time: true,
};
const FAT: Times = Times {
    is_own_clock: true,
    has_change_time: false,
};

/// Copies a file while `write` writes to it; returns the events.
fn copied_while(times: Times, write: &(dyn Fn(&File) + Sync)) -> (Set, Vec<Event>) {
    let set = Set::new(false);
    set.put("C0001.MP4", &vec![1; LENGTH]);
    let path = set.card().join("C0001.MP4");
    // One hour old, so that the copy does not wait for a coarse clock.
    let hour = SystemTime::now() - Duration::from_secs(3600);
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(hour).unwrap();
    let tasks = set.tasks();
    let calls = AtomicUsize::new(0);
    let go_on = || {
        if calls.fetch_add(1, Ordering::SeqCst) + 1 == CALL {
            write(&File::options().write(true).open(&path).unwrap());
        }
        true
    };
    let events = set.copy_by(times, &tasks, &go_on);
    assert!(calls.into_inner() > CALL);
    (set, events)
}

#[track_caller]
fn is_refused(set: &Set, events: &[Event], about: &str) {
    let reason = events.iter().find_map(|event| match event {
        Event::Unread(0, reason) => Some(reason.as_str()),
        _ => None,
    });
    let reason = reason.unwrap_or_else(|| panic!("{about}: not noticed"));
    assert!(reason.contains("still recording"), "{about}: {reason}");
    for destination in &set.destinations {
        assert!(names(&destination.folder).is_empty(), "{about}");
    }
}

#[test]
fn a_write_at_any_place_of_the_same_size_is_noticed() {
    for (place, offset) in [
        ("head", 100),
        ("middle", LENGTH / 2 + 12_345),
        ("tail", LENGTH - 10),
    ] {
        let (set, events) = copied_while(LOCAL, &|file| {
            file.write_all_at(b"NEW!", offset as u64).unwrap();
        });
        is_refused(&set, &events, place);
    }
}

#[test]
fn a_write_whose_time_is_restored_is_noticed() {
    for (name, times) in [("by the change time", LOCAL), ("by the content", FAT)] {
        let (set, events) = copied_while(times, &|file| {
            let before = file.metadata().unwrap().modified().unwrap();
            file.write_all_at(b"NEW!", 100).unwrap();
            file.set_times(FileTimes::new().set_modified(before))
                .unwrap();
        });
        is_refused(&set, &events, name);
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_noticed() {
    let set = Set::new(false);
    set.put("C0001.MP4", &vec![1; LENGTH]);
    let (path, other) = (
        set.card().join("C0001.MP4"),
        set.folder.path().join("other"),
    );
    fs::write(&other, vec![2; LENGTH]).unwrap();
    let tasks = set.tasks();
    let calls = AtomicUsize::new(0);
    let events = set.copy_by(LOCAL, &tasks, &|| {
        if calls.fetch_add(1, Ordering::SeqCst) + 1 == CALL {
            let times = FileTimes::new().set_modified(path.metadata().unwrap().modified().unwrap());
            let file = File::options().write(true).open(&other).unwrap();
            file.set_times(times).unwrap();
            fs::rename(&other, &path).unwrap();
        }
        true
    });
    is_refused(&set, &events, "replaced");
}

#[test]
fn a_write_between_listing_and_reading_is_noticed() {
    let set = Set::new(false);
    set.put("C0001.MP4", &vec![1; LENGTH]);
    let tasks = set.tasks();
    let file = File::options()
        .write(true)
        .open(set.card().join("C0001.MP4"));
    file.unwrap().write_all_at(b"NEW!", 100).unwrap();
    is_refused(&set, &set.copy_by(LOCAL, &tasks, &|| true), "listed");
}

#[test]
fn the_final_check_finds_writes_after_the_read() {
    let set = Set::new(false);
    for name in ["a", "b", "c"] {
        set.put(name, name.as_bytes());
    }
    let tasks = set.tasks();
    let mut seen = vec![None; tasks.len()];
    for event in set.copy_by(LOCAL, &tasks, &|| true) {
        if let Event::Hashed(task, _, sighting) = event {
            seen[task] = Some(sighting);
        }
    }
    assert!(seen.iter().all(Option::is_some));
    let written = || written_since(&set.card(), &tasks, &seen, LOCAL, &|| true);
    assert_eq!(written(), Some(Vec::new()));
    fs::remove_file(set.card().join("a")).unwrap();
    assert_eq!(written(), Some(Vec::new()), "its copy is what it was");
    set.put("c", b"C");
    assert_eq!(written(), Some(vec![2]));
    fs::remove_dir_all(set.card()).unwrap();
    assert_eq!(written(), None);
}
