//! State shared by the threads of one destination.

use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::SyncSender;

use super::copy_order::Destination;
use super::event::{CopyOutcome, Event};
use super::message::Job;
use super::write_error::{describe_error, is_device_error};
use crate::checksum::HashKind;

/// Reason reported if a drive was removed.
pub(crate) const GONE: &str = "removed, or no longer readable";

/// State shared by the threads of one destination.
pub(super) struct DestinationContext<'a> {
    pub(super) number: usize,
    pub(super) destination: &'a Destination,
    pub(super) events: SyncSender<Event>,
    pub(super) is_cancelled: &'a (dyn Fn() -> bool + Sync),
    /// The card's root and the folders of the other destinations.
    pub(super) others: Vec<&'a Path>,
    /// Kind of hash that verifies copies.
    pub(super) kind: HashKind,
    /// Reason why the destination accepts no more files.
    pub(super) given_up: &'a OnceLock<String>,
}

impl DestinationContext<'_> {
    pub(super) fn send_event(&self, event: Event) {
        // The receiver ends only after the last event, so sending cannot fail.
        let _ = self.events.send(event);
    }

    pub(super) fn report_outcome(&self, job: &Job, outcome: CopyOutcome) {
        self.send_event(Event::Finished(job.task, self.number, outcome));
    }

    /// Reports an error: as the result of one file, or by giving up the whole destination.
    pub(super) fn fail(&self, job: &Job, error: &io::Error) {
        if self.is_gone() {
            self.give_up(GONE.to_owned());
        } else if is_device_error(error) {
            self.give_up(error.to_string());
        } else {
            self.report_outcome(job, CopyOutcome::Failed(describe_error(error)));
        }
    }

    pub(super) fn give_up(&self, reason: String) {
        if self.given_up.set(reason.clone()).is_ok() {
            self.send_event(Event::GivenUp(self.number, reason));
        }
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.get().is_some()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.destination.is_gone()
    }

    /// Returns true if a file is a hard link to the card's file or to another destination's copy.
    pub(super) fn is_hard_link(&self, path: &Path, inside: &Path) -> bool {
        let is_same = |root: &&Path| same_file::is_same_file(path, root.join(inside));
        self.others
            .iter()
            .any(|root| is_same(root).unwrap_or(false))
    }
}
