//! A scan as it goes: a bar on a terminal, lines in a log, JSON for programs.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::{Value, json};

use super::{Table, counted, grouped, json_line};
use crate::error::{Problem, escape};
use crate::media;
use crate::scan::{ScanEvent as Event, ScanStage as Stage, ScanSummary as Summary, StageTiming};
use crate::value::Bytes;

/// How a scan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A bar that is drawn again and again.
    Bar,
    /// A line now and then.
    Lines,
    /// An object a line on standard output.
    Json,
}

/// A log hears of the progress this often.
const BETWEEN_LINES: Duration = Duration::from_secs(10);
/// Problems beyond this are counted, not listed, at the end.
const LISTED: usize = 200;

/// Shows the events of one scan.
pub struct Progress<'a> {
    look: Look,
    bar: ProgressBar,
    data: &'a mut dyn Write,
    talk: &'a mut dyn Write,
    /// Problems so far, as many as will be listed.
    problems: Vec<Problem>,
    problem_count: usize,
    stage: Stage,
    count: usize,
    done: usize,
    bytes: u64,
    last_line: Instant,
}

impl<'a> Progress<'a> {
    /// Shows a scan: data goes to `data`, talk to `talk`, a bar to standard error.
    pub fn new(look: Look, data: &'a mut dyn Write, talk: &'a mut dyn Write) -> Self {
        let bar = bar(look == Look::Bar, "{spinner} walking  {msg}");
        if look == Look::Bar {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self {
            look,
            bar,
            data,
            talk,
            problems: Vec::new(),
            problem_count: 0,
            stage: Stage::Headers,
            count: 0,
            done: 0,
            bytes: 0,
            last_line: Instant::now(),
        }
    }

    /// Shows one event.
    pub fn event(&mut self, event: &Event) {
        if self.look == Look::Json {
            let line = event_json(event);
            self.keep(event);
            self.json(&line);
            return;
        }
        match event {
            Event::Waiting { holder } => {
                self.say(&format!(
                    "another scan is running ({}); waiting for it",
                    escape(holder)
                ));
            }
            Event::Walked { files, folder } => {
                self.bar.set_message(format!(
                    "{}  {}",
                    counted(*files, "file"),
                    escape(&folder.to_string_lossy())
                ));
                self.line(|| format!("walking: {} so far", counted(*files, "file")));
            }
            Event::Queued { stage, count } => {
                self.begin(*stage, *count);
            }
            Event::Reading(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let problems = match self.problem_count {
                    0 => String::new(),
                    n => format!("  ({})", counted(n, "problem")),
                };
                self.bar
                    .set_message(format!("reading {}{problems}", escape(&name)));
            }
            Event::Read { bytes, .. } => {
                self.bytes = self.bytes.saturating_add(*bytes);
                self.bar.set_prefix(Bytes(self.bytes).to_string());
                self.step();
            }
            Event::Pictured(_) => self.step(),
            Event::StillGrowing(path) => {
                self.line_now(&format!(
                    "{}: still being written",
                    escape(&path.to_string_lossy())
                ));
            }
            // Under a bar they are counted, and listed at the end.
            Event::Problem(problem) => self.line_now(&format!(
                "warning: {}: {}",
                escape(&problem.path.to_string_lossy()),
                escape(&media::explain_problem(&problem.reason))
            )),
            Event::Warning { message, hint } => {
                self.say(&format!("warning: {}\nhint: {hint}", escape(message)));
            }
        }
        self.keep(event);
    }

    /// A stage begins.
    fn begin(&mut self, stage: Stage, count: usize) {
        (self.stage, self.count, self.done) = (stage, count, 0);
        let what = stage_name(stage);
        self.bar.set_length(count as u64);
        self.bar.set_style(style(&format!(
            "{what}  {{bar:30}} {{human_pos}}/{{human_len}}  {{speed}}/s  {{prefix}}  {{eta}} left\n  {{msg}}"
        )));
        self.bar.reset();
        self.line_now(&format!("{what}: {} to do", counted(count, "clip")));
    }

    /// One more is done.
    fn step(&mut self) {
        self.done += 1;
        self.bar.inc(1);
        let (done, count, bytes) = (self.done, self.count, self.bytes);
        let what = stage_name(self.stage);
        self.line(|| {
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

    fn keep(&mut self, event: &Event) {
        if let Event::Problem(problem) = event {
            self.problem_count += 1;
            if self.problems.len() < LISTED {
                self.problems.push(problem.clone());
            }
        }
    }

    /// Takes the bar away, and gives the problems that were told.
    #[must_use]
    pub fn end(self) -> Vec<Problem> {
        self.bar.finish_and_clear();
        let mut problems = self.problems;
        problems.sort_by(|a, b| a.path.cmp(&b.path));
        problems
    }

    fn say(&mut self, text: &str) {
        // Nobody may be listening; the scan goes on all the same.
        let _ = self.bar.suspend(|| writeln!(self.talk, "{text}"));
    }

    fn line(&mut self, text: impl FnOnce() -> String) {
        if self.look == Look::Lines && self.last_line.elapsed() >= BETWEEN_LINES {
            self.line_now(&text());
        }
    }

    fn line_now(&mut self, text: &str) {
        if self.look == Look::Lines {
            self.say(text);
            self.last_line = Instant::now();
        }
    }

    fn json(&mut self, line: &Value) {
        // As above.
        let _ = writeln!(self.data, "{}", json_line(line)).and_then(|()| self.data.flush());
    }
}

/// Bytes that are read, as a bar; nothing where there is no terminal.
pub struct ByteBar(ProgressBar);

impl ByteBar {
    /// A bar, shown or not.
    #[must_use]
    pub fn new(is_shown: bool) -> Self {
        Self(bar(
            is_shown,
            "comparing  {bar:30} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left\n  {wide_msg}",
        ))
    }

    /// So many bytes are to be read.
    pub fn begin(&self, bytes: u64) {
        self.0.set_length(bytes);
    }

    /// A file is being read.
    pub fn name(&self, path: &std::path::Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.0.set_message(escape(&name));
    }

    /// So many more bytes were read.
    pub fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Tells something above the bar.
    pub fn say(&self, text: &str) {
        // Nobody may be listening.
        let _ = self.0.suspend(|| writeln!(io::stderr(), "{text}"));
    }

    /// Takes the bar away.
    pub fn end(self) {
        self.0.finish_and_clear();
    }
}

/// A bar on standard error, or none that is seen.
pub(super) fn bar(is_shown: bool, template: &str) -> ProgressBar {
    let target = if is_shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    bar.set_style(style(template));
    bar
}

pub(super) fn style(template: &str) -> ProgressStyle {
    // The templates are ours; a wrong one shows as the plain bar.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key(
            "speed",
            |state: &ProgressState, text: &mut dyn fmt::Write| {
                // A bar that cannot be drawn is no fault of the scan.
                let _ = write!(text, "{:.1}", state.per_sec());
            },
        )
}

pub(super) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Headers => "headers",
        Stage::Posters => "posters",
        Stage::Strips => "strips",
    }
}

pub(super) fn event_json(event: &Event) -> Value {
    match event {
        Event::Waiting { holder } => json!({ "event": "waiting", "holder": holder }),
        Event::Walked { files, folder } => {
            json!({ "event": "walked", "files": files, "folder": folder.to_string_lossy() })
        }
        Event::Queued { stage, count } => {
            json!({ "event": "queued", "stage": stage_name(*stage), "files": count })
        }
        Event::Reading(path) => json!({ "event": "reading", "path": path.to_string_lossy() }),
        Event::Read { path, bytes } => {
            json!({ "event": "read", "path": path.to_string_lossy(), "bytes": bytes })
        }
        Event::StillGrowing(path) => json!({ "event": "moving", "path": path.to_string_lossy() }),
        Event::Pictured(path) => json!({ "event": "pictured", "path": path.to_string_lossy() }),
        Event::Problem(problem) => {
            json!({ "event": "problem", "path": problem.path.to_string_lossy(), "reason": problem.reason })
        }
        Event::Warning { message, hint } => {
            json!({ "event": "warning", "message": message, "hint": hint })
        }
    }
}

/// What a scan came to, for programs.
#[must_use]
pub fn summary_json(summary: &Summary) -> Value {
    json!({
        "event": "summary",
        "found": summary.found,
        "new": summary.new,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "recognised": summary.recognised,
        "companions": summary.companions,
        "moved": summary.moved,
        "missing": summary.missing,
        "doubted": summary.doubted,
        "moving": summary.still_growing,
        "adoptable": summary.adoptable,
        "unreadable": summary.unreadable,
        "read": summary.read,
        "interrupted": summary.is_interrupted,
        "seconds": rounded(summary.elapsed),
        "timings": summary.timings.iter().map(timing_json).collect::<Vec<_>>(),
    })
}

pub(super) fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

fn timing_json(timing: &StageTiming) -> Value {
    json!({
        "stage": timing.stage,
        "files": timing.files,
        "seconds": rounded(timing.wall),
        "cpu_seconds": timing.cpu.map(rounded),
        "read_calls": timing.traffic.calls,
        "bytes_read": timing.traffic.bytes,
        "processes": timing.processes,
    })
}

/// Where time and bytes went, stage by stage.
///
/// # Errors
/// When `out` cannot be written to.
pub fn timings(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let headings = [
        "stage",
        "files",
        "wall",
        "cpu",
        "read calls",
        "bytes read",
        "processes",
    ];
    let mut table = Table::new(&headings, None);
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

/// What a scan came to, for people: counts, then each file that could not be read.
///
/// # Errors
/// When `out` cannot be written to.
pub fn summary(summary: &Summary, problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
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
        (
            summary.companions,
            "proxies, thumbnails and sidecars, kept with their shots",
        ),
        (summary.moved, "moved: found elsewhere by their content"),
        (summary.missing, "missing, kept and marked"),
        (
            summary.doubted,
            "not there, but too many to believe it: nothing was changed",
        ),
        (
            summary.adoptable,
            "replaced what people had said something of: `btsindex edits adopt` takes it over",
        ),
        (
            summary.still_growing,
            "still being written: the next scan reads them",
        ),
        (summary.unreadable, "could not be read, wholly or in part"),
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
        writeln!(out, "the same command goes on from here")?;
    }
    Ok(())
}
