//! What is told of the program is what the program is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails should stop"
)]

use std::fs;
use std::path::Path;

use btsindex::present::query_guide;

#[test]
fn the_guide_to_queries_is_what_the_program_understands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/query.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, query_guide()).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == query_guide(),
        "docs/query.md is stale: `UPDATE_DOCS=1 cargo test --test docs` writes it anew"
    );
}
