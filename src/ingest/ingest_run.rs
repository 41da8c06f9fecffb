//! Running ingest: its request, its summary and the receiver of its events.

use super::event::{Event, Summary};
use super::request::Request;
use crate::cancel::Cancel;

/// State that all steps of an ingest share.
pub(super) struct IngestRun<'a> {
    pub(super) request: &'a Request,
    pub(super) summary: Summary,
    pub(super) on_event: &'a mut dyn FnMut(Event),
}

impl<'a> IngestRun<'a> {
    pub(super) fn new(request: &'a Request, on_event: &'a mut dyn FnMut(Event)) -> Self {
        Self {
            request,
            summary: Summary::default(),
            on_event,
        }
    }

    pub(super) fn report(&mut self, event: Event) {
        (self.on_event)(event);
    }

    pub(super) fn cancel(&self) -> &'a Cancel {
        self.request.cancel()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel().is_cancelled()
    }
}
