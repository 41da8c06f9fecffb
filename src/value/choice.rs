//! Enums for facts with a closed set of values.

use super::{Malformed, serde_as_text};

/// Declares an enum in which each value has exactly one spelling.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident, $expected:literal, { $($(#[$doc:meta])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])+ $variant,)+
        }

        impl $name {
            /// Spelling of every value, in declaration order.
            pub const ALL: &'static [&'static str] = &[$($text),+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)+
                })
            }
        }

        impl std::str::FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(Malformed::new(text, $expected)),
                }
            }
        }

        serde_as_text!($name);
    };
}

choice! {
    /// An editor's decision about a clip.
    Selection, "`selected` or `rejected`", {
        /// The clip is to be used.
        Selected = "selected",
        /// The clip is not to be used.
        Rejected = "rejected",
    }
}

choice! {
    /// Shape of the picture as displayed.
    Orientation, "`horizontal`, `vertical` or `square`", {
        /// Wider than high.
        Horizontal = "horizontal",
        /// Taller than wide.
        Vertical = "vertical",
        /// Equal in width and height.
        Square = "square",
    }
}

choice! {
    /// Scan order of a frame's lines.
    ScanOrder, "`progressive`, `tff` or `bff`", {
        /// All lines are sampled at once.
        Progressive = "progressive",
        /// Two fields, top field first.
        TopFieldFirst = "tff",
        /// Two fields, bottom field first.
        BottomFieldFirst = "bff",
    }
}

choice! {
    /// High-dynamic-range format of the picture.
    Hdr, "`hdr10`, `hlg` or `dolby-vision`", {
        /// SMPTE ST 2084 (PQ) transfer.
        Hdr10 = "hdr10",
        /// ARIB STD-B67 hybrid log-gamma transfer.
        Hlg = "hlg",
        /// A Dolby Vision configuration record is present, with any base layer.
        DolbyVision = "dolby-vision",
    }
}

choice! {
    /// Range of code values that the picture uses.
    VideoRange, "`limited` or `full`", {
        /// Codes 16 to 235 at 8 bits ("video", "tv", "legal").
        Limited = "limited",
        /// All codes ("pc", "data").
        Full = "full",
    }
}

choice! {
    /// Projection of a spherical picture (Spherical Video V2).
    Projection, "`equirectangular`, `half-equirectangular`, `cubemap`, `tiled-equirectangular` or `fisheye`", {
        /// The whole sphere.
        Equirectangular = "equirectangular",
        /// Half the sphere, as in VR180.
        HalfEquirectangular = "half-equirectangular",
        /// Six faces of a cube.
        Cubemap = "cubemap",
        /// Part of a larger equirectangular picture.
        Tiled = "tiled-equirectangular",
        /// Circular image as captured by the lens.
        Fisheye = "fisheye",
    }
}

choice! {
    /// Packing of the two eyes of a stereo picture.
    Stereo, "`side-by-side`, `top-bottom` or `frame-sequential`", {
        /// Left eye on the left (or right, when swapped).
        SideBySide = "side-by-side",
        /// One eye above the other.
        TopBottom = "top-bottom",
        /// One eye after the other, in alternate frames.
        FrameSequential = "frame-sequential",
    }
}
