//! Text tables that fit a terminal. Widths are display widths, in any script and with emoji.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::error::escape;

/// Spaces between two columns.
const GAP: usize = 2;
/// Maximum width to which cells are padded. Otherwise, one long cell would push the following columns
/// out of sight in every row.
const MAX_PADDING: usize = 200;
/// Minimum width of a narrowed column.
const MIN_COLUMN_WIDTH: usize = 6;

/// Rows of cells under headings. Cells are escaped, since they may come from a drive.
#[derive(Debug)]
pub(super) struct TextTable {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    width: Option<usize>,
}

impl TextTable {
    /// Creates an empty table of at most `width` columns; `None` for no limit.
    pub(super) fn new(headings: &[&'static str], width: Option<usize>) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
            width,
        }
    }

    /// Appends a row; its cells are escaped.
    pub(super) fn row(&mut self, cells: &[String]) {
        self.rows
            .push(cells.iter().map(|cell| escape(cell)).collect());
    }

    /// Writes the table without columns that are empty in every row.
    ///
    /// # Errors
    /// Returns an error if `out` cannot be written.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut widths = Widths::new(&self.headings, self.width);
        for row in &self.rows {
            widths.measure_escaped(row);
        }
        let columns = widths.fit();
        columns.write_headings(out)?;
        for row in &self.rows {
            columns.write_escaped(row, out)?;
        }
        Ok(())
    }
}

/// Column widths of a table whose rows are not held in memory. Rows are produced twice: first they
/// are measured, then written with [`FittedColumns`].
#[derive(Debug)]
pub struct Widths {
    headings: Vec<&'static str>,
    columns: Vec<usize>,
    is_used: Vec<bool>,
    width: Option<usize>,
}

impl Widths {
    /// Creates widths that fit the headings, for a table of at most `width` terminal columns.
    #[must_use]
    pub fn new(headings: &[&'static str], width: Option<usize>) -> Self {
        Self {
            headings: headings.to_vec(),
            columns: headings.iter().map(|heading| heading.width()).collect(),
            is_used: vec![false; headings.len()],
            width,
        }
    }

    /// Widens the columns to fit a row.
    pub fn measure(&mut self, cells: &[String]) {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        self.measure_escaped(&cells);
    }

    fn measure_escaped(&mut self, cells: &[String]) {
        for (at, cell) in cells.iter().enumerate().take(self.columns.len()) {
            self.columns[at] = self.columns[at].max(cell.width());
            self.is_used[at] |= !cell.is_empty();
        }
    }

    /// Removes the columns that are empty in every row, and fits the others into the width.
    #[must_use]
    pub fn fit(mut self) -> FittedColumns {
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|&at| self.is_used[at])
            .collect();
        fit(&mut self.columns, &shown, self.width);
        FittedColumns {
            headings: self.headings,
            widths: self.columns,
            columns: shown,
        }
    }
}

/// Columns with fixed widths, for writing rows one by one.
#[derive(Debug)]
pub struct FittedColumns {
    headings: Vec<&'static str>,
    widths: Vec<usize>,
    /// Indices of the columns shown.
    columns: Vec<usize>,
}

impl FittedColumns {
    /// Writes the headings.
    ///
    /// # Errors
    /// Returns an error if `out` cannot be written.
    pub fn write_headings(&self, out: &mut dyn Write) -> io::Result<()> {
        let headings: Vec<String> = self.headings.iter().map(|&text| text.to_owned()).collect();
        self.write_escaped(&headings, out)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Returns an error if `out` cannot be written.
    pub fn write_row(&self, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        self.write_escaped(&cells, out)
    }

    fn write_escaped(&self, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        for (position, &at) in self.columns.iter().enumerate() {
            let cell = truncate(cells.get(at).map_or("", String::as_str), self.widths[at]);
            line.push_str(&cell);
            if position + 1 < self.columns.len() {
                let room = self.widths[at].min(MAX_PADDING);
                let spaces = room.saturating_sub(cell.width()) + GAP;
                line.extend(std::iter::repeat_n(' ', spaces));
            }
        }
        writeln!(out, "{}", line.trim_end())
    }
}

/// Narrows the widest column repeatedly until all columns fit.
fn fit(widths: &mut [usize], columns: &[usize], width: Option<usize>) {
    let Some(width) = width else { return };
    let gaps = GAP * columns.len().saturating_sub(1);
    let total = |widths: &[usize]| columns.iter().map(|&at| widths[at]).sum::<usize>() + gaps;
    while total(widths) > width {
        let widest = columns.iter().copied().max_by_key(|&at| widths[at]);
        match widest {
            Some(at) if widths[at] > MIN_COLUMN_WIDTH => widths[at] -= 1,
            _ => return,
        }
    }
}

/// Truncates `text` to `width` columns and replaces its end by `…`.
///
/// Measures whole strings, since the width of a character can depend on its neighbours.
#[must_use]
pub fn truncate(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let starts = text.char_indices().map(|(start, _)| start);
    let mut short = String::new();
    for end in starts.skip(1) {
        let longer = format!("{}…", &text[..end]);
        if longer.width() > width {
            break;
        }
        short = longer;
    }
    short
}

/// Truncates `text` to `width` columns and replaces its start by `…`. For paths, whose ends differ.
#[must_use]
pub(super) fn truncate_start(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let starts = text.char_indices().map(|(start, _)| start);
    let ends = starts.skip(1).map(|start| format!("…{}", &text[start..]));
    let mut ends = ends.skip_while(|end| end.width() > width);
    ends.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(table: &TextTable) -> Vec<String> {
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_table_fits_and_its_columns_are_aligned() {
        let mut table = TextTable::new(&["name", "tags", "empty"], Some(24));
        table.row(&[
            "日本語の長い名前です.mov".into(),
            "ad shoot".into(),
            String::new(),
        ]);
        table.row(&["a\x1b[2J.mov".into(), "tv set".into(), String::new()]);
        let lines = lines(&table);
        assert_eq!(
            lines,
            [
                "name            tags",
                "日本語の長い…   ad shoot",
                "a\\u{1b}[2J.mov  tv set"
            ]
        );
        assert!(lines.iter().all(|line| line.width() <= 24));
    }

    #[test]
    fn streamed_rows_look_like_the_rows_of_a_table() {
        let rows: Vec<Vec<String>> = [["a\x1b[2J.mov", "", "tv set"], ["日本語.mov", "", "x"]]
            .iter()
            .map(|row| row.iter().map(|&cell| cell.to_owned()).collect())
            .collect();
        let headings = ["name", "empty", "tags"];
        for width in [None, Some(12), Some(40)] {
            let (mut table, mut widths) = (
                TextTable::new(&headings, width),
                Widths::new(&headings, width),
            );
            for row in &rows {
                table.row(row);
                widths.measure(row);
            }
            let (mut expected, mut streamed) = (Vec::new(), Vec::new());
            table.write(&mut expected).unwrap();
            let columns = widths.fit();
            columns.write_headings(&mut streamed).unwrap();
            for row in &rows {
                columns.write_row(row, &mut streamed).unwrap();
            }
            assert_eq!(streamed, expected);
        }
    }

    #[test]
    fn measures_joined_emoji_as_displayed() {
        let mut table = TextTable::new(&["name", "tags"], Some(30));
        table.row(&["❤️".repeat(36), "👩‍👩‍👧".repeat(20)]);
        assert!(lines(&table).iter().all(|line| line.width() <= 30));
    }

    #[test]
    fn a_truncated_path_keeps_its_end() {
        let path = "/raid/日本語/2026-05-02/A001";
        assert_eq!(truncate_start(path, 40), path);
        assert_eq!(truncate_start(path, 16), "…2026-05-02/A001");
        // A wide character is not split.
        assert_eq!(truncate_start(path, 18), "…/2026-05-02/A001");
        assert_eq!(truncate_start(path, 1), "");
    }
}
