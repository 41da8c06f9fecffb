//! What keys do: most change the state alone; what needs the catalogue or the desktop is a wish.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::line_editor::Line;
use super::state::{Focus, Front, State, Topic};
use crate::clip::Action;
use crate::value::{Malformed, Selection, parse_tag};

/// What the state alone cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// Leave the screen.
    Leave,
    /// The query was changed: search.
    Search,
    /// Fetch everything that was found: the end of it is wanted.
    All,
    /// Say this of the chosen clip.
    Say(Vec<Action>),
    /// Take back what was said last.
    Undo,
    /// Show everything known of the chosen clip.
    Details,
    /// Open the chosen clip's file.
    Open,
    /// Show it in the file manager.
    Reveal,
    /// Draw everything anew, on a terminal where pictures stay until then.
    Redraw,
    /// Draw everything anew.
    Clear,
}

/// Every key with what it does, for the help and for whoever reads this.
pub(super) const HELP: &[(&str, &str)] = &[
    ("/", "type into the search box; results follow"),
    ("Tab", "search box, facets, clips"),
    ("arrows, j k", "move; PgUp PgDn Home End go further"),
    (
        "Enter",
        "details of a clip; add a facet to the query, or remove it",
    ),
    ("space", "select, or no longer"),
    ("x", "reject, or no longer"),
    ("0 to 5", "give stars"),
    ("t", "tags, with commas; -tag removes one, Tab completes"),
    ("n", "write a note"),
    ("u", "undo what you did last here"),
    ("o", "open in the player"),
    ("r", "reveal in the file manager"),
    ("g", "posters side by side, or the list"),
    ("Ctrl-L", "draw everything anew"),
    ("q, Esc, Ctrl-C", "leave; Esc closes first what is open"),
];

/// A key was pressed.
pub(super) fn pressed(state: &mut State, key: KeyEvent) -> Option<Wish> {
    let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if has_control => return Some(Wish::Leave),
        KeyCode::Char('l') if has_control => return Some(Wish::Clear),
        KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::ALT) => return None,
        // What is typed knows some; elsewhere a letter with Ctrl is not that letter.
        KeyCode::Char(_) if has_control && !state.is_typing() => return None,
        _ => {}
    }
    match (&mut state.front, state.focus) {
        (Some(Front::Typing(..)), _) => typing(state, key, has_control),
        (Some(Front::Help), _) => {
            state.front = None;
            Some(Wish::Redraw)
        }
        (Some(Front::Details { .. }), _) => details(state, key),
        (None, Focus::Search) => search(state, key, has_control),
        (None, Focus::Facets) => facets(state, key),
        (None, Focus::Clips) => clips(state, key),
    }
}

/// Text was pasted.
pub(super) fn pasted(state: &mut State, text: &str) -> Option<Wish> {
    match &mut state.front {
        Some(Front::Typing(_, line)) => line.insert(text),
        Some(_) => {}
        None => {
            state.focus = Focus::Search;
            state.query.insert(text);
            return Some(Wish::Search);
        }
    }
    None
}

/// Changes a line; whether the key was one for that.
fn edit(line: &mut Line, key: KeyEvent, has_control: bool) -> bool {
    match key.code {
        KeyCode::Char('u') if has_control => line.clear(),
        KeyCode::Char('w') if has_control => line.delete_word(),
        KeyCode::Char('a') if has_control => line.home(),
        KeyCode::Char('e') if has_control => line.end(),
        KeyCode::Char(_) if has_control => return false,
        KeyCode::Char(c) => line.insert(c.encode_utf8(&mut [0; 4])),
        KeyCode::Backspace => line.delete_before(),
        KeyCode::Delete => line.delete(),
        KeyCode::Left => line.left(),
        KeyCode::Right => line.right(),
        KeyCode::Home => line.home(),
        KeyCode::End => line.end(),
        _ => return false,
    }
    true
}

fn search(state: &mut State, key: KeyEvent, has_control: bool) -> Option<Wish> {
    match key.code {
        KeyCode::Tab => state.focus = Focus::Facets,
        KeyCode::Enter | KeyCode::Down | KeyCode::Esc | KeyCode::BackTab => {
            state.focus = Focus::Clips;
        }
        KeyCode::PageDown => state.step(page(state)),
        KeyCode::PageUp => state.step(-page(state)),
        _ => {
            let before = state.query.text().to_owned();
            edit(&mut state.query, key, has_control);
            return (before != state.query.text()).then_some(Wish::Search);
        }
    }
    None
}

fn facets(state: &mut State, key: KeyEvent) -> Option<Wish> {
    let last = state.facet_count().saturating_sub(1);
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => state.facet_at = state.facet_at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => state.facet_at = (state.facet_at + 1).min(last),
        KeyCode::PageUp => state.facet_at = state.facet_at.saturating_sub(10),
        KeyCode::PageDown => state.facet_at = (state.facet_at + 10).min(last),
        KeyCode::Home => state.facet_at = 0,
        KeyCode::End => state.facet_at = last,
        KeyCode::Enter | KeyCode::Char(' ') => {
            let term = state.facet_term()?;
            state.toggle_term(&term);
            return Some(Wish::Search);
        }
        KeyCode::Tab | KeyCode::Right | KeyCode::Esc => state.focus = Focus::Clips,
        KeyCode::BackTab | KeyCode::Char('/') => state.focus = Focus::Search,
        KeyCode::Char('?') => state.front = Some(Front::Help),
        KeyCode::Char('q') => return Some(Wish::Leave),
        _ => {}
    }
    None
}

fn clips(state: &mut State, key: KeyEvent) -> Option<Wish> {
    let row = isize::try_from(state.across).unwrap_or(1);
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => state.step(-row),
        KeyCode::Down | KeyCode::Char('j') => state.step(row),
        KeyCode::Left if state.is_grid => state.step(-1),
        KeyCode::Right if state.is_grid => state.step(1),
        KeyCode::Left | KeyCode::BackTab => state.focus = Focus::Facets,
        KeyCode::Tab | KeyCode::Char('/') => state.focus = Focus::Search,
        KeyCode::PageUp => state.step(-page(state)),
        KeyCode::PageDown => state.step(page(state)),
        KeyCode::Home => state.choose(0),
        KeyCode::End => {
            state.choose(usize::MAX);
            return (state.hits.clips.len() < state.hits.total).then_some(Wish::All);
        }
        KeyCode::Enter => return state.chosen().map(|_| Wish::Details),
        KeyCode::Char('g') => {
            state.is_grid ^= true;
            return Some(Wish::Redraw);
        }
        KeyCode::Char('?') => state.front = Some(Front::Help),
        KeyCode::Char('q') | KeyCode::Esc => return Some(Wish::Leave),
        _ => return about_the_clip(state, key),
    }
    None
}

/// Keys that do something with the chosen clip, in the list and in its details.
fn about_the_clip(state: &mut State, key: KeyEvent) -> Option<Wish> {
    let selection = state
        .chosen_clip()
        .and_then(|clip| clip.selection.as_ref().map(|fact| fact.value));
    let toggled = |wanted| Action::Select((selection != Some(wanted)).then_some(wanted));
    let KeyCode::Char(c) = key.code else {
        return None;
    };
    let wish = match c {
        ' ' => Wish::Say(vec![toggled(Selection::Selected)]),
        'x' => Wish::Say(vec![toggled(Selection::Rejected)]),
        '0'..='5' => Wish::Say(vec![Action::Stars(c as u8 - b'0')]),
        'o' => Wish::Open,
        'r' => Wish::Reveal,
        'u' => return Some(Wish::Undo),
        't' | 'n' => {
            state.chosen()?;
            let topic = if c == 't' { Topic::Tags } else { Topic::Note };
            state.front = Some(Front::Typing(topic, Line::default()));
            return None;
        }
        // No command: a word that is searched for.
        c if state.front.is_none() && c.is_alphanumeric() => {
            state.focus = Focus::Search;
            state.query.end();
            if !state.query.text().is_empty() {
                state.query.insert(" ");
            }
            state.query.insert(c.encode_utf8(&mut [0; 4]));
            return Some(Wish::Search);
        }
        _ => return None,
    };
    state.chosen().map(|_| wish)
}

fn details(state: &mut State, key: KeyEvent) -> Option<Wish> {
    let page = state.page;
    let Some(Front::Details { lines, top }) = &mut state.front else {
        return None;
    };
    let last = lines.len().saturating_sub(page);
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => *top = top.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => *top = (*top + 1).min(last),
        KeyCode::PageUp => *top = top.saturating_sub(page),
        KeyCode::PageDown => *top = (*top + page).min(last),
        KeyCode::Home => *top = 0,
        KeyCode::End => *top = last,
        KeyCode::Enter | KeyCode::Esc | KeyCode::Char('q') => {
            state.front = None;
            return Some(Wish::Redraw);
        }
        _ => return about_the_clip(state, key),
    }
    None
}

fn typing(state: &mut State, key: KeyEvent, has_control: bool) -> Option<Wish> {
    let Some(Front::Typing(topic, line)) = &mut state.front else {
        return None;
    };
    match key.code {
        KeyCode::Esc => state.front = None,
        KeyCode::Enter => {
            let actions = match topic {
                Topic::Tags => tags(line.text()),
                Topic::Note => Ok(vec![Action::Note(line.text().trim().to_owned())]),
            };
            if line.text().trim().is_empty() {
                state.front = None;
                return None;
            }
            match actions {
                Ok(actions) => {
                    state.front = None;
                    return Some(Wish::Say(actions));
                }
                Err(wrong) => state.complain(&wrong.into()),
            }
        }
        KeyCode::Tab if *topic == Topic::Tags => {
            let known = state.facets.iter().filter(|facet| facet.name == "tag");
            let known = known.flat_map(|facet| &facet.values);
            if let Some(rest) = completed(line.text(), known.map(|it| it.value.as_str())) {
                line.end();
                line.insert(&rest);
            }
        }
        _ => {
            edit(line, key, has_control);
        }
    }
    None
}

/// What is missing of the last tag that is typed, should it be one that is known.
fn completed<'a>(text: &str, mut known: impl Iterator<Item = &'a str>) -> Option<String> {
    let begun = text.rsplit(',').next()?.trim_start();
    let begun = begun.strip_prefix('-').unwrap_or(begun).to_lowercase();
    let tag = known.find(|tag| !begun.is_empty() && tag.starts_with(&begun))?;
    Some(tag[begun.len()..].to_owned())
}

/// `interview, -b-roll`: tags that are added, and some that are removed.
fn tags(text: &str) -> Result<Vec<Action>, Malformed> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| match part.strip_prefix('-') {
            Some(tag) => parse_tag(tag).map(Action::RemoveTag),
            None => parse_tag(part).map(Action::AddTag),
        })
        .collect()
}

fn page(state: &State) -> isize {
    isize::try_from(state.down.max(2) - 1).unwrap_or(1) * isize::try_from(state.across).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Clip, Fact, Source};
    use crate::index::Hits;

    fn state() -> State {
        let mut state = State::new("drummer");
        state.make_room(1, 5);
        let clips = vec![1, 2, 3, 4, 5, 6, 7, 8];
        state.found(Hits { total: 20, clips }, false);
        state
    }

    fn press(state: &mut State, keys: &str) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for c in keys.chars() {
            let (code, modifiers) = match c {
                '\n' => (KeyCode::Enter, KeyModifiers::NONE),
                '\t' => (KeyCode::Tab, KeyModifiers::NONE),
                '\x1b' => (KeyCode::Esc, KeyModifiers::NONE),
                '\x08' => (KeyCode::Backspace, KeyModifiers::NONE),
                '\x03' => (KeyCode::Char('c'), KeyModifiers::CONTROL),
                '$' => (KeyCode::End, KeyModifiers::NONE),
                c => (KeyCode::Char(c), KeyModifiers::NONE),
            };
            wishes.extend(pressed(state, KeyEvent::new(code, modifiers)));
        }
        wishes
    }

    #[test]
    fn a_screen_without_a_query_begins_in_the_search_box() {
        let mut state = State::new("");
        assert_eq!(press(&mut state, "dq"), [Wish::Search, Wish::Search]);
        assert_eq!(state.query.text(), "dq");
        assert_eq!(press(&mut state, "\x08\nq"), [Wish::Search, Wish::Leave]);
        assert_eq!(press(&mut State::new(""), "\x03"), [Wish::Leave]);
    }

    #[test]
    fn what_is_said_is_said_of_the_chosen_clip() {
        let mut state = state();
        let selected = Clip {
            selection: Some(Fact::new(Selection::Selected, Source::DISK)),
            ..Clip::default()
        };
        state.clips.insert(1, Some(selected));
        let select = |it| Wish::Say(vec![Action::Select(it)]);
        assert_eq!(
            press(&mut state, " xj 3u"),
            [
                select(None),
                select(Some(Selection::Rejected)),
                select(Some(Selection::Selected)),
                Wish::Say(vec![Action::Stars(3)]),
                Wish::Undo
            ]
        );
        assert_eq!(state.at, 1);
        assert_eq!(press(&mut State::new("x"), " x3orn\n"), []);
    }

    #[test]
    fn tags_and_notes_are_typed() {
        let mut state = state();
        assert_eq!(
            press(&mut state, "tAd Shoot, -b-roll,\nnlaughs!\n"),
            [
                Wish::Say(vec![
                    Action::AddTag("ad-shoot".to_owned()),
                    Action::RemoveTag("b-roll".to_owned())
                ]),
                Wish::Say(vec![Action::Note("laughs!".to_owned())]),
            ]
        );
        assert_eq!(press(&mut state, "tx\x1bt\nn  \n"), []);
        assert_eq!(state.front, None);
        assert_eq!(press(&mut state, "t-\n"), []);
        assert!(
            state.status.text.starts_with("error: "),
            "{:?}",
            state.status
        );
        assert!(matches!(state.front, Some(Front::Typing(..))));
    }

    #[test]
    fn tags_that_are_known_are_completed() {
        let known = ["interview", "ad-shoot"];
        for (typed, rest) in [
            ("int", Some("erview")),
            ("b-roll, -AD-S", Some("hoot")),
            ("interview", Some("")),
            ("b-roll,", None),
            ("x", None),
        ] {
            assert_eq!(
                completed(typed, known.into_iter()).as_deref(),
                rest,
                "{typed}"
            );
        }
    }

    #[test]
    fn the_end_of_a_long_list_is_fetched_and_unbound_letters_search() {
        let mut state = state();
        assert_eq!(press(&mut state, "$"), [Wish::All]);
        assert_eq!(press(&mut state, "dx"), [Wish::Search, Wish::Search]);
        assert_eq!(state.query.text(), "drummer dx");
    }

    #[test]
    fn esc_closes_what_is_open_first() {
        let mut state = state();
        state.front = Some(Front::Details {
            lines: vec!["a".to_owned(); 50],
            top: 0,
        });
        assert_eq!(
            press(&mut state, "jj3"),
            [Wish::Say(vec![Action::Stars(3)])]
        );
        assert!(matches!(state.front, Some(Front::Details { top: 2, .. })));
        assert_eq!(press(&mut state, "\x1b"), [Wish::Redraw]);
        assert_eq!(press(&mut state, "?\x1b"), [Wish::Redraw]);
        assert_eq!(press(&mut state, "\t\x1b"), []);
        assert_eq!(press(&mut state, "\x1b"), [Wish::Leave]);
    }

    #[test]
    fn pasted_text_gives_no_commands() {
        let mut state = state();
        assert_eq!(pasted(&mut state, "x 3\nq"), Some(Wish::Search));
        assert_eq!(state.query.text(), "drummerx 3 q");
        state.front = Some(Front::Help);
        assert_eq!(pasted(&mut state, "x"), None);
    }
}
