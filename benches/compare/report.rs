//! The tables: what every way cost on every set, and btsindex against the others.

use std::fmt::Write as _;
use std::time::Duration;

use crate::measure::{Compared, Cost, Row, median};
use crate::ways::Way;

/// Where there is nothing to say.
const NOTHING: &str = "–";

/// Rows of cells under a head.
struct Table {
    head: Vec<&'static str>,
    /// How many columns on the left hold words; the others hold numbers.
    words: usize,
    rows: Vec<Vec<String>>,
}

/// Prints both tables.
pub(crate) fn print(results: &[Compared], markdown: bool) {
    for table in [costs(results), ratios(results)] {
        let text = if markdown {
            table.markdown()
        } else {
            table.aligned()
        };
        println!("\n{}", text.trim_end());
    }
}

fn costs(results: &[Compared]) -> Table {
    let rows = results
        .iter()
        .flat_map(|compared| compared.rows.iter().map(|row| cost_row(compared, row)))
        .collect();
    Table {
        head: vec![
            "set", "clips", "way", "gives", "CPU ms", "wall ms", "KiB read", "reads",
        ],
        words: 4,
        rows,
    }
}

fn cost_row(compared: &Compared, row: &Row) -> Vec<String> {
    let clips = f64::from(compared.clips);
    let millis = |cost: fn(&Cost) -> Duration| {
        let each = row.costs.iter().map(|c| cost(c).as_secs_f64() * 1e3);
        format!("{:.1}", median(each.collect()) / clips)
    };
    let read = |count: Option<f64>| {
        count.map_or_else(
            || NOTHING.to_owned(),
            |count| format!("{:.1}", count / clips),
        )
    };
    vec![
        compared.set.to_owned(),
        compared.clips.to_string(),
        row.way.name().to_owned(),
        row.way.gives().to_owned(),
        millis(|cost| cost.cpu),
        millis(|cost| cost.wall),
        read(row.reads.map(|reads| float(reads.bytes) / 1024.0)),
        read(row.reads.map(|reads| float(reads.calls))),
    ]
}

/// Each ratio is btsindex divided by the other: below 1, btsindex needs less.
fn ratios(results: &[Compared]) -> Table {
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
            "reads a clip",
        ],
        words: 1,
        rows: results.iter().map(ratio_row).collect(),
    }
}

fn ratio_row(compared: &Compared) -> Vec<String> {
    let cpu: fn(&Cost) -> Duration = |cost| cost.cpu;
    let wall: fn(&Cost) -> Duration = |cost| cost.wall;
    let over = |way, other, part| shown(compared.ratio(way, other, part));
    let reads = |way| compared.row(way).and_then(|row| row.reads);
    let bytes = reads(Way::Scan)
        .zip(reads(Way::ShellLoop))
        .map(|(ours, theirs)| float(ours.bytes) / float(theirs.bytes));
    let calls = reads(Way::Scan).map(|reads| float(reads.calls) / f64::from(compared.clips));
    vec![
        compared.set.to_owned(),
        over(Way::Scan, Way::ShellLoop, cpu),
        over(Way::Scan, Way::ShellLoop, wall),
        over(Way::Scan, Way::Floor, cpu),
        over(Way::ScanFacts, Way::Exiftool, cpu),
        shown(bytes),
        shown(compared.strip_ratio(Way::TenInputs)),
        shown(compared.strip_ratio(Way::TenKeyframes)),
        calls.map_or_else(|| NOTHING.to_owned(), |calls| format!("{calls:.1}")),
    ]
}

impl Compared {
    fn row(&self, way: Way) -> Option<&Row> {
        self.rows.iter().find(|row| row.way == way)
    }

    /// The median of what each round says, since the ways of one round met the same machine.
    fn ratio(&self, way: Way, other: Way, part: fn(&Cost) -> Duration) -> Option<f64> {
        let (ours, theirs) = (self.row(way)?, self.row(other)?);
        let each = ours.costs.iter().zip(&theirs.costs);
        Some(median(
            each.map(|(a, b)| part(a).as_secs_f64() / part(b).as_secs_f64())
                .collect(),
        ))
    }

    /// What a strip adds to a scan, against making the strip alone.
    fn strip_ratio(&self, other: Way) -> Option<f64> {
        let with = self.row(Way::ScanStrip)?.costs.iter();
        let without = &self.row(Way::Scan)?.costs;
        let others = &self.row(other)?.costs;
        let each = with.zip(without).zip(others);
        Some(median(
            each.map(|((with, without), other)| {
                (with.cpu.as_secs_f64() - without.cpu.as_secs_f64()) / other.cpu.as_secs_f64()
            })
            .collect(),
        ))
    }
}

fn shown(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NOTHING.to_owned(), |ratio| format!("{ratio:.2}"))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts here stay far below 2^52, and are shown with one digit after the point"
)]
fn float(count: u64) -> f64 {
    count as f64
}

impl Table {
    /// For a terminal: words to the left, numbers to the right.
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
                if column < self.words {
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

    /// For a document.
    fn markdown(&self) -> String {
        let rule = |column| if column < self.words { "---" } else { "---:" };
        let rules = (0..self.head.len()).map(rule);
        let mut text = format!("| {} |\n", self.head.join(" | "));
        writeln!(text, "|{}|", rules.collect::<Vec<_>>().join("|")).unwrap();
        for row in &self.rows {
            writeln!(text, "| {} |", row.join(" | ")).unwrap();
        }
        text
    }
}
