//! Catalogue written through the library, without footage: files and facts as a scan would record
//! them, and edits.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::{Action, Clip, FIELDS, FieldKind, FileState};
use btsindex::footage::{FoundFile, Role};
use btsindex::index::{Finder, IndexNotice};
use btsindex::value::{Fingerprint, Marker, Selection};
use btsindex::volume::Volumes;
use serde_json::{Map, Value, json};

use crate::shoot::unsearchable_folder;

/// 2026-05-20 12:00:00 UTC: default modification time of files.
pub(crate) const WRITTEN: i64 = 1_779_278_400_000_000_000;

/// One clip: locations of its files, their facts, and edits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shot {
    /// `VOLUME:folder/name`; the first file is read first. Prefix `!` marks a missing file, `?` an
    /// unreadable one.
    pub(crate) at: Vec<String>,
    /// Facts by field name; `size` and `written` belong to the file.
    pub(crate) facts: Vec<(String, String)>,
    /// `tag`, `untag`, `note`, `stars`, `select` or `mark`, with its value.
    pub(crate) edits: Vec<(String, String)>,
}

impl Shot {
    /// Parses `at|at`, `field: value; field: value` and `tag: x; note: y`.
    pub(crate) fn read(at: &str, facts: &str, edits: &str) -> Self {
        let pairs = |text: &str| {
            let pairs = text.split("; ").filter_map(|pair| pair.split_once(": "));
            let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            owned.collect()
        };
        Self {
            at: at.split('|').map(str::to_owned).collect(),
            facts: pairs(facts),
            edits: pairs(edits),
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        let number = self.facts.iter().find(|(known, _)| known == name)?;
        Some(number.1.parse().unwrap())
    }

    /// Facts of the content, or of a file's location, as a scan would find them.
    fn facts(&self, is_of_location: bool) -> Clip {
        let mut facts = Map::new();
        for (name, value) in &self.facts {
            let Some(field) = FIELDS.iter().find(|field| field.name == name) else {
                assert!(matches!(name.as_str(), "size" | "written"), "{name}");
                continue;
            };
            if is_of_location == (name == "tags") {
                let source = if is_of_location { "rules" } else { "container" };
                facts.insert(name.clone(), json!([fact(field.kind, name, value), source]));
            }
        }
        serde_json::from_value(Value::Object(facts)).unwrap()
    }
}

/// A value as the catalogue stores it.
fn fact(kind: FieldKind, name: &str, value: &str) -> Value {
    let number = || value.parse::<u64>().unwrap();
    match kind {
        // Sorted and without duplicates, as they are stored.
        _ if name == "tags" => value
            .split(',')
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|tag| json!({"tag": tag, "rule": "test", "evidence": tag}))
            .collect(),
        FieldKind::Number(scale) if matches!(scale.unit, "number" | "bytes") => number().into(),
        FieldKind::Number(scale) if scale.unit == "seconds" => value.parse::<f64>().unwrap().into(),
        FieldKind::Choice(["yes", "no"]) => (value == "yes").into(),
        _ => value.into(),
    }
}

/// Catalogue that is deleted when it is dropped.
pub(crate) struct Set {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) catalogue: Catalogue,
    /// Volumes by label: id and root.
    volumes: BTreeMap<String, i64>,
    written: u64,
}

/// The mounted volume.
pub(crate) const MOUNTED: &str = "RAID-A";

impl Set {
    pub(crate) fn new() -> Self {
        // In memory if possible.
        let folder = unsearchable_folder(Path::new("/dev/shm"))
            .or_else(|_| unsearchable_folder(&env::temp_dir()));
        let folder = folder.unwrap();
        let catalogue = Catalogue::create(&folder.path().join("catalogue")).unwrap();
        Self {
            folder,
            catalogue,
            volumes: BTreeMap::new(),
            written: 0,
        }
    }

    fn volume(&mut self, label: &str) -> i64 {
        if let Some(known) = self.volumes.get(label) {
            return *known;
        }
        let (mut volume, _) = Volumes::mounted().locate(Path::new("/"));
        label.clone_into(&mut volume.label);
        volume.is_label_own = true;
        if label != MOUNTED {
            // Sorts after the identifier of the other volume: copies have that order.
            volume.identity = format!("~{label}");
            volume.mount = Path::new("/Volumes").join(label);
        }
        let number = self.catalogue.record_volume(&volume).unwrap().id;
        self.volumes.insert(label.to_owned(), number);
        number
    }

    /// Writes clips in one transaction and returns their ids.
    pub(crate) fn add(&mut self, shots: &[Shot]) -> Vec<i64> {
        self.catalogue.begin().unwrap();
        let mut contents = Vec::new();
        for shot in shots {
            self.written += 1;
            let content = Fingerprint(u128::from(self.written) << 120 | u128::from(self.written));
            for (copy, at) in shot.at.iter().enumerate() {
                self.write(shot, at, copy, content);
            }
            contents.push(content.to_string());
        }
        self.catalogue.commit().unwrap();
        let number = |content: &String| self.catalogue.find_number(Path::new(content)).unwrap();
        let numbers: Vec<i64> = contents.iter().map(number).collect();
        for (shot, number) in shots.iter().zip(&numbers) {
            self.add_edits(*number, &shot.edits);
        }
        numbers
    }

    fn write(&mut self, shot: &Shot, at: &str, copy: usize, content: Fingerprint) {
        let place = at.trim_start_matches(['!', '?']);
        let (label, path) = place.split_once(':').unwrap();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let volume = self.volume(label);
        let known = self
            .catalogue
            .find_folder(volume, Path::new(folder))
            .unwrap();
        let add = || {
            self.catalogue
                .add_folder(volume, Path::new(folder))
                .unwrap()
        };
        let dir = known.unwrap_or_else(add);
        let found = FoundFile {
            name: name.into(),
            bytes: u64::try_from(shot.number("size").unwrap_or(1000)).unwrap(),
            modified: shot.number("written").unwrap_or(WRITTEN),
            changed: None,
            inode: None,
            role: Role::Media,
            original: None,
            frames: None,
        };
        let file = self
            .catalogue
            .add_file(dir, &found, Role::Media, None)
            .unwrap();
        let outcome = if at.starts_with('?') {
            ReadOutcome::Failed {
                reader: btsindex::media::HeaderReader::IsoMedia.label(),
                facts: Box::new(shot.facts(false)),
                failed_with: "ffprobe 5.1".to_owned(),
            }
        } else if copy > 0 {
            ReadOutcome::Recognised { pictures: None }
        } else {
            ReadOutcome::Read {
                reader: btsindex::media::HeaderReader::IsoMedia.label(),
                facts: Box::new(shot.facts(false)),
                pictures: None,
            }
        };
        let reading = Reading {
            sidecar_readers: None,
            file,
            fingerprint: Some(content),
            file_facts: shot.facts(true),
            outcome,
        };
        self.catalogue.record(&reading).unwrap();
        if at.starts_with('!') {
            self.catalogue.set_state(file, FileState::Missing).unwrap();
        }
    }

    /// Adds edits to a clip.
    pub(crate) fn add_edits(&self, clip: i64, edits: &[(String, String)]) {
        let action = |(what, value): &(String, String)| match what.as_str() {
            "tag" => Action::AddTag(value.clone()),
            "untag" => Action::RemoveTag(value.clone()),
            "note" => Action::Note(value.clone()),
            "stars" => Action::Stars(value.parse().unwrap()),
            "select" => Action::Select(Some(value.parse::<Selection>().unwrap())),
            "mark" => Action::Mark(Marker {
                micros: 1_500_000,
                timecode: None,
                text: value.clone(),
            }),
            other => panic!("unknown edit {other}"),
        };
        let actions: Vec<Action> = edits.iter().map(action).collect();
        if !actions.is_empty() {
            self.catalogue.edit(&[(clip, actions)], "anna").unwrap();
        }
    }

    /// Forgets a volume, if it exists, and all clips that exist only there.
    pub(crate) fn forget(&mut self, label: &str) {
        if let Some(number) = self.volumes.remove(label) {
            self.catalogue.forget_volume(number).unwrap();
        }
    }

    /// Updates the index from the catalogue; each call adds a segment.
    pub(crate) fn update_index(&self) {
        drop(self.finder());
    }

    /// Number of segments of the index.
    pub(crate) fn segment_count(&self) -> usize {
        let meta = std::fs::read(self.catalogue.folder().join("index/meta.json")).unwrap();
        // A checksum follows the list.
        let mut values = serde_json::Deserializer::from_slice(&meta).into_iter::<Value>();
        let meta = values.next().unwrap().unwrap();
        meta["segments"].as_array().unwrap().len()
    }

    /// Opens the catalogue for queries; any notice about the index fails the test.
    pub(crate) fn finder(&self) -> Finder<'_> {
        Finder::open(&self.catalogue, &mut fail_on_notice).unwrap()
    }
}

/// Fails: a sound catalogue gives no notice about its index.
pub(crate) fn fail_on_notice(note: &IndexNotice) {
    panic!("{note}");
}
