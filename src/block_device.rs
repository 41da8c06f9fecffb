//! Structure of Linux block devices, read from their `sysfs` folders. Separate because volume
//! detection and the verification of copies both need it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::value::from_bytes;

/// Maximum depth of stacked devices, such as a volume group in a LUKS container on a RAID.
const MAX_DEPTH: usize = 6;

/// Returns the `sysfs` folders of all disks that a block device is stored on. A partition is stored
/// on its disk. A device that is not stacked on others is itself a disk.
pub(crate) fn underlying_disks(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    collect(folder, MAX_DEPTH, &mut all);
    all
}

fn collect(folder: &Path, depth: usize, all: &mut Vec<PathBuf>) {
    let disk = if folder.join("partition").exists() {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let below: Vec<PathBuf> = fs::read_dir(disk.join("slaves"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| fs::canonicalize(entry.path()).ok())
        .collect();
    if below.is_empty() {
        all.push(disk.to_owned());
    }
    // The depth limit also ends cycles of devices.
    for lower in below.iter().filter(|_| depth > 0) {
        collect(lower, depth - 1, all);
    }
}

/// Returns the path of a loop device's backing file.
pub(crate) fn backing_file(disk: &Path) -> Option<PathBuf> {
    let text = fs::read(disk.join("loop/backing_file")).ok()?;
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    // A deleted file stays in use as the backing file.
    let text = text.strip_suffix(b" (deleted)").unwrap_or(text);
    let path: OsString = from_bytes(text.to_vec());
    (!path.is_empty()).then(|| path.into())
}

/// Returns true if the file is large enough to back the loop device.
///
/// The path that the system reports may now belong to another file, or to none: the file may have
/// been deleted, unmounted, or stored in memory.
pub(crate) fn is_backing_file(disk: &Path, file: &Path) -> bool {
    let sectors = fs::read_to_string(disk.join("size")).ok();
    let sectors = sectors.and_then(|text| text.trim().parse::<u64>().ok());
    let length = file.metadata().ok().filter(fs::Metadata::is_file);
    match (sectors, length) {
        (Some(sectors), Some(file)) => file.len() >= sectors.saturating_mul(512),
        _ => false,
    }
}

/// Returns true if a loop device reads its backing file through the page cache.
pub(crate) fn uses_page_cache(disk: &Path) -> bool {
    fs::read(disk.join("loop/dio")).is_ok_and(|text| text.trim_ascii() == b"0")
}
