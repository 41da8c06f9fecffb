//! Conversion of a Matroska audio track to a stream.
//!
//! Functions return `None` for anything that is not fully supported. ffprobe then reads the file.

use super::track::{Audio, MatroskaTrack};
use crate::media::bitstream::audio_frames::AudioFrame;
use crate::media::bitstream::xiph::AudioParameters;
use crate::media::bitstream::{aac, ac3, mpeg_audio, xiph};
use crate::media::header::{Stream, StreamType, TagMap};

/// Returns true for codecs whose parameters are stored only in the frames.
pub(super) fn needs_frame(track: &MatroskaTrack<'_>) -> bool {
    matches!(track.codec.as_str(), "A_AC3" | "A_EAC3" | "A_MPEG/L3")
}

/// Builds the stream of an audio track. Its first block has `length` bytes and starts with `frame`.
pub(super) fn parse_stream(
    track: &MatroskaTrack<'_>,
    frame: &[u8],
    length: u64,
    tags: TagMap,
) -> Option<Stream> {
    let stream = Stream::from_tags(StreamType::Audio, tags);
    if let Some(name) = pcm_codec(track) {
        return Some(Stream {
            codec: Some(name.to_owned()),
            sample_rate: Some(sample_rate(&track.audio)?),
            channels: Some(u32::try_from(track.audio.channels).ok()?).filter(|&count| count > 0),
            ..stream
        });
    }
    // A second, dependent frame in the block would add channels.
    let is_alone = |frame: &AudioFrame| frame.bytes as u64 == length;
    let is_layer_3 = |frame: &AudioFrame| frame.codec == "mp3";
    let (name, parameters) = match track.codec.as_str() {
        "A_AC3" => ("ac3", ac3::parse_frame(frame)?.into()),
        "A_EAC3" => (
            "eac3",
            ac3::parse_enhanced_frame(frame).filter(is_alone)?.into(),
        ),
        "A_MPEG/L3" => (
            "mp3",
            mpeg_audio::parse_frame(frame).filter(is_layer_3)?.into(),
        ),
        "A_OPUS" => ("opus", xiph::parse_opus(track.private)?),
        "A_VORBIS" => ("vorbis", xiph::parse_vorbis(track.private)?),
        "A_FLAC" => ("flac", xiph::parse_flac(track.private)?),
        "A_AAC" => ("aac", parse_aac(track.private)?),
        _ => return None,
    };
    Some(Stream {
        codec: Some(name.to_owned()),
        sample_rate: Some(parameters.rate),
        channels: Some(parameters.channels),
        channel_layout: Some(parameters.layout.to_owned()),
        ..stream
    })
}

fn parse_aac(private: &[u8]) -> Option<AudioParameters> {
    let config = aac::parse_config(private)?;
    Some(AudioParameters {
        rate: config.sample_rate?,
        channels: config.channels?,
        layout: config.channel_layout?,
    })
}

/// Returns ffmpeg's codec name for an uncompressed format; `None` for other formats.
fn pcm_codec(track: &MatroskaTrack<'_>) -> Option<&'static str> {
    Some(match (track.codec.as_str(), track.audio.bits) {
        ("A_PCM/INT/LIT" | "A_PCM/INT/BIG", 8) => "pcm_u8",
        ("A_PCM/INT/LIT", 16) => "pcm_s16le",
        ("A_PCM/INT/LIT", 24) => "pcm_s24le",
        ("A_PCM/INT/LIT", 32) => "pcm_s32le",
        ("A_PCM/INT/BIG", 16) => "pcm_s16be",
        ("A_PCM/INT/BIG", 24) => "pcm_s24be",
        ("A_PCM/INT/BIG", 32) => "pcm_s32be",
        ("A_PCM/FLOAT/IEEE", 32) => "pcm_f32le",
        ("A_PCM/FLOAT/IEEE", 64) => "pcm_f64le",
        _ => return None,
    })
}

/// Returns the output sample rate in hertz; `None` unless it is a whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a number of hertz"
)]
fn sample_rate(audio: &Audio) -> Option<u32> {
    let stored = audio.output_rate.filter(|&rate| rate != 0.0);
    let rate = stored.unwrap_or(audio.rate);
    ((1.0..10_000_000.0).contains(&rate) && rate.fract() == 0.0).then_some(rate as u32)
}

#[cfg(test)]
mod tests {
    use super::super::track::{TrackKind, Video};
    use super::*;

    fn describe(codec: &str, audio: Audio, private: &[u8]) -> Option<String> {
        let track = MatroskaTrack {
            number: 1,
            uid: 1,
            kind: TrackKind::Audio,
            codec: codec.to_owned(),
            private,
            frame_duration: None,
            stripped: Vec::new(),
            is_dolby: false,
            video: Video::default(),
            audio,
        };
        let stream = parse_stream(&track, &[], 0, TagMap::new())?;
        Some(format!(
            "{} {} {} {}",
            stream.codec?,
            stream.sample_rate?,
            stream.channels?,
            stream.channel_layout.unwrap_or_default()
        ))
    }

    #[test]
    fn builds_streams_like_ffprobe() {
        let audio = |rate, output_rate, bits| Audio {
            rate,
            output_rate,
            channels: 2,
            bits,
        };
        for (codec, audio, private, expected) in [
            (
                "A_PCM/INT/LIT",
                audio(48_000.0, None, 24),
                &b""[..],
                Some("pcm_s24le 48000 2 "),
            ),
            ("A_PCM/INT/LIT", audio(48_000.5, None, 24), b"", None),
            ("A_PCM/INT/LIT", audio(48_000.0, None, 12), b"", None),
            ("A_PCM/INT/LIT", audio(f64::NAN, None, 16), b"", None),
            (
                "A_AAC",
                audio(48_000.0, None, 0),
                b"\x11\x90",
                Some("aac 48000 2 stereo"),
            ),
            ("A_AAC", audio(48_000.0, None, 0), b"", None),
            ("A_TRUEHD", audio(48_000.0, None, 0), b"", None),
            ("A_AC3", audio(48_000.0, None, 0), b"", None),
        ] {
            assert_eq!(
                describe(codec, audio, private).as_deref(),
                expected,
                "{codec}"
            );
        }
    }
}
