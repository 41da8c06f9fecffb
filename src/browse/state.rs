//! What is asked, what was found, what is chosen: everything that the screen shows, and how it
//! changes. Nothing here knows a terminal or a catalogue.

use std::collections::HashMap;

use super::line_editor::Line;
use crate::clip::{Clip, Edit, EditId};
use crate::index::Hits;
use crate::query::split_unquoted;

/// Values of a facet that are shown.
pub(super) const VALUES: usize = 30;

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Search,
    Facets,
    Clips,
}

/// What stands in front of the screen until it is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Front {
    /// The keys.
    Help,
    /// Everything known of the chosen clip; lines from `top` on.
    Details { lines: Vec<String>, top: usize },
    /// Something is typed about the chosen clip.
    Typing(Topic, Line),
}

/// What is typed about a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Tags,
    Note,
}

/// The line at the bottom: what happened last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Status {
    pub(super) text: String,
    pub(super) hint: Option<String>,
}

/// One value of a facet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) value: String,
    pub(super) count: usize,
}

/// How many of the clips found have which value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facet {
    pub(super) name: &'static str,
    /// How a query asks for a value of it.
    pub(super) asked: &'static str,
    pub(super) values: Vec<Counted>,
}

/// The state of the screen.
#[derive(Debug)]
pub(super) struct State {
    pub(super) query: Line,
    pub(super) focus: Focus,
    pub(super) front: Option<Front>,
    /// What was found; stays while the query makes no sense.
    pub(super) hits: Hits,
    /// Place of the chosen clip in what was found.
    pub(super) at: usize,
    /// Place of the first clip that is shown.
    pub(super) top: usize,
    pub(super) facets: Vec<Facet>,
    /// Place of the chosen value among all values of all facets.
    pub(super) facet_at: usize,
    pub(super) status: Status,
    /// Posters in rows, not a list.
    pub(super) is_grid: bool,
    /// Clips side by side, and rows of them; what is drawn decides.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Lines of what stands in front.
    pub(super) page: usize,
    /// Clips that were read; `None` for one that is no more.
    pub(super) clips: HashMap<i64, Option<Clip>>,
    /// Commands that can be taken back, the last one last.
    pub(super) done: Vec<EditId>,
    /// Whether the index is being brought up to date, and nothing can be found yet.
    pub(super) is_waiting: bool,
}

impl State {
    /// A screen that asks for this.
    pub(super) fn new(query: &str) -> Self {
        Self {
            query: Line::new(query),
            focus: if query.is_empty() {
                Focus::Search
            } else {
                Focus::Clips
            },
            front: None,
            hits: Hits {
                total: 0,
                clips: Vec::new(),
            },
            at: 0,
            top: 0,
            facets: Vec::new(),
            facet_at: 0,
            status: Status::default(),
            is_grid: false,
            across: 1,
            down: 1,
            page: 1,
            clips: HashMap::new(),
            done: Vec::new(),
            is_waiting: true,
        }
    }

    /// Whether keys go into a line of text.
    pub(super) fn is_typing(&self) -> bool {
        match &self.front {
            Some(front) => matches!(front, Front::Typing(..)),
            None => self.focus == Focus::Search,
        }
    }

    /// The words of the query, with their quotes.
    fn words(&self) -> Vec<String> {
        split_unquoted(self.query.text())
    }

    /// The query with the word that is being typed taken for the beginning of one; `None` where
    /// nothing is being typed that could be.
    pub(super) fn begun(&self) -> Option<String> {
        let text = self.query.text();
        let word = self.words().pop().filter(|word| text.ends_with(word))?;
        let is_word = word.chars().all(char::is_alphanumeric) && word.chars().count() > 1;
        let is_operator = matches!(word.as_str(), "OR" | "AND" | "NOT");
        (is_word && !is_operator).then(|| format!("{text}*"))
    }

    /// The number of the chosen clip.
    pub(super) fn chosen(&self) -> Option<i64> {
        self.hits.clips.get(self.at).copied()
    }

    /// The chosen clip, where it was read.
    pub(super) fn chosen_clip(&self) -> Option<&Clip> {
        self.clip(self.chosen()?)
    }

    /// A clip that was read.
    pub(super) fn clip(&self, number: i64) -> Option<&Clip> {
        self.clips.get(&number)?.as_ref()
    }

    /// The numbers of the clips that are on the screen.
    pub(super) fn visible(&self) -> &[i64] {
        let end = self
            .hits
            .clips
            .len()
            .min(self.top + self.across * self.down);
        self.hits.clips.get(self.top..end).unwrap_or_default()
    }

    /// Takes over what was found; the chosen clip stays chosen when it is still there.
    pub(super) fn found(&mut self, hits: Hits, is_same_query: bool) {
        let chosen = self.chosen().filter(|_| is_same_query);
        self.hits = hits;
        let place = chosen.and_then(|clip| self.hits.clips.iter().position(|it| *it == clip));
        self.at = place.unwrap_or(if is_same_query { self.at } else { 0 });
        self.fit();
    }

    /// Chooses another clip.
    pub(super) fn choose(&mut self, at: usize) {
        self.at = at;
        self.fit();
    }

    /// Moves by so many clips.
    pub(super) fn step(&mut self, by: isize) {
        self.choose(self.at.saturating_add_signed(by));
    }

    /// Takes over how many clips there is room for.
    pub(super) fn make_room(&mut self, across: usize, down: usize) {
        (self.across, self.down) = (across.max(1), down.max(1));
        self.fit();
    }

    /// Keeps the chosen clip among what was found, and on the screen.
    fn fit(&mut self) {
        self.at = self.at.min(self.hits.clips.len().saturating_sub(1));
        let row = self.at / self.across;
        let rows = self.hits.clips.len().div_ceil(self.across);
        let top = (self.top / self.across)
            .min(row)
            .max((row + 1).saturating_sub(self.down))
            .min(rows.saturating_sub(self.down));
        self.top = top * self.across;
    }

    /// How many values all facets have together.
    pub(super) fn facet_count(&self) -> usize {
        self.facets.iter().map(|facet| facet.values.len()).sum()
    }

    /// The values of all facets, as queries ask for them.
    fn facet_terms(&self) -> impl Iterator<Item = String> {
        self.facets.iter().flat_map(|facet| {
            let values = facet.values.iter();
            values.map(|counted| term(facet.asked, &counted.value))
        })
    }

    /// The chosen value, as a query asks for it.
    pub(super) fn facet_term(&self) -> Option<String> {
        self.facet_terms().nth(self.facet_at)
    }

    /// Takes over how many have which value; the chosen one stays chosen when it is still there.
    pub(super) fn counted(&mut self, facets: Vec<Facet>) {
        let chosen = self.facet_term();
        self.facets = facets;
        let place = chosen.and_then(|chosen| self.facet_terms().position(|term| term == chosen));
        let last = self.facet_count().saturating_sub(1);
        self.facet_at = place.unwrap_or(self.facet_at).min(last);
    }

    /// Whether the query holds a term already.
    pub(super) fn asks(&self, term: &str) -> bool {
        self.words().iter().any(|word| word == term)
    }

    /// Adds a term to the query, or takes it out where it is there already.
    pub(super) fn toggle_term(&mut self, term: &str) {
        let mut words = self.words();
        let before = words.len();
        words.retain(|word| word != term);
        if words.len() == before {
            words.push(term.to_owned());
        }
        self.query = Line::new(&words.join(" "));
    }

    /// Says what happened.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.status = Status {
            text: text.into(),
            hint: None,
        };
    }

    /// Says what went wrong, and what to do about it.
    pub(super) fn complain(&mut self, error: &crate::error::Error) {
        self.status = Status {
            text: format!("error: {error}"),
            hint: error.hint().map(|hint| hint.replace('\n', " ")),
        };
    }

    /// Says what was taken back.
    pub(super) fn say_undone(&mut self, undone: &[Edit]) {
        match undone {
            [] => self.say("it did not count any more"),
            [edit] => self.say(format!("taken back: {}", edit.content.action)),
            [edit, rest @ ..] => {
                let more = rest.len();
                self.say(format!(
                    "taken back: {}, and {more} more",
                    edit.content.action
                ));
            }
        }
    }
}

/// The words of a command line as one line: a shell took the quotes away, so a value that holds
/// blanks gets some.
pub(super) fn line_of(words: &[String]) -> String {
    let quoted = words.iter().map(|word| match word.split_once(':') {
        Some((name, value))
            if value.contains(char::is_whitespace)
                && !word.contains('"')
                && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_') =>
        {
            format!("{name}:\"{value}\"")
        }
        _ => word.clone(),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// `tag:"ad shoot"`.
pub(super) fn term(name: &str, value: &str) -> String {
    let value = value.replace('"', " ");
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        format!("{name}:{value}")
    } else {
        format!("{name}:\"{value}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(count: i64) -> State {
        let mut state = State::new("");
        let clips: Vec<i64> = (1..=count).collect();
        let total = clips.len();
        state.make_room(1, 10);
        state.found(Hits { total, clips }, false);
        state
    }

    #[test]
    fn the_chosen_clip_stays_on_the_screen() {
        let mut state = found(100);
        state.step(9);
        assert_eq!((state.at, state.top), (9, 0));
        state.step(1);
        assert_eq!((state.at, state.top), (10, 1));
        state.step(-10);
        assert_eq!((state.at, state.top), (0, 0));
        state.step(-1);
        assert_eq!(state.at, 0);
        state.choose(usize::MAX);
        assert_eq!((state.at, state.top, state.visible().len()), (99, 90, 10));
        state.make_room(1, 20);
        assert_eq!((state.top, state.visible().len()), (80, 20));
        state.make_room(3, 4);
        assert_eq!((state.at, state.top), (99, 90));
        state.make_room(1, 0);
        assert_eq!(state.visible(), [100]);
        assert!(found(0).visible().is_empty() && found(0).chosen().is_none());
    }

    #[test]
    fn the_chosen_value_stays_chosen_wherever_it_stands() {
        let facet = |name, values: &[&str]| {
            let values = values.iter().map(|value| Counted {
                value: (*value).to_owned(),
                count: 1,
            });
            Facet {
                name,
                asked: name,
                values: values.collect(),
            }
        };
        let mut state = found(1);
        state.counted(vec![
            facet("tag", &["a", "b", "c"]),
            facet("camera", &["a", "b"]),
        ]);
        state.facet_at = 4;
        assert_eq!(state.facet_term().unwrap(), "camera:b");
        state.counted(vec![facet("tag", &["c"]), facet("camera", &["b"])]);
        assert_eq!(state.facet_at, 1);
        state.counted(vec![facet("tag", &["c"])]);
        assert_eq!(state.facet_at, 0);
    }

    #[test]
    fn the_same_query_asked_again_keeps_the_chosen_clip() {
        let mut state = found(10);
        state.choose(4);
        let clips = vec![9, 5, 1];
        state.found(Hits { total: 3, clips }, true);
        assert_eq!(state.chosen(), Some(5));
        let clips = vec![7, 8];
        state.found(Hits { total: 2, clips }, true);
        assert_eq!(state.chosen(), Some(8));
        let clips = vec![1, 7, 8];
        state.found(Hits { total: 3, clips }, false);
        assert_eq!(state.chosen(), Some(1));
    }

    #[test]
    fn words_are_cut_at_blanks_but_not_inside_quotes() {
        let state = State::new(r#"  camera:fx3 tag:"ad  shoot"  "drummer laughing" x"#);
        let expected = [
            "camera:fx3",
            r#"tag:"ad  shoot""#,
            r#""drummer laughing""#,
            "x",
        ];
        assert_eq!(state.words(), expected);
        assert_eq!(split_unquoted("a \"b c"), ["a", "\"b c"]);
        let typed = [
            "tag:ad shoot",
            "drummer laughing",
            "12:30 x",
            "path:\"a b\"",
        ];
        let expected = r#"tag:"ad shoot" drummer laughing 12:30 x path:"a b""#;
        assert_eq!(line_of(&typed.map(str::to_owned)), expected);
    }

    #[test]
    fn only_a_word_that_is_being_typed_is_the_beginning_of_one() {
        for (text, begun) in [
            ("camera:fx3 drumm", Some("camera:fx3 drumm*")),
            ("drumm ", None),
            ("d", None),
            ("a OR", None),
            ("tag:dru", None),
            ("\"drumm", None),
            ("drumm*", None),
            ("", None),
        ] {
            assert_eq!(State::new(text).begun().as_deref(), begun, "{text}");
        }
    }

    #[test]
    fn a_facet_goes_into_the_query_and_out_again() {
        let mut state = State::new("drummer");
        state.facets = vec![Facet {
            name: "tag",
            asked: "tag",
            values: ["interview", "ad shoot"]
                .map(|value| Counted {
                    value: value.to_owned(),
                    count: 1,
                })
                .to_vec(),
        }];
        state.facet_at = 1;
        let term = state.facet_term().unwrap();
        state.toggle_term(&term);
        assert_eq!(state.query.text(), r#"drummer tag:"ad shoot""#);
        assert!(state.asks(&term));
        state.toggle_term(&term);
        assert_eq!(state.query.text(), "drummer");
        state.facet_at = 2;
        assert_eq!(state.facet_term(), None);
    }
}
