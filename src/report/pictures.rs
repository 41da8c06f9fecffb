//! The pictures of a book: posters and strips of the catalogue, made so small that all of them
//! together, with all that is written, stay within what a file may have.

use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::imageops::thumbnail;
use image::{DynamicImage, RgbImage};
use rayon::prelude::*;

use super::Shot;
use crate::catalogue::{Catalogue, Folder, INDEX, Thumbnails};
use crate::clip::Clip;
use crate::error::Error;
use crate::media::{Cancel, StripIndex};
use crate::output::decode_poster;
use crate::source_file;
use crate::value::Fingerprint;

/// A picture, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// Itself as a `data:` address, or where it is below the folder of the book.
    pub(super) address: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Several moments of a clip, beside each other in one picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Strip {
    pub(super) picture: Picture,
    /// Seconds since the clip's begin, one for each moment.
    pub(super) seconds: Vec<f64>,
}

/// What there is of one clip.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Pictures {
    pub(super) poster: Option<Picture>,
    pub(super) strip: Option<Strip>,
}

/// How a book is written.
pub struct Making<'a> {
    /// Where clips are read again.
    pub catalogue: &'a Catalogue,
    /// Ends it early.
    pub cancel: &'a Cancel,
    /// Callback that gets the number of clips written and their total.
    pub progress: &'a mut dyn FnMut(usize, usize),
}

/// Where pictures go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Room<'a> {
    /// Into the page, so many bytes of it for each clip.
    Page(usize),
    /// Into a folder, as files.
    Folder(&'a Path),
}

/// How a picture is made: pixels across, and WebP's quality.
type Way = (u32, f32);

/// Posters, the best first; the first that fits is taken.
const POSTERS: [Way; 8] = [
    (480, 72.0),
    (480, 60.0),
    (320, 66.0),
    (320, 52.0),
    (320, 36.0),
    (320, 20.0),
    (200, 20.0),
    (96, 10.0),
];
/// Strips: pixels across one moment.
const STRIPS: [Way; 7] = [
    (192, 64.0),
    (160, 58.0),
    (160, 42.0),
    (160, 26.0),
    (160, 12.0),
    (112, 12.0),
    (64, 8.0),
];
/// A book of few clips is not made larger than it is good to look at.
const MOST_OF_POSTER: usize = 36_000;
const MOST_OF_STRIP: usize = 60_000;
/// More moments are not told apart under a finger.
const MOST_MOMENTS: usize = 10;
/// No index of a strip is longer.
const MOST_INDEX: u64 = 64 << 10;
/// What stands around a picture's bytes in its address.
const PREFIX: &str = "data:image/webp;base64,";

/// Clips that are read and whose pictures are made together: memory holds no more of a book.
const TOGETHER: usize = 64;
/// A share of a page that no picture fits into.
const TOO_LITTLE: usize = 300;

/// The clips of a book one after another, each with its pictures.
pub(super) struct Feed<'a, 'm> {
    shots: &'a [Shot],
    /// `None` for clips without pictures.
    room: Option<Room<'a>>,
    thumbnails: Thumbnails,
    making: &'a mut Making<'m>,
    /// Clips that were read and not asked for yet.
    ready: std::vec::IntoIter<(Clip, Pictures)>,
    next: usize,
}

impl<'a, 'm> Feed<'a, 'm> {
    /// Begins with the first clip.
    pub(super) fn new(
        shots: &'a [Shot],
        room: Option<Room<'a>>,
        making: &'a mut Making<'m>,
    ) -> Self {
        Self {
            shots,
            room,
            thumbnails: making.catalogue.thumbnails(),
            making,
            ready: Vec::new().into_iter(),
            next: 0,
        }
    }

    /// Returns the next clip.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when it was ended early; else what the catalogue or the system says.
    pub(super) fn next(&mut self) -> Result<(Clip, Pictures), Error> {
        if let Some(ready) = self.ready.next() {
            return Ok(ready);
        }
        (self.making.progress)(self.next, self.shots.len());
        let end = self.shots.len().min(self.next + TOGETHER);
        let mut clips = Vec::with_capacity(TOGETHER);
        for shot in &self.shots[self.next..end] {
            if self.making.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            clips.push(self.making.catalogue.clip(shot.clip)?.unwrap_or_default());
        }
        self.next = end;
        let (room, thumbnails, cancel) = (self.room, &self.thumbnails, self.making.cancel);
        let one = |clip: Clip| {
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let pictures = match room {
                Some(room) => of_one(&clip, room, thumbnails),
                None => Ok(Pictures::default()),
            };
            let fault = |error| match room {
                Some(Room::Folder(folder)) => Error::path(folder)(error),
                _ => Error::path("")(error),
            };
            Ok((clip, pictures.map_err(fault)?))
        };
        let made: Result<Vec<_>, Error> = clips.into_par_iter().map(one).collect();
        self.ready = made?.into_iter();
        self.ready.next().ok_or(Error::Interrupted)
    }
}

fn of_one(clip: &Clip, room: Room<'_>, thumbnails: &Thumbnails) -> io::Result<Pictures> {
    let Some(id) = clip.id.as_ref().map(|id| id.value) else {
        return Ok(Pictures::default());
    };
    let (of_poster, of_strip) = shares(room);
    if of_poster < TOO_LITTLE {
        return Ok(Pictures::default());
    }
    let poster = thumbnails
        .posters
        .find(id)
        .and_then(|path| decode_poster(&path));
    let strip = moments(id, &thumbnails.strips);
    let poster = poster.and_then(|image| {
        let (width, height) = (image.width(), image.height());
        fitting(&POSTERS, of_poster, |across| {
            scaled(&image, across, width, height)
        })
    });
    let strip = strip.and_then(|(images, seconds)| {
        let made = fitting(&STRIPS, of_strip, |across| beside(&images, across))?;
        Some((made, seconds))
    });
    Ok(Pictures {
        poster: poster.map(|made| kept(&made, room, id, "")).transpose()?,
        strip: match strip {
            None => None,
            Some((made, seconds)) => Some(Strip {
                picture: kept(&made, room, id, "-strip")?,
                seconds,
            }),
        },
    })
}

/// Bytes that a poster and a strip may have. A strip has ten pictures, which are smaller.
fn shares(room: Room<'_>) -> (usize, usize) {
    match room {
        Room::Folder(_) => (MOST_OF_POSTER, MOST_OF_STRIP),
        Room::Page(bytes) => {
            // Base64 makes four of three.
            let bytes = bytes.saturating_sub(2 * PREFIX.len()) / 4 * 3;
            let poster = (bytes * 2 / 5).min(MOST_OF_POSTER);
            (poster, (bytes - poster).min(MOST_OF_STRIP))
        }
    }
}

struct Made {
    webp: Vec<u8>,
    width: u32,
    height: u32,
}

/// A picture that packs well takes a byte for so many pixels; where even that is too much, a way is not tried.
const PIXELS_A_BYTE: usize = 12;

/// The best picture that fits.
fn fitting(ways: &[Way], most: usize, draw: impl Fn(u32) -> RgbImage) -> Option<Made> {
    let mut drawn: Option<(u32, RgbImage)> = None;
    for &(across, quality) in ways {
        let image = match drawn.take() {
            Some((same, image)) if same == across => image,
            _ => draw(across),
        };
        let (width, height) = image.dimensions();
        if image.as_raw().len() / 3 / PIXELS_A_BYTE <= most {
            let webp = encoded(&image, quality)?;
            if webp.len() <= most {
                return Some(Made {
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

fn encoded(image: &RgbImage, quality: f32) -> Option<Vec<u8>> {
    let mut config = webp::WebPConfig::new().ok()?;
    config.quality = quality;
    // Many pictures are waited for: speed comes before the last few bytes.
    config.method = 2;
    let encoder = webp::Encoder::from_rgb(image.as_raw(), image.width(), image.height());
    Some(encoder.encode_advanced(&config).ok()?.to_vec())
}

/// A picture so wide, or so high where it is upright; never larger than it is.
fn scaled(image: &DynamicImage, across: u32, width: u32, height: u32) -> RgbImage {
    let longest = width.max(height).max(1);
    if longest <= across {
        return image.to_rgb8();
    }
    let side = |side: u32| (u64::from(side) * u64::from(across) / u64::from(longest)).max(1);
    let side = |length: u32| u32::try_from(side(length)).unwrap_or(across);
    thumbnail(&image.to_rgb8(), side(width), side(height))
}

/// Pictures of one size beside each other.
fn beside(images: &[RgbImage], across: u32) -> RgbImage {
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

/// The moments of a clip's strip, with the second of each.
fn moments(id: Fingerprint, strips: &Folder) -> Option<(Vec<RgbImage>, Vec<f64>)> {
    let path = strips.find(id)?;
    let mut json = Vec::new();
    let index = source_file::open(&strips.path(id, INDEX)).ok()?;
    index.take(MOST_INDEX).read_to_end(&mut json).ok()?;
    let index: StripIndex = serde_json::from_slice(&json).ok()?;
    let sheet = decode_poster(&path)?.to_rgb8();
    let (width, height) = (u32::from(index.width), u32::from(index.height));
    let columns = index.columns.max(1);
    let all = index.seconds.len();
    let chosen = chosen(all);
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

/// Which of so many moments are taken: all, or the most that there may be, evenly.
fn chosen(all: usize) -> Vec<usize> {
    let count = all.min(MOST_MOMENTS);
    (0..count).map(|at| at * all / count).collect()
}

/// Keeps a picture where it belongs.
fn kept(made: &Made, room: Room<'_>, id: Fingerprint, what: &str) -> io::Result<Picture> {
    let address = match room {
        Room::Page(_) => format!("{PREFIX}{}", STANDARD.encode(&made.webp)),
        Room::Folder(folder) => {
            let name = format!("{id}{what}.webp");
            std::fs::write(folder.join(&name), &made.webp)?;
            format!("{}/{name}", super::files::PICTURES)
        }
    };
    Ok(Picture {
        address,
        width: made.width,
        height: made.height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As hard to pack as a picture can be.
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
    fn even_noise_fits_into_what_two_thousand_clips_leave_for_each() {
        let (of_poster, of_strip) = shares(Room::Page(26_000));
        let image = DynamicImage::ImageRgb8(noise(480, 270));
        let made = fitting(&POSTERS, of_poster, |across| {
            scaled(&image, across, 480, 270)
        })
        .unwrap();
        assert!(made.webp.len() <= of_poster && made.width >= 96);
        let images: Vec<RgbImage> = (0..10).map(|_| noise(240, 135)).collect();
        let made = fitting(&STRIPS, of_strip, |across| beside(&images, across)).unwrap();
        assert!(made.webp.len() <= of_strip && made.width % 10 == 0);
        assert!((of_poster + of_strip) * 4 / 3 < 26_000);
    }

    #[test]
    fn moments_are_taken_evenly() {
        assert_eq!(chosen(3), [0, 1, 2]);
        assert_eq!(chosen(20), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
        assert_eq!(chosen(0), [0; 0]);
    }

    #[test]
    fn an_upright_picture_stays_upright() {
        let image = DynamicImage::ImageRgb8(noise(270, 480));
        assert_eq!(scaled(&image, 320, 270, 480).dimensions(), (180, 320));
        assert_eq!(scaled(&image, 960, 270, 480).dimensions(), (270, 480));
    }
}
