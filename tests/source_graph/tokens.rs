//! Tokens of Rust source text, as far as the layer tests need them: names, paths, strings and
//! punctuation. Comments, characters and lifetimes are dropped.

/// Token of a source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// Name, keyword or number.
    Word(String),
    /// Content of a string literal.
    Text(String),
    /// `::`
    Separator,
    /// Any other character.
    Mark(char),
}

impl Token {
    /// Returns the name of a word token.
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Returns true for the word `word`.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.word() == Some(word)
    }
}

/// Splits a source text into tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader {
        rest: text,
        tokens: Vec::new(),
    };
    while reader.step() {}
    reader.tokens
}

struct Reader<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Reader<'a> {
    /// Reads one token. Returns false at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.block_comment();
        } else if let Some(hashes) = raw_string(self.rest) {
            let open = self.rest.find('"').unwrap() + 1;
            self.take(open);
            let end = format!("\"{}", "#".repeat(hashes));
            let length = self.rest.find(&end).expect("a raw string ends");
            let text = self.take(length).to_owned();
            self.take(end.len());
            self.tokens.push(Token::Text(text));
        } else if first == '"'
            || ["b\"", "c\""]
                .iter()
                .any(|open| self.rest.starts_with(open))
        {
            self.take(self.rest.find('"').unwrap() + 1);
            self.string();
        } else if first == '\'' || self.rest.starts_with("b'") {
            self.take(self.rest.find('\'').unwrap() + 1);
            self.character_or_lifetime();
        } else if first.is_alphanumeric() || first == '_' {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let length = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            let word = self.take(length).to_owned();
            // A raw name: `r#type`.
            if !(word == "r" && self.rest.starts_with('#')) {
                self.tokens.push(Token::Word(word));
            }
        } else if self.rest.starts_with("::") {
            self.take(2);
            self.tokens.push(Token::Separator);
        } else {
            self.take(first.len_utf8());
            if !first.is_whitespace() {
                self.tokens.push(Token::Mark(first));
            }
        }
        true
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
            } else {
                let next = self.rest.chars().next().expect("a comment ends");
                self.take(next.len_utf8());
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let mut text = String::new();
        loop {
            let next = self.rest.chars().next().expect("a string ends");
            self.take(next.len_utf8());
            match next {
                '"' => break,
                '\\' => {
                    let escaped = self.rest.chars().next().expect("a string ends");
                    self.take(escaped.len_utf8());
                    text.push(if escaped == 'n' { '\n' } else { escaped });
                }
                next => text.push(next),
            }
        }
        self.tokens.push(Token::Text(text));
    }

    fn character_or_lifetime(&mut self) {
        let mut chars = self.rest.chars();
        let (first, second) = (chars.next(), chars.next());
        if first == Some('\\') {
            self.take(2);
            let length = self.rest.find('\'').expect("a character ends");
            self.take(length + 1);
        } else if second == Some('\'') {
            self.take(first.map_or(0, char::len_utf8) + 1);
        }
    }
}

/// Returns the number of `#` if a raw string begins here.
fn raw_string(text: &str) -> Option<usize> {
    let rest = ["r", "br", "cr"]
        .iter()
        .find_map(|open| text.strip_prefix(open))?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

#[test]
fn comments_characters_and_lifetimes_are_dropped() {
    let text = r##"
        // use crate::a;
        /* nested /* use crate::b; */ */
        fn f<'a>(x: &'a str) -> char { '"' ; '\'' ; '{' ; b'\\' ; "a \" crate::c" ; r#"x"y"# }
    "##;
    let found = tokens(text);
    let strings: Vec<&Token> = found
        .iter()
        .filter(|token| matches!(token, Token::Text(_)))
        .collect();
    let expected = ["a \" crate::c", "x\"y"].map(|text| Token::Text(text.to_owned()));
    assert_eq!(strings, expected.iter().collect::<Vec<_>>());
    assert!(!found.iter().any(|token| token.is("crate")));
    let braces = |brace| {
        found
            .iter()
            .filter(move |token| **token == Token::Mark(brace))
    };
    assert_eq!((braces('{').count(), braces('}').count()), (1, 1));
}
