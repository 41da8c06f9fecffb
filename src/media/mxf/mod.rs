//! Header reader for MXF files (SMPTE ST 377-1) with one clip, as written by cameras and recorders,
//! and for Avid's files with a single track.
//!
//! A few bounded reads, mainly before the essence and of the footer, provide everything that
//! ffprobe reports and the position of each keyframe. Files that are not fully supported result in
//! `None` and are left to ffprobe.

mod index;
mod keyframes;
mod klv;
mod labels;
mod layout;
mod packages;
mod partition;
mod range_cache;
mod sound;
mod streams;
mod timecode;

use std::io;

use klv::KlvItem;
use labels::{PictureCodec, Wrapping};
use layout::MxfLayout;
use packages::{Essence, EssenceKind, MxfClip};
use range_cache::MxfWindow;
use streams::MxfPicture;

use super::header::{Format, MediaHeader, ParsedFile, add_tag};
use super::keyframes::{Decoder, KeyframeStorage, Keyframes};
use crate::source_file::Original;
use crate::value::{ExactDuration, Rate};

/// Version of this reader. Increase it when the reader gives other facts or supports other files.
pub(super) const VERSION: u32 = 1;

/// Maximum number of items read in an edit unit, which has one per track, and fillers.
const MAX_ITEMS: usize = 200;

/// Reads the header of a file; `None` if it has another format or is not fully supported.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn read(original: &Original) -> io::Result<Option<ParsedFile>> {
    let mut window = MxfWindow::new(original);
    let file = read_file(&mut window);
    window.finish(file)
}

fn read_file(window: &mut MxfWindow<'_>) -> Option<ParsedFile> {
    let mut layout = layout::read(window)?;
    let clip = packages::resolve_clip(&layout)?;
    let mut streams = Vec::new();
    let mut picture = None;
    for track in &clip.tracks {
        streams.push(match track.essence_kind {
            // Not supported: for a second video track, ffprobe reads more of the file.
            EssenceKind::Picture if picture.is_some() => return None,
            EssenceKind::Picture => {
                let parsed = streams::parse_picture(window, &layout, track)?;
                let stream = parsed.stream.clone();
                picture = Some((parsed, track.essence));
                stream
            }
            EssenceKind::Sound => sound::parse_stream(&layout, track)?,
            EssenceKind::Data => streams::tags_only_stream(track),
        });
    }
    let header = MediaHeader {
        format: build_format(&layout, &clip)?,
        streams,
    };
    let keyframes =
        picture.and_then(|(parsed, essence)| find_keyframes(window, &mut layout, parsed, essence));
    Some(ParsedFile { header, keyframes })
}

/// Builds the container-level part of the header.
fn build_format(layout: &MxfLayout, clip: &MxfClip<'_>) -> Option<Format> {
    let mut format = Format {
        container: "mxf".to_owned(),
        timecode: clip.timecode,
        ..Format::default()
    };
    for (key, value) in &layout.identification {
        add_tag(&mut format.tags, key, value);
    }
    let (mut longest, mut longest_data) = (None, None);
    for track in &clip.tracks {
        let rate = track.essence.rate;
        let units = track.essence.duration.filter(|&units| units > 0)?;
        let duration = match track.essence_kind {
            EssenceKind::Sound => {
                let sample_rate = sound::sample_rate(track)?;
                ExactDuration::new(
                    sound::units_to_samples(units, rate, sample_rate)?,
                    Rate::new(sample_rate, 1)?,
                )
            }
            _ => ExactDuration::new(units, rate),
        };
        match track.essence_kind {
            EssenceKind::Data => longest_data = longest_data.max(Some(duration)),
            _ => longest = longest.max(Some(duration)),
        }
    }
    let micros = |duration: Option<ExactDuration>| {
        duration.map_or(Some(0), |exact| Some(exact.rounded()?.as_micros()))
    };
    // If data tracks are longer than picture and sound, ffprobe's duration depends on the difference.
    let (longest_micros, data_micros) = (micros(longest)?, micros(longest_data)?);
    (longest_micros > 0 && data_micros <= longest_micros).then_some(())?;
    format.duration = longest;
    Some(format)
}

/// Returns the keyframes of the picture track; `None` if they cannot be read individually.
fn find_keyframes(
    window: &mut MxfWindow<'_>,
    layout: &mut MxfLayout,
    picture: MxfPicture,
    essence: Essence,
) -> Option<Keyframes> {
    let storage = match (picture.wrapping, picture.codec) {
        (Wrapping::Frame, _) => KeyframeStorage::Element {
            track: essence.number,
        },
        (Wrapping::Clip, PictureCodec::H264) => KeyframeStorage::StartCodes,
        (Wrapping::Clip, _) => KeyframeStorage::Whole,
        (Wrapping::Unknown, _) => return None,
    };
    let keys = keyframes::find_keyframes(window, layout, essence, picture.wrapping);
    let decoder = Decoder {
        codec: picture.stream.codec?,
        kind: match picture.codec {
            PictureCodec::H264 => *b"avc1",
            PictureCodec::Mpeg2 => *b"mp2v",
            PictureCodec::Vc3 => *b"AVdn",
            PictureCodec::ProRes(kind) => kind,
            PictureCodec::Dv => *b"dvsd",
        },
        configuration: picture.configuration,
        width: picture.stream.width?,
        height: picture.stream.height?,
    };
    (!keys.is_empty()).then_some(Keyframes {
        decoder,
        stored: storage,
        keys,
    })
}

/// Finds the frame of the track with number `track` in an edit unit.
pub(super) fn find_frame(unit: &[u8], track: [u8; 4]) -> Option<&[u8]> {
    let mut at = 0;
    for _ in 0..MAX_ITEMS {
        let item = KlvItem::parse(unit.get(at..)?, at as u64)?;
        let value = usize::try_from(item.value).ok()?;
        let end = usize::try_from(item.end()).ok()?;
        if item.is_element_of(track) {
            return unit.get(value..end);
        }
        at = end;
    }
    None
}

#[cfg(test)]
mod tests;
