//! Progress and summary of a scan: a bar on a terminal, lines in a log, JSON for programs.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::json_line;
use super::progress_bar::{ProgressFormat, spinner, style};
use super::shell_quote::shell_quoted;
use super::table::TextTable;
use crate::error::{Problem, escape};
use crate::media;
use crate::scan::{ScanEvent, ScanStage, ScanSummary, StageTiming};
use crate::value::{Bytes, counted, grouped, rounded_seconds};

/// Minimum interval between two progress lines in a log.
const BETWEEN_LINES: Duration = Duration::from_secs(10);
/// Maximum number of problems listed at the end; the others are only counted.
const MAX_LISTED: usize = 200;

/// Shows the events of one scan.
pub struct ScanProgress<'a> {
    format: ProgressFormat,
    bar: ProgressBar,
    data: &'a mut dyn Write,
    messages: &'a mut dyn Write,
    /// Problems so far, up to [`MAX_LISTED`].
    problems: Vec<Problem>,
    problem_count: usize,
    stage: ScanStage,
    count: usize,
    done: usize,
    bytes: u64,
    last_line: Instant,
}

impl<'a> ScanProgress<'a> {
    /// Creates a display. JSON is written to `data`, lines to `messages`, a bar to standard error.
    pub fn new(
        format: ProgressFormat,
        data: &'a mut dyn Write,
        messages: &'a mut dyn Write,
    ) -> Self {
        Self {
            format,
            bar: spinner(format == ProgressFormat::Bar, "{spinner} walking  {msg}"),
            data,
            messages,
            problems: Vec::new(),
            problem_count: 0,
            stage: ScanStage::Headers,
            count: 0,
            done: 0,
            bytes: 0,
            last_line: Instant::now(),
        }
    }

    /// Updates the display after an event.
    pub fn on_event(&mut self, event: &ScanEvent) {
        if self.format == ProgressFormat::Json {
            let line = event_json(event);
            self.record_problem(event);
            self.write_json(&line);
            return;
        }
        match event {
            ScanEvent::Waiting { holder } => {
                self.print_message(&waiting_message(holder));
            }
            ScanEvent::Walked { clips, folder } => {
                self.bar.set_message(format!(
                    "{}  {}",
                    counted(*clips, "clip"),
                    escape(&folder.to_string_lossy())
                ));
                self.log_periodically(|| format!("walking: {} so far", counted(*clips, "clip")));
            }
            ScanEvent::Refreshing {
                clips,
                is_requested,
                is_more,
            } => {
                let (clips, reason) = (counted(*clips, "clip"), " read by an older version");
                let reason = if *is_requested { "" } else { reason };
                let more = "; the next scans refresh more";
                let more = if *is_more { more } else { "" };
                self.print_message(&format!("refreshing {clips}{reason}{more}"));
            }
            ScanEvent::Retagging { folders } => self.print_message(&format!(
                "tagging the clips of {} with newer rules",
                counted(*folders, "folder")
            )),
            ScanEvent::Queued { stage, count } => {
                self.begin_stage(*stage, *count);
            }
            ScanEvent::Reading(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let problems = match self.problem_count {
                    0 => String::new(),
                    n => format!("  ({})", counted(n, "problem")),
                };
                self.bar
                    .set_message(format!("reading {}{problems}", escape(&name)));
            }
            ScanEvent::Read { bytes, .. } => {
                self.bytes = self.bytes.saturating_add(*bytes);
                self.bar.set_prefix(Bytes(self.bytes).to_string());
                self.step();
            }
            ScanEvent::Pictured(_) => self.step(),
            ScanEvent::StillGrowing(path) => {
                self.log(&format!(
                    "{}: still being written",
                    escape(&path.to_string_lossy())
                ));
            }
            // The bar shows only the number of problems, since the summary lists them.
            ScanEvent::Problem(problem) => self.log(&format!(
                "warning: {}: {}",
                escape(&problem.path.to_string_lossy()),
                escape(&media::explain_problem(&problem.reason))
            )),
            ScanEvent::CopiesDoubted { .. } | ScanEvent::Warning { .. } => {
                if let Some((message, hint)) = warning(event) {
                    self.print_message(&format!("warning: {}\nhint: {hint}", escape(&message)));
                }
            }
        }
        self.record_problem(event);
    }

    fn begin_stage(&mut self, stage: ScanStage, count: usize) {
        (self.stage, self.count, self.done) = (stage, count, 0);
        let what = stage_name(stage);
        self.bar.set_length(count as u64);
        self.bar.set_style(style(&format!(
            "{what}  {{bar:30}} {{human_pos}}/{{human_len}}  {{speed}}/s  {{prefix}}  {{eta}} left\n  {{msg}}"
        )));
        self.bar.reset();
        self.log(&format!("{what}: {} to do", counted(count, "clip")));
    }

    /// Advances the progress by one clip.
    fn step(&mut self) {
        self.done += 1;
        self.bar.inc(1);
        let (done, count, bytes) = (self.done, self.count, self.bytes);
        let what = stage_name(self.stage);
        self.log_periodically(|| {
            let size = match bytes {
                0 => String::new(),
                bytes => format!(", {}", Bytes(bytes)),
            };
            format!(
                "{what}: {} of {}{size}",
                grouped(done),
                counted(count, "clip")
            )
        });
    }

    fn record_problem(&mut self, event: &ScanEvent) {
        if let ScanEvent::Problem(problem) = event {
            self.problem_count += 1;
            if self.problems.len() < MAX_LISTED {
                self.problems.push(problem.clone());
            }
        }
    }

    /// Removes the bar from the terminal. Returns the first problems, sorted by path.
    #[must_use]
    pub fn finish(self) -> Vec<Problem> {
        self.bar.finish_and_clear();
        let mut problems = self.problems;
        problems.sort_by(|a, b| a.path.cmp(&b.path));
        problems
    }

    /// Prints a line above the bar.
    fn print_message(&mut self, text: &str) {
        // Standard error may be closed; the scan continues.
        let _ = self.bar.suspend(|| writeln!(self.messages, "{text}"));
    }

    /// Writes a line to a log, at most once per [`BETWEEN_LINES`].
    fn log_periodically(&mut self, text: impl FnOnce() -> String) {
        if self.format == ProgressFormat::Lines && self.last_line.elapsed() >= BETWEEN_LINES {
            self.log(&text());
        }
    }

    /// Writes a line to a log.
    fn log(&mut self, text: &str) {
        if self.format == ProgressFormat::Lines {
            self.print_message(text);
            self.last_line = Instant::now();
        }
    }

    fn write_json(&mut self, line: &Value) {
        // Standard output may be closed; the scan continues.
        let _ = writeln!(self.data, "{}", json_line(line)).and_then(|()| self.data.flush());
    }
}

pub(super) fn stage_name(stage: ScanStage) -> &'static str {
    match stage {
        ScanStage::Headers => "headers",
        ScanStage::Posters => "posters",
        ScanStage::Strips => "strips",
    }
}

pub(super) fn event_json(event: &ScanEvent) -> Value {
    match event {
        ScanEvent::Waiting { holder } => json!({ "event": "waiting", "holder": holder }),
        ScanEvent::Walked { clips, folder } => {
            json!({ "event": "walked", "files": clips, "folder": folder.to_string_lossy() })
        }
        ScanEvent::Refreshing { clips, is_more, .. } => {
            json!({ "event": "refreshing", "clips": clips, "more": is_more })
        }
        ScanEvent::Retagging { folders } => json!({ "event": "retagging", "folders": folders }),
        ScanEvent::Queued { stage, count } => {
            json!({ "event": "queued", "stage": stage_name(*stage), "files": count })
        }
        ScanEvent::Reading(path) => json!({ "event": "reading", "path": path.to_string_lossy() }),
        ScanEvent::Read { path, bytes } => {
            json!({ "event": "read", "path": path.to_string_lossy(), "bytes": bytes })
        }
        ScanEvent::StillGrowing(path) => {
            json!({ "event": "moving", "path": path.to_string_lossy() })
        }
        ScanEvent::Pictured(path) => json!({ "event": "pictured", "path": path.to_string_lossy() }),
        ScanEvent::Problem(problem) => {
            json!({ "event": "problem", "path": problem.path.to_string_lossy(), "reason": problem.reason })
        }
        ScanEvent::CopiesDoubted { .. } | ScanEvent::Warning { .. } => {
            let (message, hint) = warning(event).unwrap_or_default();
            json!({ "event": "warning", "message": message, "hint": hint })
        }
    }
}

/// Returns the message that another process holds the scan lock.
pub(super) fn waiting_message(holder: &str) -> String {
    format!(
        "another scan is running ({}); waiting for it",
        escape(holder)
    )
}

/// Returns the message and the hint of a warning; `None` for other events.
pub(super) fn warning(event: &ScanEvent) -> Option<(String, String)> {
    match event {
        ScanEvent::Warning { message, hint } => Some((message.clone(), hint.clone())),
        ScanEvent::CopiesDoubted {
            root,
            missing,
            changed,
            example,
        } => Some((
            format!(
                "{}: verified copies of cards: {missing} missing, {changed} changed, for example `{}`",
                escape(&root.to_string_lossy()),
                escape(&example.to_string_lossy())
            ),
            format!(
                "`btsindex safe` no longer counts them; check them with `btsindex verify {}`",
                shell_quoted(root)
            ),
        )),
        _ => None,
    }
}

/// Returns the summary of a scan as JSON.
#[must_use]
pub fn scan_summary_json(summary: &ScanSummary) -> Value {
    json!({
        "event": "summary",
        "found": summary.found,
        "new": summary.new,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "recognised": summary.recognised,
        "refreshed": summary.refreshed,
        "companions": summary.companions,
        "moved": summary.moved,
        "missing": summary.missing,
        "doubted": summary.doubted,
        "moving": summary.still_growing,
        "adoptable": summary.adoptable,
        "unreadable": summary.unreadable,
        "read": summary.read,
        "interrupted": summary.is_interrupted,
        "seconds": rounded_seconds(summary.elapsed),
        "timings": summary.timings.iter().map(timing_json).collect::<Vec<_>>(),
    })
}

fn timing_json(timing: &StageTiming) -> Value {
    json!({
        "stage": timing.stage,
        "files": timing.files,
        "seconds": rounded_seconds(timing.wall),
        "cpu_seconds": timing.cpu.map(rounded_seconds),
        "read_calls": timing.traffic.calls,
        "bytes_read": timing.traffic.bytes,
        "processes": timing.processes,
    })
}

/// Writes a table of the time and the bytes read in each stage.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_timings(summary: &ScanSummary, out: &mut dyn Write) -> io::Result<()> {
    let headings = [
        "stage",
        "files",
        "wall",
        "cpu",
        "read calls",
        "bytes read",
        "processes",
    ];
    let mut table = TextTable::new(&headings, None);
    for timing in &summary.timings {
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        table.row(&[
            timing.stage.to_owned(),
            grouped(timing.files),
            seconds(timing.wall),
            timing.cpu.map_or_else(String::new, seconds),
            timing.traffic.calls.to_string(),
            Bytes(timing.traffic.bytes).to_string(),
            timing.processes.to_string(),
        ]);
    }
    table.write(out)
}

/// Writes the summary of a scan as text: counts, then the given problems.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_scan_summary(
    summary: &ScanSummary,
    problems: &[Problem],
    out: &mut dyn Write,
) -> io::Result<()> {
    let verb = if summary.is_interrupted {
        "interrupted after"
    } else {
        "scanned"
    };
    writeln!(
        out,
        "{verb} {} in {:.1} s",
        counted(summary.found, "clip"),
        summary.elapsed.as_secs_f64()
    )?;
    for (count, what) in [
        (summary.new, "new"),
        (summary.changed, "changed"),
        (summary.unchanged, "unchanged"),
        (summary.recognised, "recognised by content, not read again"),
        (summary.refreshed, "refreshed: facts read again"),
        (
            summary.companions,
            "proxies, thumbnails and sidecars, listed with their clips",
        ),
        (summary.moved, "moved: recognised elsewhere by content"),
        (summary.missing, "missing: marked, kept in the catalogue"),
        (
            summary.doubted,
            "missing, but more than half of the folder: left unchanged (use --accept-missing)",
        ),
        (
            summary.adoptable,
            "replaced clips with edits: `btsindex edits adopt` transfers the edits",
        ),
        (
            summary.still_growing,
            "still being written: left for the next scan",
        ),
        (summary.unreadable, "could not be read completely"),
    ] {
        if count > 0 {
            writeln!(out, "{:>9}  {what}", grouped(count))?;
        }
    }
    for problem in problems {
        writeln!(
            out,
            "           {}: {}",
            escape(&problem.path.to_string_lossy()),
            escape(&media::explain_problem(&problem.reason))
        )?;
    }
    if summary.unreadable > problems.len() {
        writeln!(
            out,
            "           and {} more",
            grouped(summary.unreadable - problems.len())
        )?;
    }
    let hint = problems
        .iter()
        .find_map(|problem| media::problem_hint(&problem.reason));
    if let Some(hint) = hint {
        writeln!(out, "hint: {hint}")?;
    }
    if summary.is_interrupted {
        writeln!(out, "run the same command to resume")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn the_command_for_doubted_copies_can_be_pasted_into_a_shell() {
        let event = ScanEvent::CopiesDoubted {
            root: PathBuf::from("/mnt/raid 2"),
            missing: 1,
            changed: 2,
            example: PathBuf::from("day/A001.mov"),
        };
        let (message, hint) = warning(&event).unwrap();
        assert_eq!(
            message,
            "/mnt/raid 2: verified copies of cards: 1 missing, 2 changed, for example `day/A001.mov`"
        );
        assert_eq!(
            hint,
            "`btsindex safe` no longer counts them; check them with `btsindex verify '/mnt/raid 2'`"
        );
    }
}
