//! Cross-checks with exiftool: it reads new sidecars of this module, and this module edits sidecars
//! of exiftool.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::*;

/// Runs exiftool; `None` if it is not installed.
#[expect(clippy::print_stderr, reason = "reports a skipped test")]
fn exiftool(folder: &Path, arguments: &[&str]) -> Option<String> {
    match Command::new("exiftool")
        .args(arguments)
        .current_dir(folder)
        .output()
    {
        Ok(output) => {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.success() && !error.contains("Warning"),
                "{error}"
            );
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            assert!(
                env::var_os("BTSINDEX_REQUIRE_JUDGES").is_none(),
                "exiftool: {error}"
            );
            eprintln!("skipped: exiftool is not installed ({error})");
            None
        }
    }
}

fn read_with_exiftool(folder: &Path, name: &str) -> Option<Value> {
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
    Some(all[0].clone())
}

#[test]
fn exiftool_reads_a_new_sidecar() {
    let folder = tempfile::tempdir().unwrap();
    let new = merge(None, &everything()).unwrap();
    fs::write(folder.path().join("new.xmp"), new.bytes).unwrap();
    let Some(values) = read_with_exiftool(folder.path(), "new.xmp") else {
        return;
    };
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
    let written = exiftool(
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
    );
    if written.is_none() {
        return;
    }
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
    let (Some(before), Some(after)) = (
        read_with_exiftool(folder.path(), "theirs.xmp"),
        read_with_exiftool(folder.path(), "both.xmp"),
    ) else {
        return;
    };
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
    let rewritten = exiftool(
        folder.path(),
        &["-o", "again.xmp", "-XMP-xmp:Label=Blue", "both.xmp"],
    );
    assert!(rewritten.is_some());
    let again = fs::read(folder.path().join("again.xmp")).unwrap();
    assert_eq!(
        Packet::parse(&again).unwrap(),
        Packet::parse(&ours.bytes).unwrap()
    );
    assert!(!merge(Some(&again), &everything()).unwrap().is_changed);
}
