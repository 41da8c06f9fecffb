//! Facts: values with their sources, and the trust in each source.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::FieldValue;

/// Source of a value: `container`, `sony-nrt-xml`, `rules`, `ffprobe 5.1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(Cow<'static, str>);

/// Declares the sources with fixed names: constant, name in the catalogue, and trust.
macro_rules! sources {
    ($(#[doc = $help:literal] $constant:ident = $name:literal, $trust:literal;)+) => {
        impl Source {
            $(#[doc = $help]
            pub const $constant: Self = Self(Cow::Borrowed($name));)+
        }

        /// Sources with fixed names, and the trust in each.
        const NAMED: &[(&str, u8)] = &[$(($name, $trust),)+];
    };
}

sources! {
    /// The filesystem, for paths, sizes and times.
    DISK = "disk", 10;
    /// The file's modification time, used as the capture time if no better source is available.
    MTIME = "mtime", 10;
    /// A file or folder name.
    NAME = "name", 20;
    /// A Broadcast Wave `bext` chunk (EBU Tech 3285).
    BWF = "bwf", 30;
    /// An iXML chunk in a sound recorder's WAVE file.
    IXML = "ixml", 40;
    /// An XMP packet inside the file (ISO 16684-1).
    XMP = "xmp", 40;
    /// The header of the whole file.
    CONTAINER = "container", 40;
    /// The header of one stream.
    STREAM = "stream", 40;
    /// A camera maker's raw header, parsed by this program.
    RAW_HEADER = "raw-header", 40;
    /// `QuickTime` metadata keys, `com.apple.quicktime.…`.
    QUICKTIME = "quicktime-keys", 60;
    /// Sony's `NonRealTimeMeta` XML next to the clip.
    SONY_XML = "sony-nrt-xml", 50;
    /// DJI's telemetry subtitles next to the clip.
    DJI_SRT = "dji-srt", 50;
    /// An XMP sidecar next to the clip (ISO 16684-1).
    XMP_FILE = "xmp-sidecar", 50;
    /// Tag rules, for the tags that they assign.
    RULES = "rules", 40;
    /// Text next to the clip: subtitles or a transcript.
    TEXT = "text", 40;
}

/// Trust in what an external tool reports, and in the edits of people, which are applied over all facts.
const OTHER_TRUST: u8 = 40;

impl Source {
    /// Returns the source for a value that an external tool reported; `name` includes its version.
    #[must_use]
    pub fn tool(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    /// Returns the source for a person's edit.
    #[must_use]
    pub fn person(name: &str) -> Self {
        Self(Cow::Owned(format!("person:{name}")))
    }

    /// Returns the source for a fact, other than a tag, that the named rule assigned.
    #[must_use]
    pub fn rule(name: &str) -> Self {
        Self(Cow::Owned(format!("rule:{name}")))
    }

    /// Returns the source for a fact in the shoot-day file of an ingest; `day` identifies it.
    #[must_use]
    pub fn ingest(day: &str) -> Self {
        Self(Cow::Owned(format!("ingest:{day}")))
    }

    /// Returns true if names or rules provided the value. Such a value can be derived again without
    /// the drive.
    #[must_use]
    pub fn is_from_names(&self) -> bool {
        self.0 == "name" || self.0 == "rules" || self.0.starts_with("rule:")
    }

    /// Returns the trust in this source. If two sources state a field, the more trusted one wins.
    ///
    /// The order for `captured`: the camera's own time with an offset; a sidecar; the container's
    /// time, which an export rewrites; a sound recorder's time; a date in the name; the file's
    /// modification time. A shoot-day file outranks every automatic source. A rule is written for
    /// particular footage, so it outranks a general naming scheme.
    #[must_use]
    pub fn trust(&self) -> u8 {
        let name = self.0.as_ref();
        if name.starts_with("ingest:") {
            return 70;
        }
        if name.starts_with("rule:") {
            return 25;
        }
        let named = NAMED.iter().find(|(known, _)| *known == name);
        named.map_or(OTHER_TRUST, |(_, trust)| *trust)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A field's value with its source, stored in the catalogue as `[value, source]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(T, Source)", into = "(T, Source)")]
#[serde(bound(
    serialize = "T: Clone + Serialize",
    deserialize = "T: Deserialize<'de>"
))]
pub struct Fact<T> {
    /// Value of the field.
    pub value: T,
    /// Source of the value.
    pub source: Source,
}

impl<T> Fact<T> {
    /// Creates a fact from a value and its source.
    pub fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }
}

impl<T: FieldValue> Fact<T> {
    /// Merges a fact into another: combines additive values, otherwise keeps the more trusted one.
    pub(super) fn merge(fact: &mut Option<Self>, other: Option<&Self>) {
        let Some(other) = other else { return };
        match fact {
            None => *fact = Some(other.clone()),
            Some(fact) if T::IS_ADDITIVE => fact.value.add(&other.value),
            Some(fact) if other.source.trust() > fact.source.trust() => *fact = other.clone(),
            Some(_) => {}
        }
    }
}

impl<T> From<(T, Source)> for Fact<T> {
    fn from((value, source): (T, Source)) -> Self {
        Self { value, source }
    }
}

impl<T> From<Fact<T>> for (T, Source) {
    fn from(fact: Fact<T>) -> Self {
        (fact.value, fact.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sources_are_distinct() {
        for (at, (name, _)) in NAMED.iter().enumerate() {
            assert!(NAMED[at + 1..].iter().all(|(other, _)| other != name));
        }
    }

    #[test]
    fn sources_are_trusted_in_the_documented_order() {
        let order = [
            Source::ingest("2026-05-02"),
            Source::QUICKTIME,
            Source::SONY_XML,
            Source::CONTAINER,
            Source::BWF,
            Source::rule("night"),
            Source::NAME,
            Source::MTIME,
        ];
        assert!(order.is_sorted_by(|one, next| one.trust() > next.trust()));
        for source in [
            Source::tool("ffprobe 5.1"),
            Source::person("anna"),
            Source::RULES,
        ] {
            assert_eq!(source.trust(), Source::STREAM.trust(), "{source}");
        }
    }
}
