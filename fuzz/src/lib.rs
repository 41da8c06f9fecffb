//! Scratch file that holds the fuzz input, since the readers need a path.
//!
//! One file is used for a whole run: creating a file for each input would take longer than reading
//! it. The file is in memory if the system has a memory filesystem.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Maximum number of fuzzers at the same time.
const MAX_FUZZERS: usize = 256;

/// Locked file at a fixed path, with changing content.
pub struct Scratch {
    path: PathBuf,
    file: File,
}

impl Scratch {
    /// Opens and locks the first file with this extension that no other fuzzer uses.
    pub fn new(extension: &str) -> Self {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() {
            memory
        } else {
            std::env::temp_dir()
        };
        let free = (0..MAX_FUZZERS).find_map(|number| {
            let path = folder.join(format!("btsindex-fuzz-{number}.{extension}"));
            let mut options = File::options();
            let file = options.write(true).create(true).truncate(false).open(&path);
            let file = file.expect("a file in the temporary folder");
            match file.try_lock() {
                Ok(()) => Some(Self { path, file }),
                Err(TryLockError::WouldBlock) => None,
                Err(TryLockError::Error(error)) => panic!("{}: {error}", path.display()),
            }
        });
        free.expect("fewer fuzzers at the same time")
    }

    /// Replaces the content of the file and returns its path.
    pub fn write(&self, bytes: &[u8]) -> &Path {
        use std::os::unix::fs::FileExt;
        self.file
            .set_len(bytes.len() as u64)
            .and_then(|()| self.file.write_all_at(bytes, 0))
            .expect("space for the input");
        &self.path
    }
}
