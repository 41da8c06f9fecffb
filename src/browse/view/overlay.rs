//! Panels in front of the screen: the list of keys, or all metadata of a clip.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, Clear, Widget};
use unicode_width::UnicodeWidthChar;

use super::draw::{Theme, put_line};
use crate::browse::keys::HELP;
use crate::browse::state::Overlay;

/// Draws the panel over everything except the search box and the status line.
pub(super) fn draw(overlay: &Overlay, screen: Rect, theme: Theme, buffer: &mut Buffer) {
    let (title, lines, top) = match overlay {
        Overlay::Input(..) => return,
        Overlay::Help => {
            let lines = HELP
                .iter()
                .map(|(key, description)| format!("{key:<14}  {description}"));
            ("keys", &lines.collect(), 0)
        }
        Overlay::Details { lines, top } => ("details", lines, *top),
    };
    let area = Rect {
        y: screen.y + 1.min(screen.height),
        height: screen.height.saturating_sub(2),
        ..screen
    };
    Clear.render(area, buffer);
    let block = Block::bordered()
        .title(format!(" {title} "))
        .title_bottom(" Esc: close ")
        .title_style(theme.title());
    let inside = block.inner(area);
    block.render(area, buffer);
    let lines: &Vec<String> = lines;
    let room = usize::from(inside.width);
    let pieces = lines.iter().skip(top).flat_map(|line| wrapped(line, room));
    for (at, line) in pieces.enumerate().take(usize::from(inside.height)) {
        put_line(buffer, inside, at, line, Style::new());
    }
}

/// Wraps a line at `room` columns without losing a character, so that paths stay complete.
fn wrapped(line: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut width) = (0, 0);
    for (at, c) in line.char_indices() {
        let next = c.width().unwrap_or(0);
        if width + next > room && at > start {
            pieces.push(&line[start..at]);
            (start, width) = (at, 0);
        }
        width += next;
    }
    pieces.push(&line[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_wrap_without_losing_characters() {
        assert_eq!(wrapped("日本語です", 5), ["日本", "語で", "す"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("abc", 0), ["a", "b", "c"]);
    }
}
