//! Imports only go down: each module of the library may use those in the layers below it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Layers, top first; modules in one layer do not use each other.
const LAYERS: &[&[&str]] = &[
    &["browse", "report"],
    &["output"],
    &["ingest", "verify", "safe"],
    &["scan", "xmp_sync"],
    &["index"],
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
    &["block_device", "error"],
    &["value"],
    &["property_tests", "skipped_tests"],
];

/// Crates that the lowest layers must not use.
const HIGH_LEVEL_CRATES: &[&str] = &[
    "clap",
    "tantivy",
    "rusqlite",
    "indicatif",
    "rayon",
    "ffmpeg_sidecar",
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
            for engine in HIGH_LEVEL_CRATES {
                assert!(
                    !text.contains(&format!("{engine}::")),
                    "`{module}` uses {engine}"
                );
            }
        }
    }
}

#[test]
fn only_the_catalogue_contains_sql() {
    for (module, text) in library_sources() {
        if !matches!(module.as_str(), "catalogue" | "error") {
            assert!(!text.contains("rusqlite"), "`{module}` uses SQL");
        }
    }
}
