//! Builds an index of the whole catalogue.
//!
//! The new index is built in a folder next to the old one, which is then renamed into place. A
//! search that has the old index open can continue. For a single search, the index can also be
//! built in memory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tantivy::directory::RamDirectory;
use tantivy::{Directory, IndexSettings, TantivyError};

use super::catch_panic::guarded;
use super::directory::{IndexFolder, UNFINISHED};
use super::document;
use super::open::MARKER_FILE;
use super::updater::IndexUpdater;
use super::write_lock::lock_file;
use super::{Index, IndexNotice, IndexState};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::lock::{self, Held};

/// Name prefix of the folder in which a new index is built.
const NEW: &str = "index.new-";
/// Name prefix of the folder of a replaced index.
const OLD: &str = "index.old-";

impl Index {
    /// Rebuilds the index from seq 0. Calls `on_progress` with the number of indexed clips and the
    /// total.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read or the index cannot be written.
    pub fn rebuild(
        catalogue: &Catalogue,
        on_notice: &mut dyn FnMut(&IndexNotice),
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, Error> {
        // Never `None`, because the wait for the lock is not cancelled.
        Self::rebuild_unless(&|| false, catalogue, on_notice, on_progress)?.ok_or(Error::Thread)
    }

    /// Rebuilds the index like [`Index::rebuild`]. Returns `None` if `is_cancelled` ends the wait
    /// for the lock.
    ///
    /// # Errors
    /// Returns an error if the catalogue cannot be read or the index cannot be written.
    pub(super) fn rebuild_unless(
        is_cancelled: &dyn Fn() -> bool,
        catalogue: &Catalogue,
        on_notice: &mut dyn FnMut(&IndexNotice),
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Option<Self>, Error> {
        let mut waiting = |holder: &str| {
            on_notice(&IndexNotice::Waiting {
                holder: holder.to_owned(),
            });
        };
        let held = lock::hold(&lock_file(catalogue), "rebuild", is_cancelled, &mut waiting)?;
        let Some(held) = held else { return Ok(None) };
        let index = Self::build(catalogue, &held, on_progress)?;
        index.tidy_or_notify(catalogue, &held, on_notice);
        Self::open_intact(catalogue).map(Some)
    }

    /// Builds a new index and replaces the current one. The caller holds the lock, so no other
    /// process is writing.
    pub(super) fn build(
        catalogue: &Catalogue,
        _lock: &Held,
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, Error> {
        Self::check_folder(catalogue)?;
        remove_leftovers(catalogue.folder());
        let folder = Self::folder(catalogue);
        let (new, old) = (
            sibling_folder(catalogue, NEW),
            sibling_folder(catalogue, OLD),
        );
        let mut replaced = ReplacedIndex::open(catalogue)?;
        let built = guarded(|| {
            fs::create_dir(&new).map_err(Error::path(&new))?;
            write_marker(&new)?;
            let directory = IndexFolder::open(&new).map_err(TantivyError::from)?;
            Self::fill(directory, catalogue, &mut |done, total| {
                replaced.keep_up(catalogue);
                on_progress(done, total);
            })
        });
        drop(replaced);
        // Closes the new index before its folder is renamed.
        if let Err(error) = built.map(drop) {
            remove_folder(&new);
            return Err(error);
        }
        if folder.exists() {
            fs::rename(&folder, &old).map_err(Error::path(&folder))?;
        }
        fs::rename(&new, &folder).map_err(Error::path(&folder))?;
        sync(catalogue.folder());
        remove_folder(&old);
        Self::open_intact(catalogue)
    }

    /// Builds a temporary index in memory.
    pub(super) fn in_memory(catalogue: &Catalogue) -> Result<Self, Error> {
        guarded(|| Self::fill(RamDirectory::create(), catalogue, &mut |_, _| ()))
    }

    fn fill(
        directory: impl Into<Box<dyn Directory>>,
        catalogue: &Catalogue,
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, Error> {
        let (schema, columns) = document::schema();
        let inner = tantivy::Index::create(directory, schema, IndexSettings::default())?;
        let (mut done, total) = (0, catalogue.count()?);
        let mut updater = IndexUpdater::new(&inner, &columns, catalogue, 0)?;
        updater.catch_up(&mut |changes| {
            done += changes;
            on_progress(done.min(total), total);
        })?;
        // Applies the changes made during the first pass, which are few.
        updater.catch_up(&mut |_| ())?;
        let seq = updater.seq();
        drop(updater);
        Self::read(inner, columns, seq, catalogue.last_clip()?)
    }

    /// Opens the index that was just written; returns an error if it is not intact.
    pub(super) fn open_intact(catalogue: &Catalogue) -> Result<Self, Error> {
        match Self::open(catalogue)? {
            IndexState::Usable(index) => Ok(*index),
            IndexState::Damaged { file } => Err(TantivyError::InternalError(format!(
                "{file} does not match the data just written"
            ))
            .into()),
            IndexState::Missing | IndexState::Mismatched(_) | IndexState::NotOurs => {
                Err(TantivyError::InternalError(
                    "the index does not match the data just written".to_owned(),
                )
                .into())
            }
        }
    }
}

/// Index that is about to be replaced. While it is intact, it is kept up to date so that searches
/// can use it and find recent changes.
struct ReplacedIndex {
    index: Option<Box<Index>>,
    seq: i64,
}

impl ReplacedIndex {
    fn open(catalogue: &Catalogue) -> Result<Self, Error> {
        let index = match Index::open(catalogue)? {
            IndexState::Usable(index) => Some(index),
            _ => None,
        };
        let seq = index.as_ref().map_or(0, |index| index.seq());
        Ok(Self { index, seq })
    }

    /// Applies recent changes. If that fails, searches wait for the new index.
    fn keep_up(&mut self, catalogue: &Catalogue) {
        let Some(index) = &self.index else { return };
        let updated = guarded(|| {
            if catalogue.seq()? == self.seq {
                return Ok(self.seq);
            }
            let mut updater = IndexUpdater::new(&index.inner, &index.columns, catalogue, self.seq)?;
            updater.catch_up(&mut |_| ())?;
            Ok(updater.seq())
        });
        match updated {
            Ok(seq) => self.seq = seq,
            Err(_) => self.index = None,
        }
    }
}

/// Writes the marker file, which identifies a folder as created by this program.
pub(super) fn write_marker(folder: &Path) -> Result<(), Error> {
    let path = folder.join(MARKER_FILE);
    fs::write(&path, "made by btsindex; may be deleted at any time\n").map_err(Error::path(&path))
}

/// Returns an unused path next to the index. No other process uses it, because the caller holds the
/// lock.
fn sibling_folder(catalogue: &Catalogue, kind: &str) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.subsec_nanos());
    let name = format!("{kind}{:x}{now:08x}", std::process::id());
    catalogue.folder().join(name)
}

/// Removes folders and unfinished files that killed processes left behind.
pub(super) fn remove_leftovers(catalogue: &Path) {
    for name in file_names(catalogue) {
        if name.starts_with(NEW) || name.starts_with(OLD) {
            remove_folder(&catalogue.join(name));
        }
    }
    let index = catalogue.join("index");
    for name in file_names(&index) {
        if name.starts_with(UNFINISHED) {
            let _ = fs::remove_file(index.join(name));
        }
    }
}

/// Removes a folder with a marker file. The marker is removed last, so that an interrupted removal
/// can be completed later. Errors are ignored, because the next call tries again.
fn remove_folder(folder: &Path) {
    if !folder.join(MARKER_FILE).exists() {
        // A folder without a marker is removed only if it is empty.
        let _ = fs::remove_dir(folder);
        return;
    }
    let removed: io::Result<()> = file_names(folder)
        .into_iter()
        .filter(|name| name != MARKER_FILE)
        .try_for_each(|name| fs::remove_file(folder.join(name)));
    if removed.is_ok() {
        let _ = fs::remove_file(folder.join(MARKER_FILE)).and_then(|()| fs::remove_dir(folder));
    }
}

fn file_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Syncs a folder, which makes renames in it durable. Errors are ignored, because not every system
/// supports this and a lost index is rebuilt.
fn sync(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
