//! Index schema derived from the field table, and documents built from clips.
//!
//! - Each text field has two columns. One holds whole runs (`a001`, `day2`). The other holds their
//!   parts (`a`, `001`; `day`, `2`) where these differ. In a single column, the positions of the
//!   two would mix and phrases would break.
//! - Several fields of the same weight share one more column for searches of plain words,
//!   separately for names and prose. A search then reads one column instead of one per field.
//! - Numbers and facet values exist only as fast fields, which a search scans.
//! - The column `signs` holds a term for each field that a clip has, each volume it is on, and each
//!   of its tags with their ancestors.
//!
//! Text is split into words by `value::words` instead of tantivy, because queries and rules must
//! split it in the same way.

use std::collections::BTreeSet;

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};

use super::pretokenized::{TOKENS, join_words};
use crate::clip::{Clip, FIELDS, FieldKind, FileState, IndexCell, facets};
use crate::value::words::{IndexedWords, split_for_index};

/// Version of the document format. Increases when tokenization or the content of documents changes.
pub(super) const DOCUMENT_VERSION: u32 = 5;
/// Index columns of one row of the field table.
#[derive(Debug, Clone, Copy)]
pub(super) enum IndexColumn {
    /// Whole runs, their parts, and the shared column of the field's group, if the group has
    /// several fields.
    Words {
        whole: Field,
        parts: Field,
        together: Option<Field>,
    },
    /// Value from a closed set, indexed unchanged.
    Choice(Field),
    /// Number in a fast field, compared by scanning.
    Number(Field),
    /// Latitude and longitude in millionths of a degree.
    Point { latitude: Field, longitude: Field },
    /// Not indexed.
    Absent,
}

/// Fields of the same weight in which plain words are searched, separately for names and prose.
#[derive(Debug, Clone)]
pub(super) struct FieldGroup {
    pub weight: f32,
    pub is_prose: bool,
    /// Positions of the fields in the field table.
    pub rows: Vec<usize>,
    /// Columns in which single words are looked up: those of the only field in the group, or the
    /// shared column.
    pub single: Vec<Field>,
}

/// Fields of the index: the clip id, and the columns for each row of the field table.
#[derive(Debug, Clone)]
pub(super) struct IndexColumns {
    pub clip: Field,
    pub signs: Field,
    rating_rank: Field,
    name: Field,
    /// Groups of fields in which plain words are searched, highest weight first.
    pub groups: Vec<FieldGroup>,
    pub all: Vec<IndexColumn>,
    facets: Vec<Field>,
}

/// Field that holds the clip id.
pub(super) const CLIP: &str = "clip";
/// Field that holds the rank from rating and selection: [`Clip::rating_rank`].
pub(super) const RATING_RANK: &str = "merit";
/// Field that holds the name in sortable form: `C2` before `C10`.
pub(super) const NAME: &str = "sorted_name";
/// Maximum length of an indexed text in characters; the rest cannot be found.
const MAX_CHARS: usize = 1_000_000;

/// Returns the name of the column that holds a facet's values.
pub(super) fn facet_column(facet: &str) -> String {
    format!("by_{facet}")
}

/// Returns the names of the latitude and longitude columns of a position field.
pub(super) fn point_columns(field: &str) -> [String; 2] {
    [format!("{field}_latitude"), format!("{field}_longitude")]
}

/// Returns the term in `signs` for clips that have a field.
pub(super) fn has_sign(field: &str) -> String {
    format!("has:{field}")
}

/// Returns the term in `signs` for clips on a volume.
pub(super) fn volume_sign(volume: i64) -> String {
    format!("on:{volume}")
}

/// Returns the term in `signs` for clips with a tag or one of its descendants.
pub(super) fn tag_sign(tag: &str) -> String {
    format!("tag:{tag}")
}

/// Term in `signs` for clips on at least one volume.
pub(super) const SOMEWHERE: &str = "on:any";
/// Term in `signs` for clips with a file that could not be read.
pub(super) const UNREADABLE: &str = "unreadable";

/// Adds a text field that is searched by word.
fn word_field(
    schema: &mut SchemaBuilder,
    name: &str,
    record: IndexRecordOption,
    scored: bool,
) -> Field {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENS)
        .set_fieldnorms(scored)
        .set_index_option(record);
    let options = TextOptions::default().set_indexing_options(indexing);
    schema.add_text_field(name, options)
}

/// Builds the schema for the field table.
pub(super) fn schema() -> (Schema, IndexColumns) {
    let mut schema = Schema::builder();
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let clip = schema.add_u64_field(CLIP, INDEXED | FAST);
    let signs = word_field(&mut schema, "signs", IndexRecordOption::Basic, false);
    let rating_rank = schema.add_i64_field(RATING_RANK, FAST);
    let column = || TextOptions::default().set_fast("raw");
    let name = schema.add_text_field(NAME, column());
    let mut groups = field_groups();
    let is_alone = |at: usize| groups.iter().any(|group| group.rows == [at]);
    let mut all: Vec<IndexColumn> = FIELDS
        .iter()
        .enumerate()
        .map(|(at, row)| match row.kind {
            FieldKind::Words => IndexColumn::Words {
                // In a field that is alone in its group, single words are looked up and scored.
                whole: word_field(&mut schema, row.name, positions, is_alone(at)),
                parts: word_field(
                    &mut schema,
                    &format!("{}_parts", row.name),
                    positions,
                    false,
                ),
                together: None,
            },
            FieldKind::Choice(_) => IndexColumn::Choice(word_field(
                &mut schema,
                row.name,
                IndexRecordOption::Basic,
                false,
            )),
            FieldKind::Number(_) => IndexColumn::Number(schema.add_i64_field(row.name, FAST)),
            FieldKind::Point => {
                let [latitude, longitude] = point_columns(row.name);
                IndexColumn::Point {
                    latitude: schema.add_i64_field(&latitude, FAST),
                    longitude: schema.add_i64_field(&longitude, FAST),
                }
            }
            FieldKind::Shown(_) => IndexColumn::Absent,
        })
        .collect();
    for group in &mut groups {
        group.assign_columns(&mut schema, &mut all);
    }
    groups.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let facets = facets()
        .map(|facet| schema.add_text_field(&facet_column(facet.name), column()))
        .collect();
    let columns = IndexColumns {
        clip,
        signs,
        rating_rank,
        name,
        groups,
        all,
        facets,
    };
    (schema.build(), columns)
}

/// Groups the fields that have a weight by weight and by kind (prose or names).
fn field_groups() -> Vec<FieldGroup> {
    let mut groups: Vec<FieldGroup> = Vec::new();
    for (at, row) in FIELDS
        .iter()
        .enumerate()
        .filter(|(_, row)| row.weight > 0.0)
    {
        let is_same = |group: &&mut FieldGroup| {
            hundredths(group.weight) == hundredths(row.weight) && group.is_prose == row.prose
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.rows.push(at),
            None => groups.push(FieldGroup {
                weight: row.weight,
                is_prose: row.prose,
                rows: vec![at],
                single: Vec::new(),
            }),
        }
    }
    groups
}

impl FieldGroup {
    /// Determines the columns for single words; a group of several fields gets a shared column.
    fn assign_columns(&mut self, schema: &mut SchemaBuilder, all: &mut [IndexColumn]) {
        if let [at] = self.rows.as_slice() {
            if let IndexColumn::Words { whole, parts, .. } = all[*at] {
                self.single = vec![whole, parts];
            }
            return;
        }
        let kind = if self.is_prose { "prose" } else { "names" };
        let name = format!("heard_{}_{kind}", hundredths(self.weight));
        let column = word_field(schema, &name, IndexRecordOption::WithFreqs, true);
        self.single = vec![column];
        for row in &self.rows {
            if let IndexColumn::Words { together, .. } = &mut all[*row] {
                *together = Some(column);
            }
        }
    }
}

/// Converts a weight to hundredths, so that equal weights compare equal.
#[expect(clippy::cast_possible_truncation, reason = "weights are small")]
fn hundredths(weight: f32) -> i32 {
    (weight * 100.0) as i32
}

impl IndexColumns {
    /// Builds the document of a clip.
    pub(super) fn document(&self, number: u64, clip: &Clip) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(self.clip, number);
        document.add_i64(self.rating_rank, clip.rating_rank());
        if let Some(name) = &clip.name {
            document.add_text(self.name, sort_key(&name.value));
        }
        let mut signs = Vec::new();
        for (row, column) in FIELDS.iter().zip(&self.all) {
            if (row.source)(clip).is_some() {
                signs.push(has_sign(row.name));
            }
            for cell in (row.cells)(clip) {
                match (column, cell) {
                    (
                        IndexColumn::Words {
                            whole,
                            parts,
                            together,
                        },
                        IndexCell::Words(mut text),
                    ) => {
                        shorten(&mut text);
                        let split = split_for_index(&text);
                        if let Some(together) = together {
                            document.add_text(*together, group_words(&split));
                        }
                        document.add_text(*whole, join_words(&split.runs));
                        if let Some(further) = &split.parts {
                            document.add_text(*parts, join_words(further));
                        }
                    }
                    (IndexColumn::Choice(choice), IndexCell::Words(text)) => {
                        document.add_text(*choice, join_words(&[text]));
                    }
                    (IndexColumn::Number(column), IndexCell::Number(number)) => {
                        document.add_i64(*column, number);
                    }
                    (
                        IndexColumn::Point {
                            latitude,
                            longitude,
                        },
                        IndexCell::Point(north, east),
                    ) => {
                        document.add_i64(*latitude, north);
                        document.add_i64(*longitude, east);
                    }
                    _ => {}
                }
            }
        }
        signs.extend(volume_signs(clip));
        signs.extend(tag_signs(clip));
        document.add_text(self.signs, join_words(&signs));
        for (facet, column) in facets().zip(&self.facets) {
            for value in facet.values(clip) {
                document.add_text(*column, value);
            }
        }
        document
    }
}

/// Joins all runs, and all parts that are not runs themselves.
fn group_words(split: &IndexedWords) -> String {
    let mut words: Vec<&str> = split.runs.iter().map(String::as_str).collect();
    let parts = split.parts.iter().flatten();
    for part in parts {
        if !split.runs.contains(part) {
            words.push(part);
        }
    }
    join_words(&words)
}

/// Returns the terms for the volumes that a clip is on, and for unreadable files.
fn volume_signs(clip: &Clip) -> BTreeSet<String> {
    let mut signs = BTreeSet::new();
    for copy in &clip.files {
        if copy.state != FileState::Missing {
            signs.insert(SOMEWHERE.to_owned());
            signs.insert(volume_sign(copy.volume_number));
        }
        if copy.state == FileState::Unreadable {
            signs.insert(UNREADABLE.to_owned());
        }
    }
    signs
}

/// Returns the terms for a clip's tags and their ancestors.
fn tag_signs(clip: &Clip) -> BTreeSet<String> {
    let tags = clip.tags.iter().flat_map(|tags| tags.value.iter());
    let with_ancestors = tags.flat_map(|tagged| {
        let ancestors = tagged
            .tag
            .match_indices('/')
            .map(|(at, _)| &tagged.tag[..at]);
        ancestors.chain([tagged.tag.as_str()]).map(tag_sign)
    });
    with_ancestors.collect()
}

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
    }
}

/// Converts a name to a form that sorts numbers by value and ignores case and accents.
fn sort_key(name: &str) -> String {
    let folded = crate::value::words::fold(name);
    let mut key = String::new();
    let mut rest = folded.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        let number = digits.trim_start_matches('0');
        key.push_str(before);
        // The digit count comes first, so that larger numbers sort later.
        let digits = u8::try_from(number.len()).unwrap_or(u8::MAX).min(60);
        key.push(char::from(b'0' + digits));
        key.push_str(number);
        rest = after;
    }
    key.push_str(rest);
    let end = key
        .char_indices()
        .nth(200)
        .map_or(key.len(), |(end, _)| end);
    key.truncate(end);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_number_and_ignore_case_and_accents() {
        let mut names = [
            "C10.mov",
            "c2.mov",
            "C001.mov",
            "Été.mov",
            "B.mov",
            "C1.mov",
            "a99",
        ];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(
            names,
            [
                "a99",
                "B.mov",
                "C001.mov",
                "C1.mov",
                "c2.mov",
                "C10.mov",
                "Été.mov"
            ]
        );
    }
}
