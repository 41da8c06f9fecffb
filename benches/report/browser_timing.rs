//! Measures a page in a browser: first paint, loading, a search, and scrolling.

use std::env;
use std::path::Path;
use std::process::Command;

/// Returns the table columns of a page; `None` if `scripts/chromium` did not install a browser.
pub(crate) fn measure(page: &Path) -> Option<String> {
    let path = env::var_os("PATH")?;
    let browser = env::split_paths(&path)
        .map(|folder| folder.join("btsindex-chromium"))
        .find(|program| program.exists())?;
    let tools = browser.parent()?.parent()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/report/browser_timing.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(tools)
        .arg(page)
        .output()
        .unwrap();
    let columns = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(columns)
}
