//! What the catalogue costs: `cargo bench --bench catalogue`.
//!
//! `-- --train FILE` trains the dictionary that its documents are packed with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::format_push_string,
    reason = "a benchmark that fails should stop, and prints what it found"
)]

mod believable;

/// Documents that the dictionary is trained on, and how large it may be.
const TRAINED_ON: u64 = 20_000;
const DICTIONARY: usize = 16 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().position(|word| word == "--train") {
        Some(at) => train(arguments.get(at + 1).expect("`--train` takes a file")),
        None => {}
    }
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
