//! A value with its source, and how far each source is trusted.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Value;

/// Where a value came from: `container`, `sony-nrt-xml`, `rules`, `ffprobe 5.1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(Cow<'static, str>);

impl Source {
    /// The file system.
    pub const DISK: Self = Self(Cow::Borrowed("disk"));
    /// The file's modification time, when nothing better dates a shot.
    pub const MTIME: Self = Self(Cow::Borrowed("mtime"));
    /// A file or folder name.
    pub const NAME: Self = Self(Cow::Borrowed("name"));
    /// A Broadcast Wave `bext` chunk (EBU Tech 3285).
    pub const BWF: Self = Self(Cow::Borrowed("bwf"));
    /// iXML in a sound recorder's WAVE file.
    pub const IXML: Self = Self(Cow::Borrowed("ixml"));
    /// An XMP packet inside the file (ISO 16684-1).
    pub const XMP: Self = Self(Cow::Borrowed("xmp"));
    /// The header of the whole file.
    pub const CONTAINER: Self = Self(Cow::Borrowed("container"));
    /// The header of one stream.
    pub const STREAM: Self = Self(Cow::Borrowed("stream"));
    /// A camera maker's raw header, read here.
    pub const RAW_HEADER: Self = Self(Cow::Borrowed("raw-header"));
    /// `QuickTime` metadata keys, `com.apple.quicktime.…`.
    pub const QUICKTIME: Self = Self(Cow::Borrowed("quicktime-keys"));
    /// Sony's `NonRealTimeMeta` XML beside the clip.
    pub const SONY_XML: Self = Self(Cow::Borrowed("sony-nrt-xml"));
    /// DJI's telemetry subtitles beside the clip.
    pub const DJI_SRT: Self = Self(Cow::Borrowed("dji-srt"));
    /// An XMP sidecar beside the clip (ISO 16684-1).
    pub const XMP_FILE: Self = Self(Cow::Borrowed("xmp-sidecar"));

    /// A tool and its version, for what it could not read.
    #[must_use]
    pub fn tool(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    /// A person, by name.
    #[must_use]
    pub fn person(name: &str) -> Self {
        Self(Cow::Owned(format!("person:{name}")))
    }

    /// The rules, for the tags they gave.
    pub const RULES: Self = Self(Cow::Borrowed("rules"));
    /// Text that lies beside the clip: subtitles, a transcript.
    pub const TEXT: Self = Self(Cow::Borrowed("text"));

    /// A rule, by its name, for what else than tags it gave.
    #[must_use]
    pub fn rule(name: &str) -> Self {
        Self(Cow::Owned(format!("rule:{name}")))
    }

    /// What was said of a shoot day when its cards were taken in, by the day.
    #[must_use]
    pub fn ingest(day: &str) -> Self {
        Self(Cow::Owned(format!("ingest:{day}")))
    }

    /// Whether names and rules gave it, which can be asked again without the drive.
    #[must_use]
    pub fn is_of_names(&self) -> bool {
        self.0 == "name" || self.0 == "rules" || self.0.starts_with("rule:")
    }

    /// How far it is trusted; of two facts of one field, the higher stays.
    ///
    /// The order for `captured`: what the camera wrote as its own time, with an offset;
    /// a sidecar; the container's time, which exporting rewrites; a sound recorder's; a
    /// date in the name; the time of the file. What was said of a shoot day is above all that machines
    /// found out. What a rule says was written for these files, so
    /// it is worth more than what any name of that form says.
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

/// A field's value with its source; kept in the catalogue as `[value, source]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(T, Source)", into = "(T, Source)")]
#[serde(bound(
    serialize = "T: Clone + Serialize",
    deserialize = "T: Deserialize<'de>"
))]
pub struct Fact<T> {
    /// What is so.
    pub value: T,
    /// Who says so.
    pub source: Source,
}

impl<T> Fact<T> {
    /// A value from a source.
    pub fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }
}

impl<T: Value> Fact<T> {
    /// Combines two answers to one question into the first.
    pub(super) fn merge(mine: &mut Option<Self>, other: Option<&Self>) {
        let Some(other) = other else { return };
        match mine {
            None => *mine = Some(other.clone()),
            Some(fact) if T::ADDS_UP => fact.value.add(&other.value),
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
