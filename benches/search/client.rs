//! FTS5 client that `btsindex search` is compared with: a process that opens the database for
//! reading, searches, counts all hits, and prints twenty rows.
//!
//! The benchmark starts itself as this client, so both programs are built with the same options.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;

use rusqlite::{Connection, OpenFlags, Params, Row};

/// Argument that runs the benchmark as this client.
pub(crate) const FLAG: &str = "--fts5";

/// Query for the columns of a result row.
const ROWS: &str = "SELECT c.name, c.captured, c.duration, c.height, c.rate, c.bytes,
    m.name, c.tags, c.folder, c.title FROM clip c JOIN camera m ON m.id = c.camera";

/// Number of rows to print.
const LIMIT: usize = 20;

/// Number of clips per facet value.
type Counts = HashMap<i64, i64>;

/// Result of a search: number of hits, and the lines to print.
struct Answer {
    total: i64,
    lines: String,
}

/// Runs a query; the arguments are `DATABASE KIND WORDS…`.
pub(crate) fn run(arguments: &[String]) {
    let [database, kind, rest @ ..] = arguments else {
        panic!("{FLAG} DATABASE KIND WORDS");
    };
    if kind == "nothing" {
        return;
    }
    let connection = open(database);
    let answer = match (kind.as_str(), rest) {
        ("match", [expression]) => match_in_one_pass(&connection, expression),
        ("by-manual", [expression]) => match_by_manual(&connection, expression),
        ("fuzzy", [word]) => fuzzy(&connection, word, "vocabulary", "term"),
        ("fuzzy-listed", [word]) => fuzzy(&connection, word, "listed", "word"),
        ("tagged", [tag, from, to]) => tagged(&connection, tag, from, to),
        ("newest", []) => newest(&connection),
        ("facets", []) => facets(&connection),
        ("facets", [expression]) => facets_of(&connection, expression),
        _ => panic!("unknown kind of query: {kind}"),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(answer.lines.as_bytes()).unwrap();
    eprintln!("{} clips found", answer.total);
}

fn open(database: &str) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags).unwrap();
    // A new process has no cached pages: the memory map uses those of the page cache without
    // copying.
    connection
        .execute_batch("PRAGMA mmap_size = 2147418112; PRAGMA temp_store = MEMORY;")
        .unwrap();
    connection
}

/// Searches as the manual of FTS5 recommends: `ORDER BY rank LIMIT 20`, and a separate count.
fn match_by_manual(connection: &Connection, expression: &str) -> Answer {
    let total = connection
        .query_row(
            "SELECT count(*) FROM words WHERE words MATCH ?1",
            [expression],
            |row| row.get(0),
        )
        .unwrap();
    let sql = format!(
        "WITH best AS (SELECT rowid AS id, rank AS score FROM words WHERE words MATCH ?1
                       ORDER BY rank LIMIT 20)
         {ROWS} JOIN best ON best.id = c.id ORDER BY best.score"
    );
    Answer {
        total,
        lines: rows(connection, &sql, [expression]),
    }
}

/// Searches in one pass, and counts and sorts the hits here: up to three times as fast.
fn match_in_one_pass(connection: &Connection, expression: &str) -> Answer {
    let mut statement = connection
        .prepare("SELECT rank, rowid FROM words WHERE words MATCH ?1")
        .unwrap();
    let mut found = statement.query([expression]).unwrap();
    let mut best = Best::default();
    while let Some(row) = found.next().unwrap() {
        let rank: f64 = row.get(0).unwrap();
        best.add(-rank, row.get(1).unwrap());
    }
    best.into_answer(connection)
}

/// Collects all words with one different letter, then searches for any of them.
fn fuzzy(connection: &Connection, word: &str, table: &str, column: &str) -> Answer {
    let mut statement = connection
        .prepare(&format!("SELECT {column} FROM {table}"))
        .unwrap();
    let mut terms = statement.query([]).unwrap();
    let mut expression = String::new();
    while let Some(row) = terms.next().unwrap() {
        let term = row.get_ref(0).unwrap().as_str().unwrap();
        if is_near(term.as_bytes(), word.as_bytes()) {
            let or = if expression.is_empty() { "" } else { " OR " };
            write!(expression, "{or}\"{term}\"").unwrap();
        }
    }
    if expression.is_empty() {
        return Answer {
            total: 0,
            lines: String::new(),
        };
    }
    match_in_one_pass(connection, &expression)
}

/// Returns true if inserting, removing or replacing one letter, or swapping two, converts one word
/// into the other.
fn is_near(one: &[u8], other: &[u8]) -> bool {
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    match (one, other) {
        ([], _) | (_, []) => true,
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        ([_, a @ ..], b) | (b, [_, a @ ..]) if a == b => true,
        ([a, b, rest @ ..], [c, d, others @ ..]) => a == d && b == c && rest == others,
        _ => false,
    }
}

/// Searches for a tag and a range of durations in one pass, and counts and sorts the hits here.
fn tagged(connection: &Connection, tag: &str, from: &str, to: &str) -> Answer {
    let (from, to): (i64, i64) = (from.parse().unwrap(), to.parse().unwrap());
    let mut statement = connection
        .prepare(
            "SELECT c.captured, c.id FROM clip_tag t JOIN clip c ON c.id = t.clip
             WHERE t.tag = (SELECT id FROM tag WHERE name = ?1) AND c.duration BETWEEN ?2 AND ?3",
        )
        .unwrap();
    let mut found = statement.query((tag, from, to)).unwrap();
    let mut best = Best::default();
    while let Some(row) = found.next().unwrap() {
        let captured: i64 = row.get(0).unwrap();
        best.add(captured as f64, row.get(1).unwrap());
    }
    best.into_answer(connection)
}

/// Collector of the 20 best hits that also counts all of them.
#[derive(Default)]
struct Best {
    total: i64,
    /// Candidates; truncated at ten times the limit.
    found: Vec<(f64, i64)>,
    /// Score of the last hit within the limit, once it is reached.
    least: Option<f64>,
}

impl Best {
    fn add(&mut self, score: f64, id: i64) {
        self.total += 1;
        if self.least.is_some_and(|least| score <= least) {
            return;
        }
        self.found.push((score, id));
        if self.found.len() == 10 * LIMIT {
            self.sort();
        }
    }

    fn sort(&mut self) {
        self.found.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.found.truncate(LIMIT);
        if self.found.len() == LIMIT {
            self.least = self.found.last().map(|&(score, _)| score);
        }
    }

    /// Loads the rows of the best hits.
    fn into_answer(mut self, connection: &Connection) -> Answer {
        self.sort();
        let mut lines = String::new();
        for (_, id) in &self.found {
            lines.push_str(&rows(connection, &format!("{ROWS} WHERE c.id = ?1"), [id]));
        }
        Answer {
            total: self.total,
            lines,
        }
    }
}

fn newest(connection: &Connection) -> Answer {
    let total = connection
        .query_row("SELECT count(*) FROM clip", [], |row| row.get(0))
        .unwrap();
    let sql = format!("{ROWS} ORDER BY c.captured DESC LIMIT 20");
    Answer {
        total,
        lines: rows(connection, &sql, []),
    }
}

/// Counts all clips by tag, camera and day.
fn facets(connection: &Connection) -> Answer {
    let mut lines = String::new();
    for sql in [
        "SELECT t.name, n FROM (SELECT tag, count(*) AS n FROM clip_tag GROUP BY tag) JOIN tag t ON t.id = tag
         ORDER BY n DESC LIMIT 20",
        "SELECT m.name, n FROM (SELECT camera, count(*) AS n FROM clip GROUP BY camera) JOIN camera m
         ON m.id = camera ORDER BY n DESC LIMIT 20",
        "SELECT day, count(*) FROM clip GROUP BY day ORDER BY 2 DESC LIMIT 20",
    ] {
        lines.push_str(&rows(connection, sql, []));
    }
    Answer {
        total: connection
            .query_row("SELECT count(*) FROM clip", [], |row| row.get(0))
            .unwrap(),
        lines,
    }
}

/// Counts matching clips by tag, camera and day. The counting is done here.
fn facets_of(connection: &Connection, expression: &str) -> Answer {
    let mut total = 0;
    let [mut tags, mut cameras, mut days] = [Counts::new(), Counts::new(), Counts::new()];
    let mut statement = connection
        .prepare(
            "SELECT c.camera, c.day FROM words JOIN clip c ON c.id = words.rowid WHERE words MATCH ?1",
        )
        .unwrap();
    let mut found = statement.query([expression]).unwrap();
    while let Some(row) = found.next().unwrap() {
        total += 1;
        *cameras.entry(row.get(0).unwrap()).or_insert(0) += 1;
        *days.entry(row.get(1).unwrap()).or_insert(0) += 1;
    }
    let mut statement = connection
        .prepare(
            "SELECT t.tag FROM words JOIN clip_tag t ON t.clip = words.rowid WHERE words MATCH ?1",
        )
        .unwrap();
    let mut found = statement.query([expression]).unwrap();
    while let Some(row) = found.next().unwrap() {
        *tags.entry(row.get(0).unwrap()).or_insert(0) += 1;
    }
    let mut lines = String::new();
    for (counts, names) in [(tags, Some("tag")), (cameras, Some("camera")), (days, None)] {
        for (id, count) in most_frequent(counts) {
            let name = names.map_or_else(
                || id.to_string(),
                |table| {
                    let sql = format!("SELECT name FROM {table} WHERE id = ?1");
                    connection.query_row(&sql, [id], |row| row.get(0)).unwrap()
                },
            );
            writeln!(lines, "{name}\t{count}").unwrap();
        }
    }
    Answer { total, lines }
}

/// Returns the 20 most frequent values with their counts.
fn most_frequent(counts: Counts) -> Vec<(i64, i64)> {
    let mut all: Vec<(i64, i64)> = counts.into_iter().collect();
    all.sort_by_key(|&(key, count)| (-count, key));
    all.truncate(20);
    all
}

/// Runs a statement and returns its rows as lines.
fn rows(connection: &Connection, sql: &str, params: impl Params) -> String {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut found = statement.query(params).unwrap();
    let mut lines = String::new();
    while let Some(row) = found.next().unwrap() {
        append_line(row, columns, &mut lines);
    }
    lines
}

fn append_line(row: &Row<'_>, columns: usize, lines: &mut String) {
    use rusqlite::types::ValueRef::{Blob, Integer, Null, Real, Text};
    for column in 0..columns {
        let result = match row.get_ref(column).unwrap() {
            Integer(number) => write!(lines, "{number}\t"),
            Real(number) => write!(lines, "{number}\t"),
            Text(text) => write!(lines, "{}\t", String::from_utf8_lossy(text)),
            Null | Blob(_) => write!(lines, "\t"),
        };
        result.unwrap();
    }
    lines.push('\n');
}
