//! `verify`: folders with manifests of other programs, with older lists, and with the ingest log
//! only.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use btsindex::checksum::{HashKind, hash_bytes};

use super::card::{ingest_ok, verify, write_card, write_file};
use super::reference_tools::assert_reference_verifies;
use crate::shoot::{Answer, Shoot, wait_until};
use crate::skipped_tests::{find_installed, or_skip};

/// Writes a generation with the reference tool.
#[track_caller]
pub(crate) fn create_generation(folder: &Path) {
    let mut command = Command::new("ascmhl");
    command
        .args(["create", "-h", "md5", "."])
        .current_dir(folder);
    command.env("https_proxy", "http://127.0.0.1:9");
    let answer = Answer::from_output(&command.output().unwrap());
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
}

fn paths(found: &Value, list: &str) -> Vec<String> {
    let paths = found[list].as_array().unwrap().iter();
    paths
        .map(|path| path.as_str().unwrap().to_owned())
        .collect()
}

/// Creates a folder of three files without manifests.
fn folder(shoot: &Shoot) -> std::path::PathBuf {
    let folder = shoot.folder("footage");
    write_file(&folder, "a.bin", b"one");
    write_file(&folder, "Reel/b.bin", b"two");
    write_file(&folder, "Reel/deep/c.bin", b"three");
    folder
}

#[test]
fn a_history_of_the_reference_tool_is_verified_without_a_catalogue() {
    or_skip!(find_installed("ascmhl"));
    let shoot = Shoot::new();
    let folder = folder(&shoot);
    // One generation in the inner folder, then two in the outer one.
    create_generation(&folder.join("Reel"));
    create_generation(&folder);
    write_file(&folder, "later.bin", b"four");
    create_generation(&folder);
    let (code, found) = verify(&shoot, &folder);
    assert_eq!((code, &found["verified"]), (0, &json!(4)), "{found}");
    write_file(&folder, "Reel/deep/c.bin", b"THREE");
    fs::remove_file(folder.join("a.bin")).unwrap();
    write_file(&folder, "new.bin", b"five");
    let (code, found) = verify(&shoot, &folder);
    assert_eq!(code, 4, "{found}");
    assert_eq!(paths(&found, "altered"), ["Reel/deep/c.bin"]);
    assert_eq!(paths(&found, "missing"), ["a.bin"]);
    assert_eq!(paths(&found, "new"), ["new.bin"]);
    assert_eq!(found["verified"], 2);
    // An inner folder is verified by the manifests above it.
    let (code, found) = verify(&shoot, &folder.join("Reel"));
    assert_eq!(code, 4, "{found}");
    assert_eq!(paths(&found, "altered"), ["deep/c.bin"]);
    let (code, found) = verify(&shoot, &folder.join("Reel/deep"));
    assert_eq!(code, 4, "{found}");
    assert_eq!(paths(&found, "altered"), ["c.bin"]);
    assert!(!shoot.catalogue().exists(), "a catalogue was created");
}

#[test]
fn the_reference_tool_verifies_recorded_generations() {
    let shoot = Shoot::new();
    let folder = folder(&shoot);
    let (code, found) = verify(&shoot, &folder);
    assert_eq!(code, 3, "{found}");
    assert_eq!(paths(&found, "new").len(), 3);
    let record = |expected: i32| {
        let mut command = shoot.command();
        command.args(["verify", "--json", "--record"]).arg(&folder);
        let answer = Answer::from_output(&command.output().unwrap());
        assert_eq!(answer.code, expected, "{}{}", answer.stdout, answer.stderr);
        answer.summary()
    };
    assert_eq!(record(0)["manifests"].as_array().unwrap().len(), 1);
    assert_reference_verifies(&folder);
    write_file(&folder, "new.bin", b"five");
    let (code, found) = verify(&shoot, &folder);
    assert_eq!(
        (code, paths(&found, "new")),
        (3, vec!["new.bin".to_owned()])
    );
    assert_eq!(record(0)["verified"], 3);
    assert_reference_verifies(&folder);
    let (code, found) = verify(&shoot, &folder);
    assert_eq!((code, &found["verified"]), (0, &json!(4)), "{found}");
    // An altered file stays altered after repeated recording.
    write_file(&folder, "new.bin", b"FIVE");
    for _ in 0..2 {
        assert_eq!(paths(&record(4), "altered"), ["new.bin"]);
    }
    if find_installed("ascmhl-debug").is_ok() {
        assert_reference_rejects(&folder);
    }
}

#[track_caller]
fn assert_reference_rejects(folder: &Path) {
    let mut command = Command::new("ascmhl-debug");
    command.args(["verify", "."]).current_dir(folder);
    command.env("https_proxy", "http://127.0.0.1:9");
    assert!(!command.output().unwrap().status.success());
}

#[test]
fn an_mhl_1_1_list_is_verified() {
    let shoot = Shoot::new();
    let folder = folder(&shoot);
    let hash = |kind, bytes: &[u8]| hash_bytes(kind, bytes).to_string();
    let list = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<hashlist version="1.1">
  <creatorinfo><name>Ada</name><tool>tool 1.0</tool></creatorinfo>
  <hash><file>a.bin</file><size>3</size><md5>{}</md5></hash>
  <hash><file>Reel/b.bin</file><size>3</size><xxhash64be>{}</xxhash64be></hash>
  <hash><file>Reel/deep/c.bin</file><size>5</size><sha1>{}</sha1></hash>
</hashlist>
"#,
        hash(HashKind::Md5, b"one"),
        hash(HashKind::Xxh64, b"two"),
        hash(HashKind::Sha1, b"three"),
    );
    fs::write(folder.join("footage_2024.mhl"), &list).unwrap();
    let (code, found) = verify(&shoot, &folder);
    assert_eq!((code, &found["verified"]), (0, &json!(3)), "{found}");
    write_file(&folder, "a.bin", b"ONE");
    write_file(&folder, "Reel/b.bin", b"TWO");
    fs::remove_file(folder.join("Reel/deep/c.bin")).unwrap();
    let (code, found) = verify(&shoot, &folder);
    assert_eq!(code, 4, "{found}");
    assert_eq!(paths(&found, "altered"), ["Reel/b.bin", "a.bin"]);
    assert_eq!(paths(&found, "missing"), ["Reel/deep/c.bin"]);
    fs::write(folder.join("footage_2024.mhl"), &list[..200]).unwrap();
    assert_refused(&shoot, &folder, "footage_2024.mhl");
}

/// Checks that `verify` fails with an error that names the file.
#[track_caller]
fn assert_refused(shoot: &Shoot, folder: &Path, name: &str) {
    let answer = shoot.run(&["verify", folder.to_str().unwrap()]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stderr.contains("error: "), "{}", answer.stderr);
    assert!(answer.stderr.contains(name), "{}", answer.stderr);
}

#[test]
fn a_damaged_manifest_is_an_error() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 3, 500);
    ingest_ok(&shoot, &[&card], &[&raid]);
    let manifests = fs::read_dir(raid.join("ascmhl")).unwrap();
    let manifest = manifests
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "mhl"))
        .unwrap();
    let whole = fs::read_to_string(&manifest).unwrap();
    let name = manifest.file_name().unwrap().to_str().unwrap();
    for damaged in [
        whole.replace("D00001", "D00007"),
        whole[..whole.len() / 2].to_owned(),
        String::new(),
    ] {
        fs::write(&manifest, damaged).unwrap();
        assert_refused(&shoot, &raid, name);
    }
    fs::remove_file(&manifest).unwrap();
    assert_refused(&shoot, &raid, name);
    fs::write(&manifest, whole).unwrap();
    assert_eq!(verify(&shoot, &raid).0, 0);
}

#[test]
fn a_folder_without_its_manifests_is_verified_by_the_log() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 4, 500);
    ingest_ok(&shoot, &[&card], &[&raid]);
    fs::remove_dir_all(raid.join("ascmhl")).unwrap();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!((code, &found["verified"]), (0, &json!(4)), "{found}");
    let altered = raid.join("Clips/00/D00001.bin");
    fs::write(&altered, vec![7; 500]).unwrap();
    fs::remove_file(raid.join("Clips/00/D00002.bin")).unwrap();
    let (code, found) = verify(&shoot, &raid);
    assert_eq!(code, 4, "{found}");
    assert_eq!(paths(&found, "altered"), ["Clips/00/D00001.bin"]);
    assert_eq!(paths(&found, "missing"), ["Clips/00/D00002.bin"]);
    let ingest = &shoot.run(&["ingests", "--json"]).json()[0];
    assert_eq!(ingest["places"][0]["verified"], 2, "{ingest}");
    assert_eq!(ingest["state"], "with problems", "{ingest}");
    // A subfolder as well.
    let (code, found) = verify(&shoot, &raid.join("Clips"));
    assert_eq!(code, 4, "{found}");
    assert_eq!(paths(&found, "missing"), ["00/D00002.bin"]);
}

#[test]
fn a_missing_folder_does_not_affect_the_others() {
    let shoot = Shoot::new();
    let (one, missing) = (folder(&shoot), shoot.folder("").join("none"));
    let record = |folders: &[&Path]| {
        let mut command = shoot.command();
        command.args(["verify", "--json", "--record"]).args(folders);
        Answer::from_output(&command.output().unwrap())
    };
    let answer = record(&[&missing, &one]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(answer.summary()["manifests"].as_array().unwrap().len(), 1);
    assert!(answer.stderr.contains("none"), "{}", answer.stderr);
}

#[test]
fn results_of_a_killed_verification_are_kept() {
    let shoot = Shoot::new();
    let (card, raid) = (shoot.folder("A001"), shoot.folder("raid"));
    write_card(&card, 4, 500);
    ingest_ok(&shoot, &[&card], &[&raid]);
    write_file(&raid, "Clips/00/D00001.bin", &[7; 500]);
    let large = fs::File::create(raid.join("last.bin")).unwrap();
    large.set_len(1 << 43).unwrap();
    let mut command = shoot.command();
    command.args(["verify", "--json"]).arg(&raid);
    let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
    // The result is printed at once, …
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let is_reported = lines.any(|line| line.unwrap().contains(r#""state":"altered""#));
    // … and soon stored in the log.
    assert!(is_reported);
    let verified = || shoot.run(&["ingests", "--json"]).json()[0]["places"][0]["verified"].take();
    wait_until("the result is stored", || verified() != 4);
    let is_running = running.try_wait().unwrap().is_none();
    running.kill().unwrap();
    running.wait().unwrap();
    assert!(is_running);
    assert_eq!(verified(), 3);
}
