//! Resolution of the material package, which is the clip, to the essence tracks it refers to
//! (ST 377-1 5 and annex B).

use super::index;
use super::klv::{Label, LocalSet};
use super::layout::{MxfLayout, kind};
use super::timecode::parse_timecode;
use crate::media::header::{TagMap, add_tag};
use crate::value::{Rate, Timecode};

/// Maximum number of tracks in a package.
const MAX_TRACKS: usize = 64;
/// Maximum number of components read of a track.
const MAX_COMPONENTS: usize = 1000;
/// Maximum number of source tapes of a track.
const MAX_TAPES: usize = 4;
/// Maximum number of timecode components read of a tape.
const MAX_TIMECODES: usize = 8;

/// Kind of essence, from the data definition of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EssenceKind {
    Picture,
    Sound,
    Data,
}

/// Track of the clip with its essence.
#[derive(Debug)]
pub(super) struct MxfTrack<'a> {
    pub essence_kind: EssenceKind,
    pub descriptor: &'a LocalSet,
    pub essence: Essence,
    /// Start timecode of the tape, film roll or card that the track was recorded from.
    pub timecode: Option<Timecode>,
    pub tags: TagMap,
}

/// Location of a track's essence in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Essence {
    /// Edit units per second.
    pub rate: Rate,
    /// Number of edit units; `None` if the recorder was interrupted before storing it.
    pub duration: Option<u64>,
    /// Track number: last four bytes of the keys of its items.
    pub number: [u8; 4],
    /// Id of the essence container (`BodySID`).
    pub body: u32,
    /// Id of the index table (`IndexSID`).
    pub index: u32,
}

/// Timecode of the clip, and the tracks whose essence is in this file.
#[derive(Debug)]
pub(super) struct MxfClip<'a> {
    pub tracks: Vec<MxfTrack<'a>>,
    pub timecode: Option<Timecode>,
}

/// Resolves the clip of a file; `None` if there is none, or if it is edited from several clips.
pub(super) fn resolve_clip(layout: &MxfLayout) -> Option<MxfClip<'_>> {
    let material = layout
        .packages
        .iter()
        .find_map(|number| layout.set(number, &[kind::MATERIAL_PACKAGE]))?;
    let mut clip = MxfClip {
        tracks: Vec::new(),
        timecode: None,
    };
    let references = material.references(0x4403);
    if references.len() > MAX_TRACKS {
        return None;
    }
    for number in references {
        let kinds = [kind::TRACK, kind::STATIC_TRACK, kind::EVENT_TRACK];
        let track = layout.set(&number, &kinds)?;
        if track.kind == kind::EVENT_TRACK {
            continue;
        }
        let components = components(layout, track)?;
        let timecode = components
            .components
            .iter()
            .filter(|component| component.kind == kind::TIMECODE)
            .find_map(|component| parse_timecode(component, 0));
        clip.timecode = timecode.or(clip.timecode);
        let clips = components_of_kind(&components.components, kind::SOURCE_CLIP);
        let [source] = clips.as_slice() else {
            // Without a source clip, the track contains timecode or descriptive data. More than one
            // source clip is an edit.
            if clips.is_empty() {
                continue;
            }
            return None;
        };
        clip.tracks
            .extend(resolve_track(layout, track, &components, source)?);
    }
    Some(clip)
}

/// Components of a track, and its data definition.
struct TrackComponents<'a> {
    definition: Option<Label>,
    components: Vec<&'a LocalSet>,
}

/// Returns the components of a track: a timecode, or those of a sequence. `None` if they are
/// missing, or if one is not supported.
fn components<'a>(layout: &'a MxfLayout, track: &LocalSet) -> Option<TrackComponents<'a>> {
    let number = track.label(0x4803)?;
    if let Some(component) = layout.set(&number, &[kind::TIMECODE]) {
        return Some(TrackComponents {
            definition: None,
            components: vec![component],
        });
    }
    let sequence = layout.set(&number, &[kind::SEQUENCE])?;
    let references = sequence.references(0x1001);
    let found: Vec<&LocalSet> = references
        .iter()
        .take(MAX_COMPONENTS)
        .filter_map(|number| layout.sets.get(number))
        .collect();
    let is_unsupported = found
        .iter()
        .any(|component| kind::UNSUPPORTED.contains(&component.kind));
    (!is_unsupported).then_some(TrackComponents {
        definition: sequence.label(0x0201),
        components: found,
    })
}

fn components_of_kind<'a>(components: &[&'a LocalSet], kind: u8) -> Vec<&'a LocalSet> {
    let matching = components.iter().filter(|component| component.kind == kind);
    matching.copied().collect()
}

/// Returns the source package that a source clip refers to.
fn source_package<'a>(layout: &'a MxfLayout, source: &LocalSet) -> Option<&'a LocalSet> {
    let id = source.value(0x1101)?;
    let packages = layout.packages.iter();
    packages
        .filter_map(|number| layout.set(number, &[kind::SOURCE_PACKAGE]))
        .find(|package| package.value(0x4401) == Some(id))
}

/// Returns the track that a source clip refers to; `Some(None)` if it is in another file.
#[expect(
    clippy::option_option,
    reason = "outer `None`: not supported; inner `None`: in another file"
)]
fn resolve_track<'a>(
    layout: &'a MxfLayout,
    track: &LocalSet,
    components: &TrackComponents<'_>,
    source: &LocalSet,
) -> Option<Option<MxfTrack<'a>>> {
    let Some(package) = source_package(layout, source) else {
        return Some(None);
    };
    let id = source.u32(0x1102)?;
    let source_tracks = package.references(0x4403);
    let source_track = source_tracks
        .iter()
        .take(MAX_TRACKS)
        .filter_map(|number| layout.set(number, &[kind::TRACK, kind::STATIC_TRACK]))
        .find(|track| track.u32(0x4801) == Some(id))?;
    let sequence = layout.set(&source_track.label(0x4803)?, &[kind::SEQUENCE])?;
    let definition = sequence.label(0x0201)?;
    // A clip that starts in the middle of its essence is an edit.
    let start_position = source.i64(0x1201).unwrap_or(0);
    if components.definition != Some(definition) || start_position != 0 {
        return None;
    }
    let rate = track.rate(0x4b01)?;
    let descriptor = descriptor(layout, package, id)?;
    let (index, body) = stream_ids(layout, source);
    let (timecode, tags) = tape_values(layout, sequence, rate)?;
    Some(Some(MxfTrack {
        essence_kind: essence_kind(&definition)?,
        descriptor,
        essence: Essence {
            rate,
            duration: duration(source, descriptor),
            number: source_track.cursor(0x4804)?.array()?,
            body,
            index,
        },
        timecode,
        tags,
    }))
}

/// Returns the essence kind of an SMPTE data definition; `None` for Avid's old ones, which are left
/// to ffprobe.
fn essence_kind(definition: &Label) -> Option<EssenceKind> {
    if !definition.starts_with(&[0x06, 0x0e, 0x2b, 0x34]) {
        return None;
    }
    let is_of = |last: u8| definition[8..13] == [0x01, 0x03, 0x02, 0x02, last];
    Some(if is_of(1) {
        EssenceKind::Picture
    } else if is_of(2) {
        EssenceKind::Sound
    } else {
        EssenceKind::Data
    })
}

/// Returns the shorter of the clip's duration and the essence's duration.
fn duration(source: &LocalSet, descriptor: &LocalSet) -> Option<u64> {
    let clip_duration = source.i64(0x0202).unwrap_or(0);
    let essence_duration = descriptor.i64(0x3002).unwrap_or(clip_duration);
    u64::try_from(clip_duration.min(essence_duration)).ok()
}

/// Returns the descriptor of a package's track: the only one, or the one with the track's id.
fn descriptor<'a>(layout: &'a MxfLayout, package: &LocalSet, track: u32) -> Option<&'a LocalSet> {
    let number = package.label(0x4701)?;
    if let Some(single) = layout.set(&number, &kind::DESCRIPTORS) {
        return Some(single);
    }
    let multiple = layout.set(&number, &[kind::MULTIPLE_DESCRIPTOR])?;
    let references = multiple.references(0x3f01);
    references
        .iter()
        .take(MAX_TRACKS)
        .filter_map(|number| layout.set(number, &kind::DESCRIPTORS))
        .find(|descriptor| descriptor.u32(0x3006).unwrap_or(0) == track)
}

/// Returns the `IndexSID` and `BodySID` of the package that a source clip refers to; 0 if they are
/// not stored.
fn stream_ids(layout: &MxfLayout, source: &LocalSet) -> (u32, u32) {
    layout
        .container_data
        .iter()
        .take(MAX_TRACKS)
        .filter_map(|number| layout.set(number, &[kind::CONTAINER_DATA]))
        .find(|data| data.value(0x2701) == source.value(0x1101))
        .map_or((0, 0), index::stream_ids)
}

/// Returns the start timecode and the name of the tape, film roll or card that a track was recorded
/// from. `None` if the track has too many sources.
fn tape_values(
    layout: &MxfLayout,
    sequence: &LocalSet,
    rate: Rate,
) -> Option<(Option<Timecode>, TagMap)> {
    let mut tags = TagMap::new();
    let references = sequence.references(0x1001);
    (references.len() <= MAX_TAPES).then_some(())?;
    let sources = references
        .iter()
        .filter_map(|number| layout.set(number, &[kind::SOURCE_CLIP]));
    for source in sources {
        let Some(package) = source_package(layout, source) else {
            break;
        };
        // The name of a later source replaces an earlier one.
        if let Some(name) = package.text(0x4402).filter(|name| !name.is_empty()) {
            tags.remove("reel_name");
            add_tag(&mut tags, "reel_name", &name);
        }
        let timecode = tape_timecode(layout, package, source, rate);
        if timecode.is_some() {
            return Some((timecode, tags));
        }
    }
    Some((None, tags))
}

fn tape_timecode(
    layout: &MxfLayout,
    package: &LocalSet,
    source: &LocalSet,
    rate: Rate,
) -> Option<Timecode> {
    let start_position = source.i64(0x1201).unwrap_or(0);
    for number in package.references(0x4403).iter().take(MAX_TRACKS) {
        let Some(track) = layout.set(number, &[kind::TRACK, kind::STATIC_TRACK]) else {
            continue;
        };
        let sequence = track.label(0x4803);
        let Some(sequence) = sequence.and_then(|it| layout.set(&it, &[kind::SEQUENCE])) else {
            continue;
        };
        let (numerator, denominator) = track.rate(0x4b01).map_or((25, 1), Rate::terms);
        let (rate_numerator, rate_denominator) = rate.terms();
        // Converts from the track's edit rate to the tape's, rounded to nearest.
        let divisor = i128::from(denominator) * i128::from(rate_numerator);
        let scaled =
            i128::from(start_position) * i128::from(numerator) * i128::from(rate_denominator);
        let start = i64::try_from((2 * scaled + divisor * scaled.signum()) / (2 * divisor)).ok()?;
        let references = sequence.references(0x1001);
        let timecode = references
            .iter()
            .take(MAX_TIMECODES)
            .filter_map(|number| layout.set(number, &[kind::TIMECODE]))
            .find_map(|component| parse_timecode(component, start));
        if timecode.is_some() {
            return timecode;
        }
    }
    None
}
