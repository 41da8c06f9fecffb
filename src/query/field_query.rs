//! Parses terms with a name and a colon. The field or operator determines how the value is parsed.

use super::context::{Context, query_error};
use super::is_filter::ClipState;
use super::keys::{self, QueryKey};
use super::tokenize::split_at_commas;
use super::tree::{Filter, Query};
use crate::clip::{Clip, FieldFilter, FieldKind};
use crate::error::{Error, closest};
use crate::value::{Malformed, MatchMode, Quantity, Resolution, SearchWords, named_day};

/// Every form of a query, for help and documentation: syntax that no shell interprets, alternative
/// forms, and a description of the matches.
pub const FORMS: &[(&str, &str, &str)] = &[
    (
        "drummer laughing",
        "",
        "both words, in any English form, ignoring accents and case",
    ),
    (
        "exact:drummer-laughing",
        "\"drummer laughing\"",
        "the exact words, adjacent and in order",
    ),
    ("drum..", "drum*", "words with this prefix"),
    (
        "drumer~",
        "",
        "similar words: one letter off, or two in words of 8 or more letters",
    ),
    (
        "any:drummer,singer",
        "drummer OR singer",
        "at least one of them",
    ),
    (
        "not:interview",
        "-interview, !interview, NOT interview",
        "clips without it",
    ),
    (
        "tag:interview",
        "",
        "the word in one field; `btsindex fields` lists all fields",
    ),
    ("tag:interview,slate", "", "one of these words in a field"),
    (
        "tag:shoot",
        "tag:tv-set, tag:advert",
        "a group of tags, a tag with its subtags, or a synonym",
    ),
    ("has:notes", "notes:*", "any value in a field"),
    ("not:has:notes", "-notes:*", "no value in a field"),
    (
        "size:10GB..",
        "size:>=10GB, size>=10GB",
        "at least this size, number or date",
    ),
    ("dur:..30s", "dur:<=30s", "at most this value"),
    ("fps:50..60", "", "a range, both ends included"),
    ("fps:23.976", "fps:24000/1001", "an exact frame rate"),
    ("dur:1m30s", "dur:90", "within half a second"),
    (
        "res:4k",
        "res:uhd, res:2160p",
        "the displayed picture size, in either orientation",
    ),
    ("res:1080p..", "res:>=1080p", "at least this size"),
    ("res:3840x2160", "", "exactly this width and height"),
    (
        "date:2026-05",
        "date:2026, date:2026-05-02",
        "shot in that year, month or day, by the camera's clock",
    ),
    (
        "date:2026-05-01..2026-05-14",
        "",
        "from the first day through the last",
    ),
    (
        "date:yesterday",
        "date:today, date:monday",
        "a day by name; a weekday is the most recent one",
    ),
    (
        "time:14:00..15:30",
        "time:22..2",
        "shot at that time of day; may cross midnight",
    ),
    (
        "tc:01:02:03:04",
        "tc:01:02:03",
        "clips that contain this timecode",
    ),
    (
        "near:51.5,-0.12,2km",
        "near:51.5,-0.12",
        "shot within this distance of a position; default 1 km",
    ),
    ("is:vertical", "", "a state, listed under `is:`"),
    ("copies:..1", "copies:<2", "number of copies"),
    ("volume:SHELF-07", "", "on that volume, mounted or not"),
    (
        "path:day2",
        "path:day2/*",
        "in a folder of that name, at any depth",
    ),
    ("saved:selects", "@selects", "the results of a saved search"),
];

/// Returns the key of a name before a colon, after checking that its value can be one.
pub(super) fn key_of(name: &str, value: &str) -> Result<QueryKey, Error> {
    let Some(key) = keys::resolve(name) else {
        let hint = match keys::nearest(name) {
            Some(nearest) => format!("did you mean `{nearest}`? `btsindex fields` lists them all"),
            None => "`btsindex fields` lists them all; to search for the words themselves, put a space after the colon".to_owned(),
        };
        return Err(query_error(format!("no field `{name}`"), hint));
    };
    let name = name.to_ascii_lowercase();
    if value
        .chars()
        .all(|c| c.is_whitespace() || matches!(c, '"' | ','))
    {
        return Err(query_error(
            format!("`{name}:` has no value"),
            format!("add a value, such as `{name}:{}`", example(key)),
        ));
    }
    if value.starts_with('(') && !value.contains(')') {
        return Err(query_error(
            format!("unexpected `(` after `{name}:`"),
            format!("write `{name}:a,b`, or start with the bracket: `({name}:a OR {name}:b)`"),
        ));
    }
    Ok(key)
}

/// Parses the comma-separated values after a name, at least one of which must match.
pub(super) fn parse_values(
    name: &str,
    key: QueryKey,
    value: &str,
    context: &Context<'_>,
) -> Result<Query, Error> {
    let name = name.to_ascii_lowercase();
    let malformed = |found: Malformed| invalid_value(&name, key, &found);
    match key {
        QueryKey::Exact => SearchWords::exact(value)
            .map(Query::Words)
            .map_err(malformed),
        QueryKey::Near => unquoted(value)
            .parse()
            .map(|area| Query::Filter(Filter::Near(area)))
            .map_err(malformed),
        _ => {
            let parts: Vec<&str> = split_at_commas(value)
                .into_iter()
                .filter(|part| !part.trim().is_empty())
                .collect();
            let mut any = Vec::new();
            for part in parts {
                match parse_value(key, part, context) {
                    Ok(query) => any.push(with_tag_meaning(query, context)?),
                    Err(found) => return Err(malformed(found)),
                }
            }
            Ok(Query::any(any))
        }
    }
}

/// Looks up a tag in the vocabulary and adds its meaning to the query.
fn with_tag_meaning(query: Query, context: &Context<'_>) -> Result<Query, Error> {
    match query {
        Query::Filter(Filter::Field {
            name: TAGS,
            filter: FieldFilter::Words(words),
        }) if matches!(words.mode, MatchMode::Stemmed | MatchMode::Exact) => {
            let meaning = (context.meanings)(&words.text)?;
            Ok(Query::Filter(if meaning.tags.is_empty() {
                Filter::Field {
                    name: TAGS,
                    filter: FieldFilter::Words(words),
                }
            } else {
                Filter::Tag { words, meaning }
            }))
        }
        query => Ok(query),
    }
}

/// Field whose words are looked up in the vocabulary.
const TAGS: &str = "tags";

/// Parses one of the comma-separated values after a name.
fn parse_value(key: QueryKey, value: &str, context: &Context<'_>) -> Result<Query, Malformed> {
    let plain = unquoted(value).trim();
    let filter = match key {
        QueryKey::Is => plain.parse().map(Filter::Is)?,
        QueryKey::Has => Filter::Has(field_for_has(plain)?),
        QueryKey::Time => Quantity::CLOCK.parse(plain).map(Filter::Time)?,
        QueryKey::Timecode => Quantity::TIMECODE.parse(plain).map(Filter::Timecode)?,
        QueryKey::Resolution => {
            let all = Resolution::parse(plain)?.into_iter();
            return Ok(Query::all(
                all.map(Filter::Resolution).map(Query::Filter).collect(),
            ));
        }
        QueryKey::Field(name) if plain == "*" => Filter::Has(name),
        QueryKey::Field(name) => Filter::Field {
            name,
            filter: field_filter(name, value, plain, context)?,
        },
        QueryKey::Not | QueryKey::Any | QueryKey::Exact | QueryKey::Near | QueryKey::Saved => {
            return Err(Malformed::new(value, "a value"));
        }
    };
    Ok(Query::Filter(filter))
}

/// Parses the filter for a field or an alias. All fields of an alias have the same kind.
fn field_filter(
    name: &'static str,
    value: &str,
    plain: &str,
    context: &Context<'_>,
) -> Result<FieldFilter, Malformed> {
    let Some((_, field)) = Clip::fields_named(name).next() else {
        return Err(Malformed::new(value, "a value"));
    };
    match field.kind {
        FieldKind::Words if value.trim_start().starts_with('"') => {
            SearchWords::exact(plain).map(FieldFilter::Words)
        }
        FieldKind::Number(quantity) if quantity.unit == Quantity::DATE.unit => {
            (field.parse_filter)(&with_dates(plain, context))
        }
        _ => (field.parse_filter)(plain),
    }
}

/// Replaces named days in a range with their dates.
fn with_dates(text: &str, context: &Context<'_>) -> String {
    let start = text.len() - text.trim_start_matches(['<', '>', '=']).len();
    let (sign, days) = text.split_at(start);
    let day = |day: &str| {
        named_day(day.trim(), &|| context.today())
            .map_or_else(|| day.to_owned(), |date| date.to_string())
    };
    let days: Vec<String> = days.split("..").map(day).collect();
    format!("{sign}{}", days.join(".."))
}

/// Returns the field for a name after `has:`, which may be informal, such as `audio` or `timecode`.
fn field_for_has(name: &str) -> Result<&'static str, Malformed> {
    let name = name.to_ascii_lowercase();
    let name = match name.as_str() {
        "audio" | "sound" => "audio_codec",
        "video" | "picture" => "video_codec",
        "timecode" | "tc" => "start_timecode",
        name => name,
    };
    Clip::field_names()
        .find(|field| *field == name)
        .ok_or_else(|| Malformed::new(name, "a field"))
}

/// Removes blanks and quotes around a value.
pub(super) fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inner = value.strip_prefix('"').unwrap_or(value);
    inner.strip_suffix('"').unwrap_or(inner)
}

/// Returns the valid values of a name; empty if they are not a fixed set.
fn choices(key: QueryKey) -> Vec<&'static str> {
    match key {
        QueryKey::Is => ClipState::NAMES.to_vec(),
        QueryKey::Has => Clip::field_names().collect(),
        QueryKey::Field(name) => match Clip::fields_named(name).next().map(|(_, field)| field.kind)
        {
            Some(FieldKind::Choice(all)) => all.to_vec(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn example(key: QueryKey) -> String {
    let text = match key {
        QueryKey::Not | QueryKey::Exact => "interview",
        QueryKey::Any => "drummer,singer",
        QueryKey::Is => "vertical",
        QueryKey::Has => "notes",
        QueryKey::Resolution => "1080p..",
        QueryKey::Time => "14:00..15:30",
        QueryKey::Timecode => "01:02:03:04",
        QueryKey::Near => "51.5,-0.12,2km",
        QueryKey::Saved => "NAME",
        QueryKey::Field("rating") => "4..",
        QueryKey::Field(field) => match Clip::fields_named(field)
            .next()
            .map(|(_, field)| field.kind)
        {
            Some(FieldKind::Choice(all)) => all.first().copied().unwrap_or("VALUE"),
            Some(FieldKind::Number(quantity)) => quantity.example,
            _ => "VALUE",
        },
    };
    text.to_owned()
}

/// Creates the error for an invalid value, with a hint that gives a valid one.
fn invalid_value(name: &str, key: QueryKey, found: &Malformed) -> Error {
    let choices = choices(key);
    let expected = match choices.as_slice() {
        [first @ .., last] if key != QueryKey::Has && !first.is_empty() => {
            let first: Vec<String> = first.iter().map(|choice| format!("`{choice}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
        _ => found.expected.to_owned(),
    };
    let hint = match closest(&found.text.to_ascii_lowercase(), &choices) {
        Some(choice) => format!("did you mean `{name}:{choice}`?"),
        None => match key {
            QueryKey::Field(field) => match Clip::fields_named(field).next() {
                Some((_, field)) if matches!(field.kind, FieldKind::Point) => {
                    format!("for example `near:{}`", example(QueryKey::Near))
                }
                Some((_, field)) => format!(
                    "`{}`: {}; for example `{name}:{}`",
                    field.name,
                    field.help,
                    example(key)
                ),
                None => String::new(),
            },
            QueryKey::Has => "`btsindex fields` lists them all".to_owned(),
            _ => format!("for example `{name}:{}`", example(key)),
        },
    };
    query_error(
        format!(
            "`{name}:{}`: {:?} is not {expected}",
            found.text, found.text
        ),
        hint,
    )
}
