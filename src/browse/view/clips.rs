//! Search results as a list or as a poster grid.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::draw::{TILE, TILE_AND_TEXT, Theme, chosen_style, put, put_line, quiet};
use crate::browse::posters::Posters;
use crate::browse::state::{Focus, ScreenState};
use crate::clip::Clip;
use crate::error::escape;
use crate::output::{ClipCard, truncate};
use crate::value::Selection;

/// Width of the marks before the name: `> `, `+ `, `***** `.
const MARKS: usize = 10;
/// Minimum width of the name column, which gets the remaining width.
const NAME: usize = 16;
/// Column after the name: heading, width, and cell text.
type Column = (&'static str, usize, fn(&ClipCard) -> &str);
/// Columns after the name; columns that do not fit are hidden.
const COLUMNS: [Column; 6] = [
    ("length", 8, |it| &it.length),
    ("shot", 16, |it| &it.shot),
    ("tags", 24, |it| &it.tags),
    ("where", 18, |it| &it.volumes),
    ("camera", 20, |it| &it.camera),
    ("picture", 26, |it| &it.picture),
];

/// Draws the results as a list.
pub(super) fn list(area: Rect, state: &ScreenState, theme: Theme, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let mut left = room.saturating_sub(MARKS + NAME);
    let columns: Vec<_> = COLUMNS
        .iter()
        .take_while(|(_, width, _)| {
            let fits = left >= width + 2;
            left = left.saturating_sub(width + 2);
            fits
        })
        .collect();
    let taken: usize = columns.iter().map(|(_, width, _)| width + 2).sum();
    let name = room.saturating_sub(MARKS + taken);
    let headings: Vec<(&str, usize)> = std::iter::once(("name", name))
        .chain(columns.iter().map(|(heading, width, _)| (*heading, *width)))
        .collect();
    let heading = row("", &headings);
    put_line(buffer, area, 0, &heading, theme.title());
    let has_focus = state.focus == Focus::Clips;
    for (line, &number) in state.visible().iter().enumerate() {
        let is_chosen = state.top + line == state.at;
        let card = state.clip(number).map(ClipCard::from_clip);
        let text = match &card {
            None => format!("{}(no longer exists)", sign(is_chosen)),
            Some(card) => {
                let marks = format!("{}{}", sign(is_chosen), marks(state.clip(number)));
                let cells: Vec<(&str, usize)> = std::iter::once((card.name.as_str(), name))
                    .chain(columns.iter().map(|(_, width, of)| (of(card), *width)))
                    .collect();
                row(&marks, &cells)
            }
        };
        let style = if is_chosen {
            chosen_style(has_focus)
        } else {
            Style::new()
        };
        put_line(buffer, area, line + 1, &text, style);
    }
}

/// Draws the results as posters with their names below.
pub(super) fn grid(area: Rect, state: &ScreenState, posters: &Posters, buffer: &mut Buffer) {
    let has_focus = state.focus == Focus::Clips;
    for (index, &number) in state.visible().iter().enumerate() {
        let (row, column) = (index / state.across, index % state.across);
        let offset = |steps: usize, step: u16| u16::try_from(steps).unwrap_or(0) * step;
        let tile = Rect {
            x: area.x + offset(column, TILE_AND_TEXT.width),
            y: area.y + offset(row, TILE_AND_TEXT.height),
            width: TILE_AND_TEXT.width - 1,
            height: TILE_AND_TEXT.height,
        };
        let tile = tile.intersection(area);
        let is_chosen = state.top + index == state.at;
        let Some(clip) = state.clip(number) else {
            put(buffer, tile, 0, "(no longer exists)", Style::new());
            continue;
        };
        let poster = Rect {
            width: TILE.width.min(tile.width),
            height: TILE.height.min(tile.height),
            ..tile
        };
        match posters.poster(clip, TILE) {
            Some(picture) => picture.draw(poster, buffer),
            None if posters.is_awaited(clip, TILE) => {}
            None => {
                put(buffer, poster, 0, "(no poster)", quiet());
            }
        }
        let style = if is_chosen {
            chosen_style(has_focus)
        } else {
            Style::new()
        };
        let name = format!(
            "{}{}",
            sign(is_chosen),
            escape(&ClipCard::from_clip(clip).name)
        );
        let below = usize::from(TILE.height);
        put_line(buffer, tile, below, &name, style);
        put_line(
            buffer,
            tile,
            below + 1,
            &format!("  {}", marks(Some(clip))),
            Style::new(),
        );
    }
}

fn sign(is_chosen: bool) -> &'static str {
    if is_chosen { "> " } else { "  " }
}

/// Formats selection and stars: `+ ***   ` for a selected clip, `x` for a rejected one.
fn marks(clip: Option<&Clip>) -> String {
    let selection = clip.and_then(|clip| clip.selection.as_ref());
    let selected = match selection.map(|fact| fact.value) {
        Some(Selection::Selected) => '+',
        Some(Selection::Rejected) => 'x',
        None => ' ',
    };
    let stars = clip.and_then(|clip| clip.rating.as_ref());
    let stars = stars.map_or(0, |fact| fact.value.min(5));
    let stars = "*".repeat(usize::try_from(stars).unwrap_or(0));
    format!("{selected} {stars:<6}")
}

/// Formats one row; pads cells by display width, which differs between scripts.
fn row(marks: &str, cells: &[(&str, usize)]) -> String {
    let mut line = format!("{marks:<MARKS$}");
    for (at, (text, width)) in cells.iter().enumerate() {
        if at > 0 {
            line.push_str("  ");
        }
        let text = truncate(&escape(text), *width);
        line.push_str(&text);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(text.width())));
    }
    line
}
