//! Any bytes as each kind of sidecar.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use btsindex::clip::Clip;
use btsindex::sidecar;
use btsindex_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;

static SCRATCHES: LazyLock<[Scratch; 3]> = LazyLock::new(|| ["xml", "srt", "xmp"].map(Scratch::new));

fuzz_target!(|bytes: &[u8]| {
    for scratch in SCRATCHES.iter() {
        let facts = sidecar::read(scratch.holding(bytes), Path::new("C0001.MP4")).expect("it is there");
        let kept = serde_json::to_string(&facts).expect("facts are JSON");
        let again: Clip = serde_json::from_str(&kept).expect("and come back");
        assert_eq!(again, facts);
    }
});
