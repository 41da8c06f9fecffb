//! Finds footage on drives: walks folders, recognises media, image sequences and companion files,
//! and computes fingerprints.
//!
//! Does not start processes or access the catalogue.

mod companions;
mod fingerprint;
mod found_file;
mod ignore;
mod kind;
mod sequence;
mod sniff;
mod walk;

pub use companions::DeclaredExtension;
pub(crate) use companions::xmp_owners;
pub use fingerprint::{Sample, fingerprint, fingerprint_frames, hash_all};
pub use found_file::{FoundFile, Role};
pub use kind::{NameKind, kind_of_name};
pub use sequence::frame_paths;
pub use sniff::{HEAD, HeadKind, sniff};
pub use walk::{FolderListing, WalkEvent, WalkOptions, WalkRoot, found, modified, walk};
