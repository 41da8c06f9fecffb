//! Contents of the streams of one file, and their common duration.

use super::clock::{StreamLength, WRAP, WrappingClock, total_seconds};
use super::picture::TransportPicture;
use super::sound::TransportSound;
use super::streams::{PesPacket, ScannedStream};
use super::tables::{Programme, StreamKind};
use crate::media::header::Stream;

/// Minimum number of pictures: with fewer, ffprobe guesses the rate.
const MIN_PICTURES: i64 = 20;

/// Content of an elementary stream.
pub(super) enum StreamContent {
    Picture(Box<TransportPicture>),
    Sound(TransportSound),
    Subtitles,
}

impl StreamContent {
    /// Parses the content of all streams, at most one of them video; `None` if a longer range may
    /// be needed.
    pub(super) fn parse_all(programme: &Programme, scanned: &[ScannedStream]) -> Option<Vec<Self>> {
        let kinds = programme.streams.iter().map(|stream| stream.kind);
        let pictures = kinds
            .clone()
            .filter(|kind| *kind == StreamKind::H264)
            .count();
        let contents = kinds
            .zip(scanned)
            .map(|(kind, scanned)| Self::parse(kind, scanned));
        contents
            .collect::<Option<Vec<Self>>>()
            .filter(|_| pictures < 2)
    }

    fn parse(kind: StreamKind, scanned: &ScannedStream) -> Option<Self> {
        Some(match kind {
            StreamKind::H264 => Self::Picture(Box::new(TransportPicture::parse(scanned)?)),
            StreamKind::Subtitles => Self::Subtitles,
            _ => Self::Sound(TransportSound::parse(kind, scanned)?),
        })
    }

    pub(super) fn picture(&self) -> Option<&TransportPicture> {
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

    /// Returns the duration of a PES packet in ticks.
    fn step(&self, packet: &PesPacket) -> i64 {
        match self {
            Self::Picture(picture) => picture.rate.step(),
            Self::Sound(sound) => sound.step(packet),
            Self::Subtitles => 0,
        }
    }
}

/// Start times and durations of the streams of a file.
pub(super) struct StreamTimes<'a> {
    clock: WrappingClock,
    contents: &'a [StreamContent],
    /// Length of each stream; `None` for subtitles, which are intermittent.
    lengths: Vec<Option<StreamLength>>,
    /// Presentation times of subtitles.
    subtitles: Vec<i64>,
}

impl<'a> StreamTimes<'a> {
    /// Takes the start times from the beginning of the file; `None` if a stream's first packet has
    /// no time.
    pub(super) fn new(contents: &'a [StreamContent], scanned: &[ScannedStream]) -> Option<Self> {
        let first = scanned.iter().find_map(|scanned| scanned.packets.first())?;
        let clock = WrappingClock {
            first: i64::try_from(first.dts?).ok()?,
        };
        let length = |(content, scanned): (&StreamContent, &ScannedStream)| match content {
            StreamContent::Subtitles => Some(None),
            _ => Some(Some(StreamLength::new(
                clock.unwrapped(scanned.packets.first()?.pts?),
            ))),
        };
        let lengths = contents.iter().zip(scanned).map(length);
        let mut times = Self {
            clock,
            contents,
            lengths: lengths.collect::<Option<_>>()?,
            subtitles: Vec::new(),
        };
        times.add_subtitles(scanned);
        Some(times)
    }

    fn add_subtitles(&mut self, scanned: &[ScannedStream]) {
        let subtitles = self.contents.iter().zip(scanned);
        for (_, scanned) in
            subtitles.filter(|(content, _)| matches!(content, StreamContent::Subtitles))
        {
            let pts = scanned.packets.iter().filter_map(|packet| packet.pts);
            self.subtitles
                .extend(pts.map(|time| self.clock.unwrapped(time)));
        }
    }

    /// Returns true if the pictures have the rate that the stream stores; `None` if there are too
    /// few to tell.
    pub(super) fn matches_stored_rate(&self, ranges: [&[ScannedStream]; 2]) -> Option<bool> {
        for (at, content) in self.contents.iter().enumerate() {
            let (Some(picture), Some(Some(length))) = (content.picture(), self.lengths.get(at))
            else {
                continue;
            };
            let scanned = ranges.map(|range| range.get(at));
            let [Some(begin), Some(end)] = scanned else {
                return Some(false);
            };
            return picture
                .rate
                .matches_times(self.clock, length.begin, &[begin, end]);
        }
        Some(true)
    }

    /// Adds the packets at the end of the file.
    pub(super) fn extend(&mut self, end: &[ScannedStream]) {
        self.add_subtitles(end);
        let all = self.lengths.iter_mut().zip(self.contents).zip(end);
        for ((length, content), scanned) in all {
            if let Some(length) = length {
                length.extend(self.clock, &scanned.packets, |packet| content.step(packet));
            }
        }
    }

    /// Returns true if the end of each stream was found.
    pub(super) fn is_complete(&self) -> bool {
        let mut lengths = self.lengths.iter().flatten();
        lengths.all(|length| length.duration.is_some())
    }

    /// Returns the duration of the file in seconds; `None` if a stream has no end, subtitles are
    /// shown before or after everything else, or there are too few pictures.
    pub(super) fn duration(&self) -> Option<String> {
        let lengths: Vec<StreamLength> = self.lengths.iter().flatten().copied().collect();
        let begin = lengths.iter().map(|length| length.begin).min()?;
        let ends = lengths
            .iter()
            .map(|length| Some(length.begin + length.duration?));
        let end = ends.collect::<Option<Vec<i64>>>()?.into_iter().max()?;
        let is_outside = |time: &i64| !(begin..=end).contains(time);
        let all = self.contents.iter().zip(&self.lengths);
        let is_brief = all.filter_map(|(content, length)| {
            let duration = length.as_ref()?.duration?;
            Some(duration < content.picture()?.rate.step() * MIN_PICTURES)
        });
        if self.subtitles.iter().any(is_outside) || is_brief.into_iter().any(|brief| brief) {
            return None;
        }
        total_seconds(&lengths)
    }

    /// Returns the start of the file in 33-bit ticks, and the duration of its video in
    /// microseconds.
    pub(super) fn picture_range(&self) -> Option<(u64, u64)> {
        let lengths = self.lengths.iter().flatten();
        let begin = lengths.map(|length| length.begin).min()?.rem_euclid(WRAP);
        let all = self.contents.iter().zip(&self.lengths);
        let length = all
            .filter(|(content, _)| content.picture().is_some())
            .find_map(|(_, length)| *length)?;
        let micros = u64::try_from(length.duration?).ok()?.checked_mul(100)? / 9;
        Some((u64::try_from(begin).ok()?, micros))
    }
}
