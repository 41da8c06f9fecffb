//! XMP packets (ISO 16684-1), which editing programs and some cameras write and ffprobe
//! passes over.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use crate::media::header::{TagMap, add_tag};

/// A packet's properties have a few kilobytes; thumbnails and edit histories come after.
const LONGEST: usize = 256 * 1024;
/// Elements within elements; a property's text is five deep.
const DEEPEST: usize = 16;

/// What is used of a packet: its property, and the tag that stands for it.
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

/// Adds what a packet says; a broken one tells what came before the break.
pub(super) fn add(tags: &mut TagMap, packet: &[u8]) {
    let packet = packet.get(..LONGEST).unwrap_or(packet);
    let text = String::from_utf8_lossy(packet);
    let mut reader = Reader::from_str(&text);
    // The properties that were begun, each with its depth.
    let mut depth = 0_usize;
    let mut property: Option<(usize, &str)> = None;
    let mut value = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(_) if depth == DEEPEST => break,
            Event::Start(element) => {
                depth += 1;
                if let Some(name) = tag(element.name().as_ref()) {
                    property = Some((depth, name));
                    value.clear();
                }
                attributes(tags, &element);
            }
            Event::Empty(element) => attributes(tags, &element),
            Event::Text(part) if property.is_some() => value.push_str(&part.xml10_content()),
            Event::GeneralRef(name) if property.is_some() => {
                if let Ok(Some(character)) = name.resolve_char_ref() {
                    value.push(character);
                } else if let Some(text) = resolve_predefined_entity(name.as_ref()) {
                    value.push_str(text);
                }
            }
            Event::End(_) => {
                if let Some((begun, name)) = property {
                    // The first of several languages.
                    add_tag(tags, name, &value);
                    value.clear();
                    if depth == begun {
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

fn tag(property: &str) -> Option<&'static str> {
    let found = PROPERTIES.iter().find(|(name, _)| *name == property);
    found.map(|(_, tag)| *tag)
}

/// Properties that are written as attributes.
fn attributes(tags: &mut TagMap, element: &BytesStart<'_>) {
    // Each is compared with all before it else, and a hostile packet has very many.
    for attribute in element.attributes().with_checks(false).flatten() {
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
        if let (Some(name), Ok(value)) = (tag(attribute.key.as_ref()), value) {
            add_tag(tags, name, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(packet: &str) -> Vec<(String, String)> {
        let mut tags = TagMap::new();
        add(&mut tags, packet.as_bytes());
        tags.into_iter().collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn properties_stand_in_elements_or_attributes() {
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
            told(packet),
            [
                pair("xmp_created", "2017-01-01T01:01:01-08:00"),
                pair("xmp_make", "Sony"),
                pair("xmp_model", "FX3"),
                pair("xmp_title", "Salt & Sand"),
            ]
        );
    }

    #[test]
    fn a_broken_packet_tells_what_came_before_the_break() {
        assert_eq!(
            told("<a><tiff:Model>FX3</tiff:Model><tiff:Make>So"),
            [pair("xmp_model", "FX3")]
        );
        assert_eq!(told(&"<tiff:Make>".repeat(100_000)), []);
        let (many, blank) = ("a='' ".repeat(50_000), " ".repeat(100_000));
        let packet = format!("<a {many} tiff:Make='Sony'/>");
        assert_eq!(told(&packet), [pair("xmp_make", "Sony")]);
        let elements = "<b></b>".repeat(20_000);
        let packet = format!("<tiff:Model>{blank}{elements}FX3</tiff:Model>");
        assert_eq!(told(&packet), [pair("xmp_model", "FX3")]);
        assert_eq!(told("\0\u{fffd}<"), []);
    }
}
