//! Summary of a clip for the totals, timelines and checks of a report.
//!
//! A complete [`Clip`] takes kilobytes. A report of 100,000 clips therefore keeps only summaries in
//! memory and reads each clip again when it writes it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::clip::{Clip, Fact, Source};
use crate::value::{Fingerprint, Rate, TagOrigin, WallTime};

/// Facts of a clip that a report keeps in memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClipSummary {
    /// Fingerprint of the content.
    pub id: Option<Fingerprint>,
    /// File name with its extension.
    pub name: Arc<str>,
    /// Recording time and its source.
    pub captured: Option<Fact<WallTime>>,
    /// Running time in microseconds.
    pub micros: Option<u64>,
    /// File size in bytes.
    pub bytes: Option<u64>,
    /// Frame rate in frames per second.
    pub rate: Option<Rate>,
    /// Displayed width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// True if the clip has a video stream.
    pub has_picture: bool,
    /// True if the clip has an audio stream.
    pub has_sound: bool,
    /// True if the clip is an image sequence.
    pub is_sequence: bool,
    /// Reason why the file could not be read completely.
    pub problem: Option<Arc<str>>,
    /// Production of the shoot day.
    pub production: Option<Arc<str>>,
    /// Number of the shoot day.
    pub shoot_day: Option<Arc<str>>,
    /// Location of the shoot day.
    pub location: Option<Arc<str>>,
    /// Crew of the shoot day, with roles.
    pub crew: Option<Arc<str>>,
    /// Name of the camera's reel.
    pub reel: Option<Arc<str>>,
    /// Letter of the camera.
    pub camera_letter: Option<Arc<str>>,
    /// Tags; `true` if the tag was given to the whole day when the card was ingested.
    pub tags: Vec<(Arc<str>, bool)>,
}

/// Interner for texts and folders that many clips share.
#[derive(Debug, Default)]
pub(super) struct TextInterner {
    texts: HashSet<Arc<str>>,
    folders: HashSet<Arc<Path>>,
}

impl TextInterner {
    pub(super) fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.texts.insert(Arc::clone(&new));
        new
    }

    pub(super) fn intern_folder(&mut self, folder: &Path) -> Arc<Path> {
        if let Some(known) = self.folders.get(folder) {
            return Arc::clone(known);
        }
        let new: Arc<Path> = Arc::from(folder);
        self.folders.insert(Arc::clone(&new));
        new
    }

    fn fact(&mut self, fact: Option<&Fact<String>>) -> Option<Arc<str>> {
        fact.map(|fact| self.intern(&fact.value))
    }
}

impl ClipSummary {
    /// Extracts the summary of a clip.
    pub(super) fn from_clip(clip: &Clip, texts: &mut TextInterner) -> Self {
        let sides = clip
            .display_width
            .as_ref()
            .zip(clip.display_height.as_ref());
        let tags = clip.tags.iter().flat_map(|tags| tags.value.iter());
        let tags = tags.map(|tagged| {
            let is_of_day = matches!(tagged.origin, TagOrigin::Ingest { .. });
            (texts.intern(&tagged.tag), is_of_day)
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
                .map(|day| texts.intern(&day.value.to_string())),
            location: texts.fact(clip.location.as_ref()),
            crew: texts.fact(clip.crew.as_ref()),
            reel: texts.fact(clip.reel.as_ref()),
            camera_letter: texts.fact(clip.camera_letter.as_ref()),
        }
    }

    /// Returns the start time by the camera's clock, in seconds as defined by
    /// [`WallTime::wall_seconds`]. Returns `None` if only a date or the file's modification time is
    /// known.
    pub(super) fn start_seconds(&self) -> Option<i64> {
        let captured = self.captured.as_ref()?;
        let seconds = captured.value.wall_seconds();
        let is_bare_date = captured.source == Source::NAME && seconds % 86_400 == 0;
        (captured.source != Source::MTIME && !is_bare_date).then_some(seconds)
    }
}
