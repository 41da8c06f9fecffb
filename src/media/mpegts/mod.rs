//! Headers of MPEG transport streams (ISO/IEC 13818-1; `.ts`, and AVCHD's `.mts` and `.m2ts`),
//! read without a process.
//!
//! There is no header: the tables, the first picture and the first sounds stand at the begin,
//! and when the last of them are shown stands at the end. Nothing in between is read. What is
//! not fully understood is `None`: then ffprobe is asked.

mod clock;
mod content;
mod pace;
pub(super) mod packets;
mod picture;
mod places;
mod sound;
mod streams;
mod tables;

use std::io;

use content::{Content, Course};
use streams::Heard;
use tables::Programme;

use super::header::{Format, MediaHeader, ParsedFile};
use super::keyframes::Keyframes;
use crate::source_file::Original;

/// How much of the begin is looked at, until all streams have begun: sound comes late where a
/// picture is large.
const BEGINNINGS: [usize; 4] = [64 * 1024, 256 * 1024, 1024 * 1024, 2048 * 1024];
/// How much of the end ffprobe looks at; twice as much where a stream has nothing there.
const END: u64 = 250_000;

/// Reads a file; `None` when it is of another kind or not fully understood.
///
/// # Errors
/// When the drive fails.
pub(super) fn read(original: &Original) -> io::Result<Option<ParsedFile>> {
    let mut begin = original.beginning().to_vec();
    let Some(stride) = packets::stride(&begin) else {
        return Ok(None);
    };
    let Some(programme) = tables::programme(&begin, stride) else {
        return Ok(None);
    };
    let mut recording = Recording {
        original,
        stride,
        programme,
        end: None,
    };
    for wanted in BEGINNINGS {
        let wanted = usize::try_from(original.size()).map_or(wanted, |size| size.min(wanted));
        let have = begin.len();
        if wanted > have {
            begin.extend(original.read(have as u64, wanted - have)?);
        } else if wanted < have {
            continue;
        }
        match recording.film(&begin)? {
            Verdict::Read(film) => return Ok(Some(*film)),
            Verdict::Refused => break,
            Verdict::Unclear if begin.len() as u64 >= original.size() => break,
            Verdict::Unclear => {}
        }
    }
    Ok(None)
}

/// What comes of a file's begin.
enum Verdict {
    Read(Box<ParsedFile>),
    /// More of it may tell.
    Unclear,
    /// Nothing would.
    Refused,
}

/// A file that is looked at.
struct Recording<'a> {
    original: &'a Original,
    stride: usize,
    programme: Programme,
    /// What is heard at its end.
    end: Option<Vec<Heard>>,
}

impl Recording<'_> {
    fn film(&mut self, begin: &[u8]) -> io::Result<Verdict> {
        let is_whole = packets::are_in_step(begin, self.stride)
            && tables::programme(begin, self.stride).as_ref() == Some(&self.programme);
        let heard = streams::from_beginning(begin, self.stride, &self.programme);
        let Some(heard) = heard.filter(|_| is_whole) else {
            return Ok(Verdict::Refused);
        };
        let Some(contents) = Content::of_all(&self.programme, &heard) else {
            return Ok(Verdict::Unclear);
        };
        let end = match self.end.take() {
            Some(end) => end,
            None => self.heard_at_end(END)?,
        };
        let end = self.end.insert(end);
        let Some(mut course) = Course::of(&contents, &heard) else {
            return Ok(Verdict::Refused);
        };
        match course.is_pace_kept([&heard, end]) {
            None => return Ok(Verdict::Unclear),
            Some(false) => return Ok(Verdict::Refused),
            Some(true) => {}
        }
        course.extend(end);
        if !course.is_known() && self.original.size() > END {
            let more = self.heard_at_end(2 * END)?;
            course.extend(&more);
        }
        let told = course.duration().map(|duration| {
            let keyframes = self.keyframes(&contents, &course);
            let format = Format {
                name: "mpegts".to_owned(),
                duration: Some(duration),
                ..Format::default()
            };
            let streams = contents.iter().map(Content::stream).collect();
            let header = MediaHeader { format, streams };
            Box::new(ParsedFile { header, keyframes })
        });
        Ok(told.map_or(Verdict::Refused, Verdict::Read))
    }

    /// What is heard in the packets of so many bytes at the end, or of all there are.
    fn heard_at_end(&self, length: u64) -> io::Result<Vec<Heard>> {
        let size = self.original.size();
        let start = size
            .saturating_sub(length)
            .next_multiple_of(self.stride as u64)
            .min(size);
        let length = usize::try_from(size - start).map_err(io::Error::other)?;
        let bytes = self.original.read(start, length)?;
        Ok(streams::anywhere(&bytes, self.stride, &self.programme))
    }

    fn keyframes(&self, contents: &[Content], course: &Course) -> Option<Keyframes> {
        let (elementary, picture) = self
            .programme
            .streams
            .iter()
            .zip(contents)
            .find_map(|(stream, content)| Some((stream, content.picture()?)))?;
        let (begin, micros) = course.of_picture()?;
        let film = places::Film {
            size: self.original.size(),
            stride: self.stride,
            pid: elementary.pid,
            begin,
            micros,
        };
        places::keyframes(&film, picture)
    }
}

#[cfg(test)]
mod tests;
