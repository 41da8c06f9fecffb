//! H.264 streams (ITU-T H.264): picture format, first picture, conversion to a start of a stream.
//!
//! The parts of the syntax are in modules of their own; this one combines them for the containers.

use super::h264_config::parse_config;
pub(in crate::media) use super::h264_first_picture::FieldParity;
pub(in crate::media) use super::h264_sequence::Tick;
use super::h264_sequence::{read_sps, to_coded_picture};
use super::picture::CodedPicture;
use super::{h264_first_picture, h264_idr};
use crate::value::ScanOrder;

/// Properties of a stream, read from its first picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::media) struct StreamStart {
    pub coded: CodedPicture,
    /// `None` if the stream does not store it.
    pub tick: Option<Tick>,
    /// True if the first picture is a field.
    pub is_field: bool,
    /// True if the first picture decodes without earlier pictures.
    pub is_intra: bool,
}

/// Reads the picture format of a configuration record; `None` if its sequence parameter sets
/// differ.
///
/// The scan order is set only if no picture can deviate from it.
pub(in crate::media) fn parse_avcc(payload: &[u8]) -> Option<CodedPicture> {
    let config = parse_config(payload)?;
    let mut sets = config
        .sequence_parameter_sets
        .iter()
        .map(|nal| parse_sps(nal));
    let mut first = sets.next()??;
    if !sets.all(|set| set.as_ref() == Some(&first)) {
        return None;
    }
    if h264_first_picture::may_reorder_fields(&config) {
        first.may_be_interlaced = true;
    }
    if !first.may_be_interlaced {
        first.scan_order = Some(ScanOrder::Progressive);
    }
    Some(first)
}

/// Reads the picture format from a configuration record and the first sample, which determines the
/// parameter set in use and the field order.
///
/// The sample may be truncated. Returns `None` if its first slice is not found.
pub(in crate::media) fn parse_sample(payload: &[u8], sample: &[u8]) -> Option<CodedPicture> {
    let config = parse_config(payload)?;
    let found = h264_first_picture::first_picture(&config, sample)?;
    let mut coded = to_coded_picture(&found.sequence)?;
    coded.scan_order = found.scan_order;
    coded.may_be_interlaced = found.scan_order.is_none();
    Some(coded)
}

/// Reads the start of a stream in which each picture is a separate sample. If pictures are fields,
/// the field order is the order in which they are stored.
///
/// Also returns `None` if a frame displays one of its fields more than once.
pub(in crate::media) fn parse_stream_start(payload: &[u8], sample: &[u8]) -> Option<StreamStart> {
    let config = parse_config(payload)?;
    let found = h264_first_picture::first_picture(&config, sample)?;
    let mut coded = to_coded_picture(&found.sequence)?;
    coded.scan_order = match found.field {
        Some(FieldParity::Top) => Some(ScanOrder::TopFieldFirst),
        Some(FieldParity::Bottom) => Some(ScanOrder::BottomFieldFirst),
        None => found.scan_order,
    };
    coded.may_be_interlaced = false;
    (!found.is_repeated).then_some(StreamStart {
        coded,
        tick: found.sequence.tick,
        is_field: found.field.is_some(),
        is_intra: found.is_intra,
    })
}

/// Properties of a picture, read from its first slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Slice {
    /// True if the picture decodes without earlier pictures.
    pub is_intra: bool,
    /// Parity of a field; `None` for a frame.
    pub field: Option<FieldParity>,
    pub frame_number: u32,
}

/// Reads the first slice of a sample; the sample may be truncated.
pub(in crate::media) fn first_slice(payload: &[u8], sample: &[u8]) -> Option<Slice> {
    let found = h264_first_picture::first_picture(&parse_config(payload)?, sample)?;
    Some(Slice {
        is_intra: found.is_intra,
        field: found.field,
        frame_number: found.frame_number,
    })
}

/// Converts a sample with an intra picture into one with an IDR picture; `None` if this is
/// impossible.
pub(in crate::media) fn convert_to_idr(payload: &[u8], sample: &[u8]) -> Option<Vec<u8>> {
    h264_idr::convert_to_idr(&parse_config(payload)?, sample)
}

/// Reads the picture format of a sequence parameter set (a NAL unit with its header byte).
pub(in crate::media) fn parse_sps(nal: &[u8]) -> Option<CodedPicture> {
    to_coded_picture(&read_sps(nal)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    #[test]
    fn parameter_sets_match_ffprobe() {
        for (hex, expected) in [
            (
                "01640028ffe1001b67640028acd940780227e5c044000003000400000300c83c60c65801000668ebe3cb22c0fdf8f800",
                "High L40 1920x1080 1:1 yuv420p 8 progressive",
            ),
            (
                "017a100dffe10015677a100db6cb8283f602200000030020000006408001000568ee0f2c8bfefafa00",
                "High 4:2:2 Intra L13 320x240 1:1 yuv422p10le 10 progressive",
            ),
            (
                "0142c00dffe100186742c00dd90141fb011000000300100000030320f142a48001000568cb83cb20",
                "Constrained Baseline L13 320x240 1:1 yuv420p 8 progressive",
            ),
            (
                "016e000dffe10019676e000ddb3650507ec05b20000003002000000641e28532c001000668ebe3cb22c0fcfafa00",
                "High 10 L13 320x240 1:1 yuv420p10le 10 progressive pc",
            ),
            (
                "0164000dffe100186764000dacd94141fb016c800000030080000019078a14cb01000668ebe3cb22c0fdf8f800",
                "High L13 320x240 1:1 yuvj420p 8 progressive pc",
            ),
            (
                "01f4000dffe1001d67f4000d919b28283f602dc080801000000300100000030320f142996001000668ebe3cb22c0fff8f800",
                "High 4:4:4 Predictive L13 320x240 1:1 gbrp 8 progressive pc gbr",
            ),
            (
                "01f4000dffe1001967f4000d919b28283f6022000003000200000300641e28532c01003968ebe3c44e10042420084aa4dd249b6e924936db7492495b6db4924adb69256d2d526e924db749249b6dba4924adb6da49256db492b6940440fff8f800",
                "High 4:4:4 Predictive L13 320x240 1:1 yuv444p 8 progressive",
            ),
            (
                "0164000dffe1001b6764000dacd94141fb016a122412800000030080000019078a14cb01000668ebe3cb22c0fdf8f800",
                "High L13 320x240 1:1 yuv420p 8 progressive tv bt2020nc arib-std-b67 bt2020",
            ),
            (
                "0164000dffe1001d6764000dacd94141fbff001900111000000300100000030320f142996001000668ebe3cb22c0fdf8f800",
                "High L13 320x240 25:17 yuv420p 8 progressive",
            ),
            (
                "01640014ffe1002367640014acd94141fb01100000030010000003032604000f424001e84e4c30078a14cb01000568ebecb22cfdf8f800",
                "High L20 320x240 1:1 yuv420p 8 progressive",
            ),
            (
                "01640028ffe1001b67640028acd940780227765c0440000003004000000c83c60c658001000668ebe3cb22c0fdf8f800",
                "High L40 1916x1076 1:1 yuv420p 8 progressive",
            ),
            (
                "01640015ffe1001a67640015acd941410fcb808800000300080000030190f8a14cb001000668fba3cb22c0fdf8f800",
                "High L21 320x240 1:1 yuv420p 8 fields?",
            ),
        ] {
            assert_eq!(describe(parse_avcc(&bytes(hex))), expected, "{hex}");
        }
    }

    #[test]
    fn rejects_a_record_with_two_different_parameter_sets() {
        let first = "6764000dacd94141fb016c800000030080000019078a14cb";
        let second = "67640014acd94141fb01100000030010000003032604000f424001e84e4c30078a14cb";
        let record = format!("0164000dffe20018{first}0023{second}00");
        assert_eq!(parse_avcc(&bytes(&record)), None);
        assert!(parse_sps(&bytes(first)).is_some() && parse_sps(&bytes(second)).is_some());
    }
}
