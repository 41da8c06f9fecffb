//! What a fact can be: a rate, a timecode, a wall time, a place.
//!
//! Each type is parsed once, at the edge, and printed once. They stand below
//! everything else and know nothing of clips, SQL, tantivy or clap.

mod age;
mod bytes;
mod choice;
mod clock;
mod duration;
mod fingerprint;
mod geo;
mod machine_clock;
mod marks;
mod name;
mod os_path;
mod rate;
pub mod resolution;
mod scale;
mod search_terms;
mod tags;
mod text_matches;
mod timecode;
mod wall_time;
pub mod words;

pub use age::Age;
pub use bytes::Bytes;
pub use choice::{Hdr, Orientation, Projection, ScanOrder, Selection, Stereo, VideoRange};
pub use clock::Clock;
pub use duration::Duration;
pub use fingerprint::Fingerprint;
pub use geo::{Area, GeoPoint};
pub use machine_clock::{instant, instant_of_micros, instant_of_seconds, local_now, now};
pub use marks::{Marker, Markers, Note, Notes};
pub use name::parse_name;
pub use os_path::{from_bytes, to_bytes};
pub use rate::Rate;
pub use resolution::Resolution;
pub(crate) use scale::capped;
pub use scale::{Between, Scale, named_day};
pub use search_terms::{How, MOST_STARS, Words};
pub use tags::{Tagged, Tags, Why, kept_tag, parse_tag};
pub use text_matches::{fits, letters_off};
pub use timecode::Timecode;
pub use wall_time::WallTime;

/// A value whose text could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct Malformed {
    /// What was written, or its beginning.
    pub text: String,
    /// What would have been understood, with an example.
    pub expected: &'static str,
}

impl Malformed {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        let mut letters = text.chars();
        let mut text: String = letters.by_ref().take(MOST_SHOWN).collect();
        if letters.next().is_some() {
            text.push('…');
        }
        Self { text, expected }
    }
}

/// Letters of a malformed text that are told.
const MOST_SHOWN: usize = 80;

/// Serialises a type as the text it prints, and reads it back by parsing.
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
