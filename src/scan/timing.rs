//! Where the time of a scan goes, stage by stage.

use std::time::{Duration, Instant};

use crate::media::processes_started;
use crate::source_file::Traffic;

/// What one stage took.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Which.
    pub stage: &'static str,
    /// Files or clips it dealt with.
    pub files: usize,
    /// Time that passed.
    pub wall: Duration,
    /// Processor time of this process and of all it started; `None` where the system does
    /// not tell.
    pub cpu: Option<Duration>,
    /// Read from originals by this process, not by tools.
    pub traffic: Traffic,
    /// Processes started.
    pub processes: u64,
}

/// A stage that runs.
pub(super) struct Meter {
    stage: &'static str,
    begun: Instant,
    cpu: Option<Duration>,
    traffic: Traffic,
    processes: u64,
}

impl Meter {
    pub(super) fn start(stage: &'static str) -> Self {
        Self {
            stage,
            begun: Instant::now(),
            cpu: cpu(),
            traffic: Traffic::so_far(),
            processes: processes_started(),
        }
    }

    pub(super) fn stop(self, files: usize) -> Timing {
        let traffic = Traffic::so_far();
        Timing {
            stage: self.stage,
            files,
            wall: self.begun.elapsed(),
            cpu: cpu()
                .zip(self.cpu)
                .map(|(now, then)| now.saturating_sub(then)),
            traffic: Traffic {
                calls: traffic.calls - self.traffic.calls,
                bytes: traffic.bytes - self.traffic.bytes,
            },
            processes: processes_started() - self.processes,
        }
    }
}

/// Processor time so far, of this process and its children that have ended (proc(5)).
fn cpu() -> Option<Duration> {
    /// Ticks a second on every Linux there is.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold anything; after it the third field comes first.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(|field| field.parse::<u32>().unwrap_or(0))
        .sum();
    Some(TICK * ticks)
}
