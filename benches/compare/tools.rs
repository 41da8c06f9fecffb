//! Programs that the comparison needs: btsindex, the compiled `floor.c`, and the external tools
//! that this machine has.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::methods::Method;

/// Programs to compare.
pub(crate) struct Tools {
    pub(crate) btsindex: PathBuf,
    /// `None` if the C compiler or the headers of libav are missing.
    pub(crate) floor: Option<PathBuf>,
    /// `None` if strace is missing, so that reads cannot be counted.
    pub(crate) strace: Option<PathBuf>,
    /// Output of `btsindex scan --help`.
    scan_help: String,
}

impl Tools {
    /// Finds or builds the programs.
    pub(crate) fn find() -> Self {
        let btsindex = PathBuf::from(env!("CARGO_BIN_EXE_btsindex"));
        let help = Command::new(&btsindex)
            .args(["scan", "--help"])
            .output()
            .expect("btsindex starts");
        let tools = Self {
            floor: build_floor(),
            strace: find_on_path("strace"),
            scan_help: String::from_utf8_lossy(&help.stdout).into_owned(),
            btsindex,
        };
        if tools.strace.is_none() {
            eprintln!("skipped: bytes and reads: `strace` is not installed");
        }
        tools
    }

    /// Returns true if `btsindex scan` has an option.
    pub(crate) fn scan_has(&self, option: &str) -> bool {
        self.scan_help
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .any(|word| word == option)
    }

    /// Returns the methods that can run here, and prints the others to standard error.
    pub(crate) fn usable(&self, methods: &[Method]) -> Vec<Method> {
        methods
            .iter()
            .copied()
            .filter(|&method| {
                let missing = self.missing(method);
                if let Some(missing) = &missing {
                    eprintln!("skipped: {}: {missing}", method.name());
                }
                missing.is_none()
            })
            .collect()
    }

    /// Returns the reason why a method cannot run.
    fn missing(&self, method: Method) -> Option<String> {
        if let Some(option) = method.scan_option().filter(|option| !self.scan_has(option)) {
            return Some(format!("`btsindex scan` has no `{option}`"));
        }
        if method.is_floor() && self.floor.is_none() {
            return Some("floor.c could not be compiled".to_owned());
        }
        let missing = method
            .programs()
            .iter()
            .find(|name| find_on_path(name).is_none());
        missing.map(|name| format!("`{name}` is not installed"))
    }
}

/// Finds a program in `PATH`.
fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Compiles `floor.c` into the target folder; `None` if that fails.
fn build_floor() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/floor.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("floor");
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs"])
        .args(["libavformat", "libavcodec", "libavutil", "libswscale"])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
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
