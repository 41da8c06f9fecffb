//! Clips to process again although their files did not change: clips that could not be read, and
//! clips that lack pictures. The sets are loaded once, at the first unchanged file. So a scan of a
//! card with only new files does not load them.

use std::collections::HashSet;

use crate::catalogue::Catalogue;
use crate::error::Error;

/// Clips that may need another attempt.
pub(super) struct RetryCandidates {
    /// Clips that could not be read completely.
    failed: HashSet<i64>,
    /// Clips that lack a poster or a strip.
    lacking: HashSet<i64>,
}

impl RetryCandidates {
    /// Loads the sets from the catalogue and the picture folders. `strip` is the number of pictures
    /// in a strip; 0 means no strips.
    pub(super) fn load(catalogue: &Catalogue, strip: usize) -> Result<Self, Error> {
        let lacking = clips_lacking_pictures(catalogue, strip)?;
        Ok(Self {
            failed: catalogue.clips_with_failures()?,
            lacking,
        })
    }

    /// Returns true if the clip could not be read completely.
    pub(super) fn has_failed(&self, clip: Option<i64>) -> bool {
        clip.is_some_and(|clip| self.failed.contains(&clip))
    }

    /// Returns true if pictures of the clip were deleted, or were not requested before.
    pub(super) fn lacks_pictures(&self, clip: Option<i64>) -> bool {
        clip.is_some_and(|clip| self.lacking.contains(&clip))
    }
}

/// Returns the clips that lack a poster or a strip; with `strip` 0, strips are not required.
pub(super) fn clips_lacking_pictures(
    catalogue: &Catalogue,
    strip: usize,
) -> Result<HashSet<i64>, Error> {
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
