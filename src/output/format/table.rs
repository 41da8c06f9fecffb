//! Text for people: aligned columns, or the layout of the listing.

use std::io::{self, Write};

use super::device::OutputDevice;
use super::listing::{RowColumn, RowListing, TextLayout, headings, texts};
use crate::output::table::{TextTable, Widths};

/// Writes the text of a listing.
pub(super) fn write<R>(
    mut listing: RowListing<'_, R>,
    device: OutputDevice,
    out: &mut dyn Write,
) -> io::Result<()> {
    match std::mem::replace(&mut listing.layout, TextLayout::Columns) {
        TextLayout::Whole(write) => return write(device.width, out),
        TextLayout::Rows(write) => {
            while let Some(row) = listing.next() {
                write(&row?, out)?;
            }
        }
        TextLayout::Fitted(columns) => {
            columns.write_headings(out)?;
            while let Some(row) = listing.next() {
                columns.write_row(&texts(&listing.columns, &row?), out)?;
            }
        }
        TextLayout::Columns => {
            let mut table = TextTable::new(&headings(&listing.columns), device.width);
            while let Some(row) = listing.next() {
                table.row(&texts(&listing.columns, &row?));
            }
            table.write(out)?;
        }
    }
    Ok(())
}

impl Widths {
    /// Creates widths that fit the headings of columns, for a table of at most `width` characters.
    #[must_use]
    pub fn of_columns<R>(columns: &[RowColumn<'_, R>], width: Option<usize>) -> Self {
        Self::new(&headings(columns), width)
    }

    /// Widens the columns to fit a row.
    pub fn measure_row<R>(&mut self, columns: &[RowColumn<'_, R>], row: &R) {
        self.measure(&texts(columns, row));
    }
}
