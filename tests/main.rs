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
mod real_footage;
mod report;
mod rescan;
mod search_pictures;
mod shoot;
mod tag_accuracy;
mod tag_properties;
mod tags;
mod terminal;
mod upgrade;
mod volumes;

use std::fs;
use std::path::Path;

/// Cargo builds this file only: a test file that is not declared here would silently never run.
#[test]
fn every_test_file_is_declared_as_a_module() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut undeclared = Vec::new();
    lists_every_module(&tests, "main.rs", &mut undeclared);
    assert!(undeclared.is_empty(), "undeclared modules: {undeclared:?}");
}

/// A fresh clone must run the same cases as every other machine: see `src/property_tests.rs`.
#[test]
fn every_random_test_uses_the_shared_seed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut without = Vec::new();
    for folder in ["src", "tests"] {
        visit(&root.join(folder), &mut |path, text| {
            for block in text.split(&["proptest", "! {\n"].concat()).skip(1) {
                let configuration = block.lines().next().unwrap_or_default();
                if !configuration.contains("crate::property_tests::random(") {
                    without.push(path.display().to_string());
                }
            }
        });
    }
    assert!(without.is_empty(), "without the shared seed: {without:?}");
}

/// Calls `on_file` for every source file below a folder.
fn visit(folder: &Path, on_file: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, on_file);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            on_file(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// Records files and folders with tests that `root` does not declare. Returns true if the folder
/// contains tests.
fn lists_every_module(folder: &Path, root: &str, undeclared: &mut Vec<String>) -> bool {
    let names = fs::read_to_string(folder.join(root)).unwrap_or_default();
    let mut has_tests = false;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_test = if path.is_dir() {
            lists_every_module(&path, "mod.rs", undeclared)
        } else {
            path.extension().is_some_and(|kind| kind == "rs")
        };
        has_tests |= is_test;
        let declares_it =
            |line: &str| !line.starts_with('/') && line.ends_with(&format!("mod {name};"));
        let is_declared = path.ends_with(root) || names.lines().any(declares_it);
        if is_test && !is_declared {
            undeclared.push(path.display().to_string());
        }
    }
    has_tests
}
