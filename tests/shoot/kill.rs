//! Killing a command at a chosen point of its work: once it has written a number of bytes. This
//! point does not depend on the speed or the load of the machine, unlike a moment.

use std::fs;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

use super::{Answer, Shoot};

/// Time between two looks at a process, shorter than any write to disk.
const POLL_INTERVAL: Duration = Duration::from_micros(200);

/// Command whose output goes to files, because a full pipe would stop it.
pub(crate) struct KillableCommand {
    child: Child,
    output: [fs::File; 2],
    #[cfg_attr(
        target_os = "linux",
        expect(dead_code, reason = "the kernel counts the bytes")
    )]
    folder: std::path::PathBuf,
}

impl KillableCommand {
    pub(crate) fn start(shoot: &Shoot, mut command: Command) -> Self {
        let output = [(); 2].map(|()| tempfile::tempfile().unwrap());
        let [stdout, stderr] = output.each_ref().map(|file| file.try_clone().unwrap());
        Self {
            child: command.stdout(stdout).stderr(stderr).spawn().unwrap(),
            output,
            folder: shoot.root(),
        }
    }

    /// Bytes that the process and its finished children have written to files and pipes.
    #[cfg(target_os = "linux")]
    fn written(&self) -> u64 {
        let counters = Path::new("/proc").join(self.child.id().to_string());
        let text = fs::read_to_string(counters.join("io")).unwrap();
        let written = text.lines().find_map(|line| line.strip_prefix("wchar: "));
        written.unwrap().parse().unwrap()
    }

    /// Size of the files below the folder of the shoot.
    #[cfg(not(target_os = "linux"))]
    fn written(&self) -> u64 {
        let entries = walkdir::WalkDir::new(&self.folder).into_iter().flatten();
        let sizes = entries.filter_map(|entry| Some(entry.metadata().ok()?.len()));
        sizes.sum()
    }

    /// Kills the process once it has written `bytes` bytes. Returns its output and whether it was
    /// killed before its end.
    pub(crate) fn kill_after_writing(mut self, bytes: u64) -> (Answer, bool) {
        while self.child.try_wait().unwrap().is_none() {
            if self.written() >= bytes {
                self.child.kill().unwrap();
                break;
            }
            thread::sleep(POLL_INTERVAL);
        }
        let status = self.child.wait().unwrap();
        (self.answer(status), status.code().is_none())
    }

    /// Waits for the end of the process. Returns its output and the bytes it wrote.
    pub(crate) fn measure(mut self) -> (Answer, u64) {
        let mut written = 0;
        // The counters of a process can be read until its end was noticed.
        let status = loop {
            written = self.written().max(written);
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            thread::sleep(POLL_INTERVAL);
        };
        (self.answer(status), written)
    }

    fn answer(&mut self, status: ExitStatus) -> Answer {
        let [stdout, stderr] = self.output.each_mut().map(|file| {
            let mut bytes = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Answer {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr,
        }
    }
}

impl Drop for KillableCommand {
    /// No process continues after a test that fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
