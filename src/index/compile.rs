//! From a query's tree to tantivy's.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::ops::Bound;
use std::sync::Arc;

use tantivy::query::doc_predicate_query::{DocPredicateQuery, FunctionPredicate};
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, FuzzyTermQuery,
    Occur, PhrasePrefixQuery, PhraseQuery, RangeQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, Searcher, SegmentReader, TantivyError, Term};
use tantivy_fst::Automaton;

use super::boost::Tier;
use super::document::{
    Column, Columns, Heard, SOMEWHERE, UNREADABLE, has_sign, point_columns, tag_sign, volume_sign,
};
use super::exclusion::Excluded;
use super::fuzzy::Alike;
use super::wildcard::{Fitting, FittingPhrase, Pattern};
use crate::clip::{Clip, FIELDS, FieldFilter, overlaps_timecodes};
use crate::error::Error;
use crate::query::{ClipState, Filter, Query};
use crate::value::words::{folded_runs, is_lone_letter, query_parts, stem};
use crate::value::{Area, MatchMode, NumberRange, Resolution, SearchWords};

pub(super) type Built = Box<dyn tantivy::query::Query>;

/// No list of words that one stands for is longer.
const MOST_WORDS: u32 = 100_000;

/// What a query is built for.
pub(super) struct Builder<'a> {
    pub(super) searcher: &'a Searcher,
    pub(super) columns: &'a Columns,
    /// The numbers of the volumes that are mounted.
    pub(super) mounted: &'a [i64],
}

/// Where words are looked for.
struct Spot {
    weight: f32,
    is_prose: bool,
    /// Columns that single words stand in, each whole or in part.
    single: Vec<Field>,
    /// Columns that words stand in with their places: whole runs, and parts.
    placed: Vec<(Field, Field)>,
}

impl Builder<'_> {
    pub(super) fn query(&self, query: &Query) -> Result<Built, Error> {
        Ok(match query {
            Query::All(all) if all.is_empty() => Box::new(AllQuery),
            Query::All(all) => {
                let mut parts = Vec::new();
                for one in all {
                    parts.push(match one {
                        Query::Not(inner) => (Occur::MustNot, excluded(self.query(inner)?)),
                        one => (Occur::Must, self.query(one)?),
                    });
                }
                if parts.iter().all(|(occur, _)| *occur == Occur::MustNot) {
                    parts.push((Occur::Must, everything()));
                }
                Box::new(BooleanQuery::new(parts))
            }
            Query::Any(any) => {
                let any: Result<Vec<Built>, Error> =
                    any.iter().map(|one| self.query(one)).collect();
                either(any?)
            }
            Query::Not(inner) => not(self.query(inner)?),
            Query::Words(words) => self.words(words, &self.everywhere())?,
            // A filter says which clips, not which are better.
            Query::Filter(ask) => filter(self.ask(ask)?),
        })
    }

    /// All fields that plain words look into, by weight.
    fn everywhere(&self) -> Vec<Spot> {
        let spot = |heard: &Heard| Spot {
            weight: heard.weight,
            is_prose: heard.is_prose,
            single: heard.single.clone(),
            placed: heard
                .rows
                .iter()
                .filter_map(|row| placed(self.columns.all[*row]))
                .collect(),
        };
        self.columns.heard.iter().map(spot).collect()
    }

    fn words(&self, words: &SearchWords, spots: &[Spot]) -> Result<Built, Error> {
        let mut found = Vec::new();
        for spot in spots {
            for one in self.in_spot(words, spot)? {
                found.push(Box::new(Tier::new(one, spot.weight)) as Built);
            }
        }
        Ok(either(found))
    }

    /// Words in one spot; each of what is given matches alone.
    fn in_spot(&self, words: &SearchWords, spot: &Spot) -> Result<Vec<Built>, Error> {
        let (runs, parts) = (folded_runs(&words.text), query_parts(&words.text));
        let single = |make: &dyn Fn(Field) -> Result<Built, Error>| {
            spot.single
                .iter()
                .map(|field| make(*field))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match words.mode {
            MatchMode::Fuzzy => match runs.as_slice() {
                [run] => taken(&Arc::new(Alike::new(run)), &spot.single),
                _ => Vec::new(),
            },
            MatchMode::Wildcard => Self::fitting(&words.patterns(), spot),
            MatchMode::Prefix => {
                let mut found = Vec::new();
                if let [run] = runs.as_slice() {
                    found.extend(single(&|field| Ok(prefix(field, run)))?);
                }
                for (field, words) in phrases(spot, &runs, &parts) {
                    if self.has_all(field, &words[..words.len() - 1])? {
                        found.push(self.begun(field, words)?);
                    }
                }
                found
            }
            MatchMode::Stemmed | MatchMode::Exact => {
                let mut found = match (runs.as_slice(), parts.as_slice()) {
                    ([run], [part]) if run == part && is_lone_letter(run) => {
                        single(&|field| Ok(prefix(field, run)))?
                    }
                    ([run], [part])
                        if run == part && words.mode == MatchMode::Stemmed && spot.is_prose =>
                    {
                        self.forms(&spot.single, run)?
                    }
                    ([run], _) => self.terms(&spot.single, run)?,
                    _ => Vec::new(),
                };
                for (field, words) in phrases(spot, &runs, &parts) {
                    // A lone letter of a script without blanks begins a pair.
                    let Some((last, before)) = words.split_last() else {
                        continue;
                    };
                    let is_begun = is_lone_letter(last);
                    if is_begun && self.has_all(field, before)? {
                        found.push(self.begun(field, words)?);
                    } else if !is_begun && self.has_all(field, words)? {
                        found.push(phrase(field, words));
                    }
                }
                found
            }
        })
    }

    /// Words that fit patterns; of several, together and in order.
    fn fitting(patterns: &[(usize, String)], spot: &Spot) -> Vec<Built> {
        let made = patterns
            .iter()
            .map(|(_, text)| Arc::new(Pattern::new(text)));
        let made: Vec<Arc<Pattern>> = made.collect();
        if let [pattern] = made.as_slice() {
            return taken(pattern, &spot.single);
        }
        let first = patterns.first().map_or(0, |(place, _)| *place);
        let places = patterns
            .iter()
            .filter_map(|(place, _)| u32::try_from(place - first).ok());
        let patterns: Vec<(u32, Arc<Pattern>)> = places.zip(made).collect();
        let query = |(whole, _): &(Field, Field)| -> Built {
            let patterns = patterns.clone();
            Box::new(FittingPhrase {
                field: *whole,
                patterns,
            })
        };
        spot.placed.iter().map(query).collect()
    }

    /// Words together and in order, the last one only begun.
    fn begun(&self, field: Field, words: &[String]) -> Result<Built, Error> {
        let mut query = PhrasePrefixQuery::new(terms_of(field, words));
        // tantivy makes room for as many words as it is told, whether there are any.
        let last = words.last().map_or("", String::as_str);
        query.set_max_expansions(self.begun_so(field, last)?);
        Ok(unscored(Box::new(query)))
    }

    /// How many words of a column begin so, in the segment with most of them.
    fn begun_so(&self, field: Field, begun: &str) -> Result<u32, Error> {
        let mut most = 0;
        for segment in self.searcher.segment_readers() {
            let mut count = 0;
            each_begun(segment, field, begun, |_| {
                count += 1;
                count < MOST_WORDS
            })?;
            most = most.max(count);
        }
        Ok(most)
    }

    /// Whether a column knows all of these words: else no phrase of them need be looked for.
    fn has_all(&self, field: Field, words: &[String]) -> Result<bool, Error> {
        for word in words {
            if !self.has(field, word)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn has(&self, field: Field, word: &str) -> Result<bool, Error> {
        Ok(self
            .searcher
            .doc_freq(&Term::from_field_text(field, word))?
            > 0)
    }

    /// A word in each column that knows it.
    fn terms(&self, fields: &[Field], word: &str) -> Result<Vec<Built>, Error> {
        let mut found = Vec::new();
        for field in fields {
            if self.has(*field, word)? {
                found.push(term(*field, word));
            }
        }
        Ok(found)
    }

    /// A word in any of its English forms that stand in these columns.
    fn forms(&self, fields: &[Field], word: &str) -> Result<Vec<Built>, Error> {
        let mut found = Vec::new();
        for field in fields {
            found.extend(self.terms(&[*field], word)?);
            for form in self.same_stem(*field, word)? {
                if form != word {
                    found.push(term(*field, &form));
                }
            }
        }
        Ok(found)
    }

    /// Words of a column with the same stem.
    fn same_stem(&self, field: Field, word: &str) -> Result<BTreeSet<String>, Error> {
        let stemmed = stem(word);
        let mut forms = BTreeSet::new();
        if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Ok(forms);
        }
        // `happy` and `happiness` are `happi`, `die` and `dying` are `die`; `go` stays.
        let changed = match stemmed.len() {
            0..=2 => 0,
            3 => 2,
            _ => 1,
        };
        let begun = &stemmed[..stemmed.len() - changed];
        for segment in self.searcher.segment_readers() {
            each_begun(segment, field, begun, |word| {
                if let Ok(word) = std::str::from_utf8(word)
                    && stem(word) == stemmed
                {
                    forms.insert(word.to_owned());
                }
                true
            })?;
        }
        Ok(forms)
    }

    fn ask(&self, ask: &Filter) -> Result<Built, Error> {
        Ok(match ask {
            Filter::Field {
                name,
                filter: wanted,
            } => {
                let fields = Clip::fields_named(name).map(|(at, _)| self.field(at, wanted));
                either(fields.collect::<Result<Vec<_>, _>>()?)
            }
            Filter::Tag { words, meaning } => self.tag(words, &meaning.tags)?,
            Filter::Has(name) => {
                let signs =
                    Clip::fields_named(name).map(|(_, field)| self.sign(&has_sign(field.name)));
                either(signs.collect())
            }
            Filter::Is(state) => self.state(*state)?,
            Filter::Resolution(resolution) => pictured(*resolution),
            Filter::Time(between) => shot_at(*between),
            Filter::Timecode(between) => running_through(*between),
            Filter::Near(area) => near(*area),
        })
    }

    fn field(&self, at: usize, wanted: &FieldFilter) -> Result<Built, Error> {
        let column = self.columns.all.get(at).copied().unwrap_or(Column::Absent);
        Ok(match (column, wanted) {
            (Column::Number(field), FieldFilter::Range(between)) => Box::new(RangeQuery::new(
                Bound::Included(Term::from_field_i64(field, between.from)),
                Bound::Included(Term::from_field_i64(field, between.to)),
            )),
            (Column::Choice(field), FieldFilter::Choice(choice)) => term(field, choice),
            (Column::Words { whole, parts, .. }, FieldFilter::Words(words)) => {
                let spot = Spot {
                    weight: 1.0,
                    is_prose: FIELDS[at].prose,
                    single: vec![whole, parts],
                    placed: vec![(whole, parts)],
                };
                either(self.in_spot(words, &spot)?)
            }
            _ => Box::new(EmptyQuery),
        })
    }

    /// Clips with one of some tags, or one below them; and with any tag that holds the words.
    fn tag(&self, words: &SearchWords, tags: &[String]) -> Result<Built, Error> {
        let wanted = FieldFilter::Words(words.clone());
        let mut any = Vec::new();
        for (at, _) in Clip::fields_named("tags") {
            any.push(self.field(at, &wanted)?);
        }
        any.push(Box::new(tagged(self.columns, tags)));
        Ok(either(any))
    }

    fn sign(&self, sign: &str) -> Built {
        term(self.columns.signs, sign)
    }

    fn state(&self, state: ClipState) -> Result<Built, Error> {
        let choice = |name: &str, choice: &'static str| {
            let field = Clip::fields_named(name).next();
            field.map_or_else(
                || Ok(Box::new(EmptyQuery) as Built),
                |(at, _)| self.field(at, &FieldFilter::Choice(choice)),
            )
        };
        let has = |name: &str| self.sign(&has_sign(name));
        let online = || -> Built {
            let signs = self
                .mounted
                .iter()
                .map(|volume| Term::from_field_text(self.columns.signs, &volume_sign(*volume)));
            Box::new(TermSetQuery::new(signs))
        };
        let without = |there: Built, not_there: Built| -> Built {
            Box::new(BooleanQuery::new(vec![
                (Occur::Must, there),
                (Occur::MustNot, excluded(not_there)),
            ]))
        };
        Ok(match state {
            ClipState::Vertical => choice("orientation", "vertical")?,
            ClipState::Hdr => has("hdr"),
            ClipState::Vfr => choice("is_vfr", "yes")?,
            ClipState::Interlaced => either(vec![
                choice("scan_order", "tff")?,
                choice("scan_order", "bff")?,
            ]),
            ClipState::Vr => either(vec![has("projection"), has("stereo")]),
            ClipState::Audio => without(has("audio_codec"), has("video_codec")),
            ClipState::Online => online(),
            ClipState::Offline => without(self.sign(SOMEWHERE), online()),
            ClipState::Missing => not(self.sign(SOMEWHERE)),
            ClipState::Unreadable => self.sign(UNREADABLE),
            ClipState::Selected => choice("selection", "selected")?,
            ClipState::Rejected => choice("selection", "rejected")?,
            ClipState::Rated => has("rating"),
        })
    }
}

/// Clips with one of some tags, or one below them.
pub(super) fn tagged(columns: &Columns, tags: &[String]) -> TermSetQuery {
    let sign = |tag: &String| Term::from_field_text(columns.signs, &tag_sign(tag));
    TermSetQuery::new(tags.iter().map(sign))
}

fn placed(column: Column) -> Option<(Field, Field)> {
    match column {
        Column::Words { whole, parts, .. } => Some((whole, parts)),
        _ => None,
    }
}

fn everything() -> Built {
    filter(Box::new(AllQuery))
}

/// What matches is worth nothing.
fn filter(inner: Built) -> Built {
    Box::new(ConstScoreQuery::new(inner, 0.0))
}

fn not(inner: Built) -> Built {
    Box::new(BooleanQuery::new(vec![
        (Occur::Must, everything()),
        (Occur::MustNot, excluded(inner)),
    ]))
}

fn excluded(inner: Built) -> Built {
    Box::new(Excluded(inner))
}

fn either(mut queries: Vec<Built>) -> Built {
    match queries.len() {
        0 => Box::new(EmptyQuery),
        1 => queries.remove(0),
        _ => Box::new(DisjunctionMaxQuery::new(queries)),
    }
}

fn term(field: Field, word: &str) -> Built {
    Box::new(TermQuery::new(
        Term::from_field_text(field, word),
        IndexRecordOption::WithFreqs,
    ))
}

/// Several words together and in order.
fn phrase(field: Field, words: &[String]) -> Built {
    unscored(Box::new(PhraseQuery::new(terms_of(field, words))))
}

/// Columns, and the words that stand in each together and in order where a text matches: its
/// runs, or its parts, in the column of whole runs where a text was not cut further.
fn phrases<'a>(spot: &Spot, runs: &'a [String], parts: &'a [String]) -> Vec<(Field, &'a [String])> {
    let mut phrases = Vec::new();
    for &(whole, cut) in &spot.placed {
        if runs.len() > 1 {
            phrases.push((whole, runs));
        }
        if parts.len() > 1 {
            phrases.push((cut, parts));
            if parts != runs {
                phrases.push((whole, parts));
            }
        }
    }
    phrases
}

fn terms_of(field: Field, words: &[String]) -> Vec<Term> {
    let term = |word: &String| Term::from_field_text(field, word);
    words.iter().map(term).collect()
}

/// No lengths of fields are kept where phrases are, so all are worth the same.
fn unscored(inner: Built) -> Built {
    Box::new(ConstScoreQuery::new(inner, 1.0))
}

/// Words of some columns that an automaton takes.
fn taken<A>(automaton: &Arc<A>, fields: &[Field]) -> Vec<Built>
where
    A: Automaton<State: Clone> + Debug + Send + Sync + 'static,
{
    let query = |field: &Field| -> Built {
        let automaton = automaton.clone();
        Box::new(Fitting {
            field: *field,
            automaton,
        })
    };
    fields.iter().map(query).collect()
}

/// Words that begin so: those whose beginning differs in no letter. An automaton of a pattern
/// would take many times as long to make.
fn prefix(field: Field, begun: &str) -> Built {
    let term = Term::from_field_text(field, begun);
    Box::new(FuzzyTermQuery::new_prefix(term, 0, false))
}

/// Hears each word of a column that begins so, while it wants more.
fn each_begun(
    segment: &SegmentReader,
    field: Field,
    begun: &str,
    mut hear: impl FnMut(&[u8]) -> bool,
) -> Result<(), Error> {
    let index = segment.inverted_index(field)?;
    let mut range = index.terms().range().ge(begun.as_bytes());
    let after = after(begun);
    if let Some(after) = &after {
        range = range.lt(after.as_bytes());
    }
    let mut terms = range.into_stream().map_err(TantivyError::from)?;
    while terms.advance() && hear(terms.key()) {}
    Ok(())
}

/// What comes after everything that begins so.
fn after(begun: &str) -> Option<String> {
    let last = begun.chars().last()?;
    let next = char::from_u32(u32::from(last) + 1)?;
    Some(format!("{}{next}", &begun[..begun.len() - last.len_utf8()]))
}

/// Clips whose numbers in some columns pass a test; without the first, they do not.
fn scanned<const N: usize>(
    columns: [String; N],
    test: impl Fn(i64, [Option<i64>; N]) -> bool + Clone + Send + Sync + 'static,
) -> Built {
    let predicate = FunctionPredicate::from(move |segment: &SegmentReader| {
        let mut found = Vec::new();
        for column in &columns {
            found.push(segment.fast_fields().column_opt::<i64>(column)?);
        }
        let test = test.clone();
        Ok(move |doc: DocId| {
            let mut numbers = [None; N];
            for (number, column) in numbers.iter_mut().zip(&found) {
                *number = column.as_ref().and_then(|column| column.first(doc));
            }
            numbers
                .first()
                .copied()
                .flatten()
                .is_some_and(|first| test(first, numbers))
        })
    });
    Box::new(DocPredicateQuery::from(predicate))
}

fn pictured(resolution: Resolution) -> Built {
    let shown = scanned(
        ["display_width".to_owned(), "display_height".to_owned()],
        move |width, [_, height]| height.is_some_and(|height| resolution.contains(width, height)),
    );
    match resolution {
        // As it is coded, too: HDV is 1440x1080.
        Resolution::Picture(..) => either(vec![
            shown,
            scanned(
                ["width".to_owned(), "height".to_owned()],
                move |width, [_, height]| {
                    height.is_some_and(|height| resolution.contains(width, height))
                },
            ),
        ]),
        _ => shown,
    }
}

fn shot_at(between: NumberRange) -> Built {
    scanned(["captured".to_owned()], move |seconds, _| {
        between.contains_time_of_day(seconds)
    })
}

fn running_through(between: NumberRange) -> Built {
    let columns = ["start_timecode".to_owned(), "end_timecode".to_owned()];
    scanned(columns, move |first, [_, last]| {
        overlaps_timecodes(first, last, between.from, between.to)
    })
}

fn near(area: Area) -> Built {
    scanned(point_columns("gps"), move |latitude, [_, longitude]| {
        longitude.is_some_and(|longitude| area.contains(latitude, longitude))
    })
}
