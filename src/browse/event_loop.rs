//! The loop: draw, wait for a key or an answer, act.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::layout::Rect;

use super::backend::{Answer, Shelf};
use super::keys::{self, Wish};
use super::posters::Posters;
use super::state::{Front, State, Status, line_of};
use super::terminal::Stage;
use super::view::{self, Look};
use crate::clip::Action;
use crate::desktop;
use crate::error::{Error, escape};
use crate::index::Hits;
use crate::output::{CTRL_C, Colours, Graphics, Screen};

/// Keys that come faster than this are one change of the query.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// Facets are counted when no key came for so long.
const IDLE: Duration = Duration::from_millis(80);
/// Between two looks whether somebody else changed the catalogue.
const BETWEEN: Duration = Duration::from_secs(1);
/// Nothing is awaited longer than this: a signal may have come.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// … or than this while posters are read.
const POSTER_WAIT: Duration = Duration::from_millis(20);
/// Clips that are found at first; more when they are scrolled to.
const FIRST: usize = 1000;
/// So near to the last one more are fetched.
const NEAR: usize = 200;

/// How the screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By a person.
    Left,
    /// By a signal.
    Stopped,
}

/// Shows the screen until it is left. What is said of clips is kept under the author's name.
///
/// # Errors
/// When there is no terminal, or no catalogue that can be read.
pub fn run(catalogue: &Path, words: &[String], author: &str) -> Result<Ending, Error> {
    Stage::prepare();
    let shelf = Shelf::open(catalogue, author)?;
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Error::NoTerminal);
    }
    let mut held = Stage::enter()?;
    let (screen, typed) = Screen::detect();
    if typed.contains(CTRL_C) {
        return Ok(Ending::Left);
    }
    let mut state = State::new(&line_of(words));
    if !typed.is_empty() {
        keys::pasted(&mut state, &typed);
    }
    let turns = Turns {
        posters: Posters::new(shelf.posters(), screen),
        shelf,
        state,
        look: Look {
            has_colour: screen.colours != Colours::None,
        },
        has_pixels: !matches!(screen.graphics, None | Some(Graphics::Blocks)),
        most: FIRST,
        asked: String::new(),
        search_at: Some(Instant::now()),
        count_at: None,
        look_at: Instant::now() + BETWEEN,
        is_behind: false,
        is_changed: true,
        told: channel(),
    };
    turns.run(&mut held)
}

/// What became of what was handed to the desktop.
type Told = Result<String, Error>;

struct Turns {
    state: State,
    shelf: Shelf,
    posters: Posters,
    look: Look,
    /// Pictures stay on the terminal until something is drawn over them.
    has_pixels: bool,
    /// How many clips are found at most.
    most: usize,
    /// What was searched for last.
    asked: String,
    search_at: Option<Instant>,
    count_at: Option<Instant>,
    look_at: Instant,
    /// The last search did not see all that was changed before it.
    is_behind: bool,
    /// Something happened since the screen was drawn.
    is_changed: bool,
    /// How it went with what was opened.
    told: (Sender<Told>, Receiver<Told>),
}

impl Turns {
    fn run(mut self, held: &mut Stage) -> Result<Ending, Error> {
        loop {
            self.is_changed |= self.posters.take();
            if std::mem::replace(&mut self.is_changed, false) {
                self.draw(held)?;
            }
            if Stage::is_stopped() {
                return Ok(Ending::Stopped);
            }
            if event::poll(self.wait()).map_err(Error::Terminal)? {
                // What came together is drawn together.
                while event::poll(Duration::ZERO).map_err(Error::Terminal)? {
                    let event = event::read().map_err(Error::Terminal)?;
                    self.is_changed = true;
                    let wish = self.heard(event);
                    match wish {
                        Some(Wish::Leave) => return Ok(Ending::Left),
                        Some(Wish::Redraw) if !self.has_pixels => {}
                        Some(Wish::Redraw | Wish::Clear) => {
                            held.terminal.clear().map_err(Error::Terminal)?;
                        }
                        Some(wish) => self.fulfil(wish),
                        None => {}
                    }
                }
            }
            self.go_on();
        }
    }

    fn draw(&mut self, held: &mut Stage) -> Result<(), Error> {
        let size = held.terminal.size().map_err(Error::Terminal)?;
        let plan = view::plan(
            Rect::from((ratatui::layout::Position::ORIGIN, size)),
            &self.state,
        );
        self.state.make_room(plan.across, plan.down);
        self.state.page = plan.page;
        self.fetch();
        self.posters.want(&view::wanted(&plan, &self.state));
        let (state, posters, look) = (&self.state, &self.posters, self.look);
        // Terminals that know it show all of it at once.
        let begun = execute!(io::stdout(), BeginSynchronizedUpdate);
        let drawn = held
            .terminal
            .draw(|frame| view::draw(frame, state, posters, look))
            .map(|_| ());
        let ended = execute!(io::stdout(), EndSynchronizedUpdate);
        begun.and(drawn).and(ended).map_err(Error::Terminal)
    }

    /// Reads the clips that are to be seen and were not read yet.
    fn fetch(&mut self) {
        for &number in &self.state.visible().to_vec() {
            if !self.state.clips.contains_key(&number) {
                match self.shelf.clip(number) {
                    Ok(clip) => {
                        self.state.clips.insert(number, clip);
                    }
                    Err(error) => {
                        self.state.complain(&error);
                        return;
                    }
                }
            }
        }
    }

    /// How long nothing needs to be done, but for keys.
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

    fn heard(&mut self, event: Event) -> Option<Wish> {
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

    fn fulfil(&mut self, wish: Wish) {
        let done = match wish {
            Wish::Leave | Wish::Redraw | Wish::Clear => Ok(()),
            Wish::Search => {
                self.search_at = Some(Instant::now() + DEBOUNCE);
                Ok(())
            }
            Wish::All => {
                self.most = usize::MAX;
                self.search(true);
                self.state.choose(usize::MAX);
                Ok(())
            }
            Wish::Say(actions) => self.say(actions),
            Wish::Undo => self.undo(),
            Wish::Details => self.show_details(0),
            Wish::Open => self.hand_over("opened", desktop::open),
            Wish::Reveal => self.hand_over("shown", desktop::reveal),
        };
        if let Err(error) = done {
            self.state.complain(&error);
        }
    }

    /// What is due, and what came in.
    fn go_on(&mut self) {
        let now = Instant::now();
        while let Some(answer) = self.shelf.answer() {
            self.take(answer);
            self.is_changed = true;
        }
        while let Ok(told) = self.told.1.try_recv() {
            self.is_changed = true;
            match told {
                Ok(text) => self.state.say(text),
                Err(error) => self.state.complain(&error),
            }
        }
        if self.search_at.is_some_and(|at| at <= now) {
            self.search_at = None;
            self.most = FIRST;
            self.search(false);
        } else if self.state.at + NEAR > self.state.hits.clips.len()
            && self.state.hits.clips.len() < self.state.hits.total
        {
            self.most = self.most.saturating_mul(4);
            self.search(true);
        }
        if self.count_at.is_some_and(|at| at <= now) {
            self.count_at = None;
            self.count();
        }
        if self.look_at <= now {
            self.look_at = now + BETWEEN;
            match self.shelf.has_changed() {
                Ok(true) => {
                    self.is_behind = true;
                    self.is_changed = true;
                    self.state.clips.clear();
                    self.posters.look_again();
                }
                Ok(false) => {}
                Err(error) => self.state.complain(&error),
            }
        }
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Fresh(index) => {
                self.shelf.take(*index);
                let was_waiting = std::mem::replace(&mut self.state.is_waiting, false);
                if was_waiting || self.is_behind {
                    self.search(!was_waiting);
                }
                self.count_at = Some(Instant::now() + IDLE);
            }
            Answer::Told(note) => self.state.say(note.to_string()),
            Answer::Failed(error) => {
                (self.state.is_waiting, self.is_behind) = (false, false);
                self.state.complain(&error);
            }
        }
    }

    /// Searches; where the query makes no sense, what was found before stays.
    fn search(&mut self, is_same_query: bool) {
        if !is_same_query {
            self.state.status = Status::default();
        }
        match self.found() {
            Ok(Some(hits)) => {
                self.state.found(hits, is_same_query);
                self.is_behind = !self.shelf.is_current();
                self.count_at = Some(Instant::now() + IDLE);
            }
            Ok(None) => self.state.is_waiting = true,
            Err(error) => self.state.complain(&error),
        }
        if !is_same_query && self.asked != self.state.query.text() {
            self.state
                .say(format!("nothing yet; these match {}", self.asked));
        }
        self.is_changed = true;
    }

    /// What is found: by the query as it stands, else by the beginning of the word that is
    /// being typed.
    fn found(&mut self) -> Result<Option<Hits>, Error> {
        self.asked = self.state.query.text().to_owned();
        let hits = self.shelf.search(&self.asked, self.most)?;
        let is_nothing = hits.as_ref().is_some_and(|hits| hits.total == 0);
        let Some(begun) = self.state.begun().filter(|_| is_nothing) else {
            return Ok(hits);
        };
        match self.shelf.search(&begun, self.most)? {
            Some(more) if more.total > 0 => {
                self.asked = begun;
                Ok(Some(more))
            }
            _ => Ok(hits),
        }
    }

    fn count(&mut self) {
        self.is_changed = true;
        match self.shelf.facets(&self.asked) {
            Ok(facets) => self.state.counted(facets),
            Err(error) => return self.state.complain(&error),
        }
        if self.state.hits.total == 0 {
            match self.shelf.advice(&self.asked) {
                Ok(advice) => self
                    .state
                    .say(advice.into_iter().next().unwrap_or_default()),
                Err(error) => self.state.complain(&error),
            }
        }
    }

    fn say(&mut self, actions: Vec<Action>) -> Result<(), Error> {
        let Some(number) = self.state.chosen() else {
            return Ok(());
        };
        let what: Vec<String> = actions.iter().map(|it| escape(&it.to_string())).collect();
        let what = what.join("; ");
        let edited = self.shelf.say(number, actions)?;
        if edited.clips > 0 {
            self.state.done.extend(edited.batch);
            self.state.say(format!("{what} (u takes it back)"));
        } else {
            self.state.say(format!("it was so already: {what}"));
        }
        self.state.clips.remove(&number);
        self.show_details_anew()
    }

    fn undo(&mut self) -> Result<(), Error> {
        let Some(&command) = self.state.done.last() else {
            self.state
                .say("there is nothing that you did here to take back");
            return Ok(());
        };
        let undone = self.shelf.undo(command)?;
        self.state.done.pop();
        self.state.say_undone(&undone);
        self.state.clips.clear();
        self.show_details_anew()
    }

    fn show_details_anew(&mut self) -> Result<(), Error> {
        match self.state.front {
            Some(Front::Details { top, .. }) => self.show_details(top),
            _ => Ok(()),
        }
    }

    fn show_details(&mut self, top: usize) -> Result<(), Error> {
        if let Some(number) = self.state.chosen() {
            let lines = self.shelf.details(number)?;
            self.state.front = Some(Front::Details { lines, top });
        }
        Ok(())
    }

    /// Hands the chosen clip's file to the desktop, and waits elsewhere for how it went.
    fn hand_over(
        &mut self,
        done: &'static str,
        how: fn(&Path) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(number) = self.state.chosen() else {
            return Ok(());
        };
        let path = self.shelf.file_at_hand(number)?;
        let shown = escape(&path.to_string_lossy());
        self.state.say(format!("handing over {shown}"));
        let told = self.told.0.clone();
        thread::spawn(move || {
            let outcome = how(&path).map(|()| format!("{done} {shown}"));
            // The screen may have been left.
            let _ = told.send(outcome);
        });
        Ok(())
    }
}
