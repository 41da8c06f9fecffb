//! Projection and stereo layout of 360° video: the boxes of Google's Spherical Video V2 (`st3d`,
//! `sv3d`), and the XML of V1 in a `uuid` box of the track.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::boxes::{boxes, child, descendant, full_box};
use crate::media::header::SideData;

/// UUID of the `uuid` box of V1 (Spherical Video RFC, V1).
const V1_UUID: [u8; 16] = *b"\xff\xcc\x82\x63\xf8\x55\x4a\x93\x88\x14\x58\x7a\x02\x52\x1f\xdd";

/// Maximum number of bytes read from the XML of V1, which normally has about a kilobyte.
const MAX_XML: usize = 64 * 1024;

/// Reads the projection and stereo layout of a track. `entry` contains the boxes of its sample
/// description.
pub(super) fn read_side_data(track: &[u8], entry: &[u8]) -> Vec<SideData> {
    let from_boxes = [read_projection(entry), read_stereo(entry)]
        .into_iter()
        .flatten();
    let found: Vec<SideData> = from_boxes.collect();
    if found.is_empty() {
        read_v1(track)
    } else {
        found
    }
}

fn spherical_mapping(projection: &str) -> SideData {
    SideData {
        kind: "Spherical Mapping".to_owned(),
        projection: Some(projection.to_owned()),
        ..SideData::default()
    }
}

fn stereo_mapping(stereo: &str) -> SideData {
    SideData {
        kind: "Stereo 3D".to_owned(),
        stereo: Some(stereo.to_owned()),
        ..SideData::default()
    }
}

fn read_projection(entry: &[u8]) -> Option<SideData> {
    let proj = descendant(entry, &[b"sv3d", b"proj"])?;
    if let Some(body) = child(proj, *b"equi") {
        let (_, _, mut cursor) = full_box(body)?;
        let bounds = [cursor.u32()?, cursor.u32()?, cursor.u32()?, cursor.u32()?];
        return Some(spherical_mapping(if bounds == [0; 4] {
            "equirectangular"
        } else {
            "tiled equirectangular"
        }));
    }
    child(proj, *b"cbmp").map(|_| spherical_mapping("cubemap"))
}

fn read_stereo(entry: &[u8]) -> Option<SideData> {
    let (_, _, mut cursor) = full_box(child(entry, *b"st3d")?)?;
    Some(stereo_mapping(match cursor.u8()? {
        0 => "2D",
        1 => "top and bottom",
        2 => "side by side",
        _ => return None,
    }))
}

fn read_v1(track: &[u8]) -> Vec<SideData> {
    let xml = boxes(track)
        .filter(|boxed| boxed.kind == *b"uuid")
        .find_map(|boxed| boxed.body.strip_prefix(&V1_UUID));
    let Some(xml) = xml else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(xml.get(..MAX_XML).unwrap_or(xml));
    let (mut name, mut found) = (String::new(), Vec::new());
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
                        found.push(spherical_mapping("equirectangular"));
                    }
                    ("StereoMode", "top-bottom") => found.push(stereo_mapping("top and bottom")),
                    ("StereoMode", "left-right") => found.push(stereo_mapping("side by side")),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_v1_xml_only_up_to_the_limit() {
        let read = |times: usize| {
            let xml = b"<a:ProjectionType>Equirectangular".repeat(times);
            let body = [&V1_UUID[..], &xml].concat();
            let size = u32::try_from(8 + body.len()).unwrap();
            read_side_data(&[&size.to_be_bytes(), &b"uuid"[..], &body].concat(), &[])
        };
        assert_eq!(read(1)[0].projection.as_deref(), Some("equirectangular"));
        assert!(read(100_000).len() < 2000);
    }
}
