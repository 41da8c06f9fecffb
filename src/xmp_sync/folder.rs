//! XMP sidecars in a folder and the media files that they belong to. The folder is listed only once
//! for consecutive files.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::clip::FileCopy;
use crate::footage::xmp_owners;
use crate::sidecar::declared_extension;
use crate::xmp_owner::{Owners, is_for};

/// Listing of the most recently used folder.
#[derive(Debug, Default)]
pub struct SidecarFolder {
    folder: PathBuf,
    sidecars: Vec<OsString>,
    owners: Owners,
}

/// Reason for not writing a sidecar.
pub(super) enum NotWritten {
    /// The edits are empty and no sidecar exists.
    Nothing,
    /// Reason why it cannot be written.
    Refused(String),
}

impl From<io::Error> for NotWritten {
    fn from(error: io::Error) -> Self {
        Self::Refused(match error.kind() {
            io::ErrorKind::ReadOnlyFilesystem => "read-only volume".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::StorageFull => "the volume is full".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// Path for writing a file's sidecar.
pub(super) struct SidecarPath {
    pub(super) path: PathBuf,
    /// Reason for an unusual sidecar name, as a message for the user.
    pub(super) note: Option<String>,
}

impl SidecarFolder {
    /// Finds the existing sidecars of a file: `C0001.xmp`, and `C0001.MP4.xmp`, a form that some
    /// programs use.
    pub(super) fn sidecars_of(&mut self, copy: &FileCopy) -> io::Result<Vec<PathBuf>> {
        self.select_folder(copy)?;
        let mut sidecars = Vec::new();
        for name in sidecar_names(&copy.path) {
            let path = self
                .find_existing(&name)
                .filter(|path| self.is_own(path, copy));
            sidecars.extend(path);
        }
        Ok(sidecars)
    }

    /// Chooses the path of a file's existing or new sidecar. If the usual name would also match
    /// another file, uses the full file name with `.xmp`.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be listed, or if no path is suitable.
    pub(super) fn sidecar_path(&mut self, copy: &FileCopy) -> Result<SidecarPath, NotWritten> {
        self.select_folder(copy)?;
        let [usual, full] = sidecar_names(&copy.path).map(|name| match self.find_existing(&name) {
            Some(path) => (path, true),
            None => (self.folder.join(name), false),
        });
        let (is_usual_own, is_full_own) = (self.is_own(&usual.0, copy), self.is_own(&full.0, copy));
        let file = copy.path.file_name().unwrap_or_default();
        let is_alone = self.owners.others_with_stem(file).is_empty();
        if is_usual_own && (usual.1 || (!full.1 && is_alone)) {
            return Ok(SidecarPath {
                path: usual.0,
                note: None,
            });
        }
        if !is_full_own {
            let name = file_name(&full.0);
            return Err(NotWritten::Refused(format!(
                "{name} declares that it belongs to another file"
            )));
        }
        let note = (!is_usual_own || !full.1).then(|| self.unusual_name_reason(&usual, copy));
        Ok(SidecarPath { path: full.0, note })
    }

    /// Adds a written sidecar to the listing.
    pub(super) fn add(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        if !self.sidecars.iter().any(|existing| existing == name) {
            self.sidecars.push(name.to_owned());
        }
    }

    fn select_folder(&mut self, copy: &FileCopy) -> io::Result<()> {
        let folder = copy.path.parent().unwrap_or(Path::new("."));
        if self.folder != folder {
            self.list(folder)?;
        }
        // The catalogue lists the file as media, so it is a candidate whatever its extension.
        self.owners.add(copy.path.file_name().unwrap_or_default());
        Ok(())
    }

    fn list(&mut self, folder: &Path) -> io::Result<()> {
        let names: io::Result<Vec<OsString>> = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name()))
            .collect();
        let names = names?;
        self.owners = xmp_owners(folder, &names);
        let is_sidecar = |name: &OsString| {
            let extension = Path::new(name).extension();
            extension.is_some_and(|extension| extension.eq_ignore_ascii_case("xmp"))
        };
        self.sidecars = names.into_iter().filter(is_sidecar).collect();
        folder.clone_into(&mut self.folder);
        Ok(())
    }

    /// Finds an existing sidecar by name. Ignores case, but prefers an exact match.
    fn find_existing(&self, name: &OsStr) -> Option<PathBuf> {
        let is_match = |existing: &&OsString| existing.eq_ignore_ascii_case(name);
        let exact = self.sidecars.iter().find(|existing| *existing == name);
        let existing = exact.or_else(|| self.sidecars.iter().find(is_match));
        existing.map(|name| self.folder.join(name))
    }

    /// Returns true if a sidecar belongs to the file. The sidecar need not exist.
    fn is_own(&self, path: &Path, copy: &FileCopy) -> bool {
        let declared = declared_extension(path);
        let Some((sidecar, file)) = path.file_name().zip(copy.path.file_name()) else {
            return false;
        };
        let owner = self
            .owners
            .owner_of(&sidecar.to_string_lossy(), &|| declared.clone());
        owner == Some(file) && is_for(declared.as_deref(), file)
    }

    /// Returns the reason why a file's sidecar does not get the usual name.
    fn unusual_name_reason(&self, (usual, exists): &(PathBuf, bool), copy: &FileCopy) -> String {
        let file = copy.path.file_name().unwrap_or_default();
        let (is_own, others) = (self.is_own(usual, copy), self.owners.others_with_stem(file));
        let (usual, others) = (file_name(usual), others.join(", "));
        match (others.is_empty(), *exists, is_own) {
            (true, ..) => format!("{usual} declares that it belongs to another file"),
            (false, true, _) => format!("{usual} may belong to {others}"),
            (false, false, true) => {
                format!("other programs may read {usual} as the sidecar of {others}")
            }
            (false, false, false) => format!("{usual} could also belong to {others}"),
        }
    }
}

/// Returns the two possible sidecar names: the usual one, and the full file name with `.xmp`.
fn sidecar_names(path: &Path) -> [OsString; 2] {
    let usual = path.with_extension("xmp");
    let mut full = path.file_name().unwrap_or_default().to_owned();
    full.push(".xmp");
    [usual.file_name().unwrap_or_default().to_owned(), full]
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
