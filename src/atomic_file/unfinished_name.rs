//! Names of unfinished files, which no listing treats as footage.

use std::sync::atomic::{AtomicU64, Ordering};

use super::writer_id::WriterId;

/// Start of the name of an unfinished file. The writer's id and [`RANDOM_LETTERS`] letters follow.
pub(super) const PREFIX: &str = ".btsindex-";
/// End of the name of an unfinished file.
pub(super) const SUFFIX: &str = ".part";
/// Name of a lock file that other machines see. It has the form of an unfinished file's name, so no
/// listing treats it as footage.
pub const LOCK: &str = ".btsindex-000shared000.part";
/// Number of random letters and digits in the name of an unfinished file.
pub(super) const RANDOM_LETTERS: usize = 12;

/// Returns a name that no other process uses, and that [`sweep`](super::sweep) removes once this process has
/// ended.
#[must_use]
pub fn unfinished_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{PREFIX}{}-{count:0RANDOM_LETTERS$}{SUFFIX}",
        WriterId::this()
    )
}
