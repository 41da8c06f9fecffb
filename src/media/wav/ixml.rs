//! iXML, which sound recorders write for the cutting room and ffprobe passes over.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use crate::value::{Rate, Timecode};

/// Elements within elements; a recorder's go four deep.
const DEEPEST: usize = 16;

/// What the recorder wrote of the shot.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ixml {
    tape: Option<String>,
    note: Option<String>,
    scene: Option<String>,
    take: Option<String>,
    rate: Option<Rate>,
    is_drop_frame: bool,
    /// Samples a second that the address below counts.
    sample_rate: Option<u32>,
    /// Halves of the first sample's address, counted from midnight.
    high: Option<u32>,
    low: Option<u32>,
}

/// Reads a document; a broken one tells what came before the break.
pub(super) fn read(chunk: &[u8]) -> Ixml {
    let length = chunk.iter().position(|&byte| byte == 0);
    let document = String::from_utf8_lossy(&chunk[..length.unwrap_or(chunk.len())]);
    let mut reader = Reader::from_str(&document);
    let mut told = Ixml::default();
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(_) if path.len() == DEEPEST => break,
            Event::Start(element) => {
                path.push(element.local_name().as_ref().to_owned());
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::CData(part) => text.push_str(&part.xml10_content()),
            Event::GeneralRef(name) => text.extend(referred(&name)),
            Event::End(_) => {
                told.take(&path.join("/"), text.trim());
                path.pop();
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    told
}

/// What `&amp;` and `&#38;` stand for; entities that a document declares itself are nothing.
fn referred(name: &BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return Some(character.to_string());
    }
    resolve_predefined_entity(&name.xml10_content()).map(str::to_owned)
}

impl Ixml {
    fn take(&mut self, path: &str, text: &str) {
        let said = || (!text.is_empty()).then(|| text.to_owned());
        match path {
            "BWFXML/TAPE" => self.tape = said(),
            "BWFXML/NOTE" => self.note = said(),
            "BWFXML/SCENE" => self.scene = said(),
            "BWFXML/TAKE" => self.take = said(),
            "BWFXML/SPEED/TIMECODE_RATE" => self.rate = text.parse().ok().map(Rate::snapped),
            "BWFXML/SPEED/TIMECODE_FLAG" => self.is_drop_frame = text == "DF",
            "BWFXML/SPEED/TIMESTAMP_SAMPLE_RATE" => self.sample_rate = text.parse().ok(),
            "BWFXML/SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI" => self.high = half(text),
            "BWFXML/SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO" => self.low = half(text),
            _ => {}
        }
    }

    /// Tags of its own, that no ffprobe gives; the start is the sample that `bext` says, or iXML.
    pub(super) fn tags(
        self,
        time_reference: Option<u64>,
        sample_rate: u32,
    ) -> impl Iterator<Item = (String, String)> {
        let timecode = self.timecode(time_reference, sample_rate);
        [
            (
                "ixml_timecode",
                timecode.map(|timecode| timecode.to_string()),
            ),
            ("ixml_tape", self.tape),
            ("ixml_note", self.note),
            ("ixml_scene", self.scene),
            ("ixml_take", self.take),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
    }

    /// The address of the frame in which the first sample lies.
    fn timecode(&self, time_reference: Option<u64>, sample_rate: u32) -> Option<Timecode> {
        let own = self
            .low
            .map(|low| u64::from(self.high.unwrap_or(0)) << 32 | u64::from(low));
        // A `bext` that was never filled in holds zero.
        let sample = time_reference
            .filter(|&sample| sample > 0)
            .or(own)
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

/// Half of a 64-bit number; some recorders write it with a sign.
fn half(text: &str) -> Option<u32> {
    let number: i64 = text.parse().ok()?;
    u32::try_from(number)
        .or_else(|_| i32::try_from(number).map(i32::cast_unsigned))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(document: &str) -> Vec<String> {
        let tags = read(document.as_bytes()).tags(None, 48000);
        tags.map(|(key, value)| format!("{key}={value}")).collect()
    }

    #[test]
    fn a_document_stands_for_its_own_take() {
        let document = "\u{feff}<?xml version=\"1.0\"?><BWFXML><TAPE> A&amp;B&#33;</TAPE>\
            <SPEED><NOTE>not this</NOTE><TIMECODE_RATE>25/1</TIMECODE_RATE>\
            <TIMESTAMP_SAMPLE_RATE>96000</TIMESTAMP_SAMPLE_RATE>\
            <TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>0</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>\
            <TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>-1940552340</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>\
            </SPEED><NOTE><![CDATA[a < b]]></NOTE></BWFXML>\0\0 rest";
        assert_eq!(
            told(document),
            [
                "ixml_timecode=06:48:45:03",
                "ixml_tape=A&B!",
                "ixml_note=a < b"
            ]
        );
    }

    #[test]
    fn what_is_broken_or_hostile_tells_no_more_than_it_says() {
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
            assert_eq!(told(document), tags, "{document:.80}");
        }
    }
}
