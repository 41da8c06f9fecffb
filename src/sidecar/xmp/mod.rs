//! XMP sidecars (ISO 16684-1): what Premiere Pro, Bridge, Lightroom and exiftool write beside
//! a file, read, and added to without losing a letter of theirs.

mod clip_edits;
mod document;
mod edit;
mod element;
mod encoding;
mod error;
mod escape;
mod last_synced;
mod merge;
mod names;
mod packet;
mod rdf;
mod tag;
#[cfg(test)]
mod tests;
mod time;
mod tracks;

pub use clip_edits::Said;
pub use error::XmpError;
pub use last_synced::Written;
pub use merge::{Conflict, Merged, merged};
pub use packet::Packet;
pub use tracks::XmpMarker;

use std::path::Path;

use crate::clip::{Clip, Fact, Source};
use crate::xmp_owner::is_for;

/// No sidecar is longer.
pub const MOST: u64 = encoding::MOST_BYTES as u64;

/// Reads what others than btsindex say of the clip in `original`; nothing where the bytes are no sidecar, or say
/// that they are another file's.
pub(super) fn read(bytes: &[u8], original: &Path) -> Clip {
    let packet = Packet::read(bytes).unwrap_or_default();
    let name = original.file_name().unwrap_or_default();
    if !is_for(packet.for_extension.as_deref(), name) {
        return Clip::default();
    }
    let log = packet.log_comment.as_deref().unwrap_or_default();
    let mut lines = clip_edits::lines_of(log);
    lines.retain(|line| !packet.written.notes.contains(line));
    let log = (!lines.is_empty()).then(|| lines.join("\n"));
    let fact = |text: Option<String>| Some(Fact::new(text?, Source::XMP_FILE));
    Clip {
        title: fact(packet.title),
        comment: fact(packet.description.or(log)),
        reel: fact(packet.reel),
        ..Clip::default()
    }
}
