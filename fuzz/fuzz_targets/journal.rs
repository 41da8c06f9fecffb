//! Parses any bytes as a journal, which may come from another machine. Parsing must not panic, an
//! edit is accepted only if its id matches its content, and the result of edits must not depend on
//! their order.

#![no_main]

use btsindex::clip::{Clip, Edit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut edits = Vec::new();
    for line in text.lines() {
        if let Ok(edit) = Edit::from_line(line) {
            assert_eq!(Edit::from_line(&edit.to_line()).as_ref(), Ok(&edit));
            edits.push(edit);
        }
        // The fuzzer seldom finds a valid id, so the content is also used with a computed id.
        if let Ok(content) = serde_json::from_str(line) {
            edits.push(Edit::new(content));
        }
    }
    let (mut one, mut other) = (Clip::default(), Clip::default());
    one.apply_edits(&edits);
    edits.reverse();
    other.apply_edits(&edits);
    assert_eq!(one, other);
});
