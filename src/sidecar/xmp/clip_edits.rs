//! What people said of a clip in the catalogue, as it is to stand in a sidecar.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_128;

use super::escape::held;
use super::tracks::XmpMarker;
use crate::clip::MAX_STARS;
use crate::value::words::composed;
use crate::value::{Marker, Selection};

/// What people said of a clip in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Tags that it has.
    pub tags: Vec<String>,
    /// Tags that a person took away.
    pub removed: Vec<String>,
    /// Its stars, from 1 to 5.
    pub stars: Option<u8>,
    /// Whether it is to be used.
    pub selection: Option<Selection>,
    /// Notes, oldest first.
    pub notes: Vec<String>,
    /// Places in it.
    pub markers: Vec<Marker>,
}

/// The same in XMP's words, and in characters that XML can hold.
pub(super) struct Wanted {
    /// Tags, each once.
    pub tags: Vec<String>,
    /// Keys of tags that are to go.
    pub removed: HashSet<String>,
    /// The rating.
    pub rating: Option<i8>,
    /// Whether the shot is a keeper.
    pub good: Option<bool>,
    /// Lines for the log, each once.
    pub lines: Vec<String>,
    /// Markers, each with a name that no other has.
    pub markers: Vec<(XmpMarker, String)>,
}

impl Said {
    /// What is to stand in the sidecar.
    pub(super) fn wanted(&self) -> Wanted {
        let mut known = HashSet::new();
        let tags = self.tags.iter().map(|tag| held(tag).trim().to_owned());
        let tags: Vec<String> = tags
            .filter(|tag| !tag.is_empty() && known.insert(key(tag)))
            .collect();
        let removed = self.removed.iter().map(|tag| key(&held(tag)));
        let mut lines_known = HashSet::new();
        let lines = self.notes.iter().flat_map(|note| lines_of(&held(note)));
        Wanted {
            removed: removed.filter(|key| !known.contains(key)).collect(),
            tags,
            rating: self.rating(),
            good: (self.selection == Some(Selection::Selected)).then_some(true),
            lines: lines
                .filter(|line| lines_known.insert(line.trim().to_owned()))
                .collect(),
            markers: self.markers(),
        }
    }

    /// Rejected is -1 (XMP specification, part 1, `xmp:Rating`).
    fn rating(&self) -> Option<i8> {
        if self.selection == Some(Selection::Rejected) {
            return Some(-1);
        }
        let stars = self.stars.filter(|stars| (1..=MAX_STARS).contains(stars))?;
        i8::try_from(stars).ok()
    }

    fn markers(&self) -> Vec<(XmpMarker, String)> {
        let mut before: HashMap<(u64, String), usize> = HashMap::new();
        let mut named = Vec::with_capacity(self.markers.len());
        for marker in &self.markers {
            let text = held(&marker.text);
            let nth = before.entry((marker.micros, text.clone())).or_default();
            let name = guid(marker.micros, *nth, &text);
            *nth += 1;
            let marker = XmpMarker {
                micros: marker.micros,
                duration_micros: 0,
                text,
            };
            named.push((marker, name));
        }
        named
    }
}

/// A marker's name: the same for the same marker, so that a file depends on what was said only.
fn guid(micros: u64, nth: usize, text: &str) -> String {
    let hash = xxh3_128(format!("btsindex {micros} {nth} {text}").as_bytes());
    // RFC 9562: version 8, of one's own making, and the usual variant.
    let id = hash & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let digits = format!("{id:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits[part].to_owned());
    parts.join("-")
}

/// A tag as it is compared: case, accents' encoding, blanks, dashes and underscores are alike.
pub(super) fn key(tag: &str) -> String {
    let folded = composed(tag).to_lowercase();
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '-' | '_');
    let words: Vec<&str> = folded
        .split(is_gap)
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        return folded.trim().to_owned();
    }
    words.join(" ")
}

/// The lines of a text that are not blank.
pub(super) fn lines_of(text: &str) -> Vec<String> {
    let lines = text
        .split(['\n', '\r'])
        .filter(|line| !line.trim().is_empty());
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_alike_in_any_spelling() {
        for (one, other, is_alike) in [
            ("Ad Shoot", "ad-shoot", true),
            ("ad_shoot", " AD  shoot ", true),
            ("caf\u{e9}", "Cafe\u{301}", true),
            ("--", "-", false),
            ("adshoot", "ad shoot", false),
        ] {
            assert_eq!(key(one) == key(other), is_alike, "{one} {other}");
        }
    }

    #[test]
    fn a_marker_has_one_name_and_no_other_has_it() {
        let one = guid(0, 0, "laughs");
        assert_eq!(one, guid(0, 0, "laughs"));
        assert_eq!(one.len(), 36);
        assert!(
            one.get(14..15) == Some("8") && "89ab".contains(&one[19..20]),
            "{one}"
        );
        let twice = Said {
            markers: vec![
                Marker {
                    micros: 1,
                    timecode: None,
                    text: "x".to_owned()
                };
                3
            ],
            ..Said::default()
        };
        let names: HashSet<String> = twice
            .wanted()
            .markers
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        assert_eq!(names.len(), 3);
    }
}
