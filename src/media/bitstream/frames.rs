//! AC-3, E-AC-3 and MP3: the head of a frame, which knows better than the container.

use super::bits::Bits;
use super::xiph::Voices;

/// ffprobe's names by `acmod`: channels without and with the one for low frequencies.
const DOLBY: [(u32, &str, &str); 8] = [
    (2, "stereo", ""),
    (1, "mono", ""),
    (2, "stereo", ""),
    (3, "3.0", "3.1"),
    (3, "3.0(back)", ""),
    (4, "4.0", "4.1"),
    (4, "quad(side)", ""),
    (5, "5.0(side)", "5.1(side)"),
];

/// Reads the head of an AC-3 frame (ATSC A/52, 5.3).
pub(in crate::media) fn of_ac3(frame: &[u8]) -> Option<Voices> {
    let mut bits = Bits::new(frame);
    if bits.take(16)? != 0x0b77 {
        return None;
    }
    bits.skip(16)?;
    let rate = dolby_rate(bits.take(2)?)?;
    let is_known = bits.take(6)? < 38;
    // Others come at a half or a quarter of the rate.
    let version = bits.take(5)?;
    bits.skip(3)?;
    let mode = bits.take(3)?;
    // Mixing levels, or how stereo was made.
    if mode & 1 == 1 && mode != 1 {
        bits.skip(2)?;
    }
    if mode & 4 != 0 {
        bits.skip(2)?;
    }
    if mode == 2 {
        bits.skip(2)?;
    }
    let has_low = bits.flag()?;
    dolby(rate, mode, has_low).filter(|_| is_known && matches!(version, 6 | 8))
}

/// Reads the head of an E-AC-3 frame (ATSC A/52, annex E 2.2), of an independent stream that
/// is alone in `block`.
pub(in crate::media) fn of_eac3(block: &[u8], length: u64) -> Option<Voices> {
    let mut bits = Bits::new(block);
    if bits.take(16)? != 0x0b77 {
        return None;
    }
    let (kind, stream) = (bits.take(2)?, bits.take(3)?);
    // A second, dependent frame would add channels.
    let words = u64::from(bits.take(11)?) + 1;
    let rate = dolby_rate(bits.take(2)?)?;
    bits.skip(2)?;
    let mode = bits.take(3)?;
    let has_low = bits.flag()?;
    let version = bits.take(5)?;
    let is_alone = (kind, stream) == (0, 0) && words * 2 == length && version == 16;
    dolby(rate, mode, has_low).filter(|_| is_alone)
}

fn dolby_rate(code: u32) -> Option<u32> {
    [48_000, 44_100, 32_000]
        .get(usize::try_from(code).ok()?)
        .copied()
}

fn dolby(rate: u32, mode: u32, has_low: bool) -> Option<Voices> {
    let &(channels, without, with) = DOLBY.get(usize::try_from(mode).ok()?)?;
    let layout = if has_low { with } else { without };
    // Two programmes at once are no stereo.
    (mode != 0 && !layout.is_empty()).then_some(Voices {
        rate,
        channels: channels + u32::from(has_low),
        layout,
    })
}

/// Reads the head of an MPEG audio frame of layer 3 (ISO/IEC 11172-3, 2.4.1.3; 13818-3).
pub(in crate::media) fn of_mp3(frame: &[u8]) -> Option<Voices> {
    let mut bits = Bits::new(frame);
    if bits.take(11)? != 0x7ff {
        return None;
    }
    let (version, layer) = (bits.take(2)?, bits.take(2)?);
    bits.skip(1)?;
    let bit_rate = bits.take(4)?;
    let rate = *[44_100, 48_000, 32_000].get(usize::try_from(bits.take(2)?).ok()?)?;
    bits.skip(2)?;
    let is_mono = bits.take(2)? == 3;
    let rate = match version {
        3 => rate,
        2 => rate / 2,
        0 => rate / 4,
        _ => return None,
    };
    (layer == 1 && matches!(bit_rate, 1..=14)).then_some(Voices {
        rate,
        channels: if is_mono { 1 } else { 2 },
        layout: if is_mono { "mono" } else { "stereo" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::bytes;

    fn told(voices: Option<Voices>) -> String {
        voices.map_or_else(
            || "unclear".to_owned(),
            |it| format!("{} {} {}", it.rate, it.channels, it.layout),
        )
    }

    #[test]
    fn frames_say_what_ffprobe_says() {
        for (hex, expected) in [
            ("0b77000014404310", "48000 2 stereo"),
            ("0b7700001e40e1d8", "48000 6 5.1(side)"),
            ("0b77000054402310", "44100 1 mono"),
            ("0b770000d4404310", "unclear"),
            ("0b7700001440", "unclear"),
        ] {
            assert_eq!(told(of_ac3(&bytes(hex))), expected, "{hex}");
        }
        let eac3 = bytes("0b7701ff3f85");
        assert_eq!(told(of_eac3(&eac3, 1024)), "48000 6 5.1(side)");
        assert_eq!(told(of_eac3(&eac3, 2048)), "unclear");
        for (hex, expected) in [
            ("fffb9064", "44100 2 stereo"),
            ("fff340c4", "22050 1 mono"),
            ("fffb0064", "unclear"),
            ("fffd9064", "unclear"),
        ] {
            assert_eq!(told(of_mp3(&bytes(hex))), expected, "{hex}");
        }
    }
}
