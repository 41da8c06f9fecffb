//! Tags of a movie with ffprobe's names.
//!
//! Tags are stored in three forms: `QuickTime` user data (`udta/©nam`), iTunes lists
//! (`udta/meta/ilst`), and Apple's named keys (`meta/keys` with `meta/ilst`).

use super::boxes::{FourCc, Mp4Box, boxes, child, full_box, meta_contents};
use crate::media::cursor::Cursor;
use crate::media::header::{TagMap, add_tag};

/// Seconds from 1904 to 1970.
const EPOCH_OFFSET: u64 = 2_082_844_800;

/// Adds the tags of a `udta` box.
pub(super) fn add_user_data(tags: &mut TagMap, body: &[u8]) {
    for boxed in boxes(body) {
        match &boxed.kind {
            b"meta" => add_meta(tags, boxed.body),
            b"loci" => add(tags, "location", format_location(boxed.body)),
            _ => {
                if let Some(name) = tag_name(boxed.kind) {
                    add(tags, name, read_user_text(boxed));
                }
            }
        }
    }
}

/// Adds the tags of a `meta` box.
pub(super) fn add_meta(tags: &mut TagMap, body: &[u8]) {
    let body = meta_contents(body);
    let keys = child(body, *b"keys").map(read_keys).unwrap_or_default();
    for item in child(body, *b"ilst").into_iter().flat_map(boxes) {
        let number = u32::from_be_bytes(item.kind) as usize;
        let key = number.checked_sub(1).and_then(|at| keys.get(at));
        let name = key.map(String::as_str).or_else(|| tag_name(item.kind));
        if let Some(name) = name {
            add(
                tags,
                name,
                child(item.body, *b"data").and_then(format_value),
            );
        }
    }
}

/// Formats seconds since 1904 as ffprobe does: `2026-05-02T10:00:00.000000Z`.
pub(super) fn format_creation_time(seconds: u64) -> Option<String> {
    // Some writers count from 1970 instead of 1904.
    let seconds = match seconds {
        0 => return None,
        seconds if seconds >= EPOCH_OFFSET => seconds - EPOCH_OFFSET,
        seconds => seconds,
    };
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string())
}

/// Adds a tag if it has a value.
pub(super) fn add(tags: &mut TagMap, name: &str, value: Option<String>) {
    if let Some(value) = value {
        add_tag(tags, name, &value);
    }
}

/// Returns ffprobe's name for the tag with a four-character code.
fn tag_name(kind: FourCc) -> Option<&'static str> {
    Some(match &kind {
        b"\xa9nam" | b"titl" => "title",
        b"\xa9cmt" | b"\xa9inf" => "comment",
        b"desc" | b"\xa9des" | b"dscp" => "description",
        b"\xa9day" | b"yrrc" => "date",
        b"\xa9mak" | b"manu" => "make",
        b"\xa9mod" | b"modl" => "model",
        b"\xa9swr" | b"\xa9too" => "encoder",
        b"\xa9xyz" => "location",
        b"FIRM" => "firmware",
        b"\xa9ART" | b"auth" => "artist",
        _ => return None,
    })
}

/// Reads the text of a user data entry. It may have a length and a language, the form of 3GPP, or
/// no header.
fn read_user_text(boxed: Mp4Box<'_>) -> Option<String> {
    let mut cursor = Cursor(boxed.body);
    if boxed.kind == *b"FIRM" {
        return decode_text(boxed.body);
    }
    if boxed.kind[0] == 0xa9 {
        let length = usize::from(cursor.u16()?);
        let language = cursor.u16()?;
        // Macintosh language codes are below 0x400. Other codes are three packed letters, and their
        // text is UTF-8.
        let bytes = cursor.0.get(..length).unwrap_or(cursor.0);
        return if language < 0x400 {
            decode_text(bytes)
                .or_else(|| Some(bytes.iter().map(|&byte| char::from(byte)).collect()))
        } else {
            decode_text(bytes)
        };
    }
    // 3GPP: version and flags, then a language.
    match full_box(boxed.body) {
        Some((0, 0, mut rest)) if matches!(&boxed.kind, b"titl" | b"dscp" | b"auth") => {
            rest.skip(2)?;
            decode_text(rest.0)
        }
        _ => decode_text(boxed.body),
    }
}

/// Decodes text up to the first zero byte; `None` if it is not UTF-8.
fn decode_text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.split(|&byte| byte == 0).next()?;
    String::from_utf8(bytes.to_vec()).ok()
}

/// Reads the names in a `keys` box, in the order of their numbers.
fn read_keys(body: &[u8]) -> Vec<String> {
    let Some((_, _, mut cursor)) = full_box(body) else {
        return Vec::new();
    };
    cursor.skip(4).map_or_else(Vec::new, |()| {
        boxes(cursor.0)
            .map(|key| String::from_utf8_lossy(key.body).into_owned())
            .collect()
    })
}

/// Formats the value of a `data` box by its type (`QuickTime` File Format, "Well-known types").
fn format_value(body: &[u8]) -> Option<String> {
    let mut cursor = Cursor(body);
    let kind = cursor.u32()?;
    cursor.skip(4)?;
    let bytes = cursor.0;
    match kind {
        1 => decode_text(bytes),
        2 => {
            let units: Vec<u16> = bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&pair| u16::from_be_bytes(pair))
                .collect();
            String::from_utf16(&units).ok()
        }
        21 | 22 if bytes.len() <= 8 => {
            let number = bytes
                .iter()
                .fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
            let unused = 64 - 8 * bytes.len().max(1);
            Some(match kind {
                21 => ((number << unused).cast_signed() >> unused).to_string(),
                _ => number.to_string(),
            })
        }
        23 => Some(f32::from_be_bytes(bytes.try_into().ok()?).to_string()),
        24 => Some(f64::from_be_bytes(bytes.try_into().ok()?).to_string()),
        _ => None,
    }
}

/// Formats a 3GPP location (TS 26.244, 8.8) as ISO 6709.
fn format_location(body: &[u8]) -> Option<String> {
    let (_, _, mut cursor) = full_box(body)?;
    cursor.skip(2)?;
    let name_end = cursor.0.iter().position(|&byte| byte == 0)?;
    // Skip the name with its terminating zero, and the role.
    cursor.skip(name_end + 2)?;
    let mut degrees = || Some(f64::from(cursor.i32()?) / 65536.0);
    let (longitude, latitude) = (degrees()?, degrees()?);
    Some(format!("{latitude:+08.4}{longitude:+09.4}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_box(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(8 + body.len()).unwrap();
        [&size.to_be_bytes()[..], &kind, body].concat()
    }

    #[test]
    fn reads_each_kind_of_tag_under_ffprobes_name() {
        let data = build_box(*b"data", b"\0\0\0\x01\0\0\0\0ILME-FX3");
        let number = build_box(*b"data", b"\0\0\0\x15\0\0\0\0\xff\xfe");
        let keys = [
            &b"\0\0\0\0\0\0\0\x02"[..],
            &build_box(*b"mdta", b"com.apple.quicktime.model"),
            &build_box(*b"mdta", b"com.example.offset"),
        ]
        .concat();
        let list = [
            build_box(*b"\0\0\0\x01", &data),
            build_box(*b"\0\0\0\x02", &number),
        ]
        .concat();
        let meta = [build_box(*b"keys", &keys), build_box(*b"ilst", &list)].concat();
        let body = [
            build_box(*b"\xa9nam", b"\0\x07\x15\xc7Day two"),
            build_box(*b"FIRM", b"HD9.01.01.60.00\0\0"),
            build_box(
                *b"loci",
                b"\0\0\0\0\x15\xc7Rome\0\0\0\x0c\x80\0\0\x29\xc0\0",
            ),
            build_box(*b"meta", &meta),
        ]
        .concat();
        let mut tags = TagMap::new();
        add_user_data(&mut tags, &body);
        let found: Vec<_> = tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            found,
            [
                "com.apple.quicktime.model=ILME-FX3",
                "com.example.offset=-2",
                "firmware=HD9.01.01.60.00",
                "location=+41.7500+012.5000/",
                "title=Day two",
            ]
        );
    }

    #[test]
    fn times_count_from_1904_and_zero_means_unset() {
        assert_eq!(format_creation_time(0), None);
        assert_eq!(
            format_creation_time(EPOCH_OFFSET + 86_400).as_deref(),
            Some("1970-01-02T00:00:00.000000Z")
        );
        assert_eq!(format_creation_time(u64::MAX), None);
    }
}
