//! Posters and strips as files beside the catalogue, named by fingerprint; they may be
//! deleted at any time.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::value::Fingerprint;

/// What a picture's file may end in, the preferred first.
const ENDINGS: [&str; 2] = ["jpg", "webp"];

/// The folders of posters and strips.
#[derive(Debug, Clone)]
pub struct Thumbnails {
    /// One picture a clip.
    pub posters: Folder,
    /// Several pictures a clip in one, each with an index beside it.
    pub strips: Folder,
}

impl Thumbnails {
    pub(super) fn new(catalogue: &Path) -> Self {
        Self {
            posters: Folder(catalogue.join("posters")),
            strips: Folder(catalogue.join("strips")),
        }
    }
}

/// A folder of pictures, in 256 folders.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder that holds them all.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where a clip's picture would be with that ending.
    #[must_use]
    pub fn path(&self, fingerprint: Fingerprint, ending: &str) -> PathBuf {
        let name = fingerprint.to_string();
        self.0.join(&name[..2]).join(format!("{name}.{ending}"))
    }

    /// Where a clip's picture is, if it is there.
    #[must_use]
    pub fn find(&self, fingerprint: Fingerprint) -> Option<PathBuf> {
        ENDINGS
            .iter()
            .map(|ending| self.path(fingerprint, ending))
            .find(|path| path.exists())
    }

    /// Writes a picture: temporary, synced, renamed, so that there is never half of one.
    /// One with the other ending makes way.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, fingerprint: Fingerprint, ending: &str, image: &[u8]) -> io::Result<()> {
        self.write(fingerprint, ending, image)?;
        for other in ENDINGS.iter().filter(|other| **other != ending) {
            match fs::remove_file(self.path(fingerprint, other)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes what belongs to a picture, in the same way.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, fingerprint: Fingerprint, ending: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(fingerprint, ending);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The clips whose pictures are there; 16 bytes each.
    #[must_use]
    pub fn present(&self) -> HashSet<Fingerprint> {
        let folders = fs::read_dir(&self.0).into_iter().flatten().flatten();
        folders
            .filter_map(|folder| fs::read_dir(folder.path()).ok())
            .flat_map(Iterator::flatten)
            .filter_map(|file| {
                let name = file.file_name();
                let (stem, ending) = name.to_str()?.rsplit_once('.')?;
                ENDINGS.contains(&ending).then_some(())?;
                stem.parse().ok()
            })
            .collect()
    }
}
