//! Key bindings. Most keys change only the state. For actions that need the catalogue, the terminal
//! or the desktop, a [`Command`] is returned.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::line_editor::LineEditor;
use super::state::{Focus, InputKind, Overlay, ScreenState};
use crate::clip::Action;
use crate::value::{Malformed, Selection, parse_tag};

/// Action that the event loop has to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// Quit.
    Quit,
    /// Search, because the query changed.
    Search,
    /// Fetch all results, to show the last ones.
    All,
    /// Apply these edits to the current clip.
    Edit(Vec<Action>),
    /// Undo the last command.
    Undo,
    /// Show all metadata of the current clip.
    Details,
    /// Open the current clip in its player.
    Open,
    /// Show the current clip in the file manager.
    Reveal,
    /// Redraw the screen on terminals where pictures persist until it is cleared.
    Redraw,
    /// Clear and redraw the screen.
    Clear,
}

/// Keys and their descriptions, for the help overlay.
pub(super) const HELP: &[(&str, &str)] = &[
    ("/", "edit the query; results update as you type"),
    ("Tab", "switch between search box, facets and clips"),
    ("arrows, j k", "move; PgUp PgDn Home End jump"),
    (
        "Enter",
        "show a clip; add a facet to the query or remove it",
    ),
    ("space", "select or deselect"),
    ("x", "reject, or undo the rejection"),
    ("0 to 5", "rate with stars"),
    ("t", "edit tags: a,b adds, -a removes, Tab completes"),
    ("n", "add a note"),
    ("u", "undo your last edit on this screen"),
    ("o", "open in the player"),
    ("r", "reveal in the file manager"),
    ("g", "toggle poster grid and list"),
    ("Ctrl-L", "redraw the screen"),
    ("q, Esc, Ctrl-C", "quit; Esc first closes an open panel"),
];

/// Handles a key press.
pub(super) fn pressed(state: &mut ScreenState, key: KeyEvent) -> Option<Command> {
    let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if has_control => return Some(Command::Quit),
        KeyCode::Char('l') if has_control => return Some(Command::Clear),
        KeyCode::Char(_) if key.modifiers.contains(KeyModifiers::ALT) => return None,
        // Text fields use some Ctrl combinations. Elsewhere, a letter with Ctrl must not act like
        // the letter alone.
        KeyCode::Char(_) if has_control && !state.is_typing() => return None,
        _ => {}
    }
    match (&mut state.overlay, state.focus) {
        (Some(Overlay::Input(..)), _) => typing(state, key, has_control),
        (Some(Overlay::Help), _) => {
            state.overlay = None;
            Some(Command::Redraw)
        }
        (Some(Overlay::Details { .. }), _) => details(state, key),
        (None, Focus::Search) => search(state, key, has_control),
        (None, Focus::Facets) => facets(state, key),
        (None, Focus::Clips) => clips(state, key),
    }
}

/// Handles pasted text.
pub(super) fn pasted(state: &mut ScreenState, text: &str) -> Option<Command> {
    match &mut state.overlay {
        Some(Overlay::Input(_, line)) => line.insert(text),
        Some(_) => {}
        None => {
            state.focus = Focus::Search;
            state.query.insert(text);
            return Some(Command::Search);
        }
    }
    None
}

/// Applies an editing key to the line. Returns false if it is not an editing key.
fn edit(line: &mut LineEditor, key: KeyEvent, has_control: bool) -> bool {
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

fn search(state: &mut ScreenState, key: KeyEvent, has_control: bool) -> Option<Command> {
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
            return (before != state.query.text()).then_some(Command::Search);
        }
    }
    None
}

fn facets(state: &mut ScreenState, key: KeyEvent) -> Option<Command> {
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
            return Some(Command::Search);
        }
        KeyCode::Tab | KeyCode::Right | KeyCode::Esc => state.focus = Focus::Clips,
        KeyCode::BackTab | KeyCode::Char('/') => state.focus = Focus::Search,
        KeyCode::Char('?') => state.overlay = Some(Overlay::Help),
        KeyCode::Char('q') => return Some(Command::Quit),
        _ => {}
    }
    None
}

fn clips(state: &mut ScreenState, key: KeyEvent) -> Option<Command> {
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
            return (state.hits.clips.len() < state.hits.total).then_some(Command::All);
        }
        KeyCode::Enter => return state.chosen().map(|_| Command::Details),
        KeyCode::Char('g') => {
            state.is_grid ^= true;
            return Some(Command::Redraw);
        }
        KeyCode::Char('?') => state.overlay = Some(Overlay::Help),
        KeyCode::Char('q') | KeyCode::Esc => return Some(Command::Quit),
        _ => return clip_command(state, key),
    }
    None
}

/// Handles keys that act on the current clip, in the list and in its details.
fn clip_command(state: &mut ScreenState, key: KeyEvent) -> Option<Command> {
    let selection = state
        .chosen_clip()
        .and_then(|clip| clip.selection.as_ref().map(|fact| fact.value));
    let toggled = |target| Action::Select((selection != Some(target)).then_some(target));
    let KeyCode::Char(c) = key.code else {
        return None;
    };
    let command = match c {
        ' ' => Command::Edit(vec![toggled(Selection::Selected)]),
        'x' => Command::Edit(vec![toggled(Selection::Rejected)]),
        '0'..='5' => Command::Edit(vec![Action::Stars(c as u8 - b'0')]),
        'o' => Command::Open,
        'r' => Command::Reveal,
        'u' => return Some(Command::Undo),
        't' | 'n' => {
            state.chosen()?;
            let topic = if c == 't' {
                InputKind::Tags
            } else {
                InputKind::Note
            };
            state.overlay = Some(Overlay::Input(topic, LineEditor::default()));
            return None;
        }
        // A letter without a command starts a search word.
        c if state.overlay.is_none() && c.is_alphanumeric() => {
            state.focus = Focus::Search;
            state.query.end();
            if !state.query.text().is_empty() {
                state.query.insert(" ");
            }
            state.query.insert(c.encode_utf8(&mut [0; 4]));
            return Some(Command::Search);
        }
        _ => return None,
    };
    state.chosen().map(|_| command)
}

fn details(state: &mut ScreenState, key: KeyEvent) -> Option<Command> {
    let page = state.page;
    let Some(Overlay::Details { lines, top }) = &mut state.overlay else {
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
            state.overlay = None;
            return Some(Command::Redraw);
        }
        _ => return clip_command(state, key),
    }
    None
}

fn typing(state: &mut ScreenState, key: KeyEvent, has_control: bool) -> Option<Command> {
    let Some(Overlay::Input(topic, line)) = &mut state.overlay else {
        return None;
    };
    match key.code {
        KeyCode::Esc => state.overlay = None,
        KeyCode::Enter => {
            let actions = match topic {
                InputKind::Tags => tags(line.text()),
                InputKind::Note => Ok(vec![Action::Note(line.text().trim().to_owned())]),
            };
            if line.text().trim().is_empty() {
                state.overlay = None;
                return None;
            }
            match actions {
                Ok(actions) => {
                    state.overlay = None;
                    return Some(Command::Edit(actions));
                }
                Err(wrong) => state.show_error(&wrong.into()),
            }
        }
        KeyCode::Tab if *topic == InputKind::Tags => {
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

/// Returns the rest of the last, incomplete tag if a known tag starts with it.
fn completed<'a>(text: &str, mut known: impl Iterator<Item = &'a str>) -> Option<String> {
    let begun = text.rsplit(',').next()?.trim_start();
    let begun = begun.strip_prefix('-').unwrap_or(begun).to_lowercase();
    let tag = known.find(|tag| !begun.is_empty() && tag.starts_with(&begun))?;
    Some(tag[begun.len()..].to_owned())
}

/// Parses `interview, -b-roll` into tags to add and to remove.
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

fn page(state: &ScreenState) -> isize {
    isize::try_from(state.down.max(2) - 1).unwrap_or(1) * isize::try_from(state.across).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Clip, Fact, Source};
    use crate::index::Hits;

    fn state() -> ScreenState {
        let mut state = ScreenState::new("drummer");
        state.set_capacity(1, 5);
        let clips = vec![1, 2, 3, 4, 5, 6, 7, 8];
        state.set_hits(Hits { total: 20, clips }, false);
        state
    }

    fn press(state: &mut ScreenState, keys: &str) -> Vec<Command> {
        let mut commands = Vec::new();
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
            commands.extend(pressed(state, KeyEvent::new(code, modifiers)));
        }
        commands
    }

    #[test]
    fn a_screen_without_a_query_starts_in_the_search_box() {
        let mut state = ScreenState::new("");
        assert_eq!(press(&mut state, "dq"), [Command::Search, Command::Search]);
        assert_eq!(state.query.text(), "dq");
        assert_eq!(
            press(&mut state, "\x08\nq"),
            [Command::Search, Command::Quit]
        );
        assert_eq!(press(&mut ScreenState::new(""), "\x03"), [Command::Quit]);
    }

    #[test]
    fn edits_apply_to_the_current_clip() {
        let mut state = state();
        let selected = Clip {
            selection: Some(Fact::new(Selection::Selected, Source::DISK)),
            ..Clip::default()
        };
        state.clips.insert(1, Some(selected));
        let select = |it| Command::Edit(vec![Action::Select(it)]);
        assert_eq!(
            press(&mut state, " xj 3u"),
            [
                select(None),
                select(Some(Selection::Rejected)),
                select(Some(Selection::Selected)),
                Command::Edit(vec![Action::Stars(3)]),
                Command::Undo
            ]
        );
        assert_eq!(state.at, 1);
        assert_eq!(press(&mut ScreenState::new("x"), " x3orn\n"), []);
    }

    #[test]
    fn tags_and_notes_can_be_typed() {
        let mut state = state();
        assert_eq!(
            press(&mut state, "tAd Shoot, -b-roll,\nnlaughs!\n"),
            [
                Command::Edit(vec![
                    Action::AddTag("ad-shoot".to_owned()),
                    Action::RemoveTag("b-roll".to_owned())
                ]),
                Command::Edit(vec![Action::Note("laughs!".to_owned())]),
            ]
        );
        assert_eq!(press(&mut state, "tx\x1bt\nn  \n"), []);
        assert_eq!(state.overlay, None);
        assert_eq!(press(&mut state, "t-\n"), []);
        assert!(
            state.status.text.starts_with("error: "),
            "{:?}",
            state.status
        );
        assert!(matches!(state.overlay, Some(Overlay::Input(..))));
    }

    #[test]
    fn completes_known_tags() {
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
        assert_eq!(press(&mut state, "$"), [Command::All]);
        assert_eq!(press(&mut state, "dx"), [Command::Search, Command::Search]);
        assert_eq!(state.query.text(), "drummer dx");
    }

    #[test]
    fn esc_closes_an_open_panel_before_it_quits() {
        let mut state = state();
        state.overlay = Some(Overlay::Details {
            lines: vec!["a".to_owned(); 50],
            top: 0,
        });
        assert_eq!(
            press(&mut state, "jj3"),
            [Command::Edit(vec![Action::Stars(3)])]
        );
        assert!(matches!(
            state.overlay,
            Some(Overlay::Details { top: 2, .. })
        ));
        assert_eq!(press(&mut state, "\x1b"), [Command::Redraw]);
        assert_eq!(press(&mut state, "?\x1b"), [Command::Redraw]);
        assert_eq!(press(&mut state, "\t\x1b"), []);
        assert_eq!(press(&mut state, "\x1b"), [Command::Quit]);
    }

    #[test]
    fn pasted_text_runs_no_commands() {
        let mut state = state();
        assert_eq!(pasted(&mut state, "x 3\nq"), Some(Command::Search));
        assert_eq!(state.query.text(), "drummerx 3 q");
        state.overlay = Some(Overlay::Help);
        assert_eq!(pasted(&mut state, "x"), None);
    }
}
