//! Prefixes of namespaces.
//!
//! A prefix has no meaning by itself. A document binds it to a namespace, and may bind it to
//! another one in an inner element.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::attribute::Attribute;
use super::names::{USUAL, XML, XMLNS, XmlName};

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
