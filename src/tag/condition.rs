//! What a rule asks of a clip, and what answers it.

use std::collections::HashSet;

use jiff::civil::Weekday;
use regex::{Captures, Regex};

use super::lexicon::{Hit, PhraseId, Spoken};
use super::names;
use crate::clip::{Cell, Clip, FIELDS, Kind, Wanted};
use crate::value::{Area, Between, Resolution};

/// A condition.
#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// One of these phrases stands there.
    Says(Scope, HashSet<PhraseId>),
    /// The pattern fits there.
    Fits(Scope, Regex),
    /// Another file of the folder is called so; the number of the test.
    Neighbour(usize),
    /// A field has one of these values.
    Field(usize, Vec<Wanted>),
    /// A field is known at all.
    Has(usize),
    /// The picture is of such a size.
    Resolution(Vec<Resolution>),
    /// Shot at such a time of the day.
    Time(Between),
    /// Shot on such a day of the week.
    Weekday(Vec<Weekday>),
    /// Shot there.
    Near(Area),
    /// The file's name is as devices of these makers give names.
    Scheme(Vec<String>),
    /// The file's name ends so.
    Extension(Vec<String>),
}

/// Where words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Folders below the volume, and the file's name.
    Path,
    Folder,
    Name,
    Volume,
    /// Title, comment and transcript.
    Text,
    /// A field of words.
    Field(usize),
}

/// What is asked.
#[derive(Debug)]
pub(super) enum NeighbourTest {
    Says(HashSet<PhraseId>),
    Fits(Regex),
}

/// Why a condition holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// As it stands in the names or facts; empty when it holds because something is not there.
    pub(super) text: String,
    /// Taken off the rule's confidence, in hundredths.
    pub(super) doubt: u8,
    /// What a pattern's groups took.
    pub(super) taken: Vec<(String, String)>,
}

/// A word that is misspelt is not so sure a sign.
const MISSPELT: u8 = 15;
/// A transcript says many things.
const SAID: u8 = 20;

/// All that conditions look at.
pub(super) struct Seen<'a> {
    /// The stem of the file's name.
    pub(super) stem: &'a str,
    pub(super) name: &'a Spoken,
    /// Innermost first.
    pub(super) folders: &'a [Spoken],
    pub(super) volume: &'a Spoken,
    pub(super) texts: &'a [Spoken],
    pub(super) clip: &'a Clip,
    /// For each test, up to two names in the folder that pass it.
    pub(super) neighbours: &'a [Vec<String>],
    /// The file's whole name.
    pub(super) own: &'a str,
    pub(super) hear: &'a dyn Fn(&str) -> Spoken,
}

impl Condition {
    /// Why it holds; `None` when it does not.
    pub(super) fn holds(&self, seen: &Seen<'_>) -> Option<Evidence> {
        self.holds_so(seen, false)
    }

    /// What a negation or a firm's name takes the meaning from still counts where it must not be.
    fn holds_so(&self, seen: &Seen<'_>, negated: bool) -> Option<Evidence> {
        match self {
            Self::All(all) => {
                let found: Option<Vec<Evidence>> =
                    all.iter().map(|one| one.holds_so(seen, negated)).collect();
                Some(together(found?))
            }
            // The surest.
            Self::Any(any) => any
                .iter()
                .filter_map(|one| one.holds_so(seen, negated))
                .min_by_key(|evidence| evidence.doubt),
            Self::Not(inner) => inner
                .holds_so(seen, !negated)
                .is_none()
                .then(Evidence::default),
            Self::Says(scope, phrases) => said(*scope, phrases, seen, negated),
            Self::Fits(scope, pattern) => fitted(*scope, pattern, seen),
            Self::Neighbour(test) => {
                let names = seen.neighbours.get(*test)?;
                let other = names.iter().find(|name| *name != seen.own)?;
                Some(Evidence::of(format!("{other} beside it")))
            }
            Self::Field(at, wanted) => field(*at, wanted, seen.clip),
            Self::Has(at) => value(*at, seen.clip),
            Self::Resolution(any) => resolution(any, seen.clip),
            Self::Time(between) => {
                let captured = seen.clip.captured.as_ref()?.value;
                let is_in = between.holds_clock(captured.wall_seconds());
                is_in.then(|| Evidence::of(captured.civil().strftime("%H:%M").to_string()))
            }
            Self::Weekday(days) => {
                let day = seen.clip.captured.as_ref()?.value.civil().weekday();
                let is_in = days.contains(&day);
                is_in.then(|| Evidence::of(format!("{day:?}").to_lowercase()))
            }
            Self::Near(area) => {
                let place = seen.clip.gps.as_ref()?.value;
                let (latitude, longitude) = place.micro_degrees();
                area.holds(latitude, longitude)
                    .then(|| Evidence::of(format!("at {place}")))
            }
            Self::Scheme(makers) => {
                let maker = names::maker(seen.stem)?;
                let is_one = makers
                    .iter()
                    .any(|wanted| wanted.eq_ignore_ascii_case(maker));
                is_one.then(|| Evidence::of(seen.stem.to_owned()))
            }
            Self::Extension(any) => {
                let (_, extension) = seen.own.rsplit_once('.')?;
                let is_one = any
                    .iter()
                    .any(|wanted| wanted.eq_ignore_ascii_case(extension));
                is_one.then(|| Evidence::of(format!(".{extension}")))
            }
        }
    }
}

impl Evidence {
    fn of(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

fn together(all: Vec<Evidence>) -> Evidence {
    let mut joined = Evidence::default();
    for one in all {
        if !one.text.is_empty() && !joined.text.contains(&one.text) {
            let and = if joined.text.is_empty() { "" } else { " + " };
            joined.text.push_str(and);
            joined.text.push_str(&one.text);
        }
        joined.doubt = joined.doubt.saturating_add(one.doubt);
        joined.taken.extend(one.taken);
    }
    joined
}

/// The texts of a scope, those that speak most directly first.
fn texts<'a>(scope: Scope, seen: &'a Seen<'_>) -> Vec<&'a Spoken> {
    match scope {
        Scope::Path => std::iter::once(seen.name).chain(seen.folders).collect(),
        Scope::Folder => seen.folders.iter().collect(),
        Scope::Name => vec![seen.name],
        Scope::Volume => vec![seen.volume],
        Scope::Text => seen.texts.iter().collect(),
        Scope::Field(_) => Vec::new(),
    }
}

fn said(
    scope: Scope,
    phrases: &HashSet<PhraseId>,
    seen: &Seen<'_>,
    negated: bool,
) -> Option<Evidence> {
    let doubt = if scope == Scope::Text { SAID } else { 0 };
    let in_text = |spoken: &Spoken| {
        let is_meant = |hit: &&Hit| phrases.contains(&hit.phrase) && (negated || !hit.is_void);
        let hits = spoken.hits.iter().filter(is_meant);
        // The longest says most.
        let best = hits.max_by_key(|hit| (!hit.is_misspelt, hit.place.len()))?;
        Some(Evidence {
            text: spoken.text.get(best.place.clone())?.to_owned(),
            doubt: doubt + if best.is_misspelt { MISSPELT } else { 0 },
            taken: Vec::new(),
        })
    };
    if let Scope::Field(at) = scope {
        let heard = words_of(at, seen.clip)
            .into_iter()
            .map(|text| (seen.hear)(&text));
        return heard.into_iter().find_map(|spoken| in_text(&spoken));
    }
    let mut best: Option<Evidence> = None;
    for spoken in texts(scope, seen) {
        if let Some(found) = in_text(spoken)
            && best.as_ref().is_none_or(|best| found.doubt < best.doubt)
        {
            best = Some(found);
        }
    }
    best
}

fn fitted(scope: Scope, pattern: &Regex, seen: &Seen<'_>) -> Option<Evidence> {
    let owned: Vec<String> = match scope {
        Scope::Field(at) => words_of(at, seen.clip),
        _ => Vec::new(),
    };
    let all = texts(scope, seen)
        .into_iter()
        .map(|spoken| spoken.text.as_str())
        .chain(owned.iter().map(String::as_str));
    for text in all {
        if let Some(found) = pattern.captures(text) {
            return Some(Evidence {
                text: found
                    .get(0)
                    .map_or("", |all| all.as_str())
                    .trim()
                    .to_owned(),
                doubt: 0,
                taken: taken(pattern, &found),
            });
        }
    }
    None
}

fn taken(pattern: &Regex, found: &Captures<'_>) -> Vec<(String, String)> {
    let names = pattern.capture_names().flatten();
    let groups =
        names.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned())));
    groups.collect()
}

/// What a field holds in words.
fn words_of(at: usize, clip: &Clip) -> Vec<String> {
    let cells = (FIELDS[at].cells)(clip).into_iter();
    let words = cells.filter_map(|cell| match cell {
        Cell::Words(text) => Some(text),
        _ => None,
    });
    words.collect()
}

fn value(at: usize, clip: &Clip) -> Option<Evidence> {
    let text = (FIELDS[at].text)(clip)?;
    Some(Evidence::of(format!("{} {text}", FIELDS[at].name)))
}

fn field(at: usize, wanted: &[Wanted], clip: &Clip) -> Option<Evidence> {
    let cells = (FIELDS[at].cells)(clip);
    let is_met = wanted.iter().any(|wanted| {
        cells.iter().any(|cell| match (wanted, cell) {
            (Wanted::Between(between), Cell::Number(number)) => between.holds(*number),
            (Wanted::Choice(choice), Cell::Words(text)) => text == choice,
            _ => false,
        })
    });
    is_met.then(|| value(at, clip)).flatten()
}

fn resolution(any: &[Resolution], clip: &Clip) -> Option<Evidence> {
    let side = |shown: Option<u32>| shown.map(i64::from);
    let shown = side(clip.display_width.as_ref().map(|fact| fact.value))
        .zip(side(clip.display_height.as_ref().map(|fact| fact.value)))?;
    let is_met = any.iter().all(|one| one.holds(shown.0, shown.1));
    is_met.then(|| Evidence::of(format!("{}x{}", shown.0, shown.1)))
}

/// Whether values of a field can be asked for otherwise than by words.
pub(super) fn is_of_words(at: usize) -> bool {
    matches!(FIELDS[at].kind, Kind::Words)
}
