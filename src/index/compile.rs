//! Compiles a query tree into a tantivy query.

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

use super::boost::TierQuery;
use super::document::{
    FieldGroup, IndexColumn, IndexColumns, SOMEWHERE, UNREADABLE, has_sign, point_columns,
    tag_sign, volume_sign,
};
use super::exclusion::ExcludedQuery;
use super::fuzzy::FuzzyWord;
use super::wildcard::{AutomatonQuery, PatternPhraseQuery, WildcardPattern};
use crate::clip::{Clip, FIELDS, FieldFilter, overlaps_timecodes};
use crate::error::Error;
use crate::query::{ClipState, Filter, Query};
use crate::value::words::{folded_runs, is_lone_letter, query_parts, stem};
use crate::value::{Area, MatchMode, NumberRange, Resolution, SearchWords};

pub(super) type BoxedQuery = Box<dyn tantivy::query::Query>;

/// Maximum number of words that a prefix expands to.
const MAX_WORDS: u32 = 100_000;

/// Query compiler for one index and the currently mounted volumes.
pub(super) struct QueryCompiler<'a> {
    pub(super) searcher: &'a Searcher,
    pub(super) columns: &'a IndexColumns,
    /// Ids of the mounted volumes.
    pub(super) mounted: &'a [i64],
}

/// Columns in which words are looked up.
struct WordColumns {
    weight: f32,
    is_prose: bool,
    /// Columns for single words, which hold whole runs, parts or both.
    single: Vec<Field>,
    /// Pairs of columns with positions, for phrases: one for whole runs, one for parts.
    phrase_fields: Vec<(Field, Field)>,
}

impl QueryCompiler<'_> {
    pub(super) fn query(&self, query: &Query) -> Result<BoxedQuery, Error> {
        Ok(match query {
            Query::All(all) if all.is_empty() => Box::new(AllQuery),
            Query::All(all) => {
                let mut parts = Vec::new();
                for operand in all {
                    parts.push(match operand {
                        Query::Not(inner) => (Occur::MustNot, excluded(self.query(inner)?)),
                        operand => (Occur::Must, self.query(operand)?),
                    });
                }
                if parts.iter().all(|(occur, _)| *occur == Occur::MustNot) {
                    parts.push((Occur::Must, all_clips()));
                }
                Box::new(BooleanQuery::new(parts))
            }
            Query::Any(any) => {
                let any: Result<Vec<BoxedQuery>, Error> =
                    any.iter().map(|operand| self.query(operand)).collect();
                any_of(any?)
            }
            Query::Not(inner) => not(self.query(inner)?),
            Query::Words(words) => self.words(words, &self.all_word_columns())?,
            // A filter selects clips and does not affect their score.
            Query::Filter(leaf) => filter(self.compile_filter(leaf)?),
        })
    }

    /// Returns the columns in which plain words are searched, grouped by weight.
    fn all_word_columns(&self) -> Vec<WordColumns> {
        let columns = |group: &FieldGroup| WordColumns {
            weight: group.weight,
            is_prose: group.is_prose,
            single: group.single.clone(),
            phrase_fields: group
                .rows
                .iter()
                .filter_map(|row| phrase_fields(self.columns.all[*row]))
                .collect(),
        };
        self.columns.groups.iter().map(columns).collect()
    }

    fn words(&self, words: &SearchWords, all_columns: &[WordColumns]) -> Result<BoxedQuery, Error> {
        let mut found = Vec::new();
        for columns in all_columns {
            for query in self.in_columns(words, columns)? {
                found.push(Box::new(TierQuery::new(query, columns.weight)) as BoxedQuery);
            }
        }
        Ok(any_of(found))
    }

    /// Returns queries for words in some columns; a clip matches if any of them matches.
    fn in_columns(
        &self,
        words: &SearchWords,
        columns: &WordColumns,
    ) -> Result<Vec<BoxedQuery>, Error> {
        let (runs, parts) = (folded_runs(&words.text), query_parts(&words.text));
        let single = |make: &dyn Fn(Field) -> Result<BoxedQuery, Error>| {
            columns
                .single
                .iter()
                .map(|field| make(*field))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match words.mode {
            MatchMode::Fuzzy => match runs.as_slice() {
                [run] => automaton_queries(&Arc::new(FuzzyWord::new(run)), &columns.single),
                _ => Vec::new(),
            },
            MatchMode::Wildcard => Self::pattern_queries(&words.patterns(), columns),
            MatchMode::Prefix => {
                let mut found = Vec::new();
                if let [run] = runs.as_slice() {
                    found.extend(single(&|field| Ok(prefix_query(field, run)))?);
                }
                for (field, words) in phrase_columns(columns, &runs, &parts) {
                    if self.contains_all(field, &words[..words.len() - 1])? {
                        found.push(self.phrase_prefix(field, words)?);
                    }
                }
                found
            }
            MatchMode::Stemmed | MatchMode::Exact => {
                let mut found = match (runs.as_slice(), parts.as_slice()) {
                    ([run], [part]) if run == part && is_lone_letter(run) => {
                        single(&|field| Ok(prefix_query(field, run)))?
                    }
                    ([run], [part])
                        if run == part && words.mode == MatchMode::Stemmed && columns.is_prose =>
                    {
                        self.forms(&columns.single, run)?
                    }
                    ([run], _) => self.terms(&columns.single, run)?,
                    _ => Vec::new(),
                };
                for (field, words) in phrase_columns(columns, &runs, &parts) {
                    // In a script without spaces, a single letter is searched as the start of a
                    // letter pair.
                    let Some((last, before)) = words.split_last() else {
                        continue;
                    };
                    let is_prefix = is_lone_letter(last);
                    if is_prefix && self.contains_all(field, before)? {
                        found.push(self.phrase_prefix(field, words)?);
                    } else if !is_prefix && self.contains_all(field, words)? {
                        found.push(phrase(field, words));
                    }
                }
                found
            }
        })
    }

    /// Returns queries for words that match patterns; several patterns match as a phrase.
    fn pattern_queries(patterns: &[(usize, String)], columns: &WordColumns) -> Vec<BoxedQuery> {
        let compiled = patterns
            .iter()
            .map(|(_, text)| Arc::new(WildcardPattern::new(text)));
        let compiled: Vec<Arc<WildcardPattern>> = compiled.collect();
        if let [pattern] = compiled.as_slice() {
            return automaton_queries(pattern, &columns.single);
        }
        let first = patterns.first().map_or(0, |(position, _)| *position);
        let offsets = patterns
            .iter()
            .filter_map(|(position, _)| u32::try_from(position - first).ok());
        let patterns: Vec<(u32, Arc<WildcardPattern>)> = offsets.zip(compiled).collect();
        let query = |(whole, _): &(Field, Field)| -> BoxedQuery {
            let patterns = patterns.clone();
            Box::new(PatternPhraseQuery {
                field: *whole,
                patterns,
            })
        };
        columns.phrase_fields.iter().map(query).collect()
    }

    /// Returns a query for a phrase whose last word is a prefix.
    fn phrase_prefix(&self, field: Field, words: &[String]) -> Result<BoxedQuery, Error> {
        let mut query = PhrasePrefixQuery::new(terms_of(field, words));
        // tantivy allocates memory for this many words, even if fewer exist.
        let last = words.last().map_or("", String::as_str);
        query.set_max_expansions(self.count_with_prefix(field, last)?);
        Ok(with_constant_score(Box::new(query)))
    }

    /// Counts the words of a column that have a prefix. Returns the highest count of any segment,
    /// at most [`MAX_WORDS`].
    fn count_with_prefix(&self, field: Field, prefix: &str) -> Result<u32, Error> {
        let mut largest = 0;
        for segment in self.searcher.segment_readers() {
            let mut count = 0;
            for_each_with_prefix(segment, field, prefix, |_| {
                count += 1;
                count < MAX_WORDS
            })?;
            largest = largest.max(count);
        }
        Ok(largest)
    }

    /// Returns true if a column contains all of these words. If one is missing, no phrase of them
    /// can match.
    fn contains_all(&self, field: Field, words: &[String]) -> Result<bool, Error> {
        for word in words {
            if !self.contains(field, word)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn contains(&self, field: Field, word: &str) -> Result<bool, Error> {
        Ok(self
            .searcher
            .doc_freq(&Term::from_field_text(field, word))?
            > 0)
    }

    /// Returns queries for a word in each column that contains it.
    fn terms(&self, fields: &[Field], word: &str) -> Result<Vec<BoxedQuery>, Error> {
        let mut found = Vec::new();
        for field in fields {
            if self.contains(*field, word)? {
                found.push(term(*field, word));
            }
        }
        Ok(found)
    }

    /// Returns queries for a word in every English form that occurs in these columns.
    fn forms(&self, fields: &[Field], word: &str) -> Result<Vec<BoxedQuery>, Error> {
        let mut found = Vec::new();
        for field in fields {
            found.extend(self.terms(&[*field], word)?);
            for form in self.words_with_stem_of(*field, word)? {
                if form != word {
                    found.push(term(*field, &form));
                }
            }
        }
        Ok(found)
    }

    /// Returns the words of a column that have the same stem as `word`.
    fn words_with_stem_of(&self, field: Field, word: &str) -> Result<BTreeSet<String>, Error> {
        let stemmed = stem(word);
        let mut forms = BTreeSet::new();
        if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Ok(forms);
        }
        // Number of letters at the end of the stem in which other forms may differ. The stem of
        // `happy` and `happiness` is `happi`, that of `dying` is `die`; all forms of `go` start
        // with `go`.
        let variable = match stemmed.len() {
            0..=2 => 0,
            3 => 2,
            _ => 1,
        };
        let prefix = &stemmed[..stemmed.len() - variable];
        for segment in self.searcher.segment_readers() {
            for_each_with_prefix(segment, field, prefix, |word| {
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

    fn compile_filter(&self, filter: &Filter) -> Result<BoxedQuery, Error> {
        Ok(match filter {
            Filter::Field {
                name,
                filter: field_filter,
            } => {
                let fields = Clip::fields_named(name).map(|(at, _)| self.field(at, field_filter));
                any_of(fields.collect::<Result<Vec<_>, _>>()?)
            }
            Filter::Tag { words, meaning } => self.tag_or_words(words, &meaning.tags)?,
            Filter::Has(name) => {
                let signs =
                    Clip::fields_named(name).map(|(_, field)| self.sign(&has_sign(field.name)));
                any_of(signs.collect())
            }
            Filter::Is(state) => self.state(*state)?,
            Filter::Resolution(resolution) => resolution_query(*resolution),
            Filter::Time(between) => time_query(*between),
            Filter::Timecode(between) => timecode_query(*between),
            Filter::Near(area) => area_query(*area),
        })
    }

    fn field(&self, at: usize, filter: &FieldFilter) -> Result<BoxedQuery, Error> {
        let column = self
            .columns
            .all
            .get(at)
            .copied()
            .unwrap_or(IndexColumn::Absent);
        Ok(match (column, filter) {
            (IndexColumn::Number(field), FieldFilter::Range(between)) => Box::new(RangeQuery::new(
                Bound::Included(Term::from_field_i64(field, between.from)),
                Bound::Included(Term::from_field_i64(field, between.to)),
            )),
            (IndexColumn::Choice(field), FieldFilter::Choice(choice)) => term(field, choice),
            (IndexColumn::Words { whole, parts, .. }, FieldFilter::Words(words)) => {
                let columns = WordColumns {
                    weight: 1.0,
                    is_prose: FIELDS[at].prose,
                    single: vec![whole, parts],
                    phrase_fields: vec![(whole, parts)],
                };
                any_of(self.in_columns(words, &columns)?)
            }
            _ => Box::new(EmptyQuery),
        })
    }

    /// Returns a query for clips with one of the tags or their descendants, or with a tag that
    /// contains the words.
    fn tag_or_words(&self, words: &SearchWords, tags: &[String]) -> Result<BoxedQuery, Error> {
        let filter = FieldFilter::Words(words.clone());
        let mut any = Vec::new();
        for (at, _) in Clip::fields_named("tags") {
            any.push(self.field(at, &filter)?);
        }
        any.push(Box::new(tag_query(self.columns, tags)));
        Ok(any_of(any))
    }

    fn sign(&self, sign: &str) -> BoxedQuery {
        term(self.columns.signs, sign)
    }

    fn state(&self, state: ClipState) -> Result<BoxedQuery, Error> {
        let choice = |name: &str, choice: &'static str| {
            let field = Clip::fields_named(name).next();
            field.map_or_else(
                || Ok(Box::new(EmptyQuery) as BoxedQuery),
                |(at, _)| self.field(at, &FieldFilter::Choice(choice)),
            )
        };
        let has = |name: &str| self.sign(&has_sign(name));
        let online = || -> BoxedQuery {
            let signs = self
                .mounted
                .iter()
                .map(|volume| Term::from_field_text(self.columns.signs, &volume_sign(*volume)));
            Box::new(TermSetQuery::new(signs))
        };
        let without = |base: BoxedQuery, removed: BoxedQuery| -> BoxedQuery {
            Box::new(BooleanQuery::new(vec![
                (Occur::Must, base),
                (Occur::MustNot, excluded(removed)),
            ]))
        };
        Ok(match state {
            ClipState::Vertical => choice("orientation", "vertical")?,
            ClipState::Hdr => has("hdr"),
            ClipState::Vfr => choice("is_vfr", "yes")?,
            ClipState::Interlaced => any_of(vec![
                choice("scan_order", "tff")?,
                choice("scan_order", "bff")?,
            ]),
            ClipState::Vr => any_of(vec![has("projection"), has("stereo")]),
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

/// Returns a query for clips with one of the tags or their descendants.
pub(super) fn tag_query(columns: &IndexColumns, tags: &[String]) -> TermSetQuery {
    let sign = |tag: &String| Term::from_field_text(columns.signs, &tag_sign(tag));
    TermSetQuery::new(tags.iter().map(sign))
}

fn phrase_fields(column: IndexColumn) -> Option<(Field, Field)> {
    match column {
        IndexColumn::Words { whole, parts, .. } => Some((whole, parts)),
        _ => None,
    }
}

fn all_clips() -> BoxedQuery {
    filter(Box::new(AllQuery))
}

/// Gives all matches a score of zero.
fn filter(inner: BoxedQuery) -> BoxedQuery {
    Box::new(ConstScoreQuery::new(inner, 0.0))
}

fn not(inner: BoxedQuery) -> BoxedQuery {
    Box::new(BooleanQuery::new(vec![
        (Occur::Must, all_clips()),
        (Occur::MustNot, excluded(inner)),
    ]))
}

fn excluded(inner: BoxedQuery) -> BoxedQuery {
    Box::new(ExcludedQuery(inner))
}

fn any_of(mut queries: Vec<BoxedQuery>) -> BoxedQuery {
    match queries.len() {
        0 => Box::new(EmptyQuery),
        1 => queries.remove(0),
        _ => Box::new(DisjunctionMaxQuery::new(queries)),
    }
}

fn term(field: Field, word: &str) -> BoxedQuery {
    Box::new(TermQuery::new(
        Term::from_field_text(field, word),
        IndexRecordOption::WithFreqs,
    ))
}

/// Returns a query for a phrase of complete words.
fn phrase(field: Field, words: &[String]) -> BoxedQuery {
    with_constant_score(Box::new(PhraseQuery::new(terms_of(field, words))))
}

/// Returns the columns in which to search for a phrase, each with the words to search for: runs or
/// parts. Parts are also searched in the column of whole runs, because a text whose runs have no
/// parts is stored only there.
fn phrase_columns<'a>(
    columns: &WordColumns,
    runs: &'a [String],
    parts: &'a [String],
) -> Vec<(Field, &'a [String])> {
    let mut columns_and_words = Vec::new();
    for &(whole, parts_field) in &columns.phrase_fields {
        if runs.len() > 1 {
            columns_and_words.push((whole, runs));
        }
        if parts.len() > 1 {
            columns_and_words.push((parts_field, parts));
            if parts != runs {
                columns_and_words.push((whole, parts));
            }
        }
    }
    columns_and_words
}

fn terms_of(field: Field, words: &[String]) -> Vec<Term> {
    let term = |word: &String| Term::from_field_text(field, word);
    words.iter().map(term).collect()
}

/// Gives all matches the same score, because phrase columns store no field lengths.
fn with_constant_score(inner: BoxedQuery) -> BoxedQuery {
    Box::new(ConstScoreQuery::new(inner, 1.0))
}

/// Returns queries for the words of some columns that an automaton accepts.
fn automaton_queries<A>(automaton: &Arc<A>, fields: &[Field]) -> Vec<BoxedQuery>
where
    A: Automaton<State: Clone> + Debug + Send + Sync + 'static,
{
    let query = |field: &Field| -> BoxedQuery {
        let automaton = automaton.clone();
        Box::new(AutomatonQuery {
            field: *field,
            automaton,
        })
    };
    fields.iter().map(query).collect()
}

/// Returns a query for words with a prefix: a fuzzy prefix query with distance zero. Compiling a
/// pattern into an automaton would take many times as long.
fn prefix_query(field: Field, prefix: &str) -> BoxedQuery {
    let term = Term::from_field_text(field, prefix);
    Box::new(FuzzyTermQuery::new_prefix(term, 0, false))
}

/// Calls `visit` for each word of a column that has a prefix, until `visit` returns false.
fn for_each_with_prefix(
    segment: &SegmentReader,
    field: Field,
    prefix: &str,
    mut visit: impl FnMut(&[u8]) -> bool,
) -> Result<(), Error> {
    let index = segment.inverted_index(field)?;
    let mut range = index.terms().range().ge(prefix.as_bytes());
    let end = prefix_end(prefix);
    if let Some(end) = &end {
        range = range.lt(end.as_bytes());
    }
    let mut terms = range.into_stream().map_err(TantivyError::from)?;
    while terms.advance() && visit(terms.key()) {}
    Ok(())
}

/// Returns the smallest text that sorts after all texts with this prefix; `None` if there is none.
fn prefix_end(prefix: &str) -> Option<String> {
    let last = prefix.chars().last()?;
    let next = char::from_u32(u32::from(last) + 1)?;
    Some(format!(
        "{}{next}",
        &prefix[..prefix.len() - last.len_utf8()]
    ))
}

/// Returns a query for clips whose numbers in some columns pass a test. A clip without the first
/// number does not match.
fn column_scan<const N: usize>(
    columns: [String; N],
    test: impl Fn(i64, [Option<i64>; N]) -> bool + Clone + Send + Sync + 'static,
) -> BoxedQuery {
    let predicate = FunctionPredicate::from(move |segment: &SegmentReader| {
        let mut readers = Vec::new();
        for column in &columns {
            readers.push(segment.fast_fields().column_opt::<i64>(column)?);
        }
        let test = test.clone();
        Ok(move |doc: DocId| {
            let mut numbers = [None; N];
            for (number, column) in numbers.iter_mut().zip(&readers) {
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

fn resolution_query(resolution: Resolution) -> BoxedQuery {
    let displayed = column_scan(
        ["display_width".to_owned(), "display_height".to_owned()],
        move |width, [_, height]| height.is_some_and(|height| resolution.contains(width, height)),
    );
    match resolution {
        // Also matches the coded size, because HDV is coded as 1440x1080.
        Resolution::Picture(..) => any_of(vec![
            displayed,
            column_scan(
                ["width".to_owned(), "height".to_owned()],
                move |width, [_, height]| {
                    height.is_some_and(|height| resolution.contains(width, height))
                },
            ),
        ]),
        _ => displayed,
    }
}

fn time_query(between: NumberRange) -> BoxedQuery {
    column_scan(["captured".to_owned()], move |seconds, _| {
        between.contains_time_of_day(seconds)
    })
}

fn timecode_query(between: NumberRange) -> BoxedQuery {
    let columns = ["start_timecode".to_owned(), "end_timecode".to_owned()];
    column_scan(columns, move |first, [_, last]| {
        overlaps_timecodes(first, last, between.from, between.to)
    })
}

fn area_query(area: Area) -> BoxedQuery {
    column_scan(point_columns("gps"), move |latitude, [_, longitude]| {
        longitude.is_some_and(|longitude| area.contains(latitude, longitude))
    })
}
