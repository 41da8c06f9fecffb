//! Opens, creates and backs up catalogues.
//!
//! Opening migrates older catalogues. It rejects databases that are damaged, on a network share, of
//! another program, or of a newer or unreleased version.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::document_codec::Packer;
use super::sqlite_error::in_database;
use super::{APPLICATION, Catalogue, FILE, OLDEST, Thumbnails, VERSION, number, unix_seconds};
use crate::atomic_file::{self, Unfinished};
use crate::error::{EngineErrorKind, Error};
use crate::volume::Volumes;

/// Capacity of the statement cache, larger than the number of statements.
const STATEMENTS: usize = 160;
/// Maximum time for which a statement waits while another process is writing.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of pages that a backup copies before it lets other processes write.
const BACKUP_STEP: i32 = 1024;
/// Folder of the backups that migrations create.
pub(super) const BACKUPS: &str = "backups";
/// Age of the last integrity check, in seconds, after which a scan repeats it.
const CHECK_INTERVAL: i64 = 7 * 86_400;

impl Catalogue {
    /// Opens the catalogue in `folder`. Creates the folder and the catalogue if they are missing.
    ///
    /// # Errors
    /// If the folder or file cannot be written, or the database is damaged, newer, on a network
    /// share, or of another program.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let volumes = Volumes::mounted();
        reject_share(&volumes, folder)?;
        fs::create_dir_all(folder).map_err(Error::path(folder))?;
        let path = folder.join(FILE);
        let is_empty = path.metadata().map_or(0, |file| file.len()) == 0;
        let is_used =
            Thumbnails::new(folder).posters.folder().exists() || folder.join(BACKUPS).exists();
        if !is_empty {
            match Self::open_on(volumes.clone(), folder) {
                // An earlier creation was interrupted.
                Err(Error::NoCatalogue { .. }) => {}
                opened => return opened,
            }
        }
        if is_used {
            return Err(Error::EmptiedCatalogue { path });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let catalogue = Self::connect(volumes, folder, flags, "")?;
        catalogue.check(|connection| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            // Checked inside the transaction, because another process may be creating it.
            if number(connection, "user_version")? == 0 {
                connection.execute_batch(include_str!("schema.sql"))?;
                connection.pragma_update(None, "application_id", APPLICATION)?;
                set_new_uuid(connection)?;
                connection.pragma_update(None, "user_version", VERSION)?;
            }
            connection.execute_batch("COMMIT")
        })?;
        Ok(catalogue)
    }

    /// Opens the catalogue in `folder` and migrates it if its version is older. Opens it read-only
    /// if it cannot be written.
    ///
    /// # Errors
    /// [`Error::NoCatalogue`] if there is none; otherwise as for [`Catalogue::create`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let volumes = Volumes::mounted();
        let file = folder.join(FILE);
        let exists = match file.metadata() {
            Ok(metadata) => metadata.len() > 0,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Error::path(&file)(error));
            }
            Err(_) => false,
        };
        if !exists {
            return Err(Error::NoCatalogue {
                path: folder.to_owned(),
            });
        }
        reject_share(&volumes, folder)?;
        Self::open_on(volumes, folder)
    }

    /// Checks that a folder can hold a catalogue, before anything is created.
    ///
    /// # Errors
    /// [`Error::CatalogueOnShare`] if the folder is on a network share.
    pub fn reject_unsuitable_folder(folder: &Path) -> Result<(), Error> {
        reject_share(&Volumes::mounted(), folder)
    }

    fn open_on(volumes: Volumes, folder: &Path) -> Result<Self, Error> {
        let writable = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let readable = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let is_permission_error = |error: &Error| {
            use EngineErrorKind::{Io, NotWritable};
            matches!(error, Error::Catalogue { source, .. } if matches!(source.kind(), NotWritable | Io))
        };
        // Prefer write access, which lets SQLite checkpoint its log.
        let mut opened = Self::connect(volumes.clone(), folder, writable, "");
        let reason = match &opened {
            Err(Error::Catalogue { source, .. }) => Some(source.to_string()),
            _ => None,
        };
        if opened.as_ref().is_err_and(is_permission_error) {
            opened = Self::connect(volumes.clone(), folder, readable, "");
        }
        // In a read-only folder without a log, the database cannot change, so no locks are needed.
        let log = folder.join(format!("{FILE}-wal"));
        let is_logged = log.metadata().is_ok_and(|log| log.len() > 0);
        if opened.as_ref().is_err_and(is_permission_error) && !is_logged {
            opened = Self::connect(volumes, folder, readable, "?immutable=1");
        }
        let mut catalogue = opened?;
        catalogue.read_only_reason = reason;
        let version = catalogue.check(|connection| number(connection, "user_version"))?;
        if version == 0 {
            // The process that created it was killed before the first commit.
            return Err(Error::NoCatalogue {
                path: folder.to_owned(),
            });
        }
        if version < VERSION {
            catalogue.upgrade(version)?;
        }
        Ok(catalogue)
    }

    fn connect(
        volumes: Volumes,
        folder: &Path,
        flags: OpenFlags,
        query: &str,
    ) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let is_writable = flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE);
        let write_lock = is_writable
            .then(|| write_lock_file(folder))
            .and_then(Result::ok);
        if let Some(lock) = &write_lock
            && is_restored(&path)
        {
            lock.lock().map_err(Error::path(&path))?;
            // Another process may have prepared it in the meantime.
            let prepared = is_restored(&path).then(|| prepare_restored(&path));
            lock.unlock().map_err(Error::path(&path))?;
            prepared.transpose().map_err(Error::path(&path))?;
        }
        // Always pass a URI, because SQLite would parse a path that starts with `file:` as one.
        let flags = flags | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri(&path, query), flags);
        let packer = Packer::new().map_err(Error::path(&path))?;
        let mut catalogue = Self {
            connection: connection.map_err(in_database(&path))?,
            folder: folder.to_owned(),
            volumes,
            mounted_since_refresh: RefCell::default(),
            database_id: file_id(&path),
            packer: packer.into(),
            write_lock,
            read_only_reason: None,
        };
        catalogue.begin_mounted_set();
        let (application, version, tables) = catalogue.check(|connection| {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // Otherwise SQLite may recompile a statement for each bound value.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // Read the version before the tables, because another process may be creating them.
            let version = number(connection, "user_version")?;
            let tables: u32 =
                connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
            Ok((number(connection, "application_id")?, version, tables))
        })?;
        if application != APPLICATION && (tables > 0 || version > 0) {
            return Err(Error::NotACatalogue { path });
        }
        if version > VERSION {
            return Err(Error::NewerCatalogue {
                path,
                found: version,
                newest: VERSION,
            });
        }
        if (1..OLDEST).contains(&version) {
            return Err(Error::UnsupportedCatalogue {
                path,
                found: version,
                oldest: OLDEST,
            });
        }
        if version == VERSION {
            catalogue.reconcile_volumes(is_writable)?;
            if is_writable {
                catalogue.record_mounts()?;
            }
        }
        Ok(catalogue)
    }

    /// Backs up the catalogue to `to`, which must not exist. The catalogue may be in use. The
    /// backup gets a new id, so that it is not used with an index of a later state.
    ///
    /// # Errors
    /// If `to` exists or cannot be written, or `SQLite` fails.
    pub fn backup(&self, to: &Path) -> Result<(), Error> {
        self.backup_unless_cancelled(to, &|| false)
    }

    /// Like [`Self::backup`], but stops when `is_cancelled` returns true.
    ///
    /// # Errors
    /// As for [`Self::backup`], and [`Error::Interrupted`] if stopped. No partial file is left.
    pub fn backup_unless_cancelled(
        &self,
        to: &Path,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        if to.symlink_metadata().is_ok() {
            return Err(Error::path(to)(io::ErrorKind::AlreadyExists.into()));
        }
        let folder = match to.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => Path::new("/"),
        };
        fs::create_dir_all(folder).map_err(Error::path(folder))?;
        // Removes files left by killed backups.
        let _ = atomic_file::sweep(folder);
        let unfinished = Unfinished::in_folder(folder).map_err(Error::path(folder))?;
        let fault = |source| in_database(to)(source);
        let mut copy = Connection::open(uri(unfinished.path(), "")).map_err(fault)?;
        if !copy_pages(&self.connection, &mut copy, is_cancelled).map_err(fault)? {
            return Err(Error::Interrupted);
        }
        copy.pragma_update(None, "journal_mode", "DELETE")
            .map_err(fault)?;
        set_new_uuid(&copy).map_err(fault)?;
        copy.close().map_err(|(_, source)| fault(source))?;
        unfinished.file().sync_all().map_err(Error::path(to))?;
        unfinished.publish(to).map_err(Error::path(to))?;
        atomic_file::sync_folder(folder).map_err(Error::path(folder))
    }

    /// Checks the integrity of the database if the last check was more than a week ago or the last
    /// scan was interrupted.
    ///
    /// # Errors
    /// [`Error::DamagedCatalogue`] if it is damaged.
    pub fn check_integrity_if_due(&self) -> Result<(), Error> {
        let checked = self.meta_value("checked")?;
        let checked: i64 = checked.and_then(|text| text.parse().ok()).unwrap_or(0);
        let is_clean = self.meta_value("scanning")?.is_none();
        if is_clean && (0..CHECK_INTERVAL).contains(&unix_seconds().saturating_sub(checked)) {
            return Ok(());
        }
        self.check_integrity()?;
        self.set_meta("checked", &unix_seconds().to_string())
    }

    pub(super) fn check_integrity(&self) -> Result<(), Error> {
        match self.damage()? {
            None => Ok(()),
            Some(damage) => Err(Error::DamagedCatalogue {
                path: self.folder.join(FILE),
                damage,
            }),
        }
    }
}

/// Copies all pages of a database. Returns false if it was cancelled.
fn copy_pages(
    from: &Connection,
    to: &mut Connection,
    is_cancelled: &dyn Fn() -> bool,
) -> rusqlite::Result<bool> {
    let backup = Backup::new(from, to)?;
    loop {
        if is_cancelled() {
            return Ok(false);
        }
        match backup.step(BACKUP_STEP)? {
            StepResult::Done => return Ok(true),
            StepResult::More => {}
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Sets a new random id, so that no existing index matches the catalogue.
fn set_new_uuid(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO meta VALUES ('uuid', lower(hex(randomblob(16))))",
        [],
    )?;
    Ok(())
}

/// Rejects network shares, where locks are unreliable and a lost lock can corrupt the database.
fn reject_share(volumes: &Volumes, folder: &Path) -> Result<(), Error> {
    let existing = folder
        .ancestors()
        .find_map(|folder| fs::canonicalize(folder).ok());
    match existing.and_then(|folder| volumes.share_of(&folder)) {
        Some(share) => Err(Error::CatalogueOnShare {
            path: folder.to_owned(),
            share,
        }),
        None => Ok(()),
    }
}

/// Returns the device and the inode of a file, if it exists and the system has them.
pub(super) fn file_id(path: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = path.metadata().ok()?;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Returns true if the file is a restored backup that was not opened yet. Such a catalogue is not in
/// WAL mode (<https://sqlite.org/fileformat2.html>).
pub(super) fn is_restored(path: &Path) -> bool {
    let mut head = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[18..20] != [2, 2] && head[68..] == APPLICATION.to_be_bytes()
}

/// Prepares a restored backup. A log in the same folder belongs to the catalogue that was replaced.
/// It is renamed, because `SQLite` would apply it to the backup.
fn prepare_restored(path: &Path) -> io::Result<()> {
    // SQLite stores its log next to the file, not next to a link to it.
    let path = &fs::canonicalize(path)?;
    let sibling = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let log = sibling("-wal");
    if log.exists() {
        fs::rename(&log, sibling(&format!("-wal.replaced-{}", unix_seconds())))?;
    }
    match fs::remove_file(sibling("-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    // If this fails, the next process that opens it tries again.
    let _ = Connection::open_with_flags(uri(path, ""), flags)
        .and_then(|connection| connection.pragma_update(None, "journal_mode", "WAL"));
    Ok(())
}

fn write_lock_file(folder: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("write.lock"))
}

/// Formats a path as a URI with options: <https://sqlite.org/uri.html>.
fn uri(path: &Path, query: &str) -> PathBuf {
    let mut uri = String::from("file:");
    for byte in crate::value::to_bytes(path.as_os_str()) {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => uri.push(byte.into()),
            // Writing to a string cannot fail.
            byte => _ = std::fmt::Write::write_fmt(&mut uri, format_args!("%{byte:02X}")),
        }
    }
    uri.push_str(query);
    uri.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_databases_and_catalogues_of_other_versions_are_rejected() {
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
        for version in 1..OLDEST {
            Connection::open(&path)
                .unwrap()
                .pragma_update(None, "user_version", version)
                .unwrap();
            for opened in [
                Catalogue::open(folder.path()),
                Catalogue::create(folder.path()),
            ] {
                assert!(matches!(
                    opened,
                    Err(Error::UnsupportedCatalogue { found, .. }) if found == version
                ));
            }
        }
        assert!(!folder.path().join(BACKUPS).exists());
    }

    /// Simulates a process that was killed before the first commit: a database without tables.
    #[test]
    fn an_interrupted_creation_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        assert!(path.metadata().unwrap().len() > 0);
        assert!(matches!(
            Catalogue::open(folder.path()),
            Err(Error::NoCatalogue { .. })
        ));
        let created = Catalogue::create(folder.path()).unwrap();
        assert_eq!(created.uuid().unwrap().len(), 32);
        drop(Catalogue::open(folder.path()).unwrap());
    }

    #[test]
    fn a_path_that_looks_like_a_uri_is_a_path() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["file:x", "file:y?mode=memory", "100%41 ?#"] {
            let path = folder.path().join(name);
            drop(Catalogue::create(&path).unwrap());
            assert!(path.join(FILE).exists(), "{name}");
            let copy = path.join("file:copy.sqlite");
            Catalogue::open(&path).unwrap().backup(&copy).unwrap();
            assert!(copy.exists(), "{name}");
        }
        let relative = uri(Path::new("file:x/catalogue.sqlite"), "");
        assert_eq!(relative, Path::new("file:file%3Ax/catalogue.sqlite"));
    }

    #[test]
    fn a_restored_backup_ignores_the_log_of_the_old_catalogue() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let copy = folder.path().join("copy.sqlite");
        Catalogue::create(folder.path())
            .unwrap()
            .backup(&copy)
            .unwrap();
        // Simulates a killed process, which leaves changes that are only in the log.
        let killed = Connection::open(&path).unwrap();
        killed
            .execute_batch(
                "PRAGMA wal_autocheckpoint = 0; INSERT INTO meta VALUES ('later', 'yes')",
            )
            .unwrap();
        let log = folder.path().join("catalogue.sqlite-wal");
        let log_bytes = fs::read(&log).unwrap();
        drop(killed);
        fs::write(&log, &log_bytes).unwrap();
        fs::copy(&copy, &path).unwrap();
        let catalogue = Catalogue::open(folder.path()).unwrap();
        assert_eq!(catalogue.meta_value("later").unwrap(), None);
        catalogue.set_meta("now", "yes").unwrap();
        let mode: String = catalogue
            .check(|connection| connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)))
            .unwrap();
        assert_eq!(mode, "wal");
        let names = fs::read_dir(folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(
            names.into_iter().any(|name| name.contains("-wal.replaced")),
            "the old log must be kept"
        );
    }

    #[test]
    fn opening_does_not_create_a_catalogue() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Catalogue::open(folder.path()),
            Err(Error::NoCatalogue { .. })
        ));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
