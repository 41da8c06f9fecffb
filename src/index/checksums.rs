//! Whether the files of the index hold what was written. Each is read through before it is used
//! for the first time; what was found whole is remembered with all that a change of the file would
//! change too, so that looking again costs one stat a file.
//!
//! Bits that rot on a disk change none of that. So a small index is read through each time, and a
//! file of a large one is due again after a day, after a restart and after its volume was mounted
//! again. A search reads what is due before it answers, up to a limit, through the system's cache:
//! these are the bytes that it will use. The rest is read from the medium after the answer
//! ([`read_again`]).

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::directory::{Lasting, read_sealed, write_sealed};
use super::mount_id;
use crate::catalogue::unix_seconds;

/// Where what was found whole is remembered, in the index's folder.
pub(super) const CHECKED: &str = "checked.json";
/// A file that was changed this recently may be changed again without its times telling.
const SETTLED: Duration = Duration::from_secs(2);
/// What was read longer ago than this is due again, in seconds.
const AGE: i64 = 24 * 60 * 60;
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;
/// The two numbers at the very end of a file: the length of its footer, and one for all files.
const TRAILER: u64 = 8;
/// The second of them.
const MAGIC: u32 = 1337;
/// No footer is longer.
const FOOTER: u32 = 4096;

/// How much is read of what was found whole before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Within limits.
    Remembered(Limits),
    /// Everything, from the medium.
    Nothing,
}

/// Bytes that are read before an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// An index of no more is read through each time.
    pub always: u64,
    /// Of files that are due, the smallest are read while they come to no more.
    pub due: u64,
}

impl Limits {
    /// What no search feels: see ARCHITECTURE.md for what it costs.
    pub(super) const USUAL: Self = Self {
        always: 4 * 1024 * 1024,
        due: 128 * 1024 * 1024,
    };
}

/// What tells a file from what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

/// When a file was found whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    stamp: Stamp,
    /// Seconds since 1970 UTC.
    read: i64,
    /// Where: see [`mount::of`].
    mount: String,
}

type Memo = BTreeMap<String, Record>;

/// Here and now, as far as records are concerned.
struct Here {
    mount: String,
    now: i64,
}

impl Here {
    fn at(folder: &Path) -> Self {
        Self {
            mount: mount_id::of(folder),
            now: unix_seconds(),
        }
    }

    fn record(&self, stamp: Stamp) -> Record {
        Record {
            stamp,
            read: self.now,
            mount: self.mount.clone(),
        }
    }

    /// Whether a file should be read again; a record of the future is one of a wrong clock.
    fn is_due(&self, record: &Record) -> bool {
        let age = self.now.saturating_sub(record.read);
        record.mount != self.mount || !(0..AGE).contains(&age)
    }
}

/// The files of an index that is whole, as far as was looked.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// Each with its length.
    pub files: Vec<(PathBuf, u64)>,
    /// Files to read again after the answer.
    pub due: Vec<String>,
}

/// What tantivy ends each file with.
#[derive(Deserialize)]
struct Footer {
    version: Version,
    crc: u32,
}

#[derive(Deserialize)]
struct Version {
    index_format_version: u32,
}

/// These files; or the first that is not what was written, cannot be read, or is not there.
pub(super) fn whole(folder: &Path, names: &[String], trust: Trust) -> Result<Whole, String> {
    let (mut memo, limits) = match trust {
        Trust::Remembered(limits) => (remembered(folder), limits),
        Trust::Nothing => (Memo::new(), Limits { always: 0, due: 0 }),
    };
    let mut files = Vec::new();
    for name in names {
        let metadata = folder.join(name).metadata().map_err(|_| name.clone())?;
        files.push((name, stamp(&metadata)));
    }
    files.sort_by_key(|(_, stamp)| stamp.bytes);
    let here = Here::at(folder);
    let is_small = files.iter().map(|(_, stamp)| stamp.bytes).sum::<u64>() <= limits.always;
    let (mut found, mut whole, mut spent) = (Memo::new(), Whole::default(), 0);
    for (name, stamp) in files {
        let path = folder.join(name);
        let record = memo.remove(name).filter(|record| record.stamp == stamp);
        let is_due = record.as_ref().is_some_and(|record| here.is_due(record));
        let is_within = is_due && stamp.bytes <= limits.due.saturating_sub(spent);
        if is_within {
            spent += stamp.bytes;
        }
        let is_read = record.is_none() || is_small || is_within;
        let from = match trust {
            Trust::Remembered(_) => From::Cache,
            Trust::Nothing => From::Medium,
        };
        if is_read && !is_whole(&path, stamp.bytes, from).unwrap_or(false) {
            return Err(name.clone());
        }
        if is_due {
            whole.due.push(name.clone());
        }
        whole.files.push((path, stamp.bytes));
        match record {
            Some(record) => drop(found.insert(name.clone(), record)),
            None if is_settled(&stamp) => drop(found.insert(name.clone(), here.record(stamp))),
            None => {}
        }
    }
    remember(folder, &found, trust);
    Ok(whole)
}

/// Reads files that are due from the medium, beginning with the one read longest ago, and ends once
/// `most` bytes were read; or gives the first that is not what was written, which is forgotten.
pub(super) fn read_again(folder: &Path, names: &[String], most: u64) -> Result<(), String> {
    let (mut memo, here) = (remembered(folder), Here::at(folder));
    let due = |(name, record): &(&String, &Record)| names.contains(name) && here.is_due(record);
    let mut files: Vec<(String, Record)> = memo
        .iter()
        .filter(due)
        .map(|(name, record)| (name.clone(), record.clone()))
        .collect();
    files.sort_by_key(|(_, record)| record.read);
    let (mut spent, mut outcome) = (0, Ok(()));
    for (name, record) in files {
        if spent >= most || outcome.is_err() {
            break;
        }
        let path = folder.join(&name);
        let now = path.metadata().map(|metadata| stamp(&metadata));
        if now.ok().as_ref() != Some(&record.stamp) {
            // Another process replaced or removed it.
            continue;
        }
        spent += record.stamp.bytes;
        if is_whole(&path, record.stamp.bytes, From::Medium).unwrap_or(false) {
            memo.insert(name, here.record(record.stamp));
        } else {
            memo.remove(&name);
            outcome = Err(name);
        }
    }
    remember(folder, &memo, Trust::Nothing);
    outcome
}

fn remembered(folder: &Path) -> Memo {
    read_sealed(&folder.join(CHECKED))
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .unwrap_or_default()
}

/// Writes what was found, unless that is what was remembered.
fn remember(folder: &Path, found: &Memo, trust: Trust) {
    if trust != Trust::Nothing && *found == remembered(folder) {
        return;
    }
    if let Ok(json) = serde_json::to_vec(found) {
        // Where it cannot be remembered, the next search reads everything again.
        let _ = write_sealed(&folder.join(CHECKED), &json, Lasting::Perhaps);
    }
}

/// Where the bytes of a file come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// From memory, where the system has them there: as a search reads them.
    Cache,
    /// From the disk, as far as no process has the file mapped.
    Medium,
}

/// Reads a file through and compares it with its footer.
fn is_whole(path: &Path, bytes: u64, from: From) -> io::Result<bool> {
    // Not through a map: a sector that cannot be read must be an error, not a signal.
    let mut file = File::open(path)?;
    if from == From::Medium {
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
    if u32::from_le_bytes(magic) != MAGIC || length > FOOTER {
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
    let mut piece = vec![0; PIECE];
    let mut hasher = crc32fast::Hasher::new();
    loop {
        match body.read(&mut piece)? {
            0 => break,
            read => hasher.update(&piece[..read]),
        }
    }
    Ok(body.limit() == 0 && hasher.finalize() == footer.crc)
}

/// Has the system forget what it has of a file in memory, where it takes such advice.
fn drop_cache(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// Whether a later change of the file would show in its times.
fn is_settled(stamp: &Stamp) -> bool {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos());
    let last = u128::try_from(stamp.modified.max(stamp.changed)).unwrap_or(0);
    last + SETTLED.as_nanos() < now
}

#[cfg(unix)]
fn stamp(metadata: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    Stamp {
        bytes: metadata.size(),
        modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

/// A time in nanoseconds since 1970, or the nearest that fits: files may be of any year.
#[cfg(unix)]
fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(not(unix))]
fn stamp(metadata: &Metadata) -> Stamp {
    let nanos = |time: io::Result<SystemTime>| {
        time.ok()
            .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_nanos()).ok())
            .unwrap_or(i64::MAX)
    };
    Stamp {
        bytes: metadata.len(),
        modified: nanos(metadata.modified()),
        changed: nanos(metadata.created()),
        inode: 0,
    }
}

/// Has files remembered as they are now, as read at some time on some mount; `None`: on this one.
#[cfg(test)]
pub(super) fn forge(folder: &Path, names: &[String], read: i64, mount: Option<&str>) {
    let here = Here::at(folder);
    let record = |name: &String| {
        let stamp = stamp(&folder.join(name).metadata().unwrap());
        let mount = mount.map_or_else(|| here.mount.clone(), str::to_owned);
        (name.clone(), Record { stamp, read, mount })
    };
    let memo: Memo = names.iter().map(record).collect();
    remember(folder, &memo, Trust::Nothing);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn files_of_any_year_have_a_time() {
        for (seconds, wanted) in [
            (0, 999_999_999),
            (-1, -1),
            // 1677, 2262, 9999, and as much as fits.
            (-9_223_372_037, i64::MIN + 999_999_999),
            (9_223_372_037, i64::MAX),
            (253_402_214_400, i64::MAX),
            (i64::MAX, i64::MAX),
            (i64::MIN, i64::MIN + 999_999_999),
        ] {
            assert_eq!(nanos(seconds, 999_999_999), wanted, "{seconds}");
        }
    }
}
