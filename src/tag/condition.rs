//! Rule conditions and their evaluation.

use std::collections::HashSet;

use jiff::civil::Weekday;
use regex::{Captures, Regex};

use super::names;
use super::phrase_matcher::{Hit, MatchedText, PhraseId};
use crate::clip::{Clip, FIELDS, FieldFilter, FieldKind, IndexCell};
use crate::value::{Area, NumberRange, Resolution};

/// Condition of a rule.
#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// One of the phrases occurs in the scope.
    Phrases(TextScope, HashSet<PhraseId>),
    /// The pattern matches one of the texts in the scope.
    Pattern(TextScope, Regex),
    /// The name of another file in the folder passes the neighbour test with this index.
    Neighbour(usize),
    /// The field, by its index in [`FIELDS`], matches one of the filters.
    Field(usize, Vec<FieldFilter>),
    /// The field has a value.
    Has(usize),
    /// The picture size matches all of these.
    Resolution(Vec<Resolution>),
    /// The clip was captured in this range of the time of day.
    Time(NumberRange),
    /// The clip was captured on one of these days of the week.
    Weekday(Vec<Weekday>),
    /// The clip was captured in this area.
    Near(Area),
    /// The file name follows a naming scheme of one of these manufacturers.
    Scheme(Vec<String>),
    /// The file name has one of these extensions.
    Extension(Vec<String>),
}

/// Texts in which words are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextScope {
    /// Folders below the volume, and the file name.
    Path,
    Folder,
    Name,
    Volume,
    /// Title, comment and transcript.
    Text,
    /// A text field, by its index in [`FIELDS`].
    Field(usize),
}

/// Test of a file name in the clip's folder.
#[derive(Debug)]
pub(super) enum NeighbourTest {
    Phrases(HashSet<PhraseId>),
    Pattern(Regex),
}

/// Text that made a condition true, with its reliability.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// Matched text in its original spelling; empty if the condition is true because something is
    /// absent.
    pub(super) text: String,
    /// Deduction from the rule's confidence, in percentage points.
    pub(super) doubt: u8,
    /// Names and texts of the pattern's capture groups.
    pub(super) captures: Vec<(String, String)>,
}

/// Deduction for a misspelled word.
const MISSPELLING_DOUBT: u8 = 15;
/// Deduction for a match in a title, comment or transcript, because a text mentions many things.
const TEXT_DOUBT: u8 = 20;

/// Input of the conditions.
pub(super) struct ConditionInput<'a> {
    /// File name without its extension.
    pub(super) stem: &'a str,
    pub(super) name: &'a MatchedText,
    /// Folders of the clip, innermost first.
    pub(super) folders: &'a [MatchedText],
    pub(super) volume: &'a MatchedText,
    pub(super) texts: &'a [MatchedText],
    pub(super) clip: &'a Clip,
    /// For each neighbour test, up to two names in the folder that pass it.
    pub(super) neighbours: &'a [Vec<String>],
    /// File name with its extension.
    pub(super) file_name: &'a str,
    pub(super) find_phrases: &'a dyn Fn(&str) -> MatchedText,
}

impl Condition {
    /// Evaluates the condition. Returns `None` if it is false.
    pub(super) fn evaluate(&self, input: &ConditionInput<'_>) -> Option<Evidence> {
        self.evaluate_negated(input, false)
    }

    /// Evaluates the condition. If it is negated, a phrase also counts if it is void (see
    /// [`Hit::is_void`]).
    fn evaluate_negated(&self, input: &ConditionInput<'_>, negated: bool) -> Option<Evidence> {
        match self {
            Self::All(all) => {
                let found: Option<Vec<Evidence>> = all
                    .iter()
                    .map(|condition| condition.evaluate_negated(input, negated))
                    .collect();
                Some(join(found?))
            }
            // The alternative with the least doubt wins.
            Self::Any(any) => any
                .iter()
                .filter_map(|condition| condition.evaluate_negated(input, negated))
                .min_by_key(|evidence| evidence.doubt),
            Self::Not(inner) => inner
                .evaluate_negated(input, !negated)
                .is_none()
                .then(Evidence::default),
            Self::Phrases(scope, phrases) => match_phrases(*scope, phrases, input, negated),
            Self::Pattern(scope, pattern) => match_pattern(*scope, pattern, input),
            Self::Neighbour(test) => {
                let names = input.neighbours.get(*test)?;
                let other = names.iter().find(|name| *name != input.file_name)?;
                Some(Evidence::new(format!("{other} in the same folder")))
            }
            Self::Field(at, filters) => match_field(*at, filters, input.clip),
            Self::Has(at) => field_evidence(*at, input.clip),
            Self::Resolution(any) => match_resolution(any, input.clip),
            Self::Time(range) => {
                let captured = input.clip.captured.as_ref()?.value;
                let is_in = range.contains_time_of_day(captured.wall_seconds());
                is_in.then(|| Evidence::new(captured.civil().strftime("%H:%M").to_string()))
            }
            Self::Weekday(days) => {
                let day = input.clip.captured.as_ref()?.value.civil().weekday();
                let is_in = days.contains(&day);
                is_in.then(|| Evidence::new(format!("{day:?}").to_lowercase()))
            }
            Self::Near(area) => {
                let position = input.clip.gps.as_ref()?.value;
                let (latitude, longitude) = position.micro_degrees();
                area.contains(latitude, longitude)
                    .then(|| Evidence::new(format!("at {position}")))
            }
            Self::Scheme(makers) => {
                let maker = names::maker(input.stem)?;
                let is_match = makers
                    .iter()
                    .any(|expected| expected.eq_ignore_ascii_case(maker));
                is_match.then(|| Evidence::new(input.stem.to_owned()))
            }
            Self::Extension(any) => {
                let (_, extension) = input.file_name.rsplit_once('.')?;
                let is_match = any
                    .iter()
                    .any(|expected| expected.eq_ignore_ascii_case(extension));
                is_match.then(|| Evidence::new(format!(".{extension}")))
            }
        }
    }
}

impl Evidence {
    fn new(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

/// Joins the evidence of several conditions.
fn join(all: Vec<Evidence>) -> Evidence {
    let mut joined = Evidence::default();
    for evidence in all {
        if !evidence.text.is_empty() && !joined.text.contains(&evidence.text) {
            let separator = if joined.text.is_empty() { "" } else { " + " };
            joined.text.push_str(separator);
            joined.text.push_str(&evidence.text);
        }
        joined.doubt = joined.doubt.saturating_add(evidence.doubt);
        joined.captures.extend(evidence.captures);
    }
    joined
}

/// Returns the texts of a scope, most specific first.
fn texts<'a>(scope: TextScope, input: &'a ConditionInput<'_>) -> Vec<&'a MatchedText> {
    match scope {
        TextScope::Path => std::iter::once(input.name).chain(input.folders).collect(),
        TextScope::Folder => input.folders.iter().collect(),
        TextScope::Name => vec![input.name],
        TextScope::Volume => vec![input.volume],
        TextScope::Text => input.texts.iter().collect(),
        TextScope::Field(_) => Vec::new(),
    }
}

fn match_phrases(
    scope: TextScope,
    phrases: &HashSet<PhraseId>,
    input: &ConditionInput<'_>,
    negated: bool,
) -> Option<Evidence> {
    let doubt = if scope == TextScope::Text {
        TEXT_DOUBT
    } else {
        0
    };
    let in_text = |text: &MatchedText| {
        let counts = |hit: &&Hit| phrases.contains(&hit.phrase) && (negated || !hit.is_void);
        let hits = text.hits.iter().filter(counts);
        // The longest phrase is the most specific.
        let best = hits.max_by_key(|hit| (!hit.is_misspelled, hit.range.len()))?;
        Some(Evidence {
            text: text.text.get(best.range.clone())?.to_owned(),
            doubt: doubt
                + if best.is_misspelled {
                    MISSPELLING_DOUBT
                } else {
                    0
                },
            captures: Vec::new(),
        })
    };
    if let TextScope::Field(at) = scope {
        let texts = field_texts(at, input.clip)
            .into_iter()
            .map(|text| (input.find_phrases)(&text));
        return texts.into_iter().find_map(|text| in_text(&text));
    }
    let mut best: Option<Evidence> = None;
    for text in texts(scope, input) {
        if let Some(found) = in_text(text)
            && best.as_ref().is_none_or(|best| found.doubt < best.doubt)
        {
            best = Some(found);
        }
    }
    best
}

fn match_pattern(
    scope: TextScope,
    pattern: &Regex,
    input: &ConditionInput<'_>,
) -> Option<Evidence> {
    let owned: Vec<String> = match scope {
        TextScope::Field(at) => field_texts(at, input.clip),
        _ => Vec::new(),
    };
    let all = texts(scope, input)
        .into_iter()
        .map(|text| text.text.as_str())
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
                captures: captures(pattern, &found),
            });
        }
    }
    None
}

fn captures(pattern: &Regex, found: &Captures<'_>) -> Vec<(String, String)> {
    let names = pattern.capture_names().flatten();
    let groups =
        names.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned())));
    groups.collect()
}

/// Returns the texts of a field.
fn field_texts(at: usize, clip: &Clip) -> Vec<String> {
    let cells = (FIELDS[at].cells)(clip).into_iter();
    let words = cells.filter_map(|cell| match cell {
        IndexCell::Words(text) => Some(text),
        _ => None,
    });
    words.collect()
}

fn field_evidence(at: usize, clip: &Clip) -> Option<Evidence> {
    let text = (FIELDS[at].text)(clip)?;
    Some(Evidence::new(format!("{} {text}", FIELDS[at].name)))
}

fn match_field(at: usize, filters: &[FieldFilter], clip: &Clip) -> Option<Evidence> {
    let cells = (FIELDS[at].cells)(clip);
    let is_met = filters.iter().any(|filter| {
        cells.iter().any(|cell| match (filter, cell) {
            (FieldFilter::Range(range), IndexCell::Number(number)) => range.contains(*number),
            (FieldFilter::Choice(choice), IndexCell::Words(text)) => text == choice,
            _ => false,
        })
    });
    is_met.then(|| field_evidence(at, clip)).flatten()
}

fn match_resolution(any: &[Resolution], clip: &Clip) -> Option<Evidence> {
    let to_i64 = |pixels: Option<u32>| pixels.map(i64::from);
    let (width, height) = to_i64(clip.display_width.as_ref().map(|fact| fact.value))
        .zip(to_i64(clip.display_height.as_ref().map(|fact| fact.value)))?;
    let is_met = any
        .iter()
        .all(|resolution| resolution.contains(width, height));
    is_met.then(|| Evidence::new(format!("{width}x{height}")))
}

/// Returns true if a field is searched by words.
pub(super) fn is_text_field(at: usize) -> bool {
    matches!(FIELDS[at].kind, FieldKind::Words)
}
