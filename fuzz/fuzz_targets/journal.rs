//! Journals come from other people's machines: no bytes make reading one panic, what is believed
//! is what its id says, and what edits come to does not depend on their order.

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
        // An id is seldom guessed: what would be said if it were right is heard too.
        if let Ok(said) = serde_json::from_str(line) {
            edits.push(Edit::new(said));
        }
    }
    let (mut one, mut other) = (Clip::default(), Clip::default());
    one.apply_edits(&edits);
    edits.reverse();
    other.apply_edits(&edits);
    assert_eq!(one, other);
});
