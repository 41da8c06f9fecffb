//! The tables in which a Unix system tells of itself: `/proc`, `/sys`, `/dev`, `/run`. They
//! can stand below any folder, so that tests tell of systems that are not there.

use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Component,
};

/// A table longer than this is cut.
#[cfg(target_os = "linux")]
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Where a system's tables stand.
#[derive(Debug, Clone)]
pub(super) struct System {
    root: PathBuf,
    /// Numbers of device nodes, which no test can make.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) nodes: Vec<(PathBuf, String)>,
}

impl System {
    /// This one.
    pub(super) fn local() -> Self {
        Self::at(Path::new("/"))
    }

    /// One whose `/` is that folder.
    pub(super) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            #[cfg(all(test, target_os = "linux"))]
            nodes: Vec::new(),
        }
    }

    /// Where an absolute path of that system is.
    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

#[cfg(target_os = "linux")]
impl System {
    /// Whether it is the system that this program runs on.
    pub(super) fn is_local(&self) -> bool {
        self.root == Path::new("/")
    }

    /// The number of the block device that a path is the node of.
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

    /// A table, as bytes; empty when there is none.
    pub(super) fn table(&self, path: impl AsRef<Path>) -> Vec<u8> {
        // The mount table is best read at once: it may change between two reads.
        let mut bytes = Vec::with_capacity(64 * 1024);
        if let Ok(file) = File::open(self.path(path)) {
            // What was read before a fault is as good as a shorter table.
            let _ = file.take(MAX_BYTES).read_to_end(&mut bytes);
        }
        bytes
    }

    /// Where a link of `sysfs` points: its path holds no other links, so that one look is
    /// enough.
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

/// The one line of a file in `sysfs`, its blanks made one each; `None` when it says nothing.
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
