//! What a field's type decides: how it is indexed, asked for and shown.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Place;
use crate::value::{
    Bytes, Duration, Fingerprint, GeoPoint, Hdr, Malformed, Markers, Notes, Projection, Rate,
    ScanOrder, Selection, Stereo, Tagged, Tags, Timecode, VideoRange, WallTime,
};

/// How a field is kept in the index and asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, found by its words.
    Words,
    /// One of a closed set.
    Choice(&'static [&'static str]),
    /// A whole number in some unit; ranges make sense.
    Number(&'static str),
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
            Self::Number(unit) | Self::Shown(unit) => unit.to_owned(),
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
}

/// What a query asks of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// These words, together and in order.
    Words(String),
    /// A number from the first to the second, both included.
    Between(i64, i64),
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
    fn wanted(text: &str) -> Result<Wanted, Malformed>;

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

    fn wanted(text: &str) -> Result<Wanted, Malformed> {
        Ok(Wanted::Words(text.to_owned()))
    }
}

impl Value for Fingerprint {
    const KIND: Kind = Kind::Words;

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::Words(self.to_string())]
    }

    fn wanted(text: &str) -> Result<Wanted, Malformed> {
        Ok(Wanted::Words(text.to_owned()))
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

    fn wanted(text: &str) -> Result<Wanted, Malformed> {
        Ok(Wanted::Words(text.to_owned()))
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

    fn wanted(text: &str) -> Result<Wanted, Malformed> {
        Ok(Wanted::Words(text.to_owned()))
    }

    fn add(&mut self, other: &Self) {
        other
            .iter()
            .for_each(|tagged: &Tagged| self.add(tagged.clone()));
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

            fn wanted(text: &str) -> Result<Wanted, Malformed> {
                Ok(Wanted::Words(text.to_owned()))
            }
        })+
    };
}

texts!(Notes, Markers);

impl Value for Timecode {
    const KIND: Kind = Kind::Words;

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::Words(self.to_string())]
    }

    fn wanted(text: &str) -> Result<Wanted, Malformed> {
        text.parse::<Self>()
            .map(|timecode| Wanted::Words(timecode.to_string()))
    }
}

impl Value for bool {
    const KIND: Kind = Kind::Choice(&["yes", "no"]);

    fn text(&self) -> String {
        if *self { "yes" } else { "no" }.to_owned()
    }

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::Words(self.text())]
    }

    fn wanted(text: &str) -> Result<Wanted, Malformed> {
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" => Ok(Wanted::Words("yes".to_owned())),
            "no" | "false" => Ok(Wanted::Words("no".to_owned())),
            _ => Err(Malformed::new(text, "`yes` or `no`")),
        }
    }
}

impl Value for GeoPoint {
    const KIND: Kind = Kind::Shown("degrees");

    fn text(&self) -> String {
        self.to_string()
    }

    fn cells(&self) -> Vec<Cell> {
        Vec::new()
    }

    fn wanted(text: &str) -> Result<Wanted, Malformed> {
        Err(Malformed::new(
            text,
            "something to search for: places are shown only",
        ))
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

            fn wanted(text: &str) -> Result<Wanted, Malformed> {
                let text = text.to_ascii_lowercase();
                text.parse::<Self>().map(|choice| Wanted::Words(choice.to_string()))
            }
        })+
    };
}

choices!(ScanOrder, Hdr, VideoRange, Projection, Stereo, Selection);

/// Types that are one number: unit, to the number, and the range a written value asks for.
macro_rules! numbers {
    ($($type:ty, $unit:literal, $number:expr, $between:expr;)+) => {
        $(impl Value for $type {
            const KIND: Kind = Kind::Number($unit);

            fn text(&self) -> String {
                self.to_string()
            }

            fn cells(&self) -> Vec<Cell> {
                let number: fn(&$type) -> i64 = $number;
                vec![Cell::Number(number(self))]
            }

            fn wanted(text: &str) -> Result<Wanted, Malformed> {
                let between: fn(&str) -> Result<(i64, i64), Malformed> = $between;
                between(text).map(|(from, to)| Wanted::Between(from, to))
            }
        })+
    };
}

numbers! {
    u32, "number", |n| i64::from(*n), whole;
    u64, "number", |n| capped(*n), whole;
    Bytes, "bytes", |b| capped(b.0), |text| text.parse::<Bytes>().map(|b| (capped(b.0), capped(b.0)));
    Rate, "frames per second", |r| r.micro(), |text| text.parse::<Rate>().map(|r| (r.micro(), r.micro()));
    Duration, "seconds", |d| capped(d.as_micros()), around;
    WallTime, "date and time", |t| t.wall_seconds(), days;
}

fn capped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn whole(text: &str) -> Result<(i64, i64), Malformed> {
    let number = text
        .parse()
        .map_err(|_| Malformed::new(text, "a whole number"))?;
    Ok((number, number))
}

/// Half a second either way: nobody types microseconds.
fn around(text: &str) -> Result<(i64, i64), Malformed> {
    let micros = capped(text.parse::<Duration>()?.as_micros());
    Ok((
        micros.saturating_sub(500_000),
        micros.saturating_add(499_999),
    ))
}

/// A second, or all of the day, month or year that was named.
fn days(text: &str) -> Result<(i64, i64), Malformed> {
    let first = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let from: WallTime = first.parse().map_err(|mut wrong: Malformed| {
        text.clone_into(&mut wrong.text);
        wrong
    })?;
    let date = from.civil().date();
    let last = match text.len() {
        4 => date.last_of_year(),
        7 => date.last_of_month(),
        10 => date,
        _ => return Ok((from.wall_seconds(), from.wall_seconds())),
    };
    let days = date
        .until(last)
        .map_or(0, |span| i64::from(span.get_days()));
    Ok((
        from.wall_seconds(),
        from.wall_seconds() + (days + 1) * 86_400 - 1,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_asks_for_all_of_what_it_names() {
        let (from, to) = days("2026-05").unwrap();
        assert_eq!((to - from + 1) / 86_400, 31);
        let (from, to) = days("2024").unwrap();
        assert_eq!((to - from + 1) / 86_400, 366);
        let (from, to) = days("2026-05-02").unwrap();
        assert_eq!(to - from + 1, 86_400);
        let (from, to) = days("2026-05-02T14:00:00").unwrap();
        assert_eq!(from, to);
        assert_eq!(days("2026-13").unwrap_err().text, "2026-13");
    }
}
