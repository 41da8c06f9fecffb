//! Lossless XML document model of a sidecar.
//!
//! Other programs store their edits in these files. All content that this program does not
//! understand is written back unchanged.

use std::collections::HashSet;
use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, Event};

use super::XmpError;
use super::attribute::Attribute;
use super::element::{Node, XmlElement};
use super::encoding::Encoding;
use super::escape::{bad_reference, is_xml};
use super::names::{RDF_RDF, XMLNS};
use super::namespace_scope::NamespaceScope;
use super::start_tag::{RawStartTag, short};

/// Maximum nesting depth of elements. The parameters of a marker are at level 13.
const MAX_DEPTH: usize = 64;
/// Maximum number of elements, attributes and texts. An hour of transcribed speech takes about
/// 200,000.
const MAX_NODES: usize = 500_000;

/// XML document: the root element and the nodes around it.
#[derive(Debug)]
pub(super) struct Document {
    encoding: Encoding,
    nodes: Vec<Node>,
}

impl Document {
    /// Parses a whole document.
    ///
    /// # Errors
    /// Returns an error if the document is too large, nested too deeply, in an unknown encoding,
    /// not well-formed, or has a DTD.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, XmpError> {
        let (encoding, text) = Encoding::decode(bytes)?;
        if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_xml(*c)) {
            let reason = format!("U+{:04X} is not allowed in XML", u32::from(c));
            return Err(malformed(&text, at, reason));
        }
        let nodes = DocumentBuilder::new(&text, encoding).build()?;
        let document = Self { encoding, nodes };
        // Rejects a document that cannot be reproduced exactly, because writing it would lose
        // content.
        if document.text() != text {
            return Err(malformed(
                &text,
                0,
                "the document cannot be reproduced exactly",
            ));
        }
        Ok(document)
    }

    /// Serializes the document in its original encoding.
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

    /// Returns the `rdf:RDF` element: the root element or one of its children.
    ///
    /// # Errors
    /// Returns [`XmpError::NoRdf`] if there is none.
    pub(super) fn rdf(&self) -> Result<&XmlElement, XmpError> {
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

    /// Returns the `rdf:RDF` element for editing, and the namespace bindings in its scope.
    ///
    /// # Errors
    /// Returns [`XmpError::NoRdf`] if there is none.
    pub(super) fn rdf_mut(&mut self) -> Result<(&mut XmlElement, NamespaceScope), XmpError> {
        let root = self.nodes.iter_mut().find_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        });
        let root = root.ok_or(XmpError::NoRdf)?;
        let scope = NamespaceScope::default().with_bindings(&root.attributes);
        if root.is(RDF_RDF) {
            return Ok((root, scope));
        }
        let mut elements = root.elements_mut();
        let rdf = elements
            .find(|element| element.is(RDF_RDF))
            .ok_or(XmpError::NoRdf)?;
        let scope = scope.with_bindings(&rdf.attributes);
        Ok((rdf, scope))
    }
}

/// Creates an error that states the line of a byte position.
fn malformed(text: &str, at: usize, reason: impl Into<String>) -> XmpError {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    XmpError::Malformed {
        line: before.split(|byte| *byte == b'\n').count(),
        reason: reason.into(),
    }
}

/// Builder of the document tree from parser events.
struct DocumentBuilder<'a> {
    text: &'a str,
    encoding: Encoding,
    /// Byte position at which the current event starts.
    at: usize,
    node_count: usize,
    scope: NamespaceScope,
    /// Open elements, each with the prefixes that it binds.
    open: Vec<(XmlElement, Vec<String>)>,
    finished: Vec<Node>,
}

impl<'a> DocumentBuilder<'a> {
    fn new(text: &'a str, encoding: Encoding) -> Self {
        Self {
            text,
            encoding,
            at: 0,
            node_count: 0,
            scope: NamespaceScope::default(),
            open: Vec::new(),
            finished: Vec::new(),
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
            let source = self.text.get(self.at..end).unwrap_or_default();
            if matches!(event, Event::Eof) {
                break;
            }
            self.handle_event(&event, source)
                .map_err(|reason| malformed(self.text, self.at, reason))?;
            self.at = end;
        }
        if let Some((element, _)) = self.open.last() {
            let reason = format!("`{}` is not closed", short(&element.name));
            return Err(malformed(self.text, self.text.len(), reason));
        }
        Ok(self.finished)
    }

    fn handle_event(&mut self, event: &Event<'_>, source: &str) -> Result<(), String> {
        match event {
            Event::Start(_) => {
                if self.open.len() == MAX_DEPTH {
                    return Err(format!("elements are nested more than {MAX_DEPTH} deep"));
                }
                let element = self.start_element(strip_delimiters(source, "<", ">"))?;
                self.open.push(element);
                Ok(())
            }
            Event::Empty(_) => {
                let (element, bound) = self.start_element(strip_delimiters(source, "<", "/>"))?;
                self.scope.leave(&bound);
                self.add_node(Node::Element(element))
            }
            Event::End(_) => {
                let (mut element, bound) = self.open.pop().ok_or("end tag without a start tag")?;
                let end = strip_delimiters(source, "</", ">");
                element.end = Some(end.get(element.name.len()..).unwrap_or_default().to_owned());
                self.scope.leave(&bound);
                self.add_node(Node::Element(element))
            }
            Event::Text(_) | Event::GeneralRef(_) => self.add_text(source),
            Event::CData(_) => self.add_node(Node::Cdata(
                strip_delimiters(source, "<![CDATA[", "]]>").to_owned(),
            )),
            Event::Decl(declared) => {
                self.check_declaration(declared)?;
                self.add_node(Node::Other(source.to_owned()))
            }
            Event::Comment(_) | Event::PI(_) => self.add_node(Node::Other(source.to_owned())),
            Event::DocType(_) => Err("a DTD is not allowed in a sidecar".to_owned()),
            Event::Eof => Ok(()),
        }
    }

    /// Parses a start tag. Returns the element with its namespaces resolved, and the prefixes that
    /// the tag binds.
    fn start_element(&mut self, source: &str) -> Result<(XmlElement, Vec<String>), String> {
        let RawStartTag {
            name,
            mut attributes,
            tail,
        } = RawStartTag::parse(source)?;
        self.count_nodes(attributes.len())?;
        let bound = self.scope.enter(&attributes);
        let space = match name.split_once(':') {
            Some((prefix, _)) => self.namespace(prefix)?,
            None => self.scope.namespace("").unwrap_or_else(|| Rc::from("")),
        };
        let no_namespace: Rc<str> = Rc::from("");
        let mut names = HashSet::new();
        for attribute in &mut attributes {
            attribute.space = match attribute.name().split_once(':') {
                Some(("xmlns", _)) => Rc::from(XMLNS),
                Some((prefix, _)) => self.namespace(prefix)?,
                None => Rc::clone(&no_namespace),
            };
        }
        if let Some(duplicate) = attributes
            .iter()
            .find(|attribute| !names.insert(expanded_name(attribute)))
        {
            return Err(format!("duplicate attribute `{}`", short(duplicate.name())));
        }
        drop(names);
        let element = XmlElement {
            name: name.to_owned(),
            space,
            attributes,
            tail: tail.to_owned(),
            children: Vec::new(),
            end: None,
        };
        Ok((element, bound))
    }

    fn namespace(&self, prefix: &str) -> Result<Rc<str>, String> {
        let space = self.scope.namespace(prefix);
        space.ok_or_else(|| format!("undeclared prefix `{}`", short(prefix)))
    }

    fn count_nodes(&mut self, more: usize) -> Result<(), String> {
        self.node_count += more;
        if self.node_count > MAX_NODES {
            return Err(format!("more than {MAX_NODES} nodes"));
        }
        Ok(())
    }

    fn add_text(&mut self, source: &str) -> Result<(), String> {
        if let Some(name) = bad_reference(source) {
            return Err(format!("invalid reference `&{name};`"));
        }
        let last = self.open.last_mut();
        let last = last.and_then(|(element, _)| element.children.last_mut());
        if let Some(Node::Text(text)) = last {
            text.push_str(source);
            return Ok(());
        }
        self.add_node(Node::Text(source.to_owned()))
    }

    fn add_node(&mut self, node: Node) -> Result<(), String> {
        self.count_nodes(1)?;
        if let Some((element, _)) = self.open.last_mut() {
            element.children.push(node);
            return Ok(());
        }
        let is_root = |node: &Node| matches!(node, Node::Element(_));
        let is_allowed = match &node {
            Node::Element(_) => !self.finished.iter().any(is_root),
            Node::Text(_) => node.is_blank(),
            Node::Cdata(_) => false,
            Node::Other(_) => true,
        };
        if !is_allowed {
            return Err("content outside the root element".to_owned());
        }
        self.finished.push(node);
        Ok(())
    }

    fn check_declaration(&self, declared: &BytesDecl<'_>) -> Result<(), String> {
        if self.at != 0 {
            return Err("the XML declaration is not at the start".to_owned());
        }
        let version = declared.version().map_err(|error| error.to_string())?;
        if version != "1.0" {
            return Err(format!("XML {} is not supported", short(&version)));
        }
        match declared.encoding() {
            None => Ok(()),
            Some(Ok(encoding)) => self.encoding.check(&encoding),
            Some(Err(error)) => Err(error.to_string()),
        }
    }
}

/// Returns the expanded name of an attribute: its namespace and local name.
fn expanded_name(attribute: &Attribute) -> (Rc<str>, String) {
    let name = attribute.name();
    let local = match name.split_once(':') {
        Some((_, local)) => local,
        None => name,
    };
    (Rc::clone(&attribute.space), local.to_owned())
}

/// Strips the delimiters of a piece of markup.
fn strip_delimiters<'t>(source: &'t str, begin: &str, end: &str) -> &'t str {
    let source = source.strip_prefix(begin).unwrap_or(source);
    source.strip_suffix(end).unwrap_or(source)
}
