//! What a report is made of: the clips that were asked for, where their copies are, the cards they
//! came on, and what the day was.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::clip_summary::{ClipSummary, TextInterner};
use super::series::{self, NumberedClip, Series};
use crate::catalogue::{Catalogue, Copied, Ingest};
use crate::clip::Clip;
use crate::error::Error;
use crate::value::Fingerprint;

/// What a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportScope {
    /// One day, and of its clips those that a query finds, where one was written.
    Day(Date, String),
    /// What a query finds.
    Query(String),
}

/// A shoot, gathered.
#[derive(Debug, Clone)]
pub struct ShootReport {
    /// What was asked for.
    pub about: ReportScope,
    /// Its clips, in the order in which they were shot; those of which nobody knows when come last.
    pub shots: Vec<Shot>,
    /// The cards that clips came on, the first taken in first.
    pub cards: Vec<Ingest>,
    /// The numbers that are known on each card or in each folder.
    pub series: Vec<Series>,
    /// The day on which it is made.
    pub created: Date,
}

/// A clip of a report.
#[derive(Debug, Clone, Default)]
pub struct Shot {
    /// Its number in the catalogue.
    pub clip: i64,
    /// What is known of it, in short.
    pub summary: ClipSummary,
    /// The day that it belongs to.
    pub day: Option<Arc<str>>,
    /// What it was shot with: `A · Sony ILME-FX3`.
    pub camera: Arc<str>,
    /// Which of the report's cards it came on.
    pub card: Option<usize>,
    /// Where it is.
    pub copies: ShotCopies,
    /// Which of the report's series its name is of, and its number there.
    pub number: Option<(usize, u32)>,
}

/// Where a clip is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShotCopies {
    /// Files that hold it and were there when they were last looked for.
    pub files: usize,
    /// Volumes that hold it, by fingerprint.
    pub volumes: usize,
    /// … and those of which full hashes prove it.
    pub verified: usize,
    /// Whether full hashes show that its files are not the same.
    pub do_differ: bool,
    /// What the volumes are called, each once.
    pub labels: Vec<Arc<str>>,
}

impl ShotCopies {
    fn from_copied(copied: &Copied, texts: &mut TextInterner) -> Self {
        let labels = copied.files.iter().map(|file| texts.intern(&file.label));
        let mut labels: Vec<Arc<str>> = labels.collect();
        labels.sort();
        labels.dedup();
        Self {
            files: copied.files.len(),
            volumes: copied.volumes(),
            verified: copied.proved_volumes(),
            do_differ: copied.do_differ(),
            labels,
        }
    }
}

impl ShootReport {
    /// Gathers clips by their numbers; of a day, those that belong to it. The callback `each` gets the number of clips
    /// gathered and their total, and returns whether to continue. Returns `None` when it ends the work.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn gather(
        about: ReportScope,
        clips: &[i64],
        created: Date,
        catalogue: &Catalogue,
        on_progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Self>, Error> {
        let day_filter = match &about {
            ReportScope::Day(date, _) => Some(date.to_string()),
            ReportScope::Query(_) => None,
        };
        let mut builder = ReportBuilder {
            catalogue,
            cards: Cards::default(),
            texts: TextInterner::default(),
            shots: Vec::new(),
            numbered: Vec::new(),
            has_camera_name: Vec::new(),
        };
        for (done, &number) in clips.iter().enumerate() {
            if !on_progress(done, clips.len()) {
                return Ok(None);
            }
            builder.add_clip(number, day_filter.as_deref())?;
        }
        builder.finish(about, created, on_progress)
    }

    /// The days that clips belong to, in order.
    #[must_use]
    pub fn days(&self) -> Vec<&str> {
        let days = self.shots.iter().filter_map(|shot| shot.day.as_deref());
        let days: HashSet<&str> = days.collect();
        let mut days: Vec<&str> = days.into_iter().collect();
        days.sort_unstable();
        days
    }

    /// Returns the distinct values that `tell` gives for the clips, in the order of the clips.
    #[must_use]
    pub fn distinct(&self, value_of: impl Fn(&ClipSummary) -> Option<&Arc<str>>) -> Vec<Arc<str>> {
        let mut known: HashSet<&Arc<str>> = HashSet::new();
        let texts = self.shots.iter().filter_map(|shot| value_of(&shot.summary));
        texts.filter(|text| known.insert(*text)).cloned().collect()
    }

    /// Returns the tags that were given to the day when its cards were ingested, sorted.
    #[must_use]
    pub fn tags_of_day(&self) -> Vec<Arc<str>> {
        let tags = self.shots.iter().flat_map(|shot| &shot.summary.tags);
        let of_day = tags.filter(|(_, is_of_day)| *is_of_day);
        let distinct: HashSet<&Arc<str>> = of_day.map(|(tag, _)| tag).collect();
        let mut sorted: Vec<Arc<str>> = distinct.into_iter().cloned().collect();
        sorted.sort();
        sorted
    }

    /// What a clip's card is called: as it was taken in, else its reel.
    #[must_use]
    pub fn card_of<'a>(&'a self, shot: &'a Shot) -> Option<&'a str> {
        let card = shot.card.and_then(|at| self.cards.get(at));
        card.map(|card| card.told.card.as_str())
            .or(shot.summary.reel.as_deref())
    }
}

impl Shot {
    /// What its file is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.summary.name
    }

    /// Whether anything is known of what it was shot with.
    pub(super) fn has_camera(&self) -> bool {
        &*self.camera != UNKNOWN
    }

    /// Whether there is sound and no picture in it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.summary.has_picture && self.summary.has_sound
    }

    /// Its tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.summary.tags.iter().map(|(tag, _)| &**tag)
    }

    /// Returns when the camera's clock says it was begun.
    #[must_use]
    pub fn begun(&self) -> Option<i64> {
        self.summary.begun()
    }

    /// Day by day, by the clock; clips without one come last on their day, those without a day last of all.
    fn order(&self) -> (bool, Option<Arc<str>>, bool, Option<i64>, Arc<str>) {
        let (day, begun) = (self.day.clone(), self.begun());
        let name = Arc::clone(&self.summary.name);
        (day.is_none(), day, begun.is_none(), begun, name)
    }
}

/// A report while it is gathered.
struct ReportBuilder<'a> {
    catalogue: &'a Catalogue,
    cards: Cards,
    texts: TextInterner,
    shots: Vec<Shot>,
    /// Where the name of each clip counts.
    numbered: Vec<Option<NumberedClip>>,
    /// Whether the camera of each clip is known, and not only that camera's letter.
    has_camera_name: Vec<bool>,
}

impl ReportBuilder<'_> {
    fn add_clip(&mut self, number: i64, day_filter: Option<&str>) -> Result<(), Error> {
        let Some(clip) = self.catalogue.clip(number)? else {
            return Ok(());
        };
        let day = clip.day();
        if day_filter.is_some() && day.as_deref() != day_filter {
            return Ok(());
        }
        let texts = &mut self.texts;
        let summary = ClipSummary::from_clip(&clip, texts);
        self.numbered.push(NumberedClip::from_clip(&clip, texts));
        self.has_camera_name.push(clip.camera.is_some());
        self.shots.push(Shot {
            clip: number,
            camera: texts.intern(&camera(&clip)),
            day: day.map(|day| texts.intern(&day)),
            card: self.cards.find_or_load(summary.id, self.catalogue)?,
            copies: ShotCopies::from_copied(&self.catalogue.copied(number)?, texts),
            number: None,
            summary,
        });
        Ok(())
    }

    /// Puts what was gathered in order, and looks at it as a whole.
    fn finish(
        mut self,
        about: ReportScope,
        created: Date,
        on_progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<ShootReport>, Error> {
        let all = self.shots.len();
        let mut should_continue = || on_progress(all, all);
        let Some(series) = series::number_clips(
            &mut self.shots,
            &self.numbered,
            self.catalogue,
            &mut should_continue,
        )?
        else {
            return Ok(None);
        };
        assign_cameras_by_letter(&mut self.shots, &self.has_camera_name);
        self.shots.sort_by_cached_key(Shot::order);
        if !should_continue() {
            return Ok(None);
        }
        Ok(Some(ShootReport {
            about,
            cards: self.cards.in_order(&mut self.shots),
            series,
            shots: self.shots,
            created,
        }))
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
fn assign_cameras_by_letter(shots: &mut [Shot], has_camera_name: &[bool]) {
    let mut named: HashMap<Arc<str>, HashSet<Arc<str>>> = HashMap::new();
    for (shot, _) in shots.iter().zip(has_camera_name).filter(|(_, has)| **has) {
        if let Some(letter) = &shot.summary.camera_letter {
            let cameras = named.entry(Arc::clone(letter)).or_default();
            cameras.insert(Arc::clone(&shot.camera));
        }
    }
    let without = shots.iter_mut().zip(has_camera_name);
    for (shot, _) in without.filter(|(_, has)| !**has) {
        let letter = shot.summary.camera_letter.as_ref();
        let cameras = letter.and_then(|letter| named.get(letter));
        let only = cameras.filter(|cameras| cameras.len() == 1);
        if let Some(camera) = only.and_then(|cameras| cameras.iter().next()) {
            shot.camera = Arc::clone(camera);
        }
    }
}

/// Cards as they are ingests.
#[derive(Default)]
struct Cards {
    ingests: Vec<Ingest>,
    /// Where each stands, by its number; `None` for one that is not in the log.
    known: HashMap<i64, Option<usize>>,
}

impl Cards {
    /// The card that a clip came on: of several, the one it was taken in from first.
    fn find_or_load(
        &mut self,
        id: Option<Fingerprint>,
        catalogue: &Catalogue,
    ) -> Result<Option<usize>, Error> {
        let Some(id) = id else {
            return Ok(None);
        };
        for number in catalogue.ingests_of(id)? {
            let at = if let Some(at) = self.known.get(&number) {
                *at
            } else {
                let at = catalogue.ingest(number)?.map(|ingest| {
                    self.ingests.push(ingest);
                    self.ingests.len() - 1
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
        let mut cards: Vec<(usize, Ingest)> = self.ingests.into_iter().enumerate().collect();
        cards.sort_by_key(|(_, card)| (card.begun, card.id));
        let mut numbered = vec![0; cards.len()];
        for (now, (before, _)) in cards.iter().enumerate() {
            numbered[*before] = now;
        }
        for shot in shots {
            shot.card = shot.card.map(|before| numbered[before]);
        }
        cards.into_iter().map(|(_, card)| card).collect()
    }
}
