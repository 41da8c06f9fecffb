//! Opens, creates and backs up catalogues. Rejects databases that are damaged, foreign, newer, of
//! an unreleased version or on a network share, and migrates older ones.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::document_codec::Packer;
use super::{APPLICATION, Catalogue, FILE, OLDEST, Thumbnails, VERSION, number, unix_seconds};
use crate::atomic_file::{self, Unfinished};
use crate::error::Error;
use crate::volume::Volumes;

/// Capacity of the statement cache; exceeds the number of statements.
const STATEMENTS: usize = 160;
/// Longest wait of a statement for a writing process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// Pages that a backup copies before other processes may write.
const BACKUP_STEP: i32 = 1024;
/// Folder of backups made before migrations.
pub(super) const BACKUPS: &str = "backups";
/// Age of the last integrity check, in seconds, after which a scan checks again.
const CHECK_INTERVAL: i64 = 7 * 86_400;

impl Catalogue {
    /// Opens the catalogue in `folder`; creates folder and catalogue if missing.
    ///
    /// # Errors
    /// If folder or file cannot be written, or the database is foreign, newer, damaged or on a
    /// network share.
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
            // Checked inside the transaction: another process may be creating it.
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

    /// Opens the catalogue in `folder` and migrates an older version. Opens it read-only if it
    /// cannot be written.
    ///
    /// # Errors
    /// [`Error::NoCatalogue`] if there is none; otherwise as [`Catalogue::create`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let volumes = Volumes::mounted();
        let file = folder.join(FILE);
        let is_there = match file.metadata() {
            Ok(metadata) => metadata.len() > 0,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Error::path(&file)(error));
            }
            Err(_) => false,
        };
        if !is_there {
            return Err(Error::NoCatalogue {
                path: folder.to_owned(),
            });
        }
        reject_share(&volumes, folder)?;
        Self::open_on(volumes, folder)
    }

    /// Rejects a folder that cannot hold a catalogue, before anything is created.
    ///
    /// # Errors
    /// [`Error::CatalogueOnShare`].
    pub fn reject_unsuitable_folder(folder: &Path) -> Result<(), Error> {
        reject_share(&Volumes::mounted(), folder)
    }

    fn open_on(volumes: Volumes, folder: &Path) -> Result<Self, Error> {
        let writable = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let readable = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let is_permission_error = |error: &Error| {
            use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly, SystemIoFailure};
            let code = match error {
                Error::Catalogue { source, .. } => source.sqlite_error_code(),
                _ => None,
            };
            matches!(
                code,
                Some(CannotOpen | PermissionDenied | ReadOnly | SystemIoFailure)
            )
        };
        // Write access lets SQLite checkpoint its log. Without it, open read-only.
        let mut opened = Self::connect(volumes.clone(), folder, writable, "");
        let reason = match &opened {
            Err(Error::Catalogue { source, .. }) => Some(source.to_string()),
            _ => None,
        };
        if opened.as_ref().is_err_and(is_permission_error) {
            opened = Self::connect(volumes.clone(), folder, readable, "");
        }
        // In a read-only folder without a log, the database cannot change.
        let log = folder.join(format!("{FILE}-wal"));
        let is_logged = log.metadata().is_ok_and(|log| log.len() > 0);
        if opened.as_ref().is_err_and(is_permission_error) && !is_logged {
            opened = Self::connect(volumes, folder, readable, "?immutable=1");
        }
        let mut catalogue = opened?;
        catalogue.only_read = reason;
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
        let fault = |source| Error::Catalogue {
            path: path.clone(),
            source,
        };
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let is_writable = flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE);
        let turn = is_writable
            .then(|| write_lock_file(folder))
            .and_then(Result::ok);
        if let Some(turn) = &turn
            && is_restored(&path)
        {
            turn.lock().map_err(Error::path(&path))?;
            // Another process may have done this in the meantime.
            let settled = is_restored(&path).then(|| prepare_restored(&path));
            turn.unlock().map_err(Error::path(&path))?;
            settled.transpose().map_err(Error::path(&path))?;
        }
        // Always a URI, because SQLite would parse a path that starts with `file:` as one.
        let flags = flags | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri(&path, query), flags);
        let packer = Packer::new().map_err(Error::path(&path))?;
        let mut catalogue = Self {
            connection: connection.map_err(fault)?,
            folder: folder.to_owned(),
            volumes,
            mounted_since_opened: RefCell::default(),
            packer: packer.into(),
            turn,
            only_read: None,
        };
        catalogue.begin_mounted_set();
        let (application, version, tables) = catalogue.check(|connection| {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // Otherwise SQLite recompiles a statement for each bound value.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // In this order: another process may be creating it.
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

    /// Distinguishes mounted clones by the records of volumes, and updates volumes that were
    /// identified by label until their uuid could be read.
    pub(super) fn reconcile_volumes(&mut self, is_writable: bool) -> Result<(), Error> {
        let mut known = self.known_volumes()?;
        self.volumes.distinguish_clones(&known);
        self.begin_mounted_set();
        let by_label = |identity: &str| identity.starts_with("label:");
        if !is_writable || !known.iter().any(|known| by_label(&known.identity)) {
            return Ok(());
        }
        let mut is_changed = false;
        for volume in self.volumes.all() {
            let is_known = known.iter().any(|known| known.identity == volume.identity);
            let former = volume.identity_by_label().filter(|_| !is_known);
            let former =
                former.filter(|former| known.iter().any(|known| known.identity == *former));
            if let Some(former) = former {
                // If the catalogue cannot be written now, the next command tries again.
                is_changed |= self.change_identity(&former, &volume.identity).is_ok();
            }
        }
        if is_changed {
            known = self.known_volumes()?;
            self.volumes.distinguish_clones(&known);
        }
        Ok(())
    }

    /// Backs up the catalogue to `to`, which must not exist, even while it is in use. The backup
    /// gets its own id, so that an index of a later state is not used with it.
    ///
    /// # Errors
    /// If `to` exists or cannot be written, or `SQLite` fails.
    pub fn backup(&self, to: &Path) -> Result<(), Error> {
        self.backup_while(to, &|| true)
    }

    /// Like [`Self::backup`], but stops when `go_on` returns false.
    ///
    /// # Errors
    /// As [`Self::backup`]; [`Error::Interrupted`] when stopped. No partial file is left.
    pub fn backup_while(&self, to: &Path, go_on: &dyn Fn() -> bool) -> Result<(), Error> {
        if to.symlink_metadata().is_ok() {
            return Err(Error::path(to)(io::ErrorKind::AlreadyExists.into()));
        }
        let folder = match to.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => Path::new("/"),
        };
        fs::create_dir_all(folder).map_err(Error::path(folder))?;
        // Left behind by killed backups.
        let _ = atomic_file::sweep(folder);
        let unfinished = Unfinished::in_folder(folder).map_err(Error::path(folder))?;
        let fault = |source| Error::Catalogue {
            path: to.to_owned(),
            source,
        };
        let mut copy = Connection::open(uri(unfinished.path(), "")).map_err(fault)?;
        if !copy_pages(&self.connection, &mut copy, go_on).map_err(fault)? {
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

    /// Checks the integrity of the database if the last check is older than a week or the last scan
    /// was interrupted.
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

fn copy_pages(
    from: &Connection,
    to: &mut Connection,
    go_on: &dyn Fn() -> bool,
) -> rusqlite::Result<bool> {
    let backup = Backup::new(from, to)?;
    loop {
        if !go_on() {
            return Ok(false);
        }
        match backup.step(BACKUP_STEP)? {
            StepResult::Done => return Ok(true),
            StepResult::More => {}
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Sets a new random id, so that no existing index matches.
fn set_new_uuid(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO meta VALUES ('uuid', lower(hex(randomblob(16))))",
        [],
    )?;
    Ok(())
}

/// Rejects network shares: locks are unreliable there, and a lost lock can destroy a database.
fn reject_share(volumes: &Volumes, folder: &Path) -> Result<(), Error> {
    let there = folder
        .ancestors()
        .find_map(|folder| fs::canonicalize(folder).ok());
    match there.and_then(|folder| volumes.share_of(&folder)) {
        Some(share) => Err(Error::CatalogueOnShare {
            path: folder.to_owned(),
            share,
        }),
        None => Ok(()),
    }
}

/// Returns true for a backup of [`Catalogue::backup`] that was not opened since: a catalogue that
/// is not in WAL mode (<https://sqlite.org/fileformat2.html>).
fn is_restored(path: &Path) -> bool {
    let mut head = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[18..20] != [2, 2] && head[68..] == APPLICATION.to_be_bytes()
}

/// Prepares a restored backup. A log in the same folder belongs to the catalogue that it replaced,
/// and `SQLite` would apply it to the backup, so it is renamed.
fn prepare_restored(path: &Path) -> io::Result<()> {
    // SQLite keeps its log next to the file, not next to a link to it.
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
    // If this fails, the next process to open it tries again.
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

    /// A process killed before the first commit leaves a database without tables.
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
            let place = folder.path().join(name);
            drop(Catalogue::create(&place).unwrap());
            assert!(place.join(FILE).exists(), "{name}");
            let copy = place.join("file:copy.sqlite");
            Catalogue::open(&place).unwrap().backup(&copy).unwrap();
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
        // What a killed process leaves behind: changes that are in the log only.
        let killed = Connection::open(&path).unwrap();
        killed
            .execute_batch(
                "PRAGMA wal_autocheckpoint = 0; INSERT INTO meta VALUES ('later', 'yes')",
            )
            .unwrap();
        let log = folder.path().join("catalogue.sqlite-wal");
        let left = fs::read(&log).unwrap();
        drop(killed);
        fs::write(&log, &left).unwrap();
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
    fn opening_creates_no_catalogue() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Catalogue::open(folder.path()),
            Err(Error::NoCatalogue { .. })
        ));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
