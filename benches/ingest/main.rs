//! Compares the cost of `btsindex ingest` with rsync and xxhsum, which copy a card to two
//! destinations, sync, drop the caches, and compare the copies. Also compares `btsindex safe` with
//! xxhsum, which compares the card with a checksum list but knows nothing about copies.
//!
//! Both methods process the same files on the same disk and take turns. `benches/README.md`
//! describes the columns.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a benchmark that fails should stop, and its result goes to the terminal"
)]

#[cfg(unix)]
mod measure;

#[cfg(unix)]
fn main() {
    // Cargo passes `--bench` for `cargo bench`, but not for `cargo test`, which must be quick.
    if std::env::args().any(|argument| argument == "--bench") {
        measure::compare();
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("skipped: needs rsync, and a system that can drop its caches");
}
