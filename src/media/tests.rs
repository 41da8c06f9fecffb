//! Headers as this program reads them against ffprobe, the reference.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde_json::Value;

use super::*;

/// Differences that were looked at, and why they stay.
const DECIDED: &[(&str, &[&str], &str)] = &[
    (
        "cbcs_audiodec.mp4",
        &["duration"],
        "its fragments begin at 10 s; ffprobe counts from 0",
    ),
    (
        "outV300.mp4",
        &["video_bitrate"],
        "ffprobe counts the first fragment's bytes over the whole duration",
    ),
    ("v300_multiple_segments.mp4", &["video_bitrate"], "the same"),
    (
        "complseg-1.0001_dec.mp4",
        &["video_bitrate"],
        "rounded up or down by less than one bit a second",
    ),
    (
        "sample_qt.mp4",
        UNDECODED,
        "its samples do not decode, but its parameter sets are whole",
    ),
    (
        "sample_qt.mp4",
        &["software"],
        "ffprobe takes the encoder from a tag that means who encoded",
    ),
    ("invalid_userdata.mp4", UNDECODED, "the same: headers only"),
    ("zero_empty_stsc.mp4", UNDECODED, "the same: headers only"),
    ("test_case_1185230.mp4", UNDECODED, "the same: headers only"),
    (
        "Sr001-2C-01_01.WAV",
        &["reel", "scene", "start_timecode", "take"],
        "ffprobe does not read iXML",
    ),
    (
        "A101_1_1.WAV",
        &["reel", "scene", "start_timecode", "take"],
        "the same",
    ),
    (
        "A101_3.WAV",
        &["reel", "scene", "start_timecode", "take"],
        "the same",
    ),
    (
        "rotated_hdr_video.mov",
        &["lens"],
        "ffprobe does not read the keys of a track",
    ),
    (
        "fixture-imovie.mp4",
        &["title"],
        "ffprobe does not read this list of tags",
    ),
    (
        "activestorage/test/fixtures/files/video.mp4",
        &["rate", "is_vfr"],
        "44 frames at one distance each, whatever the movie's duration says",
    ),
    (
        "sideways movie.mov",
        &["rate", "is_vfr", "video_bitrate"],
        "a tick more or less is the time base, and an odd last frame is no rate",
    ),
    (
        "fragmented.mp4",
        &["rate", "video_bitrate"],
        "ffprobe looks into the first fragment only",
    ),
    ("fragmented.mp4", UNDECODED, "the same: headers only"),
    (
        "fixture-raw.mts",
        &["captured", "make"],
        "ffprobe does not read what AVCHD cameras write into the picture",
    ),
];

/// What only parameter sets tell where no sample decodes.
const UNDECODED: &[&str] = &[
    "bit_depth",
    "chroma_subsampling",
    "level",
    "pixel_format",
    "profile",
    "range",
    "scan_order",
];

fn read_own(path: &Path) -> Option<Clip> {
    let mut original = Original::open(path).ok()?;
    Some(read_header(&mut original).ok()??.facts)
}

fn fields(clip: &Clip) -> serde_json::Map<String, Value> {
    let Value::Object(mut fields) = serde_json::to_value(clip).unwrap() else {
        panic!("a clip is an object");
    };
    fields.remove("reader");
    fields
}

/// Fields that differ, as `name: ours, ffprobe's`.
fn differences(path: &Path) -> Option<Vec<(String, String)>> {
    let ours = fields(&read_own(path)?);
    let limits = Limits {
        deadline: Duration::from_secs(60),
        cancel: Cancel::default(),
    };
    let tools = Tools::find(&|_| None).unwrap();
    // What ffprobe refuses cannot be compared.
    let theirs = fields(&ask_ffprobe(path, &tools, &limits).ok()?.facts);
    let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    names.sort();
    names.dedup();
    let differ = names
        .into_iter()
        .filter(|name| ours.get(*name) != theirs.get(*name));
    let shown = |side: Option<&Value>| side.map_or_else(|| "nothing".to_owned(), Value::to_string);
    Some(
        differ
            .map(|name| {
                let sides = format!("{}, {}", shown(ours.get(name)), shown(theirs.get(name)));
                (name.clone(), sides)
            })
            .collect(),
    )
}

/// Files in a folder of the project, or beside it; none where there is no such folder.
pub(super) fn files_in(folder: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.is_file())
        .collect()
}

/// Every third of them: each costs a start of ffprobe or ffmpeg. With `BTSINDEX_EVERY_FILE`, all.
pub(super) fn sample(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let is_all = std::env::var_os("BTSINDEX_EVERY_FILE").is_some();
    files
        .into_iter()
        .step_by(if is_all { 1 } else { 3 })
        .collect()
}

#[test]
fn headers_say_what_ffprobe_says() {
    let mut files = files_in("fixtures/footage");
    files.extend(sample(files_in("../shared/footage")));
    let compared: Vec<(&PathBuf, Vec<(String, String)>)> = files
        .par_iter()
        .filter_map(|path| Some((path, differences(path)?)))
        .collect();
    let mut undecided: Vec<String> = Vec::new();
    for (path, differences) in &compared {
        for (field, sides) in differences {
            let is_decided = DECIDED
                .iter()
                .any(|(name, fields, _)| path.ends_with(name) && fields.contains(&field.as_str()));
            if !is_decided {
                undecided.push(format!("{}: {field}: {sides}", path.display()));
            }
        }
    }
    undecided.sort();
    assert!(
        undecided.is_empty(),
        "of {}:\n{}",
        compared.len(),
        undecided.join("\n")
    );
    assert!(compared.len() >= 8, "only {} files", compared.len());
}

#[test]
fn a_drive_that_fails_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, first) in [(b"WAVE", b"JUNK"), (b"AVI ", b"JUNK")] {
        let path = folder.path().join("a");
        let length = 200_000_u32.to_le_bytes();
        let file = [
            b"RIFF",
            &200_100_u32.to_le_bytes(),
            &kind[..],
            first,
            &length,
            &vec![0; 200_096],
        ];
        std::fs::write(&path, file.concat()).unwrap();
        let mut original = Original::open(&path).unwrap();
        // What was there when it was opened can be read no more.
        let shorter = std::fs::File::options().write(true).open(&path).unwrap();
        shorter.set_len(100_000).unwrap();
        assert!(read_header(&mut original).is_err(), "{kind:?}");
    }
}
