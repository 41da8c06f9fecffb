//! Property: whatever rules are active, however tags are renamed, and whatever happens to files and
//! the index, a tag that a person added is set and one that a person removed is not. After each
//! step the catalogue is compared with a model that does not know rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::{Action, Clip, FileState};
use btsindex::footage::{FoundFile, Role};
use btsindex::index::Index;
use btsindex::scan::retag;
use btsindex::tag::{Rules, UserRules};
use btsindex::value::{Fingerprint, TagOrigin};
use proptest::prelude::*;

/// Files, each a separate clip, with names for which rules set tags.
const FILES: [&str; 4] = [
    "Drone/a.mov",
    "Interview/b.mov",
    "alpha/c.mov",
    "beta/d.mov",
];
/// Tags set by people and rules.
const TAGS: [&str; 5] = ["drone", "interview", "alpha", "beta", "beta/two"];
/// Rule sets that are activated in turn.
const RULES: [&str; 3] = [
    "",
    "[[rule]]\nname = \"all\"\nwhen = { extension = \"mov\" }\ntags = [\"alpha\", \"beta\", \"beta/two\"]\n",
    "[[rule]]\nname = \"drone\"\noff = true\n\n[[rule]]\nname = \"beta\"\nwhen = { path = \"alpha\" }\ntags = [\"beta\"]\n",
];

#[derive(Debug, Clone)]
enum Step {
    Add(usize, usize),
    Remove(usize, usize),
    Stars(usize, u8),
    Retag(usize),
    Rename(usize, usize),
    Read(usize),
    Lose(usize),
    OpenAgain,
    Rebuild,
}

fn step() -> impl Strategy<Value = Step> {
    let (file, tag) = (|| 0..FILES.len(), || 0..TAGS.len());
    prop_oneof![
        4 => (file(), tag()).prop_map(|(file, tag)| Step::Add(file, tag)),
        4 => (file(), tag()).prop_map(|(file, tag)| Step::Remove(file, tag)),
        1 => (file(), 1..=5_u8).prop_map(|(file, stars)| Step::Stars(file, stars)),
        3 => (0..RULES.len()).prop_map(Step::Retag),
        3 => (tag(), tag()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => file().prop_map(Step::Read),
        1 => file().prop_map(Step::Lose),
        1 => Just(Step::OpenAgain),
        1 => Just(Step::Rebuild),
    ]
}

/// Decisions of people on one clip.
#[derive(Debug, Default, Clone)]
struct Decisions {
    tags: BTreeMap<String, bool>,
    stars: Option<u32>,
}

struct World {
    folder: tempfile::TempDir,
    catalogue: Catalogue,
    /// Active rules.
    rules: Rules,
    decisions: Vec<Decisions>,
    tick: i64,
}

fn content(file: usize) -> Fingerprint {
    Fingerprint(u128::try_from(file + 1).unwrap() << 64)
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self {
            catalogue: Catalogue::create(folder.path()).unwrap(),
            folder,
            rules: Rules::new(&UserRules::default()).unwrap(),
            decisions: vec![Decisions::default(); FILES.len()],
            tick: 0,
        };
        (0..FILES.len()).for_each(|file| world.read(file));
        world
    }

    fn folder_of(&self, inside: &Path) -> i64 {
        let volume = self.catalogue.volumes().locate(Path::new("/")).0.clone();
        let volume = self.catalogue.record_volume(&volume).unwrap().id;
        let folder = inside.parent().unwrap();
        let known = self.catalogue.find_folder(volume, folder).unwrap();
        known.unwrap_or_else(|| self.catalogue.add_folder(volume, folder).unwrap())
    }

    /// Records that a scan found a file that it does not know.
    fn read(&mut self, file: usize) {
        self.tick += 1;
        let inside = Path::new(FILES[file]);
        let (catalogue, rules) = (&self.catalogue, &self.rules);
        catalogue.begin().unwrap();
        let folder = self.folder_of(inside);
        let found = FoundFile {
            name: inside.file_name().unwrap().to_owned(),
            bytes: 1_000_000,
            modified: self.tick,
            changed: Some(self.tick),
            inode: Some(self.tick),
            role: Role::Media,
            original: None,
            frames: None,
        };
        let number = if let Some(known) = catalogue.file_id(folder, &found.name).unwrap() {
            catalogue
                .update_file(known, &found, Role::Media, None)
                .unwrap();
            known
        } else {
            catalogue
                .add_file(folder, &found, Role::Media, None)
                .unwrap()
        };
        let place = rules.folder_context(inside.parent().unwrap(), "", &[]);
        catalogue
            .record(&Reading {
                sidecar_readers: None,
                file: number,
                fingerprint: Some(content(file)),
                file_facts: rules.apply(&place, inside, &Clip::default()),
                outcome: ReadOutcome::Read {
                    reader: btsindex::media::HeaderReader::IsoMedia.label(),
                    facts: Box::default(),
                    pictures: None,
                },
            })
            .unwrap();
        catalogue.commit().unwrap();
    }

    fn clip_of(&self, file: usize) -> i64 {
        let id = content(file).to_string();
        self.catalogue.find_number(Path::new(&id)).unwrap()
    }

    fn tags(&self, file: usize) -> BTreeMap<String, bool> {
        let clip = self.catalogue.clip(self.clip_of(file)).unwrap().unwrap();
        let tags = clip.tags.iter().flat_map(|tags| tags.value.iter());
        let is_persons = |why: &TagOrigin| matches!(why, TagOrigin::Person { .. });
        tags.map(|tagged| (tagged.tag.clone(), is_persons(&tagged.origin)))
            .collect()
    }

    fn add_edit(&mut self, file: usize, action: Action) {
        let decisions = &mut self.decisions[file];
        match &action {
            Action::AddTag(tag) => _ = decisions.tags.insert(tag.clone(), true),
            Action::RemoveTag(tag) => _ = decisions.tags.insert(tag.clone(), false),
            Action::Stars(stars) => decisions.stars = Some((*stars).into()),
            _ => {}
        }
        let clip = self.clip_of(file);
        self.catalogue
            .edit(&[(clip, vec![action])], "anna")
            .unwrap();
    }

    fn rename(&mut self, from: &str, to: &str) {
        let below = |tag: &str| {
            let rest = tag.strip_prefix(from)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
        };
        for file in 0..FILES.len() {
            let there = self.tags(file);
            let before = self.decisions[file].tags.clone();
            for (tag, is_added) in &before {
                let Some(now) = below(tag) else { continue };
                if *is_added {
                    self.decisions[file].tags.insert(tag.clone(), false);
                    self.decisions[file].tags.insert(now, true);
                } else if !before.contains_key(&now) && !there.contains_key(&now) {
                    self.decisions[file].tags.entry(now).or_insert(false);
                }
            }
        }
        self.catalogue
            .rename_tags(&[from.to_owned()], to, "ben")
            .unwrap();
        self.retag();
    }

    fn retag(&mut self) {
        self.rules = Rules::new(&self.catalogue.user_rules().unwrap()).unwrap();
        let folders = self.catalogue.folders().unwrap();
        retag(&self.catalogue, &self.rules, &folders, &mut |_| true).unwrap();
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            // Like the program: a former name refers to the current one.
            Step::Add(file, tag) => {
                let tag = self.rules.vocabulary().current_name(TAGS[tag]);
                self.add_edit(file, Action::AddTag(tag));
            }
            Step::Remove(file, tag) => {
                let tag = self.rules.vocabulary().current_name(TAGS[tag]);
                self.add_edit(file, Action::RemoveTag(tag));
            }
            Step::Stars(file, stars) => self.add_edit(file, Action::Stars(stars)),
            Step::Retag(rules) => {
                let own = UserRules {
                    rules: Some(RULES[rules].to_owned()),
                    ..self.catalogue.user_rules().unwrap()
                };
                self.catalogue.activate_rules(&own).unwrap();
                self.retag();
            }
            Step::Rename(from, to) => {
                let to = TAGS[to];
                let from = self.rules.vocabulary().current_name(TAGS[from]);
                // The program rejects the others.
                let called = self.rules.vocabulary().current_name(to);
                let is_free = called == to || called == from;
                if from != to && is_free && !to.starts_with(&format!("{from}/")) {
                    self.rename(&from, to);
                }
            }
            Step::Read(file) => self.read(file),
            Step::Lose(file) => {
                self.catalogue.begin().unwrap();
                let inside = Path::new(FILES[file]);
                let folder = self.folder_of(inside);
                let known = self
                    .catalogue
                    .file_id(folder, inside.file_name().unwrap())
                    .unwrap();
                self.catalogue
                    .set_state(known.unwrap(), FileState::Missing)
                    .unwrap();
                self.catalogue.commit().unwrap();
            }
            Step::OpenAgain => self.catalogue = Catalogue::open(self.folder.path()).unwrap(),
            Step::Rebuild => {
                Index::rebuild(&self.catalogue, &mut |_| (), &mut |_, _| ()).unwrap();
            }
        }
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        for (file, decisions) in self.decisions.iter().enumerate() {
            let tags = self.tags(file);
            for (tag, is_added) in &decisions.tags {
                if *is_added {
                    prop_assert_eq!(
                        tags.get(tag),
                        Some(&true),
                        "{} of {}: {:?}",
                        tag,
                        file,
                        tags
                    );
                } else {
                    prop_assert!(
                        !tags.contains_key(tag),
                        "{tag} of {file} came back: {tags:?}"
                    );
                }
            }
            let persons: BTreeSet<&String> = tags
                .iter()
                .filter(|(_, is)| **is)
                .map(|(tag, _)| tag)
                .collect();
            let added: BTreeSet<&String> = decisions
                .tags
                .iter()
                .filter(|(_, is)| **is)
                .map(|(tag, _)| tag)
                .collect();
            prop_assert_eq!(persons, added);
            let clip = self.catalogue.clip(self.clip_of(file)).unwrap().unwrap();
            prop_assert_eq!(clip.rating.map(|fact| fact.value), decisions.stars);
        }
        Ok(())
    }
}

/// Applies steps one by one; the property must hold after each.
fn run_steps(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::new();
    for step in steps {
        world.apply(step);
        world.compare()?;
    }
    Ok(())
}

/// Failures found by random runs, and rings, chains, swaps and merges as well.
#[test]
fn tags_of_people_survive_cyclic_renames() {
    use Step::{Add, Remove, Rename, Retag};
    let (drone, interview, alpha, beta, two) = (0, 1, 2, 3, 4);
    let regressions: &[&[Step]] = &[
        // Ring: the new name of the tag was below its former name.
        &[
            Rename(two, beta),
            Rename(beta, drone),
            Rename(drone, two),
            Add(0, beta),
        ],
        &[
            Add(0, two),
            Rename(two, beta),
            Rename(beta, drone),
            Rename(drone, two),
            Remove(0, beta),
        ],
        // A tag below a renamed tag gets its former name back.
        &[
            Add(1, two),
            Rename(two, drone),
            Rename(beta, alpha),
            Rename(drone, two),
            Add(0, two),
        ],
        // Swap by way of a third name.
        &[
            Add(0, drone),
            Add(1, alpha),
            Rename(drone, interview),
            Rename(alpha, drone),
            Rename(interview, alpha),
            Remove(0, alpha),
            Add(2, drone),
        ],
        // Merge, after which one of the two names is restored.
        &[
            Add(0, drone),
            Add(1, alpha),
            Rename(drone, alpha),
            Rename(alpha, drone),
            Add(2, alpha),
            Remove(0, drone),
        ],
        // Chain whose first name is still used while rules set tags.
        &[
            Retag(1),
            Rename(alpha, beta),
            Remove(2, alpha),
            Rename(beta, drone),
            Add(3, alpha),
            Retag(2),
            Remove(3, beta),
        ],
        // The upper tag goes and comes back under the name of the lower one.
        &[
            Add(0, two),
            Rename(beta, alpha),
            Rename(alpha, beta),
            Add(1, beta),
            Rename(two, alpha),
            Rename(beta, interview),
            Add(2, two),
        ],
    ];
    for steps in regressions {
        run_steps(steps).unwrap_or_else(|fault| panic!("{steps:?}: {fault}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..crate::property_tests::random(24) })]

    #[test]
    fn tags_of_people_survive_any_rules_and_renames(steps in prop::collection::vec(step(), 1..25)) {
        run_steps(&steps)?;
    }
}
