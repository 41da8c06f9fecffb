//! Splits queries into tokens: brackets, operators, and words with their quotes and prefixes.

/// One token of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `(`; `is_not` is true after `-`, `!` or `not:`.
    Open {
        is_not: bool,
    },
    Close,
    /// `OR`; all operators must be in capitals.
    Or,
    And,
    Not,
    /// Any other text: a word, a quoted phrase, or a field with its value.
    Term(String),
}

/// Splits text at spaces outside quotes, and separates brackets from the words next to them.
pub(super) fn tokenize(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for piece in split_unquoted(text) {
        if piece == "|" {
            tokens.push(Token::Or);
        } else {
            push_term(&piece, &mut tokens);
        }
    }
    tokens
}

/// Pushes the tokens of a word and of the brackets around it. Brackets that open and close inside a
/// word are part of it: `clip(1).mov`.
fn push_term(piece: &str, tokens: &mut Vec<Token>) {
    let mut rest = piece;
    loop {
        if let Some(inner) = rest.strip_prefix('(') {
            tokens.push(Token::Open { is_not: false });
            rest = inner;
        } else if let Some(inner) = ["-(", "!(", "not:("]
            .iter()
            .find_map(|not| rest.strip_prefix(not))
        {
            tokens.push(Token::Open { is_not: true });
            rest = inner;
        } else {
            break;
        }
    }
    let mut closes = 0;
    while let Some(inner) = rest.strip_suffix(')') {
        if inner.contains('(') && !inner.contains('"') {
            break;
        }
        rest = inner;
        closes += 1;
    }
    match rest {
        "" => {}
        "OR" => tokens.push(Token::Or),
        "NOT" => tokens.push(Token::Not),
        "AND" => tokens.push(Token::And),
        rest => tokens.push(Token::Term(rest.to_owned())),
    }
    tokens.extend(std::iter::repeat_n(Token::Close, closes));
}

/// Splits text at spaces outside quotes.
#[must_use]
pub fn split_unquoted(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut is_quoted = false;
    for c in text.chars() {
        is_quoted ^= c == '"';
        match pieces.last_mut() {
            Some(piece) if is_quoted || !c.is_whitespace() => piece.push(c),
            _ => pieces.push(String::new()),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Splits text at commas outside quotes.
pub(super) fn split_at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        is_quoted ^= c == '"';
        if c == ',' && !is_quoted {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}
