//! Lock of the index's writer.
//!
//! Only one process at a time writes the index. It holds `index.lock`, which is outside the index's
//! folder because a rebuild replaces that folder.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::lock::{self, Held};

/// Maximum wait for the lock.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the path of the index's lock file.
pub(super) fn lock_file(catalogue: &Catalogue) -> PathBuf {
    catalogue.folder().join("index.lock")
}

/// Waits for the index lock for at most [`LOCK_TIMEOUT`]. Returns `None` on timeout.
pub(super) fn wait_for_lock(catalogue: &Catalogue, purpose: &str) -> Result<Option<Held>, Error> {
    let started = Instant::now();
    let has_timed_out = || started.elapsed() >= LOCK_TIMEOUT;
    lock::hold(&lock_file(catalogue), purpose, &has_timed_out, &mut |_| ())
}
