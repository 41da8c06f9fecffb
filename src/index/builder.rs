//! Making an index of the whole catalogue: beside the old one, which is then moved away in one
//! step, so that a search which has it open goes on; or in memory, for one search.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tantivy::directory::RamDirectory;
use tantivy::{Directory, IndexSettings, TantivyError};

use super::catch_panic::guarded;
use super::catch_up::lock_file;
use super::directory::{Folder, UNFINISHED};
use super::document;
use super::updater::Pen;
use super::{Index, MARK, Note, State};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::lock::{self, Held};

/// What folders begin with that are not yet, or not any more, the index.
const NEW: &str = "index.new-";
const OLD: &str = "index.old-";

impl Index {
    /// Makes the index anew from seq 0, whatever there was; `progress` hears how many clips are
    /// done, and of how many.
    ///
    /// # Errors
    /// When the catalogue cannot be read, or the index not written.
    pub fn remake(
        catalogue: &Catalogue,
        told: &mut dyn FnMut(&Note),
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, Error> {
        // A wait that is never aborted ends with the lock.
        Self::remake_unless(&|| false, catalogue, told, progress)?.ok_or(Error::Thread)
    }

    /// Rebuilds the index as [`Index::remake`] does. Returns `None` when `abort` ends the wait for the lock.
    ///
    /// # Errors
    /// When the catalogue cannot be read, or the index not written.
    pub(super) fn remake_unless(
        abort: &dyn Fn() -> bool,
        catalogue: &Catalogue,
        told: &mut dyn FnMut(&Note),
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Option<Self>, Error> {
        let mut waiting = |holder: &str| {
            told(&Note::Waiting {
                holder: holder.to_owned(),
            });
        };
        let held = lock::hold(&lock_file(catalogue), "rebuild", abort, &mut waiting)?;
        let Some(held) = held else { return Ok(None) };
        let index = Self::make(catalogue, &held, progress)?;
        index.tidy_or_say(catalogue, &held, told);
        Self::sound(catalogue).map(Some)
    }

    /// A new index in place of what there is; others are kept out by the lock.
    pub(super) fn make(
        catalogue: &Catalogue,
        _lock: &Held,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, Error> {
        Self::check_place(catalogue)?;
        clear(catalogue.folder());
        let folder = Self::folder(catalogue);
        let (new, old) = (beside(catalogue, NEW), beside(catalogue, OLD));
        let mut meanwhile = Meanwhile::of(catalogue)?;
        let made = guarded(|| {
            fs::create_dir(&new).map_err(Error::path(&new))?;
            mark(&new)?;
            let directory = Folder::open(&new).map_err(TantivyError::from)?;
            Self::fill(directory, catalogue, &mut |done, total| {
                meanwhile.keep_up(catalogue);
                progress(done, total);
            })
        });
        drop(meanwhile);
        // Closed before it is moved.
        if let Err(error) = made.map(drop) {
            remove(&new);
            return Err(error);
        }
        if folder.exists() {
            fs::rename(&folder, &old).map_err(Error::path(&folder))?;
        }
        fs::rename(&new, &folder).map_err(Error::path(&folder))?;
        sync(catalogue.folder());
        remove(&old);
        Self::sound(catalogue)
    }

    /// An index that is gone when it is dropped.
    pub(super) fn in_memory(catalogue: &Catalogue) -> Result<Self, Error> {
        guarded(|| Self::fill(RamDirectory::create(), catalogue, &mut |_, _| ()))
    }

    fn fill(
        directory: impl Into<Box<dyn Directory>>,
        catalogue: &Catalogue,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, Error> {
        let (schema, columns) = document::schema();
        let inner = tantivy::Index::create(directory, schema, IndexSettings::default())?;
        let (mut done, total) = (0, catalogue.count()?);
        let mut pen = Pen::new(&inner, &columns, catalogue, 0)?;
        pen.catch_up(&mut |changes| {
            done += changes;
            progress(done.min(total), total);
        })?;
        // It took a while; what was changed in it takes none.
        pen.catch_up(&mut |_| ())?;
        let seq = pen.seq();
        drop(pen);
        Self::read(inner, columns, seq, catalogue.last_clip()?)
    }

    /// What was just written, as it is on the disk.
    pub(super) fn sound(catalogue: &Catalogue) -> Result<Self, Error> {
        match Self::look(catalogue)? {
            State::Whole(index) => Ok(*index),
            State::Damaged { file } => Err(TantivyError::InternalError(format!(
                "{file} is not what was just written"
            ))
            .into()),
            State::Absent | State::Other(_) | State::Foreign => Err(TantivyError::InternalError(
                "it is not what was just written".to_owned(),
            )
            .into()),
        }
    }
}

/// The index that is to be replaced: while it is whole, searches go on in it, and find what is
/// changed.
struct Meanwhile {
    index: Option<Box<Index>>,
    seq: i64,
}

impl Meanwhile {
    fn of(catalogue: &Catalogue) -> Result<Self, Error> {
        let index = match Index::look(catalogue)? {
            State::Whole(index) => Some(index),
            _ => None,
        };
        let seq = index.as_ref().map_or(0, |index| index.seq());
        Ok(Self { index, seq })
    }

    /// Takes in what was changed. When it cannot, searches wait for the new one.
    fn keep_up(&mut self, catalogue: &Catalogue) {
        let Some(index) = &self.index else { return };
        let followed = guarded(|| {
            if catalogue.seq()? == self.seq {
                return Ok(self.seq);
            }
            let mut pen = Pen::new(&index.inner, &index.columns, catalogue, self.seq)?;
            pen.catch_up(&mut |_| ())?;
            Ok(pen.seq())
        });
        match followed {
            Ok(seq) => self.seq = seq,
            Err(_) => self.index = None,
        }
    }
}

/// Puts the mark into a folder of ours.
pub(super) fn mark(folder: &Path) -> Result<(), Error> {
    let mark = folder.join(MARK);
    fs::write(&mark, "made by btsindex; may be deleted at any time\n").map_err(Error::path(&mark))
}

/// A folder beside the index that nobody else uses: we hold the lock.
fn beside(catalogue: &Catalogue, kind: &str) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.subsec_nanos());
    let name = format!("{kind}{:x}{now:08x}", std::process::id());
    catalogue.folder().join(name)
}

/// Removes what killed processes left: folders, and files that were not finished.
pub(super) fn clear(catalogue: &Path) {
    for name in names(catalogue) {
        if name.starts_with(NEW) || name.starts_with(OLD) {
            remove(&catalogue.join(name));
        }
    }
    let index = catalogue.join("index");
    for name in names(&index) {
        if name.starts_with(UNFINISHED) {
            let _ = fs::remove_file(index.join(name));
        }
    }
}

/// Removes a folder that is ours, its mark last: should it be cut off, it is known again. What
/// cannot be removed now is removed another time.
fn remove(folder: &Path) {
    if !folder.join(MARK).exists() {
        // Ours too, but only when it is empty.
        let _ = fs::remove_dir(folder);
        return;
    }
    let removed: io::Result<()> = names(folder)
        .into_iter()
        .filter(|name| name != MARK)
        .try_for_each(|name| fs::remove_file(folder.join(name)));
    if removed.is_ok() {
        let _ = fs::remove_file(folder.join(MARK)).and_then(|()| fs::remove_dir(folder));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Makes renames last. Not every system can, and an index that is lost is made again.
fn sync(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
