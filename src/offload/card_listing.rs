//! Listing of a card: all its files and folders. Files of any type are listed, because a card is
//! copied completely.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::atomic_file;
use crate::error::Problem;
use crate::source_file::{COARSEST_RESOLUTION, modified};
use crate::value::extensions::is_from_camera;

/// Lower-case names of folders that operating systems create in the root of a drive. They usually
/// hold no footage, and some are not readable.
const SYSTEM_FOLDERS: [&str; 6] = [
    ".spotlight-v100",
    ".fseventsd",
    ".temporaryitems",
    ".documentrevisions-v100",
    "system volume information",
    "lost+found",
];

/// Lower-case name of the folder in which programs save files before they move them to their
/// destination. Any file in it may be footage.
const TEMPORARY_ITEMS: &str = ".temporaryitems";

/// Lower-case names of files that file managers create in any folder.
const FILE_MANAGER_FILES: [&str; 3] = [".ds_store", "desktop.ini", "thumbs.db"];

/// File as listed on a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Path relative to the card's root.
    pub inside: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970 UTC.
    pub modified: i64,
}

impl Item {
    /// Returns true if a regular file has this size, and this time, up to two seconds (FAT).
    #[must_use]
    pub fn is_like(&self, metadata: &Metadata) -> bool {
        metadata.is_file()
            && metadata.len() == self.bytes
            && modified(metadata).abs_diff(self.modified) <= COARSEST_RESOLUTION
    }
}

/// Files and folders of a card.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Files, folder by folder, each sorted by name.
    pub files: Vec<Item>,
    /// Folders with their modification times, parents first; the root is excluded.
    pub folders: Vec<(PathBuf, i64)>,
    /// Entries that could not be listed, or that are neither files nor folders, such as links and
    /// pipes.
    pub problems: Vec<Problem>,
    /// Folders of operating systems that were skipped because they hold no footage.
    pub left_out: Vec<PathBuf>,
    /// Folders of operating systems that were skipped because they are not readable. They may hold
    /// footage.
    pub unreadable: Vec<Problem>,
    /// True if the listing was interrupted.
    pub is_interrupted: bool,
}

impl Listing {
    /// Removes files that are named like unfinished copies, and adds a problem with this reason for
    /// each.
    pub fn leave_out_unfinished(&mut self, root: &Path, reason: &str) {
        let is_unfinished = |item: &mut Item| {
            let name = item.inside.file_name();
            name.is_some_and(atomic_file::is_unfinished)
        };
        let removed = self.files.extract_if(.., is_unfinished);
        let problems = removed.map(|item| Problem::new(root.join(&item.inside), reason));
        self.problems.extend(problems);
    }

    /// Moves the unreadable folders of operating systems to the problems.
    pub fn report_unreadable(&mut self) {
        self.problems.append(&mut self.unreadable);
    }

    /// Removes a path and everything below it, and adds a problem with this reason.
    pub fn leave_out_below(&mut self, root: &Path, path: &Path, reason: &str) {
        let Ok(below) = path.strip_prefix(root) else {
            return;
        };
        self.files.retain(|item| !item.inside.starts_with(below));
        self.folders
            .retain(|(inside, _)| !inside.starts_with(below));
        self.problems.push(Problem::new(path, reason));
    }

    /// Returns the total size of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Returns true if two listings have the same files and the same number of folders.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.files == other.files && self.folders.len() == other.folders.len()
    }
}

/// Reason reported for a card without files.
pub(crate) const EMPTY_CARD: &str = "no files: is the card mounted there?";

/// Lists everything below a folder, until `is_cancelled` returns true. Entries that are neither
/// files nor folders become problems.
///
/// # Errors
/// Returns an error if the folder itself cannot be listed.
pub(crate) fn list(root: &Path, is_cancelled: &dyn Fn() -> bool) -> io::Result<Listing> {
    list_except(root, &[], is_cancelled)
}

/// Lists everything below a folder, as [`list`] does, but skips `mounts`. Each mount point becomes
/// a problem with the given reason.
///
/// # Errors
/// Returns an error if the folder itself cannot be listed.
pub(crate) fn list_except(
    root: &Path,
    mounts: &[(PathBuf, &str)],
    is_cancelled: &dyn Fn() -> bool,
) -> io::Result<Listing> {
    std::fs::read_dir(root)?;
    // The problems are added first, since the walk skips folders of operating systems and the mount
    // points in them.
    let problems = mounts
        .iter()
        .map(|(path, reason)| Problem::new(path, *reason));
    let mut listing = Listing {
        problems: problems.collect(),
        ..Listing::default()
    };
    // Current folder of the walk and its ancestors below the root.
    let mut open: Vec<PathBuf> = vec![root.to_owned()];
    let mut walk = WalkDir::new(root)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = walk.next() {
        if is_cancelled() {
            listing.is_interrupted = true;
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                listing.problems.push(walk_problem(&error, &open));
                continue;
            }
        };
        let Ok(inside) = entry.path().strip_prefix(root).map(Path::to_owned) else {
            continue;
        };
        let kind = entry.file_type();
        if mounts.iter().any(|(path, _)| path == entry.path()) {
            if kind.is_dir() {
                walk.skip_current_dir();
            }
            continue;
        }
        if kind.is_dir() {
            open.truncate(entry.depth());
            open.push(entry.path().to_owned());
        }
        if kind.is_dir() && entry.depth() == 1 && is_system_folder(&entry) {
            match has_no_footage(entry.path(), mounts) {
                Ok(false) => {}
                Ok(true) => {
                    listing.left_out.push(inside);
                    walk.skip_current_dir();
                    continue;
                }
                Err(error) => {
                    listing.unreadable.push(walk_problem(&error, &open));
                    walk.skip_current_dir();
                    continue;
                }
            }
        }
        if !kind.is_dir() && !kind.is_file() {
            let reason = if kind.is_symlink() {
                "a link: its target may be elsewhere; the link was not copied"
            } else {
                "a pipe or a device: not copied"
            };
            listing
                .problems
                .push(Problem::new(entry.path(), reason.to_owned()));
            continue;
        }
        match entry.metadata() {
            Ok(metadata) if kind.is_dir() => listing.folders.push((inside, modified(&metadata))),
            Ok(metadata) => listing.files.push(Item {
                inside,
                bytes: metadata.len(),
                modified: modified(&metadata),
            }),
            Err(error) => listing
                .problems
                .push(Problem::new(entry.path(), error.to_string())),
        }
    }
    Ok(listing)
}

/// Converts a walk error to a problem. An error in the middle of a folder has no path, so its depth
/// selects the folder from `open`.
fn walk_problem(error: &walkdir::Error, open: &[PathBuf]) -> Problem {
    let folder = || open.get(error.depth().saturating_sub(1)).or(open.last());
    let path = error.path().or_else(|| folder().map(PathBuf::as_path));
    let reason = error
        .io_error()
        .map_or_else(|| error.to_string(), ToString::to_string);
    Problem::new(path.unwrap_or(Path::new("")), reason)
}

fn is_system_folder(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy().to_lowercase();
    SYSTEM_FOLDERS.contains(&name.as_str())
}

/// Returns true if a folder of an operating system holds nothing that may be footage, apart from
/// mount points. Files that `fsck` recovered or that programs saved temporarily may be footage. In
/// other folders, only files with a media extension may be footage.
fn has_no_footage(folder: &Path, mounts: &[(PathBuf, &str)]) -> Result<bool, walkdir::Error> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let is_mount = |path: &Path| mounts.iter().any(|(mount, _)| mount == path);
    let entries = WalkDir::new(folder).min_depth(1).into_iter();
    for entry in entries.filter_entry(|entry| !is_mount(entry.path())) {
        let entry = entry?;
        let may_be_footage = match name.as_str() {
            "lost+found" => true,
            TEMPORARY_ITEMS => !entry.file_type().is_dir() && !is_file_manager_file(&entry),
            _ => entry.file_type().is_file() && is_media(entry.path()),
        };
        if may_be_footage {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_file_manager_file(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy().to_lowercase();
    FILE_MANAGER_FILES.contains(&name.as_str())
}

fn is_media(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(is_from_camera)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lists_everything_except_folders_of_operating_systems() {
        let card = tempfile::tempdir().unwrap();
        let root = card.path();
        for folder in [
            "b/empty",
            ".Spotlight-V100/x",
            "lost+found",
            "b/lost+found",
            "a",
        ] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::create_dir_all(root.join("System Volume Information/a")).unwrap();
        let system = "System Volume Information/a/tracking.log";
        for file in [
            "b/C0001.MP4",
            "a/.hidden",
            "Thumbs.db",
            "STATUS.BIN",
            system,
        ] {
            fs::write(root.join(file), file).unwrap();
        }
        let listing = list(root, &|| false).unwrap();
        let names = listing
            .files
            .iter()
            .map(|file| file.inside.to_str().unwrap());
        let names: Vec<&str> = names.collect();
        assert_eq!(
            names,
            ["STATUS.BIN", "Thumbs.db", "a/.hidden", "b/C0001.MP4"]
        );
        let folders = listing
            .folders
            .iter()
            .map(|(path, _)| path.to_str().unwrap());
        let folders: Vec<&str> = folders.collect();
        assert_eq!(folders, ["a", "b", "b/empty", "b/lost+found"]);
        assert_eq!(listing.left_out.len(), 3);
        assert!(listing.problems.is_empty() && !listing.is_interrupted);
        assert!(list(root, &|| true).unwrap().is_interrupted);
        assert!(list(&root.join("gone"), &|| false).is_err());
    }

    #[test]
    fn footage_in_a_system_folder_is_listed() {
        let card = tempfile::tempdir().unwrap();
        let root = card.path();
        for file in [
            ".Spotlight-V100/Store/C0001.MXF",
            ".fseventsd/0001",
            "lost+found/#12345",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let listing = list(root, &|| false).unwrap();
        let names = listing.files.iter().map(|file| file.inside.as_path());
        let names: Vec<&Path> = names.collect();
        let expected = [".Spotlight-V100/Store/C0001.MXF", "lost+found/#12345"];
        assert_eq!(names, expected.map(Path::new));
        assert_eq!(listing.left_out, [PathBuf::from(".fseventsd")]);
    }

    #[test]
    fn camera_files_in_a_system_folder_are_footage() {
        for name in [
            "A001.R3D", "B.cine", "C.rmf", "D.nev", "E.raf", "F.RW2", "G.tif", "H.dpx", "I.gpr",
            "J.arx", "K.exr", "L.BWF", "M.insp", "N.LRV", "O.mcraw", "P.TS", "Q.xml", "R.gxf",
            "S.avc", "T.RF64", "U.mka", "V.nut", "W.rm",
        ] {
            let card = tempfile::tempdir().unwrap();
            let folder = card.path().join("System Volume Information");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("tracking.log"), name).unwrap();
            fs::write(folder.join(name), name).unwrap();
            let listing = list(card.path(), &|| false).unwrap();
            let mut files = listing.files.iter();
            assert!(files.any(|file| file.inside.ends_with(name)), "{name}");
            assert!(listing.left_out.is_empty(), "{name}");
        }
    }

    #[test]
    fn files_saved_temporarily_may_be_footage() {
        let card = tempfile::tempdir().unwrap();
        let folder = card.path().join(".TemporaryItems/folders.501");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(".DS_Store"), "x").unwrap();
        let listing = list(card.path(), &|| false).unwrap();
        assert_eq!(listing.left_out, [PathBuf::from(".TemporaryItems")]);
        fs::write(folder.join("A001C003 without extension"), "x").unwrap();
        let listing = list(card.path(), &|| false).unwrap();
        assert!(listing.left_out.is_empty());
        assert_eq!(listing.files.len(), 2);
    }

    #[test]
    fn reports_a_mount_in_a_system_folder() {
        let card = tempfile::tempdir().unwrap();
        for folder in [
            ".Spotlight-V100/Store",
            ".Trashes/501",
            ".TemporaryItems",
            "DCIM",
        ] {
            let mount = card.path().join(folder);
            fs::create_dir_all(&mount).unwrap();
            fs::write(mount.join("hidden.mov"), "on another volume").unwrap();
            let mounts = [(mount.clone(), "mounted")];
            let listing = list_except(card.path(), &mounts, &|| false).unwrap();
            let problems = listing.problems.iter();
            let problems: Vec<&Path> = problems.map(|problem| problem.path.as_path()).collect();
            assert_eq!(problems, [mount.as_path()], "{folder}");
            assert!(listing.files.is_empty(), "{:?}", listing.files);
            fs::remove_file(mount.join("hidden.mov")).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn reports_links_and_pipes() {
        let card = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", card.path().join("etc")).unwrap();
        let listing = list(card.path(), &|| false).unwrap();
        assert!(listing.files.is_empty() && listing.folders.is_empty());
        assert_eq!(listing.problems.len(), 1);
    }
}
