//! Totals: number, running time and size of clips, overall and by camera, card, tag, day and
//! volume.

use std::collections::HashMap;

use super::{ShootReport, Shot};
use crate::index::Sum;

/// Total of the clips that share a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Total {
    /// Shared value; `None` for the clips without one.
    pub(super) name: Option<String>,
    /// Sum of the clips.
    pub(super) sum: Sum,
}

/// Returns the sum of the clips.
pub(super) fn sum_of<'a>(shots: impl IntoIterator<Item = &'a Shot>) -> Sum {
    let mut sum = Sum::default();
    for shot in shots {
        sum.add(sum_of_one(shot));
    }
    sum
}

fn sum_of_one(shot: &Shot) -> Sum {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Sum {
        clips: 1,
        micros: shot.summary.micros.map_or(0, number),
        bytes: shot.summary.bytes.map_or(0, number),
    }
}

pub(super) fn by_camera(report: &ShootReport) -> Vec<Total> {
    group_by(report, |shot| vec![&*shot.camera])
}

pub(super) fn by_card(report: &ShootReport) -> Vec<Total> {
    group_by(report, |shot| report.card_of(shot).into_iter().collect())
}

pub(super) fn by_tag(report: &ShootReport) -> Vec<Total> {
    group_by(report, |shot| shot.tags().collect())
}

pub(super) fn by_volume(report: &ShootReport) -> Vec<Total> {
    group_by(report, |shot| {
        shot.copies.labels.iter().map(|label| &**label).collect()
    })
}

/// Returns the totals by day, in date order.
pub(super) fn by_day(report: &ShootReport) -> Vec<Total> {
    let mut days = group_by(report, |shot| shot.day.iter().map(|day| &**day).collect());
    days.sort_by(|a, b| (a.name.is_none(), &a.name).cmp(&(b.name.is_none(), &b.name)));
    days
}

/// Returns the totals by value. Sorts them by running time, then by size, largest first; clips
/// without a value come last.
fn group_by<'a>(report: &'a ShootReport, key: impl Fn(&'a Shot) -> Vec<&'a str>) -> Vec<Total> {
    let mut sums: HashMap<Option<&str>, Sum> = HashMap::new();
    for shot in &report.shots {
        let mut names: Vec<Option<&str>> = key(shot).into_iter().map(Some).collect();
        if names.is_empty() {
            names.push(None);
        }
        for name in names {
            sums.entry(name).or_default().add(sum_of_one(shot));
        }
    }
    let mut totals: Vec<Total> = sums
        .into_iter()
        .map(|(name, sum)| Total {
            name: name.map(str::to_owned),
            sum,
        })
        .collect();
    totals.sort_by(|a, b| {
        let order = |total: &Total| (total.name.is_none(), -total.sum.micros, -total.sum.bytes);
        (order(a), &a.name).cmp(&(order(b), &b.name))
    });
    totals
}
