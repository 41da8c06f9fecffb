//! `btsindex search --thumbs`: shows the matches with their posters.

use std::io;

use btsindex::catalogue::Catalogue;
use btsindex::clip::Clip;
use btsindex::output::{Screen, write_contact_sheet};

use crate::cmd::stdio::stdout;

/// Shows clips with their posters on a terminal, `width` characters wide.
pub(super) fn show(clips: Vec<Clip>, catalogue: &Catalogue, width: usize) -> io::Result<()> {
    let posters = catalogue.thumbnails().posters;
    let clips: Vec<_> = clips
        .into_iter()
        .map(|clip| {
            let poster = clip.id.as_ref().and_then(|id| posters.find(id.value));
            (clip, poster)
        })
        .collect();
    // Keys typed during this time were meant for the shell, but cannot be returned to it.
    let (screen, _) = Screen::detect();
    write_contact_sheet(&clips, screen, width, &mut stdout())
}
