//! Converts tantivy panics into errors.
//!
//! tantivy may panic on files with unexpected content. All calls that read or write an index run in
//! [`guarded`], so that a panic leads to a rebuild like any other error.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::thread;

use tantivy::TantivyError;

use crate::error::Error;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Name prefixes of tantivy's threads.
const THREADS: [&str; 3] = ["thrd-tantivy", "merge_thread", "segment_updater"];

/// Runs code that calls tantivy. A panic becomes an error and prints nothing.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    static HOOK_INSTALLED: Once = Once::new();
    HOOK_INSTALLED.call_once(|| {
        let default_hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let thread = thread::current();
            let name = thread.name().unwrap_or_default();
            let is_tantivy_thread = THREADS.iter().any(|thread| name.starts_with(thread));
            if !IS_GUARDED.get() && !is_tantivy_thread {
                default_hook(panic);
            }
        }));
    });
    let was_guarded = IS_GUARDED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    IS_GUARDED.set(was_guarded);
    outcome.unwrap_or_else(|_| {
        Err(TantivyError::InternalError("tantivy stopped unexpectedly".to_owned()).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        assert!(guarded::<()>(|| panic!("on purpose")).is_err());
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
    }
}
