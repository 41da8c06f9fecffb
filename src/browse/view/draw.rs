//! Styles, and text in the cells of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::output::truncate;

/// Size of a poster in the grid.
pub(in crate::browse) const TILE: Size = Size {
    width: 24,
    height: 7,
};
/// Size of a poster's tile, including text and margin.
pub(super) const TILE_AND_TEXT: Size = Size {
    width: 26,
    height: 10,
};

/// Colour settings.
#[derive(Debug, Clone, Copy)]
pub(in crate::browse) struct Theme {
    pub(in crate::browse) has_colour: bool,
}

impl Theme {
    pub(super) fn title(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if self.has_colour {
            bold.fg(Color::Cyan)
        } else {
            bold
        }
    }
}

/// Style of the current line.
pub(super) fn chosen_style(has_focus: bool) -> Style {
    let style = Style::new().add_modifier(Modifier::BOLD);
    if has_focus {
        style.add_modifier(Modifier::REVERSED)
    } else {
        style
    }
}

/// Style of secondary text.
pub(super) fn quiet() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// Writes text into the first line of an area, starting at a column; returns the column after it.
pub(super) fn put(buffer: &mut Buffer, area: Rect, from: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buffer.area);
    let room = area.width.saturating_sub(from);
    if area.height == 0 || room == 0 {
        return from;
    }
    let text = truncate(text, usize::from(room));
    let (x, _) = buffer.set_stringn(area.x + from, area.y, text, usize::from(room), style);
    x - area.x
}

/// Writes text into a line of an area.
pub(super) fn put_line(buffer: &mut Buffer, area: Rect, line: usize, text: &str, style: Style) {
    let line = u16::try_from(line).unwrap_or(u16::MAX);
    if line < area.height {
        let area = Rect {
            y: area.y + line,
            height: 1,
            ..area
        };
        put(buffer, area, 0, text, style);
    }
}

pub(super) fn put_at(buffer: &mut Buffer, x: u16, y: u16, symbol: &str) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(symbol);
    }
}

pub(super) fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}
