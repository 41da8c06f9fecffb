//! Notes that users write about a clip, and markers that they set at positions in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Duration, Timecode};

/// A note with its author and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Text of the note.
    pub text: String,
    /// Name of the author.
    pub person: String,
    /// Time of writing by the clock of the author's machine: `2026-05-02T14:00:00Z`.
    pub at: String,
}

/// The notes of a clip, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notes(pub Vec<Note>);

/// A position in a clip with a description of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Marker {
    /// Microseconds since the clip's first frame.
    pub micros: u64,
    /// Timecode of the frame; `None` if the clip has no frame rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timecode: Option<Timecode>,
    /// Description of the picture or sound at this position.
    pub text: String,
}

/// The markers of a clip, in order of position.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Markers(pub Vec<Marker>);

impl fmt::Display for Notes {
    /// Formats as `laughs at the end; good sound`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, note) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}", note.text)?;
        }
        Ok(())
    }
}

impl fmt::Display for Marker {
    /// Formats as `10:02:12:00 laughs`, or as `12.5s laughs` without a timecode.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.timecode {
            Some(timecode) => write!(f, "{timecode}")?,
            None => write!(f, "{}", Duration::from_micros(self.micros))?,
        }
        write!(f, " {}", self.text)
    }
}

impl fmt::Display for Markers {
    /// Formats as `10:02:12:00 laughs; 10:02:20:11 looks up`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, marker) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{marker}")?;
        }
        Ok(())
    }
}
