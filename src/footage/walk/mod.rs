//! Walks a folder tree and reports it folder by folder.

mod event;
mod folder;
mod read_ahead;
mod stat;

use std::io;
use std::path::{Path, PathBuf};

use super::DeclaredExtension;
use super::found_file::{FoundFile, Role};
use super::ignore::ExcludeGlobs;
use crate::error::Error;
use folder::{Read, WalkFilter, WalkFolder};
use stat::FileStat;

pub use crate::source_file::modified;
pub use event::{FolderListing, WalkEvent, WalkRoot};

/// Options of a walk.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    /// Follow symbolic links; loops are detected.
    pub follow_links: bool,
    /// Globs of names or paths to skip.
    pub exclude: Vec<String>,
    /// Catalogue folder, which is skipped.
    pub own: Option<PathBuf>,
    /// Function that reads the owner's extension from an XMP sidecar if the names are ambiguous.
    pub declared: Option<DeclaredExtension>,
}

/// Returns a single file as a walk would report it.
///
/// # Errors
/// If the path does not exist or is not a regular file.
pub fn found(path: &Path, role: Role) -> io::Result<FoundFile> {
    let metadata = std::fs::symlink_metadata(path)?;
    let (true, Some(name)) = (metadata.is_file(), path.file_name()) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    };
    let stat = FileStat::from_metadata(&metadata);
    Ok(FoundFile {
        name: name.to_owned(),
        bytes: stat.bytes,
        modified: stat.modified,
        changed: stat.changed,
        inode: stat.inode,
        role,
        original: None,
        frames: None,
    })
}

/// Walks from `root` and calls `visit` with each event until it returns false: parents before
/// children, sorted by name. `readers` threads read folders ahead.
///
/// # Errors
/// If `root` cannot be read, or a pattern is malformed.
pub fn walk(
    root: &WalkRoot,
    options: &WalkOptions,
    readers: usize,
    visit: &mut dyn FnMut(WalkEvent) -> bool,
) -> Result<(), Error> {
    let filter = WalkFilter {
        root,
        excluded: ExcludeGlobs::new(&options.exclude)?,
        own: options.own.as_deref(),
        follow_links: options.follow_links,
        declared: options.declared,
    };
    let mut read_error = None;
    let first = WalkFolder::root(root);
    let read = |folder: WalkFolder| filter.read(&folder);
    read_ahead::read_in_order(first, readers, &read, &mut |steps| {
        steps.into_iter().all(|step| match step {
            Read::WalkEvent(step) => visit(step),
            Read::RootError(source) => {
                read_error = Some(source);
                false
            }
        })
    });
    match read_error {
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
        let whole = WalkRoot {
            folder: root.to_owned(),
            only: None,
        };
        let mut found = Vec::new();
        walk(&whole, options, 2, &mut |step| {
            if let WalkEvent::Folder(listing) = step {
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
    fn a_walk_finds_footage_and_skips_caches_hidden_and_ignored_files() {
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
    fn single_files_are_classified_by_their_folder() {
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
            let root = WalkRoot {
                folder: folder.path().to_owned(),
                only: Some([named.into()].into()),
            };
            let mut found = Vec::new();
            walk(&root, &WalkOptions::default(), 1, &mut |step| {
                if let WalkEvent::Folder(listing) = step {
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
    fn loops_of_links_are_detected() {
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
