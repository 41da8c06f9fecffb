//! Running the ways turn by turn, and what each turn cost.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::reads::Reads;
use crate::sets::Set;
use crate::tools::Tools;
use crate::ways::{CommandLine, Way};

/// How often an empty scan is run: it is quick, and its median should be steady.
const STARTS: usize = 5;

/// What one turn of a way cost, with every process that it started.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// What a way cost on one set.
pub(crate) struct Row {
    pub(crate) way: Way,
    /// A cost a round, so that rows can be compared round by round.
    pub(crate) costs: Vec<Cost>,
    /// `None` where reads cannot be counted.
    pub(crate) reads: Option<Reads>,
}

/// What the ways cost on one set.
pub(crate) struct Compared {
    pub(crate) set: &'static str,
    pub(crate) clips: u32,
    pub(crate) rows: Vec<Row>,
}

/// Runs each way once to count its reads, which also warms the page cache for all of them alike,
/// and then `rounds` times for time. A way that fails is said and left out.
pub(crate) fn compare(set: &Set, ways: &[Way], rounds: usize, tools: &Tools) -> Compared {
    let mut rows = Vec::new();
    for &way in ways {
        eprintln!("{}: {}, counting reads", set.name, way.name());
        match first_turn(set, way, tools) {
            Ok(reads) => rows.push(Row {
                way,
                costs: Vec::new(),
                reads,
            }),
            Err(problem) => eprintln!("skipped: {} on {}: {problem}", way.name(), set.name),
        }
    }
    for round in 1..=rounds {
        eprintln!("{}: round {round} of {rounds}", set.name);
        for row in &mut rows {
            let cost = turn(set, row.way, tools)
                .unwrap_or_else(|problem| panic!("{} failed: {problem}", row.way.name()));
            row.costs.push(cost);
        }
    }
    Compared {
        set: set.name,
        clips: u32::try_from(set.clips.len()).unwrap(),
        rows,
    }
}

/// What a scan costs before the first clip, as a sentence.
pub(crate) fn start(tools: &Tools) -> Option<String> {
    let folder = place();
    let nothing = Set {
        name: "nothing",
        folder: folder.path().to_owned(),
        clips: Vec::new(),
    };
    let costs: Result<Vec<Cost>, String> = (0..STARTS)
        .map(|_| turn(&nothing, Way::Scan, tools))
        .collect();
    let costs = costs.ok()?;
    let millis = |cost: fn(&Cost) -> Duration| {
        median(costs.iter().map(|c| cost(c).as_secs_f64() * 1e3).collect())
    };
    Some(format!(
        "btsindex on an empty folder, once a scan: {:.1} ms CPU, {:.1} ms wall",
        millis(|cost| cost.cpu),
        millis(|cost| cost.wall),
    ))
}

/// The middle of what was measured.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

/// A new folder for all that a turn writes, on the disk that the build is on.
fn place() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn first_turn(set: &Set, way: Way, tools: &Tools) -> Result<Option<Reads>, String> {
    let Some(strace) = &tools.strace else {
        return turn(set, way, tools).map(|_| None);
    };
    let out = place();
    let mut reads = Reads::default();
    let log = out.path().join("strace.log");
    for line in way.command_lines(set, tools, out.path()) {
        run(&Reads::traced(strace, &log, line), out.path())?;
        reads.add(&log, &set.folder);
    }
    check_pictures(set, way, out.path())?;
    Ok(Some(reads))
}

fn turn(set: &Set, way: Way, tools: &Tools) -> Result<Cost, String> {
    let out = place();
    let lines = way.command_lines(set, tools, out.path());
    let (started, before) = (Instant::now(), spent());
    for line in &lines {
        run(line, out.path())?;
    }
    let cost = Cost {
        cpu: spent().saturating_sub(before),
        wall: started.elapsed(),
    };
    check_pictures(set, way, out.path())?;
    Ok(cost)
}

/// A way that makes no pictures is quick and no use: ffmpeg ends well even without a frame.
fn check_pictures(set: &Set, way: Way, out: &Path) -> Result<(), String> {
    let is_picture = |name: OsString| name.to_string_lossy().ends_with(".jpg");
    let pictures = fs::read_dir(out)
        .unwrap()
        .filter(|entry| is_picture(entry.as_ref().unwrap().file_name()))
        .count();
    if way.leaves_pictures() && pictures != set.clips.len() {
        return Err(format!("{pictures} pictures of {} clips", set.clips.len()));
    }
    Ok(())
}

/// Runs a program to its end, with what it prints kept in `out`.
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
    let said = fs::read_to_string(errors).unwrap_or_default();
    Err(format!(
        "{status}: {}",
        said.lines().last().unwrap_or("said nothing")
    ))
}

/// User and system time of all children that have ended, and of theirs.
fn spent() -> Duration {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    since_start(usage.user_time()) + since_start(usage.system_time())
}

fn since_start(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap();
    let micros = u64::try_from(time.tv_usec()).unwrap();
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
