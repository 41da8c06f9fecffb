//! Lossless reading and editing of XMP sidecars (ISO 16684-1). Premiere Pro, Bridge, Lightroom and
//! exiftool write them next to media files.

mod attribute;
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
mod namespace_scope;
mod packet;
mod rdf;
mod start_tag;
#[cfg(test)]
mod tests;
mod time;
mod tracks;
mod values;

pub use clip_edits::ClipEdits;
pub use error::XmpError;
pub use last_synced::LastSynced;
pub use merge::{Conflict, Merged, merge};
pub use packet::Packet;
pub use tracks::XmpMarker;

use std::path::Path;

use crate::clip::{Clip, Fact, Source};
use crate::xmp_owner::is_for;

/// Maximum size of a sidecar in bytes.
pub const MAX_BYTES: u64 = encoding::MAX_BYTES as u64;

/// Reads the facts that other programs stored about the media file `original`. Returns no facts if
/// the bytes are not a sidecar or belong to another file.
pub(super) fn read(bytes: &[u8], original: &Path) -> Clip {
    let packet = Packet::parse(bytes).unwrap_or_default();
    let name = original.file_name().unwrap_or_default();
    if !is_for(packet.for_extension.as_deref(), name) {
        return Clip::default();
    }
    let log = packet.log_comment.as_deref().unwrap_or_default();
    let mut lines = clip_edits::non_blank_lines(log);
    lines.retain(|line| !packet.last_synced.notes.contains(line));
    let log = (!lines.is_empty()).then(|| lines.join("\n"));
    let fact = |text: Option<String>| Some(Fact::new(text?, Source::XMP_FILE));
    Clip {
        title: fact(packet.title),
        comment: fact(packet.description.or(log)),
        reel: fact(packet.reel),
        ..Clip::default()
    }
}
