//! Parser of day files (TOML).

use std::collections::HashSet;
use std::env;
use std::path::{self, Path, PathBuf};

use jiff::civil::{Date, Time};

use super::day::{Day, DayCard, Destinations, HASHES};
use super::day_start::parse_day_start;
use super::path_base::PathBase;
use super::template::{Template, check_path};
use super::template_error::TemplateError;
use crate::error::{Error, closest, escape};
use crate::toml_file::{TomlFile, TomlKind, TomlTable, TomlValue, read_toml};
use crate::value::{ClockCorrection, parse_tag};

/// Maximum number of cards in a day file.
const MAX_CARDS: usize = 1000;
/// Maximum number of characters of a text.
const MAX_CHARS: usize = 200;

const DAY_FILES: TomlKind = TomlKind {
    plural: "day files",
    example: "btsindex ingest --example",
};

impl Day {
    /// Parses the text of a day file that is called `name` in errors. Card paths are not resolved,
    /// and destination folders must be absolute.
    ///
    /// # Errors
    /// Returns [`Error::InvalidFile`] with line and hint if the content is invalid.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        parse(text, name, None)
    }

    /// Reads a day file. Relative paths start at its folder, and `~/` is the home folder.
    ///
    /// # Errors
    /// Returns [`Error::Path`] if it is not a regular file or cannot be read, and
    /// [`Error::InvalidFile`] if the content is invalid.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read_toml(path)?;
        let absolute = path::absolute(path).map_err(Error::path(path))?;
        let base = PathBase {
            folder: absolute.parent().unwrap_or(&absolute).to_owned(),
            home: env::home_dir().filter(|home| home.is_absolute()),
        };
        parse(&text, &path.to_string_lossy(), Some(&base))
    }
}

/// Parses a day file. Without `base`, paths are not resolved.
pub(super) fn parse(text: &str, name: &str, base: Option<&PathBase>) -> Result<Day, Error> {
    let file = TomlFile {
        name,
        text,
        kind: DAY_FILES,
    };
    file.read(|file| {
        file.check_keys(&["day", "card", "to"])?;
        let mut day = match section(file, "day")? {
            Some(table) => parse_day(&table)?,
            None => Day::default(),
        };
        day.cards = parse_cards(file, base)?;
        if let Some(table) = section(file, "to")? {
            day.to = parse_to(&table, base)?;
        }
        Ok(day)
    })
}

/// Returns the table `[key]`, if the file has it.
fn section<'a>(file: &TomlTable<'a>, key: &str) -> Result<Option<TomlTable<'a>>, Error> {
    match file.get(key) {
        Some(value) if !value.is_table() => Err(value.wrong(
            format!("`{key}` is not a table"),
            format!("begin it with one line `[{key}]`"),
        )),
        value => value.map(|value| value.table(key)).transpose(),
    }
}

fn parse_day(table: &TomlTable<'_>) -> Result<Day, Error> {
    table.check_keys(&[
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
        production: optional_text(table, "production", "ACME Spring Campaign")?,
        date: parse_date(table)?,
        number: parse_number(table)?,
        kind: optional_text(table, "kind", "ad shoot")?,
        location: optional_text(table, "location", "Stage 4")?,
        crew: parse_crew(table)?,
        tags: parse_tags(table)?,
        starts: parse_starts(table)?,
        ..Day::default()
    })
}

/// Returns the text of an optional setting. Its value may become part of file names.
fn optional_text(table: &TomlTable<'_>, key: &str, example: &str) -> Result<Option<String>, Error> {
    let value = table.get(key);
    value
        .map(|value| parse_text(&value, key, example))
        .transpose()
}

fn parse_text(value: &TomlValue<'_>, key: &str, example: &str) -> Result<String, Error> {
    let hint = format!("write, for example, `{} = \"{example}\"`", escape(key));
    let key = escape(key);
    let text = match value.text() {
        Ok(text) if !value.is_flag() => text.trim(),
        _ => return Err(value.wrong(format!("`{key}` is not text"), hint)),
    };
    let error = if text.is_empty() {
        format!("`{key}` is empty")
    } else if text.chars().count() > MAX_CHARS {
        format!("`{key}` is longer than {MAX_CHARS} characters")
    } else if text.contains(char::is_control) {
        format!("`{key}` contains a line break or another control character")
    } else {
        return Ok(text.to_owned());
    };
    Err(value.wrong(error, hint))
}

fn parse_date(table: &TomlTable<'_>) -> Result<Option<Date>, Error> {
    let Some(value) = table.get("date") else {
        return Ok(None);
    };
    let hint = "write year, month and day: `date = 2026-05-02`";
    let Some(text) = value.text_or_date() else {
        return Err(value.wrong("`date` is not a date".to_owned(), hint));
    };
    let is_valid = text.len() == 10 && text.starts_with(|c: char| c.is_ascii_digit());
    let date = Date::strptime("%Y-%m-%d", text)
        .ok()
        .filter(|_| is_valid)
        .ok_or_else(|| value.wrong(format!("`{}` is not a date", escape(text)), hint))?;
    if (1895..2200).contains(&date.year()) {
        Ok(Some(date))
    } else {
        Err(value.wrong(
            format!("year {} is not from 1895 to 2199", date.year()),
            hint,
        ))
    }
}

fn parse_number(table: &TomlTable<'_>) -> Result<Option<u32>, Error> {
    let number = table.number("number", 1..=999)?;
    Ok(number.and_then(|number| u32::try_from(number).ok()))
}

fn parse_starts(table: &TomlTable<'_>) -> Result<Option<Time>, Error> {
    let Some(value) = table.get("starts") else {
        return Ok(None);
    };
    let hint = "write when the day begins: `starts = 04:00`";
    let text = value
        .text_or_date()
        .ok_or_else(|| value.wrong("`starts` is not a time".to_owned(), hint))?;
    let time = parse_day_start(text).map_err(|error| value.wrong(error.to_string(), hint))?;
    Ok(Some(time))
}

fn parse_crew(table: &TomlTable<'_>) -> Result<Vec<(String, Vec<String>)>, Error> {
    let Some(value) = table.get("crew") else {
        return Ok(Vec::new());
    };
    let hint = "write, for example, `crew = { director = \"Anna Kim\", camera = [\"Ben Ruiz\"] }`";
    if !value.is_table() {
        return Err(value.wrong("`crew` is not a table of roles and names".to_owned(), hint));
    }
    let mut crew = Vec::new();
    for (role, value) in value.table("crew")?.entries() {
        let is_valid = !role.trim().is_empty() && role.chars().count() <= MAX_CHARS;
        if !is_valid || role.contains(char::is_control) {
            return Err(value.wrong(format!("`{}` is not a valid role", escape(role)), hint));
        }
        let names = match value.items() {
            Ok(names) => names,
            Err(_) => vec![value.clone()],
        };
        if names.is_empty() {
            return Err(value.wrong(format!("`{role}` has no names"), hint));
        }
        let names = names
            .iter()
            .map(|value| parse_text(value, role, "Anna Kim"));
        crew.push((role.trim().to_owned(), names.collect::<Result<_, _>>()?));
    }
    Ok(crew)
}

fn parse_tags(table: &TomlTable<'_>) -> Result<Vec<String>, Error> {
    let mut tags = Vec::new();
    for (text, value) in table.texts("tags")? {
        let tag = parse_tag(text).map_err(|error| {
            value.wrong(
                error.to_string(),
                "write, for example, `tags = [\"interview\"]`",
            )
        })?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

fn parse_cards(file: &TomlTable<'_>, base: Option<&PathBase>) -> Result<Vec<DayCard>, Error> {
    let tables = file.tables("card")?;
    if let Some(table) = tables.get(MAX_CARDS) {
        return Err(table.wrong(
            "more than 1,000 cards".to_owned(),
            "write a day file for each day",
        ));
    }
    let mut cards = Vec::new();
    let mut paths = HashSet::new();
    for table in &tables {
        let card = parse_card(table, base)?;
        if !paths.insert(card.path.clone()) {
            let path = escape(&card.path.to_string_lossy());
            return Err(table.wrong(format!("duplicate card `{path}`"), "remove one of them"));
        }
        cards.push(card);
    }
    Ok(cards)
}

fn parse_card(table: &TomlTable<'_>, base: Option<&PathBase>) -> Result<DayCard, Error> {
    table.check_keys(&["path", "name", "camera", "clock", "location", "tags"])?;
    let Some(value) = table.get("path") else {
        return Err(table.wrong(
            "a card has no path".to_owned(),
            "write, for example, `path = \"/media/A001\"`",
        ));
    };
    let path = parse_path(&value, "path", "/media/A001")?;
    let resolved = match base {
        Some(base) => base.resolve(path),
        None => Ok(PathBuf::from(path)),
    };
    Ok(DayCard {
        path: resolved.map_err(|error| template_error(&value, error))?,
        name: optional_text(table, "name", "A001")?,
        camera: optional_text(table, "camera", "A")?,
        clock: parse_clock(table)?,
        location: optional_text(table, "location", "Backstage")?,
        tags: parse_tags(table)?,
    })
}

fn parse_clock(table: &TomlTable<'_>) -> Result<Option<ClockCorrection>, Error> {
    let Some(value) = table.get("clock") else {
        return Ok(None);
    };
    let hint = "write the correction, such as `clock = \"+01:02:00\"`, or \
                `clock = { shows = \"14:00:00\", was = \"15:02:00\" }`";
    let clock = if value.is_table() {
        let both = value.table("clock")?;
        both.check_keys(&["shows", "was"])?;
        let reading = |key: &str| {
            let reading = both
                .get(key)
                .ok_or_else(|| both.wrong(format!("`clock` has no `{key}`"), hint))?;
            let text = reading.text_or_date();
            text.ok_or_else(|| reading.wrong(format!("`{key}` is not a time"), hint))
        };
        ClockCorrection::from_readings(reading("shows")?, reading("was")?)
    } else {
        let text = value.text_or_date();
        text.ok_or_else(|| value.wrong("`clock` is not a correction".to_owned(), hint))?
            .parse()
    };
    clock
        .map(Some)
        .map_err(|error| value.wrong(error.to_string(), hint))
}

fn parse_to(table: &TomlTable<'_>, base: Option<&PathBase>) -> Result<Destinations, Error> {
    table.check_keys(&["folders", "hash"])?;
    let mut folders: Vec<Template> = Vec::new();
    if let Some(value) = table.get("folders") {
        let values = match value.items() {
            Ok(values) => values,
            Err(_) => vec![value],
        };
        for value in values {
            let folder = parse_folder(&value, base)?;
            if folders.iter().any(|known| known.is_same(&folder)) {
                return Err(value.wrong(
                    format!("duplicate folder `{folder}`"),
                    "a second copy needs another drive; remove one of them",
                ));
            }
            folders.push(folder);
        }
    }
    Ok(Destinations {
        folders,
        hash: parse_hash(table)?,
    })
}

fn parse_folder(value: &TomlValue<'_>, base: Option<&PathBase>) -> Result<Template, Error> {
    let text = parse_path(
        value,
        "folders",
        "/raid/{production}/{date}/{camera}/{card}",
    )?;
    let template = Template::parse(text).and_then(|template| match base {
        Some(base) => template.resolve(base),
        None if template.is_absolute() => Ok(template),
        None => Err(TemplateError::new(
            format!("`{text}` is relative to an unknown folder"),
            "use an absolute path, such as \"/raid/{date}/{card}\"",
        )),
    });
    template.map_err(|error| template_error(value, error))
}

/// Returns the path in a setting, checked but not resolved.
fn parse_path<'a>(value: &TomlValue<'a>, key: &str, example: &str) -> Result<&'a str, Error> {
    let text = value.as_string().ok_or_else(|| {
        value.wrong(
            format!("`{key}` is not a path"),
            format!("write it in quotes, such as \"{example}\""),
        )
    })?;
    check_path(text).map_err(|error| template_error(value, error))
}

fn parse_hash(table: &TomlTable<'_>) -> Result<Option<String>, Error> {
    let Some(value) = table.get("hash") else {
        return Ok(None);
    };
    let text = value.as_string().unwrap_or_default();
    if HASHES.contains(&text) {
        return Ok(Some(text.to_owned()));
    }
    let hint = match closest(&text.to_lowercase(), &HASHES) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("available: {}", HASHES.join(", ")),
    };
    let message = if text.is_empty() {
        "`hash` is not the name of a hash algorithm".to_owned()
    } else {
        format!("unknown hash algorithm `{}`", escape(text))
    };
    Err(value.wrong(message, hint))
}

/// Converts a template error to an error at the position of a value.
fn template_error(value: &TomlValue<'_>, error: TemplateError) -> Error {
    value.wrong(error.message, error.hint)
}
