//! Adoption of unnamed manifests: manifests in a history's folder that its chain does not name.
//!
//! A writer leaves such a manifest if it is killed after it wrote the manifest and before it wrote
//! the chain. A writer that was stopped until its lock expired may also replace the chain that
//! another process has extended in the meantime. The other process's generation is then complete,
//! but no longer named. The next writer adds unnamed manifests to the chain while it holds the
//! lock.

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
    /// Returns an error if a chain cannot be written, or if another program wrote it in the
    /// meantime.
    pub(super) fn adopt_manifests(
        &mut self,
        locks: &BTreeMap<String, Shared>,
    ) -> Result<(), MhlError> {
        for (folder, lock) in locks.iter().rev() {
            let history = self.all.get(folder).and_then(Option::as_ref);
            let Some(history) = history.filter(|history| !history.unnamed.is_empty()) else {
                continue;
            };
            let Some(complete) = self.with_unnamed(folder, history) else {
                continue;
            };
            complete.write_chain(history, lock)?;
            let history = History::read(complete.root())?;
            self.all.insert(folder.clone(), history);
        }
        Ok(())
    }

    /// Returns the history extended by its unnamed manifests that are complete and consistent with
    /// it; `None` if there are none.
    fn with_unnamed(&self, folder: &str, history: &History) -> Option<History> {
        let mut longest = None;
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
            let extended = History::from_links(
                history.root(),
                history.chain.clone(),
                Vec::new(),
                links.clone(),
            );
            match extended {
                Ok(extended) if self.check_references_of(folder, &extended).is_ok() => {
                    longest = Some(extended);
                }
                // The manifest is invalid or contradicts other manifests.
                _ => _ = links.pop(),
            }
        }
        longest
    }
}

impl History {
    /// Replaces the chain file, unless it changed since `before` was read.
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

    /// Returns the paths of unnamed manifests. The next writer adds them to the chain.
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

    fn lock(root: &Path) -> Histories {
        Histories::lock(root, &|_| true, &|| true).unwrap().unwrap()
    }

    fn manifest_of(path: &str) -> super::super::Generation {
        generation(&[path], &[HashKind::Md5])
    }

    /// Returns which of the files `a` to `d` the history contains, and the numbers of its
    /// generations.
    fn files_and_generations(root: &Path) -> (Vec<&'static str>, Vec<u32>) {
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
    fn the_next_writer_adds_generations_that_a_late_writer_dropped_from_the_chain() {
        let folder = tempfile::tempdir().unwrap();
        let (root, chain) = (folder.path(), folder.path().join(FOLDER).join(CHAIN));
        lock(root).write(&manifest_of("a")).unwrap();
        let old_chain = fs::read(&chain).unwrap();
        lock(root).write(&manifest_of("b")).unwrap();
        lock(root).write(&manifest_of("c")).unwrap();
        // Simulates a writer that was stopped between its last check and the rename, and then
        // replaces the chain.
        fs::write(&chain, old_chain).unwrap();
        assert_eq!(files_and_generations(root), (vec!["a"], vec![1]));
        let unnamed = History::read(root).unwrap().unwrap().unnamed();
        assert_eq!(unnamed.len(), 2);
        lock(root).write(&manifest_of("d")).unwrap();
        assert_eq!(
            files_and_generations(root),
            (vec!["a", "b", "c", "d"], vec![1, 2, 3, 4])
        );
        assert_eq!(Histories::read(root).unwrap().kinds(), [HashKind::Md5]);
    }

    #[test]
    fn a_writer_that_lost_its_lock_writes_nothing_and_can_write_again() {
        let folder = tempfile::tempdir().unwrap();
        let (root, lock_file) = (folder.path(), folder.path().join(FOLDER).join(LOCK));
        let stopped = lock(root);
        // Simulates another process that takes over the lock.
        fs::remove_file(&lock_file).unwrap();
        let other = lock(root);
        let lost = stopped.write(&manifest_of("a"));
        assert!(matches!(lost, Err(MhlError::Overtaken { .. })), "{lost:?}");
        assert!(!stopped.holds_all_locks() && other.holds_all_locks());
        other.write(&manifest_of("b")).unwrap();
        drop((stopped, other));
        assert_eq!(files_and_generations(root), (vec!["b"], vec![1]));
        lock(root).write(&manifest_of("a")).unwrap();
        assert_eq!(files_and_generations(root), (vec!["a", "b"], vec![1, 2]));
        assert_eq!(fs::read_dir(root.join(FOLDER)).unwrap().count(), 3);
    }

    #[test]
    fn invalid_or_contradictory_manifests_are_not_added() {
        let folder = tempfile::tempdir().unwrap();
        let (root, inside) = (folder.path(), folder.path().join(FOLDER));
        let first = lock(root).write(&manifest_of("a")).unwrap().remove(0);
        let complete = fs::read_to_string(&first).unwrap();
        for (name, text) in [
            ("0002_cut.mhl", &complete[..complete.len() / 2]),
            ("0003_text.mhl", "no XML"),
            ("0004_empty.mhl", ""),
            ("0005_complete.mhl", &complete),
            ("0005_second.mhl", &complete),
        ] {
            fs::write(inside.join(name), text).unwrap();
        }
        lock(root).write(&manifest_of("b")).unwrap();
        assert_eq!(files_and_generations(root), (vec!["a", "b"], vec![1, 5, 6]));
    }

    #[test]
    fn manifests_of_inner_histories_are_added_first() {
        let folder = tempfile::tempdir().unwrap();
        let (root, inner) = (folder.path(), folder.path().join("A001"));
        fs::create_dir(&inner).unwrap();
        lock(&inner).write(&manifest_of("a")).unwrap();
        let chains = [root, &inner].map(|root| root.join(FOLDER).join(CHAIN));
        lock(root).write(&manifest_of("b")).unwrap();
        let old_chains = chains.each_ref().map(|chain| fs::read(chain).unwrap());
        lock(root).write(&manifest_of("A001/a")).unwrap();
        for (chain, old_chain) in chains.iter().zip(old_chains) {
            fs::write(chain, old_chain).unwrap();
        }
        drop(lock(root));
        assert_eq!(files_and_generations(root).1, [1, 2]);
        assert_eq!(files_and_generations(&inner).1, [1, 2]);
        Histories::read(root).unwrap();
    }
}
