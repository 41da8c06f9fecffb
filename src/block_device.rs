//! What a block device of Linux is made of, as its folder in `sysfs` says. Lowest of all: the volumes of footage and the
//! reading back of copies both ask.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::value::from_bytes;

/// Devices upon devices (a volume group in a LUKS container on a RAID) are not deeper.
const MAX_DEPTH: usize = 6;

/// The folders of all disks below a block device: of itself, unless it is a partition, or is made of others.
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
    // A ring ends where it is too deep.
    for lower in below.iter().filter(|_| depth > 0) {
        collect(lower, depth - 1, all);
    }
}

/// The file that a loop device shows as a disk.
pub(crate) fn backing_file(disk: &Path) -> Option<PathBuf> {
    let text = fs::read(disk.join("loop/backing_file")).ok()?;
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    // A file that was deleted goes on being the disk.
    let text = text.strip_suffix(b" (deleted)").unwrap_or(text);
    let path: OsString = from_bytes(text.to_vec());
    (!path.is_empty()).then(|| path.into())
}

/// Whether a file is large enough for the disk that a loop device makes of it: what the system calls the file may be another by
/// now, or be nowhere (deleted, unmounted, in memory alone).
pub(crate) fn is_backing_file(disk: &Path, file: &Path) -> bool {
    let sectors = fs::read_to_string(disk.join("size")).ok();
    let sectors = sectors.and_then(|text| text.trim().parse::<u64>().ok());
    let length = file.metadata().ok().filter(fs::Metadata::is_file);
    match (sectors, length) {
        (Some(sectors), Some(file)) => file.len() >= sectors.saturating_mul(512),
        _ => false,
    }
}

/// Whether a loop device reads its file through the page cache.
pub(crate) fn uses_page_cache(disk: &Path) -> bool {
    fs::read(disk.join("loop/dio")).is_ok_and(|text| text.trim_ascii() == b"0")
}
