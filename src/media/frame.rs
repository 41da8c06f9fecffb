//! Decoded pictures: their size and colour, whether they are worth looking at, and turning
//! them upright.

use serde::{Deserialize, Serialize};

use super::tone_mapping::{self, Curve};
use crate::clip::Clip;
use crate::value::VideoRange;

/// How decoded pictures leave ffmpeg, and what is still to be done to them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Raster {
    /// Pixels, as the picture is coded: not yet turned.
    pub width: u16,
    pub height: u16,
    /// Degrees clockwise it is to be turned.
    pub rotation: u16,
    /// Whether the coded picture is smaller than this.
    pub is_enlarged: bool,
    /// The curve its light was coded with, where that is none of a plain screen's.
    pub curve: Option<Curve>,
    /// The matrix that makes RGB of it, by the scaler's name, where it is known or can be told.
    pub matrix: Option<String>,
    /// Whether all code values carry picture, where that is known.
    pub is_full_range: Option<bool>,
}

/// Codecs that ffmpeg cannot decode, or whose pictures it does not know.
const UNDECODED: [&str; 4] = ["redcode", "arriraw", "braw", "prores_raw"];
/// From this height on, colours that nobody named are Rec. 709's.
const HD: u32 = 720;

impl Raster {
    /// For pictures of a clip with `long_side` pixels on their long side; `None` when there
    /// is no picture in it that ffmpeg may know how to decode.
    pub(super) fn of(clip: &Clip, long_side: u32) -> Option<Self> {
        let codec = &clip.video_codec.as_ref()?.value;
        if UNDECODED.contains(&codec.as_str()) {
            return None;
        }
        let shown = (
            clip.display_width.as_ref()?.value,
            clip.display_height.as_ref()?.value,
        );
        let rotation = clip.rotation.as_ref().map_or(0, |fact| fact.value);
        // As coded: lying, where it is to be turned.
        let (width, height) = if matches!(rotation, 90 | 270) {
            (shown.1, shown.0)
        } else {
            shown
        };
        let long = u64::from(width.max(height).max(1));
        let scaled = |side: u32| {
            let side = (u64::from(side) * u64::from(long_side) + long / 2) / long;
            u16::try_from(side.max(1)).ok()
        };
        let coded_height = clip.height.as_ref().map_or(height, |fact| fact.value);
        Some(Self {
            width: scaled(width)?,
            height: scaled(height)?,
            rotation: u16::try_from(rotation).ok()?,
            is_enlarged: long < u64::from(long_side),
            curve: Curve::of(clip),
            matrix: matrix(clip, coded_height).map(str::to_owned),
            is_full_range: clip
                .range
                .as_ref()
                .map(|fact| fact.value == VideoRange::Full),
        })
    }

    /// What ffmpeg does to each picture.
    pub(super) fn filter(&self) -> String {
        let (width, height) = (self.width, self.height);
        let flags = if self.is_enlarged { "bicubic" } else { "area" };
        let mut filter = format!("scale={width}:{height}:flags={flags}");
        if let Some(matrix) = &self.matrix {
            filter.push_str(":in_color_matrix=");
            filter.push_str(matrix);
        }
        match self.is_full_range {
            Some(true) => filter.push_str(":in_range=full"),
            Some(false) => filter.push_str(":in_range=limited"),
            None => {}
        }
        filter
    }

    /// ffmpeg's name for the pixels that come out.
    pub(super) fn pixel_format(&self) -> &'static str {
        if self.curve.is_some() {
            "rgb48le"
        } else {
            "rgb24"
        }
    }

    /// Bytes of a picture as it comes out.
    pub(super) fn bytes(&self) -> usize {
        let pixels = usize::from(self.width) * usize::from(self.height);
        pixels * if self.curve.is_some() { 6 } else { 3 }
    }
}

/// The matrix of a clip's picture by the scaler's name. Where nobody says, high definition
/// means Rec. 709, as players take it.
fn matrix(clip: &Clip, height: u32) -> Option<&'static str> {
    let named = clip.matrix.as_ref().map(|fact| fact.value.as_str());
    match named {
        Some("bt709") => Some("bt709"),
        Some("smpte170m" | "bt470bg") => Some("bt601"),
        Some("smpte240m") => Some("smpte240m"),
        Some("fcc") => Some("fcc"),
        Some("bt2020nc" | "bt2020c") => Some("bt2020"),
        Some(_) => None,
        None => (height >= HD).then_some("bt709"),
    }
}

/// A picture, upright, for a plain screen, and what can be said of it.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Three bytes a pixel, row by row.
    pub rgb: Vec<u8>,
    pub width: u16,
    pub height: u16,
    /// Mean brightness, 0 to 255.
    brightness: f64,
    /// Standard deviation of brightness.
    contrast: f64,
    /// Mean difference of a pixel from those around it.
    sharpness: f64,
}

impl Frame {
    /// Makes a frame of pixels as they came out of ffmpeg.
    pub(super) fn new(pixels: Vec<u8>, raster: &Raster) -> Self {
        let rgb = match raster.curve {
            Some(curve) => tone_mapping::map(&pixels, curve),
            None => pixels,
        };
        let luma: Vec<u8> = rgb
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&rgb| luma(rgb))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "sums over a thumbnail")]
        let mean = |sum: u64| sum as f64 / luma.len().max(1) as f64;
        let brightness = mean(luma.iter().map(|&y| u64::from(y)).sum());
        let squares = mean(luma.iter().map(|&y| u64::from(y) * u64::from(y)).sum());
        Self {
            brightness,
            contrast: (squares - brightness * brightness).max(0.0).sqrt(),
            sharpness: mean(differences(&luma, raster.width.into())) / 3.0,
            rgb,
            width: raster.width,
            height: raster.height,
        }
        .turned(raster.rotation)
    }

    /// Neither black nor white nor one flat colour nor all blur.
    pub(super) fn is_worth_looking_at(&self) -> bool {
        (20.0..240.0).contains(&self.brightness) && self.contrast > 6.0 && self.sharpness > 1.0
    }

    /// Of two frames not worth looking at, the one with more to see.
    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        let score = |frame: &Self| {
            let worth = if frame.is_worth_looking_at() {
                1000.0
            } else {
                0.0
            };
            worth + frame.contrast + frame.sharpness
        };
        score(self) > score(other)
    }

    fn turned(self, degrees: u16) -> Self {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let pixels = self.rgb.as_chunks::<3>().0;
        // Which pixel of the coded picture comes to stand at x, y.
        let source = |x: usize, y: usize| match degrees {
            90 => (height - 1 - x) * width + y,
            180 => (height - 1 - y) * width + (width - 1 - x),
            _ => x * width + (width - 1 - y),
        };
        let (wide, high) = match degrees {
            90 | 270 => (height, width),
            180 => (width, height),
            _ => return self,
        };
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..high {
            for x in 0..wide {
                rgb.extend(pixels.get(source(x, y)).unwrap_or(&[0; 3]));
            }
        }
        let is_upended = wide != width;
        Self {
            rgb,
            width: if is_upended { self.height } else { self.width },
            height: if is_upended { self.width } else { self.height },
            ..self
        }
    }
}

/// Rec. 709 luma weights, of 256.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 54 * u32::from(red) + 183 * u32::from(green) + 19 * u32::from(blue);
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}

/// The sum of how far each pixel is from its neighbours left, right and above, all three.
fn differences(luma: &[u8], width: usize) -> u64 {
    let rows = luma.chunks_exact(width.max(1));
    rows.clone()
        .zip(rows.skip(1))
        .map(|(above, row)| {
            let near = row.windows(3).zip(above.get(1..).unwrap_or_default());
            near.map(|(near, &above)| {
                let around = i32::from(near[0]) + i32::from(near[2]) + i32::from(above);
                u64::from((3 * i32::from(near[1]) - around).unsigned_abs())
            })
            .sum::<u64>()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Fact, Source};

    fn clip(codec: &str, width: u32, height: u32) -> Clip {
        Clip {
            video_codec: Some(Fact::new(codec.to_owned(), Source::STREAM)),
            display_width: Some(Fact::new(width, Source::STREAM)),
            display_height: Some(Fact::new(height, Source::STREAM)),
            ..Clip::default()
        }
    }

    fn raster(width: u16, height: u16, rotation: u16) -> Raster {
        Raster {
            width,
            height,
            rotation,
            is_enlarged: false,
            curve: None,
            matrix: None,
            is_full_range: None,
        }
    }

    fn gray(pixels: &[u8], raster: &Raster) -> Frame {
        let rgb = pixels.iter().flat_map(|&p| [p, p, p]).collect();
        Frame::new(rgb, raster)
    }

    #[test]
    fn the_long_side_decides_the_size() {
        let size = |clip: &Clip| Raster::of(clip, 480).map(|it| (it.width, it.height));
        assert_eq!(size(&clip("h264", 1920, 1080)), Some((480, 270)));
        assert_eq!(size(&clip("h264", 1080, 1920)), Some((270, 480)));
        assert_eq!(size(&clip("h264", 64, 1)), Some((480, 8)));
        assert_eq!(size(&clip("h264", 60_000, 1)), Some((480, 1)));
        assert_eq!(size(&clip("redcode", 1920, 1080)), None);
        assert_eq!(size(&Clip::default()), None);
        let turned = Clip {
            rotation: Some(Fact::new(90, Source::STREAM)),
            ..clip("h264", 1080, 1920)
        };
        assert_eq!(size(&turned), Some((480, 270)));
    }

    #[test]
    fn black_white_flat_and_blurred_are_told_from_pictures() {
        let worth = |pixels: &[u8; 16]| gray(pixels, &raster(4, 4, 0)).is_worth_looking_at();
        assert!(!worth(&[0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3]));
        assert!(!worth(&[255; 16]));
        assert!(!worth(&[
            90, 91, 90, 91, 90, 91, 90, 91, 90, 91, 90, 91, 90, 91, 90, 91
        ]));
        assert!(worth(&[
            20, 200, 90, 60, 200, 20, 60, 90, 20, 200, 90, 60, 200, 20, 60, 90
        ]));
        // A slope from dark to bright, as far out of focus as can be.
        let slope: Vec<u8> = (0..480 * 270)
            .map(|at| u8::try_from(at % 480 / 2).unwrap())
            .collect();
        let blurred = gray(&slope, &raster(480, 270, 0));
        assert!(blurred.contrast > 50.0 && !blurred.is_worth_looking_at());
    }

    #[test]
    fn pictures_are_turned_clockwise() {
        let turned = |rotation| {
            let frame = gray(&[1, 2, 3, 4, 5, 6], &raster(3, 2, rotation));
            let pixels: Vec<u8> = frame
                .rgb
                .as_chunks::<3>()
                .0
                .iter()
                .map(|rgb| rgb[0])
                .collect();
            (frame.width, frame.height, pixels)
        };
        assert_eq!(turned(0), (3, 2, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(90), (2, 3, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(turned(180), (3, 2, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(270), (2, 3, vec![3, 6, 2, 5, 1, 4]));
    }
}
