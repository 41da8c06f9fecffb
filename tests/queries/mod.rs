//! Matches of queries by clip name: query forms, their combinations and their errors, on a
//! realistic catalogue and on random ones.

mod clips;
mod limits;
mod naive_filter;
mod program;
mod query_table;
mod random;
mod sample_catalogue;
mod sorting;
mod text_match;

use btsindex::query::Date;

/// Current day in these tests, a Tuesday.
const TODAY: Date = Date::constant(2025, 11, 25);
