//! Codec configuration, read from a file's own bytes rather than asked of ffprobe.
//!
//! Each codec has its file. All answer in ffprobe's words, and give no answer where they
//! would have to guess: whoever asked then turns to ffprobe.

pub(in crate::media) mod aac;
pub(in crate::media) mod ac3;
pub(in crate::media) mod adts;
pub(in crate::media) mod av1;
mod bits;
pub(in crate::media) mod camera_messages;
pub(in crate::media) mod colour;
pub(in crate::media) mod dnxhd;
pub(in crate::media) mod dv;
pub(in crate::media) mod h264;
mod h264_fields;
mod h264_idr;
mod h264_sets;
pub(in crate::media) mod hevc;
pub(in crate::media) mod jpeg;
pub(in crate::media) mod mpeg2;
pub(in crate::media) mod mpeg4;
pub(in crate::media) mod mpeg_audio;
pub(in crate::media) mod prores;
pub(in crate::media) mod sound_frames;
pub(in crate::media) mod units;
pub(in crate::media) mod vp8;
pub(in crate::media) mod vp9;
pub(in crate::media) mod xiph;

pub(in crate::media) use colour::Colour;

use super::ratio::reduce;

/// What a codec's configuration says of its picture, in ffprobe's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::media) struct Coded {
    pub profile: Option<String>,
    /// The number that the codec writes: 41 for H.264's 4.1, 123 for HEVC's.
    pub level: Option<i64>,
    /// After cropping.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// In lowest terms.
    pub sample_aspect_ratio: Option<(u32, u32)>,
    pub pixel_format: Option<String>,
    pub bits_per_raw_sample: Option<u32>,
    /// `progressive`, `tt` or `bb`, where the stream itself settles it.
    pub field_order: Option<&'static str>,
    /// Whether the stream may hold fields whose order is not told here.
    pub may_be_interlaced: bool,
    pub colour: Colour,
    pub settles: Settles,
    /// The matrix that ffprobe names where neither codec nor container does.
    pub assumed_matrix: Option<&'static str>,
    /// Whether the container may cut the picture further: H.264 that is cropped nowhere but
    /// right and below.
    pub is_cropped_by_container: bool,
}

/// What of colour a codec decides even where it leaves it unspecified: ffprobe then forgets
/// what the container says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Settles {
    pub range: bool,
    pub matrix: bool,
    pub primaries_and_transfer: bool,
}

impl Settles {
    const ALL: Self = Self {
        range: true,
        matrix: true,
        primaries_and_transfer: true,
    };
}

/// What a container says of a picture that it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Container {
    pub width: u32,
    pub height: u32,
    pub colour: Colour,
}

impl Coded {
    /// The codec's word together with the container's, as ffprobe weighs them.
    pub(in crate::media) fn within(mut self, container: &Container) -> Self {
        let said = container.colour;
        let colour = &mut self.colour;
        if !self.settles.range {
            colour.range = colour.range.or(said.range);
        }
        if !self.settles.matrix {
            let assumed = self.assumed_matrix;
            colour.matrix = colour.matrix.or(said.matrix).or(assumed);
        }
        if !self.settles.primaries_and_transfer {
            colour.primaries = colour.primaries.or(said.primaries);
            colour.transfer = colour.transfer.or(said.transfer);
        }
        if self.is_cropped_by_container {
            h264::cut(&mut self, container);
            h264::name_by_colour(&mut self);
        }
        self
    }
}

/// A pixel format by its chroma sampling (`chroma_format_idc`) and depth.
fn yuv(chroma_format: u32, depth: u32) -> Option<String> {
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

/// A pixel format whose planes hold green, blue and red: those of 4:4:4 by another name.
fn planar_rgb(yuv: &str) -> Option<String> {
    yuv.strip_prefix("yuv444p")
        .map(|depth| format!("gbrp{depth}"))
}

/// An aspect ratio in lowest terms; one without a width or a height says nothing.
fn aspect_ratio(width: u32, height: u32) -> Option<(u32, u32)> {
    reduce(width, height)
}

/// `aspect_ratio_idc` (H.264 table E-1, HEVC table E.1).
fn aspect_ratio_of_code(code: u8) -> Option<(u32, u32)> {
    Some(match code {
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
    })
}

#[cfg(test)]
pub(in crate::media) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::media) fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
            .collect()
    }

    /// Everything that is known, as one line.
    pub(super) fn shown(coded: Option<Coded>) -> String {
        let Some(coded) = coded else {
            return "unclear".to_owned();
        };
        let colour = coded.colour;
        let words = [
            coded.profile,
            coded.level.map(|level| format!("L{level}")),
            coded
                .width
                .zip(coded.height)
                .map(|(w, h)| format!("{w}x{h}")),
            coded.sample_aspect_ratio.map(|(w, h)| format!("{w}:{h}")),
            coded.pixel_format,
            coded.bits_per_raw_sample.map(|bits| bits.to_string()),
            coded.field_order.map(str::to_owned),
            coded.may_be_interlaced.then(|| "fields?".to_owned()),
            colour.range.map(str::to_owned),
            colour.matrix.map(str::to_owned),
            colour.transfer.map(str::to_owned),
            colour.primaries.map(str::to_owned),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
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

    /// Reads bytes in every way there is.
    fn read(bytes: &[u8]) {
        let container = Container {
            width: 320,
            height: 240,
            colour: Colour::of_codes(9, 16, 9),
        };
        let all = [
            h264::of_avcc(bytes),
            h264::of_sps(bytes),
            h264::of_sample(&super::tests::bytes(AVCC), bytes),
            h264::of_sample(bytes, bytes),
            hevc::of_hvcc(bytes),
            hevc::of_sps(bytes),
            av1::of_av1c(bytes),
            vp9::of_vpcc(bytes),
            vp9::of_frame(bytes),
            prores::of_frame(*b"ap4h", bytes),
            dnxhd::of_frame(bytes),
            dv::of_frame(bytes),
            jpeg::of_frame(bytes),
            mpeg2::of_stream(bytes),
            mpeg4::of_config(bytes),
        ];
        for coded in all.into_iter().flatten() {
            assert!(coded.width != Some(0) && coded.height != Some(0));
            coded.within(&container);
        }
        mpeg2::bit_rate(bytes);
        mpeg2::configuration(bytes);
        for header in [
            ac3::of_frame,
            ac3::of_enhanced_frame,
            adts::of_frame,
            mpeg_audio::of_frame,
        ] {
            sound_frames::steady(bytes, header);
        }
        h264::of_stream(bytes, bytes);
        camera_messages::of_picture(bytes);
        aac::of_config(bytes);
        aac::descriptor(bytes).map(|found| aac::of_config(found.config));
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn no_bytes_are_too_odd_to_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            read(&bytes);
        }

        #[test]
        fn damaged_configurations_are_read_or_refused(
            which in 0..10_usize,
            length in 0..200_usize,
            damage in prop::collection::vec((0..200_usize, any::<u8>()), 0..6),
        ) {
            let hex = [AVCC, HVCC, JPEG].iter().chain(&OTHERS).nth(which).unwrap();
            let mut bytes = bytes(hex);
            for (at, byte) in damage {
                if let Some(spot) = bytes.get_mut(at) {
                    *spot = byte;
                }
            }
            bytes.truncate(length);
            read(&bytes);
        }
    }

    #[test]
    fn a_container_tells_what_the_codec_leaves_open() {
        let said = Colour::of_codes(1, 1, 1).with_range(true);
        let container = Container {
            width: 318,
            height: 230,
            colour: said,
        };
        let open = Coded {
            pixel_format: Some("yuv420p".to_owned()),
            bits_per_raw_sample: Some(8),
            width: Some(320),
            height: Some(240),
            is_cropped_by_container: true,
            ..Coded::default()
        };
        let whole = open.clone().within(&container);
        assert_eq!(
            shown(Some(whole)),
            "318x230 yuvj420p 8 pc bt709 bt709 bt709"
        );
        let settled = Coded {
            settles: Settles::ALL,
            is_cropped_by_container: false,
            assumed_matrix: Some("bt709"),
            ..open
        };
        assert_eq!(shown(Some(settled.within(&container))), "320x240 yuv420p 8");
    }
}
