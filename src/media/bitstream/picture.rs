//! Format of a coded picture, which all codecs share.

use crate::media::colour::{Colour, Matrix};
use crate::media::ratio::PixelAspect;
use crate::value::{ScanOrder, VideoRange};

/// Picture format from a codec's configuration or headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::media) struct CodedPicture {
    pub profile: Option<String>,
    /// Level as the codec stores it: 41 for H.264 level 4.1, 123 for HEVC level 4.1.
    pub level: Option<i64>,
    /// Width in pixels, after cropping.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub pixel_aspect: Option<PixelAspect>,
    pub pixel_format: Option<String>,
    pub bits_per_raw_sample: Option<u32>,
    /// `None` if the headers do not determine it.
    pub scan_order: Option<ScanOrder>,
    /// True if the stream may contain fields whose order is unknown.
    pub may_be_interlaced: bool,
    pub colour: Colour,
    pub overrides: ColourOverrides,
    /// Matrix that ffprobe reports if neither the codec nor the container stores one.
    pub assumed_matrix: Option<Matrix>,
    /// True if the container may crop the picture further. This applies to H.264 streams that crop
    /// only at the right and bottom.
    pub is_cropped_by_container: bool,
}

/// Colour properties for which ffprobe ignores the container's values, even if the codec leaves
/// them unspecified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct ColourOverrides {
    pub range: bool,
    pub matrix: bool,
    pub primaries_and_transfer: bool,
}

impl ColourOverrides {
    pub(super) const ALL: Self = Self {
        range: true,
        matrix: true,
        primaries_and_transfer: true,
    };
}

/// Picture size and colour stored in the container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct ContainerPicture {
    pub width: u32,
    pub height: u32,
    pub colour: Colour,
}

impl CodedPicture {
    /// Merges the container's values into the codec's, with ffprobe's precedence.
    pub(in crate::media) fn merge_container(mut self, container: &ContainerPicture) -> Self {
        let stored = container.colour;
        let colour = &mut self.colour;
        if !self.overrides.range {
            colour.range = colour.range.or(stored.range);
        }
        if !self.overrides.matrix {
            let assumed = self.assumed_matrix;
            colour.matrix = colour.matrix.or(stored.matrix).or(assumed);
        }
        if !self.overrides.primaries_and_transfer {
            colour.primaries = colour.primaries.or(stored.primaries);
            colour.transfer = colour.transfer.or(stored.transfer);
        }
        if self.is_cropped_by_container {
            self.crop_to_container(container);
            self.adapt_pixel_format();
        }
        self
    }

    /// Adapts the pixel format to the colour range and matrix, which may come from the container.
    pub(super) fn adapt_pixel_format(&mut self) {
        let Some(format) = self.pixel_format.as_deref() else {
            return;
        };
        if self.colour.matrix == Some(Matrix::Rgb)
            && let Some(format) = planar_rgb_format(format)
        {
            self.pixel_format = Some(format);
        } else if self.colour.range == Some(VideoRange::Full) && self.bits_per_raw_sample == Some(8)
        {
            self.pixel_format = Some(format.replacen("yuv4", "yuvj4", 1));
        }
    }

    /// Crops the picture to the container's size if this affects only the last row and column of
    /// macroblocks.
    fn crop_to_container(&mut self, container: &ContainerPicture) {
        let (Some(width), Some(height)) = (self.width, self.height) else {
            return;
        };
        let blocks = |side: u32| side.div_ceil(16);
        let is_trimmed = container.width > 0
            && container.height > 0
            && container.width <= width
            && container.height <= height
            && blocks(container.width) == blocks(width)
            && blocks(container.height) == blocks(height);
        if is_trimmed {
            self.width = Some(container.width);
            self.height = Some(container.height);
        }
    }
}

/// Returns the pixel format for a chroma format (`chroma_format_idc`) and a bit depth.
pub(super) fn yuv_format(chroma_format: u32, depth: u32) -> Option<String> {
    let sampling = match chroma_format {
        0 => "gray",
        1 => "yuv420p",
        2 => "yuv422p",
        3 => "yuv444p",
        _ => return None,
    };
    Some(match (chroma_format, depth) {
        (_, 8) => sampling.to_owned(),
        (0, 9 | 10 | 12) | (1..=3, 9 | 10 | 12 | 14) => format!("{sampling}{depth}le"),
        _ => return None,
    })
}

/// Returns the planar RGB format that corresponds to a 4:4:4 YUV format.
pub(super) fn planar_rgb_format(yuv: &str) -> Option<String> {
    yuv.strip_prefix("yuv444p")
        .map(|depth| format!("gbrp{depth}"))
}

/// Returns the aspect ratio for an `aspect_ratio_idc` (H.264 table E-1, HEVC table E.1).
pub(super) fn aspect_from_code(code: u8) -> Option<PixelAspect> {
    let (horizontal, vertical) = match code {
        1 => (1, 1),
        2 => (12, 11),
        3 => (10, 11),
        4 => (16, 11),
        5 => (40, 33),
        6 => (24, 11),
        7 => (20, 11),
        8 => (32, 11),
        9 => (80, 33),
        10 => (18, 11),
        11 => (15, 11),
        12 => (64, 33),
        13 => (160, 99),
        14 => (4, 3),
        15 => (3, 2),
        16 => (2, 1),
        _ => return None,
    };
    PixelAspect::new(horizontal, vertical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::bitstream::tests::describe;

    #[test]
    fn container_fills_values_that_the_codec_leaves_unspecified() {
        let colour = Colour::from_codes(1, 1, 1).with_range(true);
        let container = ContainerPicture {
            width: 318,
            height: 230,
            colour,
        };
        let unspecified = CodedPicture {
            pixel_format: Some("yuv420p".to_owned()),
            bits_per_raw_sample: Some(8),
            width: Some(320),
            height: Some(240),
            is_cropped_by_container: true,
            ..CodedPicture::default()
        };
        let merged = unspecified.clone().merge_container(&container);
        assert_eq!(
            describe(Some(merged)),
            "318x230 yuvj420p 8 pc bt709 bt709 bt709"
        );
        let overriding = CodedPicture {
            overrides: ColourOverrides::ALL,
            is_cropped_by_container: false,
            assumed_matrix: Some(Matrix::Bt709),
            ..unspecified
        };
        assert_eq!(
            describe(Some(overriding.merge_container(&container))),
            "320x240 yuv420p 8"
        );
    }
}
