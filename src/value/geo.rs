//! Positions on Earth (WGS 84) and circular search areas.

use std::fmt;
use std::str::FromStr;

use super::{Malformed, serde_as_text};

const EXPECTED: &str = "a position such as `51.500700,-0.124600`";

/// Latitude and longitude in whole millionths of a degree (11 cm at the equator).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GeoPoint {
    latitude: i32,
    longitude: i32,
}

impl GeoPoint {
    /// Returns latitude and longitude in millionths of a degree.
    #[must_use]
    pub fn micro_degrees(self) -> (i64, i64) {
        (self.latitude.into(), self.longitude.into())
    }

    /// Creates a point from degrees; `None` if out of range, or at 0,0, the position that receivers
    /// without a fix report.
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
        let point = Self {
            latitude: (latitude * 1e6).round() as i32,
            longitude: (longitude * 1e6).round() as i32,
        };
        (point.latitude != 0 || point.longitude != 0).then_some(point)
    }

    /// Parses an ISO 6709 string as phones write it: `+51.5007-000.1246+011.0/`.
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
        let latitude = parse_degrees(&text[first..second], 2)?;
        let longitude = parse_degrees(&text[second..end], 3)?;
        Self::from_degrees(latitude, longitude)
    }
}

/// Converts `±DD.D`, `±DDMM.M` or `±DDMMSS.S` to degrees; `degree_digits` is 2 for a latitude and 3
/// for a longitude.
fn parse_degrees(text: &str, degree_digits: usize) -> Option<f64> {
    let (sign, digits) = text.split_at_checked(1)?;
    let integer = digits.split('.').next()?.len();
    let value: f64 = if integer <= degree_digits {
        digits.parse().ok()?
    } else {
        let (degrees, rest) = digits.split_at_checked(degree_digits)?;
        let degrees: f64 = degrees.parse().ok()?;
        if integer == degree_digits + 2 {
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

/// Mean radius of the Earth in metres (IUGG).
const EARTH_RADIUS_METRES: f64 = 6_371_008.8;
/// Half the circumference of the Earth in metres, the largest possible distance.
const MAX_RADIUS_METRES: u32 = 20_015_115;

/// Circle on the Earth's surface: a centre and a radius in metres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Area {
    centre: GeoPoint,
    metres: u32,
}

impl Area {
    /// Returns true if a position, in millionths of a degree, is inside the circle. Distance is
    /// measured along a great circle.
    #[must_use]
    pub fn contains(&self, latitude: i64, longitude: i64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "at most 180 million")]
        let radians = |micro: i64| (micro as f64 / 1e6).to_radians();
        let centre = (
            radians(self.centre.latitude.into()),
            radians(self.centre.longitude.into()),
        );
        let point = (radians(latitude), radians(longitude));
        let haversine = |a: f64, b: f64| ((b - a) / 2.0).sin().powi(2);
        let sum = haversine(centre.0, point.0)
            + centre.0.cos() * point.0.cos() * haversine(centre.1, point.1);
        2.0 * EARTH_RADIUS_METRES * sum.min(1.0).sqrt().asin() <= f64::from(self.metres)
    }
}

impl fmt::Display for Area {
    /// Formats as `51.5,-0.12,2km`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let degrees = |micro: i32| f64::from(micro) / 1e6;
        let GeoPoint {
            latitude,
            longitude,
        } = self.centre;
        write!(f, "{},{},", degrees(latitude), degrees(longitude))?;
        match self.metres {
            metres if metres > 0 && metres.is_multiple_of(1000) => write!(f, "{}km", metres / 1000),
            metres => write!(f, "{metres}m"),
        }
    }
}

impl FromStr for Area {
    type Err = Malformed;

    /// Parses `51.5,-0.12,2km`; the radius may also be `500m` or `1.5mi` and defaults to 1 km.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let parse = || {
            let mut parts = text.splitn(3, ',').map(str::trim);
            let (latitude, longitude) = (parts.next()?, parts.next()?);
            let centre = GeoPoint::from_degrees(latitude.parse().ok()?, longitude.parse().ok()?)?;
            let radius = parts.next().unwrap_or("1km").to_ascii_lowercase();
            let units = [("km", 1000.0), ("mi", 1609.344), ("m", 1.0)];
            let (number, unit) = units
                .iter()
                .find_map(|(name, unit)| Some((radius.strip_suffix(name)?, unit)))?;
            let metres = (number.trim().parse::<f64>().ok()? * unit).round();
            let is_radius = (1.0..=f64::from(MAX_RADIUS_METRES)).contains(&metres);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "in range"
            )]
            is_radius.then_some(Self {
                centre,
                metres: metres as u32,
            })
        };
        parse().ok_or_else(|| {
            Malformed::new(text, "a position and a radius, such as `51.5,-0.12,2km`")
        })
    }
}

impl fmt::Display for GeoPoint {
    /// Formats as `51.500700,-0.124600`: degrees, latitude first.
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
    fn iso_6709_is_parsed_in_every_width() {
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

    #[test]
    fn an_area_is_measured_by_great_circle_distance() {
        // Westminster to the Tower of London: 3.46 km by the haversine formula.
        let tower = (51_508_100, -76_000);
        for (text, shown, is_in) in [
            ("51.5007,-0.1246,4km", "51.5007,-0.1246,4km", true),
            ("51.5007,-0.1246, 3400 m", "51.5007,-0.1246,3400m", false),
            ("51.5007,-0.1246,3km", "51.5007,-0.1246,3km", false),
            ("51.5007,-0.1246", "51.5007,-0.1246,1km", false),
            ("51.5007,-0.1246,3mi", "51.5007,-0.1246,4828m", true),
        ] {
            let area: Area = text.parse().unwrap();
            assert_eq!(area.to_string(), shown);
            assert_eq!(area.contains(tower.0, tower.1), is_in, "{text}");
        }
        for text in [
            "",
            "51",
            "51,x",
            "91,0,1km",
            "51,0,-1km",
            "51,0,1",
            "51,0,NaNkm",
            "51,0,1e9km",
        ] {
            assert!(text.parse::<Area>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn a_printed_area_parses_back(latitude in -90.0_f64..90.0, longitude in -180.0_f64..180.0, metres in 1_u32..20_000_000) {
            if let Ok(area) = format!("{latitude},{longitude},{metres}m").parse::<Area>() {
                proptest::prop_assert_eq!(area.to_string().parse::<Area>().unwrap(), area);
            }
        }

        #[test]
        fn a_printed_point_parses_back(latitude in -91.0_f64..91.0, longitude in -181.0_f64..181.0, small in 0..2) {
            let scale = if small == 1 { 1e-7 } else { 1.0 };
            if let Some(point) = GeoPoint::from_degrees(latitude * scale, longitude * scale) {
                proptest::prop_assert_eq!(point.to_string().parse::<GeoPoint>().unwrap(), point);
            }
        }
    }

    #[test]
    fn a_position_without_a_fix_is_rejected() {
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
