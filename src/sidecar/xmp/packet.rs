//! What a sidecar says, whoever wrote it.

use super::XmpError;
use super::document::Document;
use super::element::Element;
use super::escape::unix_lines;
use super::last_synced::Written;
use super::names::{
    FOR_EXTENSION, GOOD, LOG_COMMENT, Name, RATING, REEL, SCENE, SHOT, SUBJECT, SUMMARY, TAKE,
    TITLE,
};
use super::rdf::properties;
use super::tracks::{self, XmpMarker};

/// What a sidecar says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packet {
    /// Keywords (`dc:subject`), as they are spelt there.
    pub tags: Vec<String>,
    /// Stars from 0 to 5, or -1 for rejected (`xmp:Rating`).
    pub rating: Option<i8>,
    /// Whether the shot is a keeper (`xmpDM:good`).
    pub good: Option<bool>,
    /// The title (`dc:title`), in the default language.
    pub title: Option<String>,
    /// What is to be seen (`dc:description`), in the default language.
    pub description: Option<String>,
    /// The log's comment (`xmpDM:logComment`).
    pub log_comment: Option<String>,
    /// The scene's name (`xmpDM:scene`).
    pub scene: Option<String>,
    /// The shot's name (`xmpDM:shotName`).
    pub shot: Option<String>,
    /// The take's number (`xmpDM:takeNumber`).
    pub take: Option<String>,
    /// The name of the tape or card (`xmpDM:tapeName`).
    pub reel: Option<String>,
    /// Markers of all tracks, and those in none.
    pub markers: Vec<XmpMarker>,
    /// The extension of the file that it belongs to (`photoshop:SidecarForExtension`).
    pub for_extension: Option<String>,
    /// What btsindex wrote of it the last time.
    pub written: Written,
}

impl Packet {
    /// Reads a whole sidecar file.
    ///
    /// # Errors
    /// When it is no well-formed XML of a bounded size, or there is no RDF in it.
    pub fn read(bytes: &[u8]) -> Result<Self, XmpError> {
        let document = Document::read(bytes)?;
        let rdf = document.rdf()?;
        let told = |name: Name| {
            let text = properties(rdf, name).next()?.text();
            (!text.trim().is_empty()).then(|| unix_lines(&text).into_owned())
        };
        Ok(Self {
            tags: tags(rdf, SUBJECT),
            rating: told(RATING).and_then(|text| rating(&text)),
            good: told(GOOD).and_then(|text| truth(&text)),
            title: told(TITLE),
            description: told(SUMMARY),
            log_comment: told(LOG_COMMENT),
            scene: told(SCENE),
            shot: told(SHOT),
            take: told(TAKE),
            reel: told(REEL),
            markers: tracks::markers(rdf),
            for_extension: told(FOR_EXTENSION),
            written: Written::read(rdf),
        })
    }
}

/// The texts of a list, without the blanks around them.
pub(super) fn tags(rdf: &Element, name: Name) -> Vec<String> {
    properties(rdf, name)
        .flat_map(|found| found.texts())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

/// A rating, in whole stars.
pub(super) fn rating(text: &str) -> Option<i8> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if !fraction.bytes().all(|digit| digit == b'0') {
        return None;
    }
    whole.parse().ok().filter(|stars| (-1..=5).contains(stars))
}

/// `True` or `False`, in whatever case.
pub(super) fn truth(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_are_whole_stars_or_none() {
        for (text, stars) in [
            ("4", Some(4)),
            (" 3.0 ", Some(3)),
            ("-1", Some(-1)),
            ("-1.00", Some(-1)),
            ("0", Some(0)),
            ("+5", Some(5)),
            ("6", None),
            ("-2", None),
            ("3.5", None),
            ("five", None),
            ("", None),
            (".0", None),
            ("3.0e0", None),
            ("99999999999", None),
        ] {
            assert_eq!(rating(text), stars, "{text}");
        }
    }
}
