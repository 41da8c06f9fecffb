//! iXML chunk, which sound recorders write for post-production and ffprobe ignores.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use crate::value::{Rate, Timecode};

/// Maximum element depth; recorders write documents with a depth of four.
const MAX_DEPTH: usize = 16;

/// Properties of the take, as stored by the recorder.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ixml {
    tape: Option<String>,
    note: Option<String>,
    scene: Option<String>,
    take: Option<String>,
    rate: Option<Rate>,
    is_drop_frame: bool,
    /// Sample rate of the time stamp below, in hertz.
    sample_rate: Option<u32>,
    /// High 32 bits of the number of the first sample, counted from midnight.
    high: Option<u32>,
    low: Option<u32>,
}

/// Parses a document; if it is malformed, returns the values before the error.
pub(super) fn parse(chunk: &[u8]) -> Ixml {
    let length = chunk.iter().position(|&byte| byte == 0);
    let document = String::from_utf8_lossy(&chunk[..length.unwrap_or(chunk.len())]);
    let mut reader = Reader::from_str(&document);
    let mut ixml = Ixml::default();
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(_) if path.len() == MAX_DEPTH => break,
            Event::Start(element) => {
                path.push(element.local_name().as_ref().to_owned());
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::CData(part) => text.push_str(&part.xml10_content()),
            Event::GeneralRef(name) => text.extend(resolve_entity(&name)),
            Event::End(_) => {
                ixml.set(&path.join("/"), text.trim());
                path.pop();
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    ixml
}

/// Resolves character references and predefined entities such as `&amp;`; entities that the
/// document declares are ignored.
fn resolve_entity(name: &BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return Some(character.to_string());
    }
    resolve_predefined_entity(&name.xml10_content()).map(str::to_owned)
}

impl Ixml {
    fn set(&mut self, path: &str, text: &str) {
        let value = || (!text.is_empty()).then(|| text.to_owned());
        match path {
            "BWFXML/TAPE" => self.tape = value(),
            "BWFXML/NOTE" => self.note = value(),
            "BWFXML/SCENE" => self.scene = value(),
            "BWFXML/TAKE" => self.take = value(),
            "BWFXML/SPEED/TIMECODE_RATE" => self.rate = text.parse().ok().map(Rate::snapped),
            "BWFXML/SPEED/TIMECODE_FLAG" => self.is_drop_frame = text == "DF",
            "BWFXML/SPEED/TIMESTAMP_SAMPLE_RATE" => self.sample_rate = text.parse().ok(),
            "BWFXML/SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI" => self.high = parse_half(text),
            "BWFXML/SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO" => self.low = parse_half(text),
            _ => {}
        }
    }

    /// Returns the texts as tags.
    pub(super) fn tags(self) -> impl Iterator<Item = (String, String)> {
        [
            ("ixml_tape", self.tape),
            ("ixml_note", self.note),
            ("ixml_scene", self.scene),
            ("ixml_take", self.take),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
    }

    /// Calculates the timecode of the frame that contains the first sample. It is based on the
    /// sample number in `bext`, or on that in iXML if `bext` has none.
    pub(super) fn timecode(
        &self,
        time_reference: Option<u64>,
        sample_rate: u32,
    ) -> Option<Timecode> {
        let ixml_sample = self
            .low
            .map(|low| u64::from(self.high.unwrap_or(0)) << 32 | u64::from(low));
        // Recorders that do not use this `bext` field leave it at zero.
        let sample = time_reference
            .filter(|&sample| sample > 0)
            .or(ixml_sample)
            .or(time_reference)?;
        let rate = self.rate?;
        let frame = rate.frame_of_sample(sample, self.sample_rate.unwrap_or(sample_rate))?;
        let frames_of_a_day = rate.timecode_base().checked_mul(24 * 60 * 60)?;
        let frame = u32::try_from(frame)
            .ok()
            .filter(|&frame| frame < frames_of_a_day)?;
        Timecode::from_frames(frame, rate, self.is_drop_frame)
    }
}

/// Parses one half of a 64-bit number; some recorders write it with a sign.
fn parse_half(text: &str) -> Option<u32> {
    let number: i64 = text.parse().ok()?;
    u32::try_from(number)
        .or_else(|_| i32::try_from(number).map(i32::cast_unsigned))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags_of(document: &str) -> Vec<String> {
        let tags = parse(document.as_bytes()).tags();
        tags.map(|(key, value)| format!("{key}={value}")).collect()
    }

    #[test]
    fn reads_only_the_elements_of_the_take() {
        let document = "\u{feff}<?xml version=\"1.0\"?><BWFXML><TAPE> A&amp;B&#33;</TAPE>\
            <SPEED><NOTE>not this</NOTE><TIMECODE_RATE>25/1</TIMECODE_RATE>\
            <TIMESTAMP_SAMPLE_RATE>96000</TIMESTAMP_SAMPLE_RATE>\
            <TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>0</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>\
            <TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>-1940552340</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>\
            </SPEED><NOTE><![CDATA[a < b]]></NOTE></BWFXML>\0\0 rest";
        assert_eq!(tags_of(document), ["ixml_tape=A&B!", "ixml_note=a < b"]);
        let timecode = parse(document.as_bytes()).timecode(None, 48000);
        assert_eq!(timecode.unwrap().to_string(), "06:48:45:03");
    }

    #[test]
    fn reads_broken_and_hostile_documents_up_to_the_error() {
        let entities = "<!DOCTYPE BWFXML [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>";
        for (document, tags) in [
            ("<BWFXML><TAPE>A1</TAPE><NOTE>b", vec!["ixml_tape=A1"]),
            ("<BWFXML><TAPE>A1</NOTE></BWFXML>", vec![]),
            ("<OTHER><TAPE>A1</TAPE></OTHER>", vec![]),
            ("<BWFXML><TAPE></TAPE><NOTE/></BWFXML>", vec![]),
            ("<<<", vec![]),
            (
                &format!("{entities}<BWFXML><TAPE>x&b;</TAPE></BWFXML>"),
                vec!["ixml_tape=x"],
            ),
            (&"<BWFXML>".repeat(100_000), vec![]),
        ] {
            assert_eq!(tags_of(document), tags, "{document:.80}");
        }
    }
}
