//! Headers of MXF (SMPTE ST 377-1), read without a process: one clip in one file, as
//! cameras and recorders write it, and Avid's files of one track.
//!
//! Two bounded reads, of what stands before the essence and of the footer, tell what ffprobe
//! tells, and where each keyframe is. What is not fully understood is `None`: then ffprobe is
//! asked.

mod index;
mod keys;
mod klv;
mod labels;
mod layout;
mod packages;
mod partition;
mod sound;
mod streams;
mod timecode;
mod window;

use std::io;

use klv::Item;
use labels::{Codec, Wrapping};
use layout::Layout;
use packages::{Clip, Essence, Holds};
use streams::Picture;
use window::Window;

use super::header::{Film, Format, Header, add_tag, seconds};
use super::keyframes::{Decoder, Keyframes, Stored};
use crate::source_file::Original;

/// Items of one edit unit that are looked at: one of each track, and fillers.
const MOST_ITEMS: usize = 200;

/// Reads a file's header; `None` when it is of another kind or not fully understood.
///
/// # Errors
/// When the drive fails.
pub(super) fn read(original: &Original) -> io::Result<Option<Film>> {
    let mut window = Window::new(original);
    let told = film(&mut window);
    window.ended(told)
}

fn film(window: &mut Window<'_>) -> Option<Film> {
    let mut layout = layout::layout(window)?;
    let clip = packages::clip(&layout)?;
    let mut streams = Vec::new();
    let mut picture = None;
    for track in &clip.tracks {
        streams.push(match track.holds {
            // ffprobe reads further for a second picture.
            Holds::Picture if picture.is_some() => return None,
            Holds::Picture => {
                let told = streams::picture(window, &layout, track)?;
                let stream = told.stream.clone();
                picture = Some((told, track.essence));
                stream
            }
            Holds::Sound => sound::sound(&layout, track)?,
            Holds::Data => streams::other(track),
        });
    }
    let header = Header {
        format: format(&layout, &clip)?,
        streams,
    };
    let keyframes =
        picture.and_then(|(told, essence)| keyframes(window, &mut layout, told, essence));
    Some(Film { header, keyframes })
}

/// What is said of the whole file.
fn format(layout: &Layout, clip: &Clip<'_>) -> Option<Format> {
    let mut format = Format {
        name: "mxf".to_owned(),
        ..Format::default()
    };
    for (key, value) in &layout.written_by {
        add_tag(&mut format.tags, key, value);
    }
    if let Some(timecode) = &clip.timecode {
        add_tag(&mut format.tags, "timecode", timecode);
    }
    let mut longest = 0;
    let mut longest_data = 0;
    for track in &clip.tracks {
        let rate = track.essence.rate;
        let units = track.essence.duration.filter(|&units| units > 0)?;
        let micros = match track.holds {
            Holds::Sound => {
                let sample_rate = sound::sample_rate(track)?;
                streams::micros(sound::samples(units, rate, sample_rate)?, (sample_rate, 1))
            }
            _ => streams::micros(units, rate),
        };
        match track.holds {
            Holds::Data => longest_data = micros.max(longest_data),
            _ => longest = micros.max(longest),
        }
    }
    // What ffprobe makes of notes that outlast the film depends on by how much.
    (longest > 0 && longest_data <= longest).then_some(())?;
    format.duration = Some(seconds(longest.into()));
    Some(format)
}

/// The keyframes of the picture, where they can be read one by one.
fn keyframes(
    window: &mut Window<'_>,
    layout: &mut Layout,
    picture: Picture,
    essence: Essence,
) -> Option<Keyframes> {
    let stored = match (picture.wrapping, picture.codec) {
        (Wrapping::Frame, _) => Stored::Element {
            track: essence.number,
        },
        (Wrapping::Clip, Codec::H264) => Stored::StartCodes,
        (Wrapping::Clip, _) => Stored::Whole,
        (Wrapping::Unknown, _) => return None,
    };
    let keys = keys::keys(window, layout, essence, picture.wrapping);
    let decoder = Decoder {
        codec: picture.stream.codec_name?,
        kind: match picture.codec {
            Codec::H264 => *b"avc1",
            Codec::Mpeg2 => *b"mp2v",
            Codec::Vc3 => *b"AVdn",
            Codec::ProRes(kind) => kind,
            Codec::Dv => *b"dvsd",
        },
        configuration: picture.configuration,
        width: picture.stream.width?,
        height: picture.stream.height?,
    };
    (!keys.is_empty()).then_some(Keyframes {
        decoder,
        stored,
        keys,
    })
}

/// The frame of the track with this number among the items of one edit unit.
pub(super) fn element(unit: &[u8], track: [u8; 4]) -> Option<&[u8]> {
    let mut at = 0;
    for _ in 0..MOST_ITEMS {
        let item = Item::new(unit.get(at..)?, at as u64)?;
        let value = usize::try_from(item.value).ok()?;
        let end = usize::try_from(item.end()).ok()?;
        if item.is_of(track) {
            return unit.get(value..end);
        }
        at = end;
    }
    None
}

#[cfg(test)]
mod tests;
