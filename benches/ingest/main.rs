//! What taking in a card costs, beside rsync and xxhsum, which do the same by hand: copied to two places in
//! turn, synced, and compared after the system forgot what it had in memory. And what it costs to ask whether it
//! may be formatted, beside xxhsum, which compares its files with a list and knows no copies.
//!
//! Each way does its work on the same files and the same disk, turn by turn. `benches/README.md` says what the
//! columns mean.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a benchmark that fails should stop, and its answer goes to the terminal"
)]

#[cfg(unix)]
mod ways;

#[cfg(unix)]
fn main() {
    // Cargo passes `--bench` for `cargo bench` and nothing for `cargo test`, which must be quick.
    if std::env::args().any(|argument| argument == "--bench") {
        ways::compare();
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("rsync and the dropping of caches are Unix's: skipped");
}
