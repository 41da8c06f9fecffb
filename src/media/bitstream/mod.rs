//! Codec configuration records and stream headers, parsed without ffprobe.
//!
//! One file per codec. The names of profiles and pixel formats are ffmpeg's. All parsers return
//! `None` instead of guessing; the caller then runs ffprobe.

pub(in crate::media) mod aac;
pub(in crate::media) mod ac3;
pub(in crate::media) mod adts;
pub(in crate::media) mod audio_frames;
pub(in crate::media) mod av1;
pub(in crate::media) mod avchd_metadata;
mod bits;
pub(in crate::media) mod dnxhd;
pub(in crate::media) mod dv;
pub(in crate::media) mod h264;
mod h264_first_picture;
mod h264_idr;
mod h264_parameter_sets;
pub(in crate::media) mod hevc;
pub(in crate::media) mod jpeg;
pub(in crate::media) mod mpeg2;
pub(in crate::media) mod mpeg4;
pub(in crate::media) mod mpeg_audio;
pub(in crate::media) mod nal_units;
pub(in crate::media) mod prores;
pub(in crate::media) mod vp8;
pub(in crate::media) mod vp9;
pub(in crate::media) mod xiph;

use super::colour::{Colour, Matrix};
use super::ratio::PixelAspect;
use crate::value::ScanOrder;

/// Picture format from a codec's configuration or headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::media) struct CodedPicture {
    pub profile: Option<String>,
    /// Level as the codec stores it: 41 for H.264 level 4.1, 123 for HEVC level 4.1.
    pub level: Option<i64>,
    /// Width in pixels, after cropping.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub pixel_aspect: Option<PixelAspect>,
    pub pixel_format: Option<String>,
    pub bits_per_raw_sample: Option<u32>,
    /// `None` if the headers do not determine it.
    pub scan_order: Option<ScanOrder>,
    /// True if the stream may contain fields whose order is unknown.
    pub may_be_interlaced: bool,
    pub colour: Colour,
    pub overrides: ColourOverrides,
    /// Matrix that ffprobe reports if neither the codec nor the container stores one.
    pub assumed_matrix: Option<Matrix>,
    /// True if the container may crop the picture further. This applies to H.264 streams that crop
    /// only at the right and bottom.
    pub is_cropped_by_container: bool,
}

/// Colour properties for which ffprobe ignores the container's values, even if the codec leaves
/// them unspecified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct ColourOverrides {
    pub range: bool,
    pub matrix: bool,
    pub primaries_and_transfer: bool,
}

impl ColourOverrides {
    const ALL: Self = Self {
        range: true,
        matrix: true,
        primaries_and_transfer: true,
    };
}

/// Picture size and colour stored in the container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct ContainerPicture {
    pub width: u32,
    pub height: u32,
    pub colour: Colour,
}

impl CodedPicture {
    /// Merges the container's values into the codec's, with ffprobe's precedence.
    pub(in crate::media) fn merge_container(mut self, container: &ContainerPicture) -> Self {
        let stored = container.colour;
        let colour = &mut self.colour;
        if !self.overrides.range {
            colour.range = colour.range.or(stored.range);
        }
        if !self.overrides.matrix {
            let assumed = self.assumed_matrix;
            colour.matrix = colour.matrix.or(stored.matrix).or(assumed);
        }
        if !self.overrides.primaries_and_transfer {
            colour.primaries = colour.primaries.or(stored.primaries);
            colour.transfer = colour.transfer.or(stored.transfer);
        }
        if self.is_cropped_by_container {
            h264::crop_to_container(&mut self, container);
            h264::adapt_pixel_format(&mut self);
        }
        self
    }
}

/// Returns the pixel format for a chroma format (`chroma_format_idc`) and a bit depth.
fn yuv_format(chroma_format: u32, depth: u32) -> Option<String> {
    let sampling = match chroma_format {
        0 => "gray",
        1 => "yuv420p",
        2 => "yuv422p",
        3 => "yuv444p",
        _ => return None,
    };
    Some(match (chroma_format, depth) {
        (_, 8) => sampling.to_owned(),
        (0, 9 | 10 | 12) | (1..=3, 9 | 10 | 12 | 14) => format!("{sampling}{depth}le"),
        _ => return None,
    })
}

/// Returns the planar RGB format that corresponds to a 4:4:4 YUV format.
fn planar_rgb_format(yuv: &str) -> Option<String> {
    yuv.strip_prefix("yuv444p")
        .map(|depth| format!("gbrp{depth}"))
}

/// Returns the aspect ratio for an `aspect_ratio_idc` (H.264 table E-1, HEVC table E.1).
fn aspect_from_code(code: u8) -> Option<PixelAspect> {
    let (horizontal, vertical) = match code {
        1 => (1, 1),
        2 => (12, 11),
        3 => (10, 11),
        4 => (16, 11),
        5 => (40, 33),
        6 => (24, 11),
        7 => (20, 11),
        8 => (32, 11),
        9 => (80, 33),
        10 => (18, 11),
        11 => (15, 11),
        12 => (64, 33),
        13 => (160, 99),
        14 => (4, 3),
        15 => (3, 2),
        16 => (2, 1),
        _ => return None,
    };
    PixelAspect::new(horizontal, vertical)
}

#[cfg(test)]
pub(in crate::media) mod tests {
    use super::*;
    use crate::value::VideoRange;
    use proptest::prelude::*;

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

    #[test]
    fn container_fills_values_that_the_codec_leaves_unspecified() {
        let colour = Colour::from_codes(1, 1, 1).with_range(true);
        let container = ContainerPicture {
            width: 318,
            height: 230,
            colour,
        };
        let unspecified = CodedPicture {
            pixel_format: Some("yuv420p".to_owned()),
            bits_per_raw_sample: Some(8),
            width: Some(320),
            height: Some(240),
            is_cropped_by_container: true,
            ..CodedPicture::default()
        };
        let merged = unspecified.clone().merge_container(&container);
        assert_eq!(
            describe(Some(merged)),
            "318x230 yuvj420p 8 pc bt709 bt709 bt709"
        );
        let overriding = CodedPicture {
            overrides: ColourOverrides::ALL,
            is_cropped_by_container: false,
            assumed_matrix: Some(Matrix::Bt709),
            ..unspecified
        };
        assert_eq!(
            describe(Some(overriding.merge_container(&container))),
            "320x240 yuv420p 8"
        );
    }
}
