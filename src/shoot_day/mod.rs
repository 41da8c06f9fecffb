//! Description of a shoot day, from a day file written by the user: production, location, crew, cards
//! and destinations.
//!
//! Parsing does not read the cards, so errors in a day file are reported before anything is copied.

mod day_start;
mod file_name;
mod parse;
mod placeholder;
mod template;
#[cfg(test)]
mod tests;

use std::env;
use std::path::{self, Path, PathBuf};

use jiff::civil::{Date, Time};

use crate::error::Error;
use crate::toml_file::read_toml;

pub use crate::value::ClockCorrection;
pub use day_start::{parse_day_start, shoot_date};
pub use file_name::sanitize_file_name;
pub use placeholder::{Placeholder, PlaceholderValues};
pub use template::{FillError, Template, TemplateError};

/// Example of a day file with all settings, explained by comments.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Names of the hash algorithms that can verify copies.
pub const HASHES: [&str; 5] = ["xxh128", "xxh64", "md5", "sha1", "c4"];

/// A shoot day. Texts from a day file are trimmed, not empty, and have up to 200 characters.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// Name of the production.
    pub production: Option<String>,
    /// Date of the shoot day, from 1895 to 2199.
    pub date: Option<Date>,
    /// Number of the shoot day, from 1 to 999.
    pub number: Option<u32>,
    /// Kind of shoot, such as `ad shoot`.
    pub kind: Option<String>,
    /// Location of the shoot.
    pub location: Option<String>,
    /// Roles, each with at least one name, in the order of the file.
    pub crew: Vec<(String, Vec<String>)>,
    /// Normalized tags for all clips, without duplicates.
    pub tags: Vec<String>,
    /// Time at which the shoot day starts, in whole minutes.
    pub starts: Option<Time>,
    /// Up to 1,000 cards with distinct paths.
    pub cards: Vec<DayCard>,
    /// Destinations of the copies.
    pub to: Destinations,
}

/// A card or folder with the clips of one camera.
#[derive(Debug, Clone, Default)]
pub struct DayCard {
    /// Path of the card or folder.
    pub path: PathBuf,
    /// Name that replaces the name of the folder or volume.
    pub name: Option<String>,
    /// Name of the camera.
    pub camera: Option<String>,
    /// Correction of the camera's clock.
    pub clock: Option<ClockCorrection>,
    /// Location, if it differs from that of the day.
    pub location: Option<String>,
    /// Additional tags for the clips on this card, without duplicates.
    pub tags: Vec<String>,
}

/// Destination folders, and the hash that verifies the copies.
#[derive(Debug, Clone, Default)]
pub struct Destinations {
    /// Distinct folders, absolute in a day file. Empty if the cards are only catalogued.
    pub folders: Vec<Template>,
    /// Name of the hash, one of [`HASHES`]; `None` for the default.
    pub hash: Option<String>,
}

/// Base folders of the relative paths in a day file.
pub(crate) struct PathBase {
    folder: PathBuf,
    home: Option<PathBuf>,
}

impl PathBase {
    fn home(&self) -> Result<&Path, TemplateError> {
        self.home.as_deref().ok_or_else(|| {
            TemplateError::new(
                "`~/` is the home folder, which is unknown",
                "use an absolute path, or set HOME",
            )
        })
    }

    fn resolve(&self, path: &str) -> Result<PathBuf, TemplateError> {
        match path.strip_prefix("~/") {
            Some(rest) => Ok(self.home()?.join(rest.trim_start_matches('/'))),
            // Removes `./` and other redundant components.
            None => Ok(self.folder.join(path).components().collect()),
        }
    }
}

impl Day {
    /// Parses the text of a day file that is called `name` in errors. Card paths are not resolved,
    /// and destination folders must be absolute.
    ///
    /// # Errors
    /// Returns [`Error::InvalidFile`] with line and hint if the content is invalid.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        parse::parse(text, name, None)
    }

    /// Reads a day file. Relative paths start at its folder, and `~/` is the home folder.
    ///
    /// # Errors
    /// Returns [`Error::Path`] if it is not a regular file or cannot be read, and
    /// [`Error::InvalidFile`] if the content is invalid.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read_toml(path)?;
        let absolute = path::absolute(path).map_err(Error::path(path))?;
        let base = PathBase {
            folder: absolute.parent().unwrap_or(&absolute).to_owned(),
            home: env::home_dir().filter(|home| home.is_absolute()),
        };
        parse::parse(&text, &path.to_string_lossy(), Some(&base))
    }

    /// Returns the crew as searchable text: `director: Anna Kim; camera: Ben Ruiz, Cleo Baum`.
    #[must_use]
    pub fn crew_text(&self) -> Option<String> {
        let roles = self.crew.iter();
        let roles: Vec<String> = roles
            .map(|(role, names)| format!("{role}: {}", names.join(", ")))
            .collect();
        (!roles.is_empty()).then(|| roles.join("; "))
    }

    /// Returns the values of the placeholders for one card. `volume` is the name of the card if the
    /// day file does not set one.
    #[must_use]
    pub fn values<'a>(
        &'a self,
        card: &'a DayCard,
        volume: Option<&'a str>,
    ) -> PlaceholderValues<'a> {
        PlaceholderValues {
            production: self.production.as_deref(),
            date: self.date,
            number: self.number,
            kind: self.kind.as_deref(),
            location: card.location.as_deref().or(self.location.as_deref()),
            camera: card.camera.as_deref(),
            card: card.name.as_deref().or(volume),
        }
    }
}
