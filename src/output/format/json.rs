//! JSON, one object per line.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::Value;

use super::device::OutputDevice;
use super::listing::RowListing;
use crate::error::is_unsafe;

/// Writes one object per row.
pub(super) fn write<R>(
    mut listing: RowListing<'_, R>,
    _: OutputDevice,
    out: &mut dyn Write,
) -> io::Result<()> {
    while let Some(row) = listing.next() {
        writeln!(out, "{}", json_line(&listing.object_of(&row?)))?;
    }
    Ok(())
}

/// Formats JSON as one line that is safe on a terminal. Characters that
/// [`escape`](crate::error::escape) would replace become JSON escapes such as `\u009b`.
#[must_use]
pub fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line
}
