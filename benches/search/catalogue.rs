//! Writes the catalogue of the search benchmark through the library, as a scan does.

use std::collections::HashMap;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::{Action, Edit, EditContent, Fact, Source};
use btsindex::footage::Role;
use btsindex::index::{self, Index};
use btsindex::value::Fingerprint;

use super::clips::{ClipGenerator, SearchClip};
use super::synthetic::{self, Random};

/// Changes per transaction, as in a scan.
const BATCH: u64 = 2000;
/// Version of the clip generator. If it changes, a kept catalogue is written again.
const GENERATOR_VERSION: u32 = 1;
/// File that marks a complete catalogue; contains the generator version and the number of clips.
const COMPLETE: &str = "made";

/// Program to measure.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_btsindex");

/// Returns the folder of the catalogue below `folder`. Writes the catalogue if it does not exist.
pub(crate) fn load(folder: &Path, generator: &ClipGenerator, clips: u64) -> PathBuf {
    let place = folder.join("catalogue");
    let version = format!("{GENERATOR_VERSION} {clips}");
    if fs::read_to_string(folder.join(COMPLETE)).is_ok_and(|text| text == version) {
        return place;
    }
    let _ = fs::remove_dir_all(&place);
    let start = Instant::now();
    write(&place, generator, clips);
    fs::write(folder.join(COMPLETE), version).unwrap();
    eprintln!(
        "wrote a catalogue of {clips} clips in {:.0} s",
        start.elapsed().as_secs_f64()
    );
    place
}

fn write(place: &Path, generator: &ClipGenerator, clips: u64) {
    let catalogue = Catalogue::create(place).unwrap();
    let volume = catalogue.volumes().locate(Path::new("/")).0;
    let volume = catalogue.record_volume(&volume).unwrap().id;
    let mut folders = HashMap::new();
    let mut journal = String::new();
    for number in 0..clips {
        if number.is_multiple_of(BATCH) {
            catalogue.begin().unwrap();
        }
        let clip = generator.clip(number);
        let inside = clip.base.folder.clone();
        let folder = *folders
            .entry(inside)
            .or_insert_with_key(|inside| catalogue.add_folder(volume, inside).unwrap());
        let found = synthetic::found_file(&clip.base);
        let file = catalogue
            .add_file(folder, &found, Role::Media, None)
            .unwrap();
        append_edits(&clip, &mut journal);
        catalogue.record(&reading(file, clip)).unwrap();
        if (number + 1).is_multiple_of(BATCH) || number + 1 == clips {
            catalogue.commit().unwrap();
        }
    }
    let imported = catalogue.import(&mut BufReader::new(journal.as_bytes()));
    assert!(imported.unwrap().refused.is_empty());
}

/// Appends the edits of a clip to a journal.
fn append_edits(clip: &SearchClip, journal: &mut String) {
    let note = clip.note.clone().map(Action::Note);
    let clock = 1_700_000_000_000_000 + 2 * i64::try_from(clip.number).unwrap();
    let actions = note.into_iter().chain(clip.stars.map(Action::Stars));
    for (action, clock) in actions.zip(clock..) {
        let edit = Edit::new(EditContent {
            clip: synthetic::fingerprint(clip.number),
            clock,
            at: clock,
            author: "robin".to_owned(),
            batch: Fingerprint(clip.number.into()),
            action,
        });
        journal.push_str(&edit.to_line());
        journal.push('\n');
    }
}

fn reading(file: i64, clip: SearchClip) -> Reading {
    Reading {
        sidecar_readers: None,
        file,
        fingerprint: Some(synthetic::fingerprint(clip.number)),
        file_facts: clip.file_facts,
        outcome: ReadOutcome::Read {
            reader: btsindex::media::HeaderReader::IsoMedia.label(),
            facts: Box::new(clip.facts),
            pictures: None,
        },
    }
}

/// Runs `btsindex rebuild`, which builds the index from the catalogue, and returns its duration in
/// seconds.
pub(crate) fn rebuild(place: &Path) -> f64 {
    let start = Instant::now();
    let status = Command::new(PROGRAM)
        .args(["rebuild", "--no-pictures", "--catalogue"])
        .arg(place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "`btsindex rebuild` failed");
    start.elapsed().as_secs_f64()
}

/// Gives new titles to `changed` clips spread over the catalogue, then updates the index. Returns
/// the changed clips, and the milliseconds for the catalogue and for the index.
pub(crate) fn change(
    place: &Path,
    generator: &ClipGenerator,
    clips: u64,
    round: u64,
    changed: u64,
) -> (Vec<SearchClip>, f64, f64) {
    let catalogue = Catalogue::open(place).unwrap();
    let volume = catalogue.volumes().locate(Path::new("/")).0;
    let volume = catalogue.volume_id(&volume.identity).unwrap().unwrap();
    let changed_clips: Vec<SearchClip> = choose_clips(clips, round, changed)
        .map(|number| retitled_clip(generator, number, round))
        .collect();
    let readings: Vec<Reading> = changed_clips
        .iter()
        .map(|clip| {
            let folder = catalogue.find_folder(volume, &clip.base.folder);
            let folder = folder.unwrap().unwrap();
            let file = catalogue.file_id(folder, clip.base.name.as_ref());
            reading(
                file.unwrap().unwrap(),
                retitled_clip(generator, clip.number, round),
            )
        })
        .collect();
    let start = Instant::now();
    catalogue.begin().unwrap();
    for reading in &readings {
        catalogue.record(reading).unwrap();
    }
    catalogue.commit().unwrap();
    let written = start.elapsed().as_secs_f64() * 1000.0;
    let start = Instant::now();
    assert!(index::try_catch_up(&catalogue, "bench", &mut |_| ()).unwrap());
    (
        changed_clips,
        written,
        start.elapsed().as_secs_f64() * 1000.0,
    )
}

/// Returns the numbers of different clips, spread over the whole catalogue.
fn choose_clips(clips: u64, round: u64, changed: u64) -> impl Iterator<Item = u64> {
    let changed = changed.min(clips);
    let stride = clips / changed;
    (0..changed).map(move |index| index * stride + Random(round << 32 | index).below(stride))
}

/// Returns a clip with a title that depends on `round`. Clips with a note keep it instead.
fn retitled_clip(generator: &ClipGenerator, number: u64, round: u64) -> SearchClip {
    let mut clip = generator.clip(number);
    let mut random = Random(number << 8 | round);
    let title = generator.vocabulary.sentence(4, &mut random);
    if clip.note.is_none() {
        clip.facts.title = Some(Fact::new(title, Source::CONTAINER));
    }
    clip
}

/// Returns the size of the index in bytes.
pub(crate) fn index_bytes(place: &Path) -> u64 {
    let catalogue = Catalogue::open(place).unwrap();
    let files = fs::read_dir(Index::folder(&catalogue)).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}
