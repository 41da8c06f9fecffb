//! MPEG transport streams (ISO/IEC 13818-1; `.ts`, and AVCHD's `.mts` and `.m2ts`): streams,
//! duration and the positions at which to search for keyframes.
//!
//! There is no file header: the tables, the first picture and the first audio frames are at the
//! start, and the last presentation times at the end. Only these two ranges are read, without
//! starting a process. Files that are not fully supported result in `None` and are left to ffprobe.

mod audio;
mod clock;
mod keyframe_search;
pub(super) mod packets;
mod picture_rate;
mod stream_codecs;
mod streams;
mod tables;
mod video;

use std::io;

use stream_codecs::{StreamContent, StreamTimes};
use streams::ScannedStream;
use tables::Programme;

use super::header::{Format, MediaHeader, ParsedFile};
use super::keyframes::Keyframes;
use crate::source_file::Original;

/// Version of this reader. Increase it when the reader gives other facts or supports other files.
pub(super) const VERSION: u32 = 1;

/// Sizes in bytes of the range read at the start, tried in turn until all streams have begun. Audio
/// comes late if the first picture is large.
const START_SIZES: [usize; 4] = [64 * 1024, 256 * 1024, 1024 * 1024, 2048 * 1024];
/// Size in bytes of the range that ffprobe reads at the end. It reads twice as much if a stream has
/// no packets there.
const END_SIZE: u64 = 250_000;

/// Reads the header of a file; `None` if it is not a transport stream or not fully supported.
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
    for target in START_SIZES {
        let target = usize::try_from(original.size()).map_or(target, |size| size.min(target));
        let length = begin.len();
        if target > length {
            begin.extend(original.read(length as u64, target - length)?);
        } else if target < length {
            continue;
        }
        match recording.parse(&begin)? {
            ParseOutcome::Parsed(parsed) => return Ok(Some(*parsed)),
            ParseOutcome::Unsupported => break,
            ParseOutcome::NeedsMore if begin.len() as u64 >= original.size() => break,
            ParseOutcome::NeedsMore => {}
        }
    }
    Ok(None)
}

/// Result of parsing the start of a file.
enum ParseOutcome {
    Parsed(Box<ParsedFile>),
    /// A longer range may contain what is missing.
    NeedsMore,
    /// A longer range would not help.
    Unsupported,
}

/// Transport stream file that is being read.
struct Recording<'a> {
    original: &'a Original,
    stride: usize,
    programme: Programme,
    /// Streams found at the end of the file; `None` until it is scanned.
    end: Option<Vec<ScannedStream>>,
}

impl Recording<'_> {
    fn parse(&mut self, begin: &[u8]) -> io::Result<ParseOutcome> {
        let is_whole = packets::are_synchronised(begin, self.stride)
            && tables::parse(begin, self.stride).as_ref() == Some(&self.programme);
        let scanned = streams::scan_start(begin, self.stride, &self.programme);
        let Some(scanned) = scanned.filter(|_| is_whole) else {
            return Ok(ParseOutcome::Unsupported);
        };
        let Some(contents) = StreamContent::parse_all(&self.programme, &scanned) else {
            return Ok(ParseOutcome::NeedsMore);
        };
        let end = match self.end.take() {
            Some(end) => end,
            None => self.scan_end(END_SIZE)?,
        };
        let end = self.end.insert(end);
        let Some(mut times) = StreamTimes::new(&contents, &scanned) else {
            return Ok(ParseOutcome::Unsupported);
        };
        match times.matches_stored_rate([&scanned, end]) {
            None => return Ok(ParseOutcome::NeedsMore),
            Some(false) => return Ok(ParseOutcome::Unsupported),
            Some(true) => {}
        }
        times.extend(end);
        if !times.is_complete() && self.original.size() > END_SIZE {
            let more = self.scan_end(2 * END_SIZE)?;
            times.extend(&more);
        }
        let parsed = times.duration().map(|duration| {
            let keyframes = self.keyframes(&contents, &times);
            let format = Format {
                container: "mpegts".to_owned(),
                duration: Some(duration),
                ..Format::default()
            };
            let streams = contents.iter().map(StreamContent::stream).collect();
            let header = MediaHeader { format, streams };
            Box::new(ParsedFile { header, keyframes })
        });
        Ok(parsed.map_or(ParseOutcome::Unsupported, ParseOutcome::Parsed))
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
        let (elementary, video) = self
            .programme
            .streams
            .iter()
            .zip(contents)
            .find_map(|(stream, content)| Some((stream, content.video()?)))?;
        let (begin, micros) = times.video_range()?;
        let range = keyframe_search::SearchRange {
            size: self.original.size(),
            stride: self.stride,
            pid: elementary.pid,
            begin,
            micros,
        };
        keyframe_search::keyframes(&range, video)
    }
}

#[cfg(test)]
mod tests;
