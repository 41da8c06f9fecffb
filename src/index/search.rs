//! Searches: clips that match a query in a sort order, and counts by facet.

use std::time::{Duration, Instant};

use tantivy::TantivyError;
use tantivy::collector::{Collector, Count};

use super::catch_panic::guarded;
use super::compile::{QueryCompiler, tag_query};
use super::facet_counts::{FacetCounter, Tallies};
use super::order::{SortOrder, TopClips};
use super::write_lock::LOCK_TIMEOUT;
use super::{Index, IndexNotice};
use crate::catalogue::Catalogue;
use crate::clip::Facet;
use crate::error::Error;
use crate::query::Query;

/// Maximum number of bytes checked again after a search.
const RECHECK_BYTES: u64 = 64 * 1024 * 1024;

/// Result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// Number of matches.
    pub total: usize,
    /// Ids of the top hits, best first; ties keep insertion order.
    pub clips: Vec<i64>,
}

/// Search interface to an up-to-date index. A damaged index is rebuilt, so it does not make a
/// search fail.
pub struct Finder<'a> {
    catalogue: &'a Catalogue,
    index: Index,
    mounted: Vec<i64>,
    /// Maximum wait for the lock before the search uses an index in memory.
    pub(super) lock_timeout: Duration,
}

impl<'a> Finder<'a> {
    /// Brings the index up to date with the catalogue.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn open(
        catalogue: &'a Catalogue,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<Self, Error> {
        Ok(Self {
            catalogue,
            index: Index::current(catalogue, "search", on_notice)?,
            mounted: catalogue.mounted()?,
            lock_timeout: LOCK_TIMEOUT,
        })
    }

    /// Returns the top matching clips, at most `limit`.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn find(
        &mut self,
        query: &Query,
        order: &SortOrder,
        limit: usize,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<Hits, Error> {
        self.run(on_notice, |index, mounted| {
            index.search(query, mounted, order, limit)
        })
    }

    /// Counts all matching clips by facet. If `in_full` is true, also sums running times and sizes.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn tally(
        &mut self,
        query: &Query,
        facets: &[Facet],
        in_full: bool,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<Tallies, Error> {
        self.run(on_notice, |index, mounted| {
            index.tally(query, mounted, facets, in_full)
        })
    }

    /// Counts the matching clips.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn count(
        &mut self,
        query: &Query,
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<usize, Error> {
        self.run(on_notice, |index, mounted| {
            index.count_found(query, mounted)
        })
    }

    /// Counts the clips that have one of the tags or one of their descendants.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read.
    pub fn count_tagged(
        &mut self,
        tags: &[String],
        on_notice: &mut dyn FnMut(&IndexNotice),
    ) -> Result<usize, Error> {
        self.run(on_notice, |index, _| index.count_tagged(tags))
    }

    /// Runs a search. If it fails in any way, including a panic, rebuilds the index and searches
    /// again. If that fails too, or another process holds the lock, searches an index in memory.
    pub(super) fn run<T>(
        &mut self,
        on_notice: &mut dyn FnMut(&IndexNotice),
        search: impl Fn(&Index, &[i64]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let run = |index: &Index| guarded(|| search(index, &self.mounted));
        if let Ok(answer) = run(&self.index) {
            return Ok(answer);
        }
        on_notice(&IndexNotice::Inconsistent);
        let started = Instant::now();
        let has_timed_out = || started.elapsed() >= self.lock_timeout;
        match Index::rebuild_unless(&has_timed_out, self.catalogue, on_notice, &mut |_, _| ()) {
            Ok(Some(index)) => {
                let answer = run(&index);
                self.index = index;
                if answer.is_ok() {
                    return answer;
                }
            }
            Ok(None) => on_notice(&IndexNotice::InMemory {
                reason: "another process is still writing it".to_owned(),
            }),
            Err(error) => on_notice(&IndexNotice::InMemory {
                reason: error.to_string(),
            }),
        }
        let index = Index::in_memory(self.catalogue)?;
        let answer = guarded(|| search(&index, &self.mounted));
        self.index = index;
        answer
    }

    /// Merges small segments and checks due files again. Call this after printing the result.
    pub fn tidy(self, on_notice: &mut dyn FnMut(&IndexNotice)) {
        let (catalogue, has_due) = (self.catalogue, self.index.has_due);
        let mut tidied = self.index.tidy_after(catalogue);
        // Closes the index before the recheck: mapped pages stay in memory, so the medium would not
        // be read.
        drop(self);
        if has_due && tidied.is_ok() {
            tidied = Index::recheck(catalogue, RECHECK_BYTES, on_notice);
        }
        if let Err(error) = tidied {
            on_notice(&IndexNotice::NotTidied {
                reason: error.to_string(),
            });
        }
    }
}

impl Index {
    /// Returns the top matching clips, at most `limit`. `mounted` holds the ids of the mounted
    /// volumes.
    ///
    /// # Errors
    /// Returns an error if the index cannot be read.
    pub fn search(
        &self,
        query: &Query,
        mounted: &[i64],
        order: &SortOrder,
        limit: usize,
    ) -> Result<Hits, Error> {
        let ranked = TopClips { order, limit };
        let top_of_all = if query.is_everything() {
            guarded(|| Ok(ranked.top_of_all(&self.reader.searcher())?))?
        } else {
            None
        };
        let ranking = match top_of_all {
            Some(ranking) => ranking,
            None => self.collect(query, mounted, &ranked)?,
        };
        self.check_plausible(ranking.total, &ranking.clips, limit)
    }

    /// Returns an error for an impossible result: more clips than exist, fewer than requested, a
    /// duplicate, or an id that the catalogue never assigned. Only a damaged index returns such a
    /// result.
    fn check_plausible(&self, total: usize, clips: &[u64], limit: usize) -> Result<Hits, Error> {
        let all = usize::try_from(self.count()).unwrap_or(usize::MAX);
        let is_valid = |clip: &i64| (1..=self.last_clip).contains(clip);
        let valid: Vec<i64> = clips
            .iter()
            .filter_map(|&clip| i64::try_from(clip).ok().filter(is_valid))
            .collect();
        let mut distinct = valid.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if total > all || distinct.len() != clips.len() || clips.len() != total.min(limit) {
            return Err(TantivyError::InternalError(
                "the index returned an impossible result".to_owned(),
            )
            .into());
        }
        Ok(Hits {
            total,
            clips: valid,
        })
    }

    /// Counts all matching clips by facet. If `in_full` is true, also sums running times and sizes.
    ///
    /// # Errors
    /// Returns an error if the index cannot be read.
    pub fn tally(
        &self,
        query: &Query,
        mounted: &[i64],
        facets: &[Facet],
        in_full: bool,
    ) -> Result<Tallies, Error> {
        self.collect(query, mounted, &FacetCounter { facets, in_full })
    }

    /// Counts the matching clips.
    ///
    /// # Errors
    /// Returns an error if the index cannot be read.
    pub fn count_found(&self, query: &Query, mounted: &[i64]) -> Result<usize, Error> {
        self.collect(query, mounted, &Count)
    }

    /// Counts the clips that have one of the tags or one of their descendants.
    ///
    /// # Errors
    /// Returns an error if the index cannot be read.
    pub fn count_tagged(&self, tags: &[String]) -> Result<usize, Error> {
        let query = tag_query(&self.columns, tags);
        guarded(|| Ok(self.reader.searcher().search(&query, &Count)?))
    }

    /// Runs a collector over the matching clips.
    fn collect<C: Collector>(
        &self,
        query: &Query,
        mounted: &[i64],
        collector: &C,
    ) -> Result<C::Fruit, Error> {
        guarded(|| {
            let searcher = self.reader.searcher();
            let compiler = QueryCompiler {
                searcher: &searcher,
                columns: &self.columns,
                mounted,
            };
            Ok(searcher.search(&compiler.query(query)?, collector)?)
        })
    }
}
