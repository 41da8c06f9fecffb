//! Checks of the tests themselves: each is compiled, runs the same on every machine, does not pass
//! without having run, and is named correctly by the scripts.

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

/// Returns the part of a source file that belongs to tests.
fn test_source<'a>(path: &Path, text: &'a str) -> &'a str {
    let name = path.file_name().unwrap().to_str().unwrap();
    let is_test = |folder: &std::ffi::OsStr| folder == "tests";
    if path.iter().any(is_test) || name == "tests.rs" || name.starts_with("test_") {
        return text;
    }
    text.split_once("\n#[cfg(test)]\nmod tests {")
        .map_or("", |(_, tests)| tests)
}

/// A test that returns early passes without having run. `or_skip!` returns as well, but only with a
/// `Skipped`, which fails where all tests are required.
#[test]
fn no_test_ends_early_without_reporting_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut early = Vec::new();
    for folder in ["src", "tests"] {
        visit(&root.join(folder), &mut |path, text| {
            let path = path.strip_prefix(root).unwrap();
            if path.ends_with("checks.rs") || path.ends_with("skipped_tests.rs") {
                return;
            }
            let mut end_of_test = None;
            for line in test_source(path, text).lines() {
                let indent = &line[..line.len() - line.trim_start().len()];
                let line = line.trim();
                if line == "#[test]" {
                    end_of_test = Some(format!("{indent}}}"));
                } else if end_of_test == Some(format!("{indent}{line}")) {
                    end_of_test = None;
                }
                let is_test = end_of_test.is_some();
                let is_early = line == "return;" || line.contains("{ return }");
                let is_ignored = line.starts_with("#[ignore");
                let is_own_report = line.contains("\"skipped: ");
                let is_own_rule = line.contains("\"BTSINDEX_REQUIRE") || line.contains("\"CI\"");
                if (is_early && is_test) || is_ignored || is_own_report || is_own_rule {
                    early.push(format!("{}: {line}", path.display()));
                }
            }
        });
    }
    assert!(early.is_empty(), "use `or_skip!`: {early:#?}");
}

/// Text of all scripts that run a part of the tests.
fn scripts() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    ["endurance", "random", "shoot-day"]
        .map(|name| fs::read_to_string(folder.join(name)).unwrap())
        .concat()
}

/// Words of a script that name a module with tests: `queries::random::`.
fn named_modules(script: &str) -> Vec<&str> {
    let is_separator = |letter: char| letter.is_whitespace() || "()\"'".contains(letter);
    let words = script.split(is_separator);
    words.filter_map(|word| word.strip_suffix("::")).collect()
}

/// A filter that matches no test runs nothing, and succeeds.
#[test]
fn scripts_name_modules_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scripts = scripts();
    let modules = named_modules(&scripts);
    assert!(modules.len() > 8, "{modules:?}");
    for module in modules {
        let path = module.replace("::", "/");
        let exists = ["tests", "src"].iter().any(|folder| {
            let path = root.join(folder).join(&path);
            path.join("mod.rs").is_file() || path.with_extension("rs").is_file()
        });
        assert!(exists, "no module `{module}`");
    }
}

/// Checks that a script runs every module of `tests/` with one of these texts.
fn assert_runs_all_with(script: &str, marks: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("scripts").join(script)).unwrap();
    let modules = named_modules(&text);
    visit(&root.join("tests"), &mut |path, text| {
        let inside = path.strip_prefix(root.join("tests")).unwrap();
        let module = inside.with_extension("").display().to_string();
        let is_named = modules.iter().any(|named| {
            let named = named.replace("::", "/");
            module == named || module.starts_with(&format!("{named}/"))
        });
        let has_mark = marks.iter().any(|mark| text.contains(mark));
        assert!(
            is_named || !has_mark || module == "checks",
            "scripts/{script} does not run {module}"
        );
    });
}

#[test]
fn scripts_run_every_test_of_their_kind() {
    assert_runs_all_with("random", &["proptest! {"]);
    assert_runs_all_with("endurance", &["\"BTSINDEX_ROUNDS\"", "\"BTSINDEX_CLIPS\""]);
    assert_runs_all_with(
        "shoot-day",
        &["\"BTSINDEX_KILLS\"", "\"BTSINDEX_CARD_FILES\""],
    );
}

/// A variable that no test reads has no effect.
#[test]
fn tests_read_every_number_that_scripts_set() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src", "tests"] {
        visit(&root.join(folder), &mut |_, text| sources.push_str(text));
    }
    let scripts = scripts();
    let exported = scripts.split("export ").skip(1);
    let exported = exported.filter_map(|line| line.lines().next());
    let set = exported.flat_map(str::split_whitespace);
    let set = set.filter_map(|word| word.split_once('=')).map(|it| it.0);
    let own: Vec<&str> = set.filter(|name| name.starts_with("BTSINDEX_")).collect();
    assert!(own.len() > 4, "{own:?}");
    for name in own {
        assert!(sources.contains(&format!("\"{name}\"")), "{name}");
    }
}
