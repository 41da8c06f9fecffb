//! Collects the content of a report: the requested clips, their copies, their cards, and the facts
//! of the day.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::clip_number_series::{self, NumberedClip, Series};
use super::clip_summary::{ClipSummary, TextInterner};
use super::shot::{Shot, ShotCopies, UNKNOWN_CAMERA};
use crate::catalogue::{Catalogue, Ingest};
use crate::clip::Clip;
use crate::error::Error;
use crate::value::Fingerprint;

/// Clips that a report covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportScope {
    /// A day, with a query that selects some of its clips; empty for all clips.
    Day(Date, String),
    /// Matches of a query.
    Query(String),
}

/// Content of a report.
#[derive(Debug, Clone)]
pub struct ShootReport {
    /// Clips that the report covers.
    pub about: ReportScope,
    /// Clips in shooting order; clips without a time come last.
    pub shots: Vec<Shot>,
    /// Ingests of the cards that the clips are from, oldest first.
    pub cards: Vec<Ingest>,
    /// Known clip numbers of each card or folder.
    pub series: Vec<Series>,
    /// Date of the report.
    pub created: Date,
}

impl ShootReport {
    /// Collects clips by id; for a day, only those that belong to it. `on_progress` receives the
    /// number of processed clips and the total. If it returns false, gathering stops and `None` is
    /// returned.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
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

    /// Returns the days of the clips, sorted.
    #[must_use]
    pub fn days(&self) -> Vec<&str> {
        let days = self.shots.iter().filter_map(|shot| shot.day.as_deref());
        let days: HashSet<&str> = days.collect();
        let mut days: Vec<&str> = days.into_iter().collect();
        days.sort_unstable();
        days
    }

    /// Returns the distinct values of a fact, in the order of the clips.
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

    /// Returns the name of a clip's card: the name used by the ingest, otherwise the reel.
    #[must_use]
    pub fn card_of<'a>(&'a self, shot: &'a Shot) -> Option<&'a str> {
        let card = shot.card.and_then(|at| self.cards.get(at));
        card.map(|card| card.details.card.as_str())
            .or(shot.summary.reel.as_deref())
    }
}

/// Report under construction.
struct ReportBuilder<'a> {
    catalogue: &'a Catalogue,
    cards: Cards,
    texts: TextInterner,
    shots: Vec<Shot>,
    /// Series position of each clip, if its name is numbered.
    numbered: Vec<Option<NumberedClip>>,
    /// True for each clip whose camera name is known, not only its letter.
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
            copies: ShotCopies::from_copied(&self.catalogue.clip_files(number)?, texts),
            number: None,
            summary,
        });
        Ok(())
    }

    /// Sorts the clips and adds series, cameras and cards, which depend on all clips.
    fn finish(
        mut self,
        about: ReportScope,
        created: Date,
        on_progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<ShootReport>, Error> {
        let all = self.shots.len();
        let mut should_continue = || on_progress(all, all);
        let Some(series) = clip_number_series::number_clips(
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

/// Returns the name of a clip's camera; `sound` for audio without a camera.
fn camera(clip: &Clip) -> String {
    let letter = clip.camera_letter.as_ref().map(|it| it.value.as_str());
    let camera = clip.camera.as_ref().map(|it| it.value.as_str());
    let is_sound = clip.video_codec.is_none() && clip.audio_codec.is_some();
    match (letter, camera) {
        (Some(letter), Some(camera)) => format!("{letter} · {camera}"),
        (Some(letter), None) => format!("camera {letter}"),
        (None, Some(camera)) => camera.to_owned(),
        (None, None) if is_sound => "sound".to_owned(),
        (None, None) => UNKNOWN_CAMERA.to_owned(),
    }
}

/// Assigns a camera to clips that only have a camera letter, such as unreadable ones, if exactly
/// one camera has this letter.
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

/// Cards of the clips read so far.
#[derive(Default)]
struct Cards {
    ingests: Vec<Ingest>,
    /// Index in `ingests` by ingest id; `None` if the ingest is not in the log.
    known: HashMap<i64, Option<usize>>,
}

impl Cards {
    /// Returns the index of the card that a clip was first ingested from.
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

    /// Sorts the cards by time and updates the indexes of the clips.
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
