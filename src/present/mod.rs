//! How things are shown: on a terminal, in a log, to another program.

mod clips;
mod columns;
mod counting;
mod facts;
mod guide;
mod numbers;
mod progress;
mod table;
mod tallies;

pub use clips::{json, json_line};
pub use columns::{Columns, csv};
pub use counting::Counting;
pub use facts::{Pictures, facts, facts_json};
pub use guide::query_guide;
pub use numbers::{counted, grouped};
pub use progress::{ByteBar, Look, Progress, summary, summary_json, timings};
pub use table::Table;
pub use tallies::{stats, stats_json, tally_json, tally_table};
