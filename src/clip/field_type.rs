//! What a field's type decides: how it is indexed, asked for and shown.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Place, Shelves};
use crate::value::{
    Between, Bytes, Clock, Duration, Fingerprint, GeoPoint, Hdr, Malformed, Markers, Notes,
    Orientation, Projection, Rate, Scale, ScanOrder, Selection, Stereo, Tagged, Tags, Timecode,
    VideoRange, WallTime, Words, capped,
};

/// How a field is kept in the index and asked for.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text, found by its words.
    Words,
    /// One of a closed set.
    Choice(&'static [&'static str]),
    /// A whole number; ranges make sense.
    Number(Scale),
    /// A place on Earth; asked for by `near`.
    Point,
    /// Shown, not searched for.
    Shown(&'static str),
}

impl Kind {
    /// What it is, for `btsindex fields`.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Words => "text".to_owned(),
            Self::Choice(all) => all.join("|"),
            Self::Number(scale) => scale.unit.to_owned(),
            Self::Point => "degrees".to_owned(),
            Self::Shown(unit) => unit.to_owned(),
        }
    }
}

/// What the index holds of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text to be cut into words.
    Words(String),
    /// A number to be compared.
    Number(i64),
    /// Latitude and longitude in millionths of a degree.
    Point(i64, i64),
}

/// What a query asks of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// These words.
    Words(Words),
    /// This one of a closed set.
    Choice(&'static str),
    /// A number in this range.
    Between(Between),
}

/// A type that a field can have.
pub trait Value: Clone + Serialize + DeserializeOwned {
    /// How it is indexed.
    const KIND: Kind;
    /// Whether two answers are joined instead of one replacing the other.
    const ADDS_UP: bool = false;

    /// As people read it.
    fn text(&self) -> String;

    /// As programs read it.
    fn json(&self) -> Option<serde_json::Value> {
        serde_json::to_value(self).ok()
    }

    /// As the index holds it.
    fn cells(&self) -> Vec<Cell>;

    /// What `field:text` in a query asks for.
    ///
    /// # Errors
    /// When `text` is no value of this type.
    fn wanted(text: &str) -> Result<Wanted, Malformed> {
        match Self::KIND {
            Kind::Words => Words::read(text).map(Wanted::Words),
            Kind::Choice(all) => all
                .iter()
                .find(|choice| choice.eq_ignore_ascii_case(text))
                .map(|choice| Wanted::Choice(choice))
                .ok_or_else(|| Malformed::new(text, "one of its values")),
            Kind::Number(scale) => scale.read(text).map(Wanted::Between),
            Kind::Point => Err(Malformed::new(
                text,
                "something to search for: places are asked for by `near:`",
            )),
            Kind::Shown(_) => Err(Malformed::new(
                text,
                "something to search for: it is shown only",
            )),
        }
    }

    /// Joins another answer to this one, where answers add up.
    fn add(&mut self, _other: &Self) {}
}

impl Value for String {
    const KIND: Kind = Kind::Words;

    fn text(&self) -> String {
        self.clone()
    }

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::Words(self.clone())]
    }
}

impl Value for Shelves {
    const KIND: Kind = Kind::Words;

    fn text(&self) -> String {
        self.best.clone()
    }

    fn cells(&self) -> Vec<Cell> {
        self.all.iter().cloned().map(Cell::Words).collect()
    }
}

impl Value for Place {
    const KIND: Kind = Kind::Words;

    fn text(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    fn cells(&self) -> Vec<Cell> {
        self.words.iter().cloned().map(Cell::Words).collect()
    }
}

impl Value for Tags {
    const KIND: Kind = Kind::Words;
    const ADDS_UP: bool = true;

    fn json(&self) -> Option<serde_json::Value> {
        Some(self.iter().map(|tagged| tagged.tag.as_str()).collect())
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<Cell> {
        self.iter()
            .map(|tagged| Cell::Words(tagged.tag.clone()))
            .collect()
    }

    fn add(&mut self, other: &Self) {
        other
            .iter()
            .for_each(|tagged: &Tagged| self.add(tagged.clone()));
    }
}

impl Value for Clock {
    const KIND: Kind = Kind::Words;

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::Words(self.to_string())]
    }
}

/// Several texts of one clip, each found by its words.
macro_rules! texts {
    ($($type:ty),+) => {
        $(impl Value for $type {
            const KIND: Kind = Kind::Words;

            fn text(&self) -> String {
                self.to_string()
            }

            fn cells(&self) -> Vec<Cell> {
                self.0.iter().map(|one| Cell::Words(one.text.clone())).collect()
            }
        })+
    };
}

texts!(Notes, Markers);

impl Value for bool {
    const KIND: Kind = Kind::Choice(&["yes", "no"]);

    fn text(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::Words(self.text())]
    }
}

impl Value for GeoPoint {
    const KIND: Kind = Kind::Point;

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<Cell> {
        let (latitude, longitude) = self.micro_degrees();
        vec![Cell::Point(latitude, longitude)]
    }
}

/// Enums of `value::choice`.
macro_rules! choices {
    ($($type:ty),+) => {
        $(impl Value for $type {
            const KIND: Kind = Kind::Choice(<$type>::ALL);

            fn text(&self) -> String {
                self.to_string()
            }

            fn cells(&self) -> Vec<Cell> {
                vec![Cell::Words(self.to_string())]
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

/// Types that are one number: how it is written, and which it is.
macro_rules! numbers {
    ($($type:ty, $scale:expr, $number:expr;)+) => {
        $(impl Value for $type {
            const KIND: Kind = Kind::Number($scale);

            fn text(&self) -> String {
                self.to_string()
            }

            fn cells(&self) -> Vec<Cell> {
                let number: fn(&$type) -> i64 = $number;
                vec![Cell::Number(number(self))]
            }
        })+
    };
}

numbers! {
    u32, Scale::WHOLE, |n| i64::from(*n);
    u64, Scale::WHOLE, |n| capped(*n);
    Bytes, Scale::BYTES, |b| capped(b.0);
    Rate, Scale::RATE, |r| r.micro();
    Duration, Scale::DURATION, |d| capped(d.as_micros());
    WallTime, Scale::DATE, |t| t.wall_seconds();
    Timecode, Scale::TIMECODE, |t| t.ordered();
    Fingerprint, Scale::FINGERPRINT, |f| f.leading();
}
