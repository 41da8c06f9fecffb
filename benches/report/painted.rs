//! How soon a browser shows a page, how long a search in it takes, and how evenly it scrolls.

use std::env;
use std::path::Path;
use std::process::Command;

/// The columns that a browser fills; `None` where `scripts/chromium` has not installed one.
pub(crate) fn in_a_browser(page: &Path) -> Option<String> {
    let path = env::var_os("PATH")?;
    let browser = env::split_paths(&path)
        .map(|folder| folder.join("btsindex-chromium"))
        .find(|program| program.exists())?;
    let tools = browser.parent()?.parent()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/report/painted.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(tools)
        .arg(page)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(said)
}
