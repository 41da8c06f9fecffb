//! Encoding of thumbnails as JPEG or WebP, and layout of filmstrips.

use jpeg_encoder::{ColorType, Encoder};
use serde::{Deserialize, Serialize};

use super::frame::Frame;
use super::probe_error::ProbeError;

/// JPEG quality from 0 to 100.
const QUALITY: u8 = 82;
/// WebP quality from 0 to 100, which looks similar to the JPEG quality.
const WEBP_QUALITY: f32 = 76.0;
/// Maximum number of frames in a row of a filmstrip.
const COLUMNS: usize = 4;

/// File format of posters and filmstrips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThumbnailFormat {
    /// Supported by every program.
    #[default]
    Jpeg,
    /// Files are a third smaller than JPEG files.
    Webp,
}

/// Position and time of each frame in a filmstrip image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripIndex {
    /// Number of frames per row.
    pub columns: usize,
    /// Width of one frame in pixels.
    pub width: u16,
    /// Height of one frame in pixels.
    pub height: u16,
    /// Time of each frame in seconds from the start of the clip, row by row.
    pub seconds: Vec<f64>,
}

/// Encodes an RGB picture.
///
/// # Errors
/// Returns [`ProbeError::BadFile`] if the encoder rejects the picture.
pub(super) fn encode(
    rgb: &[u8],
    (width, height): (u16, u16),
    format: ThumbnailFormat,
) -> Result<Vec<u8>, ProbeError> {
    match format {
        ThumbnailFormat::Jpeg => {
            let mut jpeg = Vec::new();
            Encoder::new(&mut jpeg, QUALITY)
                .encode(rgb, width, height, ColorType::Rgb)
                .map_err(|error| {
                    ProbeError::BadFile(format!("cannot encode the picture: {error}"))
                })?;
            Ok(jpeg)
        }
        ThumbnailFormat::Webp => {
            let encoder = webp::Encoder::from_rgb(rgb, width.into(), height.into());
            Ok(encoder.encode(WEBP_QUALITY).to_vec())
        }
    }
}

/// Arranges frames of equal size, each with its time in seconds, in one RGB image. `None` if there
/// are no frames.
pub(super) fn arrange_strip(frames: &[(f64, Frame)]) -> Option<(Vec<u8>, (u16, u16), StripIndex)> {
    let (_, first) = frames.first()?;
    let columns = frames.len().min(COLUMNS);
    let rows = frames.len().div_ceil(columns);
    let (width, height) = (usize::from(first.width), usize::from(first.height));
    let mut rgb = vec![0; columns * width * rows * height * 3];
    for (number, (_, frame)) in frames.iter().enumerate() {
        let (column, row) = (number % columns, number / columns);
        for (y, line) in frame.rgb.chunks_exact(width * 3).take(height).enumerate() {
            let begin = ((row * height + y) * columns + column) * width * 3;
            rgb[begin..begin + line.len()].copy_from_slice(line);
        }
    }
    let size = (
        u16::try_from(columns * width).ok()?,
        u16::try_from(rows * height).ok()?,
    );
    let index = StripIndex {
        columns,
        width: first.width,
        height: first.height,
        seconds: frames.iter().map(|&(second, _)| second).collect(),
    };
    Some((rgb, size, index))
}
