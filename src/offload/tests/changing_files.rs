//! Tests of files that are written to while they are read.

use std::fs::{File, FileTimes};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::*;

/// Length of the file: several pieces.
const LENGTH: usize = 6 * buffers::PIECE;
/// Number of the `is_cancelled` call that writes to the file: some pieces have been read by then.
const CALL: usize = 5;

const LOCAL: Times = Times {
    is_own_clock: true,
    has_change_time: true,
};
const FAT: Times = Times {
    is_own_clock: true,
    has_change_time: false,
};

/// Copies a file that `write` changes during the read. Returns the setup and the events.
fn copied_while(times: Times, write: &(dyn Fn(&File) + Sync)) -> (CopySetup, Vec<Event>) {
    let setup = CopySetup::new(false);
    setup.put("C0001.MP4", &vec![1; LENGTH]);
    let path = setup.card().join("C0001.MP4");
    // The time is one hour old, so that the copy does not wait for a coarse clock.
    let hour = SystemTime::now() - Duration::from_secs(3600);
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(hour).unwrap();
    let tasks = setup.tasks();
    let calls = AtomicUsize::new(0);
    let is_cancelled = || {
        if calls.fetch_add(1, Ordering::SeqCst) + 1 == CALL {
            write(&File::options().write(true).open(&path).unwrap());
        }
        false
    };
    let events = setup.copy_with_times(times, &tasks, &is_cancelled);
    assert!(calls.into_inner() > CALL);
    (setup, events)
}

#[track_caller]
fn assert_rejected(setup: &CopySetup, events: &[Event], about: &str) {
    let reason = events.iter().find_map(|event| match event {
        Event::ReadFailed(0, reason) => Some(reason.as_str()),
        _ => None,
    });
    let reason = reason.unwrap_or_else(|| panic!("{about}: not noticed"));
    assert!(reason.contains("still recording"), "{about}: {reason}");
    for destination in &setup.destinations {
        assert!(names(&destination.folder).is_empty(), "{about}");
    }
}

#[test]
fn a_write_at_any_place_of_the_same_size_is_noticed() {
    for (position, offset) in [
        ("head", 100),
        ("middle", LENGTH / 2 + 12_345),
        ("tail", LENGTH - 10),
    ] {
        let (setup, events) = copied_while(LOCAL, &|file| {
            file.write_all_at(b"NEW!", offset as u64).unwrap();
        });
        assert_rejected(&setup, &events, position);
    }
}

#[test]
fn a_write_whose_time_is_restored_is_noticed() {
    for (name, times) in [("by the change time", LOCAL), ("by the content", FAT)] {
        let (setup, events) = copied_while(times, &|file| {
            let before = file.metadata().unwrap().modified().unwrap();
            file.write_all_at(b"NEW!", 100).unwrap();
            file.set_times(FileTimes::new().set_modified(before))
                .unwrap();
        });
        assert_rejected(&setup, &events, name);
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_noticed() {
    let setup = CopySetup::new(false);
    setup.put("C0001.MP4", &vec![1; LENGTH]);
    let (path, other) = (
        setup.card().join("C0001.MP4"),
        setup.folder.path().join("other"),
    );
    fs::write(&other, vec![2; LENGTH]).unwrap();
    let tasks = setup.tasks();
    let calls = AtomicUsize::new(0);
    let events = setup.copy_with_times(LOCAL, &tasks, &|| {
        if calls.fetch_add(1, Ordering::SeqCst) + 1 == CALL {
            let times = FileTimes::new().set_modified(path.metadata().unwrap().modified().unwrap());
            let file = File::options().write(true).open(&other).unwrap();
            file.set_times(times).unwrap();
            fs::rename(&other, &path).unwrap();
        }
        false
    });
    assert_rejected(&setup, &events, "replaced");
}

#[test]
fn a_write_between_listing_and_reading_is_noticed() {
    let setup = CopySetup::new(false);
    setup.put("C0001.MP4", &vec![1; LENGTH]);
    let tasks = setup.tasks();
    let file = File::options()
        .write(true)
        .open(setup.card().join("C0001.MP4"));
    file.unwrap().write_all_at(b"NEW!", 100).unwrap();
    assert_rejected(
        &setup,
        &setup.copy_with_times(LOCAL, &tasks, &|| false),
        "listed",
    );
}

#[test]
fn the_final_check_finds_writes_after_the_read() {
    let setup = CopySetup::new(false);
    for name in ["a", "b", "c"] {
        setup.put(name, name.as_bytes());
    }
    let tasks = setup.tasks();
    let mut seen = vec![None; tasks.len()];
    for event in setup.copy_with_times(LOCAL, &tasks, &|| false) {
        if let Event::Hashed(task, _, state) = event {
            seen[task] = Some(state);
        }
    }
    assert!(seen.iter().all(Option::is_some));
    let changed = || changed_since_read(&setup.card(), &tasks, &seen, LOCAL, &|| false);
    assert_eq!(changed(), Some(Vec::new()));
    fs::remove_file(setup.card().join("a")).unwrap();
    assert_eq!(
        changed(),
        Some(Vec::new()),
        "the copy of a removed file is still correct"
    );
    setup.put("c", b"C");
    assert_eq!(changed(), Some(vec![2]));
    fs::remove_dir_all(setup.card()).unwrap();
    assert_eq!(changed(), None);
}
