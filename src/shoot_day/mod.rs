//! Description of a shoot day, from a day file written by the user: production, location, crew, cards
//! and destinations.
//!
//! Parsing does not read the cards, so errors in a day file are reported before anything is copied.

mod day;
mod day_start;
mod file_name;
mod parse;
mod path_base;
mod placeholder;
mod template;
mod template_error;
#[cfg(test)]
mod tests;

pub use crate::value::ClockCorrection;
pub use day::{Day, DayCard, Destinations, HASHES};
pub use day_start::{parse_day_start, shoot_date};
pub use file_name::sanitize_file_name;
pub use placeholder::{Placeholder, PlaceholderValues};
pub use template::Template;
pub use template_error::{FillError, TemplateError};

/// Example of a day file with all settings, explained by comments.
pub const EXAMPLE: &str = include_str!("example.toml");
