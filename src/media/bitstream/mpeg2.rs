//! MPEG-2 video headers before the first picture (ISO/IEC 13818-2 6.2.2 and 6.2.3).

use super::bits::BitReader;
use super::picture::{CodedPicture, ColourOverrides};
use crate::media::colour::Colour;
use crate::media::ratio::PixelAspect;
use crate::value::ScanOrder;

/// ffmpeg's profile names by profile number.
const PROFILES: [&str; 8] = [
    "4:2:2",
    "High",
    "Spatially Scalable",
    "SNR Scalable",
    "Main",
    "Simple",
    "Reserved",
    "Reserved",
];

/// Maximum number of headers read before the first slice; streams have about six.
const MAX_HEADERS: usize = 32;

const SEQUENCE: u8 = 0xb3;
const EXTENSION: u8 = 0xb5;
const PICTURE: u8 = 0x00;
/// Start codes of slices.
const SLICES: std::ops::RangeInclusive<u8> = 0x01..=0xaf;

/// Values of the headers before the first slice.
#[derive(Debug, Default)]
struct Mpeg2Headers {
    width: u32,
    height: u32,
    aspect: u32,
    /// Bit rate in units of 400 bits per second.
    bit_rate: u64,
    profile_and_level: Option<u8>,
    is_progressive: bool,
    chroma: u32,
    /// Primaries, transfer and matrix.
    colour: Option<[u8; 3]>,
    /// Size in pixels of the part of the picture that is displayed.
    display_size: Option<(u32, u32)>,
    /// `vbv_delay`; all ones if the bit rate varies.
    delay: Option<u32>,
    scan_order: Option<ScanOrder>,
}

/// Parses a stream that begins with a sequence header; `None` for MPEG-1, and for a stream without
/// a picture size.
///
/// The field order is that of the first picture; `None` if its header is missing.
pub(in crate::media) fn parse_stream(bytes: &[u8]) -> Option<CodedPicture> {
    let headers = read_headers(bytes)?;
    let profile_and_level = headers.profile_and_level?;
    let profile = PROFILES.get(usize::from(profile_and_level >> 4 & 7))?;
    let sampling = match headers.chroma {
        1 => "yuv420p",
        2 => "yuv422p",
        3 => "yuv444p",
        _ => return None,
    };
    let colour = headers
        .colour
        .map_or_else(Colour::default, |[primaries, transfer, matrix]| {
            Colour::from_codes(primaries, transfer, matrix)
        });
    let has_colour = headers.colour.is_some();
    Some(CodedPicture {
        profile: Some((*profile).to_owned()),
        level: Some(i64::from(profile_and_level & 15)),
        width: Some(headers.width),
        height: Some(headers.height),
        pixel_aspect: sample_aspect(&headers),
        pixel_format: Some(sampling.to_owned()),
        scan_order: headers.scan_order,
        may_be_interlaced: headers.scan_order.is_none(),
        // ffmpeg's decoder treats every MPEG picture as limited range.
        colour: colour.with_range(false),
        overrides: ColourOverrides {
            range: true,
            matrix: has_colour,
            primaries_and_transfer: has_colour,
        },
        ..CodedPicture::default()
    })
}

/// Returns the bit rate as ffprobe reports it, in bits per second; `None` if it is variable.
pub(in crate::media) fn bit_rate(bytes: &[u8]) -> Option<u64> {
    let headers = read_headers(bytes)?;
    let is_constant = headers.delay.is_some_and(|delay| delay != 0xffff);
    (is_constant && headers.bit_rate > 0).then_some(headers.bit_rate * 400)
}

/// Returns the sequence header and its extensions, which a decoder needs before a picture.
pub(in crate::media) fn configuration(bytes: &[u8]) -> Option<&[u8]> {
    let mut end = 0;
    for (at, code) in start_codes(bytes).take(MAX_HEADERS) {
        if !matches!(code, SEQUENCE | EXTENSION) {
            end = at;
            break;
        }
    }
    bytes.get(..end).filter(|headers| !headers.is_empty())
}

fn read_headers(bytes: &[u8]) -> Option<Mpeg2Headers> {
    let mut found = Mpeg2Headers::default();
    for (number, (at, code)) in start_codes(bytes).take(MAX_HEADERS).enumerate() {
        let mut bits = BitReader::new(bytes.get(at + 4..)?);
        match code {
            SEQUENCE if number == 0 => read_sequence(&mut found, &mut bits)?,
            _ if number == 0 => return None,
            EXTENSION => read_extension(&mut found, &mut bits),
            PICTURE => found.delay = read_delay(&mut bits),
            // One sequence header and the first picture are enough.
            SEQUENCE => break,
            code if SLICES.contains(&code) => break,
            _ => {}
        }
    }
    (found.width > 0 && found.height > 0).then_some(found)
}

/// Finds start codes; returns the position and code of each.
fn start_codes(bytes: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    memchr::memmem::find_iter(bytes, &[0, 0, 1])
        .filter_map(|at| Some((at, *bytes.get(at.checked_add(3)?)?)))
}

fn read_sequence(found: &mut Mpeg2Headers, bits: &mut BitReader<'_>) -> Option<()> {
    found.width = bits.read(12)?;
    found.height = bits.read(12)?;
    found.aspect = bits.read(4)?;
    bits.skip(4)?;
    found.bit_rate = bits.read(18)?.into();
    Some(())
}

/// Reads an extension. If it is truncated, the missing values keep their defaults.
fn read_extension(found: &mut Mpeg2Headers, bits: &mut BitReader<'_>) {
    let Some(kind) = bits.read(4) else { return };
    let _ = match kind {
        1 => read_sequence_extension(found, bits),
        2 => read_display_extension(found, bits),
        8 => read_picture_extension(found, bits),
        _ => None,
    };
}

fn read_sequence_extension(found: &mut Mpeg2Headers, bits: &mut BitReader<'_>) -> Option<()> {
    let profile_and_level = bits.byte()?;
    found.is_progressive = bits.flag()?;
    found.chroma = bits.read(2)?;
    found.width |= bits.read(2)? << 12;
    found.height |= bits.read(2)? << 12;
    found.bit_rate |= u64::from(bits.read(12)?) << 18;
    found.profile_and_level = Some(profile_and_level);
    Some(())
}

fn read_display_extension(found: &mut Mpeg2Headers, bits: &mut BitReader<'_>) -> Option<()> {
    bits.skip(3)?;
    if bits.flag()? {
        found.colour = Some([bits.byte()?, bits.byte()?, bits.byte()?]);
    }
    let width = bits.read(14)?;
    bits.skip(1)?;
    found.display_size = Some((width, bits.read(14)?));
    Some(())
}

fn read_picture_extension(found: &mut Mpeg2Headers, bits: &mut BitReader<'_>) -> Option<()> {
    bits.skip(20)?;
    let is_top_first = bits.flag()?;
    bits.skip(7)?;
    let is_progressive = bits.flag()?;
    // ffmpeg's parser uses only these two flags, regardless of the picture structure.
    found.scan_order = Some(
        match (found.is_progressive || is_progressive, is_top_first) {
            (true, _) => ScanOrder::Progressive,
            (false, true) => ScanOrder::TopFieldFirst,
            (false, false) => ScanOrder::BottomFieldFirst,
        },
    );
    Some(())
}

/// Reads the `vbv_delay` of a picture header.
fn read_delay(bits: &mut BitReader<'_>) -> Option<u32> {
    bits.skip(13)?;
    bits.read(16)
}

/// Derives the sample aspect ratio from the stored display aspect ratio. The display size is used
/// if the picture then has a ratio of 4:3 or 16:9, otherwise the coded size.
fn sample_aspect(headers: &Mpeg2Headers) -> Option<PixelAspect> {
    let (aspect_width, aspect_height) = match headers.aspect {
        1 => return Some(PixelAspect::SQUARE),
        2 => (4, 3),
        3 => (16, 9),
        4 => (221, 100),
        _ => return None,
    };
    let ratio = |(width, height): (u32, u32)| {
        PixelAspect::new(aspect_width * height, aspect_height * width)
    };
    let display_size = headers.display_size.filter(|&(width, height)| {
        let product = |three: [u32; 3]| three.into_iter().map(u64::from).product::<u64>();
        let wide = product([aspect_width, height, headers.width]);
        let high = product([aspect_height, width, headers.height]);
        high > 0 && (wide * 3 == high * 4 || wide * 9 == high * 16)
    });
    ratio(display_size.unwrap_or((headers.width, headers.height)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::{bytes, describe};

    const PROGRESSIVE: &str = "000001b32d02403301002380000001b5148a00010000000001b5210505050b421200000001b80008004000000100000fae38000001b58ffff3498000000101";
    const FIELDS: &str = "000001b378043834fffffb20000001b5182400010000000001b8a808004000000100000ffff8000001b58ffff38000000001012b";
    const CONSTANT: &str = "000001b32d0260137a1223d8000001b5185400010080000001b8000800400000010000087080000001b58ffffb980000000101";

    #[test]
    fn streams_match_ffprobe() {
        for (hex, expected, rate) in [
            (
                PROGRESSIVE,
                "Main L8 720x576 64:45 yuv420p progressive tv bt470bg bt470bg bt470bg",
                Some(409_600),
            ),
            (FIELDS, "4:2:2 L2 1920x1080 1:1 yuv422p tt tv", None),
            (
                CONSTANT,
                "4:2:2 L5 720x608 1:1 yuv422p tt tv",
                Some(50_000_000),
            ),
            (
                &FIELDS[..44],
                "4:2:2 L2 1920x1080 1:1 yuv422p fields? tv",
                None,
            ),
            // Without an extension it is MPEG-1.
            (&FIELDS[..24], "unclear", None),
            (&FIELDS[44..], "unclear", None),
            ("", "unclear", None),
        ] {
            let stream = bytes(hex);
            assert_eq!(describe(parse_stream(&stream)), expected, "{hex}");
            assert_eq!(bit_rate(&stream), rate, "{hex}");
        }
        assert_eq!(configuration(&bytes(FIELDS)), Some(&bytes(FIELDS)[..22]));
        assert_eq!(
            configuration(&bytes(FIELDS)[..30]),
            Some(&bytes(FIELDS)[..22])
        );
        assert_eq!(configuration(b""), None);
    }
}
