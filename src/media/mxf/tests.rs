//! Tests with constructed files, and with encoded files, intact and damaged.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::index::IndexTableSegment;
use super::*;
use crate::media::header_facts;

const BODY: u32 = 1;
const INDEX: u32 = 2;
const PICTURE: [u8; 4] = [0x15, 1, 5, 0];

fn item(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut item = [&[0x06, 0x0e, 0x2b, 0x34][..], key].concat();
    item.resize(16, 0);
    item.push(0x88);
    item.extend((value.len() as u64).to_be_bytes());
    item.extend(value);
    item
}

fn element(value: &[u8]) -> Vec<u8> {
    item(
        &[&[1, 2, 1, 1, 0x0d, 1, 3, 1][..], &PICTURE].concat(),
        value,
    )
}

/// Builds a partition pack: kind 2 is a header, 3 a body, 4 a footer.
fn pack(kind: u8, at: usize, footer: u64, body_offset: u64) -> Vec<u8> {
    let at = at as u64;
    let mut value = vec![0; 8];
    for number in [at, 0, footer, 0, 0] {
        value.extend(number.to_be_bytes());
    }
    value.extend(INDEX.to_be_bytes());
    value.extend(body_offset.to_be_bytes());
    value.extend(if kind == 4 { 0 } else { BODY }.to_be_bytes());
    value.extend([
        0x06, 0x0e, 0x2b, 0x34, 4, 1, 1, 1, 0x0d, 1, 2, 1, 1, 1, 9, 0,
    ]);
    value.extend([0, 0, 0, 1]);
    item(&[2, 5, 1, 1, 0x0d, 1, 2, 1, 1, kind, 4], &value)
}

/// Builds an index table segment with entries of eleven bytes.
fn segment(start: u64, entries: &[(u8, u64)]) -> Vec<u8> {
    let mut value = Vec::new();
    for (tag, number) in [(0x3f06_u16, INDEX), (0x3f07, BODY)] {
        value.extend(tag.to_be_bytes());
        value.extend([0, 4]);
        value.extend(number.to_be_bytes());
    }
    for (tag, number) in [(0x3f0c_u16, start), (0x3f0d, entries.len() as u64)] {
        value.extend(tag.to_be_bytes());
        value.extend([0, 8]);
        value.extend(number.to_be_bytes());
    }
    value.extend([0x3f, 0x0a, 0, 0]);
    value.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
    value.extend([0, 0, 0, 11]);
    for (flags, offset) in entries {
        value.extend([0, 0, *flags]);
        value.extend(offset.to_be_bytes());
    }
    item(&[2, 0x53, 1, 1, 0x0d, 1, 2, 1, 1, 0x10, 1], &value)
}

fn random_index(listed_partitions: &[(u32, u64)]) -> Vec<u8> {
    let mut value = Vec::new();
    for (body, at) in listed_partitions {
        value.extend(body.to_be_bytes());
        value.extend(at.to_be_bytes());
    }
    value.extend(u32::try_from(25 + value.len() + 4).unwrap().to_be_bytes());
    item(&[2, 5, 1, 1, 0x0d, 1, 2, 1, 1, 0x11, 1], &value)
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn original(path: &Path) -> Original {
    let mut original = Original::open(path).unwrap();
    let length = usize::try_from(original.size()).unwrap().min(64 * 1024);
    let head = original.read(0, length).unwrap();
    original.store(0, head);
    original
}

#[test]
fn reads_a_file_with_an_overlong_index() {
    let start = pack(2, 0, 0, 0).len();
    let mut bytes = pack(2, 0, (start + 125) as u64, 0);
    bytes.extend(element(&[7; 100]));
    let footer = bytes.len();
    bytes.extend(pack(4, footer, footer as u64, 0));
    for number in 0..40 {
        bytes.extend(segment(number * 5000, &vec![(0x80, 0); 5000]));
    }
    let file = file(&bytes);
    let original = original(file.path());
    let found = layout::read(&mut MxfWindow::new(&original)).unwrap();
    assert!(found.is_index_truncated && !found.segments.is_empty());
    assert_eq!(found.partitions.len(), 2);
    let segment: &IndexTableSegment = &found.segments[0];
    assert_eq!((segment.body, segment.entries.len()), (BODY, 5000));
}

#[test]
fn finds_keyframes_listed_in_the_next_partition() {
    // Ten partitions of three frames each; the index table of each is in the next partition.
    let unit = element(&[9; 30]);
    let length = unit.len() as u64;
    let mut bytes = Vec::new();
    let mut listed_partitions = Vec::new();
    for number in 0..10_u64 {
        let at = bytes.len();
        listed_partitions.push((BODY, at as u64));
        let kind = if number == 0 { 2 } else { 3 };
        bytes.extend(pack(kind, at, 0, number * 3 * length));
        if let Some(before) = number.checked_sub(1) {
            let first = before * 3;
            let entry = |unit: u64| (if unit == 0 { 0x80 } else { 0x22 }, (first + unit) * length);
            bytes.extend(segment(first, &[entry(0), entry(1), entry(2)]));
        }
        bytes.extend(unit.repeat(3));
    }
    let footer = bytes.len();
    bytes.extend(pack(4, footer, footer as u64, 0));
    listed_partitions.push((0, footer as u64));
    bytes.extend(random_index(&listed_partitions));
    let file = file(&bytes);
    let original = original(file.path());
    let mut window = MxfWindow::new(&original);
    let mut found = layout::read(&mut window).unwrap();
    assert_eq!(found.listed_partitions, listed_partitions);
    let essence = Essence {
        rate: Rate::new(25, 1).unwrap(),
        duration: Some(30),
        number: PICTURE,
        body: BODY,
        index: INDEX,
    };
    let keys = keyframes::find_keyframes(&mut window, &mut found, essence, Wrapping::Frame);
    let times: Vec<u64> = keys.iter().map(|key| key.micros / 40_000).collect();
    // Only four of the nine other partitions are read.
    assert_eq!(times, [3, 9, 15, 21]);
    for key in &keys {
        let at = usize::try_from(key.offset).unwrap();
        let unit = &bytes[at..at + key.bytes as usize];
        assert_eq!(super::find_frame(unit, PICTURE), Some(&[9; 30][..]));
        assert_eq!(super::find_frame(unit, [0; 4]), None);
    }
}

fn encode(options: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mxf");
    let status = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(options.split_whitespace())
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success(), "{options}");
    std::fs::read(path).unwrap()
}

/// A clip with sound, and a single video track (OP-Atom).
static ENCODED: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let picture = "-f lavfi -i testsrc2=size=256x128:rate=25:duration=0.6";
    let sound = "-f lavfi -i sine=sample_rate=48000:duration=0.6";
    let file = "-c:v mpeg2video -g 6 -bf 2 -c:a pcm_s24le -timecode 10:11:12:13";
    let atom = "-c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p -f mxf_opatom";
    [
        encode(&format!("{picture} {sound} {file}")),
        encode(&format!("{picture} {atom}")),
    ]
});

/// Reads a file and checks the properties that later stages rely on.
fn read_checked(bytes: &[u8]) -> Option<ParsedFile> {
    let written = file(bytes);
    let file = read(&original(written.path())).unwrap()?;
    header_facts::from_header(&file.header).unwrap();
    if let Some(keyframes) = &file.keyframes {
        let keys = &keyframes.keys;
        assert!((1..=64).contains(&keys.len()));
        assert!(keys.is_sorted_by(|previous, next| previous.micros < next.micros));
        let size = bytes.len() as u64;
        let is_in_file = |end: u64| end <= size;
        assert!(
            keys.iter()
                .all(|key| is_in_file(key.offset + u64::from(key.bytes)))
        );
    }
    Some(file)
}

#[test]
fn reads_a_clip_and_a_single_track() {
    let file = read_checked(&ENCODED[0]).unwrap();
    let clip = header_facts::from_header(&file.header).unwrap();
    assert_eq!(clip.video_codec.unwrap().value, "mpeg2video");
    assert_eq!(clip.audio_codec.unwrap().value, "pcm_s24le");
    assert_eq!(
        clip.start_timecode.unwrap().value.to_string(),
        "10:11:12:13"
    );
    assert_eq!(clip.rate.unwrap().value.to_string(), "25");
    assert!(file.keyframes.unwrap().keys.len() >= 2);
    let track = read_checked(&ENCODED[1]).unwrap();
    let keyframes = track.keyframes.unwrap();
    assert_eq!(
        (keyframes.keys.len(), keyframes.stored),
        (15, KeyframeStorage::Whole)
    );
    assert_eq!(
        header_facts::from_header(&track.header)
            .unwrap()
            .profile
            .unwrap()
            .value,
        "DNXHR LB"
    );
}

#[test]
fn leaves_truncated_files_to_ffprobe() {
    for encoded in &*ENCODED {
        for length in (0..encoded.len() - 1500).step_by(997) {
            assert!(read_checked(&encoded[..length]).is_none(), "{length}");
        }
    }
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn reads_or_rejects_damaged_files(
        which in 0..2_usize,
        is_footer in any::<bool>(),
        damage in prop::collection::vec((0..6000_usize, any::<u8>()), 1..8),
        length in 0..80_000_usize,
    ) {
        let mut bytes = ENCODED[which].clone();
        for (at, byte) in damage {
            let at = if is_footer { bytes.len().saturating_sub(at) } else { at };
            if let Some(target) = bytes.get_mut(at) {
                *target = byte;
            }
        }
        // Truncates some of the files.
        if length < 20_000 {
            bytes.truncate(length);
        }
        read_checked(&bytes);
    }

    #[test]
    fn searches_any_edit_unit(
        unit in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        super::find_frame(&unit, PICTURE);
        super::find_frame(&[element(&unit[..unit.len() / 2]), unit].concat(), [1; 4]);
    }
}
