//! Start and events of a walk.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use super::super::found_file::FoundFile;
use crate::error::Problem;

/// Content of a folder.
#[derive(Debug, Clone)]
pub struct FolderListing {
    /// Path of the folder.
    pub folder: PathBuf,
    /// Footage, companions and possible footage, sorted by name.
    pub files: Vec<FoundFile>,
    /// False if single files were requested or some could not be read.
    pub is_whole: bool,
}

/// Event of a walk.
#[derive(Debug)]
pub enum WalkEvent {
    /// Folder that was read.
    Folder(FolderListing),
    /// Folder or file that could not be read.
    Problem(Problem),
    /// Link to one of its own parent folders; not followed.
    Loop(PathBuf),
}

/// Start of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkRoot {
    /// Folder to walk.
    pub folder: PathBuf,
    /// Limits the walk to these files. The whole folder is still read, to find companions.
    pub only: Option<BTreeSet<OsString>>,
}
