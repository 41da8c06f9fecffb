//! One scan at a time: the second waits, and says for whom.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::Event;
use crate::error::Error;
use crate::media::Cancel;

/// Takes the catalogue's scan lock, which ends with the returned file, or with the process;
/// `None` when waiting for it was interrupted.
pub(super) fn hold(
    catalogue: &Path,
    cancel: &Cancel,
    report: &mut dyn FnMut(Event),
) -> Result<Option<File>, Error> {
    fs::create_dir_all(catalogue).map_err(Error::path(catalogue))?;
    let path = catalogue.join("scan.lock");
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .map_err(Error::path(&path))?;
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(Error::path(&path)(error)),
            Err(TryLockError::WouldBlock) => {
                if !is_told {
                    let mut holder = String::new();
                    // Who holds it is only told; an empty answer does no harm.
                    let _ = (&mut file).take(64).read_to_string(&mut holder);
                    report(Event::Waiting {
                        holder: holder.trim().to_owned(),
                    });
                    is_told = true;
                }
                if cancel.is_cancelled() {
                    return Ok(None);
                }
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        std::io::Seek::rewind(file)?;
        write!(file, "process {}", std::process::id())
    };
    write(&mut file).map_err(Error::path(&path))?;
    Ok(Some(file))
}
