//! Meaning of SMPTE universal labels (RP 224, now the metadata registers), as far as ffprobe
//! supports them.

use super::klv::{Label, LocalSet};
use crate::media::colour::Colour;

/// Coding of a picture track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PictureCodec {
    H264,
    Mpeg2,
    /// `DNxHD` and `DNxHR`.
    Vc3,
    /// Contains the four-character code that `QuickTime` uses for the profile.
    ProRes([u8; 4]),
    Dv,
}

/// Wrapping of essence in items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// One frame per item, with its sound in neighbouring items.
    Frame,
    /// The whole essence in one item.
    Clip,
    Unknown,
}

/// Returns true for an SMPTE label of any version whose bytes from index 8 start with
/// `from_eighth`.
fn is_label(label: &Label, from_eighth: &[u8]) -> bool {
    label.starts_with(&[0x06, 0x0e, 0x2b, 0x34, 0x04, 0x01, 0x01])
        && label[8..].starts_with(from_eighth)
}

/// Returns the coding of a picture track; `None` if it is not supported here.
pub(super) fn picture_codec(descriptor: &LocalSet) -> Option<PictureCodec> {
    let container = descriptor.label(0x3004)?;
    let coding = descriptor.label(0x3201).unwrap_or_default();
    let is_coding = |rest: &[u8]| is_label(&coding, rest);
    let is_mapping = |rest: &[u8]| is_label(&container, &[&[0x0d, 1, 3, 1, 2], rest].concat());
    let mpeg: [[u8; 3]; 4] = [[1, 1, 0x11], [1, 2, 1], [1, 3, 3], [1, 4, 2]];
    if mpeg
        .iter()
        .any(|rest| is_coding(&[4, 1, 2, 2, rest[0], rest[1]]))
    {
        return Some(PictureCodec::Mpeg2);
    }
    if is_coding(&[4, 1, 2, 2, 1, 0x31]) || is_coding(&[4, 1, 2, 2, 1, 0x32]) {
        return Some(PictureCodec::H264);
    }
    if is_coding(&[4, 1, 2, 2, 0x71]) || is_coding(&[4, 1, 2, 2, 3, 2]) {
        return Some(PictureCodec::Vc3);
    }
    if is_coding(&[4, 1, 2, 2, 3, 6]) {
        return prores(coding[14]);
    }
    if is_coding(&[4, 1, 2, 2, 2]) {
        return Some(PictureCodec::Dv);
    }
    // If the coding is missing or another kind of MPEG-2, the container label decides.
    let is_mpeg = is_coding(&[4, 1, 2, 2, 1]) && (1..0x10).contains(&coding[13]);
    let is_decided_by_container = coding == Label::default() || is_mpeg;
    if !is_decided_by_container || descriptor.value(0x3005).is_some() {
        return None;
    }
    if is_mapping(&[4, 0x60]) || is_mapping(&[1]) {
        Some(PictureCodec::Mpeg2)
    } else if is_mpeg {
        None
    } else if is_mapping(&[0x10, 0x60]) {
        Some(PictureCodec::H264)
    } else if is_mapping(&[0x11]) {
        Some(PictureCodec::Vc3)
    } else {
        None
    }
}

fn prores(kind: u8) -> Option<PictureCodec> {
    Some(PictureCodec::ProRes(match kind {
        1 => *b"apco",
        2 => *b"apcs",
        3 => *b"apcn",
        4 => *b"apch",
        5 => *b"ap4h",
        6 => *b"ap4x",
        _ => return None,
    }))
}

/// Returns the wrapping of a picture, from the label of its essence container (ST 379-1 and the
/// mapping of each coding).
pub(super) fn wrapping(descriptor: &LocalSet) -> Wrapping {
    let container = descriptor.label(0x3004).unwrap_or_default();
    if !is_label(&container, &[0x0d, 1, 3, 1, 2]) {
        return Wrapping::Unknown;
    }
    let wrapping_code = match container[13] {
        // D-10: both values are frame wrapping.
        1 if matches!(container[15], 1 | 2) => 1,
        2 | 4 | 0x10 => container[15],
        0x11 | 0x1c => container[14],
        _ => 0,
    };
    match wrapping_code {
        1 => Wrapping::Frame,
        2 => Wrapping::Clip,
        _ => Wrapping::Unknown,
    }
}

/// Returns ffmpeg's codec name for uncompressed sound; `None` for other codings.
pub(super) fn sound_codec(descriptor: &LocalSet) -> Option<&'static str> {
    let container = descriptor.label(0x3004)?;
    let coding = descriptor.label(0x3d06).unwrap_or_default();
    let is_plain = is_label(&coding, &[4, 2, 2, 1, 0]) || is_label(&coding, &[4, 2, 2, 1, 0x7f]);
    // Broadcast Wave or AES3, alone or with D-10 pictures.
    let is_wave = is_label(&container, &[0x0d, 1, 3, 1, 2, 6])
        || is_label(&container, &[0x0d, 1, 3, 1, 2, 1]);
    let has_coding = coding != Label::default() || descriptor.value(0x3005).is_some();
    let is_big_endian = is_label(&coding, &[4, 2, 2, 1, 0x7e]);
    if !is_plain && !is_big_endian && (has_coding || !is_wave) {
        return None;
    }
    Some(match (descriptor.u32(0x3d01).unwrap_or(0), is_big_endian) {
        (17..=24, false) => "pcm_s24le",
        (32, false) => "pcm_s32le",
        (8 | 16, false) => "pcm_s16le",
        (17..=24, true) => "pcm_s24be",
        (32, true) => "pcm_s32be",
        (8 | 16, true) => "pcm_s16be",
        _ => return None,
    })
}

/// Returns the colour of a picture; `None` for labels that ffprobe may not support yet.
pub(super) fn colour(descriptor: &LocalSet) -> Option<Colour> {
    let code = |tag: u16, group: u8, codes: &[u8]| {
        let Some(label) = descriptor.label(tag) else {
            return Some(UNSPECIFIED);
        };
        if !is_label(&label, &[4, 1, 1, 1, group]) {
            return Some(UNSPECIFIED);
        }
        let number = usize::from(label[13]).checked_sub(1)?;
        codes.get(number).copied()
    };
    let primaries = code(0x3219, 3, &[6, 5, 1, 9, 10, 12])?;
    let transfer = code(0x3210, 1, &[4, 1, 7, 1, 12, 8, 17, 11, 14, 16, 18])?;
    let matrix = code(0x321a, 2, &[5, 1, 7, 8, 0, 9])?;
    let colour = Colour::from_codes(primaries, transfer, matrix);
    Some(match is_full_range(descriptor) {
        Some(is_full) => colour.with_range(is_full),
        None => colour,
    })
}

/// Code of ISO/IEC 23091-2 for an unspecified value.
const UNSPECIFIED: u8 = 2;

/// Returns true for full range and false for limited range, from black level, white level and
/// chroma range; `None` for other values.
fn is_full_range(descriptor: &LocalSet) -> Option<bool> {
    let number = |tag: u16| descriptor.u32(tag).unwrap_or(0);
    let depth = number(0x3301);
    let (black, white, span) = (number(0x3304), number(0x3305), number(0x3306));
    if !(8..31).contains(&depth) {
        return None;
    }
    let all = 1_u32 << depth;
    if black == 0 && white == all - 1 && (span == all || span == all - 1) {
        return Some(true);
    }
    let part = |parts: u32, of: u32| parts.checked_shl(depth - of);
    let is_limited = Some(black) == part(1, 4)
        && Some(white) == part(235, 8)
        && Some(span) == part(14, 4).and_then(|parts| parts.checked_add(1));
    is_limited.then_some(false)
}
