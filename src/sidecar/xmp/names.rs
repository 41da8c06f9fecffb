//! The names that are used, and the prefixes that stand for their namespaces.
//!
//! A prefix means nothing by itself: a document binds it, and may bind it anew further in.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::element::Attribute;

/// A name: its namespace, and what it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(pub &'static str, pub &'static str);

/// The namespace of RDF.
pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
/// The namespace that `xml:` always stands for.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of bindings themselves.
pub(super) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const XMP_DM: &str = "http://ns.adobe.com/xmp/1.0/DynamicMedia/";
/// What btsindex wrote the last time is kept here. Exiv2, and with it darktable and digiKam,
/// puts a `/` after a namespace that ends with neither `/` nor `#`.
const OURS: &str = "urn:btsindex:xmp:1#";

/// Each namespace that is written, with its usual prefix.
pub(super) const USUAL: [(&str, &str); 5] = [
    (RDF, "rdf"),
    (DC, "dc"),
    (XMP, "xmp"),
    (XMP_DM, "xmpDM"),
    (OURS, "btsindex"),
];

pub(super) const RDF_RDF: Name = Name(RDF, "RDF");
pub(super) const DESCRIPTION: Name = Name(RDF, "Description");
pub(super) const BAG: Name = Name(RDF, "Bag");
pub(super) const SEQ: Name = Name(RDF, "Seq");
pub(super) const ALT: Name = Name(RDF, "Alt");
pub(super) const LI: Name = Name(RDF, "li");
pub(super) const ABOUT: Name = Name(RDF, "about");
pub(super) const VALUE: Name = Name(RDF, "value");
pub(super) const RESOURCE: Name = Name(RDF, "resource");
pub(super) const PARSE_TYPE: Name = Name(RDF, "parseType");
pub(super) const LANG: Name = Name(XML, "lang");
pub(super) const SUBJECT: Name = Name(DC, "subject");
pub(super) const TITLE: Name = Name(DC, "title");
pub(super) const SUMMARY: Name = Name(DC, "description");
pub(super) const FOR_EXTENSION: Name = Name(PHOTOSHOP, "SidecarForExtension");
pub(super) const RATING: Name = Name(XMP, "Rating");
pub(super) const GOOD: Name = Name(XMP_DM, "good");
pub(super) const LOG_COMMENT: Name = Name(XMP_DM, "logComment");
pub(super) const SCENE: Name = Name(XMP_DM, "scene");
pub(super) const SHOT: Name = Name(XMP_DM, "shotName");
pub(super) const TAKE: Name = Name(XMP_DM, "takeNumber");
pub(super) const REEL: Name = Name(XMP_DM, "tapeName");
pub(super) const TRACKS: Name = Name(XMP_DM, "Tracks");
pub(super) const TRACK_NAME: Name = Name(XMP_DM, "trackName");
pub(super) const TRACK_TYPE: Name = Name(XMP_DM, "trackType");
pub(super) const FRAME_RATE: Name = Name(XMP_DM, "frameRate");
pub(super) const MARKERS: Name = Name(XMP_DM, "markers");
pub(super) const START_TIME: Name = Name(XMP_DM, "startTime");
pub(super) const DURATION: Name = Name(XMP_DM, "duration");
pub(super) const MARKER_NAME: Name = Name(XMP_DM, "name");
pub(super) const COMMENT: Name = Name(XMP_DM, "comment");
pub(super) const GUID: Name = Name(XMP_DM, "guid");
pub(super) const CUE_PARAMS: Name = Name(XMP_DM, "cuePointParams");
pub(super) const KEY: Name = Name(XMP_DM, "key");
pub(super) const KEY_VALUE: Name = Name(XMP_DM, "value");
pub(super) const WRITTEN: Name = Name(OURS, "written");
pub(super) const WRITTEN_TAGS: Name = Name(OURS, "tags");
pub(super) const WRITTEN_RATING: Name = Name(OURS, "rating");
pub(super) const WRITTEN_GOOD: Name = Name(OURS, "good");
pub(super) const WRITTEN_LOG: Name = Name(OURS, "log");

/// What each prefix stands for at one place of a document, the innermost binding last.
#[derive(Debug, Clone)]
pub(super) struct Scope(BTreeMap<String, Vec<Rc<str>>>);

impl Default for Scope {
    fn default() -> Self {
        Self(BTreeMap::from([("xml".to_owned(), vec![Rc::from(XML)])]))
    }
}

impl Scope {
    /// Takes in the bindings of an element; gives what [`Scope::leave`] is to drop.
    pub(super) fn enter(&mut self, attributes: &[Attribute]) -> Vec<String> {
        let mut bound = Vec::new();
        for attribute in attributes {
            let name = attribute.name();
            let prefix = match name.split_once(':') {
                Some(("xmlns", prefix)) => prefix,
                None if name == "xmlns" => "",
                _ => continue,
            };
            let spaces = self.0.entry(prefix.to_owned()).or_default();
            spaces.push(Rc::from(attribute.value()));
            bound.push(prefix.to_owned());
        }
        bound
    }

    /// Drops the bindings of an element that ended.
    pub(super) fn leave(&mut self, bound: &[String]) {
        for prefix in bound {
            if let Some(spaces) = self.0.get_mut(prefix) {
                spaces.pop();
            }
        }
    }

    /// This scope, and within it an element's.
    pub(super) fn within(&self, attributes: &[Attribute]) -> Self {
        let mut scope = self.clone();
        scope.enter(attributes);
        scope
    }

    /// What a prefix stands for.
    pub(super) fn space(&self, prefix: &str) -> Option<Rc<str>> {
        let space = self.0.get(prefix)?.last()?;
        (!space.is_empty()).then(|| Rc::clone(space))
    }

    /// A prefix that stands for a namespace; the empty one is none, as attributes cannot use it.
    fn prefix(&self, space: &str) -> Option<&str> {
        let bound = self.0.iter().find(|(prefix, spaces)| {
            !prefix.is_empty() && spaces.last().is_some_and(|last| &**last == space)
        })?;
        Some(bound.0)
    }
}

/// Prefixes for what is to be written at one place; what is not bound there yet is remembered.
pub(super) struct Prefixes<'a> {
    scope: &'a Scope,
    chosen: Vec<Chosen>,
}

struct Chosen {
    space: &'static str,
    prefix: String,
    is_bound: bool,
}

impl<'a> Prefixes<'a> {
    /// None is chosen yet.
    pub(super) fn new(scope: &'a Scope) -> Self {
        Self {
            scope,
            chosen: Vec::new(),
        }
    }

    /// A name as it is written there.
    pub(super) fn qualified(&mut self, Name(space, local): Name) -> String {
        // Looked for once: a hostile document binds very many.
        if let Some(known) = self.chosen.iter().find(|known| known.space == space) {
            return format!("{}:{local}", known.prefix);
        }
        let bound = self.scope.prefix(space).map(str::to_owned);
        let is_bound = bound.is_some();
        let prefix = bound.unwrap_or_else(|| self.unbound(space));
        let name = format!("{prefix}:{local}");
        self.chosen.push(Chosen {
            space,
            prefix,
            is_bound,
        });
        name
    }

    /// A prefix that stands for nothing yet, the usual one if it can be.
    fn unbound(&self, space: &str) -> String {
        let usual = USUAL.iter().find(|(known, _)| *known == space);
        let usual = usual.map_or("ns", |(_, prefix)| prefix);
        let mut prefixes = (0..=self.scope.0.len()).map(|nth| match nth {
            0 => usual.to_owned(),
            nth => format!("{usual}{nth}"),
        });
        let unbound = prefixes.find(|prefix| self.scope.space(prefix).is_none());
        unbound.unwrap_or_default()
    }

    /// The bindings that the element put there has to bring.
    pub(super) fn bindings(self) -> impl Iterator<Item = Attribute> {
        let missing = self.chosen.into_iter().filter(|chosen| !chosen.is_bound);
        missing
            .map(|chosen| Attribute::new(&format!("xmlns:{}", chosen.prefix), XMLNS, chosen.space))
    }
}
