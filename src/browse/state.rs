//! State of the screen: query, results, current clip, open panel. Independent of the terminal and
//! the catalogue.

use std::collections::HashMap;

use super::line_editor::LineEditor;
use crate::clip::{Clip, Edit, EditId};
use crate::index::Hits;
use crate::query::split_unquoted;

/// Maximum number of values shown per facet.
pub(super) const VALUES: usize = 30;

/// Part of the screen that receives keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Search,
    Facets,
    Clips,
}

/// Panel in front of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Overlay {
    /// List of keys.
    Help,
    /// All metadata of the current clip, scrolled to line `top`.
    Details { lines: Vec<String>, top: usize },
    /// Input line for the current clip.
    Input(InputKind, LineEditor),
}

/// Kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputKind {
    Tags,
    Note,
}

/// Message in the bottom line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Status {
    pub(super) text: String,
    pub(super) hint: Option<String>,
}

/// Value of a facet and its number of matching clips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FacetValue {
    pub(super) value: String,
    pub(super) count: usize,
}

/// Number of matching clips for each value of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FacetCounts {
    pub(super) name: &'static str,
    /// Query field that selects a value.
    pub(super) field: &'static str,
    pub(super) values: Vec<FacetValue>,
}

/// State of the screen.
#[derive(Debug)]
pub(super) struct ScreenState {
    pub(super) query: LineEditor,
    pub(super) focus: Focus,
    pub(super) overlay: Option<Overlay>,
    /// Results; kept while the query is invalid.
    pub(super) hits: Hits,
    /// Index of the current clip in the results.
    pub(super) at: usize,
    /// Index of the first visible clip.
    pub(super) top: usize,
    pub(super) facets: Vec<FacetCounts>,
    /// Index of the current value among the values of all facets.
    pub(super) facet_at: usize,
    pub(super) status: Status,
    /// True for the poster grid, false for the list.
    pub(super) is_grid: bool,
    /// Number of clips per row; set by the layout.
    pub(super) across: usize,
    /// Number of rows; set by the layout.
    pub(super) down: usize,
    /// Height of an open panel in lines.
    pub(super) page: usize,
    /// Clips read so far; `None` for a clip that no longer exists.
    pub(super) clips: HashMap<i64, Option<Clip>>,
    /// Commands that can be undone, the latest last.
    pub(super) done: Vec<EditId>,
    /// True until there is an index to search.
    pub(super) is_waiting: bool,
}

impl ScreenState {
    /// Creates the state for an initial query.
    pub(super) fn new(query: &str) -> Self {
        Self {
            query: LineEditor::new(query),
            focus: if query.is_empty() {
                Focus::Search
            } else {
                Focus::Clips
            },
            overlay: None,
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

    /// Returns true if keys go to a text field.
    pub(super) fn is_typing(&self) -> bool {
        match &self.overlay {
            Some(front) => matches!(front, Overlay::Input(..)),
            None => self.focus == Focus::Search,
        }
    }

    /// Splits the query into words, including their quotes.
    fn words(&self) -> Vec<String> {
        split_unquoted(self.query.text())
    }

    /// Returns the query with its last word as a prefix search; `None` if the last word is not a
    /// plain, incomplete word.
    pub(super) fn as_prefix_search(&self) -> Option<String> {
        let text = self.query.text();
        let word = self.words().pop().filter(|word| text.ends_with(word))?;
        let is_word = word.chars().all(char::is_alphanumeric) && word.chars().count() > 1;
        let is_operator = matches!(word.as_str(), "OR" | "AND" | "NOT");
        (is_word && !is_operator).then(|| format!("{text}*"))
    }

    /// Returns the row id of the current clip.
    pub(super) fn chosen(&self) -> Option<i64> {
        self.hits.clips.get(self.at).copied()
    }

    /// Returns the current clip, if it was read.
    pub(super) fn chosen_clip(&self) -> Option<&Clip> {
        self.clip(self.chosen()?)
    }

    /// Returns a clip that was read.
    pub(super) fn clip(&self, number: i64) -> Option<&Clip> {
        self.clips.get(&number)?.as_ref()
    }

    /// Returns the row ids of the visible clips.
    pub(super) fn visible(&self) -> &[i64] {
        let end = self
            .hits
            .clips
            .len()
            .min(self.top + self.across * self.down);
        self.hits.clips.get(self.top..end).unwrap_or_default()
    }

    /// Replaces the results. With the same query, the current clip stays current if it still
    /// matches.
    pub(super) fn set_hits(&mut self, hits: Hits, is_same_query: bool) {
        let chosen = self.chosen().filter(|_| is_same_query);
        self.hits = hits;
        let position = chosen.and_then(|clip| self.hits.clips.iter().position(|it| *it == clip));
        self.at = position.unwrap_or(if is_same_query { self.at } else { 0 });
        self.fit();
    }

    /// Makes the clip at this index the current one.
    pub(super) fn choose(&mut self, at: usize) {
        self.at = at;
        self.fit();
    }

    /// Moves the current position by `by` clips.
    pub(super) fn step(&mut self, by: isize) {
        self.choose(self.at.saturating_add_signed(by));
    }

    /// Sets the number of clips that fit on the screen.
    pub(super) fn set_capacity(&mut self, across: usize, down: usize) {
        (self.across, self.down) = (across.max(1), down.max(1));
        self.fit();
    }

    /// Keeps the current clip within the results and on the screen.
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

    /// Counts the values of all facets.
    pub(super) fn facet_count(&self) -> usize {
        self.facets.iter().map(|facet| facet.values.len()).sum()
    }

    /// Returns the values of all facets as query terms.
    fn facet_terms(&self) -> impl Iterator<Item = String> {
        self.facets.iter().flat_map(|facet| {
            let values = facet.values.iter();
            values.map(|counted| term(facet.field, &counted.value))
        })
    }

    /// Returns the current facet value as a query term.
    pub(super) fn facet_term(&self) -> Option<String> {
        self.facet_terms().nth(self.facet_at)
    }

    /// Replaces the facet counts; the current value stays current if it still exists.
    pub(super) fn set_facets(&mut self, facets: Vec<FacetCounts>) {
        let chosen = self.facet_term();
        self.facets = facets;
        let position = chosen.and_then(|chosen| self.facet_terms().position(|term| term == chosen));
        let last = self.facet_count().saturating_sub(1);
        self.facet_at = position.unwrap_or(self.facet_at).min(last);
    }

    /// Returns true if the query contains the term.
    pub(super) fn contains_term(&self, term: &str) -> bool {
        self.words().iter().any(|word| word == term)
    }

    /// Adds a term to the query, or removes it if it is already there.
    pub(super) fn toggle_term(&mut self, term: &str) {
        let mut words = self.words();
        let before = words.len();
        words.retain(|word| word != term);
        if words.len() == before {
            words.push(term.to_owned());
        }
        self.query = LineEditor::new(&words.join(" "));
    }

    /// Shows a message.
    pub(super) fn show_message(&mut self, text: impl Into<String>) {
        self.status = Status {
            text: text.into(),
            hint: None,
        };
    }

    /// Shows an error with its hint.
    pub(super) fn show_error(&mut self, error: &crate::error::Error) {
        self.status = Status {
            text: format!("error: {error}"),
            hint: error.hint().map(|hint| hint.replace('\n', " ")),
        };
    }

    /// Shows a message about undone edits.
    pub(super) fn show_undone(&mut self, undone: &[Edit]) {
        match undone {
            [] => self.show_message("nothing to undo: the edit was already undone"),
            [edit] => self.show_message(format!("undone: {}", edit.content.action)),
            [edit, rest @ ..] => {
                let more = rest.len();
                self.show_message(format!("undone: {} and {more} more", edit.content.action));
            }
        }
    }
}

/// Joins command-line words into one line. The shell removed the quotes, so values with spaces are
/// quoted again.
pub(super) fn join_words(words: &[String]) -> String {
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

/// Formats a query term, quoted if needed: `tag:"ad shoot"`.
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

    fn found(count: i64) -> ScreenState {
        let mut state = ScreenState::new("");
        let clips: Vec<i64> = (1..=count).collect();
        let total = clips.len();
        state.set_capacity(1, 10);
        state.set_hits(Hits { total, clips }, false);
        state
    }

    #[test]
    fn the_current_clip_stays_on_the_screen() {
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
        state.set_capacity(1, 20);
        assert_eq!((state.top, state.visible().len()), (80, 20));
        state.set_capacity(3, 4);
        assert_eq!((state.at, state.top), (99, 90));
        state.set_capacity(1, 0);
        assert_eq!(state.visible(), [100]);
        assert!(found(0).visible().is_empty() && found(0).chosen().is_none());
    }

    #[test]
    fn the_current_facet_value_stays_current_at_any_index() {
        let facet = |name, values: &[&str]| {
            let values = values.iter().map(|value| FacetValue {
                value: (*value).to_owned(),
                count: 1,
            });
            FacetCounts {
                name,
                field: name,
                values: values.collect(),
            }
        };
        let mut state = found(1);
        state.set_facets(vec![
            facet("tag", &["a", "b", "c"]),
            facet("camera", &["a", "b"]),
        ]);
        state.facet_at = 4;
        assert_eq!(state.facet_term().unwrap(), "camera:b");
        state.set_facets(vec![facet("tag", &["c"]), facet("camera", &["b"])]);
        assert_eq!(state.facet_at, 1);
        state.set_facets(vec![facet("tag", &["c"])]);
        assert_eq!(state.facet_at, 0);
    }

    #[test]
    fn repeating_a_query_keeps_the_current_clip() {
        let mut state = found(10);
        state.choose(4);
        let clips = vec![9, 5, 1];
        state.set_hits(Hits { total: 3, clips }, true);
        assert_eq!(state.chosen(), Some(5));
        let clips = vec![7, 8];
        state.set_hits(Hits { total: 2, clips }, true);
        assert_eq!(state.chosen(), Some(8));
        let clips = vec![1, 7, 8];
        state.set_hits(Hits { total: 3, clips }, false);
        assert_eq!(state.chosen(), Some(1));
    }

    #[test]
    fn words_are_split_at_spaces_outside_quotes() {
        let state = ScreenState::new(r#"  camera:fx3 tag:"ad  shoot"  "drummer laughing" x"#);
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
        assert_eq!(join_words(&typed.map(str::to_owned)), expected);
    }

    #[test]
    fn only_an_incomplete_plain_word_becomes_a_prefix_search() {
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
            assert_eq!(
                ScreenState::new(text).as_prefix_search().as_deref(),
                begun,
                "{text}"
            );
        }
    }

    #[test]
    fn a_facet_value_toggles_in_the_query() {
        let mut state = ScreenState::new("drummer");
        state.facets = vec![FacetCounts {
            name: "tag",
            field: "tag",
            values: ["interview", "ad shoot"]
                .map(|value| FacetValue {
                    value: value.to_owned(),
                    count: 1,
                })
                .to_vec(),
        }];
        state.facet_at = 1;
        let term = state.facet_term().unwrap();
        state.toggle_term(&term);
        assert_eq!(state.query.text(), r#"drummer tag:"ad shoot""#);
        assert!(state.contains_term(&term));
        state.toggle_term(&term);
        assert_eq!(state.query.text(), "drummer");
        state.facet_at = 2;
        assert_eq!(state.facet_term(), None);
    }
}
