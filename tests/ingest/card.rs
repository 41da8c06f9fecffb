//! Test cards, the commands that ingest and verify them, and checks of the copies.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::shoot::disk::run;
use crate::shoot::{Answer, Dice, Shoot};

/// Entry of a folder tree.
#[derive(PartialEq, Eq)]
pub(crate) enum TreeEntry {
    /// Folder with its modification time in nanoseconds since 1970.
    Folder(i128),
    /// Content and modification time of a file.
    File(Vec<u8>, i128),
    /// Link, pipe or other special file.
    Other,
}

/// Reads every entry below a folder, except for the manifests in its root and `lost+found` of ext4.
pub(crate) fn read_tree(root: &Path) -> BTreeMap<PathBuf, TreeEntry> {
    let mut tree = BTreeMap::new();
    for found in walkdir::WalkDir::new(root).min_depth(1) {
        let found = found.unwrap();
        let inside = found.path().strip_prefix(root).unwrap().to_owned();
        if inside.starts_with("ascmhl") || inside.starts_with("lost+found") {
            continue;
        }
        let metadata = found.path().symlink_metadata().unwrap();
        let modified = match metadata.modified().unwrap().duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap(),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap(),
        };
        let entry = match metadata.file_type() {
            kind if kind.is_dir() => TreeEntry::Folder(modified),
            kind if kind.is_file() => TreeEntry::File(fs::read(found.path()).unwrap(), modified),
            _ => TreeEntry::Other,
        };
        tree.insert(inside, entry);
    }
    tree
}

/// Checks that two folders have the same entries, contents and times.
#[track_caller]
pub(crate) fn assert_same_files(one: &Path, other: &Path) {
    let (first, second) = (read_tree(one), read_tree(other));
    let mut differ: Vec<&PathBuf> = first
        .iter()
        .filter(|(path, entry)| second.get(*path) != Some(entry))
        .map(|(path, _)| path)
        .collect();
    differ.extend(second.keys().filter(|path| !first.contains_key(*path)));
    assert!(differ.is_empty(), "{} {differ:?}", other.display());
}

/// Checks that a destination has no entries other than those of the card, manifests and unfinished
/// files, and that every copied file has the content of the original. `about` is printed otherwise.
#[track_caller]
pub(crate) fn assert_no_wrong_copies(card: &Path, copy: &Path, about: &str) {
    let originals = read_tree(card);
    for (path, entry) in read_tree(copy) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(".btsindex-") {
            continue;
        }
        let is_right = match (originals.get(&path), &entry) {
            (Some(TreeEntry::File(original, _)), TreeEntry::File(bytes, _)) => original == bytes,
            (Some(TreeEntry::Folder(_)), TreeEntry::Folder(_)) => true,
            _ => false,
        };
        assert!(is_right, "{about}: {}", path.display());
    }
}

/// Checks that no unfinished file is left below a folder.
#[track_caller]
pub(crate) fn assert_nothing_unfinished(folder: &Path) {
    for entry in walkdir::WalkDir::new(folder) {
        let path = entry.unwrap().path().to_string_lossy().into_owned();
        assert!(!path.contains("/.btsindex-"), "{path}");
    }
}

/// Writes a file and creates the folders above it.
pub(crate) fn write_file(root: &Path, inside: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
    let path = root.join(inside);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// Sets the modification time of a file or folder, in seconds since 1970.
pub(crate) fn set_time(path: &Path, seconds: i64) {
    let since = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 {
        UNIX_EPOCH.checked_sub(since).unwrap()
    } else {
        UNIX_EPOCH.checked_add(since).unwrap()
    };
    let times = FileTimes::new().set_modified(time);
    File::open(path).unwrap().set_times(times).unwrap();
}

/// Returns pseudorandom bytes, the same for the same seed.
pub(crate) fn random_bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let words = (0..length.div_ceil(8)).flat_map(|_| dice.below(u64::MAX).to_le_bytes());
    words.take(length).collect()
}

/// Writes `files` files of `bytes` bytes each, none of them footage.
pub(crate) fn write_card(root: &Path, files: u64, bytes: usize) {
    for number in 0..files {
        let inside = format!("Clips/{:02}/D{number:05}.bin", number / 100);
        write_file(root, inside, &random_bytes(number + 1, bytes));
    }
}

/// Returns the command that ingests cards on a fixed day, without pictures and with JSON output.
pub(crate) fn ingest_command(shoot: &Shoot, cards: &[&Path], to: &[&Path]) -> Command {
    let mut command = shoot.command();
    command.args(["ingest", "--json", "--no-pictures", "--date", "2026-05-02"]);
    command.args(cards);
    for folder in to {
        command.arg("--to").arg(folder);
    }
    command
}

/// Ingests cards.
pub(crate) fn ingest(shoot: &Shoot, cards: &[&Path], to: &[&Path]) -> Answer {
    Answer::from_output(&ingest_command(shoot, cards, to).output().unwrap())
}

/// Ingests cards without any problem and returns the summary.
#[track_caller]
pub(crate) fn ingest_ok(shoot: &Shoot, cards: &[&Path], to: &[&Path]) -> Value {
    let answer = ingest(shoot, cards, to);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    answer.summary()
}

/// Verifies a folder; returns the exit code and the summary.
pub(crate) fn verify(shoot: &Shoot, folder: &Path) -> (i32, Value) {
    let mut command = shoot.command();
    command.args(["verify", "--json"]).arg(folder);
    let answer = Answer::from_output(&command.output().unwrap());
    assert!(!answer.stdout.is_empty(), "{}", answer.stderr);
    (answer.code, answer.summary())
}

/// Returns the events of one kind in the output of a command.
pub(crate) fn events(answer: &Answer, event: &str) -> Vec<Value> {
    let mut events = answer.json();
    events.retain(|object| object["event"] == event);
    events
}

/// Returns the problems of a summary as `path: reason`.
pub(crate) fn problems(summary: &Value) -> Vec<String> {
    let problems = summary["problems"].as_array().unwrap().iter();
    problems
        .map(|problem| {
            format!(
                "{}: {}",
                problem["path"].as_str().unwrap(),
                problem["reason"].as_str().unwrap()
            )
        })
        .collect()
}

/// Checks that a problem is reported whose path ends with `path` and whose reason contains
/// `reason`.
#[track_caller]
pub(crate) fn assert_problem(answer: &Answer, path: &str, reason: &str) {
    let all = problems(&answer.summary());
    let is_expected = |problem: &String| {
        let (found_path, found_reason) = problem.split_once(": ").unwrap();
        found_path.ends_with(path) && found_reason.contains(reason)
    };
    assert!(all.iter().any(is_expected), "{path}, {reason}: {all:#?}");
}

/// Running command with JSON output; killed when it is dropped.
pub(crate) struct RunningCommand {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    output: String,
}

impl RunningCommand {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines,
            output: String::new(),
        }
    }

    /// Reads the next event; returns `None` at the end of the output.
    pub(crate) fn next_event(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        self.output.push_str(&line);
        self.output.push('\n');
        Some(serde_json::from_str(&line).unwrap())
    }

    /// Reads events up to the first of this kind and returns it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, event: &str) -> Value {
        loop {
            let object = self.next_event();
            let object = object.unwrap_or_else(|| panic!("no {event} in {}", self.output));
            if object["event"] == event {
                return object;
            }
        }
    }

    /// Calls `act` while the process is stopped.
    pub(crate) fn while_stopped(&self, act: impl FnOnce()) {
        self.signal("-STOP");
        act();
        self.signal("-CONT");
    }

    pub(crate) fn signal(&self, signal: &str) {
        assert!(run("kill", &[signal, &self.child.id().to_string()]));
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads all output and waits for the end of the process.
    pub(crate) fn finish(mut self) -> Answer {
        while self.next_event().is_some() {}
        Answer {
            code: self.child.wait().unwrap().code().unwrap_or(-1),
            stdout: std::mem::take(&mut self.output),
            stderr: String::new(),
        }
    }
}

impl Drop for RunningCommand {
    /// No process continues after a test that fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
