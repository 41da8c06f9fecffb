//! Facts: values with their sources, and the trust in each source.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::FieldValue;

/// Source of a value: `container`, `sony-nrt-xml`, `rules`, `ffprobe 5.1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(Cow<'static, str>);

impl Source {
    /// The filesystem, for paths, sizes and times.
    pub const DISK: Self = Self(Cow::Borrowed("disk"));
    /// The file's modification time, used as the capture time if no better source is available.
    pub const MTIME: Self = Self(Cow::Borrowed("mtime"));
    /// A file or folder name.
    pub const NAME: Self = Self(Cow::Borrowed("name"));
    /// A Broadcast Wave `bext` chunk (EBU Tech 3285).
    pub const BWF: Self = Self(Cow::Borrowed("bwf"));
    /// An iXML chunk in a sound recorder's WAVE file.
    pub const IXML: Self = Self(Cow::Borrowed("ixml"));
    /// An XMP packet inside the file (ISO 16684-1).
    pub const XMP: Self = Self(Cow::Borrowed("xmp"));
    /// The header of the whole file.
    pub const CONTAINER: Self = Self(Cow::Borrowed("container"));
    /// The header of one stream.
    pub const STREAM: Self = Self(Cow::Borrowed("stream"));
    /// A camera maker's raw header, parsed by this program.
    pub const RAW_HEADER: Self = Self(Cow::Borrowed("raw-header"));
    /// `QuickTime` metadata keys, `com.apple.quicktime.…`.
    pub const QUICKTIME: Self = Self(Cow::Borrowed("quicktime-keys"));
    /// Sony's `NonRealTimeMeta` XML next to the clip.
    pub const SONY_XML: Self = Self(Cow::Borrowed("sony-nrt-xml"));
    /// DJI's telemetry subtitles next to the clip.
    pub const DJI_SRT: Self = Self(Cow::Borrowed("dji-srt"));
    /// An XMP sidecar next to the clip (ISO 16684-1).
    pub const XMP_FILE: Self = Self(Cow::Borrowed("xmp-sidecar"));

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

    /// Tag rules, for the tags that they assign.
    pub const RULES: Self = Self(Cow::Borrowed("rules"));
    /// Text next to the clip: subtitles or a transcript.
    pub const TEXT: Self = Self(Cow::Borrowed("text"));

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
        match self.0.as_ref() {
            ingest if ingest.starts_with("ingest:") => 70,
            "quicktime-keys" => 60,
            "sony-nrt-xml" | "dji-srt" | "xmp-sidecar" => 50,
            "bwf" => 30,
            rule if rule.starts_with("rule:") => 25,
            "name" => 20,
            "mtime" | "disk" => 10,
            _ => 40,
        }
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
