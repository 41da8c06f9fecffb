//! From a query's tree to tantivy's, and the clips that match, best first.

use std::ops::Bound;

use tantivy::collector::sort_key::{SortBySimilarityScore, SortByStaticFastValue};
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, Occur,
    PhraseQuery, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Order, Term as IndexTerm};

use super::document::{CLIP, Column};
use super::guard::guarded;
use super::{Index, Note};
use crate::catalogue::Catalogue;
use crate::clip::{FIELDS, Wanted};
use crate::error::Error;
use crate::query::{Query, Term};
use crate::value::words::{folded_parts, folded_runs};

type Built = Box<dyn tantivy::query::Query>;

/// How much less a word counts when only the parts of a run match it.
const PARTS: f32 = 0.6;
/// How much the other fields that match count beside the best one.
const TIE: f32 = 0.2;

/// What a query found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// How many clips match.
    pub total: usize,
    /// The numbers of the best of them, best first; equals stand as they were first seen.
    pub clips: Vec<i64>,
}

/// What a query found, and where.
pub struct Found {
    /// The clips.
    pub hits: Hits,
    index: Index,
}

/// The clips that match every term now, at most `most` of them: what was changed last in the
/// catalogue is found, and no state of the index makes this fail.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn find(
    query: &Query,
    catalogue: &Catalogue,
    most: usize,
    told: &mut dyn FnMut(&Note),
) -> Result<Found, Error> {
    let index = Index::current(catalogue, "search", told)?;
    if let Ok(hits) = index.search(query, most) {
        return Ok(Found { hits, index });
    }
    drop(index);
    told(&Note::Damaged {
        file: "in a way that no checksum tells".to_owned(),
    });
    let index =
        Index::remake(catalogue, told, &mut |_, _| ()).or_else(|_| Index::in_memory(catalogue))?;
    let hits = index.search(query, most)?;
    Ok(Found { hits, index })
}

impl Found {
    /// Merges what many small changes left, now that nobody waits for the answer any more.
    pub fn tidy(self, catalogue: &Catalogue, told: &mut dyn FnMut(&Note)) {
        if let Err(error) = self.index.tidy_after(catalogue) {
            told(&Note::Untidy {
                reason: error.to_string(),
            });
        }
    }
}

impl Index {
    /// The clips that match every term, at most `most` of them.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&self, query: &Query, most: usize) -> Result<Hits, Error> {
        guarded(|| self.search_it(query, most))
    }

    fn search_it(&self, query: &Query, most: usize) -> Result<Hits, Error> {
        let searcher = self.reader.searcher();
        let terms = query
            .terms
            .iter()
            .map(|term| (Occur::Must, self.term(term)));
        let built: Built = if query.terms.is_empty() {
            Box::new(AllQuery)
        } else {
            Box::new(BooleanQuery::new(terms.collect()))
        };
        let most = most.clamp(
            1,
            usize::try_from(searcher.num_docs())
                .unwrap_or(usize::MAX)
                .max(1),
        );
        let by_number = SortByStaticFastValue::<u64>::for_field(CLIP);
        let best =
            TopDocs::with_limit(most).order_by((SortBySimilarityScore, (by_number, Order::Asc)));
        let (total, found) = searcher.search(&built, &(Count, best))?;
        let clips = found
            .into_iter()
            .filter_map(|((_, number), _)| i64::try_from(number?).ok());
        Ok(Hits {
            total,
            clips: clips.collect(),
        })
    }

    fn term(&self, term: &Term) -> Built {
        match term {
            Term::Words(words) => self.anywhere(words),
            Term::Field { any_of } => {
                let fields = any_of.iter().map(|(at, wanted)| self.field(*at, wanted));
                // A filter says which clips, not which are better.
                Box::new(ConstScoreQuery::new(either(fields.collect()), 0.0))
            }
        }
    }

    /// Words in any field that plain words look into, the weightiest counting most.
    fn anywhere(&self, text: &str) -> Built {
        let fields = FIELDS
            .iter()
            .zip(&self.columns.all)
            .filter(|(field, _)| field.weight > 0.0);
        let queries = fields.filter_map(|(field, column)| {
            let found = in_column(*column, text)?;
            Some(Box::new(BoostQuery::new(found, field.weight)) as Built)
        });
        let queries: Vec<Built> = queries.collect();
        if queries.is_empty() {
            return Box::new(EmptyQuery);
        }
        Box::new(DisjunctionMaxQuery::with_tie_breaker(queries, TIE))
    }

    fn field(&self, at: usize, wanted: &Wanted) -> Built {
        let column = self.columns.all.get(at).copied().unwrap_or(Column::Absent);
        match (column, wanted) {
            (Column::Number(field), Wanted::Between(from, to)) => Box::new(RangeQuery::new(
                Bound::Included(IndexTerm::from_field_i64(field, *from)),
                Bound::Included(IndexTerm::from_field_i64(field, *to)),
            )),
            (column, Wanted::Words(text)) => {
                in_column(column, text).unwrap_or_else(|| Box::new(EmptyQuery))
            }
            _ => Box::new(EmptyQuery),
        }
    }
}

/// Words together and in order in one field: as whole runs, or by their parts.
fn in_column(column: Column, text: &str) -> Option<Built> {
    let Column::Words { whole, parts } = column else {
        return None;
    };
    let by_parts = together(parts, &folded_parts(text))?;
    let by_runs = together(whole, &folded_runs(text))?;
    Some(either(vec![
        by_runs,
        Box::new(BoostQuery::new(by_parts, PARTS)),
    ]))
}

fn together(field: Field, words: &[String]) -> Option<Built> {
    let mut terms: Vec<IndexTerm> = words
        .iter()
        .map(|word| IndexTerm::from_field_text(field, word))
        .collect();
    match terms.len() {
        0 => None,
        1 => Some(Box::new(TermQuery::new(
            terms.remove(0),
            IndexRecordOption::WithFreqs,
        ))),
        _ => Some(Box::new(PhraseQuery::new(terms))),
    }
}

fn either(queries: Vec<Built>) -> Built {
    Box::new(DisjunctionMaxQuery::new(queries))
}
