//! Reports and contact sheets as people use them: made of a whole shoot day, and read in a browser.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that fails should stop, one that cannot run says why"
)]

mod browser;
mod day;
#[path = "../shoot/mod.rs"]
mod shoot;
mod told;
