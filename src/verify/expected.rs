//! Expected state of each file in a folder, from ASC MHL, older media hash lists, the log of
//! ingests and hashes in the catalogue.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::VerifyState;
use crate::catalogue::{Catalogue, CopyState, EarlierRead, how_read};
use crate::checksum::{Checksum, HashKind};
use crate::error::Error;
use crate::mhl::mhl1::{self, Mhl1List};
use crate::mhl::{self, Histories};
use crate::offload::{Hashed, How, Item};

/// Copy in the log of ingests.
#[derive(Debug, Clone)]
pub(super) struct CopyRecord {
    pub(super) file: i64,
    pub(super) place: usize,
    /// Recorded hash; `None` if the file was never a copy.
    pub(super) digest: Option<Checksum>,
    /// Problem that is reported although the copy is verified.
    pub(super) problem: Option<String>,
}

/// All sources of expected hashes.
pub(super) struct Basis {
    pub(super) histories: Histories,
    /// Path of the folder relative to the histories' root, as in manifests; empty if equal.
    prefix: String,
    classics: Vec<(Mhl1List, HashMap<String, usize>)>,
    /// Copies by path relative to the folder.
    logged: HashMap<PathBuf, Vec<CopyRecord>>,
    /// xxh128 hashes of whole files in the catalogue, by path relative to the folder.
    catalogued: HashMap<PathBuf, Checksum>,
    /// Earlier reads of files, by path relative to the folder.
    earlier: HashMap<PathBuf, Vec<EarlierRead>>,
    /// Known paths that lead to a listed file of another spelling, by listed path.
    spellings: HashMap<PathBuf, Vec<PathBuf>>,
    /// Spelling in the manifests of listed files and folders, by listed path.
    recorded: HashMap<PathBuf, PathBuf>,
    /// Id of the volume's mount session; `None` unless unmounting empties the only cache that can
    /// answer reads.
    session: Option<i64>,
    /// Volume of the folder in the catalogue, and the path relative to it.
    pub(super) on_volume: Option<(i64, PathBuf)>,
    /// Kind of hash that records new files.
    pub(super) kind: HashKind,
}

/// Expected hashes of one file.
#[derive(Debug, Clone)]
pub(super) struct ExpectedHashes {
    /// From ASC MHL, the original first.
    expected: Vec<Checksum>,
    /// Kinds of the original hashes, one per spelling of the name.
    originals: Vec<HashKind>,
    /// From older lists.
    listed: Vec<mhl1::Mhl1File>,
    pub(super) logged: Vec<CopyRecord>,
    catalogued: Vec<Checksum>,
    kind: HashKind,
}

fn manifest(fault: &mhl::MhlError) -> Error {
    Error::Manifest(fault.to_string())
}

impl Basis {
    pub(super) fn read(root: &Path, catalogue: Option<&Catalogue>) -> Result<Self, Error> {
        // A folder below one with a history belongs to that history.
        let above = root
            .ancestors()
            .find(|folder| folder.join(mhl::FOLDER).is_dir());
        // Unless no manifest can store its path.
        let above = above.filter(|base| {
            let inside = root.strip_prefix(base).unwrap_or(Path::new(""));
            inside.as_os_str().is_empty() || mhl::path(inside).is_some()
        });
        let base = above.unwrap_or(root);
        let histories = Histories::read(base).map_err(|fault| manifest(&fault))?;
        let inside = root.strip_prefix(base).unwrap_or(Path::new(""));
        let (mut classics, mut damaged) = (Vec::new(), Vec::new());
        for path in mhl1::find(root).map_err(|fault| manifest(&fault))? {
            // A manifest outside its history is an ordinary file.
            let list = match mhl1::read(&path) {
                Ok(Some(list)) => list,
                Ok(None) => continue,
                Err(fault) => {
                    damaged.push((path, fault));
                    continue;
                }
            };
            let files = list.files.iter().enumerate();
            let by_path = files.map(|(at, file)| (file.path.clone(), at)).collect();
            classics.push((list, by_path));
        }
        let kind = histories
            .kinds()
            .first()
            .copied()
            .unwrap_or(HashKind::Xxh128);
        let mut basis = Self {
            prefix: mhl::path(inside).unwrap_or_default(),
            histories,
            classics,
            logged: HashMap::new(),
            catalogued: HashMap::new(),
            earlier: HashMap::new(),
            spellings: HashMap::new(),
            recorded: HashMap::new(),
            session: None,
            on_volume: None,
            kind,
        };
        if let Some(catalogue) = catalogue {
            basis.read_catalogue(root, catalogue)?;
        }
        // A damaged list that was copied as footage is an ordinary file too, since its hash is
        // known elsewhere.
        let is_file = |path: &Path| {
            let inside = path.strip_prefix(root).unwrap_or(path);
            let path = basis.path(inside);
            basis.is_logged(inside)
                || path.is_some_and(|path| basis.histories.file_history(&path).is_some())
        };
        match damaged.iter().find(|(path, _)| !is_file(path)) {
            Some((_, fault)) => Err(manifest(fault)),
            None => Ok(basis),
        }
    }

    /// Reads the copies and hashes in the catalogue.
    fn read_catalogue(&mut self, root: &Path, catalogue: &Catalogue) -> Result<(), Error> {
        let (mounted, inside) = catalogue.volumes().locate(root);
        let Some(volume) = catalogue.volume_id(&mounted.identity)? else {
            return Ok(());
        };
        if mounted.is_cache_dropped_on_unmount() {
            self.session = Some(catalogue.session_of(volume)?);
        }
        for (ingest, place, folder) in catalogue.ingests_on(volume)? {
            if !folder.starts_with(&inside) && !inside.starts_with(&folder) {
                continue;
            }
            for file in catalogue.ingested(ingest)? {
                let path = folder.join(&file.inside);
                let Ok(below) = path.strip_prefix(&inside) else {
                    continue;
                };
                let copy = file.copies.get(place).and_then(Option::as_ref);
                let session = file.sessions.get(place).copied().flatten();
                let stamp = copy.and_then(|copy| copy.stamp);
                if let Some((session, stamp)) = session.zip(stamp) {
                    let earlier = self.earlier.entry(below.to_owned()).or_default();
                    earlier.push(EarlierRead { session, stamp });
                }
                // A different file of the same name may exist that was never a copy.
                let was_there = copy.is_some_and(|copy| copy.state != CopyState::NotCopied);
                let logged = CopyRecord {
                    file: file.id,
                    place,
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
        for (path, digest, earlier) in catalogue.hashes_below(volume, &inside)? {
            let reads = self.earlier.entry(path.clone()).or_default();
            reads.extend(earlier);
            if let Some(checksum) = Checksum::from_bytes(HashKind::Xxh128, &digest.to_bytes()) {
                self.catalogued.insert(path, checksum);
            }
        }
        self.on_volume = Some((volume, inside));
        Ok(())
    }

    /// Returns descriptions of the sources, for display.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (place, history) in self.histories.iter() {
            let place = if place.is_empty() { "." } else { place };
            let count = history.generations().len();
            names.push(format!("ASC MHL in {place}, generation {count}"));
        }
        for (list, _) in &self.classics {
            let name = list.path.file_name().unwrap_or_default().to_string_lossy();
            names.push(format!("MHL {name}"));
        }
        if !self.logged.is_empty() {
            names.push("the log of ingests".to_owned());
        }
        if !self.catalogued.is_empty() {
            names.push("hashes in the catalogue".to_owned());
        }
        names
    }

    /// Returns true if there are no manifests.
    pub(super) fn is_catalogued_only(&self) -> bool {
        self.histories.is_empty() && self.classics.is_empty()
    }

    /// Returns a file's path in the manifests; `None` if they cannot store it.
    pub(super) fn path(&self, inside: &Path) -> Option<String> {
        let path = mhl::path(inside)?;
        Some(match self.prefix.as_str() {
            "" => path,
            prefix => format!("{prefix}/{path}"),
        })
    }

    /// Returns true if a file is not verified: manifests, and files that they exclude.
    pub(super) fn is_left_out(&self, inside: &Path) -> bool {
        let is_manifest = mhl::is_history_file(inside)
            || self
                .classics
                .iter()
                .any(|(list, _)| list.path.file_name() == Some(inside.as_os_str()));
        let is_ignored = || {
            let path = self.path(inside);
            path.is_some_and(|path| self.histories.is_ignored(&path, false))
        };
        let is_listed = || {
            let path = mhl::path(inside);
            let mut lists = self.classics.iter();
            path.is_some_and(|path| lists.any(|(_, by_path)| by_path.contains_key(&path)))
        };
        let is_known = || {
            self.is_logged(inside)
                || self.catalogued.contains_key(inside)
                || self.spellings.contains_key(inside)
                || is_listed()
        };
        is_manifest || (is_ignored() && !is_known())
    }

    /// Returns true if an ingest recorded the hash of a file.
    fn is_logged(&self, inside: &Path) -> bool {
        self.logged(inside).any(|copy| copy.digest.is_some())
    }

    /// Returns true if a user's pattern excludes the file.
    pub(super) fn is_ignored_on_purpose(&self, inside: &Path) -> bool {
        let path = self.path(inside);
        path.is_some_and(|path| self.histories.is_ignored_on_purpose(&path))
    }

    /// Sets which known paths lead to listed files of another spelling.
    pub(super) fn respell(&mut self, spellings: HashMap<PathBuf, Vec<PathBuf>>) {
        let is_recorded = |inside: &Path| {
            let path = self.path(inside);
            path.is_some_and(|path| self.histories.file_history(&path).is_some())
        };
        let mut recorded = HashMap::new();
        for (listed, known) in &spellings {
            let known = known.iter().find(|known| is_recorded(known));
            if let Some(known) = known.filter(|_| !is_recorded(listed)) {
                for (listed, known) in listed.ancestors().zip(known.ancestors()) {
                    recorded.insert(listed.to_owned(), known.to_owned());
                }
            }
        }
        self.recorded = recorded;
        self.spellings = spellings;
    }

    /// Returns the listed path of a file and the known paths of other spellings that lead to it.
    pub(super) fn spellings<'a>(&'a self, inside: &'a Path) -> impl Iterator<Item = &'a Path> {
        let others = self.spellings.get(inside).into_iter().flatten();
        std::iter::once(inside).chain(others.map(PathBuf::as_path))
    }

    /// Returns the path in manifests of a file or folder, in their spelling.
    pub(super) fn recorded(&self, inside: &Path) -> Option<String> {
        let path = self.path(inside)?;
        if self.histories.file_history(&path).is_some() {
            return Some(path);
        }
        let mut above = inside.ancestors();
        let spelled = above.find_map(|above| {
            let rest = inside.strip_prefix(above).ok()?;
            Some(self.recorded.get(above)?.join(rest))
        });
        spelled.map_or(Some(path), |spelled| self.path(&spelled))
    }

    pub(super) fn known(&self, item: &Item) -> ExpectedHashes {
        let mut known = ExpectedHashes {
            expected: Vec::new(),
            originals: Vec::new(),
            listed: Vec::new(),
            logged: self.logged(&item.inside).cloned().collect(),
            catalogued: Vec::new(),
            kind: self.kind,
        };
        for inside in self.spellings(&item.inside) {
            let path = self.path(inside);
            let expected = path.as_ref().and_then(|path| self.histories.expected(path));
            let expected = expected.unwrap_or_default();
            known
                .originals
                .extend(expected.first().map(|original| original.kind()));
            known.expected.extend(expected.into_iter().cloned());
            let below = mhl::path(inside);
            known
                .listed
                .extend(self.classics.iter().filter_map(|(list, by_path)| {
                    let at = by_path.get(below.as_deref()?)?;
                    list.files.get(*at).cloned()
                }));
            known
                .catalogued
                .extend(self.catalogued.get(inside).cloned());
        }
        known
    }

    /// Returns the read method of a file, considering earlier reads.
    pub(super) fn how(&self, inside: &Path, read: &Hashed) -> How {
        let spellings = self.spellings(inside);
        let earlier = spellings.filter_map(|inside| self.earlier.get(inside));
        how_read(
            read.how,
            &read.stamp,
            self.session,
            earlier.flatten().copied(),
        )
    }

    /// Returns the files that must exist according to manifests and the log of ingests.
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
        let listed = self.classics.iter().flat_map(|(list, _)| &list.files);
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
        let spellings = self.spellings(inside);
        spellings
            .filter_map(|inside| self.logged.get(inside))
            .flatten()
    }
}

impl ExpectedHashes {
    /// Returns true if nothing is known of the file.
    pub(super) fn is_unknown(&self) -> bool {
        self.expected.is_empty()
            && self.listed.is_empty()
            && self.logged.iter().all(|copy| copy.digest.is_none())
            && self.catalogued.is_empty()
    }

    /// Returns the kinds of hashes to compute, without duplicates; the first records a new file.
    pub(super) fn kinds(&self) -> Vec<HashKind> {
        let listed = self.listed.iter().flat_map(mhl1::Mhl1File::kinds);
        let logged = self
            .logged
            .iter()
            .filter_map(|copy| copy.digest.as_ref())
            .map(Checksum::kind);
        // The catalogue compares all files by one kind.
        let own =
            (!self.logged.is_empty() || !self.catalogued.is_empty()).then_some(HashKind::Xxh128);
        let mut kinds = Vec::new();
        for kind in self
            .originals
            .iter()
            .copied()
            .chain([self.kind])
            .chain(listed)
            .chain(logged)
            .chain(own)
        {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Compares computed hashes with the expected ones.
    pub(super) fn state(&self, found: &[Checksum]) -> VerifyState {
        let has = |hash: &Checksum| {
            let same_kind = found.iter().find(|one| one.kind() == hash.kind());
            same_kind.map(|one| one == hash)
        };
        let of_copy = |copy: &CopyRecord| copy.digest.as_ref().and_then(has);
        let of_list = |listed: &mhl1::Mhl1File| {
            let answers: Vec<bool> = found.iter().filter_map(|one| listed.agrees(one)).collect();
            (!answers.is_empty()).then(|| answers.into_iter().all(|is_same| is_same))
        };
        let mut answers = self
            .expected
            .iter()
            .filter_map(has)
            .chain(self.listed.iter().filter_map(of_list))
            .chain(self.logged.iter().filter_map(of_copy))
            .chain(self.catalogued.iter().filter_map(has))
            .peekable();
        if answers.peek().is_none() {
            return VerifyState::New;
        }
        if answers.all(|is_same| is_same) {
            VerifyState::Verified
        } else {
            VerifyState::Altered
        }
    }
}
