//! The chain of a history: which generations there are, and the hash of each manifest.

use std::path::Path;

use super::xml::{Step, Xml, escaped};
use super::{Fault, amiss};
use crate::atomic_file;
use crate::checksum::{Checksum, HashKind};

/// Generations of one history; more would be no history of a folder.
const MOST: usize = 100_000;

/// One generation in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) number: u32,
    /// The manifest's file name.
    pub(super) name: String,
    pub(super) hash: Checksum,
}

/// Reads a chain.
///
/// # Errors
/// When it cannot be read, is no chain, or names what is not beside it.
pub(super) fn read(path: &Path) -> Result<Vec<Link>, Fault> {
    atomic_file::refresh(path);
    let mut xml = Xml::open(path, &[])?;
    let mut links: Vec<Link> = Vec::new();
    let mut is_chain = false;
    let mut number = None;
    let mut name = None;
    let mut hash = None;
    while let Some(step) = xml.next()? {
        match step {
            Step::Open(tag) if !is_chain => {
                if tag.name != "ascmhldirectory" {
                    return Err(xml.malformed("it is no chain of ASC MHL"));
                }
                is_chain = true;
            }
            Step::Open(tag) if tag.name == "hashlist" => {
                number = tag
                    .attribute("sequencenr")
                    .and_then(|text| text.parse().ok());
                (name, hash) = (None, None);
            }
            Step::Open(_) => {}
            Step::Close { name: tag, text } => match tag.as_str() {
                "path" => name = Some(text),
                "hashlist" => {
                    let last = links.last().map_or(0, |link| link.number);
                    let link = link(number.take(), name.take(), hash.take(), last)
                        .map_err(|reason| xml.malformed(reason))?;
                    links.push(link);
                    if links.len() > MOST {
                        return Err(xml.malformed("more generations than can be"));
                    }
                }
                tag => {
                    if let Some(kind) = HashKind::named(tag) {
                        hash = Checksum::parse(kind, text.trim());
                        if hash.is_none() {
                            return Err(xml.malformed(format!("`{kind}` is no hash")));
                        }
                    }
                }
            },
        }
    }
    Ok(links)
}

fn link(
    number: Option<u32>,
    name: Option<String>,
    hash: Option<Checksum>,
    last: u32,
) -> Result<Link, &'static str> {
    let number = number.ok_or("a generation without its number")?;
    if number <= last {
        return Err("generations out of order");
    }
    let name = name.ok_or("a generation without the name of its manifest")?;
    if name.contains(['/', '\\']) || amiss(&name).is_some() {
        return Err("a manifest that is not beside the chain");
    }
    Ok(Link {
        number,
        name,
        hash: hash.ok_or("a generation without the hash of its manifest")?,
    })
}

/// A chain as a file holds it.
pub(super) fn written(links: &[Link]) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ascmhldirectory xmlns=\"urn:ASC:MHL:DIRECTORY:v2.0\">\n",
    );
    for link in links {
        let (number, name, hash) = (link.number, escaped(&link.name), &link.hash);
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
