//! The order of what is found: what it goes by, and a collector that keeps the first of it.

use std::cmp::Ordering;
use std::str::FromStr;
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

use super::document::{CLIP, MERIT, NAME, facet_column};
use crate::clip::{Clip, FIELDS, FieldKind, facet};
use crate::error::{Error, closest};

/// What an order goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    /// How well a clip matches, and what people think of it: the best first.
    Relevance,
    /// A column of numbers.
    Number(&'static str),
    /// A column of text.
    Text(String),
}

/// One thing an order goes by, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    by: By,
    is_falling: bool,
}

/// The order of what is found. Clips that are equal by it stand as they were first seen; those
/// without a value come last, either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(Vec<Key>);

/// More keys than this nobody can tell apart.
const MOST_KEYS: usize = 4;

impl Default for Order {
    fn default() -> Self {
        Self(vec![Key {
            by: By::Relevance,
            is_falling: false,
        }])
    }
}

impl Order {
    /// Names that an order may go by.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let fields = FIELDS.iter().filter(|field| {
            field.facet || field.name == "name" || matches!(field.kind, FieldKind::Number(_))
        });
        let made = ["relevance", "day", "folder"];
        made.into_iter()
            .chain(fields.map(|field| field.name))
            .collect()
    }
}

impl FromStr for Order {
    type Err = Error;

    /// `captured,-duration,name`: with a dash the largest, latest or last first.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut keys = Vec::new();
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let (is_falling, name) = match name.strip_prefix('-') {
                Some(name) => (true, name),
                None => (false, name.strip_prefix('+').unwrap_or(name)),
            };
            keys.push(Key {
                by: by(name)?,
                is_falling,
            });
        }
        if keys.is_empty() || keys.len() > MOST_KEYS {
            return Err(Error::Query {
                message: format!("{text:?} is no order"),
                hint: "name one to four fields, such as `captured,-duration`".to_owned(),
            });
        }
        Ok(Self(keys))
    }
}

fn by(name: &str) -> Result<By, Error> {
    let name = name.to_ascii_lowercase();
    if name == "relevance" {
        return Ok(By::Relevance);
    }
    if name == "name" {
        return Ok(By::Text(NAME.to_owned()));
    }
    let number =
        Clip::fields_named(&name).find(|(_, field)| matches!(field.kind, FieldKind::Number(_)));
    if let Some((_, field)) = number {
        return Ok(By::Number(field.name));
    }
    if let Ok(facet) = facet(&name) {
        return Ok(By::Text(facet_column(facet.name)));
    }
    let names = Order::names();
    Err(Error::Query {
        message: format!("nothing is sorted by `{name}`"),
        hint: match closest(&name, &names) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "sort by `relevance`, `name`, `captured`, `duration`, `bytes`, `rating` or any other number, `camera`, `day`, `folder`, or what clips are counted by".to_owned(),
        },
    })
}

/// What a collector of [`Ranked`] found.
pub(super) struct Ranking {
    /// How many match.
    pub total: usize,
    /// The clips' numbers, first ones first.
    pub clips: Vec<u64>,
}

/// Keeps the first of an order, and counts all.
pub(super) struct Ranked<'a> {
    pub order: &'a Order,
    pub most: usize,
}

impl Ranked<'_> {
    /// The first of all documents, in an order that goes by a number first: of most, that they
    /// are not among the first is seen many at a time. `None`: in this order it is not.
    pub(super) fn of_all(&self, searcher: &Searcher) -> tantivy::Result<Option<Ranking>> {
        let is_by_number =
            matches!(self.order.0.first(), Some(key) if matches!(key.by, By::Number(_)));
        if !is_by_number || self.most as u64 > searcher.num_docs() / 4 {
            return Ok(None);
        }
        let mut found = Vec::new();
        for (ordinal, reader) in (0..).zip(searcher.segment_readers()) {
            let mut segment = self.for_segment(ordinal, reader)?;
            match segment.nearest(reader) {
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

/// A key as numbers that are compared within a segment: smaller comes first.
type Keys = [u64; MOST_KEYS];
/// Documents whose numbers are compared at once: tantivy makes room for as many.
const WINDOW: DocId = 1 << 15;
/// What has no value comes after all others.
const LAST: u64 = u64::MAX;

/// Where a key's numbers come from.
enum Source {
    /// With what people think of the clips; `None` where all are the same in that.
    Relevance(Option<Column<i64>>),
    Number(Option<Column<i64>>),
    Text(Option<StrColumn>),
}

/// The text that was read back last, and its number: neighbours often share it.
type Last = Option<(u64, Arc<str>)>;

/// One clip, and what it is sorted by.
struct Entry {
    keys: Keys,
    clip: u64,
}

/// One clip of a segment that is done, comparable with those of others.
pub(super) struct Placed {
    keys: Vec<Value>,
    clip: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(u64),
    // `false` sorts before `true`: what has none comes last.
    Text(bool, Falling),
}

/// Text that may be sorted backwards.
#[derive(PartialEq, Eq)]
struct Falling {
    text: Arc<str>,
    is_falling: bool,
}

impl Ord for Falling {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.text.cmp(&other.text);
        if self.is_falling {
            order.reverse()
        } else {
            order
        }
    }
}

impl PartialOrd for Falling {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) struct Segment {
    sources: Vec<(Source, bool)>,
    clips: Column<u64>,
    most: usize,
    total: usize,
    kept: Vec<Entry>,
    /// Nothing that comes after this can be among the first.
    bar: Option<(Keys, u64)>,
    /// Numbers of the documents at hand.
    numbers: Vec<Option<i64>>,
}

impl Collector for Ranked<'_> {
    type Fruit = Ranking;
    type Child = Segment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<Segment> {
        let columns = segment.fast_fields();
        let mut sources = Vec::new();
        for key in &self.order.0 {
            let source = match &key.by {
                By::Relevance => {
                    let merit = columns.i64(MERIT)?;
                    let is_all_one = merit.max_value() == 0 && merit.min_value() == 0;
                    Source::Relevance((!is_all_one).then_some(merit))
                }
                By::Number(name) => Source::Number(columns.column_opt(name)?),
                By::Text(name) => Source::Text(columns.str(name)?),
            };
            sources.push((source, key.is_falling));
        }
        Ok(Segment {
            sources,
            clips: columns.u64(CLIP)?,
            most: self.most,
            total: 0,
            kept: Vec::new(),
            bar: None,
            numbers: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.order.0.iter().any(|key| key.by == By::Relevance)
    }

    fn merge_fruits(&self, segments: Vec<(usize, Vec<Placed>)>) -> tantivy::Result<Ranking> {
        let total = segments.iter().map(|(total, _)| total).sum();
        let mut all: Vec<Placed> = segments
            .into_iter()
            .flat_map(|(_, placed)| placed)
            .collect();
        all.sort_by(|a, b| a.keys.cmp(&b.keys).then(a.clip.cmp(&b.clip)));
        all.truncate(self.most);
        let clips = all.into_iter().map(|placed| placed.clip).collect();
        Ok(Ranking { total, clips })
    }
}

impl SegmentCollector for Segment {
    type Fruit = (usize, Vec<Placed>);

    fn collect(&mut self, doc: DocId, score: Score) {
        let first = self.sources.first();
        let first = first.map_or(0, |(source, is_falling)| {
            source.key(doc, score, *is_falling)
        });
        self.take(doc, score, first);
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        let Some((Source::Number(Some(column)), is_falling)) = self.sources.first() else {
            return docs.iter().for_each(|doc| self.collect(*doc, 0.0));
        };
        let is_falling = *is_falling;
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.clear();
        numbers.resize(docs.len(), None);
        // Many at once cost a third of one at a time.
        column.first_vals(docs, &mut numbers);
        for (doc, number) in docs.iter().zip(&numbers) {
            self.take(*doc, 0.0, placed(number.map(risen_number), is_falling));
        }
        self.numbers = numbers;
    }

    fn harvest(mut self) -> Self::Fruit {
        self.cut();
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_unstable_by_key(|entry| (entry.keys, entry.clip));
        let mut last: Vec<Last> = vec![None; self.sources.len()];
        let placed = kept.into_iter().map(|entry| {
            let keys = self.sources.iter().zip(&mut last).zip(entry.keys);
            Placed {
                keys: keys
                    .map(|(((source, is_falling), last), key)| source.value(key, *is_falling, last))
                    .collect(),
                clip: entry.clip,
            }
        });
        (self.total, placed.collect())
    }
}

impl Segment {
    /// Documents among which are all that may be among the first, by the number that the order
    /// goes by first; `None` where those without one may be, too.
    fn nearest(&self, reader: &SegmentReader) -> Option<Vec<DocId>> {
        let Some((Source::Number(Some(column)), is_falling)) = self.sources.first() else {
            return None;
        };
        if column.get_cardinality().is_multivalue() {
            return None;
        }
        let (least, greatest) = (column.min_value(), column.max_value());
        let all = greatest.abs_diff(least);
        // A few more than are wanted, were the numbers spread evenly.
        let wanted = self.most.saturating_mul(4) as u64;
        let mut span = (all / u64::from(reader.max_doc()).max(1)).saturating_mul(wanted);
        let (mut docs, mut here) = (Vec::new(), Vec::new());
        loop {
            span = span.min(all);
            let range = if *is_falling {
                greatest.saturating_sub_unsigned(span)..=greatest
            } else {
                least..=least.saturating_add_unsigned(span)
            };
            docs.clear();
            let mut from = 0;
            while from < reader.max_doc() {
                let until = from.saturating_add(WINDOW).min(reader.max_doc());
                column.get_docids_for_value_range(range.clone(), from..until, &mut here);
                docs.append(&mut here);
                from = until;
            }
            if let Some(alive) = reader.alive_bitset() {
                docs.retain(|doc| alive.is_alive(*doc));
            }
            if docs.len() >= self.most {
                return Some(docs);
            }
            if span == all {
                return None;
            }
            span = span.max(1).saturating_mul(16);
        }
    }

    /// Counts a document, and keeps it where it may be among the first; most are out by their
    /// first key.
    fn take(&mut self, doc: DocId, score: Score, first: u64) {
        self.total += 1;
        if self.bar.as_ref().is_some_and(|(bar, _)| first > bar[0]) {
            return;
        }
        let mut keys = [first, 0, 0, 0];
        for (key, (source, is_falling)) in keys.iter_mut().zip(&self.sources).skip(1) {
            *key = source.key(doc, score, *is_falling);
        }
        let clip = self.clips.first(doc).unwrap_or(0);
        if self.bar.as_ref().is_some_and(|bar| (keys, clip) >= *bar) {
            return;
        }
        self.kept.push(Entry { keys, clip });
        if self.kept.len() >= self.most.saturating_mul(2).max(64) {
            self.cut();
        }
    }

    /// Keeps only the first ones.
    fn cut(&mut self) {
        if self.kept.len() <= self.most || self.most == 0 {
            return;
        }
        let by = |entry: &Entry| (entry.keys, entry.clip);
        let (_, last, _) = self.kept.select_nth_unstable_by_key(self.most - 1, by);
        self.bar = Some(by(last));
        self.kept.truncate(self.most);
    }
}

impl Source {
    fn key(&self, doc: DocId, score: Score, is_falling: bool) -> u64 {
        let key = match self {
            Self::Relevance(merit) => {
                let merit = merit.as_ref().and_then(|merit| merit.first(doc));
                let key = u64::MAX - risen(relevance(score, merit.unwrap_or(0)));
                // Here a dash means the worst first.
                return if is_falling { !key } else { key };
            }
            Self::Number(column) => {
                let number = column.as_ref().and_then(|column| column.first(doc));
                number.map(risen_number)
            }
            Self::Text(column) => column.as_ref().and_then(|column| column.ords().first(doc)),
        };
        placed(key, is_falling)
    }

    /// A key as it compares with other segments'.
    fn value(&self, key: u64, is_falling: bool, last: &mut Last) -> Value {
        let Self::Text(Some(column)) = self else {
            return match self {
                Self::Text(None) => Value::Text(true, none(is_falling)),
                _ => Value::Number(key),
            };
        };
        if key == LAST {
            return Value::Text(true, none(is_falling));
        }
        let ordinal = if is_falling { !key } else { key };
        let text = match last {
            Some((known, text)) if *known == ordinal => text.clone(),
            _ => {
                let mut text = String::new();
                // A text that cannot be read back is sorted as none.
                let _ = column.ord_to_str(ordinal, &mut text);
                let text: Arc<str> = text.into();
                *last = Some((ordinal, text.clone()));
                text
            }
        };
        Value::Text(false, Falling { text, is_falling })
    }
}

/// A key as it sorts: what has none comes last, either way.
fn placed(key: Option<u64>, is_falling: bool) -> u64 {
    match key {
        None => LAST,
        Some(key) if is_falling => (!key).min(LAST - 1),
        Some(key) => key.min(LAST - 1),
    }
}

/// A number whose order without a sign is that of the number.
fn risen_number(number: i64) -> u64 {
    number.cast_unsigned() ^ (1 << 63)
}

fn none(is_falling: bool) -> Falling {
    Falling {
        text: "".into(),
        is_falling,
    }
}

/// How well a clip matches, with what people think of it: within a weight it decides, and
/// rejected clips come after all others.
fn relevance(score: Score, merit: i64) -> f32 {
    if merit <= Clip::REJECTED {
        return score - 1000.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "it is at most 11")]
    let merit = merit as f32;
    score + merit * 0.05
}

/// A number whose order is that of the score.
fn risen(score: f32) -> u64 {
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
    fn an_order_names_fields_or_says_which_are_meant() {
        assert!("captured,-duration,rating,name".parse::<Order>().is_ok());
        assert!("relevance".parse::<Order>().unwrap() == Order::default());
        for name in Order::names() {
            assert!(name.parse::<Order>().is_ok(), "{name}");
        }
        for (text, hint) in [
            ("captred", "did you mean `captured`?"),
            ("comment", ""),
            ("", ""),
            ("a,b,c,d,e", ""),
        ] {
            let error = text.parse::<Order>().unwrap_err();
            assert!(error.hint().unwrap().contains(hint), "{error}");
        }
    }

    #[test]
    fn scores_keep_their_order_and_the_rejected_come_last() {
        let scores = [-1000.5, -3.0, -0.1, 0.0, 0.1, 4.0, 9.5];
        assert!(
            scores
                .windows(2)
                .all(|pair| risen(pair[0]) < risen(pair[1]))
        );
        assert!(relevance(8.0, Clip::REJECTED) < relevance(0.0, 0));
        assert!(
            relevance(1.5, Clip::BEST) > relevance(1.9, 0)
                && relevance(1.5, Clip::BEST) < relevance(4.0, 0)
        );
    }
}
