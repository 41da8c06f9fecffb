//! Cross-checks with exiftool: it reads new sidecars of this module, and this module edits sidecars
//! of exiftool.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::*;
use crate::skipped_tests::{Skipped, find_installed, or_skip};

/// Runs exiftool, if it is installed.
fn exiftool(folder: &Path, arguments: &[&str]) -> Result<String, Skipped> {
    let output = Command::new(find_installed("exiftool")?)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && !error.contains("Warning"),
        "{error}"
    );
    Ok(String::from_utf8(output.stdout).unwrap())
}

fn read_with_exiftool(folder: &Path, name: &str) -> Result<Value, Skipped> {
    let arguments = [
        "-j",
        "-struct",
        "-G1",
        "-n",
        "-charset",
        "filename=utf8",
        name,
    ];
    let text = exiftool(folder, &arguments)?;
    let all: Value = serde_json::from_str(&text).unwrap();
    let warning = all[0].get("ExifTool:Warning");
    assert!(warning.is_none(), "{warning:?}");
    Ok(all[0].clone())
}

#[test]
fn exiftool_reads_a_new_sidecar() {
    let folder = tempfile::tempdir().unwrap();
    let new = merge(None, &everything()).unwrap();
    fs::write(folder.path().join("new.xmp"), new.bytes).unwrap();
    let values = or_skip!(read_with_exiftool(folder.path(), "new.xmp"));
    assert_eq!(values["XMP-dc:Subject"], json!(["ad shoot", "interview"]));
    assert_eq!(values["XMP-xmp:Rating"], 4);
    assert_eq!(values["XMP-xmpDM:Good"], true);
    assert_eq!(
        values["XMP-xmpDM:LogComment"],
        "good sound\nlaughs\nat the end"
    );
    let track = &values["XMP-xmpDM:Tracks"][0];
    assert_eq!(track["TrackName"], "btsindex");
    assert_eq!(track["FrameRate"], "f254016000000");
    let markers: Vec<(&Value, &Value)> = track["Markers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|marker| (&marker["StartTime"], &marker["Comment"]))
        .collect();
    assert_eq!(markers[0].0, 0);
    assert_eq!(markers[0].1, "slate");
    assert_eq!(markers[1].0, 12_500_001_u64 * 254_016);
    assert_eq!(markers[1].1, "looks <up> & \"smiles\"");
}

#[test]
fn reads_and_keeps_properties_written_by_exiftool() {
    let folder = tempfile::tempdir().unwrap();
    or_skip!(exiftool(
        folder.path(),
        &[
            "-o",
            "theirs.xmp",
            "-XMP-dc:Subject=rain & snow",
            "-XMP-dc:Subject=B-Roll",
            "-XMP-dc:Title=Salt",
            "-XMP-xmp:Rating=3",
            "-XMP-xmp:Label=Red",
            "-XMP-xmpDM:LogComment=theirs",
            "-XMP-xmpDM:TapeName=A001",
            "-XMP-photoshop:City=Leeds",
            "-XMP-xmpDM:Tracks={TrackName=Cue,FrameRate=f25,Markers=[{StartTime=50,Name=two}]}",
        ],
    ));
    let theirs = fs::read(folder.path().join("theirs.xmp")).unwrap();
    let packet = Packet::parse(&theirs).unwrap();
    assert_eq!(packet.tags, ["rain & snow", "B-Roll"]);
    assert_eq!(packet.rating, Some(3));
    assert_eq!(packet.title.as_deref(), Some("Salt"));
    assert_eq!(packet.reel.as_deref(), Some("A001"));
    assert_eq!(packet.markers, [xmp_marker(2_000_000, 0, "two")]);

    let ours = merge(Some(&theirs), &everything()).unwrap();
    assert_eq!(ours.conflicts.len(), 1);
    fs::write(folder.path().join("both.xmp"), &ours.bytes).unwrap();
    let before = or_skip!(read_with_exiftool(folder.path(), "theirs.xmp"));
    let after = or_skip!(read_with_exiftool(folder.path(), "both.xmp"));
    assert_eq!(
        after["XMP-dc:Subject"],
        json!(["rain & snow", "ad shoot", "interview"])
    );
    assert_eq!(
        after["XMP-xmpDM:LogComment"],
        "theirs\ngood sound\nlaughs\nat the end"
    );
    assert_eq!(after["XMP-xmpDM:Tracks"][0], before["XMP-xmpDM:Tracks"][0]);
    assert_eq!(after["XMP-xmpDM:Tracks"][1]["TrackName"], "btsindex");
    for (name, value) in before.as_object().unwrap() {
        let is_ours = ["Subject", "LogComment", "Tracks", "Good"]
            .iter()
            .any(|changed| name.ends_with(changed));
        if name.starts_with("XMP-") && !is_ours {
            assert_eq!(after.get(name), Some(value), "{name}");
        }
    }

    // exiftool rewrites the file in a different form with the same values.
    or_skip!(exiftool(
        folder.path(),
        &["-o", "again.xmp", "-XMP-xmp:Label=Blue", "both.xmp"],
    ));
    let again = fs::read(folder.path().join("again.xmp")).unwrap();
    assert_eq!(
        Packet::parse(&again).unwrap(),
        Packet::parse(&ours.bytes).unwrap()
    );
    assert!(!merge(Some(&again), &everything()).unwrap().is_changed);
}
