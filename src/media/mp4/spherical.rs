//! How a spherical or stereo picture is laid out: Google's Spherical Video V2 (`st3d`,
//! `sv3d`), and V1's XML in a `uuid` box of the track.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::boxes::{boxes, child, descendant, full};
use crate::media::header::SideData;

/// The marker of V1's `uuid` box (Spherical Video RFC, V1).
const V1: [u8; 16] = *b"\xff\xcc\x82\x63\xf8\x55\x4a\x93\x88\x14\x58\x7a\x02\x52\x1f\xdd";

/// V1's XML has a kilobyte; of a longer one only the beginning is read.
const LONGEST: usize = 64 * 1024;

/// What a track says of its layout: `entry` holds the boxes of its sample description.
pub(super) fn side_data(track: &[u8], entry: &[u8]) -> Vec<SideData> {
    let of_boxes = [projection(entry), stereo(entry)].into_iter().flatten();
    let told: Vec<SideData> = of_boxes.collect();
    if told.is_empty() { v1(track) } else { told }
}

fn projected(projection: &str) -> SideData {
    SideData {
        kind: "Spherical Mapping".to_owned(),
        projection: Some(projection.to_owned()),
        ..SideData::default()
    }
}

fn packed(stereo: &str) -> SideData {
    SideData {
        kind: "Stereo 3D".to_owned(),
        stereo: Some(stereo.to_owned()),
        ..SideData::default()
    }
}

fn projection(entry: &[u8]) -> Option<SideData> {
    let proj = descendant(entry, &[b"sv3d", b"proj"])?;
    if let Some(body) = child(proj, *b"equi") {
        let (_, _, mut cursor) = full(body)?;
        let bounds = [cursor.u32()?, cursor.u32()?, cursor.u32()?, cursor.u32()?];
        return Some(projected(if bounds == [0; 4] {
            "equirectangular"
        } else {
            "tiled equirectangular"
        }));
    }
    child(proj, *b"cbmp").map(|_| projected("cubemap"))
}

fn stereo(entry: &[u8]) -> Option<SideData> {
    let (_, _, mut cursor) = full(child(entry, *b"st3d")?)?;
    Some(packed(match cursor.u8()? {
        0 => "2D",
        1 => "top and bottom",
        2 => "side by side",
        _ => return None,
    }))
}

fn v1(track: &[u8]) -> Vec<SideData> {
    let xml = boxes(track)
        .filter(|boxed| boxed.kind == *b"uuid")
        .find_map(|boxed| boxed.body.strip_prefix(&V1));
    let Some(xml) = xml else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(xml.get(..LONGEST).unwrap_or(xml));
    let (mut name, mut told) = (String::new(), Vec::new());
    let mut reader = Reader::from_str(&text);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(element) => {
                let local = element.local_name();
                local.as_ref().clone_into(&mut name);
            }
            Event::Text(value) => {
                let value = value.trim().to_lowercase();
                match (name.as_str(), value.as_str()) {
                    ("ProjectionType", "equirectangular") => {
                        told.push(projected("equirectangular"));
                    }
                    ("StereoMode", "top-bottom") => told.push(packed("top and bottom")),
                    ("StereoMode", "left-right") => told.push(packed("side by side")),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_of_the_first_version_is_read_as_far_as_anyone_writes_it() {
        let told = |times: usize| {
            let xml = b"<a:ProjectionType>Equirectangular".repeat(times);
            let body = [&V1[..], &xml].concat();
            let size = u32::try_from(8 + body.len()).unwrap();
            side_data(&[&size.to_be_bytes(), &b"uuid"[..], &body].concat(), &[])
        };
        assert_eq!(told(1)[0].projection.as_deref(), Some("equirectangular"));
        assert!(told(100_000).len() < 2000);
    }
}
