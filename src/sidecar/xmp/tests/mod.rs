//! Tests of XMP sidecars in the forms that various programs write.

mod exiftool;
mod hostile;
mod merge_properties;
mod merging;
mod reading;

use super::*;
use crate::value::{Marker, Selection};

/// Attributes that bind all prefixes used by the tests.
const BINDINGS: &str = r#"xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:b="urn:btsindex:xmp:1#""#;

/// Returns a packet with these properties in one block.
fn packet(attributes: &str, elements: &str) -> String {
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" {BINDINGS} {attributes}>{elements}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"#
    )
}

fn read(text: &str) -> Packet {
    Packet::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn merge_text(existing: &str, edits: &ClipEdits) -> Merged {
    merge(Some(existing.as_bytes()), edits).unwrap_or_else(|error| panic!("{error}: {existing}"))
}

/// Merges edits and checks that a second merge changes nothing. Returns the merged text.
fn merge_twice(existing: &str, edits: &ClipEdits) -> String {
    let once = merge_text(existing, edits);
    let again = merge(Some(&once.bytes), edits).unwrap();
    let text = String::from_utf8(once.bytes.clone()).unwrap();
    assert!(!again.is_changed, "{text}");
    assert_eq!(again.bytes, once.bytes);
    assert_eq!(again.conflicts, once.conflicts);
    text
}

fn edits_with_tags(tags: &[&str]) -> ClipEdits {
    ClipEdits {
        tags: owned(tags),
        ..ClipEdits::default()
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn marker(micros: u64, text: &str) -> Marker {
    Marker {
        micros,
        timecode: None,
        text: text.to_owned(),
    }
}

fn xmp_marker(micros: u64, duration_micros: u64, text: &str) -> XmpMarker {
    XmpMarker {
        micros,
        duration_micros,
        text: text.to_owned(),
    }
}

/// Returns edits of every kind.
fn everything() -> ClipEdits {
    ClipEdits {
        tags: owned(&["ad shoot", "interview"]),
        removed: owned(&["b-roll"]),
        stars: Some(4),
        selection: Some(Selection::Selected),
        notes: owned(&["good sound", "laughs\nat the end"]),
        markers: vec![
            marker(0, "slate"),
            marker(12_500_001, "looks <up> & \"smiles\""),
        ],
    }
}
