//! The clip, and the one table that declares its fields.
//!
//! From the table come the struct, its JSON, the index's schema and documents, the
//! names a query may use, and `btsindex fields`. A new field is one row here and one
//! line in the stage that fills it.

mod derived;
mod edit;
mod facets;
mod fact;
mod field_type;
mod files;
mod position;

use serde::{Deserialize, Serialize};

pub use derived::runs_through;
pub use edit::{
    Action, Edit, EditId, LAST_CLOCK, MOST_STARS, Said, decided_tags, decided_tags_as, in_effect,
    short,
};
pub use facets::{Facet, facet, facets};
pub use fact::{Fact, Source};
pub use field_type::{Cell, Kind, Value, Wanted};
pub use files::{FileCopy, FileState, FrameRun, Place, Shelves, split_frame_number};

use crate::value::{
    Bytes, Clock, Duration, Fingerprint, GeoPoint, Hdr, Malformed, Markers, Notes, Orientation,
    Projection, Rate, ScanOrder, Selection, Stereo, Tags, Timecode, VideoRange, WallTime,
};

/// Where a field's value comes from, which decides how a rescan treats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The file system: where the copies are, how large, how old.
    Disk,
    /// The media file's own headers and streams.
    Probe,
    /// The media file, or a file that the camera wrote beside it.
    Sidecar,
    /// A rule that read names and facts.
    Rule,
    /// What was said of a shoot day when its cards were taken in.
    Ingest,
    /// A person; no scan ever changes it.
    Person,
}

impl Origin {
    /// One word, for `btsindex fields`.
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

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name, everywhere.
    pub name: &'static str,
    /// One sentence for people.
    pub help: &'static str,
    /// Where its values come from.
    pub origin: Origin,
    /// How it is indexed and asked for.
    pub kind: Kind,
    /// Whether counting clips by it makes sense.
    pub facet: bool,
    /// How much a plain search word found here counts; zero: plain words do not look here.
    pub weight: f32,
    /// Whether people write it in sentences: a word is found in all its English forms.
    pub prose: bool,
    /// Other names a query may use; one alias may stand for several fields.
    pub aliases: &'static [&'static str],
    /// Its value as people read it.
    pub text: fn(&Clip) -> Option<String>,
    /// Its value as programs read it.
    pub json: fn(&Clip) -> Option<serde_json::Value>,
    /// Where its value came from.
    pub source: fn(&Clip) -> Option<&Source>,
    /// What the index holds of it.
    pub cells: fn(&Clip) -> Vec<Cell>,
    /// What a query's `field:text` asks for.
    pub wanted: fn(&str) -> Result<Wanted, Malformed>,
}

/// What a row leaves unsaid.
struct Manner {
    facet: bool,
    weight: f32,
    prose: bool,
    aliases: &'static [&'static str],
}

const PLAIN: Manner = Manner {
    facet: false,
    weight: 0.0,
    prose: false,
    aliases: &[],
};

macro_rules! clip {
    ($(#[doc = $help:literal] $name:ident: $type:ty = $origin:ident { $($manner:ident: $value:expr),* };)+) => {
        /// Everything known of one clip; absent is absent, never zero.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Clip {
            $(#[doc = $help]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $name: Option<Fact<$type>>,)+
            /// Its copies, best first: present on a mounted volume, then by place.
            #[serde(skip)]
            pub files: Vec<FileCopy>,
        }

        impl Clip {
            /// Takes what `other` knows better; at equal trust, what is here stays.
            pub fn merge(&mut self, other: &Self) {
                $(Fact::merge(&mut self.$name, other.$name.as_ref());)+
            }

            /// Forgets every fact whose source is not to be kept.
            pub fn keep_from(&mut self, is_kept: impl Fn(&Source) -> bool) {
                $(self.$name.take_if(|fact| !is_kept(&fact.source));)+
            }
        }

        /// Every field, in the order they are shown.
        pub const FIELDS: &[Field] = &[$({
            #[allow(clippy::needless_update, reason = "some rows say everything")]
            const MANNER: Manner = Manner { $($manner: $value,)* ..PLAIN };
            Field {
                name: stringify!($name),
                help: $help.trim_ascii(),
                origin: Origin::$origin,
                kind: <$type as Value>::KIND,
                facet: MANNER.facet,
                weight: MANNER.weight,
                prose: MANNER.prose,
                aliases: MANNER.aliases,
                text: |clip| clip.$name.as_ref().map(|fact| fact.value.text()),
                json: |clip| clip.$name.as_ref()?.value.json(),
                source: |clip| clip.$name.as_ref().map(|fact| &fact.source),
                cells: |clip| clip.$name.as_ref().map_or_else(Vec::new, |fact| fact.value.cells()),
                wanted: <$type as Value>::wanted,
            }
        },)+];
    };
}

clip! {
    /// content fingerprint, 32 hex digits; absent until the file was read
    id: Fingerprint = Disk {};
    /// file name of the best copy
    name: String = Disk { weight: 4.0 };
    /// where the best copy is, or was last seen
    path: Place = Disk { weight: 1.5, prose: true, aliases: &["folder"] };
    /// the best copy's path as hex bytes, only where it is not UTF-8
    path_bytes: String = Disk {};
    /// label of the volume that the best copy is on; asked for, of any copy's
    volume: Shelves = Disk { facet: true };
    /// files that hold it and are not missing
    copies: u32 = Disk { facet: true };
    /// size of the file, or of all frames of an image sequence
    bytes: Bytes = Disk { aliases: &["size"] };
    /// when the file was last written, UTC
    modified: WallTime = Disk {};
    /// frames of an image sequence
    frames: u32 = Disk {};
    /// what the file holds its streams in
    container: String = Probe { facet: true, aliases: &["format"] };
    /// running time
    duration: Duration = Probe { aliases: &["dur", "length"] };
    /// how the picture is coded
    video_codec: String = Probe { facet: true, aliases: &["codec"] };
    /// the codec's profile
    profile: String = Probe { facet: true };
    /// the codec's level
    level: String = Probe {};
    /// coded width in pixels
    width: u32 = Probe {};
    /// coded height in pixels
    height: u32 = Probe {};
    /// width as shown: upright, with square pixels
    display_width: u32 = Probe {};
    /// height as shown: upright, with square pixels
    display_height: u32 = Probe {};
    /// how the picture lies as it is shown
    orientation: Orientation = Probe { facet: true };
    /// degrees clockwise that the coded picture is turned to stand upright
    rotation: u32 = Probe {};
    /// frames per second
    rate: Rate = Probe { facet: true, aliases: &["fps"] };
    /// whether frames are unevenly spaced in time
    is_vfr: bool = Probe { aliases: &["vfr"] };
    /// progressive, or interlaced with the top or bottom field first
    scan_order: ScanOrder = Probe { facet: true };
    /// layout of a decoded pixel, as ffmpeg names it
    pixel_format: String = Probe { facet: true };
    /// bits of each component
    bit_depth: u32 = Probe { facet: true, aliases: &["bits"] };
    /// how coarsely colour is sampled, J:a:b
    chroma_subsampling: String = Probe { facet: true, aliases: &["chroma"] };
    /// colour primaries
    primaries: String = Probe { facet: true };
    /// transfer characteristic
    transfer: String = Probe { facet: true };
    /// matrix that makes RGB of luma and chroma
    matrix: String = Probe { facet: true };
    /// which code values carry picture
    range: VideoRange = Probe { facet: true };
    /// kind of high dynamic range
    hdr: Hdr = Probe { facet: true };
    /// bits per second of the picture
    video_bitrate: u64 = Probe {};
    /// how the sound is coded
    audio_codec: String = Probe { facet: true, aliases: &["codec"] };
    /// number of audio tracks
    audio_tracks: u32 = Probe { facet: true };
    /// audio channels in all tracks together
    audio_channels: u32 = Probe { facet: true, aliases: &["channels"] };
    /// speaker layout of the first audio track
    audio_layout: String = Probe { facet: true };
    /// audio samples per second
    sample_rate: u32 = Probe { facet: true };
    /// address of the first frame
    start_timecode: Timecode = Sidecar {};
    /// address of the last frame
    end_timecode: Timecode = Sidecar {};
    /// name of the reel, card or tape
    reel: String = Sidecar { facet: true, weight: 2.0 };
    /// letter that the camera has in its production
    camera_letter: String = Rule { facet: true };
    /// number of the clip on its reel or card
    clip_number: u32 = Rule { aliases: &["clip"] };
    /// which part it is of a recording that the camera split
    chapter: u32 = Rule {};
    /// scene, as it was slated
    scene: String = Rule { facet: true, weight: 2.0 };
    /// take, as it was slated
    take: u32 = Rule { facet: true };
    /// number of the shoot day
    shoot_day: u32 = Rule { facet: true };
    /// what it was shot for
    production: String = Rule { facet: true, weight: 2.0, aliases: &["project"] };
    /// day of the shoot that it belongs to, as 2026-05-02: a night belongs to the day it began
    shoot_date: String = Ingest { facet: true };
    /// where it was shot, as it was called
    location: String = Ingest { facet: true, weight: 2.0 };
    /// who made it, by what they did
    crew: String = Ingest { weight: 1.0 };
    /// when it was shot, by the camera's clock, with an offset where one is known
    captured: WallTime = Sidecar { aliases: &["date"] };
    /// by how much the camera's clock was put right, as `+01:02:00`
    clock: Clock = Ingest {};
    /// what the camera's clock showed, where it was put right
    recorded: WallTime = Ingest {};
    /// maker and model of the camera or recorder, the maker once
    camera: String = Sidecar { facet: true, weight: 2.0, aliases: &["cam"] };
    /// maker of the camera or recorder
    make: String = Sidecar { facet: true };
    /// model of the camera or recorder
    model: String = Sidecar { facet: true };
    /// lens
    lens: String = Sidecar { facet: true, weight: 2.0 };
    /// firmware or program that wrote the file
    software: String = Sidecar { facet: true };
    /// where it was shot, latitude and longitude in degrees
    gps: GeoPoint = Sidecar {};
    /// title written in the file
    title: String = Sidecar { weight: 3.0, prose: true };
    /// comment or description written in the file
    comment: String = Sidecar { weight: 0.5, prose: true };
    /// what is said in it, by a text or subtitles of its name beside it
    transcript: String = Sidecar { weight: 0.5, prose: true };
    /// how a spherical picture was laid flat
    projection: Projection = Probe { facet: true };
    /// how the two eyes of a stereo picture are packed
    stereo: Stereo = Probe { facet: true };
    /// what it shows, by the rules and by people
    tags: Tags = Rule { facet: true, weight: 4.0, prose: true, aliases: &["tag"] };
    /// stars, 1 to 5
    rating: u32 = Person { facet: true, aliases: &["stars"] };
    /// whether it is to be used
    selection: Selection = Person { facet: true };
    /// what people wrote about it
    notes: Notes = Person { weight: 3.0, prose: true, aliases: &["note"] };
    /// places in it, with what is to be seen there
    markers: Markers = Person { weight: 3.0, prose: true, aliases: &["marker"] };
    /// what read its header: this program, or which ffprobe
    reader: String = Probe { facet: true };
    /// why it could not be read, wholly or in part
    problem: String = Probe {};
}

impl Clip {
    /// The fields that a query means by `name`: one, several for an alias, or none.
    pub fn fields_named(name: &str) -> impl Iterator<Item = (usize, &'static Field)> {
        let name = name.to_ascii_lowercase();
        FIELDS
            .iter()
            .enumerate()
            .filter(move |(_, field)| field.name == name || field.aliases.contains(&name.as_str()))
    }

    /// Every name that a query may use.
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
            assert_eq!(
                kinds.len(),
                1,
                "`{alias}` stands for fields of several kinds"
            );
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
    fn a_clip_survives_the_catalogue_and_leaves_out_what_is_absent() {
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
    fn the_more_trusted_source_wins_whichever_comes_first() {
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
