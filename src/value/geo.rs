//! A place on Earth, WGS 84.

use std::fmt;
use std::str::FromStr;

use super::{Malformed, serde_as_text};

const EXPECTED: &str = "a place such as `51.500700,-0.124600`";

/// Latitude and longitude in whole millionths of a degree (11 cm at the equator).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GeoPoint {
    latitude: i32,
    longitude: i32,
}

impl GeoPoint {
    /// From degrees; `None` when out of range, or 0,0: what a receiver without a fix writes.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "at most 180 million")]
    pub fn from_degrees(latitude: f64, longitude: f64) -> Option<Self> {
        if latitude.is_nan()
            || longitude.is_nan()
            || latitude.abs() > 90.0
            || longitude.abs() > 180.0
        {
            return None;
        }
        let place = Self {
            latitude: (latitude * 1e6).round() as i32,
            longitude: (longitude * 1e6).round() as i32,
        };
        (place.latitude != 0 || place.longitude != 0).then_some(place)
    }

    /// From an ISO 6709 string as phones write it: `+51.5007-000.1246+011.0/`.
    #[must_use]
    pub fn from_iso6709(text: &str) -> Option<Self> {
        let text = text.split('/').next().unwrap_or(text);
        let starts: Vec<usize> = text
            .char_indices()
            .filter(|(_, c)| matches!(c, '+' | '-'))
            .map(|(at, _)| at)
            .collect();
        let (&first, &second) = (starts.first()?, starts.get(1)?);
        let end = starts.get(2).copied().unwrap_or(text.len());
        let latitude = degrees(&text[first..second], 2)?;
        let longitude = degrees(&text[second..end], 3)?;
        Self::from_degrees(latitude, longitude)
    }
}

/// `±DD.D`, `±DDMM.M` or `±DDMMSS.S`, with `whole` digits of degrees, to degrees.
fn degrees(text: &str, whole: usize) -> Option<f64> {
    let (sign, digits) = text.split_at_checked(1)?;
    let integer = digits.split('.').next()?.len();
    let value: f64 = if integer <= whole {
        digits.parse().ok()?
    } else {
        let (degrees, rest) = digits.split_at_checked(whole)?;
        let degrees: f64 = degrees.parse().ok()?;
        if integer == whole + 2 {
            degrees + rest.parse::<f64>().ok()? / 60.0
        } else {
            let (minutes, seconds) = rest.split_at_checked(2)?;
            degrees + minutes.parse::<f64>().ok()? / 60.0 + seconds.parse::<f64>().ok()? / 3600.0
        }
    };
    value
        .is_finite()
        .then_some(if sign == "-" { -value } else { value })
}

impl fmt::Display for GeoPoint {
    /// `51.500700,-0.124600`: degrees, latitude first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let degrees = |micro: i32| f64::from(micro) / 1e6;
        write!(
            f,
            "{:.6},{:.6}",
            degrees(self.latitude),
            degrees(self.longitude)
        )
    }
}

impl FromStr for GeoPoint {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let parse = || {
            let (latitude, longitude) = text.split_once(',')?;
            Self::from_degrees(
                latitude.trim().parse().ok()?,
                longitude.trim().parse().ok()?,
            )
        };
        parse().ok_or_else(|| Malformed::new(text, EXPECTED))
    }
}

serde_as_text!(GeoPoint);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_6709_is_read_in_all_its_widths() {
        for (text, shown) in [
            ("+51.5007-000.1246+011.0/", "51.500700,-0.124600"),
            ("-33.8688+151.2093/", "-33.868800,151.209300"),
            ("+5130.042-00007.476/", "51.500700,-0.124600"),
            ("+513002.52-0000728.56/", "51.500700,-0.124600"),
        ] {
            assert_eq!(
                GeoPoint::from_iso6709(text).unwrap().to_string(),
                shown,
                "{text}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn a_place_survives_being_written(latitude in -91.0_f64..91.0, longitude in -181.0_f64..181.0, small in 0..2) {
            let scale = if small == 1 { 1e-7 } else { 1.0 };
            if let Some(place) = GeoPoint::from_degrees(latitude * scale, longitude * scale) {
                proptest::prop_assert_eq!(place.to_string().parse::<GeoPoint>().unwrap(), place);
            }
        }
    }

    #[test]
    fn no_fix_is_no_place() {
        for text in [
            "+00.0000+000.0000/",
            "",
            "+51",
            "rubbish",
            "+91.0+000.1/",
            "+é1.0+0.0/",
        ] {
            assert_eq!(GeoPoint::from_iso6709(text), None, "{text}");
        }
    }
}
