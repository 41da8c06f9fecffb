//! Ctrl-C and SIGTERM for commands that take long: the first one is obeyed within a moment, whatever runs.
//!
//! Where work is done piece by piece, it asks between pieces, and cleans up. Work that cannot be asked (a search that
//! brings the index up to date, a transaction) loses nothing when its process ends, so it is ended on the spot.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use btsindex::media::{Cancel, kill_all};

/// What a process that was interrupted ends with.
const CODE: i32 = 130;

/// Whether the user asked for the end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt {
    cancel: Cancel,
    ends_at_once: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let interrupt = Self {
            cancel: Cancel::default(),
            ends_at_once: Arc::default(),
        };
        let heard = interrupt.clone();
        ctrlc::set_handler(move || {
            let is_second = heard.cancel.is_cancelled();
            heard.cancel.cancel();
            if is_second || heard.ends_at_once.load(Ordering::SeqCst) {
                end();
            }
        })
        .context("Ctrl-C cannot be caught")?;
        Ok(interrupt)
    }

    /// What work asks whether it goes on.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Whether the end was asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Runs what cannot be asked, and may be ended at any point without loss.
    pub(crate) fn at_once<T>(&self, run: impl FnOnce() -> T) -> T {
        self.ends_at_once.store(true, Ordering::SeqCst);
        // It may have come just before.
        if self.is_asked() {
            end();
        }
        let outcome = run();
        self.ends_at_once.store(false, Ordering::SeqCst);
        outcome
    }
}

fn end() -> ! {
    kill_all();
    // Standard error may be closed; the exit code says it too.
    let _ = writeln!(io::stderr(), "interrupted");
    std::process::exit(CODE);
}
