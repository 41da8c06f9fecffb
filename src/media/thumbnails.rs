//! Posters and strips: what is planned when a header is read, and how it is made.
//!
//! The plan holds everything that making takes, so that a header is read once, and a scan
//! that was cut off goes on with the pictures that are still to be made.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::batch_decode::{self, Picked, Row};
use super::frame::{Frame, Raster};
use super::image::{self, StripIndex, Thumbs};
use super::keyframes::{Decoder, Key, Keyframes, Stored};
use super::process::Limits;
use super::single_decode::{self, Input, Place};
use super::{Tool, Unread};
use crate::clip::Clip;
use crate::source_file::Gate;

/// The plans this program makes and follows.
const VERSION: u32 = 1;
/// Pictures of a strip where none was asked for: they are planned for a later scan.
const STRIP: usize = 8;
/// Runs in a row that took too long, after which no more are begun.
const PATIENCE: u32 = 3;
/// Pixels on a poster's long side.
const POSTER: u32 = 480;
/// Pixels on the long side of a strip's pictures.
const TILE: u32 = 240;

/// Everything that making a clip's pictures takes, but where its file is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// One of another version is not followed.
    version: u32,
    poster: Raster,
    tile: Raster,
    /// Frames that can be picked out of the file; without, ffmpeg opens it.
    keyed: Option<Keyed>,
    /// Running time in microseconds; 0 where nobody knows it.
    micros: u64,
    /// Whether the container's header is enough to seek and decode by.
    is_described: bool,
    /// Pictures the strip is to have.
    strip: usize,
    /// Whether the poster that was made is not worth looking at.
    #[serde(default)]
    is_poor: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Keyed {
    decoder: Decoder,
    #[serde(default)]
    stored: Stored,
    poster: Vec<Key>,
    strip: Vec<Key>,
}

/// Which pictures of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The one that stands for the clip.
    Poster,
    /// Those that show its course.
    Strip,
}

impl Plan {
    /// Plans the pictures of a clip, with so many in its strip; `None` when there is nothing
    /// that ffmpeg could decode: sound, and camera raw.
    #[must_use]
    pub fn of(clip: &Clip, keyframes: Option<&Keyframes>, strip: usize) -> Option<Self> {
        let strip = if strip == 0 { STRIP } else { strip };
        let keyed = keyframes
            .filter(|frames| batch_decode::can_decode(&frames.decoder))
            .map(|frames| Keyed {
                decoder: frames.decoder.clone(),
                stored: frames.stored,
                poster: frames.for_poster(),
                strip: frames.for_strip(strip),
            });
        let container = clip.container.as_ref().map(|fact| fact.value.as_str());
        let duration = clip.duration.as_ref().map(|fact| fact.value);
        Some(Self {
            version: VERSION,
            poster: Raster::of(clip, POSTER)?,
            tile: Raster::of(clip, TILE)?,
            keyed,
            micros: duration.map_or(0, crate::value::Duration::as_micros),
            is_described: single_decode::is_described(container),
            strip,
            is_poor: false,
        })
    }

    /// A plan that was kept; `None` of another version, or damaged.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let plan: Self = serde_json::from_str(json).ok()?;
        (plan.version == VERSION).then_some(plan)
    }

    /// The same for everything that one ffmpeg can decode; `None` where ffmpeg opens the
    /// file itself.
    #[must_use]
    pub fn recipe(&self, work: Work) -> Option<u64> {
        let keyed = self.keyed.as_ref()?;
        let recipe = serde_json::to_vec(&(&keyed.decoder, self.raster(work))).ok()?;
        Some(xxh3_64(&recipe))
    }

    fn raster(&self, work: Work) -> &Raster {
        match work {
            Work::Poster => &self.poster,
            Work::Strip => &self.tile,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a running time")]
    fn seconds(&self) -> f64 {
        self.micros as f64 / 1e6
    }
}

/// A clip whose pictures are to be made.
#[derive(Debug, Clone)]
pub struct Subject {
    /// One of its files.
    pub path: PathBuf,
    /// All frames, of an image sequence; else nothing.
    pub frames: Vec<PathBuf>,
    /// Through which the file is read.
    pub gate: Gate,
    /// What to make.
    pub plan: Plan,
}

/// What was made of one subject.
#[derive(Debug)]
pub enum Made {
    /// A poster.
    Poster {
        /// The whole file.
        image: Vec<u8>,
        /// The plan for the strip.
        next: Box<Plan>,
    },
    /// A strip.
    Strip {
        /// The whole file and what is where in it; `None`: it has no pictures to show.
        strip: Option<(Vec<u8>, StripIndex)>,
        /// A better poster than the one before, which was not worth looking at.
        poster: Option<Vec<u8>>,
    },
}

/// What was taken of a clip for its strip.
#[derive(Debug, Clone, Default)]
struct Course {
    /// Pictures, and the second at which each is shown.
    frames: Vec<(f64, Frame)>,
    /// Their keys, where they were harvested.
    keys: Vec<Key>,
}

/// The tools and bounds of a run.
#[derive(Debug, Clone)]
pub struct Studio {
    /// What decodes.
    pub ffmpeg: Tool,
    /// Of one run of it.
    pub limits: Limits,
    /// What pictures are written as.
    pub thumbs: Thumbs,
    /// How many runs in a row took too long, in all threads.
    pub late: Arc<AtomicU32>,
}

impl Studio {
    /// Counts runs that take too long.
    ///
    /// # Errors
    /// As the run ended.
    fn timed<T>(&self, ended: Result<T, Unread>) -> Result<T, Unread> {
        match &ended {
            Err(Unread::Late(_)) => {
                self.late.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.late.store(0, Ordering::Relaxed),
        }
        ended
    }

    /// Whether ffmpeg hangs on everything: then no more is begun, and what waits goes on waiting.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.late.load(Ordering::Relaxed) >= PATIENCE
    }

    /// Makes pictures of subjects of one recipe, telling of each by its place in the list.
    ///
    /// # Errors
    /// When ffmpeg cannot be run or the run is cancelled; then what was not told of is not made.
    pub fn make(
        &self,
        work: Work,
        subjects: &[Subject],
        tell: &mut dyn FnMut(usize, Result<Made, Unread>),
    ) -> Result<(), Unread> {
        match work {
            Work::Poster => self.posters(subjects, tell),
            Work::Strip => self.strips(subjects, tell),
        }
    }

    fn posters(
        &self,
        subjects: &[Subject],
        tell: &mut dyn FnMut(usize, Result<Made, Unread>),
    ) -> Result<(), Unread> {
        let mut best: Vec<Option<Frame>> = vec![None; subjects.len()];
        let mut is_told = vec![false; subjects.len()];
        // One key each; where it is not worth looking at, up to three more.
        for range in [0..1, 1..usize::MAX] {
            let rows = |at: usize| {
                let keys = subjects[at].plan.keyed.as_ref().map(|keyed| &keyed.poster);
                let keys = keys.map(|keys| {
                    let end = range.end.min(keys.len());
                    keys.get(range.start..end).unwrap_or_default().to_vec()
                });
                keys.filter(|_| !is_told[at]).unwrap_or_default()
            };
            let wanted: Vec<Vec<Key>> = (0..subjects.len()).map(rows).collect();
            let is_well = self.pick(subjects, Work::Poster, &wanted, &mut |at, _, frame| {
                if is_told[at] {
                } else if frame.is_worth_looking_at() {
                    is_told[at] = true;
                    tell(at, self.poster(&frame, &subjects[at]));
                } else if best[at]
                    .as_ref()
                    .is_none_or(|best| frame.is_better_than(best))
                {
                    best[at] = Some(frame);
                }
            })?;
            if !is_well {
                break;
            }
        }
        for (at, subject) in subjects.iter().enumerate().filter(|&(at, _)| !is_told[at]) {
            if self.is_hopeless() {
                break;
            }
            let made = match best[at].take() {
                Some(frame) => self.poster(&frame, subject),
                None => match self.single(subject) {
                    Ok(frame) => self.poster(&frame, subject),
                    Err(Unread::Cancelled) => return Err(Unread::Cancelled),
                    Err(unread) => Err(unread),
                },
            };
            tell(at, made);
        }
        Ok(())
    }

    /// Harvests keys, giving each frame with the number of its subject, and its key and the
    /// second that it is shown. Gives whether the decoder did not fail: what did not come is
    /// done singly.
    fn pick(
        &self,
        subjects: &[Subject],
        work: Work,
        wanted: &[Vec<Key>],
        give: &mut dyn FnMut(usize, (usize, f64), Frame),
    ) -> Result<bool, Unread> {
        let rows: Vec<(usize, Row)> = subjects
            .iter()
            .zip(wanted)
            .enumerate()
            .filter(|(_, (_, keys))| !keys.is_empty())
            .map(|(at, (subject, keys))| {
                let row = Row {
                    path: subject.path.clone(),
                    gate: subject.gate.clone(),
                    stored: subject
                        .plan
                        .keyed
                        .as_ref()
                        .map_or(Stored::Whole, |keyed| keyed.stored),
                    keys: keys.clone(),
                };
                (at, row)
            })
            .collect();
        let first = rows.first().map(|&(at, _)| &subjects[at].plan);
        let Some((plan, keyed)) = first.and_then(|plan| Some((plan, plan.keyed.as_ref()?))) else {
            return Ok(true);
        };
        let raster = plan.raster(work);
        let (places, rows): (Vec<usize>, Vec<Row>) = rows.into_iter().unzip();
        let mut take = |picked: Picked| {
            let frame = Frame::new(picked.pixels, raster);
            let shown = (picked.key, seconds(picked.micros));
            give(places[picked.row], shown, frame);
        };
        let (tool, limits) = (&self.ffmpeg, &self.limits);
        let ended = batch_decode::harvest(&keyed.decoder, raster, &rows, tool, limits, &mut take);
        match self.timed(ended) {
            Err(Unread::Late(_) | Unread::Fault(_)) => Ok(false),
            ended => ended.map(|()| true),
        }
    }

    fn poster(&self, frame: &Frame, subject: &Subject) -> Result<Made, Unread> {
        let image = self.encoded(frame)?;
        let mut next = Box::new(subject.plan.clone());
        next.is_poor = !frame.is_worth_looking_at();
        if let Some(keyed) = &mut next.keyed {
            keyed.poster.clear();
        }
        Ok(Made::Poster { image, next })
    }

    fn encoded(&self, frame: &Frame) -> Result<Vec<u8>, Unread> {
        image::encode(&frame.rgb, (frame.width, frame.height), self.thumbs)
    }

    /// The poster of a file that ffmpeg opens itself.
    fn single(&self, subject: &Subject) -> Result<Frame, Unread> {
        let _pass = subject.gate.pass();
        let mut best: Option<Frame> = None;
        let mut fault = None;
        for (input, place) in single_places(subject) {
            match self.taken(&input, place, &subject.plan.poster) {
                Ok(frame) if frame.is_worth_looking_at() => return Ok(frame),
                Ok(frame) => {
                    if best.as_ref().is_none_or(|best| frame.is_better_than(best)) {
                        best = Some(frame);
                    }
                }
                Err(Unread::Fault(reason)) => {
                    fault.get_or_insert(reason);
                }
                Err(other) => return Err(other),
            }
        }
        best.ok_or_else(|| Unread::Fault(fault.unwrap_or_default()))
    }

    /// One picture; where a header was not enough after all, once more without relying on it.
    fn taken(&self, input: &Input, place: Place, raster: &Raster) -> Result<Frame, Unread> {
        let take = |input: &Input| {
            self.timed(single_decode::one(
                input,
                place,
                raster,
                &self.ffmpeg,
                &self.limits,
            ))
        };
        let pixels = match take(input) {
            Err(Unread::Fault(_)) if input.is_described => take(&Input {
                is_described: false,
                ..input.clone()
            }),
            taken => taken,
        };
        Ok(Frame::new(pixels?, raster))
    }

    fn strips(
        &self,
        subjects: &[Subject],
        tell: &mut dyn FnMut(usize, Result<Made, Unread>),
    ) -> Result<(), Unread> {
        let wanted: Vec<Vec<Key>> = subjects
            .iter()
            .map(|subject| {
                subject
                    .plan
                    .keyed
                    .as_ref()
                    .map_or_else(Vec::new, |keyed| keyed.strip.clone())
            })
            .collect();
        let mut open: Vec<Course> = vec![Course::default(); subjects.len()];
        let mut done = 0;
        self.pick(
            subjects,
            Work::Strip,
            &wanted,
            &mut |at, (key, second), frame| {
                // Pictures come in the order they were fed: those before are as whole as they get.
                for before in done..at {
                    self.finish_strip(&subjects[before], &mut open[before], before, tell);
                }
                done = done.max(at);
                open[at].frames.push((second, frame));
                open[at].keys.extend(wanted[at].get(key));
            },
        )?;
        for at in done..subjects.len() {
            if self.is_hopeless() {
                break;
            }
            if self.limits.cancel.is_cancelled() {
                return Err(Unread::Cancelled);
            }
            self.finish_strip(&subjects[at], &mut open[at], at, tell);
        }
        Ok(())
    }

    fn finish_strip(
        &self,
        subject: &Subject,
        course: &mut Course,
        at: usize,
        tell: &mut dyn FnMut(usize, Result<Made, Unread>),
    ) {
        let Course { mut frames, keys } = std::mem::take(course);
        if frames.is_empty() {
            match self.single_strip(subject) {
                Ok(taken) => frames = taken,
                Err(unread) => return tell(at, Err(unread)),
            }
        }
        let poster = self.better_poster(subject, &frames, &keys);
        let strip = image::strip(&frames).map(|(rgb, size, index)| {
            image::encode(&rgb, size, self.thumbs).map(|image| (image, index))
        });
        tell(
            at,
            strip.transpose().map(|strip| Made::Strip { strip, poster }),
        );
    }

    /// The strip of a file that ffmpeg opens itself: all places in one run, else each apart.
    fn single_strip(&self, subject: &Subject) -> Result<Vec<(f64, Frame)>, Unread> {
        let places = strip_places(subject);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let _pass = subject.gate.pass();
        let raster = &subject.plan.tile;
        let second = |place: &Place| match *place {
            Place::Near(second) | Place::At(second) => second,
            Place::Number(number) => f64::from(number),
        };
        match self.timed(single_decode::several(
            &places,
            raster,
            &self.ffmpeg,
            &self.limits,
        )) {
            Ok(pictures) => Ok(places
                .iter()
                .zip(pictures)
                .map(|((_, place), pixels)| (second(place), Frame::new(pixels, raster)))
                .collect()),
            Err(Unread::Fault(reason)) => {
                let mut frames = Vec::new();
                for (input, place) in &places {
                    match self.taken(input, *place, raster) {
                        Ok(frame) => frames.push((second(place), frame)),
                        Err(Unread::Fault(_)) => {}
                        Err(other) => return Err(other),
                    }
                }
                if frames.is_empty() {
                    return Err(Unread::Fault(reason));
                }
                Ok(frames)
            }
            Err(other) => Err(other),
        }
    }

    /// A poster at the place of the strip's best picture, where the one before was poor.
    fn better_poster(
        &self,
        subject: &Subject,
        frames: &[(f64, Frame)],
        keys: &[Key],
    ) -> Option<Vec<u8>> {
        if !subject.plan.is_poor {
            return None;
        }
        let (at, (second, best)) = frames.iter().enumerate().reduce(|best, next| {
            if next.1.1.is_better_than(&best.1.1) {
                next
            } else {
                best
            }
        })?;
        if !best.is_worth_looking_at() {
            return None;
        }
        let mut better = None;
        if let Some(&key) = keys.get(at) {
            let one = std::slice::from_ref(subject);
            let take = &mut |_, _, frame| better = Some(frame);
            self.pick(one, Work::Poster, &[vec![key]], take).ok()?;
        } else if subject.frames.is_empty() {
            let place = Place::Near(*second);
            better = self
                .taken(&input(subject), place, &subject.plan.poster)
                .ok();
        }
        self.encoded(&better?).ok()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a running time")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn input(subject: &Subject) -> Input {
    Input {
        path: subject.path.clone(),
        is_described: subject.plan.is_described,
    }
}

/// Where to look for a poster: not at the first frame nor the last, then elsewhere.
fn single_places(subject: &Subject) -> Vec<(Input, Place)> {
    if let [_, ..] = subject.frames.as_slice() {
        let middle = subject.frames.len() / 2;
        let still = |at: usize| (frame_input(subject, at), Place::Number(0));
        return vec![still(middle), still(subject.frames.len() / 4)];
    }
    let seconds = subject.plan.seconds();
    let near = |part: f64| Place::Near(seconds * part);
    let places = match seconds {
        // Nobody knows how long it is.
        ..0.001 => vec![
            Place::Number(0),
            Place::Number(30),
            Place::Number(75),
            Place::Number(5),
        ],
        // One frame, or a few: the first is as good as any.
        ..0.2 => vec![Place::Number(0)],
        // Decoding up to a place costs no more than a few seconds of film.
        ..60.0 => vec![
            near(0.35),
            near(0.6),
            Place::At(seconds * 0.5),
            Place::At(seconds * 0.85),
            Place::Number(0),
        ],
        _ => vec![near(0.35), near(0.6), near(0.85), Place::Number(0)],
    };
    let input = input(subject);
    places
        .into_iter()
        .map(|place| (input.clone(), place))
        .collect()
}

/// Places spread evenly; none where nobody knows how long it is.
fn strip_places(subject: &Subject) -> Vec<(Input, Place)> {
    let count = subject.plan.strip;
    let length = subject.frames.len();
    if length > 0 {
        let count = count.min(length);
        return (0..count)
            .map(|number| (number * 2 + 1) * length / (count * 2))
            .map(|at| (frame_input(subject, at), Place::Number(0)))
            .collect();
    }
    let seconds = subject.plan.seconds();
    if seconds < 0.2 {
        return Vec::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
    let place = |number: usize| Place::Near(seconds * (number as f64 + 0.5) / count as f64);
    (0..count)
        .map(|number| (input(subject), place(number)))
        .collect()
}

fn frame_input(subject: &Subject, at: usize) -> Input {
    Input {
        path: subject.frames.get(at).unwrap_or(&subject.path).clone(),
        is_described: false,
    }
}
