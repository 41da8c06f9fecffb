//! Removal of unfinished files whose writers are dead.
//!
//! On a share, a file that another machine is writing looks like a leftover, since its lock is not
//! visible here. Such a file is removed only after it has been untouched for days by the clock of
//! the share.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Unfinished;
use super::share_refresh::is_local;
use super::unfinished_name::{LOCK, PREFIX, RANDOM_LETTERS, SUFFIX};
use super::writer_id::{WriterId, WriterState};

/// Time for which a file of another machine must be untouched before it is removed. Copying one
/// file takes less than a day.
const OTHER_MACHINE: Duration = Duration::from_secs(3 * 86_400);
/// Like [`OTHER_MACHINE`], for a file that this machine wrote before its last boot. It may also
/// belong to a clone of this machine that is running.
const BEFORE_BOOT: Duration = Duration::from_secs(3600);
/// Suffixes of the files that `SQLite` stores next to a database in use.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// Decision about an unfinished file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SweepDecision {
    Kept,
    Removed,
    RemovedOnceUntouched(Duration),
}

/// Removes unfinished files of dead processes from a folder, and `SQLite` leftovers next to them.
/// Returns the number of removed files.
///
/// # Errors
/// Returns an error if the folder cannot be listed.
pub fn sweep(folder: &Path) -> io::Result<usize> {
    let mut clock = Clock::in_folder(folder);
    let (mut swept, mut companions) = (0, Vec::new());
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if is_unfinished(&entry.file_name()) {
            // The lock is held until the file is removed, so that no writer takes it in the
            // meantime.
            if let Some(_lock) = lock_if_removable(&path, &mut clock) {
                swept += usize::from(fs::remove_file(&path).is_ok());
            }
        } else if main_file_name(&entry.file_name()).is_some() {
            companions.push(path);
        }
    }
    for path in companions {
        if is_removable_companion(&path, &mut clock) {
            swept += usize::from(fs::remove_file(&path).is_ok());
        }
    }
    Ok(swept)
}

/// Returns the total size in bytes of the unfinished files that [`sweep`] would remove. Files whose
/// age cannot be determined without writing to the folder are not counted.
#[must_use]
pub fn sweepable_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_unfinished(&entry.file_name()))
        .filter_map(|entry| {
            lock_if_removable(&entry.path(), &mut Clock::Unknown)?
                .metadata()
                .ok()
        })
        .map(|metadata| metadata.len())
        .sum()
}

/// Returns true if the name is that of an unfinished file. Its writer may be alive or dead.
#[must_use]
pub fn is_unfinished(name: &OsStr) -> bool {
    parse_writer(name).is_some()
}

/// Parses the writer from the name of an unfinished file. Returns `Some(None)` for names without a
/// writer, such as those of claims, and `None` for other names.
#[expect(
    clippy::option_option,
    reason = "a name of another kind differs from a name without a writer"
)]
fn parse_writer(name: &OsStr) -> Option<Option<WriterId>> {
    let inner = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let is_random_part = |random_part: &str| {
        random_part.len() == RANDOM_LETTERS
            && random_part
                .bytes()
                .all(|letter| letter.is_ascii_alphanumeric())
    };
    match inner.rsplit_once('-') {
        // Other names without a dash belong to other programs.
        None => is_random_part(inner).then_some(None),
        Some((writer, random_part)) => {
            let writer = writer
                .parse()
                .ok()
                .filter(|_| is_random_part(random_part))?;
            Some(Some(writer))
        }
    }
}

/// Returns the name of the unfinished database that a `SQLite` file belongs to.
fn main_file_name(name: &OsStr) -> Option<&OsStr> {
    let name = name.to_str()?;
    let mut mains = COMPANIONS
        .iter()
        .filter_map(|companion| name.strip_suffix(companion));
    mains
        .next()
        .map(OsStr::new)
        .filter(|main| is_unfinished(main))
}

/// Decides whether to remove a file that is not locked. On a local filesystem (`is_local`), an
/// unlocked file has no living writer.
fn decide(writer: Option<WriterId>, is_local: bool) -> SweepDecision {
    match writer.map(WriterId::state) {
        Some(WriterState::Alive) => SweepDecision::Kept,
        Some(WriterState::Dead) => SweepDecision::Removed,
        Some(WriterState::BeforeBoot) | None if is_local => SweepDecision::Removed,
        Some(WriterState::BeforeBoot) => SweepDecision::RemovedOnceUntouched(BEFORE_BOOT),
        Some(WriterState::Elsewhere) | None => SweepDecision::RemovedOnceUntouched(OTHER_MACHINE),
    }
}

/// Returns the locked file if it may be removed.
fn lock_if_removable(path: &Path, clock: &mut Clock<'_>) -> Option<File> {
    let name = path.file_name()?;
    // The lock file is taken over only by processes that wait for the lock.
    let writer = parse_writer(name).filter(|_| name != LOCK)?;
    let found = fs::symlink_metadata(path).ok();
    let found = found.filter(Metadata::is_file)?;
    // Locks of other processes of this machine are always respected.
    let file = File::options().write(true).open(path).ok()?;
    file.try_lock().ok()?;
    let is_removable = match decide(writer, is_local(&file)) {
        SweepDecision::Kept => false,
        SweepDecision::Removed => true,
        SweepDecision::RemovedOnceUntouched(limit) => clock.is_untouched(&found, limit),
    };
    is_removable.then_some(file)
}

/// Returns true if a `SQLite` file may be removed. While the writer is alive, the main file exists.
fn is_removable_companion(path: &Path, clock: &mut Clock<'_>) -> bool {
    let Some(main) = path.file_name().and_then(main_file_name) else {
        return false;
    };
    let Some(found) = fs::symlink_metadata(path).ok().filter(Metadata::is_file) else {
        return false;
    };
    if fs::symlink_metadata(path.with_file_name(main)).is_ok() {
        return false;
    }
    let is_local = File::open(path).is_ok_and(|file| is_local(&file));
    match decide(parse_writer(main).flatten(), is_local) {
        SweepDecision::Kept => false,
        SweepDecision::Removed => true,
        SweepDecision::RemovedOnceUntouched(limit) => clock.is_untouched(&found, limit),
    }
}

/// Current time of a folder's filesystem.
enum Clock<'a> {
    /// Not read yet. The time of a new file in this folder will show it.
    Unread(&'a Path),
    Known(SystemTime),
    Unknown,
}

impl<'a> Clock<'a> {
    fn in_folder(folder: &'a Path) -> Self {
        Self::Unread(folder)
    }

    fn now(&mut self) -> Option<SystemTime> {
        if let Self::Unread(folder) = self {
            let probe = Unfinished::in_folder(folder);
            let now = probe.and_then(|probe| probe.path().metadata()?.modified());
            *self = now.map_or(Self::Unknown, Self::Known);
        }
        match self {
            Self::Known(now) => Some(*now),
            Self::Unread(_) | Self::Unknown => None,
        }
    }

    fn is_untouched(&mut self, found: &Metadata, limit: Duration) -> bool {
        let touched = found.modified().ok().max(changed(found));
        let age = self
            .now()
            .zip(touched)
            .and_then(|(now, touched)| now.duration_since(touched).ok());
        age.is_some_and(|age| age >= limit)
    }
}

#[cfg(unix)]
fn changed(found: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let seconds = u64::try_from(found.ctime()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(not(unix))]
fn changed(_found: &Metadata) -> Option<SystemTime> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::FileTimes;

    /// Name of a file from another machine.
    fn elsewhere() -> String {
        format!(".btsindex-{:08x}-00000001-1-1-abcdefghijkl.part", u32::MAX)
    }

    fn dead() -> String {
        let this = WriterId::this().to_string();
        let (without_start, _) = this.rsplit_once('-').unwrap();
        format!(".btsindex-{without_start}-1-abcdefghijkl.part")
    }

    fn put(folder: &Path, name: &str) -> std::path::PathBuf {
        let path = folder.join(name);
        fs::write(&path, b"half").unwrap();
        path
    }

    #[test]
    fn keeps_a_file_of_another_machine_even_if_its_copied_times_are_old() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = put(folder.path(), &elsewhere());
        let ours = put(folder.path(), &dead());
        // A verified copy has the modification time of the file on the card.
        let old = SystemTime::now() - 10 * OTHER_MACHINE;
        let file = File::options().write(true).open(&theirs).unwrap();
        file.set_times(FileTimes::new().set_modified(old)).unwrap();
        assert_eq!(sweepable_bytes(folder.path()), 4);
        assert_eq!(sweep(folder.path()).unwrap(), 1);
        assert!(theirs.exists() && !ours.exists());
        let found = theirs.symlink_metadata().unwrap();
        let clock = |ahead| Clock::Known(SystemTime::now() + ahead);
        assert!(!clock(Duration::ZERO).is_untouched(&found, OTHER_MACHINE));
        assert!(clock(2 * OTHER_MACHINE).is_untouched(&found, OTHER_MACHINE));
        assert!(!Clock::Unknown.is_untouched(&found, Duration::ZERO));
    }

    #[test]
    fn reads_the_clock_of_the_folder_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Clock::in_folder(folder.path()).now().is_some());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(Clock::in_folder(&folder.path().join("none")).now(), None);
    }

    #[test]
    fn removes_database_companions_with_their_main_file() {
        let folder = tempfile::tempdir().unwrap();
        let without_writer = ".btsindex-abcdefghijkl.part";
        let living = Unfinished::in_folder(folder.path()).unwrap();
        let journal = format!("{}-journal", living.path().display());
        fs::write(&journal, b"of a living process").unwrap();
        for name in [
            format!("{without_writer}-journal"),
            format!("{without_writer}-wal"),
            dead(),
            format!("{}-journal", dead()),
        ] {
            put(folder.path(), &name);
        }
        let kept = [
            format!("{}-journal", elsewhere()),
            "catalogue.sqlite-journal".to_owned(),
            ".btsindex-notes.part-journal".to_owned(),
        ]
        .map(|name| put(folder.path(), &name));
        assert_eq!(sweep(folder.path()).unwrap(), 4);
        assert!(living.path().exists() && Path::new(&journal).exists());
        assert!(kept.iter().all(|path| path.exists()));
    }
}
