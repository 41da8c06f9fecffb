//! What is odd about a shoot: what somebody should look at before the cards are formatted. A pure
//! function over the clips of a book.
//!
//! What most clips of a day have is what was meant, where at least half of them have it; what at
//! most a fifth of them have is odd. In between nobody knows.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use jiff::civil::Date;

use super::{Book, Shot};
use crate::media;
use crate::output::{counted, grouped};
use crate::value::Rate;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Gravity {
    /// Something is lost, or may be soon.
    Fault,
    /// Somebody should look at it.
    Look,
    /// It may well be meant.
    Note,
}

/// Kinds of what is odd, what matters most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Oddity {
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

impl Oddity {
    /// How much it matters.
    #[must_use]
    pub(super) fn gravity(self) -> Gravity {
        match self {
            Self::Unreadable | Self::Differs | Self::Gone | Self::OneCopy => Gravity::Fault,
            Self::Gap | Self::Silent | Self::Rate | Self::Size | Self::Clock => Gravity::Look,
            Self::Fast | Self::OwnRate | Self::NoClock => Gravity::Note,
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
pub(super) struct Finding {
    /// Which clip of the book.
    pub(super) shot: usize,
    /// What it is.
    pub(super) oddity: Oddity,
    /// In a few words: `23.976, where 41 of 44 clips have 25`.
    pub(super) text: String,
}

/// At most one in so many is odd.
const ONE_IN: usize = 5;
/// A rate this many times the usual one is for slow motion.
const FAST: f64 = 1.5;
/// Fewer clips of a camera say nothing of what it was set to.
const FEWEST: usize = 3;
/// Digital cameras write no earlier year.
const FIRST_YEAR: i16 = 1995;

/// Everything that is odd, what matters most first, clip by clip.
#[must_use]
pub(super) fn find(book: &Book) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, shot) in book.shots.iter().enumerate() {
        let mut add = |oddity, text| {
            found.push(Finding {
                shot: at,
                oddity,
                text,
            });
        };
        if let Some(problem) = &shot.gist.problem {
            add(
                Oddity::Unreadable,
                media::explain_problem(problem).into_owned(),
            );
        }
        if let Some((oddity, text)) = copies(shot) {
            add(oddity, text);
        }
        if let Some(text) = gap(shot, book) {
            add(Oddity::Gap, text);
        }
        if let Some((oddity, text)) = clock(shot, book.made) {
            add(oddity, text);
        }
    }
    for day in groups(&book.shots, |shot| Some(shot.day.clone())) {
        rates(&book.shots, &day, &mut found);
        let camera = |shot: &Shot| shot.has_camera().then(|| shot.camera.clone());
        for camera in groups_of(&book.shots, &day, camera) {
            sizes(&book.shots, &camera, &mut found);
            silences(&book.shots, &camera, &mut found);
        }
    }
    found.sort_by_key(|finding| (finding.oddity, finding.shot));
    found
}

fn copies(shot: &Shot) -> Option<(Oddity, String)> {
    let copies = &shot.copies;
    if copies.do_differ {
        let text = format!("by full hashes, on {}", copies.labels.join(", "));
        return Some((Oddity::Differs, text));
    }
    // A file that cannot be read stands among those, and is no copy.
    match copies.volumes {
        0 if shot.gist.problem.is_some() => None,
        0 => Some((Oddity::Gone, "its files were not there any more".to_owned())),
        1 if copies.files > 1 => {
            let files = counted(copies.files, "file");
            Some((
                Oddity::OneCopy,
                format!("{files}, all on {}", copies.labels.join(", ")),
            ))
        }
        1 => Some((Oddity::OneCopy, format!("on {}", copies.labels.join(", ")))),
        _ => None,
    }
}

fn gap(shot: &Shot, book: &Book) -> Option<String> {
    let (series, number) = shot.number?;
    let series = book.series.get(series)?;
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

fn clock(shot: &Shot, made: Date) -> Option<(Oddity, String)> {
    let captured = shot.gist.captured.as_ref()?.value;
    let date = captured.civil().date();
    // Somewhere it is tomorrow already.
    let is_future = made.tomorrow().is_ok_and(|tomorrow| date > tomorrow);
    if is_future || date.year() < FIRST_YEAR {
        let which = if is_future { "to come" } else { "long past" };
        return Some((Oddity::Clock, format!("it says {date}, a day {which}")));
    }
    let is_known = shot.gist.captured.as_ref()?.source != crate::clip::Source::MTIME;
    (!is_known && shot.gist.problem.is_none()).then(|| {
        let text = "its time is that of the file, which copying may change".to_owned();
        (Oddity::NoClock, text)
    })
}

fn rates(shots: &[Shot], day: &[usize], found: &mut Vec<Finding>) {
    let rate = |at: usize| shots[at].gist.rate.map(Rate::snapped);
    let of_day = Usual::of(day.iter().filter_map(|&at| rate(at)));
    for camera in groups_of(shots, day, |shot| Some(shot.camera.clone())) {
        let own = Usual::of(camera.iter().filter_map(|&at| rate(at)));
        // Clips of unknown cameras have nothing else in common.
        let is_one = camera.iter().all(|&at| shots[at].has_camera());
        let own = own.filter(|own| is_one && own.count >= FEWEST);
        for at in camera {
            let strayed = rate(at).and_then(|rate| strayed(rate, of_day.as_ref(), own.as_ref()));
            found.extend(strayed.map(|(oddity, text)| Finding {
                shot: at,
                oddity,
                text,
            }));
        }
    }
}

/// Whether a rate is other than what most clips of the day, or of its camera, have.
fn strayed(
    rate: Rate,
    day: Option<&Usual<Rate>>,
    own: Option<&Usual<Rate>>,
) -> Option<(Oddity, String)> {
    let is_fast = |usual: &Usual<Rate>| rate.per_second() >= usual.value.per_second() * FAST;
    let told = |usual: &Usual<Rate>| usual.against(&written(rate), &written(usual.value));
    if let Some(usual) = day.filter(|usual| usual.value != rate) {
        if is_fast(usual) {
            return Some((Oddity::Fast, told(usual)));
        }
        if own.is_some_and(|own| own.value == rate) {
            return Some((Oddity::OwnRate, told(usual)));
        }
        if usual.is_odd(&rate) {
            return Some((Oddity::Rate, told(usual)));
        }
    }
    // A camera that strays from what it was set to, whatever the others are.
    let own = own.filter(|own| own.is_odd(&rate))?;
    let oddity = if is_fast(own) {
        Oddity::Fast
    } else {
        Oddity::Rate
    };
    Some((oddity, told(own) + " of this camera"))
}

fn sizes(shots: &[Shot], camera: &[usize], found: &mut Vec<Finding>) {
    // A camera that was turned takes the same picture.
    let size = |at: usize| {
        let (width, height) = shots[at].gist.size?;
        Some((width.max(height), width.min(height)))
    };
    let usual = Usual::of(camera.iter().filter_map(|&at| size(at)));
    let Some(usual) = usual.filter(|usual| usual.count >= FEWEST) else {
        return;
    };
    let text = |(width, height): (u32, u32)| format!("{width}×{height}");
    for &at in camera {
        if let Some(size) = size(at).filter(|size| usual.is_odd(size)) {
            found.push(Finding {
                shot: at,
                oddity: Oddity::Size,
                text: usual.against(&text(size), &text(usual.value)) + " of this camera",
            });
        }
    }
}

fn silences(shots: &[Shot], camera: &[usize], found: &mut Vec<Finding>) {
    let has_sound = |at: usize| {
        let gist = &shots[at].gist;
        // Frames as files hold no sound, and of what was not read nobody knows.
        let can_have = gist.has_picture && !gist.is_sequence;
        can_have.then_some(gist.has_sound)
    };
    let usual = Usual::of(camera.iter().filter_map(|&at| has_sound(at)));
    let Some(usual) = usual.filter(|usual| usual.value && usual.count >= FEWEST - 1) else {
        return;
    };
    for &at in camera {
        if has_sound(at) == Some(false) {
            found.push(Finding {
                shot: at,
                oddity: Oddity::Silent,
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
struct Usual<T> {
    value: T,
    /// How many have it.
    count: usize,
    /// How many there are.
    all: usize,
    /// How many have each.
    counts: HashMap<T, usize>,
}

impl<T: Copy + Eq + Hash> Usual<T> {
    /// What at least half have, if there is such a thing; of two halves, neither.
    fn of(values: impl Iterator<Item = T>) -> Option<Self> {
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
        *value != self.value && count * ONE_IN <= self.all
    }

    fn against(&self, odd: &str, usual: &str) -> String {
        let (count, all) = (grouped(self.count), counted(self.all, "clip"));
        format!("{odd}, where {count} of {all} have {usual}")
    }
}

/// `23.976`.
pub(super) fn written(rate: Rate) -> String {
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
