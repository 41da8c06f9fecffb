//! How much of the footage is read, and in how many calls, by the word of strace.
//!
//! A drive on a shelf is slow to seek and a share is slow to answer: there, calls and bytes are
//! what a scan costs, and neither shows in a time measured on a warm cache.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::ways::CommandLine;

const CALLS: &str = "trace=read,pread64,readv,preadv,preadv2";

/// Reads of footage; those of libraries, catalogues and pipes do not count.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reads {
    pub(crate) calls: u64,
    pub(crate) bytes: u64,
}

impl Reads {
    /// The same command, with every process that it starts traced into `log`.
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

    /// Adds what `log` says was read below `folder`.
    pub(crate) fn add(&mut self, log: &Path, folder: &Path) {
        let footage = format!("<{}/", folder.display());
        let mut unfinished: HashMap<String, bool> = HashMap::new();
        for line in BufReader::new(File::open(log).unwrap()).split(b'\n') {
            let line = line.unwrap();
            let line = String::from_utf8_lossy(&line);
            let Some((process, call)) = line.split_once(' ') else {
                continue;
            };
            // A call that another process interrupts is told in two lines, and only the first
            // has the path.
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

/// What a finished call returned; `None` for an error.
fn returned(call: &str) -> Option<u64> {
    call.rsplit_once(" = ")?.1.parse().ok()
}
