//! A catalogue written through the library, with no footage behind it: what a scan would have
//! found and read, and what people said since.

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

use crate::shoot::unsearched;

/// 2026-05-20 12:00:00 UTC: when files were written that say nothing else.
pub(crate) const WRITTEN: i64 = 1_779_278_400_000_000_000;

/// One clip: where its files are, what they say, and what people say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shot {
    /// `VOLUME:folder/name`, the first one read first; `!` before it is missing by now, `?`
    /// could not be read.
    pub(crate) at: Vec<String>,
    /// Facts by the names of their fields; `size` and `written` are the file's.
    pub(crate) says: Vec<(String, String)>,
    /// `tag`, `untag`, `note`, `stars`, `select`, `mark` and what with.
    pub(crate) people: Vec<(String, String)>,
}

impl Shot {
    /// From `at|at`, `field: value; field: value` and `tag: x; note: y`.
    pub(crate) fn read(at: &str, says: &str, people: &str) -> Self {
        let pairs = |text: &str| {
            let pairs = text.split("; ").filter_map(|pair| pair.split_once(": "));
            let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            owned.collect()
        };
        Self {
            at: at.split('|').map(str::to_owned).collect(),
            says: pairs(says),
            people: pairs(people),
        }
    }

    fn said(&self, name: &str) -> Option<i64> {
        let said = self.says.iter().find(|(known, _)| known == name)?;
        Some(said.1.parse().unwrap())
    }

    /// Facts of content, or of a file's place, as a scan would find them.
    fn facts(&self, is_of_place: bool) -> Clip {
        let mut facts = Map::new();
        for (name, value) in &self.says {
            let Some(field) = FIELDS.iter().find(|field| field.name == name) else {
                assert!(matches!(name.as_str(), "size" | "written"), "{name}");
                continue;
            };
            if is_of_place == (name == "tags") {
                let source = if is_of_place { "rules" } else { "container" };
                facts.insert(name.clone(), json!([fact(field.kind, name, value), source]));
            }
        }
        serde_json::from_value(Value::Object(facts)).unwrap()
    }
}

/// A value as the catalogue keeps it.
fn fact(kind: FieldKind, name: &str, value: &str) -> Value {
    let number = || value.parse::<u64>().unwrap();
    match kind {
        // Sorted, each once, as they are kept.
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

/// A catalogue, gone when it is dropped.
pub(crate) struct Set {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) catalogue: Catalogue,
    /// Volumes by label: number, and where their root is.
    volumes: BTreeMap<String, i64>,
    written: u64,
}

/// The one that is mounted.
pub(crate) const MOUNTED: &str = "RAID-A";

impl Set {
    pub(crate) fn new() -> Self {
        // In memory where there is such a place.
        let folder = unsearched(Path::new("/dev/shm")).or_else(|_| unsearched(&env::temp_dir()));
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
        let (mut volume, _) = Volumes::mounted().of(Path::new("/"));
        label.clone_into(&mut volume.label);
        volume.is_label_own = true;
        if label != MOUNTED {
            // After whatever the other one is known by: copies stand in that order.
            volume.identity = format!("~{label}");
            volume.mount = Path::new("/Volumes").join(label);
        }
        let number = self.catalogue.see_volume(&volume).unwrap().id;
        self.volumes.insert(label.to_owned(), number);
        number
    }

    /// Writes clips in one go, and gives their numbers.
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
            self.say(*number, &shot.people);
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
            bytes: u64::try_from(shot.said("size").unwrap_or(1000)).unwrap(),
            modified: shot.said("written").unwrap_or(WRITTEN),
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
                facts: Box::new(shot.facts(false)),
                failed_with: "ffprobe 5.1".to_owned(),
            }
        } else if copy > 0 {
            ReadOutcome::Recognised { pictures: None }
        } else {
            ReadOutcome::Read {
                facts: Box::new(shot.facts(false)),
                pictures: None,
            }
        };
        let reading = Reading {
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

    /// What people say of a clip.
    pub(crate) fn say(&self, clip: i64, people: &[(String, String)]) {
        let action = |(what, with): &(String, String)| match what.as_str() {
            "tag" => Action::AddTag(with.clone()),
            "untag" => Action::RemoveTag(with.clone()),
            "note" => Action::Note(with.clone()),
            "stars" => Action::Stars(with.parse().unwrap()),
            "select" => Action::Select(Some(with.parse::<Selection>().unwrap())),
            "mark" => Action::Mark(Marker {
                micros: 1_500_000,
                timecode: None,
                text: with.clone(),
            }),
            other => panic!("nobody says {other}"),
        };
        let actions: Vec<Action> = people.iter().map(action).collect();
        if !actions.is_empty() {
            self.catalogue.edit(&[(clip, actions)], "anna").unwrap();
        }
    }

    /// Forgets a volume, if anything was ever there, and all that is only there.
    pub(crate) fn forget(&mut self, label: &str) {
        if let Some(number) = self.volumes.remove(label) {
            self.catalogue.forget_volume(number).unwrap();
        }
    }

    /// Brings the index up to the catalogue: a segment for each time.
    pub(crate) fn follow(&self) {
        drop(self.finder());
    }

    /// How many parts the index is in.
    pub(crate) fn segments(&self) -> usize {
        let meta = std::fs::read(self.catalogue.folder().join("index/meta.json")).unwrap();
        // A checksum follows it.
        let mut values = serde_json::Deserializer::from_slice(&meta).into_iter::<Value>();
        let meta = values.next().unwrap().unwrap();
        meta["segments"].as_array().unwrap().len()
    }

    /// What can be asked; that its index is damaged, or anything else of it, is never told.
    pub(crate) fn finder(&self) -> Finder<'_> {
        Finder::open(&self.catalogue, &mut told).unwrap()
    }
}

/// What no sound catalogue says.
pub(crate) fn told(note: &IndexNotice) {
    panic!("{note}");
}
