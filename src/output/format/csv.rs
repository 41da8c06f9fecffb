//! CSV (RFC 4180) with a header row. Several values in a cell are joined with `; `.

use std::io::{self, Write};

use serde_json::Value;

use super::device::OutputDevice;
use super::listing::RowListing;
use crate::error::escape;

/// Writes one record per row. Values that a spreadsheet would run as a formula are prefixed with `'`.
/// Control characters are escaped if the output is a terminal.
pub(super) fn write<R>(
    mut listing: RowListing<'_, R>,
    device: OutputDevice,
    out: &mut dyn Write,
) -> io::Result<()> {
    listing.columns.retain(|column| column.data.is_some());
    let mut csv = csv::WriterBuilder::new().from_writer(out);
    let data = listing
        .columns
        .iter()
        .filter_map(|column| column.data.as_ref());
    csv.write_record(data.map(|(name, _)| *name))
        .map_err(to_io_error)?;
    while let Some(row) = listing.next() {
        let row = row?;
        let cells = listing
            .columns
            .iter()
            .map(|column| match (&column.cell, &column.data) {
                (Some(text), _) => text(&row),
                (None, Some((_, value))) => value(&row).map(to_cell).unwrap_or_default(),
                (None, None) => String::new(),
            });
        let cells = cells.map(disarm_formula);
        let cells = cells.map(|cell| {
            if device.is_terminal {
                escape(&cell)
            } else {
                cell
            }
        });
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
fn to_cell(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Array(all) => all.into_iter().map(to_cell).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => match fields.get("text") {
            Some(text) => to_cell(text.clone()),
            None => Value::Object(fields).to_string(),
        },
        Value::Null => String::new(),
        value => value.to_string(),
    }
}
