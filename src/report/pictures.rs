//! Pictures of a report: posters and filmstrips of the catalogue, compressed so that all of them,
//! together with the text, stay within the size limit of a file.

use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::imageops::thumbnail;
use image::{DynamicImage, RgbImage};
use rayon::prelude::*;

use super::Shot;
use crate::cancel::Cancel;
use crate::catalogue::{Catalogue, INDEX, PictureFolder, Thumbnails};
use crate::clip::Clip;
use crate::error::Error;
use crate::media::{StripIndex, decode_picture};
use crate::source_file;
use crate::value::Fingerprint;

/// Encoded picture with its size in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReportPicture {
    /// `data:` URL, or a path relative to the folder of the report.
    pub(super) address: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Several moments of a clip, side by side in one picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Strip {
    pub(super) picture: ReportPicture,
    /// Seconds from the start of the clip, one per moment.
    pub(super) seconds: Vec<f64>,
}

/// Pictures of a clip.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ClipPictures {
    pub(super) poster: Option<ReportPicture>,
    pub(super) strip: Option<Strip>,
}

/// Inputs for writing a report.
pub struct RenderContext<'a> {
    /// Catalogue from which clips are read again.
    pub catalogue: &'a Catalogue,
    /// Token that cancels writing.
    pub cancel: &'a Cancel,
    /// Callback that receives the number of clips written and the total.
    pub progress: &'a mut dyn FnMut(usize, usize),
}

/// Destination of the pictures.
#[derive(Debug, Clone, Copy)]
pub(super) enum PictureTarget<'a> {
    /// Inline in the page, with a limit in bytes per clip.
    Page(usize),
    /// Files in a folder.
    Folder(&'a Path),
}

/// Name of the picture folder in a report folder.
pub(super) const PICTURES: &str = "pictures";
/// Width of a picture in pixels, and WebP quality.
type PictureSize = (u32, f32);

/// Poster sizes, best first; the first that fits is used.
const POSTERS: [PictureSize; 8] = [
    (480, 72.0),
    (480, 60.0),
    (320, 66.0),
    (320, 52.0),
    (320, 36.0),
    (320, 20.0),
    (200, 20.0),
    (96, 10.0),
];
/// Filmstrip sizes; the width is that of one moment.
const STRIPS: [PictureSize; 7] = [
    (192, 64.0),
    (160, 58.0),
    (160, 42.0),
    (160, 26.0),
    (160, 12.0),
    (112, 12.0),
    (64, 8.0),
];
/// Limits in bytes. They apply even if a report with few clips has more space.
const MAX_POSTER_BYTES: usize = 36_000;
const MAX_STRIP_BYTES: usize = 60_000;
/// Maximum number of moments; more cannot be distinguished while scrubbing.
const MAX_MOMENTS: usize = 10;
/// Maximum length of a filmstrip's index in bytes.
const MAX_INDEX_BYTES: u64 = 64 << 10;
/// Prefix of a picture's `data:` URL.
const PREFIX: &str = "data:image/webp;base64,";

/// Number of clips that are read and encoded at a time, which limits memory use.
const BATCH: usize = 64;
/// Minimum number of bytes per clip for including any picture.
const MIN_BYTES: usize = 300;

/// Iterator over the clips of a report, each with its pictures.
pub(super) struct ClipFeed<'a, 'm> {
    shots: &'a [Shot],
    /// `None` if no pictures are needed.
    target: Option<PictureTarget<'a>>,
    thumbnails: Thumbnails,
    context: &'a mut RenderContext<'m>,
    /// Clips that are read but not yet returned.
    ready: std::vec::IntoIter<(Clip, ClipPictures)>,
    next: usize,
}

impl<'a, 'm> ClipFeed<'a, 'm> {
    /// Creates a feed that starts with the first clip.
    pub(super) fn new(
        shots: &'a [Shot],
        target: Option<PictureTarget<'a>>,
        context: &'a mut RenderContext<'m>,
    ) -> Self {
        Self {
            shots,
            target,
            thumbnails: context.catalogue.thumbnails(),
            context,
            ready: Vec::new().into_iter(),
            next: 0,
        }
    }

    /// Returns the next clip.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if writing was cancelled, and errors of the catalogue or the system.
    pub(super) fn next(&mut self) -> Result<(Clip, ClipPictures), Error> {
        if let Some(ready) = self.ready.next() {
            return Ok(ready);
        }
        (self.context.progress)(self.next, self.shots.len());
        let end = self.shots.len().min(self.next + BATCH);
        let mut clips = Vec::with_capacity(BATCH);
        for shot in &self.shots[self.next..end] {
            if self.context.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            clips.push(self.context.catalogue.clip(shot.clip)?.unwrap_or_default());
        }
        self.next = end;
        let (target, thumbnails, cancel) = (self.target, &self.thumbnails, self.context.cancel);
        let one = |clip: Clip| {
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let pictures = match target {
                Some(target) => clip_pictures(&clip, target, thumbnails),
                None => Ok(ClipPictures::default()),
            };
            let fault = |error| match target {
                Some(PictureTarget::Folder(folder)) => Error::path(folder)(error),
                _ => Error::path("")(error),
            };
            Ok((clip, pictures.map_err(fault)?))
        };
        let encoded: Result<Vec<_>, Error> = clips.into_par_iter().map(one).collect();
        self.ready = encoded?.into_iter();
        self.ready.next().ok_or(Error::Interrupted)
    }
}

fn clip_pictures(
    clip: &Clip,
    target: PictureTarget<'_>,
    thumbnails: &Thumbnails,
) -> io::Result<ClipPictures> {
    let Some(id) = clip.id.as_ref().map(|id| id.value) else {
        return Ok(ClipPictures::default());
    };
    let (of_poster, of_strip) = byte_shares(target);
    if of_poster < MIN_BYTES {
        return Ok(ClipPictures::default());
    }
    let poster = thumbnails
        .posters
        .find(id)
        .and_then(|path| decode_picture(&path));
    let strip = moments(id, &thumbnails.strips);
    let poster = poster.and_then(|image| {
        let (width, height) = (image.width(), image.height());
        encode_to_fit(&POSTERS, of_poster, |across| {
            scaled(&image, across, width, height)
        })
    });
    let strip = strip.and_then(|(images, seconds)| {
        let encoded = encode_to_fit(&STRIPS, of_strip, |across| side_by_side(&images, across))?;
        Some((encoded, seconds))
    });
    Ok(ClipPictures {
        poster: poster
            .map(|encoded| store(&encoded, target, id, ""))
            .transpose()?,
        strip: match strip {
            None => None,
            Some((encoded, seconds)) => Some(Strip {
                picture: store(&encoded, target, id, "-strip")?,
                seconds,
            }),
        },
    })
}

/// Returns the maximum sizes of a poster and a filmstrip in bytes. A filmstrip has up to ten
/// smaller pictures.
fn byte_shares(target: PictureTarget<'_>) -> (usize, usize) {
    match target {
        PictureTarget::Folder(_) => (MAX_POSTER_BYTES, MAX_STRIP_BYTES),
        PictureTarget::Page(bytes) => {
            // Base64 encodes three bytes as four.
            let bytes = bytes.saturating_sub(2 * PREFIX.len()) / 4 * 3;
            let poster = (bytes * 2 / 5).min(MAX_POSTER_BYTES);
            (poster, (bytes - poster).min(MAX_STRIP_BYTES))
        }
    }
}

struct EncodedPicture {
    webp: Vec<u8>,
    width: u32,
    height: u32,
}

/// Pixels per byte at the best possible compression. Sizes that would be too large even then are
/// skipped.
const PIXELS_PER_BYTE: usize = 12;

/// Encodes the best picture that fits.
fn encode_to_fit(
    sizes: &[PictureSize],
    max_bytes: usize,
    draw: impl Fn(u32) -> RgbImage,
) -> Option<EncodedPicture> {
    let mut drawn: Option<(u32, RgbImage)> = None;
    for &(across, quality) in sizes {
        let image = match drawn.take() {
            Some((same, image)) if same == across => image,
            _ => draw(across),
        };
        let (width, height) = image.dimensions();
        if image.as_raw().len() / 3 / PIXELS_PER_BYTE <= max_bytes {
            let webp = encode_webp(&image, quality)?;
            if webp.len() <= max_bytes {
                return Some(EncodedPicture {
                    webp,
                    width,
                    height,
                });
            }
        }
        drawn = Some((across, image));
    }
    None
}

fn encode_webp(image: &RgbImage, quality: f32) -> Option<Vec<u8>> {
    let mut config = webp::WebPConfig::new().ok()?;
    config.quality = quality;
    // Speed is more important than the last few bytes, because the user waits for many pictures.
    config.method = 2;
    let encoder = webp::Encoder::from_rgb(image.as_raw(), image.width(), image.height());
    Some(encoder.encode_advanced(&config).ok()?.to_vec())
}

/// Scales a picture so that its longer side is at most `across` pixels.
fn scaled(image: &DynamicImage, across: u32, width: u32, height: u32) -> RgbImage {
    let longest = width.max(height).max(1);
    if longest <= across {
        return image.to_rgb8();
    }
    let side = |side: u32| (u64::from(side) * u64::from(across) / u64::from(longest)).max(1);
    let side = |length: u32| u32::try_from(side(length)).unwrap_or(across);
    thumbnail(&image.to_rgb8(), side(width), side(height))
}

/// Scales pictures of the same size and places them side by side.
fn side_by_side(images: &[RgbImage], across: u32) -> RgbImage {
    let (width, height) = images.first().map_or((1, 1), RgbImage::dimensions);
    let longest = width.max(height).max(1);
    let across = across.min(longest);
    let side = |side: u32| (side * across / longest).max(1);
    let (width, height) = (side(width), side(height));
    let count = u32::try_from(images.len()).unwrap_or(1);
    let mut all = RgbImage::new(width * count, height);
    for (at, image) in (0..).zip(images) {
        let small = thumbnail(image, width, height);
        image::imageops::replace(&mut all, &small, i64::from(at * width), 0);
    }
    all
}

/// Returns the pictures of a clip's filmstrip and the time of each in seconds.
fn moments(id: Fingerprint, strips: &PictureFolder) -> Option<(Vec<RgbImage>, Vec<f64>)> {
    let path = strips.find(id)?;
    let mut json = Vec::new();
    let index = source_file::open(&strips.path(id, INDEX)).ok()?;
    index.take(MAX_INDEX_BYTES).read_to_end(&mut json).ok()?;
    let index: StripIndex = serde_json::from_slice(&json).ok()?;
    let sheet = decode_picture(&path)?.to_rgb8();
    let (width, height) = (u32::from(index.width), u32::from(index.height));
    let columns = index.columns.max(1);
    let all = index.seconds.len();
    let chosen = choose_moments(all);
    let mut images = Vec::new();
    let mut seconds = Vec::new();
    for at in chosen {
        let column = u32::try_from(at % columns).ok()?;
        let row = u32::try_from(at / columns).ok()?;
        let (x, y) = (column.checked_mul(width)?, row.checked_mul(height)?);
        let is_inside =
            x.checked_add(width)? <= sheet.width() && y.checked_add(height)? <= sheet.height();
        if !is_inside || width == 0 || height == 0 {
            return None;
        }
        images.push(image::imageops::crop_imm(&sheet, x, y, width, height).to_image());
        seconds.push(index.seconds[at]);
    }
    (!images.is_empty()).then_some((images, seconds))
}

/// Selects all moments, or [`MAX_MOMENTS`] evenly spaced ones.
fn choose_moments(all: usize) -> Vec<usize> {
    let count = all.min(MAX_MOMENTS);
    (0..count).map(|at| at * all / count).collect()
}

/// Writes a picture to its destination.
fn store(
    encoded: &EncodedPicture,
    target: PictureTarget<'_>,
    id: Fingerprint,
    what: &str,
) -> io::Result<ReportPicture> {
    let address = match target {
        PictureTarget::Page(_) => format!("{PREFIX}{}", STANDARD.encode(&encoded.webp)),
        PictureTarget::Folder(folder) => {
            let name = format!("{id}{what}.webp");
            std::fs::write(folder.join(&name), &encoded.webp)?;
            format!("{PICTURES}/{name}")
        }
    };
    Ok(ReportPicture {
        address,
        width: encoded.width,
        height: encoded.height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a picture of noise, which compresses worst.
    fn noise(width: u32, height: u32) -> RgbImage {
        let mut state = 7_u32;
        RgbImage::from_fn(width, height, |_, _| {
            let mut byte = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            image::Rgb([byte(), byte(), byte()])
        })
    }

    #[test]
    fn noise_fits_into_the_space_per_clip_of_two_thousand_clips() {
        let (of_poster, of_strip) = byte_shares(PictureTarget::Page(26_000));
        let image = DynamicImage::ImageRgb8(noise(480, 270));
        let encoded = encode_to_fit(&POSTERS, of_poster, |across| {
            scaled(&image, across, 480, 270)
        })
        .unwrap();
        assert!(encoded.webp.len() <= of_poster && encoded.width >= 96);
        let images: Vec<RgbImage> = (0..10).map(|_| noise(240, 135)).collect();
        let encoded =
            encode_to_fit(&STRIPS, of_strip, |across| side_by_side(&images, across)).unwrap();
        assert!(encoded.webp.len() <= of_strip && encoded.width % 10 == 0);
        assert!((of_poster + of_strip) * 4 / 3 < 26_000);
    }

    #[test]
    fn moments_are_selected_evenly() {
        assert_eq!(choose_moments(3), [0, 1, 2]);
        assert_eq!(choose_moments(20), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
        assert_eq!(choose_moments(0), [0; 0]);
    }

    #[test]
    fn a_vertical_picture_stays_vertical() {
        let image = DynamicImage::ImageRgb8(noise(270, 480));
        assert_eq!(scaled(&image, 320, 270, 480).dimensions(), (180, 320));
        assert_eq!(scaled(&image, 960, 270, 480).dimensions(), (270, 480));
    }
}
