//! Changes to a document: each touches one property, in the shape it was found in.

use super::XmpError;
use super::element::Element;
use super::names::{ABOUT, BAG, DESCRIPTION, LI, Name, Prefixes, Scope};
use super::rdf::{Found, is_list, items, list, set_leaf};

/// The properties of a file, to be changed.
pub(super) struct Editor<'a> {
    rdf: &'a mut Element,
    /// What prefixes stand for in `rdf`.
    scope: Scope,
}

impl<'a> Editor<'a> {
    /// Changes what is in `rdf`.
    pub(super) fn new(rdf: &'a mut Element, scope: Scope) -> Self {
        Self { rdf, scope }
    }

    /// The properties as they are now.
    pub(super) fn rdf(&self) -> &Element {
        self.rdf
    }

    /// Lets a property say one text, or takes it away.
    pub(super) fn set(&mut self, name: Name, plain: Option<&str>) {
        for block in blocks(self.rdf) {
            let is_there = match plain {
                Some(plain) => block.set_attribute(name, plain),
                None => block.remove_attribute(name),
            };
            if is_there {
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
            self.append(|prefixes| Element::new(prefixes, name).saying(plain));
        }
    }

    /// Puts a property in the place of whatever it was, or takes it away.
    pub(super) fn replace(
        &mut self,
        name: Name,
        made: impl FnOnce(&mut Prefixes<'_>) -> Option<Element>,
    ) {
        for block in blocks(self.rdf) {
            block.remove_attribute(name);
            block.retain(|element| !element.is(name));
        }
        self.append(made);
    }

    /// Takes items out of a list; the property goes with the last.
    pub(super) fn retain(&mut self, name: Name, is_kept: impl Fn(&Found<'_>) -> bool) {
        for block in blocks(self.rdf) {
            let attribute = block.attribute(name).map(Found::Text);
            if attribute.is_some_and(|text| !is_kept(&text)) {
                block.remove_attribute(name);
            }
            block.retain(|property| match list(property) {
                _ if !property.is(name) => true,
                None => is_kept(&Found::Element(property)),
                Some(list) => {
                    let is_empty = items(list).next().is_none();
                    is_empty || items(list).any(|item| is_kept(&Found::Element(item)))
                }
            });
            let properties = block.elements_mut().filter(|property| property.is(name));
            for list in properties.filter_map(list_mut) {
                list.retain(|item| !item.is(LI) || is_kept(&Found::Element(item)));
            }
        }
    }

    /// Puts items at the end of a list; one text becomes a list, and what is not there a new one.
    ///
    /// # Errors
    /// When the property is something else than a list or a text.
    pub(super) fn add(
        &mut self,
        name: Name,
        shown: &'static str,
        made: impl Fn(&mut Prefixes<'_>) -> Vec<Element>,
    ) -> Result<(), XmpError> {
        if let Some(text) = self.take_attribute(name) {
            self.append(|prefixes| {
                let mut all = vec![Element::new(prefixes, LI).saying(&text)];
                all.extend(made(prefixes));
                bag(prefixes, name, all)
            });
            return Ok(());
        }
        let own = self.rdf.inner_indent("");
        for block in blocks(self.rdf) {
            let scope = self.scope.within(&block.attributes);
            let own = block.inner_indent(&own);
            let Some(property) = block.find_mut(|element| element.is(name)) else {
                continue;
            };
            let scope = scope.within(&property.attributes);
            into_list(property, &scope, &own).ok_or(XmpError::NoList { property: shown })?;
            let own = property.inner_indent(&own);
            if let Some(list) = list_mut(property) {
                let scope = scope.within(&list.attributes);
                let mut prefixes = Prefixes::new(&scope);
                let mut all = made(&mut prefixes);
                let bindings: Vec<_> = prefixes.bindings().collect();
                for item in &mut all {
                    item.attributes.extend(bindings.iter().cloned());
                }
                for item in all {
                    list.push(item, &own);
                }
            }
            return Ok(());
        }
        self.append(|prefixes| {
            let all = made(prefixes);
            bag(prefixes, name, all)
        });
        Ok(())
    }

    /// Takes an attribute out of its block; gives what it said.
    fn take_attribute(&mut self, name: Name) -> Option<String> {
        let mut blocks = blocks(self.rdf);
        blocks.find_map(|block| {
            let text = block.attribute(name)?;
            block.remove_attribute(name);
            Some(text)
        })
    }

    /// Puts a property in the first block, or in a new one.
    fn append<P: Into<Option<Element>>>(&mut self, made: impl FnOnce(&mut Prefixes<'_>) -> P) {
        if blocks(self.rdf).next().is_none() {
            let mut prefixes = Prefixes::new(&self.scope);
            let block = Element::new(&mut prefixes, DESCRIPTION).with(&mut prefixes, ABOUT, "");
            self.rdf.push(bound(block, prefixes), "");
        }
        let own = self.rdf.inner_indent("");
        let Some(block) = blocks(self.rdf).next() else {
            return;
        };
        let scope = self.scope.within(&block.attributes);
        let mut prefixes = Prefixes::new(&scope);
        if let Some(property) = made(&mut prefixes).into() {
            block.push(bound(property, prefixes), &own);
        }
    }
}

/// A new element with the bindings that it needs.
fn bound(mut element: Element, prefixes: Prefixes<'_>) -> Element {
    element.attributes.extend(prefixes.bindings());
    element
}

fn bag(prefixes: &mut Prefixes<'_>, name: Name, items: Vec<Element>) -> Element {
    let bag = Element::new(prefixes, BAG).holding(items);
    Element::new(prefixes, name).holding([bag])
}

/// Makes a list of a property that is one text; `None` where it is neither.
fn into_list(property: &mut Element, scope: &Scope, own: &str) -> Option<()> {
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
    let mut list = Element::new(&mut prefixes, BAG);
    if !text.trim().is_empty() {
        list = list.holding([Element::new(&mut prefixes, LI).saying(&text)]);
    }
    property.clear();
    property.push(bound(list, prefixes), own);
    Some(())
}

fn blocks(rdf: &mut Element) -> impl Iterator<Item = &mut Element> {
    rdf.elements_mut().filter(|element| element.is(DESCRIPTION))
}

fn list_mut(property: &mut Element) -> Option<&mut Element> {
    property.find_mut(is_list)
}
