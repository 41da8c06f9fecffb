//! Whether the files of the index hold what was written. Each is read through once; what was
//! found whole is remembered with all that a change of the file would change too, so that
//! looking again costs one stat a file.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::directory::{Lasting, read_sealed, write_sealed};

/// Where what was found whole is remembered, in the index's folder.
pub(super) const CHECKED: &str = "checked.json";
/// A file that was changed this recently may be changed again without its times telling.
const SETTLED: Duration = Duration::from_secs(2);
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;
/// The two numbers at the very end of a file: the length of its footer, and one for all files.
const TRAILER: u64 = 8;
/// The second of them.
const MAGIC: u32 = 1337;
/// No footer is longer.
const FOOTER: u32 = 4096;

/// Whether what was found before is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Of a file that did not change since.
    Remembered,
    /// No: everything is read.
    Nothing,
}

/// What tells a file from what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

type Memo = BTreeMap<String, Stamp>;

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

/// These files, each with its length; or the first that is not what was written, cannot be read,
/// or is not there.
pub(super) fn whole(
    folder: &Path,
    names: &[String],
    trust: Trust,
) -> Result<Vec<(PathBuf, u64)>, String> {
    let remembered: Memo = match trust {
        Trust::Remembered => read_sealed(&folder.join(CHECKED))
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default(),
        Trust::Nothing => Memo::new(),
    };
    let (mut found, mut files) = (Memo::new(), Vec::new());
    for name in names {
        let path = folder.join(name);
        let Ok(stamp) = path.metadata().map(|metadata| stamp(&metadata)) else {
            return Err(name.clone());
        };
        let is_known = remembered.get(name) == Some(&stamp);
        if !is_known && !is_whole(&path, stamp.bytes).unwrap_or(false) {
            return Err(name.clone());
        }
        files.push((path, stamp.bytes));
        if is_known || is_settled(&stamp) {
            found.insert(name.clone(), stamp);
        }
    }
    if found != remembered
        && let Ok(json) = serde_json::to_vec(&found)
    {
        // Where it cannot be remembered, the next search reads everything again.
        let _ = write_sealed(&folder.join(CHECKED), &json, Lasting::Perhaps);
    }
    Ok(files)
}

/// Reads a file through and compares it with its footer.
fn is_whole(path: &Path, bytes: u64) -> io::Result<bool> {
    // Not through a map: a sector that cannot be read must be an error, not a signal.
    let mut file = File::open(path)?;
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
    let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000) + nanos;
    Stamp {
        bytes: metadata.size(),
        modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
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
