//! The catalogue: the truth, in `SQLite`. All SQL of btsindex stands in this folder.
//!
//! Every change to a clip takes the next `seq`, the only clock that views follow.

mod clips;
mod files;
mod pictures;
mod readings;
mod thumbs;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::error::Error;
use crate::footage::Volumes;

pub use clips::Change;
pub use files::{Known, Unread};
pub use pictures::{Pending, Waiting};
pub use readings::{KnownContent, Outcome, Reading, Wanted};
pub use thumbs::{Folder, INDEX, Thumbnails};

/// The newest schema this program knows.
const VERSION: u32 = 2;
/// `btsi`, so that another program's database is not taken for a catalogue.
const APPLICATION: u32 = 0x6274_7369;
/// The catalogue's file in its folder.
const FILE: &str = "catalogue.sqlite";
/// Statements that stay prepared on a connection: more than there are.
const STATEMENTS: usize = 128;

/// An open catalogue.
pub struct Catalogue {
    connection: Connection,
    folder: PathBuf,
    volumes: Volumes,
}

impl Catalogue {
    /// Opens the catalogue in `folder`, making both when they are not there.
    ///
    /// # Errors
    /// When the folder or file cannot be written, or is not ours, or is newer than we are.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::path(folder))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = folder.join(FILE);
        let is_emptied = path.metadata().is_ok_and(|file| file.len() == 0)
            && Thumbnails::new(folder).posters.folder().exists();
        if is_emptied {
            return Err(Error::EmptiedCatalogue { path });
        }
        let catalogue = Self::connect(folder, flags)?;
        catalogue.check(|connection| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            // Inside the transaction: another process may be making it at this moment.
            match number(connection, "user_version")? {
                0 => {
                    connection.execute_batch(include_str!("schema.sql"))?;
                    connection.pragma_update(None, "application_id", APPLICATION)?;
                    connection.execute(
                        "INSERT INTO meta VALUES ('uuid', lower(hex(randomblob(16))))",
                        [],
                    )?;
                }
                1 => connection.execute_batch(include_str!("upgrades.sql"))?,
                _ => {}
            }
            connection.pragma_update(None, "user_version", VERSION)?;
            connection.execute_batch("COMMIT")
        })?;
        Ok(catalogue)
    }

    /// Opens the catalogue in `folder` to read it.
    ///
    /// # Errors
    /// [`Error::NoCatalogue`] when there is none yet; else as [`Catalogue::create`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        if path.metadata().map_or(0, |file| file.len()) == 0 {
            return Err(Error::NoCatalogue {
                path: folder.to_owned(),
            });
        }
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // Write access lets SQLite keep its log tidy; where that is not given, reading may do.
        Self::connect(folder, flags | OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_else(|_| Self::connect(folder, flags | OpenFlags::SQLITE_OPEN_READ_ONLY))
    }

    fn connect(folder: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let fault = |source| Error::Catalogue {
            path: path.clone(),
            source,
        };
        let connection = Connection::open_with_flags(&path, flags).map_err(fault)?;
        let catalogue = Self {
            connection,
            folder: folder.to_owned(),
            volumes: Volumes::mounted(),
        };
        let (application, version, tables) = catalogue.check(|connection| {
            connection.busy_timeout(std::time::Duration::from_secs(60))?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // Else a statement is compiled anew for each value bound to it.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            let tables: u32 =
                connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
            let application = number(connection, "application_id")?;
            Ok((application, number(connection, "user_version")?, tables))
        })?;
        if application != APPLICATION && (tables > 0 || version > 0) {
            return Err(Error::NotACatalogue { path });
        }
        if version > VERSION {
            return Err(Error::NewerCatalogue {
                path,
                found: version,
                known: VERSION,
            });
        }
        Ok(catalogue)
    }

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

    /// Begins a batch of changes; waits while another process writes.
    ///
    /// # Errors
    /// When `SQLite` fails, or another writer does not end for a minute.
    pub fn begin(&self) -> Result<(), Error> {
        self.check(|connection| connection.execute_batch("BEGIN IMMEDIATE"))
    }

    /// Makes the batch last: on return it is on the disk.
    ///
    /// # Errors
    /// When `SQLite` fails; then nothing of the batch was kept.
    pub fn commit(&self) -> Result<(), Error> {
        let committed = self.check(|connection| connection.execute_batch("COMMIT"));
        if committed.is_err() && !self.connection.is_autocommit() {
            // A failed commit may leave the transaction open; what it held is given up.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        committed
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

    fn record_error(&self, source: serde_json::Error) -> Error {
        Error::Record {
            path: self.folder.join(FILE),
            source,
        }
    }
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_database_and_a_newer_catalogue_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE other (x)")
            .unwrap();
        assert!(matches!(
            Catalogue::create(folder.path()),
            Err(Error::NotACatalogue { .. })
        ));
        fs::remove_file(&path).unwrap();
        drop(Catalogue::create(folder.path()).unwrap());
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        assert!(matches!(
            Catalogue::open(folder.path()),
            Err(Error::NewerCatalogue { .. })
        ));
    }

    #[test]
    fn there_is_no_catalogue_before_the_first_scan() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Catalogue::open(folder.path()),
            Err(Error::NoCatalogue { .. })
        ));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
