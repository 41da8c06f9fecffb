//! Short description of a clip, shown next to its poster by `search --thumbs`, `browse` and reports.

use super::clip_rows::{folder, length, picture, shot, volumes};
use crate::clip::Clip;
use crate::error::escape;

/// Main properties of a clip as text, not escaped for a terminal. Unknown properties are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClipCard {
    /// File name of the best copy.
    pub name: String,
    /// Selection and rating: `selected, 4 stars`.
    pub verdict: String,
    /// Recording time: `2026-05-02 14:00`.
    pub shot: String,
    /// Duration, such as `12.5s`.
    pub length: String,
    /// Picture format: `1920x1080 23.976 10-bit hlg`.
    pub picture: String,
    /// Maker and model of the camera.
    pub camera: String,
    /// Tags: `interview, studio session`.
    pub tags: String,
    /// Last two folders of the path.
    pub folder: String,
    /// Volumes that hold a copy: `SHELF-07 (offline), also RAID-A`.
    pub volumes: String,
}

impl ClipCard {
    /// Formats the main properties of a clip.
    #[must_use]
    pub fn from_clip(clip: &Clip) -> Self {
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
            volumes: volumes(clip),
        }
    }
}

/// Returns the non-empty lines of a [`ClipCard`], name first, escaped for a terminal.
#[must_use]
pub fn card_lines(clip: &Clip) -> Vec<String> {
    let card = ClipCard::from_clip(clip);
    let lines = [
        card.name,
        card.verdict,
        join(&[card.shot, card.length]),
        join(&[card.picture, card.camera]),
        card.tags,
        card.folder,
        card.volumes,
    ];
    lines
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(|line| escape(&line))
        .collect()
}

/// Formats the selection and rating: `selected, 4 stars`.
fn verdict(clip: &Clip) -> String {
    let selection = clip.selection.as_ref().map(|fact| fact.value.to_string());
    let stars = clip.rating.as_ref().map(|fact| {
        let plural = if fact.value == 1 { "" } else { "s" };
        format!("{} star{plural}", fact.value)
    });
    let parts: Vec<String> = selection.into_iter().chain(stars).collect();
    parts.join(", ")
}

fn join(parts: &[String]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("  ")
}
