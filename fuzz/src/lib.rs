//! The input as a file: what reads originals wants a path.
//!
//! One file serves a whole run, since making one for each input would cost more than
//! reading it. It lies in memory where the system has a place for that.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Fuzzers that may run side by side.
const MOST: usize = 256;

/// A file of which only the content changes.
pub struct Scratch {
    path: PathBuf,
    file: File,
}

impl Scratch {
    /// Takes the first file of that extension that no other fuzzer holds.
    pub fn new(extension: &str) -> Self {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() {
            memory
        } else {
            std::env::temp_dir()
        };
        let free = (0..MOST).find_map(|number| {
            let path = folder.join(format!("btsindex-fuzz-{number}.{extension}"));
            let mut options = File::options();
            let file = options.write(true).create(true).truncate(false).open(&path);
            let file = file.expect("a file in the folder for temporary ones");
            match file.try_lock() {
                Ok(()) => Some(Self { path, file }),
                Err(TryLockError::WouldBlock) => None,
                Err(TryLockError::Error(error)) => panic!("{}: {error}", path.display()),
            }
        });
        free.expect("fewer fuzzers at a time")
    }

    /// Makes these bytes its whole content.
    pub fn holding(&self, bytes: &[u8]) -> &Path {
        use std::os::unix::fs::FileExt;
        self.file
            .set_len(bytes.len() as u64)
            .and_then(|()| self.file.write_all_at(bytes, 0))
            .expect("room for the input");
        &self.path
    }
}
