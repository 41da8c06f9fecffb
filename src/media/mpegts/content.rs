//! What the streams of one file hold together, and how long they run.

use super::clock::{Clock, Length, TURN, together};
use super::picture::Picture;
use super::sound::Sound;
use super::streams::{Heard, Part};
use super::tables::{Kind, Programme};
use crate::media::header::Stream;

/// Pictures that a film has at least: of fewer, ffprobe guesses the rate.
const FEWEST: i64 = 20;

/// What an elementary stream holds.
pub(super) enum Content {
    Picture(Box<Picture>),
    Sound(Sound),
    Subtitles,
}

impl Content {
    /// What all streams hold, at most one of them a picture; `None` where more may tell.
    pub(super) fn of_all(programme: &Programme, heard: &[Heard]) -> Option<Vec<Self>> {
        let kinds = programme.streams.iter().map(|stream| stream.kind);
        let pictures = kinds.clone().filter(|kind| *kind == Kind::H264).count();
        let contents = kinds.zip(heard).map(|(kind, heard)| Self::of(kind, heard));
        contents
            .collect::<Option<Vec<Self>>>()
            .filter(|_| pictures < 2)
    }

    fn of(kind: Kind, heard: &Heard) -> Option<Self> {
        Some(match kind {
            Kind::H264 => Self::Picture(Box::new(Picture::of(heard)?)),
            Kind::Subtitles => Self::Subtitles,
            _ => Self::Sound(Sound::of(kind, heard)?),
        })
    }

    pub(super) fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Picture(picture) => Some(picture),
            _ => None,
        }
    }

    pub(super) fn stream(&self) -> Stream {
        match self {
            Self::Picture(picture) => picture.stream(),
            Self::Sound(sound) => sound.stream(),
            Self::Subtitles => Stream {
                codec_type: "subtitle".to_owned(),
                ..Stream::default()
            },
        }
    }

    /// Ticks that a part lasts.
    fn step(&self, part: &Part) -> i64 {
        match self {
            Self::Picture(picture) => picture.pace.step(),
            Self::Sound(sound) => sound.step(part),
            Self::Subtitles => 0,
        }
    }
}

/// When the streams of a file run.
pub(super) struct Course<'a> {
    clock: Clock,
    contents: &'a [Content],
    /// Of each, but of subtitles, which come and go.
    lengths: Vec<Option<Length>>,
    /// When subtitles are shown.
    subtitles: Vec<i64>,
}

impl<'a> Course<'a> {
    /// From the parts at the begin; `None` where one has no time.
    pub(super) fn of(contents: &'a [Content], heard: &[Heard]) -> Option<Self> {
        let first = heard.iter().find_map(|heard| heard.parts.first())?;
        let clock = Clock {
            first: i64::try_from(first.decoded?).ok()?,
        };
        let length = |(content, heard): (&Content, &Heard)| match content {
            Content::Subtitles => Some(None),
            _ => Some(Some(Length::new(clock.at(heard.parts.first()?.shown?)))),
        };
        let lengths = contents.iter().zip(heard).map(length);
        let mut course = Self {
            clock,
            contents,
            lengths: lengths.collect::<Option<_>>()?,
            subtitles: Vec::new(),
        };
        course.note_subtitles(heard);
        Some(course)
    }

    fn note_subtitles(&mut self, heard: &[Heard]) {
        let subtitles = self.contents.iter().zip(heard);
        for (_, heard) in subtitles.filter(|(content, _)| matches!(content, Content::Subtitles)) {
            let shown = heard.parts.iter().filter_map(|part| part.shown);
            self.subtitles.extend(shown.map(|time| self.clock.at(time)));
        }
    }

    /// Whether pictures follow each other as evenly as they say; `None` where too few were seen.
    pub(super) fn is_pace_kept(&self, ranges: [&[Heard]; 2]) -> Option<bool> {
        for (at, content) in self.contents.iter().enumerate() {
            let (Some(picture), Some(Some(length))) = (content.picture(), self.lengths.get(at))
            else {
                continue;
            };
            let heard = ranges.map(|range| range.get(at));
            let [Some(begin), Some(end)] = heard else {
                return Some(false);
            };
            return picture
                .pace
                .is_kept(self.clock, length.begin, &[begin, end]);
        }
        Some(true)
    }

    /// Takes what is heard at the end.
    pub(super) fn extend(&mut self, end: &[Heard]) {
        self.note_subtitles(end);
        let all = self.lengths.iter_mut().zip(self.contents).zip(end);
        for ((length, content), heard) in all {
            if let Some(length) = length {
                length.extend(self.clock, &heard.parts, |part| content.step(part));
            }
        }
    }

    /// Whether the end of each stream was seen.
    pub(super) fn is_known(&self) -> bool {
        let mut lengths = self.lengths.iter().flatten();
        lengths.all(|length| length.duration.is_some())
    }

    /// Seconds that the file runs; `None` where a stream has no end, subtitles are shown
    /// before or after everything else, or there are too few pictures.
    pub(super) fn duration(&self) -> Option<String> {
        let lengths: Vec<Length> = self.lengths.iter().flatten().copied().collect();
        let begin = lengths.iter().map(|length| length.begin).min()?;
        let ends = lengths
            .iter()
            .map(|length| Some(length.begin + length.duration?));
        let end = ends.collect::<Option<Vec<i64>>>()?.into_iter().max()?;
        let is_outside = |time: &i64| !(begin..=end).contains(time);
        let all = self.contents.iter().zip(&self.lengths);
        let is_brief = all.filter_map(|(content, length)| {
            let duration = length.as_ref()?.duration?;
            Some(duration < content.picture()?.pace.step() * FEWEST)
        });
        if self.subtitles.iter().any(is_outside) || is_brief.into_iter().any(|brief| brief) {
            return None;
        }
        together(&lengths)
    }

    /// When the file begins, in ticks of 33 bits, and how many microseconds its picture runs.
    pub(super) fn of_picture(&self) -> Option<(u64, u64)> {
        let lengths = self.lengths.iter().flatten();
        let begin = lengths.map(|length| length.begin).min()?.rem_euclid(TURN);
        let all = self.contents.iter().zip(&self.lengths);
        let length = all
            .filter(|(content, _)| content.picture().is_some())
            .find_map(|(_, length)| *length)?;
        let micros = u64::try_from(length.duration?).ok()?.checked_mul(100)? / 9;
        Some((u64::try_from(begin).ok()?, micros))
    }
}
