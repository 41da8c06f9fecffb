//! Sony Wave64: chunks named by GUIDs, with 64-bit sizes that count the chunk's own header.

use super::window::Window;
use super::{MOST_CHUNKS, Sound, TagMap, bitstream, pcm};

/// A GUID and a size.
const HEADER: u64 = 24;

/// A size beyond this is rubbish.
const LARGEST: u64 = 1 << 48;

/// All names but `riff` are four letters and this.
pub(super) const FAMILY: [u8; 12] = *b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
pub(super) const RIFF: [u8; 16] = *b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";

/// Reads a file that holds format, samples and their number, and nothing else.
pub(super) fn read(window: &mut Window<'_>) -> Option<Sound> {
    let is_wave64 = window.array(0)? == RIFF
        && name(window, HEADER)? == *b"wave"
        && (72..LARGEST).contains(&size(window, 0)?);
    if !is_wave64 {
        return None;
    }
    let (mut pcm, mut start, mut samples) = (None, None, None);
    let mut at = HEADER + 16;
    for _ in 0..MOST_CHUNKS {
        let is_over = at
            .checked_add(HEADER)
            .is_none_or(|body| body > window.size());
        // Samples are not padded here, as ffprobe does not; so what follows may make no sense.
        if is_over || (start.is_some() && size(window, at)? <= HEADER) {
            return Some(Sound {
                pcm: pcm?,
                start: start?,
                samples,
                tags: TagMap::new(),
            });
        }
        let size = size(window, at).filter(|size| (HEADER + 1..LARGEST).contains(size))?;
        let body = at + HEADER;
        let mut next = at.checked_add(size.checked_next_multiple_of(8)?)?;
        match &name(window, at)? {
            b"fmt " if pcm.is_none() => pcm = Some(pcm::read(window.read(body, size - HEADER)?)?),
            b"fact" => {
                let signed = i64::from_le_bytes(window.array(body)?);
                samples = u64::try_from(signed).ok().filter(|&n| n > 0).or(samples);
            }
            b"data" => {
                if bitstream::is_at(window, body)? {
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

/// The four letters of a chunk's name.
fn name(window: &mut Window<'_>, at: u64) -> Option<[u8; 4]> {
    let letters = window.array(at)?;
    (window.array(at + 4)? == FAMILY).then_some(letters)
}

fn size(window: &mut Window<'_>, at: u64) -> Option<u64> {
    Some(u64::from_le_bytes(window.array(at + 16)?))
}
