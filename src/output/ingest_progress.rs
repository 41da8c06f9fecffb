//! Progress of an ingest: bytes read, written and verified per destination, speed, and time left.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::progress_bar::{spinner, style};
use super::scan_progress::{event_json, stage_name, waiting_message, warning};
use super::table::truncate_start;
use super::{ProgressFormat, json_line};
use crate::error::{Problem, escape};
use crate::ingest::{Begun, Event};
use crate::media;
use crate::offload::{self, CopyOutcome};
use crate::scan;
use crate::value::{Bytes, counted, rounded_seconds};

/// Minimum interval between two progress lines in a log.
const BETWEEN_LINES: Duration = Duration::from_secs(10);
/// Minimum interval between two JSON progress objects.
const BETWEEN_OBJECTS: Duration = Duration::from_millis(500);
/// Minimum interval between two updates of the bar.
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(100);
/// Time constant of the average speed, in seconds.
const AVERAGED_SECONDS: f64 = 4.0;

/// Template of the bar while files are copied.
const COPYING: &str =
    "copying  {bar:30} {decimal_bytes}/{decimal_total_bytes} verified  {eta} left\n{msg}";
/// Template of the bar while a card is compared with an earlier ingest.
const COMPARING: &str = "{bar:30} {decimal_bytes}/{decimal_total_bytes}  {eta} left\n{msg}";

/// Shows the events of one or more ingests.
pub struct IngestProgress<'a> {
    format: ProgressFormat,
    bar: ProgressBar,
    data: &'a mut dyn Write,
    messages: &'a mut dyn Write,
    cards: Vec<CardProgress>,
    last_update: Instant,
}

/// Progress of one card.
struct CardProgress {
    begun: Begun,
    read: u64,
    current: Option<PathBuf>,
    destinations: Vec<DestinationProgress>,
}

/// Progress of one card at one destination.
#[derive(Default)]
struct DestinationProgress {
    written: SpeedMeter,
    /// Verified bytes.
    verified: u64,
    /// Number of verified files.
    files: usize,
}

/// Byte counter with the current speed.
struct SpeedMeter {
    bytes: u64,
    /// Bytes at the last measurement.
    measured_bytes: u64,
    /// Time of the last measurement.
    measured_at: Instant,
    /// Bytes per second.
    speed: f64,
}

impl Default for SpeedMeter {
    fn default() -> Self {
        Self {
            bytes: 0,
            measured_bytes: 0,
            measured_at: Instant::now(),
            speed: 0.0,
        }
    }
}

impl SpeedMeter {
    /// Returns the current speed in bytes per second, as an exponential moving average.
    fn speed(&mut self) -> f64 {
        let seconds = self.measured_at.elapsed().as_secs_f64();
        if seconds > 0.2 {
            #[allow(clippy::cast_precision_loss, reason = "a speed need not be exact")]
            let now = (self.bytes - self.measured_bytes) as f64 / seconds;
            let weight = if self.measured_bytes == 0 {
                1.0
            } else {
                (seconds / AVERAGED_SECONDS).min(1.0)
            };
            self.speed += weight * (now - self.speed);
            (self.measured_bytes, self.measured_at) = (self.bytes, Instant::now());
        }
        self.speed
    }
}

/// Formats a speed: `120 MB/s`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is never negative, and need not be exact"
)]
fn per_second(speed: f64) -> String {
    format!("{}/s", Bytes(speed as u64))
}

impl<'a> IngestProgress<'a> {
    /// Creates a display. JSON is written to `data`, lines to `messages`, a bar to standard error.
    pub fn new(
        format: ProgressFormat,
        data: &'a mut dyn Write,
        messages: &'a mut dyn Write,
    ) -> Self {
        Self {
            format,
            bar: spinner(format == ProgressFormat::Bar, "{spinner} {msg}"),
            data,
            messages,
            cards: Vec::new(),
            last_update: Instant::now(),
        }
    }

    /// Updates the display after an event.
    pub fn on_event(&mut self, event: &Event) {
        match event {
            Event::Waiting(holder) => {
                self.print_message(&format!(
                    "another ingest is planning ({}); waiting for it",
                    escape(holder)
                ));
            }
            Event::Listing(path) => {
                self.write_json(|| json!({ "event": "listing", "path": path.to_string_lossy() }));
                self.bar
                    .set_message(format!("listing {}", escape(&path.to_string_lossy())));
            }
            Event::Comparing(path, bytes) => {
                let path = path.to_string_lossy();
                self.write_json(|| json!({ "event": "comparing", "path": path, "bytes": bytes }));
                let line = format!(
                    "{}: reading {} to check whether this card was copied before",
                    escape(&path),
                    Bytes(*bytes)
                );
                self.bar.set_length(*bytes);
                self.bar.set_style(style(COMPARING));
                self.bar.reset();
                self.bar.set_message(line.clone());
                self.log(&line);
            }
            Event::Compared(bytes) => self.bar.inc(*bytes),
            Event::Begins(cards) => self.begin(cards),
            Event::Card(card, event) => self.on_card_event(*card, event),
            Event::Ends(card) => self.end_card(*card),
            Event::Sealed(_, path) => {
                self.write_json(
                    || json!({ "event": "sealed", "manifest": path.to_string_lossy() }),
                );
            }
            Event::Problem(problem) => self.report_problem(problem),
            Event::Warning { message, hint } => {
                self.write_json(|| json!({ "event": "warning", "message": message, "hint": hint }));
                if self.format != ProgressFormat::Json {
                    self.print_message(&format!("warning: {}\nhint: {hint}", escape(message)));
                }
            }
            Event::Watching(folder) => {
                let folder = folder.to_string_lossy();
                self.write_json(|| json!({ "event": "watching", "folder": folder }));
                self.bar.set_style(style("{spinner} {msg}"));
                self.bar
                    .set_message(format!("watching {}; Ctrl-C stops", escape(&folder)));
                self.log(&format!("watching {}", escape(&folder)));
            }
            Event::Scan(event) => self.on_scan_event(event),
        }
    }

    /// Removes the bar from the terminal.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line above the bar.
    pub fn print_message(&mut self, text: &str) {
        // Standard error may be closed; the ingest continues.
        let _ = self.bar.suspend(|| writeln!(self.messages, "{text}"));
    }

    /// Writes data, such as the summary of a card, to the data output, and flushes it. A bar is
    /// hidden in the meantime.
    pub fn print(&mut self, write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>) {
        let data = &mut *self.data;
        let _ = self.bar.suspend(|| write(data).and_then(|()| data.flush()));
    }

    fn begin(&mut self, cards: &[Begun]) {
        self.cards = cards.iter().map(CardProgress::new).collect();
        let total: u64 = self.cards.iter().map(CardProgress::bytes_to_verify).sum();
        self.bar.set_length(total);
        self.bar.set_style(style(COPYING));
        self.bar.reset();
        self.last_update = Instant::now();
        for card in cards {
            let destinations: Vec<String> = card
                .destinations
                .iter()
                .map(|(folder, _)| escape(&folder.to_string_lossy()))
                .collect();
            self.write_json(|| {
                json!({
                    "event": "card",
                    "card": card.card,
                    "source": card.source.to_string_lossy(),
                    "files": card.files.len(),
                    "bytes_to_read": card.bytes,
                    "places": destinations,
                })
            });
            // A refused card has no destinations; the reason is reported as a problem.
            if destinations.is_empty() {
                continue;
            }
            let line = format!(
                "{}: {}, {} to read, copying to {}",
                escape(&card.card),
                counted(card.files.len(), "file"),
                Bytes(card.bytes),
                destinations.join(" and ")
            );
            self.log(&line);
        }
    }

    fn on_card_event(&mut self, number: usize, event: &offload::Event) {
        let Some(card) = self.cards.get_mut(number) else {
            return;
        };
        match event {
            offload::Event::Reading(task) => {
                card.current = card.begun.files.get(*task).cloned();
            }
            offload::Event::Read(bytes) => card.read += bytes,
            offload::Event::Written(destination, bytes) => {
                card.destinations[*destination].written.bytes += bytes;
            }
            offload::Event::ReadBack(destination, bytes) => {
                card.destinations[*destination].verified += bytes;
                self.bar.inc(*bytes);
            }
            offload::Event::Finished(task, destination, outcome) => {
                let is_verified =
                    matches!(outcome, CopyOutcome::Copied(_) | CopyOutcome::Existed(_));
                card.destinations[*destination].files += usize::from(is_verified);
                let (outcome, how) = match outcome {
                    CopyOutcome::Copied(read) => ("copied", Some(read.how.name())),
                    CopyOutcome::Existed(read) => ("already there", Some(read.how.name())),
                    CopyOutcome::Conflict => ("a different file of that name exists", None),
                    CopyOutcome::Failed(_) => ("failed", None),
                };
                let path = card.begun.destinations[*destination]
                    .0
                    .join(&card.begun.files[*task]);
                self.write_json(|| {
                    json!({
                        "event": "file", "path": path.to_string_lossy(), "outcome": outcome, "read_back": how,
                    })
                });
            }
            _ => {}
        }
        self.draw();
    }

    fn end_card(&mut self, number: usize) {
        let Some(card) = self.cards.get(number) else {
            return;
        };
        let name = card.begun.card.clone();
        self.write_json(|| json!({ "event": "card done", "card": name }));
        self.log(&format!("{}: done", escape(&name)));
    }

    fn report_problem(&mut self, problem: &Problem) {
        let path = problem.path.to_string_lossy();
        self.write_json(|| json!({ "event": "problem", "path": path, "reason": problem.reason }));
        // The summary lists the problems, so the bar does not show them.
        self.log(&format!(
            "warning: {}: {}",
            escape(&path),
            escape(&media::explain_problem(&problem.reason))
        ));
    }

    fn on_scan_event(&mut self, event: &scan::ScanEvent) {
        if self.format == ProgressFormat::Json {
            self.write_json(|| event_json(event));
            return;
        }
        match event {
            scan::ScanEvent::Queued { stage, count } => {
                self.bar.set_style(style(
                    "cataloguing  {bar:30} {human_pos}/{human_len}  {msg}",
                ));
                self.bar.set_length(*count as u64);
                self.bar.reset();
                self.bar.set_message(stage_name(*stage));
                self.log(&format!(
                    "cataloguing: {} of {}",
                    stage_name(*stage),
                    counted(*count, "clip")
                ));
            }
            scan::ScanEvent::Read { .. } | scan::ScanEvent::Pictured(_) => self.bar.inc(1),
            scan::ScanEvent::Waiting { holder } => {
                self.print_message(&waiting_message(holder));
            }
            scan::ScanEvent::CopiesDoubted { .. } | scan::ScanEvent::Warning { .. } => {
                if let Some((message, hint)) = warning(event) {
                    self.print_message(&format!("warning: {}\nhint: {hint}", escape(&message)));
                }
            }
            scan::ScanEvent::Problem(problem) => self.report_problem(problem),
            scan::ScanEvent::Walked { .. }
            | scan::ScanEvent::Refreshing { .. }
            | scan::ScanEvent::Retagging { .. }
            | scan::ScanEvent::Reading(_)
            | scan::ScanEvent::StillGrowing(_) => {}
        }
    }

    /// Shows the progress of all cards, unless the last update was too recent.
    fn draw(&mut self) {
        let interval = match self.format {
            ProgressFormat::Bar => BETWEEN_DRAWINGS,
            ProgressFormat::Lines => BETWEEN_LINES,
            ProgressFormat::Json => BETWEEN_OBJECTS,
        };
        if self.last_update.elapsed() < interval {
            return;
        }
        self.last_update = Instant::now();
        match self.format {
            ProgressFormat::Bar => {
                let window = terminal_size::terminal_size_of(std::io::stderr());
                let width = window.map(|(width, _)| usize::from(width.0));
                let lines = self.lines(width);
                self.bar.set_message(lines);
            }
            ProgressFormat::Lines => {
                let lines = self.lines(None);
                self.print_message(&lines);
            }
            ProgressFormat::Json => {
                let time_left = self.bar.eta();
                let cards: Vec<Value> = self
                    .cards
                    .iter_mut()
                    .filter_map(CardProgress::progress_json)
                    .collect();
                let (done, total) = (self.bar.position(), self.bar.length());
                self.write_json(|| {
                    json!({
                        "event": "progress", "bytes_verified": done, "bytes_to_verify": total,
                        "seconds_left": rounded_seconds(time_left), "cards": cards,
                    })
                });
            }
        }
    }

    /// Returns the progress of every card, in lines of at most `width` columns.
    fn lines(&mut self, width: Option<usize>) -> String {
        let cards = self.cards.iter_mut();
        let lines: Vec<String> = cards.filter_map(|card| card.lines(width)).collect();
        lines.join("\n")
    }

    /// Writes a line to a log.
    fn log(&mut self, text: &str) {
        if self.format == ProgressFormat::Lines {
            self.print_message(text);
        }
    }

    fn write_json(&mut self, object: impl FnOnce() -> Value) {
        if self.format == ProgressFormat::Json {
            // Standard output may be closed; the ingest continues.
            let _ =
                writeln!(self.data, "{}", json_line(&object())).and_then(|()| self.data.flush());
        }
    }
}

impl CardProgress {
    fn new(begun: &Begun) -> Self {
        Self {
            destinations: begun
                .destinations
                .iter()
                .map(|_| DestinationProgress::default())
                .collect(),
            begun: begun.clone(),
            read: 0,
            current: None,
        }
    }

    /// Returns the number of bytes to verify at all destinations.
    fn bytes_to_verify(&self) -> u64 {
        self.begun.destinations.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Returns the progress as lines of at most `width` columns; `None` before the first file.
    fn lines(&mut self, width: Option<usize>) -> Option<String> {
        let current = self.current.as_deref().map(Path::to_string_lossy)?;
        let line = |numbers: String, path: &str| {
            let path = escape(path);
            let room = width.map(|width| width.saturating_sub(numbers.width()));
            let path = room.map_or_else(|| path.clone(), |room| truncate_start(&path, room));
            numbers + &path
        };
        let card = format!(
            "  {}  {} of {} read  ",
            escape(&self.begun.card),
            Bytes(self.read),
            Bytes(self.begun.bytes),
        );
        let mut lines = vec![line(card, &current)];
        for (destination, (folder, _)) in self.destinations.iter_mut().zip(&self.begun.destinations)
        {
            let numbers = format!(
                "    {} written, {}  {} verified, {}  ",
                Bytes(destination.written.bytes),
                per_second(destination.written.speed()),
                Bytes(destination.verified),
                counted(destination.files, "file"),
            );
            lines.push(line(numbers, &folder.to_string_lossy()));
        }
        Some(lines.join("\n"))
    }

    /// Returns the progress as JSON; `None` before the first file.
    fn progress_json(&mut self) -> Option<Value> {
        let current = self.current.as_deref()?.to_string_lossy().into_owned();
        let destinations = self.destinations.iter_mut().zip(&self.begun.destinations);
        let destinations: Vec<Value> = destinations
            .map(|(destination, (folder, bytes))| {
                json!({
                    "folder": folder.to_string_lossy(),
                    "bytes": bytes,
                    "bytes_written": destination.written.bytes,
                    "bytes_per_second": destination.written.speed().round(),
                    "bytes_verified": destination.verified,
                    "files_verified": destination.files,
                })
            })
            .collect();
        Some(json!({
            "card": self.begun.card,
            "bytes_read": self.read,
            "bytes_to_read": self.begun.bytes,
            "current": current,
            "places": destinations,
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test that fails should stop"
    )]

    use super::*;

    #[test]
    fn lines_fit_the_terminal_and_keep_the_ends_of_paths() {
        let mut card = CardProgress::new(&Begun {
            card: "A001".to_owned(),
            source: PathBuf::from("/media/A001"),
            files: Vec::new(),
            bytes: 2_000_000,
            destinations: vec![(
                PathBuf::from("/raid/ACME Spring Campaign BTS/2026-05-02/A/A001"),
                2_000_000,
            )],
        });
        assert_eq!(card.lines(Some(80)), None);
        card.current = Some(PathBuf::from("PRIVATE/M4ROOT/CLIP/C0001\x1b[2J.MP4"));
        let narrow = card.lines(Some(72)).unwrap();
        let widths: Vec<usize> = narrow.lines().map(UnicodeWidthStr::width).collect();
        assert!(widths.iter().all(|width| *width <= 72), "{narrow}");
        assert!(
            narrow.ends_with("05-02/A/A001") && !narrow.contains('\x1b'),
            "{narrow}"
        );
        assert!(
            card.lines(None)
                .unwrap()
                .ends_with("  /raid/ACME Spring Campaign BTS/2026-05-02/A/A001")
        );
    }
}
