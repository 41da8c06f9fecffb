//! Verifies the checksums of the index files.
//!
//! Each file is read completely before its first use. A file that passed is recorded with the
//! metadata that any change to it would alter. The next check then costs one stat call per file.
//!
//! Bit rot alters no metadata. Therefore a small index is read completely each time. A file of a
//! large index is due for another check after a day, after a restart, and after a remount of its
//! volume. Before a search answers, it checks due files up to a size limit, through the page cache,
//! because it will use the same bytes. After the answer, due files are read from the medium
//! ([`verify_due_files`]).

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::directory::{Durability, read_sealed, write_sealed};
use crate::catalogue::unix_seconds;
use crate::machine::{boot_id, mount_id};

/// File in the index's folder that records the checks.
pub(super) const RECORDS_FILE: &str = "checked.json";
/// Age at which a file's times become reliable. A younger file may change again without any visible
/// change to its times.
const SETTLE_TIME: Duration = Duration::from_secs(2);
/// Seconds after which a checked file is due again.
const MAX_AGE: i64 = 24 * 60 * 60;
/// Bytes read at a time.
const BUFFER_SIZE: usize = 256 * 1024;
/// Length of a file's trailer in bytes: footer length and magic number, four bytes each.
const TRAILER: u64 = 8;
/// Magic number at the end of every file.
const MAGIC: u32 = 1337;
/// Maximum length of a footer in bytes.
const MAX_FOOTER: u32 = 4096;

/// Extent of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckMode {
    /// Accepts recorded checks, and repeats due ones within limits.
    UseRecords(CheckLimits),
    /// Reads every file from the medium.
    Full,
}

/// Limits in bytes for the checks before a search answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CheckLimits {
    /// An index of at most this size is read completely each time.
    pub always: u64,
    /// Maximum total size of the due files to check, smallest first.
    pub due: u64,
}

impl CheckLimits {
    /// Limits that do not noticeably delay a search; benches/README.md states the cost.
    pub(super) const DEFAULT: Self = Self {
        always: 4 * 1024 * 1024,
        due: 128 * 1024 * 1024,
    };
}

/// Metadata that any change to the file would alter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct IndexFileStamp {
    bytes: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

/// Record of a successful check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CheckRecord {
    #[serde(flatten)]
    stamp: IndexFileStamp,
    /// Unix time of the check in seconds.
    read: i64,
    /// Mount at the time of the check: see [`identify_mount`].
    mount: String,
}

type CheckRecords = BTreeMap<String, CheckRecord>;

/// Current time and mount, with which records are compared.
struct CheckContext {
    mount: String,
    now: i64,
}

impl CheckContext {
    fn for_folder(folder: &Path) -> Self {
        Self {
            mount: identify_mount(folder),
            now: unix_seconds(),
        }
    }

    fn record(&self, stamp: IndexFileStamp) -> CheckRecord {
        CheckRecord {
            stamp,
            read: self.now,
            mount: self.mount.clone(),
        }
    }

    /// Returns true if a file should be checked again. A record with a future time is due as well,
    /// because the clock was wrong.
    fn is_due(&self, record: &CheckRecord) -> bool {
        let age = self.now.saturating_sub(record.read);
        record.mount != self.mount || !(0..MAX_AGE).contains(&age)
    }
}

/// Files that passed the check.
#[derive(Debug, Default)]
pub(super) struct VerifiedFiles {
    /// Path and length of each file.
    pub files: Vec<(PathBuf, u64)>,
    /// Names of the files to check again after the answer.
    pub due: Vec<String>,
}

/// Footer that tantivy appends to each file.
#[derive(Deserialize)]
struct Footer {
    version: Version,
    crc: u32,
}

#[derive(Deserialize)]
struct Version {
    index_format_version: u32,
}

/// Checks the named files. The error is the name of the first file that is missing, unreadable or
/// does not match its checksum.
pub(super) fn verify_files(
    folder: &Path,
    names: &[String],
    mode: CheckMode,
) -> Result<VerifiedFiles, String> {
    let (mut records, limits) = match mode {
        CheckMode::UseRecords(limits) => (read_records(folder), limits),
        CheckMode::Full => (CheckRecords::new(), CheckLimits { always: 0, due: 0 }),
    };
    let mut files = Vec::new();
    for name in names {
        let metadata = folder.join(name).metadata().map_err(|_| name.clone())?;
        files.push((name, stamp(&metadata)));
    }
    files.sort_by_key(|(_, stamp)| stamp.bytes);
    let context = CheckContext::for_folder(folder);
    let is_small = files.iter().map(|(_, stamp)| stamp.bytes).sum::<u64>() <= limits.always;
    let (mut found, mut verified, mut bytes_read) =
        (CheckRecords::new(), VerifiedFiles::default(), 0);
    for (name, stamp) in files {
        let path = folder.join(name);
        let record = records.remove(name).filter(|record| record.stamp == stamp);
        let is_due = record.as_ref().is_some_and(|record| context.is_due(record));
        let fits_limit = is_due && stamp.bytes <= limits.due.saturating_sub(bytes_read);
        if fits_limit {
            bytes_read += stamp.bytes;
        }
        let must_read = record.is_none() || is_small || fits_limit;
        let from = match mode {
            CheckMode::UseRecords(_) => ReadFrom::Cache,
            CheckMode::Full => ReadFrom::Medium,
        };
        if must_read && !matches_footer(&path, stamp.bytes, from).unwrap_or(false) {
            return Err(name.clone());
        }
        if is_due {
            verified.due.push(name.clone());
        }
        verified.files.push((path, stamp.bytes));
        match record {
            Some(record) => drop(found.insert(name.clone(), record)),
            None if is_settled(&stamp) => drop(found.insert(name.clone(), context.record(stamp))),
            None => {}
        }
    }
    write_records(folder, &found, mode);
    Ok(verified)
}

/// Reads due files from the medium and checks them, oldest check first, until `limit` bytes have
/// been read. At the first damaged file, deletes its record and returns its name as the error.
pub(super) fn verify_due_files(folder: &Path, names: &[String], limit: u64) -> Result<(), String> {
    let (mut records, context) = (read_records(folder), CheckContext::for_folder(folder));
    let due =
        |(name, record): &(&String, &CheckRecord)| names.contains(name) && context.is_due(record);
    let mut files: Vec<(String, CheckRecord)> = records
        .iter()
        .filter(due)
        .map(|(name, record)| (name.clone(), record.clone()))
        .collect();
    files.sort_by_key(|(_, record)| record.read);
    let (mut bytes_read, mut outcome) = (0, Ok(()));
    for (name, record) in files {
        if bytes_read >= limit || outcome.is_err() {
            break;
        }
        let path = folder.join(&name);
        let now = path.metadata().map(|metadata| stamp(&metadata));
        if now.ok().as_ref() != Some(&record.stamp) {
            // Another process replaced or removed the file.
            continue;
        }
        bytes_read += record.stamp.bytes;
        if matches_footer(&path, record.stamp.bytes, ReadFrom::Medium).unwrap_or(false) {
            records.insert(name, context.record(record.stamp));
        } else {
            records.remove(&name);
            outcome = Err(name);
        }
    }
    write_records(folder, &records, CheckMode::Full);
    outcome
}

fn read_records(folder: &Path) -> CheckRecords {
    read_sealed(&folder.join(RECORDS_FILE))
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default()
}

/// Writes the records. In [`CheckMode::UseRecords`], skips the write if they are unchanged.
fn write_records(folder: &Path, found: &CheckRecords, mode: CheckMode) {
    if mode != CheckMode::Full && *found == read_records(folder) {
        return;
    }
    if let Ok(json) = serde_json::to_vec(found) {
        // If the records cannot be written, the next search reads everything again.
        let _ = write_sealed(&folder.join(RECORDS_FILE), &json, Durability::BestEffort);
    }
}

/// Source of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadFrom {
    /// The page cache, where possible; a search reads the same bytes.
    Cache,
    /// The disk, unless a process has the file mapped.
    Medium,
}

/// Reads a file completely and compares its checksum with the one in the footer.
fn matches_footer(path: &Path, bytes: u64, from: ReadFrom) -> io::Result<bool> {
    // Not memory-mapped: an unreadable sector must cause an error, not a signal.
    let mut file = File::open(path)?;
    if from == ReadFrom::Medium {
        drop_cache(&file);
    }
    let Some(before_trailer) = bytes.checked_sub(TRAILER) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(before_trailer))?;
    let (mut length, mut magic) = ([0; 4], [0; 4]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut magic)?;
    let length = u32::from_le_bytes(length);
    let Some(body) = before_trailer.checked_sub(length.into()) else {
        return Ok(false);
    };
    if u32::from_le_bytes(magic) != MAGIC || length > MAX_FOOTER {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(body))?;
    let mut json = Vec::new();
    (&mut file).take(length.into()).read_to_end(&mut json)?;
    let Ok(footer) = serde_json::from_slice::<Footer>(&json) else {
        return Ok(false);
    };
    if footer.version.index_format_version != tantivy::INDEX_FORMAT_VERSION {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(0))?;
    let mut body = file.take(body);
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut hasher = crc32fast::Hasher::new();
    loop {
        match body.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Ok(body.limit() == 0 && hasher.finalize() == footer.crc)
}

/// Asks the system to drop a file's cached pages, where it supports that.
fn drop_cache(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Returns true if a later change to the file would alter its times.
fn is_settled(stamp: &IndexFileStamp) -> bool {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    let last = u128::try_from(stamp.modified.max(stamp.changed)).unwrap_or(0);
    last + SETTLE_TIME.as_nanos() < now
}

#[cfg(unix)]
fn stamp(metadata: &Metadata) -> IndexFileStamp {
    use std::os::unix::fs::MetadataExt;
    IndexFileStamp {
        bytes: metadata.size(),
        modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

/// Returns a time in nanoseconds since 1970, saturating at the limits of `i64`, because a file may
/// have any date.
#[cfg(unix)]
fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(not(unix))]
fn stamp(metadata: &Metadata) -> IndexFileStamp {
    let nanos = |time: io::Result<SystemTime>| {
        time.ok()
            .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_nanos()).ok())
            .unwrap_or(i64::MAX)
    };
    IndexFileStamp {
        bytes: metadata.len(),
        modified: nanos(metadata.modified()),
        changed: nanos(metadata.created()),
        inode: 0,
    }
}

/// Records the current metadata of files as checked at `read` on `mount`; `None` is the current
/// mount.
#[cfg(test)]
pub(super) fn forge(folder: &Path, names: &[String], read: i64, mount: Option<&str>) {
    let context = CheckContext::for_folder(folder);
    let record = |name: &String| {
        let stamp = stamp(&folder.join(name).metadata().unwrap());
        let mount = mount.map_or_else(|| context.mount.clone(), str::to_owned);
        (name.clone(), CheckRecord { stamp, read, mount })
    };
    let records: CheckRecords = names.iter().map(record).collect();
    write_records(folder, &records, CheckMode::Full);
}

/// Returns the boot id and the mount id of a folder as one string, as far as the system reports
/// them. The string changes after a restart and after a remount: bit rot shows only when blocks are
/// read from the disk again, and then the page cache holds none of them.
fn identify_mount(folder: &Path) -> String {
    if cfg!(not(target_os = "linux")) {
        return String::new();
    }
    let boot = boot_id().unwrap_or_default();
    format!("{boot}/{}", mount_id(folder).unwrap_or(0))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn times_of_any_year_fit() {
        for (seconds, expected) in [
            (0, 999_999_999),
            (-1, -1),
            // 1677, 2262, 9999, and both limits.
            (-9_223_372_037, i64::MIN + 999_999_999),
            (9_223_372_037, i64::MAX),
            (253_402_214_400, i64::MAX),
            (i64::MAX, i64::MAX),
            (i64::MIN, i64::MIN + 999_999_999),
        ] {
            assert_eq!(nanos(seconds, 999_999_999), expected, "{seconds}");
        }
    }
}
