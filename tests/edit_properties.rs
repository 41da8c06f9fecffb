//! Property: whatever happens to files, the edits of a content stay with it. Files are written,
//! replaced, moved, copied and deleted, and their volumes forgotten; edits are made, undone and
//! restored. After each step the catalogue is compared with a model that does not know files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use btsindex::catalogue::{Catalogue, ReadOutcome, Reading};
use btsindex::clip::{Action, Clip, EditId, FileState, in_effect};
use btsindex::footage::{FoundFile, Role};
use btsindex::value::Fingerprint;
use proptest::prelude::*;

const PEOPLE: [&str; 2] = ["anna", "ben"];
const FILE_SLOTS: u8 = 6;
const CONTENTS: u8 = 4;

/// One of three files on one of two volumes.
type FileSlot = u8;
type Content = u8;

#[derive(Debug, Clone)]
enum Step {
    ScanFile(FileSlot, Content),
    Move(FileSlot, FileSlot),
    Copy(FileSlot, FileSlot),
    Delete(FileSlot),
    Note(FileSlot, usize),
    AddTag(FileSlot, usize, u8),
    RemoveTag(FileSlot, usize, u8),
    Stars(FileSlot, usize, u8),
    Undo(usize),
    UndoLatestUndo,
    Forget(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let slot = || 0..FILE_SLOTS;
    let person = || 0..PEOPLE.len();
    prop_oneof![
        4 => (slot(), 0..CONTENTS).prop_map(|(at, content)| Step::ScanFile(at, content)),
        2 => (slot(), slot()).prop_map(|(from, to)| Step::Move(from, to)),
        2 => (slot(), slot()).prop_map(|(from, to)| Step::Copy(from, to)),
        2 => slot().prop_map(Step::Delete),
        3 => (slot(), person()).prop_map(|(at, who)| Step::Note(at, who)),
        3 => (slot(), person(), 0..3_u8).prop_map(|(at, who, tag)| Step::AddTag(at, who, tag)),
        2 => (slot(), person(), 0..3_u8).prop_map(|(at, who, tag)| Step::RemoveTag(at, who, tag)),
        2 => (slot(), person(), 0..6_u8).prop_map(|(at, who, stars)| Step::Stars(at, who, stars)),
        3 => person().prop_map(Step::Undo),
        1 => Just(Step::UndoLatestUndo),
        1 => (0..2_u8).prop_map(Step::Forget),
        1 => Just(Step::Reopen),
    ]
}

/// Edit by a person, as the model knows it.
struct ModelEdit {
    edit: EditId,
    who: usize,
    content: Content,
    action: Action,
    counts: bool,
}

struct World {
    folder: tempfile::TempDir,
    catalogue: Catalogue,
    files: BTreeMap<FileSlot, Content>,
    words: Vec<ModelEdit>,
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

    /// Id of the folder of a slot; marks its volume as seen.
    fn folder_of(&self, slot: FileSlot) -> i64 {
        let here = self.catalogue.volumes().locate(Path::new("/")).0.clone();
        let mut volume = here;
        volume.identity = format!("uuid:volume-{}", slot % 2);
        let volume = self.catalogue.record_volume(&volume).unwrap().id;
        let inside = Path::new("footage");
        let known = self.catalogue.find_folder(volume, inside).unwrap();
        known.unwrap_or_else(|| self.catalogue.add_folder(volume, inside).unwrap())
    }

    /// Records that a scan found this content at the slot.
    fn scan_file(&mut self, slot: FileSlot, content: Content) {
        self.tick += 1;
        let catalogue = &self.catalogue;
        catalogue.begin().unwrap();
        let folder = self.folder_of(slot);
        let found = FoundFile {
            name: format!("C000{}.mov", slot / 2).into(),
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
        let is_known = catalogue.known_content(fingerprint, &|_| true).unwrap();
        let outcome = if is_known.is_some() {
            ReadOutcome::Recognised { pictures: None }
        } else {
            ReadOutcome::Read {
                reader: btsindex::media::HeaderReader::IsoMedia.label(),
                facts: Box::default(),
                pictures: None,
            }
        };
        catalogue
            .record(&Reading {
                sidecar_readers: None,
                file,
                fingerprint: Some(fingerprint),
                file_facts: Clip::default(),
                outcome,
            })
            .unwrap();
        catalogue.commit().unwrap();
        self.files.insert(slot, content);
    }

    fn delete(&mut self, slot: FileSlot) {
        if self.files.remove(&slot).is_some() {
            self.mark_missing(slot);
        }
    }

    fn mark_missing(&mut self, slot: FileSlot) {
        self.catalogue.begin().unwrap();
        let folder = self.folder_of(slot);
        let name = format!("C000{}.mov", slot / 2);
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

    fn add_edit(&mut self, slot: FileSlot, who: usize, action: Action) {
        if let Some(&content) = self.files.get(&slot) {
            self.add_edit_of(content, who, action);
        }
    }

    fn add_edit_of(&mut self, content: Content, who: usize, action: Action) {
        let is_about = |word: &&ModelEdit| match (&word.action, &action) {
            (
                Action::AddTag(one) | Action::RemoveTag(one),
                Action::AddTag(other) | Action::RemoveTag(other),
            ) => one == other,
            (Action::Stars(_), Action::Stars(_)) => true,
            _ => false,
        };
        let last = self.active_edits(content).filter(is_about).last();
        let is_said = last.is_some_and(|word| word.action == action);
        let clip = self.clip_of(content).expect("an existing file has a clip");
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
            self.words.push(ModelEdit {
                edit: edits.last().unwrap().id,
                who,
                content,
                action,
                counts: true,
            });
        }
    }

    fn active_edits(&self, content: Content) -> impl Iterator<Item = &ModelEdit> {
        let of = move |word: &&ModelEdit| word.counts && word.content == content;
        self.words.iter().filter(of)
    }

    fn undo(&mut self, who: usize) {
        let undone = self.catalogue.undo_last(PEOPLE[who]).unwrap();
        let last = self
            .words
            .iter_mut()
            .rfind(|word| word.counts && word.who == who);
        let expected: Vec<EditId> = last.iter().map(|word| word.edit).collect();
        assert_eq!(
            undone.iter().map(|edit| edit.id).collect::<Vec<_>>(),
            expected
        );
        if let Some(word) = last {
            word.counts = false;
        }
    }

    /// Undoes the latest active undo of any clip.
    fn undo_latest_undo(&mut self) {
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
        // An edit that reverted an undo has no content.
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
            self.files.retain(|slot, _| slot % 2 != volume);
        }
    }

    fn apply(&mut self, step: &Step) {
        let tag = |tag: u8| format!("tag-{tag}");
        match *step {
            Step::ScanFile(slot, content) => self.scan_file(slot, content),
            Step::Move(from, to) | Step::Copy(from, to) if from == to => {}
            Step::Move(from, to) => {
                if let Some(&content) = self.files.get(&from) {
                    self.scan_file(to, content);
                    self.delete(from);
                }
            }
            Step::Copy(from, to) => {
                if let Some(&content) = self.files.get(&from) {
                    self.scan_file(to, content);
                }
            }
            Step::Delete(slot) => self.delete(slot),
            Step::Note(slot, who) => {
                let note = format!("note {}", self.words.len());
                self.add_edit(slot, who, Action::Note(note));
            }
            Step::AddTag(slot, who, it) => self.add_edit(slot, who, Action::AddTag(tag(it))),
            Step::RemoveTag(slot, who, it) => self.add_edit(slot, who, Action::RemoveTag(tag(it))),
            Step::Stars(slot, who, stars) => self.add_edit(slot, who, Action::Stars(stars)),
            Step::Undo(who) => self.undo(who),
            Step::UndoLatestUndo => self.undo_latest_undo(),
            Step::Forget(volume) => self.forget(volume),
            Step::Reopen => self.catalogue = Catalogue::open(self.folder.path()).unwrap(),
        }
    }

    /// Checks that each content has the edits of the model, wherever its files are.
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
            let expected = self
                .files
                .values()
                .filter(|other| **other == content)
                .count();
            prop_assert_eq!(files, expected, "files of content {}", content);
            prop_assert_eq!(
                edited_fields(&clip),
                self.expected(content),
                "content {}",
                content
            );
        }
        Ok(())
    }

    fn expected(&self, content: Content) -> EditedFields {
        let mut expected = EditedFields::default();
        for word in self.active_edits(content) {
            match &word.action {
                Action::Note(text) => expected.0.push(text.clone()),
                Action::AddTag(tag) => _ = expected.1.insert(tag.clone()),
                Action::RemoveTag(tag) => _ = expected.1.remove(tag),
                Action::Stars(0) => expected.2 = None,
                Action::Stars(stars) => expected.2 = Some(u32::from(*stars)),
                _ => {}
            }
        }
        expected
    }

    /// Imports the journal, half of it twice, into another catalogue that knows all contents.
    fn compare_after_import(&self) -> Result<(), TestCaseError> {
        let mut lines = Vec::new();
        self.catalogue
            .each_edit(&mut |edit| {
                lines.push(edit.to_line());
                Ok(())
            })
            .unwrap();
        lines.reverse();
        let mut other = Self::new();
        let half = lines[..lines.len() / 2].join("\n");
        other.catalogue.import(&mut half.as_bytes()).unwrap();
        for content in 0..CONTENTS {
            other.scan_file(content, content);
        }
        let all = lines.join("\n");
        let imported = other.catalogue.import(&mut all.as_bytes()).unwrap();
        prop_assert_eq!((imported.refused, imported.waiting), (Vec::new(), 0));
        for content in 0..CONTENTS {
            let clip = other.clip_of(content).unwrap();
            let clip = other.catalogue.clip(clip).unwrap().unwrap();
            prop_assert_eq!(
                edited_fields(&clip),
                self.expected(content),
                "content {}",
                content
            );
        }
        Ok(())
    }
}

/// Notes, tags and stars.
type EditedFields = (Vec<String>, BTreeSet<String>, Option<u32>);

fn edited_fields(clip: &Clip) -> EditedFields {
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
    #![proptest_config(crate::property_tests::random(24))]

    #[test]
    fn edits_stay_with_their_content(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.apply(step);
            world.compare()?;
        }
        world.compare_after_import()?;
    }
}
