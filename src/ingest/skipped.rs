//! Files of a card that are not copied, or that no manifest will contain, and their messages.

use std::path::Path;

use crate::error::Problem;
use crate::mhl::{self, Histories};
use crate::offload::{Item, Listing};

/// Reason reported for a file with the name of an unfinished copy: files with such names are
/// removed at a destination.
pub(super) const UNFINISHED: &str = "not copied: named like an unfinished copy of btsindex; delete it, or rename it if it is \
                                     something else";

/// Returns a problem for files that the card's history excludes from its manifests.
pub(super) fn by_history(
    source: &Path,
    listing: &Listing,
    histories: &Histories,
) -> Option<Problem> {
    let is_ignored = |item: &&Item| {
        mhl::manifest_path(&item.inside).is_some_and(|path| histories.is_ignored_by_user(&path))
    };
    let mut ignored = listing.files.iter().filter(is_ignored);
    let first = ignored.next()?;
    let reason = format!(
        "copied, verified and catalogued, but in no manifest: the card's history ignores this file and {} more by its \
         patterns",
        ignored.count()
    );
    Some(Problem::new(source.join(&first.inside), reason))
}
