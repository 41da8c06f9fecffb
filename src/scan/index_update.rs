//! Updates of the index after changes to the catalogue. A failure is only a warning, since the index
//! can be rebuilt at any time.

use super::event::ScanEvent;
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::index::{self, IndexNotice};

/// Hint in every warning about the index.
const INDEX_HINT: &str = "the catalogue is complete; the next search updates the index";

/// Updates and merges the index, waiting for other processes if necessary. `purpose` names the lock
/// holder to processes that wait for the index.
pub(crate) fn update_index(
    catalogue: &Catalogue,
    purpose: &str,
    on_event: &mut dyn FnMut(ScanEvent),
) {
    let outcome =
        index::catch_up_and_merge(catalogue, purpose, &mut |notice| on_event(warning(notice)));
    warn_if_failed(outcome, on_event);
}

/// Updates the index, unless another process is already updating it.
pub(super) fn try_update_index(
    catalogue: &Catalogue,
    purpose: &str,
    on_event: &mut dyn FnMut(ScanEvent),
) {
    let outcome = index::try_catch_up(catalogue, purpose, &mut |notice| on_event(warning(notice)));
    warn_if_failed(outcome.map(drop), on_event);
}

fn warning(notice: &IndexNotice) -> ScanEvent {
    ScanEvent::Warning {
        message: notice.to_string(),
        hint: INDEX_HINT.to_owned(),
    }
}

fn warn_if_failed(outcome: Result<(), Error>, on_event: &mut dyn FnMut(ScanEvent)) {
    if let Err(error) = outcome {
        on_event(ScanEvent::Warning {
            message: format!("cannot update the index: {error}"),
            hint: INDEX_HINT.to_owned(),
        });
    }
}
