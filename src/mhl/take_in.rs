//! Manifests that are in a history's folder but not in its chain, taken in by the next writer.
//!
//! A writer that is killed between its manifest and the chain leaves such a one. So does a writer that is stopped for longer
//! than its lock lasts, and replaces the chain by its own at the very moment it wakes: the generation that another wrote
//! meanwhile is whole, and only its name is lost. All this is done under the lock.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use super::chain::{self, Link};
use super::manifest;
use super::{CHAIN, FOLDER, Fault, Histories, History};
use crate::checksum::HashKind;
use crate::lock::Shared;
use crate::publish;

impl Histories {
    /// Enters manifests into the chains of locked histories that do not name them, the innermost first.
    ///
    /// # Errors
    /// When a chain cannot be written, or was written by another program meanwhile.
    pub(super) fn take_in(&mut self, locks: &BTreeMap<String, Shared>) -> Result<(), Fault> {
        for (place, lock) in locks.iter().rev() {
            let history = self.all.get(place).and_then(Option::as_ref);
            let Some(history) = history.filter(|history| !history.unnamed.is_empty()) else {
                continue;
            };
            let Some(whole) = self.with_unnamed(place, history) else {
                continue;
            };
            whole.write_chain(history, lock)?;
            let read = History::read(whole.root())?;
            self.all.insert(place.clone(), read);
        }
        Ok(())
    }

    /// A history with the manifests that its chain does not name, as far as they are whole and fit.
    fn with_unnamed(&self, place: &str, history: &History) -> Option<History> {
        let mut best = None;
        let mut links = history.links.clone();
        for (number, name) in &history.unnamed {
            let path = history.root().join(FOLDER).join(name);
            let is_next = links.last().is_none_or(|last| last.number < *number);
            let hashes = manifest::read(&path, |_| Ok(()), &[HashKind::C4], |_| Ok(()));
            let Some(hash) = hashes.ok().and_then(|hashes| hashes.into_iter().next()) else {
                continue;
            };
            if !is_next {
                continue;
            }
            links.push(Link {
                number: *number,
                name: name.clone(),
                hash,
            });
            let with = History::of(
                history.root(),
                history.chain.clone(),
                Vec::new(),
                links.clone(),
            );
            match with {
                Ok(with) if self.check_references_of(place, &with).is_ok() => best = Some(with),
                // It says what contradicts the others, or itself.
                _ => _ = links.pop(),
            }
        }
        best
    }
}

impl History {
    /// Writes the chain in the place of the one that was read.
    fn write_chain(&self, before: &Self, lock: &Shared) -> Result<(), Fault> {
        let path = self.root().join(FOLDER).join(CHAIN);
        let text = chain::written(&self.links);
        let write = |file: &mut std::fs::File| file.write_all(text.as_bytes());
        match publish::instead_while(&path, &before.chain, write, &|| lock.is_held()) {
            Err(fault) if fault.kind() == ErrorKind::AlreadyExists => {
                Err(Fault::Overtaken { path })
            }
            written => written.map_err(Fault::path(&path)),
        }
    }

    /// Paths of manifests that the chain does not name, and that the next writer takes in.
    #[must_use]
    pub fn unnamed(&self) -> Vec<PathBuf> {
        let folder = self.root().join(FOLDER);
        let names = self.unnamed.iter();
        names.map(|(_, name)| folder.join(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::tests::generation;
    use super::super::{History, LOCK};
    use super::*;

    fn locked(root: &Path) -> Histories {
        Histories::lock(root, &|_| true, &|| true).unwrap().unwrap()
    }

    fn of(path: &str) -> super::super::Generation {
        generation(&[path], &[HashKind::Md5])
    }

    /// Files that the history knows, and the numbers of its generations.
    fn known(root: &Path) -> (Vec<&'static str>, Vec<u32>) {
        let history = History::read(root).unwrap().unwrap();
        let files = ["a", "b", "c", "d"].into_iter();
        let files = files.filter(|path| history.known(path).is_some());
        let numbers = history.generations().iter().map(|made| made.number);
        (files.collect(), numbers.collect())
    }

    #[test]
    fn a_generation_that_a_late_writer_drops_from_the_chain_is_taken_in_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let (root, chain) = (folder.path(), folder.path().join(FOLDER).join(CHAIN));
        locked(root).write(&of("a")).unwrap();
        let late = fs::read(&chain).unwrap();
        locked(root).write(&of("b")).unwrap();
        locked(root).write(&of("c")).unwrap();
        // Stopped between its last look and the rename, a writer puts its chain there when it wakes.
        fs::write(&chain, late).unwrap();
        assert_eq!(known(root), (vec!["a"], vec![1]));
        let unnamed = History::read(root).unwrap().unwrap().unnamed();
        assert_eq!(unnamed.len(), 2);
        locked(root).write(&of("d")).unwrap();
        assert_eq!(known(root), (vec!["a", "b", "c", "d"], vec![1, 2, 3, 4]));
        assert_eq!(Histories::read(root).unwrap().kinds(), [HashKind::Md5]);
    }

    #[test]
    fn a_writer_that_lost_its_lock_writes_nothing_and_can_write_again() {
        let folder = tempfile::tempdir().unwrap();
        let (root, lock) = (folder.path(), folder.path().join(FOLDER).join(LOCK));
        let stopped = locked(root);
        // Another took the lock over, and has it still.
        fs::remove_file(&lock).unwrap();
        let other = locked(root);
        let lost = stopped.write(&of("a"));
        assert!(matches!(lost, Err(Fault::Overtaken { .. })), "{lost:?}");
        assert!(!stopped.are_held() && other.are_held());
        other.write(&of("b")).unwrap();
        drop((stopped, other));
        assert_eq!(known(root), (vec!["b"], vec![1]));
        locked(root).write(&of("a")).unwrap();
        assert_eq!(known(root), (vec!["a", "b"], vec![1, 2]));
        assert_eq!(fs::read_dir(root.join(FOLDER)).unwrap().count(), 3);
    }

    #[test]
    fn what_is_no_manifest_or_contradicts_the_others_is_not_taken_in() {
        let folder = tempfile::tempdir().unwrap();
        let (root, inside) = (folder.path(), folder.path().join(FOLDER));
        let first = locked(root).write(&of("a")).unwrap().remove(0);
        let whole = fs::read_to_string(&first).unwrap();
        for (name, text) in [
            ("0002_cut.mhl", &whole[..whole.len() / 2]),
            ("0003_odd.mhl", "no XML"),
            ("0004_empty.mhl", ""),
            ("0005_whole.mhl", &whole),
            ("0005_whole too.mhl", &whole),
        ] {
            fs::write(inside.join(name), text).unwrap();
        }
        locked(root).write(&of("b")).unwrap();
        assert_eq!(known(root), (vec!["a", "b"], vec![1, 5, 6]));
    }

    #[test]
    fn a_manifest_refers_to_one_within_that_is_taken_in_first() {
        let folder = tempfile::tempdir().unwrap();
        let (root, inner) = (folder.path(), folder.path().join("A001"));
        fs::create_dir(&inner).unwrap();
        locked(&inner).write(&of("a")).unwrap();
        let chains = [root, &inner].map(|root| root.join(FOLDER).join(CHAIN));
        locked(root).write(&of("b")).unwrap();
        let late = chains.each_ref().map(|chain| fs::read(chain).unwrap());
        locked(root).write(&of("A001/a")).unwrap();
        for (chain, late) in chains.iter().zip(late) {
            fs::write(chain, late).unwrap();
        }
        drop(locked(root));
        assert_eq!(known(root).1, [1, 2]);
        assert_eq!(known(&inner).1, [1, 2]);
        Histories::read(root).unwrap();
    }
}
