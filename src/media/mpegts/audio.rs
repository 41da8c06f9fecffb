//! Audio of a transport stream, identified by its first frames.

use super::streams::{PesPacket, ScannedStream};
use super::tables::StreamKind;
use crate::media::bitstream::audio_frames::{AudioFrame, parse_consistent};
use crate::media::bitstream::{ac3, adts, mpeg_audio};
use crate::media::header::{Stream, StreamType};

/// Audio stream, with ffmpeg's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TransportAudio {
    pub codec: &'static str,
    pub sample_rate: u32,
    pub channels: u32,
    pub channel_layout: &'static str,
    duration_rule: DurationRule,
}

/// Rule for the duration of a PES packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DurationRule {
    /// Duration of one frame of this many samples, regardless of how many frames the packet
    /// contains.
    Samples(u32),
    /// Duration derived from the packet size. The value is the size in bytes of one sample of all
    /// channels.
    FromSize(u32),
}

/// Size in bytes of the header before uncompressed samples.
const PCM_HEADER: usize = 4;

impl TransportAudio {
    /// Parses the beginning of a stream; `None` if it is not audio or not supported.
    pub(super) fn parse(kind: StreamKind, scanned: &ScannedStream) -> Option<Self> {
        let frames = scanned.beginning.as_slice();
        Some(match kind {
            StreamKind::Ac3 => parse_consistent(frames, ac3::parse_frame)?.into(),
            StreamKind::EnhancedAc3 => parse_consistent(frames, ac3::parse_enhanced_frame)?.into(),
            StreamKind::Aac => parse_consistent(frames, adts::parse_frame)?.into(),
            StreamKind::MpegAudio => parse_consistent(frames, mpeg_audio::parse_frame)?.into(),
            StreamKind::Pcm => parse_pcm(scanned.first_packet())?,
            StreamKind::H264 | StreamKind::Subtitles => return None,
        })
    }

    /// Converts the audio to a stream.
    pub(super) fn stream(&self) -> Stream {
        Stream {
            kind: StreamType::Audio,
            codec: Some(self.codec.to_owned()),
            sample_rate: Some(self.sample_rate),
            channels: Some(self.channels),
            channel_layout: Some(self.channel_layout.to_owned()),
            ..Stream::default()
        }
    }

    /// Returns the duration that ffprobe assumes for a packet, in ticks of 90 kHz.
    pub(super) fn packet_duration(&self, packet: &PesPacket) -> i64 {
        let samples = match self.duration_rule {
            DurationRule::Samples(samples) => u64::from(samples),
            DurationRule::FromSize(bytes) => {
                let all = packet.bytes.saturating_sub(PCM_HEADER) as u64;
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

impl From<AudioFrame> for TransportAudio {
    fn from(frame: AudioFrame) -> Self {
        Self {
            codec: frame.codec,
            sample_rate: frame.sample_rate,
            channels: frame.channels,
            channel_layout: frame.channel_layout,
            duration_rule: DurationRule::Samples(frame.samples),
        }
    }
}

/// Parses the header of Blu-ray's uncompressed audio. Its last two bytes store the channels, the
/// rate and the bit depth.
fn parse_pcm(packet: &[u8]) -> Option<TransportAudio> {
    let &[_, _, format, bits] = packet.first_chunk()?;
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
    Some(TransportAudio {
        codec: "pcm_bluray",
        sample_rate,
        channels,
        channel_layout,
        // An odd number of channels is padded with an empty one.
        duration_rule: DurationRule::FromSize(bytes * (channels + channels % 2)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_header_of_uncompressed_audio() {
        let audio = |header: [u8; 4]| {
            let audio = parse_pcm(&header)?;
            let packet = PesPacket {
                pts: None,
                dts: None,
                bytes: 964,
            };
            Some((
                audio.channel_layout,
                audio.sample_rate,
                audio.packet_duration(&packet),
            ))
        };
        assert_eq!(audio([3, 0xc0, 0x11, 0x40]), Some(("mono", 48_000, 450)));
        assert_eq!(audio([3, 0xc0, 0x31, 0x40]), Some(("stereo", 48_000, 450)));
        assert_eq!(audio([3, 0xc0, 0x31, 0x00]), None);
        assert_eq!(audio([3, 0xc0, 0x01, 0x40]), None);
        assert_eq!(parse_pcm(&[3]), None);
    }
}
