//! Parser of the query grammar.
//!
//! ```text
//! query        = { alternatives }            all must match; AND may separate them
//! alternatives = operand { OR operand }      OR binds tighter: a b OR c is a and (b or c)
//! operand      = NOT operand | ( query ) | -( query ) | term
//! term         = -term | !term | @name | "phrase" | word | name:value
//! ```

use std::cell::Cell;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::context::{Context, query_error};
use super::field_query::{key_of, parse_values, unquoted};
use super::keys::{self, QueryKey};
use super::tokenize::{Token, split_at_commas, tokenize};
use super::tree::Query;
use crate::clip::{Clip, FieldKind};
use crate::error::Error;
use crate::value::SearchWords;

/// Maximum nesting of brackets, negations and saved searches.
const MAX_DEPTH: usize = 32;
/// Maximum cost of a query in words. Users type less, and a larger query would take too long. A word
/// that matches many others counts several times.
const MAX_COST: usize = 500;

impl Query {
    /// Parses the words of a command line.
    ///
    /// A shell removes quotes: `tag:"ad shoot"` arrives as one argument that contains a space. So if
    /// an argument starts with a text field and contains no other syntax, the rest of it is the
    /// field's value.
    ///
    /// # Errors
    /// [`Error::Query`] if the query is invalid.
    pub fn parse<S: AsRef<str>>(arguments: &[S], context: &Context<'_>) -> Result<Self, Error> {
        ParseSession::new(context).parse(tokenize_arguments(arguments), 0)
    }

    /// Parses a line as typed, with its quotes.
    ///
    /// # Errors
    /// As for [`Query::parse`].
    pub fn parse_line(line: &str, context: &Context<'_>) -> Result<Self, Error> {
        ParseSession::new(context).parse(tokenize(line), 0)
    }
}

fn tokenize_arguments<S: AsRef<str>>(arguments: &[S]) -> Vec<Token> {
    let mut all = Vec::new();
    for argument in arguments {
        let argument = argument.as_ref();
        let tokens = tokenize(argument);
        if is_one_field(argument, &tokens) {
            all.push(Token::Term(argument.trim().to_owned()));
        } else {
            all.extend(tokens);
        }
    }
    all
}

/// Context of a parse, with the remaining cost budget.
///
/// The budget also limits chains of saved searches in which each refers twice to the next, so that
/// every level doubles the query.
struct ParseSession<'a> {
    context: &'a Context<'a>,
    budget: Cell<usize>,
}

impl<'a> ParseSession<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            budget: Cell::new(MAX_COST),
        }
    }

    fn parse(&self, tokens: Vec<Token>, depth: usize) -> Result<Query, Error> {
        let mut parser = Parser {
            tokens: tokens.into_iter().peekable(),
            session: self,
            depth,
        };
        let query = parser.query()?;
        match parser.tokens.next() {
            None => Ok(query),
            Some(_) => Err(query_error(
                "unmatched `)`".to_owned(),
                "put text that contains brackets in quotes",
            )),
        }
    }

    /// Subtracts the cost of a query from the budget.
    fn charge(&self, query: &Query) -> Result<(), Error> {
        match self.budget.get().checked_sub(query.cost()) {
            Some(left) => {
                self.budget.set(left);
                Ok(())
            }
            None => Err(query_error(
                "the query has more than 500 words; words with `*` or `~` count more than once"
                    .to_owned(),
                "split it into several queries",
            )),
        }
    }
}

/// Returns true if a shell may have removed quotes around the value of one field or the name of one
/// saved search.
fn is_one_field(argument: &str, tokens: &[Token]) -> bool {
    let [Token::Term(first), rest @ ..] = tokens else {
        return false;
    };
    let is_plain = |token: &Token| match token {
        Token::Term(term) => {
            !term.starts_with(['-', '!', '@'])
                && keys::split(term).is_none_or(|(name, _)| keys::resolve(name).is_none())
        }
        _ => false,
    };
    has_text(first) && !argument.contains('"') && rest.iter().all(is_plain)
}

/// Returns true if a term is a text field or a saved search, negated or not. Only their values may
/// contain spaces.
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
        let Some((name, value)) = keys::split(term) else {
            return false;
        };
        return !value.is_empty()
            && match keys::resolve(name) {
                Some(QueryKey::Not) => {
                    term = value;
                    continue;
                }
                Some(QueryKey::Saved) => true,
                Some(QueryKey::Field(name)) => Clip::fields_named(name)
                    .any(|(_, field)| matches!(field.kind, FieldKind::Words)),
                _ => false,
            };
    }
}

struct Parser<'a> {
    tokens: Peekable<IntoIter<Token>>,
    session: &'a ParseSession<'a>,
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
                    if !self.starts_operand() {
                        return Err(dangling("AND"));
                    }
                }
                Token::And => return Err(dangling("AND")),
                Token::Or => return Err(dangling("OR")),
                _ => all.push(self.alternatives()?),
            }
        }
        Ok(Query::all(all))
    }

    fn alternatives(&mut self) -> Result<Query, Error> {
        let mut any = vec![self.operand()?];
        while self.tokens.next_if_eq(&Token::Or).is_some() {
            if !self.starts_operand() {
                return Err(dangling("OR"));
            }
            any.push(self.operand()?);
        }
        Ok(Query::any(any))
    }

    fn starts_operand(&mut self) -> bool {
        matches!(
            self.tokens.peek(),
            Some(Token::Term(_) | Token::Not | Token::Open { .. })
        )
    }

    fn operand(&mut self) -> Result<Query, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let query = match self.tokens.next() {
            Some(Token::Not) if self.starts_operand() => self.operand().map(Query::negated),
            Some(Token::Not) => Err(dangling("NOT")),
            Some(Token::Open { is_not }) => {
                let inner = self.query()?;
                if self.tokens.next() != Some(Token::Close) {
                    return Err(query_error(
                        "unclosed `(`".to_owned(),
                        "put text that contains brackets in quotes",
                    ));
                }
                if inner.is_everything() {
                    return Err(query_error(
                        "`()` is empty".to_owned(),
                        "put a term between the brackets",
                    ));
                }
                Ok(if is_not { Query::negated(inner) } else { inner })
            }
            Some(Token::Term(text)) => parse_term(&text, self.session, self.depth),
            Some(Token::Or) => Err(dangling("OR")),
            Some(Token::And | Token::Close) | None => Err(dangling("AND")),
        };
        self.depth -= 1;
        query
    }
}

/// Parses one term, in which spaces occur only in quotes.
fn parse_term(text: &str, session: &ParseSession<'_>, depth: usize) -> Result<Query, Error> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    if let Some(rest) = text.strip_prefix(['-', '!'])
        && !rest.is_empty()
    {
        return parse_term(rest, session, depth + 1).map(Query::negated);
    }
    if let Some(name) = text.strip_prefix('@') {
        return parse_saved(name.trim_matches('"'), session, depth);
    }
    if let Some((name, value)) = keys::split(text)
        && !(value.is_empty() && keys::resolve(name).is_none())
    {
        return parse_named_term(name, value, session, depth);
    }
    let words = match text.strip_prefix('"') {
        Some(phrase) => SearchWords::exact(phrase.trim_end_matches('"')),
        // Quotes elsewhere only separate words: 7" single.
        None => SearchWords::parse(&text.replace('"', "-")),
    };
    let words = words.map_err(|found| {
        query_error(
            format!("cannot search for {:?}", found.text),
            "write a word of letters and digits",
        )
    })?;
    let query = Query::Words(words);
    session.charge(&query)?;
    Ok(query)
}

/// Parses a term with a name before its colon.
fn parse_named_term(
    name: &str,
    value: &str,
    session: &ParseSession<'_>,
    depth: usize,
) -> Result<Query, Error> {
    match key_of(name, value)? {
        QueryKey::Not if keys::split(value).is_some() => {
            parse_term(value, session, depth + 1).map(Query::negated)
        }
        key @ (QueryKey::Not | QueryKey::Any) => {
            let parts = split_at_commas(value)
                .into_iter()
                .filter(|part| !part.is_empty());
            let any: Result<Vec<Query>, Error> = parts
                .map(|part| parse_term(part, session, depth + 1))
                .collect();
            let any = Query::any(any?);
            Ok(if key == QueryKey::Not {
                Query::negated(any)
            } else {
                any
            })
        }
        QueryKey::Saved => parse_saved(unquoted(value), session, depth),
        key => {
            let query = parse_values(name, key, value, session.context)?;
            session.charge(&query)?;
            Ok(query)
        }
    }
}

/// Parses the query of a saved search.
fn parse_saved(name: &str, session: &ParseSession<'_>, depth: usize) -> Result<Query, Error> {
    if name.trim().is_empty() {
        return Err(query_error(
            "`@` needs a name after it".to_owned(),
            "add the name of a saved search",
        ));
    }
    if depth + 2 > MAX_DEPTH {
        return Err(query_error(
            format!("the saved search `{name}` refers to itself"),
            "save it again without that reference",
        ));
    }
    match (session.context.saved)(name)? {
        Some(words) => session.parse(tokenize_arguments(&words), depth + 1),
        None => Err(query_error(
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
    query_error(
        format!("`{operator}` needs a term {sides}"),
        format!(
            "to search for the word itself, write it in lower case: `{}`",
            operator.to_lowercase()
        ),
    )
}

fn too_deep() -> Error {
    query_error(
        "the query is nested too deeply".to_owned(),
        "split it into several queries",
    )
}
