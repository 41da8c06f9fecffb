//! Any bytes as a media file: sampled, its header read, its pictures planned, its keys read.
//!
//! What comes of it must hold together, since it is kept and relied upon later: keys lie
//! inside the file, and whatever goes into the catalogue comes out of it the same.

#![no_main]

use std::sync::LazyLock;

use btsindex::clip::Clip;
use btsindex::footage::fingerprint;
use btsindex::media::{self, Keyframes, ThumbnailPlan, ProbeResult, ThumbnailKind, fuzzing};
use btsindex::source_file::Original;
use btsindex_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Pictures in a strip.
const STRIP: usize = 8;
/// Keys that a reader may keep.
const MOST_KEYS: usize = 64;
/// Places that are tried for a poster.
const MOST_POSTERS: usize = 4;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(|| Scratch::new("mov"));

fuzz_target!(|bytes: &[u8]| {
    let path = SCRATCH.holding(bytes);
    // As a scan does it, with what the sample keeps; and by single reads.
    let mut sampled = Original::open(path).expect("it is there");
    fingerprint(&mut sampled).expect("it does not change");
    let mut bare = Original::open(path).expect("it is there");
    for original in [&mut sampled, &mut bare] {
        if let Some(told) = media::read_header(original).expect("the drive works") {
            check(&told, bytes.len() as u64);
            if let Some(keyframes) = &told.keyframes {
                for key in keyframes.keys.iter().take(MOST_POSTERS) {
                    let frame = fuzzing::read(original, keyframes, *key);
                    // Start codes become lengths, of a byte more.
                    assert!(frame.is_none_or(|frame| frame.len() <= bytes.len() * 2 + 64));
                }
            }
        }
    }
});

fn check(told: &ProbeResult, size: u64) {
    let kept = serde_json::to_string(&told.facts).expect("facts are JSON");
    let again: Clip = serde_json::from_str(&kept).expect("and come back");
    assert_eq!(again, told.facts);
    if let Some(keyframes) = &told.keyframes {
        check_keyframes(keyframes, size);
    }
    let Some(plan) = ThumbnailPlan::new(&told.facts, told.keyframes.as_ref(), STRIP) else {
        return;
    };
    let kept = serde_json::to_value(&plan).expect("a plan is JSON");
    let again: ThumbnailPlan = serde_json::from_str(&kept.to_string()).expect("and comes back");
    assert_eq!(again, plan);
    for work in [ThumbnailKind::Poster, ThumbnailKind::Strip] {
        assert_eq!(again.recipe(work), plan.recipe(work));
    }
    check_plan(&kept["keyed"], size);
}

fn check_keyframes(keyframes: &Keyframes, size: u64) {
    let keys = &keyframes.keys;
    assert!((1..=MOST_KEYS).contains(&keys.len()));
    assert!(keys.is_sorted_by(|one, next| one.micros < next.micros));
    for key in keys {
        let end = key.offset.checked_add(u64::from(key.bytes));
        assert!(key.bytes > 0 && end.is_some_and(|end| end <= size));
    }
}

/// A plan's keys, or null where there are none.
fn check_plan(keyed: &Value, size: u64) {
    if keyed.is_null() {
        return;
    }
    let list = |name: &str| keyed[name].as_array().expect("a list").as_slice();
    let (poster, strip) = (list("poster"), list("strip"));
    assert!((1..=MOST_POSTERS).contains(&poster.len()));
    assert!((1..=STRIP).contains(&strip.len()));
    let number = |key: &Value, name: &str| key[name].as_u64().expect("a number");
    for key in poster.iter().chain(strip) {
        assert!(number(key, "offset") + number(key, "bytes") <= size);
    }
    assert!(strip.is_sorted_by(|one, next| number(one, "micros") < number(next, "micros")));
}
