//! A law: whatever becomes of files, what people said of a content stays with it. Files are
//! written, replaced, moved, copied, deleted, their volumes forgotten; words are said, taken back
//! and said again; after each step the catalogue is compared with a model that knows nothing of
//! files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::{Action, Clip, EditId, FileState, in_effect};
use btsindex::footage::{FoundFile, Role};
use btsindex::value::Fingerprint;
use proptest::prelude::*;

const PEOPLE: [&str; 2] = ["anna", "ben"];
const PLACES: u8 = 6;
const CONTENTS: u8 = 4;

/// A place is one of three files on one of two volumes.
type Place = u8;
type Content = u8;

#[derive(Debug, Clone)]
enum Step {
    Film(Place, Content),
    Move(Place, Place),
    Copy(Place, Place),
    Delete(Place),
    Note(Place, usize),
    AddTag(Place, usize, u8),
    RemoveTag(Place, usize, u8),
    Stars(Place, usize, u8),
    Undo(usize),
    UndoTheUndo,
    Forget(u8),
    OpenAgain,
}

fn step() -> impl Strategy<Value = Step> {
    let place = || 0..PLACES;
    let person = || 0..PEOPLE.len();
    prop_oneof![
        4 => (place(), 0..CONTENTS).prop_map(|(at, content)| Step::Film(at, content)),
        2 => (place(), place()).prop_map(|(from, to)| Step::Move(from, to)),
        2 => (place(), place()).prop_map(|(from, to)| Step::Copy(from, to)),
        2 => place().prop_map(Step::Delete),
        3 => (place(), person()).prop_map(|(at, who)| Step::Note(at, who)),
        3 => (place(), person(), 0..3_u8).prop_map(|(at, who, tag)| Step::AddTag(at, who, tag)),
        2 => (place(), person(), 0..3_u8).prop_map(|(at, who, tag)| Step::RemoveTag(at, who, tag)),
        2 => (place(), person(), 0..6_u8).prop_map(|(at, who, stars)| Step::Stars(at, who, stars)),
        3 => person().prop_map(Step::Undo),
        1 => Just(Step::UndoTheUndo),
        1 => (0..2_u8).prop_map(Step::Forget),
        1 => Just(Step::OpenAgain),
    ]
}

/// Something that a person said.
struct Word {
    edit: EditId,
    who: usize,
    content: Content,
    action: Action,
    counts: bool,
}

struct World {
    folder: tempfile::TempDir,
    catalogue: Catalogue,
    files: BTreeMap<Place, Content>,
    words: Vec<Word>,
    tick: i64,
}

fn fingerprint(content: Content) -> Fingerprint {
    Fingerprint((0x0123_4567_89ab_cdef << 64) | (u128::from(content) + 1))
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            catalogue: Catalogue::create(folder.path()).unwrap(),
            folder,
            files: BTreeMap::new(),
            words: Vec::new(),
            tick: 0,
        }
    }

    /// The number of the folder that a place is in; its volume is seen.
    fn folder_of(&self, place: Place) -> i64 {
        let here = self.catalogue.volumes().of(Path::new("/")).0.clone();
        let mut volume = here;
        volume.identity = format!("uuid:volume-{}", place % 2);
        let volume = self.catalogue.see_volume(&volume).unwrap().id;
        let inside = Path::new("footage");
        let known = self.catalogue.find_folder(volume, inside).unwrap();
        known.unwrap_or_else(|| self.catalogue.add_folder(volume, inside).unwrap())
    }

    /// A scan comes by a file that holds this now.
    fn put(&mut self, place: Place, content: Content) {
        self.tick += 1;
        let catalogue = &self.catalogue;
        catalogue.begin().unwrap();
        let folder = self.folder_of(place);
        let found = FoundFile {
            name: format!("C000{}.mov", place / 2).into(),
            bytes: 1_000_000 + u64::from(content),
            modified: self.tick,
            changed: Some(self.tick),
            inode: Some(self.tick),
            role: Role::Media,
            original: None,
            frames: None,
        };
        let known = catalogue.file_id(folder, &found.name).unwrap();
        let file = if let Some(file) = known {
            catalogue
                .update_file(file, &found, Role::Media, None)
                .unwrap();
            file
        } else {
            catalogue
                .add_file(folder, &found, Role::Media, None)
                .unwrap()
        };
        let fingerprint = fingerprint(content);
        let is_known = catalogue
            .known_content(fingerprint.into(), &|_| true)
            .unwrap();
        let outcome = if is_known.is_some() {
            ReadOutcome::Recognised { pictures: None }
        } else {
            ReadOutcome::Read {
                facts: Box::default(),
                pictures: None,
            }
        };
        catalogue
            .record(&Reading {
                file,
                fingerprint: Some(fingerprint),
                file_facts: Clip::default(),
                outcome,
            })
            .unwrap();
        catalogue.commit().unwrap();
        self.files.insert(place, content);
    }

    fn delete(&mut self, place: Place) {
        if self.files.remove(&place).is_none() {
            return;
        }
        self.catalogue.begin().unwrap();
        let folder = self.folder_of(place);
        let name = format!("C000{}.mov", place / 2);
        let file = self.catalogue.file_id(folder, name.as_ref()).unwrap();
        self.catalogue
            .set_state(file.unwrap(), FileState::Missing)
            .unwrap();
        self.catalogue.commit().unwrap();
    }

    fn clip_of(&self, content: Content) -> Option<i64> {
        let id = fingerprint(content).to_string();
        self.catalogue.find_number(Path::new(&id)).ok()
    }

    fn say(&mut self, place: Place, who: usize, action: Action) {
        let Some(&content) = self.files.get(&place) else {
            return;
        };
        let is_about = |word: &&Word| match (&word.action, &action) {
            (
                Action::AddTag(one) | Action::RemoveTag(one),
                Action::AddTag(other) | Action::RemoveTag(other),
            ) => one == other,
            (Action::Stars(_), Action::Stars(_)) => true,
            _ => false,
        };
        let last = self.counting(content).filter(is_about).last();
        let is_said = last.is_some_and(|word| word.action == action);
        let clip = self
            .clip_of(content)
            .expect("a file that is there has a clip");
        let edited = self
            .catalogue
            .edit(&[(clip, vec![action.clone()])], PEOPLE[who])
            .unwrap();
        assert_eq!(
            (edited.clips, edited.unchanged),
            if is_said { (0, 1) } else { (1, 0) }
        );
        if !is_said {
            let edits = self.catalogue.edits(fingerprint(content)).unwrap();
            self.words.push(Word {
                edit: edits.last().unwrap().id,
                who,
                content,
                action,
                counts: true,
            });
        }
    }

    fn counting(&self, content: Content) -> impl Iterator<Item = &Word> {
        let of = move |word: &&Word| word.counts && word.content == content;
        self.words.iter().filter(of)
    }

    fn undo(&mut self, who: usize) {
        let undone = self.catalogue.undo_last(PEOPLE[who]).unwrap();
        let last = self
            .words
            .iter_mut()
            .rfind(|word| word.counts && word.who == who);
        let wanted: Vec<EditId> = last.iter().map(|word| word.edit).collect();
        assert_eq!(
            undone.iter().map(|edit| edit.id).collect::<Vec<_>>(),
            wanted
        );
        if let Some(word) = last {
            word.counts = false;
        }
    }

    /// The latest undo of any clip that counts is taken back.
    fn undo_the_undo(&mut self) {
        let mut undos = Vec::new();
        for content in 0..CONTENTS {
            let edits = self.catalogue.edits(fingerprint(content)).unwrap();
            undos.extend(in_effect(&edits).into_iter().filter_map(
                |edit| match edit.content.action {
                    Action::Undo(of) => Some((edit.content.clock, edit.id, of)),
                    _ => None,
                },
            ));
        }
        // One that took an undo back has no word of its own.
        undos.retain(|(_, _, of)| self.words.iter().any(|word| word.edit == *of));
        if let Some((_, undo, of)) = undos.into_iter().max() {
            let undone = self.catalogue.undo(&undo.to_string(), PEOPLE[0]).unwrap();
            assert_eq!(undone.len(), 1);
            let word = self.words.iter_mut().find(|word| word.edit == of);
            word.unwrap().counts = true;
        }
    }

    fn forget(&mut self, volume: u8) {
        let identity = format!("uuid:volume-{volume}");
        if let Some(id) = self.catalogue.volume_id(&identity).unwrap() {
            self.catalogue.forget_volume(id).unwrap();
            self.files.retain(|place, _| place % 2 != volume);
        }
    }

    fn take(&mut self, step: &Step) {
        let tag = |tag: u8| format!("tag-{tag}");
        match *step {
            Step::Film(place, content) => self.put(place, content),
            Step::Move(from, to) | Step::Copy(from, to) if from == to => {}
            Step::Move(from, to) => {
                if let Some(&content) = self.files.get(&from) {
                    self.put(to, content);
                    self.delete(from);
                }
            }
            Step::Copy(from, to) => {
                if let Some(&content) = self.files.get(&from) {
                    self.put(to, content);
                }
            }
            Step::Delete(place) => self.delete(place),
            Step::Note(place, who) => {
                let note = format!("note {}", self.words.len());
                self.say(place, who, Action::Note(note));
            }
            Step::AddTag(place, who, it) => self.say(place, who, Action::AddTag(tag(it))),
            Step::RemoveTag(place, who, it) => self.say(place, who, Action::RemoveTag(tag(it))),
            Step::Stars(place, who, stars) => self.say(place, who, Action::Stars(stars)),
            Step::Undo(who) => self.undo(who),
            Step::UndoTheUndo => self.undo_the_undo(),
            Step::Forget(volume) => self.forget(volume),
            Step::OpenAgain => self.catalogue = Catalogue::open(self.folder.path()).unwrap(),
        }
    }

    /// Each content is told just what the model has, wherever its files are.
    fn compare(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.catalogue.damage().unwrap(), None);
        for content in 0..CONTENTS {
            let is_there = self.files.values().any(|other| *other == content);
            let clip = self.clip_of(content);
            prop_assert!(clip.is_some() || !is_there, "content {content} has no clip");
            let Some(clip) = clip else { continue };
            let Some(clip) = self.catalogue.clip(clip).unwrap() else {
                prop_assert!(!is_there);
                continue;
            };
            let present = |state| state == FileState::Present;
            let files = clip.files.iter().filter(|copy| present(copy.state)).count();
            let wanted = self
                .files
                .values()
                .filter(|other| **other == content)
                .count();
            prop_assert_eq!(files, wanted, "files of content {}", content);
            prop_assert_eq!(told(&clip), self.wanted(content), "content {}", content);
        }
        Ok(())
    }

    fn wanted(&self, content: Content) -> Told {
        let mut wanted = Told::default();
        for word in self.counting(content) {
            match &word.action {
                Action::Note(text) => wanted.0.push(text.clone()),
                Action::AddTag(tag) => _ = wanted.1.insert(tag.clone()),
                Action::RemoveTag(tag) => _ = wanted.1.remove(tag),
                Action::Stars(0) => wanted.2 = None,
                Action::Stars(stars) => wanted.2 = Some(u32::from(*stars)),
                _ => {}
            }
        }
        wanted
    }

    /// Another catalogue that sees all contents and takes in the journal, half of it twice.
    fn carry(&self) -> Result<(), TestCaseError> {
        let mut lines = Vec::new();
        self.catalogue
            .each_edit(&mut |edit| {
                lines.push(edit.to_line());
                Ok(())
            })
            .unwrap()
            .unwrap();
        lines.reverse();
        let mut other = Self::new();
        let half = lines[..lines.len() / 2].join("\n");
        other
            .catalogue
            .import(&mut half.as_bytes())
            .unwrap()
            .unwrap();
        for content in 0..CONTENTS {
            other.put(content, content);
        }
        let all = lines.join("\n");
        let imported = other
            .catalogue
            .import(&mut all.as_bytes())
            .unwrap()
            .unwrap();
        prop_assert_eq!((imported.refused, imported.waiting), (Vec::new(), 0));
        for content in 0..CONTENTS {
            let clip = other.clip_of(content).unwrap();
            let clip = other.catalogue.clip(clip).unwrap().unwrap();
            prop_assert_eq!(told(&clip), self.wanted(content), "content {}", content);
        }
        Ok(())
    }
}

/// Notes, tags, stars.
type Told = (Vec<String>, BTreeSet<String>, Option<u32>);

fn told(clip: &Clip) -> Told {
    let notes = clip.notes.as_ref().map_or(Vec::new(), |notes| {
        notes.value.0.iter().map(|note| note.text.clone()).collect()
    });
    let tags = clip.tags.as_ref().map_or(BTreeSet::new(), |tags| {
        let names = tags.value.iter().map(|tagged| tagged.tag.clone());
        names.collect()
    });
    (notes, tags, clip.rating.as_ref().map(|fact| fact.value))
}

proptest! {
    #![proptest_config(crate::random_tests::random(24))]

    #[test]
    fn words_stay_with_the_content(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            world.compare()?;
        }
        world.carry()?;
    }
}
