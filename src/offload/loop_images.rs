//! Image files below a filesystem. A loop device usually reads its file through the page cache, so that reading past the
//! cache of the filesystem in the image is answered from memory all the same.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::{collections::HashMap, os::unix::fs::MetadataExt};

use super::How;

/// The image files below each device that was asked about, by its number; `None` where one cannot be opened.
#[derive(Default)]
pub(super) struct Images {
    #[cfg(target_os = "linux")]
    by_device: HashMap<u64, Option<Vec<File>>>,
}

#[cfg(target_os = "linux")]
impl Images {
    /// Has the system forget what it has in memory of the image files that a file is in. Gives the best that reading the
    /// file can be after that.
    pub(super) fn dropped(&mut self, file: &File) -> How {
        use rustix::fs::{Advice, fadvise};
        let Ok(metadata) = file.metadata() else {
            return How::Cached;
        };
        let images = self
            .by_device
            .entry(metadata.dev())
            .or_insert_with(|| below(metadata.dev(), DEEPEST));
        match images {
            None => How::Cached,
            Some(images) if images.is_empty() => How::Bypassed,
            Some(images) => {
                let forget = |image: &File| fadvise(image, 0, None, Advice::DontNeed).is_ok();
                if images.iter().all(forget) {
                    How::Dropped
                } else {
                    How::Cached
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Images {
    /// Disk images are not looked for here.
    #[expect(clippy::unused_self, reason = "as where they are")]
    pub(super) fn dropped(&mut self, _file: &File) -> How {
        How::Bypassed
    }
}

/// Images in images are not deeper.
#[cfg(target_os = "linux")]
const DEEPEST: usize = 4;

#[cfg(target_os = "linux")]
fn below(device: u64, depth: usize) -> Option<Vec<File>> {
    use super::read_back::{Cache, cache};
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let folder = std::fs::canonicalize(format!("/sys/dev/block/{major}:{minor}"));
    // A filesystem without a device of its own, and one whose device is not known, has none that could be found.
    let Ok(folder) = folder else {
        return Some(Vec::new());
    };
    let mut images = Vec::new();
    for disk in crate::block_device::underlying_disks(&folder) {
        let Some(path) = crate::block_device::backing_file(&disk) else {
            continue;
        };
        let image = crate::source_file::open(&path).ok()?;
        // A filesystem that has a cache of its own answers from that, whatever the loop device asks for.
        if cache(&image) == Cache::OfItsOwn || depth == 0 {
            return None;
        }
        images.extend(below(image.metadata().ok()?.dev(), depth - 1)?);
        if crate::block_device::uses_page_cache(&disk) {
            images.push(image);
        }
    }
    Some(images)
}
