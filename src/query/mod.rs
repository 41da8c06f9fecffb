//! The query language: parsed once into a typed tree, and printed in one normal form.
//!
//! It is independent of how queries are executed.

mod context;
mod field_query;
mod format;
mod is_filter;
mod keys;
mod parse;
#[cfg(test)]
mod tests;
mod tokenize;
mod tree;

pub use context::{Context, SavedSearchLookup, TagLookup, today};
pub use field_query::FORMS;
pub use is_filter::ClipState;
pub use jiff::civil::Date;
pub use tokenize::split_unquoted;
pub use tree::{Filter, Query, TagMeaning};
