//! Time, reads and processes of each stage of a scan, for `--timings` and the JSON summary.

use std::time::{Duration, Instant};

use crate::media::processes_started;
use crate::source_file::Traffic;

/// Resources that one stage used.
#[derive(Debug, Clone)]
pub struct StageTiming {
    /// Name of the stage.
    pub stage: &'static str,
    /// Files or clips that the stage processed.
    pub files: usize,
    /// Elapsed time.
    pub wall: Duration,
    /// CPU time of this process and its finished children; `None` if the system does not report it.
    pub cpu: Option<Duration>,
    /// Reads of originals by this process; reads by ffmpeg and ffprobe are not included.
    pub traffic: Traffic,
    /// Number of processes started.
    pub processes: u64,
}

/// Counters at the start of a stage.
pub(super) struct StageMeter {
    stage: &'static str,
    started: Instant,
    cpu: Option<Duration>,
    traffic: Traffic,
    processes: u64,
}

impl StageMeter {
    pub(super) fn start(stage: &'static str) -> Self {
        Self {
            stage,
            started: Instant::now(),
            cpu: cpu(),
            traffic: Traffic::so_far(),
            processes: processes_started(),
        }
    }

    pub(super) fn stop(self, files: usize) -> StageTiming {
        let traffic = Traffic::so_far();
        StageTiming {
            stage: self.stage,
            files,
            wall: self.started.elapsed(),
            cpu: cpu()
                .zip(self.cpu)
                .map(|(end, start)| end.saturating_sub(start)),
            traffic: Traffic {
                calls: traffic.calls - self.traffic.calls,
                bytes: traffic.bytes - self.traffic.bytes,
            },
            processes: processes_started() - self.processes,
        }
    }
}

/// Returns the CPU time used so far by this process and its finished children (proc(5)).
fn cpu() -> Option<Duration> {
    /// Length of a clock tick: Linux reports 100 ticks per second to user space.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The process name is in parentheses and may contain any character. The third field follows it.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(|field| field.parse::<u32>().unwrap_or(0))
        .sum();
    Some(TICK * ticks)
}
