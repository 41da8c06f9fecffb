//! Draws the screen as a pure function of the state. The layout is computed first, because it
//! determines how many clips fit.
//!
//! No meaning depends on colour alone: `>` marks the current item, `*` a facet that is part of the
//! query.

mod clips;
mod draw;
mod facets;
mod overlay;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Style;

use draw::{TILE_AND_TEXT, put, put_at, put_line, quiet, width};

use super::posters::Posters;
use super::state::{Focus, InputKind, Overlay, ScreenState};
use crate::clip::Clip;
use crate::error::escape;
use crate::output::card_lines;
use crate::value::{Fingerprint, counted};

pub(super) use draw::{TILE, Theme};

/// Width of the facet panel.
const FACETS: u16 = 24;
/// Minimum screen width for showing the facet panel.
const MIN_FACETS_WIDTH: u16 = 70;
/// Minimum width next to the facets for showing the current clip on the right instead of below.
const MIN_RIGHT_WIDTH: u16 = 100;
/// Width of the current clip on the right.
const RIGHT: u16 = 48;
/// Minimum and maximum number of lines for the current clip below the list.
const BELOW: (u16, u16) = (8, 16);
/// Minimum height for showing the current clip below the list.
const MIN_BELOW_HEIGHT: u16 = 16;
/// Areas of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScreenLayout {
    search: Rect,
    rule: Rect,
    facets: Option<Rect>,
    clips: Rect,
    /// Area of the current clip, and the size of its poster.
    chosen: Option<(Rect, Size)>,
    status: Rect,
    keys: Rect,
    /// Number of clips per row.
    pub(super) across: usize,
    /// Number of rows.
    pub(super) down: usize,
    /// Height of an open panel in lines.
    pub(super) page: usize,
}

/// Computes the layout.
pub(super) fn plan(area: Rect, state: &ScreenState) -> ScreenLayout {
    let line = |from_top: u16| Rect {
        y: area.y + from_top.min(area.height),
        height: u16::from(from_top < area.height),
        ..area
    };
    let last = area.height.saturating_sub(1);
    let body = Rect {
        y: area.y + 2.min(area.height),
        height: area.height.saturating_sub(4),
        ..area
    };
    let (facets, rest) = if area.width >= MIN_FACETS_WIDTH {
        let (facets, rest) = split_left(body, FACETS);
        (Some(facets), rest)
    } else {
        (None, body)
    };
    let (clips, chosen) = if rest.width >= MIN_RIGHT_WIDTH {
        let (clips, right) = split_left(rest, rest.width - RIGHT - 1);
        let room = Size::new(right.width, (right.height / 2).min(14));
        (clips, Some((right, room)))
    } else if rest.height >= MIN_BELOW_HEIGHT && !state.is_grid {
        let height = (rest.height * 2 / 5).clamp(BELOW.0, BELOW.1);
        let (clips, below) = split_top(rest, rest.height - height - 1);
        let room = Size::new((height * 4).min(below.width / 2), height);
        (clips, Some((below, room)))
    } else {
        (rest, None)
    };
    let (across, down) = if state.is_grid {
        (
            clips.width / TILE_AND_TEXT.width,
            clips.height / TILE_AND_TEXT.height,
        )
    } else {
        (1, clips.height.saturating_sub(1))
    };
    ScreenLayout {
        search: line(0),
        rule: line(1),
        facets,
        clips,
        chosen,
        status: line(last.saturating_sub(1)),
        keys: line(last),
        across: usize::from(across.max(1)),
        down: usize::from(down.max(1)),
        page: usize::from(area.height.saturating_sub(4).max(1)),
    }
}

/// Splits off the left `width` columns; leaves one column between the parts for the rule.
fn split_left(area: Rect, width: u16) -> (Rect, Rect) {
    let left = Rect { width, ..area };
    let right = Rect {
        x: area.x + width + 1,
        width: area.width.saturating_sub(width + 1),
        ..area
    };
    (left, right)
}

/// Splits off the upper `height` lines; leaves one line between the parts for the rule.
fn split_top(area: Rect, height: u16) -> (Rect, Rect) {
    let top = Rect { height, ..area };
    let below = Rect {
        y: area.y + height + 1,
        height: area.height.saturating_sub(height + 1),
        ..area
    };
    (top, below)
}

/// Lists the visible posters, the current clip's first.
pub(super) fn visible_posters(
    plan: &ScreenLayout,
    state: &ScreenState,
) -> Vec<(Fingerprint, Size)> {
    let id = |clip: &Clip| clip.id.as_ref().map(|id| id.value);
    let chosen = plan.chosen.zip(state.chosen_clip().and_then(id));
    let mut posters: Vec<(Fingerprint, Size)> = chosen
        .map(|((_, room), id)| (id, room))
        .into_iter()
        .collect();
    if state.is_grid {
        let visible = state.visible().iter();
        let ids = visible.filter_map(|&number| state.clip(number).and_then(id));
        posters.extend(ids.map(|id| (id, TILE)));
    }
    posters
}

/// Draws the whole screen.
pub(super) fn draw(frame: &mut Frame, state: &ScreenState, posters: &Posters, theme: Theme) {
    let plan = plan(frame.area(), state);
    let buffer = frame.buffer_mut();
    let cursor = search(&plan, state, theme, buffer);
    rules(&plan, buffer);
    if let Some(area) = plan.facets {
        facets::draw(area, state, theme, buffer);
    }
    // Nothing can be drawn over pictures, so they are hidden while a panel is open.
    let posters = match state.overlay {
        None | Some(Overlay::Input(..)) => posters,
        _ => &Posters::default(),
    };
    if state.is_grid {
        clips::grid(plan.clips, state, posters, buffer);
    } else {
        clips::list(plan.clips, state, theme, buffer);
    }
    if let (Some((area, room)), Some(clip)) = (plan.chosen, state.chosen_clip()) {
        chosen(area, room, clip, posters, theme, buffer);
    }
    let typing = bottom(&plan, state, theme, buffer);
    if let Some(open) = &state.overlay {
        overlay::draw(open, frame.area(), theme, frame.buffer_mut());
    }
    let at = match (&state.overlay, state.focus) {
        (Some(Overlay::Input(..)), _) => typing,
        (None, Focus::Search) => Some(cursor),
        _ => None,
    };
    if let Some(at) = at {
        frame.set_cursor_position(at);
    }
}

/// Draws the search box and returns the position of its cursor.
fn search(
    plan: &ScreenLayout,
    state: &ScreenState,
    theme: Theme,
    buffer: &mut Buffer,
) -> (u16, u16) {
    let area = plan.search;
    let total = match (state.is_waiting, state.hits.clips.is_empty()) {
        (true, _) => "updating the index …".to_owned(),
        (false, true) => "nothing found".to_owned(),
        (false, false) => format!("{} found", counted(state.hits.total, "clip")),
    };
    let title = if state.focus == Focus::Search {
        "> search "
    } else {
        "  search "
    };
    let left = put(buffer, area, 0, title, theme.title());
    let right = width(&total).min(area.width / 2);
    let room = area.width.saturating_sub(left + right + 2);
    let (text, cursor) = state.query.visible(usize::from(room));
    put(
        buffer,
        Rect {
            width: left + room,
            ..area
        },
        left,
        text,
        Style::new(),
    );
    put(
        buffer,
        area,
        area.width.saturating_sub(right),
        &total,
        quiet(),
    );
    let cursor = u16::try_from(cursor).unwrap_or(0);
    (area.x + left + cursor, area.y)
}

/// Draws the lines between the areas.
fn rules(plan: &ScreenLayout, buffer: &mut Buffer) {
    let across = "─".repeat(usize::from(plan.rule.width));
    put(buffer, plan.rule, 0, &across, Style::new());
    let down = |x: u16, from: Rect, buffer: &mut Buffer| {
        for y in from.top()..from.bottom() {
            put_at(buffer, x, y, "│");
        }
        put_at(buffer, x, plan.rule.y, "┬");
    };
    if let Some(facets) = plan.facets {
        down(facets.right(), facets, buffer);
    }
    if let Some((area, _)) = plan.chosen {
        if area.y == plan.clips.y {
            down(plan.clips.right(), plan.clips, buffer);
        } else {
            for x in plan.clips.left()..plan.clips.right() {
                put_at(buffer, x, plan.clips.bottom(), "─");
            }
            if let Some(facets) = plan.facets {
                put_at(buffer, facets.right(), plan.clips.bottom(), "├");
            }
        }
    }
}

/// Draws the current clip: poster and main facts.
fn chosen(
    area: Rect,
    room: Size,
    clip: &Clip,
    posters: &Posters,
    theme: Theme,
    buffer: &mut Buffer,
) {
    let is_side_by_side = room.height == area.height;
    let poster = Rect {
        width: room.width,
        height: room.height,
        ..area
    };
    let text = if is_side_by_side {
        split_left(area, room.width).1
    } else {
        split_top(area, room.height).1
    };
    match posters.poster(clip, room) {
        Some(picture) => picture.draw(poster.intersection(buffer.area), buffer),
        None if posters.is_awaited(clip, room) => {}
        None => {
            put(buffer, poster, 0, "(no poster)", quiet());
        }
    }
    for (at, line) in card_lines(clip).iter().enumerate() {
        let style = if at == 0 { theme.title() } else { Style::new() };
        put_line(buffer, text, at, line, style);
    }
}

/// Draws the status and key hints, or the input line. Returns the cursor position of the input
/// line.
fn bottom(
    plan: &ScreenLayout,
    state: &ScreenState,
    theme: Theme,
    buffer: &mut Buffer,
) -> Option<(u16, u16)> {
    let (status, hint) = (plan.status, plan.keys);
    if let Some(Overlay::Input(topic, line)) = &state.overlay {
        let (title, help) = match topic {
            InputKind::Tags => (
                "tags: ",
                "a,b adds tags, -a removes one, Tab completes · Enter saves, Esc cancels",
            ),
            InputKind::Note => ("note: ", "Enter saves, Esc cancels"),
        };
        let message = &state.status.text;
        let help = if message.starts_with("error: ") {
            message
        } else {
            help
        };
        let left = put(buffer, status, 0, title, theme.title());
        let (text, cursor) = line.visible(usize::from(status.width.saturating_sub(left)));
        put(buffer, status, left, text, Style::new());
        put(buffer, hint, 0, help, quiet());
        let cursor = u16::try_from(cursor).unwrap_or(0);
        return Some((status.x + left + cursor, status.y));
    }
    put(buffer, status, 0, &escape(&state.status.text), Style::new());
    let help = match (&state.status.hint, state.focus) {
        (Some(text), _) => format!("hint: {}", escape(text)),
        (None, Focus::Search) => {
            "type to search · Enter clips · Tab facets · Ctrl-C quit".to_owned()
        }
        (None, Focus::Facets) => {
            "Enter adds to the query · Tab clips · / search · ? keys · q quit".to_owned()
        }
        (None, Focus::Clips) => {
            "space select · x reject · 0-5 stars · t tag · Enter details · / search · ? keys"
                .to_owned()
        }
    };
    put(buffer, hint, 0, &help, quiet());
    None
}

#[cfg(test)]
mod tests;
