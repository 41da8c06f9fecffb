//! Fresh processes of both sides, turn by turn, and how long each took.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use super::catalogue::PROGRAM;
use super::client;
use super::queries::{Ask, Class, Drawer, Query, told};

/// How a program says that it does not understand what is asked.
const BAD_USAGE: i32 = 2;

/// The two sides.
pub(crate) struct Sides {
    pub(crate) catalogue: PathBuf,
    pub(crate) database: PathBuf,
    /// Whether what is on the disk is forgotten before each process.
    pub(crate) is_cold: bool,
}

/// Milliseconds of both sides; `None`: btsindex does not understand such queries.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) goal: super::queries::Goal,
    pub(crate) btsindex: Option<Vec<f64>>,
    pub(crate) fts5: Vec<f64>,
    /// What is to be said beside it.
    pub(crate) remark: String,
}

/// A query that btsindex understood, with its spelling.
struct Spelt {
    query: Query,
    spelling: Vec<String>,
}

impl Sides {
    fn btsindex(&self, spelling: &[String]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--catalogue").arg(&self.catalogue);
        command.args(["search", "--limit", "20"]).args(spelling);
        command
    }

    fn fts5(&self, words: &[String]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(client::FLAG).arg(&self.database).args(words);
        command
    }

    /// What a process costs that does nothing.
    pub(crate) fn nothing(&self, times: usize) -> Measured {
        let mut version = Command::new(PROGRAM);
        version.arg("--version");
        let mut nothing = self.fts5(&["nothing".to_owned()]);
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for _ in 0..times {
            one.push(time(&mut version));
            other.push(time(&mut nothing));
        }
        Measured {
            name: "an empty process".to_owned(),
            goal: super::queries::Goal::default(),
            btsindex: Some(one),
            fts5: other,
            remark: String::new(),
        }
    }

    /// Draws queries of a kind, sees whether both sides agree, and times them.
    pub(crate) fn class(
        &self,
        class: &Class,
        drawer: &mut Drawer<'_>,
        queries: usize,
        rounds: usize,
    ) -> Measured {
        let queries: Vec<Query> = std::iter::repeat_with(|| drawer.draw(class.kind))
            .flatten()
            .take(queries)
            .collect();
        let (spelt, remark) = self.compare(class, &queries);
        let (mut btsindex, mut fts5) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            for (at, query) in queries.iter().enumerate() {
                let mut one = spelt.get(at).map(|spelt| self.btsindex(&spelt.spelling));
                let mut other = self.fts5(&query.ask.for_fts5(class.way));
                // Whoever comes second may find the processor's caches warmer.
                if (round + at).is_multiple_of(2) {
                    btsindex.extend(one.as_mut().map(|one| self.time(one)));
                    fts5.push(self.time(&mut other));
                } else {
                    fts5.push(self.time(&mut other));
                    btsindex.extend(one.as_mut().map(|one| self.time(one)));
                }
            }
        }
        let is_understood = spelt.len() == queries.len();
        Measured {
            name: if self.is_cold {
                format!("{}, cold", class.name)
            } else {
                class.name.to_owned()
            },
            goal: class.goal,
            btsindex: is_understood.then_some(btsindex),
            fts5,
            remark,
        }
    }

    /// Asks both sides once: which spelling is understood, and whether equally many are found.
    /// Where both cut all words alike, they must be.
    fn compare(&self, class: &Class, queries: &[Query]) -> (Vec<Spelt>, String) {
        let mut spelt = Vec::new();
        let (mut equal, mut refusal) = (0, None);
        let mut differing = Vec::new();
        for query in queries {
            let theirs = answer(&mut self.fts5(&query.ask.for_fts5(class.way)));
            let theirs = told(&theirs.1).expect("FTS5's count");
            let Some((spelling, talk)) = self.understood(&query.ask, &mut refusal) else {
                return (
                    Vec::new(),
                    format!("not understood: {}", refusal.unwrap_or_default()),
                );
            };
            match told(&talk) {
                Some(ours) if ours == theirs => equal += 1,
                ours => differing.push((query, ours, theirs)),
            }
            spelt.push(Spelt {
                query: query.clone(),
                spelling,
            });
        }
        let must: Vec<_> = differing.iter().filter(|it| it.0.must_agree).collect();
        for (query, ours, theirs) in differing.iter().take(5) {
            let ours = ours.map_or("no count".to_owned(), |ours| ours.to_string());
            eprintln!("  {:?}: {ours}, FTS5 {theirs}", query.ask);
        }
        let musts = spelt.iter().filter(|it| it.query.must_agree).count();
        if equal == 0 || (musts > 0 && must.len() == musts) {
            return (
                Vec::new(),
                "not understood: other counts throughout".to_owned(),
            );
        }
        assert!(
            must.is_empty(),
            "{} of {musts} counts of {} differ that must not",
            must.len(),
            class.name
        );
        let remark = format!("{equal} of {} counts equal", queries.len());
        (spelt, remark)
    }

    /// The first spelling of a query that is not refused, and what was said.
    fn understood(&self, ask: &Ask, refusal: &mut Option<String>) -> Option<(Vec<String>, String)> {
        for spelling in ask.for_btsindex() {
            let (code, talk) = answer(&mut self.btsindex(&spelling));
            if code != Some(BAD_USAGE) {
                assert!(matches!(code, Some(0 | 4)), "{spelling:?}: {code:?} {talk}");
                return Some((spelling, talk));
            }
            let first = talk.lines().next().unwrap_or_default();
            refusal.get_or_insert_with(|| first.to_owned());
        }
        None
    }

    fn time(&self, command: &mut Command) -> f64 {
        if self.is_cold {
            forget();
        }
        time(command)
    }
}

/// Milliseconds of a whole process.
fn time(command: &mut Command) -> f64 {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().unwrap();
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    assert!(
        matches!(status.code(), Some(0 | 4)),
        "{command:?}: {status}"
    );
    took
}

/// Its exit code, and what it wrote to standard error.
fn answer(command: &mut Command) -> (Option<i32>, String) {
    let output: Output = command.stdout(Stdio::null()).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), talk)
}

/// Whether the system lets us empty its page cache.
pub(crate) fn can_forget() -> bool {
    std::fs::write(DROP, "3").is_ok()
}

const DROP: &str = "/proc/sys/vm/drop_caches";

fn forget() {
    let synced = Command::new("sync").status().unwrap();
    assert!(synced.success());
    std::fs::write(Path::new(DROP), "3").unwrap();
}
