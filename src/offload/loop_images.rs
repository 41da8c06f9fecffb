//! Image files behind loop devices. A loop device usually reads its image through the page cache,
//! so a direct read of a file in the image may still come from memory.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::{collections::HashMap, os::unix::fs::MetadataExt};

use super::read_method::ReadMethod;

/// Image files by device number of the filesystem that they contain. `None` if a read from that
/// device may come from a cache that cannot be dropped.
#[derive(Default)]
pub(super) struct LoopImages {
    #[cfg(target_os = "linux")]
    by_device: HashMap<u64, Option<Vec<File>>>,
}

#[cfg(target_os = "linux")]
impl LoopImages {
    /// Drops the images that contain a file from the page cache. Returns the best read method that
    /// is possible afterwards.
    pub(super) fn drop_images(&mut self, file: &File) -> ReadMethod {
        use rustix::fs::{Advice, fadvise};
        let Ok(metadata) = file.metadata() else {
            return ReadMethod::Cached;
        };
        let images = self
            .by_device
            .entry(metadata.dev())
            .or_insert_with(|| images_below(metadata.dev(), MAX_DEPTH));
        match images {
            None => ReadMethod::Cached,
            Some(images) if images.is_empty() => ReadMethod::Bypassed,
            Some(images) => {
                let drop_pages = |image: &File| fadvise(image, 0, None, Advice::DontNeed).is_ok();
                if images.iter().all(drop_pages) {
                    ReadMethod::Dropped
                } else {
                    ReadMethod::Cached
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl LoopImages {
    /// Returns `Bypassed`: images are searched only on Linux.
    #[expect(clippy::unused_self, reason = "same signature as on Linux")]
    pub(super) fn drop_images(&mut self, _file: &File) -> ReadMethod {
        ReadMethod::Bypassed
    }
}

/// Maximum depth of images within images.
#[cfg(target_os = "linux")]
const MAX_DEPTH: usize = 4;

/// Returns the images behind a device that the page cache may hold; `None` if another cache may
/// answer, or if the images are nested too deeply.
#[cfg(target_os = "linux")]
fn images_below(device: u64, depth: usize) -> Option<Vec<File>> {
    use super::direct_read_cache::{DirectReadCache, cache};
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let folder = std::fs::canonicalize(format!("/sys/dev/block/{major}:{minor}"));
    // A filesystem without a known block device is not in an image that could be found.
    let Ok(folder) = folder else {
        return Some(Vec::new());
    };
    let mut images = Vec::new();
    for disk in crate::block_device::underlying_disks(&folder) {
        let Some(path) = crate::block_device::backing_file(&disk) else {
            continue;
        };
        let image = crate::source_file::open(&path).ok()?;
        // A filesystem with its own cache serves reads from it, even if the loop device uses direct
        // I/O.
        if cache(&image) == DirectReadCache::Filesystem || depth == 0 {
            return None;
        }
        images.extend(images_below(image.metadata().ok()?.dev(), depth - 1)?);
        if crate::block_device::uses_page_cache(&disk) {
            images.push(image);
        }
    }
    Some(images)
}
