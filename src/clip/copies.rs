//! Copies of a clip, which are the files that contain it, and the path and volume fields derived
//! from them.

use std::fmt::Write;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::value::{Bytes, format_unix_nanos, to_bytes};

/// State of a file when its volume was last scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// Found, and read without errors.
    Present,
    /// Found but not readable.
    Unreadable,
    /// Not found when its folder was last scanned.
    Missing,
}

/// One file that contains a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCopy {
    /// Label of the volume.
    pub volume: String,
    /// Id of the volume in the catalogue.
    pub volume_number: i64,
    /// True if the volume is mounted now.
    pub is_mounted: bool,
    /// Current path, or the path at the last mount point.
    pub path: PathBuf,
    /// Path relative to the volume's root; it does not depend on the mount point.
    pub inside: PathBuf,
    /// Size in bytes; the total of all frames for an image sequence.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970 UTC.
    pub modified: i64,
    /// Frame numbers of an image sequence; `None` for other files.
    pub frames: Option<FrameRun>,
    /// State when the volume was last scanned.
    pub state: FileState,
    /// Proxies, thumbnails and sidecars of the file.
    pub companions: Vec<PathBuf>,
}

/// The frames of an image sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRun {
    /// Number of the first frame.
    pub first: u64,
    /// Number of the last frame.
    pub last: u64,
    /// Number of frames; less than `last - first + 1` if some are missing.
    pub count: u32,
    /// Hash of all frames' names, sizes and times; it changes if any frame changes.
    pub stamp: u64,
}

impl FileCopy {
    /// Returns the display name, such as `shot.[0001-0120].dpx` for an image sequence.
    #[must_use]
    pub fn name(&self) -> String {
        let name = to_bytes(self.path.file_name().unwrap_or_default());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let frames = self.frames.zip(split_frame_number(&name));
        let Some((frames, (stem, digits, extension))) = frames else {
            return text(&name);
        };
        let (width, last) = (digits.len(), frames.last);
        let (stem, digits, extension) = (text(stem), text(digits), text(extension));
        format!("{stem}[{digits}-{last:0width$}]{extension}")
    }

    /// Returns the status as one word: `present`, `unreadable`, `missing` or `offline`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (self.state, self.is_mounted) {
            (FileState::Missing, _) => "missing",
            (_, false) => "offline",
            (FileState::Unreadable, true) => "unreadable",
            (FileState::Present, true) => "present",
        }
    }

    /// Returns the copy as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let mut file = serde_json::json!({
            "volume": self.volume,
            "path": self.path.to_string_lossy(),
            "bytes": Bytes(self.bytes),
            "modified": format_unix_nanos(self.modified),
            "state": self.state,
            "mounted": self.is_mounted,
        });
        if let (Some(hex), Some(fields)) = (self.path_bytes(), file.as_object_mut()) {
            fields.insert("path_bytes".to_owned(), hex.into());
        }
        file
    }

    /// Returns the path's bytes in hex; `None` if the path is UTF-8, because then text is enough.
    #[must_use]
    pub fn path_bytes(&self) -> Option<String> {
        if self.path.to_str().is_some() {
            return None;
        }
        let mut hex = String::new();
        for byte in to_bytes(self.path.as_os_str()) {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Some(hex)
    }
}

/// Longest frame number in digits; further digits to the left belong to the name.
const MAX_DIGITS: usize = 18;

/// Splits a name around the digits before its extension: `shot.0001.dpx` gives `shot.`, `0001` and
/// `.dpx`.
#[must_use]
pub fn split_frame_number(name: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let dot = name.iter().rposition(|&byte| byte == b'.')?;
    let (stem, extension) = name.split_at(dot);
    let digits = stem
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == 0 {
        return None;
    }
    let (stem, number) = stem.split_at(stem.len() - digits.min(MAX_DIGITS));
    Some((stem, number, extension))
}

/// Path of a clip's best copy, with the searchable words from the paths of all copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipPath {
    /// Path of the best copy.
    pub path: PathBuf,
    /// Folders of all copies, relative to their volumes, and file names that differ from the best
    /// copy's name.
    pub words: Vec<String>,
    /// Value of the folder facet: folder of the first copy, relative to its volume. It does not
    /// depend on mounting.
    pub folder: String,
}

/// Labels of the volumes that hold a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeLabels {
    /// Label of the best copy's volume.
    pub best: String,
    /// Labels of the volumes of all copies that are not missing; of all copies if every copy is
    /// missing.
    pub all: Vec<String>,
}

impl Serialize for VolumeLabels {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.best)
    }
}

impl<'de> Deserialize<'de> for VolumeLabels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let best = String::deserialize(from)?;
        Ok(Self {
            best,
            all: Vec::new(),
        })
    }
}

impl Serialize for ClipPath {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.path.to_string_lossy())
    }
}

impl<'de> Deserialize<'de> for ClipPath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(from)?;
        Ok(Self {
            path,
            words: Vec::new(),
            folder: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_numbers_are_the_last_digits_before_the_extension() {
        let split = |name: &'static str| {
            let (stem, digits, extension) = split_frame_number(name.as_bytes())?;
            let text = |bytes| std::str::from_utf8(bytes).unwrap();
            Some((text(stem), text(digits), text(extension)))
        };
        assert_eq!(split("a2.0010.dpx"), Some(("a2.", "0010", ".dpx")));
        assert_eq!(
            split("C0001_000123.dng"),
            Some(("C0001_", "000123", ".dng"))
        );
        assert_eq!(
            split("x.12999999999999999998.exr"),
            Some(("x.12", "999999999999999998", ".exr"))
        );
        assert_eq!(split("plain.dpx"), None);
        assert_eq!(split("0001"), None);
    }
}
