//! What is odd about a shoot: what somebody should look at before the cards are formatted. A pure
//! function over the clips of a book.
//!
//! What most clips of a day have is what was meant, where at least half of them have it; what at
//! most a fifth of them have is odd. In between nobody knows.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::civil::Date;

use super::{Book, Shot};
use crate::present::{counted, grouped};
use crate::value::Rate;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gravity {
    /// Something is lost, or may be soon.
    Fault,
    /// Somebody should look at it.
    Look,
    /// It may well be meant.
    Note,
}

/// Kinds of what is odd, what matters most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
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
    pub fn gravity(self) -> Gravity {
        match self {
            Self::Unreadable | Self::Differs | Self::Gone | Self::OneCopy => Gravity::Fault,
            Self::Gap | Self::Silent | Self::Rate | Self::Size | Self::Clock => Gravity::Look,
            Self::Fast | Self::OwnRate | Self::NoClock => Gravity::Note,
        }
    }

    /// What it is called, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
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
    pub fn name(self) -> &'static str {
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
pub struct Finding {
    /// Which clip of the book.
    pub shot: usize,
    /// What it is.
    pub oddity: Oddity,
    /// In a few words: `23.976, where 41 of 44 clips have 25`.
    pub text: String,
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
        if let Some(problem) = &shot.clip.problem {
            add(Oddity::Unreadable, problem.value.clone());
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
        for camera in groups_of(&book.shots, &day, |shot| Some(shot.camera.clone())) {
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
        0 if shot.clip.problem.is_some() => None,
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
    let captured = shot.clip.captured.as_ref()?.value;
    let date = captured.civil().date();
    // Somewhere it is tomorrow already.
    let is_future = made.tomorrow().is_ok_and(|tomorrow| date > tomorrow);
    if is_future || date.year() < FIRST_YEAR {
        let which = if is_future { "to come" } else { "long past" };
        return Some((Oddity::Clock, format!("it says {date}, a day {which}")));
    }
    let is_known = shot.clip.captured.as_ref()?.source != crate::clip::Source::MTIME;
    (!is_known && shot.clip.problem.is_none()).then(|| {
        let text = "its time is that of the file, which copying may change".to_owned();
        (Oddity::NoClock, text)
    })
}

fn rates(shots: &[Shot], day: &[usize], found: &mut Vec<Finding>) {
    let rate = |at: usize| {
        shots[at]
            .clip
            .rate
            .as_ref()
            .map(|rate| rate.value.snapped())
    };
    let all: Vec<(usize, Rate)> = day.iter().filter_map(|&at| Some((at, rate(at)?))).collect();
    let usual = Usual::of(all.iter().map(|(_, rate)| *rate));
    let mut odd: Vec<usize> = Vec::new();
    if let Some(usual) = &usual {
        for camera in groups_of(shots, day, |shot| Some(shot.camera.clone())) {
            let of_camera: Vec<(usize, Rate)> = camera
                .iter()
                .filter_map(|&at| Some((at, rate(at)?)))
                .collect();
            let own = Usual::of(of_camera.iter().map(|(_, rate)| *rate));
            let own = own.filter(|own| own.count >= FEWEST && own.value != usual.value);
            for (at, rate) in of_camera {
                if rate == usual.value {
                    continue;
                }
                let text = usual.against(&written(rate), &written(usual.value));
                let is_own = own.as_ref().is_some_and(|own| own.value == rate);
                let is_fast = rate.per_second() >= usual.value.per_second() * FAST;
                let oddity = match (is_fast, is_own) {
                    (true, _) => Oddity::Fast,
                    (false, true) => Oddity::OwnRate,
                    (false, false) if usual.is_odd(&rate) => Oddity::Rate,
                    (false, false) => continue,
                };
                odd.push(at);
                found.push(Finding {
                    shot: at,
                    oddity,
                    text,
                });
            }
        }
    }
    // A camera that strays from what it was set to, whatever the others are.
    for camera in groups_of(shots, day, |shot| Some(shot.camera.clone())) {
        let usual = Usual::of(camera.iter().filter_map(|&at| rate(at)));
        let Some(usual) = usual.filter(|usual| usual.count >= FEWEST) else {
            continue;
        };
        for &at in &camera {
            let Some(rate) = rate(at).filter(|rate| usual.is_odd(rate)) else {
                continue;
            };
            if odd.contains(&at) {
                continue;
            }
            let is_fast = rate.per_second() >= usual.value.per_second() * FAST;
            found.push(Finding {
                shot: at,
                oddity: if is_fast { Oddity::Fast } else { Oddity::Rate },
                text: usual.against(&written(rate), &written(usual.value)) + " of this camera",
            });
        }
    }
}

fn sizes(shots: &[Shot], camera: &[usize], found: &mut Vec<Finding>) {
    // A camera that was turned takes the same picture.
    let size = |at: usize| {
        let clip = &shots[at].clip;
        let (width, height) = (clip.display_width.as_ref()?, clip.display_height.as_ref()?);
        let (width, height) = (width.value, height.value);
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
        let clip = &shots[at].clip;
        // Frames as files hold no sound, and of what was not read nobody knows.
        let can_have = clip.video_codec.is_some() && clip.frames.is_none();
        can_have.then_some(clip.audio_codec.is_some())
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
    let mut groups: std::collections::BTreeMap<K, Vec<usize>> = std::collections::BTreeMap::new();
    for &at in among {
        if let Some(key) = key(&shots[at]) {
            groups.entry(key).or_default().push(at);
        }
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::series::Series;
    use crate::book::{About, Copies};
    use crate::clip::{Clip, Fact, Source};

    /// A clip of a camera, at a rate, with sound, on two volumes.
    fn shot(camera: &str, rate: &str) -> Shot {
        let text = |text: &str| Some(Fact::new(text.to_owned(), Source::STREAM));
        let clip = Clip {
            rate: Some(Fact::new(rate.parse().unwrap(), Source::STREAM)),
            video_codec: text("h264"),
            audio_codec: text("aac"),
            display_width: Some(Fact::new(3840, Source::STREAM)),
            display_height: Some(Fact::new(2160, Source::STREAM)),
            captured: Some(Fact::new(
                "2026-05-20T10:00:00".parse().unwrap(),
                Source::STREAM,
            )),
            ..Clip::default()
        };
        Shot {
            clip,
            camera: camera.to_owned(),
            day: Some("2026-05-20".to_owned()),
            copies: Copies {
                files: 2,
                volumes: 2,
                proved: 2,
                do_differ: false,
                labels: vec!["RAID-A".to_owned(), "SHELF-07".to_owned()],
            },
            ..Shot::default()
        }
    }

    fn book(shots: Vec<Shot>) -> Book {
        Book {
            about: About::Query(String::new()),
            shots,
            cards: Vec::new(),
            series: Vec::new(),
            made: Date::constant(2026, 5, 21),
        }
    }

    fn found(shots: Vec<Shot>) -> Vec<(usize, Oddity, String)> {
        let found = find(&book(shots));
        let told = found.into_iter();
        told.map(|it| (it.shot, it.oddity, it.text)).collect()
    }

    fn many(count: usize, camera: &str, rate: &str) -> Vec<Shot> {
        vec![shot(camera, rate); count]
    }

    #[test]
    fn an_even_day_has_nothing_odd() {
        assert_eq!(found(many(12, "A", "25")), []);
        assert_eq!(found(Vec::new()), []);
    }

    #[test]
    fn one_rate_among_many_is_odd() {
        let mut shots = many(9, "A", "25");
        shots.push(shot("A", "24000/1001"));
        let text = "23.976, where 9 of 10 clips have 25".to_owned();
        assert_eq!(found(shots), [(9, Oddity::Rate, text)]);
    }

    #[test]
    fn half_and_half_is_a_choice() {
        let shots = [many(5, "A", "25"), many(5, "B", "24")].concat();
        assert_eq!(found(shots), []);
        let shots = [many(7, "A", "25"), many(3, "A", "24")].concat();
        assert_eq!(found(shots), []);
    }

    #[test]
    fn what_a_whole_camera_does_is_told_gently_and_so_is_slow_motion() {
        let shots = [
            many(12, "A", "25"),
            many(3, "phone", "30"),
            many(1, "A", "100"),
        ]
        .concat();
        let kinds: Vec<Oddity> = found(shots).into_iter().map(|it| it.1).collect();
        assert_eq!(
            kinds,
            [
                Oddity::Fast,
                Oddity::OwnRate,
                Oddity::OwnRate,
                Oddity::OwnRate
            ]
        );
    }

    #[test]
    fn a_camera_that_strays_is_found_where_cameras_differ() {
        let mut shots = [many(10, "A", "25"), many(10, "B", "24")].concat();
        shots.push(shot("B", "30"));
        let text = "30, where 10 of 11 clips have 24 of this camera".to_owned();
        assert_eq!(found(shots), [(20, Oddity::Rate, text)]);
    }

    #[test]
    fn each_day_is_judged_by_itself() {
        let mut shots = many(9, "A", "25");
        let mut other = many(9, "A", "24");
        other
            .iter_mut()
            .for_each(|shot| shot.day = Some("2026-05-19".to_owned()));
        shots.extend(other);
        assert_eq!(found(shots), []);
    }

    #[test]
    fn a_turned_phone_takes_the_same_size_and_another_size_is_odd() {
        let mut shots = many(9, "phone", "25");
        let mut turned = shot("phone", "25");
        (turned.clip.display_width, turned.clip.display_height) =
            (turned.clip.display_height, turned.clip.display_width);
        shots.push(turned);
        assert_eq!(found(shots.clone()), []);
        let mut small = shot("phone", "25");
        small.clip.display_height = Some(Fact::new(1080, Source::STREAM));
        shots.push(small);
        let text = "3840×1080, where 10 of 11 clips have 3840×2160 of this camera".to_owned();
        assert_eq!(found(shots), [(10, Oddity::Size, text)]);
    }

    #[test]
    fn silence_is_odd_where_the_camera_hears() {
        let silent = || {
            let mut silent = shot("A", "25");
            silent.clip.audio_codec = None;
            silent
        };
        let mut shots = many(3, "A", "25");
        shots.push(silent());
        let text = "3 of 4 clips of this camera have some".to_owned();
        assert_eq!(found(shots), [(3, Oddity::Silent, text)]);
        assert_eq!(found(vec![silent(); 4]), []);
    }

    #[test]
    fn copies_are_judged_by_volumes_and_by_what_they_hold() {
        let with = |volumes: usize, files: usize, do_differ: bool| {
            let mut shot = shot("A", "25");
            shot.copies.volumes = volumes;
            shot.copies.files = files;
            shot.copies.do_differ = do_differ;
            shot.copies.labels.truncate(volumes);
            shot
        };
        let shots = vec![
            with(2, 2, false),
            with(1, 1, false),
            with(1, 2, false),
            with(2, 2, true),
            with(0, 0, false),
        ];
        let told: Vec<(usize, Oddity)> = found(shots).into_iter().map(|it| (it.0, it.1)).collect();
        assert_eq!(
            told,
            [
                (3, Oddity::Differs),
                (4, Oddity::Gone),
                (1, Oddity::OneCopy),
                (2, Oddity::OneCopy)
            ]
        );
    }

    #[test]
    fn a_clock_of_the_past_or_the_future_is_odd() {
        let at = |time: &str, source: Source| {
            let mut shot = shot("A", "25");
            shot.clip.captured = Some(Fact::new(time.parse().unwrap(), source));
            shot
        };
        let told = |time: &str, source| found(vec![at(time, source)]);
        assert_eq!(told("2026-05-22T00:10:00", Source::STREAM), []);
        let kind = |time: &str, source| told(time, source)[0].1;
        assert_eq!(kind("2026-05-23T00:10:00", Source::STREAM), Oddity::Clock);
        assert_eq!(kind("1970-02-01T00:10:00", Source::STREAM), Oddity::Clock);
        assert_eq!(kind("2026-05-20T00:10:00", Source::MTIME), Oddity::NoClock);
    }

    #[test]
    fn a_gap_is_told_at_the_clip_after_it() {
        let numbered = |number| {
            let mut shot = shot("A", "25");
            shot.number = Some((0, number));
            shot
        };
        let mut book = book(vec![numbered(2), numbered(4), numbered(9)]);
        book.series = vec![Series {
            stem: "A001_C".to_owned(),
            digits: 3,
            numbers: [1, 2, 4, 9].into(),
        }];
        let told: Vec<(usize, String)> = find(&book)
            .into_iter()
            .map(|it| (it.shot, it.text))
            .collect();
        assert_eq!(
            told,
            [
                (1, "A001_C003 is not there".to_owned()),
                (
                    2,
                    "A001_C005 to A001_C008, 4 numbers, are not there".to_owned()
                )
            ]
        );
    }
}
