//! The text of a query as tokens: words with what is glued to them, quotes kept, and brackets.

/// One piece of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `(`, and whether it stands after `-`, `!` or `not:`.
    Open {
        is_not: bool,
    },
    /// `)`.
    Close,
    /// `OR`, `AND` and `NOT`, in capitals.
    Or,
    And,
    Not,
    /// Anything else: a word, a phrase in quotes, a field and its value.
    Term(String),
}

/// Cuts at blanks that stand in no quotes, and takes brackets off the ends of words.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for piece in pieces(text) {
        if piece == "|" {
            tokens.push(Token::Or);
        } else {
            term(&piece, &mut tokens);
        }
    }
    tokens
}

/// A word without the brackets that stand around it; one that both opens and closes a bracket
/// keeps it: `clip(1).mov`.
fn term(piece: &str, tokens: &mut Vec<Token>) {
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

/// What stands between blanks that are not in quotes.
#[must_use]
pub fn pieces(text: &str) -> Vec<String> {
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

/// Cuts at commas that stand in no quotes.
pub(super) fn at_commas(text: &str) -> Vec<&str> {
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
