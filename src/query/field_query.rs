//! What stands after a name and a colon, read by what the name stands for.

use super::names::{self, Name};
use super::parse::{Reader, saved, term};
use super::tokenize::at_commas;
use super::{Ask, Context, Query, State, wrong};
use crate::clip::{Clip, Kind, Wanted};
use crate::error::{Error, closest};
use crate::value::{How, Malformed, Resolution, Scale, Words, named_day};

/// Every form of a query: how it is written, safe in any shell; other ways to write it where
/// there are; and what it finds. For help and documentation.
pub const FORMS: &[(&str, &str, &str)] = &[
    (
        "drummer laughing",
        "",
        "both words, in any English form, accents and capitals aside",
    ),
    (
        "exact:drummer-laughing",
        "\"drummer laughing\"",
        "the words together, in order, as they are written",
    ),
    ("drum..", "drum*", "words that begin so"),
    (
        "drumer~",
        "",
        "words that differ in a letter, or in two of eight and more",
    ),
    ("any:drummer,singer", "drummer OR singer", "one of them"),
    (
        "not:interview",
        "-interview, !interview, NOT interview",
        "clips without it",
    ),
    (
        "tag:interview",
        "",
        "the word in one field; `btsindex fields` lists them",
    ),
    ("tag:interview,slate", "", "one of these words in a field"),
    (
        "tag:shoot",
        "tag:tv-set, tag:advert",
        "all tags of a group, below a tag, or that a synonym means",
    ),
    ("has:notes", "notes:*", "anything at all in a field"),
    ("not:has:notes", "-notes:*", "nothing in a field"),
    (
        "size:10GB..",
        "size:>=10GB, size>=10GB",
        "from a size, a number, a date on",
    ),
    ("dur:..30s", "dur:<=30s", "up to it"),
    ("fps:50..60", "", "from one to the other, both included"),
    (
        "fps:23.976",
        "fps:24000/1001",
        "a frame rate, as exact as it is",
    ),
    ("dur:1m30s", "dur:90", "half a second more or less"),
    (
        "res:4k",
        "res:uhd, res:2160p",
        "how large the picture is shown, upright or not",
    ),
    ("res:1080p..", "res:>=1080p", "at least so large"),
    ("res:3840x2160", "", "exactly so wide and high"),
    (
        "date:2026-05",
        "date:2026, date:2026-05-02",
        "shot in that year, month or day, by the camera's clock",
    ),
    (
        "date:2026-05-01..2026-05-14",
        "",
        "from one day through the other",
    ),
    (
        "date:yesterday",
        "date:today, date:monday",
        "the day by its name; a weekday is the last one",
    ),
    (
        "time:14:00..15:30",
        "time:22..2",
        "shot at that time of day, past midnight too",
    ),
    (
        "tc:01:02:03:04",
        "tc:01:02:03",
        "a frame of that timecode is in the clip",
    ),
    (
        "near:51.5,-0.12,2km",
        "near:51.5,-0.12",
        "shot that near a place; 1 km when nothing is said",
    ),
    ("is:vertical", "", "one of the states below"),
    ("copies:..1", "copies:<2", "files that hold it"),
    ("volume:SHELF-07", "", "on that volume, mounted or not"),
    (
        "path:day2",
        "path:day2/*",
        "in a folder of that name, at any depth",
    ),
    ("saved:selects", "@selects", "what a saved search finds"),
];

/// A term with a name before it.
pub(super) fn named(
    name: &str,
    value: &str,
    reader: &Reader<'_>,
    depth: usize,
) -> Result<Query, Error> {
    let Some(meaning) = names::meaning(name) else {
        let hint = match names::nearest(name) {
            Some(nearest) => format!("did you mean `{nearest}`? `btsindex fields` lists them all"),
            None => "`btsindex fields` lists them all; to search for the words themselves, leave a blank after the colon".to_owned(),
        };
        return Err(wrong(format!("no field `{name}`"), hint));
    };
    let name = name.to_ascii_lowercase();
    if value
        .chars()
        .all(|c| c.is_whitespace() || matches!(c, '"' | ','))
    {
        return Err(wrong(
            format!("`{name}:` asks for nothing"),
            format!(
                "write a value after it, such as `{name}:{}`",
                example(meaning)
            ),
        ));
    }
    if value.starts_with('(') && !value.contains(')') {
        return Err(wrong(
            format!("a `(` after `{name}:`"),
            format!("write `{name}:a,b`, or brackets around all of it: `({name}:a OR {name}:b)`"),
        ));
    }
    let malformed = |found: Malformed| refused(&name, meaning, &found);
    let query = match meaning {
        Name::Not if names::split(value).is_some() => {
            return term(value, reader, depth + 1).map(Query::none);
        }
        Name::Not | Name::Any => {
            let parts = at_commas(value).into_iter().filter(|part| !part.is_empty());
            let any: Result<Vec<Query>, Error> =
                parts.map(|part| term(part, reader, depth + 1)).collect();
            let any = Query::any(any?);
            return Ok(if meaning == Name::Not {
                Query::none(any)
            } else {
                any
            });
        }
        Name::Saved => return saved(unquoted(value), reader, depth),
        Name::Exact => Words::exact(value).map(Query::Words),
        Name::Near => unquoted(value)
            .parse()
            .map(|area| Query::Ask(Ask::Near(area))),
        _ => {
            let parts: Vec<&str> = at_commas(value)
                .into_iter()
                .filter(|part| !part.trim().is_empty())
                .collect();
            let mut any = Vec::new();
            for part in parts {
                match one(meaning, part, reader.context) {
                    Ok(query) => any.push(meant(query, reader)?),
                    Err(found) => return Err(malformed(found)),
                }
            }
            Ok(Query::any(any))
        }
    };
    let query = query.map_err(malformed)?;
    reader.charge(&query)?;
    Ok(query)
}

/// A tag with what it means in the vocabulary.
fn meant(query: Query, reader: &Reader<'_>) -> Result<Query, Error> {
    match query {
        Query::Ask(Ask::Field {
            name: TAGS,
            wanted: Wanted::Words(words),
        }) if matches!(words.how, How::Forms | How::Exact) => {
            let meaning = (reader.context.meanings)(&words.text)?;
            Ok(Query::Ask(if meaning.tags.is_empty() {
                Ask::Field {
                    name: TAGS,
                    wanted: Wanted::Words(words),
                }
            } else {
                Ask::Tag { words, meaning }
            }))
        }
        query => Ok(query),
    }
}

/// The field that the vocabulary is of.
const TAGS: &str = "tags";

/// One value of a name that may have several.
fn one(name: Name, value: &str, context: &Context<'_>) -> Result<Query, Malformed> {
    let plain = unquoted(value).trim();
    let ask = match name {
        Name::Is => plain.parse().map(Ask::Is)?,
        Name::Has => Ask::Has(had(plain)?),
        Name::Time => Scale::CLOCK.read(plain).map(Ask::Time)?,
        Name::Timecode => Scale::TIMECODE.read(plain).map(Ask::Timecode)?,
        Name::Resolution => {
            let all = Resolution::read(plain)?.into_iter();
            return Ok(Query::all(
                all.map(Ask::Resolution).map(Query::Ask).collect(),
            ));
        }
        Name::Field(name) if plain == "*" => Ask::Has(name),
        Name::Field(name) => Ask::Field {
            name,
            wanted: wanted(name, value, plain, context)?,
        },
        Name::Not | Name::Any | Name::Exact | Name::Near | Name::Saved => {
            return Err(Malformed::new(value, "a value"));
        }
    };
    Ok(Query::Ask(ask))
}

/// What is wanted of a field, or of those that an alias stands for: they are of one kind.
fn wanted(
    name: &'static str,
    value: &str,
    plain: &str,
    context: &Context<'_>,
) -> Result<Wanted, Malformed> {
    let Some((_, field)) = Clip::fields_named(name).next() else {
        return Err(Malformed::new(value, "a value"));
    };
    match field.kind {
        Kind::Words if value.trim_start().starts_with('"') => {
            Words::exact(plain).map(Wanted::Words)
        }
        Kind::Number(scale) if scale.unit == Scale::DATE.unit => {
            (field.wanted)(&dated(plain, context))
        }
        _ => (field.wanted)(plain),
    }
}

/// A range of days with those that have names written as dates.
fn dated(text: &str, context: &Context<'_>) -> String {
    let start = text.len() - text.trim_start_matches(['<', '>', '=']).len();
    let (sign, days) = text.split_at(start);
    let day = |day: &str| {
        named_day(day.trim(), &|| context.today())
            .map_or_else(|| day.to_owned(), |date| date.to_string())
    };
    let days: Vec<String> = days.split("..").map(day).collect();
    format!("{sign}{}", days.join(".."))
}

/// The field that `has:` names; people say `audio` and `timecode`.
fn had(name: &str) -> Result<&'static str, Malformed> {
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

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inner = value.strip_prefix('"').unwrap_or(value);
    inner.strip_suffix('"').unwrap_or(inner)
}

/// Values that may stand after a name, of a closed set.
fn choices(name: Name) -> Vec<&'static str> {
    match name {
        Name::Is => State::NAMES.to_vec(),
        Name::Has => Clip::field_names().collect(),
        Name::Field(name) => match Clip::fields_named(name).next().map(|(_, field)| field.kind) {
            Some(Kind::Choice(all)) => all.to_vec(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn example(name: Name) -> String {
    let text = match name {
        Name::Not | Name::Exact => "interview",
        Name::Any => "drummer,singer",
        Name::Is => "vertical",
        Name::Has => "notes",
        Name::Resolution => "1080p..",
        Name::Time => "14:00..15:30",
        Name::Timecode => "01:02:03:04",
        Name::Near => "51.5,-0.12,2km",
        Name::Saved => "NAME",
        Name::Field("rating") => "4..",
        Name::Field(field) => match Clip::fields_named(field)
            .next()
            .map(|(_, field)| field.kind)
        {
            Some(Kind::Choice(all)) => all.first().copied().unwrap_or("VALUE"),
            Some(Kind::Number(scale)) => scale.example,
            _ => "VALUE",
        },
    };
    text.to_owned()
}

/// A value that its name cannot have: what is wrong, and what would be right.
fn refused(name: &str, meaning: Name, found: &Malformed) -> Error {
    let choices = choices(meaning);
    let expected = match choices.as_slice() {
        [first @ .., last] if meaning != Name::Has && !first.is_empty() => {
            let first: Vec<String> = first.iter().map(|choice| format!("`{choice}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
        _ => found.expected.to_owned(),
    };
    let hint = match closest(&found.text.to_ascii_lowercase(), &choices) {
        Some(choice) => format!("did you mean `{name}:{choice}`?"),
        None => match meaning {
            Name::Field(field) => match Clip::fields_named(field).next() {
                Some((_, field)) if matches!(field.kind, Kind::Point) => {
                    format!("for example `near:{}`", example(Name::Near))
                }
                Some((_, field)) => format!(
                    "`{}` is {}; for example `{name}:{}`",
                    field.name,
                    field.help,
                    example(meaning)
                ),
                None => String::new(),
            },
            Name::Has => "`btsindex fields` lists them all".to_owned(),
            _ => format!("for example `{name}:{}`", example(meaning)),
        },
    };
    wrong(
        format!(
            "`{name}:{}`: {:?} is not {expected}",
            found.text, found.text
        ),
        hint,
    )
}
