//! What a scan has to look at although no file changed: clips that could not be read, and clips
//! whose pictures are gone. Found once, when the first unchanged file is met, so that a card of
//! new files costs nothing of it however large the catalogue is.

use std::collections::HashSet;

use crate::catalogue::Catalogue;
use crate::error::Error;

/// Clips that need a second look.
pub(super) struct Attention {
    /// Those that could not be read, wholly or in part.
    odd: HashSet<i64>,
    /// Those that lack pictures.
    lacking: HashSet<i64>,
}

impl Attention {
    /// Looks through the catalogue and its pictures, when strips of so many pictures are wanted.
    pub(super) fn look(catalogue: &Catalogue, strip: usize) -> Result<Self, Error> {
        let lacking = lacking_pictures(catalogue, strip)?;
        Ok(Self {
            odd: catalogue.clips_with_failures()?,
            lacking,
        })
    }

    /// Whether a clip could not be read, wholly or in part.
    pub(super) fn is_odd(&self, clip: Option<i64>) -> bool {
        clip.is_some_and(|clip| self.odd.contains(&clip))
    }

    /// Whether pictures of a clip are gone, or were never asked for before.
    pub(super) fn lacks_pictures(&self, clip: Option<i64>) -> bool {
        clip.is_some_and(|clip| self.lacking.contains(&clip))
    }
}

/// The clips whose pictures are gone, when strips of so many pictures are wanted.
pub(super) fn lacking_pictures(catalogue: &Catalogue, strip: usize) -> Result<HashSet<i64>, Error> {
    let thumbnails = catalogue.thumbnails();
    let (posters, strips) = (thumbnails.posters.present(), thumbnails.strips.present());
    let mut lacking = HashSet::new();
    catalogue.clips_with_pictures(|pictured| {
        let is_strip_there = match pictured.strip {
            None => strip == 0,
            Some(0) => true,
            Some(_) => strips.contains(&pictured.fingerprint),
        };
        if !is_strip_there || !posters.contains(&pictured.fingerprint) {
            lacking.insert(pictured.clip);
        }
    })?;
    Ok(lacking)
}
