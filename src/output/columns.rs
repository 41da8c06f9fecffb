//! Columns of clip tables and CSV files: any field, and columns composed of several fields.

use std::borrow::Borrow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::{TextTable, clip_rows};
use crate::clip::{Clip, FIELDS, Field, facets};
use crate::error::{Error, closest, escape};
use crate::query::Query;
use crate::value::SearchWords;

/// Column of a table or CSV file.
#[derive(Clone, Copy)]
enum ClipColumn {
    /// Text composed of several fields, with the heading.
    Composed(&'static str, ComposeText),
    /// Single field.
    Field(&'static Field),
    /// Matches of the query's words outside name, tags and camera.
    Match,
}

/// Columns of a table or a CSV file of clips.
pub struct ClipColumns {
    /// Requested columns; empty if the default columns are used.
    requested: Vec<ClipColumn>,
    /// Words of the query, which the column `match` shows.
    words: Vec<SearchWords>,
    /// Fields in which plain words are searched, highest weight first.
    searched_fields: Vec<&'static Field>,
}

type ComposeText = fn(&Clip) -> String;

const COMPOSED: [(&str, ComposeText); 6] = [
    ("shot", clip_rows::shot),
    ("length", clip_rows::length),
    ("picture", clip_rows::picture),
    ("day", |clip| clip.day().unwrap_or_default()),
    ("folder", clip_rows::folder),
    ("where", clip_rows::volumes),
];
/// Default columns of a table.
const DEFAULT: [&str; 9] = [
    "name", "shot", "length", "picture", "camera", "tags", "folder", "where", "match",
];
/// Default columns of a CSV file.
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

impl ClipColumns {
    /// Parses column names. Without names, the default columns are used.
    ///
    /// # Errors
    /// Returns [`Error::Query`] for an unknown name.
    pub fn parse(names: &[String], query: &Query) -> Result<Self, Error> {
        let words = query.words().into_iter().cloned().collect();
        let names = names
            .iter()
            .map(|name| name.trim())
            .filter(|name| !name.is_empty());
        let columns: Result<Vec<ClipColumn>, Error> = names.map(column).collect();
        let mut searched_fields: Vec<&Field> =
            FIELDS.iter().filter(|field| field.weight > 0.0).collect();
        searched_fields.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        Ok(Self {
            requested: columns?,
            words,
            searched_fields,
        })
    }

    /// Lays out clips as a table of at most `width` terminal columns.
    #[must_use]
    pub fn table<'c>(
        &self,
        clips: impl IntoIterator<Item = &'c Clip>,
        width: Option<usize>,
    ) -> TextTable {
        let columns = self.or_default(&DEFAULT);
        let headings: Vec<&'static str> = columns.iter().map(|column| column.heading()).collect();
        let mut table = TextTable::new(&headings, width);
        for clip in clips {
            let cells = columns.iter().map(|column| match column {
                ClipColumn::Composed(_, text) => text(clip),
                ClipColumn::Field(field) => (field.text)(clip).unwrap_or_default(),
                ClipColumn::Match => self.match_text(clip),
            });
            table.row(&cells.collect::<Vec<_>>());
        }
        table
    }

    fn or_default(&self, names: &[&str]) -> Vec<ClipColumn> {
        if self.requested.is_empty() {
            names.iter().filter_map(|name| column(name).ok()).collect()
        } else {
            self.requested.clone()
        }
    }

    /// Returns the matches, such as `note: …drummer…`, except those in name, tags and camera, which
    /// have their own columns.
    fn match_text(&self, clip: &Clip) -> String {
        let mut shown = String::new();
        for words in &self.words {
            let Some((field, text)) = self.find_match(words, clip) else {
                continue;
            };
            let is_new = !shown.contains(&text);
            if is_new && shown.chars().count() < MAX_MATCH_TEXT {
                let gap = if shown.is_empty() { "" } else { "; " };
                // Writing to a string cannot fail.
                let _ = write!(shown, "{gap}{field}: {text}");
            }
        }
        shown
    }

    /// Returns the highest-weighted field that contains the words, and the text around them. `None`
    /// if that field is name, tags or camera.
    fn find_match(&self, words: &SearchWords, clip: &Clip) -> Option<(&'static str, String)> {
        for field in &self.searched_fields {
            for cell in (field.cells)(clip) {
                let crate::clip::IndexCell::Words(text) = cell else {
                    continue;
                };
                if let Some(at) = words.find_in(&text) {
                    let has_column = matches!(field.name, "name" | "tags" | "camera");
                    let name = if field.name == "path" {
                        "folder"
                    } else {
                        field.name
                    };
                    return (!has_column).then(|| (name, excerpt(&text, &at)));
                }
            }
        }
        None
    }
}

/// Length of the column `match` in characters from which no further match is added.
const MAX_MATCH_TEXT: usize = 100;
/// Characters shown before and after a match.
const CONTEXT: usize = 24;

/// Returns a match with the text around it, cut at word boundaries.
fn excerpt(text: &str, at: &std::ops::Range<usize>) -> String {
    let before: Vec<(usize, char)> = text[..at.start]
        .char_indices()
        .rev()
        .take(CONTEXT + 1)
        .collect();
    let start = match before.get(CONTEXT) {
        // Cuts at a space, so that words stay complete.
        Some(_) => before[..CONTEXT]
            .iter()
            .rev()
            .find(|(_, c)| c.is_whitespace())
            .map_or(at.start, |(position, c)| position + c.len_utf8()),
        None => 0,
    };
    let mut after = text[at.end..].char_indices().skip(CONTEXT);
    let end = match after.next() {
        Some((furthest, _)) => text[at.end..at.end + furthest]
            .rfind(char::is_whitespace)
            .map_or(at.end, |position| at.end + position),
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

impl ClipColumn {
    fn heading(self) -> &'static str {
        match self {
            Self::Composed(name, _) => name,
            Self::Field(field) => field.name,
            Self::Match => "match",
        }
    }
}

fn column(name: &str) -> Result<ClipColumn, Error> {
    let lower = name.to_ascii_lowercase();
    if lower == "match" {
        return Ok(ClipColumn::Match);
    }
    if let Some((name, text)) = COMPOSED.iter().find(|(composed, _)| *composed == lower) {
        return Ok(ClipColumn::Composed(name, *text));
    }
    if let Some((_, field)) = Clip::fields_named(&lower).next() {
        return Ok(ClipColumn::Field(field));
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

/// Writes clips as CSV (RFC 4180) with a header row. Values are machine-readable; multiple values
/// are joined with `; `. Values that a spreadsheet would run as a formula are prefixed with `'`.
/// Control characters are escaped if the output is a terminal.
///
/// # Errors
/// Returns an error if a clip cannot be read or `out` cannot be written.
pub fn write_csv(
    columns: &ClipColumns,
    clips: impl Iterator<Item = Result<Clip, Error>>,
    is_terminal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows = clips.map(|clip| Ok((Vec::new(), clip.map_err(io::Error::other)?, Vec::new())));
    write_rows(columns, (&[], &[]), rows, is_terminal, out)
}

/// Writes clips as CSV, like [`write_csv()`], with additional columns before and after those of
/// the clip. `extra` holds the headings of these columns.
///
/// # Errors
/// Returns an error if a row cannot be read or `out` cannot be written.
pub fn write_csv_with(
    columns: &ClipColumns,
    extra: (&[&str], &[&str]),
    rows: impl Iterator<Item = io::Result<(Vec<String>, Clip, Vec<String>)>>,
    is_terminal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_rows(columns, extra, rows, is_terminal, out)
}

fn write_rows<C: Borrow<Clip>>(
    columns: &ClipColumns,
    (before, after): (&[&str], &[&str]),
    rows: impl Iterator<Item = io::Result<(Vec<String>, C, Vec<String>)>>,
    is_terminal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let chosen = columns.or_default(&EXPORTED);
    let mut csv = csv::WriterBuilder::new().from_writer(out);
    let headings = chosen.iter().map(|column| column.heading());
    let headings = before
        .iter()
        .copied()
        .chain(headings)
        .chain(after.iter().copied());
    csv.write_record(headings).map_err(to_io_error)?;
    for row in rows {
        let (first, clip, last) = row?;
        let clip: &Clip = clip.borrow();
        let cells = chosen.iter().map(|column| match column {
            ClipColumn::Composed(_, text) => text(clip),
            ClipColumn::Field(field) => (field.json)(clip).map(to_cell).unwrap_or_default(),
            ClipColumn::Match => columns.match_text(clip),
        });
        let cells = first
            .into_iter()
            .chain(cells)
            .chain(last)
            .map(disarm_formula);
        let cells = cells.map(|cell| if is_terminal { escape(&cell) } else { cell });
        csv.write_record(cells).map_err(to_io_error)?;
    }
    csv.flush()
}

/// Unwraps the I/O error inside a CSV error, so that `main` recognises a closed pipe by its kind.
fn to_io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Prefixes a cell with `'` if a spreadsheet would run it as a formula. Cells may contain arbitrary
/// text, such as file names.
fn disarm_formula(cell: String) -> String {
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

/// Formats a JSON value as one cell.
fn to_cell(value: serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Array(all) => {
            all.into_iter().map(to_cell).collect::<Vec<_>>().join("; ")
        }
        serde_json::Value::Object(fields) => match fields.get("text") {
            Some(text) => to_cell(text.clone()),
            None => serde_json::Value::Object(fields).to_string(),
        },
        serde_json::Value::Null => String::new(),
        value => value.to_string(),
    }
}
