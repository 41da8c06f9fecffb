//! Opens the index of a catalogue and checks that it can be used.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tantivy::index::{IndexMeta, SegmentComponent, SegmentId, SegmentMeta};
use tantivy::{IndexReader, Opstamp, ReloadPolicy, TantivyError};

use super::catch_panic::guarded;
use super::checksums::{self, CheckLimits, CheckMode};
use super::commit_payload::payload;
use super::directory::{self, IndexFolder};
use super::document::{self, DOCUMENT_VERSION, IndexColumns};
use super::write_lock::wait_for_lock;
use crate::catalogue::Catalogue;
use crate::error::Error;

/// File in the index's folder that identifies the folder as created by this program.
pub(super) const MARKER_FILE: &str = "btsindex-index";
/// File in which tantivy lists the segments.
pub(super) const META_FILE: &str = "meta.json";
/// File in which tantivy lists all files of the index.
const MANAGED_FILE: &str = ".managed.json";
/// Attempts to open the index before a missing file counts as damage. While another process is
/// writing, it may remove a file after this process has listed it.
const MAX_OPENS: u32 = 4;
/// Pause between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Open index: a snapshot that later changes to its files do not affect.
pub struct Index {
    pub(super) inner: tantivy::Index,
    pub(super) reader: IndexReader,
    pub(super) columns: IndexColumns,
    pub(super) seq: i64,
    /// Path and length of each file when it was opened; empty for an index in memory.
    pub(super) files: Vec<(PathBuf, u64)>,
    /// True if some files are due for another check after the search.
    pub(super) has_due: bool,
    /// Highest clip id in the catalogue when the index was opened.
    pub(super) last_clip: i64,
}

/// State of a catalogue's index folder.
pub enum IndexState {
    /// The index can be used.
    Usable(Box<Index>),
    /// The folder is missing or empty.
    Missing,
    /// The index is incomplete, or does not match the catalogue or this version of btsindex. The
    /// text is a predicate that follows "the index".
    Mismatched(&'static str),
    /// A file is missing, unreadable or fails its checksum.
    Damaged {
        /// File name, relative to the index's folder.
        file: String,
    },
    /// The folder was not created by this program.
    NotOurs,
}

impl Index {
    /// Returns the path of a catalogue's index folder.
    #[must_use]
    pub fn folder(catalogue: &Catalogue) -> PathBuf {
        catalogue.folder().join("index")
    }

    /// Opens the index without changing anything.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn open(catalogue: &Catalogue) -> Result<IndexState, Error> {
        Self::open_with_retries(catalogue, CheckMode::UseRecords(CheckLimits::DEFAULT))
    }

    /// Opens the index without changing anything. If `closely` is true, reads every file
    /// completely.
    ///
    /// If a file seems damaged, checks again while holding the lock, because a concurrent writer
    /// replaces files.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn inspect(catalogue: &Catalogue, closely: bool) -> Result<IndexState, Error> {
        let mode = if closely {
            CheckMode::Full
        } else {
            CheckMode::UseRecords(CheckLimits::DEFAULT)
        };
        let state = Self::open_with_retries(catalogue, mode)?;
        if !matches!(state, IndexState::Damaged { .. }) {
            return Ok(state);
        }
        match wait_for_lock(catalogue, "doctor") {
            Ok(Some(_held)) => Self::try_open(catalogue, mode),
            // Keeps the first result: the lock is still held, or the catalogue is read-only and
            // thus has no writers.
            Ok(None) | Err(_) => Ok(state),
        }
    }

    /// Checks that the index folder is missing, empty or was created by this program. Any other
    /// folder is left unchanged, because the catalogue may be stored on a drive with footage.
    ///
    /// # Errors
    /// Returns [`Error::NotAnIndex`] for any other folder.
    pub fn check_folder(catalogue: &Catalogue) -> Result<(), Error> {
        let path = Self::folder(catalogue);
        if is_empty(&path) || is_ours(&path) {
            Ok(())
        } else {
            Err(Error::NotAnIndex { path })
        }
    }

    /// Returns the seq of the last change in the index.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// Returns the number of clips in the index.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    fn open_with_retries(catalogue: &Catalogue, mode: CheckMode) -> Result<IndexState, Error> {
        for _ in 1..MAX_OPENS {
            match Self::try_open(catalogue, mode)? {
                IndexState::Damaged { .. } => thread::sleep(RETRY_INTERVAL),
                state => return Ok(state),
            }
        }
        Self::try_open(catalogue, mode)
    }

    fn try_open(catalogue: &Catalogue, mode: CheckMode) -> Result<IndexState, Error> {
        let folder = Self::folder(catalogue);
        if is_empty(&folder) {
            return Ok(IndexState::Missing);
        }
        if !is_ours(&folder) {
            return Ok(IndexState::NotOurs);
        }
        if !folder.join(MANAGED_FILE).exists() {
            return Ok(damaged(MANAGED_FILE));
        }
        let uuid = catalogue.uuid()?;
        let opened = guarded(|| {
            let directory = IndexFolder::open(&folder).map_err(TantivyError::from)?;
            let inner = tantivy::Index::open(directory)?;
            let metas = inner.load_metas()?;
            Ok((inner, metas))
        });
        let (inner, metas) = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(damaged(&file_of(&error))),
        };
        let (schema, columns) = document::schema();
        let Some(payload) = payload(&metas) else {
            return Ok(IndexState::Mismatched("is incomplete"));
        };
        // The catalogue's seq is read after the payload, so that a valid index is never ahead of
        // it. A catalogue that was restored from an older copy assigns the same numbers again.
        if payload.seq > catalogue.seq()? {
            return Ok(IndexState::Mismatched("is ahead of the catalogue"));
        }
        let documents: u32 = metas.segments.iter().map(SegmentMeta::num_docs).sum();
        if payload.seq < 0 || (payload.seq == 0 && documents > 0) {
            return Ok(IndexState::Mismatched("has an invalid change number"));
        }
        if payload.catalogue != uuid {
            return Ok(IndexState::Mismatched("belongs to another catalogue"));
        }
        if payload.documents != DOCUMENT_VERSION || metas.schema != schema {
            return Ok(IndexState::Mismatched(
                "was written by another version of btsindex",
            ));
        }
        let verified = match checksums::verify_files(&folder, &files(&metas), mode) {
            Ok(verified) => verified,
            Err(file) => return Ok(IndexState::Damaged { file }),
        };
        let last_clip = catalogue.last_clip()?;
        let index = guarded(|| Self::read(inner, columns, payload.seq, last_clip));
        Ok(match index {
            // Accepts only the segments that were checked, not those of a later commit.
            Ok(mut index) if index.segments() == segments(&metas) => {
                index.files = verified.files;
                index.has_due = !verified.due.is_empty();
                IndexState::Usable(Box::new(index))
            }
            Ok(_) => damaged(META_FILE),
            Err(error) => damaged(&file_of(&error)),
        })
    }

    /// Creates an index with a reader at its last commit.
    pub(super) fn read(
        inner: tantivy::Index,
        columns: IndexColumns,
        seq: i64,
        last_clip: i64,
    ) -> Result<Self, Error> {
        let reader = inner
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Self {
            inner,
            reader,
            columns,
            seq,
            files: Vec::new(),
            has_due: false,
            last_clip,
        })
    }

    /// Returns true if a file is shorter than when it was opened. Reading the missing part through
    /// the memory map would kill the process. Replaced or removed files stay readable while they
    /// are open.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        let mut files = self.files.iter();
        files.any(|(path, bytes)| path.metadata().is_ok_and(|now| now.len() < *bytes))
    }

    pub(super) fn segments(&self) -> HashSet<(SegmentId, Option<Opstamp>)> {
        let searcher = self.reader.searcher();
        let segments = searcher.segment_readers().iter();
        segments
            .map(|segment| (segment.segment_id(), segment.delete_opstamp()))
            .collect()
    }
}

fn damaged(file: &str) -> IndexState {
    IndexState::Damaged {
        file: file.to_owned(),
    }
}

/// Returns the name of the file that an error refers to.
fn file_of(error: &Error) -> String {
    use tantivy::directory::error::OpenReadError;
    let cause = match error {
        Error::Index(error) => error.cause(),
        _ => None,
    };
    let Some(TantivyError::OpenReadError(error)) = cause else {
        return "unknown file".to_owned();
    };
    let path = match error {
        OpenReadError::FileDoesNotExist(path) => path,
        OpenReadError::IoError { filepath, .. } => filepath,
        OpenReadError::IncompatibleIndex(_) => Path::new(META_FILE),
    };
    path.to_string_lossy().into_owned()
}

fn segments(metas: &IndexMeta) -> HashSet<(SegmentId, Option<Opstamp>)> {
    let segments = metas.segments.iter();
    segments
        .map(|segment| (segment.id(), segment.delete_opstamp()))
        .collect()
}

/// Returns the sorted names of the segment files in use.
pub(super) fn files(metas: &IndexMeta) -> Vec<String> {
    let deletes: HashSet<PathBuf> = metas
        .segments
        .iter()
        .filter(|segment| segment.has_deletes())
        .map(|segment| segment.relative_path(SegmentComponent::Delete))
        .collect();
    // tantivy also lists files that were never written or are no longer needed.
    let is_used = |path: &PathBuf| match path.extension().and_then(OsStr::to_str) {
        Some("temp") => false,
        Some("del") => deletes.contains(path),
        _ => true,
    };
    let paths = metas.list_segment_files().into_iter().filter(is_used);
    let mut names: Vec<String> = paths
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or_else(
        |error| error.kind() == std::io::ErrorKind::NotFound,
        |mut entries| entries.next().is_none(),
    )
}

/// Returns true if this program created the folder: it has the marker file or, if that is lost, a
/// sealed file.
fn is_ours(folder: &Path) -> bool {
    let is_sealed = |name| directory::read_sealed(&folder.join(name)).is_ok();
    folder.join(MARKER_FILE).exists() || is_sealed(META_FILE) || is_sealed(MANAGED_FILE)
}
