//! The files that hold a clip: its copies.

use std::fmt::Write;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::value::{Bytes, instant, to_bytes};

/// Whether a file was there when its volume was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// Seen, and read.
    Present,
    /// Seen, but it could not be read.
    Unreadable,
    /// Not seen when its folder was last looked at.
    Missing,
}

/// One file that holds a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCopy {
    /// The volume's label.
    pub volume: String,
    /// The volume's number in the catalogue.
    pub volume_number: i64,
    /// Whether that volume is mounted now.
    pub is_mounted: bool,
    /// Where it is now, or where it was when its volume was last mounted.
    pub path: PathBuf,
    /// Path below the volume's root: the same wherever it is mounted.
    pub inside: PathBuf,
    /// Size, of all frames for an image sequence.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970 UTC.
    pub modified: i64,
    /// First and last number of an image sequence, and how many frames are there.
    pub frames: Option<FrameRun>,
    /// Present, missing or unreadable.
    pub state: FileState,
    /// Proxies, thumbnails and sidecars that belong to it.
    pub companions: Vec<PathBuf>,
}

/// The frames of an image sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRun {
    /// Number of the first frame.
    pub first: u64,
    /// Number of the last frame.
    pub last: u64,
    /// How many there are; fewer than `last - first + 1` when some are missing.
    pub count: u32,
    /// Hash of every frame's name, size and time: it differs when any frame does.
    pub stamp: u64,
}

impl FileCopy {
    /// The name shown: an image sequence's is `shot.[0001-0120].dpx`.
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

    /// How it stands with it, in a word: `present`, `unreadable`, `missing` or `offline`.
    #[must_use]
    pub fn standing(&self) -> &'static str {
        match (self.state, self.is_mounted) {
            (FileState::Missing, _) => "missing",
            (_, false) => "offline",
            (FileState::Unreadable, true) => "unreadable",
            (FileState::Present, true) => "present",
        }
    }

    /// What programs are told of it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let mut file = serde_json::json!({
            "volume": self.volume,
            "path": self.path.to_string_lossy(),
            "bytes": Bytes(self.bytes),
            "modified": instant(self.modified),
            "state": self.state,
            "mounted": self.is_mounted,
        });
        if let (Some(hex), Some(fields)) = (self.path_bytes(), file.as_object_mut()) {
            fields.insert("path_bytes".to_owned(), hex.into());
        }
        file
    }

    /// The path's bytes in hex, where it is not UTF-8 and could not be told otherwise.
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

/// More digits than this are no frame number; those in front belong to the name.
const MOST_DIGITS: usize = 18;

/// `shot.0001.dpx` as `shot.`, `0001`, `.dpx`: the last digits before the extension.
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
    let (stem, number) = stem.split_at(stem.len() - digits.min(MOST_DIGITS));
    Some((stem, number, extension))
}

/// Where a clip is: the path of its best copy, and the words of every copy's folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The best copy's path.
    pub path: PathBuf,
    /// Folders below the volume of every copy, and names that differ from the best one's.
    pub words: Vec<String>,
    /// The folder below the volume that it is counted in: of the first copy, whatever is mounted.
    pub folder: String,
}

/// The volumes that a clip is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelves {
    /// The label of the best copy's.
    pub best: String,
    /// The labels of all copies' that are not missing, or of all where every one is.
    pub all: Vec<String>,
}

impl Serialize for Shelves {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.best)
    }
}

impl<'de> Deserialize<'de> for Shelves {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let best = String::deserialize(from)?;
        Ok(Self {
            best,
            all: Vec::new(),
        })
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.path.to_string_lossy())
    }
}

impl<'de> Deserialize<'de> for Place {
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
