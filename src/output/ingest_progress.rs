//! An ingest as it goes: how much is read, written and proved where, how fast, and how long it will take.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::progress::{bar, event_json, rounded, stage_name, style};
use super::table::cut_before;
use super::{Look, counted, json_line};
use crate::error::{Problem, escape};
use crate::ingest::{Begun, Event};
use crate::media;
use crate::offload::{self, Outcome};
use crate::scan;
use crate::value::Bytes;

/// A log hears of the progress this often, …
const BETWEEN_LINES: Duration = Duration::from_secs(10);
/// … a program this often, …
const BETWEEN_OBJECTS: Duration = Duration::from_millis(500);
/// … and a bar is drawn this often.
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(100);
/// Speeds are those of about so long.
const SPAN: f64 = 4.0;

/// What copying looks like on a terminal.
const COPYING: &str =
    "copying  {bar:30} {decimal_bytes}/{decimal_total_bytes} verified  {eta} left\n{msg}";
/// While files of a card are read whole and compared with those of the card that was copied before.
const COMPARING: &str = "{bar:30} {decimal_bytes}/{decimal_total_bytes}  {eta} left\n{msg}";

/// Shows the events of ingests.
pub struct IngestProgress<'a> {
    look: Look,
    bar: ProgressBar,
    data: &'a mut dyn Write,
    talk: &'a mut dyn Write,
    cards: Vec<Card>,
    last: Instant,
    /// Clips that are catalogued in this stage, and how many there are.
    scanned: (usize, usize),
}

struct Card {
    begun: Begun,
    read: u64,
    current: Option<PathBuf>,
    places: Vec<Place>,
}

#[derive(Default)]
struct Place {
    written: Meter,
    proved: u64,
    files: usize,
}

/// Bytes, and how many a second of late.
struct Meter {
    bytes: u64,
    counted: u64,
    since: Instant,
    speed: f64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            bytes: 0,
            counted: 0,
            since: Instant::now(),
            speed: 0.0,
        }
    }
}

impl Meter {
    /// The speed now, a mean that forgets.
    fn speed(&mut self) -> f64 {
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds > 0.2 {
            #[allow(clippy::cast_precision_loss, reason = "a speed need not be exact")]
            let now = (self.bytes - self.counted) as f64 / seconds;
            let weight = if self.counted == 0 {
                1.0
            } else {
                (seconds / SPAN).min(1.0)
            };
            self.speed += weight * (now - self.speed);
            (self.counted, self.since) = (self.bytes, Instant::now());
        }
        self.speed
    }
}

/// A speed for people.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is never negative, and need not be exact"
)]
fn a_second(speed: f64) -> String {
    format!("{}/s", Bytes(speed as u64))
}

impl<'a> IngestProgress<'a> {
    /// Shows ingests: data goes to `data`, talk to `talk`, a bar to standard error.
    pub fn new(look: Look, data: &'a mut dyn Write, talk: &'a mut dyn Write) -> Self {
        let bar = bar(look == Look::Bar, "{spinner} {msg}");
        if look == Look::Bar {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self {
            look,
            bar,
            data,
            talk,
            cards: Vec::new(),
            last: Instant::now(),
            scanned: (0, 0),
        }
    }

    /// Shows one event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Waiting(holder) => {
                self.say(&format!(
                    "another ingest is planning ({}); waiting for it",
                    escape(holder)
                ));
            }
            Event::Listing(path) => {
                self.object(|| json!({ "event": "listing", "path": path.to_string_lossy() }));
                self.bar.set_style(style("{spinner} {msg}"));
                self.bar
                    .set_message(format!("listing {}", escape(&path.to_string_lossy())));
            }
            Event::Comparing(path, bytes) => {
                let path = path.to_string_lossy();
                self.object(|| json!({ "event": "comparing", "path": path, "bytes": bytes }));
                let line = format!(
                    "{}: reading {} to tell whether it is the card copied before",
                    escape(&path),
                    Bytes(*bytes)
                );
                self.bar.set_length(*bytes);
                self.bar.set_style(style(COMPARING));
                self.bar.reset();
                self.bar.set_message(line.clone());
                self.line(&line);
            }
            Event::Compared(bytes) => self.bar.inc(*bytes),
            Event::Begins(cards) => self.begin(cards),
            Event::Card(card, event) => self.card(*card, event),
            Event::Ends(card) => self.end_card(*card),
            Event::Sealed(_, path) => {
                self.object(|| json!({ "event": "sealed", "manifest": path.to_string_lossy() }));
            }
            Event::Problem(problem) => self.problem(problem),
            Event::Warning { message, hint } => {
                self.object(|| json!({ "event": "warning", "message": message, "hint": hint }));
                if self.look != Look::Json {
                    self.say(&format!("warning: {}\nhint: {hint}", escape(message)));
                }
            }
            Event::Watching(folder) => {
                let folder = folder.to_string_lossy();
                self.object(|| json!({ "event": "watching", "folder": folder }));
                self.bar.set_style(style("{spinner} {msg}"));
                self.bar
                    .set_message(format!("watching {}; Ctrl-C ends it", escape(&folder)));
                self.line(&format!("watching {}", escape(&folder)));
            }
            Event::Scan(event) => self.scan(event),
        }
    }

    /// Takes the bar away.
    pub fn end(self) {
        self.bar.finish_and_clear();
    }

    /// Says something above the bar.
    pub fn say(&mut self, text: &str) {
        // Nobody may be listening; the work goes on all the same.
        let _ = self.bar.suspend(|| writeln!(self.talk, "{text}"));
    }

    /// An object for programs, or a table for people, on standard output.
    pub fn print(&mut self, write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>) {
        let data = &mut *self.data;
        let _ = self.bar.suspend(|| write(data).and_then(|()| data.flush()));
    }

    fn begin(&mut self, cards: &[Begun]) {
        self.cards = cards.iter().map(Card::new).collect();
        let total: u64 = self.cards.iter().map(Card::total).sum();
        self.bar.set_length(total);
        self.bar.set_style(style(COPYING));
        self.bar.reset();
        self.last = Instant::now();
        for card in cards {
            let places: Vec<String> = card
                .places
                .iter()
                .map(|(folder, _)| escape(&folder.to_string_lossy()))
                .collect();
            self.object(|| {
                json!({
                    "event": "card",
                    "card": card.card,
                    "source": card.source.to_string_lossy(),
                    "files": card.files.len(),
                    "bytes_to_read": card.bytes,
                    "places": places,
                })
            });
            // Of one that is refused, its problem is told.
            if places.is_empty() {
                continue;
            }
            let line = format!(
                "{}: {}, {} to read, to {}",
                escape(&card.card),
                counted(card.files.len(), "file"),
                Bytes(card.bytes),
                places.join(" and ")
            );
            self.line(&line);
        }
    }

    fn card(&mut self, number: usize, event: &offload::Event) {
        let Some(card) = self.cards.get_mut(number) else {
            return;
        };
        match event {
            offload::Event::Reading(task) => {
                card.current = card.begun.files.get(*task).cloned();
            }
            offload::Event::Read(bytes) => card.read += bytes,
            offload::Event::Written(place, bytes) => card.places[*place].written.bytes += bytes,
            offload::Event::Proved(place, bytes) => {
                card.places[*place].proved += bytes;
                self.bar.inc(*bytes);
            }
            offload::Event::Settled(task, place, outcome) => {
                let is_proved = matches!(outcome, Outcome::Copied(_) | Outcome::WasThere(_));
                card.places[*place].files += usize::from(is_proved);
                let (outcome, how) = match outcome {
                    Outcome::Copied(read) => ("copied", Some(read.how.name())),
                    Outcome::WasThere(read) => ("already there", Some(read.how.name())),
                    Outcome::Other => ("another content has its name", None),
                    Outcome::Failed(_) => ("failed", None),
                };
                let path = card.begun.places[*place].0.join(&card.begun.files[*task]);
                self.object(|| {
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
        self.object(|| json!({ "event": "card done", "card": name }));
        self.line(&format!("{}: done", escape(&name)));
    }

    fn problem(&mut self, problem: &Problem) {
        let path = problem.path.to_string_lossy();
        self.object(|| json!({ "event": "problem", "path": path, "reason": problem.reason }));
        // Under a bar they are listed at the end.
        self.line(&format!(
            "warning: {}: {}",
            escape(&path),
            escape(&media::explain_problem(&problem.reason))
        ));
    }

    fn scan(&mut self, event: &scan::ScanEvent) {
        if self.look == Look::Json {
            self.object(|| event_json(event));
            return;
        }
        match event {
            scan::ScanEvent::Queued { stage, count } => {
                self.scanned = (0, *count);
                self.bar.set_style(style(
                    "cataloguing  {bar:30} {human_pos}/{human_len}  {msg}",
                ));
                self.bar.set_length(*count as u64);
                self.bar.reset();
                self.bar.set_message(stage_name(*stage));
                self.line(&format!(
                    "cataloguing: {} of {}",
                    stage_name(*stage),
                    counted(*count, "clip")
                ));
            }
            scan::ScanEvent::Read { .. } | scan::ScanEvent::Pictured(_) => self.bar.inc(1),
            scan::ScanEvent::Waiting { holder } => {
                self.say(&format!(
                    "another scan is running ({}); waiting for it",
                    escape(holder)
                ));
            }
            scan::ScanEvent::Warning { message, hint } => {
                self.say(&format!("warning: {}\nhint: {hint}", escape(message)));
            }
            scan::ScanEvent::Problem(problem) => self.problem(problem),
            scan::ScanEvent::Walked { .. }
            | scan::ScanEvent::Reading(_)
            | scan::ScanEvent::StillGrowing(_) => {}
        }
    }

    /// Shows how far it is, now and then.
    fn draw(&mut self) {
        let pause = match self.look {
            Look::Bar => BETWEEN_DRAWINGS,
            Look::Lines => BETWEEN_LINES,
            Look::Json => BETWEEN_OBJECTS,
        };
        if self.last.elapsed() < pause {
            return;
        }
        self.last = Instant::now();
        match self.look {
            Look::Bar => {
                let window = terminal_size::terminal_size_of(std::io::stderr());
                let width = window.map(|(width, _)| usize::from(width.0));
                let lines = self.lines(width);
                self.bar.set_message(lines);
            }
            Look::Lines => {
                let lines = self.lines(None);
                self.say(&lines);
            }
            Look::Json => {
                let left = self.bar.eta();
                let cards: Vec<Value> = self.cards.iter_mut().filter_map(Card::object).collect();
                let (done, total) = (self.bar.position(), self.bar.length());
                self.object(|| {
                    json!({
                        "event": "progress", "bytes_verified": done, "bytes_to_verify": total,
                        "seconds_left": rounded(left), "cards": cards,
                    })
                });
            }
        }
    }

    /// How far every card is, in lines that are no wider than `width`.
    fn lines(&mut self, width: Option<usize>) -> String {
        let cards = self.cards.iter_mut();
        let lines: Vec<String> = cards.filter_map(|card| card.lines(width)).collect();
        lines.join("\n")
    }

    fn line(&mut self, text: &str) {
        if self.look == Look::Lines {
            self.say(text);
        }
    }

    fn object(&mut self, object: impl FnOnce() -> Value) {
        if self.look == Look::Json {
            // As above.
            let _ =
                writeln!(self.data, "{}", json_line(&object())).and_then(|()| self.data.flush());
        }
    }
}

impl Card {
    fn new(begun: &Begun) -> Self {
        Self {
            places: begun.places.iter().map(|_| Place::default()).collect(),
            begun: begun.clone(),
            read: 0,
            current: None,
        }
    }

    /// Bytes that are to be proved, at all places.
    fn total(&self) -> u64 {
        self.begun.places.iter().map(|(_, bytes)| bytes).sum()
    }

    /// How far it is, for people, in lines that are no wider than `width`; nothing before it begins.
    fn lines(&mut self, width: Option<usize>) -> Option<String> {
        let current = self.current.as_deref().map(Path::to_string_lossy)?;
        let line = |numbers: String, path: &str| {
            let path = escape(path);
            let room = width.map(|width| width.saturating_sub(numbers.width()));
            let path = room.map_or_else(|| path.clone(), |room| cut_before(&path, room));
            numbers + &path
        };
        let card = format!(
            "  {}  {} of {} read  ",
            escape(&self.begun.card),
            Bytes(self.read),
            Bytes(self.begun.bytes),
        );
        let mut lines = vec![line(card, &current)];
        for (place, (folder, _)) in self.places.iter_mut().zip(&self.begun.places) {
            let numbers = format!(
                "    {} written, {}  {} verified, {}  ",
                Bytes(place.written.bytes),
                a_second(place.written.speed()),
                Bytes(place.proved),
                counted(place.files, "file"),
            );
            lines.push(line(numbers, &folder.to_string_lossy()));
        }
        Some(lines.join("\n"))
    }

    /// … and for programs.
    fn object(&mut self) -> Option<Value> {
        let current = self.current.as_deref()?.to_string_lossy().into_owned();
        let places = self.places.iter_mut().zip(&self.begun.places);
        let places: Vec<Value> = places
            .map(|(place, (folder, bytes))| {
                json!({
                    "folder": folder.to_string_lossy(),
                    "bytes": bytes,
                    "bytes_written": place.written.bytes,
                    "bytes_per_second": place.written.speed().round(),
                    "bytes_verified": place.proved,
                    "files_verified": place.files,
                })
            })
            .collect();
        Some(json!({
            "card": self.begun.card,
            "bytes_read": self.read,
            "bytes_to_read": self.begun.bytes,
            "current": current,
            "places": places,
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test that fails says so"
    )]

    use super::*;

    #[test]
    fn lines_fit_the_terminal_and_show_the_ends_of_paths() {
        let mut card = Card::new(&Begun {
            card: "A001".to_owned(),
            source: PathBuf::from("/media/A001"),
            files: Vec::new(),
            bytes: 2_000_000,
            places: vec![(
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
