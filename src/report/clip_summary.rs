//! What the summaries of a book need of a clip. A whole [`Clip`] takes kilobytes, so that a book of 100,000 holds only
//! these, and reads each clip again when it writes it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::clip::{Clip, Fact, Source};
use crate::value::{Fingerprint, Rate, TagOrigin, WallTime};

/// What the summaries of a book need of a clip.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gist {
    /// Its content's fingerprint.
    pub id: Option<Fingerprint>,
    /// What its file is called.
    pub name: Arc<str>,
    /// When it was shot, and who says so.
    pub captured: Option<Fact<WallTime>>,
    /// Its running time, in microseconds.
    pub micros: Option<u64>,
    /// The size of its file.
    pub bytes: Option<u64>,
    /// Frames a second.
    pub rate: Option<Rate>,
    /// Its picture as it is shown, in pixels.
    pub size: Option<(u32, u32)>,
    /// Whether there is a picture in it.
    pub has_picture: bool,
    /// Whether there is sound in it.
    pub has_sound: bool,
    /// Whether it is an image sequence.
    pub is_sequence: bool,
    /// Why it could not be read, wholly or in part.
    pub problem: Option<Arc<str>>,
    /// The production that its shoot day was for.
    pub production: Option<Arc<str>>,
    /// The number of its shoot day.
    pub shoot_day: Option<Arc<str>>,
    /// Where it was shot.
    pub location: Option<Arc<str>>,
    /// Who shot it.
    pub crew: Option<Arc<str>>,
    /// Its reel.
    pub reel: Option<Arc<str>>,
    /// The letter of its camera.
    pub camera_letter: Option<Arc<str>>,
    /// Its tags, and whether each was said of the day when its card was taken in.
    pub tags: Vec<(Arc<str>, bool)>,
}

/// Texts and folders that many clips share, each kept once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    texts: HashSet<Arc<str>>,
    folders: HashSet<Arc<Path>>,
}

impl Texts {
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.texts.insert(Arc::clone(&new));
        new
    }

    pub(super) fn folder(&mut self, folder: &Path) -> Arc<Path> {
        if let Some(known) = self.folders.get(folder) {
            return Arc::clone(known);
        }
        let new: Arc<Path> = Arc::from(folder);
        self.folders.insert(Arc::clone(&new));
        new
    }

    fn fact(&mut self, fact: Option<&Fact<String>>) -> Option<Arc<str>> {
        fact.map(|fact| self.text(&fact.value))
    }
}

impl Gist {
    /// Takes from a clip what summaries need.
    pub(super) fn of(clip: &Clip, texts: &mut Texts) -> Self {
        let sides = clip
            .display_width
            .as_ref()
            .zip(clip.display_height.as_ref());
        let tags = clip.tags.iter().flat_map(|tags| tags.value.iter());
        let tags = tags.map(|tagged| {
            let is_of_day = matches!(tagged.origin, TagOrigin::Ingest { .. });
            (texts.text(&tagged.tag), is_of_day)
        });
        Self {
            tags: tags.collect(),
            id: clip.id.as_ref().map(|id| id.value),
            name: clip
                .name
                .as_ref()
                .map_or_else(Arc::default, |name| Arc::from(name.value.as_str())),
            captured: clip.captured.clone(),
            micros: clip.duration.as_ref().map(|it| it.value.as_micros()),
            bytes: clip.bytes.as_ref().map(|it| it.value.0),
            rate: clip.rate.as_ref().map(|rate| rate.value),
            size: sides.map(|(width, height)| (width.value, height.value)),
            has_picture: clip.video_codec.is_some(),
            has_sound: clip.audio_codec.is_some(),
            is_sequence: clip.frames.is_some(),
            problem: texts.fact(clip.problem.as_ref()),
            production: texts.fact(clip.production.as_ref()),
            shoot_day: clip
                .shoot_day
                .as_ref()
                .map(|day| texts.text(&day.value.to_string())),
            location: texts.fact(clip.location.as_ref()),
            crew: texts.fact(clip.crew.as_ref()),
            reel: texts.fact(clip.reel.as_ref()),
            camera_letter: texts.fact(clip.camera_letter.as_ref()),
        }
    }

    /// Returns when the camera's clock says it was begun, in seconds as [`WallTime::wall_seconds`]; `None` where only
    /// a day is known, or when the file was written.
    pub(super) fn begun(&self) -> Option<i64> {
        let captured = self.captured.as_ref()?;
        let seconds = captured.value.wall_seconds();
        let is_bare_date = captured.source == Source::NAME && seconds % 86_400 == 0;
        (captured.source != Source::MTIME && !is_bare_date).then_some(seconds)
    }
}
