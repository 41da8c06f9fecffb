//! Tests of histories: writing and reading back, damage, and hostile input.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;

use super::manifest_path::path_error;
use super::*;
use crate::checksum::{Checksum, HashKind, hash_bytes};

fn now() -> Timestamp {
    "2026-05-02T16:30:00.5Z".parse().unwrap()
}

fn entry(path: &str, kinds: &[HashKind]) -> FileEntry {
    let found: Vec<_> = kinds
        .iter()
        .map(|kind| hash_bytes(*kind, path.as_bytes()))
        .collect();
    FileEntry {
        path: path.to_owned(),
        previous: None,
        bytes: path.len() as u64,
        modified: Some(now()),
        created: None,
        hashes: HashEntry::from_verdict(compare(None, path, &found), now()),
    }
}

pub(super) fn generation(paths: &[&str], kinds: &[HashKind]) -> Generation {
    Generation {
        created: now(),
        offset: Offset::constant(2),
        creator: Creator {
            host: "cart".to_owned(),
            tool: "btsindex".to_owned(),
            version: "0.1.0".to_owned(),
            ..Creator::default()
        },
        process: Process::Transfer,
        ignored: Vec::new(),
        files: paths.iter().map(|path| entry(path, kinds)).collect(),
        folders: Vec::new(),
        kinds: kinds.to_vec(),
    }
}

#[test]
fn writes_a_generation_according_to_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("A001");
    fs::create_dir(&root).unwrap();
    let mut new = generation(
        &["b.mov", "Clips/a & b.mov"],
        &[HashKind::Xxh64, HashKind::C4],
    );
    new.folders.push(FolderEntry {
        path: "empty".to_owned(),
        previous: Some("was".to_owned()),
        modified: Some(Timestamp::UNIX_EPOCH),
    });
    new.files[0].previous = Some("old.mov".to_owned());
    new.ignored.push("*.tmp".to_owned());
    let manifest = write(&root, None, &new).unwrap();
    let name = manifest.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, "0001_A001_2026-05-02_163000Z.mhl");
    insta::assert_snapshot!(fs::read_to_string(&manifest).unwrap());
    let names = |folder: &Path| -> Vec<_> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&root), ["ascmhl"]);
    assert_eq!(names(&root.join("ascmhl")), [name, "ascmhl_chain.xml"]);
}

#[test]
fn an_empty_folder_has_no_history() {
    let folder = tempfile::tempdir().unwrap();
    assert!(History::read(folder.path()).unwrap().is_none());
    let histories = Histories::read(folder.path()).unwrap();
    assert!(histories.is_empty());
    assert!(histories.expected("a").is_none());
    assert!(histories.is_ignored("a/.DS_Store", false));
    assert!(histories.is_ignored("a/ascmhl", true));
    // Simulates a writer that was interrupted after it created the folder.
    fs::create_dir(folder.path().join("ascmhl")).unwrap();
    assert!(History::read(folder.path()).unwrap().is_none());
    write(folder.path(), None, &generation(&["a"], &[HashKind::Md5])).unwrap();
    assert!(History::read(folder.path()).unwrap().is_some());
}

#[test]
fn a_write_with_an_outdated_history_fails() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let new = generation(&["a"], &[HashKind::Md5]);
    write(root, None, &new).unwrap();
    assert!(write(root, None, &new).is_err());
    let history = History::read(root).unwrap().unwrap();
    let second = write(root, Some(&history), &new).unwrap();
    // A second write with the outdated history fails.
    assert!(write(root, Some(&history), &new).is_err());
    let history = History::read(root).unwrap().unwrap();
    assert_eq!(history.generations().len(), 2);
    assert!(second.is_file());
    let manifests = fs::read_dir(root.join("ascmhl")).unwrap().count() - 1;
    assert_eq!(manifests, 2);
}

#[test]
fn rejects_unwritable_values_before_writing_anything() {
    type Change = fn(&mut Generation);
    let changes: &[Change] = &[
        |new| new.files[0].path = "/a".to_owned(),
        |new| new.files[0].path = "../a".to_owned(),
        |new| new.files[0].path = "a//b".to_owned(),
        |new| new.files[0].path = "a\u{7}".to_owned(),
        |new| new.files[0].path = "a\u{ffff}".to_owned(),
        |new| new.files[0].path = String::new(),
        |new| new.files[0].previous = Some("./a".to_owned()),
        |new| new.files[1].path = "a".to_owned(),
        |new| {
            let hash = new.files[0].hashes[0].clone();
            new.files[0].hashes.push(hash);
        },
        |new| new.files[0] = entry("a", &[HashKind::Xxh32]),
        |new| new.creator.host = "\0".to_owned(),
        |new| {
            new.creator.author = Some(Author {
                email: Some("ana".to_owned()),
                ..Author::default()
            });
        },
        |new| new.ignored.push(String::new()),
        |new| {
            new.folders.push(FolderEntry {
                path: "a".to_owned(),
                previous: None,
                modified: None,
            });
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut new = generation(&["a", "b"], &[HashKind::Md5]);
        change(&mut new);
        let error = write(folder.path(), None, &new).unwrap_err();
        assert!(
            matches!(error, MhlError::Unwritable { .. }),
            "{number}: {error}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{number}");
    }
}

#[cfg(unix)]
#[test]
fn accepts_only_names_that_xml_can_represent() {
    use std::os::unix::ffi::OsStrExt;
    for (name, is_accepted) in [
        (&b"A001 \xc3\xa9\n\t\r"[..], true),
        (b"\xff.mov", false),
        (b"a\x1b[31m", false),
        (b"\xef\xbf\xbf", false),
        (b"\x7f", true),
    ] {
        assert_eq!(
            can_represent(OsStr::from_bytes(name)),
            is_accepted,
            "{name:?}"
        );
    }
}

/// Writes a history with one manifest and a matching chain.
fn write_history(root: &Path, manifest: &[u8]) {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    let name = "0001_x_2026-05-02_163000Z.mhl";
    fs::write(folder.join(name), manifest).unwrap();
    let link = chain::ChainLink {
        number: 1,
        name: name.to_owned(),
        hash: hash_bytes(HashKind::C4, manifest),
    };
    fs::write(folder.join(CHAIN), chain::to_xml(&[link])).unwrap();
}

fn manifest(hashes: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hashlist version=\"2.0\" \
         xmlns=\"urn:ASC:MHL:v2.0\"><hashes>{hashes}</hashes></hashlist>"
    )
}

fn file(path: &str) -> String {
    format!(
        "<hash><path size=\"1\">{path}</path>\
         <md5 action=\"original\">d41d8cd98f00b204e9800998ecf8427e</md5></hash>"
    )
}

#[test]
fn reads_every_xml_notation_of_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let text = manifest(&format!(
        "<!-- by hand --><m:hash xmlns:m=\"urn:ASC:MHL:v2.0\">\n<m:path size='3'>a&amp;<![CDATA[<b>]]>&#x63;&#10;</m:path>\
         <m:md5>D41D8CD98F00B204E9800998ECF8427E </m:md5><m:metadata><path>../../etc</path><hash/></m:metadata>\
         </m:hash>{}<directoryhash><path>d/</path><content/><structure/></directoryhash>",
        file("empty")
    ));
    write_history(folder.path(), text.as_bytes());
    let history = History::read(folder.path()).unwrap().unwrap();
    let paths: Vec<_> = history.paths().into_iter().collect();
    assert_eq!(paths, ["a&<b>c\n", "d", "empty"]);
    let known = history.file_history("a&<b>c\n").unwrap();
    assert_eq!(known.bytes, Some(3));
    let empty = hash_bytes(HashKind::Md5, b"");
    assert_eq!(known.hashes, [(empty, None, 1)]);
}

#[test]
fn rejects_hostile_manifests() {
    let many = "x".repeat(70_000);
    let deep = "<a>".repeat(100);
    let tag = format!("<hash {}=\"\"/>", "y".repeat(2 << 20));
    let comment = format!("<!--{}-->", "z".repeat(2 << 20));
    let patterns = format!("<ignore>{}</ignore>", "<pattern>a</pattern>".repeat(10_001));
    for (hashes, reason) in [
        (file("/etc/passwd"), "not a plain relative path"),
        (file("../a"), "not a plain relative path"),
        (file("a/../../b"), "not a plain relative path"),
        (file("./a"), "not a plain relative path"),
        (file("a/"), "not a plain relative path"),
        (file(""), "an empty path"),
        (file("a") + &file("a"), "listed twice"),
        (
            file("a") + "<directoryhash><path>a</path></directoryhash>",
            "listed twice",
        ),
        ("<hash></hash>".to_owned(), "without a path"),
        (
            "<hash><path>a</path><md5>00</md5></hash>".to_owned(),
            "invalid `md5` hash",
        ),
        ("<hash><path size=\"-1\">a</path></hash>".to_owned(), "size"),
        (file("&name;"), "an entity"),
        (file("&#0;"), ""),
        (file("&#x1;"), "an entity"),
        (file("&#xffff;"), "an entity"),
        (file("\u{1}"), "does not allow"),
        (file(&many), "too long"),
        (deep, "too deep"),
        (tag, "too long"),
        (comment, "too long"),
        (patterns, "too many patterns"),
        ("<hash><path>a".to_owned(), ""),
        ("<hash></path>".to_owned(), ""),
        (
            "<hashlistreference><path>a</path></hashlistreference>".to_owned(),
            "without a hash",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_history(folder.path(), manifest(&hashes).as_bytes());
        let error = History::read(folder.path()).unwrap_err();
        assert!(matches!(error, MhlError::Malformed { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn rejects_files_that_are_not_manifests() {
    let entities = "<!DOCTYPE hashlist [<!ENTITY a \"b\">]><hashlist version=\"2.0\"/>";
    let external = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><hashlist version=\"2.0\"/>";
    for bytes in [
        &b""[..],
        b"\xff\xfe<\0a\0",
        b"<hashlist version=\"1.1\"></hashlist>",
        b"<hashlist></hashlist>",
        b"<other version=\"2.0\"></other>",
        b"<hashlist version=\"2.0\"><hash></hashlist>",
        b"<hashlist version=\"2.0\"><hash>",
        b"<hashlist version=\"2.0\"/><hashlist version=\"2.0\"/>",
        b"<hashlist version=\"2.0\"/>text",
        b"<hashlist version=\"2.0\"><hash><path>\xff</path></hash></hashlist>",
        b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><hashlist version=\"2.0\"/>",
        entities.as_bytes(),
        external.as_bytes(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_history(folder.path(), bytes);
        let error = History::read(folder.path()).unwrap_err();
        let text = String::from_utf8_lossy(bytes);
        assert!(
            matches!(error, MhlError::Malformed { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn rejects_a_history_that_does_not_match_its_chain() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_history(root, manifest(&file("a")).as_bytes());
    let path = root.join(FOLDER).join("0001_x_2026-05-02_163000Z.mhl");
    let chain = root.join(FOLDER).join(CHAIN);
    History::read(root).unwrap().unwrap();

    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("size=\"1\"", "size=\"2\"")).unwrap();
    let error = History::read(root).unwrap_err();
    assert!(
        matches!(
            error,
            MhlError::Altered {
                kind: HashKind::C4,
                ..
            }
        ),
        "{error}"
    );
    // The manifest is no longer XML, but the error must state that it was changed.
    fs::write(&path, "<").unwrap();
    let error = History::read(root).unwrap_err();
    assert!(matches!(error, MhlError::Altered { .. }), "{error}");
    fs::remove_file(&path).unwrap();
    let error = History::read(root).unwrap_err();
    assert!(matches!(error, MhlError::MissingManifest { .. }), "{error}");
    fs::write(&path, text).unwrap();
    fs::remove_file(&chain).unwrap();
    let error = History::read(root).unwrap_err();
    assert!(matches!(error, MhlError::NoChain { .. }), "{error}");
}

#[test]
fn rejects_hostile_chains() {
    let c4 = hash_bytes(HashKind::C4, b"").to_string();
    let link = |number: &str, path: &str| {
        format!("<hashlist sequencenr=\"{number}\"><path>{path}</path><c4>{c4}</c4></hashlist>")
    };
    let twice = link("1", "a.mhl") + &link("1", "b.mhl");
    for links in [
        link("1", "../a.mhl"),
        link("1", "a/b.mhl"),
        link("1", "/a.mhl"),
        link("1", "a\\b.mhl"),
        link("0", "a.mhl"),
        link("-1", "a.mhl"),
        link("99999999999", "a.mhl"),
        twice,
        "<hashlist sequencenr=\"1\"><path>a</path></hashlist>".to_owned(),
        "<hashlist sequencenr=\"1\"><path>a</path><c4>c4</c4></hashlist>".to_owned(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FOLDER)).unwrap();
        let text = format!("<ascmhldirectory>{links}</ascmhldirectory>");
        fs::write(folder.path().join(FOLDER).join(CHAIN), text).unwrap();
        let error = History::read(folder.path()).unwrap_err();
        assert!(
            matches!(error, MhlError::Malformed { .. }),
            "{links}: {error}"
        );
    }
}

#[test]
fn finds_the_records_of_a_renamed_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let rename = |paths: &[(&str, &str, &[HashKind])]| {
        let history = History::read(root).unwrap();
        let mut new = generation(&[], &[]);
        for (path, previous, kinds) in paths {
            // The content stays the same.
            let mut file = entry("a", kinds);
            (*path).clone_into(&mut file.path);
            file.previous = (!previous.is_empty()).then(|| (*previous).to_owned());
            new.files.push(file);
        }
        write(root, history.as_ref(), &new).unwrap();
    };
    rename(&[("a", "", &[HashKind::Md5])]);
    rename(&[("b", "a", &[HashKind::Md5, HashKind::Sha1])]);
    rename(&[("c", "b", &[HashKind::C4])]);
    rename(&[("x", "y", &[HashKind::Md5]), ("y", "x", &[HashKind::Md5])]);
    let history = History::read(root).unwrap().unwrap();
    let paths: Vec<_> = history.paths().into_iter().collect();
    assert_eq!(paths, ["c", "x", "y"]);
    let kinds = |path| -> Vec<_> {
        let expected = history.expected(path).unwrap();
        expected.iter().map(|checksum| checksum.kind()).collect()
    };
    assert_eq!(kinds("c"), [HashKind::Md5, HashKind::Sha1, HashKind::C4]);
    assert_eq!(kinds("x"), [HashKind::Md5]);
    assert!(history.expected("d").is_none());
}

#[test]
fn accepts_a_new_hash_kind_only_with_a_verified_one() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), None, &generation(&["a"], &[HashKind::Md5])).unwrap();
    let history = History::read(folder.path()).unwrap().unwrap();
    let history = Some(&history);
    let of = |kind, text: &str| hash_bytes(kind, text.as_bytes());
    let compare_hashes = |found: &[Checksum]| {
        let verdict = compare(history, "a", found);
        let actions: Vec<_> = verdict.hashes.iter().map(|(_, action)| *action).collect();
        (verdict.outcome, actions)
    };
    let (md5, c4) = (HashKind::Md5, HashKind::C4);
    let verified = HashAction::Verified;
    assert_eq!(
        compare_hashes(&[of(md5, "a")]),
        (SealOutcome::Verified, vec![verified])
    );
    assert_eq!(
        compare_hashes(&[of(c4, "a"), of(md5, "a")]),
        (SealOutcome::Verified, vec![verified, verified])
    );
    assert_eq!(
        compare_hashes(&[of(md5, "b"), of(c4, "b")]),
        (SealOutcome::Failed, vec![HashAction::Failed])
    );
    assert_eq!(
        compare_hashes(&[of(c4, "a")]),
        (SealOutcome::Unverifiable, vec![])
    );
    assert_eq!(compare_hashes(&[]), (SealOutcome::Unverifiable, vec![]));
    assert_eq!(required_kinds(history, "a", &[c4]), [md5, c4]);
    assert_eq!(required_kinds(history, "a", &[c4, md5, c4]), [c4, md5]);
    assert_eq!(required_kinds(history, "a", &[md5]), [md5]);
    assert_eq!(required_kinds(history, "new", &[c4]), [c4]);
    assert_eq!(
        compare(history, "new", &[of(c4, "x")]).outcome,
        SealOutcome::New
    );
}

#[test]
fn rejects_a_replaced_inner_history() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let inner = root.join("A001");
    fs::create_dir(&inner).unwrap();
    write(&inner, None, &generation(&["a"], &[HashKind::Md5])).unwrap();
    let histories = Histories::read(root).unwrap();
    let outer = generation(&["A001/a", "b"], &[HashKind::Md5]);
    assert_eq!(histories.write(&outer).unwrap().len(), 2);
    let histories = Histories::read(root).unwrap();
    assert_eq!(histories.iter().count(), 2);
    assert_eq!(histories.nearest("A001/a").1, "a");
    let paths: Vec<_> = histories.paths().into_iter().collect();
    assert_eq!(paths, ["A001", "A001/a", "b"]);

    fs::remove_dir_all(inner.join(FOLDER)).unwrap();
    assert!(
        Histories::read(root).is_ok(),
        "the inner history may have been moved"
    );
    write(&inner, None, &generation(&["a"], &[HashKind::Sha1])).unwrap();
    let error = Histories::read(root).unwrap_err();
    assert!(matches!(error, MhlError::MissingManifest { .. }), "{error}");
}

#[test]
fn names_a_manifest_after_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    for (name, beginning) in [
        ("A: 1\n2", "0001_A_ 1_2_2026".to_owned()),
        (&"é".repeat(127), format!("0001_{}_2026", "é".repeat(90))),
    ] {
        let root = folder.path().join(name);
        fs::create_dir(&root).unwrap();
        let path = write(&root, None, &generation(&["a"], &[HashKind::Md5])).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&beginning), "{name}");
        assert!(History::read(&root).unwrap().is_some());
    }
}

#[test]
fn leaves_out_invalid_dates() {
    let folder = tempfile::tempdir().unwrap();
    let mut new = generation(&["a"], &[HashKind::Md5]);
    new.files[0].modified = Some("-000900-01-01T00:00:00Z".parse().unwrap());
    let path = write(folder.path(), None, &new).unwrap();
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("<path size=\"1\">a</path>"), "{text}");
}

proptest! {
    #![proptest_config(crate::property_tests::random(48))]

    #[test]
    fn reads_back_every_written_generation(
        names in prop::collection::btree_set("[a-c&<>\"' \\t\\n\\r\\\\é\u{301}🎬]{1,6}(/[a-c.\u{85}\u{2028}]{3,4}){0,3}", 0..8),
        kind in prop::sample::select(HashKind::WRITABLE),
    ) {
        // Skips invalid paths, and files whose path is also that of a folder.
        let paths: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|path| path_error(path).is_none())
            .filter(|path| !names.iter().any(|other| other.starts_with(&format!("{path}/"))))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let new = generation(&paths, &[kind]);
        write(folder.path(), None, &new).unwrap();
        let history = History::read(folder.path()).unwrap().unwrap();
        for file in &new.files {
            let known = history.file_history(&file.path).unwrap();
            let hash = &file.hashes[0];
            prop_assert_eq!(known.bytes, Some(file.bytes));
            prop_assert_eq!(
                &known.hashes,
                &[(hash.checksum.clone(), Some(HashAction::Original), 1)]
            );
        }
        let files = new
            .files
            .iter()
            .map(|file| (file.path.as_str(), &file.hashes[0].checksum));
        for (path, hash) in folder_hashes(kind, files, []) {
            let known = history.folder_history(&path).unwrap();
            prop_assert_eq!(&known.hashes, &[(hash, 1)]);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let mut text = b"<hashlist version=\"2.0\"><hashes>".to_vec();
        text.extend(bytes);
        write_history(folder.path(), &text);
        prop_assert!(History::read(folder.path()).is_err());
        let path = folder.path().join("list.mhl");
        let version_1 = String::from_utf8_lossy(&text).replacen("2.0", "1.1", 1);
        fs::write(&path, version_1).unwrap();
        prop_assert!(mhl1::read(&path).is_err());
    }
}
