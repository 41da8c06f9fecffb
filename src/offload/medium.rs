//! Reading a file from the medium it was written to, not from memory: what was just written is
//! still in the system's cache, and reading that proves nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::past_cache::{self, Aligned};

/// How a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It may have come from memory: this system or filesystem knows no other way.
    Cached,
    /// After the system gave up what it had of it in memory, and said so.
    Dropped,
    /// Past the system's cache.
    Bypassed,
}

impl How {
    /// A few words for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Dropped => "cache-dropped",
            Self::Bypassed => "cache-bypassed",
        }
    }

    /// Whether the bytes came from the medium for sure, not from memory.
    #[must_use]
    pub fn is_from_medium(self) -> bool {
        self > Self::Cached
    }

    /// What [`How::name`] gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Cached, Self::Dropped, Self::Bypassed]
            .into_iter()
            .find(|how| how.name() == name)
    }
}

/// Bytes that are read at a time.
const PIECE: usize = 4 * 1024 * 1024;
/// Memory for reading files back, used for one after another.
pub struct Medium(Aligned);

impl Default for Medium {
    fn default() -> Self {
        Self(Aligned::new(PIECE))
    }
}

impl Medium {
    /// Reads a whole file from its medium, piece by piece; what was written to it must be synced. `None` when
    /// `each` ended it.
    ///
    /// # Errors
    /// When it is no regular file or cannot be read.
    pub fn read(
        &mut self,
        path: &Path,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<Option<How>> {
        let mut read = 0;
        if let Some(mut file) = past_cache::to_read(path)? {
            match self.rest(&mut file, &mut read, each) {
                // Some filesystems say only at the first read, or at the last, that they know no such way.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
                Err(error) => return Err(error),
                Ok(false) => return Ok(None),
                Ok(true) => return Ok(Some(How::Bypassed)),
            }
        }
        let mut file = crate::original::open(path)?;
        let how = dropped(&file, read);
        io::Seek::seek(&mut file, io::SeekFrom::Start(read))?;
        Ok(self.rest(&mut file, &mut read, each)?.then_some(how))
    }

    fn rest(
        &mut self,
        file: &mut File,
        read: &mut u64,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> io::Result<bool> {
        let piece = self.0.bytes_mut();
        loop {
            let length = match file.read(piece) {
                Ok(0) => return Ok(true),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            *read += length as u64;
            if !each(&piece[..length]) {
                return Ok(false);
            }
        }
    }
}

/// Has the system forget what it has of a file in memory, and asks whether it did.
#[cfg(target_os = "linux")]
fn dropped(file: &File, from: u64) -> How {
    use rustix::fs::{Advice, fadvise};
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    if fadvise(file, from, None, Advice::DontNeed).is_err() {
        return How::Cached;
    }
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut byte = [0];
    // Asked so, what is not in memory would have to be waited for.
    let is_gone = |place: u64| {
        let mut into = [io::IoSliceMut::new(&mut byte)];
        preadv2(file, &mut into, place, ReadWriteFlags::NOWAIT) == Err(Errno::AGAIN)
    };
    let Some(last) = size.checked_sub(1) else {
        return How::Dropped;
    };
    if [from, size / 2, last].into_iter().all(is_gone) {
        How::Dropped
    } else {
        How::Cached
    }
}

#[cfg(not(target_os = "linux"))]
fn dropped(_file: &File, _from: u64) -> How {
    How::Cached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_file_comes_back_whatever_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut medium = Medium::default();
        for length in [0, 1, 4095, 4096, 4097, PIECE, PIECE + 1, 2 * PIECE + 4096] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            std::fs::write(&path, &bytes).unwrap();
            File::open(&path).unwrap().sync_all().unwrap();
            let mut back = Vec::new();
            let how = medium.read(&path, &mut |piece| {
                back.extend_from_slice(piece);
                true
            });
            assert!(back == bytes, "{length} bytes, {how:?}");
            assert!(how.unwrap().is_some());
        }
        assert_eq!(medium.read(&path, &mut |_| false).unwrap(), None);
        assert!(medium.read(folder.path(), &mut |_| true).is_err());
    }
}
