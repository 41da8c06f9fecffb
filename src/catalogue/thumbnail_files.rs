//! Poster and filmstrip files in the catalogue's folder, named by fingerprint. They can be deleted
//! at any time.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::value::Fingerprint;

/// File extensions of pictures; the preferred one is first.
const EXTENSIONS: [&str; 2] = ["jpg", "webp"];

/// Folders of posters and filmstrips.
#[derive(Debug, Clone)]
pub struct Thumbnails {
    /// One picture per clip.
    pub posters: PictureFolder,
    /// One filmstrip per clip, each with an index file.
    pub strips: PictureFolder,
}

impl Thumbnails {
    pub(super) fn new(catalogue: &Path) -> Self {
        Self {
            posters: PictureFolder {
                path: catalogue.join("posters"),
                has_index: false,
            },
            strips: PictureFolder {
                path: catalogue.join("strips"),
                has_index: true,
            },
        }
    }
}

/// Folder of pictures, divided into 256 subfolders.
#[derive(Debug, Clone)]
pub struct PictureFolder {
    path: PathBuf,
    /// True if each picture needs an index file, which describes it.
    has_index: bool,
}

/// File extension of index files.
pub const INDEX: &str = "json";
/// Prefix of temporary files.
const UNFINISHED: &str = ".tmp";

impl PictureFolder {
    /// Returns the top folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.path
    }

    /// Returns the path for a clip's file with this extension, whether or not it exists.
    #[must_use]
    pub fn path(&self, fingerprint: Fingerprint, extension: &str) -> PathBuf {
        let name = fingerprint.to_string();
        self.path
            .join(&name[..2])
            .join(format!("{name}.{extension}"))
    }

    /// Returns the path of a clip's picture; `None` if the picture or a required index file is
    /// missing.
    #[must_use]
    pub fn find(&self, fingerprint: Fingerprint) -> Option<PathBuf> {
        if self.has_index && !self.path(fingerprint, INDEX).exists() {
            return None;
        }
        EXTENSIONS
            .iter()
            .map(|extension| self.path(fingerprint, extension))
            .find(|path| path.exists())
    }

    /// Writes a picture to a temporary file, syncs it and renames it. Then removes the clip's
    /// picture with the other extension.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, fingerprint: Fingerprint, extension: &str, image: &[u8]) -> io::Result<()> {
        self.write(fingerprint, extension, image)?;
        for other in EXTENSIONS.iter().filter(|other| **other != extension) {
            match fs::remove_file(self.path(fingerprint, other)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes a file of a clip to a temporary file, syncs it and renames it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, fingerprint: Fingerprint, extension: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(fingerprint, extension);
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

    /// Returns the fingerprints of the clips with complete pictures. Removes temporary files of
    /// killed scans, which is safe because only one scan runs at a time.
    #[must_use]
    pub fn present(&self) -> HashSet<Fingerprint> {
        let (mut images, mut indexes) = (HashSet::new(), HashSet::new());
        let folders = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let files = folders.filter_map(|folder| fs::read_dir(folder.path()).ok());
        for file in files.flatten().flatten() {
            let name = file.file_name();
            let Some((stem, extension)) = name.to_str().and_then(|name| name.rsplit_once('.'))
            else {
                continue;
            };
            if extension.starts_with(&UNFINISHED[1..]) && stem.is_empty() {
                // If this fails, the leftover file is harmless.
                let _ = fs::remove_file(file.path());
            } else if let Ok(id) = stem.parse() {
                if EXTENSIONS.contains(&extension) {
                    images.insert(id);
                } else if extension == INDEX && self.has_index {
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
