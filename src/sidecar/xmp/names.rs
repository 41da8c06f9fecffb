//! XML names and the prefixes of their namespaces.
//!
//! A prefix has no meaning by itself. A document binds it to a namespace, and may bind it to
//! another one in an inner element.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::element::Attribute;

/// Expanded name: namespace and local name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct XmlName(pub &'static str, pub &'static str);

pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
/// Namespace that is always bound to the prefix `xml`.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// Namespace of the attributes that bind prefixes.
pub(super) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const XMP_DM: &str = "http://ns.adobe.com/xmp/1.0/DynamicMedia/";
/// Namespace of the values that btsindex stores. It ends with `#` because Exiv2, and thus darktable
/// and digiKam, appends a `/` to a namespace that ends with neither `/` nor `#`.
const OURS: &str = "urn:btsindex:xmp:1#";

/// Namespaces in which btsindex writes, each with its usual prefix.
pub(super) const USUAL: [(&str, &str); 5] = [
    (RDF, "rdf"),
    (DC, "dc"),
    (XMP, "xmp"),
    (XMP_DM, "xmpDM"),
    (OURS, "btsindex"),
];

pub(super) const RDF_RDF: XmlName = XmlName(RDF, "RDF");
pub(super) const DESCRIPTION: XmlName = XmlName(RDF, "Description");
pub(super) const BAG: XmlName = XmlName(RDF, "Bag");
pub(super) const SEQ: XmlName = XmlName(RDF, "Seq");
pub(super) const ALT: XmlName = XmlName(RDF, "Alt");
pub(super) const LI: XmlName = XmlName(RDF, "li");
pub(super) const ABOUT: XmlName = XmlName(RDF, "about");
pub(super) const VALUE: XmlName = XmlName(RDF, "value");
pub(super) const RESOURCE: XmlName = XmlName(RDF, "resource");
pub(super) const PARSE_TYPE: XmlName = XmlName(RDF, "parseType");
pub(super) const LANG: XmlName = XmlName(XML, "lang");
pub(super) const SUBJECT: XmlName = XmlName(DC, "subject");
pub(super) const TITLE: XmlName = XmlName(DC, "title");
pub(super) const SUMMARY: XmlName = XmlName(DC, "description");
pub(super) const FOR_EXTENSION: XmlName = XmlName(PHOTOSHOP, "SidecarForExtension");
pub(super) const RATING: XmlName = XmlName(XMP, "Rating");
pub(super) const GOOD: XmlName = XmlName(XMP_DM, "good");
pub(super) const LOG_COMMENT: XmlName = XmlName(XMP_DM, "logComment");
pub(super) const SCENE: XmlName = XmlName(XMP_DM, "scene");
pub(super) const SHOT: XmlName = XmlName(XMP_DM, "shotName");
pub(super) const TAKE: XmlName = XmlName(XMP_DM, "takeNumber");
pub(super) const REEL: XmlName = XmlName(XMP_DM, "tapeName");
pub(super) const TRACKS: XmlName = XmlName(XMP_DM, "Tracks");
pub(super) const TRACK_NAME: XmlName = XmlName(XMP_DM, "trackName");
pub(super) const TRACK_TYPE: XmlName = XmlName(XMP_DM, "trackType");
pub(super) const FRAME_RATE: XmlName = XmlName(XMP_DM, "frameRate");
pub(super) const MARKERS: XmlName = XmlName(XMP_DM, "markers");
pub(super) const START_TIME: XmlName = XmlName(XMP_DM, "startTime");
pub(super) const DURATION: XmlName = XmlName(XMP_DM, "duration");
pub(super) const MARKER_NAME: XmlName = XmlName(XMP_DM, "name");
pub(super) const COMMENT: XmlName = XmlName(XMP_DM, "comment");
pub(super) const GUID: XmlName = XmlName(XMP_DM, "guid");
pub(super) const CUE_PARAMS: XmlName = XmlName(XMP_DM, "cuePointParams");
pub(super) const KEY: XmlName = XmlName(XMP_DM, "key");
pub(super) const KEY_VALUE: XmlName = XmlName(XMP_DM, "value");
pub(super) const WRITTEN: XmlName = XmlName(OURS, "written");
pub(super) const WRITTEN_TAGS: XmlName = XmlName(OURS, "tags");
pub(super) const WRITTEN_RATING: XmlName = XmlName(OURS, "rating");
pub(super) const WRITTEN_GOOD: XmlName = XmlName(OURS, "good");
pub(super) const WRITTEN_LOG: XmlName = XmlName(OURS, "log");

/// Namespaces by prefix at one position of a document; the innermost binding is last.
#[derive(Debug, Clone)]
pub(super) struct NamespaceScope(BTreeMap<String, Vec<Rc<str>>>);

impl Default for NamespaceScope {
    fn default() -> Self {
        Self(BTreeMap::from([("xml".to_owned(), vec![Rc::from(XML)])]))
    }
}

impl NamespaceScope {
    /// Adds the bindings of an element. Returns its prefixes, to be passed to
    /// [`NamespaceScope::leave`].
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

    /// Removes the bindings of an element at its end.
    pub(super) fn leave(&mut self, bound: &[String]) {
        for prefix in bound {
            if let Some(spaces) = self.0.get_mut(prefix) {
                spaces.pop();
            }
        }
    }

    /// Returns the scope inside an element with these attributes.
    pub(super) fn with_bindings(&self, attributes: &[Attribute]) -> Self {
        let mut scope = self.clone();
        scope.enter(attributes);
        scope
    }

    /// Returns the namespace of a prefix; `None` if the prefix is unbound.
    pub(super) fn namespace(&self, prefix: &str) -> Option<Rc<str>> {
        let space = self.0.get(prefix)?.last()?;
        (!space.is_empty()).then(|| Rc::clone(space))
    }

    /// Returns a prefix bound to a namespace. The default namespace is excluded, because it does
    /// not apply to attributes.
    fn prefix_of(&self, space: &str) -> Option<&str> {
        let bound = self.0.iter().find(|(prefix, spaces)| {
            !prefix.is_empty() && spaces.last().is_some_and(|last| &**last == space)
        })?;
        Some(bound.0)
    }
}

/// Prefixes for new elements at one position. Collects the bindings that must be added.
pub(super) struct Prefixes<'a> {
    scope: &'a NamespaceScope,
    chosen: Vec<ChosenPrefix>,
}

struct ChosenPrefix {
    space: &'static str,
    prefix: String,
    is_bound: bool,
}

impl<'a> Prefixes<'a> {
    /// Creates an empty set of prefixes for a position with this scope.
    pub(super) fn new(scope: &'a NamespaceScope) -> Self {
        Self {
            scope,
            chosen: Vec::new(),
        }
    }

    /// Returns the qualified name for this position. Chooses a new prefix if none is bound.
    pub(super) fn qualified(&mut self, XmlName(space, local): XmlName) -> String {
        // Cached, because a hostile document may bind a large number of prefixes.
        if let Some(chosen) = self.chosen.iter().find(|chosen| chosen.space == space) {
            return format!("{}:{local}", chosen.prefix);
        }
        let bound = self.scope.prefix_of(space).map(str::to_owned);
        let is_bound = bound.is_some();
        let prefix = bound.unwrap_or_else(|| self.unused_prefix(space));
        let name = format!("{prefix}:{local}");
        self.chosen.push(ChosenPrefix {
            space,
            prefix,
            is_bound,
        });
        name
    }

    /// Returns an unbound prefix: the usual one if possible, otherwise with a number.
    fn unused_prefix(&self, space: &str) -> String {
        let usual = USUAL.iter().find(|(namespace, _)| *namespace == space);
        let usual = usual.map_or("ns", |(_, prefix)| prefix);
        let mut prefixes = (0..=self.scope.0.len()).map(|nth| match nth {
            0 => usual.to_owned(),
            nth => format!("{usual}{nth}"),
        });
        let unbound = prefixes.find(|prefix| self.scope.namespace(prefix).is_none());
        unbound.unwrap_or_default()
    }

    /// Returns the missing bindings, to be added to the new element.
    pub(super) fn bindings(self) -> impl Iterator<Item = Attribute> {
        let missing = self.chosen.into_iter().filter(|chosen| !chosen.is_bound);
        missing
            .map(|chosen| Attribute::new(&format!("xmlns:{}", chosen.prefix), XMLNS, chosen.space))
    }
}
