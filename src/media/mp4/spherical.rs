//! Projection and stereo layout of 360° video: the boxes of Google's Spherical Video V2 (`st3d`,
//! `sv3d`), and the XML of V1 in a `uuid` box of the track.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::boxes::{boxes, child, descendant, full_box};
use crate::value::{Projection, Stereo};

/// UUID of the `uuid` box of V1 (Spherical Video RFC, V1).
const V1_UUID: [u8; 16] = *b"\xff\xcc\x82\x63\xf8\x55\x4a\x93\x88\x14\x58\x7a\x02\x52\x1f\xdd";

/// Maximum number of bytes read from the XML of V1, which normally has about a kilobyte.
const MAX_XML: usize = 64 * 1024;

/// Projection and stereo layout of a track.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Spherical {
    pub projection: Option<Projection>,
    pub stereo: Option<Stereo>,
}

/// Reads the projection and stereo layout of a track. `entry` contains the boxes of its sample
/// description.
pub(super) fn read(track: &[u8], entry: &[u8]) -> Spherical {
    let (projection, stereo_mode) = (read_projection(entry), read_stereo_mode(entry));
    if projection.is_none() && stereo_mode.is_none() {
        return read_v1(track);
    }
    Spherical {
        projection,
        stereo: match stereo_mode {
            Some(StereoMode::TopBottom) => Some(Stereo::TopBottom),
            Some(StereoMode::LeftRight) => Some(Stereo::SideBySide),
            Some(StereoMode::Monoscopic) | None => None,
        },
    }
}

fn read_projection(entry: &[u8]) -> Option<Projection> {
    let proj = descendant(entry, &[b"sv3d", b"proj"])?;
    if let Some(body) = child(proj, *b"equi") {
        let (_, _, mut cursor) = full_box(body)?;
        let bounds = [cursor.u32()?, cursor.u32()?, cursor.u32()?, cursor.u32()?];
        return Some(if bounds == [0; 4] {
            Projection::Equirectangular
        } else {
            Projection::Tiled
        });
    }
    child(proj, *b"cbmp").map(|_| Projection::Cubemap)
}

/// Stereo mode of an `st3d` box.
enum StereoMode {
    Monoscopic,
    TopBottom,
    LeftRight,
}

fn read_stereo_mode(entry: &[u8]) -> Option<StereoMode> {
    let (_, _, mut cursor) = full_box(child(entry, *b"st3d")?)?;
    Some(match cursor.u8()? {
        0 => StereoMode::Monoscopic,
        1 => StereoMode::TopBottom,
        2 => StereoMode::LeftRight,
        _ => return None,
    })
}

fn read_v1(track: &[u8]) -> Spherical {
    let xml = boxes(track)
        .filter(|boxed| boxed.kind == *b"uuid")
        .find_map(|boxed| boxed.body.strip_prefix(&V1_UUID));
    let Some(xml) = xml else {
        return Spherical::default();
    };
    let text = String::from_utf8_lossy(xml.get(..MAX_XML).unwrap_or(xml));
    let (mut name, mut found) = (String::new(), Spherical::default());
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
                        found.projection = Some(Projection::Equirectangular);
                    }
                    ("StereoMode", "top-bottom") => found.stereo = Some(Stereo::TopBottom),
                    ("StereoMode", "left-right") => found.stereo = Some(Stereo::SideBySide),
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
        let read = |padding: usize| {
            let xml = b"<a:ProjectionType>Equirectangular</a:ProjectionType>";
            let comment = [b"<!--", &vec![b'-'; padding][..], b"-->"].concat();
            let body = [&V1_UUID[..], &comment, xml].concat();
            let size = u32::try_from(8 + body.len()).unwrap();
            read(&[&size.to_be_bytes(), &b"uuid"[..], &body].concat(), &[]).projection
        };
        assert_eq!(read(1), Some(Projection::Equirectangular));
        assert_eq!(read(MAX_XML), None);
    }
}
