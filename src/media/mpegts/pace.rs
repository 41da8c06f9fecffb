//! How fast pictures follow each other: what the stream says, and whether its times agree.

use super::clock::{Clock, SECOND};
use super::streams::{Heard, Part};
use crate::media::bitstream::h264::Beginning;
use crate::media::ratio::reduce;

/// Distances between pictures that must agree where the stream does not promise an even pace.
const ENOUGH: usize = 4;
/// Rates that are no whole ticks, in pictures of 1001 seconds.
const BROADCAST: [u64; 5] = [12_000, 24_000, 30_000, 48_000, 60_000];

/// Pictures a second, in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pictures: u64,
    seconds: u64,
    is_fields: bool,
    is_fixed: bool,
}

impl Pace {
    /// What a stream says; `None` when it says nothing, or a rate that ffprobe might round.
    pub(super) fn of(beginning: &Beginning) -> Option<Self> {
        let tick = beginning.tick?;
        let fields = if beginning.is_field { 1 } else { 2 };
        let (scale, units) = (u64::from(tick.scale), u64::from(tick.units) * fields);
        let (pictures, seconds) = reduce(scale, units)?;
        let is_believable = pictures >= seconds * 10 && pictures <= seconds * 300;
        let is_whole = (90_000 * seconds) % pictures == 0;
        let is_broadcast = seconds == 1001 && BROADCAST.contains(&pictures);
        (is_believable && (is_whole || is_broadcast)).then_some(Self {
            pictures,
            seconds,
            is_fields: beginning.is_field,
            is_fixed: tick.is_fixed,
        })
    }

    /// Ticks from one picture to the next, rounded down.
    pub(super) fn step(self) -> i64 {
        i64::try_from(90_000 * self.seconds / self.pictures).unwrap_or(SECOND)
    }

    /// As ffprobe's `r_frame_rate`, of fields where they are pictures.
    pub(super) fn finest(self) -> String {
        format!("{}/{}", self.pictures, self.seconds)
    }

    /// As ffprobe's `avg_frame_rate`, of whole frames.
    pub(super) fn average(self) -> String {
        if !self.is_fields {
            return self.finest();
        }
        if self.pictures.is_multiple_of(2) {
            format!("{}/{}", self.pictures / 2, self.seconds)
        } else {
            format!("{}/{}", self.pictures, self.seconds * 2)
        }
    }

    /// Whether all times that were seen, from `begin` on, are those of this pace; `None` where
    /// those seen are too few to tell.
    pub(super) fn is_kept(self, clock: Clock, begin: i64, ranges: &[&Heard]) -> Option<bool> {
        let mut distances = 0;
        for heard in ranges {
            let is_in_step = |part: &Part| {
                let shown = part.shown.map(|shown| clock.at(shown) - begin);
                shown.is_some_and(|shown| self.is_in_step(shown))
            };
            let is_next = |two: &[Part]| match two {
                [
                    Part {
                        decoded: Some(one), ..
                    },
                    Part {
                        decoded: Some(next),
                        ..
                    },
                ] => {
                    // One tick more, or one less, is rounding.
                    let distance = clock.at(*next) - clock.at(*one);
                    (distance - self.step()).abs() <= 1
                }
                _ => false,
            };
            if !heard.parts.iter().all(is_in_step) || !heard.parts.windows(2).all(is_next) {
                return Some(false);
            }
            distances += heard.parts.len().saturating_sub(1);
        }
        let enough = if self.is_fixed { 1 } else { ENOUGH };
        (distances >= enough).then_some(true)
    }

    /// Whether a time is a whole number of pictures, give or take a tick.
    fn is_in_step(self, ticks: i64) -> bool {
        let period = i128::from(self.seconds) * 90_000;
        let scaled = i128::from(ticks) * i128::from(self.pictures);
        let off = scaled.rem_euclid(period);
        let tolerance = i128::from(self.pictures) * 3 / 2;
        off.min(period - off) <= tolerance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::Coded;
    use crate::media::bitstream::h264::Tick;

    fn pace(units: u32, scale: u32, is_field: bool) -> Option<Pace> {
        Pace::of(&Beginning {
            coded: Coded::default(),
            tick: Some(Tick {
                units,
                scale,
                is_fixed: true,
            }),
            is_field,
            is_intra: true,
        })
    }

    #[test]
    fn a_stream_tells_the_rate_of_its_fields() {
        let told = |units, scale, is_field| {
            let pace = pace(units, scale, is_field)?;
            Some((pace.finest(), pace.average(), pace.step()))
        };
        let rates =
            |finest: &str, average: &str, step| Some((finest.to_owned(), average.to_owned(), step));
        assert_eq!(told(1, 50, false), rates("25/1", "25/1", 3600));
        assert_eq!(told(1, 50, true), rates("50/1", "25/1", 1800));
        assert_eq!(
            told(1001, 60_000, true),
            rates("60000/1001", "30000/1001", 1501)
        );
        assert_eq!(
            told(1001, 48_000, false),
            rates("24000/1001", "24000/1001", 3753)
        );
        for (units, scale) in [(0, 50), (1, 0), (0, 0), (1, 2), (1, 66_000), (1000, 59_941)] {
            assert_eq!(told(units, scale, false), None, "{units}/{scale}");
        }
    }

    #[test]
    fn times_must_agree_with_what_is_told() {
        let heard = |times: &[u64]| Heard {
            parts: times
                .iter()
                .map(|&time| Part {
                    shown: Some(time + 3003),
                    decoded: Some(time),
                    bytes: 1,
                })
                .collect(),
            ..Heard::default()
        };
        let pace = pace(1001, 48_000, false).unwrap();
        let clock = Clock { first: 3003 };
        let is_kept = |times: &[u64]| pace.is_kept(clock, 3003, &[&heard(times)]);
        assert_eq!(is_kept(&[0, 3754, 7508, 11261]), Some(true));
        assert_eq!(is_kept(&[0, 3754, 11261]), Some(false));
        assert_eq!(is_kept(&[0, 3600, 7200]), Some(false));
        assert_eq!(is_kept(&[0]), None);
    }
}
