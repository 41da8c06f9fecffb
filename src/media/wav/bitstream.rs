//! AC-3 and DTS that pass for PCM: as S/PDIF carries them (IEC 61937), or bare.
//!
//! ffprobe recognises them by decoding; here the mere look of them is enough to ask it.

use super::window::Window;

/// Bytes of samples that are looked at, at least.
const ENOUGH: u64 = 4096;

/// Sync words: a burst's preamble, and DTS with 16 or 14 bits in a word in either order.
const SYNC_WORDS: [[u8; 4]; 5] = [
    *b"\x72\xf8\x1f\x4e",
    *b"\x7f\xfe\x80\x01",
    *b"\xfe\x7f\x01\x80",
    *b"\x1f\xff\xe8\x00",
    *b"\xff\x1f\x00\xe8",
];

/// Whether what begins at `start` looks like one; `None` if it cannot be read.
pub(super) fn is_at(window: &mut Window<'_>, start: u64) -> Option<bool> {
    let enough = ENOUGH.min(window.size().checked_sub(start)?);
    let samples = window.from(start, enough)?;
    let is_ac3 = matches!(samples, [0x0b, 0x77, ..] | [0x77, 0x0b, ..]);
    let is_synced = samples
        .windows(4)
        .any(|word| SYNC_WORDS.iter().any(|sync| word == sync));
    Some(is_ac3 || is_synced)
}
