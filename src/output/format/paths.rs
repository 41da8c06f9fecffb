//! Paths for other programs: one per line, or separated by NUL.

use std::io::{self, Write};

use super::device::OutputDevice;
use super::listing::RowListing;
use crate::error::escape;
use crate::value::to_bytes;

/// Writes one path per line, unchanged, so that programs can open it. It is escaped on a terminal,
/// or if it contains a line break.
pub(super) fn write<R>(
    mut listing: RowListing<'_, R>,
    device: OutputDevice,
    out: &mut dyn Write,
) -> io::Result<()> {
    while let Some(row) = listing.next() {
        for path in listing.paths_of(&row?) {
            let bytes = to_bytes(path.as_os_str());
            if device.is_terminal || bytes.contains(&b'\n') {
                writeln!(out, "{}", escape(&path.to_string_lossy()))?;
            } else {
                out.write_all(&bytes)?;
                out.write_all(b"\n")?;
            }
        }
    }
    Ok(())
}

/// Writes paths unchanged, each followed by NUL.
pub(super) fn write_with_nul<R>(
    mut listing: RowListing<'_, R>,
    _: OutputDevice,
    out: &mut dyn Write,
) -> io::Result<()> {
    while let Some(row) = listing.next() {
        for path in listing.paths_of(&row?) {
            out.write_all(&to_bytes(path.as_os_str()))?;
            out.write_all(b"\0")?;
        }
    }
    Ok(())
}
