//! Tests that searches return correct results whatever happens to the index files.

#[cfg(unix)]
mod bit_rot;
mod merging;
mod test_catalogue;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use tantivy_fst::Automaton;

use super::commit_payload::CommitPayload;
use super::directory::IndexFolder;
use super::document::DOCUMENT_VERSION;
use super::merge::MergeEffort;
use super::open::{MARKER_FILE, META_FILE, files};
use super::updater::{SMALL_MEMORY, new_writer};
use super::*;
use crate::catalogue::{Catalogue, ReadOutcome, Reading};
use crate::clip::{Clip, Fact, Source};
use crate::error::Error;
use crate::footage::{FoundFile, Role};
use crate::lock::{self, Attempt};
use crate::query::{Context, Query, today};
use crate::value::Fingerprint;
use crate::volume::Volumes;
use test_catalogue::TestCatalogue;

/// Returns true if an automaton accepts a word, byte by byte.
pub(super) fn accepts(automaton: &impl Automaton, word: &str) -> bool {
    let mut state = automaton.start();
    for byte in word.bytes() {
        state = automaton.accept(&state, byte);
    }
    automaton.is_match(&state)
}

const QUERIES: [&str; 10] = [
    "drummer",
    "crane rehearsal",
    "camera:fx3",
    "model:venice",
    "c0017",
    "day_2",
    "width:3840",
    "laughing model:venice",
    "comment:wrap",
    "nothingatall",
];

fn find(
    query: &Query,
    catalogue: &Catalogue,
    limit: usize,
    on_notice: &mut dyn FnMut(&IndexNotice),
) -> Result<Hits, Error> {
    Finder::open(catalogue, on_notice)?.find(query, &SortOrder::default(), limit, on_notice)
}

/// Reads every file of a folder.
fn files_in(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn restore(folder: &Path, files: &[(PathBuf, Vec<u8>)]) {
    fs::remove_dir_all(folder).unwrap();
    fs::create_dir(folder).unwrap();
    for (path, bytes) in files {
        fs::write(path, bytes).unwrap();
    }
}

/// Returns a pseudo-random number; the sequence is the same in each run.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 16).unwrap()
}

/// Returns damaged versions of a file: flipped bits, truncations, and `None` for a missing file.
fn damages(bytes: &[u8], state: &mut u64) -> Vec<Option<Vec<u8>>> {
    let bits = bytes.len() * 8;
    let mut damages = vec![None];
    if bits > 0 {
        let flips = [0, bits - 1, random(state) % bits];
        damages.extend(flips.map(|bit| {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            Some(flipped)
        }));
        let cuts = [0, random(state) % bytes.len()];
        damages.extend(cuts.map(|length| Some(bytes[..length].to_vec())));
    }
    damages
}

#[test]
fn every_search_returns_the_same_result_after_any_damage_to_a_file() {
    // `BTSINDEX_CLIPS` sets the number of clips, for example 3000 in a release build.
    let clips = std::env::var("BTSINDEX_CLIPS").map_or(70, |clips| clips.parse().unwrap());
    let test = TestCatalogue::with(clips);
    test.catch_up();
    // Creates several segments, one with deleted documents.
    test.add(clips - 10..clips + 20);
    test.catch_up();
    test.add(clips + 15..clips + 25);
    test.catch_up();
    assert!(test.open().segments().len() > 1);
    let expected = test.search_all(&mut Vec::new());
    assert!(
        expected[..9].iter().all(|found| !found.is_empty()),
        "{expected:?}"
    );
    let whole = files_in(&test.index());
    assert!(
        whole
            .iter()
            .any(|(path, _)| path.extension().is_some_and(|kind| kind == "del"))
    );
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let (mut reported, mut all) = (0, 0);
    for (path, bytes) in &whole {
        for damage in damages(bytes, &mut state) {
            restore(&test.index(), &whole);
            match &damage {
                Some(damaged) => fs::write(path, damaged).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let mut notices = Vec::new();
            let found = test.search_all_with_one_finder(&mut notices);
            assert_eq!(found, expected, "{}", path.display());
            assert!(notices.len() <= 1, "{notices:?}");
            reported += notices.len();
            all += 1;
            // The index must be intact each time. Comparing it with the catalogue and searching
            // again take longer, so they are done only for every tenth case.
            let index = test.open();
            if all % 10 == 0 {
                assert!(index.audit(&test.catalogue).unwrap().is_equal());
                let mut notices = Vec::new();
                assert_eq!(
                    test.search_all(&mut notices),
                    expected,
                    "{}",
                    path.display()
                );
                assert_eq!(notices, []);
            }
        }
    }
    assert!(
        all > 100 && reported > all / 2,
        "only {reported} of {all} damages were reported"
    );
}

#[test]
fn searches_survive_several_damaged_files_and_a_missing_folder() {
    let test = TestCatalogue::with(300);
    test.catch_up();
    let expected = test.search_all(&mut Vec::new());
    for (path, bytes) in files_in(&test.index()) {
        fs::write(path, &bytes[bytes.len() / 3..]).unwrap();
    }
    // The marker file was also truncated, but it still exists.
    assert_eq!(test.search_all(&mut Vec::new()), expected);
    fs::remove_dir_all(test.index()).unwrap();
    let mut notices = Vec::new();
    assert_eq!(test.search_all(&mut notices), expected);
    assert_eq!(notices, [], "building the first index caused a notice");
    test.assert_equal(300);
}

#[test]
fn an_index_of_another_catalogue_seq_or_version_is_rebuilt() {
    let test = TestCatalogue::with(50);
    test.catch_up();
    let files = files_in(&test.index());
    // The index of another catalogue.
    let other = TestCatalogue::with(20);
    other.catch_up();
    let moved: Vec<_> = files
        .iter()
        .map(|(path, bytes)| (other.index().join(path.file_name().unwrap()), bytes.clone()))
        .collect();
    restore(&other.index(), &moved);
    let mut notices = Vec::new();
    assert_eq!(other.search("take", &mut notices).len(), 20);
    assert_eq!(notices.len(), 1, "{notices:?}");
    // An index that is ahead of its catalogue, because the catalogue was restored from an older
    // copy.
    let older = TestCatalogue::new();
    older.add(0..10);
    older.catch_up();
    let uuid = older.catalogue.uuid().unwrap();
    write_payload(
        &older,
        &CommitPayload {
            catalogue: uuid.clone(),
            seq: 1000,
            documents: DOCUMENT_VERSION,
        },
    );
    let mut notices = Vec::new();
    assert_eq!(older.search("take", &mut notices).len(), 10);
    assert_eq!(
        notices,
        [IndexNotice::Rebuilt {
            reason: "is ahead of the catalogue"
        }]
    );
    // An index that another version wrote.
    let seq = older.catalogue.seq().unwrap();
    write_payload(
        &older,
        &CommitPayload {
            catalogue: uuid,
            seq,
            documents: DOCUMENT_VERSION + 1,
        },
    );
    assert_eq!(older.search("take", &mut Vec::new()).len(), 10);
    older.assert_equal(10);
}

fn write_payload(test: &TestCatalogue, payload: &CommitPayload) {
    let index = test.open();
    let mut writer = new_writer(&index.inner, SMALL_MEMORY).unwrap();
    let mut commit = writer.prepare_commit().unwrap();
    commit.set_payload(&serde_json::to_string(payload).unwrap());
    commit.commit().unwrap();
}

#[test]
fn a_foreign_folder_stays_unchanged_and_the_search_uses_memory() {
    let test = TestCatalogue::with(30);
    fs::create_dir(test.index()).unwrap();
    fs::write(test.index().join("precious.mov"), "footage").unwrap();
    let mut notices = Vec::new();
    assert_eq!(test.search("c0017", &mut notices).len(), 1);
    assert!(
        matches!(notices[..], [IndexNotice::InMemory { .. }]),
        "{notices:?}"
    );
    assert_eq!(files_in(&test.index()).len(), 1);
    assert!(Index::rebuild(&test.catalogue, &mut |_| (), &mut |_, _| ()).is_err());
    assert_eq!(files_in(&test.index()).len(), 1);
}

#[test]
fn small_changes_are_found_at_once_and_leave_few_segments() {
    let test = TestCatalogue::with(100);
    for number in 0..60 {
        test.edit(number, &format!("circled{number}"));
        let words: Vec<String> = vec![format!("circled{number}")];
        let query = Query::parse(&words, &Context::plain(today())).unwrap();
        let found = find(&query, &test.catalogue, 10, &mut |_| ()).unwrap();
        assert_eq!(found.total, 1, "edit {number}");
        let finder = Finder::open(&test.catalogue, &mut |_| ()).unwrap();
        finder.tidy(&mut |notice| panic!("{notice}"));
    }
    assert!(test.open().segments().len() <= MergeEffort::SMALL.segments + 4);
    test.assert_equal(100);
    catch_up_and_merge(&test.catalogue, "test", &mut |_| ()).unwrap();
    assert!(test.open().segments().len() <= MergeEffort::FULL.segments);
    test.assert_equal(100);
}

#[test]
fn searches_find_the_last_edit_while_others_write_and_rebuild() {
    let test = TestCatalogue::with(400);
    test.catch_up();
    let is_done = AtomicBool::new(false);
    let last = AtomicI64::new(-1);
    let folder = test.folder.path();
    std::thread::scope(|scope| {
        let until_done = |work: fn(&Catalogue)| {
            let is_done = &is_done;
            move || {
                let catalogue = Catalogue::open(folder).unwrap();
                while !is_done.load(Ordering::SeqCst) {
                    work(&catalogue);
                }
            }
        };
        scope.spawn(until_done(|catalogue| {
            try_catch_up(catalogue, "scan", &mut |_| ()).unwrap();
        }));
        scope.spawn(until_done(|catalogue| {
            catch_up_and_merge(catalogue, "scan", &mut |_| ()).unwrap();
        }));
        scope.spawn(until_done(|catalogue| {
            Index::rebuild(catalogue, &mut |_| (), &mut |_, _| ()).unwrap();
        }));
        for _ in 0..2 {
            let (last, is_done) = (&last, &is_done);
            scope.spawn(move || {
                let catalogue = Catalogue::open(folder).unwrap();
                while !is_done.load(Ordering::SeqCst) {
                    let number = last.load(Ordering::SeqCst);
                    if number < 0 {
                        continue;
                    }
                    let query =
                        Query::parse(&[format!("circled{number}")], &Context::plain(today()))
                            .unwrap();
                    let mut notices = Vec::new();
                    let mut on_notice = |notice: &IndexNotice| notices.push(notice.clone());
                    let found = find(&query, &catalogue, 10, &mut on_notice).unwrap();
                    assert_eq!(found.total, 1, "edit {number}");
                    notices.retain(|notice| !matches!(notice, IndexNotice::Waiting { .. }));
                    assert_eq!(notices, [], "an intact index caused a notice");
                }
            });
        }
        for number in 0..40 {
            test.edit(number, &format!("circled{number}"));
            last.store(number.try_into().unwrap(), Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(50));
        }
        is_done.store(true, Ordering::SeqCst);
    });
    test.catch_up();
    test.assert_equal(400);
    let remaining: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("index."))
        .collect();
    assert_eq!(remaining, ["index.lock"]);
}

#[test]
fn a_search_waits_for_the_writer_and_names_it() {
    let test = TestCatalogue::with(20);
    test.catch_up();
    test.edit(3, "circled");
    let held = lock::attempt(&test.folder.path().join("index.lock"), "scan").unwrap();
    assert!(matches!(held, Attempt::Held(_)));
    let folder = test.folder.path();
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        let search = scope.spawn(move || {
            let catalogue = Catalogue::open(folder).unwrap();
            let query = Query::parse(&["circled".to_owned()], &Context::plain(today())).unwrap();
            let mut on_notice = |notice: &IndexNotice| sender.send(notice.clone()).unwrap();
            find(&query, &catalogue, 10, &mut on_notice).unwrap().total
        });
        let holder = format!("process {} (scan)", std::process::id());
        assert_eq!(receiver.recv(), Ok(IndexNotice::Waiting { holder }));
        drop(held);
        assert_eq!(search.join().unwrap(), 1);
        assert!(receiver.recv().is_err(), "a second notice was sent");
    });
}

#[test]
fn leftovers_of_killed_processes_are_removed() {
    let test = TestCatalogue::with(20);
    test.catch_up();
    let path_of = |name: &str| test.folder.path().join(name);
    for (name, marked) in [
        ("index.new-1a", true),
        ("index.old-2b", true),
        ("index.new-3c", false),
    ] {
        fs::create_dir(path_of(name)).unwrap();
        if marked {
            fs::write(path_of(name).join(MARKER_FILE), "").unwrap();
            fs::write(path_of(name).join("meta.json"), "{}").unwrap();
        }
    }
    fs::create_dir(path_of("index.old-footage")).unwrap();
    fs::write(path_of("index.old-footage").join("precious.mov"), "footage").unwrap();
    fs::write(test.index().join(".tmpAbCdEf"), "half a f").unwrap();
    test.add(20..30);
    test.catch_up();
    let removed = [
        "index.new-1a",
        "index.old-2b",
        "index.new-3c",
        "index/.tmpAbCdEf",
    ];
    assert!(removed.iter().all(|name| !path_of(name).exists()));
    assert!(path_of("index.old-footage/precious.mov").exists());
    test.assert_equal(30);
}

#[test]
fn a_large_merge_loses_nothing() {
    let test = TestCatalogue::with(500);
    for part in 0..8 {
        test.add(part * 60..part * 60 + 90);
        let index = Index::current(&test.catalogue, "test", &mut |_| ()).unwrap();
        drop(index);
    }
    assert!(test.open().segments().len() > 4);
    catch_up_and_merge(&test.catalogue, "test", &mut |_| ()).unwrap();
    assert!(test.open().segments().len() <= 4);
    test.assert_equal(510);
}

#[test]
fn a_rebuild_does_not_block_searches_and_loses_no_edit() {
    let test = TestCatalogue::with(1200);
    test.catch_up();
    let folder = test.folder.path();
    let mut edits = 0;
    Index::rebuild(&test.catalogue, &mut |_| (), &mut |done, _| {
        // The edit must be found in the old index while the new one is being built.
        let query =
            Query::parse(&[format!("circled{}", edits - 1)], &Context::plain(today())).unwrap();
        let catalogue = Catalogue::open(folder).unwrap();
        let mut on_notice = |notice: &IndexNotice| panic!("{notice}");
        if edits > 0 {
            let found = find(&query, &catalogue, 10, &mut on_notice).unwrap();
            assert_eq!(found.total, 1, "after {done}");
        }
        test.edit(1, &format!("circled{edits}"));
        edits += 1;
    })
    .unwrap();
    assert!(edits >= 2);
    assert_eq!(
        test.search(&format!("circled{}", edits - 1), &mut Vec::new()),
        [2]
    );
    test.assert_equal(1200);
}

#[test]
fn an_audit_finds_every_difference() {
    let test = TestCatalogue::with(40);
    test.catch_up();
    let index = test.open();
    let clip = |number: i64| test.catalogue.clip(number).unwrap().unwrap();
    let columns = &index.columns;
    let delete = |clip| tantivy::Term::from_field_u64(columns.clip, clip);
    let mut writer = new_writer(&index.inner, SMALL_MEMORY).unwrap();
    // Clip 3 gets the document of clip 4, clip 5 is missing, clip 6 has two documents, and clip
    // 1000 does not exist.
    writer.delete_term(delete(3));
    writer.add_document(columns.document(3, &clip(4))).unwrap();
    writer.delete_term(delete(5));
    writer.add_document(columns.document(6, &clip(6))).unwrap();
    writer
        .add_document(columns.document(1000, &clip(7)))
        .unwrap();
    // A single different number is a difference.
    let mut wider = clip(8);
    wider.width = Some(Fact::new(1921, Source::STREAM));
    writer.delete_term(delete(8));
    writer.add_document(columns.document(8, &wider)).unwrap();
    // A different word order is also a difference.
    let mut shuffled = clip(9);
    let comment = &mut shuffled.comment.as_mut().unwrap().value;
    *comment = comment.split(' ').rev().collect::<Vec<_>>().join(" ");
    writer.delete_term(delete(9));
    writer.add_document(columns.document(9, &shuffled)).unwrap();
    let payload = CommitPayload {
        catalogue: test.catalogue.uuid().unwrap(),
        seq: test.catalogue.seq().unwrap(),
        documents: DOCUMENT_VERSION,
    };
    let mut commit = writer.prepare_commit().unwrap();
    commit.set_payload(&serde_json::to_string(&payload).unwrap());
    commit.commit().unwrap();
    drop(writer);
    let audit = test.open().audit(&test.catalogue).unwrap();
    let expected = Audit {
        compared: 39,
        differing: vec![3, 8, 9],
        missing: vec![5],
        duplicated: vec![6],
        surplus: vec![1000],
    };
    assert_eq!(audit, expected);
    // Clips that changed after the index was opened are not compared.
    test.edit(3, "circled");
    let audit = test.open().audit(&test.catalogue).unwrap();
    assert!(!audit.differing.contains(&4) && audit.compared < 40);
    Index::rebuild(&test.catalogue, &mut |_| (), &mut |_, _| ()).unwrap();
    test.assert_equal(40);
}

#[test]
fn a_checked_file_is_recorded() {
    let test = TestCatalogue::with(20);
    test.catch_up();
    // Waits until a change to the files would alter their times.
    std::thread::sleep(Duration::from_millis(2100));
    drop(test.open());
    let records = fs::read(test.index().join(checksums::RECORDS_FILE)).unwrap();
    let names = files(&test.open().inner.load_metas().unwrap());
    let records = String::from_utf8(records).unwrap();
    assert!(names.iter().all(|name| records.contains(name)), "{records}");
}
