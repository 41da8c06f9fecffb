//! The clip and the table of its fields.
//!
//! The table generates the struct, its JSON, the schema and documents of the index, the field names
//! of queries, and the output of `btsindex fields`. A new field needs one row here and one line in
//! the stage that fills it.

mod copies;
mod derived;
mod edit;
mod facets;
mod fact;
mod field_type;
mod time_position;

use serde::{Deserialize, Serialize};

pub use copies::{ClipPath, FileCopy, FileState, FrameRun, VolumeLabels, split_frame_number};
pub use derived::overlaps_timecodes;
pub use edit::{
    Action, Edit, EditContent, EditId, MAX_CLOCK, MAX_STARS, decided_tags, decided_tags_renamed,
    in_effect, short_id,
};
pub use facets::{Facet, facet, facets};
pub use fact::{Fact, Source};
pub use field_type::{FieldFilter, FieldKind, FieldValue, IndexCell};

use crate::value::{
    Bytes, ClockCorrection, Duration, Fingerprint, GeoPoint, Hdr, Malformed, Markers, Notes,
    Orientation, Projection, Rate, ScanOrder, Selection, Stereo, Tags, Timecode, VideoRange,
    WallTime,
};

/// Stage that provides a field's value, which decides how a rescan treats the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The filesystem: paths, sizes and times of the copies.
    Disk,
    /// Headers and streams of the media file.
    Probe,
    /// The media file, or a file that the camera wrote next to it.
    Sidecar,
    /// A rule that derives it from names and other facts.
    Rule,
    /// The shoot-day file of the ingest.
    Ingest,
    /// An edit by a person; scans never change the value.
    Person,
}

impl Origin {
    /// Returns the origin as one word, for `btsindex fields`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Probe => "probe",
            Self::Sidecar => "sidecar",
            Self::Rule => "rule",
            Self::Ingest => "ingest",
            Self::Person => "person",
        }
    }
}

/// One row of the field table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in queries, output and JSON.
    pub name: &'static str,
    /// Description for `btsindex fields`, without a full stop.
    pub help: &'static str,
    /// Stage that provides the value.
    pub origin: Origin,
    /// Data type, which decides how the field is indexed and queried.
    pub kind: FieldKind,
    /// True if the field can be used as a facet.
    pub facet: bool,
    /// Weight of a plain search word that matches here; zero excludes the field from plain
    /// searches.
    pub weight: f32,
    /// True for prose, in which a word matches in all its English forms.
    pub prose: bool,
    /// Other names for queries. Several fields may share an alias.
    pub aliases: &'static [&'static str],
    /// Formats the value for people.
    pub text: fn(&Clip) -> Option<String>,
    /// Converts the value to JSON.
    pub json: fn(&Clip) -> Option<serde_json::Value>,
    /// Returns the source of the value.
    pub source: fn(&Clip) -> Option<&Source>,
    /// Returns the values to index.
    pub cells: fn(&Clip) -> Vec<IndexCell>,
    /// Parses the value of `field:text` in a query.
    pub parse_filter: fn(&str) -> Result<FieldFilter, Malformed>,
}

/// Optional settings of a row.
struct Options {
    facet: bool,
    weight: f32,
    prose: bool,
    aliases: &'static [&'static str],
}

const DEFAULTS: Options = Options {
    facet: false,
    weight: 0.0,
    prose: false,
    aliases: &[],
};

macro_rules! clip {
    ($(#[doc = $help:literal] $name:ident: $type:ty = $origin:ident { $($option:ident: $value:expr),* };)+) => {
        /// All facts of one clip; `None` means unknown, never zero.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Clip {
            $(#[doc = $help]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $name: Option<Fact<$type>>,)+
            /// Copies, best first: those present on a mounted volume, then by path.
            #[serde(skip)]
            pub files: Vec<FileCopy>,
        }

        impl Clip {
            /// Adds the facts of `other`. If both sources are equally trusted, keeps the existing value.
            pub fn merge(&mut self, other: &Self) {
                $(Fact::merge(&mut self.$name, other.$name.as_ref());)+
            }

            /// Removes every fact whose source does not satisfy `is_kept`.
            pub fn retain_sources(&mut self, is_kept: impl Fn(&Source) -> bool) {
                $(self.$name.take_if(|fact| !is_kept(&fact.source));)+
            }
        }

        /// All fields, in display order.
        pub const FIELDS: &[Field] = &[$({
            #[allow(clippy::needless_update, reason = "some rows set every option")]
            const OPTIONS: Options = Options { $($option: $value,)* ..DEFAULTS };
            Field {
                name: stringify!($name),
                help: $help.trim_ascii(),
                origin: Origin::$origin,
                kind: <$type as FieldValue>::KIND,
                facet: OPTIONS.facet,
                weight: OPTIONS.weight,
                prose: OPTIONS.prose,
                aliases: OPTIONS.aliases,
                text: |clip| clip.$name.as_ref().map(|fact| fact.value.text()),
                json: |clip| clip.$name.as_ref()?.value.json(),
                source: |clip| clip.$name.as_ref().map(|fact| &fact.source),
                cells: |clip| clip.$name.as_ref().map_or_else(Vec::new, |fact| fact.value.cells()),
                parse_filter: <$type as FieldValue>::parse_filter,
            }
        },)+];
    };
}

/// Lists names of fields; a name that is not in the table does not compile.
macro_rules! field_names {
    ($($name:ident),+ $(,)?) => {
        [$({
            let _exists = |clip: &$crate::clip::Clip| clip.$name.is_some();
            stringify!($name)
        },)+]
    };
}
pub(crate) use field_names;

clip! {
    /// content fingerprint, 32 hex digits; absent until the file has been read
    id: Fingerprint = Disk {};
    /// file name of the best copy
    name: String = Disk { weight: 4.0 };
    /// path of the best copy, or its last known path
    path: ClipPath = Disk { weight: 1.5, prose: true, aliases: &["folder"] };
    /// path of the best copy as hex bytes, only if it is not UTF-8
    path_bytes: String = Disk {};
    /// label of the best copy's volume; a query matches the volume of any copy
    volume: VolumeLabels = Disk { facet: true };
    /// number of copies that are not missing
    copies: u32 = Disk { facet: true };
    /// size of the file, or of all frames of an image sequence
    bytes: Bytes = Disk { aliases: &["size"] };
    /// modification time of the file, UTC
    modified: WallTime = Disk {};
    /// number of frames of an image sequence
    frames: u32 = Disk {};
    /// container format of the file
    container: String = Probe { facet: true, aliases: &["format"] };
    /// running time of the clip
    duration: Duration = Probe { aliases: &["dur", "length"] };
    /// video codec
    video_codec: String = Probe { facet: true, aliases: &["codec"] };
    /// profile of the video codec
    profile: String = Probe { facet: true };
    /// level of the video codec
    level: String = Probe {};
    /// coded width in pixels
    width: u32 = Probe {};
    /// coded height in pixels
    height: u32 = Probe {};
    /// displayed width, upright and with square pixels
    display_width: u32 = Probe {};
    /// displayed height, upright and with square pixels
    display_height: u32 = Probe {};
    /// orientation of the displayed picture
    orientation: Orientation = Probe { facet: true };
    /// clockwise rotation in degrees that turns the coded picture upright
    rotation: u32 = Probe {};
    /// frames per second
    rate: Rate = Probe { facet: true, aliases: &["fps"] };
    /// whether the frame rate is variable
    is_vfr: bool = Probe { aliases: &["vfr"] };
    /// progressive, or interlaced with the top or bottom field first
    scan_order: ScanOrder = Probe { facet: true };
    /// pixel format, by its ffmpeg name
    pixel_format: String = Probe { facet: true };
    /// bits per component
    bit_depth: u32 = Probe { facet: true, aliases: &["bits"] };
    /// chroma subsampling as J:a:b
    chroma_subsampling: String = Probe { facet: true, aliases: &["chroma"] };
    /// colour primaries of the picture
    primaries: String = Probe { facet: true };
    /// transfer characteristic of the picture
    transfer: String = Probe { facet: true };
    /// matrix that converts luma and chroma to RGB
    matrix: String = Probe { facet: true };
    /// range of code values used for the picture
    range: VideoRange = Probe { facet: true };
    /// high-dynamic-range format
    hdr: Hdr = Probe { facet: true };
    /// video bit rate in bits per second
    video_bitrate: u64 = Probe {};
    /// audio codec
    audio_codec: String = Probe { facet: true, aliases: &["codec"] };
    /// number of audio tracks
    audio_tracks: u32 = Probe { facet: true };
    /// number of audio channels in all tracks
    audio_channels: u32 = Probe { facet: true, aliases: &["channels"] };
    /// speaker layout of the first audio track
    audio_layout: String = Probe { facet: true };
    /// audio samples per second
    sample_rate: u32 = Probe { facet: true };
    /// timecode of the first frame
    start_timecode: Timecode = Sidecar {};
    /// timecode of the last frame
    end_timecode: Timecode = Sidecar {};
    /// name of the reel, card or tape
    reel: String = Sidecar { facet: true, weight: 2.0 };
    /// letter of the camera in its production
    camera_letter: String = Rule { facet: true };
    /// number of the clip on its reel or card
    clip_number: u32 = Rule { aliases: &["clip"] };
    /// part number of a recording that the camera split
    chapter: u32 = Rule {};
    /// scene, as on the slate
    scene: String = Rule { facet: true, weight: 2.0 };
    /// take number, as on the slate
    take: u32 = Rule { facet: true };
    /// number of the shoot day
    shoot_day: u32 = Rule { facet: true };
    /// production it was shot for
    production: String = Rule { facet: true, weight: 2.0, aliases: &["project"] };
    /// date of the shoot day, such as 2026-05-02; a night shoot belongs to the day it began
    shoot_date: String = Ingest { facet: true };
    /// name of the location
    location: String = Ingest { facet: true, weight: 2.0 };
    /// crew members by role
    crew: String = Ingest { weight: 1.0 };
    /// time of recording by the camera's clock, with the UTC offset if known
    captured: WallTime = Sidecar { aliases: &["date"] };
    /// correction of the camera's clock, such as `+01:02:00`
    clock: ClockCorrection = Ingest {};
    /// capture time before the clock correction
    recorded: WallTime = Ingest {};
    /// maker and model of the camera or recorder
    camera: String = Sidecar { facet: true, weight: 2.0, aliases: &["cam"] };
    /// maker of the camera or recorder
    make: String = Sidecar { facet: true };
    /// model of the camera or recorder
    model: String = Sidecar { facet: true };
    /// name of the lens
    lens: String = Sidecar { facet: true, weight: 2.0 };
    /// firmware or program that wrote the file
    software: String = Sidecar { facet: true };
    /// position of the camera, latitude and longitude in degrees
    gps: GeoPoint = Sidecar {};
    /// title stored in the file
    title: String = Sidecar { weight: 3.0, prose: true };
    /// comment or description stored in the file
    comment: String = Sidecar { weight: 0.5, prose: true };
    /// spoken words, from a text or subtitle file with the clip's name
    transcript: String = Sidecar { weight: 0.5, prose: true };
    /// projection of a spherical picture
    projection: Projection = Probe { facet: true };
    /// arrangement of the two views of a stereo picture
    stereo: Stereo = Probe { facet: true };
    /// tags assigned by rules or by people
    tags: Tags = Rule { facet: true, weight: 4.0, prose: true, aliases: &["tag"] };
    /// rating in stars, 1 to 5
    rating: u32 = Person { facet: true, aliases: &["stars"] };
    /// editor's decision: selected or rejected
    selection: Selection = Person { facet: true };
    /// notes written by people
    notes: Notes = Person { weight: 3.0, prose: true, aliases: &["note"] };
    /// markers at positions in the clip, with descriptions
    markers: Markers = Person { weight: 3.0, prose: true, aliases: &["marker"] };
    /// program that read the header: btsindex, or ffprobe with its version
    reader: String = Probe { facet: true };
    /// reason why the file could not be read completely
    problem: String = Probe {};
}

impl Clip {
    /// Returns the fields with this name or alias, each with its index in [`FIELDS`]. Several
    /// fields may share an alias.
    pub fn fields_named(name: &str) -> impl Iterator<Item = (usize, &'static Field)> {
        let name = name.to_ascii_lowercase();
        FIELDS
            .iter()
            .enumerate()
            .filter(move |(_, field)| field.name == name || field.aliases.contains(&name.as_str()))
    }

    /// Iterates over all names and aliases that a query may use.
    pub fn field_names() -> impl Iterator<Item = &'static str> {
        FIELDS
            .iter()
            .flat_map(|field| std::iter::once(&field.name).chain(field.aliases).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_fields_share_a_name_and_no_alias_hides_a_field() {
        for alias in FIELDS.iter().flat_map(|field| field.aliases) {
            let kinds = Clip::fields_named(alias).map(|(_, field)| field.kind.describe());
            let kinds: std::collections::BTreeSet<String> = kinds.collect();
            assert_eq!(kinds.len(), 1, "fields of several kinds share `{alias}`");
        }
        for (at, field) in FIELDS.iter().enumerate() {
            assert!(
                FIELDS[at + 1..]
                    .iter()
                    .all(|other| other.name != field.name),
                "{}",
                field.name
            );
            assert!(
                FIELDS
                    .iter()
                    .all(|other| !other.aliases.contains(&field.name)),
                "{}",
                field.name
            );
            assert!(!field.help.is_empty());
        }
    }

    #[test]
    fn a_clip_survives_serialisation_and_omits_unknown_facts() {
        let clip = Clip {
            width: Some(Fact::new(1920, Source::STREAM)),
            rate: Some(Fact::new(Rate::new(24000, 1001).unwrap(), Source::STREAM)),
            ..Clip::default()
        };
        let stored = serde_json::to_string(&clip).unwrap();
        assert_eq!(
            stored,
            r#"{"width":[1920,"stream"],"rate":["24000/1001","stream"]}"#
        );
        assert_eq!(serde_json::from_str::<Clip>(&stored).unwrap(), clip);
    }

    #[test]
    fn the_more_trusted_source_wins_in_either_order() {
        let at = |text: &str, source: Source| Clip {
            captured: Some(Fact::new(text.parse().unwrap(), source)),
            ..Clip::default()
        };
        let phone = at("2026-05-02T10:00:00+02:00", Source::QUICKTIME);
        let container = at("2026-06-01T00:00:00", Source::CONTAINER);
        for (mut first, second) in [
            (phone.clone(), container.clone()),
            (container, phone.clone()),
        ] {
            first.merge(&second);
            assert_eq!(first, phone);
        }
    }
}
