//! Controls the terminal while the screen is shown and restores it afterwards: on quit, after an
//! error, a panic or a signal.

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

/// Time given to the event loop to stop after a signal.
const GRACE: Duration = Duration::from_secs(2);
/// Exit code after an interruption, the same as in all commands.
const INTERRUPTED: i32 = 130;

static IS_SHOWN: AtomicBool = AtomicBool::new(false);
static IS_STOPPED: AtomicBool = AtomicBool::new(false);

/// Terminal in raw mode on the alternate screen; restored on drop.
pub(super) struct TerminalGuard {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl TerminalGuard {
    /// Installs the handlers that restore the terminal however the program ends. Must run before
    /// the index is opened, so that the panic hook of the index runs first.
    pub(super) fn prepare() {
        restore_on_panic();
        restore_on_signal();
    }

    /// Switches to raw mode and the alternate screen.
    pub(super) fn enter() -> Result<Self, Error> {
        let entered = || -> io::Result<Self> {
            enable_raw_mode()?;
            #[cfg(unix)]
            thread::spawn(exit_on_hangup);
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

    /// Returns true after a signal to stop.
    pub(super) fn is_stopped() -> bool {
        IS_STOPPED.load(Ordering::SeqCst)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal unless it was already restored.
fn restore() {
    if IS_SHOWN.swap(false, Ordering::SeqCst) {
        // Errors are ignored, because the terminal may be closed.
        let _ = execute!(
            io::stdout(),
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

/// Restores the terminal before a panic message is printed, so that the message stays visible.
fn restore_on_panic() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if thread::current().name() != Some(THREAD) {
            restore();
            before(panic);
        }
    }));
}

/// Sets the flag that [`TerminalGuard::is_stopped`] returns. If the event loop does not stop in
/// time, for example because it is waiting for a closed terminal, the program exits. All edits are
/// already saved.
fn restore_on_signal() {
    // A handler that is already installed is kept.
    let _ = ctrlc::set_handler(|| {
        IS_STOPPED.store(true, Ordering::SeqCst);
        thread::sleep(GRACE);
        restore();
        std::process::exit(INTERRUPTED);
    });
}

/// Exits when the terminal is closed. Not every system sends a signal then, and reading keys would
/// return nothing in an endless loop.
#[cfg(unix)]
fn exit_on_hangup() {
    use rustix::event::{PollFd, PollFlags, poll};
    let terminal = io::stdin();
    loop {
        // A hangup is always reported, regardless of the requested events.
        let mut descriptors = [PollFd::new(&terminal, PollFlags::empty())];
        match poll(&mut descriptors, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
        if descriptors[0]
            .revents()
            .intersects(PollFlags::HUP | PollFlags::ERR)
        {
            restore();
            std::process::exit(INTERRUPTED);
        }
        if descriptors[0].revents().contains(PollFlags::NVAL) {
            return;
        }
    }
}
