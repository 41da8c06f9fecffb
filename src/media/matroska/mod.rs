//! Headers of Matroska and `WebM` (RFC 9559), read without a process.
//!
//! Everything that ffprobe tells stands before the first cluster and behind the last, and in
//! the first frames. What is not fully understood is `None`: then ffprobe is asked.

mod blocks;
mod cues;
mod ebml;
mod first_frames;
pub(in crate::media) mod id;
mod layout;
mod picture;
mod rate;
mod sound;
mod tags;
mod track;

use std::io;

pub(in crate::media) use blocks::key_in;
pub(in crate::media) use cues::units;

use cues::Scale;
use ebml::elements;
use first_frames::{Begin, FirstFrame};
use layout::Layout;
use picture::Coding;
use tags::Written;
use track::{Kind, Track};

use super::header::{Film, Format, Header, Stream};
use super::keyframes::{Keyframes, Stored};
use crate::source_file::Original;

/// Reads a file's header; `None` when it is of another kind or not fully understood.
///
/// # Errors
/// When the drive fails.
pub(super) fn read(original: &mut Original) -> io::Result<Option<Film>> {
    match film(original) {
        // An element that says it is longer than the file: the file's fault, not the drive's.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        told => told,
    }
}

fn film(original: &mut Original) -> io::Result<Option<Film>> {
    let Some(layout) = layout::layout(original)? else {
        return Ok(None);
    };
    let (Some(cluster), Some(tracks)) = (layout.cluster, track::tracks(&layout.tracks)) else {
        return Ok(None);
    };
    let video = tracks.iter().find(|track| track.kind == Kind::Video);
    let heard = tracks
        .iter()
        .filter(|track| track.kind == Kind::Audio && sound::needs_frame(track));
    let wanted: Vec<u64> = video
        .into_iter()
        .chain(heard)
        .map(|track| track.number)
        .collect();
    let begin = first_frames::begin(original, cluster, &wanted)?;
    Ok(told(&layout, &tracks, &begin, original.size()))
}

fn told(layout: &Layout, tracks: &[Track<'_>], begin: &Begin, size: u64) -> Option<Film> {
    let information = Information::new(&layout.information)?;
    let mut written = Written::default();
    for body in &layout.tags {
        written.read(body)?;
    }
    let mut streams = Vec::new();
    let mut keyframes = None;
    let mut is_picture_seen = false;
    for track in tracks {
        let tags = written.of_track(track.uid);
        let first = begin.frames.iter().find(|it| it.track == track.number);
        streams.push(match track.kind {
            Kind::Video if is_picture_seen => other("video", tags),
            Kind::Video => {
                is_picture_seen = true;
                let first = first.filter(|first| first.is_whole)?;
                let coding = Coding::new(track, &frame(track, first))?;
                let muxer = information.muxer.as_deref();
                let picture = picture::picture(track, &coding, muxer, tags)?;
                keyframes = keys(layout, track, coding, first, begin, &information, size);
                picture
            }
            Kind::Audio => {
                let bytes = first.map(|first| frame(track, first)).unwrap_or_default();
                let length = first.map_or(0, |first| first.length);
                sound::sound(track, &bytes, length, tags)?
            }
            Kind::Other => other("subtitle", tags),
        });
    }
    // Sound alone, whose rate of bits would tell how long it is.
    if information.duration.is_none() && !is_picture_seen {
        return None;
    }
    let format = Format {
        name: "matroska,webm".to_owned(),
        duration: information.duration,
        tags: written.of_file(&[
            ("title", information.title),
            ("encoder", information.muxer),
            ("creation_time", information.created),
        ]),
    };
    Some(Film {
        header: Header { format, streams },
        keyframes,
    })
}

/// What is stored of a frame behind what was stripped off it.
fn frame(track: &Track<'_>, first: &FirstFrame) -> Vec<u8> {
    [track.stripped.as_slice(), &first.bytes].concat()
}

/// A track of which nothing but its tags is used.
fn other(kind: &str, tags: super::header::Tags) -> Stream {
    Stream {
        codec_type: kind.to_owned(),
        tags,
        ..Stream::default()
    }
}

fn keys(
    layout: &Layout,
    track: &Track<'_>,
    coding: Coding,
    first: &FirstFrame,
    begin: &Begin,
    information: &Information,
    end: u64,
) -> Option<Keyframes> {
    let cues = layout.cues.as_ref().filter(|_| track.stripped.is_empty())?;
    let scale = Scale {
        segment: layout.segment,
        end,
        nanoseconds: information.nanoseconds,
        begin: begin.time?,
        first_length: first.length,
    };
    let keys = cues::keys(cues, track.number, &scale);
    (!keys.is_empty()).then(|| Keyframes {
        decoder: coding.decoder(&track.video),
        stored: Stored::Cluster {
            track: track.number,
            scale: scale.nanoseconds,
            begin: scale.begin,
        },
        keys,
    })
}

/// What the segment says of itself.
#[derive(Debug)]
struct Information {
    /// Nanoseconds of a unit of time.
    nanoseconds: u64,
    duration: Option<String>,
    title: Option<String>,
    muxer: Option<String>,
    created: Option<String>,
}

impl Information {
    fn new(body: &[u8]) -> Option<Self> {
        let mut information = Self {
            nanoseconds: 1_000_000,
            duration: None,
            title: None,
            muxer: None,
            created: None,
        };
        let mut duration = 0.0;
        for element in elements(body)? {
            match element.id {
                id::TIMESTAMP_SCALE => information.nanoseconds = element.unsigned()?,
                id::DURATION => duration = element.float()?,
                id::TITLE => information.title = Some(element.text()?),
                id::MUXING_APP => information.muxer = Some(element.text()?),
                id::DATE_UTC => information.created = Some(tags::creation_time(element.body)?),
                _ => {}
            }
        }
        // Shorter than a nanosecond, or longer than a second.
        if !(1..=1_000_000_000).contains(&information.nanoseconds) {
            return None;
        }
        information.duration = rate::seconds(duration, information.nanoseconds);
        (information.duration.is_some() || duration == 0.0).then_some(information)
    }
}

#[cfg(test)]
mod tests;
