//! The walk over a drive, folder by folder.

mod folder;
mod read_ahead;
mod stat;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::DeclaredExtension;
use super::ignore::Excluded;
use crate::clip::FrameRun;
use crate::error::{Error, Problem};
use folder::{Folder, Passing, Read};
use stat::Look;

pub use crate::source_file::modified;

/// How to walk.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    /// Whether links are followed; loops are noticed.
    pub follow_links: bool,
    /// Globs of names or paths to pass over.
    pub exclude: Vec<String>,
    /// A folder to pass over: the catalogue's own.
    pub own: Option<PathBuf>,
    /// Reads which extension an XMP sidecar says that it is for; asked where names do not tell.
    pub declared: Option<DeclaredExtension>,
}

/// What a file is in its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A shot, a sound, or an image sequence.
    Media,
    /// A smaller copy that the camera made.
    Proxy,
    /// A still that the camera made.
    Thumbnail,
    /// Metadata that the camera wrote.
    Sidecar,
    /// Only its content can tell.
    Unsure,
}

/// A file that the catalogue should know.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its name; of an image sequence, its first frame's.
    pub name: OsString,
    /// Bytes, of all frames together.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970 UTC; the newest frame's.
    pub modified: i64,
    /// When the system last changed anything of it (ctime), the newest frame's; nanoseconds since
    /// 1970 UTC, where the system tells.
    pub changed: Option<i64>,
    /// Its number on its filesystem, where the system tells; an image sequence has none.
    pub inode: Option<i64>,
    /// What it is.
    pub role: Role,
    /// The original that a companion belongs to.
    pub original: Option<PathBuf>,
    /// The frames of an image sequence.
    pub frames: Option<FrameRun>,
}

/// A single file as a walk would find it.
///
/// # Errors
/// When it is not there, or no regular file.
pub fn found(path: &Path, role: Role) -> io::Result<Found> {
    let metadata = std::fs::symlink_metadata(path)?;
    let (true, Some(name)) = (metadata.is_file(), path.file_name()) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    };
    let look = Look::of(&metadata);
    Ok(Found {
        name: name.to_owned(),
        bytes: look.bytes,
        modified: look.modified,
        changed: look.changed,
        inode: look.inode,
        role,
        original: None,
        frames: None,
    })
}

/// One folder.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The folder.
    pub folder: PathBuf,
    /// Its footage, what belongs to it, and what may be footage; sorted by name.
    pub files: Vec<Found>,
    /// Whether these are all: false when single files were asked for, or some could not be read.
    pub is_whole: bool,
}

/// What the walk comes by.
#[derive(Debug)]
pub enum Step {
    /// A folder, read.
    Folder(Listing),
    /// A folder or file that could not be read; what it holds is not known.
    Problem(Problem),
    /// A link that leads back to a folder above it; not followed.
    Loop(PathBuf),
}

/// Where a walk begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The folder.
    pub folder: PathBuf,
    /// Only these of its files; the folder is still read, to know what belongs to what.
    pub only: Option<BTreeSet<OsString>>,
}

/// Walks from `root`, telling `visit` of each folder until it answers `false`: a folder before
/// those in it, each by name. So many `readers` read folders ahead.
///
/// # Errors
/// When `root` cannot be read at all, or a pattern is malformed.
pub fn walk(
    root: &Root,
    options: &WalkOptions,
    readers: usize,
    visit: &mut dyn FnMut(Step) -> bool,
) -> Result<(), Error> {
    let passing = Passing {
        root,
        excluded: Excluded::new(&options.exclude)?,
        own: options.own.as_deref(),
        follow_links: options.follow_links,
        declared: options.declared,
    };
    let mut unread = None;
    let first = Folder::first(root);
    let read = |folder: Folder| passing.read(&folder);
    read_ahead::in_order(first, readers, &read, &mut |steps| {
        steps.into_iter().all(|step| match step {
            Read::Step(step) => visit(step),
            Read::Unread(source) => {
                unread = Some(source);
                false
            }
        })
    });
    match unread {
        Some(source) => Err(Error::path(&root.folder)(source)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn walked(root: &Path, options: &WalkOptions) -> Vec<String> {
        let whole = Root {
            folder: root.to_owned(),
            only: None,
        };
        let mut found = Vec::new();
        walk(&whole, options, 2, &mut |step| {
            if let Step::Folder(listing) = step {
                for file in listing.files {
                    let path = listing.folder.join(&file.name);
                    found.push(
                        path.strip_prefix(root)
                            .unwrap_or(&path)
                            .to_string_lossy()
                            .into_owned(),
                    );
                }
            }
            true
        })
        .unwrap();
        found.sort();
        found
    }

    fn make(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
    }

    #[test]
    fn footage_is_found_and_caches_hidden_and_ignored_files_are_not() {
        let root = tempfile::tempdir().unwrap();
        make(
            root.path(),
            &[
                "a/C0001.MP4",
                "a/._C0001.MP4",
                ".Trashes/b.mov",
                "@eaDir/c.mov",
                "callsheet.pdf",
                "Adobe Premiere Pro Video Previews/d.mov",
                "day2/keep.mov",
                "day2/out.mov",
                "day2/scratch/e.mov",
                "day2/scratch/keep.mov",
                "z.wav",
            ],
        );
        fs::write(
            root.path().join("day2/.btsignore"),
            "out.mov\nscratch/*\n!keep.mov\n",
        )
        .unwrap();
        let all = walked(root.path(), &WalkOptions::default());
        assert_eq!(
            all,
            [
                "a/C0001.MP4",
                "day2/keep.mov",
                "day2/scratch/keep.mov",
                "z.wav"
            ]
        );
        let options = WalkOptions {
            exclude: vec!["*.wav".into(), "day2/**".into()],
            ..WalkOptions::default()
        };
        assert_eq!(walked(root.path(), &options), ["a/C0001.MP4"]);
    }

    #[test]
    fn single_files_are_known_by_their_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        make(
            folder.path(),
            &[
                "a.0001.dpx",
                "a.0002.dpx",
                "b.mov",
                "GX010042.MP4",
                "GL010042.LRV",
                "c.mov",
            ],
        );
        for (named, expected) in [
            ("b.mov", &[("b.mov", Role::Media)][..]),
            ("a.0002.dpx", &[("a.0001.dpx", Role::Media)]),
            (
                "GL010042.LRV",
                &[("GL010042.LRV", Role::Proxy), ("GX010042.MP4", Role::Media)],
            ),
        ] {
            let root = Root {
                folder: folder.path().to_owned(),
                only: Some([named.into()].into()),
            };
            let mut found = Vec::new();
            walk(&root, &WalkOptions::default(), 1, &mut |step| {
                if let Step::Folder(listing) = step {
                    assert!(!listing.is_whole);
                    found.extend(listing.files);
                }
                true
            })
            .unwrap();
            let found: Vec<_> = found
                .iter()
                .map(|found| (found.name.to_str().unwrap(), found.role))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_end() {
        let root = tempfile::tempdir().unwrap();
        make(root.path(), &["a/b.mov"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("a/again")).unwrap();
        let options = WalkOptions {
            follow_links: true,
            ..WalkOptions::default()
        };
        assert_eq!(walked(root.path(), &options), ["a/b.mov"]);
        assert_eq!(walked(root.path(), &WalkOptions::default()), ["a/b.mov"]);
    }
}
