//! Columns of clip tables and CSV files: any field, and columns composed of several fields.

use std::borrow::Borrow;
use std::fmt::Write as _;

use super::clip_rows;
use super::format::{RowColumn, RowListing};
use crate::clip::{Clip, FIELDS, Field, facets, field_names};
use crate::error::{Error, closest};
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
const EXPORTED: [&str; 17] = field_names![
    name,
    path,
    volume,
    captured,
    duration,
    start_timecode,
    bytes,
    display_width,
    display_height,
    rate,
    video_codec,
    make,
    model,
    tags,
    rating,
    selection,
    notes,
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

    /// Lists clips in these columns. JSON has all fields, regardless of the columns.
    pub fn listing<'a, C, I>(&'a self, clips: I) -> RowListing<'a, C>
    where
        C: Borrow<Clip> + 'a,
        I: IntoIterator<Item = Result<C, Error>>,
        I::IntoIter: 'a,
    {
        RowListing::new(self.columns(), clips).object(|clip| clip_rows::clip_json(clip.borrow()))
    }

    /// Returns the columns of a listing of rows that contain a clip.
    pub(crate) fn columns<'a, C: Borrow<Clip> + 'a>(&'a self) -> Vec<RowColumn<'a, C>> {
        if !self.requested.is_empty() {
            let both = |&column| {
                self.with_value(column)
                    .shown(heading(column), self.text(column))
            };
            return self.requested.iter().map(both).collect();
        }
        let default = |names: &[&str]| -> Vec<ClipColumn> {
            names.iter().filter_map(|name| column(name).ok()).collect()
        };
        let shown = default(&DEFAULT).into_iter();
        let shown = shown.map(|column| RowColumn::text(heading(column), self.text(column)));
        let exported = default(&EXPORTED).into_iter();
        shown
            .chain(exported.map(|column| self.with_value(column)))
            .collect()
    }

    fn with_value<'a, C: Borrow<Clip> + 'a>(&'a self, column: ClipColumn) -> RowColumn<'a, C> {
        RowColumn::optional(heading(column), move |row: &C| match column {
            ClipColumn::Field(field) => (field.json)(row.borrow()),
            ClipColumn::Composed(_, text) => Some(text(row.borrow()).into()),
            ClipColumn::Match => Some(self.match_text(row.borrow()).into()),
        })
    }

    fn text<C: Borrow<Clip>>(&self, column: ClipColumn) -> impl Fn(&C) -> String + '_ {
        move |row: &C| match column {
            ClipColumn::Field(field) => (field.text)(row.borrow()).unwrap_or_default(),
            ClipColumn::Composed(_, text) => text(row.borrow()),
            ClipColumn::Match => self.match_text(row.borrow()),
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

fn heading(column: ClipColumn) -> &'static str {
    match column {
        ClipColumn::Composed(name, _) => name,
        ClipColumn::Field(field) => field.name,
        ClipColumn::Match => "match",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_column_exists() {
        for name in DEFAULT.iter().chain(&EXPORTED) {
            assert!(column(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_field_is_a_column() {
        let names: Vec<String> = FIELDS.iter().map(|field| field.name.to_owned()).collect();
        let columns = ClipColumns::parse(&names, &Query::default()).unwrap();
        let headings = columns.requested.iter().map(|&column| heading(column));
        assert!(headings.eq(FIELDS.iter().map(|field| field.name)));
    }
}
