//! The report of a shoot: what was shot, gathered once, and told as one HTML file that needs nothing
//! else, as a contact sheet, as JSON.
//!
//! [`ShootReport`] knows no HTML; what is worked out of it (totals, time lines, what is odd) are plain
//! functions. Only `page` and `sheet` know how it looks, only `files` where it goes. Nothing here
//! reads from a drive of footage: pictures are the catalogue's.

mod anomalies;
mod clip_summary;
mod contact_sheet;
mod files;
mod gather;
mod page;
mod pictures;
mod series;
mod technical;
mod timeline;
mod totals;
mod write;

pub use clip_summary::ClipSummary;
pub use contact_sheet::SheetLayout;
pub use files::{ReportFormat, Sink, save};
pub use gather::{ReportScope, ShootReport, Shot, ShotCopies};
pub use pictures::RenderContext;
pub use write::{ReportRequest, csv, json, whole_page, write};
