//! What a book is made of: the clips that were asked for, where their copies are, the cards they
//! came on, and what the day was.

use std::collections::HashMap;

use jiff::civil::Date;

use super::series::{self, Series};
use crate::catalogue::{Catalogue, Copied, Ingest};
use crate::clip::{Clip, Source};
use crate::error::Error;
use crate::value::Why;

/// What a book is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// One day, and of its clips those that a query finds, where one was written.
    Day(Date, String),
    /// What a query finds.
    Query(String),
}

/// A shoot, gathered.
#[derive(Debug, Clone)]
pub struct Book {
    /// What was asked for.
    pub about: About,
    /// Its clips, in the order in which they were shot; those of which nobody knows when come last.
    pub shots: Vec<Shot>,
    /// The cards that clips came on, the first taken in first.
    pub cards: Vec<Ingest>,
    /// The numbers that are known on each card or in each folder.
    pub series: Vec<Series>,
    /// The day on which it is made.
    pub made: Date,
}

/// A clip of a book.
#[derive(Debug, Clone, Default)]
pub struct Shot {
    /// What is known of it.
    pub clip: Clip,
    /// The day that it belongs to.
    pub day: Option<String>,
    /// What it was shot with: `A · Sony ILME-FX3`.
    pub camera: String,
    /// Which of the book's cards it came on.
    pub card: Option<usize>,
    /// Where it is.
    pub copies: Copies,
    /// Which of the book's series its name is of, and its number there.
    pub number: Option<(usize, u32)>,
}

/// Where a clip is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies {
    /// Files that hold it and were there when they were last looked for.
    pub files: usize,
    /// Volumes that hold it, by fingerprint.
    pub volumes: usize,
    /// … and those of which full hashes prove it.
    pub proved: usize,
    /// Whether full hashes show that its files are not the same.
    pub do_differ: bool,
    /// What the volumes are called, each once.
    pub labels: Vec<String>,
}

impl Copies {
    fn of(copied: &Copied) -> Self {
        let mut labels: Vec<String> = Vec::new();
        for file in &copied.files {
            if !labels.contains(&file.label) {
                labels.push(file.label.clone());
            }
        }
        labels.sort();
        Self {
            files: copied.files.len(),
            volumes: copied.volumes(),
            proved: copied.proved_volumes(),
            do_differ: copied.do_differ(),
            labels,
        }
    }
}

impl Book {
    /// Gathers clips by their numbers; of a day, those that belong to it.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn gather(
        about: About,
        clips: &[i64],
        made: Date,
        catalogue: &Catalogue,
    ) -> Result<Self, Error> {
        let wanted = match &about {
            About::Day(date, _) => Some(date.to_string()),
            About::Query(_) => None,
        };
        let mut cards = Cards::default();
        let mut shots = Vec::new();
        for &number in clips {
            let Some(clip) = catalogue.clip(number)? else {
                continue;
            };
            let day = clip.day();
            if wanted.is_some() && day != wanted {
                continue;
            }
            shots.push(Shot {
                camera: camera(&clip),
                card: cards.of(&clip, catalogue)?,
                copies: Copies::of(&catalogue.copied(number)?),
                number: None,
                clip,
                day,
            });
        }
        shots.sort_by_cached_key(Shot::order);
        tell_letters(&mut shots);
        let mut book = Self {
            about,
            cards: cards.in_order(&mut shots),
            series: Vec::new(),
            shots,
            made,
        };
        book.series = series::of(&mut book.shots, catalogue)?;
        Ok(book)
    }

    /// The days that clips belong to, in order.
    #[must_use]
    pub fn days(&self) -> Vec<&str> {
        let mut days: Vec<&str> = self
            .shots
            .iter()
            .filter_map(|shot| shot.day.as_deref())
            .collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    /// What all clips say of something, each once, in the order of the clips.
    #[must_use]
    pub fn told(&self, tell: impl Fn(&Clip) -> Option<String>) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        for text in self.shots.iter().filter_map(|shot| tell(&shot.clip)) {
            if !told.contains(&text) {
                told.push(text);
            }
        }
        told
    }

    /// The tags that were said of the day when its cards were taken in.
    #[must_use]
    pub fn told_tags(&self) -> Vec<String> {
        let tags = self.shots.iter().filter_map(|shot| shot.clip.tags.as_ref());
        let tags = tags.flat_map(|tags| tags.value.iter());
        let mut told: Vec<String> = tags
            .filter(|tagged| matches!(tagged.why, Why::Ingest { .. }))
            .map(|tagged| tagged.tag.clone())
            .collect();
        told.sort();
        told.dedup();
        told
    }

    /// What a clip's card is called: as it was taken in, else its reel.
    #[must_use]
    pub fn card_of(&self, shot: &Shot) -> Option<String> {
        let card = shot.card.and_then(|at| self.cards.get(at));
        card.map(|card| card.told.card.clone())
            .or_else(|| shot.clip.reel.as_ref().map(|reel| reel.value.clone()))
    }
}

impl Shot {
    /// What its file is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.clip
            .name
            .as_ref()
            .map_or("", |name| name.value.as_str())
    }

    /// Whether anything is known of what it was shot with.
    pub(super) fn has_camera(&self) -> bool {
        self.camera != UNKNOWN
    }

    /// Whether there is sound and no picture in it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.clip.video_codec.is_none() && self.clip.audio_codec.is_some()
    }

    /// Its tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.clip.tags.iter().flat_map(|tags| tags.value.iter());
        tags.map(|tagged| tagged.tag.as_str())
    }

    /// When the camera's clock says it was begun, in seconds as [`crate::value::WallTime::wall_seconds`]; `None`
    /// where only a day is known, or when the file was written.
    #[must_use]
    pub fn begun(&self) -> Option<i64> {
        let captured = self.clip.captured.as_ref()?;
        let seconds = captured.value.wall_seconds();
        let is_bare_date = captured.source == Source::NAME && seconds % 86_400 == 0;
        (captured.source != Source::MTIME && !is_bare_date).then_some(seconds)
    }

    /// Day by day, by the clock; clips without one come last on their day, those without a day last of all.
    fn order(&self) -> (bool, Option<String>, bool, Option<i64>, String) {
        let (day, begun) = (self.day.clone(), self.begun());
        let name = self.name().to_owned();
        (day.is_none(), day, begun.is_none(), begun, name)
    }
}

/// What clips are said to be shot with when nobody knows.
const UNKNOWN: &str = "no camera known";

/// What a clip was shot with; sound without a camera is the recorder's.
fn camera(clip: &Clip) -> String {
    let letter = clip.camera_letter.as_ref().map(|it| it.value.as_str());
    let camera = clip.camera.as_ref().map(|it| it.value.as_str());
    let is_sound = clip.video_codec.is_none() && clip.audio_codec.is_some();
    match (letter, camera) {
        (Some(letter), Some(camera)) => format!("{letter} · {camera}"),
        (Some(letter), None) => format!("camera {letter}"),
        (None, Some(camera)) => camera.to_owned(),
        (None, None) if is_sound => "sound".to_owned(),
        (None, None) => UNKNOWN.to_owned(),
    }
}

/// A clip that tells only its camera's letter, as one that cannot be read, is of the one camera that has it.
fn tell_letters(shots: &mut [Shot]) {
    let mut named: HashMap<String, Vec<String>> = HashMap::new();
    for shot in shots.iter() {
        if let (Some(letter), Some(_)) = (&shot.clip.camera_letter, &shot.clip.camera) {
            let cameras = named.entry(letter.value.clone()).or_default();
            if !cameras.contains(&shot.camera) {
                cameras.push(shot.camera.clone());
            }
        }
    }
    for shot in shots.iter_mut().filter(|shot| shot.clip.camera.is_none()) {
        let letter = shot.clip.camera_letter.as_ref();
        let cameras = letter.and_then(|letter| named.get(&letter.value));
        if let Some([camera]) = cameras.map(Vec::as_slice) {
            shot.camera.clone_from(camera);
        }
    }
}

/// Cards as they are met.
#[derive(Default)]
struct Cards {
    met: Vec<Ingest>,
    /// Where each stands, by its number; `None` for one that is not in the log.
    known: HashMap<i64, Option<usize>>,
}

impl Cards {
    /// The card that a clip came on: of several, the one it was taken in from first.
    fn of(&mut self, clip: &Clip, catalogue: &Catalogue) -> Result<Option<usize>, Error> {
        let Some(id) = &clip.id else {
            return Ok(None);
        };
        for number in catalogue.ingests_of(id.value)? {
            let at = if let Some(at) = self.known.get(&number) {
                *at
            } else {
                let at = catalogue.ingest(number)?.map(|ingest| {
                    self.met.push(ingest);
                    self.met.len() - 1
                });
                self.known.insert(number, at);
                at
            };
            if at.is_some() {
                return Ok(at);
            }
        }
        Ok(None)
    }

    /// The cards, the first taken in first, which clips are told.
    fn in_order(self, shots: &mut [Shot]) -> Vec<Ingest> {
        let mut cards: Vec<(usize, Ingest)> = self.met.into_iter().enumerate().collect();
        cards.sort_by_key(|(_, card)| (card.begun, card.id));
        let mut places = vec![0; cards.len()];
        for (now, (before, _)) in cards.iter().enumerate() {
            places[*before] = now;
        }
        for shot in shots {
            shot.card = shot.card.map(|before| places[before]);
        }
        cards.into_iter().map(|(_, card)| card).collect()
    }
}
