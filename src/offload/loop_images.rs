//! Image files that loop devices use. A loop device usually reads its file through the page cache.
//! So direct I/O on the filesystem in the image may still be answered from memory.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::{collections::HashMap, os::unix::fs::MetadataExt};

use super::How;

/// Image files by the number of the device that uses them; `None` if one cannot be opened.
#[derive(Default)]
pub(super) struct Images {
    #[cfg(target_os = "linux")]
    by_device: HashMap<u64, Option<Vec<File>>>,
}

#[cfg(target_os = "linux")]
impl Images {
    /// Drops the image files that hold a file from the page cache. Returns the best read method
    /// that is possible afterwards.
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
    /// Disk images are not searched on this system.
    #[expect(clippy::unused_self, reason = "as where they are")]
    pub(super) fn dropped(&mut self, _file: &File) -> How {
        How::Bypassed
    }
}

/// Maximum nesting of images in images.
#[cfg(target_os = "linux")]
const DEEPEST: usize = 4;

#[cfg(target_os = "linux")]
fn below(device: u64, depth: usize) -> Option<Vec<File>> {
    use super::read_back::{Cache, cache};
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let folder = std::fs::canonicalize(format!("/sys/dev/block/{major}:{minor}"));
    // A filesystem without a device, or on an unknown one, has no image that could be found.
    let Ok(folder) = folder else {
        return Some(Vec::new());
    };
    let mut images = Vec::new();
    for disk in crate::block_device::underlying_disks(&folder) {
        let Some(path) = crate::block_device::backing_file(&disk) else {
            continue;
        };
        let image = crate::source_file::open(&path).ok()?;
        // A filesystem with its own cache answers from that cache, whatever the loop device
        // requests.
        if cache(&image) == Cache::Separate || depth == 0 {
            return None;
        }
        images.extend(below(image.metadata().ok()?.dev(), depth - 1)?);
        if crate::block_device::uses_page_cache(&disk) {
            images.push(image);
        }
    }
    Some(images)
}
