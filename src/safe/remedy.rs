//! Steps that make an unsafe card safe to format, as data. The command line prints them.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Suggested step towards a safe card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Verify the copies in a folder.
    Verify {
        /// Folder to verify.
        folder: PathBuf,
        /// Step that the volume of the folder needs before.
        first: MountStep,
    },
    /// Scan the copies in a folder again.
    Scan {
        /// Folder to scan.
        folder: PathBuf,
        /// Step that the volume of the folder needs before.
        first: MountStep,
    },
    /// Hash the scanned copies in full and compare them.
    CompareCopies,
    /// Check the card again and read all mounted copies: a manifest next to them is damaged.
    ReadCopies,
    /// Name the disk of a volume.
    NameDisk {
        /// Volume whose disk is unknown.
        volume: NamedVolume,
    },
    /// Mount a share and another volume at the same time and check again, or name the disk of the
    /// share if the two are on different disks.
    MountTogether {
        /// Share that may be on the same disk as the other volume.
        share: NamedVolume,
        /// Label of the other volume.
        other: String,
    },
    /// Mount the copies, or check again with a name for the disk of the card.
    NameCardDisk,
    /// Move away files that are altered or different, because an ingest never replaces a file.
    MoveAway {
        /// Files at the destinations of the card.
        files: BTreeSet<PathBuf>,
    },
    /// Copy the missing files: ingest the card again.
    Ingest {
        /// Folders to copy the card to.
        to: RemedyDestinations,
    },
    /// Also copy a history of the card unchanged.
    KeepHistory {
        /// Folder of the history on the card.
        history: PathBuf,
        /// Folders in which a new folder receives the history.
        to: RemedyDestinations,
    },
}

/// Step that a volume needs before its copies can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountStep {
    /// No step: the volume is mounted.
    None,
    /// Mount the volume with this label.
    Mount(String),
    /// Unmount the volume with this label, which drops its cache, and mount it again.
    Remount(String),
}

/// Volume that the user is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedVolume {
    /// Label shown to the user.
    pub label: String,
    /// Name that identifies it on a command line: the label if it is unique, or else the identity.
    pub name: String,
}

/// Destinations of a suggested copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemedyDestinations {
    /// Known folders.
    pub folders: Vec<PathBuf>,
    /// Number of further folders, on other disks, that the user has to choose.
    pub further: usize,
    /// Labels of the known folders' volumes that have to be mounted before.
    pub unmounted: Vec<String>,
}
