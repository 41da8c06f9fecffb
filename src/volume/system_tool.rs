//! One question to a tool of the system, with a bounded wait and a bounded answer.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// A longer answer is cut.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// How often a tool that has answered is looked at until it ends.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// What the tool wrote; `None` when it cannot be run, fails, or takes longer than `limit`,
/// at which it is killed.
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
        let mut answer = Vec::new();
        let is_read = stdout.take(MAX_BYTES).read_to_end(&mut answer).is_ok();
        // Nobody listens any more when it took too long.
        let _ = sender.send(is_read.then_some(answer));
    });
    let answer = reader.ok().and_then(|_| receiver.recv_timeout(limit).ok());
    while answer.is_some() && Instant::now() < end {
        match child.try_wait() {
            Ok(None) => thread::sleep(POLL_INTERVAL),
            Ok(Some(status)) if status.success() => return answer.flatten(),
            _ => return None,
        }
    }
    // Fails only when it has ended just now.
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_tool_answers_fails_or_is_killed() {
        let long = Duration::from_secs(30);
        let answer = run_with_timeout(Command::new("echo").arg("yes"), long);
        assert_eq!(answer.as_deref(), Some(&b"yes\n"[..]));
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
