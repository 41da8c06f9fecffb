//! What a terminal can draw. What it is called says little, over ssh less; so where its name is
//! not enough it is asked, and what it does not answer in time it cannot do.

use std::env;
use std::time::Duration;

use ratatui::crossterm::terminal;
use ratatui_image::FontSize;

/// A way to draw pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graphics {
    /// <https://sw.kovidgoyal.net/kitty/graphics-protocol>, with placeholders.
    Kitty,
    /// <https://iterm2.com/documentation-images.html>
    Iterm2,
    /// Sixel, as on the VT340.
    Sixel,
    /// Two coloured halves a character: everywhere.
    Blocks,
}

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// None are wanted: <https://no-color.org>.
    None,
    /// 256.
    Indexed,
    /// 24 bits.
    All,
}

/// A terminal's abilities.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// How pictures are drawn; `None`: not at all.
    pub graphics: Option<Graphics>,
    /// How many colours there are.
    pub colours: Colours,
    /// Pixels of one character.
    pub(super) cell: FontSize,
}

/// A terminal that answers at all answers within this, also from far away.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(1);
/// Pixels of a character where nobody knows: about the right shape.
const CELL: FontSize = FontSize::new(10, 20);
/// Says how pictures are drawn, whatever the terminal says.
const FORCED: &str = "BTSINDEX_POSTERS";

/// What the environment says.
#[derive(Debug, PartialEq, Eq)]
enum Guess {
    /// This, for certain.
    Known(Option<Graphics>),
    /// Blocks, unless the terminal knows better.
    Ask,
}

impl Screen {
    /// One that draws by half blocks.
    #[must_use]
    pub fn blocks(colours: Colours) -> Self {
        Self {
            graphics: Some(Graphics::Blocks),
            colours,
            cell: CELL,
        }
    }

    /// Looks what the terminal on standard input and output can draw; with what was typed
    /// meanwhile.
    #[must_use]
    pub fn ask() -> (Self, String) {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let colours = colours(&variable);
        let mut answer = Answer::default();
        let mut cell = cell_by_window();
        let graphics = match guess(&variable) {
            Guess::Known(Some(Graphics::Iterm2 | Graphics::Sixel)) | Guess::Ask
                if cfg!(windows) =>
            {
                Some(Graphics::Blocks)
            }
            Guess::Known(graphics @ (None | Some(Graphics::Kitty | Graphics::Blocks))) => graphics,
            guess => {
                answer = asked();
                cell = answer.cell.or(cell);
                match guess {
                    Guess::Known(graphics) => graphics,
                    Guess::Ask if answer.has_sixel => Some(Graphics::Sixel),
                    Guess::Ask => Some(Graphics::Blocks),
                }
            }
        };
        // Pixels cannot be placed without knowing how many make a character.
        let is_blind = cell.is_none()
            && variable(FORCED).is_none()
            && matches!(graphics, Some(Graphics::Iterm2 | Graphics::Sixel));
        let graphics = if is_blind {
            Some(Graphics::Blocks)
        } else {
            graphics
        };
        // Blocks are made of colour alone.
        let graphics = graphics.filter(|it| *it != Graphics::Blocks || colours != Colours::None);
        let screen = Self {
            graphics,
            colours,
            cell: cell.unwrap_or(CELL),
        };
        (screen, answer.typed)
    }
}

fn colours(variable: &dyn Fn(&str) -> Option<String>) -> Colours {
    if variable("NO_COLOR").is_some() {
        return Colours::None;
    }
    let is_true = |value: &str| matches!(value, "truecolor" | "24bit");
    let term = variable("TERM").unwrap_or_default();
    let knows_all = [
        "kitty",
        "ghostty",
        "alacritty",
        "wezterm",
        "foot",
        "-direct",
    ];
    if variable("COLORTERM").is_some_and(|value| is_true(&value))
        || knows_all.iter().any(|name| term.contains(name))
        || variable("WT_SESSION").is_some()
    {
        Colours::All
    } else {
        Colours::Indexed
    }
}

fn guess(variable: &dyn Fn(&str) -> Option<String>) -> Guess {
    match variable(FORCED).as_deref() {
        Some("kitty") => return Guess::Known(Some(Graphics::Kitty)),
        Some("iterm2") => return Guess::Known(Some(Graphics::Iterm2)),
        Some("sixel") => return Guess::Known(Some(Graphics::Sixel)),
        Some("blocks") => return Guess::Known(Some(Graphics::Blocks)),
        Some("none") => return Guess::Known(None),
        _ => {}
    }
    let term = variable("TERM").unwrap_or_default();
    if term == "dumb" || (term.is_empty() && cfg!(unix)) {
        return Guess::Known(None);
    }
    // What runs inside tmux or screen draws on these: they pass on what they know themselves.
    let is_inside = variable("TMUX").is_some()
        || variable("STY").is_some()
        || ["tmux", "screen"].iter().any(|name| term.starts_with(name));
    if is_inside {
        return Guess::Ask;
    }
    if term.contains("kitty") || term.contains("ghostty") {
        return Guess::Known(Some(Graphics::Kitty));
    }
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    let remote = variable("LC_TERMINAL").unwrap_or_default();
    if ["iTerm", "WezTerm", "mintty"]
        .iter()
        .any(|name| program.starts_with(name))
        || remote.starts_with("iTerm")
    {
        return Guess::Known(Some(Graphics::Iterm2));
    }
    // Its sixel leaves parts of pictures behind.
    if variable("KONSOLE_VERSION").is_some() || term == "linux" {
        return Guess::Known(Some(Graphics::Blocks));
    }
    Guess::Ask
}

/// Pixels of a character, by what the terminal told the system of its window.
fn cell_by_window() -> Option<FontSize> {
    let window = terminal::window_size().ok()?;
    let width = window.width.checked_div(window.columns)?;
    let height = window.height.checked_div(window.rows)?;
    (width > 0 && height > 0).then(|| FontSize::new(width, height))
}

/// Ctrl-C, where the terminal passes it on as it is.
pub const INTERRUPT: char = '\u{3}';

/// What a terminal answered.
#[derive(Debug, Default)]
struct Answer {
    has_sixel: bool,
    cell: Option<FontSize>,
    is_whole: bool,
    /// Bytes that were no answer.
    typed: String,
}

impl Answer {
    /// Answers are `ESC [ 6 ; HEIGHT ; WIDTH t` and `ESC [ ? 62 ; 4 ; … c`:
    /// <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut answer = Self::default();
        let mut rest = text.as_ref();
        while let Some(start) = rest.find("\x1b[") {
            let (before, after) = rest.split_at(start);
            answer.typed.push_str(before);
            let after = &after[2..];
            let is_last = |c: char| ('@'..='~').contains(&c);
            let Some(end) = after.find(is_last) else {
                rest = "";
                break;
            };
            let (parameters, kind) = after.split_at(end);
            match (kind.chars().next(), parameters.strip_prefix('?')) {
                (Some('c'), Some(attributes)) => {
                    answer.is_whole = true;
                    answer.has_sixel = attributes.split(';').any(|it| it == "4");
                }
                (Some('t'), None) => answer.cell = cell_of(parameters).or(answer.cell),
                _ => {}
            }
            rest = &kind[1..];
        }
        answer.typed.push_str(rest);
        answer.typed.retain(|c| !c.is_control() || c == INTERRUPT);
        // Whoever wants to leave need not wait.
        answer.is_whole |= answer.typed.contains(INTERRUPT);
        answer
    }
}

fn cell_of(parameters: &str) -> Option<FontSize> {
    let mut numbers = parameters.split(';').map(|it| it.parse::<u16>().ok());
    let (what, height, width) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (what == 6 && height > 0 && width > 0).then(|| FontSize::new(width, height))
}

/// Asks for the size of a character, and for the terminal's attributes, which every terminal
/// answers, so that it is known when there is nothing more to wait for.
#[cfg(unix)]
fn asked() -> Answer {
    use std::io::{self, Write};

    let was_raw = terminal::is_raw_mode_enabled().unwrap_or(false);
    if !was_raw && terminal::enable_raw_mode().is_err() {
        return Answer::default();
    }
    let mut out = io::stdout();
    let is_sent = out.write_all(b"\x1b[16t\x1b[c").and_then(|()| out.flush());
    let answer = match is_sent {
        Ok(()) => wait_for_answer(),
        Err(_) => Answer::default(),
    };
    if !was_raw {
        // The terminal was so before; there is nothing else to be done.
        let _ = terminal::disable_raw_mode();
    }
    answer
}

#[cfg(unix)]
fn wait_for_answer() -> Answer {
    use std::time::Instant;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let input = std::io::stdin();
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    loop {
        let answer = Answer::of(&bytes);
        let left = deadline.saturating_duration_since(Instant::now());
        let mut waited = [PollFd::new(&input, PollFlags::IN)];
        let left_for = Timespec::try_from(left).ok();
        if answer.is_whole
            || left.is_zero()
            || !matches!(poll(&mut waited, left_for.as_ref()), Ok(1..))
        {
            return answer;
        }
        let mut read = [0; 256];
        match rustix::io::read(&input, &mut read) {
            Ok(0) | Err(_) => return answer,
            Ok(count) => bytes.extend_from_slice(&read[..count]),
        }
    }
}

#[cfg(not(unix))]
fn asked() -> Answer {
    Answer::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_terminal<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn a_terminal_is_known_by_its_name_or_asked() {
        let kitty = [("TERM", "xterm-kitty")];
        let in_tmux = [("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")];
        let iterm = [("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")];
        let forced = [("TERM", "xterm-kitty"), ("BTSINDEX_POSTERS", "none")];
        let known = |graphics| Guess::Known(Some(graphics));
        for (set, expected) in [
            (&kitty[..], known(Graphics::Kitty)),
            (&in_tmux, Guess::Ask),
            (&iterm, known(Graphics::Iterm2)),
            (&forced, Guess::Known(None)),
            (&[("TERM", "linux")], known(Graphics::Blocks)),
            (&[("TERM", "xterm-256color")], Guess::Ask),
            (&[("TERM", "dumb")], Guess::Known(None)),
        ] {
            assert_eq!(guess(&in_terminal(set)), expected, "{set:?}");
        }
    }

    #[test]
    fn colours_are_as_many_as_are_wanted_and_there() {
        for (set, expected) in [
            (&[("TERM", "xterm-256color")][..], Colours::Indexed),
            (&[("COLORTERM", "truecolor")], Colours::All),
            (&[("TERM", "foot")], Colours::All),
            (
                &[("NO_COLOR", "1"), ("COLORTERM", "truecolor")],
                Colours::None,
            ),
        ] {
            assert_eq!(colours(&in_terminal(set)), expected, "{set:?}");
        }
    }

    #[test]
    fn answers_are_told_from_what_was_typed_meanwhile() {
        let answer = Answer::of(b"dr\x1b[6;20;10tum\x1b[?62;4;22cmer");
        assert!(answer.is_whole && answer.has_sixel);
        let cell = answer.cell.unwrap();
        assert_eq!((cell.width, cell.height), (10, 20));
        assert_eq!(answer.typed, "drummer");

        let plain = Answer::of(b"\x1b[?1;2c");
        assert!(plain.is_whole && !plain.has_sixel && plain.cell.is_none());
        let cut = Answer::of(b"\x1b[?62;4");
        assert!(!cut.is_whole && cut.typed.is_empty());
        for odd in [&b"\x1b["[..], b"\x1b[6;0;0t", b"\xff\x1b[6t", b"\x1b[\xff"] {
            assert!(!Answer::of(odd).is_whole);
        }
    }
}
