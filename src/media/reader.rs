//! Header readers and their versions, which the catalogue stores with the facts.
//!
//! A scan reads a file again if its facts come from an older version. So a fix or a new field
//! reaches the clips that are already in the catalogue. Each reader declares its version next to
//! its code.

use super::{
    avi, bitstream, camera_raw, embedded_tags, ffprobe, header_facts, matroska, mp4, mpegts, mxf,
    wav,
};
use crate::value::ReaderLabel;

/// Reader of the header of a media file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderReader {
    /// Raw headers of cameras.
    CameraRaw,
    /// RIFF and RF64 WAVE, with `bext` and iXML.
    Wave,
    /// AVI.
    Avi,
    /// Matroska and `WebM`.
    Matroska,
    /// MXF.
    Mxf,
    /// MPEG transport streams.
    TransportStream,
    /// MP4, MOV and other files of ISO/IEC 14496-12.
    IsoMedia,
    /// ffprobe, for files that no other reader supports.
    Ffprobe,
}

impl HeaderReader {
    /// The readers of this program, without ffprobe.
    const BUILT_IN: [Self; 7] = [
        Self::CameraRaw,
        Self::Wave,
        Self::Avi,
        Self::Matroska,
        Self::Mxf,
        Self::TransportStream,
        Self::IsoMedia,
    ];

    /// Returns the name of the reader, as in the field `reader`. The field names the version of
    /// ffprobe instead.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CameraRaw => "raw header",
            Self::Wave => "wave header",
            Self::Avi => "avi header",
            Self::Matroska => "matroska header",
            Self::Mxf => "mxf header",
            Self::TransportStream => "transport header",
            Self::IsoMedia => "iso header",
            Self::Ffprobe => "ffprobe",
        }
    }

    /// Returns the version of the reader's own code.
    fn parser_version(self) -> u32 {
        match self {
            Self::CameraRaw => camera_raw::VERSION,
            Self::Wave => wav::VERSION,
            Self::Avi => avi::VERSION,
            Self::Matroska => matroska::VERSION,
            Self::Mxf => mxf::VERSION,
            Self::TransportStream => mpegts::VERSION,
            Self::IsoMedia => mp4::VERSION,
            Self::Ffprobe => ffprobe::VERSION,
        }
    }

    /// Returns the version of the reader with the code that all readers share. The version of ffprobe includes those of all other
    /// readers, because each of them may support more files than before.
    fn version(self) -> u32 {
        let parsers = match self {
            Self::Ffprobe => Self::BUILT_IN.map(Self::parser_version).iter().sum(),
            _ => 0,
        };
        let shared = header_facts::VERSION + embedded_tags::VERSION + bitstream::VERSION;
        shared + self.parser_version() + parsers
    }

    /// Returns the name and version of the reader, as stored with the facts.
    #[must_use]
    pub fn label(self) -> ReaderLabel<'static> {
        ReaderLabel {
            name: self.name(),
            version: self.version(),
        }
    }

    /// Returns true if a label names an older version of a reader.
    #[must_use]
    pub fn is_outdated(label: &ReaderLabel<'_>) -> bool {
        let mut all = Self::BUILT_IN.into_iter().chain([Self::Ffprobe]);
        all.any(|reader| label.is_older_than(&reader.label()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_older_versions_are_outdated() {
        for reader in HeaderReader::BUILT_IN
            .into_iter()
            .chain([HeaderReader::Ffprobe])
        {
            let mut label = reader.label();
            assert!(!HeaderReader::is_outdated(&label), "{label}");
            label.version -= 1;
            assert!(HeaderReader::is_outdated(&label), "{label}");
            label.version += 2;
            assert!(!HeaderReader::is_outdated(&label), "{label}");
        }
    }

    #[test]
    fn the_version_of_ffprobe_exceeds_the_sum_of_the_parsers() {
        let parsers: u32 = HeaderReader::BUILT_IN
            .map(HeaderReader::parser_version)
            .iter()
            .sum();
        assert!(HeaderReader::Ffprobe.version() > parsers);
    }
}
