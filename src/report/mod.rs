//! Report of a shoot: its clips, collected once, as a self-contained HTML file, a contact sheet,
//! JSON or CSV.
//!
//! [`ShootReport`] is independent of HTML. Totals, timelines and anomalies are computed from it by
//! plain functions. Only `page` and `contact_sheet` know the layout, and only `output_files` knows
//! the output path. Nothing in this module reads footage: all pictures come from the catalogue.

mod anomalies;
mod clip_number_series;
mod clip_summary;
mod contact_sheet;
mod format;
mod gather;
mod output_files;
mod page;
mod pictures;
mod shot;
mod sink;
mod technical_line;
mod timeline;
mod totals;
mod write;

pub use clip_summary::ClipSummary;
pub use contact_sheet::SheetLayout;
pub use format::ReportFormat;
pub use gather::{ReportScope, ShootReport};
pub use output_files::save;
pub use pictures::RenderContext;
pub use shot::{Shot, ShotCopies};
pub use sink::Sink;
pub use write::{ReportRequest, write, write_data, write_page};
