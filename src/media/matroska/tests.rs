use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// A film of two seconds with cues, as ffmpeg wrote it.
static FILM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(project.join("fixtures/footage/Location Scout/anamorphic_wide.mkv")).unwrap()
});

fn read_bytes(bytes: &[u8]) -> Option<Film> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut original = Original::open(file.path()).unwrap();
    let head = original.read(0, bytes.len().min(64 * 1024)).unwrap();
    original.keep(0, head);
    read(&mut original).unwrap()
}

/// A film with a cluster of unknown length and no cues: what a recorder leaves that lost its
/// power.
fn unfinished() -> Vec<u8> {
    let mut bytes = FILM.clone();
    let at = memchr::memmem::find(&bytes, &id::CLUSTER.to_be_bytes()).unwrap() + 4;
    let length = bytes[at].leading_zeros() as usize + 1;
    bytes[at..at + length].fill(0xff);
    bytes[at] = 0xff >> (length - 1);
    let cues = memchr::memmem::rfind(&bytes, &id::CUES.to_be_bytes()).unwrap();
    bytes.truncate(cues);
    bytes
}

#[test]
fn a_film_is_read_whole_or_cut_off_after_its_first_frame() {
    let film = read_bytes(&FILM).unwrap();
    let picture = &film.header.streams[0];
    assert_eq!(picture.codec_name.as_deref(), Some("h264"));
    assert!(film.header.format.duration.is_some());
    let found = film.keyframes.unwrap();
    assert_eq!(found.keys[0].micros, 0);
    let unfinished = read_bytes(&unfinished()).unwrap();
    assert_eq!(unfinished.header.streams[0].width, picture.width);
    assert!(unfinished.keyframes.is_none());
    assert!(read_bytes(&FILM[..700]).is_none());
}

proptest! {
    #![proptest_config(crate::random_tests::random(256))]

    #[test]
    fn damaged_films_are_read_or_refused(
        is_finished: bool,
        length in 0..9000_usize,
        is_cut: bool,
        damage in prop::collection::vec((0..1200_usize, any::<u8>()), 0..6),
        tail in prop::collection::vec((0..200_usize, any::<u8>()), 0..3),
    ) {
        let mut bytes = if is_finished { FILM.clone() } else { unfinished() };
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        for (before_end, byte) in tail {
            let at = bytes.len() - 1 - before_end;
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(length);
        }
        if let Some(found) = read_bytes(&bytes).and_then(|film| film.keyframes) {
            let keys = &found.keys;
            prop_assert!((1..=64).contains(&keys.len()));
            prop_assert!(keys.is_sorted_by(|one, next| one.micros < next.micros));
            for key in keys {
                let end = key.offset + u64::from(key.bytes);
                prop_assert!(key.bytes > 0 && end <= bytes.len() as u64);
            }
        }
    }

    #[test]
    fn no_bytes_are_too_odd_for_a_cluster(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        is_cluster: bool,
        track in 0..200_u64,
    ) {
        if is_cluster {
            bytes.splice(0..0, id::CLUSTER.to_be_bytes());
        }
        if let Some(found) = key_in(&bytes, track, 0) {
            prop_assert!(found.offset <= bytes.len() && found.length > 0);
        }
    }
}
