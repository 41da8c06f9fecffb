//! Reads any bytes as a media file: fingerprint, header, plan for pictures, keyframes.
//!
//! The results must be consistent, since they are stored and used later: keyframes are inside the
//! file, and facts and plans are equal after a round trip through JSON.

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
/// Maximum number of keyframes that a reader returns.
const MAX_KEYS: usize = 64;
/// Maximum number of positions that are tried for a poster.
const MAX_POSTERS: usize = 4;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(|| Scratch::new("mov"));

fuzz_target!(|bytes: &[u8]| {
    let path = SCRATCH.write(bytes);
    // With the bytes cached by the fingerprint, as in a scan, and without.
    let mut sampled = Original::open(path).expect("the file exists");
    fingerprint(&mut sampled).expect("the file does not change");
    let mut uncached = Original::open(path).expect("the file exists");
    for original in [&mut sampled, &mut uncached] {
        if let Some(header) = media::read_header(original).expect("the drive works") {
            check(&header, bytes.len() as u64);
            if let Some(keyframes) = &header.keyframes {
                for key in keyframes.keys.iter().take(MAX_POSTERS) {
                    let frame = fuzzing::read(original, keyframes, *key);
                    // A three-byte start code may become a four-byte length.
                    assert!(frame.is_none_or(|frame| frame.len() <= bytes.len() * 2 + 64));
                }
            }
        }
    }
});

fn check(result: &ProbeResult, size: u64) {
    let json = serde_json::to_string(&result.facts).expect("facts to JSON");
    let parsed: Clip = serde_json::from_str(&json).expect("facts from JSON");
    assert_eq!(parsed, result.facts);
    if let Some(keyframes) = &result.keyframes {
        check_keyframes(keyframes, size);
    }
    let Some(plan) = ThumbnailPlan::new(&result.facts, result.keyframes.as_ref(), STRIP) else {
        return;
    };
    let json = serde_json::to_value(&plan).expect("a plan to JSON");
    let parsed: ThumbnailPlan = serde_json::from_str(&json.to_string()).expect("a plan from JSON");
    assert_eq!(parsed, plan);
    for work in [ThumbnailKind::Poster, ThumbnailKind::Strip] {
        assert_eq!(parsed.recipe(work), plan.recipe(work));
    }
    check_plan(&json["keyed"], size);
}

fn check_keyframes(keyframes: &Keyframes, size: u64) {
    let keys = &keyframes.keys;
    assert!((1..=MAX_KEYS).contains(&keys.len()));
    assert!(keys.is_sorted_by(|one, next| one.micros < next.micros));
    for key in keys {
        let end = key.offset.checked_add(u64::from(key.bytes));
        assert!(key.bytes > 0 && end.is_some_and(|end| end <= size));
    }
}

/// Checks the keyframes of a plan, which are null if there are none.
fn check_plan(keyed: &Value, size: u64) {
    if keyed.is_null() {
        return;
    }
    let list = |name: &str| keyed[name].as_array().expect("a list").as_slice();
    let (poster, strip) = (list("poster"), list("strip"));
    assert!((1..=MAX_POSTERS).contains(&poster.len()));
    assert!((1..=STRIP).contains(&strip.len()));
    let number = |key: &Value, name: &str| key[name].as_u64().expect("a number");
    for key in poster.iter().chain(strip) {
        assert!(number(key, "offset") + number(key, "bytes") <= size);
    }
    assert!(strip.is_sorted_by(|one, next| number(one, "micros") < number(next, "micros")));
}
