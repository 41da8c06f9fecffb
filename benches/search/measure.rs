//! Runs both engines in turns, each query in a new process, and measures the durations.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use super::catalogue::PROGRAM;
use super::client;
use super::queries::{Query, QueryClass, QueryGenerator, QueryTerms, parse_hit_count};

/// Exit code of a program that does not accept its arguments.
const BAD_USAGE: i32 = 2;

/// Data of both engines.
pub(crate) struct Engines {
    pub(crate) catalogue: PathBuf,
    pub(crate) database: PathBuf,
    /// True if the page cache is dropped before each process.
    pub(crate) is_cold: bool,
}

/// Durations of a row of the table.
pub(crate) struct Measurement {
    pub(crate) name: String,
    pub(crate) goal: super::queries::Goal,
    /// Milliseconds per query; `None` if btsindex does not accept such queries.
    pub(crate) btsindex: Option<Vec<f64>>,
    /// Milliseconds per query.
    pub(crate) fts5: Vec<f64>,
    /// Text for the last column.
    pub(crate) remark: String,
}

/// Query that btsindex accepts, with its arguments.
struct AcceptedQuery {
    query: Query,
    arguments: Vec<String>,
}

impl Engines {
    fn btsindex(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--catalogue").arg(&self.catalogue);
        command.args(["search", "--limit", "20"]).args(arguments);
        command
    }

    fn fts5(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .arg(client::FLAG)
            .arg(&self.database)
            .args(arguments);
        command
    }

    /// Measures processes that do nothing.
    pub(crate) fn empty_processes(&self, runs: usize) -> Measurement {
        let mut version = Command::new(PROGRAM);
        version.arg("--version");
        let mut nothing = self.fts5(&["nothing".to_owned()]);
        let (mut btsindex, mut fts5) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            btsindex.push(time(&mut version));
            fts5.push(time(&mut nothing));
        }
        Measurement {
            name: "an empty process".to_owned(),
            goal: super::queries::Goal::default(),
            btsindex: Some(btsindex),
            fts5,
            remark: String::new(),
        }
    }

    /// Generates queries of a class, compares the hit counts of both engines, and measures the
    /// queries.
    pub(crate) fn measure(
        &self,
        class: &QueryClass,
        generator: &mut QueryGenerator<'_>,
        queries: usize,
        rounds: usize,
    ) -> Measurement {
        let queries: Vec<Query> = std::iter::repeat_with(|| generator.generate(class.kind))
            .flatten()
            .take(queries)
            .collect();
        let (accepted, remark) = self.compare(class, &queries);
        let (mut btsindex, mut fts5) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            for (index, query) in queries.iter().enumerate() {
                let mut ours = accepted
                    .get(index)
                    .map(|query| self.btsindex(&query.arguments));
                let mut theirs = self.fts5(&query.terms.for_fts5(class.fts5_command));
                // Alternate the order: the second process may benefit from warm CPU caches.
                if (round + index).is_multiple_of(2) {
                    btsindex.extend(ours.as_mut().map(|ours| self.time(ours)));
                    fts5.push(self.time(&mut theirs));
                } else {
                    fts5.push(self.time(&mut theirs));
                    btsindex.extend(ours.as_mut().map(|ours| self.time(ours)));
                }
            }
        }
        let is_accepted = accepted.len() == queries.len();
        Measurement {
            name: if self.is_cold {
                format!("{}, cold", class.name)
            } else {
                class.name.to_owned()
            },
            goal: class.goal,
            btsindex: is_accepted.then_some(btsindex),
            fts5,
            remark,
        }
    }

    /// Runs each query once on both engines, to find the arguments that btsindex accepts and to
    /// compare the hit counts. Panics if counts differ that have to be equal.
    fn compare(&self, class: &QueryClass, queries: &[Query]) -> (Vec<AcceptedQuery>, String) {
        let mut accepted = Vec::new();
        let (mut equal, mut refusal) = (0, None);
        let mut differing = Vec::new();
        for query in queries {
            let (_, stderr) = run(&mut self.fts5(&query.terms.for_fts5(class.fts5_command)));
            let theirs = parse_hit_count(&stderr).expect("the count of FTS5");
            let Some((arguments, stderr)) = self.find_accepted(&query.terms, &mut refusal) else {
                return (
                    Vec::new(),
                    format!("not accepted: {}", refusal.unwrap_or_default()),
                );
            };
            match parse_hit_count(&stderr) {
                Some(ours) if ours == theirs => equal += 1,
                ours => differing.push((query, ours, theirs)),
            }
            accepted.push(AcceptedQuery {
                query: query.clone(),
                arguments,
            });
        }
        let wrong = differing
            .iter()
            .filter(|(query, ..)| query.must_agree)
            .count();
        for (query, ours, theirs) in differing.iter().take(5) {
            let ours = ours.map_or("no count".to_owned(), |ours| ours.to_string());
            eprintln!("  {:?}: {ours}, FTS5 {theirs}", query.terms);
        }
        let must_agree = accepted
            .iter()
            .filter(|accepted| accepted.query.must_agree)
            .count();
        if equal == 0 || (must_agree > 0 && wrong == must_agree) {
            return (Vec::new(), "not accepted: all counts differ".to_owned());
        }
        assert!(
            wrong == 0,
            "{}: {wrong} of {must_agree} counts differ that have to be equal",
            class.name
        );
        let remark = format!("{equal} of {} counts equal", queries.len());
        (accepted, remark)
    }

    /// Returns the first arguments for a query that btsindex accepts, and its standard error. If
    /// none is accepted, stores the first error message in `refusal`.
    fn find_accepted(
        &self,
        terms: &QueryTerms,
        refusal: &mut Option<String>,
    ) -> Option<(Vec<String>, String)> {
        for arguments in terms.for_btsindex() {
            let (code, stderr) = run(&mut self.btsindex(&arguments));
            if code != Some(BAD_USAGE) {
                assert!(
                    matches!(code, Some(0 | 4)),
                    "{arguments:?}: {code:?} {stderr}"
                );
                return Some((arguments, stderr));
            }
            let first = stderr.lines().next().unwrap_or_default();
            refusal.get_or_insert_with(|| first.to_owned());
        }
        None
    }

    fn time(&self, command: &mut Command) -> f64 {
        if self.is_cold {
            drop_caches();
        }
        time(command)
    }
}

/// Runs a process and returns its duration in milliseconds.
fn time(command: &mut Command) -> f64 {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().unwrap();
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    assert!(
        matches!(status.code(), Some(0 | 4)),
        "{command:?}: {status}"
    );
    milliseconds
}

/// Runs a process and returns its exit code and its standard error.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let output: Output = command.stdout(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), stderr)
}

/// Returns true if this process may drop the page cache.
pub(crate) fn can_drop_caches() -> bool {
    std::fs::write(DROP_CACHES, "3").is_ok()
}

const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";

fn drop_caches() {
    let status = Command::new("sync").status().unwrap();
    assert!(status.success());
    std::fs::write(Path::new(DROP_CACHES), "3").unwrap();
}
