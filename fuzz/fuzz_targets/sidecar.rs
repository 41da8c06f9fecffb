//! Parses any bytes as each kind of sidecar. Facts must be equal after a round trip through JSON.

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
        let facts = sidecar::read(scratch.write(bytes), Path::new("C0001.MP4")).expect("the file exists");
        let json = serde_json::to_string(&facts).expect("facts to JSON");
        let parsed: Clip = serde_json::from_str(&json).expect("facts from JSON");
        assert_eq!(parsed, facts);
    }
});
