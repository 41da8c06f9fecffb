//! Runs the methods in turns and measures each run.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::methods::{CommandLine, Method};
use crate::reads::Reads;
use crate::sets::Set;
use crate::tools::Tools;

/// Number of runs of an empty scan. It is quick, so many runs give a stable median.
const EMPTY_SCANS: usize = 5;

/// Cost of one run of a method, including all processes that it starts.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// Results of a method on one set.
pub(crate) struct Row {
    pub(crate) method: Method,
    /// One cost per round, so that methods can be compared round by round.
    pub(crate) costs: Vec<Cost>,
    /// `None` if reads cannot be counted.
    pub(crate) reads: Option<Reads>,
}

/// Results of all methods on one set.
pub(crate) struct SetResults {
    pub(crate) set: &'static str,
    pub(crate) clips: u32,
    pub(crate) rows: Vec<Row>,
}

/// Runs each method once to count its reads, which also warms the page cache for all of them. Then
/// measures each one `rounds` times. A method that fails is reported and left out.
pub(crate) fn compare(set: &Set, methods: &[Method], rounds: usize, tools: &Tools) -> SetResults {
    let mut rows = Vec::new();
    for &method in methods {
        eprintln!("{}: {}, counting reads", set.name, method.name());
        match count_reads(set, method, tools) {
            Ok(reads) => rows.push(Row {
                method,
                costs: Vec::new(),
                reads,
            }),
            Err(problem) => eprintln!("skipped: {} on {}: {problem}", method.name(), set.name),
        }
    }
    for round in 1..=rounds {
        eprintln!("{}: round {round} of {rounds}", set.name);
        for row in &mut rows {
            let cost = measure(set, row.method, tools)
                .unwrap_or_else(|problem| panic!("{} failed: {problem}", row.method.name()));
            row.costs.push(cost);
        }
    }
    SetResults {
        set: set.name,
        clips: u32::try_from(set.clips.len()).unwrap(),
        rows,
    }
}

/// Describes the cost of scanning an empty folder.
pub(crate) fn empty_scan(tools: &Tools) -> Option<String> {
    let folder = output_folder();
    let empty = Set {
        name: "empty",
        folder: folder.path().to_owned(),
        clips: Vec::new(),
    };
    let costs: Result<Vec<Cost>, String> = (0..EMPTY_SCANS)
        .map(|_| measure(&empty, Method::Scan, tools))
        .collect();
    let costs = costs.ok()?;
    let millis = |cost: fn(&Cost) -> Duration| {
        median(costs.iter().map(|c| cost(c).as_secs_f64() * 1e3).collect())
    };
    Some(format!(
        "btsindex scan of an empty folder: {:.1} ms CPU, {:.1} ms wall",
        millis(|cost| cost.cpu),
        millis(|cost| cost.wall),
    ))
}

/// Returns the median; of two middle values, their mean.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

/// Creates a folder for the output of one run, on the disk of the build.
fn output_folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Runs a method under strace; `None` if strace is missing.
fn count_reads(set: &Set, method: Method, tools: &Tools) -> Result<Option<Reads>, String> {
    let Some(strace) = &tools.strace else {
        return measure(set, method, tools).map(|_| None);
    };
    let out = output_folder();
    let mut reads = Reads::default();
    let log = out.path().join("strace.log");
    for line in method.command_lines(set, tools, out.path()) {
        run(&Reads::traced(strace, &log, line), out.path())?;
        reads.add(&log, &set.folder);
    }
    check_pictures(set, method, out.path())?;
    Ok(Some(reads))
}

/// Runs a method once and returns its cost.
fn measure(set: &Set, method: Method, tools: &Tools) -> Result<Cost, String> {
    let out = output_folder();
    let lines = method.command_lines(set, tools, out.path());
    let (start, cpu_before) = (Instant::now(), children_cpu());
    for line in &lines {
        run(line, out.path())?;
    }
    let cost = Cost {
        cpu: children_cpu().saturating_sub(cpu_before),
        wall: start.elapsed(),
    };
    check_pictures(set, method, out.path())?;
    Ok(cost)
}

/// Returns an error unless the method wrote a picture for each clip: ffmpeg reports success even if
/// it decoded no frame.
fn check_pictures(set: &Set, method: Method, out: &Path) -> Result<(), String> {
    let is_picture = |name: OsString| name.to_string_lossy().ends_with(".jpg");
    let pictures = fs::read_dir(out)
        .unwrap()
        .filter(|entry| is_picture(entry.as_ref().unwrap().file_name()))
        .count();
    if method.writes_pictures() && pictures != set.clips.len() {
        return Err(format!("{pictures} pictures for {} clips", set.clips.len()));
    }
    Ok(())
}

/// Runs a program until it ends and writes its output to files in `out`.
fn run(line: &CommandLine, out: &Path) -> Result<(), String> {
    let errors = out.join("stderr");
    let status = Command::new(&line.program)
        .args(&line.arguments)
        .stdin(Stdio::null())
        .stdout(File::create(out.join("stdout")).unwrap())
        .stderr(File::create(&errors).unwrap())
        .status()
        .map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(());
    }
    let stderr = fs::read_to_string(errors).unwrap_or_default();
    Err(format!(
        "{status}: {}",
        stderr.lines().last().unwrap_or("no error message")
    ))
}

/// Returns the user and system time of all finished children, including their children.
fn children_cpu() -> Duration {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    duration(usage.user_time()) + duration(usage.system_time())
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap();
    let micros = u64::try_from(time.tv_usec()).unwrap();
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
