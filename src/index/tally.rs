//! Counting what is found: how many clips, how long and how large, by each value of a facet.

use std::collections::HashMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Cardinality, Column, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::document::facet_column;
use crate::clip::Facet;

/// How many clips, how long they run and how large they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub clips: u64,
    /// Their running times together, microseconds.
    pub micros: i64,
    /// Their sizes together, one copy of each.
    pub bytes: i64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.clips += other.clips;
        self.micros = self.micros.saturating_add(other.micros);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What is found, counted by one facet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The facet's name.
    pub facet: &'static str,
    /// Each value, the most frequent first, equals by name. A clip may have several.
    pub rows: Vec<(String, Sum)>,
    /// Clips that have no value.
    pub without: Sum,
}

/// All that is found, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tallies {
    /// Everything together.
    pub whole: Sum,
    /// By each facet that was asked for, in that order.
    pub facets: Vec<Tally>,
}

/// Counts by some facets.
pub(super) struct Counting<'a> {
    pub facets: &'a [Facet],
    /// Whether running times and sizes are wanted too.
    pub in_full: bool,
}

/// What a segment came to: everything together, and for each facet its values and clips without.
type Counted = (Sum, Vec<(HashMap<String, Sum>, Sum)>);

pub(super) struct Segment {
    facets: Vec<Values>,
    duration: Option<Column<i64>>,
    bytes: Option<Column<i64>>,
    whole: Sum,
}

struct Values {
    column: Option<StrColumn>,
    sums: Vec<Sum>,
    without: Sum,
    /// Those of the documents at hand.
    ordinals: Vec<Option<u64>>,
}

/// One clip of which nothing else is counted.
const ONE: Sum = Sum {
    clips: 1,
    micros: 0,
    bytes: 0,
};

/// Takes a column's numbers over, many documents at once.
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

impl Values {
    fn count(&mut self, docs: &[DocId], sums: &[Sum]) {
        let Some(column) = &self.column else {
            sums.iter().for_each(|sum| self.without.add(*sum));
            return;
        };
        let ordinals = column.ords();
        if ordinals.get_cardinality() == Cardinality::Multivalued {
            for (doc, sum) in docs.iter().zip(sums) {
                let mut has_any = false;
                for ordinal in ordinals.values_for_doc(*doc) {
                    has_any = true;
                    add(&mut self.sums, ordinal, *sum);
                }
                if !has_any {
                    self.without.add(*sum);
                }
            }
            return;
        }
        self.ordinals.clear();
        self.ordinals.resize(docs.len(), None);
        ordinals.first_vals(docs, &mut self.ordinals);
        for (ordinal, sum) in self.ordinals.iter().zip(sums) {
            match ordinal {
                Some(ordinal) => add(&mut self.sums, *ordinal, *sum),
                None => self.without.add(*sum),
            }
        }
    }
}

fn add(sums: &mut [Sum], ordinal: u64, sum: Sum) {
    if let Some(known) = usize::try_from(ordinal)
        .ok()
        .and_then(|at| sums.get_mut(at))
    {
        known.add(sum);
    }
}

impl Collector for Counting<'_> {
    type Fruit = Tallies;
    type Child = Segment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Segment> {
        let columns = segment.fast_fields();
        let mut facets = Vec::new();
        for facet in self.facets {
            let column = columns.str(&facet_column(facet.name))?;
            let terms = column
                .as_ref()
                .map_or(0, |column| column.dictionary().num_terms());
            facets.push(Values {
                column,
                sums: vec![Sum::default(); terms],
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
        Ok(Segment {
            facets,
            duration: number("duration")?,
            bytes: number("bytes")?,
            whole: Sum::default(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Counted>) -> tantivy::Result<Tallies> {
        let mut whole = Sum::default();
        let mut all = vec![(HashMap::<String, Sum>::new(), Sum::default()); self.facets.len()];
        for (sum, facets) in segments {
            whole.add(sum);
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
            whole,
            facets: self.facets.iter().zip(all).map(tally).collect(),
        })
    }
}

impl SegmentCollector for Segment {
    type Fruit = Counted;

    fn collect(&mut self, doc: DocId, _: Score) {
        self.collect_block(&[doc]);
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        let mut sums = vec![ONE; docs.len()];
        add_column(self.duration.as_ref(), docs, &mut sums, |sum, micros| {
            sum.micros = micros
        });
        add_column(self.bytes.as_ref(), docs, &mut sums, |sum, bytes| {
            sum.bytes = bytes
        });
        for sum in &sums {
            self.whole.add(*sum);
        }
        for values in &mut self.facets {
            values.count(docs, &sums);
        }
    }

    fn harvest(self) -> Counted {
        let facets = self.facets.into_iter().map(|values| {
            let mut named = HashMap::new();
            if let Some(column) = &values.column {
                for (ordinal, sum) in values
                    .sums
                    .iter()
                    .enumerate()
                    .filter(|(_, sum)| sum.clips > 0)
                {
                    let mut text = String::new();
                    // A value that cannot be read back is counted without its name.
                    let _ = column.ord_to_str(ordinal as u64, &mut text);
                    named.entry(text).or_insert_with(Sum::default).add(*sum);
                }
            }
            (named, values.without)
        });
        (self.whole, facets.collect())
    }
}
