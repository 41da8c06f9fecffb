//! Drops a file from the page cache and verifies that no page of it remains.
//!
//! When advised to drop a file, the kernel keeps pages that another process maps, locks or uses.
//! One such page is enough to hide that the medium lacks the data, so every page is checked.
//! `fincore` (util-linux) counts the pages of a large file within milliseconds. Without `fincore`,
//! and for small files, each page is read with a flag that forbids waiting for the medium. Such a
//! read starts a transfer that fills later pages, so pages are read from last to first.

use std::fs::File;
use std::io::IoSliceMut;
use std::process::{Command, Stdio};

use rustix::fs::{Advice, fadvise};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::read_method::ReadMethod;

/// Minimum size, in bytes, for which running `fincore` is faster than checking each page.
const FINCORE_MIN_BYTES: u64 = 1024 * 1024;

/// Drops the cached pages of a file, starting at an offset. Returns the read method that is
/// possible afterwards.
pub(super) fn drop_cached(file: &File, from: u64) -> ReadMethod {
    let Ok(metadata) = file.metadata() else {
        return ReadMethod::Cached;
    };
    if fadvise(file, from, None, Advice::DontNeed).is_err() {
        return ReadMethod::Cached;
    }
    let size = metadata.len();
    let is_dropped = || size - from >= FINCORE_MIN_BYTES && resident_pages(file) == Some(0);
    if size <= from || is_dropped() || is_every_page_dropped(file, from, size) {
        ReadMethod::Dropped
    } else {
        ReadMethod::Cached
    }
}

/// Counts the pages of a file that are in memory; `None` if `fincore` is not available.
fn resident_pages(file: &File) -> Option<u64> {
    let input = file.try_clone().ok()?;
    let output = Command::new("fincore")
        .args(["--noheadings", "--raw", "--output", "PAGES", "/dev/stdin"])
        .stdin(Stdio::from(input))
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let output = output.status.success().then_some(output.stdout)?;
    std::str::from_utf8(&output).ok()?.trim().parse().ok()
}

/// Returns true if the page cache has no page of a file at or after an offset.
fn is_every_page_dropped(file: &File, from: u64, size: u64) -> bool {
    let page = rustix::param::page_size() as u64;
    let pages = from / page..size.div_ceil(page);
    let mut byte = [0];
    pages.rev().all(|number| {
        let mut into = [IoSliceMut::new(&mut byte)];
        // `EAGAIN`: the page is not in memory, and the read would have to wait.
        preadv2(file, &mut into, number * page, ReadWriteFlags::NOWAIT) == Err(Errno::AGAIN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file_of_length(length: usize) -> File {
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        file.write_all(&vec![7; length]).unwrap();
        file.sync_all().unwrap();
        file
    }

    #[test]
    fn drops_all_pages_of_a_file_without_other_users() {
        for length in [0, 1, 4096, 4097, 300_000, 3_000_000] {
            let file = file_of_length(length);
            assert_eq!(drop_cached(&file, 0), ReadMethod::Dropped, "{length}");
            assert_eq!(
                drop_cached(&file, length as u64),
                ReadMethod::Dropped,
                "{length}"
            );
        }
    }

    #[test]
    fn finds_a_single_cached_page_at_any_position() {
        let pages = 40 * 4096;
        for position in [
            None,
            Some(0),
            Some(5 * 4096),
            Some(17 * 4096),
            Some(pages - 1),
        ] {
            let file = file_of_length(40 * 4096);
            fadvise(&file, 0, None, Advice::DontNeed).unwrap();
            // Reads one page, without read-ahead.
            fadvise(&file, 0, None, Advice::Random).unwrap();
            if let Some(position) = position {
                std::os::unix::fs::FileExt::read_at(&file, &mut [0], position).unwrap();
            }
            assert_eq!(
                is_every_page_dropped(&file, 0, pages),
                position.is_none(),
                "{position:?}"
            );
        }
    }
}
