//! What making and changing the two views costs, and what they take up.

use std::fs;
use std::path::Path;

use super::catalogue;
use super::clips::World;
use super::fts5;
use super::measure::{Measured, Sides};
use super::queries::Goal;
use super::table;

/// Clips whose text is measured.
const SAMPLE: u64 = 20_000;
/// Clips that are changed at once, and how often.
const CHANGED: u64 = 1000;
const ROUNDS: u64 = 10;

/// Makes both views anew when that is to be measured, or what is not there.
pub(crate) fn build(sides: &Sides, world: &World, clips: u64, is_asked: bool) -> Option<String> {
    let has_index = sides.catalogue.join("index").exists();
    let made = (is_asked || !sides.database.exists()).then(|| {
        let made = fts5::make(&sides.database, world, clips);
        eprintln!(
            "FTS5: {:.1} s for the words, {:.1} s for the tables beside them",
            made.words, made.tables
        );
        made
    });
    let seconds = (is_asked || !has_index).then(|| {
        let seconds = catalogue::rebuild(&sides.catalogue);
        eprintln!("btsindex: {seconds:.1} s for the index");
        seconds
    });
    let (made, seconds) = made.zip(seconds).filter(|_| is_asked)?;
    let clips = clips as f64;
    Some(table::rate_line(
        "index build, clips/s",
        clips / seconds,
        clips / made.words,
        1.8,
        &format!("{:.0} with its tables", clips / (made.words + made.tables)),
    ))
}

/// Bytes of the two views.
pub(crate) fn sizes(sides: &Sides, world: &World, clips: u64) -> String {
    let sample = SAMPLE.min(clips);
    let text: usize = (0..sample)
        .map(|number| world.clip(number).texts().bytes())
        .sum();
    let clips = clips as f64;
    table::size_line(
        "index, bytes a clip",
        catalogue::index_bytes(&sides.catalogue) as f64 / clips,
        fts5::index_bytes(&sides.database) as f64 / clips,
        0.4,
        &format!(
            "a copy of the text is {:.0} more",
            text as f64 / sample as f64
        ),
    )
}

/// Changes clips in copies of both, so that what was kept stays as it is.
pub(crate) fn upserts(sides: &Sides, world: &World, clips: u64) -> String {
    let folder = sides.database.with_file_name("changed");
    let (place, database) = (folder.join("catalogue"), folder.join("fts5.sqlite"));
    let _ = fs::remove_dir_all(&folder);
    copy(&sides.catalogue, &place);
    fs::copy(&sides.database, &database).unwrap();
    let (mut ours, mut theirs, mut written) = (Vec::new(), Vec::new(), 0.0);
    for round in 1..=ROUNDS {
        let (changed, catalogue, index) = catalogue::change(&place, world, clips, round, CHANGED);
        ours.push(catalogue + index);
        written += catalogue;
        theirs.push(fts5::change(&database, &changed));
    }
    let _ = fs::remove_dir_all(&folder);
    let line = table::line(&Measured {
        name: format!("upsert of {CHANGED}"),
        goal: Goal {
            p50: Some(5.0),
            p95: None,
        },
        btsindex: Some(ours),
        fts5: theirs,
        remark: format!("{:.0} ms of it in the catalogue", written / ROUNDS as f64),
    });
    eprintln!("{line}");
    line
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
