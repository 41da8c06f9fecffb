//! Guards the versions of readers: if a reader gives other facts, its version must increase, or the
//! catalogues of users keep the old facts.
//!
//! `tests/data/reader-versions.txt` has a hash of the facts of all fixtures for each reader, and of
//! the tags of all labelled paths for the rules. `UPDATE_READERS=1 cargo test reader_versions` adds
//! the hash of a new version, and accepts no other hash for a version that is already listed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use btsindex::clip::Clip;
use btsindex::media::read_header;
use btsindex::source_file::Original;
use btsindex::tag::{Rules, UserRules, rules_label};
use xxhash_rust::xxh3::xxh3_64;

use crate::shoot::fixtures;

const VERSIONS: &str = "tests/data/reader-versions.txt";

/// All files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// The facts of all fixtures by the label of the reader that read them.
fn facts_by_reader() -> BTreeMap<String, String> {
    let mut facts: BTreeMap<String, String> = BTreeMap::new();
    for path in files(&fixtures()) {
        let mut original = Original::open(&path).unwrap();
        if let Some(result) = read_header(&mut original).unwrap() {
            let name = path.file_name().unwrap().to_string_lossy();
            let json = serde_json::to_string(&result.facts).unwrap();
            let of_reader = facts.entry(result.reader.label().to_string()).or_default();
            of_reader.extend([&*name, " ", &json, "\n"]);
        }
    }
    facts
}

/// The tags and facts of all labelled paths.
fn tags_of_labelled_paths() -> String {
    let rules = Rules::new(&UserRules::default()).unwrap();
    let mut tags = String::new();
    for labels in ["labels/tuning.tsv", "labels/held-out.tsv"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests")
            .join(labels);
        for line in fs::read_to_string(path).unwrap().lines() {
            let path = Path::new(line.split('\t').next().unwrap());
            let folder = path.parent().unwrap_or(Path::new(""));
            let context = rules.folder_context(folder, "", &[]);
            let facts = rules.apply(&context, path, &Clip::default());
            tags += &serde_json::to_string(&facts).unwrap();
        }
    }
    tags
}

#[test]
fn a_reader_with_other_facts_has_a_new_version() {
    let mut now = facts_by_reader();
    assert!(
        now.len() >= 4,
        "few readers read the fixtures: {:?}",
        now.keys()
    );
    now.insert(rules_label().to_owned(), tags_of_labelled_paths());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(VERSIONS);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let mut listed: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(label, hash)| (label.to_owned(), hash.to_owned()))
        .collect();
    let is_update = std::env::var_os("UPDATE_READERS").is_some();
    for (label, facts) in &now {
        let hash = format!("{:016x}", xxh3_64(facts.as_bytes()));
        match listed.get(label) {
            Some(known) => assert_eq!(
                known, &hash,
                "`{label}` gives other facts than before: increase `VERSION` of the \
                 changed code, then run with UPDATE_READERS=1"
            ),
            None if is_update => {
                listed.insert(label.clone(), hash);
            }
            None => panic!("`{label}` is not listed in {VERSIONS}: run with UPDATE_READERS=1"),
        }
    }
    if is_update {
        listed.retain(|label, _| now.contains_key(label));
        let lines = listed
            .iter()
            .map(|(label, hash)| format!("{label} = {hash}\n"));
        fs::write(&path, lines.collect::<String>()).unwrap();
    }
}
