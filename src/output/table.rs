//! A table of text that fits a terminal, whatever script its cells are written in.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::error::escape;

/// Columns between which there are two blanks.
const GAP: usize = 2;
/// One long cell does not push what follows in every other row further than this.
const FURTHEST: usize = 200;
/// No column is cut shorter than this.
const NARROWEST: usize = 6;

/// Rows of cells under a heading; cells are escaped, since they may come from a drive.
#[derive(Debug)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    width: Option<usize>,
}

impl Table {
    /// An empty table, as wide as `width` allows; `None` for as wide as it likes.
    #[must_use]
    pub fn new(headings: &[&'static str], width: Option<usize>) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
            width,
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[String]) {
        self.rows
            .push(cells.iter().map(|cell| escape(cell)).collect());
    }

    /// Writes it; columns that are empty all the way down are left out.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut widths = Widths::new(&self.headings, self.width);
        for row in &self.rows {
            widths.of_escaped(row);
        }
        let columns = widths.fit();
        columns.headings(out)?;
        for row in &self.rows {
            columns.escaped(row, out)?;
        }
        Ok(())
    }
}

/// Widths of the columns of a table whose rows are not kept: each row is measured, and written later.
#[derive(Debug)]
pub struct Widths {
    headings: Vec<&'static str>,
    columns: Vec<usize>,
    is_used: Vec<bool>,
    width: Option<usize>,
}

impl Widths {
    /// Widths of the headings; the table fits `width` where there is one.
    #[must_use]
    pub fn new(headings: &[&'static str], width: Option<usize>) -> Self {
        Self {
            headings: headings.to_vec(),
            columns: headings.iter().map(|heading| heading.width()).collect(),
            is_used: vec![false; headings.len()],
            width,
        }
    }

    /// Makes room for a row.
    pub fn measure(&mut self, cells: &[String]) {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        self.of_escaped(&cells);
    }

    fn of_escaped(&mut self, cells: &[String]) {
        for (at, cell) in cells.iter().enumerate().take(self.columns.len()) {
            self.columns[at] = self.columns[at].max(cell.width());
            self.is_used[at] |= !cell.is_empty();
        }
    }

    /// The columns, those left out that are empty in every row.
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

/// Columns of known widths, in which rows are written one by one.
#[derive(Debug)]
pub struct FittedColumns {
    headings: Vec<&'static str>,
    widths: Vec<usize>,
    /// Numbers of those that are shown.
    columns: Vec<usize>,
}

impl FittedColumns {
    /// Writes the headings.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn headings(&self, out: &mut dyn Write) -> io::Result<()> {
        let headings: Vec<String> = self.headings.iter().map(|&text| text.to_owned()).collect();
        self.escaped(&headings, out)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn row(&self, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        self.escaped(&cells, out)
    }

    fn escaped(&self, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        for (place, &at) in self.columns.iter().enumerate() {
            let cell = cut(cells.get(at).map_or("", String::as_str), self.widths[at]);
            line.push_str(&cell);
            if place + 1 < self.columns.len() {
                let room = self.widths[at].min(FURTHEST);
                let blanks = room.saturating_sub(cell.width()) + GAP;
                line.extend(std::iter::repeat_n(' ', blanks));
            }
        }
        writeln!(out, "{}", line.trim_end())
    }
}

/// Takes from the widest column until all fit.
fn fit(widths: &mut [usize], columns: &[usize], width: Option<usize>) {
    let Some(width) = width else { return };
    let gaps = GAP * columns.len().saturating_sub(1);
    let total = |widths: &[usize]| columns.iter().map(|&at| widths[at]).sum::<usize>() + gaps;
    while total(widths) > width {
        let widest = columns.iter().copied().max_by_key(|&at| widths[at]);
        match widest {
            Some(at) if widths[at] > NARROWEST => widths[at] -= 1,
            _ => return,
        }
    }
}

/// `text`, or its beginning with `…` where it is wider than `width`.
///
/// The width of a text is not the sum of its characters': some join with their neighbours.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
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

/// `text`, or its end after `…` where it is wider than `width`: of a path, what tells it from others.
#[must_use]
pub(super) fn cut_before(text: &str, width: usize) -> String {
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

    fn lines(table: &Table) -> Vec<String> {
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_table_fits_and_its_columns_line_up() {
        let mut table = Table::new(&["name", "tags", "empty"], Some(24));
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
    fn rows_that_are_not_kept_are_written_as_those_of_a_table() {
        let rows: Vec<Vec<String>> = [["a\x1b[2J.mov", "", "tv set"], ["日本語.mov", "", "x"]]
            .iter()
            .map(|row| row.iter().map(|&cell| cell.to_owned()).collect())
            .collect();
        let headings = ["name", "empty", "tags"];
        for width in [None, Some(12), Some(40)] {
            let (mut table, mut widths) =
                (Table::new(&headings, width), Widths::new(&headings, width));
            for row in &rows {
                table.row(row);
                widths.measure(row);
            }
            let (mut kept, mut written) = (Vec::new(), Vec::new());
            table.write(&mut kept).unwrap();
            let columns = widths.fit();
            columns.headings(&mut written).unwrap();
            for row in &rows {
                columns.row(row, &mut written).unwrap();
            }
            assert_eq!(written, kept);
        }
    }

    #[test]
    fn emoji_that_join_are_as_wide_as_they_are_shown() {
        let mut table = Table::new(&["name", "tags"], Some(30));
        table.row(&["❤️".repeat(36), "👩‍👩‍👧".repeat(20)]);
        assert!(lines(&table).iter().all(|line| line.width() <= 30));
    }

    #[test]
    fn a_path_keeps_its_end() {
        let path = "/raid/日本語/2026-05-02/A001";
        assert_eq!(cut_before(path, 40), path);
        assert_eq!(cut_before(path, 16), "…2026-05-02/A001");
        // A wide letter is not halved.
        assert_eq!(cut_before(path, 18), "…/2026-05-02/A001");
        assert_eq!(cut_before(path, 1), "");
    }
}
