//! What is odd about a shoot: what somebody should look at before the cards are formatted. A pure
//! function over the clips of a report.
//!
//! What most clips of a day have is what was meant, where at least half of them have it; what at
//! most a fifth of them have is odd. In between nobody knows.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use jiff::civil::Date;

use super::{ShootReport, Shot};
use crate::output::{counted, grouped};
use crate::value::Rate;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Severity {
    /// Something is lost, or may be soon.
    Fault,
    /// Somebody should look at it.
    Look,
    /// It may well be meant.
    Note,
}

/// Kinds of what is odd, what matters most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum AnomalyKind {
    /// It could not be read, wholly or in part.
    Unreadable,
    /// Its copies are not the same.
    Differs,
    /// No file holds it any more.
    Gone,
    /// One volume holds it.
    OneCopy,
    /// Numbers before it are not there.
    Gap,
    /// No sound, where others of its camera have some.
    Silent,
    /// Another rate than most have.
    Rate,
    /// Another size of picture than most of its camera have.
    Size,
    /// A clock that cannot be right.
    Clock,
    /// A rate that is high, as for slow motion.
    Fast,
    /// All of a camera at a rate of its own.
    OwnRate,
    /// No clock at all: only the time of the file is known.
    NoClock,
}

impl AnomalyKind {
    /// How much it matters.
    #[must_use]
    pub(super) fn severity(self) -> Severity {
        match self {
            Self::Unreadable | Self::Differs | Self::Gone | Self::OneCopy => Severity::Fault,
            Self::Gap | Self::Silent | Self::Rate | Self::Size | Self::Clock => Severity::Look,
            Self::Fast | Self::OwnRate | Self::NoClock => Severity::Note,
        }
    }

    /// What it is called, for people.
    #[must_use]
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Unreadable => "Could not be read",
            Self::Differs => "Copies that differ",
            Self::Gone => "No copy left",
            Self::OneCopy => "One copy only",
            Self::Gap => "Numbers that are not there",
            Self::Silent => "No sound",
            Self::Rate => "Another frame rate",
            Self::Size => "Another picture size",
            Self::Clock => "A clock that cannot be right",
            Self::Fast => "High frame rates",
            Self::OwnRate => "A camera at a rate of its own",
            Self::NoClock => "No clock",
        }
    }

    /// … and for programs.
    #[must_use]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Differs => "copies-differ",
            Self::Gone => "no-copy",
            Self::OneCopy => "one-copy",
            Self::Gap => "gap",
            Self::Silent => "no-sound",
            Self::Rate => "rate",
            Self::Size => "picture-size",
            Self::Clock => "clock",
            Self::Fast => "high-rate",
            Self::OwnRate => "camera-rate",
            Self::NoClock => "no-clock",
        }
    }
}

/// Something odd about one clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Anomaly {
    /// Which clip of the report.
    pub(super) shot: usize,
    /// What it is.
    pub(super) kind: AnomalyKind,
    /// In a few words: `23.976, where 41 of 44 clips have 25`.
    pub(super) text: String,
}

/// At most one in so many is odd.
const RARE_DIVISOR: usize = 5;
/// A rate this many times the usual one is for slow motion.
const FAST_FACTOR: f64 = 1.5;
/// Fewer clips of a camera say nothing of what it was set to.
const MIN_CLIPS: usize = 3;
/// Digital cameras write no earlier year.
const FIRST_YEAR: i16 = 1995;

/// Everything that is odd, what matters most first, clip by clip.
#[must_use]
pub(super) fn find_anomalies(report: &ShootReport) -> Vec<Anomaly> {
    let mut anomalies = Vec::new();
    for (at, shot) in report.shots.iter().enumerate() {
        let mut add = |kind, text| {
            anomalies.push(Anomaly {
                shot: at,
                kind,
                text,
            });
        };
        if let Some(problem) = &shot.summary.problem {
            add(AnomalyKind::Unreadable, problem.to_string());
        }
        if let Some((kind, text)) = copies(shot) {
            add(kind, text);
        }
        if let Some(text) = gap(shot, report) {
            add(AnomalyKind::Gap, text);
        }
        if let Some((kind, text)) = clock(shot, report.created) {
            add(kind, text);
        }
    }
    for day in groups(&report.shots, |shot| Some(shot.day.clone())) {
        rates(&report.shots, &day, &mut anomalies);
        let camera = |shot: &Shot| shot.has_camera().then(|| shot.camera.clone());
        for camera in groups_of(&report.shots, &day, camera) {
            sizes(&report.shots, &camera, &mut anomalies);
            missing_sound(&report.shots, &camera, &mut anomalies);
        }
    }
    anomalies.sort_by_key(|anomaly| (anomaly.kind, anomaly.shot));
    anomalies
}

fn copies(shot: &Shot) -> Option<(AnomalyKind, String)> {
    let copies = &shot.copies;
    if copies.do_differ {
        let text = format!("by full hashes, on {}", copies.labels.join(", "));
        return Some((AnomalyKind::Differs, text));
    }
    // A file that cannot be read stands among those, and is no copy.
    match copies.volumes {
        0 if shot.summary.problem.is_some() => None,
        0 => Some((
            AnomalyKind::Gone,
            "its files were not there any more".to_owned(),
        )),
        1 if copies.files > 1 => {
            let files = counted(copies.files, "file");
            Some((
                AnomalyKind::OneCopy,
                format!("{files}, all on {}", copies.labels.join(", ")),
            ))
        }
        1 => Some((
            AnomalyKind::OneCopy,
            format!("on {}", copies.labels.join(", ")),
        )),
        _ => None,
    }
}

fn gap(shot: &Shot, report: &ShootReport) -> Option<String> {
    let (series, number) = shot.number?;
    let series = report.series.get(series)?;
    let (first, last) = series.missing_before(number)?;
    let name = |number| series.name(number);
    Some(match last - first + 1 {
        1 => format!("{} is not there", name(first)),
        2 => format!("{} and {} are not there", name(first), name(last)),
        many => format!(
            "{} to {}, {} numbers, are not there",
            name(first),
            name(last),
            grouped(usize::try_from(many).unwrap_or(usize::MAX))
        ),
    })
}

fn clock(shot: &Shot, created: Date) -> Option<(AnomalyKind, String)> {
    let captured = shot.summary.captured.as_ref()?.value;
    let date = captured.civil().date();
    // Somewhere it is tomorrow already.
    let is_future = created.tomorrow().is_ok_and(|tomorrow| date > tomorrow);
    if is_future || date.year() < FIRST_YEAR {
        let which = if is_future { "to come" } else { "long past" };
        return Some((AnomalyKind::Clock, format!("it says {date}, a day {which}")));
    }
    let is_known = shot.summary.captured.as_ref()?.source != crate::clip::Source::MTIME;
    (!is_known && shot.summary.problem.is_none()).then(|| {
        let text = "its time is that of the file, which copying may change".to_owned();
        (AnomalyKind::NoClock, text)
    })
}

fn rates(shots: &[Shot], day: &[usize], anomalies: &mut Vec<Anomaly>) {
    let rate = |at: usize| shots[at].summary.rate.map(Rate::snapped);
    let of_day = CommonValue::find(day.iter().filter_map(|&at| rate(at)));
    for camera in groups_of(shots, day, |shot| Some(shot.camera.clone())) {
        let own = CommonValue::find(camera.iter().filter_map(|&at| rate(at)));
        // Clips of unknown cameras have nothing else in common.
        let is_one = camera.iter().all(|&at| shots[at].has_camera());
        let own = own.filter(|own| is_one && own.count >= MIN_CLIPS);
        for at in camera {
            let anomaly =
                rate(at).and_then(|rate| rate_anomaly(rate, of_day.as_ref(), own.as_ref()));
            anomalies.extend(anomaly.map(|(kind, text)| Anomaly {
                shot: at,
                kind,
                text,
            }));
        }
    }
}

/// Whether a rate is other than what most clips of the day, or of its camera, have.
fn rate_anomaly(
    rate: Rate,
    day: Option<&CommonValue<Rate>>,
    own: Option<&CommonValue<Rate>>,
) -> Option<(AnomalyKind, String)> {
    let is_fast =
        |usual: &CommonValue<Rate>| rate.per_second() >= usual.value.per_second() * FAST_FACTOR;
    let against =
        |usual: &CommonValue<Rate>| usual.against(&format_rate(rate), &format_rate(usual.value));
    if let Some(usual) = day.filter(|usual| usual.value != rate) {
        if is_fast(usual) {
            return Some((AnomalyKind::Fast, against(usual)));
        }
        if own.is_some_and(|own| own.value == rate) {
            return Some((AnomalyKind::OwnRate, against(usual)));
        }
        if usual.is_odd(&rate) {
            return Some((AnomalyKind::Rate, against(usual)));
        }
    }
    // A camera that strays from what it was set to, whatever the others are.
    let own = own.filter(|own| own.is_odd(&rate))?;
    let kind = if is_fast(own) {
        AnomalyKind::Fast
    } else {
        AnomalyKind::Rate
    };
    Some((kind, against(own) + " of this camera"))
}

fn sizes(shots: &[Shot], camera: &[usize], anomalies: &mut Vec<Anomaly>) {
    // A camera that was turned takes the same picture.
    let size = |at: usize| {
        let (width, height) = shots[at].summary.size?;
        Some((width.max(height), width.min(height)))
    };
    let usual = CommonValue::find(camera.iter().filter_map(|&at| size(at)));
    let Some(usual) = usual.filter(|usual| usual.count >= MIN_CLIPS) else {
        return;
    };
    let text = |(width, height): (u32, u32)| format!("{width}×{height}");
    for &at in camera {
        if let Some(size) = size(at).filter(|size| usual.is_odd(size)) {
            anomalies.push(Anomaly {
                shot: at,
                kind: AnomalyKind::Size,
                text: usual.against(&text(size), &text(usual.value)) + " of this camera",
            });
        }
    }
}

fn missing_sound(shots: &[Shot], camera: &[usize], anomalies: &mut Vec<Anomaly>) {
    let has_sound = |at: usize| {
        let summary = &shots[at].summary;
        // Frames as files hold no sound, and of what was not read nobody knows.
        let can_have = summary.has_picture && !summary.is_sequence;
        can_have.then_some(summary.has_sound)
    };
    let usual = CommonValue::find(camera.iter().filter_map(|&at| has_sound(at)));
    let Some(usual) = usual.filter(|usual| usual.value && usual.count >= MIN_CLIPS - 1) else {
        return;
    };
    for &at in camera {
        if has_sound(at) == Some(false) {
            anomalies.push(Anomaly {
                shot: at,
                kind: AnomalyKind::Silent,
                text: format!(
                    "{} of {} of this camera have some",
                    grouped(usual.count),
                    counted(usual.all, "clip")
                ),
            });
        }
    }
}

/// What most have.
#[derive(Debug)]
struct CommonValue<T> {
    value: T,
    /// How many have it.
    count: usize,
    /// How many there are.
    all: usize,
    /// How many have each.
    counts: HashMap<T, usize>,
}

impl<T: Copy + Eq + Hash> CommonValue<T> {
    /// What at least half have, if there is such a thing; of two halves, neither.
    fn find(values: impl Iterator<Item = T>) -> Option<Self> {
        let mut counts: HashMap<T, usize> = HashMap::new();
        let mut all = 0;
        for value in values {
            *counts.entry(value).or_default() += 1;
            all += 1;
        }
        let (&value, &count) = counts.iter().max_by_key(|(_, count)| **count)?;
        let are_halves = counts.values().filter(|other| **other == count).count() > 1;
        (count * 2 >= all && !are_halves).then_some(Self {
            value,
            count,
            all,
            counts,
        })
    }

    /// Whether so few have it that it was hardly meant.
    fn is_odd(&self, value: &T) -> bool {
        let count = self.counts.get(value).copied().unwrap_or(0);
        *value != self.value && count * RARE_DIVISOR <= self.all
    }

    fn against(&self, odd: &str, usual: &str) -> String {
        let (count, all) = (grouped(self.count), counted(self.all, "clip"));
        format!("{odd}, where {count} of {all} have {usual}")
    }
}

/// `23.976`.
pub(super) fn format_rate(rate: Rate) -> String {
    let text = format!("{:.3}", rate.per_second());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The clips that have something in common, by what that is.
fn groups<K: Ord>(shots: &[Shot], key: impl Fn(&Shot) -> Option<K>) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..shots.len()).collect();
    groups_of(shots, &all, key)
}

fn groups_of<K: Ord>(
    shots: &[Shot],
    among: &[usize],
    key: impl Fn(&Shot) -> Option<K>,
) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for &at in among {
        if let Some(key) = key(&shots[at]) {
            groups.entry(key).or_default().push(at);
        }
    }
    groups.into_values().collect()
}
