//! The first Ctrl-C or SIGTERM ends a command at any point, and the same command can be run again.
//! Each test blocks a command at a certain point until the test releases it.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::shoot::Shoot;

const CLIP: &str = "Location Scout/old_tape.avi";

fn scanned_shoot() -> Shoot {
    let shoot = Shoot::new();
    shoot.add(CLIP, "Interview/C0001.avi");
    assert_eq!(shoot.scan_facts().code, 0);
    shoot
}

/// Holds a lock of the catalogue until it is dropped.
fn hold_lock(shoot: &Shoot, name: &str) -> File {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let file = options.open(shoot.catalogue().join(name)).unwrap();
    file.try_lock().expect("the lock is free");
    file
}

fn start(shoot: &Shoot, arguments: &[&str]) -> Child {
    let mut command = shoot.command();
    command.args(arguments).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until the command reports that it is waiting.
fn wait_until_blocked(child: &mut Child) {
    let stderr = child.stderr.as_mut().unwrap();
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line).unwrap();
    assert!(line.contains("waiting for "), "{line}");
}

fn signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
}

fn assert_interrupted(child: Child, what: &str) {
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{what}: {stderr}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn applying_tags_stops_at_the_first_signal() {
    let shoot = scanned_shoot();
    let rules = "[[rule]]\nname = \"ours\"\nwhen = { extension = \"avi\" }\ntags = [\"ours\"]\n";
    fs::write(shoot.catalogue().join("rules.toml"), rules).unwrap();
    for (lock, signalled) in [("scan.lock", "-TERM"), ("index.lock", "-INT")] {
        let held = hold_lock(&shoot, lock);
        let mut apply = start(&shoot, &["tags", "apply"]);
        wait_until_blocked(&mut apply);
        signal(&apply, signalled);
        assert_interrupted(apply, lock);
        drop(held);
    }
    let again = shoot.run(&["tags", "apply"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(shoot.search_names(&["tag:ours"]).len(), 1);
    shoot.assert_catalogue_sound("after tags apply was interrupted");
}

#[test]
fn searching_commands_can_be_interrupted_while_waiting_for_the_index() {
    let shoot = scanned_shoot();
    let note = shoot.run(&["note", "quiet", "C0001.avi", "-y", "--author", "anna"]);
    assert_eq!(note.code, 0, "{}", note.stderr);
    let place = shoot.folder("place");
    let page = place.join("page.html");
    for arguments in [
        &["report", "avi", "-o", page.to_str().unwrap()][..],
        &["sheet", "avi", "-o", page.to_str().unwrap()],
        &["report", "avi", "--json"],
        &["stats", "avi"],
        &["sidecar", "read", "avi"],
    ] {
        // The index does not contain this edit yet.
        let more = shoot.run(&[
            "note",
            &arguments.join(" "),
            "C0001.avi",
            "-y",
            "--author",
            "anna",
        ]);
        assert_eq!(more.code, 0, "{}", more.stderr);
        let index = shoot.catalogue().join("index");
        if index.exists() {
            fs::remove_dir_all(index).unwrap();
        }
        let held = hold_lock(&shoot, "index.lock");
        let mut command = start(&shoot, arguments);
        wait_until_blocked(&mut command);
        signal(&command, "-TERM");
        assert_interrupted(command, &arguments.join(" "));
        drop(held);
    }
    assert_eq!(names(&place), [""; 0]);
}

#[test]
fn an_interrupted_import_imports_nothing() {
    let shoot = scanned_shoot();
    let note = shoot.run(&["note", "quiet", "C0001.avi", "-y", "--author", "anna"]);
    assert_eq!(note.code, 0, "{}", note.stderr);
    let journal = shoot.run(&["edits", "export"]).stdout;
    let other = Shoot::new();
    let mut import = start(&other, &["edits", "import", "-"]);
    // The import waits for the rest of the journal.
    let mut stdin = import.stdin.take().unwrap();
    stdin.write_all(journal.as_bytes()).unwrap();
    stdin.flush().unwrap();
    while !other.catalogue().join("catalogue.sqlite").exists() {
        std::thread::yield_now();
    }
    signal(&import, "-INT");
    let ended = import.wait().unwrap();
    assert!(!ended.success());
    let mut stdout = String::new();
    import
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    assert_eq!(stdout, "");
    drop(stdin);
    let exported = other.run(&["edits", "export"]);
    assert_eq!(exported.stdout, "", "{}", exported.stderr);
}
