//! Work of one kind as it goes: a bar on a terminal, a line now and then in a log.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::progress::bar;
use super::{Look, counted, grouped};

/// A log hears of the work this often.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Shows how many of how many are done.
pub struct Counting<'a> {
    what: &'static str,
    look: Look,
    bar: ProgressBar,
    talk: &'a mut dyn Write,
    last_line: Instant,
}

impl<'a> Counting<'a> {
    /// Shows `what` is being done to clips; lines go to `talk`, a bar to standard error.
    pub fn new(what: &'static str, look: Look, talk: &'a mut dyn Write) -> Self {
        let template = format!("{what}  {{bar:30}} {{human_pos}}/{{human_len}}  {{eta}} left");
        let bar = bar(look == Look::Bar, &template);
        bar.set_length(0);
        Self {
            what,
            look,
            bar,
            talk,
            last_line: Instant::now(),
        }
    }

    /// So many are done now.
    pub fn at(&mut self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        if self.look == Look::Lines && self.last_line.elapsed() >= BETWEEN_LINES {
            self.last_line = Instant::now();
            let line = format!(
                "{}: {} of {}",
                self.what,
                grouped(done),
                counted(total, "clip")
            );
            // Nobody may be listening; the work goes on all the same.
            let _ = writeln!(self.talk, "{line}");
        }
    }

    /// Takes the bar away.
    pub fn end(self) {
        self.bar.finish_and_clear();
    }
}
