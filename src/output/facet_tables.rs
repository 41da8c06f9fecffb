//! Clip counts by facet, as tables, bar charts and JSON.

use std::io::{self, Write};

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::format::{RowColumn, RowListing};
use super::stale_facts::{stale_facts_json, stale_facts_line};
use super::table::{TextTable, truncate};
use crate::catalogue::StaleFacts;
use crate::error::escape;
use crate::index::{Sum, Tallies, Tally};
use crate::value::{Bytes, Duration, counted, grouped};

/// Number of clips with a value of a facet.
#[derive(Debug, Clone, Copy)]
pub struct FacetCount<'a> {
    /// Name of the facet; `None` for the total of all clips.
    facet: Option<&'static str>,
    /// Value; `None` for clips without one.
    value: Option<&'a str>,
    sum: Sum,
}

/// Lists the `limit` most frequent values of each facet with their clip counts.
#[must_use]
pub fn facet_listing(tallies: &Tallies, limit: usize) -> RowListing<'_, FacetCount<'_>> {
    let rows = tallies.facets.iter();
    let rows = rows.flat_map(move |tally| counts(tally, limit));
    RowListing::new(count_columns(), rows.map(Ok)).text(move |width, out| {
        for (at, tally) in tallies.facets.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            tally_table(tally, limit, width).write(out)?;
        }
        Ok(())
    })
}

/// Lists the total and all values of each facet, with number, duration and size of the clips. Charts
/// show the `limit` largest values. The total includes the clips with stale facts, if there are any.
#[must_use]
pub fn stats_listing<'a>(
    tallies: &'a Tallies,
    limit: usize,
    stale: &'a StaleFacts,
) -> RowListing<'a, FacetCount<'a>> {
    let total = FacetCount {
        facet: None,
        value: None,
        sum: tallies.total,
    };
    let rows = tallies.facets.iter();
    let rows = rows.flat_map(|tally| counts(tally, usize::MAX));
    let mut columns = count_columns();
    columns.push(RowColumn::new("duration", |count: &FacetCount<'_>| {
        let micros = count.sum.micros.max(0).unsigned_abs();
        json!(Duration::from_micros(micros))
    }));
    columns.push(RowColumn::new("bytes", |count: &FacetCount<'_>| {
        json!(count.sum.bytes)
    }));
    let stale_of_total = RowColumn::optional("stale", |count: &FacetCount<'_>| {
        let is_shown = count.facet.is_none() && stale.clips > 0;
        is_shown.then(|| stale_facts_json(stale))
    });
    columns.push(stale_of_total.cell(|count| match count.facet {
        None => stale.clips.to_string(),
        Some(_) => String::new(),
    }));
    RowListing::new(columns, std::iter::once(total).chain(rows).map(Ok)).text(move |width, out| {
        write_stats(tallies, limit, width, out)?;
        match stale.clips {
            0 => Ok(()),
            _ => writeln!(out, "\n{}", stale_facts_line(stale)),
        }
    })
}

fn count_columns<'a>() -> Vec<RowColumn<'a, FacetCount<'a>>> {
    vec![
        RowColumn::optional("facet", |count: &FacetCount<'_>| Some(json!(count.facet?))),
        RowColumn::optional("value", |count: &FacetCount<'_>| {
            count.facet.map(|_| json!(count.value))
        }),
        RowColumn::new("clips", |count: &FacetCount<'_>| json!(count.sum.clips)),
    ]
}

/// Returns the `limit` most frequent values of a facet, then the clips without a value.
fn counts(tally: &Tally, limit: usize) -> impl Iterator<Item = FacetCount<'_>> {
    let count = |value, sum| FacetCount {
        facet: Some(tally.facet),
        value,
        sum,
    };
    let without = (tally.without.clips > 0).then(|| count(None, tally.without));
    let rows = tally.rows.iter().take(limit);
    rows.map(move |(value, sum)| count(Some(value), *sum))
        .chain(without)
}

/// Lays out the `limit` most frequent values of a facet, and the sum of the others.
fn tally_table(tally: &Tally, limit: usize, width: Option<usize>) -> TextTable {
    let mut table = TextTable::new(&[tally.facet, "clips"], width);
    for (value, sum) in tally.rows.iter().take(limit) {
        table.row(&[value.clone(), number(sum.clips)]);
    }
    if tally.rows.len() > limit {
        let (count, clips) = sum_rows(tally.rows[limit..].iter().map(|(_, sum)| sum));
        table.row(&[
            format!("… and {} more", grouped(count)),
            number(clips.clips),
        ]);
    }
    if tally.without.clips > 0 {
        table.row(&[format!("(no {})", tally.facet), number(tally.without.clips)]);
    }
    table
}

/// Writes the number, duration and size of all clips, then a bar chart of durations for each facet.
fn write_stats(
    tallies: &Tallies,
    limit: usize,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let total = &tallies.total;
    let clips = counted(usize::try_from(total.clips).unwrap_or(usize::MAX), "clip");
    writeln!(out, "{clips}, {}, {}", hours(total), size(total))?;
    for tally in &tallies.facets {
        write_chart(tally, limit, width.unwrap_or(DEFAULT_WIDTH), out)?;
    }
    Ok(())
}

/// Width of a chart if the output is not a terminal.
const DEFAULT_WIDTH: usize = 100;
/// Maximum width of values; longer ones are truncated.
const MAX_VALUE_WIDTH: usize = 32;
/// Maximum length of the longest bar, in columns.
const MAX_BAR: usize = 40;
/// Minimum length of the longest bar, in columns, even if the terminal is too narrow.
const MIN_BAR: usize = 8;

fn write_chart(tally: &Tally, limit: usize, width: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", tally.facet)?;
    // Only single values have bars: the sum of the remaining values would dwarf them.
    let mut rows: Vec<ChartRow> = tally
        .rows
        .iter()
        .map(|(value, sum)| ChartRow {
            value: escape(value),
            sum: *sum,
            is_single: true,
        })
        .collect();
    let mut hidden = Vec::new();
    if tally.facet == "day" {
        // Days are in chronological order; the earliest ones are combined into a sum.
        rows.sort_by(|a, b| a.value.cmp(&b.value));
        let older = rows.len().saturating_sub(limit);
        hidden = rows.drain(..older).collect();
    } else if rows.len() > limit {
        hidden = rows.split_off(limit);
    }
    if !hidden.is_empty() {
        let (count, sum) = sum_rows(hidden.iter().map(|row| &row.sum));
        let label = if tally.facet == "day" {
            "earlier"
        } else {
            "more"
        };
        let position = if tally.facet == "day" { 0 } else { rows.len() };
        let value = format!("… {} {label}", grouped(count));
        rows.insert(
            position,
            ChartRow {
                value,
                sum,
                is_single: false,
            },
        );
    }
    if tally.without.clips > 0 {
        rows.push(ChartRow {
            value: format!("(no {})", tally.facet),
            sum: tally.without,
            is_single: false,
        });
    }
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|row| {
            let sum = &row.sum;
            [
                truncate(&row.value, MAX_VALUE_WIDTH),
                number(sum.clips),
                hours(sum),
                size(sum),
            ]
        })
        .collect();
    let mut widths = [0; 4];
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let used = widths.iter().sum::<usize>() + 2 * 5;
    let room = width.saturating_sub(used).clamp(MIN_BAR, MAX_BAR);
    // If no clip has a duration, as with photos, the bars show the number of clips.
    let by_time = rows.iter().any(|row| row.sum.micros > 0);
    let weight = |row: &ChartRow| {
        let sum = &row.sum;
        if !row.is_single {
            0
        } else if by_time {
            sum.micros.unsigned_abs()
        } else {
            sum.clips
        }
    };
    let longest = rows.iter().map(weight).max().unwrap_or(0);
    for (row, [value, clips, hours, size]) in rows.iter().zip(&cells) {
        let gap = " ".repeat(widths[0] - value.width());
        let line = format!(
            "  {value}{gap}  {clips:>clips_wide$}  {hours:>hours_wide$}  {size:>size_wide$}  {}",
            bar(weight(row), longest, room),
            clips_wide = widths[1],
            hours_wide = widths[2],
            size_wide = widths[3],
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Row of a chart.
struct ChartRow {
    value: String,
    sum: Sum,
    /// False for a sum of several values, which has no bar.
    is_single: bool,
}

/// Draws a bar in eighths of a column, rounded up, so that every value above zero is visible.
fn bar(weight: u64, longest: u64, room: usize) -> String {
    if longest == 0 || weight == 0 {
        return String::new();
    }
    let eighths = (u128::from(weight) * room as u128 * 8).div_ceil(u128::from(longest));
    let eighths = usize::try_from(eighths).unwrap_or(0);
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
    bar
}

/// Returns the number of rows and their sum.
fn sum_rows<'a>(rows: impl Iterator<Item = &'a Sum>) -> (usize, Sum) {
    let (mut count, mut sum) = (0, Sum::default());
    for row in rows {
        count += 1;
        sum.add(*row);
    }
    (count, sum)
}

fn number(clips: u64) -> String {
    grouped(usize::try_from(clips).unwrap_or(usize::MAX))
}

/// Formats a duration: `12.4 h`, `3 min`.
fn hours(sum: &Sum) -> String {
    let seconds = sum.micros.max(0) / 1_000_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..360_000 => format!("{}.{} h", seconds / 3600, seconds % 3600 / 360),
        _ => format!(
            "{} h",
            grouped(usize::try_from(seconds / 3600).unwrap_or(0))
        ),
    }
}

fn size(sum: &Sum) -> String {
    Bytes(sum.bytes.max(0).unsigned_abs()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_sums_the_values_that_it_does_not_list() {
        let sum = |clips, minutes: i64| Sum {
            clips,
            micros: minutes * 60_000_000,
            bytes: minutes * 1_000_000_000,
        };
        let tallies = Tallies {
            total: sum(1234, 700),
            facets: vec![Tally {
                facet: "camera",
                rows: vec![
                    ("Sony ILME-FX3".to_owned(), sum(1000, 600)),
                    ("a\x1b[2J".to_owned(), sum(200, 60)),
                    ("GoPro".to_owned(), sum(20, 30)),
                    ("iPhone".to_owned(), sum(10, 10)),
                ],
                without: sum(4, 0),
            }],
        };
        let mut out = Vec::new();
        write_stats(&tallies, 2, Some(60), &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            out,
            "1,234 clips, 11.6 h, 700 GB\n\ncamera\n  \
             Sony ILME-FX3  1,000  10.0 h  600 GB  ████████████████████\n  \
             a\\u{1b}[2J       200   1.0 h   60 GB  ██\n  \
             … 2 more          30  40 min   40 GB\n  \
             (no camera)        4     0 s     0 B\n"
        );
    }
}
