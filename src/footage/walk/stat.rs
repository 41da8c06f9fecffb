//! `stat` of files relative to an open folder, so that the system does not resolve the path of the folder again for
//! each file.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use walkdir::DirEntry;

use crate::source_file::modified;

/// Metadata of a file.
pub(super) struct FileStat {
    pub bytes: u64,
    /// Nanoseconds since 1970 UTC.
    pub modified: i64,
    /// Change time (ctime), nanoseconds since 1970 UTC.
    pub changed: Option<i64>,
    pub inode: Option<i64>,
}

/// Open folder, on systems that support `statat`.
pub(super) struct FolderStat {
    #[cfg(unix)]
    folder: Option<rustix::fd::OwnedFd>,
    #[cfg(unix)]
    follow_links: bool,
}

#[cfg(unix)]
impl FolderStat {
    pub(super) fn new(folder: &Path, follow_links: bool) -> Self {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self {
            // If it cannot be opened, files are accessed by path.
            folder: rustix::fs::open(folder, flags, Mode::empty()).ok(),
            follow_links,
        }
    }

    pub(super) fn stat(&self, entry: &DirEntry, name: &OsStr) -> io::Result<FileStat> {
        use rustix::fs::AtFlags;
        let Some(folder) = &self.folder else {
            return by_path(entry);
        };
        let flags = if self.follow_links {
            AtFlags::empty()
        } else {
            AtFlags::SYMLINK_NOFOLLOW
        };
        let stat = rustix::fs::statat(folder, name, flags)?;
        #[allow(
            clippy::useless_conversion,
            clippy::unnecessary_fallible_conversions,
            reason = "the integer types differ between systems"
        )]
        let nanos = |seconds, nanos| {
            let (seconds, nanos) = (i64::try_from(seconds).ok()?, i64::try_from(nanos).ok()?);
            seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
        };
        Ok(FileStat {
            bytes: u64::try_from(stat.st_size).unwrap_or(0),
            modified: nanos(stat.st_mtime, stat.st_mtime_nsec).unwrap_or(i64::MAX),
            changed: nanos(stat.st_ctime, stat.st_ctime_nsec),
            inode: Some(stat.st_ino.cast_signed()),
        })
    }
}

#[cfg(not(unix))]
impl FolderStat {
    pub(super) fn new(_folder: &Path, _follow_links: bool) -> Self {
        Self {}
    }

    pub(super) fn stat(&self, entry: &DirEntry, _name: &OsStr) -> io::Result<FileStat> {
        by_path(entry)
    }
}

fn by_path(entry: &DirEntry) -> io::Result<FileStat> {
    Ok(FileStat::from_metadata(&entry.metadata()?))
}

impl FileStat {
    pub(super) fn from_metadata(metadata: &fs::Metadata) -> Self {
        let (changed, inode) = changed_and_inode(metadata);
        Self {
            bytes: metadata.len(),
            modified: modified(metadata),
            changed,
            inode,
        }
    }
}

#[cfg(unix)]
fn changed_and_inode(metadata: &fs::Metadata) -> (Option<i64>, Option<i64>) {
    use std::os::unix::fs::MetadataExt;
    let nanos = metadata.ctime().checked_mul(1_000_000_000);
    let nanos = nanos.and_then(|nanos| nanos.checked_add(metadata.ctime_nsec()));
    (nanos, Some(metadata.ino().cast_signed()))
}

#[cfg(not(unix))]
fn changed_and_inode(_metadata: &fs::Metadata) -> (Option<i64>, Option<i64>) {
    (None, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statat_and_metadata_agree() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mov");
        fs::write(&path, "0123").unwrap();
        for seconds in [1_779_278_400_u64, 1] {
            let time = std::time::UNIX_EPOCH + std::time::Duration::new(seconds, 7_000);
            let early = std::time::UNIX_EPOCH - std::time::Duration::new(seconds, 7_000);
            for time in [time, early] {
                let file = fs::File::options().write(true).open(&path).unwrap();
                file.set_modified(time).unwrap();
                let walk = walkdir::WalkDir::new(folder.path()).min_depth(1);
                let entry = walk.into_iter().next().unwrap().unwrap();
                let folder_stat = FolderStat::new(folder.path(), false);
                let (one, other) = (
                    folder_stat.stat(&entry, entry.file_name()).unwrap(),
                    by_path(&entry).unwrap(),
                );
                assert_eq!(
                    (one.bytes, one.modified, one.changed, one.inode),
                    (other.bytes, other.modified, other.changed, other.inode)
                );
                assert_eq!(one.modified, modified(&fs::metadata(&path).unwrap()));
            }
        }
    }
}
