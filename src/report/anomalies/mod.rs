//! Anomalies of a shoot: what to check before the cards are formatted. A pure function over the
//! clips of a report.
//!
//! A value is considered intended if at least half of a day's clips have it. It is considered an
//! anomaly if at most a fifth of them have it. Anything in between is not reported.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use jiff::civil::Date;

use super::{ShootReport, Shot};
use crate::value::{Rate, counted, grouped};

/// Severity of an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Severity {
    /// Footage is lost or may soon be lost.
    Fault,
    /// Should be checked before the cards are formatted.
    Check,
    /// Probably intended, so shown less prominently.
    Note,
}

/// Kinds of anomalies, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum AnomalyKind {
    /// The file could not be read completely.
    Unreadable,
    /// Copies of the clip differ.
    CopiesDiffer,
    /// No file of the clip is left.
    NoCopy,
    /// Only one volume contains the clip.
    OneCopy,
    /// Clip numbers before this one are missing.
    Gap,
    /// No sound, although other clips of the camera have sound.
    Silent,
    /// Frame rate that differs from most clips.
    Rate,
    /// Picture size that differs from most clips of the camera.
    Size,
    /// Recording date in the future or before [`FIRST_YEAR`].
    Clock,
    /// High frame rate, as for slow motion.
    HighRate,
    /// All clips of the camera have a frame rate that differs from the usual rate of the day.
    CameraRate,
    /// No recording time, only the modification time of the file.
    NoClock,
}

impl AnomalyKind {
    /// Returns the severity of this kind.
    #[must_use]
    pub(super) fn severity(self) -> Severity {
        match self {
            Self::Unreadable | Self::CopiesDiffer | Self::NoCopy | Self::OneCopy => Severity::Fault,
            Self::Gap | Self::Silent | Self::Rate | Self::Size | Self::Clock => Severity::Check,
            Self::HighRate | Self::CameraRate | Self::NoClock => Severity::Note,
        }
    }

    /// Returns the heading for this kind in a page.
    #[must_use]
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Unreadable => "Could not be read",
            Self::CopiesDiffer => "Copies differ",
            Self::NoCopy => "No copy left",
            Self::OneCopy => "Only one copy",
            Self::Gap => "Missing clip numbers",
            Self::Silent => "No sound",
            Self::Rate => "Different frame rate",
            Self::Size => "Different picture size",
            Self::Clock => "Implausible date",
            Self::HighRate => "High frame rate",
            Self::CameraRate => "Camera with a different frame rate",
            Self::NoClock => "No recording time",
        }
    }

    /// Returns the name used in JSON and CSV.
    #[must_use]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::CopiesDiffer => "copies-differ",
            Self::NoCopy => "no-copy",
            Self::OneCopy => "one-copy",
            Self::Gap => "gap",
            Self::Silent => "no-sound",
            Self::Rate => "rate",
            Self::Size => "picture-size",
            Self::Clock => "clock",
            Self::HighRate => "high-rate",
            Self::CameraRate => "camera-rate",
            Self::NoClock => "no-clock",
        }
    }
}

/// Anomaly of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Anomaly {
    /// Index of the clip in [`ShootReport::shots`].
    pub(super) shot: usize,
    /// Kind of the anomaly.
    pub(super) kind: AnomalyKind,
    /// Short description: `23.976, where 41 of 44 clips have 25`.
    pub(super) text: String,
}

/// A value is rare if at most one in this number of clips has it.
const RARE_DIVISOR: usize = 5;
/// Minimum multiple of the common frame rate for a rate to be considered slow motion.
const HIGH_RATE_FACTOR: f64 = 1.5;
/// Minimum number of clips for deriving the settings of a camera.
const MIN_CLIPS: usize = 3;
/// Message suffix where a clip is compared with others of its camera.
const CAMERA_SUFFIX: &str = " of this camera";
/// Earliest plausible year of a recording.
const FIRST_YEAR: i16 = 1995;

/// Finds all anomalies, sorted by importance and then by clip.
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
        let text = format!("full hashes differ on {}", copies.labels.join(", "));
        return Some((AnomalyKind::CopiesDiffer, text));
    }
    // Unreadable files do not count as copies; such a clip is already reported as unreadable.
    match copies.volumes {
        0 if shot.summary.problem.is_some() => None,
        0 => Some((
            AnomalyKind::NoCopy,
            "none of its files was found".to_owned(),
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
        1 => format!("{} is missing", name(first)),
        2 => format!("{} and {} are missing", name(first), name(last)),
        many => format!(
            "{} to {} ({} numbers) are missing",
            name(first),
            name(last),
            grouped(usize::try_from(many).unwrap_or(usize::MAX))
        ),
    })
}

fn clock(shot: &Shot, created: Date) -> Option<(AnomalyKind, String)> {
    let captured = shot.summary.captured.as_ref()?.value;
    let date = captured.civil().date();
    // Allows for time zones where it is already tomorrow.
    let is_future = created.tomorrow().is_ok_and(|tomorrow| date > tomorrow);
    if is_future || date.year() < FIRST_YEAR {
        let reason = if is_future {
            "in the future".to_owned()
        } else {
            format!("before {FIRST_YEAR}")
        };
        return Some((AnomalyKind::Clock, format!("dated {date}, {reason}")));
    }
    let is_known = shot.summary.captured.as_ref()?.source != crate::clip::Source::MTIME;
    (!is_known && shot.summary.problem.is_none()).then(|| {
        let text =
            "only the file's modification time is known, and copying may change it".to_owned();
        (AnomalyKind::NoClock, text)
    })
}

fn rates(shots: &[Shot], day: &[usize], anomalies: &mut Vec<Anomaly>) {
    let rate = |at: usize| shots[at].summary.rate.map(Rate::snapped);
    let of_day = CommonValue::find(day.iter().filter_map(|&at| rate(at)));
    for camera in groups_of(shots, day, |shot| Some(shot.camera.clone())) {
        let own = CommonValue::find(camera.iter().filter_map(|&at| rate(at)));
        // Clips of unknown cameras may be from different cameras.
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

/// Returns an anomaly if the rate differs from most clips of the day or of the camera.
fn rate_anomaly(
    rate: Rate,
    day: Option<&CommonValue<Rate>>,
    own: Option<&CommonValue<Rate>>,
) -> Option<(AnomalyKind, String)> {
    let is_high = |usual: &CommonValue<Rate>| {
        rate.per_second() >= usual.value.per_second() * HIGH_RATE_FACTOR
    };
    let describe = |usual: &CommonValue<Rate>, of: &str| {
        usual.describe(&format_rate(rate), &format_rate(usual.value), of)
    };
    if let Some(usual) = day.filter(|usual| usual.value != rate) {
        if is_high(usual) {
            return Some((AnomalyKind::HighRate, describe(usual, "")));
        }
        if own.is_some_and(|own| own.value == rate) {
            return Some((AnomalyKind::CameraRate, describe(usual, "")));
        }
        if usual.is_rare(&rate) {
            return Some((AnomalyKind::Rate, describe(usual, "")));
        }
    }
    // Compares the clip with others of its camera, regardless of what other cameras use.
    let own = own.filter(|own| own.is_rare(&rate))?;
    let kind = if is_high(own) {
        AnomalyKind::HighRate
    } else {
        AnomalyKind::Rate
    };
    Some((kind, describe(own, CAMERA_SUFFIX)))
}

fn sizes(shots: &[Shot], camera: &[usize], anomalies: &mut Vec<Anomaly>) {
    // Ignores orientation, because a rotated camera records the same picture size.
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
        if let Some(size) = size(at).filter(|size| usual.is_rare(size)) {
            anomalies.push(Anomaly {
                shot: at,
                kind: AnomalyKind::Size,
                text: usual.describe(&text(size), &text(usual.value), CAMERA_SUFFIX),
            });
        }
    }
}

fn missing_sound(shots: &[Shot], camera: &[usize], anomalies: &mut Vec<Anomaly>) {
    let has_sound = |at: usize| {
        let summary = &shots[at].summary;
        // Image sequences have no sound, and the streams of unreadable files are unknown.
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
                    "{} of {} of this camera have sound",
                    grouped(usual.count),
                    counted(usual.all, "clip")
                ),
            });
        }
    }
}

/// Value that most clips have.
#[derive(Debug)]
struct CommonValue<T> {
    value: T,
    /// Number of clips with the common value.
    count: usize,
    /// Number of clips with any value.
    all: usize,
    /// Number of clips by value.
    counts: HashMap<T, usize>,
}

impl<T: Copy + Eq + Hash> CommonValue<T> {
    /// Returns the value that at least half of the clips have; `None` if two values have half each.
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

    /// Returns true if the value is too rare to be intended.
    fn is_rare(&self, value: &T) -> bool {
        let count = self.counts.get(value).copied().unwrap_or(0);
        *value != self.value && count * RARE_DIVISOR <= self.all
    }

    /// Describes a rare value; `suffix` follows the number of clips.
    fn describe(&self, rare: &str, usual: &str, suffix: &str) -> String {
        let (count, all) = (grouped(self.count), counted(self.all, "clip"));
        format!("{rare}, where {count} of {all}{suffix} have {usual}")
    }
}

/// Formats a rate as `23.976`.
pub(super) fn format_rate(rate: Rate) -> String {
    let text = format!("{:.3}", rate.per_second());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Groups clips by a key; omits clips without one.
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
