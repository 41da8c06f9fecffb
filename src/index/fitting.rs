//! Words that are as a pattern says, `*` standing for any letters: matched by the pieces between
//! the stars, each found as early as it can be. tantivy makes an automaton of a regular
//! expression, state by state and for every column again, which takes longer than the search.

use std::sync::Arc;

use tantivy::query::{AutomatonWeight, EnableScoring, Query, Weight};
use tantivy::schema::Field;
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

/// A query for words of one column that fit a pattern.
#[derive(Debug, Clone)]
pub(super) struct Fitting {
    pub(super) field: Field,
    pub(super) pattern: Arc<Pattern>,
}

impl Query for Fitting {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let pattern = self.pattern.clone();
        Ok(Box::new(AutomatonWeight::<Pattern>::new(
            self.field, pattern,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::fits;
    use proptest::prelude::*;

    fn is_it(pattern: &str, word: &str) -> bool {
        let pattern = Pattern::new(pattern);
        let mut state = pattern.start();
        for byte in word.bytes() {
            state = pattern.accept(&state, byte);
        }
        pattern.is_match(&state)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn words_fit_as_they_do_elsewhere(pattern in "[abé*]{1,7}", word in "[abé]{0,9}") {
            prop_assert_eq!(is_it(&pattern, &word), fits(&pattern, &word));
        }
    }
}
