//! Reader of Sony's `NonRealTimeMeta` XML (`C0001M01.XML` next to `C0001.MP4`).

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::clip::{Clip, Fact, Source};
use crate::value::{Timecode, WallTime};

/// Maximum number of characters stored from an attribute.
const MAX_ATTRIBUTE_CHARS: usize = 500;

/// Parses the camera's metadata. Returns no facts if the text is not a `NonRealTimeMeta` document.
pub(super) fn read(xml: &str) -> Clip {
    let mut clip = Clip::default();
    let mut reader = Reader::from_str(xml);
    let mut is_sony = false;
    // In a truncated document, the facts before the end are still valid.
    while let Ok(event) = reader.read_event() {
        let (Event::Start(element) | Event::Empty(element)) = event else {
            if matches!(event, Event::Eof) {
                break;
            }
            continue;
        };
        let name = element.local_name();
        let attributes = attributes(&element);
        let text = |key: &str| attributes.get(key).filter(|text| !text.is_empty()).cloned();
        match name.as_ref() {
            "NonRealTimeMeta" => is_sony = true,
            "LtcChange"
                if clip.start_timecode.is_none() && text("frameCount").as_deref() == Some("0") =>
            {
                clip.start_timecode = fact(text("value").and_then(|value| timecode(&value)));
            }
            "CreationDate" => {
                clip.captured = fact(text("value").and_then(|value| WallTime::from_camera(&value)));
            }
            "Device" | "Camera" => {
                // A recorder mounted on a camera writes both elements, with the camera last. The
                // camera replaces the recorder, because `make` and `model` should name the camera.
                clip.make = fact(text("manufacturer")).or(clip.make);
                clip.model = fact(text("modelName")).or(clip.model);
            }
            "Item" if text("name").as_deref() == Some("CaptureGammaEquation") => {
                clip.transfer = fact(text("value").and_then(|value| log_curve(&value)));
            }
            "Lens" => clip.lens = fact(text("modelName")),
            _ => {}
        }
    }
    if is_sony { clip } else { Clip::default() }
}

/// Returns the name of a log curve as used in queries. Returns `None` for other curves, which are
/// stored in the media file itself.
fn log_curve(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    ["s-log2", "s-log3"]
        .into_iter()
        .find(|curve| name.starts_with(curve))
        .map(str::to_owned)
}

fn fact<T>(value: Option<T>) -> Option<Fact<T>> {
    value.map(|value| Fact::new(value, Source::SONY_XML))
}

fn attributes(element: &BytesStart<'_>) -> HashMap<String, String> {
    element
        .attributes()
        .flatten()
        .filter_map(|attribute| {
            let key = attribute.key.local_name().into_inner().to_owned();
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .ok()?;
            Some((
                key,
                value.trim().chars().take(MAX_ATTRIBUTE_CHARS).collect(),
            ))
        })
        .collect()
}

/// Parses a timecode such as `02221014`: frames, seconds, minutes and hours as BCD, with the flags
/// of SMPTE 12M in the high bits.
fn timecode(value: &str) -> Option<Timecode> {
    if value.len() != 8 {
        return None;
    }
    let pair = |at: usize, mask: u8| {
        let byte = u8::from_str_radix(value.get(at..at + 2)?, 16).ok()? & mask;
        (byte & 0x0f < 10).then_some((byte >> 4) * 10 + (byte & 0x0f))
    };
    let drop_frame = u8::from_str_radix(value.get(..2)?, 16).ok()? & 0x40 != 0;
    Timecode::new(
        pair(6, 0x3f)?,
        pair(4, 0x7f)?,
        pair(2, 0x7f)?,
        pair(0, 0x3f)?,
        drop_frame,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const VENICE: &str = r#"<?xml version="1.0"?>
        <NonRealTimeMeta xmlns="urn:schemas-professionalDisc:nonRealTimeMeta:ver.2.10">
        <LtcChangeTable tcFps="24"><LtcChange frameCount="0" value="19044716" status="increment"/></LtcChangeTable>
        <CreationDate value="2021-07-16T11:46:22-08:00"/>
        <Device manufacturer="Sony" modelName="AXS-R7"/><Camera manufacturer="Sony" modelName="MPC-3610"/>
        <Lens manufacturer="" modelName="S7i-32         "/>"#;

    #[test]
    fn reads_a_truncated_document() {
        let clip = read(VENICE);
        assert_eq!(
            clip.start_timecode.unwrap().value.to_string(),
            "16:47:04:19"
        );
        assert_eq!(
            clip.captured.unwrap().value.to_string(),
            "2021-07-16T11:46:22-08:00"
        );
        assert_eq!(clip.model.unwrap().value, "MPC-3610");
        assert_eq!(clip.lens.unwrap().value, "S7i-32");
    }

    #[test]
    fn returns_no_facts_for_other_xml() {
        for text in [
            "<Other><Device modelName=\"X\"/></Other>",
            "",
            "<<<",
            "not xml",
            "<NonRealTimeMeta",
        ] {
            assert_eq!(read(text), Clip::default(), "{text}");
        }
    }

    #[test]
    fn parses_bcd_timecodes_with_the_drop_frame_flag() {
        assert_eq!(timecode("42000001").unwrap().to_string(), "01:00:00;02");
        for value in ["", "0000000", "ff000000", "zz000000", "00000é0"] {
            assert_eq!(timecode(value), None, "{value}");
        }
    }
}
