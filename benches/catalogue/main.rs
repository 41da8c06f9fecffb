//! What the catalogue costs: `cargo bench --bench catalogue`.
//!
//! - rescan: `btsindex scan` of files that it knows, beside `find -printf '%s %T@ %p'` on the same
//!   tree, turn by turn (`-- --files 300000`).
//! - upserts: invented clips written into a new catalogue, then once more changed
//!   (`-- --clips 100000`), and what they take up.
//!
//! `-- --train FILE` trains the dictionary that documents are packed with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::format_push_string,
    clippy::cast_precision_loss,
    reason = "a benchmark that fails should stop, and prints what it found"
)]

#[path = "../believable/mod.rs"]
mod believable;
mod rescan;
mod upserts;

/// Documents that the dictionary is trained on, and how large it may be.
const TRAINED_ON: u64 = 20_000;
const DICTIONARY: usize = 16 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |word: &str| {
        let at = arguments.iter().position(|argument| argument == word)?;
        Some(arguments.get(at + 1).expect("a value after it").clone())
    };
    if let Some(path) = after("--train") {
        return train(&path);
    }
    let number =
        |word, default: usize| after(word).map_or(default, |text| text.parse().expect("a number"));
    upserts::measure(number("--clips", 100_000) as u64);
    rescan::measure(number("--files", 300_000), number("--rounds", 5));
}

/// Trains a dictionary on invented clips that no benchmark measures with.
fn train(path: &str) {
    let mut documents = Vec::new();
    for number in 0..TRAINED_ON {
        let clip = believable::clip(1_000_000_007 + number * 61);
        documents.extend([clip.facts, clip.file_facts]);
    }
    let dictionary = zstd::dict::from_samples(&documents, DICTIONARY).expect("a dictionary");
    std::fs::write(path, &dictionary).expect("it can be written");
    println!(
        "{path}: {} bytes, of {} documents",
        dictionary.len(),
        documents.len()
    );
}
