//! Picture rate: the rate stored in the stream, and a check that the picture times match it.

use super::clock::{TICKS_PER_SECOND, WrappingClock};
use super::streams::{PesPacket, ScannedStream};
use crate::media::bitstream::h264::StreamStart;
use crate::value::Rate;

/// Minimum number of intervals that must match if the stream does not guarantee a fixed rate.
const MIN_INTERVALS: usize = 4;
/// Broadcast rates in pictures per 1001 seconds. Most of their periods are not whole numbers of
/// ticks.
const BROADCAST: [u64; 5] = [12_000, 24_000, 30_000, 48_000, 60_000];

/// Rate of the pictures, which may be fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PictureRate {
    pub pictures: Rate,
    is_fields: bool,
    is_fixed: bool,
}

impl PictureRate {
    /// Reads the rate of a stream; `None` if it stores none, or one that ffprobe might round.
    pub(super) fn from_stream_start(start: &StreamStart) -> Option<Self> {
        let tick = start.tick?;
        let fields = if start.is_field { 1 } else { 2 };
        let (scale, units) = (u64::from(tick.scale), u64::from(tick.units) * fields);
        let rate = Rate::from_ratio(scale.into(), units.into())?;
        let (pictures, seconds) = terms(rate);
        let is_plausible = pictures >= seconds * 10 && pictures <= seconds * 300;
        let is_whole = (90_000 * seconds) % pictures == 0;
        let is_broadcast = seconds == 1001 && BROADCAST.contains(&pictures);
        (is_plausible && (is_whole || is_broadcast)).then_some(Self {
            pictures: rate,
            is_fields: start.is_field,
            is_fixed: tick.is_fixed,
        })
    }

    /// Returns the ticks between pictures, rounded down.
    pub(super) fn ticks_per_picture(self) -> i64 {
        let (pictures, seconds) = terms(self.pictures);
        i64::try_from(90_000 * seconds / pictures).unwrap_or(TICKS_PER_SECOND)
    }

    /// Returns the rate of whole frames.
    pub(super) fn frames(self) -> Option<Rate> {
        if self.is_fields {
            self.pictures.halved()
        } else {
            Some(self.pictures)
        }
    }

    /// Returns true if all scanned times, relative to `begin`, match this rate; `None` if there are
    /// too few.
    pub(super) fn matches_times(
        self,
        clock: WrappingClock,
        begin: i64,
        ranges: &[&ScannedStream],
    ) -> Option<bool> {
        let mut intervals = 0;
        for scanned in ranges {
            let is_on_grid = |packet: &PesPacket| {
                let pts = packet.pts.map(|pts| clock.unwrapped(pts) - begin);
                pts.is_some_and(|pts| self.is_on_grid(pts))
            };
            let is_next = |pair: &[PesPacket]| match pair {
                [
                    PesPacket {
                        dts: Some(time), ..
                    },
                    PesPacket {
                        dts: Some(next), ..
                    },
                ] => {
                    // A deviation of one tick is caused by rounding.
                    let interval = clock.unwrapped(*next) - clock.unwrapped(*time);
                    (interval - self.ticks_per_picture()).abs() <= 1
                }
                _ => false,
            };
            if !scanned.packets.iter().all(is_on_grid) || !scanned.packets.windows(2).all(is_next) {
                return Some(false);
            }
            intervals += scanned.packets.len().saturating_sub(1);
        }
        let required = if self.is_fixed { 1 } else { MIN_INTERVALS };
        (intervals >= required).then_some(true)
    }

    /// Returns true if a time is a whole number of picture periods, within the tolerance.
    fn is_on_grid(self, ticks: i64) -> bool {
        let (pictures, seconds) = terms(self.pictures);
        let period = i128::from(seconds) * 90_000;
        let scaled = i128::from(ticks) * i128::from(pictures);
        let off = scaled.rem_euclid(period);
        let tolerance = i128::from(pictures) * 3 / 2;
        off.min(period - off) <= tolerance
    }
}

/// Returns a number of pictures and the seconds that they last.
fn terms(rate: Rate) -> (u64, u64) {
    let (pictures, seconds) = rate.terms();
    (pictures.into(), seconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::CodedPicture;
    use crate::media::bitstream::h264::Tick;

    fn rate(units: u32, scale: u32, is_field: bool) -> Option<PictureRate> {
        PictureRate::from_stream_start(&StreamStart {
            coded: CodedPicture::default(),
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
    fn reads_the_rates_of_frames_and_fields() {
        let rates_of = |units, scale, is_field| {
            let rate = rate(units, scale, is_field)?;
            Some((
                rate.pictures.to_string(),
                rate.frames()?.to_string(),
                rate.ticks_per_picture(),
            ))
        };
        let rates = |pictures: &str, frames: &str, ticks_per_picture| {
            Some((pictures.to_owned(), frames.to_owned(), ticks_per_picture))
        };
        assert_eq!(rates_of(1, 50, false), rates("25", "25", 3600));
        assert_eq!(rates_of(1, 50, true), rates("50", "25", 1800));
        assert_eq!(
            rates_of(1001, 60_000, true),
            rates("60000/1001", "30000/1001", 1501)
        );
        assert_eq!(
            rates_of(1001, 48_000, false),
            rates("24000/1001", "24000/1001", 3753)
        );
        for (units, scale) in [(0, 50), (1, 0), (0, 0), (1, 2), (1, 66_000), (1000, 59_941)] {
            assert_eq!(rates_of(units, scale, false), None, "{units}/{scale}");
        }
    }

    #[test]
    fn times_must_match_the_stored_rate() {
        let scanned = |times: &[u64]| ScannedStream {
            packets: times
                .iter()
                .map(|&time| PesPacket {
                    pts: Some(time + 3003),
                    dts: Some(time),
                    bytes: 1,
                })
                .collect(),
            ..ScannedStream::default()
        };
        let rate = rate(1001, 48_000, false).unwrap();
        let clock = WrappingClock { first: 3003 };
        let matches_times = |times: &[u64]| rate.matches_times(clock, 3003, &[&scanned(times)]);
        assert_eq!(matches_times(&[0, 3754, 7508, 11261]), Some(true));
        assert_eq!(matches_times(&[0, 3754, 11261]), Some(false));
        assert_eq!(matches_times(&[0, 3600, 7200]), Some(false));
        assert_eq!(matches_times(&[0]), None);
    }
}
