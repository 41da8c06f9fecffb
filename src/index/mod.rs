//! The index: a view of the catalogue at a seq, made for finding. It holds nothing that
//! the catalogue does not, says in each commit which seq it stands at, and can be
//! deleted at any time. Nothing in it is believed that is not what was written.

mod advice;
mod audit;
mod boost;
mod builder;
mod catch_panic;
mod catch_up;
mod checksums;
mod compile;
mod directory;
mod document;
mod exclusion;
mod facet_counts;
mod fuzzy;
mod merge;
mod mount_id;
mod notice;
mod order;
mod pretokenized;
mod recheck;
mod search;
#[cfg(test)]
mod tests;
mod updater;
mod wildcard;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tantivy::index::{IndexMeta, SegmentComponent, SegmentId, SegmentMeta};
use tantivy::{IndexReader, Opstamp, ReloadPolicy, TantivyError};

use crate::catalogue::Catalogue;
use crate::error::Error;
use catch_panic::guarded;
use checksums::{CheckLimits, CheckMode};
use directory::IndexFolder;
use document::IndexColumns;

pub use advice::{Advice, UnmatchedTerm};
pub use audit::Audit;
pub use catch_up::{catch_up_and_merge, try_catch_up};
pub use facet_counts::{Sum, Tallies, Tally};
pub use notice::IndexNotice;
pub use order::SortOrder;
pub use search::{Finder, Hits};

/// Counts up when words are cut another way, or documents are made another way.
const DOCUMENT_VERSION: u32 = 5;
/// A file in the index's folder that says whose it is.
const MARKER_FILE: &str = "btsindex-index";
/// The two files that say which segments there are.
const META_FILE: &str = "meta.json";
const MANAGED_FILE: &str = ".managed.json";
/// While another process writes, files may go between being named and being opened; the
/// index is opened anew this often before that counts as damage.
const MAX_OPENS: u32 = 4;
/// Between two openings.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CommitPayload {
    /// Uuid of the catalogue it is a view of.
    catalogue: String,
    /// It holds all changes up to this one.
    seq: i64,
    /// How its documents were made.
    documents: u32,
}

/// An open index: what it held when it was opened, whatever happens to its files.
pub struct Index {
    inner: tantivy::Index,
    reader: IndexReader,
    columns: IndexColumns,
    seq: i64,
    /// Its files and how long each was when it was opened; none of one in memory.
    files: Vec<(PathBuf, u64)>,
    /// Whether some files are due to be read again after the answer.
    has_due: bool,
    /// The highest number of a clip that the catalogue had when it was opened.
    last_clip: i64,
}

/// What stands where the index of a catalogue should.
pub enum IndexState {
    /// It can be used.
    Usable(Box<Index>),
    /// Nothing.
    Missing,
    /// An index that says too little, too much or something else: why.
    Mismatched(&'static str),
    /// A file of it is not what was written, or not there, or cannot be read.
    Damaged {
        /// Its name in the index's folder.
        file: String,
    },
    /// A folder that is not ours.
    NotOurs,
}

impl Index {
    /// Where the index of a catalogue is.
    #[must_use]
    pub fn folder(catalogue: &Catalogue) -> PathBuf {
        catalogue.folder().join("index")
    }

    /// Opens what is there, changing nothing.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn open(catalogue: &Catalogue) -> Result<IndexState, Error> {
        Self::open_with_retries(catalogue, CheckMode::UseRecords(CheckLimits::DEFAULT))
    }

    /// Opens what is there, changing nothing; `closely` reads every file through. A fault is
    /// looked at again while no other process writes, since one that does replaces files.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
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
        match catch_up::wait_for_lock(catalogue, "doctor") {
            Ok(Some(_held)) => Self::try_open(catalogue, mode),
            // A catalogue that cannot be written has no writers.
            Ok(None) | Err(_) => Ok(state),
        }
    }

    /// A folder of the index's name that holds something else is an error: it is left alone,
    /// as the catalogue may be kept on a drive of footage.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`].
    pub fn check_folder(catalogue: &Catalogue) -> Result<(), Error> {
        let path = Self::folder(catalogue);
        if is_empty(&path) || is_ours(&path) {
            Ok(())
        } else {
            Err(Error::NotAnIndex { path })
        }
    }

    /// The seq it stands at.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// How many clips it holds.
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
            return Ok(IndexState::Mismatched("was never finished"));
        };
        // Read after the payload: the index is never ahead of a catalogue that it belongs to,
        // but one that was restored from an older copy gives numbers a second time.
        if payload.seq > catalogue.seq()? {
            return Ok(IndexState::Mismatched("is ahead of the catalogue"));
        }
        let documents: u32 = metas.segments.iter().map(SegmentMeta::num_docs).sum();
        if payload.seq < 0 || (payload.seq == 0 && documents > 0) {
            return Ok(IndexState::Mismatched(
                "says that it holds changes that cannot be",
            ));
        }
        if payload.catalogue != uuid {
            return Ok(IndexState::Mismatched("is of another catalogue"));
        }
        if payload.documents != DOCUMENT_VERSION || metas.schema != schema {
            return Ok(IndexState::Mismatched(
                "was made by another version of btsindex",
            ));
        }
        let whole = match checksums::verify_files(&folder, &files(&metas), mode) {
            Ok(whole) => whole,
            Err(file) => return Ok(IndexState::Damaged { file }),
        };
        let last_clip = catalogue.last_clip()?;
        let index = guarded(|| Self::read(inner, columns, payload.seq, last_clip));
        Ok(match index {
            // What was opened is what was checked, not what was committed in between.
            Ok(mut index) if index.segments() == segments(&metas) => {
                index.files = whole.files;
                index.has_due = !whole.due.is_empty();
                IndexState::Usable(Box::new(index))
            }
            Ok(_) => damaged(META_FILE),
            Err(error) => damaged(&file_of(&error)),
        })
    }

    /// An index with a reader at its last commit.
    fn read(
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

    /// Whether a file of it became shorter since: reading what is gone of it would end the
    /// program. Files that were replaced or removed stay what they were for whoever has them open.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        let mut files = self.files.iter();
        files.any(|(path, bytes)| path.metadata().is_ok_and(|now| now.len() < *bytes))
    }

    fn segments(&self) -> HashSet<(SegmentId, Option<Opstamp>)> {
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

/// The file that an error is about.
fn file_of(error: &Error) -> String {
    use tantivy::directory::error::OpenReadError;
    let Error::Index(TantivyError::OpenReadError(error)) = error else {
        return "a file that tantivy does not name".to_owned();
    };
    let path = match error {
        OpenReadError::FileDoesNotExist(path) => path,
        OpenReadError::IoError { filepath, .. } => filepath,
        OpenReadError::IncompatibleIndex(_) => Path::new(META_FILE),
    };
    path.to_string_lossy().into_owned()
}

/// What the last commit said of itself.
fn payload(metas: &IndexMeta) -> Option<CommitPayload> {
    serde_json::from_str(metas.payload.as_ref()?).ok()
}

fn segments(metas: &IndexMeta) -> HashSet<(SegmentId, Option<Opstamp>)> {
    let segments = metas.segments.iter();
    segments
        .map(|segment| (segment.id(), segment.delete_opstamp()))
        .collect()
}

/// The files that an index consists of, beside those that say so.
fn files(metas: &IndexMeta) -> Vec<String> {
    let deletes: HashSet<PathBuf> = metas
        .segments
        .iter()
        .filter(|segment| segment.has_deletes())
        .map(|segment| segment.relative_path(SegmentComponent::Delete))
        .collect();
    // tantivy names some that are not written, or not kept.
    let is_there = |path: &PathBuf| match path.extension().and_then(OsStr::to_str) {
        Some("temp") => false,
        Some("del") => deletes.contains(path),
        _ => true,
    };
    let paths = metas.list_segment_files().into_iter().filter(is_there);
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

/// Whether a folder was made by this program: by its mark, or should that be lost by a seal.
fn is_ours(folder: &Path) -> bool {
    let is_sealed = |name| directory::read_sealed(&folder.join(name)).is_ok();
    folder.join(MARKER_FILE).exists() || is_sealed(META_FILE) || is_sealed(MANAGED_FILE)
}
