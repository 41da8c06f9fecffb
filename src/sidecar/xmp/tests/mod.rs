//! Sidecars in the shapes that programs give them, read and added to.

mod hostile;
mod judge;
mod laws;
mod merging;
mod shapes;

use super::*;
use crate::value::{Marker, Selection};

/// Attributes that bind every prefix the packets here use.
const BINDINGS: &str = r#"xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:b="urn:btsindex:xmp:1#""#;

/// A packet with these properties in one block.
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
    Packet::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn merge(existing: &str, said: &Said) -> Merged {
    merged(Some(existing.as_bytes()), said).unwrap_or_else(|error| panic!("{error}: {existing}"))
}

/// The merged text, which merging again must leave as it is.
fn settled(existing: &str, said: &Said) -> String {
    let once = merge(existing, said);
    let again = merged(Some(&once.bytes), said).unwrap();
    let text = String::from_utf8(once.bytes.clone()).unwrap();
    assert!(!again.is_changed, "{text}");
    assert_eq!(again.bytes, once.bytes);
    assert_eq!(again.conflicts, once.conflicts);
    text
}

fn said(tags: &[&str]) -> Said {
    Said {
        tags: owned(tags),
        ..Said::default()
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

/// Everything that can be said.
fn everything() -> Said {
    Said {
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
