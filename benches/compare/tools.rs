//! What the comparison needs around it: the built program, the floor, and which of the other
//! programs this machine has.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ways::Way;

/// The programs that are compared, found or built.
pub(crate) struct Tools {
    pub(crate) btsindex: PathBuf,
    /// `None` without a C compiler and libav's headers.
    pub(crate) floor: Option<PathBuf>,
    /// `None` where reads cannot be counted.
    pub(crate) strace: Option<PathBuf>,
    /// What `btsindex scan` can be told.
    scan_help: String,
}

impl Tools {
    /// Finds and builds them; what is missing is said.
    pub(crate) fn ready() -> Self {
        let btsindex = PathBuf::from(env!("CARGO_BIN_EXE_btsindex"));
        let help = Command::new(&btsindex)
            .args(["scan", "--help"])
            .output()
            .expect("btsindex starts");
        let tools = Self {
            floor: build_floor(),
            strace: on_path("strace"),
            scan_help: String::from_utf8_lossy(&help.stdout).into_owned(),
            btsindex,
        };
        if tools.strace.is_none() {
            eprintln!("skipped: bytes and reads, `strace` is not here");
        }
        tools
    }

    /// Whether `btsindex scan` knows an option.
    pub(crate) fn scan_has(&self, option: &str) -> bool {
        self.scan_help
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .any(|word| word == option)
    }

    /// The ways that can be taken here; those that cannot are said.
    pub(crate) fn usable(&self, ways: &[Way]) -> Vec<Way> {
        ways.iter()
            .copied()
            .filter(|&way| {
                let missing = self.missing(way);
                if let Some(missing) = &missing {
                    eprintln!("skipped: {}, {missing}", way.name());
                }
                missing.is_none()
            })
            .collect()
    }

    fn missing(&self, way: Way) -> Option<String> {
        if let Some(option) = way.scan_option().filter(|option| !self.scan_has(option)) {
            return Some(format!("`btsindex scan` has no `{option}`"));
        }
        if way.is_floor() && self.floor.is_none() {
            return Some("floor.c could not be compiled".to_owned());
        }
        let missing = way.programs().iter().find(|name| on_path(name).is_none());
        missing.map(|name| format!("`{name}` is not here"))
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Compiles `floor.c` into the target folder.
fn build_floor() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/floor.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("floor");
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs"])
        .args(["libavformat", "libavcodec", "libavutil", "libswscale"])
        .output()
        .ok()
        .filter(|answer| answer.status.success())?;
    let built = Command::new("cc")
        .arg("-O2")
        .arg(source)
        .arg("-o")
        .arg(&program)
        .args(String::from_utf8_lossy(&flags.stdout).split_whitespace())
        .status()
        .ok()?;
    built.success().then_some(program)
}
