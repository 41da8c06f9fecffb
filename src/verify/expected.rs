//! Recorded hashes of the files in a folder, from ASC MHL, older media hash lists, the ingest log
//! and the catalogue.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::report::VerifyState;
use crate::catalogue::{Catalogue, CopyState, EarlierRead, how_read};
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::mhl::mhl1::{self, Mhl1List};
use crate::mhl::{self, Histories};
use crate::offload::{Hashed, Item, ReadMethod};

/// Copy in the ingest log.
#[derive(Debug, Clone)]
pub(super) struct CopyRecord {
    pub(super) file: i64,
    pub(super) destination: usize,
    /// Recorded hash; `None` if the file there was never a copy.
    pub(super) digest: Option<Checksum>,
    /// Problem recorded for the copy, although it is verified.
    pub(super) problem: Option<String>,
}

/// All sources of expected hashes for one folder.
pub(super) struct HashSources {
    pub(super) histories: Histories,
    /// Path of the folder relative to the histories' root, as in manifests; empty if both are the
    /// same folder.
    prefix: String,
    mhl1_lists: Vec<(Mhl1List, HashMap<String, usize>)>,
    /// Copies in the ingest log, by path relative to the folder.
    logged: HashMap<PathBuf, Vec<CopyRecord>>,
    /// xxh128 hashes of whole files in the catalogue, by path relative to the folder.
    catalogued: HashMap<PathBuf, Checksum>,
    /// Earlier reads of files, by path relative to the folder.
    earlier_reads: HashMap<PathBuf, Vec<EarlierRead>>,
    /// Recorded paths that lead to a listed file with another spelling, by listed path.
    variants: HashMap<PathBuf, Vec<PathBuf>>,
    /// Paths in the manifests of listed files and folders, by listed path. Only differing spellings
    /// are included.
    manifest_spellings: HashMap<PathBuf, PathBuf>,
    /// Id of the volume's mount session; `None` unless unmounting empties the only cache that can
    /// serve reads.
    session: Option<i64>,
    /// Id of the folder's volume in the catalogue, and the folder's path relative to the volume.
    pub(super) on_volume: Option<(i64, PathBuf)>,
    /// Kind of hash recorded for new files.
    pub(super) kind: HashKind,
}

/// Expected hashes of a file.
#[derive(Debug, Clone)]
pub(super) struct ExpectedHashes {
    /// Hashes from ASC MHL, the original one first.
    expected: Vec<Checksum>,
    /// Kinds of the original hashes, one for each recorded spelling of the path.
    originals: Vec<HashKind>,
    /// Entries in MHL 1.x lists.
    listed: Vec<mhl1::Mhl1File>,
    pub(super) logged: Vec<CopyRecord>,
    catalogued: Vec<Checksum>,
    kind: HashKind,
}

fn manifest_error(error: &mhl::MhlError) -> Error {
    Error::Manifest(error.to_string())
}

impl HashSources {
    pub(super) fn read(root: &Path, catalogue: Option<&Catalogue>) -> Result<Self, Error> {
        // If a folder above has a history, this folder belongs to it.
        let above = root
            .ancestors()
            .find(|folder| folder.join(mhl::FOLDER).is_dir());
        // That is not possible if a manifest cannot store the folder's path.
        let above = above.filter(|base| {
            let inside = root.strip_prefix(base).unwrap_or(Path::new(""));
            inside.as_os_str().is_empty() || mhl::manifest_path(inside).is_some()
        });
        let base = above.unwrap_or(root);
        let histories = Histories::read(base).map_err(|error| manifest_error(&error))?;
        let inside = root.strip_prefix(base).unwrap_or(Path::new(""));
        let (mut mhl1_lists, mut damaged) = (Vec::new(), Vec::new());
        for path in mhl1::find(root).map_err(|error| manifest_error(&error))? {
            // An ASC MHL manifest outside its history is an ordinary file.
            let list = match mhl1::read(&path) {
                Ok(Some(list)) => list,
                Ok(None) => continue,
                Err(error) => {
                    damaged.push((path, error));
                    continue;
                }
            };
            let files = list.files.iter().enumerate();
            let by_path = files.map(|(at, file)| (file.path.clone(), at)).collect();
            mhl1_lists.push((list, by_path));
        }
        let kind = histories
            .kinds()
            .first()
            .copied()
            .unwrap_or(HashKind::Xxh128);
        let mut sources = Self {
            prefix: mhl::manifest_path(inside).unwrap_or_default(),
            histories,
            mhl1_lists,
            logged: HashMap::new(),
            catalogued: HashMap::new(),
            earlier_reads: HashMap::new(),
            variants: HashMap::new(),
            manifest_spellings: HashMap::new(),
            session: None,
            on_volume: None,
            kind,
        };
        if let Some(catalogue) = catalogue {
            sources.read_catalogue(root, catalogue)?;
        }
        // A damaged list that was copied with the footage is an ordinary file, too: its hash is
        // recorded elsewhere.
        let is_file = |path: &Path| {
            let inside = path.strip_prefix(root).unwrap_or(path);
            let path = sources.path(inside);
            sources.is_logged(inside)
                || path.is_some_and(|path| sources.histories.file_history(&path).is_some())
        };
        match damaged.iter().find(|(path, _)| !is_file(path)) {
            Some((_, error)) => Err(manifest_error(error)),
            None => Ok(sources),
        }
    }

    /// Adds the copies and hashes that the catalogue contains.
    fn read_catalogue(&mut self, root: &Path, catalogue: &Catalogue) -> Result<(), Error> {
        let (mounted, inside) = catalogue.volumes().locate(root);
        let Some(volume) = catalogue.volume_id(&mounted.identity)? else {
            return Ok(());
        };
        if mounted.is_cache_dropped_on_unmount() {
            self.session = Some(catalogue.session_of(volume)?);
        }
        for (ingest, destination, folder) in catalogue.ingests_on(volume)? {
            if !folder.starts_with(&inside) && !inside.starts_with(&folder) {
                continue;
            }
            for file in catalogue.ingested(ingest)? {
                let path = folder.join(&file.inside);
                let Ok(below) = path.strip_prefix(&inside) else {
                    continue;
                };
                let copy = file.copies.get(destination).and_then(Option::as_ref);
                let session = file.sessions.get(destination).copied().flatten();
                let stamp = copy.and_then(|copy| copy.stamp);
                if let Some((session, stamp)) = session.zip(stamp) {
                    let earlier_reads = self.earlier_reads.entry(below.to_owned()).or_default();
                    earlier_reads.push(EarlierRead { session, stamp });
                }
                // A different file of the same name that was never a copy may exist.
                let was_there = copy.is_some_and(|copy| copy.state != CopyState::NotCopied);
                let logged = CopyRecord {
                    file: file.id,
                    destination,
                    problem: copy
                        .filter(|copy| copy.is_verified())
                        .and_then(|copy| copy.problem.clone()),
                    digest: file.digest.filter(|_| was_there),
                };
                self.logged
                    .entry(below.to_owned())
                    .or_default()
                    .push(logged);
            }
        }
        for (path, digest, earlier_reads) in catalogue.hashes_below(volume, &inside)? {
            let reads = self.earlier_reads.entry(path.clone()).or_default();
            reads.extend(earlier_reads);
            if let Some(checksum) = Checksum::from_bytes(HashKind::Xxh128, &digest.to_bytes()) {
                self.catalogued.insert(path, checksum);
            }
        }
        self.on_volume = Some((volume, inside));
        Ok(())
    }

    /// Returns a description of each source, for display.
    pub(super) fn descriptions(&self) -> Vec<String> {
        let mut descriptions = Vec::new();
        for (folder, history) in self.histories.iter() {
            let folder = if folder.is_empty() { "." } else { folder };
            let count = history.generations().len();
            descriptions.push(format!("ASC MHL in {folder}, generation {count}"));
        }
        for (list, _) in &self.mhl1_lists {
            let name = list.path.file_name().unwrap_or_default().to_string_lossy();
            descriptions.push(format!("MHL {name}"));
        }
        if !self.logged.is_empty() {
            descriptions.push("the ingest log".to_owned());
        }
        if !self.catalogued.is_empty() {
            descriptions.push("hashes in the catalogue".to_owned());
        }
        descriptions
    }

    /// Returns true if there are no manifests.
    pub(super) fn has_no_manifests(&self) -> bool {
        self.histories.is_empty() && self.mhl1_lists.is_empty()
    }

    /// Returns the path of a file in the form used in manifests; `None` if they cannot store it.
    pub(super) fn path(&self, inside: &Path) -> Option<String> {
        let path = mhl::manifest_path(inside)?;
        Some(match self.prefix.as_str() {
            "" => path,
            prefix => format!("{prefix}/{path}"),
        })
    }

    /// Returns true if a file is excluded from the verification: a manifest, or an ignored file
    /// without a recorded hash.
    pub(super) fn is_excluded(&self, inside: &Path) -> bool {
        let is_manifest = mhl::is_history_file(inside)
            || self
                .mhl1_lists
                .iter()
                .any(|(list, _)| list.path.file_name() == Some(inside.as_os_str()));
        let is_ignored = || {
            let path = self.path(inside);
            path.is_some_and(|path| self.histories.is_ignored(&path, false))
        };
        let is_listed = || {
            let path = mhl::manifest_path(inside);
            let mut lists = self.mhl1_lists.iter();
            path.is_some_and(|path| lists.any(|(_, by_path)| by_path.contains_key(&path)))
        };
        let has_hash = || {
            self.is_logged(inside)
                || self.catalogued.contains_key(inside)
                || self.variants.contains_key(inside)
                || is_listed()
        };
        is_manifest || (is_ignored() && !has_hash())
    }

    /// Returns true if an ingest recorded the hash of a file.
    fn is_logged(&self, inside: &Path) -> bool {
        self.logged(inside).any(|copy| copy.digest.is_some())
    }

    /// Returns true if a user's pattern excludes a file.
    pub(super) fn is_ignored_by_user(&self, inside: &Path) -> bool {
        let path = self.path(inside);
        path.is_some_and(|path| self.histories.is_ignored_by_user(&path))
    }

    /// Sets the recorded paths that lead to listed files with another spelling, by listed path.
    pub(super) fn set_variants(&mut self, variants: HashMap<PathBuf, Vec<PathBuf>>) {
        let is_recorded = |inside: &Path| {
            let path = self.path(inside);
            path.is_some_and(|path| self.histories.file_history(&path).is_some())
        };
        let mut recorded = HashMap::new();
        for (listed, variants) in &variants {
            let variant = variants.iter().find(|variant| is_recorded(variant));
            if let Some(variant) = variant.filter(|_| !is_recorded(listed)) {
                for (listed, variant) in listed.ancestors().zip(variant.ancestors()) {
                    recorded.insert(listed.to_owned(), variant.to_owned());
                }
            }
        }
        self.manifest_spellings = recorded;
        self.variants = variants;
    }

    /// Returns the listed path of a file, then the recorded paths with other spellings that lead to
    /// it.
    pub(super) fn variants<'a>(&'a self, inside: &'a Path) -> impl Iterator<Item = &'a Path> {
        let variants = self.variants.get(inside).into_iter().flatten();
        std::iter::once(inside).chain(variants.map(PathBuf::as_path))
    }

    /// Returns the path of a file or folder as spelled in the manifests; `None` if they cannot
    /// store it.
    pub(super) fn manifest_path(&self, inside: &Path) -> Option<String> {
        let path = self.path(inside)?;
        if self.histories.file_history(&path).is_some() {
            return Some(path);
        }
        let mut above = inside.ancestors();
        let variant = above.find_map(|above| {
            let rest = inside.strip_prefix(above).ok()?;
            Some(self.manifest_spellings.get(above)?.join(rest))
        });
        variant.map_or(Some(path), |variant| self.path(&variant))
    }

    /// Returns the expected hashes of a listed file, from all sources.
    pub(super) fn expected_hashes(&self, item: &Item) -> ExpectedHashes {
        let mut hashes = ExpectedHashes {
            expected: Vec::new(),
            originals: Vec::new(),
            listed: Vec::new(),
            logged: self.logged(&item.inside).cloned().collect(),
            catalogued: Vec::new(),
            kind: self.kind,
        };
        for inside in self.variants(&item.inside) {
            let path = self.path(inside);
            let expected = path.as_ref().and_then(|path| self.histories.expected(path));
            let expected = expected.unwrap_or_default();
            hashes
                .originals
                .extend(expected.first().map(|original| original.kind()));
            hashes.expected.extend(expected.into_iter().cloned());
            let below = mhl::manifest_path(inside);
            hashes
                .listed
                .extend(self.mhl1_lists.iter().filter_map(|(list, by_path)| {
                    let at = by_path.get(below.as_deref()?)?;
                    list.files.get(*at).cloned()
                }));
            hashes
                .catalogued
                .extend(self.catalogued.get(inside).cloned());
        }
        hashes
    }

    /// Returns the method by which a file was read. Earlier reads in other mount sessions may make
    /// it more certain.
    pub(super) fn read_method(&self, inside: &Path, read: &Hashed) -> ReadMethod {
        let variants = self.variants(inside);
        let earlier_reads = variants.filter_map(|inside| self.earlier_reads.get(inside));
        how_read(
            read.how,
            &read.stamp,
            self.session,
            earlier_reads.flatten().copied(),
        )
    }

    /// Returns the files that must exist according to the manifests and the ingest log.
    pub(super) fn expected_paths(&self) -> BTreeSet<PathBuf> {
        let mut expected_paths: BTreeSet<PathBuf> = BTreeSet::new();
        for path in self.histories.paths() {
            let inside = match self.prefix.as_str() {
                "" => Some(path.as_str()),
                prefix => path
                    .strip_prefix(prefix)
                    .and_then(|rest| rest.strip_prefix('/')),
            };
            if let Some(inside) = inside
                && self.histories.file_history(&path).is_some()
            {
                expected_paths.insert(PathBuf::from(inside));
            }
        }
        let listed = self.mhl1_lists.iter().flat_map(|(list, _)| &list.files);
        expected_paths.extend(listed.map(|file| PathBuf::from(&file.path)));
        for (path, logged) in &self.logged {
            if !mhl::is_history_file(path) && logged.iter().any(|copy| copy.digest.is_some()) {
                expected_paths.insert(path.clone());
            }
        }
        expected_paths
    }

    /// Returns the files that have a hash in the catalogue.
    pub(super) fn catalogued(&self) -> impl Iterator<Item = &Path> {
        self.catalogued.keys().map(PathBuf::as_path)
    }

    /// Returns the logged copies of a file.
    pub(super) fn logged<'a>(&'a self, inside: &'a Path) -> impl Iterator<Item = &'a CopyRecord> {
        let variants = self.variants(inside);
        variants
            .filter_map(|inside| self.logged.get(inside))
            .flatten()
    }
}

impl ExpectedHashes {
    /// Returns true if no hash of the file is recorded.
    pub(super) fn is_unknown(&self) -> bool {
        self.expected.is_empty()
            && self.listed.is_empty()
            && self.logged.iter().all(|copy| copy.digest.is_none())
            && self.catalogued.is_empty()
    }

    /// Returns the kinds of hashes to compute, without duplicates.
    pub(super) fn kinds(&self) -> Vec<HashKind> {
        let listed = self.listed.iter().flat_map(mhl1::Mhl1File::kinds);
        let logged = self
            .logged
            .iter()
            .filter_map(|copy| copy.digest.as_ref())
            .map(Checksum::kind);
        // The catalogue uses one kind of hash for all files.
        let catalogue =
            (!self.logged.is_empty() || !self.catalogued.is_empty()).then_some(HashKind::Xxh128);
        let mut kinds = Vec::new();
        for kind in self
            .originals
            .iter()
            .copied()
            .chain([self.kind])
            .chain(listed)
            .chain(logged)
            .chain(catalogue)
        {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Compares computed hashes with the expected ones.
    pub(super) fn compare(&self, computed: &[Checksum]) -> VerifyState {
        let check = |hash: &Checksum| {
            let same_kind = computed
                .iter()
                .find(|computed| computed.kind() == hash.kind());
            same_kind.map(|computed| computed == hash)
        };
        let check_copy = |copy: &CopyRecord| copy.digest.as_ref().and_then(check);
        let check_list = |listed: &mhl1::Mhl1File| {
            let matches: Vec<bool> = computed
                .iter()
                .filter_map(|computed| listed.matches(computed))
                .collect();
            (!matches.is_empty()).then(|| matches.into_iter().all(|is_same| is_same))
        };
        let mut matches = self
            .expected
            .iter()
            .filter_map(check)
            .chain(self.listed.iter().filter_map(check_list))
            .chain(self.logged.iter().filter_map(check_copy))
            .chain(self.catalogued.iter().filter_map(check))
            .peekable();
        if matches.peek().is_none() {
            return VerifyState::New;
        }
        if matches.all(|is_same| is_same) {
            VerifyState::Verified
        } else {
            VerifyState::Altered
        }
    }
}
