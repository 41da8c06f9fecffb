//! Facts with a closed set of answers.

use super::{Malformed, serde_as_text};

/// Declares an enum whose values are written one way only.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident, $expected:literal, { $($(#[$doc:meta])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])+ $variant,)+
        }

        impl $name {
            /// Every value as it is written.
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
    /// What an editor decided about a clip.
    Selection, "`selected` or `rejected`", {
        /// It is to be used.
        Selected = "selected",
        /// It is not.
        Rejected = "rejected",
    }
}

choice! {
    /// How a picture lies as it is shown.
    Orientation, "`horizontal`, `vertical` or `square`", {
        /// Wider than high.
        Horizontal = "horizontal",
        /// Higher than wide.
        Vertical = "vertical",
        /// As wide as high.
        Square = "square",
    }
}

choice! {
    /// How a frame's lines were sampled in time.
    ScanOrder, "`progressive`, `tff` or `bff`", {
        /// All lines at once.
        Progressive = "progressive",
        /// Two fields, the top one first.
        TopFieldFirst = "tff",
        /// Two fields, the bottom one first.
        BottomFieldFirst = "bff",
    }
}

choice! {
    /// The kind of high dynamic range a picture was made for.
    Hdr, "`hdr10`, `hlg` or `dolby-vision`", {
        /// SMPTE ST 2084 (PQ) transfer.
        Hdr10 = "hdr10",
        /// ARIB STD-B67 hybrid log-gamma transfer.
        Hlg = "hlg",
        /// A Dolby Vision configuration record is present, whatever the base layer.
        DolbyVision = "dolby-vision",
    }
}

choice! {
    /// Which code values carry picture.
    VideoRange, "`limited` or `full`", {
        /// 16–235 of 8 bits ("video", "tv", "legal").
        Limited = "limited",
        /// All of them ("pc", "data").
        Full = "full",
    }
}

choice! {
    /// How a spherical picture was laid flat (Spherical Video V2).
    Projection, "`equirectangular`, `half-equirectangular`, `cubemap`, `tiled-equirectangular` or `fisheye`", {
        /// The whole sphere.
        Equirectangular = "equirectangular",
        /// Half the sphere, as in VR180.
        HalfEquirectangular = "half-equirectangular",
        /// Six faces.
        Cubemap = "cubemap",
        /// A part of a larger equirectangular picture.
        Tiled = "tiled-equirectangular",
        /// As the lens saw it.
        Fisheye = "fisheye",
    }
}

choice! {
    /// How the two eyes of a stereo picture are packed.
    Stereo, "`side-by-side`, `top-bottom` or `frame-sequential`", {
        /// Left eye on the left (or right, when swapped).
        SideBySide = "side-by-side",
        /// One above the other.
        TopBottom = "top-bottom",
        /// One after the other.
        FrameSequential = "frame-sequential",
    }
}
