//! Value types for the facts of a clip: frame rates, timecodes, wall times, positions on Earth.
//!
//! Each type is parsed once, at the edge, and printed once. The module is the lowest layer: it does
//! not depend on clips, SQL, tantivy or clap.

mod age;
mod bytes;
mod choice;
mod clock_correction;
mod duration;
pub mod extensions;
mod fingerprint;
mod geo;
mod machine_clock;
mod name;
mod notes;
mod numbers;
mod os_path;
mod quantity;
mod rate;
mod reader_label;
pub mod resolution;
mod search_terms;
mod tags;
mod text_matches;
mod timecode;
mod wall_time;
pub mod words;

pub use age::Age;
pub use bytes::Bytes;
pub use choice::{Hdr, Orientation, Projection, ScanOrder, Selection, Stereo, VideoRange};
pub use clock_correction::ClockCorrection;
pub use duration::{Duration, ExactDuration};
pub use fingerprint::Fingerprint;
pub use geo::{Area, GeoPoint};
pub use machine_clock::{
    format_unix_micros, format_unix_nanos, format_unix_seconds, local_now, now,
};
pub use name::parse_name;
pub use notes::{Marker, Markers, Note, Notes};
pub use numbers::{counted, grouped, rounded_seconds};
pub use os_path::{from_bytes, to_bytes, unescape};
pub(crate) use quantity::saturating_i64;
pub use quantity::{NumberRange, Quantity, named_day};
pub use rate::Rate;
pub(crate) use rate::lowest_terms;
pub use reader_label::ReaderLabel;
pub use resolution::Resolution;
pub use search_terms::{MAX_WILDCARDS, MatchMode, SearchWords};
pub use tags::{TagOrigin, Tagged, Tags, parse_tag};
pub use text_matches::{matches_wildcard, max_edit_distance};
pub use timecode::Timecode;
pub use wall_time::WallTime;

/// Error for text that is not a valid value of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct Malformed {
    /// The rejected text, cut to its first 80 characters.
    pub text: String,
    /// Description of a valid value, with an example. It completes the sentence "`x` is not …".
    pub expected: &'static str,
}

impl Malformed {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        let mut chars = text.chars();
        let mut text: String = chars.by_ref().take(MAX_SHOWN_CHARS).collect();
        if chars.next().is_some() {
            text.push('…');
        }
        Self { text, expected }
    }
}

/// Maximum number of characters of a malformed text that an error message quotes.
const MAX_SHOWN_CHARS: usize = 80;

/// Serialises a type as the text it prints, and deserialises it by parsing that text.
macro_rules! serde_as_text {
    ($name:ty) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;
