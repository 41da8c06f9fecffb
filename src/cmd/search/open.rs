//! `btsindex search --open N` and `--reveal N`: opens one of the matches on the desktop.

use std::io::{self, Write};

use btsindex::catalogue::Catalogue;
use btsindex::desktop;
use btsindex::error::{Error, escape};

use crate::cli::{Exit, SearchMode};

/// Desktop action on one of the matches.
#[derive(Debug, Clone, Copy)]
pub(super) struct DesktopAction {
    /// Number of the match, counted from 1.
    pub(super) nth: usize,
    /// True to show the file in the file manager, false to open it in its player.
    is_reveal: bool,
}

impl DesktopAction {
    /// Returns the action of `--open` or `--reveal`; `None` for other modes.
    pub(super) fn from_mode(mode: SearchMode<'_>) -> Option<Self> {
        let (nth, is_reveal) = match mode {
            SearchMode::Open(nth) => (nth, false),
            SearchMode::Reveal(nth) => (nth, true),
            _ => return None,
        };
        Some(Self { nth, is_reveal })
    }

    /// Performs the action on the file of the match.
    pub(super) fn perform(self, clips: &[i64], catalogue: &Catalogue) -> anyhow::Result<Exit> {
        let number = clips.get(self.nth - 1);
        let clip = number.map(|&number| catalogue.clip(number)).transpose()?;
        let clip = clip.flatten().ok_or(Error::NoHit {
            requested: self.nth,
            found: clips.len(),
        })?;
        let path = desktop::available_file(&clip)?;
        let verb = if self.is_reveal {
            desktop::reveal(path)?;
            "shown"
        } else {
            desktop::open(path)?;
            "opened"
        };
        writeln!(io::stderr(), "{verb} {}", escape(&path.to_string_lossy()))?;
        Ok(Exit::Done)
    }
}
