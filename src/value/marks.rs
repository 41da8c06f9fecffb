//! What people write on a clip: notes, and markers at places in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Duration, Timecode};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub person: String,
    /// When, by that person's clock: `2026-05-02T14:00:00Z`.
    pub at: String,
}

/// The notes of a clip, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notes(pub Vec<Note>);

/// A place in a clip, with what is to be seen there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Marker {
    /// Microseconds since the clip's first frame.
    pub micros: u64,
    /// The address of the frame, where the clip counts frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timecode: Option<Timecode>,
    /// What is to be seen.
    pub text: String,
}

/// The markers of a clip, in the order of their places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Markers(pub Vec<Marker>);

impl fmt::Display for Notes {
    /// `laughs at the end; good sound`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, note) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { "; " };
            write!(f, "{gap}{}", note.text)?;
        }
        Ok(())
    }
}

impl fmt::Display for Marker {
    /// `10:02:12:00 laughs`; where no frames are counted, `12.5s laughs`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.timecode {
            Some(timecode) => write!(f, "{timecode}")?,
            None => write!(f, "{}", Duration::from_micros(self.micros))?,
        }
        write!(f, " {}", self.text)
    }
}

impl fmt::Display for Markers {
    /// `10:02:12:00 laughs; 10:02:20:11 looks up`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, marker) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { "; " };
            write!(f, "{gap}{marker}")?;
        }
        Ok(())
    }
}
