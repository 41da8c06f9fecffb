//! One run of ffmpeg or ffprobe, kept within bounds: time, output, and our own end.
//!
//! The output is read on threads of ours and the process is killed and reaped here;
//! ffmpeg-sidecar's own event loop can wait for ever (see ARCHITECTURE.md).

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Unread, parent_death};
use crate::error::Error;

/// How often a waiting run looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// Says that the run was interrupted; shared by everything that must stop.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for the end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Bounds of one run.
#[derive(Debug, Clone)]
pub struct Limits {
    /// After this it is killed.
    pub deadline: Duration,
    /// Interrupts it.
    pub cancel: Cancel,
}

/// Processes that run now, by number: each leads a group of its own.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Processes started so far.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// How many processes were started so far.
#[must_use]
pub fn processes_started() -> u64 {
    STARTED.load(Ordering::Relaxed)
}

/// Kills every tool that runs, for an end that does not wait.
pub fn kill_all() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.iter().copied().for_each(kill_group);
}

fn running(change: impl FnOnce(&mut BTreeSet<u32>)) {
    change(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Kills a process with all that it started.
#[cfg(unix)]
fn kill_group(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let leader = i32::try_from(leader).ok().and_then(Pid::from_raw);
    // Fails only when they are gone already.
    let _ = leader.map(|leader| kill_process_group(leader, Signal::KILL));
}

#[cfg(not(unix))]
fn kill_group(_leader: u32) {}

/// What a process wrote.
#[derive(Debug)]
pub(super) struct Output {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Pieces that may wait for the one who takes them.
const PIECES_WAITING: usize = 2;

/// Standard error beyond this is read and dropped.
const MOST_STDERR: usize = 64 * 1024;

/// Runs `command` to its end, or kills it at a bound.
///
/// `most` bounds standard output in bytes; a process that writes more is at fault.
pub(super) fn run(command: &mut Command, most: usize, limits: &Limits) -> Result<Output, Unread> {
    let mut run = Running::start(command, Stdio::null(), limits)?;
    let stdout = run.child.stdout.take().map(|pipe| read(pipe, most));
    let stderr = run.child.stderr.take().map(|pipe| read(pipe, MOST_STDERR));
    let end = Instant::now() + limits.deadline;
    let stdout = collect(stdout, end, limits)?;
    if stdout.is_cut {
        return Err(Unread::Fault(format!(
            "it made the tool write more than {most} bytes"
        )));
    }
    let stderr = collect(stderr, end, limits)?;
    let status = run.wait(end, limits)?;
    #[cfg(unix)]
    if let Some(9 | 15) = std::os::unix::process::ExitStatusExt::signal(&status) {
        // By the system for want of memory, or by a person: the file may be innocent.
        return Err(Unread::Late("the tool was killed".to_owned()));
    }
    let stderr = String::from_utf8_lossy(&stderr.bytes).into_owned();
    if status.code() == Some(parent_death::CANNOT) && stdout.bytes.is_empty() {
        return Err(Unread::Fatal(Error::Tool {
            tool: command.get_program().to_string_lossy().into_owned(),
            source: io::Error::other(stderr),
        }));
    }
    Ok(Output {
        status,
        stdout: stdout.bytes,
        stderr,
    })
}

/// Runs `command` while one thread feeds it and another takes what it makes, piece by piece.
///
/// `take` says whether a piece was a new one: it is killed when none comes for as long as the
/// deadline. Gives what it complained of.
pub(super) fn converse<T: Send + 'static>(
    command: &mut Command,
    limits: &Limits,
    feed: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    parse: impl FnOnce(&mut dyn Read, &mut dyn FnMut(T) -> bool) -> io::Result<()> + Send + 'static,
    take: &mut dyn FnMut(T) -> bool,
) -> Result<String, Unread> {
    let mut run = Running::start(command, Stdio::piped(), limits)?;
    let (Some(mut stdin), Some(mut stdout)) = (run.child.stdin.take(), run.child.stdout.take())
    else {
        return Ok(String::new());
    };
    let stderr = run.child.stderr.take().map(|pipe| read(pipe, MOST_STDERR));
    // Either ends with its pipe; a process that died early makes the feeding fail, which is
    // seen by what does not come back.
    drop(thread::Builder::new().spawn(move || feed(&mut stdin)));
    let (sender, receiver) = sync_channel(PIECES_WAITING);
    drop(thread::Builder::new().spawn(move || {
        let parsed = parse(&mut stdout, &mut |piece| sender.send(piece).is_ok());
        // Whatever is left is let go, so that the process is not held up by a full pipe.
        parsed.and_then(|()| io::copy(&mut stdout, &mut io::sink()))
    }));
    let mut end = Instant::now() + limits.deadline;
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(piece) => {
                if take(piece) {
                    end = Instant::now() + limits.deadline;
                }
                check(end, limits)?;
            }
            Err(RecvTimeoutError::Timeout) => check(end, limits)?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let stderr = collect(stderr, end, limits)?;
    run.wait(end, limits)?;
    Ok(String::from_utf8_lossy(&stderr.bytes).into_owned())
}

/// A process that does not outlive its run, nor do the processes it started.
struct Running {
    child: Child,
    /// It ended, and so did whoever held its pipes.
    is_over: bool,
}

impl Running {
    fn start(command: &mut Command, stdin: Stdio, limits: &Limits) -> Result<Self, Unread> {
        if limits.cancel.is_cancelled() {
            return Err(Unread::Cancelled);
        }
        let tool = command.get_program().to_string_lossy().into_owned();
        let mut leashed = parent_death::leashed(command);
        let command = leashed.as_mut().unwrap_or(command);
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        {
            // Ctrl-C must not reach it: its death would look like a fault of the file.
            std::os::unix::process::CommandExt::process_group(command, 0);
        }
        let child = command
            .spawn()
            .map_err(|source| Unread::Fatal(Error::Tool { tool, source }))?;
        STARTED.fetch_add(1, Ordering::Relaxed);
        running(|all| {
            all.insert(child.id());
        });
        Ok(Self {
            child,
            is_over: false,
        })
    }

    /// Waits for the end; both pipes are closed by now, so it is near.
    fn wait(&mut self, end: Instant, limits: &Limits) -> Result<ExitStatus, Unread> {
        let mut pause = Duration::from_micros(100);
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.is_over = true;
                return Ok(status);
            }
            check(end, limits)?;
            thread::sleep(pause);
            pause = (pause * 2).min(LOOK);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            kill_group(self.child.id());
            // These fail only when it is over already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        running(|all| {
            all.remove(&self.child.id());
        });
    }
}

/// What came through a pipe.
#[derive(Default)]
struct Piped {
    bytes: Vec<u8>,
    is_cut: bool,
}

/// Reads a pipe to its end on a thread, keeping at most `most` bytes.
fn read(mut pipe: impl Read + Send + 'static, most: usize) -> Receiver<Piped> {
    let (sender, receiver) = channel();
    let reading = thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        let is_read = (&mut pipe)
            .take(most as u64)
            .read_to_end(&mut bytes)
            .is_ok();
        let rest = if is_read {
            io::copy(&mut pipe, &mut io::sink()).unwrap_or(0)
        } else {
            0
        };
        // Nobody listens any more when the run was given up.
        let _ = sender.send(Piped {
            bytes,
            is_cut: rest > 0,
        });
    });
    // Without a thread the sender is gone, and nothing was written.
    drop(reading);
    receiver
}

fn collect(pipe: Option<Receiver<Piped>>, end: Instant, limits: &Limits) -> Result<Piped, Unread> {
    let Some(pipe) = pipe else {
        return Ok(Piped::default());
    };
    loop {
        match pipe.recv_timeout(LOOK) {
            Ok(piped) => return Ok(piped),
            Err(RecvTimeoutError::Timeout) => check(end, limits)?,
            Err(RecvTimeoutError::Disconnected) => return Ok(Piped::default()),
        }
    }
}

fn check(end: Instant, limits: &Limits) -> Result<(), Unread> {
    if limits.cancel.is_cancelled() {
        return Err(Unread::Cancelled);
    }
    if Instant::now() >= end {
        let seconds = limits.deadline.as_secs();
        return Err(Unread::Late(format!("it was given up after {seconds} s")));
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn limits(deadline: Duration) -> Limits {
        Limits {
            deadline,
            cancel: Cancel::default(),
        }
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_pipes_are_read_however_much_comes() {
        let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2";
        let output = run(
            &mut shell(script),
            1_000_000,
            &limits(Duration::from_secs(20)),
        )
        .unwrap();
        assert_eq!(output.stdout.len(), 300_000);
        assert_eq!(output.stderr.len(), MOST_STDERR);
        assert!(output.status.success());
    }

    #[test]
    fn a_process_that_hangs_is_killed_at_its_deadline() {
        for script in ["exec sleep 600", "exec >&- 2>&-; exec sleep 600"] {
            let result = run(&mut shell(script), 10, &limits(Duration::from_millis(100)));
            assert!(matches!(result, Err(Unread::Late(_))), "{script}");
        }
    }

    #[test]
    fn too_much_output_is_a_fault() {
        let result = run(
            &mut shell("head -c 1000 /dev/zero"),
            10,
            &limits(Duration::from_secs(20)),
        );
        assert!(matches!(result, Err(Unread::Fault(_))));
    }

    #[test]
    fn cancelling_ends_a_run() {
        let limits = limits(Duration::from_secs(600));
        let cancel = limits.cancel.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(80));
            cancel.cancel();
        });
        assert!(matches!(
            run(&mut shell("exec sleep 600"), 10, &limits),
            Err(Unread::Cancelled)
        ));
    }
}
