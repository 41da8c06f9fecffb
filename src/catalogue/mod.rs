//! The catalogue: the truth, in `SQLite`. All SQL of btsindex stands in this folder.
//!
//! Every change to a clip takes the next `seq`, the only clock that views follow.

mod clips;
mod copies;
mod disks;
mod doubts;
mod edits;
mod files;
mod ingests;
mod open;
mod packed;
mod pictures;
mod proved;
mod readings;
mod remembered;
mod renaming;
mod saved;
mod shot;
mod sidecars;
mod sightings;
mod tagging;
mod thumbs;
mod turn;
mod upgrade;
mod volumes;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use crate::clip::Clip;
use crate::error::Error;
use crate::footage::Volumes;
use packed::Packer;

pub use clips::Change;
pub use copies::{ClipCopies, Copied, Hashed, WholeHash};
pub use disks::Disks;
pub use edits::{Adoption, Edited, Imported};
pub use files::{Known, Odd, Pictured, Unread};
pub use ingests::{
    CopyFound, CopyState, Finding, Ingest, IngestPlace, Ingested, NewIngest, VerifiedCopy,
};
pub use pictures::{Pending, Waiting};
pub use proved::{Claim, EarlierRead, Listed, Logged, Stood, how_read};
pub use readings::{KnownContent, Outcome, Reading, Wanted};
pub use sightings::MountedWith;
pub use tagging::{Housed, Kept};
pub use thumbs::{Folder, INDEX, Thumbnails};
pub use volumes::{Loss, SAID, Seen, VolumeRow};

/// The newest schema this program knows.
const VERSION: u32 = 6;
/// `btsi`, so that another program's database is not taken for a catalogue.
const APPLICATION: u32 = 0x6274_7369;
/// The catalogue's file in its folder.
const FILE: &str = "catalogue.sqlite";

/// An open catalogue.
pub struct Catalogue {
    connection: Connection,
    folder: PathBuf,
    volumes: Volumes,
    packer: RefCell<Packer>,
    /// Whoever holds this lock writes next; `None` where nothing can be written.
    turn: Option<File>,
    /// Why it can only be read.
    only_read: Option<String>,
    /// Identities of the disks and shares that every look of this process found mounted.
    mounted_since_opened: RefCell<BTreeSet<String>>,
}

impl Catalogue {
    /// The folder it is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The posters and strips that belong to it.
    #[must_use]
    pub fn thumbnails(&self) -> Thumbnails {
        Thumbnails::new(&self.folder)
    }

    /// What is mounted now.
    #[must_use]
    pub fn volumes(&self) -> &Volumes {
        &self.volumes
    }

    /// The number this catalogue was given when it was made: an index belongs to one.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn uuid(&self) -> Result<String, Error> {
        self.check(|connection| {
            connection.query_row("SELECT value FROM meta WHERE key = 'uuid'", [], |row| {
                row.get(0)
            })
        })
    }

    /// The seq of the last change; 0 when there was none.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn seq(&self) -> Result<i64, Error> {
        self.check(|connection| {
            connection.query_row("SELECT coalesce(max(seq), 0) FROM clip", [], |row| {
                row.get(0)
            })
        })
    }

    /// Whether the database is whole: `None`, or what `SQLite` found wrong.
    ///
    /// # Errors
    /// When `SQLite` cannot even look.
    pub fn damage(&self) -> Result<Option<String>, Error> {
        let answer: Option<String> = self.check(|connection| {
            connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
                .optional()
        })?;
        Ok(answer.filter(|answer| answer != "ok"))
    }

    /// Runs SQL and says which catalogue it was when it fails.
    fn check<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        run(&self.connection).map_err(|source| Error::Catalogue {
            path: self.folder.join(FILE),
            source,
        })
    }

    /// A document as it is stored.
    fn pack(&self, document: &impl Serialize) -> Result<Vec<u8>, Error> {
        let json = serde_json::to_string(document).map_err(std::io::Error::other);
        let stored = json.and_then(|json| self.packer.borrow_mut().pack(&json));
        stored.map_err(|source| Error::Record {
            path: self.folder.join(FILE),
            source,
        })
    }

    /// A stored document; none is an empty one.
    fn unpack(&self, stored: Option<&Vec<u8>>) -> std::io::Result<Clip> {
        let Some(stored) = stored else {
            return Ok(Clip::default());
        };
        let json = self.packer.borrow_mut().unpack(stored)?;
        serde_json::from_str(&json).map_err(std::io::Error::other)
    }
}

/// Seconds since 1970 UTC, by this machine's clock.
#[must_use]
pub fn unix_seconds() -> i64 {
    crate::value::now().as_second()
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
