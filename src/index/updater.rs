//! Index writer: applies catalogue changes in one commit and merges segments without blocking
//! readers.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::indexer::{IndexWriterOptions, NoMergePolicy};
use tantivy::query::TermSetQuery;
use tantivy::{IndexWriter, TantivyDocument, TantivyError, Term};

use super::commit_payload::CommitPayload;
use super::document::{DOCUMENT_VERSION, IndexColumns};
use super::merge::{self, MergeEffort, SegmentSize};
use super::pretokenized::{SpaceTokenizer, TOKENS};
use crate::catalogue::{Catalogue, Change};
use crate::error::Error;

/// Memory budget of the writer in bytes; tantivy flushes a segment when it is used up.
const MEMORY: usize = 64 * 1024 * 1024;
/// Memory budget in bytes for few changes. Allocating the full budget would take longer than
/// applying them.
pub(super) const SMALL_MEMORY: usize = 16 * 1024 * 1024;
/// Number of changes below which [`SMALL_MEMORY`] is used.
const SMALL_CHANGE_COUNT: i64 = 5000;
/// Number of changes read from the catalogue at a time.
const PAGE: usize = 500;
/// Number of successive merges that commits may invalidate. After that, merges run without commits.
const MAX_DISCARDED: usize = 3;
/// Maximum number of successive merges; the next writer does the rest.
const MAX_MERGES: usize = 8;
/// Interval at which a merge checks whether the catalogue has changed.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Index writer at a known seq. Its owner holds the index lock.
pub(super) struct IndexUpdater<'a> {
    index: &'a tantivy::Index,
    columns: &'a IndexColumns,
    catalogue: &'a Catalogue,
    writer: IndexWriter<TantivyDocument>,
    seq: i64,
}

impl<'a> IndexUpdater<'a> {
    /// Creates a writer for an index at `seq`; 0 is an empty index.
    pub(super) fn new(
        index: &'a tantivy::Index,
        columns: &'a IndexColumns,
        catalogue: &'a Catalogue,
        seq: i64,
    ) -> Result<Self, Error> {
        let is_small = catalogue.seq()?.saturating_sub(seq) < SMALL_CHANGE_COUNT;
        let writer = new_writer(index, if is_small { SMALL_MEMORY } else { MEMORY })?;
        Ok(Self {
            index,
            columns,
            catalogue,
            writer,
            seq,
        })
    }

    /// Returns the seq of the last applied change.
    pub(super) fn seq(&self) -> i64 {
        self.seq
    }

    /// Applies every change since the current seq in one commit. Calls `on_progress` with the number
    /// of changes of each page.
    pub(super) fn catch_up(&mut self, on_progress: &mut dyn FnMut(usize)) -> Result<(), Error> {
        let from = self.seq;
        // Later changes wait for the next call; otherwise a running scan could keep this loop busy
        // forever.
        let until = self.catalogue.seq()?;
        while self.seq < until {
            let changes = self.catalogue.changes(self.seq, PAGE)?;
            let Some(last) = changes.last() else { break };
            self.seq = last.seq;
            // No clip occurs twice up to `until`, so an empty index has nothing to delete.
            let may_exist = |change: &&Change| from > 0 || change.seq > until;
            self.delete(changes.iter().filter(may_exist))?;
            for change in &changes {
                if let Some(clip) = &change.now {
                    let document = self.columns.document(clip_number(change), clip);
                    self.writer.add_document(document)?;
                }
            }
            on_progress(changes.len());
        }
        if self.seq == from && from > 0 {
            return Ok(());
        }
        self.commit()
    }

    fn delete<'c>(&mut self, changes: impl Iterator<Item = &'c Change>) -> Result<(), Error> {
        let old: Vec<Term> = changes
            .map(|change| Term::from_field_u64(self.columns.clip, clip_number(change)))
            .collect();
        if !old.is_empty() {
            // One query per page, because the writer needs a kilobyte per query until the commit.
            let query = TermSetQuery::new(old);
            self.writer.delete_query(Box::new(query))?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Error> {
        let payload = CommitPayload {
            catalogue: self.catalogue.uuid()?,
            seq: self.seq,
            documents: DOCUMENT_VERSION,
        };
        let payload = serde_json::to_string(&payload)
            .map_err(|error| TantivyError::InternalError(error.to_string()))?;
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        Ok(())
    }

    /// Merges segments and applies catalogue changes in the meantime, so that another process waits
    /// for a commit and not for a merge.
    ///
    /// A commit removes a segment when it deletes the segment's last document. A merge of that
    /// segment then has nothing to replace: tantivy discards its result and reports an error.
    /// Nothing is lost, so the segments to merge are selected again. If that happens too often,
    /// only small segments are merged, without applying changes. Such a merge cannot fail in this
    /// way. Each applied change creates a segment, so the number of merges that run during commits
    /// is limited.
    pub(super) fn merge(&mut self, effort: MergeEffort) -> Result<(), Error> {
        let mut discarded = 0;
        for _ in 0..MAX_MERGES {
            let applies_changes = discarded < MAX_DISCARDED;
            let effort = if applies_changes {
                effort
            } else {
                MergeEffort::SMALL
            };
            let segments = merge::next(&sizes(self.index)?, effort);
            if segments.is_empty() {
                return Ok(());
            }
            let merged = if applies_changes {
                self.merge_and_apply_changes(&segments)
            } else {
                let merge = self.writer.merge(&segments);
                merge.wait().map(drop).map_err(Error::from)
            };
            match merged {
                Err(Error::Index(_)) if applies_changes && !self.has_all(&segments)? => {
                    discarded += 1;
                }
                merged => {
                    merged?;
                    discarded = 0;
                }
            }
        }
        Ok(())
    }

    /// Merges some segments and applies catalogue changes in the meantime.
    fn merge_and_apply_changes(&mut self, segments: &[SegmentId]) -> Result<(), Error> {
        let merge = self.writer.merge(segments);
        let (sender, receiver) = channel();
        // Sending fails only if the receiver was dropped because applying changes failed.
        thread::spawn(move || sender.send(merge.wait()));
        loop {
            match receiver.recv_timeout(POLL_INTERVAL) {
                Ok(outcome) => return outcome.map(drop).map_err(Error::from),
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Thread),
                Err(RecvTimeoutError::Timeout) => {
                    if self.catalogue.seq()? != self.seq {
                        self.catch_up(&mut |_| ())?;
                    }
                }
            }
        }
    }

    /// Returns true if all of these segments are part of the last commit.
    fn has_all(&self, segments: &[SegmentId]) -> Result<bool, Error> {
        let committed = self.index.searchable_segment_ids()?;
        Ok(segments.iter().all(|segment| committed.contains(segment)))
    }
}

/// Creates a writer without automatic merges, because tantivy would abort them when the writer is
/// dropped.
pub(super) fn new_writer(
    index: &tantivy::Index,
    memory: usize,
) -> Result<IndexWriter<TantivyDocument>, Error> {
    index
        .tokenizers()
        .register(TOKENS, SpaceTokenizer::default());
    let options = IndexWriterOptions::builder()
        .memory_budget_per_thread(memory)
        .num_worker_threads(1)
        .num_merge_threads(1)
        .build();
    let writer = index.writer_with_options(options)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    Ok(writer)
}

/// Returns the sizes of an index's segments.
pub(super) fn sizes(index: &tantivy::Index) -> Result<Vec<SegmentSize<SegmentId>>, Error> {
    let segments = index.searchable_segment_metas()?;
    let size = |segment: &SegmentMeta| SegmentSize {
        id: segment.id(),
        alive: segment.num_docs().into(),
        dead: segment.num_deleted_docs().into(),
    };
    Ok(segments.iter().map(size).collect())
}

fn clip_number(change: &Change) -> u64 {
    u64::try_from(change.clip).unwrap_or(0)
}
