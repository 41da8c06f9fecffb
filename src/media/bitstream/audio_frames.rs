//! Headers of self-describing audio frames, as in streams without a container header, and a check
//! that consecutive frames agree.

/// Header of an audio frame, in ffprobe's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct AudioFrame {
    /// Codec, as named by ffmpeg.
    pub codec: &'static str,
    pub sample_rate: u32,
    pub channels: u32,
    pub channel_layout: &'static str,
    /// Samples per channel.
    pub samples: u32,
    /// Size of the frame in bytes, including its header.
    pub bytes: usize,
}

/// Maximum number of frames read.
const MAX_FRAMES: usize = 8;

/// Parses consecutive frame headers and returns the first one. `None` unless there are at least two
/// and all agree.
pub(in crate::media) fn parse_consistent(
    mut stream: &[u8],
    parse_header: impl Fn(&[u8]) -> Option<AudioFrame>,
) -> Option<AudioFrame> {
    const MAX_HEADER: usize = 16;
    let first = parse_header(stream)?;
    for count in 1..MAX_FRAMES {
        let step = parse_header(stream)?;
        let is_same = AudioFrame { bytes: 0, ..step } == AudioFrame { bytes: 0, ..first };
        if !is_same || step.bytes == 0 {
            return None;
        }
        match stream.get(step.bytes..) {
            Some(rest) if rest.len() >= MAX_HEADER => stream = rest,
            _ => return (count > 1).then_some(first),
        }
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requires_two_frames_that_agree() {
        let parse_header = |bytes: &[u8]| {
            Some(AudioFrame {
                codec: "ac3",
                sample_rate: 48_000,
                channels: u32::from(*bytes.first()?),
                channel_layout: "stereo",
                samples: 1536,
                bytes: 20,
            })
        };
        assert_eq!(parse_consistent(&[2; 35], parse_header), None);
        assert_eq!(
            parse_consistent(&[2; 36], parse_header).unwrap().channels,
            2
        );
        assert_eq!(
            parse_consistent(&[2; 1000], parse_header).unwrap().channels,
            2
        );
        let mut changing = [2; 1000];
        changing[20] = 1;
        assert_eq!(parse_consistent(&changing, parse_header), None);
        assert_eq!(parse_consistent(&[], parse_header), None);
    }
}
