//! MP4, `QuickTime` and related files (ISO 14496-12): header, tags and keyframes.
//!
//! A single read of `moov`, of limited size, gives all facts that ffprobe reports and the positions
//! of keyframes, without starting a process. For files that it does not fully support, the parser
//! returns `None`, and ffprobe reads them.

mod audio;
mod boxes;
mod fragments;
mod layout;
mod samples;
mod spherical;
mod streams;
mod tags;
mod track;
mod video;
mod xmp;

use std::io;

use boxes::{child, descendant, full_box};
use fragments::Fragments;
use layout::Mp4Layout;
use track::{Mp4Track, TimeHeader};
use video::VideoSampleEntry;

use super::cursor::Cursor;
use super::header::{Format, MediaHeader, ParsedFile, Stream, StreamType, iso_container};
use super::keyframes::{
    Decoder, Keyframe, KeyframeStorage, Keyframes, MAX_KEYFRAME_BYTES, evenly_spaced,
};
use crate::source_file::Original;
use crate::value::{ExactDuration, Rate, Timecode};

/// Version of this reader. Increase it when the reader gives other facts or supports other files.
pub(super) const VERSION: u32 = 1;

/// Maximum number of tracks that are read.
const MAX_TRACKS: usize = 64;

/// Reads the header of a file. `None` if it is another kind of file or not fully supported.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn read(original: &mut Original) -> io::Result<Option<ParsedFile>> {
    match layout::read_layout(original) {
        Ok(Some(layout)) => Ok(parse_movie(&layout, original)),
        Ok(None) => Ok(None),
        // A box is longer than the file: the file is damaged, not the drive.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse_movie(layout: &Mp4Layout, original: &Original) -> Option<ParsedFile> {
    let movie = layout.movie.as_slice();
    let head = child(movie, *b"mvhd")?;
    let clock = TimeHeader::parse(head)?;
    let matrix = read_movie_matrix(head)?;
    let bodies: Vec<&[u8]> = layout::track_boxes(movie).take(MAX_TRACKS).collect();
    let tracks: Vec<Mp4Track<'_>> = bodies
        .iter()
        .map(|body| Mp4Track::parse(body))
        .collect::<Option<_>>()?;
    let mut budget = fragments::MAX_SAMPLES;
    let fragments: Vec<Option<Fragments>> = tracks
        .iter()
        .map(|track| read_fragments(layout, track, &mut budget))
        .collect::<Option<_>>()?;
    let mut streams = Vec::new();
    let mut keyframes = None;
    let mut has_video = false;
    for ((track, body), fragments) in tracks.iter().zip(&bodies).zip(&fragments) {
        let is_chapters = tracks
            .iter()
            .any(|other| other.chapters.contains(&track.id));
        let fragments = fragments.as_ref();
        let stream = match &track.handler {
            b"vide" if is_chapters => chapter_picture_stream(track),
            b"vide" if has_video => tags_only_stream(track, StreamType::Video),
            b"vide" => {
                has_video = true;
                let mut read_first_frame = |length| read_first_bytes(original, track, length);
                let video =
                    video::video_stream(track, body, &matrix, fragments, &mut read_first_frame)?;
                let codec = video.codec.as_deref().unwrap_or_default();
                let is_silent = tracks.iter().all(|track| track.handler != *b"soun");
                let size = original.size();
                keyframes = find_keyframes(track, codec, fragments, is_silent, size);
                video
            }
            b"soun" => audio::audio_stream(track, is_quicktime(layout))?,
            b"tmcd" => timecode_stream(track, original),
            _ => tags_only_stream(track, StreamType::Other),
        };
        streams.push(stream);
    }
    let header = MediaHeader {
        format: build_format(layout, &clock, &tracks, &fragments),
        streams,
    };
    Some(ParsedFile { header, keyframes })
}

fn read_movie_matrix(head: &[u8]) -> Option<[i32; 9]> {
    let (version, _, mut cursor) = full_box(head)?;
    // Skip two times, timescale and duration, then rate, volume and reserved bytes.
    cursor.skip(if version == 1 { 28 } else { 16 } + 16)?;
    let mut matrix = [0; 9];
    for number in &mut matrix {
        *number = cursor.i32()?;
    }
    Some(matrix)
}

/// Returns true if the versions of audio sample descriptions are those of `QuickTime`.
fn is_quicktime(layout: &Mp4Layout) -> bool {
    layout.brand.is_none() || layout.is_quicktime
}

/// Reads the fragments of a track. The inner option is `None` if its samples are described in
/// `moov`.
#[expect(
    clippy::option_option,
    reason = "the outer `None` means malformed, the inner one not fragmented"
)]
fn read_fragments(
    layout: &Mp4Layout,
    track: &Mp4Track<'_>,
    budget: &mut u64,
) -> Option<Option<Fragments>> {
    let is_in_movie = track
        .samples
        .as_ref()
        .is_some_and(|samples| samples.count() > 0);
    if is_in_movie || layout.fragments.is_empty() {
        return Some(None);
    }
    fragments::read_track(layout, track.id, budget).map(Some)
}

fn build_format(
    layout: &Mp4Layout,
    clock: &TimeHeader,
    tracks: &[Mp4Track<'_>],
    fragments: &[Option<Fragments>],
) -> Format {
    let brand = layout.brand.unwrap_or(*b"qt  ");
    let brand = track::c_string(&brand);
    let mut format = Format {
        container: iso_container(brand.as_deref()).to_owned(),
        ..Format::default()
    };
    tags::add(&mut format.tags, "major_brand", brand);
    if let Some(body) = child(&layout.movie, *b"udta") {
        tags::add_user_data(&mut format.tags, body);
    }
    if let Some(body) = child(&layout.movie, *b"meta") {
        tags::add_meta(&mut format.tags, body);
    }
    let embedded = descendant(&layout.movie, &[b"udta", b"XMP_"]);
    if let Some(packet) = layout.xmp.as_deref().or(embedded) {
        xmp::add(&mut format.tags, packet);
    }
    let created = tags::format_creation_time(clock.created);
    tags::add(&mut format.tags, "creation_time", created);
    format.duration = match clock.duration {
        0 => longest_track(tracks, fragments),
        units => streams::duration(units, clock.timescale),
    };
    format
}

/// Returns the duration of the longest track, for a movie without its own duration.
fn longest_track(
    tracks: &[Mp4Track<'_>],
    fragments: &[Option<Fragments>],
) -> Option<ExactDuration> {
    let durations = tracks.iter().zip(fragments).map(|(track, fragments)| {
        let units = fragments
            .as_ref()
            .map_or(track.duration, Fragments::duration);
        streams::duration(units, track.timescale)
    });
    durations.flatten().max()
}

/// Describes a track by its tags only.
fn tags_only_stream(track: &Mp4Track<'_>, kind: StreamType) -> Stream {
    Stream {
        kind,
        ..streams::base_stream(track)
    }
}

/// Describes a track that contains the chapter pictures of another track.
fn chapter_picture_stream(track: &Mp4Track<'_>) -> Stream {
    Stream {
        is_attached_picture: true,
        ..tags_only_stream(track, StreamType::Video)
    }
}

/// Describes a timecode track. Its sample description defines how frames are counted, and its only
/// sample contains the first timecode.
fn timecode_stream(track: &Mp4Track<'_>, original: &Original) -> Stream {
    let mut stream = tags_only_stream(track, StreamType::Other);
    if let Some(entry) = track.sample_descriptions.first() {
        let name = entry.body.get(26..).and_then(|rest| child(rest, *b"name"));
        let name = name.and_then(|body| track::c_string(body.get(4..)?));
        tags::add(&mut stream.tags, "reel_name", name);
        stream.timecode = read_first_timecode(track, entry.body, original);
    }
    stream
}

fn read_first_timecode(
    track: &Mp4Track<'_>,
    entry: &[u8],
    original: &Original,
) -> Option<Timecode> {
    let mut cursor = Cursor(entry);
    cursor.skip(12)?;
    let (flags, timescale, frame) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    let base = cursor.u8()?;
    let bytes = read_first_bytes(original, track, 4)?;
    let number = u32::from_be_bytes(bytes.try_into().ok()?);
    // The field for whole frames per second is unreliable (GoPro stores 29 although it counts 30),
    // so it is used only without a rate.
    let rate = Rate::new(timescale, frame)
        .filter(|rate| (1..=120).contains(&rate.timecode_base()))
        .or_else(|| Rate::new(u32::from(base), 1))?;
    Timecode::from_frames(number, rate, flags & 1 != 0)
}

/// Reads the beginning of a track's first sample, at most `length` bytes.
fn read_first_bytes(original: &Original, track: &Mp4Track<'_>, length: usize) -> Option<Vec<u8>> {
    let samples = track.samples.as_ref()?;
    let (offset, _) = samples.location(0)?;
    let size = usize::try_from(samples.size(0)?).ok()?;
    if !track.is_self_contained {
        return None;
    }
    original.read(offset, size.min(length)).ok()
}

/// Finds the keyframes of a video track; `None` if they cannot be read individually.
fn find_keyframes(
    track: &Mp4Track<'_>,
    codec: &str,
    fragments: Option<&Fragments>,
    is_silent: bool,
    file_size: u64,
) -> Option<Keyframes> {
    let entry = VideoSampleEntry::parse(track.sample_descriptions.first()?)?;
    let decoder = Decoder {
        codec: codec.to_owned(),
        kind: entry.kind,
        configuration: entry.configuration().to_vec(),
        width: entry.width.into(),
        height: entry.height.into(),
    };
    if !track.is_self_contained {
        return None;
    }
    // Without an edit list, a file without audio begins when its first frame is shown, and a file
    // with audio begins with the audio.
    let first_shown = match fragments {
        Some(fragments) => fragments.sync_samples.first().map(|sample| sample.time),
        None => track
            .samples
            .as_ref()
            .and_then(|samples| samples.presentation_time(0)),
    };
    let first_shown = first_shown.filter(|_| is_silent);
    let begin = track.first_edit_start().or(first_shown);
    let begin = begin.unwrap_or(fragments.map_or(0, |fragments| fragments.begin));
    let key = |offset: u64, bytes: u32, time: u64| {
        let is_in_file = offset.checked_add(u64::from(bytes))? <= file_size;
        let micros =
            u128::from(time.saturating_sub(begin)) * 1_000_000 / u128::from(track.timescale.max(1));
        (is_in_file && bytes > 0 && bytes <= MAX_KEYFRAME_BYTES).then_some(Keyframe {
            offset,
            bytes,
            micros: u64::try_from(micros).ok()?,
        })
    };
    let mut keys: Vec<Keyframe> = if let Some(fragments) = fragments {
        let samples = &fragments.sync_samples;
        evenly_spaced(samples.len() as u64)
            .filter_map(|at| samples.get(usize::try_from(at).ok()?))
            .filter_map(|sample| key(sample.offset, sample.bytes, sample.time))
            .collect()
    } else {
        let samples = track.samples.as_ref()?;
        let read_key = |at| {
            let sample = samples.sync_sample(at)?;
            let (offset, description) = samples.location(sample)?;
            // Other sample descriptions have other decoder configurations.
            (description == 1).then_some(())?;
            key(
                offset,
                samples.size(sample)?,
                samples.presentation_time(sample)?,
            )
        };
        evenly_spaced(samples.count_sync_samples())
            .filter_map(read_key)
            .collect()
    };
    keys.sort_by_key(|key| key.micros);
    keys.dedup_by_key(|key| key.micros);
    (!keys.is_empty()).then_some(Keyframes {
        decoder,
        stored: KeyframeStorage::Whole,
        keys,
    })
}
