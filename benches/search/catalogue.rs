//! The catalogue that is searched, made through btsindex's own calls, as a scan makes it.

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

use super::believable::{self, Dice};
use super::clips::{Dressed, World};

/// Changes in one transaction, as in a scan.
const BATCH: u64 = 2000;
/// Counts up when clips are invented another way: a catalogue that was kept is made anew.
const INVENTION: u32 = 1;
/// Says of how many clips a catalogue is, once it is whole.
const MADE: &str = "made";

/// The program that is measured.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_btsindex");

/// Where the catalogue of so many clips is below `folder`; made if it is not there.
pub(crate) fn at(folder: &Path, world: &World, clips: u64) -> PathBuf {
    let place = folder.join("catalogue");
    let made = format!("{INVENTION} {clips}");
    if fs::read_to_string(folder.join(MADE)).is_ok_and(|text| text == made) {
        return place;
    }
    let _ = fs::remove_dir_all(&place);
    let begun = Instant::now();
    write(&place, world, clips);
    fs::write(folder.join(MADE), made).unwrap();
    eprintln!(
        "wrote a catalogue of {clips} clips in {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    place
}

fn write(place: &Path, world: &World, clips: u64) {
    let catalogue = Catalogue::create(place).unwrap();
    let volume = catalogue.volumes().of(Path::new("/")).0;
    let volume = catalogue.see_volume(&volume).unwrap().id;
    let mut folders = HashMap::new();
    let mut journal = String::new();
    for number in 0..clips {
        if number.is_multiple_of(BATCH) {
            catalogue.begin().unwrap();
        }
        let clip = world.clip(number);
        let inside = clip.invented.folder.clone();
        let folder = *folders
            .entry(inside)
            .or_insert_with_key(|inside| catalogue.add_folder(volume, inside).unwrap());
        let found = believable::found(&clip.invented);
        let file = catalogue
            .add_file(folder, &found, Role::Media, None)
            .unwrap();
        say(&clip, &mut journal);
        catalogue.record(&reading(file, clip)).unwrap();
        if (number + 1).is_multiple_of(BATCH) || number + 1 == clips {
            catalogue.commit().unwrap();
        }
    }
    let imported = catalogue.import(&mut BufReader::new(journal.as_bytes()));
    assert!(imported.unwrap().unwrap().refused.is_empty());
}

/// What a person said of it, as lines of a journal.
fn say(clip: &Dressed, journal: &mut String) {
    let note = clip.note.clone().map(Action::Note);
    let clock = 1_700_000_000_000_000 + 2 * i64::try_from(clip.number).unwrap();
    let actions = note.into_iter().chain(clip.stars.map(Action::Stars));
    for (action, clock) in actions.zip(clock..) {
        let edit = Edit::new(EditContent {
            clip: believable::fingerprint(clip.number),
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

fn reading(file: i64, clip: Dressed) -> Reading {
    Reading {
        file,
        identity: Some(believable::fingerprint(clip.number).into()),
        file_facts: clip.file_facts,
        outcome: ReadOutcome::Read {
            facts: Box::new(clip.facts),
            pictures: None,
        },
    }
}

/// `btsindex rebuild`: how many seconds a process takes to make the index from the catalogue.
pub(crate) fn rebuild(place: &Path) -> f64 {
    let begun = Instant::now();
    let status = Command::new(PROGRAM)
        .args(["rebuild", "--no-pictures", "--catalogue"])
        .arg(place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "`btsindex rebuild` failed");
    begun.elapsed().as_secs_f64()
}

/// Gives so many clips, here and there in the catalogue, a new title, and has the index follow;
/// how many milliseconds each took. Gives the clips as they are now, too.
pub(crate) fn change(
    place: &Path,
    world: &World,
    clips: u64,
    round: u64,
    changed: u64,
) -> (Vec<Dressed>, f64, f64) {
    let catalogue = Catalogue::open(place).unwrap();
    let volume = catalogue.volumes().of(Path::new("/")).0;
    let volume = catalogue.volume_id(&volume.identity).unwrap().unwrap();
    let dressed: Vec<Dressed> = chosen(clips, round, changed)
        .map(|number| retitled(world, number, round))
        .collect();
    let readings: Vec<Reading> = dressed
        .iter()
        .map(|clip| {
            let folder = catalogue.find_folder(volume, &clip.invented.folder);
            let folder = folder.unwrap().unwrap();
            let file = catalogue.file_id(folder, clip.invented.name.as_ref());
            reading(file.unwrap().unwrap(), retitled(world, clip.number, round))
        })
        .collect();
    let begun = Instant::now();
    catalogue.begin().unwrap();
    for reading in &readings {
        catalogue.record(reading).unwrap();
    }
    catalogue.commit().unwrap();
    let written = begun.elapsed().as_secs_f64() * 1000.0;
    let begun = Instant::now();
    assert!(index::try_catch_up(&catalogue, "bench", &mut |_| ()).unwrap());
    (dressed, written, begun.elapsed().as_secs_f64() * 1000.0)
}

/// Clips spread over the whole catalogue, each once.
fn chosen(clips: u64, round: u64, changed: u64) -> impl Iterator<Item = u64> {
    let changed = changed.min(clips);
    let stride = clips / changed;
    (0..changed).map(move |at| at * stride + Dice(round << 32 | at).below(stride))
}

fn retitled(world: &World, number: u64, round: u64) -> Dressed {
    let mut clip = world.clip(number);
    let mut dice = Dice(number << 8 | round);
    let title = world.words.sentence(4, &mut dice);
    if clip.note.is_none() {
        clip.facts.title = Some(Fact::new(title, Source::CONTAINER));
    }
    clip
}

/// Bytes of the index's files.
pub(crate) fn index_bytes(place: &Path) -> u64 {
    let catalogue = Catalogue::open(place).unwrap();
    let files = fs::read_dir(Index::folder(&catalogue)).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}
