//! How long it runs: what is written, what is there, and which of the two libavformat believes.
//!
//! Follows libavformat's `wavdec.c` step by step, since a recorder that lost power leaves
//! a file whose length is a matter of judgement, and both readers must judge alike.

use super::pcm::Pcm;
use crate::media::header::format_seconds;

/// The samples' place in a file.
pub(super) struct Data {
    pub start: u64,
    /// Bytes that they take; zero where that was never written.
    pub size: u64,
    pub end: Option<u64>,
}

/// Samples of each channel in a file of `file` bytes, of which the header claims `claimed`;
/// zero where nothing tells.
pub(super) fn samples(pcm: &Pcm, data: &Data, claimed: u64, file: u64) -> u64 {
    let channels = u64::from(pcm.channels);
    let size = if data.size > i64::MAX.unsigned_abs() >> 3 {
        0
    } else {
        data.size
    };
    if size > 0 && data.end.is_some_and(|end| end <= file) {
        return size * 8 / (channels * u64::from(pcm.bits));
    }
    let claimed = if counts_every_channel(pcm, size, claimed) {
        claimed / channels
    } else {
        claimed
    };
    let is_too_few = (size * 8)
        .checked_div(claimed)
        .is_some_and(|bits| bits / channels > u64::from(pcm.claimed_bits) + 1);
    if is_too_few { 0 } else { claimed }
}

/// Some writers count the samples of all channels together. They are found out where the
/// rate that comes of it is within a third of the one the header claims.
fn counts_every_channel(pcm: &Pcm, size: u64, claimed: u64) -> bool {
    let channels = u64::from(pcm.channels);
    if channels < 2 || size == 0 || claimed == 0 || !claimed.is_multiple_of(channels) {
        return false;
    }
    let stored = 8 * u128::from(size) * u128::from(channels) * u128::from(pcm.sample_rate);
    let told = u128::from(claimed) * u128::from(pcm.claimed_bit_rate);
    10 * stored.abs_diff(told) < 3 * told
}

/// Samples in the rest of a file, from the rate of bytes alone.
pub(super) fn estimate(pcm: &Pcm, rest: u64) -> Option<u64> {
    let bits = 8 * u128::from(rest) * u128::from(pcm.sample_rate);
    u64::try_from(rounded(bits, u128::from(pcm.bit_rate()))?).ok()
}

/// Seconds to the microsecond, as ffprobe prints them; `None` for no time at all.
pub(super) fn decimal(samples: u64, sample_rate: u32) -> Option<String> {
    let micros = rounded(u128::from(samples) * 1_000_000, u128::from(sample_rate))?;
    (micros > 0).then(|| format_seconds(micros))
}

fn rounded(dividend: u128, divisor: u128) -> Option<u128> {
    (dividend + divisor / 2).checked_div(divisor)
}
