//! A day file as it is written, in TOML, made into a [`Day`].

use std::collections::HashSet;
use std::path::PathBuf;

use jiff::civil::{Date, Time};

use super::day_start::parse_starts;
use super::template::{BadTemplate, Template, written_path};
use super::{Card, ClockCorrection, Day, HASHES, Place, To};
use crate::error::{Error, closest, escape};
use crate::toml_file::{Kind, Table, TomlFile, Value};
use crate::value::parse_tag;

/// Cards of one day.
const MOST_CARDS: usize = 1000;
/// Letters in a text.
const MOST_LETTERS: usize = 200;

const DAY_FILES: Kind = Kind {
    plural: "day files",
    example: "btsindex ingest --example",
};

/// Reads a day; without a place, nothing is resolved.
pub(super) fn day(text: &str, name: &str, place: Option<&Place>) -> Result<Day, Error> {
    let file = TomlFile {
        name,
        text,
        kind: DAY_FILES,
    };
    file.read(|file| {
        file.only(&["day", "card", "to"])?;
        let mut day = match section(file, "day")? {
            Some(table) => said_of_day(&table)?,
            None => Day::default(),
        };
        day.cards = cards(file, place)?;
        if let Some(table) = section(file, "to")? {
            day.to = to(&table, place)?;
        }
        Ok(day)
    })
}

/// The table below a line `[key]`.
fn section<'a>(file: &Table<'a>, key: &str) -> Result<Option<Table<'a>>, Error> {
    match file.get(key) {
        Some(value) if !value.is_table() => Err(value.wrong(
            format!("`{key}` is no table"),
            format!("begin it with a line `[{key}]`, once"),
        )),
        value => value.map(|value| value.table(key)).transpose(),
    }
}

fn said_of_day(table: &Table<'_>) -> Result<Day, Error> {
    table.only(&[
        "production",
        "date",
        "number",
        "kind",
        "location",
        "crew",
        "tags",
        "starts",
    ])?;
    Ok(Day {
        production: named(table, "production", "ACME Spring Campaign")?,
        date: date(table)?,
        number: number(table)?,
        kind: named(table, "kind", "ad shoot")?,
        location: named(table, "location", "Stage 4")?,
        crew: crew(table)?,
        tags: tags(table)?,
        starts: starts(table)?,
        ..Day::default()
    })
}

/// A text that may come into names and columns.
fn named(table: &Table<'_>, key: &str, example: &str) -> Result<Option<String>, Error> {
    let value = table.get(key);
    value.map(|value| name(&value, key, example)).transpose()
}

fn name(value: &Value<'_>, key: &str, example: &str) -> Result<String, Error> {
    let hint = format!("write such as `{} = \"{example}\"`", escape(key));
    let key = escape(key);
    let text = match value.text() {
        Ok(text) if !value.is_flag() => text.trim(),
        _ => return Err(value.wrong(format!("`{key}` is no text"), hint)),
    };
    let wrong = if text.is_empty() {
        format!("`{key}` is empty")
    } else if text.chars().count() > MOST_LETTERS {
        format!("`{key}` is longer than {MOST_LETTERS} letters")
    } else if text.contains(char::is_control) {
        format!("`{key}` holds a line break, or another control character")
    } else {
        return Ok(text.to_owned());
    };
    Err(value.wrong(wrong, hint))
}

fn date(table: &Table<'_>) -> Result<Option<Date>, Error> {
    let Some(value) = table.get("date") else {
        return Ok(None);
    };
    let hint = "write year, month and day: `date = 2026-05-02`";
    let Some(text) = value.written() else {
        return Err(value.wrong("`date` is no date".to_owned(), hint));
    };
    let is_well = text.len() == 10 && text.starts_with(|c: char| c.is_ascii_digit());
    let date = Date::strptime("%Y-%m-%d", text)
        .ok()
        .filter(|_| is_well)
        .ok_or_else(|| value.wrong(format!("`{}` is no date", escape(text)), hint))?;
    if (1895..2200).contains(&date.year()) {
        Ok(Some(date))
    } else {
        Err(value.wrong(format!("nothing was filmed in {}", date.year()), hint))
    }
}

fn number(table: &Table<'_>) -> Result<Option<u32>, Error> {
    let number = table.number("number", 1..=999)?;
    Ok(number.and_then(|number| u32::try_from(number).ok()))
}

fn starts(table: &Table<'_>) -> Result<Option<Time>, Error> {
    let Some(value) = table.get("starts") else {
        return Ok(None);
    };
    let hint = "write when the day begins: `starts = 04:00`";
    let text = value
        .written()
        .ok_or_else(|| value.wrong("`starts` is no time".to_owned(), hint))?;
    let time = parse_starts(text).map_err(|wrong| value.wrong(wrong.to_string(), hint))?;
    Ok(Some(time))
}

fn crew(table: &Table<'_>) -> Result<Vec<(String, Vec<String>)>, Error> {
    let Some(value) = table.get("crew") else {
        return Ok(Vec::new());
    };
    let hint = "write such as `crew = { director = \"Anna Kim\", camera = [\"Ben Ruiz\"] }`";
    if !value.is_table() {
        return Err(value.wrong("`crew` does not say who has which role".to_owned(), hint));
    }
    let mut crew = Vec::new();
    for (role, value) in value.table("crew")?.entries() {
        let is_well = !role.trim().is_empty() && role.chars().count() <= MOST_LETTERS;
        if !is_well || role.contains(char::is_control) {
            return Err(value.wrong(format!("`{}` is no role", escape(role)), hint));
        }
        let names = match value.items() {
            Ok(names) => names,
            Err(_) => vec![value.clone()],
        };
        if names.is_empty() {
            return Err(value.wrong(format!("`{role}` names nobody"), hint));
        }
        let names = names.iter().map(|value| name(value, role, "Anna Kim"));
        crew.push((role.trim().to_owned(), names.collect::<Result<_, _>>()?));
    }
    Ok(crew)
}

fn tags(table: &Table<'_>) -> Result<Vec<String>, Error> {
    let mut tags = Vec::new();
    for (text, value) in table.texts("tags")? {
        let tag = parse_tag(text).map_err(|wrong| {
            value.wrong(wrong.to_string(), "write such as `tags = [\"interview\"]`")
        })?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

fn cards(file: &Table<'_>, place: Option<&Place>) -> Result<Vec<Card>, Error> {
    let tables = file.tables("card")?;
    if let Some(table) = tables.get(MOST_CARDS) {
        return Err(table.wrong(
            "more than 1,000 cards".to_owned(),
            "write a day file for each day",
        ));
    }
    let mut cards = Vec::new();
    let mut paths = HashSet::new();
    for table in &tables {
        let card = card(table, place)?;
        if !paths.insert(card.path.clone()) {
            let path = escape(&card.path.to_string_lossy());
            return Err(table.wrong(
                format!("the card `{path}` is there twice"),
                "leave one of them out",
            ));
        }
        cards.push(card);
    }
    Ok(cards)
}

fn card(table: &Table<'_>, place: Option<&Place>) -> Result<Card, Error> {
    table.only(&["path", "name", "camera", "clock", "location", "tags"])?;
    let Some(value) = table.get("path") else {
        return Err(table.wrong(
            "a card without a path".to_owned(),
            "write such as `path = \"/media/A001\"`",
        ));
    };
    let path = path(&value, "path", "/media/A001")?;
    let resolved = match place {
        Some(place) => place.resolved(path),
        None => Ok(PathBuf::from(path)),
    };
    Ok(Card {
        path: resolved.map_err(|wrong| at(&value, wrong))?,
        name: named(table, "name", "A001")?,
        camera: named(table, "camera", "A")?,
        clock: clock(table)?,
        location: named(table, "location", "Backstage")?,
        tags: tags(table)?,
    })
}

fn clock(table: &Table<'_>) -> Result<Option<ClockCorrection>, Error> {
    let Some(value) = table.get("clock") else {
        return Ok(None);
    };
    let hint = "write how far to put it on or back, such as `clock = \"+01:02:00\"`, or \
                `clock = { shows = \"14:00:00\", was = \"15:02:00\" }`";
    let clock = if value.is_table() {
        let both = value.table("clock")?;
        both.only(&["shows", "was"])?;
        let reading = |key: &str| {
            let reading = both
                .get(key)
                .ok_or_else(|| both.wrong(format!("`clock` does not say `{key}`"), hint))?;
            let text = reading.written();
            text.ok_or_else(|| reading.wrong(format!("`{key}` is no time"), hint))
        };
        ClockCorrection::from_readings(reading("shows")?, reading("was")?)
    } else {
        let text = value.written();
        text.ok_or_else(|| value.wrong("`clock` is no correction".to_owned(), hint))?
            .parse()
    };
    clock
        .map(Some)
        .map_err(|wrong| value.wrong(wrong.to_string(), hint))
}

fn to(table: &Table<'_>, place: Option<&Place>) -> Result<To, Error> {
    table.only(&["folders", "hash"])?;
    let mut folders: Vec<Template> = Vec::new();
    if let Some(value) = table.get("folders") {
        let values = match value.items() {
            Ok(values) => values,
            Err(_) => vec![value],
        };
        for value in values {
            let folder = folder(&value, place)?;
            if folders.iter().any(|known| known.is_same(&folder)) {
                return Err(value.wrong(
                    format!("the folder `{folder}` is there twice"),
                    "a copy is one where it lies on another drive; leave one of them out",
                ));
            }
            folders.push(folder);
        }
    }
    Ok(To {
        folders,
        hash: hash(table)?,
    })
}

fn folder(value: &Value<'_>, place: Option<&Place>) -> Result<Template, Error> {
    let text = path(
        value,
        "folders",
        "/raid/{production}/{date}/{camera}/{card}",
    )?;
    let template = Template::parse(text).and_then(|template| match place {
        Some(place) => template.at(place),
        None if template.is_absolute() => Ok(template),
        None => Err(BadTemplate::new(
            format!("`{text}` is relative, and there is no folder that it could begin in"),
            "write the whole path, such as \"/raid/{date}/{card}\"",
        )),
    });
    template.map_err(|wrong| at(value, wrong))
}

/// A path as it is written.
fn path<'a>(value: &Value<'a>, key: &str, example: &str) -> Result<&'a str, Error> {
    let text = value.as_string().ok_or_else(|| {
        value.wrong(
            format!("`{key}` is no path"),
            format!("write it in quotes, such as \"{example}\""),
        )
    })?;
    written_path(text).map_err(|wrong| at(value, wrong))
}

fn hash(table: &Table<'_>) -> Result<Option<String>, Error> {
    let Some(value) = table.get("hash") else {
        return Ok(None);
    };
    let text = value.as_string().unwrap_or_default();
    if HASHES.contains(&text) {
        return Ok(Some(text.to_owned()));
    }
    let hint = match closest(&text.to_lowercase(), &HASHES) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("there are {}", HASHES.join(", ")),
    };
    let message = if text.is_empty() {
        "`hash` is no name of a checksum".to_owned()
    } else {
        format!("no checksum `{}`", escape(text))
    };
    Err(value.wrong(message, hint))
}

/// What is wrong with a path, with its line.
fn at(value: &Value<'_>, wrong: BadTemplate) -> Error {
    value.wrong(wrong.message, wrong.hint)
}
