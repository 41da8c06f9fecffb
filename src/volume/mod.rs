//! Volumes: drives and shares that hold files, recognized wherever they are mounted.
//!
//! A volume is identified by the uuid of its filesystem, or by a marker file that the user allowed,
//! or by its label, size and creation time. A share is identified by its address. One file per
//! operating system reads the mounts; the code that interprets them is shared.

mod backing;
mod clones;
mod connected_disks;
mod drive;
mod filesystem_kind;
mod filesystem_table;
mod identity;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, target_os = "macos"))]
mod macos;
mod marker_file;
mod mount_session;
mod mount_table;
mod mounted_volume;
#[cfg(target_os = "linux")]
mod serials;
#[cfg(target_os = "linux")]
mod superblock;
mod system_tables;
#[cfg(any(test, target_os = "macos", windows))]
mod system_tool;
#[cfg(target_os = "linux")]
mod udev;
#[cfg(any(test, windows))]
mod windows;

#[cfg(all(test, target_os = "linux"))]
mod test_images;
#[cfg(all(test, target_os = "linux"))]
mod tests;

pub use backing::{Backing, Image};
pub use clones::KnownVolume;
pub use connected_disks::ConnectedDisk;
pub use drive::{Drive, DriveKind};
pub use filesystem_kind::{is_memory as is_memory_filesystem, is_virtual as is_kernel_filesystem};
pub use marker_file::write_marker;
pub use mount_session::{MountChange, MountKey};
pub use mount_table::Volumes;
pub use mounted_volume::Volume;
