//! Helpers for the tests of the codecs, and a test that passes any bytes to every parser.

use proptest::prelude::*;

use super::*;
use crate::media::colour::Colour;
use crate::value::{ScanOrder, VideoRange};

pub(in crate::media) fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect()
}

/// Returns ffprobe's name for the order of fields that are coded as they are shown.
fn field_order(order: ScanOrder) -> &'static str {
    match order {
        ScanOrder::Progressive => "progressive",
        ScanOrder::TopFieldFirst => "tt",
        ScanOrder::BottomFieldFirst => "bb",
    }
}

/// Returns ffprobe's name for a range.
fn color_range(range: VideoRange) -> &'static str {
    match range {
        VideoRange::Limited => "tv",
        VideoRange::Full => "pc",
    }
}

/// Formats the values that are present as one line, in ffprobe's terms.
pub(super) fn describe(coded: Option<CodedPicture>) -> String {
    let Some(coded) = coded else {
        return "unclear".to_owned();
    };
    let colour = coded.colour;
    let values = [
        coded.profile,
        coded.level.map(|level| format!("L{level}")),
        coded
            .width
            .zip(coded.height)
            .map(|(w, h)| format!("{w}x{h}")),
        coded.pixel_aspect.map(|aspect| aspect.to_string()),
        coded.pixel_format,
        coded.bits_per_raw_sample.map(|bits| bits.to_string()),
        coded.scan_order.map(|order| field_order(order).to_owned()),
        coded.may_be_interlaced.then(|| "fields?".to_owned()),
        colour.range.map(|range| color_range(range).to_owned()),
        colour.matrix.map(|matrix| matrix.to_string()),
        colour.transfer.map(|transfer| transfer.to_string()),
        colour.primaries.map(|primaries| primaries.to_string()),
    ];
    values.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

const AVCC: &str = "0164000dffe1001b6764000dacd94141fb016a122412800000030080000019078a14cb01000668ebe3cb22c0fdf8f800";
const HVCC: &str = concat!(
    "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003",
    "003c959809210001002a42010101600000030090000003000003003ca00a080f165959a49395e02d01000003000100",
    "000300190822000100074401c172b46240",
);
const JPEG: &str =
    "ffd8ffe000104a46494600010200000100010000ffc000110800f0014003012200021100031100ffda";
const OTHERS: [&str; 7] = [
    "81000c000a0e000000043cffbcdaf91091009840",
    "010000000214a20910090000",
    "824983420013f00ef60638241c184a000d806fbf",
    "0000000003808080250001000480808017401500000000011329000113290580808005118856e500068080800102",
    "0000276669637066009400004c617663014000f080000202024000030407090b",
    "000001b001000001b58913000001000000012000c48d8800cd0a041e1443000001b24c61766335392e33372e313030",
    "000001b32d02403301002380000001b5148a00010000000001b5210505050b421200000001b80008004000000100000fae38000001b58ffff3498000000101",
];

/// Passes the bytes to every parser.
fn parse_all(bytes: &[u8]) {
    let container = ContainerPicture {
        width: 320,
        height: 240,
        colour: Colour::from_codes(9, 16, 9),
    };
    let all = [
        h264::parse_avcc(bytes),
        h264::parse_sps(bytes),
        h264::parse_sample(&super::tests::bytes(AVCC), bytes),
        h264::parse_sample(bytes, bytes),
        hevc::parse_hvcc(bytes),
        hevc::parse_sps(bytes),
        av1::parse_av1c(bytes),
        vp9::parse_vpcc(bytes),
        vp9::parse_frame(bytes),
        prores::parse_frame(*b"ap4h", bytes),
        dnxhd::parse_frame(bytes),
        dv::parse_frame(bytes),
        jpeg::parse_frame(bytes),
        mpeg2::parse_stream(bytes),
        mpeg4::parse_config(bytes),
    ];
    for coded in all.into_iter().flatten() {
        assert!(coded.width != Some(0) && coded.height != Some(0));
        coded.merge_container(&container);
    }
    mpeg2::bit_rate(bytes);
    mpeg2::configuration(bytes);
    for header in [
        ac3::parse_frame,
        ac3::parse_enhanced_frame,
        adts::parse_frame,
        mpeg_audio::parse_frame,
    ] {
        audio_frames::parse_consistent(bytes, header);
    }
    h264::parse_stream_start(bytes, bytes);
    avchd_metadata::read_metadata(bytes);
    aac::parse_config(bytes);
    aac::parse_descriptor(bytes).map(|found| aac::parse_config(found.config));
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn accepts_or_rejects_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_all(&bytes);
    }

    #[test]
    fn accepts_or_rejects_damaged_configurations(
        which in 0..10_usize,
        length in 0..200_usize,
        damage in prop::collection::vec((0..200_usize, any::<u8>()), 0..6),
    ) {
        let hex = [AVCC, HVCC, JPEG].iter().chain(&OTHERS).nth(which).unwrap();
        let mut bytes = bytes(hex);
        for (at, byte) in damage {
            if let Some(target) = bytes.get_mut(at) {
                *target = byte;
            }
        }
        bytes.truncate(length);
        parse_all(&bytes);
    }
}
