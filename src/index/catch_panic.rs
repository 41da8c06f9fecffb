//! tantivy may panic on files that are not what it wrote. Whatever it does with an index is
//! run in here, where a panic is an error like any other: the index is made anew from it.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::thread;

use tantivy::TantivyError;

use crate::error::Error;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Names of the threads that tantivy works in begin like this.
const THREADS: [&str; 3] = ["thrd-tantivy", "merge_thread", "segment_updater"];

/// Runs what calls tantivy; its panics are errors, and say nothing by themselves.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    static QUIETED: Once = Once::new();
    QUIETED.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let thread = thread::current();
            let name = thread.name().unwrap_or_default();
            let is_tantivys = THREADS.iter().any(|thread| name.starts_with(thread));
            if !IS_GUARDED.get() && !is_tantivys {
                loud(panic);
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
    fn a_panic_is_an_error() {
        assert!(guarded::<()>(|| panic!("on purpose")).is_err());
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
    }
}
