//! `btsindex search --thumbs`: what was found, with its posters.

use std::io;

use btsindex::catalogue::Catalogue;
use btsindex::clip::Clip;
use btsindex::output::{Screen, contact_sheet};

use super::stdout;

/// Shows clips with their posters, on a terminal of that width.
pub(super) fn show(clips: Vec<Clip>, catalogue: &Catalogue, width: usize) -> io::Result<()> {
    let posters = catalogue.thumbnails().posters;
    let clips: Vec<_> = clips
        .into_iter()
        .map(|clip| {
            let poster = clip.id.as_ref().and_then(|id| posters.find(id.value));
            (clip, poster)
        })
        .collect();
    // What is typed meanwhile is the shell's, but it cannot be given back.
    let (screen, _) = Screen::ask();
    contact_sheet(&clips, screen, width, &mut stdout())
}
