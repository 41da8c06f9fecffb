//! The terminal while the screen is shown, and that it is as it was afterwards: when the screen
//! is left, after an error, a panic, and a signal.

use std::io::{self, Stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::posters::THREAD;
use crate::error::Error;

/// Whoever was told to stop has this long to do so.
const GRACE: Duration = Duration::from_secs(2);
/// As after an interruption anywhere else.
const INTERRUPTED: i32 = 130;

static IS_SHOWN: AtomicBool = AtomicBool::new(false);
static IS_STOPPED: AtomicBool = AtomicBool::new(false);

/// The screen; the terminal is as it was when it is dropped.
pub(super) struct Stage {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Stage {
    /// Sees to it that whatever ends the program gives the terminal back. Comes before the index
    /// is opened: what panics in there is caught, and must not be heard of here.
    pub(super) fn prepare() {
        restore_after_a_panic();
        restore_after_a_signal();
    }

    /// Takes the terminal over.
    pub(super) fn enter() -> Result<Self, Error> {
        let entered = || -> io::Result<Self> {
            enable_raw_mode()?;
            #[cfg(unix)]
            thread::spawn(end_with_the_terminal);
            IS_SHOWN.store(true, Ordering::SeqCst);
            execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
            let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
            Ok(Self { terminal })
        };
        entered().map_err(|error| {
            restore();
            Error::Terminal(error)
        })
    }

    /// Whether the program was told to stop.
    pub(super) fn is_stopped() -> bool {
        IS_STOPPED.load(Ordering::SeqCst)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once.
fn restore() {
    if IS_SHOWN.swap(false, Ordering::SeqCst) {
        // The terminal may be gone; there is nothing else to be done.
        let _ = execute!(
            io::stdout(),
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

/// What a panic says is to be read, and not on a screen that is about to go.
fn restore_after_a_panic() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().name() != Some(THREAD) {
            restore();
            before(panic);
        }
    }));
}

/// The loop looks at [`Stage::is_stopped`]. Where it cannot, as when it waits for a terminal that
/// was closed, the program ends all the same: what was said was written when it was said.
fn restore_after_a_signal() {
    // Another handler may be there already; then that one decides.
    let _ = ctrlc::set_handler(|| {
        IS_STOPPED.store(true, Ordering::SeqCst);
        thread::sleep(GRACE);
        restore();
        std::process::exit(INTERRUPTED);
    });
}

/// Ends the program when its terminal is closed, which it need not be told of. Whoever reads keys
/// at that moment reads nothing again and again.
#[cfg(unix)]
fn end_with_the_terminal() {
    use rustix::event::{PollFd, PollFlags, poll};
    let terminal = io::stdin();
    loop {
        // That it is closed is always told.
        let mut asked = [PollFd::new(&terminal, PollFlags::empty())];
        match poll(&mut asked, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
        if asked[0]
            .revents()
            .intersects(PollFlags::HUP | PollFlags::ERR)
        {
            restore();
            std::process::exit(INTERRUPTED);
        }
        if asked[0].revents().contains(PollFlags::NVAL) {
            return;
        }
    }
}
