//! System files of a Unix system in `/proc`, `/sys`, `/dev` and `/run`. Tests can place them in any
//! folder to simulate other systems.

use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Component,
};

/// Maximum size of a table in bytes; the rest is ignored.
#[cfg(target_os = "linux")]
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Root of the system files.
#[derive(Debug, Clone)]
pub(super) struct System {
    root: PathBuf,
    /// Numbers of device nodes, which tests cannot create.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) nodes: Vec<(PathBuf, String)>,
}

impl System {
    /// Returns the system that the program runs on.
    pub(super) fn local() -> Self {
        Self::in_folder(Path::new("/"))
    }

    /// Returns a system whose `/` is this folder.
    pub(super) fn in_folder(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            #[cfg(all(test, target_os = "linux"))]
            nodes: Vec::new(),
        }
    }

    /// Converts an absolute path on that system to a path on the local system.
    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

#[cfg(target_os = "linux")]
impl System {
    /// Returns true for the system that the program runs on.
    pub(super) fn is_local(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Returns the number of a block device node, such as `8:1`.
    pub(super) fn block_number(&self, path: impl AsRef<Path>) -> Option<String> {
        #[cfg(test)]
        if let Some((_, number)) = self.nodes.iter().find(|node| node.0 == path.as_ref()) {
            return Some(number.clone());
        }
        let metadata = fs::metadata(self.path(path)).ok()?;
        metadata.file_type().is_block_device().then_some(())?;
        let number = metadata.rdev();
        let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
        Some(format!("{major}:{minor}"))
    }

    /// Reads a table as bytes; empty if it does not exist.
    pub(super) fn table(&self, path: impl AsRef<Path>) -> Vec<u8> {
        // Reads in large chunks, because the mount table may change between two reads.
        let mut bytes = Vec::with_capacity(64 * 1024);
        if let Ok(file) = File::open(self.path(path)) {
            // A table that was only partly read is treated as a shorter one.
            let _ = file.take(MAX_BYTES).read_to_end(&mut bytes);
        }
        bytes
    }

    /// Resolves a link of `sysfs`. Its target contains no further links, so one step is enough.
    pub(super) fn linked(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let link = self.path(path);
        let target = fs::read_link(&link).ok()?;
        let mut folder = link.parent()?.to_owned();
        for part in target.components() {
            match part {
                Component::ParentDir => {
                    folder.pop();
                }
                part => folder.push(part),
            }
        }
        Some(folder)
    }
}

/// Reads a one-line file of `sysfs`, with whitespace collapsed; `None` if it is empty.
#[cfg(target_os = "linux")]
pub(super) fn line(path: &Path) -> Option<String> {
    let mut bytes = Vec::with_capacity(256);
    File::open(path)
        .ok()?
        .take(4096)
        .read_to_end(&mut bytes)
        .ok()?;
    let text = String::from_utf8_lossy(&bytes).replace(char::is_control, " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}
