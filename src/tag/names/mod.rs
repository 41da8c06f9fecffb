//! Facts from names: cameras and recorders name files, and crews name the folders of a shoot day.

mod folders;
mod scheme;

use std::path::Path;

use crate::clip::{Clip, Fact, FieldValue, Source};
use crate::value::WallTime;

pub use scheme::schemes;
pub(super) use scheme::{maker, makers};

/// Returns the facts in the names of a file and its folders. For each fact, the innermost name that
/// states it wins. For the camera letter, names given by people take precedence over camera names.
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
    let by_camera = scheme::parse(stem).unwrap_or_default();
    let by_people: Vec<folders::NameFacts> = std::iter::once(stem)
        .chain(folders.iter().map(String::as_str))
        .enumerate()
        .map(|(depth, name)| folders::parse(name, depth > 0))
        .collect();
    let first = |field: fn(&folders::NameFacts) -> Option<String>| by_people.iter().find_map(field);
    let captured = by_camera.captured.or_else(|| {
        let dates = names.iter().map(|name| WallTime::find_in_name(name));
        dates
            .zip(&by_people)
            .find_map(|(date, facts)| date.or(facts.date))
    });
    Clip {
        camera_letter: fact(first(|facts| facts.camera.clone()).or(by_camera.camera)),
        reel: fact(by_camera.reel.or_else(|| first(|facts| facts.reel.clone()))),
        clip_number: fact(by_camera.clip),
        chapter: fact(by_camera.chapter),
        scene: fact(
            by_camera
                .scene
                .or_else(|| first(|facts| facts.scene.clone())),
        ),
        take: fact(
            by_camera
                .take
                .or_else(|| by_people.iter().find_map(|facts| facts.take)),
        ),
        shoot_day: fact(by_people.iter().find_map(|facts| facts.day)),
        captured: fact(captured),
        ..Clip::default()
    }
}

fn fact<T: FieldValue>(value: Option<T>) -> Option<Fact<T>> {
    value.map(|value| Fact::new(value, Source::NAME))
}
