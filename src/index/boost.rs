//! Query that gives its matches a fixed weight plus a small bonus for the match score. A word in a
//! tag always scores higher than one in a folder name, however rare it is in folder names.

use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score, SegmentReader, Term};

/// Maximum bonus for the match score; less than the difference between any two weights.
const MAX_BONUS: Score = 0.4;
/// Match score that earns half of the bonus.
const HALF_BONUS_SCORE: Score = 8.0;

/// Query whose matches all score within one tier.
#[derive(Debug)]
pub(super) struct TierQuery {
    inner: Box<dyn Query>,
    weight: Score,
}

impl TierQuery {
    pub(super) fn new(inner: Box<dyn Query>, weight: Score) -> Self {
        Self { inner, weight }
    }
}

impl Clone for TierQuery {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.box_clone(),
            weight: self.weight,
        }
    }
}

impl Query for TierQuery {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let is_scored = scoring.is_scoring_enabled();
        let inner = self.inner.weight(scoring)?;
        Ok(if is_scored {
            Box::new(TierWeight {
                inner,
                weight: self.weight,
            })
        } else {
            inner
        })
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.inner.query_terms(visitor);
    }
}

struct TierWeight {
    inner: Box<dyn Weight>,
    weight: Score,
}

impl Weight for TierWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(Box::new(TierScorer {
            inner: self.inner.scorer(reader, 1.0)?,
            weight: self.weight * boost,
        }))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.inner.explain(reader, doc)
    }

    fn count(&self, reader: &SegmentReader) -> tantivy::Result<u32> {
        self.inner.count(reader)
    }
}

struct TierScorer {
    inner: Box<dyn Scorer>,
    weight: Score,
}

impl DocSet for TierScorer {
    fn advance(&mut self) -> DocId {
        self.inner.advance()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.inner.seek(target)
    }

    fn doc(&self) -> DocId {
        self.inner.doc()
    }

    fn size_hint(&self) -> u32 {
        self.inner.size_hint()
    }

    fn cost(&self) -> u64 {
        self.inner.cost()
    }
}

impl Scorer for TierScorer {
    fn score(&mut self) -> Score {
        let score = self.inner.score();
        self.weight + MAX_BONUS * score / (score + HALF_BONUS_SCORE)
    }
}
