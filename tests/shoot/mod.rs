//! Test environment: a folder for footage, a separate catalogue, and the program.

#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "what runs on Linux only uses the rest")
)]

#[cfg(target_os = "linux")]
pub(crate) mod disk;
#[cfg(unix)]
pub(crate) mod kill;
pub(crate) mod mounts;
#[cfg(unix)]
pub(crate) mod tmux;
#[cfg(unix)]
pub(crate) mod unprivileged;

use std::collections::BTreeMap;
use std::fs::{self, File};
#[cfg(unix)]
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

/// 2026-05-20 12:00:00 UTC: default modification time of test files.
const MODIFIED: u64 = 1_779_278_400;

/// Longer than any step takes on a busy machine.
const HANGING: Duration = Duration::from_secs(180);

/// A folder of footage and a catalogue, deleted when it is dropped.
pub(crate) struct Shoot {
    folder: tempfile::TempDir,
}

/// Creates a folder whose name is one long word that no test searches for: a random name such as
/// `.tmp9Dpx3b` contains words, and every clip in it would match them.
pub(crate) fn unsearchable_folder(within: &Path) -> std::io::Result<tempfile::TempDir> {
    static CREATED: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let (created, process) = (CREATED.fetch_add(1, Ordering::Relaxed), std::process::id());
    let word: String = format!("{now:x}{process:x}{created:x}")
        .chars()
        .filter_map(|digit| char::from_u32('a' as u32 + digit.to_digit(16)?))
        .collect();
    tempfile::Builder::new()
        .prefix(&format!("unsearched{word}"))
        .rand_bytes(0)
        .tempdir_in(within)
}

/// Exit code and output of a command.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shoot {
    /// Creates an empty environment.
    pub(crate) fn new() -> Self {
        Self {
            folder: unsearchable_folder(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap(),
        }
    }

    /// Creates an environment with a copy of the fixtures.
    pub(crate) fn with_fixtures() -> Self {
        let shoot = Self::new();
        copy(&fixtures(), &shoot.footage());
        shoot
    }

    /// Folder of the footage.
    pub(crate) fn footage(&self) -> PathBuf {
        let footage = self.folder.path().canonicalize().unwrap().join("footage");
        fs::create_dir_all(&footage).unwrap();
        footage
    }

    /// Folder that contains everything else.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder("")
    }

    /// Path of the catalogue.
    pub(crate) fn catalogue(&self) -> PathBuf {
        self.folder.path().join("catalogue")
    }

    /// Creates another folder next to the footage.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().canonicalize().unwrap().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Copies one fixture into the footage under another name.
    pub(crate) fn add(&self, fixture: &str, name: impl AsRef<Path>) -> PathBuf {
        let to = self.footage().join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        copy(&fixtures().join(fixture), &to);
        to
    }

    /// Command of the program, without arguments.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_btsindex"));
        command
            .env("BTSINDEX_CATALOGUE", self.catalogue())
            .env_remove("BTSINDEX_FFMPEG")
            .env_remove("BTSINDEX_FFPROBE")
            .stdin(Stdio::null())
            .current_dir(self.folder.path());
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        Answer::from_output(&self.command().args(arguments).output().unwrap())
    }

    /// Scans the footage.
    pub(crate) fn scan(&self) -> Answer {
        self.scan_with(&[])
    }

    /// Scans the footage without pictures, which takes a third of the time.
    pub(crate) fn scan_facts(&self) -> Answer {
        self.scan_with(&["--no-pictures"])
    }

    /// Scans the footage and returns the counts of the summary.
    pub(crate) fn scan_counts(&self, arguments: &[&str]) -> Value {
        self.scan_with(&[&["--json"], arguments].concat()).summary()
    }

    fn scan_with(&self, arguments: &[&str]) -> Answer {
        let mut command = self.command();
        command.arg("scan").args(arguments).arg(self.footage());
        Answer::from_output(&command.output().unwrap())
    }

    /// Scans a folder with tools that report a supported version and fail at everything else;
    /// returns the counts of the summary.
    pub(crate) fn scan_without_tools(&self, path: &Path) -> Value {
        let broken = self.folder("broken-tools");
        for tool in ["ffprobe", "ffmpeg"] {
            let path = find_program(tool);
            let script =
                format!("#!/bin/sh\n[ \"$3\" = -version ] && exec {path} -version\nexit 1\n");
            write_program(&broken.join(tool), &script);
        }
        let mut command = self.command();
        command.args(["scan", "--json"]).arg(path);
        command.env("BTSINDEX_FFPROBE", broken.join("ffprobe"));
        command.env("BTSINDEX_FFMPEG", broken.join("ffmpeg"));
        Answer::from_output(&command.output().unwrap()).summary()
    }

    /// Every clip as `search --json` prints it, sorted by path.
    pub(crate) fn clips(&self) -> Vec<Value> {
        let answer = self.run(&["search", "--json"]);
        let mut clips = answer.json();
        clips.sort_by_key(|clip| clip["path"].to_string());
        clips
    }

    /// Names of the matches of a search, sorted.
    pub(crate) fn search_names(&self, words: &[&str]) -> Vec<String> {
        let answer = self.run(&[&["search", "--json"], words].concat());
        let mut names: Vec<String> = answer
            .json()
            .iter()
            .map(|clip| clip["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    /// Results of `doctor --json` by check.
    pub(crate) fn doctor(&self, arguments: &[&str]) -> BTreeMap<String, Value> {
        let answer = self.run(&[&["doctor", "--json"], arguments].concat());
        let name = |line: &Value| line["check"].as_str().unwrap().to_owned();
        let lines = answer.json().into_iter();
        lines.map(|line| (name(&line), line)).collect()
    }

    /// Checks that the catalogue is sound; `about` is printed if it is not.
    pub(crate) fn assert_catalogue_sound(&self, about: &str) {
        let found = &self.doctor(&[])["catalogue"];
        assert_eq!(found["well"], true, "{about}: {found}");
    }

    /// Checks that the catalogue is sound and that the index equals it, clip by clip.
    pub(crate) fn assert_consistent(&self, about: &str) {
        let found = self.doctor(&["--thorough"]);
        assert_eq!(found["catalogue"]["well"], true, "{about}: {found:?}");
        let index = &found["index"];
        let is_equal = index["found"].as_str().unwrap().ends_with(", all equal");
        assert!(index["well"] == true && is_equal, "{about}: {index}");
    }

    /// Returns the clip with this file name.
    pub(crate) fn clip(&self, name: &str) -> Value {
        let clips = self.clips();
        let found = clips.into_iter().find(|clip| clip["name"] == name);
        found.unwrap_or_else(|| panic!("no clip {name}"))
    }
}

impl Answer {
    pub(crate) fn from_output(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Last line of `scan --json`: the counts.
    pub(crate) fn summary(&self) -> Value {
        let last = self.stdout.lines().last();
        serde_json::from_str(last.unwrap_or_else(|| panic!("{}", self.stderr))).unwrap()
    }

    /// Parses standard output as one JSON object per line.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Tools that report their version, and are slow afterwards.
pub(crate) struct SlowTools(PathBuf);

impl SlowTools {
    /// `wait` is the shell command that runs before each call.
    pub(crate) fn new(shoot: &Shoot, wait: &str) -> Self {
        let folder = shoot.folder("slow-tools");
        for tool in ["ffprobe", "ffmpeg"] {
            let path = find_program(tool);
            let script = format!(
                "#!/bin/sh\n[ \"$3\" = -version ] || [ \"$1\" = -version ] || {wait}\nexec {path} \"$@\"\n"
            );
            write_program(&folder.join(tool), &script);
        }
        Self(folder)
    }

    /// Starts a scan with these tools and discards its output.
    pub(crate) fn scan(&self, shoot: &Shoot) -> Child {
        let mut command = shoot.command();
        command.args(["scan", "--json"]).arg(shoot.footage());
        command
            .env("BTSINDEX_FFPROBE", self.0.join("ffprobe"))
            .env("BTSINDEX_FFMPEG", self.0.join("ffmpeg"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }
}

/// Pseudorandom numbers, the same in every run: splitmix64,
/// <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// Waits until a condition is met. The limit is for tests that would never end; nothing depends on
/// its length.
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < HANGING, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Number from an environment variable, or a default: see `scripts/endurance`.
pub(crate) fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

/// Folder of the committed fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/footage")
}

/// Copies a file or folder; every copy has the same modification time.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
        set_modified(to, MODIFIED);
    }
}

/// Sets a file's modification time, in seconds since 1970.
pub(crate) fn set_modified(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// Path of a program.
pub(crate) fn find_program(name: &str) -> String {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {name}")])
        .output()
        .unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

/// Writes an executable script. A shell writes it: a file that is open for writing here is briefly
/// inherited by processes that other tests start, and such a file cannot be executed.
#[cfg(unix)]
pub(crate) fn write_program(path: &Path, script: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"]);
    let mut writing = shell.arg(path).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = writing.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    assert!(writing.wait().unwrap().success(), "{}", path.display());
}

#[cfg(not(unix))]
pub(crate) fn write_program(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
}
