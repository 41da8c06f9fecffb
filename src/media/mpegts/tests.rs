//! Whole films, made and damaged.

use proptest::prelude::*;

use super::packets::tests::{packet, pes};
use super::tables::tests::tables;
use super::*;
use crate::media::bitstream::tests::bytes;
use crate::media::keyframes::KeyframeStorage;

/// Parameter sets of 1920x1080 at 25 frames a second, and the head of a key.
const KEY: &str = "0000000167640028acd940780227e5c044000003000400000300c83c60c65800000001\
                   68ebe3cb22c0000000016588840010ffffff80";

/// What a film is made of.
#[derive(Clone, Copy)]
struct Making {
    pictures: u64,
    /// When it begins.
    begin: u64,
    /// Ticks from one picture to the next.
    step: u64,
    /// When a subtitle is shown after the begin.
    subtitle: Option<u64>,
}

const MAKING: Making = Making {
    pictures: 50,
    begin: 90_000,
    step: 3600,
    subtitle: None,
};

/// A part of a stream in as many packets as it takes.
fn part(pid: u16, header: &[u8], body: &[u8]) -> Vec<u8> {
    let whole = [header, body].concat();
    let packets = whole.chunks(180).enumerate();
    packets
        .flat_map(|(at, bytes)| packet(at == 0, pid, bytes))
        .collect()
}

/// Pictures, and two frames of sound with every fifth.
fn film(making: Making) -> Vec<u8> {
    let turn = 1 << 33;
    let frame = [bytes("0b77255614204043"), vec![0; 760]].concat();
    let key = bytes(KEY);
    let mut film = tables(&[0x1b, 0x81, 0x90], b"\x05\x04HDMV");
    for number in 0..making.pictures {
        let time = (making.begin + number * making.step) % turn;
        let body = if number % 10 == 0 {
            key.clone()
        } else {
            bytes("00000001419a24")
        };
        film.extend(part(256, &pes(0xe0, time, None), &body));
        if number % 5 == 0 {
            film.extend(part(257, &pes(0xbd, time, None), &frame.repeat(2)));
        }
        if let Some(after) = making.subtitle.filter(|_| number == 10) {
            film.extend(part(
                258,
                &pes(0xbd, (making.begin + after) % turn, None),
                b"s",
            ));
        }
    }
    film
}

/// Each packet with a time before it.
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
    original.keep(0, head);
    read(&original).unwrap()
}

fn duration(film: &[u8]) -> Option<String> {
    read_bytes(film)?.header.format.duration
}

#[test]
fn a_film_tells_its_streams_and_how_long_they_run() {
    let film = film(MAKING);
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
fn time_that_begins_anew_runs_on() {
    let begin = (1 << 33) - 90_000;
    let told = |begin| duration(&film(Making { begin, ..MAKING }));
    assert_eq!(told(begin).as_deref(), Some("2.000000"));
    assert_eq!(told(begin - 90 * 90_000).as_deref(), Some("2.000000"));
    assert_eq!(told(0).as_deref(), Some("2.000000"));
}

#[test]
fn what_is_not_plain_is_left_to_others() {
    let of = |making: Making| duration(&film(making));
    let subtitle = |after| {
        of(Making {
            subtitle: Some(after),
            ..MAKING
        })
    };
    assert!(subtitle(90_000).is_some());
    assert_eq!(subtitle(300_000), None);
    assert_eq!(
        of(Making {
            pictures: 15,
            ..MAKING
        }),
        None
    );
    assert_eq!(
        of(Making {
            step: 3000,
            ..MAKING
        }),
        None
    );
    let film = film(MAKING);
    assert_eq!(duration(&film[1..]), None);
    // It begins with no key.
    let begin = tables(&[0x1b, 0x81, 0x90], b"\x05\x04HDMV").len();
    let late = [&film[..begin], &film[begin + 188..]].concat();
    assert_eq!(duration(&late), None);
    assert_eq!(duration(b""), None);
}

proptest! {
    #![proptest_config(crate::random_tests::random(96))]

    #[test]
    fn damaged_films_are_read_or_refused(
        length in 0..80_000_usize,
        damage in prop::collection::vec((0..80_000_usize, any::<u8>()), 0..40),
        early in prop::collection::vec((0..800_usize, any::<u8>()), 0..3),
        is_timed in any::<bool>(),
    ) {
        let mut film = film(MAKING);
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
