//! Tests with an existing file: complete, truncated and damaged.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// Clip of two seconds with cues, written by ffmpeg.
static CLIP: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(project.join("fixtures/footage/Location Scout/anamorphic_wide.mkv")).unwrap()
});

fn read_bytes(bytes: &[u8]) -> Option<ParsedFile> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut original = Original::open(file.path()).unwrap();
    let head = original.read(0, bytes.len().min(64 * 1024)).unwrap();
    original.store(0, head);
    read(&mut original).unwrap()
}

/// Returns the clip with a cluster of unknown size and without cues, as after a power failure in a
/// recorder.
fn unfinished() -> Vec<u8> {
    let mut bytes = CLIP.clone();
    let at = memchr::memmem::find(&bytes, &id::CLUSTER.to_be_bytes()).unwrap() + 4;
    let length = bytes[at].leading_zeros() as usize + 1;
    bytes[at..at + length].fill(0xff);
    bytes[at] = 0xff >> (length - 1);
    let cues = memchr::memmem::rfind(&bytes, &id::CUES.to_be_bytes()).unwrap();
    bytes.truncate(cues);
    bytes
}

#[test]
fn reads_a_complete_file_and_one_truncated_after_its_first_frame() {
    let file = read_bytes(&CLIP).unwrap();
    let video = &file.header.streams[0];
    assert_eq!(video.codec.as_deref(), Some("h264"));
    assert!(file.header.format.duration.is_some());
    let found = file.keyframes.unwrap();
    assert_eq!(found.keys[0].micros, 0);
    let unfinished = read_bytes(&unfinished()).unwrap();
    assert_eq!(unfinished.header.streams[0].width, video.width);
    assert!(unfinished.keyframes.is_none());
    assert!(read_bytes(&CLIP[..700]).is_none());
}

proptest! {
    #![proptest_config(crate::property_tests::random(256))]

    #[test]
    fn reads_or_rejects_damaged_files(
        is_finished: bool,
        length in 0..9000_usize,
        is_truncated: bool,
        damage in prop::collection::vec((0..1200_usize, any::<u8>()), 0..6),
        tail in prop::collection::vec((0..200_usize, any::<u8>()), 0..3),
    ) {
        let mut bytes = if is_finished { CLIP.clone() } else { unfinished() };
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        for (before_end, byte) in tail {
            let at = bytes.len() - 1 - before_end;
            bytes[at] = byte;
        }
        if is_truncated {
            bytes.truncate(length);
        }
        if let Some(found) = read_bytes(&bytes).and_then(|file| file.keyframes) {
            let keys = &found.keys;
            prop_assert!((1..=64).contains(&keys.len()));
            prop_assert!(keys.is_sorted_by(|key, next| key.micros < next.micros));
            for key in keys {
                let end = key.offset + u64::from(key.bytes);
                prop_assert!(key.bytes > 0 && end <= bytes.len() as u64);
            }
        }
    }

    #[test]
    fn searches_any_bytes_for_a_keyframe(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        is_cluster: bool,
        track in 0..200_u64,
    ) {
        if is_cluster {
            bytes.splice(0..0, id::CLUSTER.to_be_bytes());
        }
        if let Some(found) = find_keyframe(&bytes, track, 0) {
            prop_assert!(found.offset <= bytes.len() && found.length > 0);
        }
    }
}
