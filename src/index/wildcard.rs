//! Words that are as a pattern says, `*` standing for any letters: matched by the pieces between
//! the stars, each found as early as it can be. tantivy makes an automaton of a regular
//! expression, state by state and for every column again, which takes longer than the search.

use std::fmt::Debug;
use std::sync::Arc;

use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::query::{
    AutomatonWeight, BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError};
use tantivy_fst::Automaton;

/// A pattern, cut at its stars.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What words begin with, what stands in them, and what they end with.
    pieces: Vec<Piece>,
}

/// Bytes that stand together, and for each how many of the first ones are also the last up to
/// it: where to go on when the next one differs (Knuth, Morris and Pratt).
#[derive(Debug)]
struct Piece {
    bytes: Vec<u8>,
    falls: Vec<usize>,
}

impl Piece {
    fn new(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        let mut falls = vec![0; bytes.len()];
        for at in 1..bytes.len() {
            let mut matched = falls[at - 1];
            while matched > 0 && bytes[matched] != bytes[at] {
                matched = falls[matched - 1];
            }
            falls[at] = matched + usize::from(bytes[matched] == bytes[at]);
        }
        Self { bytes, falls }
    }

    /// How many of its bytes stand at the end of what was read, one more byte read.
    fn read(&self, mut matched: usize, byte: u8) -> usize {
        if matched == self.bytes.len() {
            matched = match matched {
                0 => return 0,
                all => self.falls[all - 1],
            };
        }
        while matched > 0 && self.bytes[matched] != byte {
            matched = self.falls[matched - 1];
        }
        matched + usize::from(self.bytes[matched] == byte)
    }
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let pieces: Vec<&str> = text.split('*').collect();
        let last = pieces.len() - 1;
        let pieces = pieces.into_iter().enumerate();
        // Two stars are as good as one.
        let kept = pieces.filter(|(at, piece)| *at == 0 || *at == last || !piece.is_empty());
        Self {
            pieces: kept.map(|(_, piece)| Piece::new(piece)).collect(),
        }
    }

    fn last(&self) -> usize {
        self.pieces.len() - 1
    }

    /// The next piece, where one is complete that is not the last.
    fn settled(&self, state: State) -> State {
        if state.piece < self.last() && state.matched == self.pieces[state.piece].bytes.len() {
            State {
                piece: state.piece + 1,
                matched: 0,
            }
        } else {
            state
        }
    }
}

/// The piece that is looked for, and how much of it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    piece: usize,
    matched: usize,
}

impl Automaton for Pattern {
    /// `None` when no word fits that begins so.
    type State = Option<State>;

    fn start(&self) -> Option<State> {
        Some(self.settled(State {
            piece: 0,
            matched: 0,
        }))
    }

    fn is_match(&self, state: &Option<State>) -> bool {
        state.is_some_and(|state| {
            state.piece == self.last() && state.matched == self.pieces[state.piece].bytes.len()
        })
    }

    fn can_match(&self, state: &Option<State>) -> bool {
        state.is_some()
    }

    fn will_always_match(&self, state: &Option<State>) -> bool {
        let is_open = self.last() > 0 && self.pieces[self.last()].bytes.is_empty();
        is_open && self.is_match(state)
    }

    fn accept(&self, state: &Option<State>, byte: u8) -> Option<State> {
        let State { piece, matched } = (*state)?;
        let here = &self.pieces[piece];
        let matched = if piece == 0 {
            // Words begin with it.
            (here.bytes.get(matched) == Some(&byte)).then_some(matched + 1)?
        } else {
            here.read(matched, byte)
        };
        Some(self.settled(State { piece, matched }))
    }
}

/// A query for words of one column that an automaton takes.
#[derive(Debug)]
pub(super) struct Fitting<A> {
    pub(super) field: Field,
    pub(super) automaton: Arc<A>,
}

impl<A> Clone for Fitting<A> {
    fn clone(&self) -> Self {
        Self {
            field: self.field,
            automaton: self.automaton.clone(),
        }
    }
}

impl<A> Query for Fitting<A>
where
    A: Automaton<State: Clone> + Debug + Send + Sync + 'static,
{
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let automaton = self.automaton.clone();
        Ok(Box::new(AutomatonWeight::<A>::new(self.field, automaton)))
    }
}

/// A query for words of one column that fit patterns, each so many places after the first.
#[derive(Debug, Clone)]
pub(super) struct FittingPhrase {
    pub(super) field: Field,
    pub(super) patterns: Vec<(u32, Arc<Pattern>)>,
}

/// A place that the first word of a phrase may stand at.
type Spot = (DocId, u32);

impl FittingPhrase {
    /// Where it stands in a segment: the words of the rarest pattern first, then those of each
    /// other only where the ones before leave room for them.
    fn spots(&self, segment: &SegmentReader) -> tantivy::Result<Vec<Spot>> {
        let index = segment.inverted_index(self.field)?;
        let mut all = Vec::new();
        for (place, pattern) in &self.patterns {
            let mut fitting = Vec::new();
            let mut documents = 0;
            let mut words = index.terms().search(&**pattern).into_stream()?;
            while words.advance() {
                documents += u64::from(words.value().doc_freq);
                fitting.push(words.value().clone());
            }
            all.push((documents, *place, fitting));
        }
        all.sort_by_key(|(documents, ..)| *documents);
        let postings = |word: &TermInfo| {
            index.read_postings_from_terminfo(word, IndexRecordOption::WithFreqsAndPositions)
        };
        let mut all = all.into_iter();
        let mut spots = Vec::new();
        if let Some((_, place, fitting)) = all.next() {
            for word in fitting {
                every_spot(&mut postings(&word)?, place, &mut spots);
            }
            spots.sort_unstable();
        }
        for (_, place, fitting) in all {
            let mut left = Left::new(spots, segment.max_doc());
            for word in fitting {
                left.keep(&mut postings(&word)?, place);
            }
            spots = left.kept();
        }
        Ok(spots)
    }
}

/// Hears every spot that a word at some place of a phrase leaves to it.
fn every_spot(postings: &mut SegmentPostings, place: u32, found: &mut Vec<Spot>) {
    let mut positions = Vec::new();
    while postings.doc() != TERMINATED {
        postings.positions(&mut positions);
        let begin = positions.iter().filter_map(|at| at.checked_sub(place));
        found.extend(begin.map(|begin| (postings.doc(), begin)));
        postings.advance();
    }
}

/// Spots that are left, in order, of which those are kept that a further word agrees with. They
/// are looked up for each document that each of many words is in.
struct Left {
    spots: Vec<Spot>,
    /// For each document, and one more, the place of the first spot that is not before it.
    firsts: Vec<usize>,
    is_kept: Vec<bool>,
}

impl Left {
    fn new(spots: Vec<Spot>, max_doc: DocId) -> Self {
        let mut firsts = Vec::with_capacity(max_doc as usize + 1);
        let mut at = 0;
        for doc in 0..=max_doc {
            while spots.get(at).is_some_and(|(other, _)| *other < doc) {
                at += 1;
            }
            firsts.push(at);
        }
        Self {
            is_kept: vec![false; spots.len()],
            spots,
            firsts,
        }
    }

    /// Keeps those that a word at some place of the phrase agrees with.
    fn keep(&mut self, postings: &mut SegmentPostings, place: u32) {
        let mut positions = Vec::new();
        let mut doc = postings.doc();
        // That which comes after the last document stands for none, too.
        while let Some(&[first, end]) = self.firsts.get(doc as usize..).and_then(<[_]>::first_chunk)
        {
            let these = &self.spots[first..end];
            if these.is_empty() {
                let Some((next, _)) = self.spots.get(first) else {
                    return;
                };
                doc = postings.seek(*next);
                continue;
            }
            postings.positions(&mut positions);
            for begin in positions.iter().filter_map(|at| at.checked_sub(place)) {
                if let Ok(found) = these.binary_search_by_key(&begin, |(_, begin)| *begin) {
                    self.is_kept[first + found] = true;
                }
            }
            doc = postings.advance();
        }
    }

    fn kept(self) -> Vec<Spot> {
        let kept = self.spots.into_iter().zip(self.is_kept);
        let kept = kept.filter(|(_, is_kept)| *is_kept);
        kept.map(|(spot, _)| spot).collect()
    }
}

impl Query for FittingPhrase {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for FittingPhrase {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut docs = BitSet::with_max_value(segment.max_doc());
        for (doc, _) in self.spots(segment)? {
            docs.insert(doc);
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(docs), boost)))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let is_there = self.spots(segment)?.iter().any(|(spot, _)| *spot == doc);
        if is_there {
            return Ok(Explanation::new("words that fit patterns", 1.0));
        }
        Err(TantivyError::InvalidArgument(format!(
            "document {doc} does not match"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::takes;
    use crate::value::matches_wildcard;
    use proptest::prelude::*;

    fn is_it(pattern: &str, word: &str) -> bool {
        takes(&Pattern::new(pattern), word)
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(4000))]
        #[test]
        fn words_fit_as_they_do_elsewhere(pattern in "[abé*]{1,7}", word in "[abé]{0,9}") {
            prop_assert_eq!(is_it(&pattern, &word), matches_wildcard(&pattern, &word));
        }
    }
}
