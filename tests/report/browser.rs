//! The report in a headless Chromium, operated by mouse, touch and keyboard: `browser/report.mjs`
//! contains the checks. `scripts/chromium` installs the tools.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::day::{DAY, ingested_day};
use crate::skipped_tests::{Skipped, find_installed, or_skip};

/// Folder of the browser's tools, if they are installed.
fn tools() -> Result<PathBuf, Skipped> {
    let browser = find_installed("btsindex-chromium")?;
    Ok(browser.parent().unwrap().parent().unwrap().to_owned())
}

#[test]
fn a_report_works_in_a_browser() {
    let tools = or_skip!(tools());
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
