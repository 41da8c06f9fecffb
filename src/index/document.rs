//! From the field table to the index's schema, and from a clip to its document.
//!
//! - Each text field stands in two columns: cut into whole runs (`a001`, `day2`), and, where
//!   that is not the same, further into parts (`a`, `001`; `day`, `2`). In one column the
//!   positions of the two would mix, and phrases break.
//! - Where several fields of one weight are looked into by plain words, they stand together once
//!   more, names and prose apart: one look there instead of one in each field.
//! - Numbers are columns only, compared by scanning them; so are the values that clips are
//!   counted by.
//! - `signs` says which fields a clip has, which volumes it is on, and which tags it has or has one
//!   below of.
//!
//! Words are cut by `value::words`, not by tantivy, since queries and rules must cut alike.

use std::collections::BTreeSet;

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};

use super::pretokenized::{TOKENS, joined};
use crate::clip::{Clip, FIELDS, FieldKind, FileState, IndexCell, facets};
use crate::value::words::{IndexedWords, split_for_index};

/// Where a row of the field table is in the index.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// Whole runs, and their parts; and the column of all fields of its weight, where there are
    /// several.
    Words {
        whole: Field,
        parts: Field,
        together: Option<Field>,
    },
    /// One of a closed set, as it is.
    Choice(Field),
    /// Numbers, compared by scanning their column.
    Number(Field),
    /// Latitude and longitude in millionths of a degree.
    Point { latitude: Field, longitude: Field },
    /// Not in the index.
    Absent,
}

/// Fields of one weight that plain words look into, names and prose apart.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub weight: f32,
    pub is_prose: bool,
    /// Places of the fields in the field table.
    pub rows: Vec<usize>,
    /// Where single words are looked up: in the one field, or in all together.
    pub single: Vec<Field>,
}

/// The index's fields: the clip's number, and a column a row of the field table.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub clip: Field,
    pub signs: Field,
    merit: Field,
    name: Field,
    /// What plain words look into, the weightiest first.
    pub heard: Vec<Heard>,
    pub all: Vec<Column>,
    facets: Vec<Field>,
}

/// The name of the field that holds a clip's number.
pub(super) const CLIP: &str = "clip";
/// What people think of it: [`Clip::merit`].
pub(super) const MERIT: &str = "merit";
/// Its name as names are sorted: `C2` before `C10`.
pub(super) const NAME: &str = "sorted_name";
/// A longer text is not found by what stands further on.
const MOST_LETTERS: usize = 1_000_000;

/// The column that a facet's values stand in.
pub(super) fn facet_column(facet: &str) -> String {
    format!("by_{facet}")
}

/// The columns of a place.
pub(super) fn point_columns(field: &str) -> [String; 2] {
    [format!("{field}_latitude"), format!("{field}_longitude")]
}

/// The sign of a field that a clip has.
pub(super) fn has_sign(field: &str) -> String {
    format!("has:{field}")
}

/// The sign of a volume that a clip is on.
pub(super) fn volume_sign(volume: i64) -> String {
    format!("on:{volume}")
}

/// The sign of a tag that a clip has, or that stands above one it has.
pub(super) fn tag_sign(tag: &str) -> String {
    format!("tag:{tag}")
}

/// The sign of a clip that is on any volume.
pub(super) const SOMEWHERE: &str = "on:any";
/// The sign of a clip with a file that could not be read.
pub(super) const UNREADABLE: &str = "unreadable";

/// Text that is found by its words.
fn words(schema: &mut SchemaBuilder, name: &str, record: IndexRecordOption, scored: bool) -> Field {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENS)
        .set_fieldnorms(scored)
        .set_index_option(record);
    let options = TextOptions::default().set_indexing_options(indexing);
    schema.add_text_field(name, options)
}

/// The schema that the field table asks for.
pub(super) fn schema() -> (Schema, Columns) {
    let mut schema = Schema::builder();
    let positions = IndexRecordOption::WithFreqsAndPositions;
    let clip = schema.add_u64_field(CLIP, INDEXED | FAST);
    let signs = words(&mut schema, "signs", IndexRecordOption::Basic, false);
    let merit = schema.add_i64_field(MERIT, FAST);
    let column = || TextOptions::default().set_fast("raw");
    let name = schema.add_text_field(NAME, column());
    let mut heard = heard();
    let is_alone = |at: usize| heard.iter().any(|heard| heard.rows == [at]);
    let mut all: Vec<Column> = FIELDS
        .iter()
        .enumerate()
        .map(|(at, row)| match row.kind {
            FieldKind::Words => Column::Words {
                // Single words are looked up, and scored, where a field stands alone.
                whole: words(&mut schema, row.name, positions, is_alone(at)),
                parts: words(
                    &mut schema,
                    &format!("{}_parts", row.name),
                    positions,
                    false,
                ),
                together: None,
            },
            FieldKind::Choice(_) => Column::Choice(words(
                &mut schema,
                row.name,
                IndexRecordOption::Basic,
                false,
            )),
            FieldKind::Number(_) => Column::Number(schema.add_i64_field(row.name, FAST)),
            FieldKind::Point => {
                let [latitude, longitude] = point_columns(row.name);
                Column::Point {
                    latitude: schema.add_i64_field(&latitude, FAST),
                    longitude: schema.add_i64_field(&longitude, FAST),
                }
            }
            FieldKind::Shown(_) => Column::Absent,
        })
        .collect();
    for heard in &mut heard {
        heard.stand(&mut schema, &mut all);
    }
    heard.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let facets = facets()
        .map(|facet| schema.add_text_field(&facet_column(facet.name), column()))
        .collect();
    let columns = Columns {
        clip,
        signs,
        merit,
        name,
        heard,
        all,
        facets,
    };
    (schema.build(), columns)
}

/// The fields with a weight, by weight and manner.
fn heard() -> Vec<Heard> {
    let mut heard: Vec<Heard> = Vec::new();
    for (at, row) in FIELDS
        .iter()
        .enumerate()
        .filter(|(_, row)| row.weight > 0.0)
    {
        let is_same = |heard: &&mut Heard| {
            hundredths(heard.weight) == hundredths(row.weight) && heard.is_prose == row.prose
        };
        match heard.iter_mut().find(is_same) {
            Some(heard) => heard.rows.push(at),
            None => heard.push(Heard {
                weight: row.weight,
                is_prose: row.prose,
                rows: vec![at],
                single: Vec::new(),
            }),
        }
    }
    heard
}

impl Heard {
    /// Finds where its single words are looked up; several fields get a column together.
    fn stand(&mut self, schema: &mut SchemaBuilder, all: &mut [Column]) {
        if let [at] = self.rows.as_slice() {
            if let Column::Words { whole, parts, .. } = all[*at] {
                self.single = vec![whole, parts];
            }
            return;
        }
        let manner = if self.is_prose { "prose" } else { "names" };
        let name = format!("heard_{}_{manner}", hundredths(self.weight));
        let column = words(schema, &name, IndexRecordOption::WithFreqs, true);
        self.single = vec![column];
        for row in &self.rows {
            if let Column::Words { together, .. } = &mut all[*row] {
                *together = Some(column);
            }
        }
    }
}

/// A weight as a whole number of hundredths, so that equal ones are equal.
#[expect(clippy::cast_possible_truncation, reason = "weights are small")]
fn hundredths(weight: f32) -> i32 {
    (weight * 100.0) as i32
}

impl Columns {
    /// The document of a clip.
    pub(super) fn document(&self, number: u64, clip: &Clip) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(self.clip, number);
        document.add_i64(self.merit, clip.merit());
        if let Some(name) = &clip.name {
            document.add_text(self.name, sorted(&name.value));
        }
        let mut signs = Vec::new();
        for (row, column) in FIELDS.iter().zip(&self.all) {
            if (row.source)(clip).is_some() {
                signs.push(has_sign(row.name));
            }
            for cell in (row.cells)(clip) {
                match (column, cell) {
                    (
                        Column::Words {
                            whole,
                            parts,
                            together,
                        },
                        IndexCell::Words(mut text),
                    ) => {
                        shorten(&mut text);
                        let cut = split_for_index(&text);
                        if let Some(together) = together {
                            document.add_text(*together, heard_words(&cut));
                        }
                        document.add_text(*whole, joined(&cut.runs));
                        if let Some(further) = &cut.parts {
                            document.add_text(*parts, joined(further));
                        }
                    }
                    (Column::Choice(choice), IndexCell::Words(text)) => {
                        document.add_text(*choice, joined(&[text]));
                    }
                    (Column::Number(column), IndexCell::Number(number)) => {
                        document.add_i64(*column, number);
                    }
                    (
                        Column::Point {
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
        signs.extend(standing(clip));
        signs.extend(branches(clip));
        document.add_text(self.signs, joined(&signs));
        for (facet, column) in facets().zip(&self.facets) {
            for value in facet.values(clip) {
                document.add_text(*column, value);
            }
        }
        document
    }
}

/// Every run, and every part of one that is no run itself.
fn heard_words(cut: &IndexedWords) -> String {
    let mut words: Vec<&str> = cut.runs.iter().map(String::as_str).collect();
    let parts = cut.parts.iter().flatten();
    for part in parts {
        if !cut.runs.contains(part) {
            words.push(part);
        }
    }
    joined(&words)
}

/// How a clip stands with its files.
fn standing(clip: &Clip) -> BTreeSet<String> {
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

/// The tags of a clip, and those above them.
fn branches(clip: &Clip) -> BTreeSet<String> {
    let tags = clip.tags.iter().flat_map(|tags| tags.value.iter());
    let with_above = tags.flat_map(|tagged| {
        let above = tagged
            .tag
            .match_indices('/')
            .map(|(at, _)| &tagged.tag[..at]);
        above.chain([tagged.tag.as_str()]).map(tag_sign)
    });
    with_above.collect()
}

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(MOST_LETTERS) {
        text.truncate(end);
    }
}

/// A name as names are sorted: numbers by what they are worth, capitals and accents aside.
fn sorted(name: &str) -> String {
    let folded = crate::value::words::fold(name);
    let mut sorted = String::new();
    let mut rest = folded.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        let number = digits.trim_start_matches('0');
        sorted.push_str(before);
        // How many digits there are comes first.
        let digits = u8::try_from(number.len()).unwrap_or(u8::MAX).min(60);
        sorted.push(char::from(b'0' + digits));
        sorted.push_str(number);
        rest = after;
    }
    sorted.push_str(rest);
    let end = sorted
        .char_indices()
        .nth(200)
        .map_or(sorted.len(), |(end, _)| end);
    sorted.truncate(end);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_as_people_count() {
        let mut names = [
            "C10.mov",
            "c2.mov",
            "C001.mov",
            "Été.mov",
            "B.mov",
            "C1.mov",
            "a99",
        ];
        names.sort_by_key(|name| sorted(name));
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
