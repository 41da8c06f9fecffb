//! The walk over a drive, folder by folder.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::{DirEntry, WalkDir};

use super::companions::Neighbours;
use super::ignored::{BtsIgnore, Excluded, is_never_footage};
use super::kind::{Named, named};
use super::sequence;
use crate::clip::FrameRun;
use crate::error::{Error, Problem};

/// From this size on, a file is looked into even when its extension says it is no footage.
const SUSPICIOUS: u64 = 16 * 1024 * 1024;

/// How to walk.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    /// Whether links are followed; loops are noticed.
    pub follow_links: bool,
    /// Globs of names or paths to pass over.
    pub exclude: Vec<String>,
    /// A folder to pass over: the catalogue's own.
    pub own: Option<PathBuf>,
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
    /// What it is.
    pub role: Role,
    /// The original that a companion belongs to.
    pub original: Option<PathBuf>,
    /// The frames of an image sequence.
    pub frames: Option<FrameRun>,
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

/// Walks from `root`, telling `visit` of each folder until it answers `false`.
///
/// # Errors
/// When `root` cannot be read at all, or a pattern is malformed.
pub fn walk(
    root: &Root,
    options: &WalkOptions,
    visit: &mut dyn FnMut(Step) -> bool,
) -> Result<(), Error> {
    let passing = Passing {
        root,
        excluded: Excluded::new(&options.exclude)?,
        own: options.own.as_deref(),
    };
    let mut ignored = BtsIgnore::above(&root.folder);
    let mut entries = WalkDir::new(&root.folder)
        .follow_links(options.follow_links)
        .max_depth(if root.only.is_some() { 1 } else { usize::MAX })
        .sort_by(|a, b| {
            // Files first, so that a folder's own files come together.
            (a.file_type().is_dir(), a.file_name()).cmp(&(b.file_type().is_dir(), b.file_name()))
        })
        .into_iter();
    let mut folder: Option<Pending> = None;
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                let source = error.into_io_error();
                return Err(Error::path(&root.folder)(
                    source.unwrap_or_else(|| std::io::ErrorKind::Other.into()),
                ));
            }
            Err(error) => {
                let step = step_of(&error);
                if let (Step::Problem(_), Some(folder)) = (&step, &mut folder) {
                    folder.is_whole = false;
                }
                if !visit(step) {
                    return Ok(());
                }
                continue;
            }
        };
        let is_folder = entry.file_type().is_dir();
        if entry.depth() > 0 && passing.is_over(&entry, &ignored) {
            if is_folder {
                entries.skip_current_dir();
            }
        } else if is_folder {
            let done = folder.replace(Pending::new(entry.path(), root.only.is_none()));
            if !done.is_none_or(|done| visit(Step::Folder(done.classify(root.only.as_ref())))) {
                return Ok(());
            }
            ignored.enter(entry.path());
        } else if let (true, Some(folder)) = (entry.file_type().is_file(), &mut folder)
            && let Err(problem) = folder.add(&entry)
            && !visit(Step::Problem(problem))
        {
            return Ok(());
        }
    }
    if let Some(folder) = folder {
        visit(Step::Folder(folder.classify(root.only.as_ref())));
    }
    Ok(())
}

fn step_of(error: &walkdir::Error) -> Step {
    let path = error.path().unwrap_or(Path::new("")).to_owned();
    if error.loop_ancestor().is_some() {
        return Step::Loop(path);
    }
    let reason = error
        .io_error()
        .map_or_else(|| error.to_string(), ToString::to_string);
    Step::Problem(Problem::new(path, reason))
}

/// What this walk passes over.
struct Passing<'a> {
    root: &'a Root,
    excluded: Excluded,
    own: Option<&'a Path>,
}

impl Passing<'_> {
    fn is_over(&self, entry: &DirEntry, ignored: &BtsIgnore) -> bool {
        let is_folder = entry.file_type().is_dir();
        if let Some(only) = &self.root.only {
            // What was named is meant, whatever it is called.
            return is_folder || is_hidden_neighbour(only, entry);
        }
        is_never_footage(&entry.file_name().to_string_lossy(), is_folder)
            || self.own == Some(entry.path())
            || self.excluded.has(entry.path(), &self.root.folder)
            || ignored.has(entry.path(), is_folder)
    }
}

fn is_hidden_neighbour(only: &BTreeSet<OsString>, entry: &DirEntry) -> bool {
    !only.contains(entry.file_name())
        && is_never_footage(&entry.file_name().to_string_lossy(), false)
}

/// A folder whose files are still coming.
struct Pending {
    folder: PathBuf,
    files: Vec<Found>,
    is_whole: bool,
}

impl Pending {
    fn new(folder: &Path, is_whole: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            files: Vec::new(),
            is_whole,
        }
    }

    fn add(&mut self, entry: &DirEntry) -> Result<(), Problem> {
        let metadata = entry
            .metadata()
            .map_err(|error| Problem::new(entry.path(), error.to_string()))?;
        self.files.push(Found {
            name: entry.file_name().to_owned(),
            bytes: metadata.len(),
            modified: metadata.modified().map_or(0, nanos),
            role: Role::Media,
            original: None,
            frames: None,
        });
        Ok(())
    }

    /// Says of each file what it is, and makes one of an image sequence's frames.
    fn classify(self, only: Option<&BTreeSet<OsString>>) -> Listing {
        let names: Vec<OsString> = self.files.iter().map(|file| file.name.clone()).collect();
        let neighbours = Neighbours::new(&self.folder, names.iter());
        let mut frames = Vec::new();
        let mut files = Vec::new();
        for mut file in self.files {
            let name = file.name.to_string_lossy().into_owned();
            if let Some((role, original)) = neighbours.original_of(&name) {
                file.role = role;
                file.original = Some(original);
                files.push(file);
                continue;
            }
            match named(&name) {
                Named::Media => files.push(file),
                Named::Frame => frames.push(file),
                Named::Unsure | Named::MediaOrText => {
                    file.role = Role::Unsure;
                    files.push(file);
                }
                // Too large for what it says it is: it may be footage with a wrong extension.
                Named::Other if file.bytes >= SUSPICIOUS => {
                    file.role = Role::Unsure;
                    files.push(file);
                }
                Named::Other => {}
            }
        }
        files.extend(sequence::sequences(&frames));
        if let Some(only) = only {
            files = named_ones(files, only, &self.folder);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Listing {
            folder: self.folder,
            files,
            is_whole: self.is_whole,
        }
    }
}

/// The files that were named, the sequences of frames that were, and the originals of companions.
fn named_ones(files: Vec<Found>, only: &BTreeSet<OsString>, folder: &Path) -> Vec<Found> {
    let is_named = |found: &Found| {
        only.contains(&found.name)
            || (found.frames.is_some()
                && only
                    .iter()
                    .any(|name| sequence::are_alike(&found.name, name)))
    };
    let originals: BTreeSet<PathBuf> = files
        .iter()
        .filter(|found| is_named(found))
        .filter_map(|found| found.original.clone())
        .collect();
    files
        .into_iter()
        .filter(|found| is_named(found) || originals.contains(&folder.join(&found.name)))
        .collect()
}

fn nanos(time: std::time::SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn walked(root: &Path, options: &WalkOptions) -> Vec<String> {
        let whole = Root {
            folder: root.to_owned(),
            only: None,
        };
        let mut found = Vec::new();
        walk(&whole, options, &mut |step| {
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
            walk(&root, &WalkOptions::default(), &mut |step| {
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
