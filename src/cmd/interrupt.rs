//! Ctrl-C and SIGTERM for long commands: the first signal ends the command promptly.
//!
//! Work that is done in pieces checks between pieces whether it should stop, and cleans up. Work that
//! cannot check (a search that updates the index, a transaction) loses nothing if its process ends, so
//! the process exits immediately.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use btsindex::cancel::Cancel;
use btsindex::media::kill_all;

use crate::cli::Exit;

/// Interrupt request, shared with the signal handler.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt {
    cancel: Cancel,
    exits_immediately: Arc<AtomicBool>,
}

impl Interrupt {
    /// Installs the signal handler.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let interrupt = Self {
            cancel: Cancel::default(),
            exits_immediately: Arc::default(),
        };
        let shared = interrupt.clone();
        ctrlc::set_handler(move || {
            let is_second = shared.cancel.is_cancelled();
            shared.cancel.cancel();
            if is_second || shared.exits_immediately.load(Ordering::SeqCst) {
                exit();
            }
        })
        .context("cannot handle Ctrl-C")?;
        Ok(interrupt)
    }

    /// Cancel token for work that checks it between pieces.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// True if the user pressed Ctrl-C, or the process received SIGTERM.
    pub(crate) fn is_requested(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Runs work during which the process may exit at any point without loss.
    pub(crate) fn run_interruptible<T>(&self, run: impl FnOnce() -> T) -> T {
        self.exits_immediately.store(true, Ordering::SeqCst);
        // The signal may have arrived just before this call.
        if self.is_requested() {
            exit();
        }
        let outcome = run();
        self.exits_immediately.store(false, Ordering::SeqCst);
        outcome
    }
}

fn exit() -> ! {
    kill_all();
    // Standard error may be closed; the exit code still reports the interrupt.
    let _ = writeln!(io::stderr(), "interrupted");
    std::process::exit(Exit::Interrupted.code().into());
}
