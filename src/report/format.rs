//! Formats of a report, and the prefixes by which an earlier report is recognized.

use crate::output::OutputFormat;

/// Prefix of every page, by which an earlier report is recognized.
pub(super) const PAGE_PREFIX: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\" content=\"btsindex ";
/// Prefixes by which an earlier JSON or CSV report is recognized.
const JSON_PREFIX: &[u8] = b"{\"report\":{";
const CSV_PREFIX: &[u8] = b"name,day,card,camera,captured,start_timecode,";

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// HTML page with pictures.
    Page,
    /// Data for other programs.
    Data(OutputFormat),
}

impl ReportFormat {
    /// Returns the prefix by which an earlier report is recognized; `None` if it cannot be
    /// distinguished from other files.
    pub(super) fn prefix(self) -> Option<&'static [u8]> {
        match self {
            Self::Page => Some(PAGE_PREFIX.as_bytes()),
            Self::Data(OutputFormat::Json) => Some(JSON_PREFIX),
            Self::Data(OutputFormat::Csv) => Some(CSV_PREFIX),
            Self::Data(_) => None,
        }
    }
}
