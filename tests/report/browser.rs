//! The report in a headless Chromium, operated by mouse, touch and keyboard: `browser/report.mjs`
//! contains the checks. `scripts/chromium` installs the tools.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::day::{DAY, ingested_day};

/// Folder of the browser's tools; `None` if they are not installed.
fn tools() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|folder| folder.join("btsindex-chromium"))
        .find(|program| program.exists());
    if found.is_none() {
        assert!(
            env::var_os("BTSINDEX_REQUIRE_JUDGES").is_none(),
            "no browser is on the PATH: scripts/chromium installs it"
        );
        eprintln!("skipped: scripts/chromium installs the browser");
    }
    found?.parent()?.parent().map(Path::to_owned)
}

#[test]
fn a_report_works_in_a_browser() {
    let Some(tools) = tools() else { return };
    let day = ingested_day();
    let report = day.create("browser.html", &["report", DAY]);
    let folder = report.with_extension("");
    day.create("browser.html", &["report", DAY, "--folder"]);
    let sheet = day.create("sheet.html", &["sheet", DAY, "--columns", "6"]);
    let shots = env::var_os("BTSINDEX_SCREENSHOTS").map(PathBuf::from);
    let shots = shots.unwrap_or_else(|| day.shoot.folder("screenshots"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/browser/report.mjs");
    let output = Command::new("node")
        .arg(script)
        .args([&tools, &report, &folder, &sheet, &shots])
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{why}");
    eprintln!("{stdout}");
}
