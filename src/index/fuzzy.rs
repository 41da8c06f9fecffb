//! Automaton for words within a small edit distance, including transpositions.
//!
//! It computes the distance table row by row, limited to the cells that can still be within the
//! distance. tantivy would build a table of all states for each column, which takes longer than the
//! search itself.

use std::str;

use tantivy_fst::Automaton;

use crate::value::max_edit_distance;

/// Maximum edit distance.
const MAX_DISTANCE: u8 = 2;
/// Number of cells in a row, which the maximum distance requires.
const BAND: usize = 2 * MAX_DISTANCE as usize + 1;
/// Stands for any distance above the maximum.
const TOO_FAR: u8 = MAX_DISTANCE + 1;

/// Distances between the letters read and the prefixes of the word. The prefixes are from
/// [`MAX_DISTANCE`] letters shorter to [`MAX_DISTANCE`] letters longer.
type DistanceRow = [u8; BAND];

/// Word, and the maximum distance of matching words.
#[derive(Debug)]
pub(super) struct FuzzyWord {
    letters: Vec<char>,
    max_distance: u8,
}

/// State after some letters of a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct FuzzyState {
    /// Number of letters read.
    read: usize,
    row: DistanceRow,
    /// Previous row, and the letter read between the two rows.
    before: Option<(DistanceRow, char)>,
    /// First bytes of an incomplete UTF-8 character.
    partial: [u8; 4],
    partial_bytes: usize,
}

impl FuzzyWord {
    pub(super) fn new(word: &str) -> Self {
        Self::with_distance(max_edit_distance(word), word)
    }

    /// Creates an automaton for words within `max_distance`, which is limited to [`MAX_DISTANCE`].
    pub(super) fn with_distance(max_distance: u8, word: &str) -> Self {
        Self {
            letters: word.chars().collect(),
            max_distance: max_distance.min(MAX_DISTANCE),
        }
    }

    /// Returns the length of the prefix that belongs to cell `at` after `read` letters; `None` if
    /// it would be negative.
    fn prefix_length(read: usize, at: usize) -> Option<usize> {
        (read + at).checked_sub(MAX_DISTANCE.into())
    }

    /// Computes the row after one more letter; returns `None` if no continuation can be within the
    /// distance.
    fn next(&self, state: &FuzzyState, letter: char) -> Option<FuzzyState> {
        let read = state.read + 1;
        let mut row = [TOO_FAR; BAND];
        for at in 0..BAND {
            let Some(position) =
                Self::prefix_length(read, at).filter(|position| *position <= self.letters.len())
            else {
                continue;
            };
            // Insertion: in the previous row, the same prefix is one cell further.
            let mut least = state
                .row
                .get(at + 1)
                .map_or(TOO_FAR, |distance| distance + 1);
            if at > 0 {
                // Deletion.
                least = least.min(row[at - 1] + 1);
            }
            if let Some(last) = position.checked_sub(1) {
                let expected_letter = self.letters[last];
                least = least.min(state.row[at] + u8::from(expected_letter != letter));
                if let (Some((before, letter_before)), Some(next_to_last)) =
                    (state.before, last.checked_sub(1))
                    && expected_letter == letter_before
                    && self.letters[next_to_last] == letter
                {
                    least = least.min(before[at] + 1);
                }
            }
            row[at] = least.min(TOO_FAR);
        }
        let is_near = row.iter().any(|distance| *distance <= self.max_distance);
        // The next letter may complete a transposition. Its distance is computed from the previous
        // row.
        let may_transpose = state
            .row
            .iter()
            .any(|distance| *distance < self.max_distance);
        (is_near || may_transpose).then_some(FuzzyState {
            read,
            row,
            before: Some((state.row, letter)),
            partial: [0; 4],
            partial_bytes: 0,
        })
    }
}

impl Automaton for FuzzyWord {
    /// `None` if no word with the letters read so far can match.
    type State = Option<FuzzyState>;

    fn start(&self) -> Option<FuzzyState> {
        let mut row = [TOO_FAR; BAND];
        for (at, distance) in row.iter_mut().enumerate() {
            if let Some(position) =
                Self::prefix_length(0, at).filter(|position| *position <= self.letters.len())
            {
                *distance = u8::try_from(position).unwrap_or(TOO_FAR).min(TOO_FAR);
            }
        }
        Some(FuzzyState {
            read: 0,
            row,
            before: None,
            partial: [0; 4],
            partial_bytes: 0,
        })
    }

    fn is_match(&self, state: &Option<FuzzyState>) -> bool {
        state.is_some_and(|state| {
            let at = (self.letters.len() + usize::from(MAX_DISTANCE)).checked_sub(state.read);
            let distance = at.and_then(|at| state.row.get(at));
            state.partial_bytes == 0
                && distance.is_some_and(|distance| *distance <= self.max_distance)
        })
    }

    fn can_match(&self, state: &Option<FuzzyState>) -> bool {
        state.is_some()
    }

    fn accept(&self, state: &Option<FuzzyState>, byte: u8) -> Option<FuzzyState> {
        let mut state = (*state)?;
        if state.partial_bytes == 0 && byte.is_ascii() {
            return self.next(&state, byte.into());
        }
        *state.partial.get_mut(state.partial_bytes)? = byte;
        state.partial_bytes += 1;
        match str::from_utf8(&state.partial[..state.partial_bytes]) {
            Ok(letter) => letter
                .chars()
                .next()
                .and_then(|letter| self.next(&state, letter)),
            // The character is still incomplete.
            Err(error) if error.error_len().is_none() => Some(state),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::accepts;
    use proptest::prelude::*;

    fn matches(query: &str, word: &str) -> bool {
        accepts(&FuzzyWord::new(query), word)
    }

    #[test]
    fn longer_words_may_differ_in_more_letters() {
        assert!(matches("drumer", "drummer") && matches("drumer", "durmer"));
        assert!(!matches("drumer", "drummers"));
        assert!(matches("drumerss", "drummers") && matches("unterview", "interviews"));
        assert!(matches("東京タワー", "東京タフー") && !matches("東京", "大阪"));
        assert!(!matches("drumer", ""));
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(20_000))]
        #[test]
        fn the_automaton_agrees_with_the_osa_distance(query in "[abé東]{1,10}", word in "[abé東]{0,12}") {
            let expected = strsim::osa_distance(&query, &word) <= usize::from(max_edit_distance(&query));
            prop_assert_eq!(matches(&query, &word), expected);
        }

        #[test]
        fn a_word_with_some_typos_agrees_with_the_osa_distance(query in "[a-d京]{2,12}", typos in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8), 0..4)) {
            let mut letters: Vec<char> = query.chars().collect();
            for (at, typo) in typos {
                let at = at.index(letters.len());
                match typo {
                    0 => letters.insert(at, 'b'),
                    1 => letters[at] = 'é',
                    2 if letters.len() > 1 => { letters.remove(at); }
                    _ if at > 0 => letters.swap(at - 1, at),
                    _ => {}
                }
            }
            let word: String = letters.into_iter().collect();
            let expected = strsim::osa_distance(&query, &word) <= usize::from(max_edit_distance(&query));
            prop_assert_eq!(matches(&query, &word), expected, "{} {}", query, word);
        }
    }
}
