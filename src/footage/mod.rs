//! What is on a drive: which files are footage, which belong to which, what each one is.
//!
//! Nothing here starts a process or knows the catalogue.

mod companions;
mod drive;
mod fingerprint;
mod ignored;
mod kind;
mod sequence;
mod sniff;
mod volume;
mod walk;

pub use companions::DeclaredExtension;
pub(crate) use companions::xmp_owners;
pub use drive::{Drive, DriveKind};
pub use fingerprint::{Identity, Sample, fingerprint, fingerprint_frames, hash_all};
pub use kind::{Named, named};
pub use sequence::frame_paths;
pub use sniff::{Content, HEAD, sniff};
pub use volume::{
    Attached, Backing, Between, Image, KnownVolume, MountKey, Volume, Volumes,
    is_kernel_filesystem, is_memory_filesystem, mark,
};
pub use walk::{Found, Listing, Role, Root, Step, WalkOptions, found, modified, walk};
