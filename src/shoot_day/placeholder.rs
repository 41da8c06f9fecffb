//! Placeholders in destination paths, and their values for a card. Separate from templates because a
//! template is the same for all cards.

use std::fmt;

use jiff::civil::Date;

use super::file_name::sanitize_file_name;

/// A placeholder in a destination path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placeholder {
    /// `{production}`: name of the production.
    Production,
    /// `{date}`: date of the shoot day, such as `2026-05-02`.
    Date,
    /// `{year}`: year of the date, such as `2026`.
    Year,
    /// `{month}`: month of the date, such as `05`.
    Month,
    /// `{day}`: number of the shoot day, such as `03`.
    Day,
    /// `{kind}`: kind of shoot.
    Kind,
    /// `{location}`: location of the card, or else of the day.
    Location,
    /// `{camera}`: name of the camera.
    Camera,
    /// `{card}`: name of the card.
    Card,
}

impl Placeholder {
    /// All placeholders, in the order in which messages list them.
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

    /// Returns the name without braces.
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

    /// Returns an example of the day-file setting that provides the value, for hints.
    pub(super) fn example(self) -> &'static str {
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
    /// Writes the name in braces: `{camera}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.name())
    }
}

/// Values of the placeholders for one card of one day.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlaceholderValues<'a> {
    /// Name of the production.
    pub production: Option<&'a str>,
    /// Date of the shoot day.
    pub date: Option<Date>,
    /// Number of the shoot day, from 1.
    pub number: Option<u32>,
    /// Kind of shoot.
    pub kind: Option<&'a str>,
    /// Location of the card, or else of the day.
    pub location: Option<&'a str>,
    /// Name of the camera.
    pub camera: Option<&'a str>,
    /// Name of the card.
    pub card: Option<&'a str>,
}

impl PlaceholderValues<'_> {
    /// Returns a value as part of a file name. `None` if it is missing, or empty after sanitizing.
    pub(super) fn text(&self, placeholder: Placeholder) -> Option<String> {
        let file_name =
            |text: Option<&str>| text.map(sanitize_file_name).filter(|text| !text.is_empty());
        let date = |format| self.date.map(|date| date.strftime(format).to_string());
        match placeholder {
            Placeholder::Production => file_name(self.production),
            Placeholder::Date => date("%Y-%m-%d"),
            Placeholder::Year => date("%Y"),
            Placeholder::Month => date("%m"),
            Placeholder::Day => self.number.map(|number| format!("{number:02}")),
            Placeholder::Kind => file_name(self.kind),
            Placeholder::Location => file_name(self.location),
            Placeholder::Camera => file_name(self.camera),
            Placeholder::Card => file_name(self.card),
        }
    }
}
