//! What may stand in braces in a destination folder's path, and what it stands for: apart from the
//! path itself, which is the same for every card.

use std::fmt;

use jiff::civil::Date;

use super::file_name::sanitised;

/// What may stand in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placeholder {
    /// What is being made: `{production}`.
    Production,
    /// The shoot day's date: `{date}` is `2026-05-02`.
    Date,
    /// Its year: `{year}` is `2026`.
    Year,
    /// Its month: `{month}` is `05`.
    Month,
    /// Which day of the shoot it is: `{day}` is `03`.
    Day,
    /// What kind of shoot: `{kind}`.
    Kind,
    /// Where: `{location}`.
    Location,
    /// Which camera: `{camera}`.
    Camera,
    /// What the card is called: `{card}`.
    Card,
}

impl Placeholder {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Production,
        Self::Date,
        Self::Year,
        Self::Month,
        Self::Day,
        Self::Kind,
        Self::Location,
        Self::Camera,
        Self::Card,
    ];

    /// What stands in the braces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Date => "date",
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Kind => "kind",
            Self::Location => "location",
            Self::Camera => "camera",
            Self::Card => "card",
        }
    }

    /// What a day file says so that there is a value.
    pub(super) fn said_by(self) -> &'static str {
        match self {
            Self::Production => "`production = \"ACME Spring Campaign\"` under `[day]`",
            Self::Date | Self::Year | Self::Month => "`date = 2026-05-02` under `[day]`",
            Self::Day => "`number = 3` under `[day]`",
            Self::Kind => "`kind = \"ad shoot\"` under `[day]`",
            Self::Location => "`location = \"Stage 4\"` under `[day]`",
            Self::Camera => "`camera = \"A\"` under the `[[card]]`",
            Self::Card => "`name = \"A001\"` under the `[[card]]`",
        }
    }
}

impl fmt::Display for Placeholder {
    /// `{camera}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.name())
    }
}

/// What placeholders stand for, for one card of one day.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'a> {
    /// What is being made.
    pub production: Option<&'a str>,
    /// The shoot day's date.
    pub date: Option<Date>,
    /// Which day of the shoot it is, from 1.
    pub number: Option<u32>,
    /// What kind of shoot it is.
    pub kind: Option<&'a str>,
    /// Where it was.
    pub location: Option<&'a str>,
    /// Which camera the card is of.
    pub camera: Option<&'a str>,
    /// What the card is called.
    pub card: Option<&'a str>,
}

impl Values<'_> {
    /// A value as part of a name; `None` where there is none, or nothing of it can stand in a name.
    pub(super) fn of(&self, placeholder: Placeholder) -> Option<String> {
        let text = |text: Option<&str>| text.map(sanitised).filter(|text| !text.is_empty());
        let date = |format| self.date.map(|date| date.strftime(format).to_string());
        match placeholder {
            Placeholder::Production => text(self.production),
            Placeholder::Date => date("%Y-%m-%d"),
            Placeholder::Year => date("%Y"),
            Placeholder::Month => date("%m"),
            Placeholder::Day => self.number.map(|number| format!("{number:02}")),
            Placeholder::Kind => text(self.kind),
            Placeholder::Location => text(self.location),
            Placeholder::Camera => text(self.camera),
            Placeholder::Card => text(self.card),
        }
    }
}
