//! Streaming XML reader for manifests, which may list hundreds of thousands of files and come from
//! untrusted sources.
//!
//! Namespaces are ignored, as in the reference implementation. DTDs are rejected, so the only
//! entities are the five predefined ones.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Take};
use std::path::{Path, PathBuf};

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::MhlError;
use crate::checksum::{Checksum, HashKind, Hasher};
use crate::source_file;

/// Maximum size of a manifest in bytes. Enough for about ten million files.
const MAX_MANIFEST_BYTES: u64 = 2 << 30;
/// Maximum length of a tag, text or comment in bytes.
const MAX_EVENT_BYTES: usize = 1 << 20;
/// Maximum length of an element's text in bytes. Most systems limit paths to 4096 bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;
/// Maximum nesting depth of elements. A manifest needs five levels; metadata of other programs may
/// need more.
const MAX_DEPTH: usize = 64;

/// Start or end of an element.
pub(super) enum XmlEvent {
    /// Start of an element.
    Start(StartTag),
    /// End of an element. `text` is empty if the element contains other elements.
    End {
        /// Local name, without prefix.
        name: String,
        text: String,
    },
}

/// Name and attributes of an element.
pub(super) struct StartTag {
    /// Local name, without prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl StartTag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Returns true if XML 1.0 allows a character, directly or as a character reference.
pub(super) fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// Streaming reader of one XML file.
pub(super) struct XmlReader {
    path: PathBuf,
    reader: quick_xml::Reader<LimitedReader>,
    buffer: Vec<u8>,
    text: String,
    depth: usize,
    /// Name of a self-closing element whose `End` event was not returned yet.
    self_closed: Option<String>,
    has_root: bool,
}

impl XmlReader {
    /// Opens a file. All its bytes are hashed with all `kinds` as they are read.
    pub(super) fn open(path: &Path, kinds: &[HashKind]) -> Result<Self, MhlError> {
        let file = source_file::open(path).map_err(MhlError::path(path))?;
        let size = file.metadata().map_err(MhlError::path(path))?.len();
        let mut reader = quick_xml::Reader::from_reader(LimitedReader {
            inner: BufReader::with_capacity(1 << 16, file.take(MAX_MANIFEST_BYTES)),
            hashers: kinds.iter().map(|kind| Hasher::new(*kind)).collect(),
            line: 1,
            left: MAX_EVENT_BYTES,
        });
        reader.config_mut().check_comments = true;
        let xml = Self {
            path: path.to_owned(),
            reader,
            buffer: Vec::new(),
            text: String::new(),
            depth: 0,
            self_closed: None,
            has_root: false,
        };
        if size > MAX_MANIFEST_BYTES {
            return Err(xml.malformed("larger than 2 GiB"));
        }
        Ok(xml)
    }

    /// Creates an error at the current line.
    pub(super) fn malformed(&self, reason: impl Into<String>) -> MhlError {
        MhlError::Malformed {
            path: self.path.clone(),
            line: self.reader.get_ref().line,
            reason: reason.into(),
        }
    }

    /// Returns the next start or end of an element; `None` at the end of a complete document.
    pub(super) fn next(&mut self) -> Result<Option<XmlEvent>, MhlError> {
        if let Some(name) = self.self_closed.take() {
            return Ok(Some(XmlEvent::End {
                name,
                text: String::new(),
            }));
        }
        loop {
            self.buffer.clear();
            self.reader.get_mut().left = MAX_EVENT_BYTES;
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event.into_owned(),
                Err(quick_xml::Error::Io(error)) if error.get_ref().is_none() => {
                    return Err(MhlError::path(&self.path)(io::Error::new(
                        error.kind(),
                        error.to_string(),
                    )));
                }
                Err(error) => return Err(self.malformed(error.to_string())),
            };
            if let Some(event) = self.convert_event(&event)? {
                return Ok(Some(event));
            }
            if matches!(event, Event::Eof) {
                return Ok(None);
            }
        }
    }

    fn convert_event(&mut self, event: &Event<'_>) -> Result<Option<XmlEvent>, MhlError> {
        match event {
            Event::Start(start) => {
                self.depth += 1;
                return self.start_element(start, self.depth == 1).map(Some);
            }
            Event::Empty(start) => {
                let event = self.start_element(start, self.depth == 0)?;
                self.self_closed = Some(owned_name(start.local_name().as_ref()));
                return Ok(Some(event));
            }
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                return Ok(Some(XmlEvent::End {
                    name: owned_name(end.local_name().as_ref()),
                    text: std::mem::take(&mut self.text),
                }));
            }
            Event::Text(text) => self.push_text(&text.xml10_content())?,
            Event::CData(text) => self.push_text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let c = reference
                    .resolve_char_ref()
                    .map_err(|error| self.malformed(error.to_string()))?;
                match c.filter(|c| is_xml(*c)) {
                    Some(c) => self.push_text(c.encode_utf8(&mut [0; 4]))?,
                    None => match resolve_predefined_entity(&name) {
                        Some(text) => self.push_text(text)?,
                        None => return Err(self.malformed("an entity that XML does not define")),
                    },
                }
            }
            Event::DocType(_) => return Err(self.malformed("a DTD is not allowed")),
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose().ok().flatten();
                if encoding.is_some_and(|name| !is_utf8(&name)) {
                    return Err(self.malformed("the encoding is not UTF-8"));
                }
            }
            Event::Eof if self.depth > 0 || !self.has_root => {
                return Err(self.malformed("unexpected end of file"));
            }
            Event::Comment(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(None)
    }

    fn start_element(
        &mut self,
        start: &BytesStart<'_>,
        is_outermost: bool,
    ) -> Result<XmlEvent, MhlError> {
        if self.depth > MAX_DEPTH {
            return Err(self.malformed("elements are nested too deeply"));
        }
        if is_outermost && std::mem::replace(&mut self.has_root, true) {
            return Err(self.malformed("content after the root element"));
        }
        self.text.clear();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| self.malformed(error.to_string()))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.malformed(error.to_string()))?;
            if !value.chars().all(is_xml) {
                return Err(self.malformed("a character that XML does not allow"));
            }
            let name = owned_name(attribute.key.local_name().as_ref());
            attributes.push((name, value.into_owned()));
        }
        Ok(XmlEvent::Start(StartTag {
            name: owned_name(start.local_name().as_ref()),
            attributes,
        }))
    }

    fn push_text(&mut self, text: &str) -> Result<(), MhlError> {
        if self.depth == 0
            && !text
                .trim_matches([' ', '\t', '\n', '\r', '\u{feff}'])
                .is_empty()
        {
            return Err(self.malformed("text outside the root element"));
        }
        if self.text.len() + text.len() > MAX_TEXT_BYTES {
            return Err(self.malformed("text is too long"));
        }
        if !text.chars().all(is_xml) {
            return Err(self.malformed("a character that XML does not allow"));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Reads the rest of the file and returns the hashes of all its bytes.
    pub(super) fn finish(self) -> Result<Vec<Checksum>, MhlError> {
        let mut reader = self.reader.into_inner();
        loop {
            reader.left = MAX_EVENT_BYTES;
            let length = reader.fill_buf().map_err(MhlError::path(&self.path))?.len();
            if length == 0 {
                break;
            }
            reader.consume(length);
        }
        Ok(reader.hashers.into_iter().map(Hasher::finish).collect())
    }
}

fn owned_name(name: impl AsRef<str>) -> String {
    name.as_ref().to_owned()
}

/// Returns true if an encoding name stands for UTF-8 or its subset ASCII.
fn is_utf8(name: &str) -> bool {
    ["UTF-8", "UTF8", "US-ASCII", "ASCII"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Reader that counts lines, hashes all bytes and limits the size of a single event.
struct LimitedReader {
    inner: BufReader<Take<File>>,
    hashers: Vec<Hasher>,
    line: usize,
    left: usize,
}

impl Read for LimitedReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for LimitedReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.left;
        let bytes = self.inner.fill_buf()?;
        if left == 0 && !bytes.is_empty() {
            return Err(io::Error::other("a tag, text or comment is too long"));
        }
        Ok(bytes.get(..left).unwrap_or(bytes))
    }

    fn consume(&mut self, length: usize) {
        let bytes = self.inner.buffer();
        let bytes = bytes.get(..length).unwrap_or(bytes);
        for hasher in &mut self.hashers {
            hasher.update(bytes);
        }
        self.line += memchr::memchr_iter(b'\n', bytes).count();
        self.left = self.left.saturating_sub(length);
        self.inner.consume(length);
    }
}

/// Escapes text for element content and attribute values, so that parsers read it back unchanged.
pub(super) fn escape(plain: &str) -> String {
    let mut escaped = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            // Parsers convert an unescaped carriage return to a line feed.
            '\r' => escaped.push_str("&#13;"),
            c => escaped.push(c),
        }
    }
    escaped
}
