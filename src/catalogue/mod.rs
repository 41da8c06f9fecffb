//! The catalogue: a `SQLite` database that is the source of truth. This module contains all SQL of
//! btsindex.
//!
//! Every change to a clip is assigned the next sequence number (`seq`). The index uses it to find
//! the clips to update.

mod clip_copies;
mod clips;
mod disks;
mod document_codec;
mod edits;
mod files;
mod hashes_by_path;
mod ingest_facts;
mod ingests;
mod meta;
mod mount_history;
mod mounts;
mod open;
mod read_results;
mod readers;
mod saved_searches;
mod sidecars;
mod sqlite_error;
mod suspect_copies;
mod tag_renaming;
mod tagging;
mod thumbnail_files;
mod thumbnail_queue;
mod transaction;
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
use crate::volume::Volumes;
use document_codec::Packer;
use sqlite_error::in_database;

pub use clip_copies::{ClipCopies, ClipFiles, HashedFile, WholeHash};
pub use clips::Change;
pub use disks::Disks;
pub use edits::{Adoption, Edited, Imported, JournalError};
pub use files::{ClipPictures, KnownFile, ReadFailure, UnreadFile};
pub use hashes_by_path::{
    EarlierRead, HashRecord, LoggedCopy, RecordedPath, ScannedFile, how_read,
};
pub use ingests::{
    CHANGED_SINCE_VERIFIED, CopyFound, CopyState, Finding, Ingest, IngestPlace, Ingested,
    NewIngest, VerifiedCopy,
};
pub use mount_history::MountedWith;
pub use read_results::{KnownContent, PictureRequest, ReadOutcome, Reading};
pub use readers::{StaleClip, StaleFacts, StaleVolume};
pub use saved_searches::is_same_search;
pub use tagging::{RuleFile, RuleFolder};
pub use thumbnail_files::{INDEX, PictureFolder, Thumbnails};
pub use thumbnail_queue::{PendingPictures, PictureJob};
pub use volumes::{DISK_NAME_PREFIX, LostClips, SeenVolume, VolumeRow};

/// Schema version that this program writes.
const VERSION: u32 = 7;
/// Oldest schema version that this program migrates. Earlier ones were never released.
const OLDEST: u32 = 6;
/// `application_id` of a catalogue (`btsi`), which distinguishes it from other programs' databases.
const APPLICATION: u32 = 0x6274_7369;
/// File name of the database in the catalogue's folder.
const FILE: &str = "catalogue.sqlite";

/// An open catalogue.
pub struct Catalogue {
    connection: Connection,
    folder: PathBuf,
    /// Snapshot of the mount table, with the identities that this catalogue assigns.
    volumes: Volumes,
    packer: RefCell<Packer>,
    /// Open `write.lock`; `None` if the catalogue is read-only.
    write_lock: Option<File>,
    /// Reason why the catalogue is read-only; `None` if it can be written.
    read_only_reason: Option<String>,
    /// Identities of the disks and shares that this process found mounted in every snapshot since
    /// the last refresh.
    mounted_since_refresh: RefCell<BTreeSet<String>>,
    /// Device and inode of the database when it was opened, if the system has them.
    database_id: Option<(u64, u64)>,
}

impl Catalogue {
    /// Returns the folder of the catalogue.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the folders of posters and filmstrips.
    #[must_use]
    pub fn thumbnails(&self) -> Thumbnails {
        Thumbnails::new(&self.folder)
    }

    /// Returns the random id of this catalogue, which ties an index to it.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn uuid(&self) -> Result<String, Error> {
        self.check(|connection| {
            connection.query_row("SELECT value FROM meta WHERE key = 'uuid'", [], |row| {
                row.get(0)
            })
        })
    }

    /// Returns the `seq` of the last change; 0 for an empty catalogue.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn seq(&self) -> Result<i64, Error> {
        self.check(|connection| {
            connection.query_row("SELECT coalesce(max(seq), 0) FROM clip", [], |row| {
                row.get(0)
            })
        })
    }

    /// Checks the integrity of the database. Returns the first fault that `SQLite` reports; `None`
    /// if there is none.
    ///
    /// # Errors
    /// If `SQLite` cannot run the check.
    pub fn damage(&self) -> Result<Option<String>, Error> {
        let answer: Option<String> = self.check(|connection| {
            connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
                .optional()
        })?;
        Ok(answer.filter(|answer| answer != "ok"))
    }

    /// Runs SQL and adds the path of the database to errors.
    fn check<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        run(&self.connection).map_err(|source| in_database(&self.folder.join(FILE))(source))
    }

    /// Serialises and compresses a document.
    fn pack(&self, document: &impl Serialize) -> Result<Vec<u8>, Error> {
        let json = serde_json::to_string(document).map_err(std::io::Error::other);
        let stored = json.and_then(|json| self.packer.borrow_mut().pack(&json));
        stored.map_err(|source| Error::Record {
            path: self.folder.join(FILE),
            source,
        })
    }

    /// Decompresses and parses a stored document. Returns an empty document for `None`.
    fn unpack(&self, stored: Option<&Vec<u8>>) -> std::io::Result<Clip> {
        let Some(stored) = stored else {
            return Ok(Clip::default());
        };
        let json = self.packer.borrow_mut().unpack(stored)?;
        serde_json::from_str(&json).map_err(std::io::Error::other)
    }
}

/// Returns the current time of this machine, in seconds since 1970 UTC.
#[must_use]
pub fn unix_seconds() -> i64 {
    crate::value::now().as_second()
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
