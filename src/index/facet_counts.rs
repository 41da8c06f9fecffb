//! Counts search results by facet value: number of clips, total running time and size.

use std::collections::HashMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Cardinality, Column, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::document::facet_column;
use crate::clip::Facet;

/// Number, total running time and total size of a set of clips.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Number of clips.
    pub clips: u64,
    /// Total running time in microseconds.
    pub micros: i64,
    /// Total size in bytes, counting one copy of each clip.
    pub bytes: i64,
}

impl Sum {
    /// Adds another sum; running time and size saturate.
    pub fn add(&mut self, other: Self) {
        self.clips += other.clips;
        self.micros = self.micros.saturating_add(other.micros);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// Search results counted by one facet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Name of the facet.
    pub facet: &'static str,
    /// Facet values, most frequent first; ties by name. A clip may have several values.
    pub rows: Vec<(String, Sum)>,
    /// Clips without a value.
    pub without: Sum,
}

/// Search results counted by several facets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tallies {
    /// Sum of all matching clips.
    pub total: Sum,
    /// One tally per requested facet, in the order of the request.
    pub facets: Vec<Tally>,
}

/// Collector that counts results by facet.
pub(super) struct FacetCounter<'a> {
    pub facets: &'a [Facet],
    /// True if running times and sizes are requested.
    pub in_full: bool,
}

/// Result of a segment: the sum of all clips and, for each facet, the sums by value and the sum of
/// the clips without a value.
type SegmentCounts = (Sum, Vec<(HashMap<String, Sum>, Sum)>);

pub(super) struct SegmentCounter {
    facets: Vec<FacetValues>,
    duration: Option<Column<i64>>,
    bytes: Option<Column<i64>>,
    in_full: bool,
    total: Sum,
}

struct FacetValues {
    column: Option<StrColumn>,
    sums: Sums,
    without: Sum,
    /// Buffer for the values of a block of documents.
    ordinals: Vec<Option<u64>>,
}

impl FacetValues {
    /// Counts documents, each with its sum, or as one clip if `sums` is `None`.
    fn count(&mut self, docs: &[DocId], sums: Option<&[Sum]>) {
        let sum = |at: usize| {
            let single_clip = Sum {
                clips: 1,
                ..Sum::default()
            };
            sums.and_then(|sums| sums.get(at))
                .copied()
                .unwrap_or(single_clip)
        };
        let Some(column) = &self.column else {
            (0..docs.len()).for_each(|at| self.without.add(sum(at)));
            return;
        };
        let ordinals = column.ords();
        if ordinals.get_cardinality() == Cardinality::Multivalued {
            for (at, doc) in docs.iter().enumerate() {
                let mut has_any = false;
                for ordinal in ordinals.values_for_doc(*doc) {
                    has_any = true;
                    self.sums.add(ordinal, sums.is_some().then(|| sum(at)));
                }
                if !has_any {
                    self.without.add(sum(at));
                }
            }
            return;
        }
        self.ordinals.clear();
        self.ordinals.resize(docs.len(), None);
        ordinals.first_vals(docs, &mut self.ordinals);
        for (at, ordinal) in self.ordinals.iter().enumerate() {
            match ordinal {
                Some(ordinal) => self.sums.add(*ordinal, sums.is_some().then(|| sum(at))),
                None => self.without.add(sum(at)),
            }
        }
    }
}

/// Sums by term ordinal. Clip counts are separate, because often nothing else is requested.
struct Sums {
    clips: Vec<u32>,
    others: Vec<Sum>,
}

impl Sums {
    fn add(&mut self, ordinal: u64, sum: Option<Sum>) {
        let Ok(at) = usize::try_from(ordinal) else {
            return;
        };
        if let Some(clips) = self.clips.get_mut(at) {
            *clips += 1;
        }
        if let (Some(sum), Some(total)) = (sum, self.others.get_mut(at)) {
            total.add(sum);
        }
    }

    fn sum_at(&self, at: usize) -> Sum {
        Sum {
            clips: self.clips.get(at).copied().unwrap_or(0).into(),
            ..self.others.get(at).copied().unwrap_or_default()
        }
    }
}

/// Reads a column for a block of documents and passes each value to `set`; a missing value is 0.
fn add_column(
    column: Option<&Column<i64>>,
    docs: &[DocId],
    sums: &mut [Sum],
    set: impl Fn(&mut Sum, i64),
) {
    let Some(column) = column else { return };
    let mut numbers = vec![None; docs.len()];
    column.first_vals(docs, &mut numbers);
    for (sum, number) in sums.iter_mut().zip(numbers) {
        set(sum, number.unwrap_or(0));
    }
}

impl Collector for FacetCounter<'_> {
    type Fruit = Tallies;
    type Child = SegmentCounter;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentCounter> {
        let columns = segment.fast_fields();
        let mut facets = Vec::new();
        for facet in self.facets {
            let column = columns.str(&facet_column(facet.name))?;
            let terms = column
                .as_ref()
                .map_or(0, |column| column.dictionary().num_terms());
            facets.push(FacetValues {
                column,
                sums: Sums {
                    clips: vec![0; terms],
                    others: vec![Sum::default(); if self.in_full { terms } else { 0 }],
                },
                without: Sum::default(),
                ordinals: Vec::new(),
            });
        }
        let number = |name: &str| {
            if self.in_full {
                columns.column_opt::<i64>(name)
            } else {
                Ok(None)
            }
        };
        Ok(SegmentCounter {
            facets,
            duration: number("duration")?,
            bytes: number("bytes")?,
            in_full: self.in_full,
            total: Sum::default(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<SegmentCounts>) -> tantivy::Result<Tallies> {
        let mut total = Sum::default();
        let mut all = vec![(HashMap::<String, Sum>::new(), Sum::default()); self.facets.len()];
        for (sum, facets) in segments {
            total.add(sum);
            for ((values, without), (more, more_without)) in all.iter_mut().zip(facets) {
                without.add(more_without);
                for (value, sum) in more {
                    values.entry(value).or_default().add(sum);
                }
            }
        }
        let tally = |(facet, (values, without)): (&Facet, (HashMap<String, Sum>, Sum))| {
            let mut rows: Vec<(String, Sum)> = values.into_iter().collect();
            rows.sort_by(|a, b| b.1.clips.cmp(&a.1.clips).then_with(|| a.0.cmp(&b.0)));
            Tally {
                facet: facet.name,
                rows,
                without,
            }
        };
        Ok(Tallies {
            total,
            facets: self.facets.iter().zip(all).map(tally).collect(),
        })
    }
}

impl SegmentCollector for SegmentCounter {
    type Fruit = SegmentCounts;

    fn collect(&mut self, doc: DocId, _: Score) {
        self.collect_block(&[doc]);
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        if !self.in_full {
            self.total.clips += docs.len() as u64;
            for values in &mut self.facets {
                values.count(docs, None);
            }
            return;
        }
        let single_clip = Sum {
            clips: 1,
            ..Sum::default()
        };
        let mut sums = vec![single_clip; docs.len()];
        add_column(self.duration.as_ref(), docs, &mut sums, |sum, micros| {
            sum.micros = micros;
        });
        add_column(self.bytes.as_ref(), docs, &mut sums, |sum, bytes| {
            sum.bytes = bytes;
        });
        for sum in &sums {
            self.total.add(*sum);
        }
        for values in &mut self.facets {
            values.count(docs, Some(&sums));
        }
    }

    fn harvest(self) -> SegmentCounts {
        let facets = self.facets.into_iter().map(|values| {
            let mut named = HashMap::new();
            // Reads all terms in order, because a lookup of one term would read the terms before
            // it.
            let terms = values
                .column
                .as_ref()
                .map(|column| column.dictionary().stream());
            if let Some(Ok(mut terms)) = terms {
                let mut at = 0;
                while terms.advance() {
                    let sum = values.sums.sum_at(at);
                    at += 1;
                    if sum.clips > 0 {
                        let text = String::from_utf8_lossy(terms.key()).into_owned();
                        named.insert(text, sum);
                    }
                }
            }
            (named, values.without)
        });
        (self.total, facets.collect())
    }
}
