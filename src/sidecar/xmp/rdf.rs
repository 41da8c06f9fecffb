//! RDF's several ways of writing one thing, read as one.
//!
//! A property is an attribute or an element; a structure has its fields in itself or in an
//! `rdf:Description`; a text may have qualifiers, or be one of several in as many languages.

use super::element::Element;
use super::names::{ALT, BAG, DESCRIPTION, LANG, LI, Name, RESOURCE, SEQ, VALUE};

/// A property, as it was found.
#[derive(Debug, Clone)]
pub(super) enum Found<'a> {
    /// An attribute that says this.
    Text(String),
    /// An element.
    Element(&'a Element),
}

impl Found<'_> {
    /// What it says, where it is one text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Element(element) => leaf(element).map_or_else(String::new, said),
        }
    }

    /// Whether it is one text and nothing else.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Element(element) => {
                leaf(element).is_some_and(|leaf| leaf.elements().next().is_none())
            }
        }
    }

    /// What it says, where it is several texts or one.
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Element(element) => match list(element) {
                Some(list) => items(list)
                    .map(|item| Found::Element(item).text())
                    .collect(),
                None => vec![self.text()],
            },
        }
    }
}

/// The blocks of properties in `rdf:RDF`.
pub(super) fn descriptions(rdf: &Element) -> impl Iterator<Item = &Element> {
    rdf.elements().filter(|element| element.is(DESCRIPTION))
}

/// A property of the file, wherever it stands.
pub(super) fn properties(rdf: &Element, name: Name) -> impl Iterator<Item = Found<'_>> {
    descriptions(rdf).filter_map(move |block| own_field(block, name))
}

fn own_field(holder: &Element, name: Name) -> Option<Found<'_>> {
    if let Some(text) = holder.attribute(name) {
        return Some(Found::Text(text));
    }
    let mut elements = holder.elements();
    elements
        .find(|element| element.is(name))
        .map(Found::Element)
}

/// A field of a structure.
pub(super) fn field(structure: &Element, name: Name) -> Option<Found<'_>> {
    let nested = structure.elements().filter(|inner| inner.is(DESCRIPTION));
    let mut holders = std::iter::once(structure).chain(nested);
    holders.find_map(|holder| own_field(holder, name))
}

/// What a field says, where it is one text.
pub(super) fn field_text(structure: &Element, name: Name) -> Option<String> {
    field(structure, name).map(|found| found.text())
}

/// The list that a property holds.
pub(super) fn list(property: &Element) -> Option<&Element> {
    property.elements().find(|element| is_list(element))
}

/// Whether an element is one of RDF's three kinds of list.
pub(super) fn is_list(element: &Element) -> bool {
    [BAG, SEQ, ALT].iter().any(|kind| element.is(*kind))
}

/// What a list has in it.
pub(super) fn items(list: &Element) -> impl Iterator<Item = &Element> {
    list.elements().filter(|element| element.is(LI))
}

/// The element whose own text, or attribute, a property's text is.
fn leaf(element: &Element) -> Option<&Element> {
    if let Some(list) = list(element) {
        let is_default = |item: &&Element| item.attribute(LANG).as_deref() == Some("x-default");
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

fn said(leaf: &Element) -> String {
    let said = leaf.attribute(VALUE).or_else(|| leaf.attribute(RESOURCE));
    said.unwrap_or_else(|| leaf.text())
}

/// Lets a property's text be another one, in the shape that it has.
pub(super) fn set_leaf(element: &mut Element, plain: &str) {
    let is_default = |item: &Element| item.attribute(LANG).as_deref() == Some("x-default");
    if let Some(list) = element.find_mut(is_list) {
        let has_default = items(list).any(is_default);
        let is_meant = |item: &Element| item.is(LI) && (!has_default || is_default(item));
        if let Some(item) = list.find_mut(is_meant) {
            set_leaf(item, plain);
        }
    } else if let Some(inner) = element.find_mut(|inner| inner.is(VALUE) || inner.is(DESCRIPTION)) {
        set_leaf(inner, plain);
    } else if !element.set_attribute(VALUE, plain) {
        element.remove_attribute(RESOURCE);
        element.set_text(plain);
    }
}
