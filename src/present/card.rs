//! A clip in a few lines, to stand beside its poster.

use super::clips::{camera, folder, picture, place, shot};
use crate::clip::Clip;
use crate::error::escape;

/// What is known of a clip at a glance, a line each, its name first; what is not known is left
/// out. Safe to be written to a terminal.
#[must_use]
pub fn card(clip: &Clip) -> Vec<String> {
    let name = clip.name.as_ref().map(|fact| fact.value.clone());
    let length = clip.duration.as_ref().map(|fact| fact.value.to_string());
    let tags = clip.tags.as_ref().map(|fact| fact.value.to_string());
    let lines = [
        name.unwrap_or_default(),
        verdict(clip),
        join(&[shot(clip), length.unwrap_or_default()]),
        join(&[picture(clip), camera(clip)]),
        tags.unwrap_or_default(),
        folder(clip),
        place(clip),
    ];
    lines
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(|line| escape(&line))
        .collect()
}

/// What people decided: `selected, 4 stars`.
fn verdict(clip: &Clip) -> String {
    let selection = clip.selection.as_ref().map(|fact| fact.value.to_string());
    let stars = clip.rating.as_ref().map(|fact| {
        let plural = if fact.value == 1 { "" } else { "s" };
        format!("{} star{plural}", fact.value)
    });
    let said: Vec<String> = selection.into_iter().chain(stars).collect();
    said.join(", ")
}

fn join(parts: &[String]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("  ")
}
