//! What btsindex wrote the last time, kept in the sidecar in a namespace of its own.
//!
//! Without it nobody could tell a tag that was taken back in the catalogue from one that
//! another program added.

use super::element::Element;
use super::names::{
    BAG, LI, Name, PARSE_TYPE, Prefixes, SEQ, WRITTEN, WRITTEN_GOOD, WRITTEN_LOG, WRITTEN_RATING,
    WRITTEN_TAGS,
};
use super::packet::{rating, truth};
use super::rdf::{Found, field, field_text, properties};
use super::tracks::{self, XmpMarker};

/// What btsindex wrote the last time; what others had written already is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// Tags.
    pub tags: Vec<String>,
    /// The rating.
    pub rating: Option<i8>,
    /// Whether the shot is a keeper.
    pub good: Option<bool>,
    /// Lines of the log's comment.
    pub notes: Vec<String>,
    /// Markers in the track of btsindex.
    pub markers: Vec<XmpMarker>,
}

impl Written {
    /// Reads what was written.
    pub(super) fn read(rdf: &Element) -> Self {
        let mut written = Self {
            markers: tracks::ours(rdf),
            ..Self::default()
        };
        for found in properties(rdf, WRITTEN) {
            let Found::Element(kept) = found else {
                continue;
            };
            let texts = |name| {
                field(kept, name)
                    .map(|found| found.texts())
                    .unwrap_or_default()
            };
            written.tags.extend(texts(WRITTEN_TAGS));
            written.notes.extend(texts(WRITTEN_LOG));
            let said = |name| field_text(kept, name);
            written.rating = said(WRITTEN_RATING).and_then(|text| rating(&text));
            written.good = said(WRITTEN_GOOD).and_then(|text| truth(&text));
        }
        written
    }

    /// Whether the property that keeps it says the same; markers are their own record.
    pub(super) fn is_kept_as(&self, last: &Self) -> bool {
        let kept = |written: &Self| (written.rating, written.good);
        kept(self) == kept(last) && self.tags == last.tags && self.notes == last.notes
    }

    /// The property that keeps it; none where nothing is to be kept.
    pub(super) fn property(&self, prefixes: &mut Prefixes<'_>) -> Option<Element> {
        let mut fields = Vec::new();
        let list = |name: Name, kind: Name, texts: &[String], prefixes: &mut Prefixes<'_>| {
            let mut list = Element::new(prefixes, kind);
            for text in texts {
                list = list.holding([Element::new(prefixes, LI).saying(text)]);
            }
            Element::new(prefixes, name).holding([list])
        };
        if !self.tags.is_empty() {
            fields.push(list(WRITTEN_TAGS, BAG, &self.tags, prefixes));
        }
        if let Some(rating) = self.rating {
            fields.push(Element::new(prefixes, WRITTEN_RATING).saying(&rating.to_string()));
        }
        if let Some(good) = self.good {
            fields.push(Element::new(prefixes, WRITTEN_GOOD).saying(truth_text(good)));
        }
        if !self.notes.is_empty() {
            fields.push(list(WRITTEN_LOG, SEQ, &self.notes, prefixes));
        }
        let property = Element::new(prefixes, WRITTEN).with(prefixes, PARSE_TYPE, "Resource");
        (!fields.is_empty()).then(|| property.holding(fields))
    }
}

/// As XMP writes a truth value.
pub(super) fn truth_text(is_true: bool) -> &'static str {
    if is_true { "True" } else { "False" }
}
