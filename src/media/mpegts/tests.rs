//! Tests with generated transport streams, intact and damaged.

use proptest::prelude::*;

use super::packets::tests::{packet, pes};
use super::tables::tests::tables;
use super::*;
use crate::media::bitstream::tests::bytes;
use crate::media::header::StreamType;
use crate::media::keyframes::KeyframeStorage;
use crate::value::{ExactDuration, Rate};

/// Parameter sets for 1920x1080 at 25 frames per second, and the start of a keyframe.
const KEY: &str = "0000000167640028acd940780227e5c044000003000400000300c83c60c65800000001\
                   68ebe3cb22c0000000016588840010ffffff80";

/// Parameters of a generated file.
#[derive(Clone, Copy)]
struct FileSpec {
    pictures: u64,
    /// Start time in ticks.
    begin: u64,
    /// Time between pictures, in ticks.
    step: u64,
    /// Presentation time of a subtitle, in ticks after the start.
    subtitle: Option<u64>,
}

const FILE_SPEC: FileSpec = FileSpec {
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

/// Builds a file of pictures, with two audio frames after every fifth one.
fn build_file(spec: FileSpec) -> Vec<u8> {
    let wrap = 1 << 33;
    let frame = [bytes("0b77255614204043"), vec![0; 760]].concat();
    let key = bytes(KEY);
    let mut file = tables(&[0x1b, 0x81, 0x90], b"\x05\x04HDMV");
    for number in 0..spec.pictures {
        let time = (spec.begin + number * spec.step) % wrap;
        let body = if number % 10 == 0 {
            key.clone()
        } else {
            bytes("00000001419a24")
        };
        file.extend(pes_packet(256, &pes(0xe0, time, None), &body));
        if number % 5 == 0 {
            file.extend(pes_packet(257, &pes(0xbd, time, None), &frame.repeat(2)));
        }
        if let Some(after) = spec.subtitle.filter(|_| number == 10) {
            file.extend(pes_packet(
                258,
                &pes(0xbd, (spec.begin + after) % wrap, None),
                b"s",
            ));
        }
    }
    file
}

/// Inserts a time stamp before each packet.
fn timed(file: &[u8]) -> Vec<u8> {
    let packets = file.chunks(188);
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

fn duration(file: &[u8]) -> Option<ExactDuration> {
    read_bytes(file)?.header.format.duration
}

#[test]
fn reads_the_streams_and_duration_of_a_file() {
    let file = build_file(FILE_SPEC);
    for (file, stride) in [(file.clone(), 188), (timed(&file), 192)] {
        let read = read_bytes(&file).unwrap();
        assert_eq!(
            read.header.format.duration,
            Some(ExactDuration::from_micros(2_000_000))
        );
        let [video, audio, subtitles] = read.header.streams.as_slice() else {
            panic!("three streams");
        };
        assert_eq!(video.codec.as_deref(), Some("h264"));
        assert_eq!((video.width, video.height), (Some(1920), Some(1080)));
        assert_eq!(video.average_rate, Rate::new(25, 1));
        assert_eq!(audio.codec.as_deref(), Some("ac3"));
        assert_eq!(audio.channels, Some(2));
        assert_eq!(subtitles.kind, StreamType::Other);
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
                .all(|pair| { pair[0].offset + u64::from(pair[0].bytes) <= pair[1].offset })
        );
    }
}

#[test]
fn reads_a_film_whose_time_wraps_around() {
    let begin = (1 << 33) - 90_000;
    let duration_from = |begin| duration(&build_file(FileSpec { begin, ..FILE_SPEC }));
    assert_eq!(
        duration_from(begin),
        Some(ExactDuration::from_micros(2_000_000))
    );
    assert_eq!(
        duration_from(begin - 90 * 90_000),
        Some(ExactDuration::from_micros(2_000_000))
    );
    assert_eq!(
        duration_from(0),
        Some(ExactDuration::from_micros(2_000_000))
    );
}

#[test]
fn leaves_unusual_films_to_ffprobe() {
    let duration_of = |spec: FileSpec| duration(&build_file(spec));
    let subtitle = |after| {
        duration_of(FileSpec {
            subtitle: Some(after),
            ..FILE_SPEC
        })
    };
    assert!(subtitle(90_000).is_some());
    assert_eq!(subtitle(300_000), None);
    assert_eq!(
        duration_of(FileSpec {
            pictures: 15,
            ..FILE_SPEC
        }),
        None
    );
    assert_eq!(
        duration_of(FileSpec {
            step: 3000,
            ..FILE_SPEC
        }),
        None
    );
    let file = build_file(FILE_SPEC);
    assert_eq!(duration(&file[1..]), None);
    // The first picture is not a keyframe.
    let begin = tables(&[0x1b, 0x81, 0x90], b"\x05\x04HDMV").len();
    let late = [&file[..begin], &file[begin + 188..]].concat();
    assert_eq!(duration(&late), None);
    assert_eq!(duration(b""), None);
}

proptest! {
    #![proptest_config(crate::property_tests::random(96))]

    #[test]
    fn accepts_or_rejects_damaged_files(
        length in 0..80_000_usize,
        damage in prop::collection::vec((0..80_000_usize, any::<u8>()), 0..40),
        early in prop::collection::vec((0..800_usize, any::<u8>()), 0..3),
        is_timed in any::<bool>(),
    ) {
        let mut file = build_file(FILE_SPEC);
        if is_timed {
            file = timed(&file);
        }
        for (at, byte) in damage.into_iter().chain(early) {
            if let Some(target) = file.get_mut(at) {
                *target = byte;
            }
        }
        file.truncate(length);
        read_bytes(&file);
    }
}
