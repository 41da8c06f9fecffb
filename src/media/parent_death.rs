//! Tools that end with this program, however it ends.
//!
//! A program that is killed outright cannot clean up. On Linux the kernel can: a process may
//! ask to be killed when its parent dies. Asking is the child's business, so a tool is
//! started through a step of this program's own, which asks and then becomes the tool.

use std::process::Command;
use std::sync::OnceLock;

/// First argument of the step; no command of ours begins so.
const STEP: &str = "--on-a-leash";
/// The step's exit code when it cannot become the tool.
pub(super) const CANNOT: i32 = 125;
/// This very program, even if its file was replaced meanwhile.
#[cfg(target_os = "linux")]
const THIS: &str = "/proc/self/exe";

/// Whether this program knows the step: tests, which are other programs, do not.
static IS_READY: OnceLock<()> = OnceLock::new();

/// Takes the step, when this program was started for it; called first by `main`. Gives the
/// code to exit with where the tool could not be run.
#[must_use]
pub fn take_the_step() -> Option<i32> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != STEP) {
        // Fails only when it was said before.
        let _ = IS_READY.set(());
        return None;
    }
    step(arguments)
}

#[cfg(target_os = "linux")]
fn step(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Option<i32> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    use std::io::Write;
    use std::os::unix::process::CommandExt;

    let parent = arguments.next()?;
    let tool = arguments.next()?;
    // Without the leash it is still the tool that was asked for.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let now = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    if parent.to_str() != Some(&now.to_string()) {
        // It died before it could be watched.
        return Some(CANNOT);
    }
    let error = Command::new(tool).args(arguments).exec();
    let _ = write!(std::io::stderr(), "{error}");
    Some(CANNOT)
}

#[cfg(not(target_os = "linux"))]
fn step(_arguments: impl Iterator<Item = std::ffi::OsString>) -> Option<i32> {
    Some(CANNOT)
}

/// The command that runs a tool on a leash; `None` where that cannot be, and the tool is run
/// as it is.
#[cfg(target_os = "linux")]
pub(super) fn leashed(command: &Command) -> Option<Command> {
    IS_READY.get()?;
    let mut leashed = Command::new(THIS);
    leashed
        .arg(STEP)
        .arg(std::process::id().to_string())
        .arg(command.get_program())
        .args(command.get_args());
    Some(leashed)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn leashed(_command: &Command) -> Option<Command> {
    let _ = (IS_READY.get(), STEP);
    None
}
