//! Volume that holds copies: recorded facts, and facts that the system reports now.

use crate::catalogue::{Disks, MountedWith};
use crate::volume::Backing;

/// Volume that holds copies.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent recorded or observed fact"
)]
pub struct CopyVolume {
    /// Label shown to the user.
    pub label: String,
    /// Disks that the volume was seen on.
    pub disks: Disks,
    /// `disks`, plus the disks of known volumes that hold the volume's image file.
    pub all_disks: Disks,
    /// Identities of the volumes that hold its image files, except the system disk.
    pub held_by: Vec<String>,
    /// Serial numbers, servers and user-given names of its disks, for display.
    pub disk_names: Vec<String>,
    /// True if it is mounted now.
    pub is_mounted: bool,
    /// True if it is mounted now, from a different device than the card.
    pub is_on_other_device: bool,
    /// Identity of the volume, such as `uuid:…`.
    pub identity: String,
    /// Storage that the volume is on, if it is not a physical disk: memory, a view or an image
    /// file.
    pub backing: Backing,
    /// True for network and host shares.
    pub is_share: bool,
    /// True if the user named the disk of the volume.
    pub is_disk_named_by_user: bool,
    /// Cache that may answer reads instead of the medium.
    pub cache: VolumeCache,
    /// Volumes that were mounted at the same time; recorded for shares only.
    pub mounted_with: MountedWith,
    /// Label of what was later seen on its disk, while the volume itself was not mounted.
    pub replaced_by: Option<String>,
    /// Number of times the filesystem was found to have been formatted.
    pub formats: i64,
}

/// Cache that may answer reads of a volume instead of its medium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VolumeCache {
    /// No such cache, or the volume is not mounted.
    #[default]
    None,
    /// Cache that is dropped when the volume is unmounted.
    UntilUnmounted,
    /// Cache that survives unmounting.
    Always,
}
