//! Detection of a terminal's graphics protocol and colours.
//!
//! The name of a terminal is a weak hint, especially over ssh. If the environment is not conclusive,
//! the terminal is queried. Features that it does not report in time are assumed to be missing.

use std::env;
use std::time::Duration;

use ratatui::crossterm::terminal;
use ratatui_image::FontSize;

/// Protocol for drawing pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graphics {
    /// Kitty graphics protocol with Unicode placeholders,
    /// <https://sw.kovidgoyal.net/kitty/graphics-protocol>.
    Kitty,
    /// Inline images of iTerm2, <https://iterm2.com/documentation-images.html>.
    Iterm2,
    /// Sixel graphics of the VT340.
    Sixel,
    /// Half blocks: two coloured pixels per character, for any terminal with colours.
    Blocks,
}

/// Colour support of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// No colours, as requested by the user: <https://no-color.org>.
    None,
    /// Palette of 256 colours.
    Indexed,
    /// 24-bit true colour.
    All,
}

/// Graphics capabilities of a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Protocol for pictures; `None` if the terminal cannot draw them.
    pub graphics: Option<Graphics>,
    /// Available colours.
    pub colours: Colours,
    /// Size of one character in pixels.
    pub(super) cell: FontSize,
}

/// Maximum time to wait for a reply of the terminal; enough for a slow ssh connection.
#[cfg(unix)]
const REPLY_TIMEOUT: Duration = Duration::from_secs(1);
/// Assumed size of a character in pixels if unknown; only the aspect ratio matters.
const DEFAULT_CELL: FontSize = FontSize::new(10, 20);
/// Environment variable that overrides the detected protocol.
const GRAPHICS_VARIABLE: &str = "BTSINDEX_POSTERS";

/// Choice of the graphics protocol from the environment.
#[derive(Debug, PartialEq, Eq)]
enum GraphicsChoice {
    /// The environment is conclusive.
    Known(Option<Graphics>),
    /// Sixel if the terminal reports that it supports it, otherwise half blocks.
    QueryTerminal,
}

impl Screen {
    /// Creates a screen that draws half blocks.
    #[must_use]
    pub fn blocks(colours: Colours) -> Self {
        Self {
            graphics: Some(Graphics::Blocks),
            colours,
            cell: DEFAULT_CELL,
        }
    }

    /// Detects the capabilities of the terminal on standard input and output. Also returns the
    /// characters typed while waiting for its reply.
    #[must_use]
    pub fn detect() -> (Self, String) {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let colours = colours(&variable);
        let mut reply = TerminalReply::default();
        let mut cell = cell_from_window();
        let graphics = match choose_graphics(&variable) {
            GraphicsChoice::Known(Some(Graphics::Iterm2 | Graphics::Sixel))
            | GraphicsChoice::QueryTerminal
                if cfg!(windows) =>
            {
                Some(Graphics::Blocks)
            }
            GraphicsChoice::Known(graphics @ (None | Some(Graphics::Kitty | Graphics::Blocks))) => {
                graphics
            }
            choice => {
                reply = query_terminal();
                cell = reply.cell.or(cell);
                match choice {
                    GraphicsChoice::Known(graphics) => graphics,
                    GraphicsChoice::QueryTerminal if reply.has_sixel => Some(Graphics::Sixel),
                    GraphicsChoice::QueryTerminal => Some(Graphics::Blocks),
                }
            }
        };
        // Without the size of a character, pixel graphics cannot be sized.
        let is_cell_unknown = cell.is_none()
            && variable(GRAPHICS_VARIABLE).is_none()
            && matches!(graphics, Some(Graphics::Iterm2 | Graphics::Sixel));
        let graphics = if is_cell_unknown {
            Some(Graphics::Blocks)
        } else {
            graphics
        };
        // Half blocks are invisible without colours.
        let graphics = graphics.filter(|it| *it != Graphics::Blocks || colours != Colours::None);
        let screen = Self {
            graphics,
            colours,
            cell: cell.unwrap_or(DEFAULT_CELL),
        };
        (screen, reply.typed)
    }
}

fn colours(variable: &dyn Fn(&str) -> Option<String>) -> Colours {
    if variable("NO_COLOR").is_some() {
        return Colours::None;
    }
    let is_true_colour = |value: &str| matches!(value, "truecolor" | "24bit");
    let term = variable("TERM").unwrap_or_default();
    let true_colour_terminals = [
        "kitty",
        "ghostty",
        "alacritty",
        "wezterm",
        "foot",
        "-direct",
    ];
    if variable("COLORTERM").is_some_and(|value| is_true_colour(&value))
        || true_colour_terminals.iter().any(|name| term.contains(name))
        || variable("WT_SESSION").is_some()
    {
        Colours::All
    } else {
        Colours::Indexed
    }
}

fn choose_graphics(variable: &dyn Fn(&str) -> Option<String>) -> GraphicsChoice {
    match variable(GRAPHICS_VARIABLE).as_deref() {
        Some("kitty") => return GraphicsChoice::Known(Some(Graphics::Kitty)),
        Some("iterm2") => return GraphicsChoice::Known(Some(Graphics::Iterm2)),
        Some("sixel") => return GraphicsChoice::Known(Some(Graphics::Sixel)),
        Some("blocks") => return GraphicsChoice::Known(Some(Graphics::Blocks)),
        Some("none") => return GraphicsChoice::Known(None),
        _ => {}
    }
    let term = variable("TERM").unwrap_or_default();
    if term == "dumb" || (term.is_empty() && cfg!(unix)) {
        return GraphicsChoice::Known(None);
    }
    // Inside tmux or screen, the multiplexer draws, and reports its own capabilities.
    let is_multiplexed = variable("TMUX").is_some()
        || variable("STY").is_some()
        || ["tmux", "screen"].iter().any(|name| term.starts_with(name));
    if is_multiplexed {
        return GraphicsChoice::QueryTerminal;
    }
    if term.contains("kitty") || term.contains("ghostty") {
        return GraphicsChoice::Known(Some(Graphics::Kitty));
    }
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    let remote = variable("LC_TERMINAL").unwrap_or_default();
    if ["iTerm", "WezTerm", "mintty"]
        .iter()
        .any(|name| program.starts_with(name))
        || remote.starts_with("iTerm")
    {
        return GraphicsChoice::Known(Some(Graphics::Iterm2));
    }
    // Konsole leaves remains of sixel pictures on the screen.
    if variable("KONSOLE_VERSION").is_some() || term == "linux" {
        return GraphicsChoice::Known(Some(Graphics::Blocks));
    }
    GraphicsChoice::QueryTerminal
}

/// Returns the size of a character in pixels from the window size that the system reports.
fn cell_from_window() -> Option<FontSize> {
    let window = terminal::window_size().ok()?;
    let width = window.width.checked_div(window.columns)?;
    let height = window.height.checked_div(window.rows)?;
    (width > 0 && height > 0).then(|| FontSize::new(width, height))
}

/// Character of Ctrl-C in raw mode.
pub const CTRL_C: char = '\u{3}';

/// Reply of a terminal.
#[derive(Debug, Default)]
struct TerminalReply {
    has_sixel: bool,
    cell: Option<FontSize>,
    /// True if the terminal reported its attributes, which come last, or Ctrl-C was typed.
    is_complete: bool,
    /// Characters typed by the user in the meantime.
    typed: String,
}

impl TerminalReply {
    /// Parses `ESC [ 6 ; HEIGHT ; WIDTH t` (size of a character) and `ESC [ ? 62 ; 4 ; … c`
    /// (attributes, 4 is sixel): <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>.
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut reply = Self::default();
        let mut rest = text.as_ref();
        while let Some(start) = rest.find("\x1b[") {
            let (before, after) = rest.split_at(start);
            reply.typed.push_str(before);
            let after = &after[2..];
            let is_last = |c: char| ('@'..='~').contains(&c);
            let Some(end) = after.find(is_last) else {
                rest = "";
                break;
            };
            let (parameters, kind) = after.split_at(end);
            match (kind.chars().next(), parameters.strip_prefix('?')) {
                (Some('c'), Some(attributes)) => {
                    reply.is_complete = true;
                    reply.has_sixel = attributes.split(';').any(|it| it == "4");
                }
                (Some('t'), None) => reply.cell = parse_cell(parameters).or(reply.cell),
                _ => {}
            }
            rest = &kind[1..];
        }
        reply.typed.push_str(rest);
        reply.typed.retain(|c| !c.is_control() || c == CTRL_C);
        // Ctrl-C ends the wait.
        reply.is_complete |= reply.typed.contains(CTRL_C);
        reply
    }
}

fn parse_cell(parameters: &str) -> Option<FontSize> {
    let mut numbers = parameters.split(';').map(|it| it.parse::<u16>().ok());
    let (report, height, width) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (report == 6 && height > 0 && width > 0).then(|| FontSize::new(width, height))
}

/// Queries the size of a character, then the attributes. Every terminal reports its attributes, so
/// they mark the end of the reply.
#[cfg(unix)]
fn query_terminal() -> TerminalReply {
    use std::io::{self, Write};

    let was_raw = terminal::is_raw_mode_enabled().unwrap_or(false);
    if !was_raw && terminal::enable_raw_mode().is_err() {
        return TerminalReply::default();
    }
    let mut out = io::stdout();
    let is_sent = out.write_all(b"\x1b[16t\x1b[c").and_then(|()| out.flush());
    let reply = match is_sent {
        Ok(()) => wait_for_reply(),
        Err(_) => TerminalReply::default(),
    };
    if !was_raw {
        // If this fails, nothing else can be done.
        let _ = terminal::disable_raw_mode();
    }
    reply
}

#[cfg(unix)]
fn wait_for_reply() -> TerminalReply {
    use std::time::Instant;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let input = std::io::stdin();
    let deadline = Instant::now() + REPLY_TIMEOUT;
    let mut bytes = Vec::new();
    loop {
        let reply = TerminalReply::parse(&bytes);
        let time_left = deadline.saturating_duration_since(Instant::now());
        let mut polled = [PollFd::new(&input, PollFlags::IN)];
        let timeout = Timespec::try_from(time_left).ok();
        if reply.is_complete
            || time_left.is_zero()
            || !matches!(poll(&mut polled, timeout.as_ref()), Ok(1..))
        {
            return reply;
        }
        let mut read = [0; 256];
        match rustix::io::read(&input, &mut read) {
            Ok(0) | Err(_) => return reply,
            Ok(count) => bytes.extend_from_slice(&read[..count]),
        }
    }
}

#[cfg(not(unix))]
fn query_terminal() -> TerminalReply {
    TerminalReply::default()
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
    fn chooses_the_protocol_by_the_environment_or_queries_the_terminal() {
        let kitty = [("TERM", "xterm-kitty")];
        let in_tmux = [("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")];
        let iterm = [("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")];
        let forced = [("TERM", "xterm-kitty"), ("BTSINDEX_POSTERS", "none")];
        let known = |graphics| GraphicsChoice::Known(Some(graphics));
        for (set, expected) in [
            (&kitty[..], known(Graphics::Kitty)),
            (&in_tmux, GraphicsChoice::QueryTerminal),
            (&iterm, known(Graphics::Iterm2)),
            (&forced, GraphicsChoice::Known(None)),
            (&[("TERM", "linux")], known(Graphics::Blocks)),
            (&[("TERM", "xterm-256color")], GraphicsChoice::QueryTerminal),
            (&[("TERM", "dumb")], GraphicsChoice::Known(None)),
        ] {
            assert_eq!(choose_graphics(&in_terminal(set)), expected, "{set:?}");
        }
    }

    #[test]
    fn detects_colours_and_honours_no_color() {
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
    fn separates_replies_from_typed_keys() {
        let reply = TerminalReply::parse(b"dr\x1b[6;20;10tum\x1b[?62;4;22cmer");
        assert!(reply.is_complete && reply.has_sixel);
        let cell = reply.cell.unwrap();
        assert_eq!((cell.width, cell.height), (10, 20));
        assert_eq!(reply.typed, "drummer");

        let plain = TerminalReply::parse(b"\x1b[?1;2c");
        assert!(plain.is_complete && !plain.has_sixel && plain.cell.is_none());
        let cut = TerminalReply::parse(b"\x1b[?62;4");
        assert!(!cut.is_complete && cut.typed.is_empty());
        for incomplete in [&b"\x1b["[..], b"\x1b[6;0;0t", b"\xff\x1b[6t", b"\x1b[\xff"] {
            assert!(!TerminalReply::parse(incomplete).is_complete);
        }
    }
}
