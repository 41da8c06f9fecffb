//! Sony Wave64: chunks identified by GUIDs, with 64-bit sizes that include the chunk header.

use super::audio::{MAX_CHUNKS, WavAudio};
use super::buffered_reader::FileWindow;
use super::{compressed_audio, pcm};
use crate::media::header::TagMap;

/// Size of a chunk header in bytes: a GUID and a 64-bit size.
const HEADER: u64 = 24;

/// Upper bound of plausible sizes in bytes.
const MAX_SIZE: u64 = 1 << 48;

/// Last 12 bytes of every chunk GUID except `riff`; the first four are letters.
pub(super) const GUID_SUFFIX: [u8; 12] = *b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
pub(super) const RIFF: [u8; 16] = *b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";

/// Parses a file; `None` if it has chunks other than the format, the sample count and the samples.
pub(super) fn parse(window: &mut FileWindow<'_>) -> Option<WavAudio> {
    let is_wave64 = window.array(0)? == RIFF
        && read_name(window, HEADER)? == *b"wave"
        && (72..MAX_SIZE).contains(&read_size(window, 0)?);
    if !is_wave64 {
        return None;
    }
    let (mut pcm, mut start, mut samples) = (None, None, None);
    let mut at = HEADER + 16;
    for _ in 0..MAX_CHUNKS {
        let is_at_end = at
            .checked_add(HEADER)
            .is_none_or(|body| body > window.size());
        // Like ffprobe, this does not expect padding after the samples, so the following bytes may
        // not be a chunk.
        if is_at_end || (start.is_some() && read_size(window, at)? <= HEADER) {
            return Some(WavAudio {
                pcm: pcm?,
                start: start?,
                samples,
                timecode: None,
                tags: TagMap::new(),
            });
        }
        let size = read_size(window, at).filter(|size| (HEADER + 1..MAX_SIZE).contains(size))?;
        let body = at + HEADER;
        let mut next = at.checked_add(size.checked_next_multiple_of(8)?)?;
        match &read_name(window, at)? {
            b"fmt " if pcm.is_none() => pcm = Some(pcm::parse(window.read(body, size - HEADER)?)?),
            b"fact" => {
                let signed = i64::from_le_bytes(window.array(body)?);
                samples = u64::try_from(signed).ok().filter(|&n| n > 0).or(samples);
            }
            b"data" => {
                if compressed_audio::looks_compressed(window, body)? {
                    return None;
                }
                start = Some(body);
                next = at.checked_add(size)?;
            }
            _ => return None,
        }
        at = next;
    }
    None
}

/// Reads the four letters of a chunk's GUID.
fn read_name(window: &mut FileWindow<'_>, at: u64) -> Option<[u8; 4]> {
    let letters = window.array(at)?;
    (window.array(at + 4)? == GUID_SUFFIX).then_some(letters)
}

fn read_size(window: &mut FileWindow<'_>, at: u64) -> Option<u64> {
    Some(u64::from_le_bytes(window.array(at + 16)?))
}
