//! Everything that is on a card, whatever it is: a card is copied whole.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::atomic_file;
use crate::error::Problem;
use crate::source_file::modified;

/// What operating systems keep for themselves in the root of a drive: none of it is footage, and some may not be read.
const OF_SYSTEMS: [&str; 6] = [
    ".spotlight-v100",
    ".fseventsd",
    ".temporaryitems",
    ".documentrevisions-v100",
    "system volume information",
    "lost+found",
];

/// Extensions of what cameras and recorders write, and of what belongs to it. An operating system writes none of these.
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

/// Folder in which programs save files before they move them into place: whatever is in it may be footage.
const UNFINISHED: &str = ".temporaryitems";

/// Files that file managers write everywhere.
const OF_FILE_MANAGERS: [&str; 3] = [".ds_store", "desktop.ini", "thumbs.db"];

/// A file of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it is below the card's root.
    pub inside: PathBuf,
    /// Bytes.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970 UTC.
    pub modified: i64,
}

impl Item {
    /// Whether a file is of this size and time; filesystems keep times to two seconds at worst.
    #[must_use]
    pub fn is_like(&self, metadata: &Metadata) -> bool {
        metadata.is_file()
            && metadata.len() == self.bytes
            && (modified(metadata) - self.modified).abs() <= COARSEST
    }
}

/// How far a time is off that went through FAT, nanoseconds.
pub const COARSEST: i64 = 2_000_000_000;

/// What a card holds.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Its files, folder by folder, each in the order of names.
    pub files: Vec<Item>,
    /// Its folders, each before those in it, with their modification times; the root is not among them.
    pub folders: Vec<(PathBuf, i64)>,
    /// What could not be listed, or is no file: links, pipes.
    pub problems: Vec<Problem>,
    /// Folders of operating systems, which are left out: no footage is in them.
    pub left_out: Vec<PathBuf>,
    /// Folders of operating systems that cannot be read, which are left out, too: there may be footage in them.
    pub unreadable: Vec<Problem>,
    /// Whether the listing was interrupted.
    pub is_cut: bool,
}

impl Listing {
    /// Leaves out files that are called as unfinished copies are, each with a problem.
    pub fn leave_out_unfinished(&mut self, root: &Path, reason: &str) {
        let is_unfinished = |item: &mut Item| {
            let name = item.inside.file_name();
            name.is_some_and(atomic_file::is_unfinished)
        };
        let left = self.files.extract_if(.., is_unfinished);
        let problems = left.map(|item| Problem::new(root.join(&item.inside), reason));
        self.problems.extend(problems);
    }

    /// Takes folders of operating systems that cannot be read for problems like others.
    pub fn doubt_unreadable(&mut self) {
        self.problems.append(&mut self.unreadable);
    }

    /// Leaves out what is at and below a path, with a problem.
    pub fn leave_out_below(&mut self, root: &Path, path: &Path, reason: &str) {
        let Ok(below) = path.strip_prefix(root) else {
            return;
        };
        self.files.retain(|item| !item.inside.starts_with(below));
        self.folders
            .retain(|(inside, _)| !inside.starts_with(below));
        self.problems.push(Problem::new(path, reason));
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether it is as it was at another time, to the last file.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.files == other.files && self.folders.len() == other.folders.len()
    }
}

/// Lists everything below a folder, as long as `go_on` says so. What is not a file of the same filesystem's
/// own is told as a problem, but for folders of operating systems.
///
/// # Errors
/// When the folder itself cannot be listed.
pub fn list(root: &Path, go_on: &dyn Fn() -> bool) -> io::Result<Listing> {
    list_but(root, &[], go_on)
}

/// Lists everything below a folder but what is mounted there, as [`list`] does. Each of `mounts` becomes a problem, with
/// that reason.
///
/// # Errors
/// When the folder itself cannot be listed.
pub fn list_but(
    root: &Path,
    mounts: &[(PathBuf, &str)],
    go_on: &dyn Fn() -> bool,
) -> io::Result<Listing> {
    std::fs::read_dir(root)?;
    // Folders of operating systems are not walked, and hide what is mounted in them.
    let problems = mounts
        .iter()
        .map(|(path, reason)| Problem::new(path, *reason));
    let mut listing = Listing {
        problems: problems.collect(),
        ..Listing::default()
    };
    // The folder that the walk is in, and those above it below the root.
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
                "it is a link: what it leads to is not on the card, and was not copied"
            } else {
                "it is a pipe or a device, and was not copied"
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

/// What could not be listed: a fault in the middle of a folder names no path, but how deep it is.
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

/// Whether a folder of an operating system was read and holds nothing that anybody could have shot, what is mounted in it left out.
/// Whatever `fsck` found again, or a program had begun to save, may be footage; elsewhere, files are that have such an extension.
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
    fn all_is_listed_but_what_systems_keep_for_themselves() {
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
    fn footage_in_a_folder_of_the_system_is_footage() {
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
    fn what_any_camera_writes_is_footage_in_a_folder_of_the_system() {
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
    fn whatever_a_program_had_begun_to_save_may_be_footage() {
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
    fn what_is_mounted_in_a_folder_of_the_system_is_a_problem() {
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
    fn links_and_pipes_are_told() {
        let card = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", card.path().join("etc")).unwrap();
        let listing = list(card.path(), &|| true).unwrap();
        assert!(listing.files.is_empty() && listing.folders.is_empty());
        assert_eq!(listing.problems.len(), 1);
    }
}
