//! Compares the index with the catalogue, clip by clip.
//!
//! All searchable content of a document (every term with its positions, every number, the field
//! lengths) is read from the index and hashed. The expected content is indexed in memory, one page
//! at a time, and hashed in the same way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tantivy::postings::Postings;
use tantivy::schema::{Field, FieldType, IndexRecordOption};
use tantivy::{DocSet, IndexSettings, SegmentReader, TERMINATED};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::Index;
use super::catch_panic::guarded;
use super::document::{self, CLIP};
use super::updater::{SMALL_MEMORY, new_writer};
use crate::catalogue::{Catalogue, Change};
use crate::error::Error;

/// Changes read and indexed in memory at a time.
const PAGE: usize = 5000;

/// Differences between the index and the catalogue, as clip ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Number of clips compared.
    pub compared: usize,
    /// Clips whose document does not match the catalogue.
    pub differing: Vec<i64>,
    /// Clips in the catalogue that are missing from the index.
    pub missing: Vec<i64>,
    /// Clips with more than one document in the index.
    pub duplicated: Vec<i64>,
    /// Clips in the index that are not in the catalogue.
    pub surplus: Vec<i64>,
}

impl Audit {
    /// Returns true if no differences were found.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let faults = [
            &self.differing,
            &self.missing,
            &self.duplicated,
            &self.surplus,
        ];
        faults.iter().all(|clips| clips.is_empty())
    }
}

/// Hash of a document's searchable content.
type Digest = u128;

impl Index {
    /// Compares every document with the one that the clip in the catalogue would produce. Skips
    /// clips that changed since the index was opened.
    ///
    /// # Errors
    /// Returns an error if the catalogue or the index cannot be read.
    pub fn audit(&self, catalogue: &Catalogue) -> Result<Audit, Error> {
        let mut audit = Audit::default();
        let mut indexed = guarded(|| self.digests(&mut audit))?;
        let mut seq = 0;
        loop {
            let changes = catalogue.changes(seq, PAGE)?;
            let Some(last) = changes.last() else { break };
            seq = last.seq;
            let expected = guarded(|| expected_digests(&changes))?;
            for change in &changes {
                let found = indexed.remove(&change.clip);
                if change.seq > self.seq {
                    continue;
                }
                match (expected.get(&change.clip), found) {
                    (Some(expected), Some(found)) => {
                        audit.compared += 1;
                        if *expected != found {
                            audit.differing.push(change.clip);
                        }
                    }
                    (Some(_), None) => audit.missing.push(change.clip),
                    (None, Some(_)) => audit.surplus.push(change.clip),
                    (None, None) => {}
                }
            }
        }
        audit.surplus.extend(indexed.into_keys());
        for clips in [
            &mut audit.differing,
            &mut audit.missing,
            &mut audit.duplicated,
            &mut audit.surplus,
        ] {
            clips.sort_unstable();
            clips.dedup();
        }
        Ok(audit)
    }

    /// Hashes the documents of the index.
    fn digests(&self, audit: &mut Audit) -> Result<HashMap<i64, Digest>, Error> {
        let mut all = HashMap::new();
        for segment in self.reader.searcher().segment_readers() {
            for (clip, digest) in digests(segment)? {
                match all.entry(clip) {
                    Entry::Vacant(entry) => {
                        entry.insert(digest);
                    }
                    Entry::Occupied(_) => audit.duplicated.push(clip),
                }
            }
        }
        Ok(all)
    }
}

/// Indexes clips in memory and hashes their documents.
fn expected_digests(changes: &[Change]) -> Result<HashMap<i64, Digest>, Error> {
    let (schema, columns) = document::schema();
    let directory = tantivy::directory::RamDirectory::create();
    let index = tantivy::Index::create(directory, schema, IndexSettings::default())?;
    let mut writer = new_writer(&index, SMALL_MEMORY)?;
    for change in changes {
        if let Some(clip) = &change.now {
            let number = u64::try_from(change.clip).unwrap_or(0);
            writer.add_document(columns.document(number, clip))?;
        }
    }
    writer.commit()?;
    let mut all = HashMap::new();
    for segment in index.reader()?.searcher().segment_readers() {
        all.extend(digests(segment)?);
    }
    Ok(all)
}

/// Returns the clip ids of a segment's documents that are not deleted, each with its digest.
fn digests(segment: &SegmentReader) -> Result<Vec<(i64, Digest)>, Error> {
    let mut digests = Digests {
        segment,
        all: vec![0; segment.max_doc() as usize],
    };
    for (field, entry) in segment.schema().fields() {
        if entry.is_indexed() {
            digests.add_terms(field)?;
        }
        if entry.has_fieldnorms() {
            digests.add_lengths(field)?;
        }
        match entry.field_type() {
            FieldType::I64(_) if entry.is_fast() => digests.add_numbers(field, entry.name())?,
            FieldType::Str(_) if entry.is_fast() => digests.add_texts(field, entry.name())?,
            _ => {}
        }
    }
    let clips = segment.fast_fields().u64(CLIP)?;
    let all = segment.doc_ids_alive().filter_map(|document| {
        let clip = i64::try_from(clips.first(document)?).ok()?;
        let digest = digests.all.get(document as usize)?;
        Some((clip, *digest))
    });
    Ok(all.collect())
}

/// Digests of a segment's documents. They are sums of hashes, so the order of the parts does not
/// matter.
struct Digests<'a> {
    segment: &'a SegmentReader,
    all: Vec<Digest>,
}

impl Digests<'_> {
    fn add(&mut self, document: u32, field: Field, bytes: &[u8]) {
        if let Some(digest) = self.all.get_mut(document as usize) {
            let hash = xxh3_128_with_seed(bytes, field.field_id().into());
            *digest = digest.wrapping_add(hash);
        }
    }

    /// Adds every term of a field with its positions in each document.
    fn add_terms(&mut self, field: Field) -> Result<(), Error> {
        let index = self.segment.inverted_index(field)?;
        let mut terms = index
            .terms()
            .stream()
            .map_err(tantivy::TantivyError::from)?;
        let (mut bytes, mut positions) = (Vec::new(), Vec::new());
        while terms.advance() {
            let mut postings = index
                .read_postings_from_terminfo(
                    terms.value(),
                    IndexRecordOption::WithFreqsAndPositions,
                )
                .map_err(tantivy::TantivyError::from)?;
            while postings.doc() != TERMINATED {
                bytes.clear();
                bytes.extend_from_slice(terms.key());
                bytes.push(0);
                postings.positions(&mut positions);
                bytes.extend(positions.iter().flat_map(|position| position.to_le_bytes()));
                bytes.extend(postings.term_freq().to_le_bytes());
                self.add(postings.doc(), field, &bytes);
                postings.advance();
            }
        }
        Ok(())
    }

    /// Adds the field length of each document, with the precision that tantivy stores.
    fn add_lengths(&mut self, field: Field) -> Result<(), Error> {
        let lengths = self.segment.get_fieldnorms_reader(field)?;
        for document in 0..self.segment.max_doc() {
            self.add(document, field, &[0, lengths.fieldnorm_id(document)]);
        }
        Ok(())
    }

    /// Adds the numbers of a fast field.
    fn add_numbers(&mut self, field: Field, name: &str) -> Result<(), Error> {
        let Some(column) = self.segment.fast_fields().column_opt::<i64>(name)? else {
            return Ok(());
        };
        for document in 0..self.segment.max_doc() {
            for number in column.values_for_doc(document) {
                self.add(document, field, &number.to_le_bytes());
            }
        }
        Ok(())
    }

    /// Adds the texts of a fast field.
    fn add_texts(&mut self, field: Field, name: &str) -> Result<(), Error> {
        let Some(column) = self.segment.fast_fields().str(name)? else {
            return Ok(());
        };
        let mut texts = Vec::new();
        for ordinal in 0..column.dictionary().num_terms() {
            let mut text = String::new();
            column
                .ord_to_str(ordinal as u64, &mut text)
                .map_err(tantivy::TantivyError::from)?;
            texts.push(text);
        }
        for document in 0..self.segment.max_doc() {
            for ordinal in column.term_ords(document) {
                let text = usize::try_from(ordinal).ok().and_then(|at| texts.get(at));
                self.add(document, field, text.map_or(b"", |text| text.as_bytes()));
            }
        }
        Ok(())
    }
}
