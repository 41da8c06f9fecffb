//! Event loop: draws the screen, waits for a key or a background event, and handles it.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::layout::Rect;

use super::backend::{Backend, BackendEvent};
use super::keys::{self, Command};
use super::posters::Posters;
use super::state::{Overlay, ScreenState, Status, join_words};
use super::terminal::TerminalGuard;
use super::view::{self, Theme};
use crate::clip::Action;
use crate::desktop;
use crate::error::{Error, escape};
use crate::index::Hits;
use crate::output::{CTRL_C, Colours, Graphics, Screen};

/// Delay before a search, so that fast typing causes only one search.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// Time without key presses before facets are counted.
const IDLE: Duration = Duration::from_millis(80);
/// Interval between checks for changes by other processes.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait for a key, so that signals are noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait for a key while a background thread is working.
const POSTER_WAIT: Duration = Duration::from_millis(20);
/// Number of results fetched at first; scrolling fetches more.
const FIRST: usize = 1000;
/// Number of results before the last fetched one at which more are fetched.
const NEAR: usize = 200;

/// Reason for leaving the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The user quit.
    Quit,
    /// A signal requested the exit.
    Stopped,
}

/// Shows the screen until the user quits. Edits are recorded with the author's name.
///
/// # Errors
/// If there is no terminal, or the catalogue cannot be read.
pub fn run(catalogue: &Path, words: &[String], author: &str) -> Result<Ending, Error> {
    TerminalGuard::prepare();
    let backend = Backend::open(catalogue, author)?;
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Error::NoTerminal);
    }
    let mut terminal = TerminalGuard::enter()?;
    let (screen, typed) = Screen::detect();
    if typed.contains(CTRL_C) {
        return Ok(Ending::Quit);
    }
    let mut state = ScreenState::new(&join_words(words));
    if !typed.is_empty() {
        keys::pasted(&mut state, &typed);
    }
    let event_loop = EventLoop {
        posters: Posters::new(backend.posters(), screen),
        backend,
        state,
        theme: Theme {
            has_colour: screen.colours != Colours::None,
        },
        pictures_persist: !matches!(screen.graphics, None | Some(Graphics::Blocks)),
        limit: FIRST,
        searched: String::new(),
        search_at: Some(Instant::now()),
        count_at: None,
        check_at: Instant::now() + CHECK_INTERVAL,
        is_behind: false,
        is_changed: true,
        opened: channel(),
    };
    event_loop.run(&mut terminal)
}

/// Result of opening a file on the desktop: a message or an error.
type OpenResult = Result<String, Error>;

struct EventLoop {
    state: ScreenState,
    backend: Backend,
    posters: Posters,
    theme: Theme,
    /// True on terminals where pictures persist until the screen is cleared.
    pictures_persist: bool,
    /// Maximum number of results to fetch.
    limit: usize,
    /// Query of the last search.
    searched: String,
    search_at: Option<Instant>,
    count_at: Option<Instant>,
    check_at: Instant,
    /// True if the last search did not include some earlier changes.
    is_behind: bool,
    /// True if the screen must be drawn again.
    is_changed: bool,
    /// Results of files opened in background threads.
    opened: (Sender<OpenResult>, Receiver<OpenResult>),
}

impl EventLoop {
    fn run(mut self, terminal: &mut TerminalGuard) -> Result<Ending, Error> {
        loop {
            self.is_changed |= self.posters.receive();
            if std::mem::replace(&mut self.is_changed, false) {
                self.draw(terminal)?;
            }
            if TerminalGuard::is_stopped() {
                return Ok(Ending::Stopped);
            }
            if event::poll(self.wait()).map_err(Error::Terminal)? {
                // Handles all pending events before drawing.
                while event::poll(Duration::ZERO).map_err(Error::Terminal)? {
                    let event = event::read().map_err(Error::Terminal)?;
                    self.is_changed = true;
                    let command = self.handle_event(event);
                    match command {
                        Some(Command::Quit) => return Ok(Ending::Quit),
                        Some(Command::Redraw) if !self.pictures_persist => {}
                        Some(Command::Redraw | Command::Clear) => {
                            terminal.terminal.clear().map_err(Error::Terminal)?;
                        }
                        Some(command) => self.execute(command),
                        None => {}
                    }
                }
            }
            self.run_scheduled();
        }
    }

    fn draw(&mut self, terminal: &mut TerminalGuard) -> Result<(), Error> {
        let size = terminal.terminal.size().map_err(Error::Terminal)?;
        let plan = view::plan(
            Rect::from((ratatui::layout::Position::ORIGIN, size)),
            &self.state,
        );
        self.state.set_capacity(plan.across, plan.down);
        self.state.page = plan.page;
        self.fetch();
        self.posters
            .request(&view::visible_posters(&plan, &self.state));
        let (state, posters, theme) = (&self.state, &self.posters, self.theme);
        // Avoids flicker on terminals that support synchronized updates.
        let begun = execute!(io::stdout(), BeginSynchronizedUpdate);
        let drawn = terminal
            .terminal
            .draw(|frame| view::draw(frame, state, posters, theme))
            .map(|_| ());
        let ended = execute!(io::stdout(), EndSynchronizedUpdate);
        begun.and(drawn).and(ended).map_err(Error::Terminal)
    }

    /// Reads visible clips that were not read yet.
    fn fetch(&mut self) {
        for &number in &self.state.visible().to_vec() {
            if !self.state.clips.contains_key(&number) {
                match self.backend.clip(number) {
                    Ok(clip) => {
                        self.state.clips.insert(number, clip);
                    }
                    Err(error) => {
                        self.state.show_error(&error);
                        return;
                    }
                }
            }
        }
    }

    /// Returns the time to wait for a key before the next scheduled work.
    fn wait(&self) -> Duration {
        let now = Instant::now();
        let due = [self.search_at, self.count_at].into_iter().flatten();
        let due = due.map(|at| at.saturating_duration_since(now)).min();
        let longest = if self.posters.is_waiting() || self.state.is_waiting || self.is_behind {
            POSTER_WAIT
        } else {
            LONGEST_WAIT
        };
        due.unwrap_or(longest).min(longest)
    }

    fn handle_event(&mut self, event: Event) -> Option<Command> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                if self.count_at.is_some() {
                    self.count_at = Some(Instant::now() + IDLE);
                }
                keys::pressed(&mut self.state, key)
            }
            Event::Paste(text) => keys::pasted(&mut self.state, &text),
            _ => None,
        }
    }

    fn execute(&mut self, command: Command) {
        let done = match command {
            Command::Quit | Command::Redraw | Command::Clear => Ok(()),
            Command::Search => {
                self.search_at = Some(Instant::now() + DEBOUNCE);
                Ok(())
            }
            Command::All => {
                self.limit = usize::MAX;
                self.search(true);
                self.state.choose(usize::MAX);
                Ok(())
            }
            Command::Edit(actions) => self.edit(actions),
            Command::Undo => self.undo(),
            Command::Details => self.show_details(0),
            Command::Open => self.open_on_desktop("opened", desktop::open),
            Command::Reveal => self.open_on_desktop("shown", desktop::reveal),
        };
        if let Err(error) = done {
            self.state.show_error(&error);
        }
    }

    /// Handles background events and scheduled work.
    fn run_scheduled(&mut self) {
        let now = Instant::now();
        while let Some(answer) = self.backend.next_event() {
            self.handle_backend_event(answer);
            self.is_changed = true;
        }
        while let Ok(result) = self.opened.1.try_recv() {
            self.is_changed = true;
            match result {
                Ok(text) => self.state.show_message(text),
                Err(error) => self.state.show_error(&error),
            }
        }
        if self.search_at.is_some_and(|at| at <= now) {
            self.search_at = None;
            self.limit = FIRST;
            self.search(false);
        } else if self.state.at + NEAR > self.state.hits.clips.len()
            && self.state.hits.clips.len() < self.state.hits.total
        {
            self.limit = self.limit.saturating_mul(4);
            self.search(true);
        }
        if self.count_at.is_some_and(|at| at <= now) {
            self.count_at = None;
            self.count();
        }
        if self.check_at <= now {
            self.check_at = now + CHECK_INTERVAL;
            match self.backend.has_changed() {
                Ok(true) => {
                    self.is_behind = true;
                    self.is_changed = true;
                    self.state.clips.clear();
                    self.posters.forget_missing();
                }
                Ok(false) => {}
                Err(error) => self.state.show_error(&error),
            }
        }
    }

    fn handle_backend_event(&mut self, answer: BackendEvent) {
        match answer {
            BackendEvent::Fresh(index) => {
                self.backend.set_index(*index);
                let was_waiting = std::mem::replace(&mut self.state.is_waiting, false);
                if was_waiting || self.is_behind {
                    self.search(!was_waiting);
                }
                self.count_at = Some(Instant::now() + IDLE);
            }
            BackendEvent::Notice(note) => self.state.show_message(note.to_string()),
            BackendEvent::Failed(error) => {
                (self.state.is_waiting, self.is_behind) = (false, false);
                self.state.show_error(&error);
            }
        }
    }

    /// Runs the query. An invalid query keeps the previous results.
    fn search(&mut self, is_same_query: bool) {
        if !is_same_query {
            self.state.status = Status::default();
        }
        match self.run_search() {
            Ok(Some(hits)) => {
                self.state.set_hits(hits, is_same_query);
                self.is_behind = !self.backend.is_current();
                self.count_at = Some(Instant::now() + IDLE);
            }
            Ok(None) => self.state.is_waiting = true,
            Err(error) => self.state.show_error(&error),
        }
        if !is_same_query && self.searched != self.state.query.text() {
            self.state.show_message(format!(
                "no matches yet; showing matches of {}",
                self.searched
            ));
        }
        self.is_changed = true;
    }

    /// Runs the query; if nothing matches, treats the last word as a prefix.
    fn run_search(&mut self) -> Result<Option<Hits>, Error> {
        self.searched = self.state.query.text().to_owned();
        let hits = self.backend.search(&self.searched, self.limit)?;
        let is_nothing = hits.as_ref().is_some_and(|hits| hits.total == 0);
        let Some(begun) = self.state.as_prefix_search().filter(|_| is_nothing) else {
            return Ok(hits);
        };
        match self.backend.search(&begun, self.limit)? {
            Some(more) if more.total > 0 => {
                self.searched = begun;
                Ok(Some(more))
            }
            _ => Ok(hits),
        }
    }

    fn count(&mut self) {
        self.is_changed = true;
        match self.backend.facets(&self.searched) {
            Ok(facets) => self.state.set_facets(facets),
            Err(error) => return self.state.show_error(&error),
        }
        if self.state.hits.total == 0 {
            match self.backend.suggestions(&self.searched) {
                Ok(advice) => self
                    .state
                    .show_message(advice.into_iter().next().unwrap_or_default()),
                Err(error) => self.state.show_error(&error),
            }
        }
    }

    fn edit(&mut self, actions: Vec<Action>) -> Result<(), Error> {
        let Some(number) = self.state.chosen() else {
            return Ok(());
        };
        let description: Vec<String> = actions.iter().map(|it| escape(&it.to_string())).collect();
        let description = description.join("; ");
        let edited = self.backend.edit(number, actions)?;
        if edited.clips > 0 {
            self.state.done.extend(edited.batch);
            self.state
                .show_message(format!("{description} (u to undo)"));
        } else {
            self.state.show_message(format!("unchanged: {description}"));
        }
        self.state.clips.remove(&number);
        self.refresh_details()
    }

    fn undo(&mut self) -> Result<(), Error> {
        let Some(&command) = self.state.done.last() else {
            self.state.show_message("nothing to undo on this screen");
            return Ok(());
        };
        let undone = self.backend.undo(command)?;
        self.state.done.pop();
        self.state.show_undone(&undone);
        self.state.clips.clear();
        self.refresh_details()
    }

    fn refresh_details(&mut self) -> Result<(), Error> {
        match self.state.overlay {
            Some(Overlay::Details { top, .. }) => self.show_details(top),
            _ => Ok(()),
        }
    }

    fn show_details(&mut self, top: usize) -> Result<(), Error> {
        if let Some(number) = self.state.chosen() {
            let lines = self.backend.details(number)?;
            self.state.overlay = Some(Overlay::Details { lines, top });
        }
        Ok(())
    }

    /// Opens the current clip's file on the desktop; a background thread waits for the result.
    fn open_on_desktop(
        &mut self,
        done: &'static str,
        open: fn(&Path) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(number) = self.state.chosen() else {
            return Ok(());
        };
        let path = self.backend.available_file(number)?;
        let shown = escape(&path.to_string_lossy());
        self.state.show_message(format!("opening {shown}"));
        let results = self.opened.0.clone();
        thread::spawn(move || {
            let outcome = open(&path).map(|()| format!("{done} {shown}"));
            // Sending fails only if the screen was closed.
            let _ = results.send(outcome);
        });
        Ok(())
    }
}
