//! The sets of footage that are scanned, made by `benches/footage.sh` where they are missing.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use walkdir::WalkDir;

/// The name of each set, which is its folder with `-` for `/`.
pub(crate) const SETS: &[&str] = &[
    "S1",
    "S2-h264",
    "S2-hevc",
    "S3",
    "S3-prores",
    "S3-dnxhr",
    "S3-xavc-i",
    "S3-avchd",
    "S3-mjpeg-mov",
    "S3-mjpeg-avi",
    "S3-matroska",
];

/// A folder of clips.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) folder: PathBuf,
    pub(crate) clips: Vec<Clip>,
}

/// A file, and how many seconds it lasts.
pub(crate) struct Clip {
    pub(crate) path: PathBuf,
    pub(crate) seconds: f64,
}

/// The sets called `names`, with their footage there.
pub(crate) fn ready(names: &[&'static str]) -> Vec<Set> {
    let footage = footage();
    names.iter().map(|name| set(&footage, name)).collect()
}

/// Where the footage is; it is made first, which takes minutes once.
fn footage() -> PathBuf {
    let folder = env::var_os("BTSINDEX_BENCH_FOOTAGE").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../bench-footage"),
        PathBuf::from,
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/footage.sh");
    let made = Command::new("bash").arg(script).arg(&folder).status();
    assert!(
        made.expect("bash is there").success(),
        "footage.sh could not make the footage"
    );
    folder.canonicalize().unwrap()
}

fn set(footage: &Path, name: &'static str) -> Set {
    let folder = footage.join(name.replacen('-', "/", 1));
    let mut paths: Vec<_> = WalkDir::new(&folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no footage in `{}`", folder.display());
    let clips = paths
        .into_iter()
        .map(|path| Clip {
            seconds: seconds(&path),
            path,
        })
        .collect();
    Set {
        name,
        folder,
        clips,
    }
}

fn seconds(path: &Path) -> f64 {
    let answer = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0"])
        .args(["-show_entries", "format=duration"])
        .arg(path)
        .output()
        .expect("ffprobe is there");
    let text = String::from_utf8(answer.stdout).unwrap();
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("`{}` has no duration", path.display()))
}
