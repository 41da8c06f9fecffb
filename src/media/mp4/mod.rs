//! Headers of MP4, `QuickTime` and their family, read without a process.
//!
//! One bounded read of `moov` tells everything that ffprobe tells, and where each keyframe
//! is. What is not fully understood is `None`: then ffprobe is asked.

mod boxes;
mod fragments;
mod layout;
mod samples;
mod spherical;
mod streams;
mod tags;
mod track;
mod xmp;

use std::io;

use boxes::{child, descendant, full};
use fragments::Fragments;
use layout::{Layout, layout};
use streams::PictureEntry;
use track::{Clock, Track};

use super::cursor::Cursor;
use super::header::{Format, MediaHeader, ParsedFile, Stream};
use super::keyframes::{
    Decoder, Keyframe, KeyframeStorage, Keyframes, MAX_KEYFRAME_BYTES, evenly_spaced,
};
use crate::source_file::Original;
use crate::value::{Rate, Timecode};

/// Tracks that are looked at.
const MOST_TRACKS: usize = 64;

/// Reads a file's header; `None` when it is of another kind or not fully understood.
///
/// # Errors
/// When the drive fails.
pub(super) fn read(original: &mut Original) -> io::Result<Option<ParsedFile>> {
    match layout(original) {
        Ok(Some(layout)) => Ok(movie(&layout, original)),
        Ok(None) => Ok(None),
        // A box that says it is longer than the file: the file's fault, not the drive's.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn movie(layout: &Layout, original: &Original) -> Option<ParsedFile> {
    let movie = layout.movie.as_slice();
    let head = child(movie, *b"mvhd")?;
    let clock = Clock::new(head)?;
    let matrix = movie_matrix(head)?;
    let bodies: Vec<&[u8]> = layout::tracks(movie).take(MOST_TRACKS).collect();
    let tracks: Vec<Track<'_>> = bodies
        .iter()
        .map(|body| Track::new(body))
        .collect::<Option<_>>()?;
    let mut budget = fragments::MOST_SAMPLES;
    let fragments: Vec<Option<Fragments>> = tracks
        .iter()
        .map(|track| fragments_of(layout, track, &mut budget))
        .collect::<Option<_>>()?;
    let mut streams = Vec::new();
    let mut keyframes = None;
    let mut is_picture_seen = false;
    for ((track, body), fragments) in tracks.iter().zip(&bodies).zip(&fragments) {
        let is_chapters = tracks
            .iter()
            .any(|other| other.chapters.contains(&track.id));
        let fragments = fragments.as_ref();
        let stream = match &track.handler {
            b"vide" if is_chapters => cover(track),
            b"vide" if is_picture_seen => other(track, "video"),
            b"vide" => {
                is_picture_seen = true;
                let mut first_frame = |length| first_bytes(original, track, length);
                let picture = streams::picture(track, body, &matrix, fragments, &mut first_frame)?;
                let codec = picture.codec_name.as_deref().unwrap_or_default();
                let is_silent = tracks.iter().all(|track| track.handler != *b"soun");
                let size = original.size();
                keyframes = keyframes_of(track, codec, fragments, is_silent, size);
                picture
            }
            b"soun" => streams::sound(track, is_quicktime(layout))?,
            b"tmcd" => timecode(track, original),
            _ => other(track, "data"),
        };
        streams.push(stream);
    }
    let header = MediaHeader {
        format: format(layout, &clock, &tracks, &fragments),
        streams,
    };
    Some(ParsedFile { header, keyframes })
}

fn movie_matrix(head: &[u8]) -> Option<[i32; 9]> {
    let (version, _, mut cursor) = full(head)?;
    // Two times, timescale and duration; then rate, volume and what is reserved.
    cursor.skip(if version == 1 { 28 } else { 16 } + 16)?;
    let mut matrix = [0; 9];
    for number in &mut matrix {
        *number = cursor.i32()?;
    }
    Some(matrix)
}

/// Whether sound descriptions have `QuickTime`'s versions.
fn is_quicktime(layout: &Layout) -> bool {
    layout.brand.is_none() || layout.is_quicktime
}

/// What all fragments say of a track; an empty one where its samples stand in `moov`.
#[expect(clippy::option_option, reason = "not fragmented, or not understood")]
fn fragments_of(layout: &Layout, track: &Track<'_>, budget: &mut u64) -> Option<Option<Fragments>> {
    let is_in_movie = track
        .samples
        .as_ref()
        .is_some_and(|samples| samples.count() > 0);
    if is_in_movie || layout.fragments.is_empty() {
        return Some(None);
    }
    fragments::of_track(layout, track.id, budget).map(Some)
}

fn format(
    layout: &Layout,
    clock: &Clock,
    tracks: &[Track<'_>],
    fragments: &[Option<Fragments>],
) -> Format {
    let mut format = Format {
        name: "mov,mp4,m4a,3gp,3g2,mj2".to_owned(),
        ..Format::default()
    };
    let brand = layout.brand.unwrap_or(*b"qt  ");
    tags::add(&mut format.tags, "major_brand", track::c_string(&brand));
    if let Some(body) = child(&layout.movie, *b"udta") {
        tags::user_data(&mut format.tags, body);
    }
    if let Some(body) = child(&layout.movie, *b"meta") {
        tags::of_meta(&mut format.tags, body);
    }
    let embedded = descendant(&layout.movie, &[b"udta", b"XMP_"]);
    if let Some(packet) = layout.xmp.as_deref().or(embedded) {
        xmp::add(&mut format.tags, packet);
    }
    let created = tags::creation_time(clock.created);
    tags::add(&mut format.tags, "creation_time", created);
    format.duration = match clock.duration {
        0 => longest(tracks, fragments),
        units => streams::seconds(units, clock.timescale),
    };
    format
}

/// The longest track, where the movie does not say how long it is.
fn longest(tracks: &[Track<'_>], fragments: &[Option<Fragments>]) -> Option<String> {
    let lengths = tracks.iter().zip(fragments).map(|(track, fragments)| {
        let units = fragments
            .as_ref()
            .map_or(track.duration, Fragments::duration);
        (units, track.timescale)
    });
    let (units, scale) =
        lengths
            .filter(|&(_, scale)| scale > 0)
            .max_by(|&(a, a_scale), &(b, b_scale)| {
                let (a, b) = (u128::from(a), u128::from(b));
                (a * u128::from(b_scale)).cmp(&(b * u128::from(a_scale)))
            })?;
    streams::seconds(units, scale)
}

/// A track of which nothing but its tags is used.
fn other(track: &Track<'_>, kind: &str) -> Stream {
    Stream {
        codec_type: kind.to_owned(),
        ..streams::common(track)
    }
}

/// Pictures of another track's chapters.
fn cover(track: &Track<'_>) -> Stream {
    Stream {
        disposition: [("attached_pic".to_owned(), 1)].into(),
        ..other(track, "video")
    }
}

/// A timecode track: its description says how to count, its one sample where to begin.
fn timecode(track: &Track<'_>, original: &Original) -> Stream {
    let mut stream = other(track, "data");
    if let Some(entry) = track.descriptions.first() {
        let name = entry.body.get(26..).and_then(|rest| child(rest, *b"name"));
        let name = name.and_then(|body| track::c_string(body.get(4..)?));
        tags::add(&mut stream.tags, "reel_name", name);
        let told = first_timecode(track, entry.body, original);
        tags::add(
            &mut stream.tags,
            "timecode",
            told.map(|code| code.to_string()),
        );
    }
    stream
}

fn first_timecode(track: &Track<'_>, entry: &[u8], original: &Original) -> Option<Timecode> {
    let mut cursor = Cursor(entry);
    cursor.skip(12)?;
    let (flags, timescale, frame) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    let base = cursor.u8()?;
    let bytes = first_bytes(original, track, 4)?;
    let number = u32::from_be_bytes(bytes.try_into().ok()?);
    // GoPro says 29 frames a second where it counts 30; others leave the rate out.
    let rate = Rate::new(timescale, frame)
        .filter(|rate| (1..=120).contains(&rate.timecode_base()))
        .or_else(|| Rate::new(u32::from(base), 1))?;
    Timecode::from_frames(number, rate, flags & 1 != 0)
}

/// The first bytes of a track's first sample, at most `length`.
fn first_bytes(original: &Original, track: &Track<'_>, length: usize) -> Option<Vec<u8>> {
    let samples = track.samples.as_ref()?;
    let (offset, _) = samples.place(0)?;
    let size = usize::try_from(samples.size(0)?).ok()?;
    if !track.is_self_contained {
        return None;
    }
    original.read(offset, size.min(length)).ok()
}

/// The keyframes of a track of pictures, where they can be read one by one.
fn keyframes_of(
    track: &Track<'_>,
    codec: &str,
    fragments: Option<&Fragments>,
    is_silent: bool,
    file_size: u64,
) -> Option<Keyframes> {
    let entry = PictureEntry::new(track.descriptions.first()?)?;
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
    // Without an edit list, a silent film begins when its first frame is shown, and one with
    // sound with that.
    let first_shown = match fragments {
        Some(all) => all.keys.first().map(|key| key.shown),
        None => track.samples.as_ref().and_then(|all| all.shown(0)),
    };
    let first_shown = first_shown.filter(|_| is_silent);
    let begins = track.begins().or(first_shown);
    let begins = begins.unwrap_or(fragments.map_or(0, |all| all.begin));
    let key = |offset: u64, bytes: u32, shown: u64| {
        let is_there = offset.checked_add(u64::from(bytes))? <= file_size;
        let micros = u128::from(shown.saturating_sub(begins)) * 1_000_000
            / u128::from(track.timescale.max(1));
        (is_there && bytes > 0 && bytes <= MAX_KEYFRAME_BYTES).then_some(Keyframe {
            offset,
            bytes,
            micros: u64::try_from(micros).ok()?,
        })
    };
    let mut keys: Vec<Keyframe> = if let Some(all) = fragments {
        evenly_spaced(all.keys.len() as u64)
            .filter_map(|at| all.keys.get(usize::try_from(at).ok()?))
            .filter_map(|found| key(found.offset, found.bytes, found.shown))
            .collect()
    } else {
        let samples = track.samples.as_ref()?;
        let one = |at| {
            let sample = samples.key(at)?;
            let (offset, description) = samples.place(sample)?;
            // Another description is another configuration.
            (description == 1).then_some(())?;
            key(offset, samples.size(sample)?, samples.shown(sample)?)
        };
        evenly_spaced(samples.keys()).filter_map(one).collect()
    };
    keys.sort_by_key(|key| key.micros);
    keys.dedup_by_key(|key| key.micros);
    (!keys.is_empty()).then_some(Keyframes {
        decoder,
        stored: KeyframeStorage::Whole,
        keys,
    })
}
