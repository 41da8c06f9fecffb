//! The poster: one frame of a clip, upright, with square pixels, and not black.

use std::path::Path;

use ffmpeg_sidecar::command::FfmpegCommand;
use jpeg_encoder::{ColorType, Encoder};

use super::process::{self, Limits};
use super::{Tool, Unread, ffprobe};
use crate::clip::Clip;

/// Pixels on a poster's long side.
const LONG_SIDE: u32 = 480;
/// JPEG quality, of 100.
const QUALITY: u8 = 82;

/// A poster.
#[derive(Debug, Clone)]
pub struct Poster {
    /// The whole JPEG file.
    pub jpeg: Vec<u8>,
}

/// Where to look for a frame.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The keyframe before this part of the duration: cheap.
    Near(f64),
    /// The frame at this part of the duration, decoded up to it.
    At(f64),
    /// The frame of this number, all before it decoded.
    Number(u32),
}

/// Not the first frame and not the last; then others, should it be black or flat.
const TIMED: [Place; 5] = [
    Place::Near(0.35),
    Place::Near(0.6),
    Place::At(0.5),
    Place::At(0.85),
    Place::Number(0),
];

/// Where to look when nobody knows how long it is.
const UNTIMED: [Place; 4] = [
    Place::Number(0),
    Place::Number(30),
    Place::Number(75),
    Place::Number(5),
];

/// Makes the poster of a clip whose file is at `path`; `None` when there is no picture in it
/// that ffmpeg could decode: sound, and camera raw.
///
/// # Errors
/// When there should be a picture and none can be decoded.
pub fn poster(
    path: &Path,
    clip: &Clip,
    tool: &Tool,
    limits: &Limits,
) -> Result<Option<Poster>, Unread> {
    let Some((width, height)) = size(clip) else {
        return Ok(None);
    };
    let seconds = clip
        .duration
        .as_ref()
        .map_or(0.0, |fact| fact.value.as_seconds());
    let places: &[Place] = match seconds {
        ..0.001 => &UNTIMED,
        // One frame, or a few: the first is as good as any.
        ..0.2 => &TIMED[4..],
        _ => &TIMED,
    };
    let mut best: Option<Frame> = None;
    let mut fault = String::new();
    for &attempt in places {
        match decode(path, attempt, seconds, (width, height), tool, limits) {
            Ok(frame) if frame.is_worth_looking_at() => return frame.into_poster().map(Some),
            Ok(frame) => {
                if best
                    .as_ref()
                    .is_none_or(|best| frame.contrast > best.contrast)
                {
                    best = Some(frame);
                }
            }
            Err(Unread::Fault(reason)) => {
                if fault.is_empty() {
                    fault = reason;
                }
            }
            Err(other) => return Err(other),
        }
    }
    match best {
        Some(frame) => frame.into_poster().map(Some),
        None => Err(Unread::Fault(fault)),
    }
}

/// The poster's size, if the clip has a picture that ffmpeg may know how to decode.
fn size(clip: &Clip) -> Option<(u16, u16)> {
    const UNDECODED: [&str; 4] = ["redcode", "arriraw", "braw", "prores_raw"];
    let codec = clip.video_codec.as_ref()?;
    if UNDECODED.contains(&codec.value.as_str()) {
        return None;
    }
    let (width, height) = (
        clip.display_width.as_ref()?.value,
        clip.display_height.as_ref()?.value,
    );
    let long = u64::from(width.max(height).max(1));
    let scaled = |side: u32| {
        let side = (u64::from(side) * u64::from(LONG_SIDE) + long / 2) / long;
        u16::try_from(side.max(1)).ok()
    };
    Some((scaled(width)?, scaled(height)?))
}

/// A decoded picture and what can be said of it.
struct Frame {
    rgb: Vec<u8>,
    width: u16,
    height: u16,
    /// Mean brightness, 0 to 255.
    brightness: f64,
    /// Standard deviation of brightness.
    contrast: f64,
}

impl Frame {
    fn new(rgb: Vec<u8>, width: u16, height: u16) -> Self {
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0_f64);
        for pixel in rgb.chunks_exact(3) {
            // Rec. 709 luma weights.
            let luma = 0.2126 * f64::from(pixel[0])
                + 0.7152 * f64::from(pixel[1])
                + 0.0722 * f64::from(pixel[2]);
            sum += luma;
            squares += luma * luma;
            count += 1.0;
        }
        let brightness = sum / count.max(1.0);
        let contrast = (squares / count.max(1.0) - brightness * brightness)
            .max(0.0)
            .sqrt();
        Self {
            rgb,
            width,
            height,
            brightness,
            contrast,
        }
    }

    /// Neither black nor white nor one flat colour.
    fn is_worth_looking_at(&self) -> bool {
        (20.0..240.0).contains(&self.brightness) && self.contrast > 6.0
    }

    fn into_poster(self) -> Result<Poster, Unread> {
        let mut jpeg = Vec::new();
        Encoder::new(&mut jpeg, QUALITY)
            .encode(&self.rgb, self.width, self.height, ColorType::Rgb)
            .map_err(|error| Unread::Fault(format!("its poster could not be encoded: {error}")))?;
        Ok(Poster { jpeg })
    }
}

fn decode(
    path: &Path,
    place: Place,
    seconds: f64,
    (width, height): (u16, u16),
    tool: &Tool,
    limits: &Limits,
) -> Result<Frame, Unread> {
    let mut command = FfmpegCommand::new_with_path(&tool.path);
    let command = command.as_inner_mut();
    command.args(["-hide_banner", "-nostdin", "-v", "error", "-threads", "1"]);
    if let Place::Near(part) | Place::At(part) = place {
        command.args(["-ss", &format!("{:.3}", seconds * part)]);
    }
    if let Place::Near(_) = place {
        command.arg("-noaccurate_seek");
    }
    command.args(ffprobe::input(path));
    // `V` leaves out covers and thumbnails; ffmpeg turns the picture upright by itself.
    command.args(["-map", "0:V:0", "-an", "-sn", "-dn", "-frames:v", "1"]);
    if !matches!(place, Place::At(_)) {
        // Else the frames before the sought time, or the chosen one, would be dropped or doubled.
        let option = if tool.has_fps_mode() {
            "-fps_mode"
        } else {
            "-vsync"
        };
        command.args([option, "passthrough"]);
    }
    let choice = match place {
        Place::Number(number) if number > 0 => format!("select=gte(n\\,{number}),"),
        _ => String::new(),
    };
    let filter = format!("{choice}scale={width}:{height}:flags=bicubic+accurate_rnd,format=rgb24");
    command.args(["-vf", &filter, "-f", "rawvideo", "pipe:1"]);
    let bytes = usize::from(width) * usize::from(height) * 3;
    let output = process::run(command, bytes, limits)?;
    if output.stdout.len() != bytes {
        return Err(Unread::Fault(ffprobe::reason(&output, path)));
    }
    Ok(Frame::new(output.stdout, width, height))
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

    #[test]
    fn posters_are_480_on_the_long_side() {
        assert_eq!(size(&clip("h264", 1920, 1080)), Some((480, 270)));
        assert_eq!(size(&clip("h264", 1080, 1920)), Some((270, 480)));
        assert_eq!(size(&clip("h264", 64, 1)), Some((480, 8)));
        assert_eq!(size(&clip("h264", 60_000, 1)), Some((480, 1)));
        assert_eq!(size(&clip("redcode", 1920, 1080)), None);
        assert_eq!(size(&Clip::default()), None);
    }

    #[test]
    fn black_white_and_flat_are_told_from_pictures() {
        let picture = |pixels: &[u8]| {
            let rgb = pixels.iter().flat_map(|&p| [p, p, p]).collect();
            Frame::new(rgb, 2, 2).is_worth_looking_at()
        };
        assert!(!picture(&[0, 0, 0, 3]));
        assert!(!picture(&[255, 255, 255, 250]));
        assert!(!picture(&[90, 91, 90, 91]));
        assert!(picture(&[20, 200, 90, 60]));
    }
}
