//! Clips into the catalogue, as a scan writes them: found, then read.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::Clip;
use btsindex::footage::Role;
use btsindex::scan::retag;
use btsindex::tag::Rules;

use super::believable::{self, Invented};

/// Changes in one transaction, as in a scan.
const BATCH: u64 = 2000;

/// Writes so many clips, changes them all, and prints what it took.
pub(crate) fn measure(clips: u64) {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::create(folder.path()).unwrap();
    let volume = catalogue.volumes().of(Path::new("/")).0;
    let volume = catalogue.see_volume(&volume).unwrap().id;
    let mut folders = HashMap::new();
    let mut files = Vec::new();
    let mut plain = 0;
    let invented: Vec<Invented> = (0..clips).map(believable::clip).collect();
    let begun = Instant::now();
    for (at, clip) in invented.iter().enumerate() {
        if (at as u64).is_multiple_of(BATCH) {
            catalogue.begin().unwrap();
        }
        let folder = *folders
            .entry(&clip.folder)
            .or_insert_with(|| catalogue.add_folder(volume, &clip.folder).unwrap());
        files.push(
            catalogue
                .add_file(folder, &believable::found(clip), Role::Media, None)
                .unwrap(),
        );
        if (at as u64 + 1).is_multiple_of(BATCH) || at + 1 == invented.len() {
            catalogue.commit().unwrap();
        }
    }
    told("found", clips, begun);
    for what in ["read", "read again"] {
        let begun = Instant::now();
        for (at, clip) in invented.iter().enumerate() {
            if (at as u64).is_multiple_of(BATCH) {
                catalogue.begin().unwrap();
            }
            plain += clip.facts.len() + clip.file_facts.len();
            catalogue
                .record(&reading(files[at], at as u64, clip))
                .unwrap();
            if (at as u64 + 1).is_multiple_of(BATCH) || at + 1 == invented.len() {
                catalogue.commit().unwrap();
            }
        }
        told(what, clips, begun);
    }
    tagged_anew(&catalogue, clips);
    drop(catalogue);
    copies(folder.path(), clips);
    let bytes = folder
        .path()
        .join("catalogue.sqlite")
        .metadata()
        .unwrap()
        .len();
    println!(
        "size        {} bytes a clip in all; documents alone were {} as JSON",
        bytes / clips,
        plain as u64 / 2 / clips
    );
}

/// Tags all clips by the rules, as `btsindex tags apply` does: the first time they were tagged by others.
fn tagged_anew(catalogue: &Catalogue, clips: u64) {
    for what in ["tagged anew, all others", "tagged anew, none other"] {
        let begun = Instant::now();
        let rules = Rules::new(&catalogue.own_rules().unwrap()).unwrap();
        let folders = catalogue.folders().unwrap();
        let changed = retag(catalogue, &rules, &folders, &mut |_| true).unwrap();
        told(what, clips, begun);
        println!("  {changed} changed");
    }
}

/// Lists every clip and where it is, as `btsindex copies` does; the first process that this one starts, so
/// that the peak of memory is its own.
fn copies(catalogue: &Path, clips: u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_btsindex"));
    command.arg("--catalogue").arg(catalogue).arg("copies");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    assert!(command.status().unwrap().success());
    told("copies", clips, begun);
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
        println!("  {} MB at most", peak / 1024);
    }
}

fn told(what: &str, clips: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    println!("{what:10}  {:.0} clips/s", clips as f64 / seconds);
}

fn reading(file: i64, number: u64, clip: &Invented) -> Reading {
    let facts: Clip = serde_json::from_str(&clip.facts).unwrap();
    Reading {
        file,
        identity: Some(believable::fingerprint(number).into()),
        file_facts: serde_json::from_str(&clip.file_facts).unwrap(),
        outcome: ReadOutcome::Read {
            facts: Box::new(facts),
            pictures: None,
        },
    }
}
