//! Passes pre-split words to tantivy as one text, with a space after each word. A list of tokens
//! would be passed between tantivy's threads as JSON.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::value::MAX_WILDCARDS;

/// Name under which the tokenizer is registered.
pub(super) const TOKENS: &str = "words";
/// Number of positions left free before each text of a field. The stars of a pattern span at most
/// this many words, so no match reaches from one text into the next.
const GAP: usize = MAX_WILDCARDS;

/// Joins words, each followed by a space.
pub(super) fn join_words<S: AsRef<str>>(words: &[S]) -> String {
    let mut text = String::with_capacity(words.len() * 8);
    for word in words {
        text.push_str(word.as_ref());
        text.push(' ');
    }
    text
}

/// Tokenizer that splits at spaces and does nothing else.
#[derive(Debug, Clone, Default)]
pub(super) struct SpaceTokenizer {
    token: Token,
}

/// Tokens of one text.
pub(super) struct SpaceTokens<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for SpaceTokenizer {
    type TokenStream<'a> = SpaceTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> SpaceTokens<'a> {
        self.token.reset();
        self.token.position = GAP - 1;
        SpaceTokens {
            rest: text,
            token: &mut self.token,
        }
    }
}

impl TokenStream for SpaceTokens<'_> {
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
    fn tokens_keep_their_positions() {
        let words = [(0, "東京"), (1, "京タ"), (2, "タ"), (3, "drum")]
            .map(|(at, word)| (at, word.to_owned()));
        let text = join_words(&words.clone().map(|(_, word)| word));
        let mut tokenizer = SpaceTokenizer::default();
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
