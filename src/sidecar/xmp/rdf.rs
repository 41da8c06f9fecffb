//! Uniform access to the equivalent forms of RDF/XML.
//!
//! A property is an attribute or an element. The fields of a structure are in its element or in an
//! inner `rdf:Description`. A text may have qualifiers, or be one of several translations.

use super::element::XmlElement;
use super::names::{ALT, BAG, DESCRIPTION, LANG, LI, RESOURCE, SEQ, VALUE, XmlName};

/// Property in one of its two forms.
#[derive(Debug, Clone)]
pub(super) enum RdfProperty<'a> {
    /// Value of an attribute.
    Text(String),
    /// Element that represents the property.
    Element(&'a XmlElement),
}

impl RdfProperty<'_> {
    /// Returns the text of a property with a single value.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Element(element) => leaf(element).map_or_else(String::new, leaf_text),
        }
    }

    /// Returns true if the property is a single text.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Element(element) => {
                leaf(element).is_some_and(|leaf| leaf.elements().next().is_none())
            }
        }
    }

    /// Returns all texts of a list, or the text of a single value.
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Element(element) => match list(element) {
                Some(list) => items(list)
                    .map(|item| RdfProperty::Element(item).text())
                    .collect(),
                None => vec![self.text()],
            },
        }
    }
}

/// Returns the `rdf:Description` elements, which contain the properties.
pub(super) fn descriptions(rdf: &XmlElement) -> impl Iterator<Item = &XmlElement> {
    rdf.elements().filter(|element| element.is(DESCRIPTION))
}

/// Returns all occurrences of a property, at most one per `rdf:Description`.
pub(super) fn properties(rdf: &XmlElement, name: XmlName) -> impl Iterator<Item = RdfProperty<'_>> {
    descriptions(rdf).filter_map(move |block| direct_field(block, name))
}

fn direct_field(holder: &XmlElement, name: XmlName) -> Option<RdfProperty<'_>> {
    if let Some(text) = holder.attribute(name) {
        return Some(RdfProperty::Text(text));
    }
    let mut elements = holder.elements();
    elements
        .find(|element| element.is(name))
        .map(RdfProperty::Element)
}

/// Returns a field of a structure.
pub(super) fn field(structure: &XmlElement, name: XmlName) -> Option<RdfProperty<'_>> {
    let nested = structure.elements().filter(|inner| inner.is(DESCRIPTION));
    let mut holders = std::iter::once(structure).chain(nested);
    holders.find_map(|holder| direct_field(holder, name))
}

/// Returns the text of a field.
pub(super) fn field_text(structure: &XmlElement, name: XmlName) -> Option<String> {
    field(structure, name).map(|found| found.text())
}

/// Returns the list element of a property, if it has one.
pub(super) fn list(property: &XmlElement) -> Option<&XmlElement> {
    property.elements().find(|element| is_list(element))
}

/// Returns true if the element is one of the three RDF list types.
pub(super) fn is_list(element: &XmlElement) -> bool {
    [BAG, SEQ, ALT].iter().any(|kind| element.is(*kind))
}

/// Returns the items of a list.
pub(super) fn items(list: &XmlElement) -> impl Iterator<Item = &XmlElement> {
    list.elements().filter(|element| element.is(LI))
}

/// Finds the element that contains the text of a property, as content or as an attribute.
fn leaf(element: &XmlElement) -> Option<&XmlElement> {
    if let Some(list) = list(element) {
        let is_default = |item: &&XmlElement| item.attribute(LANG).as_deref() == Some("x-default");
        return items(list)
            .find(is_default)
            .or_else(|| items(list).next())
            .and_then(leaf);
    }
    let inner = element
        .elements()
        .find(|inner| inner.is(VALUE) || inner.is(DESCRIPTION));
    inner.map_or(Some(element), leaf)
}

fn leaf_text(leaf: &XmlElement) -> String {
    let attribute = leaf.attribute(VALUE).or_else(|| leaf.attribute(RESOURCE));
    attribute.unwrap_or_else(|| leaf.text())
}

/// Sets the text of a property without changing its form.
pub(super) fn set_leaf(element: &mut XmlElement, plain: &str) {
    let is_default = |item: &XmlElement| item.attribute(LANG).as_deref() == Some("x-default");
    if let Some(list) = element.find_mut(is_list) {
        let has_default = items(list).any(is_default);
        let is_selected = |item: &XmlElement| item.is(LI) && (!has_default || is_default(item));
        if let Some(item) = list.find_mut(is_selected) {
            set_leaf(item, plain);
        }
    } else if let Some(inner) = element.find_mut(|inner| inner.is(VALUE) || inner.is(DESCRIPTION)) {
        set_leaf(inner, plain);
    } else if !element.set_attribute(VALUE, plain) {
        element.remove_attribute(RESOURCE);
        element.set_text(plain);
    }
}
