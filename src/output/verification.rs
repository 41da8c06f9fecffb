//! A verification as it goes, and what it came to.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::read_progress::Reading;
use super::{Look, counted, grouped};
use crate::error::escape;
use crate::value::Bytes;
use crate::verify::{Event, Report, State};

/// Shows the events of one verification.
pub struct VerifyProgress<'a> {
    reading: Reading<'a>,
    /// Whether files that are as they were are listed, too.
    is_verbose: bool,
}

impl<'a> VerifyProgress<'a> {
    /// Shows a verification: data goes to `data`, talk to `talk`, a bar to standard error.
    pub fn new(
        look: Look,
        is_verbose: bool,
        data: &'a mut dyn Write,
        talk: &'a mut dyn Write,
    ) -> Self {
        Self {
            reading: Reading::new(look, "verifying", data, talk),
            is_verbose,
        }
    }

    /// Shows one event.
    pub fn event(&mut self, event: &Event) {
        let reading = &mut self.reading;
        match event {
            Event::Begins { files, bytes, with } => {
                reading.begin(*bytes);
                reading.object(
                    || json!({ "event": "begins", "files": files, "bytes": bytes, "with": with }),
                );
                let with = if with.is_empty() {
                    "nothing: nothing is known of it".to_owned()
                } else {
                    escape(&with.join(", "))
                };
                let (files, bytes) = (counted(*files, "file"), Bytes(*bytes));
                reading.line(&format!("verifying {files}, {bytes}, by {with}"));
            }
            Event::Reading(path) => reading.file(path),
            Event::Read(bytes) => reading.read(*bytes),
            Event::Found(path, state) => self.found(path, *state),
            Event::Problem(problem) => {
                let path = problem.path.to_string_lossy();
                let reason = &problem.reason;
                reading.object(|| json!({ "event": "problem", "path": path, "reason": reason }));
                reading.line(&format!("warning: {}: {}", escape(&path), escape(reason)));
            }
        }
    }

    /// Takes the bar away.
    pub fn end(self) {
        self.reading.end();
    }

    fn found(&mut self, path: &Path, state: State) {
        let path = path.to_string_lossy();
        let object = || json!({ "event": "file", "path": path, "state": state.name() });
        self.reading.object(object);
        if self.is_verbose {
            let line = format!("{:<9} {}", state.name(), escape(&path));
            self.reading.told(&line);
        }
    }
}

/// What a verification came to, for people.
///
/// # Errors
/// When `out` cannot be written to.
pub fn verified(folder: &Path, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verb = if report.is_interrupted {
        "interrupted: "
    } else {
        ""
    };
    writeln!(
        out,
        "{}: {verb}{} verified, {}",
        escape(&folder.to_string_lossy()),
        counted(report.verified, "file"),
        Bytes(report.bytes)
    )?;
    if let Some(how) = report.how {
        writeln!(out, "           read back: {}", how.name())?;
    }
    for (list, what) in [
        (&report.altered, "altered"),
        (&report.missing, "missing"),
        (&report.new, "new: nothing says what they have to be"),
        (
            &report.outside,
            "outside the manifest: it cannot hold their names",
        ),
        (
            &report.left_out,
            "not looked at: the manifests leave them out by patterns of their own",
        ),
    ] {
        if list.is_empty() {
            continue;
        }
        writeln!(out, "{:>9}  {what}", grouped(list.len()))?;
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
            "nothing is known of it: `btsindex verify --record` writes a manifest to compare with later"
        )?;
    }
    Ok(())
}

/// … and for programs.
#[must_use]
pub fn verified_json(folder: &Path, report: &Report) -> Value {
    let paths = |paths: &[std::path::PathBuf]| -> Vec<String> {
        let paths = paths.iter().map(|path| path.to_string_lossy().into_owned());
        paths.collect()
    };
    json!({
        "event": "summary",
        "folder": folder.to_string_lossy(),
        "verified": report.verified,
        "bytes_verified": report.bytes,
        "read_back": report.how.map(crate::offload::How::name),
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
