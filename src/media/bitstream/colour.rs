//! Colour code points (ISO/IEC 23091-2) and ffprobe's names for them.
//!
//! H.264, HEVC, AV1, ProRes and the `colr` box of MP4 files all use these numbers.

/// Colour in ffprobe's terms; unspecified properties are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Colour {
    /// `tv` or `pc`.
    pub range: Option<&'static str>,
    pub primaries: Option<&'static str>,
    pub transfer: Option<&'static str>,
    /// ffprobe's `color_space`.
    pub matrix: Option<&'static str>,
}

impl Colour {
    /// Converts the three code points, in the order in which every format stores them.
    pub(in crate::media) fn from_codes(primaries: u8, transfer: u8, matrix: u8) -> Self {
        Self {
            range: None,
            primaries: self::primaries(primaries),
            transfer: self::transfer(transfer),
            matrix: self::matrix(matrix),
        }
    }

    /// Sets full or limited range.
    pub(in crate::media) fn with_range(self, is_full: bool) -> Self {
        Self {
            range: Some(range(is_full)),
            ..self
        }
    }
}

/// Returns ffprobe's name for full or limited range.
pub(in crate::media) fn range(is_full: bool) -> &'static str {
    if is_full { "pc" } else { "tv" }
}

/// Returns the name of a `ColourPrimaries` code; `None` if it is unspecified or reserved.
pub(in crate::media) fn primaries(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "bt709",
        4 => "bt470m",
        5 => "bt470bg",
        6 => "smpte170m",
        7 => "smpte240m",
        8 => "film",
        9 => "bt2020",
        10 => "smpte428",
        11 => "smpte431",
        12 => "smpte432",
        22 => "ebu3213",
        _ => return None,
    })
}

/// Returns the name of a `TransferCharacteristics` code; `None` if it is unspecified or reserved.
pub(in crate::media) fn transfer(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "bt709",
        4 => "bt470m",
        5 => "bt470bg",
        6 => "smpte170m",
        7 => "smpte240m",
        8 => "linear",
        9 => "log100",
        10 => "log316",
        11 => "iec61966-2-4",
        12 => "bt1361e",
        13 => "iec61966-2-1",
        14 => "bt2020-10",
        15 => "bt2020-12",
        16 => "smpte2084",
        17 => "smpte428",
        18 => "arib-std-b67",
        _ => return None,
    })
}

/// Returns the name of a `MatrixCoefficients` code; `None` if it is unspecified or reserved.
pub(in crate::media) fn matrix(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "gbr",
        1 => "bt709",
        4 => "fcc",
        5 => "bt470bg",
        6 => "smpte170m",
        7 => "smpte240m",
        8 => "ycgco",
        9 => "bt2020nc",
        10 => "bt2020c",
        11 => "smpte2085",
        12 => "chroma-derived-nc",
        13 => "chroma-derived-c",
        14 => "ictcp",
        _ => return None,
    })
}
