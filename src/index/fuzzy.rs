//! Words that differ from one in a few letters, or in two that changed places: a row of the table
//! of distances at a time, and of that only what may still be near enough. tantivy makes a table
//! of every state there is, for every column again, which takes longer than the search.

use std::str;

use tantivy_fst::Automaton;

use crate::value::max_edit_distance;

/// The most letters that words may differ in, and how many places of a row that leaves.
const MOST_OFF: u8 = 2;
const BAND: usize = 2 * MOST_OFF as usize + 1;
/// A distance that is too far.
const FAR: u8 = MOST_OFF + 1;

/// The distances of what was read from the beginnings of the word: first from that which is
/// [`MOST_OFF`] letters shorter, last from that which is as many longer.
type Row = [u8; BAND];

/// A word, and in how many letters others may differ from it.
#[derive(Debug)]
pub(super) struct Alike {
    letters: Vec<char>,
    most_off: u8,
}

/// What was read of a word so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    /// How many letters.
    read: usize,
    row: Row,
    /// The row before it, and the letter between them.
    before: Option<(Row, char)>,
    /// The first bytes of a letter.
    begun: [u8; 4],
    begun_bytes: usize,
}

impl Alike {
    pub(super) fn new(word: &str) -> Self {
        Self::within(max_edit_distance(word), word)
    }

    /// Words may differ in so many letters, two at most.
    pub(super) fn within(most_off: u8, word: &str) -> Self {
        Self {
            letters: word.chars().collect(),
            most_off: most_off.min(MOST_OFF),
        }
    }

    /// The place in the word that a place of a row stands for, after so many letters.
    fn place(read: usize, at: usize) -> Option<usize> {
        (read + at).checked_sub(MOST_OFF.into())
    }

    /// The next row, one more letter read; `None` when nothing near enough begins so.
    fn next(&self, state: &State, letter: char) -> Option<State> {
        let read = state.read + 1;
        let mut row = [FAR; BAND];
        for at in 0..BAND {
            let Some(place) = Self::place(read, at).filter(|place| *place <= self.letters.len())
            else {
                continue;
            };
            // A letter too many; the same place is one further on in the row before.
            let mut least = state.row.get(at + 1).map_or(FAR, |far| far + 1);
            if at > 0 {
                // One too few.
                least = least.min(row[at - 1] + 1);
            }
            if let Some(last) = place.checked_sub(1) {
                let wanted = self.letters[last];
                least = least.min(state.row[at] + u8::from(wanted != letter));
                if let (Some((before, letter_before)), Some(next_to_last)) =
                    (state.before, last.checked_sub(1))
                    && wanted == letter_before
                    && self.letters[next_to_last] == letter
                {
                    least = least.min(before[at] + 1);
                }
            }
            row[at] = least.min(FAR);
        }
        let is_near = row.iter().any(|far| *far <= self.most_off);
        // Two letters that change places leave the row between them further off by one.
        let may_turn = state.row.iter().any(|far| *far < self.most_off);
        (is_near || may_turn).then_some(State {
            read,
            row,
            before: Some((state.row, letter)),
            begun: [0; 4],
            begun_bytes: 0,
        })
    }
}

impl Automaton for Alike {
    /// `None` when no word is near enough that begins so.
    type State = Option<State>;

    fn start(&self) -> Option<State> {
        let mut row = [FAR; BAND];
        for (at, far) in row.iter_mut().enumerate() {
            if let Some(place) = Self::place(0, at).filter(|place| *place <= self.letters.len()) {
                *far = u8::try_from(place).unwrap_or(FAR).min(FAR);
            }
        }
        Some(State {
            read: 0,
            row,
            before: None,
            begun: [0; 4],
            begun_bytes: 0,
        })
    }

    fn is_match(&self, state: &Option<State>) -> bool {
        state.is_some_and(|state| {
            let at = (self.letters.len() + usize::from(MOST_OFF)).checked_sub(state.read);
            let far = at.and_then(|at| state.row.get(at));
            state.begun_bytes == 0 && far.is_some_and(|far| *far <= self.most_off)
        })
    }

    fn can_match(&self, state: &Option<State>) -> bool {
        state.is_some()
    }

    fn accept(&self, state: &Option<State>, byte: u8) -> Option<State> {
        let mut state = (*state)?;
        if state.begun_bytes == 0 && byte.is_ascii() {
            return self.next(&state, byte.into());
        }
        *state.begun.get_mut(state.begun_bytes)? = byte;
        state.begun_bytes += 1;
        match str::from_utf8(&state.begun[..state.begun_bytes]) {
            Ok(letter) => letter
                .chars()
                .next()
                .and_then(|letter| self.next(&state, letter)),
            // Only begun.
            Err(error) if error.error_len().is_none() => Some(state),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::takes;
    use proptest::prelude::*;

    fn is_it(asked: &str, word: &str) -> bool {
        takes(&Alike::new(asked), word)
    }

    #[test]
    fn longer_words_may_differ_in_more() {
        assert!(is_it("drumer", "drummer") && is_it("drumer", "durmer"));
        assert!(!is_it("drumer", "drummers"));
        assert!(is_it("drumerss", "drummers") && is_it("unterview", "interviews"));
        assert!(is_it("東京タワー", "東京タフー") && !is_it("東京", "大阪"));
        assert!(!is_it("drumer", ""));
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(20_000))]
        #[test]
        fn words_are_alike_as_they_are_elsewhere(asked in "[abé東]{1,10}", word in "[abé東]{0,12}") {
            let expected = strsim::osa_distance(&asked, &word) <= usize::from(max_edit_distance(&asked));
            prop_assert_eq!(is_it(&asked, &word), expected);
        }

        #[test]
        fn a_word_with_a_slip_or_two_is_alike(asked in "[a-d京]{2,12}", slips in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8), 0..4)) {
            let mut letters: Vec<char> = asked.chars().collect();
            for (at, slip) in slips {
                let at = at.index(letters.len());
                match slip {
                    0 => letters.insert(at, 'b'),
                    1 => letters[at] = 'é',
                    2 if letters.len() > 1 => { letters.remove(at); }
                    _ if at > 0 => letters.swap(at - 1, at),
                    _ => {}
                }
            }
            let word: String = letters.into_iter().collect();
            let expected = strsim::osa_distance(&asked, &word) <= usize::from(max_edit_distance(&asked));
            prop_assert_eq!(is_it(&asked, &word), expected, "{} {}", asked, word);
        }
    }
}
