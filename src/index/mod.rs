//! Search index: a searchable view of the catalogue at one change sequence number (seq). It holds
//! no data that the catalogue does not hold, so its folder can be deleted at any time. Each commit
//! records the seq that it covers. Every file is verified by its checksum before it is used.

mod audit;
mod boost;
mod builder;
mod catch_panic;
mod catch_up;
mod checksums;
mod commit_payload;
mod compile;
mod directory;
mod document;
mod exclusion;
mod facet_counts;
mod fuzzy;
mod merge;
mod notice;
mod open;
mod order;
mod pretokenized;
mod recheck;
mod search;
mod suggestions;
mod tantivy_error;
#[cfg(test)]
mod tests;
mod updater;
mod wildcard;
mod write_lock;

pub use audit::Audit;
pub use catch_up::{catch_up_and_merge, try_catch_up};
pub use facet_counts::{Sum, Tallies, Tally};
pub use notice::IndexNotice;
pub use open::{Index, IndexState};
pub use order::SortOrder;
pub use search::{Finder, Hits};
pub use suggestions::{Advice, UnmatchedTerm};
