//! Listing of everything on a card. All files are listed, whatever their type, because a card is
//! copied completely.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::atomic_file;
use crate::error::Problem;
use crate::source_file::modified;

/// Folders that operating systems create in the root of a drive. They hold no footage, and some are
/// not readable.
const OF_SYSTEMS: [&str; 6] = [
    ".spotlight-v100",
    ".fseventsd",
    ".temporaryitems",
    ".documentrevisions-v100",
    "system volume information",
    "lost+found",
];

/// Extensions of files written by cameras and recorders, and of their companion files. No operating
/// system writes such files.
const MEDIA: [&str; 144] = [
    "360", "3g2", "3gp", "aac", "ac3", "aif", "aifc", "aiff", "ale", "amr", "ape", "ari", "arri",
    "arw", "arx", "asf", "avchd", "avi", "avif", "bmp", "braw", "bwf", "caf", "cin", "cine", "cpi",
    "cr2", "cr3", "crm", "crw", "cube", "dav", "dcp", "dng", "dpx", "dsf", "dv", "dvr", "edl",
    "eip", "erf", "exr", "fcpxml", "fff", "ffv1", "flac", "flv", "glv", "gpr", "gpx", "h264",
    "h265", "heic", "heif", "hevc", "hif", "iiq", "insp", "insv", "ivf", "jp2", "jpeg", "jpg",
    "jpm", "jxl", "k25", "kdc", "lrf", "lrv", "m1v", "m2t", "m2ts", "m2v", "m4a", "m4v", "mcraw",
    "mj2", "mjpeg", "mjpg", "mkv", "mod", "mos", "mov", "mp2", "mp3", "mp4", "mpe", "mpeg", "mpg",
    "mpo", "mrw", "mts", "mxf", "nef", "nev", "nrw", "ocf", "ogg", "ogv", "opus", "orf", "osv",
    "ove", "pcm", "pef", "png", "pxn", "qt", "r3d", "raf", "raw", "rdc", "rmd", "rmf", "rsv",
    "rw2", "rwl", "rwz", "sidx", "sqv", "sr2", "srf", "srt", "srw", "tga", "thm", "tif", "tiff",
    "tod", "ts", "vob", "vrw", "w64", "wav", "webm", "webp", "wma", "wmv", "x3f", "xavc", "xml",
    "xmp", "y4m", "yuv",
];

/// Folder in which programs save files before they move them into place. Any file in it may be
/// footage.
const UNFINISHED: &str = ".temporaryitems";

/// Files that file managers create everywhere.
const OF_FILE_MANAGERS: [&str; 3] = [".ds_store", "desktop.ini", "thumbs.db"];

/// A file of a card.
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
    /// Returns true if a file has this size and time. Filesystems round times to two seconds at
    /// worst.
    #[must_use]
    pub fn is_like(&self, metadata: &Metadata) -> bool {
        metadata.is_file()
            && metadata.len() == self.bytes
            && (modified(metadata) - self.modified).abs() <= COARSEST
    }
}

/// Maximum error of a time stored on FAT, in nanoseconds.
pub const COARSEST: i64 = 2_000_000_000;

/// Contents of a card.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Files, folder by folder, each sorted by name.
    pub files: Vec<Item>,
    /// Folders with their modification times, parents first; the root is excluded.
    pub folders: Vec<(PathBuf, i64)>,
    /// Entries that could not be listed or are not regular files: links, pipes.
    pub problems: Vec<Problem>,
    /// Skipped folders of operating systems; they hold no footage.
    pub left_out: Vec<PathBuf>,
    /// Skipped folders of operating systems that are not readable; they may hold footage.
    pub unreadable: Vec<Problem>,
    /// True if the listing was interrupted.
    pub is_cut: bool,
}

impl Listing {
    /// Removes files that have the name of an unfinished copy, and adds a problem for each.
    pub fn leave_out_unfinished(&mut self, root: &Path, reason: &str) {
        let is_unfinished = |item: &mut Item| {
            let name = item.inside.file_name();
            name.is_some_and(atomic_file::is_unfinished)
        };
        let left = self.files.extract_if(.., is_unfinished);
        let problems = left.map(|item| Problem::new(root.join(&item.inside), reason));
        self.problems.extend(problems);
    }

    /// Reports unreadable folders of operating systems as problems.
    pub fn doubt_unreadable(&mut self) {
        self.problems.append(&mut self.unreadable);
    }

    /// Removes a path and everything below it, and adds a problem.
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

    /// Returns true if two listings have the same files and number of folders.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.files == other.files && self.folders.len() == other.folders.len()
    }
}

/// Lists everything below a folder until `go_on` returns false. Entries that are not regular files
/// of the same filesystem become problems, except for folders of operating systems.
///
/// # Errors
/// Returns an error if the folder itself cannot be listed.
pub fn list(root: &Path, go_on: &dyn Fn() -> bool) -> io::Result<Listing> {
    list_but(root, &[], go_on)
}

/// Lists everything below a folder except mount points, as [`list`] does. Each of `mounts` becomes
/// a problem with its reason.
///
/// # Errors
/// Returns an error if the folder itself cannot be listed.
pub fn list_but(
    root: &Path,
    mounts: &[(PathBuf, &str)],
    go_on: &dyn Fn() -> bool,
) -> io::Result<Listing> {
    std::fs::read_dir(root)?;
    // The walk skips folders of operating systems, so it would not find mount points within them.
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
        if !go_on() {
            listing.is_cut = true;
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                listing.problems.push(fault(&error, &open));
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
        if kind.is_dir() && entry.depth() == 1 && is_of_system(&entry) {
            match has_no_footage(entry.path(), mounts) {
                Ok(false) => {}
                Ok(true) => {
                    listing.left_out.push(inside);
                    walk.skip_current_dir();
                    continue;
                }
                Err(error) => {
                    listing.unreadable.push(fault(&error, &open));
                    walk.skip_current_dir();
                    continue;
                }
            }
        }
        if !kind.is_dir() && !kind.is_file() {
            let reason = if kind.is_symlink() {
                "a link: its target is not on the card, and was not copied"
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

/// Converts a walk error to a problem. An error in the middle of a folder has only a depth, no
/// path.
fn fault(error: &walkdir::Error, open: &[PathBuf]) -> Problem {
    let folder = || open.get(error.depth().saturating_sub(1)).or(open.last());
    let path = error.path().or_else(|| folder().map(PathBuf::as_path));
    let reason = error
        .io_error()
        .map_or_else(|| error.to_string(), ToString::to_string);
    Problem::new(path.unwrap_or(Path::new("")), reason)
}

fn is_of_system(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy().to_lowercase();
    OF_SYSTEMS.contains(&name.as_str())
}

/// Returns true if a folder of an operating system was read completely and holds no possible
/// footage, ignoring mount points. Files recovered by `fsck` or saved temporarily by a program may
/// be footage; elsewhere, only files with a media extension.
fn has_no_footage(folder: &Path, mounts: &[(PathBuf, &str)]) -> Result<bool, walkdir::Error> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let is_mount = |path: &Path| mounts.iter().any(|(mount, _)| mount == path);
    let entries = WalkDir::new(folder).min_depth(1).into_iter();
    for entry in entries.filter_entry(|entry| !is_mount(entry.path())) {
        let entry = entry?;
        let may_be_footage = match name.as_str() {
            "lost+found" => true,
            UNFINISHED => !entry.file_type().is_dir() && !is_of_file_manager(&entry),
            _ => entry.file_type().is_file() && is_media(entry.path()),
        };
        if may_be_footage {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_of_file_manager(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy().to_lowercase();
    OF_FILE_MANAGERS.contains(&name.as_str())
}

fn is_media(path: &Path) -> bool {
    MEDIA.iter().any(|kind| {
        let extension = path.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(kind))
    })
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
        let listing = list(root, &|| true).unwrap();
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
        assert!(listing.problems.is_empty() && !listing.is_cut);
        assert!(list(root, &|| false).unwrap().is_cut);
        assert!(list(&root.join("gone"), &|| true).is_err());
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
        let listing = list(root, &|| true).unwrap();
        let names = listing.files.iter().map(|file| file.inside.as_path());
        let names: Vec<&Path> = names.collect();
        let wanted = [".Spotlight-V100/Store/C0001.MXF", "lost+found/#12345"];
        assert_eq!(names, wanted.map(Path::new));
        assert_eq!(listing.left_out, [PathBuf::from(".fseventsd")]);
    }

    #[test]
    fn camera_files_in_a_system_folder_are_footage() {
        for name in [
            "A001.R3D", "B.cine", "C.rmf", "D.nev", "E.raf", "F.RW2", "G.tif", "H.dpx", "I.gpr",
            "J.arx", "K.exr", "L.BWF", "M.insp", "N.LRV", "O.mcraw", "P.TS", "Q.xml",
        ] {
            let card = tempfile::tempdir().unwrap();
            let folder = card.path().join("System Volume Information");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("tracking.log"), name).unwrap();
            fs::write(folder.join(name), name).unwrap();
            let listing = list(card.path(), &|| true).unwrap();
            let mut files = listing.files.iter();
            assert!(files.any(|file| file.inside.ends_with(name)), "{name}");
            assert!(listing.left_out.is_empty(), "{name}");
        }
    }

    #[test]
    fn unfinished_saves_of_programs_may_be_footage() {
        let card = tempfile::tempdir().unwrap();
        let folder = card.path().join(".TemporaryItems/folders.501");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(".DS_Store"), "x").unwrap();
        let listing = list(card.path(), &|| true).unwrap();
        assert_eq!(listing.left_out, [PathBuf::from(".TemporaryItems")]);
        fs::write(folder.join("A001C003 without extension"), "x").unwrap();
        let listing = list(card.path(), &|| true).unwrap();
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
            fs::write(mount.join("hidden.mov"), "of another volume").unwrap();
            let mounts = [(mount.clone(), "mounted")];
            let listing = list_but(card.path(), &mounts, &|| true).unwrap();
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
        let listing = list(card.path(), &|| true).unwrap();
        assert!(listing.files.is_empty() && listing.folders.is_empty());
        assert_eq!(listing.problems.len(), 1);
    }
}
