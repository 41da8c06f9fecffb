//! A query in its normal form: what `--explain` prints, and what parses to the same tree. Every
//! form is one that a shell leaves alone, but for quotes and brackets.

use std::fmt;

use super::{Ask, Query};
use crate::clip::{Clip, Kind, Wanted};
use crate::value::{How, Scale};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(all) => {
                let all: Vec<String> = all.iter().map(one).collect();
                f.write_str(&all.join(" "))
            }
            _ => f.write_str(&one(self)),
        }
    }
}

/// A query where one is expected: several things that must hold stand in brackets.
fn one(query: &Query) -> String {
    match query {
        Query::All(_) => format!("({query})"),
        Query::Any(any) => {
            let simple: Option<Vec<String>> = any.iter().map(simple).collect();
            if let Some(simple) = simple {
                return format!("any:{}", simple.join(","));
            }
            let any: Vec<String> = any.iter().map(one).collect();
            format!("({})", any.join(" OR "))
        }
        Query::Not(inner) => match simple(inner) {
            Some(inner) => format!("not:{inner}"),
            None => format!("NOT {}", one(inner)),
        },
        Query::Words(words) => words.to_string(),
        Query::Ask(ask) => ask.to_string(),
    }
}

/// A query as it can stand between commas.
fn simple(query: &Query) -> Option<String> {
    match query {
        Query::All(_) | Query::Any(_) => None,
        Query::Not(inner) => simple(inner).map(|inner| format!("not:{inner}")),
        Query::Words(words) if words.how == How::Exact => None,
        Query::Words(words) => Some(words.to_string()),
        Query::Ask(ask) => {
            let text = ask.to_string();
            (!text.contains([',', '"'])).then_some(text)
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { name, wanted } => match wanted {
                Wanted::Words(words) => write!(f, "{name}:{words}"),
                Wanted::Choice(choice) => write!(f, "{name}:{choice}"),
                Wanted::Between(between) => {
                    write!(f, "{name}:{}", scale(name).write(*between))
                }
            },
            Self::Tag { words, .. } => write!(f, "tags:{words}"),
            Self::Has(name) => write!(f, "has:{name}"),
            Self::Is(state) => write!(f, "is:{}", state.name()),
            Self::Resolution(resolution) => write!(f, "res:{resolution}"),
            Self::Time(between) => write!(f, "time:{}", Scale::CLOCK.write(*between)),
            Self::Timecode(between) => write!(f, "tc:{}", Scale::TIMECODE.write(*between)),
            Self::Near(area) => write!(f, "near:{area}"),
        }
    }
}

/// What a field of numbers is counted in.
fn scale(name: &str) -> Scale {
    let kinds = Clip::fields_named(name).filter_map(|(_, field)| match field.kind {
        Kind::Number(scale) => Some(scale),
        _ => None,
    });
    kinds.into_iter().next().unwrap_or(Scale::WHOLE)
}
