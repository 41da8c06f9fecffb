//! A shoot day with its cards and destinations.

use std::path::PathBuf;

use jiff::civil::{Date, Time};

use super::placeholder::PlaceholderValues;
use super::template::Template;
use crate::value::ClockCorrection;

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

impl Day {
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
