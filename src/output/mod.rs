//! Output formats: text and progress bars for a terminal, lines for a log, JSON for programs.
//!
//! Separate from the subcommands because `browse` and `report` show the same descriptions of clips.

mod clip_card;
mod clip_details;
mod clip_progress;
mod clip_rows;
mod columns;
mod contact_sheet;
mod facet_tables;
mod format;
mod ingest_progress;
mod ingests;
mod posters;
mod progress_bar;
mod query_guide;
mod read_progress;
mod remedies;
mod safe;
mod scan_progress;
mod shell_quote;
mod stale_facts;
mod suggestions;
mod table;
mod tag_tables;
mod terminal_capabilities;
mod verification;

pub use clip_card::{ClipCard, card_lines};
pub use clip_details::{PicturePaths, clip_details_json, write_clip_details};
pub use clip_progress::ClipProgress;
pub use clip_rows::clip_json;
pub use columns::ClipColumns;
pub use contact_sheet::write_contact_sheet;
pub use facet_tables::{FacetCount, facet_listing, stats_listing};
pub use format::{
    FormatNeeds, OutputDevice, OutputFormat, RowColumn, RowListing, ShortForm, json_line,
    write_listing,
};
pub use ingest_progress::IngestProgress;
pub use ingests::{
    ingest_json, ingest_listing, ingest_summary_json, plan_json, write_ingest_details,
    write_ingest_summary, write_plan,
};
pub use posters::TerminalPicture;
pub use progress_bar::{ByteBar, ProgressFormat};
pub use query_guide::query_guide;
pub use remedies::SuggestedOptions;
pub use safe::{SafetyProgress, safety_json, write_safety};
pub use scan_progress::{ScanProgress, scan_summary_json, write_scan_summary, write_timings};
pub use stale_facts::{STALE_FACTS_HINT, stale_facts_line};
pub use suggestions::suggestion_lines;
pub use table::{FittedColumns, Widths, truncate};
pub use tag_tables::{
    TagBranch, TagChange, difference_listing, explanation_json, list_tag_branches, tag_listing,
    write_explanation,
};
pub use terminal_capabilities::{CTRL_C, Colours, Graphics, Screen};
pub use verification::{VerifyProgress, verification_json, write_verification};
