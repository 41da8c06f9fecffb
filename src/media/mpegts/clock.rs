//! Times of a transport stream: 33-bit counts of a 90 kHz clock, which wrap around every 26 hours.

use super::streams::PesPacket;
use crate::value::ExactDuration;

/// Frequency of the clock, in ticks per second.
pub(super) const TICKS_PER_SECOND: i64 = 90_000;
/// Ticks after which times wrap around.
pub(super) const WRAP_TICKS: i64 = 1 << 33;

/// Reference that distinguishes times before a wraparound from those after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrappingClock {
    /// A time at the start of the stream.
    pub first: i64,
}

impl WrappingClock {
    /// Unwraps a time by ffmpeg's rule. It may be up to a minute before `first`.
    pub(super) fn unwrapped(self, time: u64) -> i64 {
        let time = i64::try_from(time).unwrap_or(0);
        let earliest = self.first - 60 * TICKS_PER_SECOND;
        if self.first < WRAP_TICKS - 60 * TICKS_PER_SECOND {
            if time < earliest {
                time + WRAP_TICKS
            } else {
                time
            }
        } else if time >= earliest {
            time - WRAP_TICKS
        } else {
            time
        }
    }
}

/// Duration of one stream in ticks, determined by its last packets as in ffmpeg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamLength {
    /// Unwrapped start time in ticks.
    pub begin: i64,
    /// `None` until a packet was added.
    pub duration: Option<i64>,
    last: i64,
}

impl StreamLength {
    pub(super) fn new(begin: i64) -> Self {
        Self {
            begin,
            duration: None,
            last: 0,
        }
    }

    /// Adds packets from the end of the file; `packet_duration` returns the ticks that a packet
    /// lasts.
    pub(super) fn extend(
        &mut self,
        clock: WrappingClock,
        packets: &[PesPacket],
        packet_duration: impl Fn(&PesPacket) -> i64,
    ) {
        for packet in packets.iter().filter(|packet| packet.bytes > 0) {
            let Some(pts) = packet.pts else { continue };
            let duration = clock.unwrapped(pts) + packet_duration(packet) - self.begin;
            if duration <= 0 {
                continue;
            }
            // A jump of a minute or more is a discontinuity and does not count.
            let is_near = (duration - self.last).abs() < 60 * TICKS_PER_SECOND;
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

/// Returns the time from the first start to the last end of all streams. Like ffprobe, it adds
/// times that are rounded to microseconds.
pub(super) fn total_duration(lengths: &[StreamLength]) -> Option<ExactDuration> {
    let micros = |ticks: i64| (ticks * 200 + 9).div_euclid(18);
    let begin = lengths.iter().map(|length| micros(length.begin)).min()?;
    let ends = lengths.iter().map(|length| {
        let duration = micros(length.duration?);
        Some((micros(length.begin) + duration - begin).max(duration))
    });
    let total = ends.collect::<Option<Vec<i64>>>()?.into_iter().max()?;
    let total = u64::try_from(total).ok().filter(|&total| total > 0);
    total.map(ExactDuration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pts: u64) -> PesPacket {
        PesPacket {
            pts: Some(pts),
            dts: None,
            bytes: 1,
        }
    }

    #[test]
    fn unwraps_times_after_a_wraparound() {
        let wrap = u64::try_from(WRAP_TICKS).unwrap();
        let near_end = WrappingClock {
            first: WRAP_TICKS - 90 * TICKS_PER_SECOND,
        };
        assert_eq!(
            near_end.unwrapped(5) - near_end.first,
            90 * TICKS_PER_SECOND + 5
        );
        let at_end = WrappingClock {
            first: WRAP_TICKS - 9,
        };
        assert_eq!(at_end.unwrapped(wrap - 9), -9);
        assert_eq!(at_end.unwrapped(5), 5);
        let early = WrappingClock { first: 10 };
        assert_eq!(early.unwrapped(0), 0);
        assert_eq!(early.unwrapped(wrap - 1), WRAP_TICKS - 1);
    }

    #[test]
    fn the_last_packet_ends_a_stream_unless_time_jumps() {
        let clock = WrappingClock { first: 1000 };
        let mut length = StreamLength::new(1000);
        length.extend(clock, &[packet(10_000), packet(6400), packet(900)], |_| {
            3600
        });
        assert_eq!(length.duration, Some(12_600));
        length.extend(clock, &[packet(90_000_000)], |_| 3600);
        assert_eq!(length.duration, Some(12_600));
        assert_eq!(
            total_duration(&[length]),
            Some(ExactDuration::from_micros(140_000))
        );
        assert_eq!(total_duration(&[StreamLength::new(0)]), None);
        assert_eq!(total_duration(&[]), None);
    }
}
