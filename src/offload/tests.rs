//! Tests of copying between ordinary folders. Device faults are tested in `tests/ingest`.

#[cfg(unix)]
mod changing_files;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::*;
use crate::source_file::modified;

/// Card and two destinations, all in one temporary folder.
struct CopySetup {
    folder: tempfile::TempDir,
    destinations: Vec<Destination>,
}

impl CopySetup {
    fn new(is_single: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("card")).unwrap();
        let destinations = ["raid", "backup"].map(|name| {
            let folder = folder.path().join(name);
            fs::create_dir(&folder).unwrap();
            Destination {
                base: folder.clone(),
                filesystem: super::filesystem(&folder),
                folder,
                is_share: false,
                is_single,
            }
        });
        Self {
            folder,
            destinations: destinations.to_vec(),
        }
    }

    fn card(&self) -> PathBuf {
        self.folder.path().join("card")
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.card().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn tasks(&self) -> Vec<CopyTask> {
        let files = list(&self.card(), &|| false).unwrap().files;
        let task = |item| CopyTask {
            item,
            known_hashes: None,
            is_verified: vec![false; 2],
            must_reread: false,
        };
        files.into_iter().map(task).collect()
    }

    fn copy(&self, tasks: &[CopyTask], is_cancelled: &(dyn Fn() -> bool + Sync)) -> Vec<Event> {
        let times = Times {
            is_own_clock: true,
            has_change_time: true,
        };
        self.copy_with_times(times, tasks, is_cancelled)
    }

    fn copy_with_times(
        &self,
        times: Times,
        tasks: &[CopyTask],
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let order = CopyOrder {
            source: &self.card(),
            is_share: false,
            times,
            listed: Instant::now(),
            destinations: &self.destinations,
            tasks,
            kinds: &[HashKind::Md5, HashKind::Xxh128],
            is_cancelled,
        };
        copy(&order, &mut |event| events.push(event));
        events
    }
}

fn outcomes_at(events: &[Event], destination: usize) -> Vec<(usize, CopyOutcome)> {
    let mut all: Vec<(usize, CopyOutcome)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Finished(task, at, outcome) if *at == destination => {
                Some((*task, outcome.clone()))
            }
            _ => None,
        })
        .collect();
    all.sort_by_key(|(task, _)| *task);
    all
}

fn names(folder: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name();
    let paths = entries.into_iter().map(|entry| entry.unwrap().into_path());
    paths
        .filter(|path| path.is_file())
        .map(|path| {
            path.strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn copies_hashes_and_verifies_everything_once() {
    for is_single in [false, true] {
        let setup = CopySetup::new(is_single);
        setup.put("a/C0001.MP4", &vec![7; 9_000_000]);
        setup.put("a/b/empty", b"");
        setup.put("INFO.XML", b"<x/>");
        for number in 0..200 {
            setup.put(&format!("many/{number:04}"), format!("{number}").as_bytes());
        }
        let tasks = setup.tasks();
        let events = setup.copy(&tasks, &|| false);
        for (number, destination) in setup.destinations.iter().enumerate() {
            let outcomes = outcomes_at(&events, number);
            assert_eq!(outcomes.len(), tasks.len());
            for (task, outcome) in outcomes {
                assert!(matches!(outcome, CopyOutcome::Copied(_)), "{outcome:?}");
                let inside = &tasks[task].item.inside;
                let copied = destination.folder.join(inside);
                assert_eq!(
                    fs::read(&copied).unwrap(),
                    fs::read(setup.card().join(inside)).unwrap()
                );
                assert_eq!(
                    modified(&copied.metadata().unwrap()),
                    tasks[task].item.modified
                );
            }
            assert_eq!(names(&destination.folder), names(&setup.card()));
        }
        let hashed = events.iter().find_map(|event| match event {
            Event::Hashed(0, hashes, _) => Some(hashes.iter().map(ToString::to_string).collect()),
            _ => None,
        });
        let hashed: Vec<String> = hashed.unwrap();
        // Output of `printf '<x/>' | md5sum` and `xxhsum -H128`.
        let expected = [
            "a8b594bf8dcca656fb1eb1b66344940a",
            "b086b417529213ecf390f75226bb4e72",
        ];
        assert_eq!(hashed[..], expected);
        let again = setup.copy(&tasks, &|| false);
        let same = outcomes_at(&again, 1);
        assert!(
            same.iter()
                .all(|(_, outcome)| matches!(outcome, CopyOutcome::Existed(_)))
        );
        assert!(
            !again
                .iter()
                .any(|event| matches!(event, Event::Written(..)))
        );
        let mut verified = tasks;
        for task in &mut verified {
            task.is_verified = vec![true; 2];
        }
        assert!(setup.copy(&verified, &|| false).is_empty());
    }
}

#[test]
fn nothing_is_ever_overwritten() {
    let setup = CopySetup::new(false);
    setup.put("same", b"0123");
    setup.put("other", b"4567");
    setup.put("longer", b"89");
    let raid = &setup.destinations[0].folder;
    for (name, text) in [("same", "0123"), ("other", "xxxx"), ("longer", "xxx")] {
        fs::write(raid.join(name), text).unwrap();
    }
    fs::create_dir(setup.destinations[1].folder.join("other")).unwrap();
    let events = setup.copy(&setup.tasks(), &|| false);
    let outcomes: Vec<CopyOutcome> = outcomes_at(&events, 0)
        .into_iter()
        .map(|(_, outcome)| outcome)
        .collect();
    assert!(
        matches!(
            outcomes[..],
            [
                CopyOutcome::Conflict,
                CopyOutcome::Conflict,
                CopyOutcome::Existed(_)
            ]
        ),
        "{outcomes:?}"
    );
    let there = outcomes_at(&events, 1);
    assert!(matches!(
        there[..],
        [
            (0, CopyOutcome::Copied(_)),
            (1, CopyOutcome::Conflict),
            (2, CopyOutcome::Copied(_))
        ]
    ));
    assert_eq!(fs::read(raid.join("other")).unwrap(), b"xxxx");
    assert_eq!(fs::read(raid.join("longer")).unwrap(), b"xxx");
    assert_eq!(names(raid), ["longer", "other", "same"]);
}

#[test]
fn rejects_the_copy_of_a_changing_source() {
    let setup = CopySetup::new(false);
    setup.put("grows", b"0123");
    setup.put("vanishes", b"4567");
    setup.put("stays", b"89");
    let mut tasks = setup.tasks();
    setup.put("grows", b"0123456");
    fs::remove_file(setup.card().join("vanishes")).unwrap();
    // Hashes of different content, as if from an earlier run.
    tasks[1].known_hashes = Some(vec![
        crate::checksum::hash_bytes(HashKind::Md5, b"88"),
        crate::checksum::hash_bytes(HashKind::Xxh128, b"88"),
    ]);
    let events = setup.copy(&tasks, &|| false);
    let mut unread: Vec<usize> = events
        .iter()
        .filter_map(|event| match event {
            Event::ReadFailed(task, _) => Some(*task),
            _ => None,
        })
        .collect();
    unread.sort_unstable();
    assert_eq!(unread, [0, 1, 2]);
    assert!(
        names(setup.folder.path())
            .iter()
            .all(|name| name.starts_with("card/"))
    );
}

#[test]
fn an_interrupted_copy_leaves_no_partial_files() {
    let setup = CopySetup::new(false);
    for number in 0..40 {
        setup.put(&format!("{number:02}"), &vec![number; 5_000_000]);
    }
    let tasks = setup.tasks();
    let calls = AtomicUsize::new(0);
    let events = setup.copy(&tasks, &|| calls.fetch_add(1, Ordering::SeqCst) >= 90);
    for (number, destination) in setup.destinations.iter().enumerate() {
        let outcomes = outcomes_at(&events, number);
        assert!(outcomes.len() < 40);
        assert_eq!(names(&destination.folder).len(), outcomes.len());
    }
    let events = setup.copy(&tasks, &|| false);
    assert_eq!(outcomes_at(&events, 0).len(), 40);
}

#[cfg(unix)]
#[test]
fn a_sparse_file_stays_sparse() {
    use std::os::unix::fs::MetadataExt;
    let setup = CopySetup::new(false);
    let path = setup.card().join("sparse.mov");
    let file = fs::File::create(&path).unwrap();
    file.set_len(300 * 1024 * 1024).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"end", 300 * 1024 * 1024 - 3).unwrap();
    drop(file);
    let events = setup.copy(&setup.tasks(), &|| false);
    assert!(matches!(
        outcomes_at(&events, 1)[..],
        [(0, CopyOutcome::Copied(_))]
    ));
    let copied = setup.destinations[1].folder.join("sparse.mov");
    assert!(copied.metadata().unwrap().blocks() < 20_000);
    assert_eq!(copied.metadata().unwrap().len(), 300 * 1024 * 1024);
}

#[cfg(unix)]
#[test]
fn one_folder_with_two_paths_counts_as_one_copy() {
    let mut setup = CopySetup::new(false);
    setup.put("a.bin", b"one");
    setup.put("b.bin", b"two");
    // Simulates a filesystem that treats `copy` and `COPY` as the same name.
    let again = setup.folder.path().join("again");
    std::os::unix::fs::symlink(&setup.destinations[0].folder, &again).unwrap();
    setup.destinations[1].folder = again;
    let events = setup.copy(&setup.tasks(), &|| false);
    let both: Vec<_> = (0..2)
        .flat_map(|destination| outcomes_at(&events, destination))
        .collect();
    let is_copied =
        |(_, outcome): &&(usize, CopyOutcome)| matches!(outcome, CopyOutcome::Copied(_));
    let is_refused = |(_, outcome): &&(usize, CopyOutcome)| matches!(outcome, CopyOutcome::Failed(reason) if reason.contains("it is a hard link"));
    assert_eq!(both.iter().filter(is_copied).count(), 2, "{both:?}");
    assert_eq!(both.iter().filter(is_refused).count(), 2, "{both:?}");
}
