//! From the material package, which is the clip, to the tracks of essence that it plays
//! (ST 377-1 5 and annex B).

use super::index;
use super::klv::{Label, Set};
use super::layout::{Layout, kind};
use super::timecode::timecode;
use crate::media::header::{Tags, add_tag};

/// Tracks that are looked at.
const MOST_TRACKS: usize = 64;
/// Pieces of one track that are looked at.
const MOST_PIECES: usize = 1000;
/// Tapes that a track may have been taken from, and pieces of the timecode on one.
const MOST_TAPES: usize = 4;
const MOST_TIMECODES: usize = 8;

/// What a track holds, by its data definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Picture,
    Sound,
    Data,
}

/// A track of the clip, with the essence that it plays.
#[derive(Debug)]
pub(super) struct Track<'a> {
    pub holds: Holds,
    pub descriptor: &'a Set,
    pub essence: Essence,
    pub tags: Tags,
}

/// How the essence of a track is found in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Essence {
    /// How many edit units there are a second.
    pub rate: (u32, u32),
    /// Edit units; `None` where the recorder did not live to write it.
    pub duration: Option<u64>,
    /// What the keys of its items end in.
    pub number: [u8; 4],
    /// The numbers of its container and of its index table.
    pub body: u32,
    pub index: u32,
}

/// What the clip is: its tracks, as far as their essence is in this file, and its timecode.
#[derive(Debug)]
pub(super) struct Clip<'a> {
    pub tracks: Vec<Track<'a>>,
    pub timecode: Option<String>,
}

/// Resolves the clip of a file; `None` when it is none, or a cut of several.
pub(super) fn clip(layout: &Layout) -> Option<Clip<'_>> {
    let material = layout
        .packages
        .iter()
        .find_map(|number| layout.set(number, &[kind::MATERIAL_PACKAGE]))?;
    let mut clip = Clip {
        tracks: Vec::new(),
        timecode: None,
    };
    let references = material.references(0x4403);
    if references.len() > MOST_TRACKS {
        return None;
    }
    for number in references {
        let kinds = [kind::TRACK, kind::STATIC_TRACK, kind::EVENT_TRACK];
        let track = layout.set(&number, &kinds)?;
        if track.kind == kind::EVENT_TRACK {
            continue;
        }
        let pieces = pieces(layout, track)?;
        let told = pieces
            .pieces
            .iter()
            .filter(|piece| piece.kind == kind::TIMECODE)
            .find_map(|piece| timecode(piece, 0));
        clip.timecode = told.or(clip.timecode);
        let clips = of_kind(&pieces.pieces, kind::SOURCE_CLIP);
        let [source] = clips.as_slice() else {
            // No clip: a track of timecode or of notes. More than one: a cut.
            if clips.is_empty() {
                continue;
            }
            return None;
        };
        clip.tracks.extend(playing(layout, track, &pieces, source)?);
    }
    Some(clip)
}

/// What a track is made of.
struct Pieces<'a> {
    definition: Option<Label>,
    pieces: Vec<&'a Set>,
}

/// The pieces of a track, one or a sequence of them; `None` where there are none or odd ones.
fn pieces<'a>(layout: &'a Layout, track: &Set) -> Option<Pieces<'a>> {
    let number = track.label(0x4803)?;
    if let Some(piece) = layout.set(&number, &[kind::TIMECODE]) {
        return Some(Pieces {
            definition: None,
            pieces: vec![piece],
        });
    }
    let sequence = layout.set(&number, &[kind::SEQUENCE])?;
    let references = sequence.references(0x1001);
    let found: Vec<&Set> = references
        .iter()
        .take(MOST_PIECES)
        .filter_map(|number| layout.sets.get(number))
        .collect();
    let is_odd = found.iter().any(|piece| kind::OTHERS.contains(&piece.kind));
    (!is_odd).then_some(Pieces {
        definition: sequence.label(0x0201),
        pieces: found,
    })
}

fn of_kind<'a>(pieces: &[&'a Set], kind: u8) -> Vec<&'a Set> {
    let wanted = pieces.iter().filter(|piece| piece.kind == kind);
    wanted.copied().collect()
}

/// The source package that a source clip refers to.
fn package<'a>(layout: &'a Layout, source: &Set) -> Option<&'a Set> {
    let wanted = source.value(0x1101)?;
    let packages = layout.packages.iter();
    packages
        .filter_map(|number| layout.set(number, &[kind::SOURCE_PACKAGE]))
        .find(|package| package.value(0x4401) == Some(wanted))
}

/// The track that a source clip plays; `Some(None)` where it is in another file.
#[expect(clippy::option_option, reason = "elsewhere, or not understood")]
fn playing<'a>(
    layout: &'a Layout,
    track: &Set,
    pieces: &Pieces<'_>,
    source: &Set,
) -> Option<Option<Track<'a>>> {
    let Some(package) = package(layout, source) else {
        return Some(None);
    };
    let wanted = source.u32(0x1102)?;
    let its_tracks = package.references(0x4403);
    let its_track = its_tracks
        .iter()
        .take(MOST_TRACKS)
        .filter_map(|number| layout.set(number, &[kind::TRACK, kind::STATIC_TRACK]))
        .find(|track| track.u32(0x4801) == Some(wanted))?;
    let sequence = layout.set(&its_track.label(0x4803)?, &[kind::SEQUENCE])?;
    let definition = sequence.label(0x0201)?;
    // A clip that begins within its essence is a cut.
    let begins = source.i64(0x1201).unwrap_or(0);
    if pieces.definition != Some(definition) || begins != 0 {
        return None;
    }
    let rate = track.ratio(0x4b01)?;
    let descriptor = descriptor(layout, package, wanted)?;
    let (index, body) = numbers(layout, source);
    Some(Some(Track {
        holds: holds(&definition)?,
        descriptor,
        essence: Essence {
            rate,
            duration: duration(source, descriptor),
            number: its_track.cursor(0x4804)?.array()?,
            body,
            index,
        },
        tags: of_tape(layout, sequence, rate)?,
    }))
}

/// By SMPTE's labels; Avid's old ones are left to ffprobe.
fn holds(definition: &Label) -> Option<Holds> {
    if !definition.starts_with(&[0x06, 0x0e, 0x2b, 0x34]) {
        return None;
    }
    let is_of = |last: u8| definition[8..13] == [0x01, 0x03, 0x02, 0x02, last];
    Some(if is_of(1) {
        Holds::Picture
    } else if is_of(2) {
        Holds::Sound
    } else {
        Holds::Data
    })
}

/// The shorter of what the clip plays and what there is.
fn duration(source: &Set, descriptor: &Set) -> Option<u64> {
    let played = source.i64(0x0202).unwrap_or(0);
    let there = descriptor.i64(0x3002).unwrap_or(played);
    u64::try_from(played.min(there)).ok()
}

/// The descriptor of a package's track, its own or one of several.
fn descriptor<'a>(layout: &'a Layout, package: &Set, track: u32) -> Option<&'a Set> {
    let number = package.label(0x4701)?;
    if let Some(one) = layout.set(&number, &kind::DESCRIPTORS) {
        return Some(one);
    }
    let several = layout.set(&number, &[kind::MULTIPLE_DESCRIPTOR])?;
    let references = several.references(0x3f01);
    references
        .iter()
        .take(MOST_TRACKS)
        .filter_map(|number| layout.set(number, &kind::DESCRIPTORS))
        .find(|descriptor| descriptor.u32(0x3006).unwrap_or(0) == track)
}

/// The numbers of the index table and of the essence of the package that a clip plays.
fn numbers(layout: &Layout, source: &Set) -> (u32, u32) {
    layout
        .container_data
        .iter()
        .take(MOST_TRACKS)
        .filter_map(|number| layout.set(number, &[kind::CONTAINER_DATA]))
        .find(|ties| ties.value(0x2701) == source.value(0x1101))
        .map_or((0, 0), index::numbers)
}

/// The tape, film roll or card that a track was taken from: its name, and its timecode there.
///
/// `None` where it is put together from many.
fn of_tape(layout: &Layout, sequence: &Set, rate: (u32, u32)) -> Option<Tags> {
    let mut tags = Tags::new();
    let references = sequence.references(0x1001);
    (references.len() <= MOST_TAPES).then_some(())?;
    let sources = references
        .iter()
        .filter_map(|number| layout.set(number, &[kind::SOURCE_CLIP]));
    for source in sources {
        let Some(package) = package(layout, source) else {
            break;
        };
        // A later source has its name instead.
        if let Some(name) = package.text(0x4402).filter(|name| !name.is_empty()) {
            tags.remove("reel_name");
            add_tag(&mut tags, "reel_name", &name);
        }
        if let Some(told) = timecode_of_tape(layout, package, source, rate) {
            add_tag(&mut tags, "timecode", &told);
            break;
        }
    }
    Some(tags)
}

fn timecode_of_tape(
    layout: &Layout,
    package: &Set,
    source: &Set,
    rate: (u32, u32),
) -> Option<String> {
    let begins = source.i64(0x1201).unwrap_or(0);
    for number in package.references(0x4403).iter().take(MOST_TRACKS) {
        let Some(track) = layout.set(number, &[kind::TRACK, kind::STATIC_TRACK]) else {
            continue;
        };
        let sequence = track.label(0x4803);
        let Some(sequence) = sequence.and_then(|it| layout.set(&it, &[kind::SEQUENCE])) else {
            continue;
        };
        let (wide, high) = track.ratio(0x4b01).unwrap_or((25, 1));
        // From the track's edit rate to the tape's, rounded to the nearest.
        let over = i128::from(high) * i128::from(rate.0);
        let scaled = i128::from(begins) * i128::from(wide) * i128::from(rate.1);
        let start = i64::try_from((2 * scaled + over * scaled.signum()) / (2 * over)).ok()?;
        let references = sequence.references(0x1001);
        let told = references
            .iter()
            .take(MOST_TIMECODES)
            .filter_map(|number| layout.set(number, &[kind::TIMECODE]))
            .find_map(|piece| timecode(piece, start));
        if told.is_some() {
            return told;
        }
    }
    None
}
