//! Parsed content of an XMP sidecar of any program.

use super::XmpError;
use super::document::Document;
use super::element::XmlElement;
use super::escape::unix_lines;
use super::last_synced::LastSynced;
use super::names::{
    FOR_EXTENSION, GOOD, LOG_COMMENT, RATING, REEL, SCENE, SHOT, SUBJECT, SUMMARY, TAKE, TITLE,
    XmlName,
};
use super::rdf::properties;
use super::tracks::{self, XmpMarker};
use super::values::{parse_bool, parse_rating};

/// Content of an XMP sidecar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packet {
    /// Keywords (`dc:subject`) in their original spelling.
    pub tags: Vec<String>,
    /// Rating from 0 to 5 stars, or -1 for rejected (`xmp:Rating`).
    pub rating: Option<i8>,
    /// True for a good take (`xmpDM:good`).
    pub good: Option<bool>,
    /// Title (`dc:title`), in the default language.
    pub title: Option<String>,
    /// Description of the content (`dc:description`), in the default language.
    pub description: Option<String>,
    /// Log comment (`xmpDM:logComment`), with lines separated by line feeds.
    pub log_comment: Option<String>,
    /// Name of the scene (`xmpDM:scene`).
    pub scene: Option<String>,
    /// Name of the shot (`xmpDM:shotName`).
    pub shot: Option<String>,
    /// Number of the take (`xmpDM:takeNumber`).
    pub take: Option<String>,
    /// Name of the tape or card (`xmpDM:tapeName`).
    pub reel: Option<String>,
    /// Markers of all tracks, then those outside tracks.
    pub markers: Vec<XmpMarker>,
    /// Extension of the file that the sidecar belongs to (`photoshop:SidecarForExtension`).
    pub for_extension: Option<String>,
    /// Values that btsindex wrote in the last synchronization.
    pub last_synced: LastSynced,
}

impl Packet {
    /// Parses a whole sidecar file.
    ///
    /// # Errors
    /// Returns an error if the file is larger than the limit, is not well-formed XML, or contains
    /// no RDF.
    pub fn parse(bytes: &[u8]) -> Result<Self, XmpError> {
        let document = Document::parse(bytes)?;
        let rdf = document.rdf()?;
        let text_of = |name: XmlName| {
            let text = properties(rdf, name).next()?.text();
            (!text.trim().is_empty()).then(|| unix_lines(&text).into_owned())
        };
        Ok(Self {
            tags: list_texts(rdf, SUBJECT),
            rating: text_of(RATING).and_then(|text| parse_rating(&text)),
            good: text_of(GOOD).and_then(|text| parse_bool(&text)),
            title: text_of(TITLE),
            description: text_of(SUMMARY),
            log_comment: text_of(LOG_COMMENT),
            scene: text_of(SCENE),
            shot: text_of(SHOT),
            take: text_of(TAKE),
            reel: text_of(REEL),
            markers: tracks::markers(rdf),
            for_extension: text_of(FOR_EXTENSION),
            last_synced: LastSynced::from_rdf(rdf),
        })
    }
}

/// Returns the trimmed texts of a list property, without empty ones.
pub(super) fn list_texts(rdf: &XmlElement, name: XmlName) -> Vec<String> {
    properties(rdf, name)
        .flat_map(|found| found.texts())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}
