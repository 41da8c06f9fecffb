//! Progress of an operation on many clips: a bar on a terminal, or periodic lines in a log.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::ProgressFormat;
use super::progress_bar::bar;
use crate::value::{counted, grouped};

/// Minimum interval between two lines in a log.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Shows the number of processed clips.
pub struct ClipProgress<'a> {
    /// Operation, such as `indexing`.
    verb: &'static str,
    format: ProgressFormat,
    bar: ProgressBar,
    messages: &'a mut dyn Write,
    last_line: Instant,
}

impl<'a> ClipProgress<'a> {
    /// Creates a display for the operation `verb`, such as `indexing`. Lines are written to
    /// `messages`, a bar to standard error.
    pub fn new(verb: &'static str, format: ProgressFormat, messages: &'a mut dyn Write) -> Self {
        let template = format!("{verb}  {{bar:30}} {{human_pos}}/{{human_len}}  {{eta}} left");
        let bar = bar(format == ProgressFormat::Bar, &template);
        bar.set_length(0);
        Self {
            verb,
            format,
            bar,
            messages,
            last_line: Instant::now(),
        }
    }

    /// Sets the number of processed clips and the total.
    pub fn set(&mut self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        if self.format == ProgressFormat::Lines && self.last_line.elapsed() >= BETWEEN_LINES {
            self.last_line = Instant::now();
            let line = format!(
                "{}: {} of {}",
                self.verb,
                grouped(done),
                counted(total, "clip")
            );
            // Standard error may be closed; the operation continues.
            let _ = writeln!(self.messages, "{line}");
        }
    }

    /// Removes the bar from the terminal.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
