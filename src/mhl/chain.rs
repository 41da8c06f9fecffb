//! Chain file of a history (`ascmhl_chain.xml`): its generations, with the hash of each manifest.

use std::path::Path;

use super::MhlError;
use super::manifest_path::path_error;
use super::xml::{XmlEvent, XmlReader, escape};
use crate::atomic_file;
use crate::checksum::{Checksum, HashKind};

/// Maximum number of generations. A longer chain is not plausible.
const MAX_GENERATIONS: usize = 100_000;

/// The `hashlist` element of a chain: the entry of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainLink {
    pub(super) number: u32,
    /// File name of the manifest.
    pub(super) name: String,
    pub(super) hash: Checksum,
}

/// Reads a chain file.
///
/// # Errors
/// Returns an error if the file cannot be read, is not a chain, or names a manifest outside its own
/// folder.
pub(super) fn read(path: &Path) -> Result<Vec<ChainLink>, MhlError> {
    atomic_file::refresh(path);
    let mut xml = XmlReader::open(path, &[])?;
    let mut links: Vec<ChainLink> = Vec::new();
    let mut is_chain = false;
    let mut number = None;
    let mut name = None;
    let mut hash = None;
    while let Some(event) = xml.next()? {
        match event {
            XmlEvent::Start(tag) if !is_chain => {
                if tag.name != "ascmhldirectory" {
                    return Err(xml.malformed("not an ASC MHL chain"));
                }
                is_chain = true;
            }
            XmlEvent::Start(tag) if tag.name == "hashlist" => {
                number = tag
                    .attribute("sequencenr")
                    .and_then(|text| text.parse().ok());
                (name, hash) = (None, None);
            }
            XmlEvent::Start(_) => {}
            XmlEvent::End { name: tag, text } => match tag.as_str() {
                "path" => name = Some(text),
                "hashlist" => {
                    let last = links.last().map_or(0, |link| link.number);
                    let link = parse_link(number.take(), name.take(), hash.take(), last)
                        .map_err(|reason| xml.malformed(reason))?;
                    links.push(link);
                    if links.len() > MAX_GENERATIONS {
                        return Err(xml.malformed("too many generations"));
                    }
                }
                tag => {
                    if let Some(kind) = HashKind::from_name(tag) {
                        hash = Checksum::parse(kind, text.trim());
                        if hash.is_none() {
                            return Err(xml.malformed(format!("invalid `{kind}` hash")));
                        }
                    }
                }
            },
        }
    }
    Ok(links)
}

fn parse_link(
    number: Option<u32>,
    name: Option<String>,
    hash: Option<Checksum>,
    last: u32,
) -> Result<ChainLink, &'static str> {
    let number = number.ok_or("a generation without a number")?;
    if number <= last {
        return Err("generations out of order");
    }
    let name = name.ok_or("a generation without a manifest name")?;
    if name.contains(['/', '\\']) || path_error(&name).is_some() {
        return Err("a manifest outside the chain's folder");
    }
    Ok(ChainLink {
        number,
        name,
        hash: hash.ok_or("a generation without a manifest hash")?,
    })
}

/// Returns the text of a chain file.
pub(super) fn to_xml(links: &[ChainLink]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ascmhldirectory xmlns=\"urn:ASC:MHL:DIRECTORY:v2.0\">\n",
    );
    for link in links {
        let (number, name, hash) = (link.number, escape(&link.name), &link.hash);
        let kind = hash.kind();
        for line in [
            format!("  <hashlist sequencenr=\"{number}\">\n"),
            format!("    <path>{name}</path>\n    <{kind}>{hash}</{kind}>\n"),
            "  </hashlist>\n".to_owned(),
        ] {
            text.push_str(&line);
        }
    }
    text.push_str("</ascmhldirectory>\n");
    text
}
