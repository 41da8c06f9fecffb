//! Cost of the catalogue: `cargo bench --bench catalogue`.
//!
//! - rescan: `btsindex scan` of unchanged files, compared with `find -printf '%s %T@ %p'` on the same
//!   tree; both take turns (`-- --files 300000`).
//! - upserts: synthetic clips written to a new catalogue, then written again with changes
//!   (`-- --clips 100000`), and the size on disk.
//!
//! `-- --train FILE` trains the dictionary that documents are compressed with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::format_push_string,
    clippy::cast_precision_loss,
    reason = "a benchmark that fails should stop, and its result goes to the terminal"
)]

mod rescan;
#[path = "../synthetic/mod.rs"]
mod synthetic;
mod upserts;

/// Number of clips that the dictionary is trained on.
const TRAINING_CLIPS: u64 = 20_000;
/// Maximum size of the dictionary in bytes.
const DICTIONARY_SIZE: usize = 16 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |option: &str| {
        let index = arguments.iter().position(|argument| argument == option)?;
        Some(
            arguments
                .get(index + 1)
                .expect("a value after the option")
                .clone(),
        )
    };
    if let Some(path) = value("--train") {
        return train(&path);
    }
    let number = |option, default: usize| {
        value(option).map_or(default, |text| text.parse().expect("a number"))
    };
    upserts::measure(number("--clips", 100_000) as u64);
    rescan::measure(number("--files", 300_000), number("--rounds", 5));
}

/// Trains a dictionary on synthetic clips that no benchmark uses.
fn train(path: &str) {
    let mut documents = Vec::new();
    for number in 0..TRAINING_CLIPS {
        let clip = synthetic::clip(1_000_000_007 + number * 61);
        documents.extend([clip.facts, clip.file_facts]);
    }
    let dictionary = zstd::dict::from_samples(&documents, DICTIONARY_SIZE).expect("a dictionary");
    std::fs::write(path, &dictionary).expect("the file can be written");
    println!(
        "{path}: {} bytes, from {} documents",
        dictionary.len(),
        documents.len()
    );
}
