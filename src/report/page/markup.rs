//! Escaped texts, names, pictures and links, from which all parts of a page are made.

use maud::{Markup, html};

use crate::error::{escape, escape_prose};
use crate::report::pictures::ReportPicture;
use crate::report::{ShootReport, Shot};

/// Maximum number of characters in a file name; filesystems do not allow more.
pub(super) const MAX_NAME_CHARS: usize = 255;
/// Maximum number of characters in a text.
const MAX_CHARS: usize = 1200;

/// Escapes text from a drive or a user. Shows characters that reorder or hide text as codes, and
/// truncates long text.
pub(in crate::report) fn escape_text(text: &str) -> String {
    escape_truncated(text, MAX_CHARS)
}

pub(in crate::report) fn escape_truncated(text: &str, max_chars: usize) -> String {
    let mut letters = text.chars();
    let short: String = letters.by_ref().take(max_chars).collect();
    let mut shown = escape(&short);
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Escapes text with several lines.
pub(in crate::report) fn lines(text: &str) -> Markup {
    let cut: String = text.chars().take(MAX_CHARS).collect();
    let is_cut = cut.len() < text.len();
    html! {
        @for (at, line) in cut.lines().enumerate() {
            @if at > 0 { br; }
            (escape_prose(line))
        }
        @if is_cut { "…" }
    }
}

/// Creates an image element that loads when it becomes visible.
pub(in crate::report) fn image(picture: &ReportPicture, alt: &str) -> Markup {
    html! {
        img src=(picture.address) width=(picture.width) height=(picture.height) alt=(alt)
            loading="lazy" decoding="async" draggable="false";
    }
}

/// Returns the element id of a clip.
pub(in crate::report) fn anchor(shot: usize) -> String {
    format!("c{}", shot + 1)
}

/// Creates a link to a clip.
pub(in crate::report) fn link(report: &ShootReport, shot: usize) -> Markup {
    let name = report.shots.get(shot).map_or("", Shot::name);
    html! { a href={ "#" (anchor(shot)) } { (isolated_name(name)) } }
}

/// Isolates a file name, so that its writing direction does not reorder the text around it.
pub(in crate::report) fn isolated_name(name: &str) -> Markup {
    let name = if name.is_empty() { "(no name)" } else { name };
    html! { bdi { (escape_truncated(name, MAX_NAME_CHARS)) } }
}
