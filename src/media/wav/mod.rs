//! PCM audio in WAVE files: RIFF WAVE, RF64, BW64 and Sony Wave64.
//!
//! Starting ffprobe takes longer than reading a header, and a sound recorder's card contains
//! thousands of these files. The result equals that of ffprobe 5.1, including the order in which
//! tags replace each other. Tags from iXML are added. Files that are not fully supported result in
//! `None` and are left to ffprobe.
//!
//! Specifications: EBU Tech 3285 (`bext`), EBU Tech 3306 (RF64), ITU-R BS.2088 (BW64), Sony
//! Pictures Digital's Wave64, the iXML specification 1.5.

mod audio;
pub(super) mod buffered_reader;
mod compressed_audio;
mod ixml;
mod length;
pub(super) mod pcm;
mod riff;
pub(super) mod tags;
mod wave64;

use std::io;

use super::header::{Format, MediaHeader, Stream, StreamType};
use crate::source_file::Original;
use crate::value::{ExactDuration, Rate};
use audio::WavAudio;
use buffered_reader::FileWindow;

/// Version of this reader. Increase it when the reader gives other facts or supports other files.
pub(super) const VERSION: u32 = 1;

/// Minimum file size in bytes; ffprobe identifies shorter files by their name.
const MIN_SIZE: u64 = 44;
/// Reads the header; `None` for other kinds of files and for files that are not
/// fully supported.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn read(original: &Original) -> io::Result<Option<MediaHeader>> {
    let mut window = FileWindow::new(original);
    let header = parse(&mut window);
    window.finish(header)
}

fn parse(window: &mut FileWindow<'_>) -> Option<MediaHeader> {
    if window.size() < MIN_SIZE {
        return None;
    }
    let (name, audio) = match &window.array(0)? {
        b"RIFF" | b"RF64" | b"BW64" => ("wav", riff::parse(window)?),
        b"riff" => ("w64", wave64::parse(window)?),
        _ => return None,
    };
    Some(to_header(name, audio, window.size()))
}

fn to_header(name: &str, audio: WavAudio, size: u64) -> MediaHeader {
    let pcm = audio.pcm;
    let samples = audio
        .samples
        .or_else(|| length::estimate(&pcm, size.saturating_sub(audio.start)));
    let samples_per_second = Rate::new(pcm.sample_rate, 1);
    MediaHeader {
        format: Format {
            container: name.to_owned(),
            duration: samples
                .filter(|&samples| samples > 0)
                .zip(samples_per_second)
                .map(|(samples, rate)| ExactDuration::new(samples, rate)),
            recorder_timecode: audio.timecode,
            tags: audio.tags,
            ..Format::default()
        },
        streams: vec![Stream {
            kind: StreamType::Audio,
            codec: Some(pcm.codec.to_owned()),
            bit_rate: Some(pcm.bit_rate()),
            sample_rate: Some(pcm.sample_rate),
            channels: Some(u32::from(pcm.channels)),
            channel_layout: pcm.layout,
            ..Stream::default()
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::super::header_facts;
    use super::*;
    use crate::clip::{Clip, Fact, Source};
    use proptest::prelude::*;

    fn chunk(id: &[u8], body: &[u8]) -> Vec<u8> {
        chunk_with_size(id, u32::try_from(body.len()).unwrap(), body)
    }

    /// Builds a chunk whose header stores `size`, regardless of the size of `body`.
    fn chunk_with_size(id: &[u8], size: u32, body: &[u8]) -> Vec<u8> {
        let mut chunk = [id, &size.to_le_bytes(), body].concat();
        if body.len() % 2 == 1 {
            chunk.push(0);
        }
        chunk
    }

    fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
        let chunks = chunks.concat();
        let size = u32::try_from(chunks.len() + 4).unwrap();
        [b"RIFF", &size.to_le_bytes(), &b"WAVE"[..], &chunks].concat()
    }

    /// Builds the format chunk of a typical recorder: 24 bits, two channels, 48 kHz.
    fn format() -> Vec<u8> {
        plain_format(1, 2, 24)
    }

    fn format_body(number: u16, channels: u16, bits: u16) -> Vec<u8> {
        let frame = channels * bits.div_ceil(8);
        [
            &number.to_le_bytes()[..],
            &channels.to_le_bytes(),
            &48000_u32.to_le_bytes(),
            &(48000 * u32::from(frame)).to_le_bytes(),
            &frame.to_le_bytes(),
            &bits.to_le_bytes(),
        ]
        .concat()
    }

    fn plain_format(number: u16, channels: u16, bits: u16) -> Vec<u8> {
        chunk(b"fmt ", &format_body(number, channels, bits))
    }

    fn extensible_format(number: u16, channels: u16, mask: u32) -> Vec<u8> {
        let guid = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
        let extension = [
            &22_u16.to_le_bytes()[..],
            &24_u16.to_le_bytes(),
            &mask.to_le_bytes(),
            &number.to_le_bytes(),
            guid,
        ];
        let body = [format_body(0xfffe, channels, 24), extension.concat()];
        chunk(b"fmt ", &body.concat())
    }

    /// Generates a tenth of a second of samples in the recorder's format.
    fn samples() -> Vec<u8> {
        (0..28800_u32).map(|n| n.to_le_bytes()[0] ^ 0x55).collect()
    }

    fn bext(description: &str, time_reference: u64) -> Vec<u8> {
        let mut body = vec![0; 602];
        body[..description.len()].copy_from_slice(description.as_bytes());
        body[256..267].copy_from_slice(b"MixPre-6 II");
        body[320..330].copy_from_slice(b"2026-05-12");
        body[330..338].copy_from_slice(b"14:31:07");
        body[338..346].copy_from_slice(&time_reference.to_le_bytes());
        body[346] = 1;
        body[348..352].copy_from_slice(b"\x06\x0a\x2b\x34");
        chunk(b"bext", &body)
    }

    fn info(values: &[(&[u8; 4], &str)]) -> Vec<u8> {
        let values = values
            .iter()
            .map(|(key, value)| chunk(*key, value.as_bytes()));
        let values: Vec<u8> = values.flatten().collect();
        chunk(b"LIST", &[b"INFO", values.as_slice()].concat())
    }

    fn ixml(rate: &str, flag: &str, more: &str) -> Vec<u8> {
        let document = format!(
            "<BWFXML>{more}<SPEED><NOTE>of no take</NOTE><TIMECODE_RATE>{rate}</TIMECODE_RATE>\
            <TIMECODE_FLAG>{flag}</TIMECODE_FLAG></SPEED></BWFXML>"
        );
        chunk(b"iXML", document.as_bytes())
    }

    fn header_of(file: &[u8]) -> Option<MediaHeader> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("T01.wav");
        std::fs::write(&path, file).unwrap();
        read(&Original::open(&path).unwrap()).unwrap()
    }

    fn clip_of(chunks: &[Vec<u8>]) -> Clip {
        header_facts::from_header(&header_of(&riff(chunks)).unwrap()).unwrap()
    }

    /// Returns the duration in microseconds.
    fn duration(file: &[u8]) -> Option<u64> {
        micros(&header_of(file).unwrap())
    }

    fn micros(header: &MediaHeader) -> Option<u64> {
        Some(header.format.duration?.rounded()?.as_micros())
    }

    #[test]
    fn reads_format_and_duration_of_a_recording() {
        let clip = clip_of(&[format(), chunk(b"data", &samples())]);
        assert_eq!(clip.container.unwrap().value, "wav");
        assert_eq!(clip.duration.unwrap().value.as_micros(), 100_000);
        assert_eq!(clip.audio_codec.unwrap().value, "pcm_s24le");
        assert_eq!(clip.audio_channels.unwrap().value, 2);
        assert_eq!(clip.sample_rate.unwrap().value, 48000);
        assert_eq!((clip.audio_layout, clip.start_timecode), (None, None));
        for (format, codec, layout) in [
            (plain_format(1, 1, 8), "pcm_u8", None),
            (plain_format(1, 1, 16), "pcm_s16le", None),
            (plain_format(3, 1, 32), "pcm_f32le", None),
            (plain_format(3, 1, 64), "pcm_f64le", None),
            (plain_format(6, 1, 8), "pcm_alaw", None),
            (plain_format(7, 1, 8), "pcm_mulaw", None),
            (
                extensible_format(1, 6, 0x60f),
                "pcm_s24le",
                Some("5.1(side)"),
            ),
            (extensible_format(1, 4, 0), "pcm_s24le", None),
        ] {
            let clip = clip_of(&[format, chunk(b"data", &samples())]);
            assert_eq!(clip.audio_codec.unwrap().value, codec);
            let found = clip.audio_layout.map(|fact| fact.value);
            assert_eq!(found.as_deref(), layout, "{codec}");
        }
    }

    #[test]
    fn estimates_the_duration_if_a_recorder_lost_power() {
        for size in [0, u32::MAX, 1_000_000, 28801] {
            let data = chunk_with_size(b"data", size, &samples());
            let duration = duration(&riff(&[format(), data]));
            assert_eq!(duration, Some(100_000), "{size}");
        }
        let none = riff(&[format(), chunk(b"data", b"")]);
        assert_eq!(duration(&none), None);
    }

    #[test]
    fn reads_64_bit_sizes_of_long_recordings() {
        let sizes = |data: u64, samples: u64| {
            let sizes = [0, data, samples].map(u64::to_le_bytes).concat();
            chunk(b"ds64", &[&sizes[..], &[0; 4]].concat())
        };
        let file = |magic: &[u8; 4], sizes: Vec<u8>| {
            let data = chunk_with_size(b"data", u32::MAX, &samples());
            let mut file = riff(&[sizes, format(), data, info(&[(b"INAM", "Atmos")])]);
            file[..4].copy_from_slice(magic);
            file
        };
        for magic in [b"RF64", b"BW64"] {
            let header = header_of(&file(magic, sizes(28800, 4800))).unwrap();
            assert_eq!(micros(&header), Some(100_000));
            assert_eq!(header.format.tags["title"], "Atmos");
        }
        // Truncated: the sample count of the header is used.
        let truncated = file(b"RF64", sizes(6_000_000_000, 1_000_000_000));
        assert_eq!(duration(&truncated), Some(20_833_333_333));
        assert!(header_of(&file(b"RF64", sizes(u64::MAX, 0))).is_none());
        assert!(header_of(&file(b"RF64", Vec::new())).is_none());
    }

    #[test]
    fn reads_plain_wave64_files() {
        let named = |id: &[u8; 4], body: &[u8]| {
            let size = body.len() as u64 + 24;
            let mut chunk = [&id[..], &wave64::GUID_SUFFIX, &size.to_le_bytes(), body].concat();
            chunk.resize(chunk.len().next_multiple_of(8), 0);
            chunk
        };
        let file = |chunks: &[Vec<u8>]| {
            let wave = [&b"wave"[..], &wave64::GUID_SUFFIX].concat();
            [
                &wave64::RIFF[..],
                &72_u64.to_le_bytes(),
                &wave,
                &chunks.concat(),
            ]
            .concat()
        };
        let plain = named(b"fmt ", &format_body(1, 2, 24));
        let data = named(b"data", &samples());
        let header = header_of(&file(&[plain.clone(), data.clone()])).unwrap();
        assert_eq!(header.format.container, "w64");
        assert_eq!(micros(&header), Some(100_000));
        assert!(header_of(&file(&[plain, named(b"bext", &[0; 8]), data])).is_none());
    }

    #[test]
    fn tags_have_ffprobe_names_and_the_last_one_wins() {
        let tags = |chunks: &[Vec<u8>]| header_of(&riff(chunks)).unwrap().format.tags;
        let list = info(&[
            (b"ICMT", "from INFO"),
            (b"INAM", "T"),
            (b"ISFT", "odd"),
            (b"IENG", "x"),
        ]);
        let data = chunk(b"data", &samples());
        let found = tags(&[format(), bext("from bext", 7), data.clone(), list.clone()]);
        let found: Vec<String> = found
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            found,
            [
                "comment=from INFO",
                "creation_time=14:31:07",
                "date=2026-05-12",
                "encoded_by=MixPre-6 II",
                "encoder=odd",
                "ieng=x",
                "time_reference=7",
                "title=T",
                "umid=0x060A2B3400000000000000000000000000000000000000000000000000000000",
            ]
        );
        assert_eq!(
            tags(&[list, bext("from bext", 7), format(), data])["comment"],
            "from bext"
        );
    }

    #[test]
    fn replaces_invalid_utf8_as_ffprobe_does() {
        let mut broadcast = bext("Sc?ne 1", 0);
        broadcast[10] = 0xe8;
        let clip = clip_of(&[broadcast, format(), chunk(b"data", &samples())]);
        assert_eq!(clip.comment.unwrap().value, "Sc\u{fffd}ne 1");
    }

    #[test]
    fn calculates_the_start_timecode_from_ixml() {
        let start = |rate: &str, flag: &str, samples_since_midnight: u64| {
            let broadcast = bext("", samples_since_midnight);
            let clip = clip_of(&[
                broadcast,
                ixml(rate, flag, ""),
                format(),
                chunk(b"data", &samples()),
            ]);
            clip.start_timecode
                .map(|fact| format!("{} {}", fact.value, fact.source))
        };
        // As written by a Sound Devices 702T.
        assert_eq!(
            start("24000/1001", "NDF", 2_190_940_753).as_deref(),
            Some("12:39:59:00 ixml")
        );
        assert_eq!(
            start("25/1", "NDF", 2_508_337_920).as_deref(),
            Some("14:30:57:01 ixml")
        );
        assert_eq!(
            start("30000/1001", "DF", 172_972_800).as_deref(),
            Some("01:00:03;18 ixml")
        );
        assert_eq!(start("25/1", "NDF", u64::MAX), None);
        assert_eq!(start("4000000000/1", "DF", 1), None);
        assert_eq!(start("", "", 48000), None);
    }

    #[test]
    fn uses_ixml_where_bext_is_empty() {
        let recorder = ixml("", "", "<TAPE>Sr001</TAPE><NOTE>Tail slate</NOTE>");
        let data = chunk(b"data", &samples());
        let clip = clip_of(&[bext("", 0), recorder.clone(), format(), data.clone()]);
        let fact = |text: &str| Some(Fact::new(text.to_owned(), Source::IXML));
        assert_eq!(clip.reel, fact("Sr001"));
        assert_eq!(clip.comment, fact("Tail slate"));
        let clip = clip_of(&[bext("Wild track", 0), format(), data, recorder]);
        assert_eq!(
            clip.comment,
            Some(Fact::new("Wild track".to_owned(), Source::BWF))
        );
    }

    #[test]
    fn leaves_unknown_files_to_ffprobe() {
        let data = || chunk(b"data", &samples());
        let keys: Vec<String> = (1000..2000).map(|n: u32| n.to_string()).collect();
        let values: Vec<(&[u8; 4], &str)> = keys
            .iter()
            .map(|key| (key.as_bytes().first_chunk().unwrap(), "T"))
            .collect();
        let sync =
            |word: &[u8; 4]| chunk(b"data", &[&samples()[..3000], word, &samples()].concat());
        for (case, chunks) in [
            ("no format", vec![data()]),
            ("no samples", vec![format(), chunk(b"JUNK", &[0; 40])]),
            ("ADPCM", vec![plain_format(2, 2, 4), data()]),
            ("MP3", vec![plain_format(0x55, 2, 0), data()]),
            ("no channels", vec![plain_format(1, 0, 24), data()]),
            (
                "an unknown GUID",
                vec![extensible_format(0x50, 2, 3), data()],
            ),
            ("S/PDIF", vec![format(), sync(b"\x72\xf8\x1f\x4e")]),
            ("DTS", vec![format(), sync(b"\xfe\x7f\x01\x80")]),
            ("AC-3", vec![format(), chunk(b"data", b"\x0b\x77\x00\x00")]),
            ("ID3", vec![format(), data(), chunk(b"id3 ", b"ID3")]),
            (
                "a short bext",
                vec![format(), data(), chunk(b"bext", &[0; 300])],
            ),
            (
                "a short list",
                vec![format(), data(), chunk(b"LIST", b"IN")],
            ),
            (
                "a truncated list",
                vec![format(), data(), chunk_with_size(b"LIST", 99, b"INFOINAM")],
            ),
            ("many values", vec![format(), data(), info(&values)]),
            ("many chunks", vec![chunk(b"JUNK", b""); 300]),
        ] {
            assert!(header_of(&riff(&chunks)).is_none(), "{case}");
        }
        for file in [&b""[..], b"RIFF", b"RIFF\0\0\0\0AVI LIST", &[b'R'; 64]] {
            assert!(header_of(file).is_none());
        }
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn accepts_or_rejects_damaged_files(
            changes in prop::collection::vec((0_usize..1600, any::<u8>()), 0..12),
            large in any::<bool>(),
            length in 0_usize..4000,
        ) {
            let sizes = chunk(b"ds64", &[0xff; 28]);
            let mut file = riff(&[
                if large { sizes } else { Vec::new() },
                extensible_format(1, 2, 3),
                bext("Sc 1", 48000),
                ixml("25/1", "NDF", "<TAPE>A&amp;B</TAPE>"),
                info(&[(b"INAM", "T"), (b"ICMT", "odd")]),
                chunk(b"fact", &[9, 0, 0, 0]),
                chunk(b"data", &samples()[..900]),
                info(&[(b"IART", "late")]),
            ]);
            if large {
                file[..4].copy_from_slice(b"RF64");
            }
            for (at, byte) in changes {
                if let Some(changed) = file.get_mut(at) {
                    *changed = byte;
                }
            }
            file.truncate(length);
            if let Some(header) = header_of(&file) {
                prop_assert_eq!(header.streams.len(), 1);
            }
        }

        #[test]
        fn accepts_or_rejects_damaged_ixml(document in "(<[A-Z/!\\[]{0,8}>|&[a-z#0-9]{0,6};|[A-Z0-9/ ]{0,9}){0,40}") {
            let parsed = ixml::parse(document.as_bytes());
            parsed.timecode(Some(1), 48000);
            prop_assert!(parsed.tags().count() <= 2);
        }
    }
}
