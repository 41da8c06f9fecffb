//! Files that are built by hand, and real ones that are damaged.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::index::Segment;
use super::layout::layout;
use super::*;
use crate::media::facts;

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

/// A partition pack: 2 header, 3 body, 4 footer.
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

/// A piece of the index table, with entries of eleven bytes.
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

fn list(places: &[(u32, u64)]) -> Vec<u8> {
    let mut value = Vec::new();
    for (body, at) in places {
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
    original.keep(0, head);
    original
}

#[test]
fn an_index_longer_than_is_read_does_not_hide_the_file() {
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
    let found = layout(&mut Window::new(&original)).unwrap();
    assert!(found.is_index_cut && !found.segments.is_empty());
    assert_eq!(found.partitions.len(), 2);
    let segment: &Segment = &found.segments[0];
    assert_eq!((segment.body, segment.entries.len()), (BODY, 5000));
}

#[test]
fn keys_are_found_in_partitions_that_list_what_is_before_them() {
    // Ten partitions of three frames each; the table of each stands in the next.
    let unit = element(&[9; 30]);
    let length = unit.len() as u64;
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    for number in 0..10_u64 {
        let at = bytes.len();
        places.push((BODY, at as u64));
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
    places.push((0, footer as u64));
    bytes.extend(list(&places));
    let file = file(&bytes);
    let original = original(file.path());
    let mut window = Window::new(&original);
    let mut found = layout(&mut window).unwrap();
    assert_eq!(found.places, places);
    let essence = Essence {
        rate: (25, 1),
        duration: Some(30),
        number: PICTURE,
        body: BODY,
        index: INDEX,
    };
    let keys = keys::keys(&mut window, &mut found, essence, Wrapping::Frame);
    let times: Vec<u64> = keys.iter().map(|key| key.micros / 40_000).collect();
    // Four of the nine others were looked at.
    assert_eq!(times, [3, 9, 15, 21]);
    for key in &keys {
        let at = usize::try_from(key.offset).unwrap();
        let unit = &bytes[at..at + key.bytes as usize];
        assert_eq!(super::element(unit, PICTURE), Some(&[9; 30][..]));
        assert_eq!(super::element(unit, [0; 4]), None);
    }
}

fn made(options: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.mxf");
    let status = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(options.split_whitespace())
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success(), "{options}");
    std::fs::read(path).unwrap()
}

/// A film with sound, and one track alone.
static REAL: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let picture = "-f lavfi -i testsrc2=size=256x128:rate=25:duration=0.6";
    let sound = "-f lavfi -i sine=sample_rate=48000:duration=0.6";
    let film = "-c:v mpeg2video -g 6 -bf 2 -c:a pcm_s24le -timecode 10:11:12:13";
    let atom = "-c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p -f mxf_opatom";
    [
        made(&format!("{picture} {sound} {film}")),
        made(&format!("{picture} {atom}")),
    ]
});

/// Reads a file, and checks what of it is relied upon later.
fn read_checked(bytes: &[u8]) -> Option<Film> {
    let file = file(bytes);
    let movie = read(&original(file.path())).unwrap()?;
    facts::of(&movie.header).unwrap();
    if let Some(keyframes) = &movie.keyframes {
        let keys = &keyframes.keys;
        assert!((1..=64).contains(&keys.len()));
        assert!(keys.is_sorted_by(|one, next| one.micros < next.micros));
        let size = bytes.len() as u64;
        let is_there = |end: u64| end <= size;
        assert!(
            keys.iter()
                .all(|key| is_there(key.offset + u64::from(key.bytes)))
        );
    }
    Some(movie)
}

#[test]
fn a_film_and_a_single_track_say_what_they_are() {
    let film = read_checked(&REAL[0]).unwrap();
    let clip = facts::of(&film.header).unwrap();
    assert_eq!(clip.video_codec.unwrap().value, "mpeg2video");
    assert_eq!(clip.audio_codec.unwrap().value, "pcm_s24le");
    assert_eq!(
        clip.start_timecode.unwrap().value.to_string(),
        "10:11:12:13"
    );
    assert_eq!(clip.rate.unwrap().value.to_string(), "25");
    assert!(film.keyframes.unwrap().keys.len() >= 2);
    let track = read_checked(&REAL[1]).unwrap();
    let keyframes = track.keyframes.unwrap();
    assert_eq!(
        (keyframes.keys.len(), keyframes.stored),
        (15, Stored::Whole)
    );
    assert_eq!(
        facts::of(&track.header).unwrap().profile.unwrap().value,
        "DNXHR LB"
    );
}

#[test]
fn a_file_that_breaks_off_is_left_to_ffprobe() {
    for real in &*REAL {
        for length in (0..real.len() - 1500).step_by(997) {
            assert!(read_checked(&real[..length]).is_none(), "{length}");
        }
    }
}

proptest! {
    #![proptest_config(crate::random_tests::random(256))]

    #[test]
    fn damaged_files_are_read_or_refused(
        which in 0..2_usize,
        is_footer in any::<bool>(),
        damage in prop::collection::vec((0..6000_usize, any::<u8>()), 1..8),
        length in 0..80_000_usize,
    ) {
        let mut bytes = REAL[which].clone();
        for (at, byte) in damage {
            let at = if is_footer { bytes.len().saturating_sub(at) } else { at };
            if let Some(spot) = bytes.get_mut(at) {
                *spot = byte;
            }
        }
        // Most are whole.
        if length < 20_000 {
            bytes.truncate(length);
        }
        read_checked(&bytes);
    }

    #[test]
    fn no_edit_unit_is_too_odd_to_be_looked_at(
        unit in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        super::element(&unit, PICTURE);
        super::element(&[element(&unit[..unit.len() / 2]), unit].concat(), [1; 4]);
    }
}
