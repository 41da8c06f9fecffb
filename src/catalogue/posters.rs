//! Posters as files beside the catalogue, named by fingerprint; they may be deleted at any time.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::value::Fingerprint;

/// The folder of posters.
#[derive(Debug, Clone)]
pub struct Posters(PathBuf);

impl Posters {
    pub(super) fn new(catalogue: &Path) -> Self {
        Self(catalogue.join("posters"))
    }

    /// The folder that holds them all, in 256 folders.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where a clip's poster is, or would be.
    #[must_use]
    pub fn path(&self, fingerprint: Fingerprint) -> PathBuf {
        let name = fingerprint.to_string();
        self.0.join(&name[..2]).join(format!("{name}.jpg"))
    }

    /// Writes a poster: temporary, synced, renamed, so that there is never half of one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, fingerprint: Fingerprint, jpeg: &[u8]) -> io::Result<()> {
        let path = self.path(fingerprint);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(jpeg)?;
        file.as_file().sync_data()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The clips whose posters are there; 16 bytes each.
    #[must_use]
    pub fn present(&self) -> HashSet<Fingerprint> {
        let folders = fs::read_dir(&self.0).into_iter().flatten().flatten();
        folders
            .filter_map(|folder| fs::read_dir(folder.path()).ok())
            .flat_map(Iterator::flatten)
            .filter_map(|file| {
                Path::new(&file.file_name())
                    .file_stem()?
                    .to_str()?
                    .parse()
                    .ok()
            })
            .collect()
    }
}
