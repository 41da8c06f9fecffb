//! The screen as it is drawn: a pure function of the state. What is where comes first
//! (`plan`), since it decides how many clips there is room for.
//!
//! Meaning never rests on colour: what is chosen bears a `>`, what is asked for already a `*`.

mod clips;
mod facets;
mod overlay;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::posters::Posters;
use super::state::{Focus, Front, State, Topic};
use crate::clip::Clip;
use crate::error::escape;
use crate::output::{card_lines, counted, truncate};
use crate::value::Fingerprint;

/// Columns of the facets, and the least that a screen has to have to show them.
const FACETS: u16 = 24;
const FACETS_FROM: u16 = 70;
/// So much room beside the facets, and details stand on the right, not below.
const RIGHT_FROM: u16 = 100;
const RIGHT: u16 = 48;
/// Lines of the chosen clip below the list: at least, at most.
const BELOW: (u16, u16) = (8, 16);
/// Fewer lines than these are left to the list alone.
const BELOW_FROM: u16 = 16;
/// A poster in a row of posters, and all that is beside and below it.
pub(super) const TILE: Size = Size {
    width: 24,
    height: 7,
};
const TILE_AND_TEXT: Size = Size {
    width: 26,
    height: 10,
};

/// How it is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) has_colour: bool,
}

impl Look {
    fn title(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if self.has_colour {
            bold.fg(Color::Cyan)
        } else {
            bold
        }
    }
}

/// The chosen line.
fn chosen_style(has_focus: bool) -> Style {
    let style = Style::new().add_modifier(Modifier::BOLD);
    if has_focus {
        style.add_modifier(Modifier::REVERSED)
    } else {
        style
    }
}

/// What is there to help.
fn quiet() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// What is where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    search: Rect,
    rule: Rect,
    facets: Option<Rect>,
    clips: Rect,
    /// The chosen clip, and its poster in there.
    chosen: Option<(Rect, Size)>,
    status: Rect,
    keys: Rect,
    /// Clips side by side, and rows of them.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Lines of what stands in front.
    pub(super) page: usize,
}

/// Shares the screen out.
pub(super) fn plan(area: Rect, state: &State) -> Plan {
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
    let (facets, rest) = if area.width >= FACETS_FROM {
        let (facets, rest) = split_left(body, FACETS);
        (Some(facets), rest)
    } else {
        (None, body)
    };
    let (clips, chosen) = if rest.width >= RIGHT_FROM {
        let (clips, right) = split_left(rest, rest.width - RIGHT - 1);
        let room = Size::new(right.width, (right.height / 2).min(14));
        (clips, Some((right, room)))
    } else if rest.height >= BELOW_FROM && !state.is_grid {
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
    Plan {
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

/// The left `width` columns, and what is right of the rule beside them.
fn split_left(area: Rect, width: u16) -> (Rect, Rect) {
    let left = Rect { width, ..area };
    let right = Rect {
        x: area.x + width + 1,
        width: area.width.saturating_sub(width + 1),
        ..area
    };
    (left, right)
}

/// The upper `height` lines, and what is below the rule under them.
fn split_top(area: Rect, height: u16) -> (Rect, Rect) {
    let top = Rect { height, ..area };
    let below = Rect {
        y: area.y + height + 1,
        height: area.height.saturating_sub(height + 1),
        ..area
    };
    (top, below)
}

/// The posters that are to be seen, the chosen clip's first.
pub(super) fn wanted(plan: &Plan, state: &State) -> Vec<(Fingerprint, Size)> {
    let id = |clip: &Clip| clip.id.as_ref().map(|id| id.value);
    let chosen = plan.chosen.zip(state.chosen_clip().and_then(id));
    let mut wanted: Vec<(Fingerprint, Size)> = chosen
        .map(|((_, room), id)| (id, room))
        .into_iter()
        .collect();
    if state.is_grid {
        let visible = state.visible().iter();
        let ids = visible.filter_map(|&number| state.clip(number).and_then(id));
        wanted.extend(ids.map(|id| (id, TILE)));
    }
    wanted
}

/// Draws the screen.
pub(super) fn draw(frame: &mut Frame, state: &State, posters: &Posters, look: Look) {
    let plan = plan(frame.area(), state);
    let buffer = frame.buffer_mut();
    let cursor = search(&plan, state, look, buffer);
    rules(&plan, buffer);
    if let Some(area) = plan.facets {
        facets::draw(area, state, look, buffer);
    }
    // A picture cannot be drawn over: while something stands in front, there are none.
    let posters = match state.front {
        None | Some(Front::Typing(..)) => posters,
        _ => &Posters::default(),
    };
    if state.is_grid {
        clips::grid(plan.clips, state, posters, buffer);
    } else {
        clips::list(plan.clips, state, look, buffer);
    }
    if let (Some((area, room)), Some(clip)) = (plan.chosen, state.chosen_clip()) {
        chosen(area, room, clip, posters, look, buffer);
    }
    let typing = bottom(&plan, state, look, buffer);
    if let Some(open) = &state.front {
        overlay::draw(open, frame.area(), look, frame.buffer_mut());
    }
    let at = match (&state.front, state.focus) {
        (Some(Front::Typing(..)), _) => typing,
        (None, Focus::Search) => Some(cursor),
        _ => None,
    };
    if let Some(at) = at {
        frame.set_cursor_position(at);
    }
}

/// The search box; gives where its cursor is.
fn search(plan: &Plan, state: &State, look: Look, buffer: &mut Buffer) -> (u16, u16) {
    let area = plan.search;
    let total = match (state.is_waiting, state.hits.clips.is_empty()) {
        (true, _) => "the index is being brought up …".to_owned(),
        (false, true) => "nothing found".to_owned(),
        (false, false) => format!("{} found", counted(state.hits.total, "clip")),
    };
    let title = if state.focus == Focus::Search {
        "> search "
    } else {
        "  search "
    };
    let left = put(buffer, area, 0, title, look.title());
    let right = width(&total).min(area.width / 2);
    let room = area.width.saturating_sub(left + right + 2);
    let (text, cursor) = state.query.shown(usize::from(room));
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

/// The lines between the parts.
fn rules(plan: &Plan, buffer: &mut Buffer) {
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

/// The chosen clip: its poster, and what is known of it at a glance.
fn chosen(area: Rect, room: Size, clip: &Clip, posters: &Posters, look: Look, buffer: &mut Buffer) {
    let is_beside = room.height == area.height;
    let poster = Rect {
        width: room.width,
        height: room.height,
        ..area
    };
    let text = if is_beside {
        split_left(area, room.width).1
    } else {
        split_top(area, room.height).1
    };
    match posters.of(clip, room) {
        Some(picture) => picture.draw(poster.intersection(buffer.area), buffer),
        None if posters.is_awaited(clip, room) => {}
        None => {
            put(buffer, poster, 0, "(no poster)", quiet());
        }
    }
    for (at, line) in card_lines(clip).iter().enumerate() {
        let style = if at == 0 { look.title() } else { Style::new() };
        line_of(buffer, text, at, line, style);
    }
}

/// What happened last and the keys; or what is typed, and where its cursor is.
fn bottom(plan: &Plan, state: &State, look: Look, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let (status, hint) = (plan.status, plan.keys);
    if let Some(Front::Typing(topic, line)) = &state.front {
        let (title, help) = match topic {
            Topic::Tags => (
                "tags: ",
                "commas between, -tag removes, Tab completes · Enter says it, Esc does not",
            ),
            Topic::Note => ("note: ", "Enter says it, Esc does not"),
        };
        let wrong = &state.status.text;
        let help = if wrong.starts_with("error: ") {
            wrong
        } else {
            help
        };
        let left = put(buffer, status, 0, title, look.title());
        let (text, cursor) = line.shown(usize::from(status.width.saturating_sub(left)));
        put(buffer, status, left, text, Style::new());
        put(buffer, hint, 0, help, quiet());
        let cursor = u16::try_from(cursor).unwrap_or(0);
        return Some((status.x + left + cursor, status.y));
    }
    put(buffer, status, 0, &escape(&state.status.text), Style::new());
    let help = match (&state.status.hint, state.focus) {
        (Some(text), _) => format!("hint: {}", escape(text)),
        (None, Focus::Search) => {
            "type to search · Enter clips · Tab facets · Ctrl-C leave".to_owned()
        }
        (None, Focus::Facets) => {
            "Enter adds to the query · Tab clips · / search · ? keys · q leave".to_owned()
        }
        (None, Focus::Clips) => {
            "space select · x reject · 0-5 stars · t tag · Enter details · / search · ? keys"
                .to_owned()
        }
    };
    put(buffer, hint, 0, &help, quiet());
    None
}

/// Writes text into the first line of an area, from a column on; gives the column behind it.
fn put(buffer: &mut Buffer, area: Rect, from: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buffer.area);
    let room = area.width.saturating_sub(from);
    if area.height == 0 || room == 0 {
        return from;
    }
    let text = truncate(text, usize::from(room));
    let (x, _) = buffer.set_stringn(area.x + from, area.y, text, usize::from(room), style);
    x - area.x
}

/// Writes text into one line of an area.
fn line_of(buffer: &mut Buffer, area: Rect, line: usize, text: &str, style: Style) {
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

fn put_at(buffer: &mut Buffer, x: u16, y: u16, symbol: &str) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(symbol);
    }
}

fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
