//! The index: a view of the catalogue at a seq, made for finding. It holds nothing that
//! the catalogue does not, says in each commit which seq it stands at, and can be
//! deleted at any time.

mod document;
mod search;

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::LockError;
use tantivy::query::TermSetQuery;
use tantivy::{IndexWriter, TantivyDocument, TantivyError, Term};

use crate::catalogue::{Catalogue, Change};
use crate::error::Error;
use document::Columns;

pub use search::Hits;

/// Counts up when words are cut another way, or documents are made another way.
const DOCUMENTS: u32 = 1;
/// A file in the index's folder that says whose it is.
const MARK: &str = "btsindex-index";
/// Memory of the writer; more is flushed to a segment.
const WRITER_MEMORY: usize = 64 * 1024 * 1024;
/// Changes read from the catalogue at a time.
const PAGE: usize = 500;

/// What a commit says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    /// Uuid of the catalogue it is a view of.
    catalogue: String,
    /// It holds all changes up to this one.
    seq: i64,
    /// How its documents were made.
    documents: u32,
}

/// An open index.
pub struct Index {
    inner: tantivy::Index,
    columns: Columns,
    catalogue: String,
}

impl Index {
    /// Opens the index of a catalogue, beginning it anew where there is none that is whole and
    /// of this catalogue, schema and kind of documents.
    ///
    /// # Errors
    /// When its folder cannot be written, or holds something else.
    pub fn open(catalogue: &Catalogue) -> Result<Self, Error> {
        match Self::existing(catalogue)? {
            Some(index) => Ok(index),
            None => Self::anew(catalogue),
        }
    }

    /// The index as it is, if it can be used.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn existing(catalogue: &Catalogue) -> Result<Option<Self>, Error> {
        let (schema, columns) = document::schema();
        let uuid = catalogue.uuid()?;
        let Ok(inner) = tantivy::Index::open_in_dir(Self::folder(catalogue)) else {
            return Ok(None);
        };
        let payload = payload(&inner);
        // Read after the payload: the index is never ahead of a catalogue that it belongs to,
        // but one that was restored from an older copy gives numbers a second time.
        let seq = catalogue.seq()?;
        let is_ours = payload.is_none_or(|payload| {
            payload.catalogue == uuid && payload.documents == DOCUMENTS && payload.seq <= seq
        });
        let is_whole = inner.schema() == schema && inner.reader().is_ok();
        Ok((is_ours && is_whole).then_some(Self {
            inner,
            columns,
            catalogue: uuid,
        }))
    }

    /// Where the index of a catalogue is.
    #[must_use]
    pub fn folder(catalogue: &Catalogue) -> PathBuf {
        catalogue.folder().join("index")
    }

    /// A new index, in place of one that cannot be used.
    ///
    /// A folder of that name which is not ours is left alone: the catalogue may be kept on a
    /// drive of footage.
    ///
    /// # Errors
    /// When its folder cannot be written, or holds something else.
    pub fn anew(catalogue: &Catalogue) -> Result<Self, Error> {
        let folder = Self::folder(catalogue);
        let mark = folder.join(MARK);
        let is_empty = fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
        if !is_empty && !mark.exists() {
            return Err(Error::NotAnIndex { path: folder });
        }
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::path(&folder)(error));
            }
            _ => {}
        }
        fs::create_dir_all(&folder).map_err(Error::path(&folder))?;
        fs::write(&mark, "made by btsindex; may be deleted at any time\n")
            .map_err(Error::path(&mark))?;
        let directory = MmapDirectory::open(&folder).map_err(TantivyError::from)?;
        let (schema, columns) = document::schema();
        Ok(Self {
            inner: tantivy::Index::create(directory, schema, tantivy::IndexSettings::default())?,
            columns,
            catalogue: catalogue.uuid()?,
        })
    }

    /// The seq it stands at; 0 when it is new.
    #[must_use]
    pub fn seq(&self) -> i64 {
        payload(&self.inner).map_or(0, |payload| payload.seq)
    }

    /// How many clips it holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn count(&self) -> Result<u64, Error> {
        Ok(self.inner.reader()?.searcher().num_docs())
    }

    /// Files of the index whose content is not what was written.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn damage(&self) -> Result<Vec<PathBuf>, Error> {
        Ok(self.inner.validate_checksum()?.into_iter().collect())
    }

    /// Brings the index up to the catalogue: the one way in which it ever changes.
    ///
    /// Another process that is at it already is left to it, and `false` returned.
    ///
    /// # Errors
    /// When the catalogue cannot be read or the index not written.
    pub fn catch_up(&self, catalogue: &Catalogue) -> Result<bool, Error> {
        if self.seq() == catalogue.seq()? {
            return Ok(true);
        }
        let Some(mut writer) = self.writer()? else {
            return Ok(false);
        };
        writer.catch_up(catalogue)?;
        writer.finish()?;
        Ok(true)
    }

    /// A writer that stays open, for many catchings-up; `None` while another process has one.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn writer(&self) -> Result<Option<Writer<'_>>, Error> {
        match self.inner.writer_with_num_threads(1, WRITER_MEMORY) {
            Ok(inner) => Ok(Some(Writer { index: self, inner })),
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the last commit said of itself.
fn payload(index: &tantivy::Index) -> Option<Payload> {
    serde_json::from_str(&index.load_metas().ok()?.payload?).ok()
}

/// The one writer of an index.
pub struct Writer<'a> {
    index: &'a Index,
    inner: IndexWriter<TantivyDocument>,
}

impl Writer<'_> {
    /// Takes in every change since the seq that the index stands at, in one commit.
    ///
    /// # Errors
    /// When the catalogue cannot be read or the index not written.
    pub fn catch_up(&mut self, catalogue: &Catalogue) -> Result<(), Error> {
        let from = self.index.seq();
        let mut seq = from;
        loop {
            let changes = catalogue.changes(seq, PAGE)?;
            let Some(last) = changes.last() else { break };
            seq = last.seq;
            let columns = &self.index.columns;
            let number = |change: &Change| u64::try_from(change.clip).unwrap_or(0);
            // One for the page: until the commit, the writer keeps a kilobyte for each.
            let old = changes
                .iter()
                .map(|change| Term::from_field_u64(columns.clip, number(change)));
            self.inner.delete_query(Box::new(TermSetQuery::new(old)))?;
            for change in &changes {
                if let Some(clip) = &change.now {
                    let document = columns.document(number(change), clip);
                    self.inner.add_document(document)?;
                }
            }
        }
        if seq == from {
            return Ok(());
        }
        let payload = Payload {
            catalogue: self.index.catalogue.clone(),
            seq,
            documents: DOCUMENTS,
        };
        let mut commit = self.inner.prepare_commit()?;
        commit.set_payload(&serde_json::to_string(&payload).unwrap_or_default());
        commit.commit()?;
        Ok(())
    }

    /// Lets merges that were begun come to their end.
    ///
    /// # Errors
    /// When a merge failed.
    pub fn finish(self) -> Result<(), Error> {
        Ok(self.inner.wait_merging_threads()?)
    }
}
