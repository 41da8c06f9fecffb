//! Writes clips to the catalogue as a scan does: first the names, then the facts.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::Clip;
use btsindex::footage::Role;
use btsindex::scan::retag;
use btsindex::tag::Rules;

use super::synthetic::{self, SyntheticClip};

/// Changes per transaction, as in a scan.
const BATCH: u64 = 2000;

/// Writes clips, changes all of them, and prints the rates and the size.
pub(crate) fn measure(clips: u64) {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::create(folder.path()).unwrap();
    let volume = catalogue.volumes().locate(Path::new("/")).0;
    let volume = catalogue.record_volume(&volume).unwrap().id;
    let mut folders = HashMap::new();
    let mut files = Vec::new();
    let mut json_bytes = 0;
    let synthetic_clips: Vec<SyntheticClip> = (0..clips).map(synthetic::clip).collect();
    let start = Instant::now();
    for (index, clip) in synthetic_clips.iter().enumerate() {
        if (index as u64).is_multiple_of(BATCH) {
            catalogue.begin().unwrap();
        }
        let folder = *folders
            .entry(&clip.folder)
            .or_insert_with(|| catalogue.add_folder(volume, &clip.folder).unwrap());
        files.push(
            catalogue
                .add_file(folder, &synthetic::found_file(clip), Role::Media, None)
                .unwrap(),
        );
        if (index as u64 + 1).is_multiple_of(BATCH) || index + 1 == synthetic_clips.len() {
            catalogue.commit().unwrap();
        }
    }
    print_rate("found", clips, start);
    for what in ["read", "read again"] {
        let start = Instant::now();
        for (index, clip) in synthetic_clips.iter().enumerate() {
            if (index as u64).is_multiple_of(BATCH) {
                catalogue.begin().unwrap();
            }
            json_bytes += clip.facts.len() + clip.file_facts.len();
            catalogue
                .record(&reading(files[index], index as u64, clip))
                .unwrap();
            if (index as u64 + 1).is_multiple_of(BATCH) || index + 1 == synthetic_clips.len() {
                catalogue.commit().unwrap();
            }
        }
        print_rate(what, clips, start);
    }
    retag_all(&catalogue, clips);
    drop(catalogue);
    list_copies(folder.path(), clips);
    let bytes = folder
        .path()
        .join("catalogue.sqlite")
        .metadata()
        .unwrap()
        .len();
    println!(
        "size        {} bytes per clip; its documents take {} bytes as JSON",
        bytes / clips,
        json_bytes as u64 / 2 / clips
    );
}

/// Applies the tag rules to all clips, as `btsindex tags apply` does. The first run changes all of
/// them, since their tags came from other rules.
fn retag_all(catalogue: &Catalogue, clips: u64) {
    for what in ["retagged, all changed", "retagged, none changed"] {
        let start = Instant::now();
        let rules = Rules::new(&catalogue.user_rules().unwrap()).unwrap();
        let folders = catalogue.folders().unwrap();
        let changed = retag(catalogue, &rules, &folders, &mut |_| true).unwrap();
        print_rate(what, clips, start);
        println!("  {changed} changed");
    }
}

/// Runs `btsindex copies`. It must be the first child process, since the peak memory of all
/// children is measured.
fn list_copies(catalogue: &Path, clips: u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_btsindex"));
    command.arg("--catalogue").arg(catalogue).arg("copies");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    assert!(command.status().unwrap().success());
    print_rate("copies", clips, start);
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
        println!("  {} MB peak memory", peak / 1024);
    }
}

fn print_rate(what: &str, clips: u64, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!("{what:10}  {:.0} clips/s", clips as f64 / seconds);
}

fn reading(file: i64, number: u64, clip: &SyntheticClip) -> Reading {
    let facts: Clip = serde_json::from_str(&clip.facts).unwrap();
    Reading {
        sidecar_readers: None,
        file,
        fingerprint: Some(synthetic::fingerprint(number)),
        file_facts: serde_json::from_str(&clip.file_facts).unwrap(),
        outcome: ReadOutcome::Read {
            reader: btsindex::media::HeaderReader::IsoMedia.label(),
            facts: Box::new(facts),
            pictures: None,
        },
    }
}
