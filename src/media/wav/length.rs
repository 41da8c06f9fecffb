//! Duration of a recording, from the header or from the file size, whichever libavformat uses.
//!
//! Follows libavformat's `wavdec.c` step by step. The length of a file whose recorder lost power is
//! ambiguous, and both readers must give the same answer.

use super::pcm::Pcm;

/// Position of the samples in a file.
pub(super) struct SampleData {
    pub start: u64,
    /// Size in bytes; zero if it was never written.
    pub size: u64,
    pub end: Option<u64>,
}

/// Returns the number of samples per channel, or zero if it is unknown. `claimed` is the sample
/// count stored in the header; `file_size` is in bytes.
pub(super) fn count_samples(pcm: &Pcm, data: &SampleData, claimed: u64, file_size: u64) -> u64 {
    let channels = u64::from(pcm.channels);
    let size = if data.size > i64::MAX.unsigned_abs() >> 3 {
        0
    } else {
        data.size
    };
    if size > 0 && data.end.is_some_and(|end| end <= file_size) {
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

/// Returns true if the writer counted the samples of all channels together. This is assumed if the
/// resulting bit rate is within 30 % of the one stored in the header.
fn counts_every_channel(pcm: &Pcm, size: u64, claimed: u64) -> bool {
    let channels = u64::from(pcm.channels);
    if channels < 2 || size == 0 || claimed == 0 || !claimed.is_multiple_of(channels) {
        return false;
    }
    let stored = 8 * u128::from(size) * u128::from(channels) * u128::from(pcm.sample_rate);
    let claimed_bits = u128::from(claimed) * u128::from(pcm.claimed_bit_rate);
    10 * stored.abs_diff(claimed_bits) < 3 * claimed_bits
}

/// Estimates the number of samples in `byte_count` bytes from the bit rate alone.
pub(super) fn estimate(pcm: &Pcm, byte_count: u64) -> Option<u64> {
    let bits = 8 * u128::from(byte_count) * u128::from(pcm.sample_rate);
    u64::try_from(divide_rounded(bits, u128::from(pcm.bit_rate()))?).ok()
}

fn divide_rounded(dividend: u128, divisor: u128) -> Option<u128> {
    (dividend + divisor / 2).checked_div(divisor)
}
