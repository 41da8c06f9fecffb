//! What is on a drive: which files are footage, which belong to which, what each one is.
//!
//! Nothing here starts a process or knows the catalogue.

mod companions;
mod fingerprint;
mod ignore;
mod kind;
mod sequence;
mod sniff;
mod walk;

pub use companions::DeclaredExtension;
pub(crate) use companions::xmp_owners;
pub use fingerprint::{Identity, Sample, fingerprint, fingerprint_frames, hash_all};
pub use kind::{Named, named};
pub use sequence::frame_paths;
pub use sniff::{Content, HEAD, sniff};
pub use walk::{Found, Listing, Role, Root, Step, WalkOptions, found, modified, walk};
