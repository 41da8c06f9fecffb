//! How things are shown: on a terminal, in a log, to another program.

mod clip_card;
mod clip_details;
mod clip_rows;
mod columns;
mod contact_sheet;
mod counter;
mod facet_tables;
mod ingest_progress;
mod ingests;
mod numbers;
mod posters;
mod progress;
mod query_guide;
mod read_progress;
mod safety;
mod screen;
mod suggestions;
mod table;
mod tag_tables;
mod verification;

pub use clip_card::{Glance, card};
pub use clip_details::{Pictures, facts, facts_json};
pub use clip_rows::{json, json_line};
pub use columns::{Columns, csv, csv_with};
pub use contact_sheet::contact_sheet;
pub use counter::Counting;
pub use facet_tables::{stats, stats_json, tally_json, tally_table};
pub use ingest_progress::IngestProgress;
pub use ingests::{
    ingest_card, ingest_json, ingest_summary, ingest_summary_json, ingest_table, plan, plan_json,
};
pub use numbers::{counted, grouped};
pub use posters::{Picture, decoded};
pub use progress::{ByteBar, Look, Progress, summary, summary_json, timings};
pub use query_guide::query_guide;
pub use safety::{SafetyProgress, safety, safety_json};
pub use screen::{Colours, Graphics, INTERRUPT, Screen};
pub use suggestions::advised;
pub use table::{FittedColumns, Table, Widths, cut};
pub use tag_tables::{
    Branch, branches, difference, difference_json, explained, explained_json, tag_tree,
    tag_tree_json,
};
pub use verification::{VerifyProgress, verified, verified_json};
