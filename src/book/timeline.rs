//! A day from its first clip to its last, a lane a camera.

use jiff::civil::Date;

use super::{Book, Shot};

/// A day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline {
    /// Which.
    pub(super) day: String,
    /// The hour at which it begins, from the day's midnight; past 24 in the night that follows.
    pub(super) from: i64,
    /// The hour at which it ends.
    pub(super) to: i64,
    /// One a camera, by name.
    pub(super) lanes: Vec<Lane>,
    /// Clips of the day of which no clock says when they were shot.
    pub(super) untimed: usize,
}

/// What one camera shot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lane {
    /// What it is called.
    pub(super) camera: String,
    /// Its clips, in order.
    pub(super) bars: Vec<Bar>,
}

/// A clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    /// Which of the book's.
    pub(super) shot: usize,
    /// Seconds from the day's midnight.
    pub(super) begin: i64,
    /// See `begin`.
    pub(super) end: i64,
}

const HOUR: i64 = 3600;
/// What a clock shows that is further from the day's midnight than this is not of that day.
const EARLIEST: i64 = -6 * HOUR;
const LATEST: i64 = 36 * HOUR;

/// The days of a book, in order; those without any clock are left out.
pub(super) fn of(book: &Book) -> Vec<Timeline> {
    let days = book.days().into_iter();
    days.filter_map(|day| timeline(book, day)).collect()
}

fn timeline(book: &Book, day: &str) -> Option<Timeline> {
    let midnight = day
        .parse::<Date>()
        .ok()?
        .to_datetime(jiff::civil::Time::midnight());
    let midnight = jiff::tz::Offset::UTC
        .to_timestamp(midnight)
        .ok()?
        .as_second();
    let mut lanes: Vec<Lane> = Vec::new();
    let mut untimed = 0;
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    let of_day = |shot: &Shot| shot.day.as_deref() == Some(day);
    for (at, shot) in book
        .shots
        .iter()
        .enumerate()
        .filter(|(_, shot)| of_day(shot))
    {
        let begin = shot.begun().map(|begun| begun - midnight);
        let Some(begin) = begin.filter(|begin| (EARLIEST..LATEST).contains(begin)) else {
            untimed += 1;
            continue;
        };
        let micros = shot
            .clip
            .duration
            .as_ref()
            .map_or(0, |it| it.value.as_micros());
        let length = i64::try_from(micros / 1_000_000)
            .unwrap_or(0)
            .clamp(1, 24 * HOUR);
        let bar = Bar {
            shot: at,
            begin,
            end: begin + length,
        };
        (first, last) = (first.min(bar.begin), last.max(bar.end));
        let camera = shot.camera.clone();
        match lanes.iter_mut().find(|lane| lane.camera == camera) {
            Some(lane) => lane.bars.push(bar),
            None => lanes.push(Lane {
                camera,
                bars: vec![bar],
            }),
        }
    }
    lanes.sort_by(|one, other| one.camera.cmp(&other.camera));
    (!lanes.is_empty()).then(|| Timeline {
        day: day.to_owned(),
        from: first.div_euclid(HOUR),
        to: (last + HOUR - 1)
            .div_euclid(HOUR)
            .max(first.div_euclid(HOUR) + 1),
        lanes,
        untimed,
    })
}

/// `14:05`, of seconds from a midnight.
pub(super) fn clock(seconds: i64) -> String {
    let minutes = seconds.div_euclid(60).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
