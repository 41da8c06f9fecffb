//! Opening a catalogue: making a new one, bringing an older one up to date, refusing what is
//! damaged, newer, someone else's or on a network share; and copying it while it is in use.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::packed::Packer;
use super::{APPLICATION, Catalogue, FILE, Thumbnails, VERSION, number, unix_seconds};
use crate::error::Error;
use crate::footage::Volumes;
use crate::publish::{self, Unfinished};

/// Statements that stay prepared on a connection: more than there are.
const STATEMENTS: usize = 160;
/// How long a statement waits for another process that writes.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Pages that a backup copies before it lets others write.
const BACKUP_STEP: i32 = 1024;
/// Where backups are kept that were made before an upgrade.
pub(super) const BACKUPS: &str = "backups";
/// A scan has the whole catalogue checked when the last check is older than so many seconds.
const CHECK_AFTER: i64 = 7 * 86_400;

impl Catalogue {
    /// Opens the catalogue in `folder`, making both when they are not there.
    ///
    /// # Errors
    /// When the folder or file cannot be written, or is not ours, is newer than we are, damaged,
    /// or on a network share.
    pub fn create(folder: &Path) -> Result<Self, Error> {
        let volumes = Volumes::mounted();
        refuse_share(&volumes, folder)?;
        fs::create_dir_all(folder).map_err(Error::path(folder))?;
        let path = folder.join(FILE);
        let is_empty = path.metadata().map_or(0, |file| file.len()) == 0;
        let is_used =
            Thumbnails::new(folder).posters.folder().exists() || folder.join(BACKUPS).exists();
        if !is_empty {
            match Self::open_on(volumes.clone(), folder) {
                // Whoever began to make it did not come to the end.
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
            // Inside the transaction: another process may be making it at this moment.
            if number(connection, "user_version")? == 0 {
                connection.execute_batch(include_str!("schema.sql"))?;
                connection.execute_batch(include_str!("schema-3.sql"))?;
                connection.execute_batch(include_str!("schema-4.sql"))?;
                connection.execute_batch(include_str!("schema-5.sql"))?;
                connection.execute_batch(include_str!("schema-6.sql"))?;
                connection.pragma_update(None, "application_id", APPLICATION)?;
                renew_uuid(connection)?;
                connection.pragma_update(None, "user_version", VERSION)?;
            }
            connection.execute_batch("COMMIT")
        })?;
        Ok(catalogue)
    }

    /// Opens the catalogue in `folder`, bringing one of an older version up to date; where it
    /// cannot be written, to read it.
    ///
    /// # Errors
    /// [`Error::NoCatalogue`] when there is none yet; else as [`Catalogue::create`].
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
        refuse_share(&volumes, folder)?;
        Self::open_on(volumes, folder)
    }

    /// Refuses a folder that no catalogue can be kept in, before anything is made there.
    ///
    /// # Errors
    /// [`Error::CatalogueOnShare`].
    pub fn refuse_place(folder: &Path) -> Result<(), Error> {
        refuse_share(&Volumes::mounted(), folder)
    }

    fn open_on(volumes: Volumes, folder: &Path) -> Result<Self, Error> {
        let writable = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let readable = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let is_refused = |error: &Error| {
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
        // Write access lets SQLite keep its log tidy; where that is not given, reading may do.
        let mut opened = Self::connect(volumes.clone(), folder, writable, "");
        let reason = match &opened {
            Err(Error::Catalogue { source, .. }) => Some(source.to_string()),
            _ => None,
        };
        if opened.as_ref().is_err_and(is_refused) {
            opened = Self::connect(volumes.clone(), folder, readable, "");
        }
        // In a folder that cannot be written, there is no log that anybody could write to.
        let log = folder.join(format!("{FILE}-wal"));
        let is_logged = log.metadata().is_ok_and(|log| log.len() > 0);
        if opened.as_ref().is_err_and(is_refused) && !is_logged {
            opened = Self::connect(volumes, folder, readable, "?immutable=1");
        }
        let mut catalogue = opened?;
        catalogue.only_read = reason;
        let version = catalogue.check(|connection| number(connection, "user_version"))?;
        if version == 0 {
            // Whoever made it was killed before there was anything in it.
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
        let turn = is_writable.then(|| turn_file(folder)).and_then(Result::ok);
        if let Some(turn) = &turn
            && is_restored(&path)
        {
            turn.lock().map_err(Error::path(&path))?;
            // Another process may have done it meanwhile.
            let settled = is_restored(&path).then(|| settle_restored(&path));
            turn.unlock().map_err(Error::path(&path))?;
            settled.transpose().map_err(Error::path(&path))?;
        }
        // Always as an address: a name that begins with `file:` would be taken for one.
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
            connection.busy_timeout(PATIENCE)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // Else a statement is compiled anew for each value bound to it.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // In this order: another process may be making it at this moment.
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
                known: VERSION,
            });
        }
        if version == VERSION {
            catalogue.settle_volumes(is_writable)?;
            if is_writable {
                catalogue.note_mounts()?;
            }
        }
        Ok(catalogue)
    }

    /// Tells mounted volumes that look alike apart by what was recorded, and finds again those
    /// that were known by their labels until their uuids could be read.
    pub(super) fn settle_volumes(&mut self, is_writable: bool) -> Result<(), Error> {
        let mut known = self.known_volumes()?;
        self.volumes.settle(&known);
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
                // Where it cannot be written now, the next command tries again.
                is_changed |= self.identify_anew(&former, &volume.identity).is_ok();
            }
        }
        if is_changed {
            known = self.known_volumes()?;
            self.volumes.settle(&known);
        }
        Ok(())
    }

    /// Copies the catalogue to `to` while it is in use; nothing that is there is replaced. The
    /// copy is a catalogue of its own: an index that stood at a later seq is not taken for its.
    ///
    /// # Errors
    /// When `to` exists or cannot be written, or `SQLite` fails.
    pub fn backup(&self, to: &Path) -> Result<(), Error> {
        self.backup_while(to, &|| true)
    }

    /// Copies the catalogue like [`Self::backup`], as long as `go_on` says so.
    ///
    /// # Errors
    /// As [`Self::backup`]; [`Error::Interrupted`] when it is to end, and nothing is left then.
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
        // What a backup left that was killed.
        let _ = publish::sweep(folder);
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
        renew_uuid(&copy).map_err(fault)?;
        copy.close().map_err(|(_, source)| fault(source))?;
        unfinished.file().sync_all().map_err(Error::path(to))?;
        unfinished.publish(to).map_err(Error::path(to))?;
        publish::sync_folder(folder).map_err(Error::path(folder))
    }

    /// Whether the database is whole, when nobody looked for a week or the last scan did not
    /// come to its end.
    ///
    /// # Errors
    /// [`Error::DamagedCatalogue`] when it is not.
    pub fn refuse_old_damage(&self) -> Result<(), Error> {
        let checked = self.remembered("checked")?;
        let checked: i64 = checked.and_then(|text| text.parse().ok()).unwrap_or(0);
        let is_clean = self.remembered("scanning")?.is_none();
        if is_clean && (0..CHECK_AFTER).contains(&unix_seconds().saturating_sub(checked)) {
            return Ok(());
        }
        self.refuse_damage()?;
        self.remember("checked", &unix_seconds().to_string())
    }

    pub(super) fn refuse_damage(&self) -> Result<(), Error> {
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

/// A catalogue with another uuid is another catalogue: no index is taken for its.
fn renew_uuid(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO meta VALUES ('uuid', lower(hex(randomblob(16))))",
        [],
    )?;
    Ok(())
}

/// `SQLite`'s locks cannot be trusted on a share, and a lost lock is a lost catalogue.
fn refuse_share(volumes: &Volumes, folder: &Path) -> Result<(), Error> {
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

/// Whether it is a copy that [`Catalogue::backup`] made and that was not opened since: it is one
/// of ours, but no changes go to a log first: <https://sqlite.org/fileformat2.html>.
fn is_restored(path: &Path) -> bool {
    let mut head = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[18..20] != [2, 2] && head[68..] == APPLICATION.to_be_bytes()
}

/// A copy that was put back in a catalogue's place: a log that still lies beside it is that of
/// the catalogue it replaced, and `SQLite` would write it into the copy. It is moved aside.
fn settle_restored(path: &Path) -> io::Result<()> {
    // Where `SQLite` has its log: beside the file, not beside a link to it.
    let path = &fs::canonicalize(path)?;
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let log = beside("-wal");
    if log.exists() {
        fs::rename(&log, beside(&format!("-wal.replaced-{}", unix_seconds())))?;
    }
    match fs::remove_file(beside("-shm")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    // Where it cannot be had, the next to open it tries again.
    let _ = Connection::open_with_flags(uri(path, ""), flags)
        .and_then(|connection| connection.pragma_update(None, "journal_mode", "WAL"));
    Ok(())
}

fn turn_file(folder: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("write.lock"))
}

/// A path as `SQLite` takes it with options: <https://sqlite.org/uri.html>.
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

    /// Killed before the first commit, `SQLite` leaves a page that says nothing.
    #[test]
    fn one_that_was_only_begun_is_made_after_all() {
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
        let made = Catalogue::create(folder.path()).unwrap();
        assert_eq!(made.uuid().unwrap().len(), 32);
        drop(Catalogue::open(folder.path()).unwrap());
    }

    #[test]
    fn a_name_that_looks_like_an_address_is_a_name() {
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
    fn a_copy_put_back_hears_nothing_of_the_log_beside_it() {
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
        assert_eq!(catalogue.remembered("later").unwrap(), None);
        catalogue.remember("now", "yes").unwrap();
        let mode: String = catalogue
            .check(|connection| connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)))
            .unwrap();
        assert_eq!(mode, "wal");
        let names = fs::read_dir(folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(
            names.into_iter().any(|name| name.contains("-wal.replaced")),
            "the log is kept"
        );
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
