//! How words that were cut already are handed to tantivy: as one text, a blank after each. (As a
//! list of tokens they would go from thread to thread as JSON.)

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::value::MAX_WILDCARDS;

/// The name that the tokenizer is registered by.
pub(super) const TOKENS: &str = "words";
/// Places that are left free before each text of a field: as many as the stars of a pattern may
/// stand for, so that none reaches from one text into the next.
const GAP: usize = MAX_WILDCARDS;

/// Words one after the other.
pub(super) fn joined<S: AsRef<str>>(words: &[S]) -> String {
    let mut text = String::with_capacity(words.len() * 8);
    for word in words {
        text.push_str(word.as_ref());
        text.push(' ');
    }
    text
}

/// Cuts at blanks, and does nothing else.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    token: Token,
}

/// The words of one text.
pub(super) struct Stream<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        self.token.reset();
        self.token.position = GAP - 1;
        Stream {
            rest: text,
            token: &mut self.token,
        }
    }
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        let Some((word, rest)) = self.rest.split_once(' ') else {
            return false;
        };
        self.rest = rest;
        self.token.position += 1;
        self.token.text.clear();
        self.token.text.push_str(word);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_at_their_places() {
        let words = [(0, "東京"), (1, "京タ"), (2, "タ"), (3, "drum")]
            .map(|(at, word)| (at, word.to_owned()));
        let text = joined(&words.clone().map(|(_, word)| word));
        let mut tokenizer = Words::default();
        for _ in 0..2 {
            let mut stream = tokenizer.token_stream(&text);
            let mut seen = Vec::new();
            while stream.advance() {
                seen.push((stream.token().position - GAP, stream.token().text.clone()));
            }
            assert_eq!(seen, words);
        }
    }
}
