//! Cost of reports: `cargo bench --bench report`. Measures the time to write one, its size, and how
//! fast a browser displays it.
//!
//! Clips and pictures are synthetic: clouds with grain, which compress like footage, or noise
//! alone. `benches/README.md` describes the columns.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_push_string,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark that fails should stop, and its result goes to the terminal"
)]

mod browser_timing;
mod catalogue;
#[path = "../synthetic/mod.rs"]
mod synthetic;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Program to measure.
const PROGRAM: &str = env!("CARGO_BIN_EXE_btsindex");

fn main() {
    // Cargo passes `--bench` for `cargo bench`, but not for `cargo test`, which must be quick.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let value = |option: &str| {
        let index = arguments.iter().position(|argument| argument == option)?;
        arguments.get(index + 1).cloned()
    };
    let clips: u64 = value("--clips").map_or(2000, |text| text.parse().expect("a number"));
    let scratch = tempfile::tempdir().unwrap();
    println!(
        "| {clips} clips | seconds | MB | first paint, ms | loaded, ms | search, ms | median frame, ms | worst frame, ms |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (name, grain) in [("clouds with grain", 14), ("noise alone", 128)] {
        let folder = scratch.path().join(name.replace(' ', "-"));
        catalogue::write(&folder, clips, grain);
        for what in ["report", "sheet"] {
            print_row(&format!("{what}, {name}"), what, &folder);
        }
    }
}

/// Writes a report or sheet of a catalogue, opens it in a browser, and prints a table row.
fn print_row(name: &str, what: &str, folder: &Path) {
    let output = folder.join(format!("{what}.html"));
    let start = Instant::now();
    let status = Command::new(PROGRAM)
        .args([what, "size:1..", "--catalogue"])
        .arg(folder)
        .arg("-o")
        .arg(&output)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "`btsindex {what}` failed");
    let seconds = start.elapsed().as_secs_f64();
    let page = if output.exists() {
        output
    } else {
        output.with_extension("").join("index.html")
    };
    let megabytes = page.metadata().unwrap().len() as f64 / 1e6;
    let timing = browser_timing::measure(&page).unwrap_or_else(|| "| | | | |".to_owned());
    println!("| {name} | {seconds:.1} | {megabytes:.1} {timing}");
}
