//! Types of fields: how values are indexed, queried and printed.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ClipPath, VolumeLabels};
use crate::value::{
    Bytes, ClockCorrection, Duration, Fingerprint, GeoPoint, Hdr, Malformed, Markers, Notes,
    NumberRange, Orientation, Projection, Quantity, Rate, ScanOrder, SearchWords, Selection,
    Stereo, Tagged, Tags, Timecode, VideoRange, WallTime, saturating_i64,
};

/// Data type of a field.
#[derive(Debug, Clone, Copy)]
pub enum FieldKind {
    /// Text, searched by its words.
    Words,
    /// One of a fixed set of values.
    Choice(&'static [&'static str]),
    /// A whole number, searched by value or range.
    Number(Quantity),
    /// A position on Earth, searched with `near:`.
    Point,
    /// A value that is displayed but not searchable; the text is its unit.
    Shown(&'static str),
}

impl FieldKind {
    /// Returns the type as text, for `btsindex fields`.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Words => "text".to_owned(),
            Self::Choice(all) => all.join("|"),
            Self::Number(quantity) => quantity.unit.to_owned(),
            Self::Point => "degrees".to_owned(),
            Self::Shown(unit) => unit.to_owned(),
        }
    }
}

/// One value of a field, as indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexCell {
    /// Text, split into words by the index.
    Words(String),
    /// A number for comparisons.
    Number(i64),
    /// Latitude and longitude in millionths of a degree.
    Point(i64, i64),
}

/// Filter on the value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FieldFilter {
    /// Words that the text must contain.
    Words(SearchWords),
    /// One of a fixed set of values.
    Choice(&'static str),
    /// A range of numbers.
    Range(NumberRange),
}

/// Type of the values of a field.
pub trait FieldValue: Clone + Serialize + DeserializeOwned {
    /// Data type for the index and for queries.
    const KIND: FieldKind;
    /// True if values from two sources are combined; otherwise one replaces the other.
    const IS_ADDITIVE: bool = false;

    /// Formats the value for people.
    fn text(&self) -> String;

    /// Converts the value to JSON.
    fn json(&self) -> Option<serde_json::Value> {
        serde_json::to_value(self).ok()
    }

    /// Returns the values to index.
    fn cells(&self) -> Vec<IndexCell>;

    /// Parses the value of `field:text` in a query.
    ///
    /// # Errors
    /// Fails if `text` is not a value of this type.
    fn parse_filter(text: &str) -> Result<FieldFilter, Malformed> {
        match Self::KIND {
            FieldKind::Words => SearchWords::parse(text).map(FieldFilter::Words),
            FieldKind::Choice(all) => all
                .iter()
                .find(|choice| choice.eq_ignore_ascii_case(text))
                .map(|choice| FieldFilter::Choice(choice))
                .ok_or_else(|| Malformed::new(text, "one of the field's values")),
            FieldKind::Number(quantity) => quantity.parse(text).map(FieldFilter::Range),
            FieldKind::Point => Err(Malformed::new(
                text,
                "searchable: positions are searched with `near:`",
            )),
            FieldKind::Shown(_) => Err(Malformed::new(
                text,
                "searchable: the field is only displayed",
            )),
        }
    }

    /// Adds another value to this one. Does nothing if the type is not additive.
    fn add(&mut self, _other: &Self) {}
}

impl FieldValue for String {
    const KIND: FieldKind = FieldKind::Words;

    fn text(&self) -> String {
        self.clone()
    }

    fn cells(&self) -> Vec<IndexCell> {
        vec![IndexCell::Words(self.clone())]
    }
}

impl FieldValue for VolumeLabels {
    const KIND: FieldKind = FieldKind::Words;

    fn text(&self) -> String {
        self.best.clone()
    }

    fn cells(&self) -> Vec<IndexCell> {
        self.all.iter().cloned().map(IndexCell::Words).collect()
    }
}

impl FieldValue for ClipPath {
    const KIND: FieldKind = FieldKind::Words;

    fn text(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    fn cells(&self) -> Vec<IndexCell> {
        self.words.iter().cloned().map(IndexCell::Words).collect()
    }
}

impl FieldValue for Tags {
    const KIND: FieldKind = FieldKind::Words;
    const IS_ADDITIVE: bool = true;

    fn json(&self) -> Option<serde_json::Value> {
        Some(self.iter().map(|tagged| tagged.tag.as_str()).collect())
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<IndexCell> {
        self.iter()
            .map(|tagged| IndexCell::Words(tagged.tag.clone()))
            .collect()
    }

    fn add(&mut self, other: &Self) {
        other
            .iter()
            .for_each(|tagged: &Tagged| self.add(tagged.clone()));
    }
}

impl FieldValue for ClockCorrection {
    const KIND: FieldKind = FieldKind::Words;

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<IndexCell> {
        vec![IndexCell::Words(self.to_string())]
    }
}

/// Implements `FieldValue` for types with several texts per clip, each searched by its words.
macro_rules! texts {
    ($($type:ty),+) => {
        $(impl FieldValue for $type {
            const KIND: FieldKind = FieldKind::Words;

            fn text(&self) -> String {
                self.to_string()
            }

            fn cells(&self) -> Vec<IndexCell> {
                self.0.iter().map(|item| IndexCell::Words(item.text.clone())).collect()
            }
        })+
    };
}

texts!(Notes, Markers);

impl FieldValue for bool {
    const KIND: FieldKind = FieldKind::Choice(&["yes", "no"]);

    fn text(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }

    fn cells(&self) -> Vec<IndexCell> {
        vec![IndexCell::Words(self.text())]
    }
}

impl FieldValue for GeoPoint {
    const KIND: FieldKind = FieldKind::Point;

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<IndexCell> {
        let (latitude, longitude) = self.micro_degrees();
        vec![IndexCell::Point(latitude, longitude)]
    }
}

/// Implements `FieldValue` for the enums of `value::choice`.
macro_rules! choices {
    ($($type:ty),+) => {
        $(impl FieldValue for $type {
            const KIND: FieldKind = FieldKind::Choice(<$type>::ALL);

            fn text(&self) -> String {
                self.to_string()
            }

            fn cells(&self) -> Vec<IndexCell> {
                vec![IndexCell::Words(self.to_string())]
            }
        })+
    };
}

choices!(
    ScanOrder,
    Hdr,
    VideoRange,
    Projection,
    Stereo,
    Selection,
    Orientation
);

/// Implements `FieldValue` for types indexed as one number, given the quantity and the conversion
/// to that number.
macro_rules! numbers {
    ($($type:ty, $quantity:expr, $number:expr;)+) => {
        $(impl FieldValue for $type {
            const KIND: FieldKind = FieldKind::Number($quantity);

            fn text(&self) -> String {
                self.to_string()
            }

            fn cells(&self) -> Vec<IndexCell> {
                let number: fn(&$type) -> i64 = $number;
                vec![IndexCell::Number(number(self))]
            }
        })+
    };
}

numbers! {
    u32, Quantity::WHOLE, |n| i64::from(*n);
    u64, Quantity::WHOLE, |n| saturating_i64(*n);
    Bytes, Quantity::BYTES, |b| saturating_i64(b.0);
    Rate, Quantity::RATE, |r| r.micro();
    Duration, Quantity::DURATION, |d| saturating_i64(d.as_micros());
    WallTime, Quantity::DATE, |t| t.wall_seconds();
    Timecode, Quantity::TIMECODE, |t| t.sort_key();
    Fingerprint, Quantity::FINGERPRINT, |f| f.leading();
}
