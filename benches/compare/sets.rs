//! Sets of footage to scan. `benches/footage.sh` generates the missing ones.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use walkdir::WalkDir;

/// Name of each set: the path of its folder, with `-` instead of `/`.
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

/// Folder of clips.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) folder: PathBuf,
    pub(crate) clips: Vec<Clip>,
}

/// File with its duration in seconds.
pub(crate) struct Clip {
    pub(crate) path: PathBuf,
    pub(crate) seconds: f64,
}

/// Returns the sets with these names, after generating missing footage.
pub(crate) fn load(names: &[&'static str]) -> Vec<Set> {
    let footage = generate_footage();
    names.iter().map(|name| load_set(&footage, name)).collect()
}

/// Generates missing footage, which takes minutes the first time, and returns its folder.
fn generate_footage() -> PathBuf {
    let folder = env::var_os("BTSINDEX_BENCH_FOOTAGE").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../bench-footage"),
        PathBuf::from,
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/footage.sh");
    let status = Command::new("bash").arg(script).arg(&folder).status();
    assert!(
        status.expect("bash is installed").success(),
        "footage.sh could not generate the footage"
    );
    folder.canonicalize().unwrap()
}

fn load_set(footage: &Path, name: &'static str) -> Set {
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
            seconds: probe_seconds(&path),
            path,
        })
        .collect();
    Set {
        name,
        folder,
        clips,
    }
}

fn probe_seconds(path: &Path) -> f64 {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0"])
        .args(["-show_entries", "format=duration"])
        .arg(path)
        .output()
        .expect("ffprobe is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("`{}` has no duration", path.display()))
}
