//! Cost of searches, compared with `SQLite`'s FTS5 on the same clips: `cargo bench --bench search`.
//!
//! Each query runs in a new process. Both engines get the same queries and take turns.
//! `benches/README.md` describes the rows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_push_string,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a benchmark that fails should stop, and its result goes to the terminal"
)]

mod catalogue;
mod client;
mod clips;
mod fts5;
mod indexing;
mod measure;
mod queries;
#[path = "../synthetic/mod.rs"]
mod synthetic;
mod table;
mod vocabulary;

use std::path::PathBuf;

use clips::ClipGenerator;
use measure::{Engines, Measurement};
use queries::{CLASSES, Goal, QueryClass, QueryGenerator};

/// Goal with a cold cache.
const COLD_GOAL: Goal = Goal {
    p50: Some(1.5),
    p95: None,
};
/// Number of queries with a cold cache.
const COLD_QUERIES: usize = 20;
/// Number of starts of a process that does nothing.
const EMPTY_RUNS: usize = 100;

/// Command-line arguments.
struct Arguments {
    clips: u64,
    queries: usize,
    rounds: usize,
    keep: Option<PathBuf>,
    only: Option<Vec<String>>,
    is_cold: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == client::FLAG
    {
        return client::run(rest);
    }
    let arguments = Arguments::parse(&arguments);
    let scratch = tempfile::tempdir().unwrap();
    let folder = arguments.keep.as_deref().unwrap_or(scratch.path());
    std::fs::create_dir_all(folder).unwrap();
    let generator = ClipGenerator::new();
    let engines = Engines {
        catalogue: catalogue::load(folder, &generator, arguments.clips),
        database: folder.join("fts5.sqlite"),
        is_cold: false,
    };
    let mut rows = Vec::new();
    rows.extend(indexing::build(
        &engines,
        &generator,
        arguments.clips,
        arguments.includes("build"),
    ));
    rows.extend(arguments.measure(&engines, &generator));
    if arguments.includes("size") {
        rows.push(indexing::sizes(&engines, &generator, arguments.clips));
    }
    if arguments.includes("upsert") {
        rows.push(indexing::upserts(&engines, &generator, arguments.clips));
    }
    println!(
        "\n{} clips, milliseconds\n\n{}",
        arguments.clips,
        table::HEADER
    );
    for row in rows {
        println!("{row}");
    }
}

impl Arguments {
    fn parse(arguments: &[String]) -> Self {
        let value = |option: &str| {
            let index = arguments.iter().position(|argument| argument == option)?;
            Some(
                arguments
                    .get(index + 1)
                    .expect("a value after the option")
                    .clone(),
            )
        };
        let number = |option, default: u64| {
            value(option).map_or(default, |text| text.parse().expect("a number"))
        };
        Self {
            clips: number("--clips", 100_000),
            queries: number("--queries", 48) as usize,
            rounds: number("--rounds", 2) as usize,
            keep: value("--keep").map(PathBuf::from),
            only: value("--only").map(|text| text.split(',').map(str::to_owned).collect()),
            is_cold: arguments.iter().any(|argument| argument == "--cold"),
        }
    }

    /// Returns true if a row was requested.
    fn includes(&self, row: &str) -> bool {
        let is_named = |names: &Vec<String>| names.iter().any(|name| name == row);
        self.only.as_ref().is_none_or(is_named)
    }

    /// Measures the queries and returns the table rows.
    fn measure(&self, engines: &Engines, clips: &ClipGenerator) -> Vec<String> {
        let mut rows = Vec::new();
        let mut add = |measurement: Measurement| {
            let row = table::row(&measurement);
            eprintln!("{row}");
            rows.push(row);
        };
        if self.includes("empty") {
            add(engines.empty_processes(EMPTY_RUNS));
        }
        let mut queries = QueryGenerator::new(clips, self.clips);
        for class in CLASSES.iter().filter(|class| self.includes(class.name)) {
            add(engines.measure(class, &mut queries, self.queries, self.rounds));
        }
        if self.is_cold && !measure::can_drop_caches() {
            eprintln!("cannot drop the page cache: `--cold` needs Linux and root");
        } else if self.is_cold {
            let cold = Engines {
                is_cold: true,
                catalogue: engines.catalogue.clone(),
                database: engines.database.clone(),
            };
            let term = QueryClass {
                goal: COLD_GOAL,
                ..CLASSES[0]
            };
            add(cold.measure(&term, &mut queries, COLD_QUERIES, 1));
        }
        rows
    }
}
