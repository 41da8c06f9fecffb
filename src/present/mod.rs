//! How things are shown: on a terminal, in a log, to another program.

mod advice;
mod card;
mod clips;
mod columns;
mod contact_sheet;
mod counting;
mod facts;
mod guide;
mod ingests;
mod numbers;
mod posters;
mod progress;
mod reading;
mod safety;
mod screen;
mod table;
mod tagging;
mod taking_in;
mod tallies;
mod verifying;

pub use advice::advised;
pub use card::{Glance, card};
pub use clips::{json, json_line};
pub use columns::{Columns, csv, csv_with};
pub use contact_sheet::contact_sheet;
pub use counting::Counting;
pub use facts::{Pictures, facts, facts_json};
pub use guide::query_guide;
pub use ingests::{
    ingest_card, ingest_json, ingest_summary, ingest_summary_json, ingest_table, plan, plan_json,
};
pub use numbers::{counted, grouped};
pub use posters::{Picture, decoded};
pub use progress::{ByteBar, Look, Progress, summary, summary_json, timings};
pub use safety::{SafetyProgress, safety, safety_json};
pub use screen::{Colours, Graphics, INTERRUPT, Screen};
pub use table::{FittedColumns, Table, Widths, cut};
pub use tagging::{
    Branch, branches, difference, difference_json, explained, explained_json, tag_tree,
    tag_tree_json,
};
pub use taking_in::IngestProgress;
pub use tallies::{stats, stats_json, tally_json, tally_table};
pub use verifying::{VerifyProgress, verified, verified_json};
