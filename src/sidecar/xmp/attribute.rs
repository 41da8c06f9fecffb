//! Attributes of elements, which keep their source text until they are changed.

use std::ops::Range;
use std::rc::Rc;

use super::escape;
use super::names::XmlName;

/// Attribute with the blanks before it.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) written: String,
    name: Range<usize>,
    value: Range<usize>,
    /// Namespace of the prefix; empty if it has none.
    pub space: Rc<str>,
}

impl Attribute {
    /// Creates an attribute from an unescaped value.
    pub(super) fn new(name: &str, space: &str, plain: &str) -> Self {
        let written = format!(" {name}=\"{}\"", escape::escape_attribute(plain));
        Self {
            name: 1..name.len() + 1,
            value: name.len() + 3..written.len() - 1,
            space: Rc::from(space),
            written,
        }
    }

    /// Creates an attribute from its source text and the byte ranges of its name and value.
    pub(super) fn from_source(written: &str, name: Range<usize>, value: Range<usize>) -> Self {
        Self {
            written: written.to_owned(),
            name,
            value,
            space: Rc::from(""),
        }
    }

    /// Returns the qualified name.
    pub(super) fn name(&self) -> &str {
        &self.written[self.name.clone()]
    }

    /// Returns the unescaped value.
    pub(super) fn value(&self) -> String {
        escape::unescape_attribute(&self.written[self.value.clone()])
    }

    /// Returns true if the attribute has this namespace and local name.
    pub(super) fn is(&self, XmlName(space, local): XmlName) -> bool {
        *self.space == *space && local_of(self.name()) == local
    }

    pub(super) fn set(&mut self, plain: &str) {
        *self = Self {
            space: Rc::clone(&self.space),
            ..Self::new(self.name(), "", plain)
        };
    }
}

/// Returns a name without its prefix.
pub(super) fn local_of(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}
