//! Decoded frames: size and colour conversion, rotation, and image statistics for the choice of
//! posters.

use serde::{Deserialize, Serialize};

use super::tone_mapping::{self, Curve};
use crate::clip::Clip;
use crate::value::VideoRange;

/// Format of the frames that ffmpeg outputs, and the remaining processing steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Raster {
    /// Width in pixels before rotation.
    pub width: u16,
    pub height: u16,
    /// Clockwise rotation in degrees that is applied after decoding.
    pub rotation: u16,
    /// True if the decoded picture is smaller than this size.
    pub is_enlarged: bool,
    /// Transfer curve for tone mapping; `None` if the picture is already suitable for a standard
    /// display.
    pub curve: Option<Curve>,
    /// Name of the YUV to RGB matrix in ffmpeg's scaler; `None` if unknown.
    pub matrix: Option<String>,
    /// True for full-range code values; `None` if unknown.
    pub is_full_range: Option<bool>,
}

/// Codecs that ffmpeg cannot decode.
const UNDECODABLE: [&str; 4] = ["redcode", "arriraw", "braw", "prores_raw"];
/// Minimum height in pixels from which video without a stored matrix is assumed to be Rec. 709.
const HD_HEIGHT: u32 = 720;

impl Raster {
    /// Plans frames of a clip whose long side has `long_side` pixels. `None` if the clip has no
    /// video that ffmpeg can decode.
    pub(super) fn new(clip: &Clip, long_side: u32) -> Option<Self> {
        let codec = &clip.video_codec.as_ref()?.value;
        if UNDECODABLE.contains(&codec.as_str()) {
            return None;
        }
        let displayed = (
            clip.display_width.as_ref()?.value,
            clip.display_height.as_ref()?.value,
        );
        let rotation = clip.rotation.as_ref().map_or(0, |fact| fact.value);
        // Size before rotation.
        let (width, height) = if matches!(rotation, 90 | 270) {
            (displayed.1, displayed.0)
        } else {
            displayed
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
            curve: Curve::from_clip(clip),
            matrix: matrix(clip, coded_height).map(str::to_owned),
            is_full_range: clip
                .range
                .as_ref()
                .map(|fact| fact.value == VideoRange::Full),
        })
    }

    /// Returns the ffmpeg filter that scales each frame.
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

    /// Returns ffmpeg's name of the output's pixel format.
    pub(super) fn pixel_format(&self) -> &'static str {
        if self.curve.is_some() {
            "rgb48le"
        } else {
            "rgb24"
        }
    }

    /// Returns the size of an output frame in bytes.
    pub(super) fn bytes(&self) -> usize {
        let pixels = usize::from(self.width) * usize::from(self.height);
        pixels * if self.curve.is_some() { 6 } else { 3 }
    }
}

/// Returns the name of a clip's matrix in ffmpeg's scaler. High-definition video without a stored
/// matrix is treated as Rec. 709, as in players.
fn matrix(clip: &Clip, height: u32) -> Option<&'static str> {
    let named = clip.matrix.as_ref().map(|fact| fact.value.as_str());
    match named {
        Some("bt709") => Some("bt709"),
        Some("smpte170m" | "bt470bg") => Some("bt601"),
        Some("smpte240m") => Some("smpte240m"),
        Some("fcc") => Some("fcc"),
        Some("bt2020nc" | "bt2020c") => Some("bt2020"),
        Some(_) => None,
        None => (height >= HD_HEIGHT).then_some("bt709"),
    }
}

/// Upright frame for a standard display with its image statistics.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Three bytes per pixel, row by row.
    pub rgb: Vec<u8>,
    pub width: u16,
    pub height: u16,
    /// Mean brightness, 0 to 255.
    brightness: f64,
    /// Standard deviation of brightness.
    contrast: f64,
    /// Mean difference of a pixel from its neighbours.
    sharpness: f64,
}

impl Frame {
    /// Creates a frame from ffmpeg's output: applies tone mapping, computes the statistics, and
    /// rotates.
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
        #[expect(
            clippy::cast_precision_loss,
            reason = "sums over the pixels of a thumbnail"
        )]
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
        .rotated(raster.rotation)
    }

    /// Returns false for a frame that is black, white, of a single colour, or completely blurred.
    pub(super) fn is_presentable(&self) -> bool {
        (20.0..240.0).contains(&self.brightness) && self.contrast > 6.0 && self.sharpness > 1.0
    }

    /// Returns true if this frame is the better poster. Presentable frames are better than others;
    /// among equals, contrast and sharpness count.
    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        let score = |frame: &Self| {
            let bonus = if frame.is_presentable() { 1000.0 } else { 0.0 };
            bonus + frame.contrast + frame.sharpness
        };
        score(self) > score(other)
    }

    fn rotated(self, degrees: u16) -> Self {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let pixels = self.rgb.as_chunks::<3>().0;
        // Index of the decoded pixel that is displayed at x, y.
        let source = |x: usize, y: usize| match degrees {
            90 => (height - 1 - x) * width + y,
            180 => (height - 1 - y) * width + (width - 1 - x),
            _ => x * width + (width - 1 - y),
        };
        let (rotated_width, rotated_height) = match degrees {
            90 | 270 => (height, width),
            180 => (width, height),
            _ => return self,
        };
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for y in 0..rotated_height {
            for x in 0..rotated_width {
                rgb.extend(pixels.get(source(x, y)).unwrap_or(&[0; 3]));
            }
        }
        let is_swapped = rotated_width != width;
        Self {
            rgb,
            width: if is_swapped { self.height } else { self.width },
            height: if is_swapped { self.width } else { self.height },
            ..self
        }
    }
}

/// Computes luma with Rec. 709 weights, in 256ths.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 54 * u32::from(red) + 183 * u32::from(green) + 19 * u32::from(blue);
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}

/// Returns the sum of the differences between each pixel and its left, right and upper neighbours.
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
    fn scales_to_the_requested_long_side() {
        let size = |clip: &Clip| Raster::new(clip, 480).map(|raster| (raster.width, raster.height));
        assert_eq!(size(&clip("h264", 1920, 1080)), Some((480, 270)));
        assert_eq!(size(&clip("h264", 1080, 1920)), Some((270, 480)));
        assert_eq!(size(&clip("h264", 64, 1)), Some((480, 8)));
        assert_eq!(size(&clip("h264", 60_000, 1)), Some((480, 1)));
        assert_eq!(size(&clip("redcode", 1920, 1080)), None);
        assert_eq!(size(&Clip::default()), None);
        let rotated = Clip {
            rotation: Some(Fact::new(90, Source::STREAM)),
            ..clip("h264", 1080, 1920)
        };
        assert_eq!(size(&rotated), Some((480, 270)));
    }

    #[test]
    fn rejects_black_white_flat_and_blurred_frames() {
        let is_presentable = |pixels: &[u8; 16]| gray(pixels, &raster(4, 4, 0)).is_presentable();
        assert!(!is_presentable(&[
            0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 3
        ]));
        assert!(!is_presentable(&[255; 16]));
        assert!(!is_presentable(&[
            90, 91, 90, 91, 90, 91, 90, 91, 90, 91, 90, 91, 90, 91, 90, 91
        ]));
        assert!(is_presentable(&[
            20, 200, 90, 60, 200, 20, 60, 90, 20, 200, 90, 60, 200, 20, 60, 90
        ]));
        // A smooth gradient from dark to bright.
        let gradient: Vec<u8> = (0..480 * 270)
            .map(|at| u8::try_from(at % 480 / 2).unwrap())
            .collect();
        let blurred = gray(&gradient, &raster(480, 270, 0));
        assert!(blurred.contrast > 50.0 && !blurred.is_presentable());
    }

    #[test]
    fn rotates_clockwise() {
        let rotated = |rotation| {
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
        assert_eq!(rotated(0), (3, 2, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(rotated(90), (2, 3, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(rotated(180), (3, 2, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(rotated(270), (2, 3, vec![3, 6, 2, 5, 1, 4]));
    }
}
