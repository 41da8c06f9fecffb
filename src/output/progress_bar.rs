//! Progress bars on standard error, shared by all progress displays.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::error::escape;

/// Format in which a command shows its progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressFormat {
    /// Bar on a terminal, redrawn as work proceeds.
    Bar,
    /// Text lines every few seconds, for logs.
    Lines,
    /// JSON on standard output, one object per line.
    Json,
}

/// Progress bar for reading a known number of bytes.
pub struct ByteBar(ProgressBar);

impl ByteBar {
    /// Creates a bar; invisible unless `is_shown`.
    #[must_use]
    pub fn new(is_shown: bool) -> Self {
        Self(bar(
            is_shown,
            "comparing  {bar:30} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left\n  {wide_msg}",
        ))
    }

    /// Sets the number of bytes to read.
    pub fn set_total(&self, bytes: u64) {
        self.0.set_length(bytes);
    }

    /// Shows the file being read.
    pub fn set_file(&self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.0.set_message(escape(&name));
    }

    /// Advances the bar by a number of bytes.
    pub fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Prints a line above the bar.
    pub fn print_message(&self, text: &str) {
        // Standard error may be closed.
        let _ = self.0.suspend(|| writeln!(io::stderr(), "{text}"));
    }

    /// Removes the bar from the terminal.
    pub fn finish(self) {
        self.0.finish_and_clear();
    }
}

/// Creates a bar on standard error; invisible unless `is_shown`.
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

/// Creates a bar for work of unknown length, which moves while nothing happens.
pub(super) fn spinner(is_shown: bool, template: &str) -> ProgressBar {
    let bar = bar(is_shown, template);
    if is_shown {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    bar
}

/// Parses the template of a bar. `{speed}` is the number of steps per second.
pub(super) fn style(template: &str) -> ProgressStyle {
    // All templates are constant; an invalid one falls back to the default bar.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key(
            "speed",
            |state: &ProgressState, text: &mut dyn fmt::Write| {
                // Writing to the bar's buffer cannot fail the scan.
                let _ = write!(text, "{:.1}", state.per_sec());
            },
        )
}
