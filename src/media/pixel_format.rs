//! Bit depth and chroma subsampling from ffmpeg's pixel format names.

/// Properties of a pixel format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PixelFormat {
    /// Number of bits per component.
    pub bit_depth: Option<u32>,
    /// Chroma subsampling such as `4:2:2`; `None` for RGB.
    pub chroma: Option<&'static str>,
}

/// Parses a name such as `yuv422p10le`, `nv12`, `p010le`, `gbrp12le`, `rgb48be` or `gray`.
pub(super) fn parse(name: &str) -> PixelFormat {
    let name = name.trim_end_matches("le").trim_end_matches("be");
    if let Some(rest) = name
        .strip_prefix("yuva")
        .or(name.strip_prefix("yuvj"))
        .or(name.strip_prefix("yuv"))
    {
        return parse_planar(rest);
    }
    if let Some(rest) = name.strip_prefix("gbrap").or(name.strip_prefix("gbrp")) {
        return without_chroma(if rest.is_empty() {
            Some(8)
        } else {
            rest.trim_start_matches('f').parse().ok()
        });
    }
    if let Some(rest) = name.strip_prefix("gray") {
        let bit_depth = if rest.is_empty() {
            Some(8)
        } else {
            rest.trim_start_matches('f').parse().ok()
        };
        return PixelFormat {
            bit_depth,
            chroma: Some("4:0:0"),
        };
    }
    parse_semi_planar(name).unwrap_or_else(|| parse_rgb(name))
}

/// Parses the part of a planar name after `yuv`, such as `420p`, `422p10` or `444p16`.
fn parse_planar(rest: &str) -> PixelFormat {
    let (sampling, depth) = rest.split_once('p').unwrap_or((rest, ""));
    PixelFormat {
        bit_depth: if depth.is_empty() {
            Some(8)
        } else {
            depth.parse().ok()
        },
        chroma: match sampling {
            "420" => Some("4:2:0"),
            "422" => Some("4:2:2"),
            "444" => Some("4:4:4"),
            "440" => Some("4:4:0"),
            "411" => Some("4:1:1"),
            "410" => Some("4:1:0"),
            _ => None,
        },
    }
}

/// Parses semi-planar and packed YUV names such as `nv12`, `p010` and `y210`. Hardware decoders use
/// these formats.
fn parse_semi_planar(name: &str) -> Option<PixelFormat> {
    let (bit_depth, chroma) = match name {
        "nv12" | "nv21" => (8, "4:2:0"),
        "nv16" | "yuyv422" | "uyvy422" | "yvyu422" => (8, "4:2:2"),
        "nv24" | "nv42" => (8, "4:4:4"),
        "nv20" | "p210" | "y210" => (10, "4:2:2"),
        "p010" => (10, "4:2:0"),
        "p012" => (12, "4:2:0"),
        "p016" => (16, "4:2:0"),
        "p212" => (12, "4:2:2"),
        "p216" => (16, "4:2:2"),
        "p410" => (10, "4:4:4"),
        "p416" => (16, "4:4:4"),
        _ => return None,
    };
    Some(PixelFormat {
        bit_depth: Some(bit_depth),
        chroma: Some(chroma),
    })
}

/// Parses the names of RGB and similar formats, which have no chroma subsampling.
fn parse_rgb(name: &str) -> PixelFormat {
    without_chroma(match name {
        "rgb24" | "bgr24" | "rgba" | "bgra" | "argb" | "abgr" | "rgb0" | "bgr0" | "0rgb"
        | "0bgr" | "pal8" => Some(8),
        "x2rgb10" | "x2bgr10" => Some(10),
        "xyz12" => Some(12),
        "rgb48" | "bgr48" | "rgba64" | "bgra64" => Some(16),
        _ => None,
    })
}

fn without_chroma(bit_depth: Option<u32>) -> PixelFormat {
    PixelFormat {
        bit_depth,
        chroma: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_depth_and_subsampling_from_names() {
        for (name, bit_depth, chroma) in [
            ("yuv420p", Some(8), Some("4:2:0")),
            ("yuvj422p", Some(8), Some("4:2:2")),
            ("yuv422p10le", Some(10), Some("4:2:2")),
            ("yuva444p12le", Some(12), Some("4:4:4")),
            ("p010le", Some(10), Some("4:2:0")),
            ("nv12", Some(8), Some("4:2:0")),
            ("gbrp10le", Some(10), None),
            ("rgb48be", Some(16), None),
            ("gray", Some(8), Some("4:0:0")),
            ("gray16le", Some(16), Some("4:0:0")),
            ("pal8", Some(8), None),
            ("videotoolbox_vld", None, None),
        ] {
            assert_eq!(parse(name), PixelFormat { bit_depth, chroma }, "{name}");
        }
    }
}
