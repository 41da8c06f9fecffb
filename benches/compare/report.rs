//! Result tables: cost of every method on every set, and ratios between btsindex and the others.

use std::fmt::Write as _;
use std::time::Duration;

use crate::measure::{Cost, Row, SetResults, median};
use crate::methods::Method;

/// Cell without a value.
const NO_VALUE: &str = "–";

/// Table with a header row.
struct Table {
    head: Vec<&'static str>,
    /// Number of text columns on the left; the others contain numbers.
    text_columns: usize,
    rows: Vec<Vec<String>>,
}

/// Prints both tables.
pub(crate) fn print(results: &[SetResults], markdown: bool) {
    for table in [costs(results), ratios(results)] {
        let text = if markdown {
            table.markdown()
        } else {
            table.aligned()
        };
        println!("\n{}", text.trim_end());
    }
}

fn costs(results: &[SetResults]) -> Table {
    let rows = results
        .iter()
        .flat_map(|results| results.rows.iter().map(|row| cost_row(results, row)))
        .collect();
    Table {
        head: vec![
            "set", "clips", "method", "output", "CPU ms", "wall ms", "KiB read", "reads",
        ],
        text_columns: 4,
        rows,
    }
}

fn cost_row(results: &SetResults, row: &Row) -> Vec<String> {
    let clips = f64::from(results.clips);
    let millis = |cost: fn(&Cost) -> Duration| {
        let values = row.costs.iter().map(|c| cost(c).as_secs_f64() * 1e3);
        format!("{:.1}", median(values.collect()) / clips)
    };
    let read = |count: Option<f64>| {
        count.map_or_else(
            || NO_VALUE.to_owned(),
            |count| format!("{:.1}", count / clips),
        )
    };
    vec![
        results.set.to_owned(),
        results.clips.to_string(),
        row.method.name().to_owned(),
        row.method.output().to_owned(),
        millis(|cost| cost.cpu),
        millis(|cost| cost.wall),
        read(row.reads.map(|reads| float(reads.bytes) / 1024.0)),
        read(row.reads.map(|reads| float(reads.calls))),
    ]
}

/// Builds the table of ratios. Each one is btsindex divided by the other method: below 1, btsindex
/// needs less.
fn ratios(results: &[SetResults]) -> Table {
    Table {
        head: vec![
            "btsindex ÷",
            "loop CPU",
            "loop wall",
            "floor CPU",
            "exiftool CPU, facts",
            "loop bytes",
            "ten inputs CPU, strip",
            "ten keyframes CPU, strip",
            "reads per clip",
        ],
        text_columns: 1,
        rows: results.iter().map(ratio_row).collect(),
    }
}

fn ratio_row(results: &SetResults) -> Vec<String> {
    let cpu: fn(&Cost) -> Duration = |cost| cost.cpu;
    let wall: fn(&Cost) -> Duration = |cost| cost.wall;
    let over = |method, other, part| format_ratio(results.ratio(method, other, part));
    let reads = |method| results.row(method).and_then(|row| row.reads);
    let bytes = reads(Method::Scan)
        .zip(reads(Method::ShellLoop))
        .map(|(ours, theirs)| float(ours.bytes) / float(theirs.bytes));
    let calls = reads(Method::Scan).map(|reads| float(reads.calls) / f64::from(results.clips));
    vec![
        results.set.to_owned(),
        over(Method::Scan, Method::ShellLoop, cpu),
        over(Method::Scan, Method::ShellLoop, wall),
        over(Method::Scan, Method::Floor, cpu),
        over(Method::ScanFacts, Method::Exiftool, cpu),
        format_ratio(bytes),
        format_ratio(results.strip_ratio(Method::TenInputs)),
        format_ratio(results.strip_ratio(Method::TenKeyframes)),
        calls.map_or_else(|| NO_VALUE.to_owned(), |calls| format!("{calls:.1}")),
    ]
}

impl SetResults {
    fn row(&self, method: Method) -> Option<&Row> {
        self.rows.iter().find(|row| row.method == method)
    }

    /// Returns the median of the ratios of each round, since the methods of one round ran under the
    /// same conditions.
    fn ratio(&self, method: Method, other: Method, part: fn(&Cost) -> Duration) -> Option<f64> {
        let (ours, theirs) = (self.row(method)?, self.row(other)?);
        let rounds = ours.costs.iter().zip(&theirs.costs);
        Some(median(
            rounds
                .map(|(a, b)| part(a).as_secs_f64() / part(b).as_secs_f64())
                .collect(),
        ))
    }

    /// Returns the cost that a strip adds to a scan, divided by the cost of making only the strip.
    fn strip_ratio(&self, other: Method) -> Option<f64> {
        let with = self.row(Method::ScanStrip)?.costs.iter();
        let without = &self.row(Method::Scan)?.costs;
        let others = &self.row(other)?.costs;
        let rounds = with.zip(without).zip(others);
        Some(median(
            rounds
                .map(|((with, without), other)| {
                    (with.cpu.as_secs_f64() - without.cpu.as_secs_f64()) / other.cpu.as_secs_f64()
                })
                .collect(),
        ))
    }
}

fn format_ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NO_VALUE.to_owned(), |ratio| format!("{ratio:.2}"))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts stay far below 2^52 and are printed with one decimal"
)]
fn float(count: u64) -> f64 {
    count as f64
}

impl Table {
    /// Formats the table for a terminal: text is left-aligned, numbers are right-aligned.
    fn aligned(&self) -> String {
        let head: Vec<String> = self.head.iter().map(ToString::to_string).collect();
        let lines = || std::iter::once(&head).chain(&self.rows);
        let widths: Vec<usize> = (0..head.len())
            .map(|column| lines().map(|line| line[column].chars().count()).max())
            .map(Option::unwrap)
            .collect();
        let mut text = String::new();
        for line in lines() {
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                if column < self.text_columns {
                    write!(text, "{cell:width$}  ").unwrap();
                } else {
                    write!(text, "{cell:>width$}  ").unwrap();
                }
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }

    /// Formats the table as Markdown.
    fn markdown(&self) -> String {
        let rule = |column| {
            if column < self.text_columns {
                "---"
            } else {
                "---:"
            }
        };
        let rules = (0..self.head.len()).map(rule);
        let mut text = format!("| {} |\n", self.head.join(" | "));
        writeln!(text, "|{}|", rules.collect::<Vec<_>>().join("|")).unwrap();
        for row in &self.rows {
            writeln!(text, "| {} |", row.join(" | ")).unwrap();
        }
        text
    }
}
