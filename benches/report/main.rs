//! What a report costs: `cargo bench --bench report`. How long it takes, how large it is, and how soon a browser
//! shows something of it.
//!
//! Clips are invented, their pictures too: clouds with grain, as hard to pack as footage, or noise alone.
//! `benches/README.md` says what the columns mean.

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
    reason = "a benchmark that fails should stop, and its answer goes to the terminal"
)]

#[path = "../believable/mod.rs"]
mod believable;
mod painted;
mod shoot;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The program that is measured.
const PROGRAM: &str = env!("CARGO_BIN_EXE_btsindex");

fn main() {
    // Cargo passes `--bench` for `cargo bench` and nothing for `cargo test`, which must be quick.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let after = |word: &str| {
        let at = arguments.iter().position(|argument| argument == word)?;
        arguments.get(at + 1).cloned()
    };
    let clips: u64 = after("--clips").map_or(2000, |text| text.parse().expect("a number"));
    let scratch = tempfile::tempdir().unwrap();
    println!(
        "| {clips} clips | seconds | MB | first paint, ms | loaded, ms | a search, ms | a frame, ms | the worst |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (name, grain) in [("clouds with grain", 14), ("noise alone", 128)] {
        let place = scratch.path().join(name.replace(' ', "-"));
        shoot::write(&place, clips, grain);
        for what in ["report", "sheet"] {
            line(&format!("{what}, {name}"), what, &place);
        }
    }
}

fn line(name: &str, what: &str, place: &Path) {
    let output = place.join(format!("{what}.html"));
    let begun = Instant::now();
    let status = Command::new(PROGRAM)
        .args([what, "size:1..", "--catalogue"])
        .arg(place)
        .arg("-o")
        .arg(&output)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "`btsindex {what}` failed");
    let seconds = begun.elapsed().as_secs_f64();
    let page = if output.exists() {
        output
    } else {
        output.with_extension("").join("index.html")
    };
    let megabytes = page.metadata().unwrap().len() as f64 / 1e6;
    let painted = painted::in_a_browser(&page).unwrap_or_else(|| "| | | | |".to_owned());
    println!("| {name} | {seconds:.1} | {megabytes:.1} {painted}");
}
