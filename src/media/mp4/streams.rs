//! From a track to a stream, in ffprobe's words.
//!
//! `None` wherever a track holds what is not fully understood: then ffprobe is asked.

use super::boxes::{Boxed, FourCc, boxes, child, full};
use super::fragments::Fragments;
use super::samples::Pace;
use super::spherical;
use super::tags;
use super::track::{Track, c_string};
use crate::media::bitstream::{
    Coded, Colour, Container, aac, av1, dnxhd, h264, hevc, jpeg, mpeg2, mpeg4, prores, vp9,
};
use crate::media::cursor::Cursor;
use crate::media::header::{self, SideData, Stream, TagMap};
use crate::media::ratio::reduce;

/// The fixed part of a picture's sample description.
const PICTURE_ENTRY: usize = 78;
/// And of a sound's.
const SOUND_ENTRY: usize = 28;
/// A decoder's configuration of more is none: it is kept with the plan of each clip.
const MOST_CONFIGURATION: usize = 64 * 1024;

/// What is common to all streams of a track.
pub(super) fn common(track: &Track<'_>) -> Stream {
    let mut tags = TagMap::new();
    tags::add(
        &mut tags,
        "creation_time",
        tags::creation_time(track.created),
    );
    tags::add(&mut tags, "handler_name", track.handler_name.clone());
    if let Some(body) = track.user_data {
        tags::user_data(&mut tags, body);
    }
    if let Some(body) = track.meta {
        tags::of_meta(&mut tags, body);
    }
    Stream {
        duration: seconds(track.duration, track.timescale),
        tags,
        ..Stream::default()
    }
}

/// Seconds with six digits, as ffprobe prints them.
pub(super) fn seconds(units: u64, timescale: u32) -> Option<String> {
    if timescale == 0 || units == 0 {
        return None;
    }
    let scale = u128::from(timescale);
    let micros = (u128::from(units) * 1_000_000 + scale / 2) / scale;
    Some(header::format_seconds(micros))
}

fn tag(kind: FourCc) -> String {
    // A name that no person can read is shown as numbers.
    kind.iter()
        .map(|&byte| match byte {
            b' '..=b'~' => char::from(byte).to_string(),
            byte => format!("[{byte}]"),
        })
        .collect()
}

/// A picture's sample description, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct PictureEntry<'a> {
    pub kind: FourCc,
    pub width: u16,
    pub height: u16,
    pub compressor: &'a [u8],
    /// The boxes after the fixed part.
    pub boxes: &'a [u8],
}

impl<'a> PictureEntry<'a> {
    pub(super) fn new(entry: &Boxed<'a>) -> Option<Self> {
        let mut cursor = Cursor(entry.body);
        cursor.skip(24)?;
        let (width, height) = (cursor.u16()?, cursor.u16()?);
        cursor.skip(14)?;
        let name = cursor.take(32)?;
        let length = usize::from(name[0]).min(31);
        Some(Self {
            kind: entry.kind,
            width,
            height,
            compressor: &name[1..=length],
            boxes: entry.body.get(PICTURE_ENTRY..)?,
        })
    }

    /// The box that configures the decoder; empty where the codec needs none.
    pub(super) fn configuration(&self) -> &'a [u8] {
        [b"avcC", b"hvcC", b"av1C"]
            .into_iter()
            .find_map(|kind| self.configured(*kind))
            .unwrap_or_default()
    }

    fn configured(&self, kind: FourCc) -> Option<&'a [u8]> {
        child(self.boxes, kind).filter(|body| body.len() <= MOST_CONFIGURATION)
    }

    fn coding(&self, first_frame: &mut FirstFrame<'_>) -> Option<Coding> {
        let configured = |kind: &FourCc| self.configured(*kind);
        let (name, coded) = match &self.kind {
            b"avc1" | b"avc3" | b"avc2" => ("h264", h264(configured(b"avcC")?, first_frame)?),
            b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => ("hevc", hevc::of_hvcc(configured(b"hvcC")?)?),
            b"av01" => ("av1", av1::of_av1c(configured(b"av1C")?)?),
            b"vp09" => {
                // Primaries and transfer stand in the box, everything else in the frame.
                let mut coded = vp9::of_frame(&first_frame(64)?)?;
                let boxed = vp9::of_vpcc(configured(b"vpcC")?)?;
                coded.colour.primaries = boxed.colour.primaries;
                coded.colour.transfer = boxed.colour.transfer;
                ("vp9", coded)
            }
            b"apco" | b"apcs" | b"apcn" | b"apch" | b"ap4h" | b"ap4x" => {
                ("prores", prores::of_frame(self.kind, &first_frame(256)?)?)
            }
            b"AVdn" | b"AVdh" => ("dnxhd", dnxhd::of_frame(&first_frame(640)?)?),
            b"jpeg" | b"mjpg" | b"mjpa" | b"AVDJ" => {
                ("mjpeg", jpeg::of_frame(&first_frame(4096)?)?)
            }
            // XDCAM, HDV and IMX.
            b"m2v1"
            | [b'x', b'd', b'v' | b'5', _]
            | [b'h', b'd', b'v', _]
            | [b'm', b'x', b'3'..=b'5', b'n' | b'p'] => mpeg2(first_frame)?,
            b"mp4v" => {
                let descriptor = descriptor(self.boxes)?;
                match descriptor.object_type {
                    0x20 => ("mpeg4", mpeg4::of_config(descriptor.config)?),
                    0x60..=0x65 => mpeg2(first_frame)?,
                    _ => return None,
                }
            }
            _ => return None,
        };
        let mut colour = colr(self.boxes).unwrap_or_default();
        if name == "dnxhd" {
            colour.range = colour.range.or(avid_range(self.boxes));
        }
        let coded = coded.within(&Container {
            width: self.width.into(),
            height: self.height.into(),
            colour,
        });
        Some(Coding { name, coded })
    }
}

/// Reads the first bytes of a track's first sample, at most so many.
pub(super) type FirstFrame<'a> = dyn FnMut(usize) -> Option<Vec<u8>> + 'a;

/// H.264 by its configuration and, where that leaves fields open, by its first picture.
fn h264(configuration: &[u8], first_frame: &mut FirstFrame<'_>) -> Option<Coded> {
    let coded = h264::of_avcc(configuration);
    match coded {
        Some(coded) if !coded.may_be_interlaced => Some(coded),
        _ => h264::of_sample(configuration, &first_frame(8192)?),
    }
}

/// MPEG-2, whose headers stand before its first picture.
fn mpeg2(first_frame: &mut FirstFrame<'_>) -> Option<(&'static str, Coded)> {
    let coded = mpeg2::of_stream(&first_frame(4096)?)?;
    Some(("mpeg2video", coded))
}

/// The descriptor of an elementary stream.
fn descriptor(entry: &[u8]) -> Option<aac::Descriptor<'_>> {
    aac::descriptor(child(entry, *b"esds")?)
}

/// A codec and what its configuration says.
struct Coding {
    name: &'static str,
    coded: Coded,
}

/// A track of pictures. `first_frame` reads the first bytes of its first sample.
pub(super) fn picture(
    track: &Track<'_>,
    body: &[u8],
    movie_matrix: &[i32; 9],
    fragments: Option<&Fragments>,
    first_frame: &mut FirstFrame<'_>,
) -> Option<Stream> {
    let entry = PictureEntry::new(track.descriptions.first()?)?;
    let Coding { name, coded } = entry.coding(first_frame)?;
    let field_order = match (child(entry.boxes, *b"fiel"), coded.field_order) {
        (Some(body), _) => field_order(body),
        (None, Some(order)) => Some(order.to_owned()),
        (None, None) if coded.may_be_interlaced => return None,
        (None, None) => None,
    };
    let mut stream = Stream {
        codec_type: "video".to_owned(),
        codec_name: Some(name.to_owned()),
        codec_tag_string: tag(entry.kind),
        profile: coded.profile.clone(),
        level: coded.level,
        width: coded.width.or(Some(entry.width.into())),
        height: coded.height.or(Some(entry.height.into())),
        pix_fmt: Some(coded.pixel_format.clone()?),
        bits_per_raw_sample: coded.bits_per_raw_sample.map(|bits| bits.to_string()),
        field_order,
        sample_aspect_ratio: aspect(&entry).or(coded
            .sample_aspect_ratio
            .map(|(wide, high)| format!("{wide}:{high}"))),
        ..common(track)
    };
    let told = |name: Option<&'static str>| name.map(str::to_owned);
    stream.color_primaries = told(coded.colour.primaries);
    stream.color_transfer = told(coded.colour.transfer);
    stream.color_space = told(coded.colour.matrix);
    stream.color_range = told(coded.colour.range);
    pace(&mut stream, track, fragments)?;
    tags::add(&mut stream.tags, "encoder", c_string(entry.compressor));
    stream.side_data_list = spherical::side_data(body, entry.boxes);
    stream.side_data_list.extend(dolby(entry.boxes));
    if let Some(rotation) = rotation(&track.matrix, movie_matrix) {
        stream.side_data_list.push(SideData {
            kind: "Display Matrix".to_owned(),
            rotation: Some(rotation),
            ..SideData::default()
        });
    }
    Some(stream)
}

/// The range that Avid's `ACLR` box tells: its name and version, then a number.
fn avid_range(entry: &[u8]) -> Option<&'static str> {
    let body = child(entry, *b"ACLR")?.strip_prefix(b"ACLR0001")?;
    match u32::from_be_bytes(*body.first_chunk()?) {
        1 => Some("tv"),
        2 => Some("pc"),
        _ => None,
    }
}

/// `pasp`, where it says anything.
fn aspect(entry: &PictureEntry<'_>) -> Option<String> {
    let mut cursor = Cursor(child(entry.boxes, *b"pasp")?);
    let (wide, high) = (cursor.u32()?, cursor.u32()?);
    (wide > 0 && high > 0).then(|| format!("{wide}:{high}"))
}

/// `fiel` (`QuickTime` File Format): fields, and which comes first.
fn field_order(body: &[u8]) -> Option<String> {
    let mut cursor = Cursor(body);
    let order = match (cursor.u8()?, cursor.u8()?) {
        (1, _) => "progressive",
        (2, 1) => "tt",
        (2, 6) => "bb",
        (2, 9) => "tb",
        (2, 14) => "bt",
        _ => return None,
    };
    Some(order.to_owned())
}

fn colr(entry: &[u8]) -> Option<Colour> {
    let boxed = boxes(entry).find(|boxed| {
        boxed.kind == *b"colr" && matches!(boxed.body.get(..4), Some(b"nclx" | b"nclc"))
    })?;
    let mut cursor = Cursor(boxed.body);
    let kind = cursor.array()?;
    let mut code = || Some(u8::try_from(cursor.u16()?).unwrap_or(2));
    let told = Colour::of_codes(code()?, code()?, code()?);
    Some(match cursor.u8() {
        Some(byte) if kind == *b"nclx" => told.with_range(byte & 0x80 != 0),
        _ => told,
    })
}

/// Dolby Vision's configuration box.
fn dolby(entry: &[u8]) -> Option<SideData> {
    child(entry, *b"dvcC").or_else(|| child(entry, *b"dvvC"))?;
    Some(SideData {
        kind: "DOVI configuration record".to_owned(),
        ..SideData::default()
    })
}

/// Degrees counter-clockwise, as ffprobe's side data has them, of the two matrices together.
///
/// `None` for the identity, and for a matrix that turns nothing (libavutil's
/// `av_display_rotation_get` does the same sum).
fn rotation(track: &[i32; 9], movie: &[i32; 9]) -> Option<f64> {
    let product = |row: usize, column: usize| -> f64 {
        (0..3)
            .map(|at| {
                let shift = if at == 2 { 1_073_741_824.0 } else { 65_536.0 };
                f64::from(track[row * 3 + at]) * f64::from(movie[at * 3 + column]) / shift
            })
            .sum()
    };
    let matrix = [product(0, 0), product(0, 1), product(1, 0), product(1, 1)];
    // Off by less than a pixel in a million is the identity.
    let identity = [65536.0, 0.0, 0.0, 65536.0];
    let is_like = |(own, other): (&f64, &f64)| (own - other).abs() < 0.05;
    if matrix.iter().zip(&identity).all(is_like) {
        return None;
    }
    let wide = matrix[0].hypot(matrix[2]);
    let high = matrix[1].hypot(matrix[3]);
    if wide == 0.0 || high == 0.0 {
        return None;
    }
    Some(-(matrix[1] / high).atan2(matrix[0] / wide).to_degrees())
}

/// Rates and bit rate, of the table or of all fragments.
fn pace(stream: &mut Stream, track: &Track<'_>, fragments: Option<&Fragments>) -> Option<()> {
    let (pace, samples, bytes, duration) = if let Some(all) = fragments {
        let pace = Pace {
            samples: all.samples,
            duration: all.duration(),
            usual: all.shortest,
            shortest: all.shortest,
            longest: all.longest,
        };
        (pace, all.samples, all.bytes, all.duration())
    } else {
        let samples = track.samples.as_ref()?;
        let pace = samples.pace()?;
        (pace, samples.count(), samples.bytes(), samples.duration())
    };
    let scale = u128::from(track.timescale);
    if scale == 0 || pace.duration == 0 || duration == 0 {
        return None;
    }
    // A tick more or less is the time base's coarseness, not the camera's; nor is an odd
    // last frame.
    if pace.longest - pace.shortest <= 1 {
        let average = ratio(scale * u128::from(pace.samples), pace.duration.into())?;
        stream.r_frame_rate.clone_from(&average);
        stream.avg_frame_rate = average;
    } else {
        stream.r_frame_rate = ratio(scale, u128::from(pace.usual.max(1)))?;
        stream.avg_frame_rate = ratio(scale * u128::from(samples), duration.into())?;
    }
    let bits = u128::from(bytes) * 8 * scale / u128::from(duration);
    stream.bit_rate = Some(bits.to_string());
    Some(())
}

/// A fraction in its lowest terms, as ffprobe prints it.
fn ratio(numerator: u128, denominator: u128) -> Option<String> {
    let (numerator, denominator) = reduce(numerator, denominator)?;
    Some(format!("{numerator}/{denominator}"))
}

/// A sound's sample description, taken apart.
struct SoundEntry<'a> {
    channels: u32,
    bits: u32,
    rate: u32,
    /// Flags of version 2: float, big-endian, signed.
    flags: Option<u32>,
    /// The boxes after the fixed part,
    outer: &'a [u8],
    /// and those that configure the decoder: `QuickTime` wraps them once more.
    boxes: &'a [u8],
}

impl<'a> SoundEntry<'a> {
    /// `is_quicktime`: whether versions 1 and 2 have `QuickTime`'s meaning.
    fn new(entry: &Boxed<'a>, is_quicktime: bool) -> Option<Self> {
        let mut cursor = Cursor(entry.body);
        cursor.skip(8)?;
        let version = cursor.u16()?;
        cursor.skip(6)?;
        let (channels, bits) = (cursor.u16()?, cursor.u16()?);
        cursor.skip(4)?;
        let rate = cursor.u32()? >> 16;
        let mut sound = Self {
            channels: channels.into(),
            bits: bits.into(),
            rate,
            flags: None,
            outer: entry.body.get(SOUND_ENTRY..)?,
            boxes: &[],
        };
        match version {
            1 if is_quicktime => sound.outer = sound.outer.get(16..)?,
            2 if is_quicktime => {
                cursor.skip(4)?;
                let rate = f64::from_bits(cursor.u64()?);
                sound.rate = whole(rate)?;
                sound.channels = cursor.u32()?;
                cursor.skip(4)?;
                sound.bits = cursor.u32()?;
                sound.flags = cursor.u32();
                sound.outer = sound.outer.get(36..)?;
            }
            _ => {}
        }
        sound.boxes = child(sound.outer, *b"wave").unwrap_or(sound.outer);
        Some(sound)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a number of hertz"
)]
fn whole(rate: f64) -> Option<u32> {
    (rate > 0.0 && rate < 10_000_000.0).then_some(rate.round() as u32)
}

/// A track of sound.
pub(super) fn sound(track: &Track<'_>, is_quicktime: bool) -> Option<Stream> {
    let entry = track.descriptions.first()?;
    let is_quicktime = is_quicktime || track.description_version == 0;
    let sound = SoundEntry::new(entry, is_quicktime)?;
    let mut stream = Stream {
        codec_type: "audio".to_owned(),
        codec_tag_string: tag(entry.kind),
        sample_rate: Some(sound.rate.to_string()),
        channels: Some(sound.channels),
        channel_layout: channel_layout(&sound),
        ..common(track)
    };
    stream.codec_name = Some(
        match pcm(entry.kind, &sound) {
            Some(name) => name,
            None => coded_sound(entry.kind, &sound, &mut stream)?,
        }
        .to_owned(),
    );
    Some(stream)
}

/// ffmpeg's name for uncompressed sound.
fn pcm(kind: FourCc, sound: &SoundEntry<'_>) -> Option<&'static str> {
    let is_little = child(sound.boxes, *b"enda").is_some_and(|body| body.get(..2) == Some(&[0, 1]));
    let sized = |little: bool| match (sound.bits, little) {
        (8, _) => Some("pcm_s8"),
        (16, true) => Some("pcm_s16le"),
        (16, false) => Some("pcm_s16be"),
        (24, true) => Some("pcm_s24le"),
        (24, false) => Some("pcm_s24be"),
        (32, true) => Some("pcm_s32le"),
        (32, false) => Some("pcm_s32be"),
        _ => None,
    };
    match &kind {
        b"sowt" => sized(true),
        b"twos" => sized(false),
        b"in24" => Some(if is_little { "pcm_s24le" } else { "pcm_s24be" }),
        b"in32" => Some(if is_little { "pcm_s32le" } else { "pcm_s32be" }),
        b"fl32" => Some(if is_little { "pcm_f32le" } else { "pcm_f32be" }),
        b"fl64" => Some(if is_little { "pcm_f64le" } else { "pcm_f64be" }),
        b"raw " if sound.bits == 8 => Some("pcm_u8"),
        b"ulaw" => Some("pcm_mulaw"),
        b"alaw" => Some("pcm_alaw"),
        b"lpcm" => {
            let flags = sound.flags?;
            let (is_float, is_big, is_signed) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
            match (is_float, sound.bits, is_big) {
                (true, 32, true) => Some("pcm_f32be"),
                (true, 32, false) => Some("pcm_f32le"),
                (true, 64, true) => Some("pcm_f64be"),
                (true, 64, false) => Some("pcm_f64le"),
                (false, 8, _) if !is_signed => Some("pcm_u8"),
                (false, _, is_big) if is_signed => sized(!is_big),
                _ => None,
            }
        }
        _ => None,
    }
}

/// ffmpeg's name for compressed sound, whose own header knows best.
fn coded_sound(kind: FourCc, sound: &SoundEntry<'_>, stream: &mut Stream) -> Option<&'static str> {
    if kind != *b"mp4a" {
        return None;
    }
    let descriptor = descriptor(sound.boxes)?;
    if !matches!(descriptor.object_type, 0x40 | 0x66 | 0x67 | 0x68) {
        return None;
    }
    let told = aac::of_config(descriptor.config)?;
    stream.sample_rate = Some(told.sample_rate?.to_string());
    stream.channels = Some(told.channels?);
    stream.channel_layout = told.channel_layout.map(str::to_owned);
    Some("aac")
}

/// `chan` (Core Audio's channel layout): only the layouts that cameras and editors write.
fn channel_layout(sound: &SoundEntry<'_>) -> Option<String> {
    let body = child(sound.outer, *b"chan").or_else(|| child(sound.boxes, *b"chan"))?;
    let (_, _, mut cursor) = full(body)?;
    let (tag, bits, count) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    // Of each channel, a label and sixteen bytes more.
    let mut labels = |count: u32| -> Option<Vec<u32>> {
        (0..count.min(8))
            .map(|_| {
                let label = cursor.u32()?;
                cursor.skip(16)?;
                Some(label)
            })
            .collect()
    };
    let name = match (tag, bits) {
        (0x0064_0001, _) | (0x0001_0000, 0x4) => "mono",
        (0x0065_0002, _) | (0x0001_0000, 0x3) => "stereo",
        (0x0079_0006, _) | (0x0001_0000, 0x3f) => "5.1",
        (0, _) => match labels(count)?.as_slice() {
            [3] => "mono",
            [1, 2] => "stereo",
            _ => return None,
        },
        _ => return None,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_as_large_as_a_film_is_none() {
        let configuration = |length: usize| {
            let size = u32::try_from(8 + length).unwrap().to_be_bytes();
            let body = [&[0; PICTURE_ENTRY][..], &size, b"avcC", &vec![1; length]].concat();
            let entry = Boxed {
                kind: *b"avc1",
                body: &body,
            };
            PictureEntry::new(&entry).unwrap().configuration().len()
        };
        assert_eq!(configuration(50), 50);
        assert_eq!(configuration(1_000_000), 0);
    }
}
