//! Parent death signal, which ends child processes when this program ends, even if it is killed.
//!
//! A killed program cannot clean up. On Linux, a process can ask the kernel to kill it when its
//! parent dies. Only the child itself can do so. This program therefore starts itself as an
//! intermediate process, which sets the signal and then replaces itself with the tool (`exec`).

use std::process::Command;
use std::sync::OnceLock;

/// First argument of the intermediate process. No subcommand has this name.
const INTERMEDIATE: &str = "--with-parent-death-signal";
/// Exit code of the intermediate process if it cannot execute the tool.
pub(super) const EXEC_FAILED: i32 = 125;
/// Path of the running executable, which works even if the file was replaced in the meantime.
#[cfg(target_os = "linux")]
const SELF_EXE: &str = "/proc/self/exe";

/// Set if the running program supports the intermediate process, unlike test binaries.
static IS_SUPPORTED: OnceLock<()> = OnceLock::new();

/// Replaces this process with a tool if it was started as the intermediate process.
///
/// `main` calls this first. Returns `None` in a normal run, and an exit code if the tool cannot
/// be executed.
#[must_use]
pub fn exec_with_parent_death_signal() -> Option<i32> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|first| first != INTERMEDIATE) {
        // This fails only if the value is already set.
        let _ = IS_SUPPORTED.set(());
        return None;
    }
    exec_tool(arguments)
}

#[cfg(target_os = "linux")]
fn exec_tool(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Option<i32> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    use std::io::Write;
    use std::os::unix::process::CommandExt;

    let parent = arguments.next()?;
    let tool = arguments.next()?;
    // If this fails, the tool still works, but may outlive the parent.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let current_parent = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    if parent.to_str() != Some(&current_parent.to_string()) {
        // The parent died before the signal was set.
        return Some(EXEC_FAILED);
    }
    let error = Command::new(tool).args(arguments).exec();
    let _ = write!(std::io::stderr(), "{error}");
    Some(EXEC_FAILED)
}

#[cfg(not(target_os = "linux"))]
fn exec_tool(_arguments: impl Iterator<Item = std::ffi::OsString>) -> Option<i32> {
    Some(EXEC_FAILED)
}

/// Returns a command that runs the tool with a parent death signal. `None` if that is not
/// supported; the caller then runs the tool directly.
#[cfg(target_os = "linux")]
pub(super) fn with_death_signal(command: &Command) -> Option<Command> {
    IS_SUPPORTED.get()?;
    let mut with_death_signal = Command::new(SELF_EXE);
    with_death_signal
        .arg(INTERMEDIATE)
        .arg(std::process::id().to_string())
        .arg(command.get_program())
        .args(command.get_args());
    Some(with_death_signal)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn with_death_signal(_command: &Command) -> Option<Command> {
    let _ = (IS_SUPPORTED.get(), INTERMEDIATE);
    None
}
