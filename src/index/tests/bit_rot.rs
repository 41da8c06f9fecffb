//! Tests of bit rot, which changes neither the times, the size nor the inode of a file.

use std::fs::{File, FileTimes};
use std::os::unix::fs::FileExt;

use super::super::checksums::{self, CheckLimits, CheckMode, forge};
use super::*;

/// Limits under which all recorded checks are accepted and no recorded file is read.
const READ_NOTHING_DUE: CheckLimits = CheckLimits { always: 0, due: 0 };
/// Limits under which all due files are read before an answer.
const READ_ALL_DUE: CheckLimits = CheckLimits {
    always: 0,
    due: u64::MAX,
};

/// Creates an index of two segments, one with deleted documents.
fn two_segments() -> TestCatalogue {
    let test = TestCatalogue::with(60);
    test.catch_up();
    test.add(50..80);
    test.catch_up();
    test
}

/// Flips a bit of a file without changing its length, times or inode.
fn flip_bit(path: &Path, bit: usize) {
    let metadata = path.metadata().unwrap();
    let file = File::options().read(true).write(true).open(path).unwrap();
    let (mut byte, offset) = ([0], u64::try_from(bit / 8).unwrap());
    file.read_exact_at(&mut byte, offset).unwrap();
    byte[0] ^= 1 << (bit % 8);
    file.write_all_at(&byte, offset).unwrap();
    let times = FileTimes::new()
        .set_modified(metadata.modified().unwrap())
        .set_accessed(metadata.accessed().unwrap());
    file.set_times(times).unwrap();
}

/// Records every file as checked in its current state, because a test cannot restore the ctime.
fn mark_as_checked(test: &TestCatalogue, read: i64, mount: Option<&str>) {
    forge(&test.index(), &names(test), read, mount);
}

fn names(test: &TestCatalogue) -> Vec<String> {
    let directory = IndexFolder::open(&test.index()).unwrap();
    files(
        &tantivy::Index::open(directory)
            .unwrap()
            .load_metas()
            .unwrap(),
    )
}

/// Returns the file that a check with these limits finds damaged.
fn find_damage(test: &TestCatalogue, limits: CheckLimits) -> Option<String> {
    checksums::verify_files(&test.index(), &names(test), CheckMode::UseRecords(limits)).err()
}

fn today_seconds() -> i64 {
    crate::catalogue::unix_seconds()
}

#[test]
fn the_next_search_finds_rot_in_each_kind_of_file() {
    let test = two_segments();
    let expected = test.search_all(&mut Vec::new());
    let mut state = 0x2545_f491_4f6c_dd1d;
    for kind in ["term", "idx", "pos", "fast", "fieldnorm", "store", "del"] {
        let is_kind = |name: &String| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == kind)
        };
        let name = names(&test).into_iter().find(is_kind).unwrap();
        let path = test.index().join(&name);
        let bits = usize::try_from(path.metadata().unwrap().len()).unwrap() * 8;
        flip_bit(&path, random(&mut state) % bits);
        mark_as_checked(&test, today_seconds(), None);
        assert_eq!(
            find_damage(&test, READ_NOTHING_DUE),
            None,
            "bit rot in {name} was noticed without reading the file"
        );
        let mut notices = Vec::new();
        assert_eq!(
            test.search_all_with_one_finder(&mut notices),
            expected,
            "{name}"
        );
        assert_eq!(notices, [IndexNotice::Damaged { file: name }]);
        // Restores the initial state: two segments and deleted documents.
        test.add(50..80);
        Index::current(&test.catalogue, "test", &mut |_| ()).unwrap();
    }
}

#[test]
fn a_file_is_due_after_a_day_a_restart_or_a_remount() {
    let test = two_segments();
    let path = test.index().join(&names(&test)[0]);
    flip_bit(&path, 77);
    let now = today_seconds();
    let damaged = names(&test).first().cloned();
    for (read, mount, is_due) in [
        (now, None, false),
        (now - 86_000, None, false),
        (now - 86_400, None, true),
        (0, None, true),
        (i64::MIN, None, true),
        // Simulates a record written with a wrong clock.
        (now + 1000, None, true),
        (i64::MAX, None, true),
        (now, Some("0a0b/12"), true),
        (now, Some(""), true),
    ] {
        mark_as_checked(&test, read, mount);
        assert_eq!(find_damage(&test, READ_NOTHING_DUE), None);
        let found = find_damage(&test, READ_ALL_DUE);
        assert_eq!(found.is_some(), is_due, "{read} {mount:?}");
        assert!(found.is_none() || found == damaged);
    }
}

#[test]
fn due_files_are_checked_within_limits_and_the_rest_after_the_answer() {
    let test = two_segments();
    let names = names(&test);
    let length = |name: &String| test.index().join(name).metadata().unwrap().len();
    let largest = names
        .iter()
        .max_by_key(|name| length(name))
        .unwrap()
        .clone();
    let others: u64 = names.iter().map(&length).sum::<u64>() - length(&largest);
    mark_as_checked(&test, 0, None);
    flip_bit(&test.index().join(&largest), 801);
    mark_as_checked(&test, 0, None);
    let limits = |due| CheckLimits { always: 0, due };
    assert_eq!(find_damage(&test, limits(others)), None);
    assert_eq!(find_damage(&test, limits(u64::MAX)), Some(largest.clone()));
    // A limit of two bytes checks one file at a time.
    let read = || checksums::verify_due_files(&test.index(), &names, 2);
    let mut reads = 1;
    while read().is_ok() {
        reads += 1;
        assert!(
            reads <= names.len(),
            "every file was read without finding the damage"
        );
    }
    // The file no longer has a record, so it is read before it is used.
    assert_eq!(find_damage(&test, READ_NOTHING_DUE), Some(largest));
}

#[test]
fn rot_found_after_an_answer_is_reported_and_repaired() {
    let test = two_segments();
    let expected = test.search_all(&mut Vec::new());
    let name = names(&test).pop().unwrap();
    flip_bit(&test.index().join(&name), 99);
    mark_as_checked(&test, 0, None);
    let mut notices = Vec::new();
    Index::recheck(&test.catalogue, u64::MAX, &mut |notice| {
        notices.push(notice.clone());
    })
    .unwrap();
    assert_eq!(notices, [IndexNotice::DamagedAfterSearch { file: name }]);
    assert_eq!(test.search_all(&mut notices), expected);
    assert_eq!(notices.len(), 1, "{notices:?}");
    test.assert_equal(80);
}

#[test]
fn a_rechecked_file_is_not_due_for_a_day() {
    let test = two_segments();
    mark_as_checked(&test, 0, Some("another"));
    let names = names(&test);
    let due = || {
        let mode = CheckMode::UseRecords(READ_NOTHING_DUE);
        checksums::verify_files(&test.index(), &names, mode)
            .unwrap()
            .due
            .len()
    };
    assert_eq!(due(), names.len());
    Index::recheck(&test.catalogue, u64::MAX, &mut |notice| panic!("{notice}")).unwrap();
    assert_eq!(due(), 0);
}

#[test]
fn a_search_that_panics_is_answered_by_a_rebuilt_index() {
    let test = two_segments();
    let first = AtomicBool::new(true);
    let mut notices = Vec::new();
    let mut on_notice = |notice: &IndexNotice| notices.push(notice.clone());
    let mut finder = Finder::open(&test.catalogue, &mut on_notice).unwrap();
    let answer = finder.run(&mut on_notice, |index, _| {
        assert!(
            !first.swap(false, Ordering::SeqCst),
            "simulates a panic of tantivy"
        );
        Ok(index.count())
    });
    assert_eq!(answer.unwrap(), 80);
    assert_eq!(notices, [IndexNotice::Inconsistent]);
}

#[test]
fn a_rebuilt_index_that_fails_again_is_replaced_by_one_in_memory() {
    let test = two_segments();
    let mut finder = Finder::open(&test.catalogue, &mut |_| ()).unwrap();
    let answer = finder.run(&mut |_| (), |index, _| {
        // Only an index in memory has no files.
        assert!(index.files.is_empty(), "simulates a failing disk");
        Ok(index.count())
    });
    assert_eq!(answer.unwrap(), 80);
}

#[test]
fn a_search_that_fails_while_another_process_keeps_the_lock_is_answered_from_memory() {
    let test = two_segments();
    let held = lock::attempt(&test.folder.path().join("index.lock"), "scan").unwrap();
    assert!(matches!(held, Attempt::Held(_)));
    let mut notices = Vec::new();
    let mut record = |notice: &IndexNotice| notices.push(notice.clone());
    let mut finder = Finder::open(&test.catalogue, &mut record).unwrap();
    finder.lock_timeout = Duration::ZERO;
    let mut search = || {
        let answer = finder.run(&mut record, |index, _| {
            assert!(
                index.files.is_empty(),
                "simulates a failure of the index on disk"
            );
            Ok(index.count())
        });
        answer.unwrap()
    };
    assert_eq!((search(), search()), (80, 80));
    let holder = format!("process {} (scan)", std::process::id());
    let reason = "another process is still writing it".to_owned();
    let expected = [
        IndexNotice::Inconsistent,
        IndexNotice::Waiting { holder },
        IndexNotice::InMemory { reason },
    ];
    assert_eq!(
        notices, expected,
        "the second search uses the index in memory"
    );
    drop(held);
    test.assert_equal(80);
}

#[test]
fn a_failing_index_that_cannot_be_rebuilt_is_replaced_by_one_in_memory() {
    let test = two_segments();
    let mut notices = Vec::new();
    let mut record = |notice: &IndexNotice| notices.push(notice.clone());
    let mut finder = Finder::open(&test.catalogue, &mut record).unwrap();
    fs::remove_dir_all(test.index()).unwrap();
    fs::create_dir(test.index()).unwrap();
    fs::write(test.index().join("precious.mov"), "footage").unwrap();
    let answer = finder.run(&mut record, |index, _| {
        assert!(
            index.files.is_empty(),
            "simulates a failure of the index on disk"
        );
        Ok(index.count())
    });
    assert_eq!(answer.unwrap(), 80);
    assert!(
        matches!(
            notices[..],
            [IndexNotice::Inconsistent, IndexNotice::InMemory { .. }]
        ),
        "{notices:?}"
    );
    assert_eq!(
        files_in(&test.index()).len(),
        1,
        "the foreign folder was changed"
    );
}

#[test]
fn an_impossible_result_rebuilds_the_index() {
    let test = two_segments();
    let expected = test.search_all(&mut Vec::new());
    let clip = |number: i64| test.catalogue.clip(number).unwrap().unwrap();
    // An id without a clip, an id that exceeds `i64`, id 0, and a duplicate clip.
    for number in [1000, u64::MAX, 0, 7] {
        let index = test.open();
        let mut writer = new_writer(&index.inner, SMALL_MEMORY).unwrap();
        let document = index.columns.document(number, &clip(7));
        writer.add_document(document).unwrap();
        let payload = CommitPayload {
            catalogue: test.catalogue.uuid().unwrap(),
            seq: test.catalogue.seq().unwrap(),
            documents: DOCUMENT_VERSION,
        };
        let mut commit = writer.prepare_commit().unwrap();
        commit.set_payload(&serde_json::to_string(&payload).unwrap());
        commit.commit().unwrap();
        drop((writer, index));
        let mut notices = Vec::new();
        assert_eq!(
            test.search_all_with_one_finder(&mut notices),
            expected,
            "{number}"
        );
        assert_eq!(notices, [IndexNotice::Inconsistent]);
        test.assert_equal(80);
    }
}

#[test]
fn an_index_with_an_invalid_seq_is_rebuilt() {
    let test = two_segments();
    for seq in [-1, 0, i64::MIN, i64::MAX] {
        write_payload(
            &test,
            &CommitPayload {
                catalogue: test.catalogue.uuid().unwrap(),
                seq,
                documents: DOCUMENT_VERSION,
            },
        );
        let mut notices = Vec::new();
        assert_eq!(test.search("take", &mut notices).len(), 80, "{seq}");
        assert!(
            matches!(notices[..], [IndexNotice::Rebuilt { .. }]),
            "{notices:?}"
        );
        test.assert_equal(80);
    }
}
