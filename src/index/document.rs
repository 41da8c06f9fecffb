//! From the field table to the index's schema, and from a clip to its document.
//!
//! Text stands in two fields: `name`, cut into whole runs (`a001`, `day2`), and
//! `name.parts`, cut further (`a`, `001`; `day`, `2`). In one field the positions of
//! the two would mix, and phrases break. Words are cut by `value::words`, not by
//! tantivy, since queries and rules must cut alike.

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};

use crate::clip::{Cell, Clip, FIELDS, Kind};
use crate::value::words::{folded_parts, folded_runs};

/// Where a row of the field table is in the index.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// Whole runs, and their parts.
    Words { whole: Field, parts: Field },
    /// Numbers, compared by scanning their column.
    Number(Field),
    /// Not in the index.
    Absent,
}

/// The index's fields: the clip's number, and a column a row of the field table.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub clip: Field,
    pub all: Vec<Column>,
}

/// The name of the field that holds a clip's number.
pub(super) const CLIP: &str = "clip";

/// The schema that the field table asks for.
pub(super) fn schema() -> (Schema, Columns) {
    let mut schema = Schema::builder();
    let text = || {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_index_option(IndexRecordOption::WithFreqsAndPositions),
        )
    };
    let clip = schema.add_u64_field(CLIP, INDEXED | FAST);
    let all = FIELDS
        .iter()
        .map(|field| match field.kind {
            Kind::Words | Kind::Choice(_) => Column::Words {
                whole: schema.add_text_field(field.name, text()),
                parts: schema.add_text_field(&format!("{}.parts", field.name), text()),
            },
            Kind::Number(_) => Column::Number(schema.add_i64_field(field.name, FAST)),
            Kind::Shown(_) => Column::Absent,
        })
        .collect();
    (schema.build(), Columns { clip, all })
}

impl Columns {
    /// The document of a clip.
    pub(super) fn document(&self, number: u64, clip: &Clip) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_u64(self.clip, number);
        for (field, column) in FIELDS.iter().zip(&self.all) {
            for cell in (field.cells)(clip) {
                match (column, cell) {
                    (Column::Words { whole, parts }, Cell::Words(text)) => {
                        document.add_pre_tokenized_text(*whole, tokenized(folded_runs(&text)));
                        document.add_pre_tokenized_text(*parts, tokenized(folded_parts(&text)));
                    }
                    (Column::Number(column), Cell::Number(number)) => {
                        document.add_i64(*column, number);
                    }
                    _ => {}
                }
            }
        }
        document
    }
}

fn tokenized(words: Vec<String>) -> PreTokenizedString {
    let tokens = words.into_iter().enumerate().map(|(position, text)| Token {
        position,
        text,
        ..Token::default()
    });
    PreTokenizedString {
        text: String::new(),
        tokens: tokens.collect(),
    }
}
