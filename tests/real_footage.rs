//! 659 real files next to the project, if present: facts of a scan are compared with those that
//! ffprobe reports, which are listed in `manifest.tsv`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shoot::Shoot;
use crate::skipped_tests::{Skipped, or_skip, skip_without_material};
use serde_json::Value;

fn footage() -> Result<PathBuf, Skipped> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/footage");
    match folder.canonicalize() {
        Ok(folder) if folder.join("manifest.tsv").exists() => Ok(folder),
        _ => Err(skip_without_material("no `../shared/footage`")),
    }
}

/// Row of the manifest, by column name.
type Row = HashMap<String, String>;

fn manifest(folder: &Path) -> Vec<Row> {
    let text = fs::read_to_string(folder.join("manifest.tsv")).unwrap();
    let mut lines = text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    lines
        .map(|cells| columns.iter().cloned().zip(cells).collect())
        .collect()
}

fn text(clip: &Value, key: &str) -> String {
    match &clip[key] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Differences between a row and the clip of its file.
fn differences(row: &Row, clip: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |what: &str, expected: &str, found: &str| {
        if expected != found {
            wrong.push(format!(
                "{}: {what} {found:?}, the manifest has {expected:?}",
                row["path"]
            ));
        }
    };
    // ffprobe 5.1 has no name for these two; the container's own name is kept.
    let codec = text(clip, "video_codec");
    compare(
        "video_codec",
        &row["vcodec"],
        if codec == "vvc1" { "" } else { &codec },
    );
    let audio = row["acodec"].split(':').next().unwrap();
    let codec = text(clip, "audio_codec");
    compare(
        "audio_codec",
        audio,
        if codec == "iamf" { "None" } else { &codec },
    );
    compare("width", &row["width"], &text(clip, "width"));
    compare("height", &row["height"], &text(clip, "height"));
    if !row["vcodec"].is_empty() {
        compare("pixel_format", &row["pix_fmt"], &text(clip, "pixel_format"));
    }
    let rotation: f64 = row["rotation"].parse().unwrap_or(0.0);
    let rotation = if rotation.abs() > 360.0 {
        0.0
    } else {
        (-rotation).rem_euclid(360.0)
    };
    let expected = if rotation == 0.0 {
        String::new()
    } else {
        rotation.to_string()
    };
    compare("rotation", &expected, &text(clip, "rotation"));
    let seconds = |text: &str| text.parse::<f64>().unwrap_or(0.0);
    let (expected, found) = (seconds(&row["duration"]), seconds(&text(clip, "duration")));
    if (expected - found).abs() > 0.000_001 {
        compare("duration", &expected.to_string(), &found.to_string());
    }
    if let Some(wrong_rate) = rate_difference(row, clip) {
        wrong.push(wrong_rate);
    }
    wrong
}

/// Rows where additional or different facts are intended (`src/media/tests.rs` gives the reasons).
const DECIDED: &[(&str, &str)] = &[
    ("cbcs_audiodec.mp4", "duration"),
    ("sample_qt.mp4", "pixel_format"),
    ("invalid_userdata.mp4", "pixel_format"),
    ("zero_empty_stsc.mp4", "pixel_format"),
    ("test_case_1185230.mp4", "pixel_format"),
    ("isobmff/testdata/fragmented.mp4", "pixel_format"),
    ("isobmff/testdata/fragmented.mp4", "rate"),
];

/// Compares the rate, which must be one of the two that ffprobe gives. If ffprobe gives a time base
/// (999 per second or more, without an average), there must be none.
fn rate_difference(row: &Row, clip: &Value) -> Option<String> {
    let rates: Vec<f64> = ["fps", "r_fps"]
        .iter()
        .filter_map(|key| row[*key].parse().ok())
        .collect();
    let real: Vec<f64> = rates.iter().copied().filter(|&rate| rate < 999.0).collect();
    let found = text(clip, "rate");
    let is_right = if found.is_empty() {
        row["vcodec"].is_empty() || real.is_empty()
    } else {
        let (num, den) = found.split_once('/').unwrap_or((&found, "1"));
        let found = num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap();
        real.iter().any(|rate| (rate - found).abs() < 0.0006)
    };
    (!is_right).then(|| {
        format!(
            "{}: rate {found:?}, the manifest has {rates:?}",
            row["path"]
        )
    })
}

/// Creates pictures of the clips in every third folder, or in all with `BTSINDEX_EVERY_FILE`. Each
/// clip that should have a poster has one, or the reason why not.
fn create_pictures(shoot: &Shoot, folder: &Path) {
    let step = match std::env::var_os("BTSINDEX_EVERY_FILE") {
        Some(_) => 1,
        None => 3,
    };
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let folders: Vec<PathBuf> = folders.into_iter().step_by(step).collect();
    let mut command = shoot.command();
    let output = command
        .args(["scan", "--strip", "2"])
        .args(&folders)
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    let mut posters = 0;
    for clip in shoot.clips() {
        let path = Path::new(clip["path"].as_str().unwrap());
        let is_due = folders.iter().any(|folder| path.starts_with(folder));
        if !is_due || clip["video_codec"].is_null() || !clip["problem"].is_null() {
            continue;
        }
        let id = clip["id"].as_str().unwrap();
        let poster = shoot.catalogue().join("posters").join(&id[..2]);
        let poster = poster.join(format!("{id}.jpg"));
        let is_raw = clip["reader"] == "raw header";
        assert!(poster.exists() || is_raw, "no poster: {clip}");
        posters += usize::from(poster.exists());
    }
    assert!(posters > 50, "only {posters} posters");
}

#[test]
fn real_files_are_read_as_the_manifest_states() {
    let folder = or_skip!(footage());
    let shoot = Shoot::new();
    let scan = shoot
        .command()
        .args(["scan", "--no-pictures"])
        .arg(&folder)
        .output()
        .unwrap();
    assert_eq!(
        scan.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&scan.stderr)
    );
    let listed = String::from_utf8_lossy(&scan.stderr).into_owned();

    let mut clips = HashMap::new();
    for clip in shoot.clips() {
        for file in clip["files"].as_array().unwrap() {
            let path = Path::new(file["path"].as_str().unwrap())
                .strip_prefix(&folder)
                .unwrap();
            clips.insert(path.to_string_lossy().into_owned(), clip.clone());
        }
    }
    let mut wrong = Vec::new();
    let (mut read, mut unread) = (0, 0);
    for row in manifest(&folder) {
        let is_text = row["container"] == "tty" || row["kind"] != "media";
        let clip = clips.get(&row["path"]);
        match (row["ffprobe"].as_str(), clip) {
            _ if is_text => {
                if clip.is_some() {
                    wrong.push(format!("{}: is text, but became a clip", row["path"]));
                }
            }
            ("ok" | "ok+warn", Some(clip)) => {
                read += 1;
                let is_decided = |difference: &String| {
                    DECIDED
                        .iter()
                        .any(|(file, field)| difference.contains(&format!("{file}: {field} ")))
                };
                let differences = differences(&row, clip).into_iter();
                wrong.extend(differences.filter(|difference| !is_decided(difference)));
            }
            ("ok" | "ok+warn", None) => {
                wrong.push(format!("{}: is not in the catalogue", row["path"]));
            }
            (_, Some(clip)) if clip["container"] == "r3d" => unread += 1,
            // A complete header is read here, even if ffprobe rejects the rest.
            (_, Some(clip)) if clip["reader"] == "iso header" => unread += 1,
            (_, Some(clip)) if clip["reader"] == "matroska header" => unread += 1,
            (_, Some(clip)) => {
                unread += 1;
                let name = Path::new(&row["path"])
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                if clip["problem"].is_null() || !listed.contains(&name) {
                    wrong.push(format!("{}: no reason is given", row["path"]));
                }
            }
            (_, None) => wrong.push(format!("{}: is not listed", row["path"])),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(read > 390 && unread > 170, "read {read}, unread {unread}");

    create_pictures(&shoot, &folder);
    let again = shoot
        .command()
        .args(["scan", "--json", "--no-pictures"])
        .arg(&folder)
        .output()
        .unwrap();
    let summary = String::from_utf8_lossy(&again.stdout)
        .lines()
        .last()
        .unwrap()
        .to_owned();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["read"], 0, "a second scan reads nothing: {summary}");
}
