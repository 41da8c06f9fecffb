//! Copies within ordinary folders; device faults are tested in `tests/ingest`.

#[cfg(unix)]
mod torn;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::source_file::modified;

/// A card and two destinations in one folder.
struct Set {
    folder: tempfile::TempDir,
    destinations: Vec<Destination>,
}

impl Set {
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
        let files = list(&self.card(), &|| true).unwrap().files;
        let task = |item| CopyTask {
            item,
            known: None,
            is_proved: vec![false; 2],
            is_doubted: false,
        };
        files.into_iter().map(task).collect()
    }

    fn copy(&self, tasks: &[CopyTask], go_on: &(dyn Fn() -> bool + Sync)) -> Vec<Event> {
        let times = Times {
            is_own_clock: true,
            has_change_time: true,
        };
        self.copy_by(times, tasks, go_on)
    }

    fn copy_by(
        &self,
        times: Times,
        tasks: &[CopyTask],
        go_on: &(dyn Fn() -> bool + Sync),
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
            go_on,
        };
        copy(&order, &mut |event| events.push(event));
        events
    }
}

fn settled(events: &[Event], place: usize) -> Vec<(usize, CopyOutcome)> {
    let mut all: Vec<(usize, CopyOutcome)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Settled(task, at, outcome) if *at == place => Some((*task, outcome.clone())),
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
fn all_is_copied_hashed_and_proved_and_a_second_time_nothing() {
    for is_single in [false, true] {
        let set = Set::new(is_single);
        set.put("a/C0001.MP4", &vec![7; 9_000_000]);
        set.put("a/b/empty", b"");
        set.put("INFO.XML", b"<x/>");
        for number in 0..200 {
            set.put(&format!("many/{number:04}"), format!("{number}").as_bytes());
        }
        let tasks = set.tasks();
        let events = set.copy(&tasks, &|| true);
        for (place, destination) in set.destinations.iter().enumerate() {
            let settled = settled(&events, place);
            assert_eq!(settled.len(), tasks.len());
            for (task, outcome) in settled {
                assert!(matches!(outcome, CopyOutcome::Copied(_)), "{outcome:?}");
                let inside = &tasks[task].item.inside;
                let copied = destination.folder.join(inside);
                assert_eq!(
                    fs::read(&copied).unwrap(),
                    fs::read(set.card().join(inside)).unwrap()
                );
                assert_eq!(
                    modified(&copied.metadata().unwrap()),
                    tasks[task].item.modified
                );
            }
            assert_eq!(names(&destination.folder), names(&set.card()));
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
        let again = set.copy(&tasks, &|| true);
        let same = settled(&again, 1);
        assert!(
            same.iter()
                .all(|(_, outcome)| matches!(outcome, CopyOutcome::WasThere(_)))
        );
        assert!(
            !again
                .iter()
                .any(|event| matches!(event, Event::Written(..)))
        );
        let mut proved = tasks;
        for task in &mut proved {
            task.is_proved = vec![true; 2];
        }
        assert!(set.copy(&proved, &|| true).is_empty());
    }
}

#[test]
fn nothing_is_ever_overwritten() {
    let set = Set::new(false);
    set.put("same", b"0123");
    set.put("other", b"4567");
    set.put("longer", b"89");
    let raid = &set.destinations[0].folder;
    for (name, text) in [("same", "0123"), ("other", "xxxx"), ("longer", "xxx")] {
        fs::write(raid.join(name), text).unwrap();
    }
    fs::create_dir(set.destinations[1].folder.join("other")).unwrap();
    let events = set.copy(&set.tasks(), &|| true);
    let outcomes: Vec<CopyOutcome> = settled(&events, 0)
        .into_iter()
        .map(|(_, outcome)| outcome)
        .collect();
    assert!(
        matches!(
            outcomes[..],
            [
                CopyOutcome::Other,
                CopyOutcome::Other,
                CopyOutcome::WasThere(_)
            ]
        ),
        "{outcomes:?}"
    );
    let there = settled(&events, 1);
    assert!(matches!(
        there[..],
        [
            (0, CopyOutcome::Copied(_)),
            (1, CopyOutcome::Other),
            (2, CopyOutcome::Copied(_))
        ]
    ));
    assert_eq!(fs::read(raid.join("other")).unwrap(), b"xxxx");
    assert_eq!(fs::read(raid.join("longer")).unwrap(), b"xxx");
    assert_eq!(names(raid), ["longer", "other", "same"]);
}

#[test]
fn a_source_that_changes_is_no_copy() {
    let set = Set::new(false);
    set.put("grows", b"0123");
    set.put("vanishes", b"4567");
    set.put("stays", b"89");
    let mut tasks = set.tasks();
    set.put("grows", b"0123456");
    fs::remove_file(set.card().join("vanishes")).unwrap();
    // The file's content differs from the hashes of an earlier run.
    tasks[1].known = Some(vec![
        crate::checksum::hash_bytes(HashKind::Md5, b"88"),
        crate::checksum::hash_bytes(HashKind::Xxh128, b"88"),
    ]);
    let events = set.copy(&tasks, &|| true);
    let mut unread: Vec<usize> = events
        .iter()
        .filter_map(|event| match event {
            Event::Unread(task, _) => Some(*task),
            _ => None,
        })
        .collect();
    unread.sort_unstable();
    assert_eq!(unread, [0, 1, 2]);
    assert!(
        names(set.folder.path())
            .iter()
            .all(|name| name.starts_with("card/"))
    );
}

#[test]
fn what_is_interrupted_leaves_nothing_half_done() {
    let set = Set::new(false);
    for number in 0..40 {
        set.put(&format!("{number:02}"), &vec![number; 5_000_000]);
    }
    let tasks = set.tasks();
    let asked = AtomicUsize::new(0);
    let events = set.copy(&tasks, &|| asked.fetch_add(1, Ordering::SeqCst) < 90);
    for (place, destination) in set.destinations.iter().enumerate() {
        let settled = settled(&events, place);
        assert!(settled.len() < 40);
        assert_eq!(names(&destination.folder).len(), settled.len());
    }
    let events = set.copy(&tasks, &|| true);
    assert_eq!(settled(&events, 0).len(), 40);
}

#[cfg(unix)]
#[test]
fn a_sparse_file_stays_sparse() {
    use std::os::unix::fs::MetadataExt;
    let set = Set::new(false);
    let path = set.card().join("sparse.mov");
    let file = fs::File::create(&path).unwrap();
    file.set_len(300 * 1024 * 1024).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"end", 300 * 1024 * 1024 - 3).unwrap();
    drop(file);
    let events = set.copy(&set.tasks(), &|| true);
    assert!(matches!(
        settled(&events, 1)[..],
        [(0, CopyOutcome::Copied(_))]
    ));
    let copied = set.destinations[1].folder.join("sparse.mov");
    assert!(copied.metadata().unwrap().blocks() < 20_000);
    assert_eq!(copied.metadata().unwrap().len(), 300 * 1024 * 1024);
}

#[cfg(unix)]
#[test]
fn one_folder_by_two_names_is_one_copy() {
    let mut set = Set::new(false);
    set.put("a.bin", b"one");
    set.put("b.bin", b"two");
    // Like a filesystem that treats `copy` and `COPY` as the same name.
    let again = set.folder.path().join("again");
    std::os::unix::fs::symlink(&set.destinations[0].folder, &again).unwrap();
    set.destinations[1].folder = again;
    let events = set.copy(&set.tasks(), &|| true);
    let both: Vec<_> = (0..2).flat_map(|place| settled(&events, place)).collect();
    let is_copied =
        |(_, outcome): &&(usize, CopyOutcome)| matches!(outcome, CopyOutcome::Copied(_));
    let is_refused = |(_, outcome): &&(usize, CopyOutcome)| matches!(outcome, CopyOutcome::Failed(reason) if reason.contains("a hard link is not a copy"));
    assert_eq!(both.iter().filter(is_copied).count(), 2, "{both:?}");
    assert_eq!(both.iter().filter(is_refused).count(), 2, "{both:?}");
}
