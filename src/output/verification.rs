//! Progress and result of `btsindex verify`.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::ProgressFormat;
use super::read_progress::ReadProgress;
use crate::error::escape;
use crate::value::{Bytes, counted, grouped};
use crate::verify::{Event, Report, VerifyState};

/// Display of the progress of a verification.
pub struct VerifyProgress<'a> {
    reading: ReadProgress<'a>,
    /// True if each file is listed with its result.
    is_verbose: bool,
}

impl<'a> VerifyProgress<'a> {
    /// Creates a display that writes data to `data`, log lines to `messages`, and a bar to standard
    /// error.
    pub fn new(
        format: ProgressFormat,
        is_verbose: bool,
        data: &'a mut dyn Write,
        messages: &'a mut dyn Write,
    ) -> Self {
        Self {
            reading: ReadProgress::new(format, "verifying", data, messages),
            is_verbose,
        }
    }

    /// Updates the display after an event.
    pub fn on_event(&mut self, event: &Event) {
        let reading = &mut self.reading;
        match event {
            Event::Begins { files, bytes, with } => {
                reading.begin(*bytes);
                reading.write_json(
                    || json!({ "event": "begins", "files": files, "bytes": bytes, "with": with }),
                );
                let with = if with.is_empty() {
                    "nothing: no hashes are recorded".to_owned()
                } else {
                    escape(&with.join(", "))
                };
                let (files, bytes) = (counted(*files, "file"), Bytes(*bytes));
                reading.log(&format!("verifying {files}, {bytes}, against {with}"));
            }
            Event::Reading(path) => reading.set_file(path),
            Event::Read(bytes) => reading.add(*bytes),
            Event::Finished(path, state) => self.on_result(path, *state),
            Event::Problem(problem) => {
                let path = problem.path.to_string_lossy();
                let reason = &problem.reason;
                reading
                    .write_json(|| json!({ "event": "problem", "path": path, "reason": reason }));
                reading.log(&format!("warning: {}: {}", escape(&path), escape(reason)));
            }
        }
    }

    /// Removes the progress bar from the terminal.
    pub fn finish(self) {
        self.reading.finish();
    }

    fn on_result(&mut self, path: &Path, state: VerifyState) {
        let path = path.to_string_lossy();
        let object = || json!({ "event": "file", "path": path, "state": state.name() });
        self.reading.write_json(object);
        if self.is_verbose {
            let line = format!("{:<9} {}", state.name(), escape(&path));
            self.reading.print(&line);
        }
    }
}

/// Writes the result of a verification as text.
///
/// # Errors
/// If `out` cannot be written.
pub fn write_verification(folder: &Path, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let prefix = if report.is_interrupted {
        "interrupted: "
    } else {
        ""
    };
    writeln!(
        out,
        "{}: {prefix}{} verified, {}",
        escape(&folder.to_string_lossy()),
        counted(report.verified, "file"),
        Bytes(report.bytes)
    )?;
    if let Some(how) = report.how {
        writeln!(out, "           read back: {}", how.name())?;
    }
    for (list, label) in [
        (&report.altered, "altered"),
        (&report.missing, "missing"),
        (&report.new, "new: not in any manifest"),
        (
            &report.outside,
            "outside the manifest: XML cannot store their names",
        ),
        (&report.left_out, "ignored by the manifest's patterns"),
    ] {
        if list.is_empty() {
            continue;
        }
        writeln!(out, "{:>9}  {label}", grouped(list.len()))?;
        for path in list {
            writeln!(out, "           {}", escape(&path.to_string_lossy()))?;
        }
    }
    if !report.problems.is_empty() {
        writeln!(
            out,
            "{:>9}  could not be read",
            grouped(report.problems.len())
        )?;
        for problem in &report.problems {
            let path = problem.path.to_string_lossy();
            writeln!(
                out,
                "           {}: {}",
                escape(&path),
                escape(&problem.reason)
            )?;
        }
    }
    for manifest in &report.manifests {
        writeln!(
            out,
            "           written: {}",
            escape(&manifest.to_string_lossy())
        )?;
    }
    if report.is_unknown && report.manifests.is_empty() {
        writeln!(
            out,
            "no hashes are recorded: `btsindex verify --record` writes a manifest to compare with later"
        )?;
    }
    Ok(())
}

/// Returns the result of a verification as JSON.
#[must_use]
pub fn verification_json(folder: &Path, report: &Report) -> Value {
    let paths = |paths: &[std::path::PathBuf]| -> Vec<String> {
        let paths = paths.iter().map(|path| path.to_string_lossy().into_owned());
        paths.collect()
    };
    json!({
        "event": "summary",
        "folder": folder.to_string_lossy(),
        "verified": report.verified,
        "bytes_verified": report.bytes,
        "read_back": report.how.map(crate::offload::ReadMethod::name),
        "altered": paths(&report.altered),
        "missing": paths(&report.missing),
        "new": paths(&report.new),
        "outside_manifest": paths(&report.outside),
        "left_out": paths(&report.left_out),
        "problems": report.problems.iter().map(|problem| json!({
            "path": problem.path.to_string_lossy(), "reason": problem.reason,
        })).collect::<Vec<_>>(),
        "manifests": paths(&report.manifests),
        "interrupted": report.is_interrupted,
    })
}
