//! Whole films, intact and damaged.

use proptest::prelude::*;

use super::packets::tests::{packet, pes};
use super::tables::tests::tables;
use super::*;
use crate::media::bitstream::tests::bytes;
use crate::media::keyframes::KeyframeStorage;

/// Parameter sets of 1920x1080 at 25 frames per second, and the start of a keyframe.
const KEY: &str = "0000000167640028acd940780227e5c044000003000400000300c83c60c65800000001\
                   68ebe3cb22c0000000016588840010ffffff80";

/// Parameters of a generated film.
#[derive(Clone, Copy)]
struct FilmSpec {
    pictures: u64,
    /// Start time in ticks.
    begin: u64,
    /// Time between pictures, in ticks.
    step: u64,
    /// Presentation time of a subtitle, in ticks after the start.
    subtitle: Option<u64>,
}

const SPEC: FilmSpec = FilmSpec {
    pictures: 50,
    begin: 90_000,
    step: 3600,
    subtitle: None,
};

/// Splits a PES packet into as many transport packets as needed.
fn pes_packet(pid: u16, header: &[u8], body: &[u8]) -> Vec<u8> {
    let whole = [header, body].concat();
    let packets = whole.chunks(180).enumerate();
    packets
        .flat_map(|(at, bytes)| packet(at == 0, pid, bytes))
        .collect()
}

/// Builds a film of pictures, with two audio frames at every fifth.
fn film(spec: FilmSpec) -> Vec<u8> {
    let wrap = 1 << 33;
    let frame = [bytes("0b77255614204043"), vec![0; 760]].concat();
    let key = bytes(KEY);
    let mut film = tables(&[0x1b, 0x81, 0x90], b"\x05\x04HDMV");
    for number in 0..spec.pictures {
        let time = (spec.begin + number * spec.step) % wrap;
        let body = if number % 10 == 0 {
            key.clone()
        } else {
            bytes("00000001419a24")
        };
        film.extend(pes_packet(256, &pes(0xe0, time, None), &body));
        if number % 5 == 0 {
            film.extend(pes_packet(257, &pes(0xbd, time, None), &frame.repeat(2)));
        }
        if let Some(after) = spec.subtitle.filter(|_| number == 10) {
            film.extend(pes_packet(
                258,
                &pes(0xbd, (spec.begin + after) % wrap, None),
                b"s",
            ));
        }
    }
    film
}

/// Inserts a time stamp before each packet.
fn timed(film: &[u8]) -> Vec<u8> {
    let packets = film.chunks(188);
    packets
        .flat_map(|packet| [&[0x47; 4], packet].concat())
        .collect()
}

fn read_bytes(bytes: &[u8]) -> Option<ParsedFile> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00001.mts");
    std::fs::write(&path, bytes).unwrap();
    let mut original = Original::open(&path).unwrap();
    let head = original.read(0, bytes.len().min(65_536)).unwrap();
    original.store(0, head);
    read(&original).unwrap()
}

fn duration(film: &[u8]) -> Option<String> {
    read_bytes(film)?.header.format.duration
}

#[test]
fn reads_the_streams_and_duration_of_a_film() {
    let film = film(SPEC);
    for (film, stride) in [(film.clone(), 188), (timed(&film), 192)] {
        let read = read_bytes(&film).unwrap();
        assert_eq!(read.header.format.duration.as_deref(), Some("2.000000"));
        let [picture, sound, subtitles] = read.header.streams.as_slice() else {
            panic!("three streams");
        };
        assert_eq!(picture.codec_name.as_deref(), Some("h264"));
        assert_eq!((picture.width, picture.height), (Some(1920), Some(1080)));
        assert_eq!(picture.avg_frame_rate, "25/1");
        assert_eq!(sound.codec_name.as_deref(), Some("ac3"));
        assert_eq!(sound.channels, Some(2));
        assert_eq!(subtitles.codec_type, "subtitle");
        let keyframes = read.keyframes.unwrap();
        let stored = KeyframeStorage::Transport {
            pid: 256,
            packet: stride,
            begin: 90_000,
        };
        assert_eq!((keyframes.stored, keyframes.keys.len()), (stored, 64));
        let strip = keyframes.for_strip(8);
        assert!(
            strip
                .windows(2)
                .all(|two| { two[0].offset + u64::from(two[0].bytes) <= two[1].offset })
        );
    }
}

#[test]
fn reads_a_film_whose_time_wraps_around() {
    let begin = (1 << 33) - 90_000;
    let duration_from = |begin| duration(&film(FilmSpec { begin, ..SPEC }));
    assert_eq!(duration_from(begin).as_deref(), Some("2.000000"));
    assert_eq!(
        duration_from(begin - 90 * 90_000).as_deref(),
        Some("2.000000")
    );
    assert_eq!(duration_from(0).as_deref(), Some("2.000000"));
}

#[test]
fn leaves_unusual_films_to_ffprobe() {
    let duration_of = |spec: FilmSpec| duration(&film(spec));
    let subtitle = |after| {
        duration_of(FilmSpec {
            subtitle: Some(after),
            ..SPEC
        })
    };
    assert!(subtitle(90_000).is_some());
    assert_eq!(subtitle(300_000), None);
    assert_eq!(
        duration_of(FilmSpec {
            pictures: 15,
            ..SPEC
        }),
        None
    );
    assert_eq!(duration_of(FilmSpec { step: 3000, ..SPEC }), None);
    let film = film(SPEC);
    assert_eq!(duration(&film[1..]), None);
    // The first picture is not a keyframe.
    let begin = tables(&[0x1b, 0x81, 0x90], b"\x05\x04HDMV").len();
    let late = [&film[..begin], &film[begin + 188..]].concat();
    assert_eq!(duration(&late), None);
    assert_eq!(duration(b""), None);
}

proptest! {
    #![proptest_config(crate::random_tests::random(96))]

    #[test]
    fn reads_or_refuses_damaged_films(
        length in 0..80_000_usize,
        damage in prop::collection::vec((0..80_000_usize, any::<u8>()), 0..40),
        early in prop::collection::vec((0..800_usize, any::<u8>()), 0..3),
        is_timed in any::<bool>(),
    ) {
        let mut film = film(SPEC);
        if is_timed {
            film = timed(&film);
        }
        for (at, byte) in damage.into_iter().chain(early) {
            if let Some(spot) = film.get_mut(at) {
                *spot = byte;
            }
        }
        film.truncate(length);
        read_bytes(&film);
    }
}
