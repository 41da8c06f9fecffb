//! The sets, the ways, and what each turn cost.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::sys::time::TimeValLike;

/// The program that is measured.
const PROGRAM: &str = env!("CARGO_BIN_EXE_btsindex");

/// Files of one size.
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

/// What is done, and how: by btsindex, and by hand.
struct Job {
    ways: [&'static str; 2],
    /// Does it the first way, or the second, and says what it cost. Gets the card and a folder beside it.
    turn: fn(bool, &Path, &Path) -> Cost,
}

const JOBS: [Job; 2] = [
    Job {
        ways: ["ingest", "rsync+xxhsum"],
        turn: take_in,
    },
    Job {
        ways: ["safe", "xxhsum"],
        turn: ask,
    },
];

/// What one turn cost.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
    /// Most memory of any process so far, MB: the others of these ways need little.
    memory: i64,
}

/// Makes each set, and runs the ways on it turn by turn.
pub(crate) fn compare() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (mut rounds, mut place, mut chosen) = (3, None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().unwrap().parse().unwrap(),
            "--dir" => place = arguments.next().map(PathBuf::from),
            name => chosen.push(name.to_owned()),
        }
    }
    let place = place.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    if let Some(name) = chosen
        .iter()
        .find(|name| !SETS.iter().any(|set| set.name == **name))
    {
        let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        eprintln!("error: no set `{name}`; there are {}", names.join(", "));
        std::process::exit(2);
    }
    println!("set     files   GB    way            wall s  CPU s  CPU s/GB  MB/s");
    for set in SETS
        .iter()
        .filter(|set| chosen.is_empty() || chosen.contains(&set.name.to_owned()))
    {
        let folder = tempfile::tempdir_in(&place).unwrap();
        let card = folder.path().join("card");
        set.make(&card);
        for job in &JOBS {
            let mut costs = [Vec::new(), Vec::new()];
            for round in 1..=rounds {
                eprintln!("{}, {}: round {round} of {rounds}", set.name, job.ways[0]);
                for (is_by_hand, costs) in [false, true].into_iter().zip(&mut costs) {
                    costs.push((job.turn)(is_by_hand, &card, folder.path()));
                }
            }
            print(set, job, &costs);
        }
    }
}

impl Set {
    fn make(&self, card: &Path) {
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

/// Bytes that no filesystem can pack, quickly.
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

/// Copies the card to two places, new ones each time.
fn take_in(is_by_hand: bool, card: &Path, folder: &Path) -> Cost {
    let out = tempfile::tempdir_in(folder).unwrap();
    let places = places(out.path());
    let sums = is_by_hand.then(|| sums(card));
    measured(|| match sums {
        None => ingest(card, &places, out.path()),
        Some(sums) => by_hand(card, &places, &sums),
    })
}

/// Says whether the card may be formatted, or compares its sums.
fn ask(is_by_hand: bool, card: &Path, folder: &Path) -> Cost {
    let taken = folder.join("taken");
    if !taken.exists() {
        fs::create_dir(&taken).unwrap();
        ingest(card, &places(&taken), &taken);
    }
    let sums = sums(card);
    measured(|| {
        if is_by_hand {
            check(&sums, card);
        } else {
            let mut command = Command::new(PROGRAM);
            command.arg("--catalogue").arg(taken.join("catalogue"));
            command.arg("safe").arg(card).stdout(Stdio::null());
            // All is on one disk here, which is not safe: that is found out by the same work.
            assert_eq!(command.status().unwrap().code(), Some(4));
        }
    })
}

fn places(out: &Path) -> [PathBuf; 2] {
    ["raid", "backup"].map(|name| {
        let place = out.join(name);
        fs::create_dir(&place).unwrap();
        place
    })
}

fn measured(act: impl FnOnce()) -> Cost {
    forget();
    let (begun, before) = (Instant::now(), used());
    act();
    let (wall, after) = (begun.elapsed(), used());
    Cost {
        wall: wall.as_secs_f64(),
        cpu: after.0.saturating_sub(before.0).as_secs_f64(),
        memory: after.1,
    }
}

fn ingest(card: &Path, places: &[PathBuf], out: &Path) {
    let mut command = Command::new(PROGRAM);
    command.arg("--catalogue").arg(out.join("catalogue"));
    command.args(["ingest", "--no-pictures"]).arg(card);
    for place in places {
        command.arg("--to").arg(place.join("{card}"));
    }
    run(command);
}

fn by_hand(card: &Path, places: &[PathBuf], sums: &Path) {
    for place in places {
        let mut command = Command::new("rsync");
        command.args(["-a", "--fsync"]).arg(card).arg(place);
        run(command);
    }
    forget();
    for place in places {
        check(sums, &place.join("card"));
    }
}

fn check(sums: &Path, folder: &Path) {
    let mut command = Command::new("xxhsum");
    command.args(["-q", "-c"]).arg(sums).current_dir(folder);
    run(command);
}

/// What xxhsum compares with, made before the clock runs.
fn sums(card: &Path) -> PathBuf {
    let path = card.with_extension("xxh128");
    if !path.exists() {
        let text = Command::new("sh")
            .args(["-c", "find . -type f -print0 | xargs -0 xxhsum -H2"])
            .current_dir(card)
            .output()
            .expect("xxhsum is needed: Debian has it as xxhash");
        fs::write(&path, text.stdout).unwrap();
    }
    path
}

/// Has the system forget all files; without the right to, both ways read from memory what they wrote.
fn forget() {
    run(Command::new("sync"));
    if fs::write("/proc/sys/vm/drop_caches", "3").is_err() {
        eprintln!("caches could not be dropped: that takes root");
    }
}

fn run(mut command: Command) {
    let status = command
        .stdout(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

/// CPU time of all processes that were started, and the most memory that one of them had, MB.
fn used() -> (Duration, i64) {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let time =
        |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap());
    (
        time(usage.user_time()) + time(usage.system_time()),
        usage.max_rss() / 1024,
    )
}

fn print(set: &Set, job: &Job, costs: &[Vec<Cost>; 2]) {
    let median = |costs: &[Cost], of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    for (way, costs) in job.ways.iter().zip(costs) {
        let (wall, cpu) = (
            median(costs, |cost| cost.wall),
            median(costs, |cost| cost.cpu),
        );
        println!(
            "{:<7} {:>6}  {:>4.1}  {way:<13} {wall:>7.2} {cpu:>6.2} {:>9.2} {:>5.0}",
            set.name,
            set.files,
            set.gigabytes(),
            cpu / set.gigabytes(),
            set.gigabytes() * 1e3 / wall,
        );
    }
    let ratios = |of: fn(&Cost) -> f64| {
        let mut ratios: Vec<f64> = costs[0]
            .iter()
            .zip(&costs[1])
            .map(|(one, other)| of(one) / of(other))
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    };
    println!(
        "{:<7} {}: {:.2} of the time, {:.2} of the CPU; at most {} MB of memory",
        set.name,
        job.ways.join(" / "),
        ratios(|cost| cost.wall),
        ratios(|cost| cost.cpu),
        costs[0].iter().map(|cost| cost.memory).max().unwrap_or(0),
    );
}
