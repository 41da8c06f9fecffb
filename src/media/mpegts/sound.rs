//! Sound of a transport stream, by its first frames.

use super::streams::{Heard, Part};
use super::tables::Kind;
use crate::media::bitstream::sound_frames::{SoundFrame, steady};
use crate::media::bitstream::{ac3, adts, mpeg_audio};
use crate::media::header::Stream;

/// One stream of sound, in ffprobe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sound {
    pub codec: &'static str,
    pub sample_rate: u32,
    pub channels: u32,
    pub channel_layout: &'static str,
    length: PartLength,
}

/// How long a part is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PartLength {
    /// As one frame, however many it holds.
    Samples(u32),
    /// By its size: bytes of one sample of all channels.
    Sized(u32),
}

/// Bytes before uncompressed samples.
const PCM_HEADER: usize = 4;

impl Sound {
    /// What a stream says; `None` of a kind that is no sound, or not understood.
    pub(super) fn of(kind: Kind, heard: &Heard) -> Option<Self> {
        let frames = heard.beginning.as_slice();
        Some(match kind {
            Kind::Ac3 => steady(frames, ac3::of_frame)?.into(),
            Kind::EnhancedAc3 => steady(frames, ac3::of_enhanced_frame)?.into(),
            Kind::Aac => steady(frames, adts::of_frame)?.into(),
            Kind::MpegAudio => steady(frames, mpeg_audio::of_frame)?.into(),
            Kind::Pcm => pcm(heard.first_part())?,
            Kind::H264 | Kind::Subtitles => return None,
        })
    }

    /// In ffprobe's words.
    pub(super) fn stream(&self) -> Stream {
        Stream {
            codec_type: "audio".to_owned(),
            codec_name: Some(self.codec.to_owned()),
            r_frame_rate: "0/0".to_owned(),
            avg_frame_rate: "0/0".to_owned(),
            sample_rate: Some(self.sample_rate.to_string()),
            channels: Some(self.channels),
            channel_layout: Some(self.channel_layout.to_owned()),
            ..Stream::default()
        }
    }

    /// Ticks of 90 kHz that ffprobe takes a part to last.
    pub(super) fn step(&self, part: &Part) -> i64 {
        let samples = match self.length {
            PartLength::Samples(samples) => u64::from(samples),
            PartLength::Sized(bytes) => {
                let all = part.bytes.saturating_sub(PCM_HEADER) as u64;
                all.checked_div(u64::from(bytes)).unwrap_or(0)
            }
        };
        let ticks = samples
            .saturating_mul(90_000)
            .checked_div(u64::from(self.sample_rate));
        ticks
            .and_then(|ticks| i64::try_from(ticks).ok())
            .unwrap_or(0)
    }
}

impl From<SoundFrame> for Sound {
    fn from(frame: SoundFrame) -> Self {
        Self {
            codec: frame.codec,
            sample_rate: frame.sample_rate,
            channels: frame.channels,
            channel_layout: frame.channel_layout,
            length: PartLength::Samples(frame.samples),
        }
    }
}

/// Blu-ray's uncompressed sound: channels, rate and bits in the last two bytes of a header.
fn pcm(part: &[u8]) -> Option<Sound> {
    let &[_, _, format, bits] = part.first_chunk()?;
    let (channels, channel_layout) = match format >> 4 {
        1 => (1, "mono"),
        3 => (2, "stereo"),
        9 => (6, "5.1(side)"),
        _ => return None,
    };
    let sample_rate = match format & 15 {
        1 => 48_000,
        4 => 96_000,
        5 => 192_000,
        _ => return None,
    };
    let bytes: u32 = match bits >> 6 {
        1 => 2,
        2 | 3 => 3,
        _ => return None,
    };
    Some(Sound {
        codec: "pcm_bluray",
        sample_rate,
        channels,
        channel_layout,
        // An odd channel is followed by an empty one.
        length: PartLength::Sized(bytes * (channels + channels % 2)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uncompressed_sound_is_told_by_its_header() {
        let sound = |header: [u8; 4]| {
            let sound = pcm(&header)?;
            let part = Part {
                shown: None,
                decoded: None,
                bytes: 964,
            };
            Some((sound.channel_layout, sound.sample_rate, sound.step(&part)))
        };
        assert_eq!(sound([3, 0xc0, 0x11, 0x40]), Some(("mono", 48_000, 450)));
        assert_eq!(sound([3, 0xc0, 0x31, 0x40]), Some(("stereo", 48_000, 450)));
        assert_eq!(sound([3, 0xc0, 0x31, 0x00]), None);
        assert_eq!(sound([3, 0xc0, 0x01, 0x40]), None);
        assert_eq!(pcm(&[3]), None);
    }
}
