//! Readers of sidecar files: Sony XML, DJI telemetry, XMP, subtitles and transcripts.
//!
//! Each reader reads a limited part of the file and returns only facts that it is sure of.

mod dji;
mod sony;
mod transcript;
pub mod xmp;

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::clip::Clip;
use crate::source_file;
use crate::value::ReaderLabel;

/// Maximum number of bytes read from a sidecar; the rest is ignored. No camera writes a longer
/// header.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// Reads the sidecar at `path`, which belongs to the media file at `original`. Returns no facts for
/// an unknown kind of sidecar or one that belongs to another media file.
///
/// # Errors
/// Returns an error if the file cannot be opened or read.
pub fn read(path: &Path, original: &Path) -> io::Result<Clip> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    // One extra byte shows whether an XMP file exceeds the limit.
    let limit = match extension.to_str() {
        Some("xml" | "srt" | "vtt" | "txt") => MAX_BYTES,
        Some("xmp") => xmp::MAX_BYTES + 1,
        _ => return Ok(Clip::default()),
    };
    let mut bytes = Vec::new();
    source_file::open(path)?
        .take(limit)
        .read_to_end(&mut bytes)?;
    Ok(match extension.to_str() {
        Some("xml") => sony::read(&String::from_utf8_lossy(&bytes)),
        Some("srt") => subtitles(&bytes),
        Some("xmp") => xmp::read(&bytes, original),
        _ => transcript::read(&String::from_utf8_lossy(&bytes)),
    })
}

/// Readers of sidecars by extension. Increase a version when the reader produces other facts.
const READERS: [(&str, ReaderLabel<'_>); 5] = [
    ("srt", reader("srt sidecar", 1)),
    ("txt", reader("txt sidecar", 1)),
    ("vtt", reader("vtt sidecar", 1)),
    ("xml", reader("xml sidecar", 1)),
    ("xmp", reader("xmp sidecar", 1)),
];

const fn reader(name: &'static str, version: u32) -> ReaderLabel<'static> {
    ReaderLabel { name, version }
}

/// Separates the readers in the label of several sidecars.
const AND: &str = " + ";

/// Returns the names and versions of the readers of these sidecars, as stored with their facts;
/// `None` if there are no sidecars of a known kind.
#[must_use]
pub fn readers_label(sidecars: &[PathBuf]) -> Option<String> {
    let labels: BTreeSet<ReaderLabel<'_>> = sidecars
        .iter()
        .filter_map(|path| {
            let extension = path.extension()?.to_str()?.to_ascii_lowercase();
            let reader = READERS.iter().find(|(kind, _)| *kind == extension)?;
            Some(reader.1)
        })
        .collect();
    let labels: Vec<String> = labels.iter().map(ReaderLabel::to_string).collect();
    (!labels.is_empty()).then(|| labels.join(AND))
}

/// Returns true if a label names an older version of a sidecar reader.
#[must_use]
pub fn is_outdated(label: &str) -> bool {
    label
        .split(AND)
        .filter_map(ReaderLabel::parse)
        .any(|label| {
            READERS
                .iter()
                .any(|(_, reader)| label.is_older_than(reader))
        })
}

/// Returns the file extension that the XMP sidecar at `path` declares in `SidecarForExtension`;
/// `None` if it declares none or cannot be read.
#[must_use]
pub fn declared_extension(path: &Path) -> Option<String> {
    // Accepts only regular files, not links or pipes.
    if !path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file())
    {
        return None;
    }
    let mut bytes = Vec::new();
    let file = source_file::open(path).ok()?;
    file.take(xmp::MAX_BYTES + 1).read_to_end(&mut bytes).ok()?;
    xmp::Packet::parse(&bytes).ok()?.for_extension
}

/// Parses an SRT file: DJI telemetry or a transcript.
fn subtitles(bytes: &[u8]) -> Clip {
    let text = String::from_utf8_lossy(bytes);
    if dji::is_telemetry(&text) {
        dji::read(&text)
    } else {
        transcript::read(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_the_readers_of_all_sidecars() {
        let sidecars = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let label = readers_label(&sidecars(&["a.XMP", "aM01.XML", "a.xmp"])).unwrap();
        assert_eq!(label, "xml sidecar 1 + xmp sidecar 1");
        assert!(!is_outdated(&label));
        assert_eq!(readers_label(&sidecars(&["a.thm", "a"])), None);
        for stale in ["xmp sidecar 0", "xml sidecar 0 + xmp sidecar 1"] {
            assert!(is_outdated(stale), "{stale}");
        }
    }
}
