//! Tone mapping of HDR and log pictures to standard dynamic range.
//!
//! HLG and PQ (ITU-R BT.2100) cover more brightness and wider primaries than a standard display,
//! and log curves are designed for grading. Displayed without conversion, all of them look washed
//! out. For a poster, one simple mapping is sufficient: light is unchanged up to half of white, and
//! is compressed above it so that the brightest parts keep their detail.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::clip::Clip;

/// Transfer curve of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Curve {
    /// Hybrid log-gamma.
    Hlg,
    /// Perceptual quantizer (SMPTE ST 2084).
    Pq,
    /// Sony S-Log3 in S-Gamut3.Cine.
    SLog3,
}

/// Matrix, row by row, that converts between two sets of primaries.
type Matrix = [[f32; 3]; 3];

/// BT.2020 to BT.709 (ITU-R BT.2407, annex 2).
const FROM_2020: Matrix = [
    [1.6605, -0.5876, -0.0728],
    [-0.1246, 1.1329, -0.0083],
    [-0.0182, -0.1006, 1.1187],
];
/// S-Gamut3.Cine to BT.709, from the primaries in Sony's technical summary for S-Gamut3.
const FROM_S_GAMUT3_CINE: Matrix = [
    [1.6269, -0.5401, -0.0868],
    [-0.1785, 1.4179, -0.2394],
    [-0.0444, -0.1959, 1.2404],
];
/// Light level above which light is compressed; 1 is white paper.
const KNEE: f32 = 0.5;
/// Number of entries in the lookup table of a curve.
const TABLE_SIZE: usize = 4096;

impl Curve {
    /// Returns the curve of a clip; `None` if it needs no tone mapping.
    pub(super) fn from_clip(clip: &Clip) -> Option<Self> {
        match clip.transfer.as_ref()?.value.as_str() {
            "arib-std-b67" => Some(Self::Hlg),
            "smpte2084" => Some(Self::Pq),
            "s-log3" => Some(Self::SLog3),
            _ => None,
        }
    }

    fn primaries(self) -> &'static Matrix {
        match self {
            Self::Hlg | Self::Pq => &FROM_2020,
            Self::SLog3 => &FROM_S_GAMUT3_CINE,
        }
    }

    /// Returns the brightest light in which detail is preserved, relative to white paper.
    fn brightest(self) -> f32 {
        match self {
            // White paper has 203 cd/m² on a display with 1000 cd/m² (ITU-R BT.2408).
            Self::Hlg | Self::Pq => 4.9,
            Self::SLog3 => 8.0,
        }
    }

    /// Converts a code value (0 to 1) to linear light, where white paper is 1.
    fn to_light(self, code: f32) -> f32 {
        match self {
            Self::Hlg => {
                const A: f32 = 0.178_832_77;
                const B: f32 = 0.284_668_92;
                const C: f32 = 0.559_910_7;
                let scene = if code <= 0.5 {
                    code * code / 3.0
                } else {
                    (((code - C) / A).exp() + B) / 12.0
                };
                // The system gamma is 1.2 for a nominal display. White paper has a code value of 75
                // %.
                (scene / 0.265).powf(1.2)
            }
            Self::Pq => {
                const M1: f32 = 0.159_301_76;
                const M2: f32 = 78.843_75;
                const C1: f32 = 0.835_937_5;
                const C2: f32 = 18.851_563;
                const C3: f32 = 18.6875;
                let power = code.powf(1.0 / M2);
                let linear = ((power - C1).max(0.0) / (C2 - C3 * power)).powf(1.0 / M1);
                linear * 10_000.0 / 203.0
            }
            Self::SLog3 => {
                let code = code * 1023.0;
                let reflected = if code >= 171.210_3 {
                    10_f32.powf((code - 420.0) / 261.5) * 0.19 - 0.01
                } else {
                    (code - 95.0) * 0.01125 / (171.210_3 - 95.0)
                };
                reflected / 0.9
            }
        }
    }

    fn table(self) -> &'static [f32] {
        static TABLES: [OnceLock<Vec<f32>>; 3] = [const { OnceLock::new() }; 3];
        #[expect(clippy::cast_precision_loss, reason = "4096 steps")]
        TABLES[self as usize].get_or_init(|| {
            (0..TABLE_SIZE)
                .map(|step| self.to_light(step as f32 / (TABLE_SIZE - 1) as f32))
                .collect()
        })
    }
}

/// Converts little-endian 16-bit RGB with this transfer curve to 8-bit sRGB.
pub(super) fn map(pixels: &[u8], curve: Curve) -> Vec<u8> {
    let table = curve.table();
    let brightest = curve.brightest();
    let mut rgb = Vec::with_capacity(pixels.len() / 2);
    for pixel in pixels.as_chunks::<6>().0 {
        let light = |at: usize| {
            let code = u16::from_le_bytes([pixel[at], pixel[at + 1]]);
            table[usize::from(code >> 4)]
        };
        let source = [light(0), light(2), light(4)];
        let linear = curve
            .primaries()
            .map(|row| row[0] * source[0] + row[1] * source[1] + row[2] * source[2]);
        // All three channels are scaled by the same factor, which preserves the hue.
        let peak = linear.iter().copied().fold(0.0, f32::max);
        let scale = if peak > KNEE {
            compress(peak, brightest) / peak
        } else {
            1.0
        };
        rgb.extend(linear.map(|light| to_srgb(light * scale)));
    }
    rgb
}

/// Compresses light above the knee smoothly, so that `brightest` becomes 1.
fn compress(light: f32, brightest: f32) -> f32 {
    let over = (light - KNEE) / (1.0 - KNEE);
    let max_over = (brightest - KNEE) / (1.0 - KNEE);
    KNEE + (1.0 - KNEE) * over * (1.0 + over / (max_over * max_over)) / (1.0 + over)
}

/// Returns the sRGB code value of linear light.
fn to_srgb(light: f32) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let code = if light <= 0.003_130_8 {
        12.92 * light
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 255"
    )]
    let byte = (code * 255.0).round() as u8;
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(curve: Curve, code: f32) -> u8 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "code values from 0 to 1"
        )]
        let bytes = ((code * 65535.0) as u16).to_le_bytes();
        let rgb = map(&[bytes, bytes, bytes].concat(), curve);
        assert!(
            rgb.iter().all(|&byte| byte.abs_diff(rgb[0]) <= 2),
            "{rgb:?}"
        );
        rgb[0]
    }

    #[test]
    fn maps_black_to_black_and_the_brightest_light_to_white() {
        for (curve, black, brightest) in [
            (Curve::Hlg, 0.0, 1.0),
            (Curve::Pq, 0.0, 0.76),
            (Curve::SLog3, 95.0 / 1023.0, 0.9),
        ] {
            assert!(gray(curve, black) < 4, "{curve:?}");
            assert!(gray(curve, brightest) > 246, "{curve:?}");
        }
    }

    #[test]
    fn maps_paper_white_and_middle_gray_to_their_usual_values() {
        // Code values in BT.2408: white paper at 75 % (HLG) and 58 % (PQ), an 18 % gray card at 38
        // %. Sony: white paper at 58 % and the card at 41 %.
        for (curve, paper, card) in [
            (Curve::Hlg, 0.75, 0.38),
            (Curve::Pq, 0.58, 0.38),
            (Curve::SLog3, 0.584, 0.411),
        ] {
            let (paper, card) = (gray(curve, paper), gray(curve, card));
            assert!((200..=232).contains(&paper), "{curve:?}: paper {paper}");
            assert!((90..=140).contains(&card), "{curve:?}: card {card}");
        }
    }

    #[test]
    fn mapping_is_monotonic() {
        for curve in [Curve::Hlg, Curve::Pq, Curve::SLog3] {
            let steps: Vec<u8> = (0_u8..=100)
                .map(|step| gray(curve, f32::from(step) / 100.0))
                .collect();
            assert!(steps.is_sorted(), "{curve:?}: {steps:?}");
        }
    }
}
