//! XML from a drive, read as a stream: manifests name hundreds of thousands of files, and
//! anybody may have written them.
//!
//! Namespaces are passed over, as the reference does; there are no DTDs, so no entities but the
//! five that XML itself has.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Take};
use std::path::{Path, PathBuf};

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::{Fault, is_xml};
use crate::checksum::{Checksum, HashKind, Hasher};
use crate::source_file;

/// Bytes of a manifest: some ten million files.
const MOST_BYTES: u64 = 2 << 30;
/// Bytes of one tag, text or comment.
const LONGEST: usize = 1 << 20;
/// Bytes of an element's text; paths end at 4096 on most systems.
const LONGEST_TEXT: usize = 64 << 10;
/// Elements within elements; a manifest has five, and what others add as metadata some more.
const DEEPEST: usize = 64;

/// The next thing that matters.
pub(super) enum Step {
    /// An element begins.
    Open(Tag),
    /// An element ends; the text is what stood in it when it held no others.
    Close {
        /// Its name, without a prefix.
        name: String,
        /// Its text.
        text: String,
    },
}

/// An element's name and attributes.
pub(super) struct Tag {
    /// Without a prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A file that is being read.
pub(super) struct Xml {
    path: PathBuf,
    reader: quick_xml::Reader<Metered>,
    buffer: Vec<u8>,
    text: String,
    depth: usize,
    /// The end of an element that was begun and ended by one tag.
    ended: Option<String>,
    is_begun: bool,
}

impl Xml {
    /// Opens a file, of which all bytes are hashed in those kinds as they pass.
    pub(super) fn open(path: &Path, kinds: &[HashKind]) -> Result<Self, Fault> {
        let file = source_file::open(path).map_err(Fault::path(path))?;
        let size = file.metadata().map_err(Fault::path(path))?.len();
        let mut reader = quick_xml::Reader::from_reader(Metered {
            inner: BufReader::with_capacity(1 << 16, file.take(MOST_BYTES)),
            hashers: kinds.iter().map(|kind| Hasher::new(*kind)).collect(),
            line: 1,
            left: LONGEST,
        });
        reader.config_mut().check_comments = true;
        let xml = Self {
            path: path.to_owned(),
            reader,
            buffer: Vec::new(),
            text: String::new(),
            depth: 0,
            ended: None,
            is_begun: false,
        };
        if size > MOST_BYTES {
            return Err(xml.malformed("it is larger than 2 GiB"));
        }
        Ok(xml)
    }

    /// A fault where the reading stands.
    pub(super) fn malformed(&self, reason: impl Into<String>) -> Fault {
        Fault::Malformed {
            path: self.path.clone(),
            line: self.reader.get_ref().line,
            reason: reason.into(),
        }
    }

    /// What comes next; `None` at the end of a whole document.
    pub(super) fn next(&mut self) -> Result<Option<Step>, Fault> {
        if let Some(name) = self.ended.take() {
            return Ok(Some(Step::Close {
                name,
                text: String::new(),
            }));
        }
        loop {
            self.buffer.clear();
            self.reader.get_mut().left = LONGEST;
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event.into_owned(),
                Err(quick_xml::Error::Io(fault)) if fault.get_ref().is_none() => {
                    return Err(Fault::path(&self.path)(io::Error::new(
                        fault.kind(),
                        fault.to_string(),
                    )));
                }
                Err(fault) => return Err(self.malformed(fault.to_string())),
            };
            if let Some(step) = self.step(&event)? {
                return Ok(Some(step));
            }
            if matches!(event, Event::Eof) {
                return Ok(None);
            }
        }
    }

    fn step(&mut self, event: &Event<'_>) -> Result<Option<Step>, Fault> {
        match event {
            Event::Start(start) => {
                self.depth += 1;
                return self.opened(start, self.depth == 1).map(Some);
            }
            Event::Empty(start) => {
                let step = self.opened(start, self.depth == 0)?;
                self.ended = Some(local(start.local_name().as_ref()));
                return Ok(Some(step));
            }
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                return Ok(Some(Step::Close {
                    name: local(end.local_name().as_ref()),
                    text: std::mem::take(&mut self.text),
                }));
            }
            Event::Text(text) => self.said(&text.xml10_content())?,
            Event::CData(text) => self.said(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let c = reference
                    .resolve_char_ref()
                    .map_err(|fault| self.malformed(fault.to_string()))?;
                match c.filter(|c| is_xml(*c)) {
                    Some(c) => self.said(c.encode_utf8(&mut [0; 4]))?,
                    None => match resolve_predefined_entity(&name) {
                        Some(text) => self.said(text)?,
                        None => return Err(self.malformed("an entity that XML does not know")),
                    },
                }
            }
            Event::DocType(_) => return Err(self.malformed("it has a document type")),
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose().ok().flatten();
                if encoding.is_some_and(|name| !is_utf8(&name)) {
                    return Err(self.malformed("its encoding is not UTF-8"));
                }
            }
            Event::Eof if self.depth > 0 || !self.is_begun => {
                return Err(self.malformed("it ends too early"));
            }
            Event::Comment(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(None)
    }

    fn opened(&mut self, start: &BytesStart<'_>, is_outermost: bool) -> Result<Step, Fault> {
        if self.depth > DEEPEST {
            return Err(self.malformed("elements stand too deep in each other"));
        }
        if is_outermost && std::mem::replace(&mut self.is_begun, true) {
            return Err(self.malformed("something follows its end"));
        }
        self.text.clear();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|fault| self.malformed(fault.to_string()))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|fault| self.malformed(fault.to_string()))?;
            if !value.chars().all(is_xml) {
                return Err(self.malformed("a character that XML cannot hold"));
            }
            let name = local(attribute.key.local_name().as_ref());
            attributes.push((name, value.into_owned()));
        }
        Ok(Step::Open(Tag {
            name: local(start.local_name().as_ref()),
            attributes,
        }))
    }

    fn said(&mut self, text: &str) -> Result<(), Fault> {
        if self.depth == 0
            && !text
                .trim_matches([' ', '\t', '\n', '\r', '\u{feff}'])
                .is_empty()
        {
            return Err(self.malformed("text outside its element"));
        }
        if self.text.len() + text.len() > LONGEST_TEXT {
            return Err(self.malformed("a text that is too long"));
        }
        if !text.chars().all(is_xml) {
            return Err(self.malformed("a character that XML cannot hold"));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Reads what is left, and says what all of it hashes to.
    pub(super) fn hashes(self) -> Result<Vec<Checksum>, Fault> {
        let mut metered = self.reader.into_inner();
        loop {
            metered.left = LONGEST;
            let length = metered.fill_buf().map_err(Fault::path(&self.path))?.len();
            if length == 0 {
                break;
            }
            metered.consume(length);
        }
        Ok(metered.hashers.into_iter().map(Hasher::finish).collect())
    }
}

fn local(name: impl AsRef<str>) -> String {
    name.as_ref().to_owned()
}

/// ASCII is UTF-8, too.
fn is_utf8(name: &str) -> bool {
    ["UTF-8", "UTF8", "US-ASCII", "ASCII"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Counts lines, hashes what passes, and lets no single event grow without bounds.
struct Metered {
    inner: BufReader<Take<File>>,
    hashers: Vec<Hasher>,
    line: usize,
    left: usize,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(into)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Metered {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.left;
        let bytes = self.inner.fill_buf()?;
        if left == 0 && !bytes.is_empty() {
            return Err(io::Error::other("a tag, text or comment that is too long"));
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

/// Writes a text so that it is read back as it is, within an element or a value.
pub(super) fn escaped(plain: &str) -> String {
    let mut written = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\t' => written.push_str("&#9;"),
            '\n' => written.push_str("&#10;"),
            // Parsers read a bare one as a line feed.
            '\r' => written.push_str("&#13;"),
            c => written.push(c),
        }
    }
    written
}
