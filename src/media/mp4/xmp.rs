//! XMP packets (ISO 16684-1), which editing programs and some cameras write. ffprobe ignores them.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use crate::media::header::{TagMap, add_tag};

/// Maximum number of bytes read from a packet. The properties take a few kilobytes, and thumbnails
/// and edit histories follow them.
const MAX_PACKET: usize = 256 * 1024;
/// Maximum element depth. The text of a property is at depth five.
const MAX_DEPTH: usize = 16;

/// Properties that are read, each with the tag under which it is stored.
const PROPERTIES: [(&str, &str); 12] = [
    ("tiff:Make", "xmp_make"),
    ("tiff:Model", "xmp_model"),
    ("aux:Lens", "xmp_lens"),
    ("exifEX:LensModel", "xmp_lens"),
    ("xmp:CreatorTool", "xmp_software"),
    ("dc:title", "xmp_title"),
    ("dc:description", "xmp_description"),
    ("xmpDM:tapeName", "xmp_reel"),
    ("exif:DateTimeOriginal", "xmp_date"),
    ("xmpDM:shotDate", "xmp_date"),
    ("photoshop:DateCreated", "xmp_date"),
    ("xmp:CreateDate", "xmp_created"),
];

/// Adds the properties of a packet. If it is malformed, adds those before the error.
pub(super) fn add(tags: &mut TagMap, packet: &[u8]) {
    let packet = packet.get(..MAX_PACKET).unwrap_or(packet);
    let text = String::from_utf8_lossy(packet);
    let mut reader = Reader::from_str(&text);
    // Depth and tag of the property whose element is open.
    let mut depth = 0_usize;
    let mut property: Option<(usize, &str)> = None;
    let mut value = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(_) if depth == MAX_DEPTH => break,
            Event::Start(element) => {
                depth += 1;
                if let Some(name) = tag_name(element.name().as_ref()) {
                    property = Some((depth, name));
                    value.clear();
                }
                add_attributes(tags, &element);
            }
            Event::Empty(element) => add_attributes(tags, &element),
            Event::Text(part) if property.is_some() => value.push_str(&part.xml10_content()),
            Event::GeneralRef(name) if property.is_some() => {
                if let Ok(Some(character)) = name.resolve_char_ref() {
                    value.push(character);
                } else if let Some(text) = resolve_predefined_entity(name.as_ref()) {
                    value.push_str(text);
                }
            }
            Event::End(_) => {
                if let Some((start_depth, name)) = property {
                    // Only the first of several languages is stored.
                    add_tag(tags, name, &value);
                    value.clear();
                    if depth == start_depth {
                        property = None;
                    }
                }
                depth = depth.saturating_sub(1);
            }
            Event::Eof => break,
            _ => {}
        }
    }
}

fn tag_name(property: &str) -> Option<&'static str> {
    let found = PROPERTIES.iter().find(|(name, _)| *name == property);
    found.map(|(_, tag)| *tag)
}

/// Adds properties that are stored as attributes.
fn add_attributes(tags: &mut TagMap, element: &BytesStart<'_>) {
    // The check for duplicates compares each attribute with all previous ones, which is slow for a
    // malicious packet with very many.
    for attribute in element.attributes().with_checks(false).flatten() {
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
        if let (Some(name), Ok(value)) = (tag_name(attribute.key.as_ref()), value) {
            add_tag(tags, name, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags_of(packet: &str) -> Vec<(String, String)> {
        let mut tags = TagMap::new();
        add(&mut tags, packet.as_bytes());
        tags.into_iter().collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn reads_properties_from_elements_and_attributes() {
        let packet = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>
            <rdf:Description tiff:Make="Sony" xmp:CreateDate="2017-01-01T01:01:01-08:00">
              <tiff:Model>FX3</tiff:Model>
              <dc:title><rdf:Alt>
                <rdf:li xml:lang="x-default">Salt &amp; Sand</rdf:li>
                <rdf:li xml:lang="de">Salz</rdf:li>
              </rdf:Alt></dc:title>
              <xmpMM:History><rdf:Seq><rdf:li stEvt:softwareAgent="Premiere"/></rdf:Seq></xmpMM:History>
            </rdf:Description></rdf:RDF></x:xmpmeta>"#;
        assert_eq!(
            tags_of(packet),
            [
                pair("xmp_created", "2017-01-01T01:01:01-08:00"),
                pair("xmp_make", "Sony"),
                pair("xmp_model", "FX3"),
                pair("xmp_title", "Salt & Sand"),
            ]
        );
    }

    #[test]
    fn reads_a_broken_packet_up_to_the_error() {
        assert_eq!(
            tags_of("<a><tiff:Model>FX3</tiff:Model><tiff:Make>So"),
            [pair("xmp_model", "FX3")]
        );
        assert_eq!(tags_of(&"<tiff:Make>".repeat(100_000)), []);
        let (many, blank) = ("a='' ".repeat(50_000), " ".repeat(100_000));
        let packet = format!("<a {many} tiff:Make='Sony'/>");
        assert_eq!(tags_of(&packet), [pair("xmp_make", "Sony")]);
        let elements = "<b></b>".repeat(20_000);
        let packet = format!("<tiff:Model>{blank}{elements}FX3</tiff:Model>");
        assert_eq!(tags_of(&packet), [pair("xmp_model", "FX3")]);
        assert_eq!(tags_of("\0\u{fffd}<"), []);
    }
}
