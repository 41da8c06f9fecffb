//! Formats a query in its normal form, which `--explain` prints. Parsing it gives the same tree.
//!
//! It contains no characters that a shell interprets, except quotes and brackets.

use std::fmt;

use super::tree::{Filter, Query};
use crate::clip::{Clip, FieldFilter, FieldKind};
use crate::value::{MatchMode, Quantity};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(all) => {
                let all: Vec<String> = all.iter().map(single).collect();
                f.write_str(&all.join(" "))
            }
            _ => f.write_str(&single(self)),
        }
    }
}

/// Formats a query as a single term; several terms are put in brackets.
fn single(query: &Query) -> String {
    match query {
        Query::All(_) => format!("({query})"),
        Query::Any(any) => {
            let simple: Option<Vec<String>> = any.iter().map(without_brackets).collect();
            if let Some(simple) = simple {
                return format!("any:{}", simple.join(","));
            }
            let any: Vec<String> = any.iter().map(single).collect();
            format!("({})", any.join(" OR "))
        }
        Query::Not(inner) => match without_brackets(inner) {
            Some(inner) => format!("not:{inner}"),
            None => format!("NOT {}", single(inner)),
        },
        Query::Words(words) => words.to_string(),
        Query::Filter(filter) => filter.to_string(),
    }
}

/// Formats a query for a comma-separated list; `None` if it needs brackets or quotes.
fn without_brackets(query: &Query) -> Option<String> {
    match query {
        Query::All(_) | Query::Any(_) => None,
        Query::Not(inner) => without_brackets(inner).map(|inner| format!("not:{inner}")),
        Query::Words(words) if words.mode == MatchMode::Exact => None,
        Query::Words(words) => Some(words.to_string()),
        Query::Filter(filter) => {
            let text = filter.to_string();
            (!text.contains([',', '"'])).then_some(text)
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { name, filter } => match filter {
                FieldFilter::Words(words) => write!(f, "{name}:{words}"),
                FieldFilter::Choice(choice) => write!(f, "{name}:{choice}"),
                FieldFilter::Range(range) => {
                    write!(f, "{name}:{}", quantity(name).format(*range))
                }
            },
            Self::Tag { words, .. } => write!(f, "tags:{words}"),
            Self::Has(name) => write!(f, "has:{name}"),
            Self::Is(state) => write!(f, "is:{}", state.name()),
            Self::Resolution(resolution) => write!(f, "res:{resolution}"),
            Self::Time(range) => write!(f, "time:{}", Quantity::CLOCK.format(*range)),
            Self::Timecode(range) => write!(f, "tc:{}", Quantity::TIMECODE.format(*range)),
            Self::Near(area) => write!(f, "near:{area}"),
        }
    }
}

/// Returns the quantity of a number field.
fn quantity(name: &str) -> Quantity {
    let kinds = Clip::fields_named(name).filter_map(|(_, field)| match field.kind {
        FieldKind::Number(quantity) => Some(quantity),
        _ => None,
    });
    kinds.into_iter().next().unwrap_or(Quantity::WHOLE)
}
