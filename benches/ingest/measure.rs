//! Sets of files, the two methods for each task, and the cost of each run.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::sys::time::TimeValLike;

/// Program to measure.
const PROGRAM: &str = env!("CARGO_BIN_EXE_btsindex");

/// Set of files of the same size.
struct Set {
    name: &'static str,
    files: usize,
    bytes: usize,
}

const SETS: [Set; 4] = [
    Set {
        name: "large",
        files: 4,
        bytes: 1 << 30,
    },
    Set {
        name: "clips",
        files: 64,
        bytes: 32 << 20,
    },
    Set {
        name: "stills",
        files: 1000,
        bytes: 1 << 20,
    },
    Set {
        name: "small",
        files: 10_000,
        bytes: 16 << 10,
    },
];

/// Task, done with btsindex and with other tools.
struct Task {
    /// Names of both methods; btsindex is the first.
    methods: [&'static str; 2],
    /// Runs the task and returns its cost. Arguments: true for the other tools, the card, and a
    /// folder on the same disk.
    run: fn(bool, &Path, &Path) -> Cost,
}

const TASKS: [Task; 2] = [
    Task {
        methods: ["ingest", "rsync+xxhsum"],
        run: measure_ingest,
    },
    Task {
        methods: ["safe", "xxhsum"],
        run: measure_safe,
    },
];

/// Cost of one run.
#[derive(Clone, Copy)]
struct Cost {
    /// Elapsed time in seconds.
    wall: f64,
    /// CPU time in seconds.
    cpu: f64,
    /// Peak memory of any child process so far, in MB. The other tools need little.
    memory: i64,
}

/// Creates each set and runs both methods on it in turns.
pub(crate) fn compare() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (mut rounds, mut disk, mut chosen) = (3, None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().unwrap().parse().unwrap(),
            "--dir" => disk = arguments.next().map(PathBuf::from),
            name => chosen.push(name.to_owned()),
        }
    }
    let disk = disk.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    if let Some(name) = chosen
        .iter()
        .find(|name| !SETS.iter().any(|set| set.name == **name))
    {
        let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        eprintln!("error: no set `{name}`; sets: {}", names.join(", "));
        std::process::exit(2);
    }
    println!("set     files   GB    method         wall s  CPU s  CPU s/GB  MB/s");
    for set in SETS
        .iter()
        .filter(|set| chosen.is_empty() || chosen.contains(&set.name.to_owned()))
    {
        let folder = tempfile::tempdir_in(&disk).unwrap();
        let card = folder.path().join("card");
        set.create(&card);
        for task in &TASKS {
            let mut costs = [Vec::new(), Vec::new()];
            for round in 1..=rounds {
                eprintln!(
                    "{}, {}: round {round} of {rounds}",
                    set.name, task.methods[0]
                );
                for (with_other_tools, costs) in [false, true].into_iter().zip(&mut costs) {
                    costs.push((task.run)(with_other_tools, &card, folder.path()));
                }
            }
            print(set, task, &costs);
        }
    }
}

impl Set {
    fn create(&self, card: &Path) {
        let mut noise = Noise(self.bytes as u64 + 1);
        let mut buffer = vec![0; self.bytes.min(8 << 20)];
        for number in 0..self.files {
            let folder = card.join(format!("DCIM/{:03}", number / 500));
            fs::create_dir_all(&folder).unwrap();
            let mut file = File::create(folder.join(format!("C{number:05}.BIN"))).unwrap();
            let mut left = self.bytes;
            while left > 0 {
                noise.fill(&mut buffer);
                let length = left.min(buffer.len());
                file.write_all(&buffer[..length]).unwrap();
                left -= length;
            }
        }
        run(Command::new("sync"));
    }

    fn gigabytes(&self) -> f64 {
        self.files as f64 * self.bytes as f64 / 1e9
    }
}

/// Fast generator of bytes that no filesystem can compress.
struct Noise(u64);

impl Noise {
    fn fill(&mut self, buffer: &mut [u8]) {
        for word in buffer.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let bytes = self.0.to_le_bytes();
            word.copy_from_slice(&bytes[..word.len()]);
        }
    }
}

/// Copies the card to two new destinations.
fn measure_ingest(with_other_tools: bool, card: &Path, folder: &Path) -> Cost {
    let out = tempfile::tempdir_in(folder).unwrap();
    let destinations = create_destinations(out.path());
    let list = with_other_tools.then(|| checksum_list(card));
    measure(|| match list {
        None => ingest(card, &destinations, out.path()),
        Some(list) => copy_with_rsync(card, &destinations, &list),
    })
}

/// Checks whether the card may be formatted, or compares it with its checksum list.
fn measure_safe(with_other_tools: bool, card: &Path, folder: &Path) -> Cost {
    let ingested = folder.join("ingested");
    if !ingested.exists() {
        fs::create_dir(&ingested).unwrap();
        ingest(card, &create_destinations(&ingested), &ingested);
    }
    let list = checksum_list(card);
    measure(|| {
        if with_other_tools {
            verify_checksums(&list, card);
        } else {
            let mut command = Command::new(PROGRAM);
            command.arg("--catalogue").arg(ingested.join("catalogue"));
            command.arg("safe").arg(card).stdout(Stdio::null());
            // All copies are on one disk here, so the answer is no. The work is the same.
            assert_eq!(command.status().unwrap().code(), Some(4));
        }
    })
}

fn create_destinations(out: &Path) -> [PathBuf; 2] {
    ["raid", "backup"].map(|name| {
        let destination = out.join(name);
        fs::create_dir(&destination).unwrap();
        destination
    })
}

/// Drops the caches, runs `action`, and returns its cost.
fn measure(action: impl FnOnce()) -> Cost {
    drop_caches();
    let (start, before) = (Instant::now(), children_usage());
    action();
    let (wall, after) = (start.elapsed(), children_usage());
    Cost {
        wall: wall.as_secs_f64(),
        cpu: after.0.saturating_sub(before.0).as_secs_f64(),
        memory: after.1,
    }
}

fn ingest(card: &Path, destinations: &[PathBuf], out: &Path) {
    let mut command = Command::new(PROGRAM);
    command.arg("--catalogue").arg(out.join("catalogue"));
    command.args(["ingest", "--no-pictures"]).arg(card);
    for destination in destinations {
        command.arg("--to").arg(destination.join("{card}"));
    }
    run(command);
}

fn copy_with_rsync(card: &Path, destinations: &[PathBuf], list: &Path) {
    for destination in destinations {
        let mut command = Command::new("rsync");
        command.args(["-a", "--fsync"]).arg(card).arg(destination);
        run(command);
    }
    drop_caches();
    for destination in destinations {
        verify_checksums(list, &destination.join("card"));
    }
}

fn verify_checksums(list: &Path, folder: &Path) {
    let mut command = Command::new("xxhsum");
    command.args(["-q", "-c"]).arg(list).current_dir(folder);
    run(command);
}

/// Returns the checksum list of a card; creates it at the first call. This time is not measured.
fn checksum_list(card: &Path) -> PathBuf {
    let path = card.with_extension("xxh128");
    if !path.exists() {
        let output = Command::new("sh")
            .args(["-c", "find . -type f -print0 | xargs -0 xxhsum -H2"])
            .current_dir(card)
            .output()
            .expect("xxhsum is installed (Debian package: xxhash)");
        fs::write(&path, output.stdout).unwrap();
    }
    path
}

/// Drops the page cache. Without root, both methods read the copies from memory.
fn drop_caches() {
    run(Command::new("sync"));
    if fs::write("/proc/sys/vm/drop_caches", "3").is_err() {
        eprintln!("cannot drop the page cache: needs root");
    }
}

fn run(mut command: Command) {
    let status = command
        .stdout(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// Returns the CPU time of all finished children, and the peak memory of one of them in MB.
fn children_usage() -> (Duration, i64) {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let time =
        |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap());
    (
        time(usage.user_time()) + time(usage.system_time()),
        usage.max_rss() / 1024,
    )
}

fn print(set: &Set, task: &Task, costs: &[Vec<Cost>; 2]) {
    let median = |costs: &[Cost], part: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(part).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    for (method, costs) in task.methods.iter().zip(costs) {
        let (wall, cpu) = (
            median(costs, |cost| cost.wall),
            median(costs, |cost| cost.cpu),
        );
        println!(
            "{:<7} {:>6}  {:>4.1}  {method:<13} {wall:>7.2} {cpu:>6.2} {:>9.2} {:>5.0}",
            set.name,
            set.files,
            set.gigabytes(),
            cpu / set.gigabytes(),
            set.gigabytes() * 1e3 / wall,
        );
    }
    let ratios = |part: fn(&Cost) -> f64| {
        let mut ratios: Vec<f64> = costs[0]
            .iter()
            .zip(&costs[1])
            .map(|(one, other)| part(one) / part(other))
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    };
    println!(
        "{:<7} {}: {:.2} of the time, {:.2} of the CPU time; {} MB peak memory",
        set.name,
        task.methods.join(" / "),
        ratios(|cost| cost.wall),
        ratios(|cost| cost.cpu),
        costs[0].iter().map(|cost| cost.memory).max().unwrap_or(0),
    );
}
