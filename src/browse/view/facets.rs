//! Facet panel: numbers of matching clips by tag, camera, day and volume.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::draw::{Theme, chosen_style, put_line};
use crate::browse::state::{Focus, ScreenState, term};
use crate::error::escape;
use crate::output::truncate;
use crate::value::grouped;

/// Draws the facets, scrolled to the current value.
pub(super) fn draw(area: Rect, state: &ScreenState, theme: Theme, buffer: &mut Buffer) {
    let has_focus = state.focus == Focus::Facets;
    let mut lines: Vec<(String, Style)> = Vec::new();
    let (mut number, mut chosen_line) = (0, 0);
    for facet in &state.facets {
        lines.push((format!("  {}", facet.name), theme.title()));
        for counted in &facet.values {
            let is_chosen = number == state.facet_at && has_focus;
            let is_in_query = state.contains_term(&term(facet.field, &counted.value));
            let style = if is_chosen {
                chosen_line = lines.len();
                chosen_style(true)
            } else {
                Style::new()
            };
            let sign = match (is_chosen, is_in_query) {
                (true, true) => ">*",
                (true, false) => "> ",
                (false, true) => " *",
                (false, false) => "  ",
            };
            let line = value(sign, &counted.value, counted.count, usize::from(area.width));
            lines.push((line, style));
            number += 1;
        }
    }
    let top = (chosen_line + 1).saturating_sub(usize::from(area.height));
    for (at, (line, style)) in lines.iter().skip(top).enumerate() {
        put_line(buffer, area, at, line, *style);
    }
}

/// Formats a value with its count: `> interview        12`.
fn value(sign: &str, value: &str, count: usize, width: usize) -> String {
    let count = grouped(count);
    let room = width.saturating_sub(sign.len() + count.len() + 1);
    let value = escape(value);
    // The last part of a nested tag is more specific than the first.
    let value = match value.rsplit_once('/') {
        Some((_, last)) if value.width() > room => format!("…/{last}"),
        _ => value,
    };
    let value = truncate(&value, room);
    let gap = " ".repeat(room.saturating_sub(value.width()) + 1);
    format!("{sign}{value}{gap}{count}")
}
