//! Vorbis, Opus and FLAC headers, as containers store them.

use super::audio_frames::AudioFrame;
use super::bits::BitReader;

/// Sample rate and channels, in ffprobe's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct AudioParameters {
    /// Sample rate in hertz.
    pub rate: u32,
    pub channels: u32,
    pub layout: &'static str,
}

impl From<AudioFrame> for AudioParameters {
    fn from(frame: AudioFrame) -> Self {
        Self {
            rate: frame.sample_rate,
            channels: frame.channels,
            layout: frame.channel_layout,
        }
    }
}

/// Returns the channel layout for a channel count in Vorbis (Vorbis I, 4.3.9), Opus and FLAC.
fn layout_name(channels: u32) -> Option<&'static str> {
    Some(match channels {
        1 => "mono",
        2 => "stereo",
        3 => "3.0",
        4 => "quad",
        5 => "5.0",
        6 => "5.1",
        8 => "7.1",
        _ => return None,
    })
}

/// Parses an `OpusHead` (RFC 7845, 5.1). Opus is always decoded at 48 kHz.
pub(in crate::media) fn parse_opus(private: &[u8]) -> Option<AudioParameters> {
    let head = private.strip_prefix(b"OpusHead")?;
    let &[1, channels, _, _, _, _, _, _, _, _, family, ..] = head else {
        return None;
    };
    let channels = u32::from(channels);
    let is_standard_layout = family == 0 && channels <= 2 || family == 1;
    Some(AudioParameters {
        rate: 48_000,
        channels,
        layout: layout_name(channels).filter(|_| is_standard_layout)?,
    })
}

/// Parses the three Vorbis headers as stored in Matroska, preceded by their sizes.
pub(in crate::media) fn parse_vorbis(private: &[u8]) -> Option<AudioParameters> {
    let (&2, rest) = private.split_first()? else {
        return None;
    };
    let mut rest = rest;
    for _ in 0..2 {
        let full = rest.iter().take_while(|&&byte| byte == 255).count();
        rest = rest.get(full + 1..)?;
    }
    let head = rest.strip_prefix(b"\x01vorbis\0\0\0\0")?;
    let (&channels, head) = head.split_first()?;
    let rate = u32::from_le_bytes(*head.first_chunk()?);
    let channels = u32::from(channels);
    Some(AudioParameters {
        rate: Some(rate).filter(|&rate| rate > 0)?,
        channels,
        layout: layout_name(channels)?,
    })
}

/// Parses `fLaC` and its stream information (RFC 9639, 8.2).
///
/// `None` if a comment may specify an unusual channel layout.
pub(in crate::media) fn parse_flac(private: &[u8]) -> Option<AudioParameters> {
    const MASK: &[u8] = b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK";
    let information = private.strip_prefix(b"fLaC")?;
    if memchr::memmem::find(information, MASK).is_some() {
        return None;
    }
    let mut bits = BitReader::new(information);
    bits.skip(1)?;
    let (kind, length) = (bits.read(7)?, bits.read(24)?);
    bits.skip(80)?;
    let (rate, channels) = (bits.read(20)?, bits.read(3)? + 1);
    let is_valid = kind == 0 && length == 34 && rate > 0 && channels <= 6;
    Some(AudioParameters {
        rate,
        channels,
        layout: layout_name(channels).filter(|_| is_valid)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(parameters: Option<AudioParameters>) -> String {
        parameters.map_or_else(
            || "unclear".to_owned(),
            |it| format!("{} {} {}", it.rate, it.channels, it.layout),
        )
    }

    #[test]
    fn headers_match_ffprobe() {
        let opus = |channels, family| {
            let rest = [1, channels, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, family];
            describe(parse_opus(&[&b"OpusHead"[..], &rest].concat()))
        };
        assert_eq!(opus(1, 0), "48000 1 mono");
        assert_eq!(opus(6, 1), "48000 6 5.1");
        assert_eq!(opus(6, 0), "unclear");
        assert_eq!(opus(2, 255), "unclear");
        let vorbis = b"\x02\x1e\xff\x10\x01vorbis\0\0\0\0\x02\x44\xac\0\0";
        assert_eq!(describe(parse_vorbis(vorbis)), "44100 2 stereo");
        assert_eq!(describe(parse_vorbis(&vorbis[..19])), "unclear");
        let flac = |third: u8| {
            let mut head = b"fLaC\x80\0\0\x22".to_vec();
            head.extend([0; 10]);
            head.extend([0x0b, 0xb8, third, 0xf0]);
            describe(parse_flac(&head))
        };
        assert_eq!(flac(0x02), "48000 2 stereo");
        assert_eq!(flac(0x0a), "48000 6 5.1");
        assert_eq!(flac(0x0e), "unclear");
        assert_eq!(describe(parse_flac(b"fLaC")), "unclear");
    }
}
