//! The grammar:
//!
//! ```text
//! query  = { either }                      all must hold; AND may stand between
//! either = one { OR one }                  OR ties closer: a b OR c is a and (b or c)
//! one    = NOT one | ( query ) | -( query ) | term
//! term   = -term | !term | @name | "phrase" | word | name:value
//! ```

use std::cell::Cell;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::field_query::named;
use super::names::{self, Name};
use super::tokenize::{Token, tokens};
use super::{Context, Query, wrong};
use crate::clip::{Clip, Kind};
use crate::error::Error;
use crate::value::Words;

/// Brackets in brackets, and saved searches in saved searches, go no deeper.
const DEEPEST: usize = 32;
/// More words than this nobody types, and no machine should be kept busy with; words that stand
/// for many count for many.
const MOST_WORDS: usize = 500;

pub(super) fn arguments<S: AsRef<str>>(
    arguments: &[S],
    context: &Context<'_>,
) -> Result<Query, Error> {
    Reader::new(context).read(lexed(arguments), 0)
}

pub(super) fn line(line: &str, context: &Context<'_>) -> Result<Query, Error> {
    Reader::new(context).read(tokens(line), 0)
}

fn lexed<S: AsRef<str>>(arguments: &[S]) -> Vec<Token> {
    let mut all = Vec::new();
    for argument in arguments {
        let argument = argument.as_ref();
        let tokens = tokens(argument);
        if is_one_field(argument, &tokens) {
            all.push(Token::Term(argument.trim().to_owned()));
        } else {
            all.extend(tokens);
        }
    }
    all
}

/// What is read by, and how much may still be read: a saved search that names others twice
/// doubles each time.
pub(super) struct Reader<'a> {
    pub(super) context: &'a Context<'a>,
    left: Cell<usize>,
}

impl<'a> Reader<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            left: Cell::new(MOST_WORDS),
        }
    }

    fn read(&self, tokens: Vec<Token>, depth: usize) -> Result<Query, Error> {
        let mut parser = Parser {
            tokens: tokens.into_iter().peekable(),
            reader: self,
            depth,
        };
        let query = parser.query()?;
        match parser.tokens.next() {
            None => Ok(query),
            Some(_) => Err(wrong(
                "a `)` that closes nothing".to_owned(),
                "put text with brackets in quotes",
            )),
        }
    }

    /// Counts what more is asked for, by what it takes to find it.
    pub(super) fn charge(&self, query: &Query) -> Result<(), Error> {
        match self.left.get().checked_sub(query.effort()) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(wrong(
                "a query of more than 500 words, where some such as those with `*` or `~` count for more"
                    .to_owned(),
                "ask for less at a time",
            )),
        }
    }
}

/// Whether a shell took quotes away from one field's value, or from a saved search's name.
fn is_one_field(argument: &str, tokens: &[Token]) -> bool {
    let [Token::Term(first), rest @ ..] = tokens else {
        return false;
    };
    let is_plain = |token: &Token| match token {
        Token::Term(term) => {
            !term.starts_with(['-', '!', '@'])
                && names::split(term).is_none_or(|(name, _)| names::meaning(name).is_none())
        }
        _ => false,
    };
    has_text(first) && !argument.contains('"') && rest.iter().all(is_plain)
}

/// Whether a term names something that blanks may stand in, whatever says that it is not.
fn has_text(term: &str) -> bool {
    let mut term = term;
    loop {
        if let Some(rest) = term.strip_prefix(['-', '!']) {
            term = rest;
            continue;
        }
        if let Some(name) = term.strip_prefix('@') {
            return !name.is_empty();
        }
        let Some((name, value)) = names::split(term) else {
            return false;
        };
        return !value.is_empty()
            && match names::meaning(name) {
                Some(Name::Not) => {
                    term = value;
                    continue;
                }
                Some(Name::Saved) => true,
                Some(Name::Field(name)) => {
                    Clip::fields_named(name).any(|(_, field)| matches!(field.kind, Kind::Words))
                }
                _ => false,
            };
    }
}

struct Parser<'a> {
    tokens: Peekable<IntoIter<Token>>,
    reader: &'a Reader<'a>,
    depth: usize,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, Error> {
        let mut all = Vec::new();
        while let Some(token) = self.tokens.peek() {
            match token {
                Token::Close => break,
                Token::And if !all.is_empty() => {
                    self.tokens.next();
                    if !self.begins_one() {
                        return Err(dangling("AND"));
                    }
                }
                Token::And => return Err(dangling("AND")),
                Token::Or => return Err(dangling("OR")),
                _ => all.push(self.either()?),
            }
        }
        Ok(Query::all(all))
    }

    fn either(&mut self) -> Result<Query, Error> {
        let mut any = vec![self.one()?];
        while self.tokens.next_if_eq(&Token::Or).is_some() {
            if !self.begins_one() {
                return Err(dangling("OR"));
            }
            any.push(self.one()?);
        }
        Ok(Query::any(any))
    }

    fn begins_one(&mut self) -> bool {
        matches!(
            self.tokens.peek(),
            Some(Token::Term(_) | Token::Not | Token::Open { .. })
        )
    }

    fn one(&mut self) -> Result<Query, Error> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(too_deep());
        }
        let query = match self.tokens.next() {
            Some(Token::Not) if self.begins_one() => self.one().map(Query::none),
            Some(Token::Not) => Err(dangling("NOT")),
            Some(Token::Open { is_not }) => {
                let inner = self.query()?;
                if self.tokens.next() != Some(Token::Close) {
                    return Err(wrong(
                        "a `(` that is not closed".to_owned(),
                        "put text with brackets in quotes",
                    ));
                }
                if inner.is_everything() {
                    return Err(wrong(
                        "`()` asks for nothing".to_owned(),
                        "write something between the brackets",
                    ));
                }
                Ok(if is_not { Query::none(inner) } else { inner })
            }
            Some(Token::Term(text)) => term(&text, self.reader, self.depth),
            Some(Token::Or) => Err(dangling("OR")),
            Some(Token::And | Token::Close) | None => Err(dangling("AND")),
        };
        self.depth -= 1;
        query
    }
}

/// One term, without blanks outside of quotes.
pub(super) fn term(text: &str, reader: &Reader<'_>, depth: usize) -> Result<Query, Error> {
    if depth > DEEPEST {
        return Err(too_deep());
    }
    if let Some(rest) = text.strip_prefix(['-', '!'])
        && !rest.is_empty()
    {
        return term(rest, reader, depth + 1).map(Query::none);
    }
    if let Some(name) = text.strip_prefix('@') {
        return saved(name.trim_matches('"'), reader, depth);
    }
    if let Some((name, value)) = names::split(text)
        && !(value.is_empty() && names::meaning(name).is_none())
    {
        return named(name, value, reader, depth);
    }
    let words = match text.strip_prefix('"') {
        Some(phrase) => Words::exact(phrase.trim_end_matches('"')),
        // Quotes elsewhere are only what stands between words: 7" single.
        None => Words::read(&text.replace('"', "-")),
    };
    let words = words.map_err(|found| {
        wrong(
            format!("{:?} is nothing to search for", found.text),
            "write words of letters and digits",
        )
    })?;
    let query = Query::Words(words);
    reader.charge(&query)?;
    Ok(query)
}

/// What a saved search asks for.
pub(super) fn saved(name: &str, reader: &Reader<'_>, depth: usize) -> Result<Query, Error> {
    if name.trim().is_empty() {
        return Err(wrong(
            "`@` asks for nothing".to_owned(),
            "write the name of a saved search after it",
        ));
    }
    if depth + 2 > DEEPEST {
        return Err(wrong(
            format!("the saved search `{name}` goes round in circles"),
            "save it anew without naming itself",
        ));
    }
    match (reader.context.saved)(name)? {
        Some(words) => reader.read(lexed(&words), depth + 1),
        None => Err(wrong(
            format!("no saved search `{name}`"),
            "`btsindex search --saved` lists them all",
        )),
    }
}

fn dangling(operator: &str) -> Error {
    let sides = match operator {
        "NOT" => "after it",
        _ => "on both sides",
    };
    wrong(
        format!("`{operator}` needs something {sides}"),
        format!(
            "to search for the word itself, write it small: `{}`",
            operator.to_lowercase()
        ),
    )
}

fn too_deep() -> Error {
    wrong(
        "a query with too many brackets in brackets".to_owned(),
        "ask for less at a time",
    )
}
