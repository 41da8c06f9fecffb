//! Sort order of search results, and a collector that keeps the top clips.

use std::cmp::Ordering;
use std::str::FromStr;
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

use super::document::{CLIP, NAME, RATING_RANK, facet_column};
use crate::clip::{Clip, FIELDS, FieldKind, facet};
use crate::error::{Error, closest};

/// Criterion of a sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SortBy {
    /// Match score combined with [`Clip::rating_rank`], best first.
    Relevance,
    /// Column of numbers.
    Number(&'static str),
    /// Column of text.
    Text(String),
}

/// One sort criterion with its direction.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SortKey {
    by: SortBy,
    is_descending: bool,
}

/// Sort order of search results. Clips that compare equal keep insertion order; clips without a
/// value come last in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortOrder(Vec<SortKey>);

/// Maximum number of sort keys.
const MAX_KEYS: usize = 4;

impl Default for SortOrder {
    fn default() -> Self {
        Self(vec![SortKey {
            by: SortBy::Relevance,
            is_descending: false,
        }])
    }
}

impl SortOrder {
    /// Returns the names that a sort order accepts.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let fields = FIELDS.iter().filter(|field| {
            field.facet || field.name == "name" || matches!(field.kind, FieldKind::Number(_))
        });
        let computed = ["relevance", "day", "folder"];
        computed
            .into_iter()
            .chain(fields.map(|field| field.name))
            .collect()
    }
}

impl FromStr for SortOrder {
    type Err = Error;

    /// Parses `captured,-duration,name`; a dash reverses the direction of a key.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut keys = Vec::new();
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let (is_descending, name) = match name.strip_prefix('-') {
                Some(name) => (true, name),
                None => (false, name.strip_prefix('+').unwrap_or(name)),
            };
            keys.push(SortKey {
                by: sort_by(name)?,
                is_descending,
            });
        }
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(Error::Query {
                message: format!("invalid sort order {text:?}"),
                hint: "use one to four fields, such as `captured,-duration`".to_owned(),
            });
        }
        Ok(Self(keys))
    }
}

fn sort_by(name: &str) -> Result<SortBy, Error> {
    let name = name.to_ascii_lowercase();
    if name == "relevance" {
        return Ok(SortBy::Relevance);
    }
    if name == "name" {
        return Ok(SortBy::Text(NAME.to_owned()));
    }
    let number =
        Clip::fields_named(&name).find(|(_, field)| matches!(field.kind, FieldKind::Number(_)));
    if let Some((_, field)) = number {
        return Ok(SortBy::Number(field.name));
    }
    if let Ok(facet) = facet(&name) {
        return Ok(SortBy::Text(facet_column(facet.name)));
    }
    let names = SortOrder::names();
    Err(Error::Query {
        message: format!("cannot sort by `{name}`"),
        hint: match closest(&name, &names) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "sort by `relevance`, `name`, `captured`, `duration`, `bytes`, `rating` or any other numeric field, `camera`, `day`, `folder`, or any other facet".to_owned(),
        },
    })
}

/// Result of the [`TopClips`] collector.
pub(super) struct Ranking {
    /// Number of matches.
    pub total: usize,
    /// Clip ids, best first.
    pub clips: Vec<u64>,
}

/// Collector that keeps the top clips of a sort order and counts all matches.
pub(super) struct TopClips<'a> {
    pub order: &'a SortOrder,
    pub limit: usize,
}

impl TopClips<'_> {
    /// Returns the top clips of the whole index if the first key is a number, or `None` if this
    /// shortcut does not apply. Most documents are excluded in blocks, without comparing them one
    /// by one.
    pub(super) fn top_of_all(&self, searcher: &Searcher) -> tantivy::Result<Option<Ranking>> {
        let is_by_number =
            matches!(self.order.0.first(), Some(key) if matches!(key.by, SortBy::Number(_)));
        if !is_by_number || self.limit as u64 > searcher.num_docs() / 4 {
            return Ok(None);
        }
        let mut found = Vec::new();
        for (ordinal, reader) in (0..).zip(searcher.segment_readers()) {
            let mut segment = self.for_segment(ordinal, reader)?;
            match segment.candidates_by_range(reader) {
                Some(docs) => segment.collect_block(&docs),
                None => reader
                    .doc_ids_alive()
                    .for_each(|doc| segment.collect(doc, 0.0)),
            }
            segment.total = reader.num_docs() as usize;
            found.push(segment.harvest());
        }
        self.merge_fruits(found).map(Some)
    }
}

/// Keys of a candidate within one segment; smaller values sort first.
type Keys = [u64; MAX_KEYS];
/// Documents per range query; tantivy allocates a buffer of this size.
const WINDOW: DocId = 1 << 15;
/// Key of a missing value, which sorts after all others.
const LAST: u64 = u64::MAX;

/// Source of a key's values within a segment.
enum KeySource {
    /// column of rating ranks; `None` if all are zero.
    Relevance(Option<Column<i64>>),
    Number(Option<Column<i64>>),
    Text(Option<StrColumn>),
}

/// Ordinal and text of the last term read, cached because neighbours often share it.
type LastText = Option<(u64, Arc<str>)>;

/// Clip with its sort keys within a segment.
struct Candidate {
    keys: Keys,
    clip: u64,
}

/// Clip with keys that compare across segments.
pub(super) struct RankedClip {
    keys: Vec<SortValue>,
    clip: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Number(u64),
    // `false` sorts before `true`, so missing values come last.
    Text(bool, DirectedText),
}

/// Text that may be sorted in descending order.
#[derive(PartialEq, Eq)]
struct DirectedText {
    text: Arc<str>,
    is_descending: bool,
}

impl Ord for DirectedText {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.text.cmp(&other.text);
        if self.is_descending {
            order.reverse()
        } else {
            order
        }
    }
}

impl PartialOrd for DirectedText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) struct SegmentRanker {
    sources: Vec<(KeySource, bool)>,
    clips: Column<u64>,
    limit: usize,
    total: usize,
    candidates: Vec<Candidate>,
    /// Exclusive upper limit: a candidate at or above it cannot be among the top clips.
    threshold: Option<(Keys, u64)>,
    /// Buffer for the numbers of a block of documents.
    numbers: Vec<Option<i64>>,
}

impl Collector for TopClips<'_> {
    type Fruit = Ranking;
    type Child = SegmentRanker;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentRanker> {
        let columns = segment.fast_fields();
        let mut sources = Vec::new();
        for key in &self.order.0 {
            let source = match &key.by {
                SortBy::Relevance => {
                    let rank = columns.i64(RATING_RANK)?;
                    let is_all_zero = rank.max_value() == 0 && rank.min_value() == 0;
                    KeySource::Relevance((!is_all_zero).then_some(rank))
                }
                SortBy::Number(name) => KeySource::Number(columns.column_opt(name)?),
                SortBy::Text(name) => KeySource::Text(columns.str(name)?),
            };
            sources.push((source, key.is_descending));
        }
        Ok(SegmentRanker {
            sources,
            clips: columns.u64(CLIP)?,
            limit: self.limit,
            total: 0,
            candidates: Vec::new(),
            threshold: None,
            numbers: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.order.0.iter().any(|key| key.by == SortBy::Relevance)
    }

    fn merge_fruits(&self, segments: Vec<(usize, Vec<RankedClip>)>) -> tantivy::Result<Ranking> {
        let total = segments.iter().map(|(total, _)| total).sum();
        let mut all: Vec<RankedClip> = segments.into_iter().flat_map(|(_, clips)| clips).collect();
        all.sort_by(|a, b| a.keys.cmp(&b.keys).then(a.clip.cmp(&b.clip)));
        all.truncate(self.limit);
        let clips = all.into_iter().map(|ranked| ranked.clip).collect();
        Ok(Ranking { total, clips })
    }
}

impl SegmentCollector for SegmentRanker {
    type Fruit = (usize, Vec<RankedClip>);

    fn collect(&mut self, doc: DocId, score: Score) {
        let first = self.sources.first();
        let first = first.map_or(0, |(source, is_descending)| {
            source.key(doc, score, *is_descending)
        });
        self.add(doc, score, first);
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        let Some((KeySource::Number(Some(column)), is_descending)) = self.sources.first() else {
            return docs.iter().for_each(|doc| self.collect(*doc, 0.0));
        };
        let is_descending = *is_descending;
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.clear();
        numbers.resize(docs.len(), None);
        // Reading values in blocks takes a third of the time of single reads.
        column.first_vals(docs, &mut numbers);
        for (doc, number) in docs.iter().zip(&numbers) {
            self.add(*doc, 0.0, order_key(number.map(number_bits), is_descending));
        }
        self.numbers = numbers;
    }

    fn harvest(mut self) -> Self::Fruit {
        self.prune();
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.sort_unstable_by_key(|candidate| (candidate.keys, candidate.clip));
        let mut last: Vec<LastText> = vec![None; self.sources.len()];
        let ranked = candidates.into_iter().map(|candidate| {
            let keys = self.sources.iter().zip(&mut last).zip(candidate.keys);
            RankedClip {
                keys: keys
                    .map(|(((source, is_descending), last), key)| {
                        source.value(key, *is_descending, last)
                    })
                    .collect(),
                clip: candidate.clip,
            }
        });
        (self.total, ranked.collect())
    }
}

impl SegmentRanker {
    /// Returns a superset of the top documents, selected by a range of the first key. Returns
    /// `None` if documents without a value may be among them.
    fn candidates_by_range(&self, reader: &SegmentReader) -> Option<Vec<DocId>> {
        let Some((KeySource::Number(Some(column)), is_descending)) = self.sources.first() else {
            return None;
        };
        if column.get_cardinality().is_multivalue() {
            return None;
        }
        let (least, greatest) = (column.min_value(), column.max_value());
        let all = greatest.abs_diff(least);
        // Aims at four times the requested number, assuming that the values are evenly distributed.
        let required = self.limit.saturating_mul(4) as u64;
        let mut span = (all / u64::from(reader.max_doc()).max(1)).saturating_mul(required);
        let (mut docs, mut window_docs) = (Vec::new(), Vec::new());
        loop {
            span = span.min(all);
            let range = if *is_descending {
                greatest.saturating_sub_unsigned(span)..=greatest
            } else {
                least..=least.saturating_add_unsigned(span)
            };
            docs.clear();
            let mut from = 0;
            while from < reader.max_doc() {
                let until = from.saturating_add(WINDOW).min(reader.max_doc());
                column.get_docids_for_value_range(range.clone(), from..until, &mut window_docs);
                docs.append(&mut window_docs);
                from = until;
            }
            if let Some(alive) = reader.alive_bitset() {
                docs.retain(|doc| alive.is_alive(*doc));
            }
            if docs.len() >= self.limit {
                return Some(docs);
            }
            if span == all {
                return None;
            }
            span = span.max(1).saturating_mul(16);
        }
    }

    /// Counts a document, and keeps it if it may be among the top clips. The first key alone
    /// excludes most documents.
    fn add(&mut self, doc: DocId, score: Score, first: u64) {
        self.total += 1;
        if self
            .threshold
            .as_ref()
            .is_some_and(|(threshold, _)| first > threshold[0])
        {
            return;
        }
        let mut keys = [first, 0, 0, 0];
        for (key, (source, is_descending)) in keys.iter_mut().zip(&self.sources).skip(1) {
            *key = source.key(doc, score, *is_descending);
        }
        let clip = self.clips.first(doc).unwrap_or(0);
        if self
            .threshold
            .as_ref()
            .is_some_and(|threshold| (keys, clip) >= *threshold)
        {
            return;
        }
        self.candidates.push(Candidate { keys, clip });
        if self.candidates.len() >= self.limit.saturating_mul(2).max(64) {
            self.prune();
        }
    }

    /// Discards all candidates except the first `limit`.
    fn prune(&mut self) {
        if self.candidates.len() <= self.limit || self.limit == 0 {
            return;
        }
        let by = |candidate: &Candidate| (candidate.keys, candidate.clip);
        let (_, last, _) = self
            .candidates
            .select_nth_unstable_by_key(self.limit - 1, by);
        self.threshold = Some(by(last));
        self.candidates.truncate(self.limit);
    }
}

impl KeySource {
    fn key(&self, doc: DocId, score: Score, is_descending: bool) -> u64 {
        let key = match self {
            Self::Relevance(rank) => {
                let rank = rank.as_ref().and_then(|rank| rank.first(doc));
                let key = u64::MAX - score_bits(relevance(score, rank.unwrap_or(0)));
                // For relevance, a dash sorts the worst match first.
                return if is_descending { !key } else { key };
            }
            Self::Number(column) => {
                let number = column.as_ref().and_then(|column| column.first(doc));
                number.map(number_bits)
            }
            Self::Text(column) => column.as_ref().and_then(|column| column.ords().first(doc)),
        };
        order_key(key, is_descending)
    }

    /// Converts a key to a value that compares across segments.
    fn value(&self, key: u64, is_descending: bool, last: &mut LastText) -> SortValue {
        let Self::Text(Some(column)) = self else {
            return match self {
                Self::Text(None) => SortValue::Text(true, missing_text(is_descending)),
                _ => SortValue::Number(key),
            };
        };
        if key == LAST {
            return SortValue::Text(true, missing_text(is_descending));
        }
        let ordinal = if is_descending { !key } else { key };
        let text = match last {
            Some((cached, text)) if *cached == ordinal => text.clone(),
            _ => {
                let mut text = String::new();
                // A text that cannot be read back sorts as an empty text.
                let _ = column.ord_to_str(ordinal, &mut text);
                let text: Arc<str> = text.into();
                *last = Some((ordinal, text.clone()));
                text
            }
        };
        SortValue::Text(
            false,
            DirectedText {
                text,
                is_descending,
            },
        )
    }
}

/// Applies the direction to a key; missing values come last in both directions.
fn order_key(key: Option<u64>, is_descending: bool) -> u64 {
    match key {
        None => LAST,
        Some(key) if is_descending => (!key).min(LAST - 1),
        Some(key) => key.min(LAST - 1),
    }
}

/// Maps a signed number to an unsigned one with the same order.
fn number_bits(number: i64) -> u64 {
    number.cast_unsigned() ^ (1 << 63)
}

fn missing_text(is_descending: bool) -> DirectedText {
    DirectedText {
        text: "".into(),
        is_descending,
    }
}

/// Combines the match score with the rating rank, which decides between matches of the same weight.
/// Rejected clips come after all others.
fn relevance(score: Score, rank: i64) -> f32 {
    if rank <= Clip::REJECTED {
        return score - 1000.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "the rank is at most 11")]
    let rank = rank as f32;
    score + rank * 0.05
}

/// Maps a score to an unsigned number with the same order.
fn score_bits(score: f32) -> u64 {
    let bits = score.to_bits();
    let ordered = if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    };
    u64::from(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sort_order_accepts_known_fields_and_suggests_similar_ones() {
        assert!(
            "captured,-duration,rating,name"
                .parse::<SortOrder>()
                .is_ok()
        );
        assert!("relevance".parse::<SortOrder>().unwrap() == SortOrder::default());
        for name in SortOrder::names() {
            assert!(name.parse::<SortOrder>().is_ok(), "{name}");
        }
        for (text, hint) in [
            ("captred", "did you mean `captured`?"),
            ("comment", ""),
            ("", ""),
            ("a,b,c,d,e", ""),
        ] {
            let error = text.parse::<SortOrder>().unwrap_err();
            assert!(error.hint().unwrap().contains(hint), "{error}");
        }
    }

    #[test]
    fn score_bits_keep_the_order_and_rejected_clips_come_last() {
        let scores = [-1000.5, -3.0, -0.1, 0.0, 0.1, 4.0, 9.5];
        assert!(
            scores
                .windows(2)
                .all(|pair| score_bits(pair[0]) < score_bits(pair[1]))
        );
        assert!(relevance(8.0, Clip::REJECTED) < relevance(0.0, 0));
        assert!(
            relevance(1.5, Clip::BEST) > relevance(1.9, 0)
                && relevance(1.5, Clip::BEST) < relevance(4.0, 0)
        );
    }
}
