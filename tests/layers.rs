//! Structure of the source: imports go down from layer to layer, no file depends on itself through
//! others, and engines and SQL stay in their modules.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::source_graph::{ModulePath, SourceGraph, Token, tokens};

/// Layers, top first; modules in one layer do not use each other.
const LAYERS: &[&[&str]] = &[
    &["browse", "report"],
    &["output"],
    &["ingest", "verify", "safe"],
    &["scan", "xmp_sync"],
    &["catalogue_query", "index"],
    &["catalogue"],
    &[
        "footage",
        "media",
        "sidecar",
        "tag",
        "query",
        "mhl",
        "desktop",
        "shoot_day",
        "offload",
    ],
    &["volume"],
    &["lock", "toml_file"],
    &[
        "checksum",
        "clip",
        "source_file",
        "atomic_file",
        "xmp_owner",
    ],
    &["block_device", "cancel", "error", "machine"],
    &["value"],
    &["property_tests", "skipped_tests"],
];

fn layer_of(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("`{module}` is in no layer: add it to LAYERS"))
}

/// Modules of this crate that a source text imports after `crate::`.
fn imported_modules(text: &str, prefix: &str) -> BTreeSet<String> {
    text.split(prefix)
        .skip(1)
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap()
                .to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// Collects every source file with the module it belongs to.
fn sources(folder: &Path, module: Option<&str>, all: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = module.unwrap_or(&stem);
        if path.is_dir() {
            sources(&path, Some(module), all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push((module.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn library_sources() -> Vec<(String, String)> {
    let mut all = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        None,
        &mut all,
    );
    all.retain(|(module, _)| !matches!(module.as_str(), "main" | "lib" | "cli" | "cmd"));
    assert!(all.len() > 30, "the sources were not found");
    all
}

#[test]
fn imports_only_go_down() {
    for (module, text) in library_sources() {
        assert!(
            !text.contains("crate::{"),
            "`{module}`: write one `use` per module, so that this test finds it"
        );
        for other in imported_modules(&text, "crate::") {
            let is_down = other == module || layer_of(&module) < layer_of(&other);
            assert!(
                is_down,
                "`{module}` uses `{other}`, which is not in a lower layer"
            );
        }
    }
}

#[test]
fn values_and_clips_do_not_depend_on_engines() {
    for (module, text) in library_sources() {
        if matches!(module.as_str(), "value" | "clip") {
            for (engine, _) in ENGINES {
                assert!(
                    !text.contains(&format!("{engine}::")),
                    "`{module}` uses {engine}"
                );
            }
        }
    }
}

/// Engines, each with the only modules that may name its types.
const ENGINES: &[(&str, &[&str])] = &[
    ("clap", &["cli", "cmd", "main"]),
    ("clap_complete", &["cli", "cmd", "main"]),
    ("tantivy", &["index"]),
    ("rusqlite", &["catalogue"]),
    ("indicatif", &["output"]),
    ("ratatui", &["browse", "output"]),
    ("rayon", &["catalogue", "media", "report", "scan"]),
    ("ffmpeg_sidecar", &["media"]),
];

#[test]
fn an_engine_is_used_only_in_its_modules() {
    let mut uses = 0;
    for (file, tokens) in all_tokens() {
        let room = room_of(&file);
        for (at, token) in tokens.iter().enumerate() {
            let engine = ENGINES.iter().find(|(engine, _)| token.is(engine));
            let is_path = |next: &Token| {
                matches!(next, Token::Separator) || *next == Token::Mark(';') || next.is("as")
            };
            let Some((engine, rooms)) = engine.filter(|_| tokens.get(at + 1).is_some_and(is_path))
            else {
                continue;
            };
            assert!(rooms.contains(&room), "src/{file} uses `{engine}`");
            uses += 1;
        }
    }
    assert!(uses > 50, "the uses of engines were not found");
}

#[test]
fn only_the_catalogue_contains_sql() {
    let mut statements = 0;
    for (file, tokens) in all_tokens() {
        for token in tokens {
            let Token::Text(text) = token else { continue };
            if is_sql(&text) {
                assert_eq!(
                    room_of(&file),
                    "catalogue",
                    "src/{file} contains SQL: {text}"
                );
                statements += 1;
            }
        }
    }
    assert!(statements > 100, "the statements were not found");
}

/// Returns true if a string looks like an SQL statement, in any case.
fn is_sql(text: &str) -> bool {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().take(400).collect();
    let has = |word: &str| words.contains(&word);
    let second = words.get(1).copied().unwrap_or_default();
    match words.first().copied().unwrap_or_default() {
        "select" => has("from") && !second.is_empty(),
        "with" => has("as") && has("select"),
        "insert" | "replace" => has("into") && (has("values") || has("select")),
        "update" => has("set"),
        "delete" => second == "from",
        "create" | "drop" | "alter" => {
            let kinds = [
                "table", "index", "unique", "virtual", "trigger", "view", "temp",
            ];
            kinds.contains(&second)
        }
        "pragma" | "attach" | "savepoint" => words.len() > 1,
        "begin" => ["immediate", "exclusive", "deferred"].contains(&second),
        _ => false,
    }
}

#[test]
fn sql_is_distinguished_from_english() {
    for sql in [
        "SELECT id FROM clip",
        "\n  select id\n from clip",
        "INSERT OR IGNORE INTO a (b) VALUES (?1)",
        "UPDATE clip SET seq = 1",
        "DELETE FROM file",
        "CREATE UNIQUE INDEX a ON b (c)",
        "PRAGMA quick_check(1)",
        "BEGIN IMMEDIATE",
    ] {
        assert!(is_sql(sql), "{sql}");
    }
    for english in [
        "",
        "update btsindex, or point `--catalogue` at another folder",
        "create the folder first, or mount its drive",
        "delete the file and the posters",
        "with the copies of {name}",
        "select",
    ] {
        assert!(!is_sql(english), "{english}");
    }
}

/// Circles that stay, each named by one of its files, with the reason.
const ALLOWED: &[(&str, &str)] = &[];

#[test]
fn no_file_depends_on_itself_through_others() {
    assert!(
        ALLOWED.len() <= 2,
        "resolve a circle before you add another"
    );
    let graph = source_graph();
    assert!(graph.arrows.len() > 1000, "the arrows were not found");
    let mut circles = graph.circles(|_, _| true);
    circles.retain(|circle| {
        let mut files = circle.iter().map(|module| graph.file(module));
        !files.any(|file| ALLOWED.iter().any(|(allowed, _)| *allowed == file))
    });
    let shown: Vec<String> = circles.iter().map(|circle| show(&graph, circle)).collect();
    assert!(
        shown.is_empty(),
        "{} circles:\n{}",
        shown.len(),
        shown.join("\n")
    );
}

/// Lists the arrows of a circle, with the names that make them.
fn show(graph: &SourceGraph, circle: &BTreeSet<ModulePath>) -> String {
    let within =
        |(from, to): &(ModulePath, ModulePath)| circle.contains(from) && circle.contains(to);
    let arrows = graph.arrows.iter().filter(|(ends, _)| within(ends));
    let lines = arrows.map(|((from, to), names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!(
            "  {} -> {}: {}",
            graph.file(from),
            graph.file(to),
            names.join(", ")
        )
    });
    format!(
        "circle of {} files\n{}",
        circle.len(),
        lines.collect::<Vec<_>>().join("\n")
    )
}

#[test]
fn a_circle_is_found_whatever_form_its_arrows_have() {
    let definition = "pub struct Second; pub fn f() {}";
    for arrow in [
        "use crate::room::second::Second;",
        "use crate::room::{self, second::{f, Second as Other}};",
        "use super::second::*;",
        "use super::Second;",
        "use super::second; fn g() -> second::Second { todo!() }",
        "fn g() { super::second::f() }",
        "fn g() { crate::room::second::f() }",
        "fn g() { write!(\"{}\", crate::room::Second::NAME) }",
        "mod inner { use super::super::second::f; }",
        "#[cfg(any(test, unix))] use super::second::f;",
    ] {
        let first = format!("{arrow} pub struct First;");
        let second = format!("use super::first::First; {definition}");
        let graph = SourceGraph::of_texts(&[
            ("lib.rs", "mod room;"),
            (
                "room/mod.rs",
                "mod first; mod second; pub use second::Second;",
            ),
            ("room/first.rs", &first),
            ("room/second.rs", &second),
        ]);
        let circles = graph.circles(|_, _| true);
        let files: Vec<&str> = circles
            .iter()
            .flatten()
            .map(|module| graph.file(module))
            .collect();
        assert_eq!(files, ["room/first.rs", "room/second.rs"], "{arrow}");
    }
}

#[test]
fn tests_comments_and_reexports_make_no_circle() {
    for (parent, first) in [
        ("pub use second::Second;", "use super::second::Second;"),
        (
            "pub use first::First; pub use second::Second;",
            "#[cfg(test)] mod tests { use super::super::Room; }",
        ),
        (
            "pub use first::First; pub struct Room;",
            "// use super::Room;",
        ),
        (
            "use first::First; fn f() -> First {} pub struct Room;",
            "const A: &str = \"super::Room\";",
        ),
        (
            "use first::First; fn f() -> First {} pub struct Room;",
            "#[cfg(test)] use super::Room;",
        ),
        (
            "use first::First; fn f() -> First {} pub use second::Second;",
            "use super::Second;",
        ),
    ] {
        let parent = format!("mod first; mod second; {parent}");
        let graph = SourceGraph::of_texts(&[
            ("lib.rs", "mod room;"),
            ("room/mod.rs", &parent),
            ("room/first.rs", &format!("{first} pub struct First;")),
            ("room/second.rs", "pub struct Second;"),
        ]);
        assert_eq!(graph.circles(|_, _| true), [], "{parent} {first}");
    }
}

#[test]
fn a_parent_that_uses_a_child_and_is_used_by_it_is_a_circle() {
    for parent in [
        "use first::First; pub struct Room(First);",
        "pub struct Room(first::First);",
        "pub use first::First; pub struct Room { first: First }",
    ] {
        let graph = SourceGraph::of_texts(&[
            ("lib.rs", "mod room;"),
            ("room.rs", &format!("mod first; {parent}")),
            ("room/first.rs", "use super::Room; pub struct First;"),
        ]);
        assert_eq!(graph.circles(|_, _| true).len(), 1, "{parent}");
    }
}

fn source_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn source_graph() -> SourceGraph {
    SourceGraph::read(&source_folder())
}

/// Returns the tokens of each source file, with its path below `src`.
fn all_tokens() -> Vec<(String, Vec<Token>)> {
    let root = source_folder();
    let files = walkdir::WalkDir::new(&root).sort_by_file_name();
    let files = files.into_iter().map(|entry| entry.unwrap().into_path());
    let rust = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| {
        let name = path
            .strip_prefix(&root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        (name, tokens(&fs::read_to_string(&path).unwrap()))
    })
    .collect()
}

/// Returns the top module of a file.
fn room_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}
