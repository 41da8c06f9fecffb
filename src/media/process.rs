//! Runs ffmpeg and ffprobe with limits on time and output, and with cancellation.
//!
//! Separate threads read the output, and this module kills and reaps the process. The event loop of
//! ffmpeg-sidecar is not used, since it can wait forever (see ARCHITECTURE.md).

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::parent_death;
use super::probe_error::ProbeError;
use crate::cancel::Cancel;
use crate::error::Error;

/// Interval of the checks for cancellation while waiting.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Limits of one process.
#[derive(Debug, Clone)]
pub struct ProcessLimits {
    /// Time after which the process is killed.
    pub deadline: Duration,
    /// Cancellation flag that also kills the process.
    pub cancel: Cancel,
}

/// Ids of the running processes. Each leads its own process group.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Number of processes started so far.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// Returns the number of processes started so far.
#[must_use]
pub fn processes_started() -> u64 {
    STARTED.load(Ordering::Relaxed)
}

/// Kills all running tools, for an immediate exit.
pub fn kill_all() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.iter().copied().for_each(kill_group);
}

fn update_running(change: impl FnOnce(&mut BTreeSet<u32>)) {
    change(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Kills a process and its descendants.
#[cfg(unix)]
fn kill_group(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let leader = i32::try_from(leader).ok().and_then(Pid::from_raw);
    // This fails only if the processes have already exited.
    let _ = leader.map(|leader| kill_process_group(leader, Signal::KILL));
}

#[cfg(not(unix))]
fn kill_group(_leader: u32) {}

/// Exit status and output of a process.
#[derive(Debug)]
pub(super) struct Output {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Capacity of the channel from the parsing thread to the caller, in items.
const PENDING_ITEMS: usize = 2;

/// Maximum number of bytes stored of standard error. The rest is read and discarded.
const MAX_STDERR: usize = 64 * 1024;

/// Runs `command` until it exits or exceeds a limit.
///
/// If it writes more than `max_stdout` bytes to standard output, the file is treated as bad.
pub(super) fn run(
    command: &mut Command,
    max_stdout: usize,
    limits: &ProcessLimits,
) -> Result<Output, ProbeError> {
    let mut run = Running::start(command, Stdio::null(), limits)?;
    let stdout = run
        .child
        .stdout
        .take()
        .map(|pipe| read_pipe(pipe, max_stdout));
    let stderr = run
        .child
        .stderr
        .take()
        .map(|pipe| read_pipe(pipe, MAX_STDERR));
    let deadline = Instant::now() + limits.deadline;
    let stdout = receive_output(stdout, deadline, limits)?;
    if stdout.is_truncated {
        return Err(ProbeError::BadFile(format!(
            "the tool's output exceeds {max_stdout} bytes"
        )));
    }
    let stderr = receive_output(stderr, deadline, limits)?;
    let status = run.wait(deadline, limits)?;
    #[cfg(unix)]
    if let Some(9 | 15) = std::os::unix::process::ExitStatusExt::signal(&status) {
        // The process was killed by the user, or by the system for lack of memory. The file is not
        // necessarily bad.
        return Err(ProbeError::Temporary("the tool was killed".to_owned()));
    }
    let stderr = String::from_utf8_lossy(&stderr.bytes).into_owned();
    if status.code() == Some(parent_death::EXEC_FAILED) && stdout.bytes.is_empty() {
        return Err(ProbeError::Fatal(Error::Tool {
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

/// Runs `command` while one thread writes its input and another parses its output into items.
///
/// `on_item` returns true if an item counts as progress. Without progress within the deadline, the
/// process is killed. Returns the standard error.
pub(super) fn run_streaming<T: Send + 'static>(
    command: &mut Command,
    limits: &ProcessLimits,
    write_input: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    parse_output: impl FnOnce(&mut dyn Read, &mut dyn FnMut(T) -> bool) -> io::Result<()>
    + Send
    + 'static,
    on_item: &mut dyn FnMut(T) -> bool,
) -> Result<String, ProbeError> {
    let mut run = Running::start(command, Stdio::piped(), limits)?;
    let (Some(mut stdin), Some(mut stdout)) = (run.child.stdin.take(), run.child.stdout.take())
    else {
        return Ok(String::new());
    };
    let stderr = run
        .child
        .stderr
        .take()
        .map(|pipe| read_pipe(pipe, MAX_STDERR));
    // Both threads end when their pipe is closed. If the process dies early, writing fails, and the
    // caller detects the missing items.
    drop(thread::Builder::new().spawn(move || write_input(&mut stdin)));
    let (sender, receiver) = sync_channel(PENDING_ITEMS);
    drop(thread::Builder::new().spawn(move || {
        let parsed = parse_output(&mut stdout, &mut |item| sender.send(item).is_ok());
        // Discard the rest, so that a full pipe does not block the process.
        parsed.and_then(|()| io::copy(&mut stdout, &mut io::sink()))
    }));
    let mut deadline = Instant::now() + limits.deadline;
    loop {
        match receiver.recv_timeout(POLL_INTERVAL) {
            Ok(item) => {
                if on_item(item) {
                    deadline = Instant::now() + limits.deadline;
                }
                check_limits(deadline, limits)?;
            }
            Err(RecvTimeoutError::Timeout) => check_limits(deadline, limits)?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let stderr = receive_output(stderr, deadline, limits)?;
    run.wait(deadline, limits)?;
    Ok(String::from_utf8_lossy(&stderr.bytes).into_owned())
}

/// Running process. Dropping this value kills the process and its descendants.
struct Running {
    child: Child,
    /// True if the process has exited and its pipes are closed.
    has_exited: bool,
}

impl Running {
    fn start(
        command: &mut Command,
        stdin: Stdio,
        limits: &ProcessLimits,
    ) -> Result<Self, ProbeError> {
        if limits.cancel.is_cancelled() {
            return Err(ProbeError::Cancelled);
        }
        let tool = command.get_program().to_string_lossy().into_owned();
        let mut wrapped = parent_death::with_death_signal(command);
        let command = wrapped.as_mut().unwrap_or(command);
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        {
            // Ctrl-C must not reach the process, since its death would look like an error of the
            // file.
            std::os::unix::process::CommandExt::process_group(command, 0);
        }
        let child = command
            .spawn()
            .map_err(|source| ProbeError::Fatal(Error::Tool { tool, source }))?;
        STARTED.fetch_add(1, Ordering::Relaxed);
        update_running(|running| {
            running.insert(child.id());
        });
        Ok(Self {
            child,
            has_exited: false,
        })
    }

    /// Waits for the exit, which is expected soon, since both pipes are closed.
    fn wait(
        &mut self,
        deadline: Instant,
        limits: &ProcessLimits,
    ) -> Result<ExitStatus, ProbeError> {
        let mut pause = Duration::from_micros(100);
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.has_exited = true;
                return Ok(status);
            }
            check_limits(deadline, limits)?;
            thread::sleep(pause);
            pause = (pause * 2).min(POLL_INTERVAL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_exited {
            kill_group(self.child.id());
            // These fail only if the process has already exited.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        update_running(|running| {
            running.remove(&self.child.id());
        });
    }
}

/// Bytes read from a pipe.
#[derive(Default)]
struct PipeOutput {
    bytes: Vec<u8>,
    is_truncated: bool,
}

/// Reads a pipe to its end on a thread, and stores at most `max_bytes` bytes.
fn read_pipe(mut pipe: impl Read + Send + 'static, max_bytes: usize) -> Receiver<PipeOutput> {
    let (sender, receiver) = channel();
    let thread = thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        let is_read = (&mut pipe)
            .take(max_bytes as u64)
            .read_to_end(&mut bytes)
            .is_ok();
        let rest = if is_read {
            io::copy(&mut pipe, &mut io::sink()).unwrap_or(0)
        } else {
            0
        };
        // Sending fails if the run was aborted and the receiver was dropped.
        let _ = sender.send(PipeOutput {
            bytes,
            is_truncated: rest > 0,
        });
    });
    // If the thread could not be started, the sender was dropped and the output counts as empty.
    drop(thread);
    receiver
}

fn receive_output(
    pipe: Option<Receiver<PipeOutput>>,
    deadline: Instant,
    limits: &ProcessLimits,
) -> Result<PipeOutput, ProbeError> {
    let Some(pipe) = pipe else {
        return Ok(PipeOutput::default());
    };
    loop {
        match pipe.recv_timeout(POLL_INTERVAL) {
            Ok(output) => return Ok(output),
            Err(RecvTimeoutError::Timeout) => check_limits(deadline, limits)?,
            Err(RecvTimeoutError::Disconnected) => return Ok(PipeOutput::default()),
        }
    }
}

fn check_limits(deadline: Instant, limits: &ProcessLimits) -> Result<(), ProbeError> {
    if limits.cancel.is_cancelled() {
        return Err(ProbeError::Cancelled);
    }
    if Instant::now() >= deadline {
        let seconds = limits.deadline.as_secs();
        return Err(ProbeError::Temporary(format!(
            "timed out after {seconds} s"
        )));
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn limits(deadline: Duration) -> ProcessLimits {
        ProcessLimits {
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
    fn reads_both_pipes_to_the_end() {
        let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2";
        let output = run(
            &mut shell(script),
            1_000_000,
            &limits(Duration::from_secs(20)),
        )
        .unwrap();
        assert_eq!(output.stdout.len(), 300_000);
        assert_eq!(output.stderr.len(), MAX_STDERR);
        assert!(output.status.success());
    }

    #[test]
    fn kills_a_hanging_process_at_its_deadline() {
        for script in ["exec sleep 600", "exec >&- 2>&-; exec sleep 600"] {
            let result = run(&mut shell(script), 10, &limits(Duration::from_millis(100)));
            assert!(matches!(result, Err(ProbeError::Temporary(_))), "{script}");
        }
    }

    #[test]
    fn rejects_too_much_output() {
        let result = run(
            &mut shell("head -c 1000 /dev/zero"),
            10,
            &limits(Duration::from_secs(20)),
        );
        assert!(matches!(result, Err(ProbeError::BadFile(_))));
    }

    #[test]
    fn cancelling_ends_a_run() {
        let limits = limits(Duration::from_secs(600));
        let cancel = limits.cancel.clone();
        let folder = tempfile::tempdir().unwrap();
        let started = folder.path().join("started");
        let script = format!("touch '{}'; exec sleep 600", started.display());
        thread::spawn(move || {
            while !started.exists() {
                thread::sleep(POLL_INTERVAL);
            }
            cancel.cancel();
        });
        assert!(matches!(
            run(&mut shell(&script), 10, &limits),
            Err(ProbeError::Cancelled)
        ));
    }
}
