//! Cards to take in, how that is done, and what is there afterwards.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::shoot::disk::run;
use crate::shoot::{Answer, Dice, Shoot};

/// What stands at a path.
#[derive(PartialEq, Eq)]
pub(crate) enum Thing {
    /// A folder, with its time.
    Folder(i128),
    /// A file: its bytes, and its time.
    File(Vec<u8>, i128),
    /// A link, a pipe.
    Other,
}

/// Everything below a folder but the manifests in its root, and what ext4 has in its own.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, Thing> {
    let mut tree = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.unwrap();
        let inside = entry.path().strip_prefix(root).unwrap().to_owned();
        if inside.starts_with("ascmhl") || inside.starts_with("lost+found") {
            continue;
        }
        let metadata = entry.path().symlink_metadata().unwrap();
        let modified = match metadata.modified().unwrap().duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap(),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap(),
        };
        let thing = match metadata.file_type() {
            kind if kind.is_dir() => Thing::Folder(modified),
            kind if kind.is_file() => Thing::File(fs::read(entry.path()).unwrap(), modified),
            _ => Thing::Other,
        };
        tree.insert(inside, thing);
    }
    tree
}

/// Two folders hold the same, to the last time of a folder.
#[track_caller]
pub(crate) fn are_equal(one: &Path, other: &Path) {
    let (ours, theirs) = (tree(one), tree(other));
    let mut differ: Vec<&PathBuf> = ours
        .iter()
        .filter(|(path, thing)| theirs.get(*path) != Some(thing))
        .map(|(path, _)| path)
        .collect();
    differ.extend(theirs.keys().filter(|path| !ours.contains_key(*path)));
    assert!(differ.is_empty(), "{} {differ:?}", other.display());
}

/// Whatever bears a name of the card in a destination is what the card has; nothing else is there but
/// manifests and what is unfinished.
#[track_caller]
pub(crate) fn nothing_is_wrong(card: &Path, copy: &Path, about: &str) {
    let wanted = tree(card);
    for (path, thing) in tree(copy) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(".btsindex-") {
            continue;
        }
        let is_right = match (wanted.get(&path), &thing) {
            (Some(Thing::File(wanted, _)), Thing::File(bytes, _)) => wanted == bytes,
            (Some(Thing::Folder(_)), Thing::Folder(_)) => true,
            _ => false,
        };
        assert!(is_right, "{about}: {}", path.display());
    }
}

/// Nothing unfinished is left below a folder.
#[track_caller]
pub(crate) fn nothing_is_left_over(folder: &Path) {
    for entry in walkdir::WalkDir::new(folder) {
        let path = entry.unwrap().path().to_string_lossy().into_owned();
        assert!(!path.contains("/.btsindex-"), "{path}");
    }
}

/// Writes a file of a card, with the folders above it.
pub(crate) fn put(root: &Path, inside: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
    let path = root.join(inside);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// Gives a file or a folder a time, in seconds since 1970.
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

/// Bytes that look random.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let words = (0..length.div_ceil(8)).flat_map(|_| dice.below(u64::MAX).to_le_bytes());
    words.take(length).collect()
}

/// A card of so many files of so many bytes each, none of them footage.
pub(crate) fn fill(root: &Path, files: u64, bytes: usize) {
    for number in 0..files {
        let inside = format!("Clips/{:02}/D{number:05}.bin", number / 100);
        put(root, inside, &noise(number + 1, bytes));
    }
}

/// How cards are taken in here: told as JSON, without pictures, on one day.
pub(crate) fn command(shoot: &Shoot, cards: &[&Path], to: &[&Path]) -> Command {
    let mut command = shoot.command();
    command.args(["ingest", "--json", "--no-pictures", "--date", "2026-05-02"]);
    command.args(cards);
    for folder in to {
        command.arg("--to").arg(folder);
    }
    command
}

/// Takes cards in.
pub(crate) fn ingest(shoot: &Shoot, cards: &[&Path], to: &[&Path]) -> Answer {
    Answer::from_output(&command(shoot, cards, to).output().unwrap())
}

/// … all of it, without anything to complain of.
#[track_caller]
pub(crate) fn ingest_well(shoot: &Shoot, cards: &[&Path], to: &[&Path]) -> Value {
    let answer = ingest(shoot, cards, to);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    answer.summary()
}

/// Verifies a folder; what it came to, and how it ended.
pub(crate) fn verify(shoot: &Shoot, folder: &Path) -> (i32, Value) {
    let mut command = shoot.command();
    command.args(["verify", "--json"]).arg(folder);
    let answer = Answer::from_output(&command.output().unwrap());
    assert!(!answer.stdout.is_empty(), "{}", answer.stderr);
    (answer.code, answer.summary())
}

/// Objects of one kind among what was told.
pub(crate) fn told(answer: &Answer, event: &str) -> Vec<Value> {
    let mut told = answer.json();
    told.retain(|object| object["event"] == event);
    told
}

/// Problems of a summary, as `path: reason`.
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

/// There is a problem with a path that ends so, for a reason that says so.
#[track_caller]
pub(crate) fn is_told(answer: &Answer, path: &str, reason: &str) {
    let all = problems(&answer.summary());
    let is_it = |problem: &String| {
        let (told, why) = problem.split_once(": ").unwrap();
        told.ends_with(path) && why.contains(reason)
    };
    assert!(all.iter().any(is_it), "{path}, {reason}: {all:#?}");
}

/// A program that is at work.
pub(crate) struct Working {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    heard: String,
}

impl Working {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines,
            heard: String::new(),
        }
    }

    /// The next object that it tells; `None` when it is at its end.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        self.heard.push_str(&line);
        self.heard.push('\n');
        Some(serde_json::from_str(&line).unwrap())
    }

    /// Listens until it tells this.
    #[track_caller]
    pub(crate) fn until(&mut self, event: &str) -> Value {
        loop {
            let object = self.next();
            let object = object.unwrap_or_else(|| panic!("no {event} in {}", self.heard));
            if object["event"] == event {
                return object;
            }
        }
    }

    /// Has it stand still while something is done.
    pub(crate) fn meanwhile(&self, act: impl FnOnce()) {
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

    /// Listens to the end.
    pub(crate) fn end(mut self) -> Answer {
        while self.next().is_some() {}
        Answer {
            code: self.child.wait().unwrap().code().unwrap_or(-1),
            stdout: std::mem::take(&mut self.heard),
            stderr: String::new(),
        }
    }
}

impl Drop for Working {
    /// A test that fails leaves nothing that goes on.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
