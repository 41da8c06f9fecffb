//! How things are shown: on a terminal, in a log, to another program.

mod clips;
mod counting;
mod facts;
mod numbers;
mod progress;
mod table;

pub use clips::{json, json_line, search_table};
pub use counting::Counting;
pub use facts::{Pictures, facts, facts_json};
pub use numbers::{counted, grouped};
pub use progress::{ByteBar, Look, Progress, summary, summary_json, timings};
pub use table::Table;
