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
            posters: Folder {
                path: catalogue.join("posters"),
                has_index: false,
            },
            strips: Folder {
                path: catalogue.join("strips"),
                has_index: true,
            },
        }
    }
}

/// A folder of pictures, in 256 folders.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    /// Whether each has an index beside it.
    has_index: bool,
}

/// What an index ends in.
pub const INDEX: &str = "json";
/// What a file begins with that is not whole yet.
const UNFINISHED: &str = ".tmp";

impl Folder {
    /// The folder that holds them all.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.path
    }

    /// Where a clip's picture would be with that ending.
    #[must_use]
    pub fn path(&self, fingerprint: Fingerprint, ending: &str) -> PathBuf {
        let name = fingerprint.to_string();
        self.path.join(&name[..2]).join(format!("{name}.{ending}"))
    }

    /// Where a clip's picture is, if it is there, with its index.
    #[must_use]
    pub fn find(&self, fingerprint: Fingerprint) -> Option<PathBuf> {
        if self.has_index && !self.path(fingerprint, INDEX).exists() {
            return None;
        }
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
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The clips whose pictures are there, with their index; 16 bytes each. What a scan that
    /// was killed left unfinished is removed: only one scan runs at a time.
    #[must_use]
    pub fn present(&self) -> HashSet<Fingerprint> {
        let (mut images, mut indexes) = (HashSet::new(), HashSet::new());
        let folders = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let files = folders.filter_map(|folder| fs::read_dir(folder.path()).ok());
        for file in files.flatten().flatten() {
            let name = file.file_name();
            let Some((stem, ending)) = name.to_str().and_then(|name| name.rsplit_once('.')) else {
                continue;
            };
            if ending.starts_with(&UNFINISHED[1..]) && stem.is_empty() {
                // One that cannot be removed does no harm.
                let _ = fs::remove_file(file.path());
            } else if let Ok(id) = stem.parse() {
                if ENDINGS.contains(&ending) {
                    images.insert(id);
                } else if ending == INDEX && self.has_index {
                    indexes.insert(id);
                }
            }
        }
        if self.has_index {
            images.retain(|id| indexes.contains(id));
        }
        images
    }
}
