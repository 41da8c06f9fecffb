//! Progress of reading whole files: a bar on a terminal, lines in a log, JSON for programs.
//!
//! Shared by `verify` and `safe`, whose events differ.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::progress_bar::bar;
use super::{ProgressFormat, json_line};
use crate::error::escape;
use crate::value::Bytes;

/// Minimum interval between two progress lines in a log.
const BETWEEN_LINES: Duration = Duration::from_secs(10);
/// Minimum interval between two JSON progress objects.
const BETWEEN_OBJECTS: Duration = Duration::from_millis(500);

/// Shows the number of bytes read and the total.
pub(super) struct ReadProgress<'a> {
    format: ProgressFormat,
    bar: ProgressBar,
    data: &'a mut dyn Write,
    messages: &'a mut dyn Write,
    last_update: Instant,
}

impl<'a> ReadProgress<'a> {
    /// Creates a display. JSON is written to `data`, lines to `messages`, a bar that starts with
    /// `verb` to standard error.
    pub(super) fn new(
        format: ProgressFormat,
        verb: &str,
        data: &'a mut dyn Write,
        messages: &'a mut dyn Write,
    ) -> Self {
        let template = format!(
            "{verb}  {{bar:30}} {{decimal_bytes}}/{{decimal_total_bytes}}  {{decimal_bytes_per_sec}}  {{eta}} left\n  {{wide_msg}}"
        );
        Self {
            format,
            bar: bar(format == ProgressFormat::Bar, &template),
            data,
            messages,
            last_update: Instant::now(),
        }
    }

    /// Restarts the bar with a number of bytes to read.
    pub(super) fn begin(&mut self, bytes: u64) {
        self.bar.reset();
        self.bar.set_length(bytes);
    }

    /// Shows the file being read.
    pub(super) fn set_file(&mut self, path: &Path) {
        self.bar.set_message(escape(&path.to_string_lossy()));
    }

    /// Advances the bar by a number of bytes.
    pub(super) fn add(&mut self, bytes: u64) {
        self.bar.inc(bytes);
        let interval = if self.format == ProgressFormat::Json {
            BETWEEN_OBJECTS
        } else {
            BETWEEN_LINES
        };
        if self.last_update.elapsed() < interval {
            return;
        }
        self.last_update = Instant::now();
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let seconds_left = self.bar.eta().as_secs();
        self.write_json(
            || json!({ "event": "progress", "bytes": done, "of": all, "seconds_left": seconds_left }),
        );
        self.log(&format!("{} of {}", Bytes(done), Bytes(all)));
    }

    /// Writes a line of text to the data output. A bar is hidden in the meantime.
    pub(super) fn print(&mut self, line: &str) {
        if self.format != ProgressFormat::Json {
            let data = &mut *self.data;
            // Standard output may be closed.
            let _ = self.bar.suspend(|| writeln!(data, "{line}"));
        }
    }

    /// Writes a line to a log.
    pub(super) fn log(&mut self, text: &str) {
        if self.format == ProgressFormat::Lines {
            // Standard error may be closed.
            let _ = writeln!(self.messages, "{text}");
        }
    }

    /// Writes a JSON object for programs.
    pub(super) fn write_json(&mut self, object: impl FnOnce() -> Value) {
        if self.format == ProgressFormat::Json {
            // Standard output may be closed.
            let _ =
                writeln!(self.data, "{}", json_line(&object())).and_then(|()| self.data.flush());
        }
    }

    /// Removes the bar from the terminal.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
