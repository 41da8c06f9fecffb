//! A whole sidecar, kept as it was written.
//!
//! Other programs keep their edits in these files. What is not understood here is written
//! again letter by letter, so that nothing of theirs is lost.

use std::collections::HashSet;
use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, Event};

use super::XmpError;
use super::element::{Attribute, Element, Node};
use super::encoding::Encoding;
use super::escape::{bad_reference, is_xml};
use super::names::{RDF_RDF, Scope, XMLNS};
use super::tag::{Tag, short};

/// Elements within elements; a marker's parameters are thirteen deep.
const DEEPEST: usize = 64;
/// Elements, attributes and texts; an hour of transcribed speech has some 200,000.
const MOST_NODES: usize = 500_000;

/// A document: one element, and what stands around it.
#[derive(Debug)]
pub(super) struct Document {
    encoding: Encoding,
    nodes: Vec<Node>,
}

impl Document {
    /// Reads a whole document.
    ///
    /// # Errors
    /// When it is too large or too deep, its text cannot be read, or it is not well-formed XML
    /// without a DTD.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, XmpError> {
        let (encoding, text) = Encoding::decode(bytes)?;
        if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_xml(*c)) {
            let reason = format!("U+{:04X} cannot stand in XML", u32::from(c));
            return Err(malformed(&text, at, reason));
        }
        let nodes = Builder::new(&text, encoding).build()?;
        let document = Self { encoding, nodes };
        // What was not kept whole must not be written over the original.
        if document.text() != text {
            return Err(malformed(&text, 0, "it cannot be kept whole"));
        }
        Ok(document)
    }

    /// The document as a file holds it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.encoding.encode(&self.text())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            node.write(&mut text);
        }
        text
    }

    /// The element that holds all of the RDF: the outermost one, or one in it.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn rdf(&self) -> Result<&Element, XmpError> {
        let root = self.nodes.iter().find_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        });
        let root = root.ok_or(XmpError::NoRdf)?;
        if root.is(RDF_RDF) {
            return Ok(root);
        }
        let mut elements = root.elements();
        elements
            .find(|element| element.is(RDF_RDF))
            .ok_or(XmpError::NoRdf)
    }

    /// The same, to be changed, with what prefixes stand for in it.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn rdf_mut(&mut self) -> Result<(&mut Element, Scope), XmpError> {
        let root = self.nodes.iter_mut().find_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        });
        let root = root.ok_or(XmpError::NoRdf)?;
        let scope = Scope::default().within(&root.attributes);
        if root.is(RDF_RDF) {
            return Ok((root, scope));
        }
        let mut elements = root.elements_mut();
        let rdf = elements
            .find(|element| element.is(RDF_RDF))
            .ok_or(XmpError::NoRdf)?;
        let scope = scope.within(&rdf.attributes);
        Ok((rdf, scope))
    }
}

/// A fault, told with its line.
fn malformed(text: &str, at: usize, reason: impl Into<String>) -> XmpError {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    XmpError::Malformed {
        line: before.split(|byte| *byte == b'\n').count(),
        reason: reason.into(),
    }
}

/// Makes elements out of what the parser meets.
struct Builder<'a> {
    text: &'a str,
    encoding: Encoding,
    /// Where the part that is looked at begins.
    at: usize,
    nodes: usize,
    scope: Scope,
    /// Elements that were begun, each with the prefixes it binds.
    open: Vec<(Element, Vec<String>)>,
    done: Vec<Node>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, encoding: Encoding) -> Self {
        Self {
            text,
            encoding,
            at: 0,
            nodes: 0,
            scope: Scope::default(),
            open: Vec::new(),
            done: Vec::new(),
        }
    }

    fn build(mut self) -> Result<Vec<Node>, XmpError> {
        let mut reader = Reader::from_str(self.text);
        reader.config_mut().check_comments = true;
        loop {
            let event = reader.read_event().map_err(|error| {
                let at = usize::try_from(reader.error_position()).unwrap_or(self.at);
                malformed(self.text, at, error.to_string())
            })?;
            let end = usize::try_from(reader.buffer_position()).unwrap_or(self.text.len());
            let written = self.text.get(self.at..end).unwrap_or_default();
            if matches!(event, Event::Eof) {
                break;
            }
            self.take(&event, written)
                .map_err(|reason| malformed(self.text, self.at, reason))?;
            self.at = end;
        }
        if let Some((element, _)) = self.open.last() {
            let reason = format!("`{}` is not closed", short(&element.name));
            return Err(malformed(self.text, self.text.len(), reason));
        }
        Ok(self.done)
    }

    fn take(&mut self, event: &Event<'_>, written: &str) -> Result<(), String> {
        match event {
            Event::Start(_) => {
                if self.open.len() == DEEPEST {
                    return Err(format!("elements stand more than {DEEPEST} deep"));
                }
                let opened = self.opened(inside(written, "<", ">"))?;
                self.open.push(opened);
                Ok(())
            }
            Event::Empty(_) => {
                let (element, bound) = self.opened(inside(written, "<", "/>"))?;
                self.scope.leave(&bound);
                self.put(Node::Element(element))
            }
            Event::End(_) => {
                let (mut element, bound) = self.open.pop().ok_or("nothing is open")?;
                let end = inside(written, "</", ">");
                element.end = Some(end.get(element.name.len()..).unwrap_or_default().to_owned());
                self.scope.leave(&bound);
                self.put(Node::Element(element))
            }
            Event::Text(_) | Event::GeneralRef(_) => self.put_text(written),
            Event::CData(_) => {
                self.put(Node::Cdata(inside(written, "<![CDATA[", "]]>").to_owned()))
            }
            Event::Decl(declared) => {
                self.check(declared)?;
                self.put(Node::Other(written.to_owned()))
            }
            Event::Comment(_) | Event::PI(_) => self.put(Node::Other(written.to_owned())),
            Event::DocType(_) => Err("a DTD has no place in a sidecar".to_owned()),
            Event::Eof => Ok(()),
        }
    }

    /// The element that a start tag begins, its names bound, and the prefixes that it binds.
    fn opened(&mut self, written: &str) -> Result<(Element, Vec<String>), String> {
        let Tag {
            name,
            mut attributes,
            tail,
        } = Tag::read(written)?;
        self.count(attributes.len())?;
        let bound = self.scope.enter(&attributes);
        let space = match name.split_once(':') {
            Some((prefix, _)) => self.bound(prefix)?,
            None => self.scope.space("").unwrap_or_else(|| Rc::from("")),
        };
        let nothing: Rc<str> = Rc::from("");
        let mut known = HashSet::new();
        for attribute in &mut attributes {
            attribute.space = match attribute.name().split_once(':') {
                Some(("xmlns", _)) => Rc::from(XMLNS),
                Some((prefix, _)) => self.bound(prefix)?,
                None => Rc::clone(&nothing),
            };
        }
        if let Some(twice) = attributes.iter().find(|one| !known.insert(expanded(one))) {
            return Err(format!(
                "the attribute `{}` stands twice",
                short(twice.name())
            ));
        }
        drop(known);
        let element = Element {
            name: name.to_owned(),
            space,
            attributes,
            tail: tail.to_owned(),
            children: Vec::new(),
            end: None,
        };
        Ok((element, bound))
    }

    fn bound(&self, prefix: &str) -> Result<Rc<str>, String> {
        let space = self.scope.space(prefix);
        space.ok_or_else(|| format!("the prefix `{}` stands for nothing", short(prefix)))
    }

    fn count(&mut self, more: usize) -> Result<(), String> {
        self.nodes += more;
        if self.nodes > MOST_NODES {
            return Err(format!("it has more than {MOST_NODES} parts"));
        }
        Ok(())
    }

    fn put_text(&mut self, written: &str) -> Result<(), String> {
        if let Some(name) = bad_reference(written) {
            return Err(format!("`&{name};` is not known"));
        }
        let last = self.open.last_mut();
        let last = last.and_then(|(element, _)| element.children.last_mut());
        if let Some(Node::Text(text)) = last {
            text.push_str(written);
            return Ok(());
        }
        self.put(Node::Text(written.to_owned()))
    }

    fn put(&mut self, node: Node) -> Result<(), String> {
        self.count(1)?;
        if let Some((element, _)) = self.open.last_mut() {
            element.children.push(node);
            return Ok(());
        }
        let is_root = |node: &Node| matches!(node, Node::Element(_));
        let fits = match &node {
            Node::Element(_) => !self.done.iter().any(is_root),
            Node::Text(_) => node.is_blank(),
            Node::Cdata(_) => false,
            Node::Other(_) => true,
        };
        if !fits {
            return Err("something stands beside the outermost element".to_owned());
        }
        self.done.push(node);
        Ok(())
    }

    fn check(&self, declared: &BytesDecl<'_>) -> Result<(), String> {
        if self.at != 0 {
            return Err("the XML declaration does not stand first".to_owned());
        }
        let version = declared.version().map_err(|error| error.to_string())?;
        if version != "1.0" {
            return Err(format!("XML {} is not read", short(&version)));
        }
        match declared.encoding() {
            None => Ok(()),
            Some(Ok(encoding)) => self.encoding.check(&encoding),
            Some(Err(error)) => Err(error.to_string()),
        }
    }
}

/// An attribute's name, told by its namespace.
fn expanded(attribute: &Attribute) -> (Rc<str>, String) {
    let name = attribute.name();
    let local = match name.split_once(':') {
        Some((_, local)) => local,
        None => name,
    };
    (Rc::clone(&attribute.space), local.to_owned())
}

/// What stands between the two ends of a part.
fn inside<'t>(written: &'t str, begin: &str, end: &str) -> &'t str {
    let written = written.strip_prefix(begin).unwrap_or(written);
    written.strip_suffix(end).unwrap_or(written)
}
