//! Pictures as files: JPEG or WebP, and strips of several in one.

use jpeg_encoder::{ColorType, Encoder};
use serde::{Deserialize, Serialize};

use super::Unread;
use super::frame::Frame;

/// JPEG quality, of 100.
const QUALITY: u8 = 82;
/// WebP quality, of 100: about as good to look at as the JPEG's.
const WEBP_QUALITY: f32 = 76.0;
/// Pictures beside each other in a strip.
const COLUMNS: usize = 4;

/// What posters and strips are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Thumbs {
    /// Read by everything.
    #[default]
    Jpeg,
    /// A third smaller.
    Webp,
}

/// Where each picture of a strip is in its image, and when it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripIndex {
    /// Pictures beside each other.
    pub columns: usize,
    /// Pixels of one picture.
    pub width: u16,
    /// See `width`.
    pub height: u16,
    /// Seconds since the clip's begin, one for each picture, row by row.
    pub seconds: Vec<f64>,
}

/// Encodes one picture.
///
/// # Errors
/// When the encoder refuses it.
pub(super) fn encode(
    rgb: &[u8],
    (width, height): (u16, u16),
    thumbs: Thumbs,
) -> Result<Vec<u8>, Unread> {
    match thumbs {
        Thumbs::Jpeg => {
            let mut jpeg = Vec::new();
            Encoder::new(&mut jpeg, QUALITY)
                .encode(rgb, width, height, ColorType::Rgb)
                .map_err(|error| {
                    Unread::Fault(format!("its picture could not be encoded: {error}"))
                })?;
            Ok(jpeg)
        }
        Thumbs::Webp => {
            let encoder = webp::Encoder::from_rgb(rgb, width.into(), height.into());
            Ok(encoder.encode(WEBP_QUALITY).to_vec())
        }
    }
}

/// Lays pictures of one size out in one, each with the second it is shown at; `None` of none.
pub(super) fn strip(frames: &[(f64, Frame)]) -> Option<(Vec<u8>, (u16, u16), StripIndex)> {
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
