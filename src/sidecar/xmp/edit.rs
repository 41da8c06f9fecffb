//! Editor of a document. Each edit changes one property and keeps its RDF form.

use super::XmpError;
use super::element::XmlElement;
use super::names::{ABOUT, BAG, DESCRIPTION, LI, XmlName};
use super::namespace_scope::{NamespaceScope, Prefixes};
use super::rdf::{RdfProperty, is_list, items, list, set_leaf};

/// Editor of the properties in an `rdf:RDF` element.
pub(super) struct Editor<'a> {
    rdf: &'a mut XmlElement,
    /// Namespace bindings in scope at `rdf`.
    scope: NamespaceScope,
}

impl<'a> Editor<'a> {
    /// Creates an editor for an `rdf:RDF` element; `scope` holds its namespace bindings.
    pub(super) fn new(rdf: &'a mut XmlElement, scope: NamespaceScope) -> Self {
        Self { rdf, scope }
    }

    /// Returns the `rdf:RDF` element in its current state.
    pub(super) fn rdf(&self) -> &XmlElement {
        self.rdf
    }

    /// Sets a property to a text; `None` removes it.
    pub(super) fn set(&mut self, name: XmlName, plain: Option<&str>) {
        for block in blocks(self.rdf) {
            let is_done = match plain {
                Some(plain) => block.set_attribute(name, plain),
                None => block.remove_attribute(name),
            };
            if is_done {
                return;
            }
            let Some(property) = block.find_mut(|element| element.is(name)) else {
                continue;
            };
            match plain {
                Some(plain) => set_leaf(property, plain),
                None => _ = block.retain(|element| !element.is(name)),
            }
            return;
        }
        if let Some(plain) = plain {
            self.append(|prefixes| XmlElement::new(prefixes, name).with_text(plain));
        }
    }

    /// Replaces a property, whatever its form. If `build` returns `None`, only removes it.
    pub(super) fn replace(
        &mut self,
        name: XmlName,
        build: impl FnOnce(&mut Prefixes<'_>) -> Option<XmlElement>,
    ) {
        for block in blocks(self.rdf) {
            block.remove_attribute(name);
            block.retain(|element| !element.is(name));
        }
        self.append(build);
    }

    /// Removes items from a list. Removes the property as well if no item remains.
    pub(super) fn retain(&mut self, name: XmlName, is_kept: impl Fn(&RdfProperty<'_>) -> bool) {
        for block in blocks(self.rdf) {
            let attribute = block.attribute(name).map(RdfProperty::Text);
            if attribute.is_some_and(|text| !is_kept(&text)) {
                block.remove_attribute(name);
            }
            block.retain(|property| match list(property) {
                _ if !property.is(name) => true,
                None => is_kept(&RdfProperty::Element(property)),
                Some(list) => {
                    let is_empty = items(list).next().is_none();
                    is_empty || items(list).any(|item| is_kept(&RdfProperty::Element(item)))
                }
            });
            let properties = block.elements_mut().filter(|property| property.is(name));
            for list in properties.filter_map(list_mut) {
                list.retain(|item| !item.is(LI) || is_kept(&RdfProperty::Element(item)));
            }
        }
    }

    /// Appends items to a list. A single text is converted to a list; a missing property is
    /// created.
    ///
    /// # Errors
    /// Returns an error if the property is neither a list nor a text.
    pub(super) fn add(
        &mut self,
        name: XmlName,
        property_name: &'static str,
        build: impl Fn(&mut Prefixes<'_>) -> Vec<XmlElement>,
    ) -> Result<(), XmpError> {
        if let Some(text) = self.take_attribute(name) {
            self.append(|prefixes| {
                let mut items = vec![XmlElement::new(prefixes, LI).with_text(&text)];
                items.extend(build(prefixes));
                bag(prefixes, name, items)
            });
            return Ok(());
        }
        let indent = self.rdf.inner_indent("");
        for block in blocks(self.rdf) {
            let scope = self.scope.with_bindings(&block.attributes);
            let indent = block.inner_indent(&indent);
            let Some(property) = block.find_mut(|element| element.is(name)) else {
                continue;
            };
            let scope = scope.with_bindings(&property.attributes);
            into_list(property, &scope, &indent).ok_or(XmpError::NotAList {
                property: property_name,
            })?;
            let indent = property.inner_indent(&indent);
            if let Some(list) = list_mut(property) {
                let scope = scope.with_bindings(&list.attributes);
                let mut prefixes = Prefixes::new(&scope);
                let mut new_items = build(&mut prefixes);
                let bindings: Vec<_> = prefixes.bindings().collect();
                for item in &mut new_items {
                    item.attributes.extend(bindings.iter().cloned());
                }
                for item in new_items {
                    list.push(item, &indent);
                }
            }
            return Ok(());
        }
        self.append(|prefixes| {
            let items = build(prefixes);
            bag(prefixes, name, items)
        });
        Ok(())
    }

    /// Removes a property that is an attribute, and returns its value.
    fn take_attribute(&mut self, name: XmlName) -> Option<String> {
        let mut blocks = blocks(self.rdf);
        blocks.find_map(|block| {
            let text = block.attribute(name)?;
            block.remove_attribute(name);
            Some(text)
        })
    }

    /// Appends a property to the first `rdf:Description` block. Creates the block if necessary.
    fn append<P: Into<Option<XmlElement>>>(&mut self, build: impl FnOnce(&mut Prefixes<'_>) -> P) {
        if blocks(self.rdf).next().is_none() {
            let mut prefixes = Prefixes::new(&self.scope);
            let block = XmlElement::new(&mut prefixes, DESCRIPTION).with_attribute(
                &mut prefixes,
                ABOUT,
                "",
            );
            self.rdf.push(with_missing_bindings(block, prefixes), "");
        }
        let indent = self.rdf.inner_indent("");
        let Some(block) = blocks(self.rdf).next() else {
            return;
        };
        let scope = self.scope.with_bindings(&block.attributes);
        let mut prefixes = Prefixes::new(&scope);
        if let Some(property) = build(&mut prefixes).into() {
            block.push(with_missing_bindings(property, prefixes), &indent);
        }
    }
}

/// Adds the missing namespace bindings to a new element.
fn with_missing_bindings(mut element: XmlElement, prefixes: Prefixes<'_>) -> XmlElement {
    element.attributes.extend(prefixes.bindings());
    element
}

fn bag(prefixes: &mut Prefixes<'_>, name: XmlName, items: Vec<XmlElement>) -> XmlElement {
    let bag = XmlElement::new(prefixes, BAG).with_children(items);
    XmlElement::new(prefixes, name).with_children([bag])
}

/// Converts a property that is a single text into a list. Returns `None` if the property is
/// neither.
fn into_list(property: &mut XmlElement, scope: &NamespaceScope, indent: &str) -> Option<()> {
    if list(property).is_some() {
        return Some(());
    }
    let is_qualified = property
        .attributes
        .iter()
        .any(|attribute| attribute.name() != "xmlns" && !attribute.name().starts_with("xmlns:"));
    if is_qualified || property.elements().next().is_some() {
        return None;
    }
    let text = property.text();
    let mut prefixes = Prefixes::new(scope);
    let mut list = XmlElement::new(&mut prefixes, BAG);
    if !text.trim().is_empty() {
        list = list.with_children([XmlElement::new(&mut prefixes, LI).with_text(&text)]);
    }
    property.clear();
    property.push(with_missing_bindings(list, prefixes), indent);
    Some(())
}

fn blocks(rdf: &mut XmlElement) -> impl Iterator<Item = &mut XmlElement> {
    rdf.elements_mut().filter(|element| element.is(DESCRIPTION))
}

fn list_mut(property: &mut XmlElement) -> Option<&mut XmlElement> {
    property.find_mut(is_list)
}
