//! Runs a system tool, with limits on its run time and output.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Maximum length of the output in bytes; the rest is ignored.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Interval between checks whether a tool has exited, after its output was read.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Returns the standard output of the tool. Returns `None` if the tool cannot be run, fails, or is
/// killed because it exceeds `limit`.
pub(super) fn run_with_timeout(command: &mut Command, limit: Duration) -> Option<Vec<u8>> {
    let end = Instant::now() + limit;
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let stdout = child.stdout.take()?;
    let (sender, receiver) = channel();
    let reader = thread::Builder::new().spawn(move || {
        let mut output = Vec::new();
        let is_read = stdout.take(MAX_BYTES).read_to_end(&mut output).is_ok();
        // The receiver is gone after a timeout.
        let _ = sender.send(is_read.then_some(output));
    });
    let output = reader.ok().and_then(|_| receiver.recv_timeout(limit).ok());
    while output.is_some() && Instant::now() < end {
        match child.try_wait() {
            Ok(None) => thread::sleep(POLL_INTERVAL),
            Ok(Some(status)) if status.success() => return output.flatten(),
            _ => return None,
        }
    }
    // Fails only if the tool has just ended.
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_tool_succeeds_fails_or_is_killed() {
        let long = Duration::from_secs(30);
        let output = run_with_timeout(Command::new("echo").arg("yes"), long);
        assert_eq!(output.as_deref(), Some(&b"yes\n"[..]));
        assert_eq!(run_with_timeout(&mut Command::new("false"), long), None);
        assert_eq!(
            run_with_timeout(&mut Command::new("/no/such/tool"), long),
            None
        );
        let short = Duration::from_millis(20);
        assert_eq!(
            run_with_timeout(Command::new("sleep").arg("600"), short),
            None
        );
    }
}
