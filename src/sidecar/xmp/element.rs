//! The elements of a document, each as it was written until it is changed.

use std::ops::Range;
use std::rc::Rc;

use super::escape;
use super::names::{Name, Prefixes};

/// What stands in an element, or around the outermost one.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// An element.
    Element(Element),
    /// Text, with its references as they were written.
    Text(String),
    /// What a CDATA section holds.
    Cdata(String),
    /// A comment, a processing instruction or the XML declaration, whole.
    Other(String),
}

/// An element with all that is in it.
#[derive(Debug, Clone)]
pub(super) struct Element {
    /// Its name with its prefix.
    pub name: String,
    /// The namespace that the prefix stood for; empty where none.
    pub space: Rc<str>,
    /// Its attributes, bindings of prefixes among them.
    pub attributes: Vec<Attribute>,
    /// Blanks before the end of its start tag.
    pub tail: String,
    /// What is in it.
    pub children: Vec<Node>,
    /// Blanks in its end tag, where it has one.
    pub end: Option<String>,
}

/// An attribute, with the blanks before it.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    written: String,
    name: Range<usize>,
    value: Range<usize>,
    /// The namespace of its prefix; empty where it has none.
    pub space: Rc<str>,
}

impl Attribute {
    /// An attribute that is new.
    pub(super) fn new(name: &str, space: &str, plain: &str) -> Self {
        let written = format!(" {name}=\"{}\"", escape::value(plain));
        Self {
            name: 1..name.len() + 1,
            value: name.len() + 3..written.len() - 1,
            space: Rc::from(space),
            written,
        }
    }

    /// An attribute as it was written, with the places of its name and value.
    pub(super) fn written(written: &str, name: Range<usize>, value: Range<usize>) -> Self {
        Self {
            written: written.to_owned(),
            name,
            value,
            space: Rc::from(""),
        }
    }

    /// Its name with its prefix.
    pub(super) fn name(&self) -> &str {
        &self.written[self.name.clone()]
    }

    /// What it says.
    pub(super) fn value(&self) -> String {
        escape::meant_value(&self.written[self.value.clone()])
    }

    /// Whether it is called so.
    pub(super) fn is(&self, Name(space, local): Name) -> bool {
        *self.space == *space && local_of(self.name()) == local
    }

    fn set(&mut self, plain: &str) {
        *self = Self {
            space: Rc::clone(&self.space),
            ..Self::new(self.name(), "", plain)
        };
    }
}

/// A name without its prefix.
fn local_of(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

impl Node {
    /// Whether it is text of blanks only.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.bytes().all(|b| b.is_ascii_whitespace()))
    }

    fn as_element(&self) -> Option<&Element> {
        match self {
            Self::Element(element) => Some(element),
            _ => None,
        }
    }

    /// Writes it as it stands.
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

impl Element {
    /// An element that is new, with nothing in it.
    pub(super) fn new(prefixes: &mut Prefixes<'_>, name: Name) -> Self {
        Self {
            name: prefixes.qualified(name),
            space: Rc::from(name.0),
            attributes: Vec::new(),
            tail: String::new(),
            children: Vec::new(),
            end: None,
        }
    }

    /// With an attribute.
    pub(super) fn with(mut self, prefixes: &mut Prefixes<'_>, name: Name, plain: &str) -> Self {
        let written = prefixes.qualified(name);
        self.attributes
            .push(Attribute::new(&written, name.0, plain));
        self
    }

    /// With a text in it.
    pub(super) fn saying(mut self, plain: &str) -> Self {
        self.set_text(plain);
        self
    }

    /// With elements in it.
    pub(super) fn holding(mut self, elements: impl IntoIterator<Item = Self>) -> Self {
        self.children
            .extend(elements.into_iter().map(Node::Element));
        self
    }

    /// Whether it is called so.
    pub(super) fn is(&self, Name(space, local): Name) -> bool {
        *self.space == *space && local_of(&self.name) == local
    }

    /// The elements in it.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(Node::as_element)
    }

    /// The elements in it, to be changed.
    pub(super) fn elements_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The first of the elements in it that is so, to be changed.
    pub(super) fn find_mut(&mut self, is_so: impl Fn(&Self) -> bool) -> Option<&mut Self> {
        self.elements_mut().find(|element| is_so(element))
    }

    /// What an attribute says.
    pub(super) fn attribute(&self, name: Name) -> Option<String> {
        let found = self.attributes.iter().find(|found| found.is(name))?;
        Some(found.value())
    }

    /// What its own text says.
    pub(super) fn text(&self) -> String {
        let mut said = String::new();
        for node in &self.children {
            match node {
                Node::Text(text) => said.push_str(&escape::meant(text)),
                Node::Cdata(text) => said.push_str(&escape::unix_lines(text)),
                Node::Element(_) | Node::Other(_) => {}
            }
        }
        said
    }

    /// Says this and nothing else; attributes and comments stay.
    pub(super) fn set_text(&mut self, plain: &str) {
        self.clear();
        self.children.push(Node::Text(escape::text(plain)));
    }

    /// Says nothing; attributes and comments stay.
    pub(super) fn clear(&mut self) {
        self.children.retain(|node| matches!(node, Node::Other(_)));
    }

    /// Lets an attribute say something else; tells whether there is such a one.
    pub(super) fn set_attribute(&mut self, name: Name, plain: &str) -> bool {
        let found = self.attributes.iter_mut().find(|found| found.is(name));
        found.map(|attribute| attribute.set(plain)).is_some()
    }

    /// Takes an attribute away; tells whether there was such a one.
    pub(super) fn remove_attribute(&mut self, name: Name) -> bool {
        let before = self.attributes.len();
        self.attributes.retain(|attribute| !attribute.is(name));
        self.attributes.len() < before
    }

    /// Takes away the elements that are not kept, each with the blanks before it; tells
    /// whether one was.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&Self) -> bool) -> bool {
        let before = self.elements().count();
        let mut kept: Vec<Node> = Vec::with_capacity(self.children.len());
        for node in std::mem::take(&mut self.children) {
            match &node {
                Node::Element(element) if !is_kept(element) => {
                    if kept.last().is_some_and(Node::is_blank) {
                        kept.pop();
                    }
                }
                _ => kept.push(node),
            }
        }
        self.children = kept;
        let is_less = self.elements().count() < before;
        if is_less && self.children.iter().all(Node::is_blank) {
            self.children.clear();
        }
        is_less
    }

    /// Puts an element last, laid out as those before it; `own` is what this one stands after.
    pub(super) fn push(&mut self, mut child: Self, own: &str) {
        let inner = self.inner_indent(own);
        child.lay_out(&inner);
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
        if is_first && !own.is_empty() {
            self.children.push(Node::Text(own.to_owned()));
        }
    }

    /// What the elements in this one stand after: a new line and blanks, or nothing.
    pub(super) fn inner_indent(&self, own: &str) -> String {
        let first = self
            .children
            .iter()
            .position(|node| node.as_element().is_some());
        match first {
            Some(at) => self.indent_before(at),
            None if own.is_empty() => String::new(),
            None => format!("{own} "),
        }
    }

    /// The new line, and the blanks after it, that stand before a child.
    fn indent_before(&self, at: usize) -> String {
        let before = at.checked_sub(1).and_then(|at| self.children.get(at));
        let Some(Node::Text(text)) = before.filter(|node| node.is_blank()) else {
            return String::new();
        };
        text.rfind('\n')
            .map_or_else(String::new, |line| text[line..].to_owned())
    }

    /// Puts each element in a new one on a line of its own.
    fn lay_out(&mut self, own: &str) {
        if own.is_empty() || self.elements().next().is_none() {
            return;
        }
        let inner = format!("{own} ");
        let children = std::mem::take(&mut self.children);
        for mut child in children {
            if let Node::Element(element) = &mut child {
                element.lay_out(&inner);
            }
            self.children.push(Node::Text(inner.clone()));
            self.children.push(child);
        }
        self.children.push(Node::Text(own.to_owned()));
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
