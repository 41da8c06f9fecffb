//! Colour code points (ISO/IEC 23091-2) and ffprobe's names for them.
//!
//! H.264, HEVC, AV1, ProRes and the `colr` box of MP4 files all use these numbers. ffprobe prints
//! names, some of which may be newer than this list.

use crate::value::VideoRange;

/// Colour of a picture; unspecified and reserved properties are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Colour {
    pub range: Option<VideoRange>,
    pub primaries: Option<Primaries>,
    pub transfer: Option<Transfer>,
    pub matrix: Option<Matrix>,
}

impl Colour {
    /// Converts the three code points, in the order in which every format stores them.
    pub(super) fn from_codes(primaries: u8, transfer: u8, matrix: u8) -> Self {
        Self {
            range: None,
            primaries: Primaries::from_code(primaries),
            transfer: Transfer::from_code(transfer),
            matrix: Matrix::from_code(matrix),
        }
    }

    /// Sets full or limited range.
    pub(super) fn with_range(self, is_full: bool) -> Self {
        Self {
            range: Some(video_range(is_full)),
            ..self
        }
    }
}

/// Returns the range for the flag that most formats store.
pub(super) fn video_range(is_full: bool) -> VideoRange {
    if is_full {
        VideoRange::Full
    } else {
        VideoRange::Limited
    }
}

/// Colour of a stream. Names that ffprobe reports and this program does not list are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StreamColour {
    pub range: Option<VideoRange>,
    pub primaries: Option<Listed<Primaries>>,
    pub transfer: Option<Listed<Transfer>>,
    pub matrix: Option<Listed<Matrix>>,
}

impl From<Colour> for StreamColour {
    fn from(colour: Colour) -> Self {
        Self {
            range: colour.range,
            primaries: colour.primaries.map(Listed::Known),
            transfer: colour.transfer.map(Listed::Known),
            matrix: colour.matrix.map(Listed::Known),
        }
    }
}

/// Value of a list of names, or another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed<T> {
    Known(T),
    Other(String),
}

impl<T: std::fmt::Display> std::fmt::Display for Listed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// Declares the code points of one property with ffprobe's names.
macro_rules! code_points {
    ($(#[$doc:meta])* $type:ident { $($variant:ident = $code:literal $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $type {
            $($variant,)+
        }

        impl $type {
            /// Converts a code point; `None` if it is unspecified or reserved.
            pub(super) fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Converts a name of ffprobe, and keeps it if it is not listed.
            pub(super) fn from_name(name: &str) -> Listed<Self> {
                match name {
                    $($name => Listed::Known(Self::$variant),)+
                    other => Listed::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $type {
            /// Writes the name that ffprobe prints.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $name,)+
                })
            }
        }
    };
}

code_points! {
    /// `ColourPrimaries`.
    Primaries {
        Bt709 = 1 "bt709",
        Bt470M = 4 "bt470m",
        Bt470Bg = 5 "bt470bg",
        Smpte170M = 6 "smpte170m",
        Smpte240M = 7 "smpte240m",
        Film = 8 "film",
        Bt2020 = 9 "bt2020",
        Smpte428 = 10 "smpte428",
        Smpte431 = 11 "smpte431",
        Smpte432 = 12 "smpte432",
        Ebu3213 = 22 "ebu3213",
    }
}

code_points! {
    /// `TransferCharacteristics`.
    Transfer {
        Bt709 = 1 "bt709",
        Bt470M = 4 "bt470m",
        Bt470Bg = 5 "bt470bg",
        Smpte170M = 6 "smpte170m",
        Smpte240M = 7 "smpte240m",
        Linear = 8 "linear",
        Log100 = 9 "log100",
        Log316 = 10 "log316",
        Iec61966Part2Section4 = 11 "iec61966-2-4",
        Bt1361E = 12 "bt1361e",
        Srgb = 13 "iec61966-2-1",
        Bt2020TenBits = 14 "bt2020-10",
        Bt2020TwelveBits = 15 "bt2020-12",
        PerceptualQuantizer = 16 "smpte2084",
        Smpte428 = 17 "smpte428",
        HybridLogGamma = 18 "arib-std-b67",
    }
}

code_points! {
    /// `MatrixCoefficients`.
    Matrix {
        Rgb = 0 "gbr",
        Bt709 = 1 "bt709",
        Fcc = 4 "fcc",
        Bt470Bg = 5 "bt470bg",
        Smpte170M = 6 "smpte170m",
        Smpte240M = 7 "smpte240m",
        Ycgco = 8 "ycgco",
        Bt2020Nonconstant = 9 "bt2020nc",
        Bt2020Constant = 10 "bt2020c",
        Smpte2085 = 11 "smpte2085",
        ChromaDerivedNonconstant = 12 "chroma-derived-nc",
        ChromaDerivedConstant = 13 "chroma-derived-c",
        Ictcp = 14 "ictcp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_point_has_a_name_of_its_own() {
        let mut count = 0;
        for code in 0..=u8::MAX {
            if let Some(value) = Primaries::from_code(code) {
                assert_eq!(
                    Primaries::from_name(&value.to_string()),
                    Listed::Known(value)
                );
                count += 1;
            }
            if let Some(value) = Transfer::from_code(code) {
                assert_eq!(
                    Transfer::from_name(&value.to_string()),
                    Listed::Known(value)
                );
                count += 1;
            }
            if let Some(value) = Matrix::from_code(code) {
                assert_eq!(Matrix::from_name(&value.to_string()), Listed::Known(value));
                count += 1;
            }
        }
        assert_eq!(count, 11 + 16 + 13);
    }

    #[test]
    fn keeps_a_name_that_is_not_listed() {
        assert_eq!(Transfer::from_name("v-log").to_string(), "v-log");
        assert_eq!(Matrix::from_name("gbr").to_string(), "gbr");
    }
}
