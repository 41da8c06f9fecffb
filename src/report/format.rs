//! Formats of a report, and the prefixes by which an earlier report is recognized.

/// Prefix of every page, by which an earlier report is recognized.
pub(super) const PAGE_PREFIX: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\" content=\"btsindex ";
/// Prefixes by which an earlier JSON or CSV report is recognized.
const JSON_PREFIX: &[u8] = b"{\"report\":{";
const CSV_PREFIX: &[u8] = b"name,day,card,camera,captured,start_timecode,";

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// HTML page with pictures.
    Html,
    /// Single JSON object on one line.
    Json,
    /// CSV with one row per clip.
    Csv,
}

impl ReportFormat {
    /// Returns the prefix by which an earlier report is recognized.
    pub(super) fn prefix(self) -> &'static [u8] {
        match self {
            Self::Html => PAGE_PREFIX.as_bytes(),
            Self::Json => JSON_PREFIX,
            Self::Csv => CSV_PREFIX,
        }
    }
}
