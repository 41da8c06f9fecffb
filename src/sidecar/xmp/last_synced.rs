//! Values that btsindex wrote in the last synchronization, stored in the sidecar in a separate
//! namespace.
//!
//! They distinguish a tag that was removed in the catalogue from one that another program added.

use super::element::XmlElement;
use super::names::{
    BAG, LI, PARSE_TYPE, SEQ, WRITTEN, WRITTEN_GOOD, WRITTEN_LOG, WRITTEN_RATING, WRITTEN_TAGS,
    XmlName,
};
use super::namespace_scope::Prefixes;
use super::rdf::{RdfProperty, field, field_text, properties};
use super::tracks::{self, XmpMarker};
use super::values::{parse_bool, parse_rating};

/// Values that btsindex wrote in the last synchronization, without those that other programs had
/// already written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastSynced {
    /// Items of `dc:subject` that btsindex added.
    pub tags: Vec<String>,
    /// Value of `xmp:Rating`, from -1 to 5.
    pub rating: Option<i8>,
    /// Value of `xmpDM:good`, if btsindex set it.
    pub good: Option<bool>,
    /// Lines of `xmpDM:logComment` that btsindex added.
    pub notes: Vec<String>,
    /// Markers in the btsindex track.
    pub markers: Vec<XmpMarker>,
}

impl LastSynced {
    /// Reads the values from the `btsindex:written` property and the btsindex track.
    pub(super) fn from_rdf(rdf: &XmlElement) -> Self {
        let mut last = Self {
            markers: tracks::our_markers(rdf),
            ..Self::default()
        };
        for property in properties(rdf, WRITTEN) {
            let RdfProperty::Element(stored) = property else {
                continue;
            };
            let texts = |name| {
                field(stored, name)
                    .map(|field| field.texts())
                    .unwrap_or_default()
            };
            last.tags.extend(texts(WRITTEN_TAGS));
            last.notes.extend(texts(WRITTEN_LOG));
            let text_of = |name| field_text(stored, name);
            last.rating = text_of(WRITTEN_RATING).and_then(|text| parse_rating(&text));
            last.good = text_of(WRITTEN_GOOD).and_then(|text| parse_bool(&text));
        }
        last
    }

    /// Returns true if both produce the same `btsindex:written` property. Markers are not part of
    /// that property, because their track already identifies them.
    pub(super) fn has_same_property(&self, last: &Self) -> bool {
        (self.rating, self.good) == (last.rating, last.good)
            && self.tags == last.tags
            && self.notes == last.notes
    }

    /// Creates the `btsindex:written` property. Returns `None` if there is nothing to store.
    pub(super) fn property(&self, prefixes: &mut Prefixes<'_>) -> Option<XmlElement> {
        let mut fields = Vec::new();
        let list = |name: XmlName, kind: XmlName, texts: &[String], prefixes: &mut Prefixes<'_>| {
            let mut list = XmlElement::new(prefixes, kind);
            for text in texts {
                list = list.with_children([XmlElement::new(prefixes, LI).with_text(text)]);
            }
            XmlElement::new(prefixes, name).with_children([list])
        };
        if !self.tags.is_empty() {
            fields.push(list(WRITTEN_TAGS, BAG, &self.tags, prefixes));
        }
        if let Some(rating) = self.rating {
            fields.push(XmlElement::new(prefixes, WRITTEN_RATING).with_text(&rating.to_string()));
        }
        if let Some(good) = self.good {
            fields.push(XmlElement::new(prefixes, WRITTEN_GOOD).with_text(bool_text(good)));
        }
        if !self.notes.is_empty() {
            fields.push(list(WRITTEN_LOG, SEQ, &self.notes, prefixes));
        }
        let property =
            XmlElement::new(prefixes, WRITTEN).with_attribute(prefixes, PARSE_TYPE, "Resource");
        (!fields.is_empty()).then(|| property.with_children(fields))
    }
}

/// Returns the XMP form of a boolean.
pub(super) fn bool_text(is_true: bool) -> &'static str {
    if is_true { "True" } else { "False" }
}
