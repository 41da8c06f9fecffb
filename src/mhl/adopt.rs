//! Adds manifests to the chain of a history that does not name them.
//!
//! A writer that is killed between writing its manifest and the chain leaves such a manifest. So does a writer that is
//! stopped for longer than its lock lasts and then replaces the chain: the generation that another process wrote in the meantime
//! is complete, but no longer named. The next writer adds these manifests while it holds the lock.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use super::chain::{self, ChainLink};
use super::manifest;
use super::{CHAIN, FOLDER, Histories, History, MhlError};
use crate::atomic_file;
use crate::checksum::HashKind;
use crate::lock::Shared;

impl Histories {
    /// Adds unnamed manifests to the chains of locked histories, innermost first.
    ///
    /// # Errors
    /// If a chain cannot be written, or another program wrote it in the meantime.
    pub(super) fn adopt_manifests(
        &mut self,
        locks: &BTreeMap<String, Shared>,
    ) -> Result<(), MhlError> {
        for (owner, lock) in locks.iter().rev() {
            let history = self.all.get(owner).and_then(Option::as_ref);
            let Some(history) = history.filter(|history| !history.unnamed.is_empty()) else {
                continue;
            };
            let Some(complete) = self.with_unnamed(owner, history) else {
                continue;
            };
            complete.write_chain(history, lock)?;
            let history = History::read(complete.root())?;
            self.all.insert(owner.clone(), history);
        }
        Ok(())
    }

    /// Returns the history with the unnamed manifests that are complete and consistent with it.
    fn with_unnamed(&self, owner: &str, history: &History) -> Option<History> {
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
            links.push(ChainLink {
                number: *number,
                name: name.clone(),
                hash,
            });
            let with = History::from_links(
                history.root(),
                history.chain.clone(),
                Vec::new(),
                links.clone(),
            );
            match with {
                Ok(with) if self.check_references_of(owner, &with).is_ok() => best = Some(with),
                // It contradicts itself or the others.
                _ => _ = links.pop(),
            }
        }
        best
    }
}

impl History {
    /// Replaces the chain that was read.
    fn write_chain(&self, before: &Self, lock: &Shared) -> Result<(), MhlError> {
        let path = self.root().join(FOLDER).join(CHAIN);
        let text = chain::to_xml(&self.links);
        let write = |file: &mut std::fs::File| file.write_all(text.as_bytes());
        match atomic_file::replace_if(&path, &before.chain, write, &|| lock.is_held()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(MhlError::Overtaken { path })
            }
            result => result.map_err(MhlError::path(&path)),
        }
    }

    /// Returns the paths of manifests that the chain does not name, which the next writer adds.
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

    fn manifest_of(path: &str) -> super::super::Generation {
        generation(&[path], &[HashKind::Md5])
    }

    /// Returns the known files and the numbers of the generations.
    fn known(root: &Path) -> (Vec<&'static str>, Vec<u32>) {
        let history = History::read(root).unwrap().unwrap();
        let files = ["a", "b", "c", "d"].into_iter();
        let files = files.filter(|path| history.file_history(path).is_some());
        let numbers = history
            .generations()
            .iter()
            .map(|generation| generation.number);
        (files.collect(), numbers.collect())
    }

    #[test]
    fn the_next_writer_adds_a_generation_that_a_late_writer_dropped_from_the_chain() {
        let folder = tempfile::tempdir().unwrap();
        let (root, chain) = (folder.path(), folder.path().join(FOLDER).join(CHAIN));
        locked(root).write(&manifest_of("a")).unwrap();
        let late = fs::read(&chain).unwrap();
        locked(root).write(&manifest_of("b")).unwrap();
        locked(root).write(&manifest_of("c")).unwrap();
        // A writer that was stopped between its last check and the rename replaces the chain when it wakes.
        fs::write(&chain, late).unwrap();
        assert_eq!(known(root), (vec!["a"], vec![1]));
        let unnamed = History::read(root).unwrap().unwrap().unnamed();
        assert_eq!(unnamed.len(), 2);
        locked(root).write(&manifest_of("d")).unwrap();
        assert_eq!(known(root), (vec!["a", "b", "c", "d"], vec![1, 2, 3, 4]));
        assert_eq!(Histories::read(root).unwrap().kinds(), [HashKind::Md5]);
    }

    #[test]
    fn a_writer_that_lost_its_lock_writes_nothing_and_can_write_again() {
        let folder = tempfile::tempdir().unwrap();
        let (root, lock) = (folder.path(), folder.path().join(FOLDER).join(LOCK));
        let stopped = locked(root);
        // Another process took over the lock and still holds it.
        fs::remove_file(&lock).unwrap();
        let other = locked(root);
        let lost = stopped.write(&manifest_of("a"));
        assert!(matches!(lost, Err(MhlError::Overtaken { .. })), "{lost:?}");
        assert!(!stopped.are_held() && other.are_held());
        other.write(&manifest_of("b")).unwrap();
        drop((stopped, other));
        assert_eq!(known(root), (vec!["b"], vec![1]));
        locked(root).write(&manifest_of("a")).unwrap();
        assert_eq!(known(root), (vec!["a", "b"], vec![1, 2]));
        assert_eq!(fs::read_dir(root.join(FOLDER)).unwrap().count(), 3);
    }

    #[test]
    fn invalid_or_contradictory_manifests_are_not_added() {
        let folder = tempfile::tempdir().unwrap();
        let (root, inside) = (folder.path(), folder.path().join(FOLDER));
        let first = locked(root).write(&manifest_of("a")).unwrap().remove(0);
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
        locked(root).write(&manifest_of("b")).unwrap();
        assert_eq!(known(root), (vec!["a", "b"], vec![1, 5, 6]));
    }

    #[test]
    fn manifests_of_inner_histories_are_added_first() {
        let folder = tempfile::tempdir().unwrap();
        let (root, inner) = (folder.path(), folder.path().join("A001"));
        fs::create_dir(&inner).unwrap();
        locked(&inner).write(&manifest_of("a")).unwrap();
        let chains = [root, &inner].map(|root| root.join(FOLDER).join(CHAIN));
        locked(root).write(&manifest_of("b")).unwrap();
        let late = chains.each_ref().map(|chain| fs::read(chain).unwrap());
        locked(root).write(&manifest_of("A001/a")).unwrap();
        for (chain, late) in chains.iter().zip(late) {
            fs::write(chain, late).unwrap();
        }
        drop(locked(root));
        assert_eq!(known(root).1, [1, 2]);
        assert_eq!(known(&inner).1, [1, 2]);
        Histories::read(root).unwrap();
    }
}
