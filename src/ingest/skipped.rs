//! Messages for files of a card that are not copied or not listed in the manifest.

use std::path::Path;

use crate::error::Problem;
use crate::mhl::{self, Histories};
use crate::offload::{Item, Listing};

/// Reason reported for a file that is named like an unfinished copy. Files with such names are
/// deleted at destinations.
pub(super) const UNFINISHED: &str =
    "not copied: named like an unfinished btsindex copy; delete or rename it";

/// Returns one problem for all files that the ignore patterns of the card's MHL history exclude.
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
        "copied, verified and catalogued, but not listed in the manifest: the ignore patterns of the card's history \
         match this file and {} more",
        ignored.count()
    );
    Some(Problem::new(source.join(&first.inside), reason))
}
