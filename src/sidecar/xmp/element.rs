//! Elements of a document, which keep their source text until they are changed.

use std::rc::Rc;

use super::attribute::{Attribute, local_of};
use super::escape;
use super::names::XmlName;
use super::namespace_scope::Prefixes;

/// Child of an element, or a node next to the root element.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// Element with its children.
    Element(XmlElement),
    /// Text with unresolved references.
    Text(String),
    /// Content of a CDATA section.
    Cdata(String),
    /// Complete comment, processing instruction or XML declaration.
    Other(String),
}

/// XML element with its attributes and children.
#[derive(Debug, Clone)]
pub(super) struct XmlElement {
    /// Qualified name, as in the source.
    pub name: String,
    /// Namespace of the name; empty if it has none.
    pub space: Rc<str>,
    /// Attributes, including namespace bindings.
    pub attributes: Vec<Attribute>,
    /// Blanks before the end of the start tag.
    pub tail: String,
    pub children: Vec<Node>,
    /// Blanks in the end tag; `None` if it has no end tag.
    pub end: Option<String>,
}

impl Node {
    /// Returns true if the node is a text that contains only blanks.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.bytes().all(|b| b.is_ascii_whitespace()))
    }

    fn as_element(&self) -> Option<&XmlElement> {
        match self {
            Self::Element(element) => Some(element),
            _ => None,
        }
    }

    /// Appends the source text of the node to `to`.
    pub(super) fn write(&self, to: &mut String) {
        match self {
            Self::Element(element) => element.write(to),
            Self::Text(text) | Self::Other(text) => to.push_str(text),
            Self::Cdata(text) => {
                to.push_str("<![CDATA[");
                to.push_str(text);
                to.push_str("]]>");
            }
        }
    }
}

impl XmlElement {
    /// Creates an empty element.
    pub(super) fn new(prefixes: &mut Prefixes<'_>, name: XmlName) -> Self {
        Self {
            name: prefixes.qualified(name),
            space: Rc::from(name.0),
            attributes: Vec::new(),
            tail: String::new(),
            children: Vec::new(),
            end: None,
        }
    }

    /// Adds an attribute with an unescaped value.
    pub(super) fn with_attribute(
        mut self,
        prefixes: &mut Prefixes<'_>,
        name: XmlName,
        plain: &str,
    ) -> Self {
        let written = prefixes.qualified(name);
        self.attributes
            .push(Attribute::new(&written, name.0, plain));
        self
    }

    pub(super) fn with_text(mut self, plain: &str) -> Self {
        self.set_text(plain);
        self
    }

    pub(super) fn with_children(mut self, elements: impl IntoIterator<Item = Self>) -> Self {
        self.children
            .extend(elements.into_iter().map(Node::Element));
        self
    }

    /// Returns true if the element has this namespace and local name.
    pub(super) fn is(&self, XmlName(space, local): XmlName) -> bool {
        *self.space == *space && local_of(&self.name) == local
    }

    /// Iterates over the child elements.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(Node::as_element)
    }

    /// Iterates over the child elements for editing.
    pub(super) fn elements_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// Returns the first child element that satisfies a predicate.
    pub(super) fn find_mut(&mut self, predicate: impl Fn(&Self) -> bool) -> Option<&mut Self> {
        self.elements_mut().find(|element| predicate(element))
    }

    /// Returns the unescaped value of an attribute.
    pub(super) fn attribute(&self, name: XmlName) -> Option<String> {
        let attribute = self
            .attributes
            .iter()
            .find(|attribute| attribute.is(name))?;
        Some(attribute.value())
    }

    /// Returns the unescaped text of the element, without the text of its child elements.
    pub(super) fn text(&self) -> String {
        let mut plain = String::new();
        for node in &self.children {
            match node {
                Node::Text(text) => plain.push_str(&escape::unescape_text(text)),
                Node::Cdata(text) => plain.push_str(&escape::unix_lines(text)),
                Node::Element(_) | Node::Other(_) => {}
            }
        }
        plain
    }

    /// Replaces all content except comments and processing instructions with a text.
    pub(super) fn set_text(&mut self, plain: &str) {
        self.clear();
        self.children.push(Node::Text(escape::escape_text(plain)));
    }

    /// Removes all content except comments and processing instructions.
    pub(super) fn clear(&mut self) {
        self.children.retain(|node| matches!(node, Node::Other(_)));
    }

    /// Sets the value of an attribute if it exists. Returns true if it does.
    pub(super) fn set_attribute(&mut self, name: XmlName, plain: &str) -> bool {
        let found = self.attributes.iter_mut().find(|found| found.is(name));
        found.map(|attribute| attribute.set(plain)).is_some()
    }

    /// Removes an attribute. Returns true if it existed.
    pub(super) fn remove_attribute(&mut self, name: XmlName) -> bool {
        let before = self.attributes.len();
        self.attributes.retain(|attribute| !attribute.is(name));
        self.attributes.len() < before
    }

    /// Removes the child elements for which `is_kept` returns false, each with the blanks before
    /// it. Returns true if any element was removed.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&Self) -> bool) -> bool {
        let before = self.elements().count();
        let mut remaining: Vec<Node> = Vec::with_capacity(self.children.len());
        for node in std::mem::take(&mut self.children) {
            match &node {
                Node::Element(element) if !is_kept(element) => {
                    if remaining.last().is_some_and(Node::is_blank) {
                        remaining.pop();
                    }
                }
                _ => remaining.push(node),
            }
        }
        self.children = remaining;
        let any_removed = self.elements().count() < before;
        if any_removed && self.children.iter().all(Node::is_blank) {
            self.children.clear();
        }
        any_removed
    }

    /// Appends a child element with the same indentation as the other children. `indent` is the
    /// indentation of this element.
    pub(super) fn push(&mut self, mut child: Self, indent: &str) {
        let inner = self.inner_indent(indent);
        child.indent_children(&inner);
        if self.children.iter().all(Node::is_blank) {
            self.children.clear();
        }
        let is_first = self.children.is_empty();
        let end = match self.children.last() {
            Some(node) if node.is_blank() => self.children.pop(),
            _ => None,
        };
        if !inner.is_empty() {
            self.children.push(Node::Text(inner));
        }
        self.children.push(Node::Element(child));
        self.children.extend(end);
        if is_first && !indent.is_empty() {
            self.children.push(Node::Text(indent.to_owned()));
        }
    }

    /// Returns the text before each child element: a line break and indentation, or an empty text.
    /// `indent` is the indentation of this element.
    pub(super) fn inner_indent(&self, indent: &str) -> String {
        let first = self
            .children
            .iter()
            .position(|node| node.as_element().is_some());
        match first {
            Some(at) => self.indent_before(at),
            None if indent.is_empty() => String::new(),
            None => format!("{indent} "),
        }
    }

    /// Returns the line break and indentation before a child.
    fn indent_before(&self, at: usize) -> String {
        let before = at.checked_sub(1).and_then(|at| self.children.get(at));
        let Some(Node::Text(text)) = before.filter(|node| node.is_blank()) else {
            return String::new();
        };
        text.rfind('\n')
            .map_or_else(String::new, |line| text[line..].to_owned())
    }

    /// Puts each child of a new element on a separate line.
    fn indent_children(&mut self, indent: &str) {
        if indent.is_empty() || self.elements().next().is_none() {
            return;
        }
        let inner = format!("{indent} ");
        let children = std::mem::take(&mut self.children);
        for mut child in children {
            if let Node::Element(element) = &mut child {
                element.indent_children(&inner);
            }
            self.children.push(Node::Text(inner.clone()));
            self.children.push(child);
        }
        self.children.push(Node::Text(indent.to_owned()));
    }

    fn write(&self, to: &mut String) {
        to.push('<');
        to.push_str(&self.name);
        for attribute in &self.attributes {
            to.push_str(&attribute.written);
        }
        to.push_str(&self.tail);
        if self.children.is_empty() && self.end.is_none() {
            to.push_str("/>");
            return;
        }
        to.push('>');
        for child in &self.children {
            child.write(to);
        }
        to.push_str("</");
        to.push_str(&self.name);
        to.push_str(self.end.as_deref().unwrap_or_default());
        to.push('>');
    }
}
