//! Cross-checks with the reference tool of ASC MHL: it verifies the manifests written here, and its
//! own manifests are read here with the same result.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use btsindex::checksum::{Checksum, HashKind, hash_bytes};
use btsindex::mhl::{
    Author, Creator, FOLDER, FileEntry, FolderEntry, Generation, HashAction, HashEntry, Histories,
    History, Process, SealOutcome,
};
use jiff::Timestamp;
use jiff::tz::Offset;

use crate::skipped_tests::{Skipped, find_installed, or_skip};

/// Names that are often encoded incorrectly in manifests.
const FILES: &[&str] = &[
    "A001R2EC.mov",
    "Clips/A001C001.mov",
    "Clips/A001C002.mov",
    "Clips/deep/er/A001C003.mov",
    "Clips-2/A002C001.mov",
    "Clips.txt",
    "zero",
    " blanks  within and around ",
    "q\"uo'te & <tag> ]]>.wav",
    "back\\slash",
    "tab\there",
    "cr\rhere",
    "caf\u{e9}.wav",
    "cafe\u{301}.wav",
    "\u{1f3ac}/take \u{1f3ac}.mov",
    ".hidden",
    "._A001R2EC.mov",
    "list.mhl",
];

/// Names that the reference reads, but writes in a form that cannot be read back.
const BROKEN_BY_THE_REFERENCE: &[&str] = &["line\nend", "para\u{2029}graph"];

/// Exit codes of the reference.
const OK: i32 = 0;
const FILES_MISSING: i32 = 10;
const FAILED: i32 = 11;
const FOLDERS_FAILED: i32 = 12;
const FILES_NEW: i32 = 21;
const MANIFEST_MODIFIED: i32 = 31;

/// Folder of the reference tool and its schemas, if it is installed.
fn reference_folder() -> Result<PathBuf, Skipped> {
    let place = find_installed("ascmhl-debug")?.canonicalize().unwrap();
    Ok(place.parent().unwrap().parent().unwrap().to_owned())
}

/// Runs the reference; returns its exit code and its output.
fn run(program: &str, arguments: &[&str], folder: &Path) -> (i32, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // It checks for its own updates.
        .env("https_proxy", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
    printed.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), printed)
}

#[track_caller]
fn verify(root: &Path, code: i32) {
    let (found, printed) = run("ascmhl-debug", &["verify", "."], root);
    assert_eq!(found, code, "{printed}");
}

#[track_caller]
fn create(root: &Path, arguments: &[&str], code: i32) {
    let (found, printed) = run(
        "ascmhl",
        &[&["create", "-v", "."], arguments].concat(),
        root,
    );
    assert_eq!(found, code, "{printed}");
}

/// Checks every manifest and chain below a folder against the schemas.
#[track_caller]
fn check_schemas(reference_folder: &Path, root: &Path) {
    for path in walk(root).0 {
        if !path.split('/').any(|part| part == FOLDER) {
            continue;
        }
        let whole = root.join(&path);
        let whole = whole.to_str().unwrap();
        let arguments: &[&str] = if path.ends_with("ascmhl_chain.xml") {
            &["xsd-schema-check", "-df", whole]
        } else {
            &["xsd-schema-check", whole]
        };
        let (code, printed) = run("ascmhl-debug", arguments, reference_folder);
        assert_eq!(
            code,
            OK,
            "{printed}\n{}",
            fs::read_to_string(whole).unwrap()
        );
    }
}

fn write_file(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn write_tree(root: &Path, files: &[&str]) {
    for path in files {
        let bytes = if *path == "zero" { "" } else { path };
        write_file(root, path, bytes.as_bytes());
    }
    fs::create_dir_all(root.join("empty/within")).unwrap();
}

/// Lists all files and all folders below a folder.
fn walk(root: &Path) -> (Vec<String>, Vec<String>) {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let mut todo = vec![String::new()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{folder}{}{name}", if folder.is_empty() { "" } else { "/" });
            if entry.file_type().unwrap().is_dir() {
                folders.push(path.clone());
                todo.push(path);
            } else {
                files.push(path);
            }
        }
    }
    (files, folders)
}

/// Result of a check: each file with its outcome, and the missing files.
fn check(root: &Path) -> (Vec<(String, SealOutcome)>, BTreeSet<String>) {
    let histories = Histories::read(root).unwrap();
    let (files, folders) = walk(root);
    let mut missing = histories.paths();
    let mut found = Vec::new();
    for path in folders {
        missing.remove(&path);
    }
    for path in files {
        missing.remove(&path);
        if histories.is_ignored(&path, false) {
            continue;
        }
        let bytes = fs::read(root.join(&path)).unwrap();
        let kinds: Vec<HashKind> = match histories.expected(&path) {
            Some(expected) => expected.iter().map(|checksum| checksum.kind()).collect(),
            None => vec![HashKind::Md5],
        };
        let hashes: Vec<Checksum> = kinds.iter().map(|kind| hash_bytes(*kind, &bytes)).collect();
        let outcome = histories.compare(&path, &hashes).outcome;
        found.push((path, outcome));
    }
    (found, missing)
}

#[track_caller]
fn assert_all_verified(root: &Path) {
    let (found, missing) = check(root);
    assert!(missing.is_empty(), "{missing:?}");
    assert!(!found.is_empty());
    for (path, outcome) in found {
        assert_eq!(outcome, SealOutcome::Verified, "{path}");
    }
}

/// Writes a new generation of a folder and of all nested histories, as an ingest does.
fn seal(root: &Path, kinds: &[HashKind]) -> Vec<PathBuf> {
    let histories = Histories::read(root).unwrap();
    let now = btsindex::value::now();
    let modified = |path: &str| {
        let metadata = fs::metadata(root.join(path)).unwrap();
        Timestamp::try_from(metadata.modified().unwrap()).ok()
    };
    let (files, folders) = walk(root);
    let files = files
        .into_iter()
        .filter(|path| !histories.is_ignored(path, false))
        .map(|path| {
            let bytes = fs::read(root.join(&path)).unwrap();
            let kinds = histories.required_kinds(&path, kinds);
            let found: Vec<_> = kinds.iter().map(|kind| hash_bytes(*kind, &bytes)).collect();
            FileEntry {
                previous: None,
                bytes: bytes.len() as u64,
                modified: modified(&path),
                created: Some(now),
                hashes: HashEntry::from_verdict(histories.compare(&path, &found), now),
                path,
            }
        })
        .collect();
    let folders = folders
        .into_iter()
        .filter(|path| !histories.is_ignored(path, true))
        .map(|path| FolderEntry {
            previous: None,
            modified: modified(&path),
            path,
        })
        .collect();
    histories
        .write(&Generation {
            created: now,
            offset: Offset::constant(-3),
            creator: Creator {
                host: "cart & co".to_owned(),
                tool: "btsindex".to_owned(),
                version: "0.1.0".to_owned(),
                author: Some(Author {
                    name: "Ana <DIT>".to_owned(),
                    role: Some("DIT".to_owned()),
                    email: Some("ana@set.example".to_owned()),
                    phone: Some("+49 1".to_owned()),
                }),
                location: Some("Studio \"2\"".to_owned()),
                comment: Some("first\nsecond".to_owned()),
            },
            process: Process::Transfer,
            ignored: Vec::new(),
            files,
            folders,
            kinds: kinds.to_vec(),
        })
        .unwrap()
}

#[test]
fn the_reference_verifies_manifests_of_every_hash_kind() {
    let reference_folder = or_skip!(reference_folder());
    for kind in HashKind::WRITABLE {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("A001 R&D");
        write_tree(&root, FILES);
        assert_eq!(seal(&root, &[*kind]).len(), 1);
        check_schemas(&reference_folder, &root);
        verify(&root, OK);
        let (code, printed) = run("ascmhl-debug", &["verify", "-dh", "."], &root);
        assert_eq!(code, OK, "{printed}");
        assert!(!printed.contains("ERROR"), "{printed}");
        assert_all_verified(&root);

        create(&root, &["-h", kind.name()], OK);
        create(&root, &["-h", "sha1", "-h", "xxh64"], OK);
        verify(&root, OK);
        assert_all_verified(&root);
        seal(&root, &[HashKind::C4, *kind]);
        check_schemas(&reference_folder, &root);
        verify(&root, OK);
        assert_all_verified(&root);

        write_file(&root, "Clips/A001C001.mov", b"Clips/A001C001.moV");
        verify(&root, FAILED);
        create(&root, &["-h", kind.name()], FAILED);
        let (code, _) = run("ascmhl-debug", &["verify", "-dh", "."], &root);
        assert_eq!(code, FOLDERS_FAILED);
        for (path, outcome) in check(&root).0 {
            let is_flipped = path == "Clips/A001C001.mov";
            assert_eq!(outcome == SealOutcome::Failed, is_flipped, "{path}");
        }
    }
}

#[test]
fn file_names_with_line_breaks_round_trip_unlike_in_the_reference() {
    let reference_folder = or_skip!(reference_folder());
    let folder = tempfile::tempdir().unwrap();
    write_tree(folder.path(), BROKEN_BY_THE_REFERENCE);
    seal(folder.path(), &[HashKind::Xxh128]);
    check_schemas(&reference_folder, folder.path());
    verify(folder.path(), OK);
    assert_all_verified(folder.path());
    create(folder.path(), &[], OK);
    verify(folder.path(), FILES_MISSING);
}

#[test]
fn folder_hashes_equal_those_of_the_reference() {
    or_skip!(reference_folder());
    for kind in HashKind::WRITABLE {
        let folder = tempfile::tempdir().unwrap();
        write_tree(folder.path(), FILES);
        create(folder.path(), &["-h", kind.name()], OK);
        seal(folder.path(), &[*kind]);
        let history = History::read(folder.path()).unwrap().unwrap();
        let (_, folders) = walk(folder.path());
        for path in folders.iter().map(String::as_str).chain([""]) {
            if history.is_ignored(path, true) {
                continue;
            }
            let known = history.folder_history(path).unwrap();
            let [(theirs, 1), (ours, 2)] = &known.hashes[..] else {
                panic!("{path}: {known:?}");
            };
            assert_eq!(theirs, ours, "{path}");
        }
    }
}

#[test]
fn manifests_of_the_reference_give_the_same_verdict_here() {
    let reference_folder = or_skip!(reference_folder());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_tree(root, FILES);
    create(root, &["-h", "md5"], OK);
    fs::rename(root.join("Clips.txt"), root.join("renamed.txt")).unwrap();
    create(root, &["-h", "md5", "-h", "c4", "-dr", "-i", "*.tmp"], OK);
    write_file(root, "left.tmp", b"out");
    assert_all_verified(root);
    verify(root, OK);
    let history = History::read(root).unwrap().unwrap();
    assert_eq!(history.generations().len(), 2);
    assert!(history.is_ignored("left.tmp", false));
    assert!(!history.paths().contains("Clips.txt"));
    let kinds = |path: &str| -> Vec<HashKind> {
        let expected = history.expected(path).unwrap();
        expected.iter().map(|checksum| checksum.kind()).collect()
    };
    assert_eq!(kinds("zero"), [HashKind::Md5, HashKind::C4]);
    assert_eq!(kinds("renamed.txt"), [HashKind::Md5, HashKind::C4]);
    let known = history.file_history("zero").unwrap();
    let actions: Vec<_> = known.hashes.iter().map(|(_, action, _)| *action).collect();
    assert_eq!(
        actions,
        [
            Some(HashAction::Original),
            Some(HashAction::Verified),
            Some(HashAction::Verified)
        ]
    );

    seal(root, &[HashKind::Xxh64]);
    check_schemas(&reference_folder, root);
    verify(root, OK);

    write_file(root, "new", b"new");
    verify(root, FILES_NEW);
    write_file(root, "zero", b"1");
    verify(root, FAILED);
    fs::remove_file(root.join("list.mhl")).unwrap();
    let (found, missing) = check(root);
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), ["list.mhl"]);
    for (path, outcome) in found {
        let right = match path.as_str() {
            "new" => SealOutcome::New,
            "zero" => SealOutcome::Failed,
            _ => SealOutcome::Verified,
        };
        assert_eq!(outcome, right, "{path}");
    }
}

#[test]
fn the_reference_understands_recorded_renames() {
    let reference_folder = or_skip!(reference_folder());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_tree(root, &["Clips/a.mov", "one"]);
    seal(root, &[HashKind::Md5]);
    fs::rename(root.join("Clips"), root.join("Day 1")).unwrap();
    verify(root, FILES_NEW);
    let now = btsindex::value::now();
    let history = History::read(root).unwrap().unwrap();
    let entry = |path: &str, previous: Option<&str>, bytes: &[u8]| FileEntry {
        path: path.to_owned(),
        previous: previous.map(str::to_owned),
        bytes: bytes.len() as u64,
        modified: None,
        created: None,
        hashes: HashEntry::from_verdict(
            btsindex::mhl::compare(
                Some(&history),
                previous.unwrap_or(path),
                &[hash_bytes(HashKind::Md5, bytes)],
            ),
            now,
        ),
    };
    let folder = |path: &str, previous: Option<&str>| FolderEntry {
        path: path.to_owned(),
        previous: previous.map(str::to_owned),
        modified: None,
    };
    let generation = Generation {
        created: now,
        offset: Offset::UTC,
        creator: Creator::default(),
        process: Process::InPlace,
        ignored: Vec::new(),
        files: vec![
            entry("Day 1/a.mov", Some("Clips/a.mov"), b"Clips/a.mov"),
            entry("one", None, b"one"),
        ],
        folders: vec![folder("Day 1", Some("Clips")), folder("empty/within", None)],
        kinds: vec![HashKind::Md5],
    };
    btsindex::mhl::write(root, Some(&history), &generation).unwrap();
    check_schemas(&reference_folder, root);
    verify(root, OK);
    assert_all_verified(root);
    create(root, &["-h", "md5"], OK);
}

#[test]
fn failures_are_recorded_like_those_of_the_reference() {
    let reference_folder = or_skip!(reference_folder());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_tree(root, &["one", "two"]);
    seal(root, &[HashKind::Md5]);
    write_file(root, "two", b"owt");
    seal(root, &[HashKind::Md5, HashKind::C4]);
    check_schemas(&reference_folder, root);
    create(root, &["-h", "md5", "-h", "c4"], FAILED);
    let history = History::read(root).unwrap().unwrap();
    let recorded = |generation| -> Vec<_> {
        let known = history.file_history("two").unwrap().hashes.iter();
        known
            .filter(|(_, _, of)| *of == generation)
            .cloned()
            .map(|(checksum, action, _)| (checksum, action))
            .collect()
    };
    assert_eq!(recorded(2).len(), 1);
    assert_eq!(recorded(2), recorded(3));
}

#[test]
fn nested_histories_are_compatible_with_the_reference() {
    let reference_folder = or_skip!(reference_folder());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("Reels");
    write_tree(
        &root,
        &["notes.txt", "day 1/A001/a.mov", "day 1/A002/b.mov"],
    );
    write_tree(
        &root,
        &["day 1/A002/inner/c.mov", "day 1/A002/inner/d/e.mov"],
    );
    // Two generations by the reference, and one of ours nested in one of them.
    create(&root.join("day 1/A001"), &["-h", "xxh64"], OK);
    create(&root.join("day 1/A002"), &["-h", "md5"], OK);
    seal(&root.join("day 1/A002/inner"), &[HashKind::Sha1]);
    assert_eq!(check(&root).1, BTreeSet::new());

    let written = seal(&root, &[HashKind::Xxh128]);
    let places: Vec<_> = written
        .iter()
        .map(|path| path.parent().unwrap().parent().unwrap())
        .map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(places, ["day 1/A002/inner", "day 1/A002", "day 1/A001", ""]);
    check_schemas(&reference_folder, &root);
    verify(&root, OK);
    for place in &places {
        verify(&root.join(place), OK);
    }
    assert_all_verified(&root);
    let (code, printed) = run(
        "ascmhl-debug",
        &["verify", "-dh", "-h", "xxh128", "."],
        &root,
    );
    assert!(!printed.contains("mismatch"), "{code}: {printed}");

    // The reference continues after our generation, and refers to the same manifests.
    create(&root, &["-h", "xxh128"], OK);
    let histories = Histories::read(&root).unwrap();
    assert_eq!(histories.iter().count(), 4);
    for (place, history) in histories.iter() {
        let last = history.generations().last().unwrap().number;
        let all = if place.is_empty() { 2 } else { 3 };
        assert_eq!(last, all, "{place}");
        for path in walk(&root.join(place))
            .1
            .iter()
            .map(String::as_str)
            .chain([""])
        {
            if let Some(known) = history.folder_history(path) {
                let [.., (ours, _), (theirs, _)] = &known.hashes[..] else {
                    continue;
                };
                assert_eq!(ours, theirs, "{place}: {path}");
            }
        }
    }
    assert_all_verified(&root);
    seal(&root, &[HashKind::Md5]);
    check_schemas(&reference_folder, &root);
    verify(&root, OK);

    write_file(&root, "day 1/A002/inner/d/e.mov", b"other");
    fs::remove_file(root.join("day 1/A001/a.mov")).unwrap();
    verify(&root, FAILED);
    let (found, missing) = check(&root);
    assert_eq!(missing, BTreeSet::from(["day 1/A001/a.mov".to_owned()]));
    let failed: Vec<_> = found
        .into_iter()
        .filter(|(_, outcome)| *outcome != SealOutcome::Verified)
        .collect();
    let failing = "day 1/A002/inner/d/e.mov".to_owned();
    assert_eq!(failed, [(failing, SealOutcome::Failed)]);
}

#[test]
fn both_tools_reject_a_modified_manifest() {
    or_skip!(reference_folder());
    let folder = tempfile::tempdir().unwrap();
    write_tree(folder.path(), &["one"]);
    let written = seal(folder.path(), &[HashKind::Md5]);
    let text = fs::read_to_string(&written[0]).unwrap();
    fs::write(&written[0], text.replace("size=\"3\"", "size=\"4\"")).unwrap();
    verify(folder.path(), MANIFEST_MODIFIED);
    assert!(History::read(folder.path()).is_err());
}

#[test]
fn a_manifest_missing_from_the_chain_is_ignored() {
    or_skip!(reference_folder());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_tree(root, &["one"]);
    let first = seal(root, &[HashKind::Md5]);
    // As if the process had stopped before it wrote the chain.
    let stray = first[0].with_file_name("0002_stray_2026-05-02_163000Z.mhl");
    fs::copy(&first[0], &stray).unwrap();
    verify(root, OK);
    let second = seal(root, &[HashKind::Md5]);
    let name = second[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("0003_"), "{name}");
    verify(root, OK);
    create(root, &["-h", "md5"], OK);
    assert_all_verified(root);
    // Stopped before the first generation: the chain is empty.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_tree(root, &["one"]);
    write_file(
        root,
        "ascmhl/ascmhl_chain.xml",
        b"<ascmhldirectory xmlns=\"urn:ASC:MHL:DIRECTORY:v2.0\"></ascmhldirectory>",
    );
    seal(root, &[HashKind::Md5]);
    create(root, &["-h", "md5"], OK);
    verify(root, OK);
}
