//! Measures building and updating the indexes of both engines, and their sizes.

use std::fs;
use std::path::Path;

use super::catalogue;
use super::clips::ClipGenerator;
use super::fts5;
use super::measure::{Engines, Measurement};
use super::queries::Goal;
use super::table;

/// Number of clips whose texts are measured.
const SAMPLED_CLIPS: u64 = 20_000;
/// Number of clips per update.
const CHANGED_CLIPS: u64 = 1000;
/// Number of updates.
const ROUNDS: u64 = 10;

/// Builds both indexes if the build is to be measured, otherwise only a missing one. Returns the
/// table row of the build if it was measured.
pub(crate) fn build(
    engines: &Engines,
    generator: &ClipGenerator,
    clips: u64,
    is_measured: bool,
) -> Option<String> {
    let has_index = engines.catalogue.join("index").exists();
    let times = (is_measured || !engines.database.exists()).then(|| {
        let times = fts5::build(&engines.database, generator, clips);
        eprintln!(
            "FTS5: {:.1} s for the words, {:.1} s for the other tables",
            times.words, times.tables
        );
        times
    });
    let seconds = (is_measured || !has_index).then(|| {
        let seconds = catalogue::rebuild(&engines.catalogue);
        eprintln!("btsindex: {seconds:.1} s for the index");
        seconds
    });
    let (times, seconds) = times.zip(seconds).filter(|_| is_measured)?;
    let clips = clips as f64;
    Some(table::rate_row(
        "index build, clips/s",
        clips / seconds,
        clips / times.words,
        1.8,
        &format!(
            "{:.0} with its tables",
            clips / (times.words + times.tables)
        ),
    ))
}

/// Returns the table row with the sizes of both indexes.
pub(crate) fn sizes(engines: &Engines, generator: &ClipGenerator, clips: u64) -> String {
    let sample = SAMPLED_CLIPS.min(clips);
    let text: usize = (0..sample)
        .map(|number| generator.clip(number).texts().bytes())
        .sum();
    let clips = clips as f64;
    table::size_row(
        "index, bytes per clip",
        catalogue::index_bytes(&engines.catalogue) as f64 / clips,
        fts5::index_bytes(&engines.database) as f64 / clips,
        0.4,
        &format!(
            "a copy of the text is {:.0} more",
            text as f64 / sample as f64
        ),
    )
}

/// Measures updates in copies of both databases, so that the kept ones do not change. Returns the
/// table row.
pub(crate) fn upserts(engines: &Engines, generator: &ClipGenerator, clips: u64) -> String {
    let folder = engines.database.with_file_name("changed");
    let (place, database) = (folder.join("catalogue"), folder.join("fts5.sqlite"));
    let _ = fs::remove_dir_all(&folder);
    copy(&engines.catalogue, &place);
    fs::copy(&engines.database, &database).unwrap();
    let (mut ours, mut theirs, mut written) = (Vec::new(), Vec::new(), 0.0);
    for round in 1..=ROUNDS {
        let (changed, catalogue, index) =
            catalogue::change(&place, generator, clips, round, CHANGED_CLIPS);
        ours.push(catalogue + index);
        written += catalogue;
        theirs.push(fts5::change(&database, &changed));
    }
    let _ = fs::remove_dir_all(&folder);
    let row = table::row(&Measurement {
        name: format!("upsert of {CHANGED_CLIPS}"),
        goal: Goal {
            p50: Some(5.0),
            p95: None,
        },
        btsindex: Some(ours),
        fts5: theirs,
        remark: format!("{:.0} ms of it in the catalogue", written / ROUNDS as f64),
    });
    eprintln!("{row}");
    row
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}
