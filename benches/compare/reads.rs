//! Counts the bytes of footage that are read and the read calls, with strace.
//!
//! A spinning drive is slow to seek and a share is slow to answer. There, calls and bytes determine
//! the cost of a scan, and neither shows in a time measured with a warm cache.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::methods::CommandLine;

const CALLS: &str = "trace=read,pread64,readv,preadv,preadv2";

/// Reads of footage, without those of libraries, catalogues and pipes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reads {
    pub(crate) calls: u64,
    pub(crate) bytes: u64,
}

impl Reads {
    /// Returns the same command, with reads of all its processes traced into `log`.
    pub(crate) fn traced(strace: &Path, log: &Path, line: CommandLine) -> CommandLine {
        let mut arguments = [
            "-f",
            "-y",
            "-s",
            "0",
            "-e",
            CALLS,
            "-e",
            "signal=none",
            "-o",
        ]
        .map(Into::into)
        .to_vec();
        arguments.push(log.into());
        arguments.push(line.program);
        arguments.extend(line.arguments);
        CommandLine {
            program: strace.into(),
            arguments,
        }
    }

    /// Adds the reads of files below `folder` that `log` contains.
    pub(crate) fn add(&mut self, log: &Path, folder: &Path) {
        let footage = format!("<{}/", folder.display());
        let mut unfinished: HashMap<String, bool> = HashMap::new();
        for line in BufReader::new(File::open(log).unwrap()).split(b'\n') {
            let line = line.unwrap();
            let line = String::from_utf8_lossy(&line);
            let Some((process, call)) = line.split_once(' ') else {
                continue;
            };
            // strace writes a call that another process interrupts in two lines. Only the first
            // line has the path.
            let is_footage = if call.trim_start().starts_with("<... ") {
                unfinished.remove(process).unwrap_or(false)
            } else {
                call.contains(&footage)
            };
            if call.ends_with("<unfinished ...>") {
                unfinished.insert(process.to_owned(), is_footage);
            } else if is_footage && let Some(bytes) = returned(call) {
                self.calls += 1;
                self.bytes += bytes;
            }
        }
    }
}

/// Returns the result of a finished call; `None` for an error.
fn returned(call: &str) -> Option<u64> {
    call.rsplit_once(" = ")?.1.parse().ok()
}
