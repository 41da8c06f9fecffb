//! MPEG transport streams (ISO/IEC 13818-1; `.ts`, and AVCHD's `.mts` and `.m2ts`): streams,
//! duration and places to search for keyframes.
//!
//! There is no file header: the tables, the first picture and the first audio frames are at the
//! start, and the last presentation times at the end. Only these two ranges are read, without
//! starting a process. Files that are not fully understood give `None` and are left to ffprobe.

mod clock;
mod content;
mod keyframe_search;
pub(super) mod packets;
mod picture;
mod picture_rate;
mod sound;
mod streams;
mod tables;

use std::io;

use content::{StreamContent, StreamTimes};
use streams::ScannedStream;
use tables::Programme;

use super::header::{Format, MediaHeader, ParsedFile};
use super::keyframes::Keyframes;
use crate::source_file::Original;

/// Growing sizes of the range read at the start, in bytes, tried until all streams have begun:
/// audio comes late if the first picture is large.
const BEGINNINGS: [usize; 4] = [64 * 1024, 256 * 1024, 1024 * 1024, 2048 * 1024];
/// Size of the range that ffprobe reads at the end, in bytes; twice as much if a stream has nothing
/// there.
const END: u64 = 250_000;

/// Reads a file; `None` if it is of another kind or not fully understood.
///
/// # Errors
/// Fails if the file cannot be read.
pub(super) fn read(original: &Original) -> io::Result<Option<ParsedFile>> {
    let mut begin = original.beginning().to_vec();
    let Some(stride) = packets::detect_stride(&begin) else {
        return Ok(None);
    };
    let Some(programme) = tables::parse(&begin, stride) else {
        return Ok(None);
    };
    let mut recording = Recording {
        original,
        stride,
        programme,
        end: None,
    };
    for target in BEGINNINGS {
        let target = usize::try_from(original.size()).map_or(target, |size| size.min(target));
        let length = begin.len();
        if target > length {
            begin.extend(original.read(length as u64, target - length)?);
        } else if target < length {
            continue;
        }
        match recording.parse(&begin)? {
            ParseOutcome::Read(film) => return Ok(Some(*film)),
            ParseOutcome::Refused => break,
            ParseOutcome::Unclear if begin.len() as u64 >= original.size() => break,
            ParseOutcome::Unclear => {}
        }
    }
    Ok(None)
}

/// Result of parsing the start of a file.
enum ParseOutcome {
    Read(Box<ParsedFile>),
    /// A longer range may be understood.
    Unclear,
    /// A longer range would not help.
    Refused,
}

/// A file being read.
struct Recording<'a> {
    original: &'a Original,
    stride: usize,
    programme: Programme,
    /// Streams found at the end of the file.
    end: Option<Vec<ScannedStream>>,
}

impl Recording<'_> {
    fn parse(&mut self, begin: &[u8]) -> io::Result<ParseOutcome> {
        let is_whole = packets::are_synchronised(begin, self.stride)
            && tables::parse(begin, self.stride).as_ref() == Some(&self.programme);
        let scanned = streams::scan_start(begin, self.stride, &self.programme);
        let Some(scanned) = scanned.filter(|_| is_whole) else {
            return Ok(ParseOutcome::Refused);
        };
        let Some(contents) = StreamContent::parse_all(&self.programme, &scanned) else {
            return Ok(ParseOutcome::Unclear);
        };
        let end = match self.end.take() {
            Some(end) => end,
            None => self.scan_end(END)?,
        };
        let end = self.end.insert(end);
        let Some(mut times) = StreamTimes::new(&contents, &scanned) else {
            return Ok(ParseOutcome::Refused);
        };
        match times.matches_stored_rate([&scanned, end]) {
            None => return Ok(ParseOutcome::Unclear),
            Some(false) => return Ok(ParseOutcome::Refused),
            Some(true) => {}
        }
        times.extend(end);
        if !times.is_complete() && self.original.size() > END {
            let more = self.scan_end(2 * END)?;
            times.extend(&more);
        }
        let film = times.duration().map(|duration| {
            let keyframes = self.keyframes(&contents, &times);
            let format = Format {
                name: "mpegts".to_owned(),
                duration: Some(duration),
                ..Format::default()
            };
            let streams = contents.iter().map(StreamContent::stream).collect();
            let header = MediaHeader { format, streams };
            Box::new(ParsedFile { header, keyframes })
        });
        Ok(film.map_or(ParseOutcome::Refused, ParseOutcome::Read))
    }

    /// Scans the packets in the last `length` bytes, or in the whole file if it is shorter.
    fn scan_end(&self, length: u64) -> io::Result<Vec<ScannedStream>> {
        let size = self.original.size();
        let start = size
            .saturating_sub(length)
            .next_multiple_of(self.stride as u64)
            .min(size);
        let length = usize::try_from(size - start).map_err(io::Error::other)?;
        let bytes = self.original.read(start, length)?;
        Ok(streams::scan(&bytes, self.stride, &self.programme))
    }

    fn keyframes(&self, contents: &[StreamContent], times: &StreamTimes) -> Option<Keyframes> {
        let (elementary, picture) = self
            .programme
            .streams
            .iter()
            .zip(contents)
            .find_map(|(stream, content)| Some((stream, content.picture()?)))?;
        let (begin, micros) = times.picture_range()?;
        let range = keyframe_search::SearchRange {
            size: self.original.size(),
            stride: self.stride,
            pid: elementary.pid,
            begin,
            micros,
        };
        keyframe_search::keyframes(&range, picture)
    }
}

#[cfg(test)]
mod tests;
