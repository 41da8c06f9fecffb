//! Files that are read whole, as they go by: a bar for people, lines for a log, objects for a program.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::progress::bar;
use super::{Look, json_line};
use crate::error::escape;
use crate::value::Bytes;

/// A log hears of the progress this often, …
const BETWEEN_LINES: Duration = Duration::from_secs(10);
/// … a program this often.
const BETWEEN_OBJECTS: Duration = Duration::from_millis(500);

/// Shows how far reading is.
pub(super) struct Reading<'a> {
    look: Look,
    bar: ProgressBar,
    data: &'a mut dyn Write,
    talk: &'a mut dyn Write,
    last: Instant,
}

impl<'a> Reading<'a> {
    /// Data goes to `data`, talk to `talk`, a bar that begins with a verb to standard error.
    pub(super) fn new(
        look: Look,
        verb: &str,
        data: &'a mut dyn Write,
        talk: &'a mut dyn Write,
    ) -> Self {
        let template = format!(
            "{verb}  {{bar:30}} {{decimal_bytes}}/{{decimal_total_bytes}}  {{decimal_bytes_per_sec}}  {{eta}} left\n  {{wide_msg}}"
        );
        Self {
            look,
            bar: bar(look == Look::Bar, &template),
            data,
            talk,
            last: Instant::now(),
        }
    }

    /// So many bytes are to be read from now on.
    pub(super) fn begin(&mut self, bytes: u64) {
        self.bar.reset();
        self.bar.set_length(bytes);
    }

    /// A file is being read.
    pub(super) fn file(&mut self, path: &Path) {
        self.bar.set_message(escape(&path.to_string_lossy()));
    }

    /// So many more bytes were read.
    pub(super) fn read(&mut self, bytes: u64) {
        self.bar.inc(bytes);
        let pause = if self.look == Look::Json {
            BETWEEN_OBJECTS
        } else {
            BETWEEN_LINES
        };
        if self.last.elapsed() < pause {
            return;
        }
        self.last = Instant::now();
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let left = self.bar.eta().as_secs();
        self.object(
            || json!({ "event": "progress", "bytes": done, "of": all, "seconds_left": left }),
        );
        self.line(&format!("{} of {}", Bytes(done), Bytes(all)));
    }

    /// A line of data, for people, in front of the bar.
    pub(super) fn told(&mut self, line: &str) {
        if self.look != Look::Json {
            let data = &mut *self.data;
            // Nobody may be listening.
            let _ = self.bar.suspend(|| writeln!(data, "{line}"));
        }
    }

    /// A line of talk, for a log.
    pub(super) fn line(&mut self, text: &str) {
        if self.look == Look::Lines {
            // As above.
            let _ = writeln!(self.talk, "{text}");
        }
    }

    /// An object, for a program.
    pub(super) fn object(&mut self, object: impl FnOnce() -> Value) {
        if self.look == Look::Json {
            // As above.
            let _ =
                writeln!(self.data, "{}", json_line(&object())).and_then(|()| self.data.flush());
        }
    }

    /// Takes the bar away.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}
