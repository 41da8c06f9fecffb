//! Frames of sound that tell of themselves, as streams without a header carry them: what one
//! frame's header says, and whether the next says the same.

/// What the header of a frame says, in ffprobe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct SoundFrame {
    /// Codec by ffmpeg's name.
    pub codec: &'static str,
    pub sample_rate: u32,
    pub channels: u32,
    pub channel_layout: &'static str,
    /// Samples of each channel.
    pub samples: u32,
    /// The whole frame, header included.
    pub bytes: usize,
}

/// Frames that are looked at.
const MOST: usize = 8;

/// What frames, one right after the other, all say. `None` unless there are two headers, or
/// where one says something else.
pub(in crate::media) fn steady(
    mut stream: &[u8],
    header: impl Fn(&[u8]) -> Option<SoundFrame>,
) -> Option<SoundFrame> {
    const LONGEST_HEADER: usize = 16;
    let first = header(stream)?;
    for count in 1..MOST {
        let step = header(stream)?;
        let is_same = SoundFrame { bytes: 0, ..step } == SoundFrame { bytes: 0, ..first };
        if !is_same || step.bytes == 0 {
            return None;
        }
        match stream.get(step.bytes..) {
            Some(rest) if rest.len() >= LONGEST_HEADER => stream = rest,
            _ => return (count > 1).then_some(first),
        }
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_is_not_enough_and_two_must_agree() {
        let header = |bytes: &[u8]| {
            Some(SoundFrame {
                codec: "ac3",
                sample_rate: 48_000,
                channels: u32::from(*bytes.first()?),
                channel_layout: "stereo",
                samples: 1536,
                bytes: 20,
            })
        };
        assert_eq!(steady(&[2; 35], header), None);
        assert_eq!(steady(&[2; 36], header).unwrap().channels, 2);
        assert_eq!(steady(&[2; 1000], header).unwrap().channels, 2);
        let mut changing = [2; 1000];
        changing[20] = 1;
        assert_eq!(steady(&changing, header), None);
        assert_eq!(steady(&[], header), None);
    }
}
