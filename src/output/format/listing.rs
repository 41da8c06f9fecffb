//! Rows of a command, described independently of their format.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::output::table::FittedColumns;

type TextOf<'a, R> = Box<dyn Fn(&R) -> String + 'a>;
type ValueOf<'a, R> = Box<dyn Fn(&R) -> Option<Value> + 'a>;
type ObjectOf<'a, R> = Box<dyn Fn(&R) -> Value + 'a>;
type PathsOf<'a, R> = Box<dyn Fn(&R) -> Vec<PathBuf> + 'a>;

/// Property of a row: a value for programs, a text for people, or both.
pub struct RowColumn<'a, R> {
    /// Name and value for programs.
    pub(super) data: Option<(&'static str, ValueOf<'a, R>)>,
    /// Text of the value, if formats without nesting cannot print the value itself.
    pub(super) cell: Option<TextOf<'a, R>>,
    /// Heading and text in tables.
    pub(super) shown: Option<(&'static str, TextOf<'a, R>)>,
}

impl<'a, R> RowColumn<'a, R> {
    /// Creates a column for programs.
    pub fn new(name: &'static str, value: impl Fn(&R) -> Value + 'a) -> Self {
        Self::optional(name, move |row| Some(value(row)))
    }

    /// Creates a column for programs that is left out of rows without a value.
    pub fn optional(name: &'static str, value: impl Fn(&R) -> Option<Value> + 'a) -> Self {
        Self {
            data: Some((name, Box::new(value))),
            cell: None,
            shown: None,
        }
    }

    /// Creates a column that only tables show.
    pub fn text(heading: &'static str, text: impl Fn(&R) -> String + 'a) -> Self {
        Self {
            data: None,
            cell: None,
            shown: Some((heading, Box::new(text))),
        }
    }

    /// Shows the column in tables as well.
    #[must_use]
    pub fn shown(mut self, heading: &'static str, text: impl Fn(&R) -> String + 'a) -> Self {
        self.shown = Some((heading, Box::new(text)));
        self
    }

    /// Sets the text of the value for formats without nesting.
    #[must_use]
    pub fn cell(mut self, text: impl Fn(&R) -> String + 'a) -> Self {
        self.cell = Some(Box::new(text));
        self
    }
}

/// Writer for the text of one row.
type WriteRow<'a, R> = Box<dyn Fn(&R, &mut dyn Write) -> io::Result<()> + 'a>;
/// Writer for the text of all rows, given the width of the output.
type WriteText<'a> = Box<dyn FnOnce(Option<usize>, &mut dyn Write) -> io::Result<()> + 'a>;

/// Layout of the text for people.
pub(super) enum TextLayout<'a, R> {
    /// Aligned columns.
    Columns,
    /// Aligned columns of known width, so that no row is held in memory.
    Fitted(FittedColumns),
    /// Text per row.
    Rows(WriteRow<'a, R>),
    /// Text that is not made of rows.
    Whole(WriteText<'a>),
}

/// Rows that a command prints in any format.
pub struct RowListing<'a, R> {
    pub(super) columns: Vec<RowColumn<'a, R>>,
    pub(super) rows: Box<dyn Iterator<Item = Result<R, Error>> + 'a>,
    pub(super) layout: TextLayout<'a, R>,
    object: Option<ObjectOf<'a, R>>,
    paths: Option<PathsOf<'a, R>>,
}

impl<'a, R: 'a> RowListing<'a, R> {
    /// Creates a listing of rows, which are read when they are printed.
    pub fn new<I>(columns: Vec<RowColumn<'a, R>>, rows: I) -> Self
    where
        I: IntoIterator<Item = Result<R, Error>>,
        I::IntoIter: 'a,
    {
        Self {
            columns,
            rows: Box::new(rows.into_iter()),
            layout: TextLayout::Columns,
            object: None,
            paths: None,
        }
    }

    /// Creates a listing of a single object without columns.
    pub fn of_object(
        row: R,
        object: impl Fn(&R) -> Value + 'a,
        text: impl Fn(&R, &mut dyn Write) -> io::Result<()> + 'a,
    ) -> Self {
        Self::new(Vec::new(), [Ok(row)])
            .object(object)
            .text_of_row(text)
    }

    /// Sets the JSON of a row, if it has more than the columns.
    #[must_use]
    pub fn object(mut self, object: impl Fn(&R) -> Value + 'a) -> Self {
        self.object = Some(Box::new(object));
        self
    }

    /// Sets the paths of a row.
    #[must_use]
    pub fn paths(mut self, paths: impl Fn(&R) -> Vec<PathBuf> + 'a) -> Self {
        self.paths = Some(Box::new(paths));
        self
    }

    /// Sets the text of a row, instead of a table.
    #[must_use]
    pub fn text_of_row(mut self, text: impl Fn(&R, &mut dyn Write) -> io::Result<()> + 'a) -> Self {
        self.layout = TextLayout::Rows(Box::new(text));
        self
    }

    /// Sets the whole text, instead of a table. It receives the width of the output.
    #[must_use]
    pub fn text(
        mut self,
        text: impl FnOnce(Option<usize>, &mut dyn Write) -> io::Result<()> + 'a,
    ) -> Self {
        self.layout = TextLayout::Whole(Box::new(text));
        self
    }

    /// Sets the widths of the table's columns, so that no row is held in memory.
    #[must_use]
    pub fn fitted(mut self, columns: FittedColumns) -> Self {
        self.layout = TextLayout::Fitted(columns);
        self
    }
}

impl<R> RowListing<'_, R> {
    /// Returns a row as one JSON object.
    pub(super) fn object_of(&self, row: &R) -> Value {
        match &self.object {
            Some(object) => object(row),
            None => row_object(&self.columns, row),
        }
    }

    /// Returns the paths of a row.
    pub(super) fn paths_of(&self, row: &R) -> Vec<PathBuf> {
        self.paths
            .as_ref()
            .map_or_else(Vec::new, |paths| paths(row))
    }

    /// Returns the next row.
    pub(super) fn next(&mut self) -> Option<io::Result<R>> {
        let row = self.rows.next()?;
        Some(row.map_err(io::Error::other))
    }
}

/// Returns the columns of a row as one JSON object.
pub(in crate::output) fn row_object<R>(columns: &[RowColumn<'_, R>], row: &R) -> Value {
    let data = columns.iter().filter_map(|column| column.data.as_ref());
    let fields = data.filter_map(|(name, value)| Some(((*name).to_owned(), value(row)?)));
    Value::Object(fields.collect::<Map<String, Value>>())
}

/// Returns the table headings of columns.
pub(in crate::output) fn headings<R>(columns: &[RowColumn<'_, R>]) -> Vec<&'static str> {
    let shown = columns.iter().filter_map(|column| column.shown.as_ref());
    shown.map(|(heading, _)| *heading).collect()
}

/// Returns the table cells of a row.
pub(in crate::output) fn texts<R>(columns: &[RowColumn<'_, R>], row: &R) -> Vec<String> {
    let shown = columns.iter().filter_map(|column| column.shown.as_ref());
    shown.map(|(_, text)| text(row)).collect()
}
