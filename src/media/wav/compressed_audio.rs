//! Detection of AC-3 and DTS that is stored as PCM, with or without S/PDIF bursts (IEC 61937).
//!
//! ffprobe recognises them by decoding. Here, any file with a sync word is left to ffprobe.

use super::buffered_reader::FileWindow;

/// Minimum number of bytes checked at the start of the samples; all are checked if there are fewer.
const CHECKED_BYTES: u64 = 4096;

/// Sync words: the preamble of an S/PDIF burst, and DTS in 16-bit or 14-bit words of either byte
/// order.
const SYNC_WORDS: [[u8; 4]; 5] = [
    *b"\x72\xf8\x1f\x4e",
    *b"\x7f\xfe\x80\x01",
    *b"\xfe\x7f\x01\x80",
    *b"\x1f\xff\xe8\x00",
    *b"\xff\x1f\x00\xe8",
];

/// Returns true if the data at `start` looks like AC-3 or DTS; `None` if it cannot be read.
pub(super) fn looks_compressed(window: &mut FileWindow<'_>, start: u64) -> Option<bool> {
    let length = CHECKED_BYTES.min(window.size().checked_sub(start)?);
    let samples = window.read_at_least(start, length)?;
    let is_ac3 = matches!(samples, [0x0b, 0x77, ..] | [0x77, 0x0b, ..]);
    let has_sync_word = samples
        .windows(4)
        .any(|word| SYNC_WORDS.iter().any(|sync| word == sync));
    Some(is_ac3 || has_sync_word)
}
