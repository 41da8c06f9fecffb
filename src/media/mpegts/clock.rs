//! Times of a transport stream: 33 bits of 90 kHz, which begin anew each 26 hours.

use super::streams::Part;
use crate::media::header::format_seconds;

/// Ticks a second.
pub(super) const SECOND: i64 = 90_000;
/// After so many ticks, times begin anew.
pub(super) const TURN: i64 = 1 << 33;

/// What tells times before a turn from those after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// A time at the stream's begin.
    pub first: i64,
}

impl Clock {
    /// A time among those of its stream, which may lie a minute before the first: ffmpeg's rule.
    pub(super) fn at(self, time: u64) -> i64 {
        let time = i64::try_from(time).unwrap_or(0);
        let earliest = self.first - 60 * SECOND;
        if self.first < TURN - 60 * SECOND {
            if time < earliest { time + TURN } else { time }
        } else if time >= earliest {
            time - TURN
        } else {
            time
        }
    }
}

/// How long one stream runs, in ticks, told as ffmpeg does: by the last of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    /// When it begins.
    pub begin: i64,
    /// `None` until a part was seen.
    pub duration: Option<i64>,
    last: i64,
}

impl Length {
    pub(super) fn new(begin: i64) -> Self {
        Self {
            begin,
            duration: None,
            last: 0,
        }
    }

    /// Takes parts from the end of the file; `step` tells how long each is.
    pub(super) fn extend(&mut self, clock: Clock, parts: &[Part], step: impl Fn(&Part) -> i64) {
        for part in parts.iter().filter(|part| part.bytes > 0) {
            let Some(shown) = part.shown else { continue };
            let duration = clock.at(shown) + step(part) - self.begin;
            if duration <= 0 {
                continue;
            }
            // A leap of a minute is no running time.
            let is_near = (duration - self.last).abs() < 60 * SECOND;
            if self.last <= 0
                || self
                    .duration
                    .is_none_or(|before| before < duration && is_near)
            {
                self.duration = Some(duration);
            }
            self.last = duration;
        }
    }
}

/// Seconds with six digits that all streams run together, from the first begin to the last end.
pub(super) fn together(lengths: &[Length]) -> Option<String> {
    let micros = |ticks: i64| (ticks * 200 + 9).div_euclid(18);
    let begin = lengths.iter().map(|length| micros(length.begin)).min()?;
    let ends = lengths.iter().map(|length| {
        let duration = micros(length.duration?);
        Some((micros(length.begin) + duration - begin).max(duration))
    });
    let total = ends.collect::<Option<Vec<i64>>>()?.into_iter().max()?;
    let total = u128::try_from(total).ok().filter(|&total| total > 0);
    total.map(format_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(shown: u64) -> Part {
        Part {
            shown: Some(shown),
            decoded: None,
            bytes: 1,
        }
    }

    #[test]
    fn time_runs_on_where_it_begins_anew() {
        let turn = u64::try_from(TURN).unwrap();
        let near_end = Clock {
            first: TURN - 90 * SECOND,
        };
        assert_eq!(near_end.at(5) - near_end.first, 90 * SECOND + 5);
        let at_end = Clock { first: TURN - 9 };
        assert_eq!(at_end.at(turn - 9), -9);
        assert_eq!(at_end.at(5), 5);
        let early = Clock { first: 10 };
        assert_eq!(early.at(0), 0);
        assert_eq!(early.at(turn - 1), TURN - 1);
    }

    #[test]
    fn the_last_part_ends_a_stream_and_a_leap_does_not() {
        let clock = Clock { first: 1000 };
        let mut length = Length::new(1000);
        length.extend(clock, &[part(10_000), part(6400), part(900)], |_| 3600);
        assert_eq!(length.duration, Some(12_600));
        length.extend(clock, &[part(90_000_000)], |_| 3600);
        assert_eq!(length.duration, Some(12_600));
        assert_eq!(together(&[length]).as_deref(), Some("0.140000"));
        assert_eq!(together(&[Length::new(0)]), None);
        assert_eq!(together(&[]), None);
    }
}
