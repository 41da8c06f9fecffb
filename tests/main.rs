//! All integration tests, in one binary: it is built and linked once, and tests share expensive
//! setup. `cargo test --test all rescan::` runs the tests of one file.
//!
//! The tests run in parallel in one process. No test may change shared state such as the
//! environment or the current folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails should stop, one that cannot run reports why, and some print numbers"
)]

mod browse;
mod checks;
mod commands;
mod crash_recovery;
mod docs;
mod edit_properties;
mod edits;
mod formats;
mod hostile;
mod identity;
mod index;
mod ingest;
mod interrupted;
mod journal;
mod layers;
mod mhl_reference;
mod photographs;
#[path = "../src/property_tests.rs"]
mod property_tests;
mod queries;
mod reader_versions;
mod real_footage;
mod refresh;
mod report;
mod rescan;
mod search_pictures;
mod shoot;
#[path = "../src/skipped_tests.rs"]
mod skipped_tests;
mod source_graph;
mod tag_accuracy;
mod tag_properties;
mod tags;
mod terminal;
mod upgrade;
mod volumes;
