//! What a search costs: `cargo bench --bench search`, beside `SQLite`'s FTS5 with the same clips.
//!
//! Fresh processes, the same queries on both sides, turn by turn: README.md says what each line
//! holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_push_string,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a benchmark that fails should stop, and prints what it found"
)]

#[path = "../believable/mod.rs"]
mod believable;
mod catalogue;
mod client;
mod clips;
mod fts5;
mod measure;
mod queries;
mod table;
mod views;
mod words;

use std::path::PathBuf;

use clips::World;
use measure::{Measured, Sides};
use queries::{CLASSES, Class, Drawer, Goal};

/// What is asked of `--cold`: of medians.
const COLD: Goal = Goal {
    p50: Some(1.5),
    p95: None,
};
/// Queries of a kind when each has to be read from the disk anew.
const COLD_QUERIES: usize = 20;
/// Times that an empty process is started.
const EMPTY: usize = 100;

/// What was typed.
struct Asked {
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
    let asked = Asked::parse(&arguments);
    let scratch = tempfile::tempdir().unwrap();
    let folder = asked.keep.as_deref().unwrap_or(scratch.path());
    std::fs::create_dir_all(folder).unwrap();
    let world = World::new();
    let sides = Sides {
        catalogue: catalogue::at(folder, &world, asked.clips),
        database: folder.join("fts5.sqlite"),
        is_cold: false,
    };
    let mut lines = Vec::new();
    lines.extend(views::build(&sides, &world, asked.clips, asked.is("build")));
    lines.extend(asked.measure(&sides, &world));
    if asked.is("size") {
        lines.push(views::sizes(&sides, &world, asked.clips));
    }
    if asked.is("upsert") {
        lines.push(views::upserts(&sides, &world, asked.clips));
    }
    println!("\n{} clips, milliseconds\n\n{}", asked.clips, table::HEAD);
    for line in lines {
        println!("{line}");
    }
}

impl Asked {
    fn parse(arguments: &[String]) -> Self {
        let after = |word: &str| {
            let at = arguments.iter().position(|argument| argument == word)?;
            Some(arguments.get(at + 1).expect("a value after it").clone())
        };
        let number = |word, default: u64| {
            after(word).map_or(default, |text| text.parse().expect("a number"))
        };
        Self {
            clips: number("--clips", 100_000),
            queries: number("--queries", 48) as usize,
            rounds: number("--rounds", 2) as usize,
            keep: after("--keep").map(PathBuf::from),
            only: after("--only").map(|text| text.split(',').map(str::to_owned).collect()),
            is_cold: arguments.iter().any(|argument| argument == "--cold"),
        }
    }

    /// Whether a line is wanted.
    fn is(&self, line: &str) -> bool {
        let is_named = |names: &Vec<String>| names.iter().any(|name| name == line);
        self.only.as_ref().is_none_or(is_named)
    }

    fn measure(&self, sides: &Sides, world: &World) -> Vec<String> {
        let mut lines = Vec::new();
        let mut note = |measured: Measured| {
            let line = table::line(&measured);
            eprintln!("{line}");
            lines.push(line);
        };
        if self.is("empty") {
            note(sides.nothing(EMPTY));
        }
        let mut drawer = Drawer::new(world, self.clips);
        for class in CLASSES.iter().filter(|class| self.is(class.name)) {
            note(sides.class(class, &mut drawer, self.queries, self.rounds));
        }
        if self.is_cold && !measure::can_forget() {
            eprintln!("the page cache cannot be emptied here: `--cold` needs root on Linux");
        } else if self.is_cold {
            let cold = Sides {
                is_cold: true,
                catalogue: sides.catalogue.clone(),
                database: sides.database.clone(),
            };
            let term = Class {
                goal: COLD,
                ..CLASSES[0]
            };
            note(cold.class(&term, &mut drawer, COLD_QUERIES, 1));
        }
        lines
    }
}
