//! Header reader for Matroska and `WebM` (RFC 9559).
//!
//! All facts that ffprobe reports are stored before the first cluster, after the last one, and in
//! the first frames. For files that it does not fully support, the reader returns `None`, and
//! ffprobe reads them.

mod audio;
mod blocks;
mod cues;
mod ebml;
mod first_frames;
pub(in crate::media) mod id;
mod layout;
mod rate;
mod tags;
mod track;
mod video;

use std::io;

pub(in crate::media) use blocks::find_keyframe;
pub(in crate::media) use cues::micros_to_units;

use cues::CueScale;
use ebml::parse_elements;
use first_frames::{StreamStart, TrackFirstFrame};
use layout::MatroskaLayout;
use tags::MatroskaTags;
use track::{MatroskaTrack, TrackKind};
use video::MatroskaCoding;

use super::header::{Format, MediaHeader, ParsedFile, Stream, StreamType};
use super::keyframes::{KeyframeStorage, Keyframes};
use crate::source_file::Original;
use crate::value::ExactDuration;

/// Version of this reader. Increase it when the reader gives other facts or supports other files.
pub(super) const VERSION: u32 = 1;

/// Reads the header of a file. `None` if it has another format or is not fully supported.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn read(original: &mut Original) -> io::Result<Option<ParsedFile>> {
    match read_file(original) {
        // An element extends beyond the end of the file: the file is damaged, not the drive.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        result => result,
    }
}

fn read_file(original: &mut Original) -> io::Result<Option<ParsedFile>> {
    let Some(layout) = layout::read(original)? else {
        return Ok(None);
    };
    let (Some(cluster), Some(tracks)) = (layout.cluster, track::parse_tracks(&layout.tracks))
    else {
        return Ok(None);
    };
    let video = tracks.iter().find(|track| track.kind == TrackKind::Video);
    let audio = tracks
        .iter()
        .filter(|track| track.kind == TrackKind::Audio && audio::needs_frame(track));
    let track_numbers: Vec<u64> = video
        .into_iter()
        .chain(audio)
        .map(|track| track.number)
        .collect();
    let stream_start = first_frames::read(original, cluster, &track_numbers)?;
    Ok(build_file(&layout, &tracks, &stream_start, original.size()))
}

fn build_file(
    layout: &MatroskaLayout,
    tracks: &[MatroskaTrack<'_>],
    stream_start: &StreamStart,
    size: u64,
) -> Option<ParsedFile> {
    let info = SegmentInfo::new(&layout.info)?;
    let mut tag_lists = MatroskaTags::default();
    for body in &layout.tags {
        tag_lists.read(body)?;
    }
    let mut streams = Vec::new();
    let mut keyframes = None;
    let mut has_video = false;
    for track in tracks {
        let tags = tag_lists.track_tags(track.uid);
        let first = stream_start
            .frames
            .iter()
            .find(|frame| frame.track == track.number);
        streams.push(match track.kind {
            TrackKind::Video if has_video => Stream::from_tags(StreamType::Video, tags),
            TrackKind::Video => {
                has_video = true;
                let first = first.filter(|first| first.is_whole)?;
                let coding = MatroskaCoding::new(track, &whole_frame(track, first))?;
                let muxer = info.muxer.as_deref();
                let stream = video::parse_stream(track, &coding, muxer, tags)?;
                keyframes =
                    keyframes_from_cues(layout, track, coding, first, stream_start, &info, size);
                stream
            }
            TrackKind::Audio => {
                let bytes = first
                    .map(|first| whole_frame(track, first))
                    .unwrap_or_default();
                let length = first.map_or(0, |first| first.length);
                audio::parse_stream(track, &bytes, length, tags)?
            }
            TrackKind::Other => Stream::from_tags(StreamType::Other, tags),
        });
    }
    // For audio without a stored duration, ffprobe estimates the duration from the bit rate.
    if info.duration.is_none() && !has_video {
        return None;
    }
    let format = Format {
        container: "matroska".to_owned(),
        duration: info.duration,
        tags: tag_lists.file_tags(&[
            ("title", info.title),
            ("encoder", info.muxer),
            ("creation_time", info.created),
        ]),
        ..Format::default()
    };
    Some(ParsedFile {
        header: MediaHeader { format, streams },
        keyframes,
    })
}

/// Restores a frame by prepending the bytes that header stripping removed.
fn whole_frame(track: &MatroskaTrack<'_>, first: &TrackFirstFrame) -> Vec<u8> {
    [track.stripped.as_slice(), &first.bytes].concat()
}

fn keyframes_from_cues(
    layout: &MatroskaLayout,
    track: &MatroskaTrack<'_>,
    coding: MatroskaCoding,
    first: &TrackFirstFrame,
    stream_start: &StreamStart,
    info: &SegmentInfo,
    end: u64,
) -> Option<Keyframes> {
    let cues = layout.cues.as_ref().filter(|_| track.stripped.is_empty())?;
    let scale = CueScale {
        segment: layout.segment_content,
        end,
        nanoseconds: info.nanoseconds,
        begin: stream_start.time?,
        first_length: first.length,
    };
    let keys = cues::find_keyframes(cues, track.number, &scale);
    (!keys.is_empty()).then(|| Keyframes {
        decoder: coding.decoder(&track.video),
        stored: KeyframeStorage::Cluster {
            track: track.number,
            scale: scale.nanoseconds,
            begin: scale.begin,
        },
        keys,
    })
}

/// Contents of the segment's `Info` element.
#[derive(Debug)]
struct SegmentInfo {
    /// Nanoseconds per unit of time.
    nanoseconds: u64,
    duration: Option<ExactDuration>,
    title: Option<String>,
    muxer: Option<String>,
    created: Option<String>,
}

impl SegmentInfo {
    fn new(body: &[u8]) -> Option<Self> {
        let mut info = Self {
            nanoseconds: 1_000_000,
            duration: None,
            title: None,
            muxer: None,
            created: None,
        };
        let mut duration = 0.0;
        for element in parse_elements(body)? {
            match element.id {
                id::TIMESTAMP_SCALE => info.nanoseconds = element.unsigned()?,
                id::DURATION => duration = element.float()?,
                id::TITLE => info.title = Some(element.text()?),
                id::MUXING_APP => info.muxer = Some(element.text()?),
                id::DATE_UTC => info.created = Some(tags::format_creation_time(element.body)?),
                _ => {}
            }
        }
        // Reject units shorter than a nanosecond or longer than a second.
        if !(1..=1_000_000_000).contains(&info.nanoseconds) {
            return None;
        }
        info.duration = rate::exact_duration(duration, info.nanoseconds);
        (info.duration.is_some() || duration == 0.0).then_some(info)
    }
}

#[cfg(test)]
mod tests;
