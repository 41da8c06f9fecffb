//! Contact sheet on a terminal: posters and short descriptions of clips, in as many columns as fit.

use std::io::{self, Write};
use std::path::PathBuf;

use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::crossterm::Command;
use ratatui::crossterm::cursor::{MoveToColumn, MoveUp, RestorePosition, SavePosition};
use ratatui::crossterm::style::{Color, ResetColor, SetBackgroundColor, SetForegroundColor};
use ratatui::layout::{Rect, Size};

use super::table::truncate;
use super::{Screen, TerminalPicture, card_lines};
use crate::clip::Clip;

/// Size of a poster in characters: 16:9 if characters are twice as high as wide.
const POSTER: Size = Size {
    width: 28,
    height: 8,
};
/// Spaces between a poster and its text, and between two clips.
const GAP: usize = 2;
/// Minimum width of a clip in characters. Wider terminals show several clips side by side.
const NARROWEST: usize = 78;

/// Writes clips, numbered from 1, and their posters to a terminal that is `width` characters wide.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_contact_sheet(
    clips: &[(Clip, Option<PathBuf>)],
    screen: Screen,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let per_row = (width / NARROWEST).max(1);
    let cell_width = width / per_row;
    for (row, group) in clips.chunks(per_row).enumerate() {
        let cells: Vec<SheetCell> = group
            .iter()
            .enumerate()
            .map(|(at, (clip, poster))| SheetCell {
                column: at * cell_width,
                poster: poster
                    .as_ref()
                    .and_then(|path| TerminalPicture::read(path, POSTER, screen)),
                lines: lines(clip, row * per_row + at + 1),
            })
            .collect();
        write_row(&cells, cell_width, out)?;
    }
    Ok(())
}

/// One clip and its column on the terminal.
struct SheetCell {
    column: usize,
    poster: Option<TerminalPicture>,
    lines: Vec<String>,
}

fn lines(clip: &Clip, number: usize) -> Vec<String> {
    let mut lines = card_lines(clip);
    match lines.first_mut() {
        Some(name) => *name = format!("{number}  {name}"),
        None => lines.push(number.to_string()),
    }
    lines
}

/// Writes clips side by side. Scrolls first: a picture drawn on the last line would scroll the
/// terminal and no longer be next to its text.
fn write_row(cells: &[SheetCell], cell_width: usize, out: &mut dyn Write) -> io::Result<()> {
    let height = cells.iter().map(SheetCell::height).max().unwrap_or(0);
    for _ in 0..height {
        writeln!(out)?;
    }
    write_command(&MoveUp(height), out)?;
    let area = Rect::from((ratatui::layout::Position::ORIGIN, POSTER));
    let pictures: Vec<Option<Buffer>> = cells
        .iter()
        .map(|cell| {
            let mut buffer = Buffer::empty(area);
            cell.poster.as_ref()?.draw(area, &mut buffer);
            Some(buffer)
        })
        .collect();
    let room = cell_width.saturating_sub(usize::from(POSTER.width) + 2 * GAP);
    for line in 0..height {
        for (cell, picture) in cells.iter().zip(&pictures) {
            write_command(&MoveToColumn(column(cell.column)), out)?;
            match picture {
                Some(buffer) if line < POSTER.height => write_line(buffer, line, out)?,
                None if line == 0 => write!(out, "(no poster)")?,
                _ => {}
            }
            let text = cell.column + usize::from(POSTER.width) + GAP;
            write_command(&MoveToColumn(column(text)), out)?;
            if let Some(text) = cell.lines.get(usize::from(line)) {
                write!(out, "{}", truncate(text, room))?;
            }
        }
        writeln!(out)?;
    }
    writeln!(out)
}

impl SheetCell {
    fn height(&self) -> u16 {
        let poster = self.poster.as_ref().map_or(0, |it| it.size().height);
        let lines = u16::try_from(self.lines.len()).unwrap_or(u16::MAX);
        poster.max(lines)
    }
}

fn column(column: usize) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}

/// Writes one line of a picture at the cursor.
fn write_line(picture: &Buffer, line: u16, out: &mut dyn Write) -> io::Result<()> {
    for column in 0..picture.area.width {
        let cell = &picture[(column, line)];
        match cell.diff_option {
            CellDiffOption::Skip => continue,
            // With iTerm2 and sixel, one cell draws the whole picture and leaves the cursor at an
            // unknown position.
            _ if cell.symbol().starts_with('\x1b') && !cell.symbol().contains("\x1b_G") => {
                write_command(&SavePosition, out)?;
                write!(out, "{}", cell.symbol())?;
                write_command(&RestorePosition, out)?;
                continue;
            }
            _ => {}
        }
        write_command(&SetForegroundColor(crossterm_colour(cell.fg)), out)?;
        write_command(&SetBackgroundColor(crossterm_colour(cell.bg)), out)?;
        write!(out, "{}", cell.symbol())?;
    }
    write_command(&ResetColor, out)
}

fn crossterm_colour(colour: ratatui::style::Color) -> Color {
    use ratatui::backend::IntoCrossterm;
    colour.into_crossterm()
}

/// Writes the escape codes of a command.
fn write_command(command: &impl Command, out: &mut dyn Write) -> io::Result<()> {
    let mut codes = String::new();
    // Writing to a string cannot fail.
    let _ = command.write_ansi(&mut codes);
    out.write_all(codes.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Fact, Source};
    use crate::output::Colours;

    fn sheet(names: &[&str], width: usize) -> String {
        let clips: Vec<_> = names
            .iter()
            .map(|name| {
                let name = Some(Fact::new((*name).to_owned(), Source::DISK));
                let clip = Clip {
                    name,
                    ..Clip::default()
                };
                (clip, None)
            })
            .collect();
        let mut out = Vec::new();
        let screen = Screen::blocks(Colours::All);
        write_contact_sheet(&clips, screen, width, &mut out).unwrap();
        String::from_utf8(out).unwrap().replace('\x1b', "<")
    }

    #[test]
    fn numbers_clips_and_places_them_side_by_side_on_a_wide_terminal() {
        let narrow = sheet(&["a.mov", "b.mov"], 80);
        assert!(narrow.contains("<[31G1  a.mov\n"), "{narrow}");
        assert!(narrow.contains("<[31G2  b.mov\n"), "{narrow}");
        let wide = sheet(&["a.mov", "b.mov"], 160);
        assert!(wide.contains("<[31G1  a.mov<[81G"), "{wide}");
        assert!(wide.contains("<[111G2  b.mov\n"), "{wide}");
    }

    #[test]
    fn escapes_and_truncates_names() {
        let output = sheet(&[&format!("\x1b[2J\n{}", "x".repeat(200))], 80);
        assert!(output.contains("1  \\u{1b}[2J\\nxxx"), "{output}");
        assert!(output.contains('…'), "{output}");
    }
}
