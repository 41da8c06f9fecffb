//! Tests with a generated AVI file, intact and damaged.

use proptest::prelude::*;

use super::*;

/// Beginning of a JPEG picture of 320 by 240 pixels.
const PICTURE: &[u8] =
    b"\xff\xd8\xff\xc0\0\x11\x08\0\xf0\x01\x40\x03\x01\x22\0\x02\x11\0\x03\x11\0\xff\xda";

fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap().to_le_bytes();
    let padding = if body.len() % 2 == 1 { &[0][..] } else { &[] };
    [name, &size, body, padding].concat()
}

fn list(name: &[u8], parts: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"LIST", &[name, &parts.concat()].concat())
}

fn u32_bytes(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Builds a one-second file with ten pictures, audio and a title.
fn sample_file() -> Vec<u8> {
    let header = |kind: &[u8], scale, rate, length, sample| {
        let rest = u32_bytes(&[0, 0, 0, 0, scale, rate, 0, length, 0, 0, sample, 0, 0]);
        chunk(b"strh", &[kind, &rest].concat())
    };
    let bitmap = [
        u32_bytes(&[40, 320, 240, 0x0018_0001]),
        b"MJPG".to_vec(),
        vec![0; 20],
    ];
    let pcm = [u32_bytes(&[0x0001_0001, 8000, 16_000, 0x0010_0002])];
    let heads = [
        list(
            b"strl",
            &[
                header(b"vids", 1, 10, 10, 0),
                chunk(b"strf", &bitmap.concat()),
            ],
        ),
        list(
            b"strl",
            &[
                header(b"auds", 1, 8000, 8000, 2),
                chunk(b"strf", &pcm.concat()),
            ],
        ),
        chunk(b"IDIT", b"Mon Mar 10 15:04:43 2003\n\0"),
    ];
    let frame = [PICTURE, &[0; 2000]].concat();
    let (mut frames, mut index) = (Vec::new(), Vec::new());
    let mut position = 4;
    for _ in 0..10 {
        for (name, body) in [(b"00dc", frame.as_slice()), (b"01wb", &[0; 100])] {
            let length = u32::try_from(body.len()).unwrap();
            index.extend(name);
            index.extend(u32_bytes(&[0x10, position, length]));
            frames.push(chunk(name, body));
            position += 8 + length + length % 2;
        }
    }
    let parts = [
        list(b"hdrl", &heads),
        list(b"INFO", &[chunk(b"INAM", b"Day two\0")]),
        list(b"movi", &frames),
        chunk(b"idx1", &index),
    ];
    chunk(b"RIFF", &[&b"AVI "[..], &parts.concat()].concat())
}

fn read_bytes(bytes: &[u8]) -> Option<ParsedFile> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read(&Original::open(file.path()).unwrap()).unwrap()
}

#[test]
fn matches_ffprobe() {
    let bytes = sample_file();
    let parsed = read_bytes(&bytes).unwrap();
    let [video, audio] = parsed.header.streams.as_slice() else {
        panic!("two streams");
    };
    assert_eq!(video.pixel_format.as_deref(), Some("yuvj420p"));
    assert_eq!(video.average_rate, Rate::new(10, 1));
    // Ten frames of 2023 bytes, over nine tenths of a second.
    assert_eq!(video.bit_rate, Some(179_822));
    assert_eq!(audio.codec.as_deref(), Some("pcm_s16le"));
    let format = &parsed.header.format;
    assert_eq!(format.duration, Some(ExactDuration::from_micros(1_000_000)));
    assert_eq!(format.tags["title"], "Day two");
    assert_eq!(format.tags["creation_time"], "2003-03-10 15:04:43");
    let keys = parsed.keyframes.unwrap().keys;
    assert_eq!((keys.len(), keys[9].micros), (10, 900_000));
    for key in keys {
        let begin = usize::try_from(key.offset).unwrap();
        assert!(bytes[begin..].starts_with(PICTURE));
    }
    // Truncated files and files with a wrong index are left to ffprobe.
    assert!(read_bytes(&bytes[..bytes.len() - 2]).is_none());
    let mut moved = bytes;
    let index = moved.len() - 20 * 16;
    moved[index + 8] ^= 2;
    assert!(read_bytes(&moved).is_none());
}

#[test]
fn reads_creation_times_in_camera_formats() {
    for (text, expected) in [
        ("Mon Mar 10 15:04:43 2003\n", Some("2003-03-10 15:04:43")),
        ("SAT DEC  1 15:04:43 2012", None),
        ("2005/08/17 11:42:43", Some("2005-08-17 11:42:43")),
        ("yesterday", None),
        ("", None),
    ] {
        assert_eq!(convert_creation_time(text).as_deref(), expected, "{text}");
    }
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn accepts_or_rejects_damaged_files(
        damage in prop::collection::vec((0..900_usize, any::<u8>()), 0..6),
        length_if_truncated in 0..20_000_usize,
        is_truncated: bool,
    ) {
        let mut bytes = sample_file();
        let length = bytes.len();
        for (at, byte) in damage {
            // Damage the header at the start or the index at the end.
            let at = if at < 500 { at } else { length + at - 900 };
            bytes[at] = byte;
        }
        if is_truncated {
            bytes.truncate(length_if_truncated);
        }
        if let Some(found) = read_bytes(&bytes).and_then(|parsed| parsed.keyframes) {
            for key in &found.keys {
                let end = key.offset + u64::from(key.bytes);
                prop_assert!(key.bytes > 0 && end <= bytes.len() as u64);
            }
            prop_assert!(found.keys.is_sorted_by(|previous, next| previous.micros < next.micros));
        }
    }
}
