//! A clip in a few lines, to stand beside its poster.

use super::clip_rows::{folder, length, picture, place, shot};
use crate::clip::Clip;
use crate::error::escape;

/// What a person looks for first, as text; empty where it is not known, and not yet safe to be
/// written to a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Glance {
    /// Its file's name.
    pub name: String,
    /// `selected, 4 stars`.
    pub verdict: String,
    /// `2026-05-02 14:00`.
    pub shot: String,
    /// `12.5s`.
    pub length: String,
    /// `1920x1080 23.976 10-bit hlg`.
    pub picture: String,
    /// Maker and model.
    pub camera: String,
    /// `interview, studio session`.
    pub tags: String,
    /// The last two folders.
    pub folder: String,
    /// `SHELF-07 (offline), also RAID-A`.
    pub place: String,
}

impl Glance {
    /// Looks at a clip.
    #[must_use]
    pub fn of(clip: &Clip) -> Self {
        let name = clip.name.as_ref().map(|fact| fact.value.clone());
        let tags = clip.tags.as_ref().map(|fact| fact.value.to_string());
        Self {
            name: name.unwrap_or_default(),
            verdict: verdict(clip),
            shot: shot(clip),
            length: length(clip),
            picture: picture(clip),
            camera: clip
                .camera
                .as_ref()
                .map_or_else(String::new, |fact| fact.value.clone()),
            tags: tags.unwrap_or_default(),
            folder: folder(clip),
            place: place(clip),
        }
    }
}

/// What is known of a clip at a glance, a line each, its name first; what is not known is left
/// out. Safe to be written to a terminal.
#[must_use]
pub fn card(clip: &Clip) -> Vec<String> {
    let glance = Glance::of(clip);
    let lines = [
        glance.name,
        glance.verdict,
        join(&[glance.shot, glance.length]),
        join(&[glance.picture, glance.camera]),
        glance.tags,
        glance.folder,
        glance.place,
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
