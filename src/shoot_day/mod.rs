//! A shoot day as people write it down: what was shot, where and by whom, which cards there are, and
//! where they go.
//!
//! It knows nothing of what cards hold, and reads none: what is wrong with what was written is said
//! before anything is copied.

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
use crate::toml_file::read_written;

pub use crate::value::Clock;
pub use day_start::{parse_starts, shoot_date};
pub use file_name::sanitised;
pub use placeholder::{Placeholder, Values};
pub use template::{BadTemplate, Template, Unfilled};

/// A day file with everything that may stand in one, and what it means.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Checksums that copies may be proved with.
pub const HASHES: [&str; 5] = ["xxh128", "xxh64", "md5", "sha1", "c4"];

/// One shoot day. Texts are trimmed, never empty, and have up to 200 letters.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// What is being made.
    pub production: Option<String>,
    /// Its date, from 1895 to 2199.
    pub date: Option<Date>,
    /// Which day of the shoot it is, from 1 to 999.
    pub number: Option<u32>,
    /// What kind of shoot it is: `ad shoot`.
    pub kind: Option<String>,
    /// Where it was.
    pub location: Option<String>,
    /// Each role with the names of who had it, at least one, in the order of the file.
    pub crew: Vec<(String, Vec<String>)>,
    /// Tags of all its clips, in the form they are kept in, each once.
    pub tags: Vec<String>,
    /// When days begin, to the minute.
    pub starts: Option<Time>,
    /// Its cards, up to 1,000, each path once.
    pub cards: Vec<Card>,
    /// Where they go.
    pub to: To,
}

/// A card, or a folder, of one camera.
#[derive(Debug, Clone, Default)]
pub struct Card {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called instead of its folder or volume.
    pub name: Option<String>,
    /// Which camera it is of.
    pub camera: Option<String>,
    /// How far the camera's clock was off.
    pub clock: Option<Clock>,
    /// Where it was shot, instead of where the day was.
    pub location: Option<String>,
    /// Tags of its clips beside those of the day, each once.
    pub tags: Vec<String>,
}

/// Where cards are copied to, and how copies are proved.
#[derive(Debug, Clone, Default)]
pub struct To {
    /// Folders, each absolute and once; none when cards are only taken into the catalogue.
    pub folders: Vec<Template>,
    /// One of [`HASHES`].
    pub hash: Option<String>,
}

/// Where paths that are not absolute begin.
pub(crate) struct Place {
    folder: PathBuf,
    home: Option<PathBuf>,
}

impl Place {
    fn home(&self) -> Result<&Path, BadTemplate> {
        self.home.as_deref().ok_or_else(|| {
            BadTemplate::new(
                "`~/` is the home folder, which is not known",
                "write the whole path, or set HOME",
            )
        })
    }

    fn resolved(&self, written: &str) -> Result<PathBuf, BadTemplate> {
        match written.strip_prefix("~/") {
            Some(rest) => Ok(self.home()?.join(rest.trim_start_matches('/'))),
            // Without `./` and what else says nothing.
            None => Ok(self.folder.join(written).components().collect()),
        }
    }
}

impl Day {
    /// Reads a day from the text of a file of that name. Its paths of cards stay as they are
    /// written, and its folders have to be absolute.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] for what cannot be understood, with line and hint.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        parse::day(text, name, None)
    }

    /// Reads a day file. Relative paths begin in the folder where the file lies, those with `~/` in
    /// the home folder.
    ///
    /// # Errors
    /// [`Error::Path`] when it is no regular file or cannot be read, [`Error::InvalidFile`] for what
    /// cannot be understood.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read_written(path)?;
        let absolute = path::absolute(path).map_err(Error::path(path))?;
        let place = Place {
            folder: absolute.parent().unwrap_or(&absolute).to_owned(),
            home: env::home_dir().filter(|home| home.is_absolute()),
        };
        parse::day(&text, &path.to_string_lossy(), Some(&place))
    }

    /// The crew in one text, to be searched: `director: Anna Kim; camera: Ben Ruiz, Cleo Baum`.
    #[must_use]
    pub fn crew_text(&self) -> Option<String> {
        let roles = self.crew.iter();
        let roles: Vec<String> = roles
            .map(|(role, names)| format!("{role}: {}", names.join(", ")))
            .collect();
        (!roles.is_empty()).then(|| roles.join("; "))
    }

    /// What placeholders stand for, for one of its cards, which is called `volume` where the day
    /// does not say otherwise.
    #[must_use]
    pub fn values<'a>(&'a self, card: &'a Card, volume: Option<&'a str>) -> Values<'a> {
        Values {
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
