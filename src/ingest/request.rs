//! Request to ingest cards.

use jiff::civil::Time;

use crate::cancel::Cancel;
use crate::scan;
use crate::shoot_day::Day;

/// Cards to ingest and the options of the ingest.
#[derive(Debug, Clone)]
pub struct Request {
    /// Days with their cards and destinations.
    pub days: Vec<Day>,
    /// Time at which a shoot day begins if its day file does not set one. Earlier clips belong to
    /// the previous day.
    pub starts: Time,
    /// True if the footage is catalogued in place, without copying.
    pub is_in_place: bool,
    /// True if a destination may be on the system disk although a drive belongs there.
    pub is_system_disk_allowed: bool,
    /// Author recorded in the log and in manifests.
    pub author: String,
    /// Options for scanning the copies. The ingest sets the paths.
    pub scan: scan::ScanRequest,
}

impl Request {
    pub(super) fn cancel(&self) -> &Cancel {
        &self.scan.cancel
    }

    /// Returns a check for cancellation that threads can own.
    pub(super) fn is_cancelled(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let cancel = self.cancel().clone();
        move || cancel.is_cancelled()
    }
}
