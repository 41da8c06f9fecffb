//! Search, filters and keyboard help. All of them need the script, which makes them visible.

use maud::{Markup, html};

use super::clips::Clips;
use super::markup::escape_truncated;
use crate::value::counted;

/// Maximum number of characters in an option.
const MAX_CHARS: usize = 60;

/// Keys and their descriptions.
const KEYS: [(&str, &str); 8] = [
    ("/", "search"),
    ("j, ↓", "next clip"),
    ("k, ↑", "previous clip"),
    ("←, →", "scrub through the clip"),
    ("Enter", "show or hide details"),
    ("o", "anomalies only"),
    ("Esc", "clear search and filters"),
    ("?", "show these keys"),
];

/// Search and filter controls of a page.
pub(in crate::report) fn tools(clips: &Clips<'_>) -> Markup {
    html! {
        form.tools role="search" hidden {
            label.find { span { "Search" } input type="search" id="q" autocomplete="off" spellcheck="false"
                placeholder="name, tag, note, camera …"; }
            (choice("camera", "Camera", "all cameras", &clips.cameras))
            (choice("card", "Card", "all cards", &clips.cards))
            (choice("tag", "Tag", "all tags", &clips.tags))
            label { span { "Sort" } select id="sort" {
                option value="time" { "by time" }
                option value="name" { "by name" }
                option value="length" { "longest first" }
                option value="merit" { "best first" }
                option value="bytes" { "largest first" }
            } }
            label.only { input type="checkbox" id="only"; span { "anomalies only" } }
            button type="reset" id="clear" { "Clear" }
            output id="count" role="status" { (counted(clips.len(), "clip")) }
        }
        dialog id="keys" aria-labelledby="keys-title" {
            h2 id="keys-title" { "Keys" }
            dl { @for (key, what) in KEYS { div { dt { kbd { (key) } } dd { (what) } } } }
            form method="dialog" { button { "Close" } }
        }
        p.nothing id="nothing" hidden { "No matching clips." }
    }
}

fn choice(id: &str, label: &str, all: &str, names: &[&str]) -> Markup {
    html! {
        @if names.len() > 1 || (id == "tag" && !names.is_empty()) {
            label { span { (label) } select id=(id) {
                option value="" { (all) }
                @for (at, name) in names.iter().enumerate() {
                    option value=(at) data-name=(name) { (escape_truncated(name, MAX_CHARS)) }
                }
            } }
        }
    }
}
