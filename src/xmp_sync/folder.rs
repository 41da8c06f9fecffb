//! The XMP sidecars in the folder of a file, and which of them belong to it. Consecutive files of one folder share one
//! listing.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::clip::FileCopy;
use crate::footage::xmp_owners;
use crate::sidecar::declared_extension;
use crate::xmp_owner::{Owners, is_for};

/// The folder that was looked at last.
#[derive(Debug, Default)]
pub struct Beside {
    folder: PathBuf,
    sidecars: Vec<OsString>,
    owners: Owners,
}

/// Where a file's sidecar is written.
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Why it has not the usual name.
    pub(super) note: Option<String>,
}

impl Beside {
    /// Finds the sidecars that are a file's own: `C0001.xmp`, and `C0001.MP4.xmp` as some programs have it.
    pub(super) fn own(&mut self, copy: &FileCopy) -> io::Result<Vec<PathBuf>> {
        self.look_at(copy)?;
        let mut own = Vec::new();
        for name in names_of(&copy.path) {
            let path = self.existing(&name).filter(|path| self.is_own(path, copy));
            own.extend(path);
        }
        Ok(own)
    }

    /// Decides where a file's sidecar is, or is to be. Where the usual name would be another file's too, it is the
    /// file's whole name.
    ///
    /// # Errors
    /// When the folder cannot be listed; why there is no such place, as `Err` within.
    pub(super) fn place(&mut self, copy: &FileCopy) -> io::Result<Result<Place, String>> {
        self.look_at(copy)?;
        let [usual, whole] = names_of(&copy.path).map(|name| match self.existing(&name) {
            Some(path) => (path, true),
            None => (self.folder.join(name), false),
        });
        let (is_usual, is_whole) = (self.is_own(&usual.0, copy), self.is_own(&whole.0, copy));
        let file = copy.path.file_name().unwrap_or_default();
        let is_alone = self.owners.of_same_stem(file).is_empty();
        if is_usual && (usual.1 || (!whole.1 && is_alone)) {
            return Ok(Ok(Place {
                path: usual.0,
                note: None,
            }));
        }
        if !is_whole {
            let name = shown(&whole.0);
            return Ok(Err(format!("{name} says that it is another file's")));
        }
        let note = (!is_usual || !whole.1).then(|| self.why(&usual, copy));
        Ok(Ok(Place {
            path: whole.0,
            note,
        }))
    }

    /// Notes a sidecar that was written.
    pub(super) fn add(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        if !self.sidecars.iter().any(|known| known == name) {
            self.sidecars.push(name.to_owned());
        }
    }

    fn look_at(&mut self, copy: &FileCopy) -> io::Result<()> {
        let folder = copy.path.parent().unwrap_or(Path::new("."));
        if self.folder != folder {
            self.list(folder)?;
        }
        // Its content is media, whatever its name says.
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

    /// The sidecar of that name, however its letters are written.
    fn existing(&self, name: &OsStr) -> Option<PathBuf> {
        let alike = |known: &&OsString| known.eq_ignore_ascii_case(name);
        let exact = self.sidecars.iter().find(|known| *known == name);
        let known = exact.or_else(|| self.sidecars.iter().find(alike));
        known.map(|known| self.folder.join(known))
    }

    /// Whether a sidecar, which need not be there yet, is the file's own.
    fn is_own(&self, path: &Path, copy: &FileCopy) -> bool {
        let declared = declared_extension(path);
        let Some((sidecar, file)) = path.file_name().zip(copy.path.file_name()) else {
            return false;
        };
        let owner = self
            .owners
            .of(&sidecar.to_string_lossy(), &|| declared.clone());
        owner == Some(file) && is_for(declared.as_deref(), file)
    }

    /// Returns why a sidecar does not get the usual name.
    fn why(&self, (usual, exists): &(PathBuf, bool), copy: &FileCopy) -> String {
        let file = copy.path.file_name().unwrap_or_default();
        let (is_own, others) = (self.is_own(usual, copy), self.owners.of_same_stem(file));
        let (usual, others) = (shown(usual), others.join(", "));
        match (others.is_empty(), *exists, is_own) {
            (true, ..) => format!("{usual} says that it is another file's"),
            (false, true, _) => format!("{usual} is, or may be, that of {others}"),
            (false, false, true) => {
                format!("other programs may take {usual} for the sidecar of {others}")
            }
            (false, false, false) => format!("{usual} could also belong to {others}"),
        }
    }
}

/// What a file's sidecar may be called: the usual name, and the file's whole name.
fn names_of(path: &Path) -> [OsString; 2] {
    let usual = path.with_extension("xmp");
    let mut whole = path.file_name().unwrap_or_default().to_owned();
    whole.push(".xmp");
    [usual.file_name().unwrap_or_default().to_owned(), whole]
}

fn shown(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
