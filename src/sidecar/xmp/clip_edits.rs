//! Edits of a clip, and their conversion to XMP values.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_128;

use super::escape::to_xml_chars;
use super::tracks::XmpMarker;
use crate::clip::MAX_STARS;
use crate::value::words::composed;
use crate::value::{Marker, Selection};

/// Edits of a clip in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClipEdits {
    /// Tags that a user added.
    pub tags: Vec<String>,
    /// Tags that a user removed.
    pub removed: Vec<String>,
    /// Rating in stars, from 1 to 5.
    pub stars: Option<u8>,
    /// Selection by the user; `None` if undecided.
    pub selection: Option<Selection>,
    /// Notes in the order of their creation.
    pub notes: Vec<String>,
    /// Markers at points in time.
    pub markers: Vec<Marker>,
}

/// Edits as XMP values, without characters that XML does not allow.
pub(super) struct XmpValues {
    /// Items of `dc:subject`, without duplicates.
    pub tags: Vec<String>,
    /// Keys of the tags to remove.
    pub removed: HashSet<String>,
    /// Value of `xmp:Rating`, from -1 to 5.
    pub rating: Option<i8>,
    /// Value of `xmpDM:good`; `None` unless the clip is selected.
    pub good: Option<bool>,
    /// Lines of `xmpDM:logComment`, each once.
    pub lines: Vec<String>,
    /// Markers, each with a unique identifier.
    pub markers: Vec<(XmpMarker, String)>,
}

impl ClipEdits {
    /// Converts the edits to XMP values.
    pub(super) fn to_xmp_values(&self) -> XmpValues {
        let mut keys = HashSet::new();
        let tags = self
            .tags
            .iter()
            .map(|tag| to_xml_chars(tag).trim().to_owned());
        let tags: Vec<String> = tags
            .filter(|tag| !tag.is_empty() && keys.insert(tag_key(tag)))
            .collect();
        let removed = self.removed.iter().map(|tag| tag_key(&to_xml_chars(tag)));
        let mut seen_lines = HashSet::new();
        let lines = self
            .notes
            .iter()
            .flat_map(|note| non_blank_lines(&to_xml_chars(note)));
        XmpValues {
            removed: removed.filter(|key| !keys.contains(key)).collect(),
            tags,
            rating: self.rating(),
            good: (self.selection == Some(Selection::Selected)).then_some(true),
            lines: lines
                .filter(|line| seen_lines.insert(line.trim().to_owned()))
                .collect(),
            markers: self.markers(),
        }
    }

    /// Returns the value of `xmp:Rating`; -1 is rejected (XMP specification, part 1).
    fn rating(&self) -> Option<i8> {
        if self.selection == Some(Selection::Rejected) {
            return Some(-1);
        }
        let stars = self.stars.filter(|stars| (1..=MAX_STARS).contains(stars))?;
        i8::try_from(stars).ok()
    }

    fn markers(&self) -> Vec<(XmpMarker, String)> {
        let mut counts: HashMap<(u64, String), usize> = HashMap::new();
        let mut with_guids = Vec::with_capacity(self.markers.len());
        for marker in &self.markers {
            let text = to_xml_chars(&marker.text);
            let nth = counts.entry((marker.micros, text.clone())).or_default();
            let guid = guid(marker.micros, *nth, &text);
            *nth += 1;
            let marker = XmpMarker {
                micros: marker.micros,
                duration_micros: 0,
                text,
            };
            with_guids.push((marker, guid));
        }
        with_guids
    }
}

/// Returns the identifier of a marker. It is derived only from the marker, so the same edits always
/// produce the same file.
fn guid(micros: u64, nth: usize, text: &str) -> String {
    let hash = xxh3_128(format!("btsindex {micros} {nth} {text}").as_bytes());
    // RFC 9562: version 8 (custom) and the standard variant.
    let id = hash & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let digits = format!("{id:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits[part].to_owned());
    parts.join("-")
}

/// Returns the form of a tag used for comparison, which ignores case and Unicode composition and
/// treats blanks, dashes and underscores as equal.
pub(super) fn tag_key(tag: &str) -> String {
    let folded = composed(tag).to_lowercase();
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '-' | '_');
    let words: Vec<&str> = folded
        .split(is_separator)
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        return folded.trim().to_owned();
    }
    words.join(" ")
}

/// Returns the lines of a text that are not blank.
pub(super) fn non_blank_lines(text: &str) -> Vec<String> {
    let lines = text
        .split(['\n', '\r'])
        .filter(|line| !line.trim().is_empty());
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_tags_regardless_of_spelling() {
        for (first, second, is_equal) in [
            ("Ad Shoot", "ad-shoot", true),
            ("ad_shoot", " AD  shoot ", true),
            ("caf\u{e9}", "Cafe\u{301}", true),
            ("--", "-", false),
            ("adshoot", "ad shoot", false),
        ] {
            assert_eq!(
                tag_key(first) == tag_key(second),
                is_equal,
                "{first} {second}"
            );
        }
    }

    #[test]
    fn marker_identifiers_are_stable_and_unique() {
        let id = guid(0, 0, "laughs");
        assert_eq!(id, guid(0, 0, "laughs"));
        assert_eq!(id.len(), 36);
        assert!(
            id.get(14..15) == Some("8") && "89ab".contains(&id[19..20]),
            "{id}"
        );
        let repeated = ClipEdits {
            markers: vec![
                Marker {
                    micros: 1,
                    timecode: None,
                    text: "x".to_owned()
                };
                3
            ],
            ..ClipEdits::default()
        };
        let names: HashSet<String> = repeated
            .to_xmp_values()
            .markers
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        assert_eq!(names.len(), 3);
    }
}
