//! The walk over a drive, folder by folder.

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
    /// Its footage, sorted by name.
    pub files: Vec<Found>,
    /// Whether these are all: false when single files were asked for.
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

/// Walks `root`, telling `visit` of each folder until it answers `false`.
///
/// # Errors
/// When `root` cannot be read at all, or a pattern is malformed.
pub fn walk(
    root: &Path,
    options: &WalkOptions,
    visit: &mut dyn FnMut(Step) -> bool,
) -> Result<(), Error> {
    let excluded = Excluded::new(&options.exclude)?;
    let is_file = root.metadata().map_err(Error::path(root))?.is_file();
    let mut ignored = BtsIgnore::above(root);
    let mut entries = WalkDir::new(root)
        .follow_links(options.follow_links)
        .follow_root_links(true)
        .sort_by(|a, b| {
            // Files first, so that a folder's own files come together.
            (a.file_type().is_dir(), a.file_name()).cmp(&(b.file_type().is_dir(), b.file_name()))
        })
        .into_iter();
    let mut folder = Pending::new(root);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                let source = error
                    .into_io_error()
                    .unwrap_or_else(|| std::io::ErrorKind::Other.into());
                return Err(Error::path(root)(source));
            }
            Err(error) => {
                if !visit(step_of(&error)) {
                    return Ok(());
                }
                continue;
            }
        };
        let is_folder = entry.file_type().is_dir();
        if entry.depth() > 0 && is_passed_over(&entry, root, &excluded, &ignored, options) {
            if is_folder {
                entries.skip_current_dir();
            }
            continue;
        }
        if is_folder {
            let done = std::mem::replace(&mut folder, Pending::new(entry.path()));
            if entry.depth() > 0 && !visit(Step::Folder(done.classify(true))) {
                return Ok(());
            }
            ignored.enter(entry.path());
        } else if entry.file_type().is_file() {
            if is_file {
                folder = Pending::new(root.parent().unwrap_or(root));
            }
            if let Err(problem) = folder.add(&entry)
                && !visit(Step::Problem(problem))
            {
                return Ok(());
            }
        }
    }
    visit(Step::Folder(folder.classify(!is_file)));
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

fn is_passed_over(
    entry: &DirEntry,
    root: &Path,
    excluded: &Excluded,
    ignored: &BtsIgnore,
    options: &WalkOptions,
) -> bool {
    let is_folder = entry.file_type().is_dir();
    is_never_footage(&entry.file_name().to_string_lossy(), is_folder)
        || options.own.as_deref() == Some(entry.path())
        || excluded.has(entry.path(), root)
        || ignored.has(entry.path(), is_folder)
}

/// A folder whose files are still coming.
struct Pending {
    folder: PathBuf,
    files: Vec<Found>,
}

impl Pending {
    fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            files: Vec::new(),
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
    fn classify(self, is_whole: bool) -> Listing {
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
        files.extend(sequences(&frames));
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Listing {
            folder: self.folder,
            files,
            is_whole,
        }
    }
}

/// One file for each image sequence among `frames`; single frames are stills, not footage.
fn sequences(frames: &[Found]) -> Vec<Found> {
    let names = frames
        .iter()
        .enumerate()
        .filter_map(|(at, frame)| Some((at, frame.name.to_str()?)));
    sequence::group(names)
        .into_iter()
        .map(|sequence| {
            let members = || sequence.members.iter().filter_map(|&at| frames.get(at));
            Found {
                bytes: members().map(|frame| frame.bytes).sum(),
                modified: members().map(|frame| frame.modified).max().unwrap_or(0),
                role: Role::Media,
                original: None,
                frames: Some(sequence.run),
                name: sequence.first_name.into(),
            }
        })
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
        let mut found = Vec::new();
        walk(root, options, &mut |step| {
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
    fn a_single_file_may_be_walked() {
        let root = tempfile::tempdir().unwrap();
        make(root.path(), &["a.mov", "b.mov"]);
        assert_eq!(
            walked(&root.path().join("a.mov"), &WalkOptions::default()).len(),
            1
        );
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
