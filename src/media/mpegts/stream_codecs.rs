//! Contents of the streams in a file, and the duration of the file.

use super::audio::TransportAudio;
use super::clock::{StreamLength, WRAP_TICKS, WrappingClock, total_duration};
use super::streams::{PesPacket, ScannedStream};
use super::tables::{Programme, StreamKind};
use super::video::TransportVideo;
use crate::media::header::{Stream, StreamType, TagMap};
use crate::value::ExactDuration;

/// Minimum number of pictures: with fewer, ffprobe guesses the rate.
const MIN_PICTURES: i64 = 20;

/// Content of an elementary stream.
pub(super) enum StreamContent {
    Video(Box<TransportVideo>),
    Audio(TransportAudio),
    Subtitles,
}

impl StreamContent {
    /// Parses the content of all streams. `None` if a longer range may be needed, or if there are
    /// several video streams.
    pub(super) fn parse_all(programme: &Programme, scanned: &[ScannedStream]) -> Option<Vec<Self>> {
        let kinds = programme.streams.iter().map(|stream| stream.kind);
        let video_count = kinds
            .clone()
            .filter(|kind| *kind == StreamKind::H264)
            .count();
        let contents = kinds
            .zip(scanned)
            .map(|(kind, scanned)| Self::parse(kind, scanned));
        contents
            .collect::<Option<Vec<Self>>>()
            .filter(|_| video_count < 2)
    }

    fn parse(kind: StreamKind, scanned: &ScannedStream) -> Option<Self> {
        Some(match kind {
            StreamKind::H264 => Self::Video(Box::new(TransportVideo::parse(scanned)?)),
            StreamKind::Subtitles => Self::Subtitles,
            _ => Self::Audio(TransportAudio::parse(kind, scanned)?),
        })
    }

    pub(super) fn video(&self) -> Option<&TransportVideo> {
        match self {
            Self::Video(video) => Some(video),
            _ => None,
        }
    }

    pub(super) fn stream(&self) -> Stream {
        match self {
            Self::Video(video) => video.stream(),
            Self::Audio(audio) => audio.stream(),
            Self::Subtitles => Stream::from_tags(StreamType::Other, TagMap::new()),
        }
    }

    /// Returns the duration of a PES packet in ticks.
    fn packet_duration(&self, packet: &PesPacket) -> i64 {
        match self {
            Self::Video(video) => video.rate.ticks_per_picture(),
            Self::Audio(audio) => audio.packet_duration(packet),
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

    /// Returns true if the picture times match the stored rate; `None` if there are too few
    /// pictures.
    pub(super) fn matches_stored_rate(&self, ranges: [&[ScannedStream]; 2]) -> Option<bool> {
        for (at, content) in self.contents.iter().enumerate() {
            let (Some(video), Some(Some(length))) = (content.video(), self.lengths.get(at)) else {
                continue;
            };
            let scanned = ranges.map(|range| range.get(at));
            let [Some(begin), Some(end)] = scanned else {
                return Some(false);
            };
            return video
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
                length.extend(self.clock, &scanned.packets, |packet| {
                    content.packet_duration(packet)
                });
            }
        }
    }

    /// Returns true if the end of each stream was found.
    pub(super) fn is_complete(&self) -> bool {
        let mut lengths = self.lengths.iter().flatten();
        lengths.all(|length| length.duration.is_some())
    }

    /// Returns the duration of the file; `None` if the end of a stream was not found, a
    /// subtitle is outside the other streams' time range, or there are too few pictures.
    pub(super) fn duration(&self) -> Option<ExactDuration> {
        let lengths: Vec<StreamLength> = self.lengths.iter().flatten().copied().collect();
        let begin = lengths.iter().map(|length| length.begin).min()?;
        let ends = lengths
            .iter()
            .map(|length| Some(length.begin + length.duration?));
        let end = ends.collect::<Option<Vec<i64>>>()?.into_iter().max()?;
        let is_outside = |time: &i64| !(begin..=end).contains(time);
        let all = self.contents.iter().zip(&self.lengths);
        let are_too_short = all.filter_map(|(content, length)| {
            let duration = length.as_ref()?.duration?;
            Some(duration < content.video()?.rate.ticks_per_picture() * MIN_PICTURES)
        });
        if self.subtitles.iter().any(is_outside)
            || are_too_short.into_iter().any(|is_too_short| is_too_short)
        {
            return None;
        }
        total_duration(&lengths)
    }

    /// Returns the start of the file in 33-bit ticks, and the duration of its video in
    /// microseconds.
    pub(super) fn video_range(&self) -> Option<(u64, u64)> {
        let lengths = self.lengths.iter().flatten();
        let begin = lengths
            .map(|length| length.begin)
            .min()?
            .rem_euclid(WRAP_TICKS);
        let all = self.contents.iter().zip(&self.lengths);
        let length = all
            .filter(|(content, _)| content.video().is_some())
            .find_map(|(_, length)| *length)?;
        let micros = u64::try_from(length.duration?).ok()?.checked_mul(100)? / 9;
        Some((u64::try_from(begin).ok()?, micros))
    }
}
