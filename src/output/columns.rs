//! The columns that clips are shown in: composed ones that people read, and any field.

use std::borrow::Borrow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Table, clip_rows};
use crate::clip::{Clip, FIELDS, Field, facets};
use crate::error::{Error, closest, escape};
use crate::query::Query;
use crate::value::SearchWords;

/// One column: its heading, and what stands in it.
#[derive(Clone, Copy)]
enum Column {
    Composed(&'static str, Text),
    Field(&'static Field),
    Match,
}

/// What clips are shown in.
pub struct Columns {
    shown: Vec<Column>,
    /// What was looked for, so that it can be shown where it is.
    words: Vec<SearchWords>,
    /// Where plain words look, the weightiest first.
    looked_in: Vec<&'static Field>,
}

type Text = fn(&Clip) -> String;

const COMPOSED: [(&str, Text); 6] = [
    ("shot", clip_rows::shot),
    ("length", clip_rows::length),
    ("picture", clip_rows::picture),
    ("day", |clip| clip.day().unwrap_or_default()),
    ("folder", clip_rows::folder),
    ("where", clip_rows::place),
];
/// What is shown when nothing is asked for.
const DEFAULT: [&str; 9] = [
    "name", "shot", "length", "picture", "camera", "tags", "folder", "where", "match",
];
/// What a spreadsheet gets when nothing is asked for.
const EXPORTED: [&str; 17] = [
    "name",
    "path",
    "volume",
    "captured",
    "duration",
    "start_timecode",
    "bytes",
    "display_width",
    "display_height",
    "rate",
    "video_codec",
    "make",
    "model",
    "tags",
    "rating",
    "selection",
    "notes",
];

impl Columns {
    /// Columns by their names; of none, those that people look at first.
    ///
    /// # Errors
    /// [`Error::Query`] for a name that is none.
    pub fn named(names: &[String], query: &Query) -> Result<Self, Error> {
        let words = query.words().into_iter().cloned().collect();
        let names = names
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty());
        let columns: Result<Vec<Column>, Error> = names.map(column).collect();
        let mut looked_in: Vec<&Field> = FIELDS.iter().filter(|field| field.weight > 0.0).collect();
        looked_in.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        Ok(Self {
            shown: columns?,
            words,
            looked_in,
        })
    }

    /// Clips as a table.
    #[must_use]
    pub fn table<'c>(
        &self,
        clips: impl IntoIterator<Item = &'c Clip>,
        width: Option<usize>,
    ) -> Table {
        let columns = self.or(&DEFAULT);
        let headings: Vec<&'static str> = columns.iter().map(|column| column.heading()).collect();
        let mut table = Table::new(&headings, width);
        for clip in clips {
            let cells = columns.iter().map(|column| match column {
                Column::Composed(_, text) => text(clip),
                Column::Field(field) => (field.text)(clip).unwrap_or_default(),
                Column::Match => self.matched(clip),
            });
            table.row(&cells.collect::<Vec<_>>());
        }
        table
    }

    fn or(&self, names: &[&str]) -> Vec<Column> {
        if self.shown.is_empty() {
            names.iter().filter_map(|name| column(name).ok()).collect()
        } else {
            self.shown.clone()
        }
    }

    /// Where the words are that do not show in a clip's name, tags or camera.
    fn matched(&self, clip: &Clip) -> String {
        let mut shown = String::new();
        for words in &self.words {
            let Some((field, text)) = self.place(words, clip) else {
                continue;
            };
            let is_new = !shown.contains(&text);
            if is_new && shown.chars().count() < MOST_SHOWN {
                let gap = if shown.is_empty() { "" } else { "; " };
                // Writing to a string cannot fail.
                let _ = write!(shown, "{gap}{field}: {text}");
            }
        }
        shown
    }

    /// The weightiest field that words are found in, and what stands around them there; `None`
    /// where they can be seen anyway.
    fn place(&self, words: &SearchWords, clip: &Clip) -> Option<(&'static str, String)> {
        for field in &self.looked_in {
            for cell in (field.cells)(clip) {
                let crate::clip::IndexCell::Words(text) = cell else {
                    continue;
                };
                if let Some(at) = words.find_in(&text) {
                    let is_seen = matches!(field.name, "name" | "tags" | "camera");
                    let name = if field.name == "path" {
                        "folder"
                    } else {
                        field.name
                    };
                    return (!is_seen).then(|| (name, around(&text, &at)));
                }
            }
        }
        None
    }
}

/// Letters of matches that are shown, more or less.
const MOST_SHOWN: usize = 100;
/// Letters shown before and after a match.
const AROUND: usize = 24;

/// A match with a little of what stands around it.
fn around(text: &str, at: &std::ops::Range<usize>) -> String {
    let before: Vec<(usize, char)> = text[..at.start]
        .char_indices()
        .rev()
        .take(AROUND + 1)
        .collect();
    let start = match before.get(AROUND) {
        // At a blank, so that no word is cut.
        Some(_) => before[..AROUND]
            .iter()
            .rev()
            .find(|(_, c)| c.is_whitespace())
            .map_or(at.start, |(place, c)| place + c.len_utf8()),
        None => 0,
    };
    let mut after = text[at.end..].char_indices().skip(AROUND);
    let end = match after.next() {
        Some((furthest, _)) => text[at.end..at.end + furthest]
            .rfind(char::is_whitespace)
            .map_or(at.end, |place| at.end + place),
        None => text.len(),
    };
    let (front, back) = (
        if start > 0 { "…" } else { "" },
        if end < text.len() { "…" } else { "" },
    );
    format!(
        "{front}{}{back}",
        text[start..end]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    )
}

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Composed(name, _) => name,
            Self::Field(field) => field.name,
            Self::Match => "match",
        }
    }
}

fn column(name: &str) -> Result<Column, Error> {
    let lower = name.to_ascii_lowercase();
    if lower == "match" {
        return Ok(Column::Match);
    }
    if let Some((name, text)) = COMPOSED.iter().find(|(composed, _)| *composed == lower) {
        return Ok(Column::Composed(name, *text));
    }
    if let Some((_, field)) = Clip::fields_named(&lower).next() {
        return Ok(Column::Field(field));
    }
    let mut names: Vec<&str> = COMPOSED.iter().map(|(name, _)| *name).collect();
    names.extend(Clip::field_names().chain(facets().map(|facet| facet.name)));
    Err(Error::Query {
        message: format!("no column `{name}`"),
        hint: match closest(&lower, &names) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "`btsindex fields` lists them all".to_owned(),
        },
    })
}

/// Clips as CSV (RFC 4180) with a heading: values as programs read them, several with `; `, and a
/// `'` before what a spreadsheet would work out. A terminal gets no byte that it would act on.
///
/// # Errors
/// When a clip cannot be read, or `out` not written to.
pub fn csv(
    columns: &Columns,
    clips: impl Iterator<Item = Result<Clip, Error>>,
    is_terminal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows = clips.map(|clip| Ok((Vec::new(), clip.map_err(io::Error::other)?, Vec::new())));
    lines(columns, (&[], &[]), rows, is_terminal, out)
}

/// Clips as CSV, like [`csv()`], with what else is known of each in columns before and after.
///
/// # Errors
/// When a row cannot be read, or `out` not written to.
pub fn csv_with(
    columns: &Columns,
    beside: (&[&str], &[&str]),
    rows: impl Iterator<Item = io::Result<(Vec<String>, Clip, Vec<String>)>>,
    is_terminal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    lines(columns, beside, rows, is_terminal, out)
}

fn lines<C: Borrow<Clip>>(
    columns: &Columns,
    (before, after): (&[&str], &[&str]),
    rows: impl Iterator<Item = io::Result<(Vec<String>, C, Vec<String>)>>,
    is_terminal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let chosen = columns.or(&EXPORTED);
    let mut lines = csv::WriterBuilder::new().from_writer(out);
    let headings = chosen.iter().map(|column| column.heading());
    let headings = before
        .iter()
        .copied()
        .chain(headings)
        .chain(after.iter().copied());
    lines.write_record(headings).map_err(unwrapped)?;
    for row in rows {
        let (first, clip, last) = row?;
        let clip: &Clip = clip.borrow();
        let cells = chosen.iter().map(|column| match column {
            Column::Composed(_, text) => text(clip),
            Column::Field(field) => (field.json)(clip).map(plain).unwrap_or_default(),
            Column::Match => columns.matched(clip),
        });
        let cells = first.into_iter().chain(cells).chain(last).map(inert);
        let cells = cells.map(|cell| if is_terminal { escape(&cell) } else { cell });
        lines.write_record(cells).map_err(unwrapped)?;
    }
    lines.flush()
}

/// The error of whatever was written to: a pipe that was closed is known by its kind.
fn unwrapped(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A cell that no spreadsheet takes for a formula, whatever a drive calls its files.
fn inert(cell: String) -> String {
    let is_number = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ':' | '-' | '+'))
    };
    let is_formula = match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+' | '-') => !is_number(&cell),
        _ => false,
    };
    if is_formula { format!("'{cell}") } else { cell }
}

/// A JSON value as one cell.
fn plain(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Array(all) => all.into_iter().map(plain).collect::<Vec<_>>().join("; "),
        serde_json::Value::Object(fields) => match fields.get("text") {
            Some(text) => plain(text.clone()),
            None => serde_json::Value::Object(fields).to_string(),
        },
        serde_json::Value::Null => String::new(),
        value => value.to_string(),
    }
}
