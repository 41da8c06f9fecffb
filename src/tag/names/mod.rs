//! Facts from names: what cameras and recorders put into the names they give, and how crews
//! name the folders of a shoot day.

mod folders;
mod scheme;

use std::path::Path;

use crate::clip::{Clip, Fact, Source, Value};
use crate::value::WallTime;

pub use scheme::schemes;
pub(super) use scheme::{maker, makers};

/// What a file's name and its folders tell, by the innermost that tells it; a camera's letter and a
/// day by the name that people gave rather than by the one a camera gave.
#[must_use]
pub(super) fn facts(inside: &Path) -> Clip {
    let names: Vec<String> = inside
        .iter()
        .rev()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let Some((name, folders)) = names.split_first() else {
        return Clip::default();
    };
    let stem = name
        .rsplit_once('.')
        .map_or(name.as_str(), |(stem, _)| stem);
    let given = scheme::read(stem).unwrap_or_default();
    let said: Vec<folders::Said> = std::iter::once(stem)
        .chain(folders.iter().map(String::as_str))
        .enumerate()
        .map(|(depth, name)| folders::read(name, depth > 0))
        .collect();
    let first = |tell: fn(&folders::Said) -> Option<String>| said.iter().find_map(tell);
    let captured = given.captured.or_else(|| {
        let dates = names.iter().map(|name| WallTime::in_name(name));
        dates.zip(&said).find_map(|(date, said)| date.or(said.date))
    });
    Clip {
        camera_letter: fact(first(|said| said.camera.clone()).or(given.camera)),
        reel: fact(given.reel.or_else(|| first(|said| said.reel.clone()))),
        clip_number: fact(given.clip),
        chapter: fact(given.chapter),
        scene: fact(given.scene.or_else(|| first(|said| said.scene.clone()))),
        take: fact(
            given
                .take
                .or_else(|| said.iter().find_map(|said| said.take)),
        ),
        shoot_day: fact(said.iter().find_map(|said| said.day)),
        captured: fact(captured),
        ..Clip::default()
    }
}

fn fact<T: Value>(value: Option<T>) -> Option<Fact<T>> {
    value.map(|value| Fact::new(value, Source::NAME))
}
