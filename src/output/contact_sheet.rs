//! Clips with their posters, for a terminal: each poster with what is known of its clip beside
//! it, as many side by side as there is room for.

use std::io::{self, Write};
use std::path::PathBuf;

use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::crossterm::Command;
use ratatui::crossterm::cursor::{MoveToColumn, MoveUp, RestorePosition, SavePosition};
use ratatui::crossterm::style::{Color, ResetColor, SetBackgroundColor, SetForegroundColor};
use ratatui::layout::{Rect, Size};

use super::table::cut;
use super::{Picture, Screen, card};
use crate::clip::Clip;

/// Room for a poster: 16:9 where a character is twice as high as it is wide.
const POSTER: Size = Size {
    width: 28,
    height: 8,
};
/// Blanks between a poster and its text, and between two clips.
const GAP: usize = 2;
/// A clip is not made narrower than this to have another beside it.
const NARROWEST: usize = 78;

/// Writes clips and their posters to a terminal of that width, numbered from 1.
///
/// # Errors
/// When `out` cannot be written to.
pub fn contact_sheet(
    clips: &[(Clip, Option<PathBuf>)],
    screen: Screen,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let across = (width / NARROWEST).max(1);
    let each = width / across;
    for (row, group) in clips.chunks(across).enumerate() {
        let cells: Vec<Cell> = group
            .iter()
            .enumerate()
            .map(|(at, (clip, poster))| Cell {
                column: at * each,
                poster: poster
                    .as_ref()
                    .and_then(|path| Picture::read(path, POSTER, screen)),
                lines: lines(clip, row * across + at + 1),
            })
            .collect();
        write_row(&cells, each, out)?;
    }
    Ok(())
}

/// One clip, in its place.
struct Cell {
    column: usize,
    poster: Option<Picture>,
    lines: Vec<String>,
}

fn lines(clip: &Clip, number: usize) -> Vec<String> {
    let mut lines = card(clip);
    match lines.first_mut() {
        Some(name) => *name = format!("{number}  {name}"),
        None => lines.push(number.to_string()),
    }
    lines
}

/// Clips side by side. The room is made first: a picture that is drawn at the last line would
/// scroll away from under the text beside it.
fn write_row(cells: &[Cell], each: usize, out: &mut dyn Write) -> io::Result<()> {
    let height = cells.iter().map(Cell::height).max().unwrap_or(0);
    for _ in 0..height {
        writeln!(out)?;
    }
    send(&MoveUp(height), out)?;
    let area = Rect::from((ratatui::layout::Position::ORIGIN, POSTER));
    let pictures: Vec<Option<Buffer>> = cells
        .iter()
        .map(|cell| {
            let mut buffer = Buffer::empty(area);
            cell.poster.as_ref()?.draw(area, &mut buffer);
            Some(buffer)
        })
        .collect();
    let room = each.saturating_sub(usize::from(POSTER.width) + 2 * GAP);
    for line in 0..height {
        for (cell, picture) in cells.iter().zip(&pictures) {
            send(&MoveToColumn(column(cell.column)), out)?;
            match picture {
                Some(buffer) if line < POSTER.height => write_line(buffer, line, out)?,
                None if line == 0 => write!(out, "(no poster)")?,
                _ => {}
            }
            let text = cell.column + usize::from(POSTER.width) + GAP;
            send(&MoveToColumn(column(text)), out)?;
            if let Some(text) = cell.lines.get(usize::from(line)) {
                write!(out, "{}", cut(text, room))?;
            }
        }
        writeln!(out)?;
    }
    writeln!(out)
}

impl Cell {
    fn height(&self) -> u16 {
        let poster = self.poster.as_ref().map_or(0, |it| it.size().height);
        let lines = u16::try_from(self.lines.len()).unwrap_or(u16::MAX);
        poster.max(lines)
    }
}

fn column(column: usize) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}

/// One line of a picture, the cursor being where it begins.
fn write_line(picture: &Buffer, line: u16, out: &mut dyn Write) -> io::Result<()> {
    for column in 0..picture.area.width {
        let cell = &picture[(column, line)];
        match cell.diff_option {
            CellDiffOption::Skip => continue,
            // A whole picture in one character: the cursor may end up anywhere.
            _ if cell.symbol().starts_with('\x1b') && !cell.symbol().contains("\x1b_G") => {
                send(&SavePosition, out)?;
                write!(out, "{}", cell.symbol())?;
                send(&RestorePosition, out)?;
                continue;
            }
            _ => {}
        }
        send(&SetForegroundColor(crossterm_colour(cell.fg)), out)?;
        send(&SetBackgroundColor(crossterm_colour(cell.bg)), out)?;
        write!(out, "{}", cell.symbol())?;
    }
    send(&ResetColor, out)
}

fn crossterm_colour(colour: ratatui::style::Color) -> Color {
    use ratatui::backend::IntoCrossterm;
    colour.into_crossterm()
}

/// A command as its escape codes.
fn send(command: &impl Command, out: &mut dyn Write) -> io::Result<()> {
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
        contact_sheet(&clips, screen, width, &mut out).unwrap();
        String::from_utf8(out).unwrap().replace('\x1b', "<")
    }

    #[test]
    fn clips_are_numbered_and_stand_side_by_side_where_there_is_room() {
        let narrow = sheet(&["a.mov", "b.mov"], 80);
        assert!(narrow.contains("<[31G1  a.mov\n"), "{narrow}");
        assert!(narrow.contains("<[31G2  b.mov\n"), "{narrow}");
        let wide = sheet(&["a.mov", "b.mov"], 160);
        assert!(wide.contains("<[31G1  a.mov<[81G"), "{wide}");
        assert!(wide.contains("<[111G2  b.mov\n"), "{wide}");
    }

    #[test]
    fn names_cannot_act_on_the_terminal_and_are_cut() {
        let told = sheet(&[&format!("\x1b[2J\n{}", "x".repeat(200))], 80);
        assert!(told.contains("1  \\u{1b}[2J\\nxxx"), "{told}");
        assert!(told.contains('…'), "{told}");
    }
}
