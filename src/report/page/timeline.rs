//! Timelines as SVG: one lane per camera, and one bar per clip with a link to it. For screen
//! readers, a sentence describes each lane.

use maud::{Markup, html};

use super::markup::{anchor, escape_truncated, isolated_name};
use crate::report::ShootReport;
use crate::report::timeline::{CameraLane, ClipBar, Timeline, by_day, clock};
use crate::value::counted;

/// Maximum number of days drawn.
const MAX_DAYS: usize = 14;
/// Maximum number of lanes drawn per day; the rest is counted.
const MAX_LANES: usize = 16;
/// Number of colours for lanes.
pub(super) const COLOURS: usize = 8;
/// Heights in the drawing, in pixels.
const LANE: usize = 40;
const LABEL: usize = 16;
const BAR: usize = 16;
const TICKS: usize = 18;

pub(super) fn timelines(report: &ShootReport) -> Markup {
    let days = by_day(report);
    html! {
        @if !days.is_empty() {
            section.timelines aria-labelledby="time-title" {
                h2 id="time-title" { @if days.len() == 1 { "Timeline" } @else { "Timelines" } }
                @for day in days.iter().take(MAX_DAYS) {
                    (timeline(report, day, days.len() > 1))
                }
                @if days.len() > MAX_DAYS {
                    p.more { (counted(days.len() - MAX_DAYS, "more day")) " not shown." }
                }
            }
        }
    }
}

fn timeline(report: &ShootReport, day: &Timeline, is_named: bool) -> Markup {
    let lanes: Vec<&CameraLane> = day.lanes.iter().take(MAX_LANES).collect();
    let height = TICKS + LANE * lanes.len();
    html! {
        figure.timeline {
            @if is_named { figcaption { (day.day) } }
            ul.unseen {
                @for lane in &day.lanes { li { (sentence(lane)) } }
            }
            svg width="100%" height=(height) aria-hidden="true" focusable="false" {
                (ticks(day, height))
                @for (at, lane) in lanes.iter().enumerate() {
                    (draw_lane(report, day, lane, at))
                }
            }
            @if day.lanes.len() > MAX_LANES {
                p.more { (counted(day.lanes.len() - MAX_LANES, "more camera")) " not shown." }
            }
            @if day.untimed > 0 {
                p.more { (counted(day.untimed, "clip")) " without a time of day." }
            }
        }
    }
}

/// Describes a lane in words: `Sony ILME-FX3: 12 clips from 10:02 to 18:40`.
fn sentence(lane: &CameraLane) -> String {
    let from = lane.bars.iter().map(|bar| bar.begin).min().unwrap_or(0);
    let to = lane.bars.iter().map(|bar| bar.end).max().unwrap_or(0);
    format!(
        "{}: {} from {} to {}",
        escape_truncated(&lane.camera, 80),
        counted(lane.bars.len(), "clip"),
        clock(from),
        clock(to)
    )
}

fn ticks(day: &Timeline, height: usize) -> Markup {
    let hours = day.to - day.from;
    // Draws as many labels as fit on a phone. Wider screens also show those in between.
    let (wide, narrow) = match hours {
        ..=6 => (1, 1),
        7..=12 => (1, 3),
        13..=24 => (2, 4),
        _ => (3, 6),
    };
    html! {
        @for hour in day.from..=day.to {
            @let x = position(hour * 3600, day);
            @let is_last = hour == day.to;
            line.tick x1=(x) x2=(x) y1=(TICKS) y2=(height) {}
            @if (hour - day.from) % wide == 0 && !is_last {
                text.hour.wide[(hour - day.from) % narrow != 0] x=(x) y="12" dx="2" { (clock(hour * 3600)) }
            }
        }
    }
}

fn draw_lane(report: &ShootReport, day: &Timeline, lane: &CameraLane, at: usize) -> Markup {
    let top = TICKS + LANE * at;
    html! {
        rect.lane x="0" width="100%" y=(top + LABEL + 3) height=(BAR) rx="2" {}
        text.camera x="2" y=(top + 14) { (escape_truncated(&lane.camera, 60)) }
        g class={ "hue-" (at % COLOURS) } {
            @for bar in &lane.bars { (draw_bar(report, day, bar, top + LABEL + 3)) }
        }
    }
}

fn draw_bar(report: &ShootReport, day: &Timeline, bar: &ClipBar, y: usize) -> Markup {
    let width = (share(bar.end, day) - share(bar.begin, day)).max(0.25);
    let name = report
        .shots
        .get(bar.shot)
        .map_or("", crate::report::Shot::name);
    html! {
        a href={ "#" (anchor(bar.shot)) } tabindex="-1" {
            rect x=(position(bar.begin, day)) width=(format!("{width:.3}%")) y=(y) height=(BAR) rx="1" {
                title { (clock(bar.begin)) " " (isolated_name(name)) }
            }
        }
    }
}

fn position(seconds: i64, day: &Timeline) -> String {
    format!("{:.3}%", share(seconds, day))
}

/// Returns the position of a time in percent of the timeline.
fn share(seconds: i64, day: &Timeline) -> f64 {
    let whole = (day.to - day.from).max(1) * 3600;
    let from = seconds - day.from * 3600;
    let millionths = from.saturating_mul(1_000_000) / whole;
    f64::from(i32::try_from(millionths).unwrap_or(0)) / 10_000.0
}
