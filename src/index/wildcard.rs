//! Wildcard patterns, in which `*` matches any number of characters.
//!
//! The automaton searches for the pieces between the stars and takes the earliest match of each.
//! tantivy would compile a regular expression state by state for each column, which takes longer
//! than the search itself.

use std::fmt::Debug;
use std::sync::Arc;

use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::query::{
    AutomatonWeight, BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError};
use tantivy_fst::Automaton;

/// Pattern, split at its stars.
#[derive(Debug)]
pub(super) struct WildcardPattern {
    /// Prefix, inner pieces and suffix of the matching words; prefix and suffix may be empty.
    pieces: Vec<PatternPiece>,
}

/// Literal bytes between two stars. `fallbacks` is the failure table of the Knuth-Morris-Pratt
/// algorithm: for each position, the length of the longest proper prefix that is also a suffix of
/// the bytes up to there.
#[derive(Debug)]
struct PatternPiece {
    bytes: Vec<u8>,
    fallbacks: Vec<usize>,
}

impl PatternPiece {
    fn new(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        let mut fallbacks = vec![0; bytes.len()];
        for at in 1..bytes.len() {
            let mut matched = fallbacks[at - 1];
            while matched > 0 && bytes[matched] != bytes[at] {
                matched = fallbacks[matched - 1];
            }
            fallbacks[at] = matched + usize::from(bytes[matched] == bytes[at]);
        }
        Self { bytes, fallbacks }
    }

    /// Returns the number of matched bytes after reading one more byte.
    fn read(&self, mut matched: usize, byte: u8) -> usize {
        if matched == self.bytes.len() {
            matched = match matched {
                0 => return 0,
                all => self.fallbacks[all - 1],
            };
        }
        while matched > 0 && self.bytes[matched] != byte {
            matched = self.fallbacks[matched - 1];
        }
        matched + usize::from(self.bytes[matched] == byte)
    }
}

impl WildcardPattern {
    pub(super) fn new(text: &str) -> Self {
        let pieces: Vec<&str> = text.split('*').collect();
        let last = pieces.len() - 1;
        let pieces = pieces.into_iter().enumerate();
        // Adjacent stars are equivalent to one.
        let nonempty = pieces.filter(|(at, piece)| *at == 0 || *at == last || !piece.is_empty());
        Self {
            pieces: nonempty
                .map(|(_, piece)| PatternPiece::new(piece))
                .collect(),
        }
    }

    fn last(&self) -> usize {
        self.pieces.len() - 1
    }

    /// Advances to the next piece if the current one is complete and is not the last.
    fn next_piece(&self, state: PatternState) -> PatternState {
        if state.piece < self.last() && state.matched == self.pieces[state.piece].bytes.len() {
            PatternState {
                piece: state.piece + 1,
                matched: 0,
            }
        } else {
            state
        }
    }
}

/// Piece to match next, and the number of its bytes matched so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct PatternState {
    piece: usize,
    matched: usize,
}

impl Automaton for WildcardPattern {
    /// `None` if no word with the prefix read so far can match.
    type State = Option<PatternState>;

    fn start(&self) -> Option<PatternState> {
        Some(self.next_piece(PatternState {
            piece: 0,
            matched: 0,
        }))
    }

    fn is_match(&self, state: &Option<PatternState>) -> bool {
        state.is_some_and(|state| {
            state.piece == self.last() && state.matched == self.pieces[state.piece].bytes.len()
        })
    }

    fn can_match(&self, state: &Option<PatternState>) -> bool {
        state.is_some()
    }

    fn will_always_match(&self, state: &Option<PatternState>) -> bool {
        let is_open = self.last() > 0 && self.pieces[self.last()].bytes.is_empty();
        is_open && self.is_match(state)
    }

    fn accept(&self, state: &Option<PatternState>, byte: u8) -> Option<PatternState> {
        let PatternState { piece, matched } = (*state)?;
        let current = &self.pieces[piece];
        let matched = if piece == 0 {
            // The first piece is a prefix of the word.
            (current.bytes.get(matched) == Some(&byte)).then_some(matched + 1)?
        } else {
            current.read(matched, byte)
        };
        Some(self.next_piece(PatternState { piece, matched }))
    }
}

/// Query for words of one column that an automaton accepts.
#[derive(Debug)]
pub(super) struct AutomatonQuery<A> {
    pub(super) field: Field,
    pub(super) automaton: Arc<A>,
}

impl<A> Clone for AutomatonQuery<A> {
    fn clone(&self) -> Self {
        Self {
            field: self.field,
            automaton: self.automaton.clone(),
        }
    }
}

impl<A> Query for AutomatonQuery<A>
where
    A: Automaton<State: Clone> + Debug + Send + Sync + 'static,
{
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let automaton = self.automaton.clone();
        Ok(Box::new(AutomatonWeight::<A>::new(self.field, automaton)))
    }
}

/// Query for a phrase of patterns in one column. Each pattern has an offset from the first word.
#[derive(Debug, Clone)]
pub(super) struct PatternPhraseQuery {
    pub(super) field: Field,
    pub(super) patterns: Vec<(u32, Arc<WildcardPattern>)>,
}

/// Document, and position at which a phrase may start.
type PhraseStart = (DocId, u32);

impl PatternPhraseQuery {
    /// Returns the phrase starts in a segment. Reads the pattern with the fewest documents first,
    /// and the others only where the previous ones match.
    fn starts(&self, segment: &SegmentReader) -> tantivy::Result<Vec<PhraseStart>> {
        let index = segment.inverted_index(self.field)?;
        let mut all = Vec::new();
        for (offset, pattern) in &self.patterns {
            let mut matching = Vec::new();
            let mut documents = 0;
            let mut words = index.terms().search(&**pattern).into_stream()?;
            while words.advance() {
                documents += u64::from(words.value().doc_freq);
                matching.push(words.value().clone());
            }
            all.push((documents, *offset, matching));
        }
        all.sort_by_key(|(documents, ..)| *documents);
        let postings = |word: &TermInfo| {
            index.read_postings_from_terminfo(word, IndexRecordOption::WithFreqsAndPositions)
        };
        let mut all = all.into_iter();
        let mut starts = Vec::new();
        if let Some((_, offset, matching)) = all.next() {
            for word in matching {
                add_starts(&mut postings(&word)?, offset, &mut starts);
            }
            starts.sort_unstable();
        }
        for (_, offset, matching) in all {
            let mut candidates = PhraseCandidates::new(starts, segment.max_doc());
            for word in matching {
                candidates.confirm(&mut postings(&word)?, offset);
            }
            starts = candidates.confirmed();
        }
        Ok(starts)
    }
}

/// Adds every phrase start for which a word is at `offset` within the phrase.
fn add_starts(postings: &mut SegmentPostings, offset: u32, found: &mut Vec<PhraseStart>) {
    let mut positions = Vec::new();
    while postings.doc() != TERMINATED {
        postings.positions(&mut positions);
        let begin = positions.iter().filter_map(|at| at.checked_sub(offset));
        found.extend(begin.map(|begin| (postings.doc(), begin)));
        postings.advance();
    }
}

/// Sorted phrase starts, which a further pattern confirms or rejects. `firsts` gives fast access to
/// the starts in a document, because many words may each be in many documents.
struct PhraseCandidates {
    starts: Vec<PhraseStart>,
    /// For each document, the index of the first start in it or after it; one more entry marks the
    /// end.
    firsts: Vec<usize>,
    is_confirmed: Vec<bool>,
}

impl PhraseCandidates {
    fn new(starts: Vec<PhraseStart>, max_doc: DocId) -> Self {
        let mut firsts = Vec::with_capacity(max_doc as usize + 1);
        let mut at = 0;
        for doc in 0..=max_doc {
            while starts.get(at).is_some_and(|(other, _)| *other < doc) {
                at += 1;
            }
            firsts.push(at);
        }
        Self {
            is_confirmed: vec![false; starts.len()],
            starts,
            firsts,
        }
    }

    /// Confirms the starts for which a word is at `offset` within the phrase.
    fn confirm(&mut self, postings: &mut SegmentPostings, offset: u32) {
        let mut positions = Vec::new();
        let mut doc = postings.doc();
        // Ends at `TERMINATED`, which has no entry in `firsts`.
        while let Some(&[first, end]) = self.firsts.get(doc as usize..).and_then(<[_]>::first_chunk)
        {
            let doc_starts = &self.starts[first..end];
            if doc_starts.is_empty() {
                let Some((next, _)) = self.starts.get(first) else {
                    return;
                };
                doc = postings.seek(*next);
                continue;
            }
            postings.positions(&mut positions);
            for begin in positions.iter().filter_map(|at| at.checked_sub(offset)) {
                if let Ok(found) = doc_starts.binary_search_by_key(&begin, |(_, begin)| *begin) {
                    self.is_confirmed[first + found] = true;
                }
            }
            doc = postings.advance();
        }
    }

    fn confirmed(self) -> Vec<PhraseStart> {
        let confirmed = self.starts.into_iter().zip(self.is_confirmed);
        let confirmed = confirmed.filter(|(_, is_confirmed)| *is_confirmed);
        confirmed.map(|(start, _)| start).collect()
    }
}

impl Query for PatternPhraseQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for PatternPhraseQuery {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut docs = BitSet::with_max_value(segment.max_doc());
        for (doc, _) in self.starts(segment)? {
            docs.insert(doc);
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(docs), boost)))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let is_match = self.starts(segment)?.iter().any(|(start, _)| *start == doc);
        if is_match {
            return Ok(Explanation::new("words that match patterns", 1.0));
        }
        Err(TantivyError::InvalidArgument(format!(
            "document {doc} does not match"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::accepts;
    use crate::value::matches_wildcard;
    use proptest::prelude::*;

    fn matches(pattern: &str, word: &str) -> bool {
        accepts(&WildcardPattern::new(pattern), word)
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(4000))]
        #[test]
        fn the_automaton_matches_the_same_words_as_matches_wildcard(pattern in "[abé*]{1,7}", word in "[abé]{0,9}") {
            prop_assert_eq!(matches(&pattern, &word), matches_wildcard(&pattern, &word));
        }
    }
}
