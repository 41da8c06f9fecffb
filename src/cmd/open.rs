//! `btsindex search --open N` and `--reveal N`: one of the clips that were found, on the desktop.

use std::io::{self, Write};

use btsindex::catalogue::Catalogue;
use btsindex::desktop;
use btsindex::error::{Error, escape};

use super::Exit;
use crate::cli;

/// What is to be done with which clip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// Counted from 1.
    pub(super) nth: usize,
    is_only_shown: bool,
}

impl Wish {
    /// What was typed, if it was.
    pub(super) fn of(args: &cli::SearchArgs) -> Option<Self> {
        let wish = |is_only_shown| move |nth| Self { nth, is_only_shown };
        let open = args.open.map(wish(false));
        open.or(args.reveal.map(wish(true)))
    }

    /// Does it.
    pub(super) fn fulfil(self, clips: &[i64], catalogue: &Catalogue) -> anyhow::Result<Exit> {
        let number = clips.get(self.nth - 1);
        let clip = number.map(|&number| catalogue.clip(number)).transpose()?;
        let clip = clip.flatten().ok_or(Error::NoHit {
            wanted: self.nth,
            found: clips.len(),
        })?;
        let path = desktop::available_file(&clip)?;
        let done = if self.is_only_shown {
            desktop::reveal(path)?;
            "shown"
        } else {
            desktop::open(path)?;
            "opened"
        };
        writeln!(io::stderr(), "{done} {}", escape(&path.to_string_lossy()))?;
        Ok(Exit::Done)
    }
}
