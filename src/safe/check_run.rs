//! Running check of a card: its request and the receiver of its events.

use std::path::PathBuf;

use super::request::Request;
use crate::offload::{FileHashEvent, Hashed, Lane, hash_files};

/// Progress of a check.
#[derive(Debug)]
pub enum Event {
    /// Sent before the files of the card are read.
    CardStarted {
        /// Number of files to read.
        files: usize,
        /// Bytes to read.
        bytes: u64,
    },
    /// Sent before mounted copies are read.
    CopiesStarted {
        /// Number of files to read.
        files: usize,
        /// Bytes to read.
        bytes: u64,
    },
    /// Sent when reading of a file begins.
    Reading(PathBuf),
    /// Number of bytes read since the previous event.
    Read(u64),
}

/// Request and receiver of events, which all steps of a check share.
pub(super) struct CheckRun<'a> {
    pub request: &'a Request,
    pub on_event: &'a mut dyn FnMut(Event),
}

impl CheckRun<'_> {
    pub(super) fn report(&mut self, event: Event) {
        (self.on_event)(event);
    }

    /// Hashes the files of all lanes, with progress events. `name` returns the path shown for a file;
    /// `on_hashed` receives the lane, the index in the lane, and the result of each file that was
    /// read before the check was cancelled.
    pub(super) fn hash_files(
        &mut self,
        lanes: &[Lane<'_>],
        name: &dyn Fn(usize, usize) -> PathBuf,
        on_hashed: &mut dyn FnMut(usize, usize, std::io::Result<Hashed>),
    ) {
        let cancel = &self.request.cancel;
        let is_cancelled = || cancel.is_cancelled();
        hash_files(lanes, &is_cancelled, &mut |event| match event {
            FileHashEvent::Reading(lane, at) => self.report(Event::Reading(name(lane, at))),
            FileHashEvent::Read(bytes) => self.report(Event::Read(bytes)),
            FileHashEvent::Hashed(lane, at, outcome) => on_hashed(lane, at, outcome),
        });
    }
}
