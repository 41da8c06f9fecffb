//! Reader of DJI telemetry, which is stored as subtitles next to a clip (`DJI_0042.SRT`).

use crate::clip::{Clip, Fact, Source};
use crate::value::{GeoPoint, WallTime};

/// Returns true if the subtitles are telemetry and not text for viewers.
pub(super) fn is_telemetry(text: &str) -> bool {
    coordinates(text).is_some() || text.contains("[iso") || text.contains("FrameCnt")
}

/// Returns the first latitude and longitude. Some firmware spells the latter `longtitude`.
fn coordinates(text: &str) -> Option<(f64, f64)> {
    number(text, "latitude").zip(number(text, "longitude").or(number(text, "longtitude")))
}

/// Parses the first coordinates and the first time. Returns no facts if the text is not telemetry.
pub(super) fn read(text: &str) -> Clip {
    if !is_telemetry(text) {
        return Clip::default();
    }
    let gps = coordinates(text)
        .and_then(|(latitude, longitude)| GeoPoint::from_degrees(latitude, longitude));
    // The timestamp is on a separate line: `2026-05-17 08:28:30.219`.
    let captured = text.lines().take(20).find_map(|line| {
        let line = line.trim();
        line.starts_with(|c: char| c.is_ascii_digit())
            .then(|| WallTime::from_camera(&line.replacen(',', ".", 2)))
            .flatten()
    });
    Clip {
        gps: gps.map(|point| Fact::new(point, Source::DJI_SRT)),
        captured: captured.map(|time| Fact::new(time.without_offset(), Source::DJI_SRT)),
        ..Clip::default()
    }
}

/// Returns the number after `[key:`; the spacing may vary.
fn number(text: &str, key: &str) -> Option<f64> {
    let (_, rest) = text.split_once(&format!("[{key}"))?;
    let rest = rest.trim_start_matches([' ', ':']);
    let end = rest.find([']', ' ', ','])?;
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_first_coordinates_and_time() {
        let text = "1\n00:00:00,000 --> 00:00:00,016\n<font size=\"28\">FrameCnt: 1, DiffTime: 16ms\n\
            2026-05-17 08:28:30.219\n[iso: 180] [latitude: 34.270373] [longitude: -84.176160] </font>\n";
        let clip = read(text);
        assert_eq!(clip.gps.unwrap().value.to_string(), "34.270373,-84.176160");
        assert_eq!(
            clip.captured.unwrap().value.to_string(),
            "2026-05-17T08:28:30"
        );
    }

    #[test]
    fn ignores_missing_gps_fixes_and_ordinary_subtitles() {
        let clip = read("1\n[iso: 100] [latitude: 0.000000] [longitude: 0.000000]\n");
        assert_eq!(clip.gps, None);
        assert_eq!(
            read("1\n00:00:01,000 --> 00:00:02,000\n2026-05-17 is the day\n"),
            Clip::default()
        );
    }
}
