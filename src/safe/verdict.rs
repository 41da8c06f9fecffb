//! Decides which copies count and on how many disks they are, from recorded and observed facts.
//! Does no I/O.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::copy_state::{Doubt, Observation, Proof, check_copy};
use super::copy_volume::CopyVolume;
use super::independence::{
    ImageNesting, Relation, ValidCopy, change_of, is_same_change, max_independent,
};
use crate::catalogue::{Disks, RecordedPath};
use crate::value::{Age, Fingerprint};
use crate::volume::Backing;

/// Conditions that copies must meet.
#[derive(Debug, Clone, Copy)]
pub struct Requirements {
    /// Minimum number of distinct disks.
    pub copies: usize,
    /// Maximum age of the last verification.
    pub max_age: Option<Age>,
    /// Current time, Unix seconds.
    pub now: i64,
}

/// Volume and disks of the card.
#[derive(Debug, Clone, Default)]
pub struct CardLocation {
    /// Volume id; `None` if the catalogue does not know the volume.
    pub volume: Option<i64>,
    /// Root of the card, relative to the root of the volume.
    pub inside: PathBuf,
    /// Disks of the card.
    pub disks: Disks,
    /// `disks`, plus the disks of known volumes that hold the card's image file.
    pub all_disks: Disks,
    /// Identity of the volume, such as `uuid:…`.
    pub identity: String,
    /// Storage that the volume is on, if it is not a physical disk.
    pub backing: Backing,
    /// Identities of the volumes that hold its image files, except the system disk.
    pub held_by: Vec<String>,
    /// True if the card is on the system disk. The user names the disk of image files there.
    pub is_system_disk: bool,
    /// True for network and host shares.
    pub is_share: bool,
    /// True if the user named the disk of the card.
    pub is_disk_named_by_user: bool,
    /// Times of the last change (ctime) of its files in nanoseconds, sorted, if the filesystem
    /// stores them.
    pub changes: Vec<i64>,
}

impl CardLocation {
    fn image_nesting(&self) -> ImageNesting<'_> {
        ImageNesting {
            identity: if self.is_system_disk {
                ""
            } else {
                &self.identity
            },
            backing: &self.backing,
            held_by: &self.held_by,
        }
    }
}

/// File that may be a copy of a file on the card.
#[derive(Debug, Clone)]
pub struct CandidateCopy {
    /// Id of the volume.
    pub volume: i64,
    /// Current path; if the volume is not mounted, the path at its last mount point.
    pub path: PathBuf,
    /// Folder that the card was copied to, absolute like `path`; `None` for copies found by scans.
    pub root: Option<PathBuf>,
    /// Proof that the copy counts, or the reason why it does not.
    pub outcome: Result<Proof, Doubt>,
}

/// Known copies of one content.
#[derive(Debug, Clone, Default)]
pub struct CountedCopies {
    /// All known copies, except files on the card itself.
    pub copies: Vec<CandidateCopy>,
    /// Number of distinct disks that hold valid copies, not counting the card's.
    pub disks: usize,
    /// A share and another volume whose valid copies may be on the same disk, and therefore count
    /// once.
    pub may_be_one: Option<(i64, i64)>,
}

/// Counts the copies of a content, given as hash and size. `at` lists each recorded copy with its
/// current path, the folder the card was copied to, and what was observed at the path.
#[must_use]
pub fn count_copies(
    content: (Fingerprint, u64),
    at: &[(&RecordedPath, PathBuf, Option<PathBuf>, &Observation)],
    card: &CardLocation,
    copy_volumes: &BTreeMap<i64, CopyVolume>,
    requirements: Requirements,
) -> CountedCopies {
    let mut counted = CountedCopies::default();
    let mut proofs: Vec<(i64, &CopyVolume, Proof, &Observation)> = Vec::new();
    for (recorded, path, root, observation) in at {
        let is_on_card_volume = Some(recorded.volume) == card.volume;
        if is_on_card_volume && recorded.path.starts_with(&card.inside) {
            continue;
        }
        let copy_volume = copy_volumes.get(&recorded.volume);
        let outcome = match copy_volume {
            _ if is_on_card_volume => Err(Doubt::CardDisk),
            None => Err(Doubt::UnknownDisk),
            Some(copy_volume) => check_disk(copy_volume, card)
                .and_then(|()| check_copy(content, recorded, observation))
                .and_then(|proof| check_not_replaced(proof, copy_volume, observation))
                .and_then(|proof| check_not_card(proof, copy_volume, card, observation))
                .and_then(|proof| check_age(proof, requirements)),
        };
        if let (Some(copy_volume), Ok(proof)) = (copy_volume, &outcome) {
            proofs.push((recorded.volume, copy_volume, proof.clone(), observation));
        }
        counted.copies.push(CandidateCopy {
            volume: recorded.volume,
            path: path.clone(),
            root: root.clone(),
            outcome,
        });
    }
    let valid_copies = proofs
        .iter()
        .map(|(volume, copy_volume, proof, observation)| {
            let site = ValidCopy {
                copy_volume,
                mounted_sets: &proof.mounted_sets,
                is_seen: is_seen(observation),
                changed: seen_change(observation),
            };
            (*volume, site)
        });
    let valid_copies: Vec<(i64, ValidCopy<'_>)> = valid_copies.collect();
    let all: Vec<ValidCopy<'_>> = valid_copies.iter().map(|(_, site)| *site).collect();
    counted.disks = max_independent(&all);
    let mut pairs = valid_copies
        .iter()
        .flat_map(|one| valid_copies.iter().map(move |other| (one, other)));
    let may_be_one = pairs.find(|(one, other)| {
        one.1.copy_volume.is_share && one.1.relation(other.1) == Relation::MayBeSameDisk
    });
    counted.may_be_one = may_be_one.map(|(one, other)| (one.0, other.0));
    counted
}

/// Fails unless the volume is on a known disk other than the card's.
fn check_disk(copy_volume: &CopyVolume, card: &CardLocation) -> Result<(), Doubt> {
    if copy_volume.backing.is_memory {
        Err(Doubt::InMemory)
    } else if copy_volume.backing.is_view {
        Err(Doubt::View)
    } else if !copy_volume.disks.are_known() {
        Err(Doubt::UnknownDisk)
    } else if (card.all_disks.are_known() && !copy_volume.all_disks.are_apart(&card.all_disks))
        || card
            .image_nesting()
            .shares_storage_with(copy_volume.image_nesting())
    {
        Err(Doubt::CardDisk)
    } else if !card.disks.are_known()
        && !copy_volume.disks.are_reported()
        && !copy_volume.is_on_other_device
    {
        // A system that reports a serial number for this disk would also report it for the card.
        Err(Doubt::UnknownCardDisk)
    } else {
        Ok(())
    }
}

fn is_seen(observation: &Observation) -> bool {
    matches!(observation, Observation::File(..) | Observation::Read(..))
}

fn seen_change(observation: &Observation) -> Option<i64> {
    match observation {
        Observation::File(stamp, _) | Observation::Read(_, stamp, ..) => change_of(stamp),
        Observation::NotMounted | Observation::Missing | Observation::Unreadable(_) => None,
    }
}

/// Fails if the volume was replaced after the copy was verified.
fn check_not_replaced(
    proof: Proof,
    copy_volume: &CopyVolume,
    observation: &Observation,
) -> Result<Proof, Doubt> {
    // A file of that name exists. Only an unchanged ctime proves that it is the verified one.
    let is_certain = match observation {
        Observation::Read(..) => true,
        Observation::File(_, keeps_ctime) => *keeps_ctime,
        Observation::NotMounted | Observation::Missing | Observation::Unreadable(_) => false,
    };
    match &copy_volume.replaced_by {
        Some(by) if !is_seen(observation) => Err(Doubt::Replaced(by.clone())),
        _ if !is_certain && proof.formats < copy_volume.formats => Err(Doubt::Reformatted),
        _ => Ok(proof),
    }
}

/// Fails if the copy may be the card itself: the card shared by another machine, or a disk in the
/// machine that shares the card.
fn check_not_card(
    proof: Proof,
    copy_volume: &CopyVolume,
    card: &CardLocation,
    observation: &Observation,
) -> Result<Proof, Doubt> {
    let is_file_of_card = |changed: i64| {
        let later = card.changes.partition_point(|own| *own < changed);
        let near = card.changes.iter().skip(later.saturating_sub(1)).take(2);
        near.copied().any(|own| is_same_change(own, changed))
    };
    if (card.is_share || copy_volume.is_share)
        && seen_change(observation).is_some_and(is_file_of_card)
    {
        return Err(Doubt::CardDisk);
    }
    let may_be_card = copy_volume.may_share(&card.identity, &proof.mounted_sets);
    let may_be_on_card_share =
        card.is_share && !copy_volume.is_share && !card.is_disk_named_by_user;
    if !is_seen(observation) && (may_be_card || may_be_on_card_share) {
        Err(Doubt::UnknownCardDisk)
    } else {
        Ok(proof)
    }
}

fn check_age(proof: Proof, requirements: Requirements) -> Result<Proof, Doubt> {
    let age = Age(requirements.now.saturating_sub(proof.at));
    match requirements.max_age {
        _ if age < Age(0) => Err(Doubt::InFuture),
        Some(max_age) if age > max_age => Err(Doubt::TooOld(age)),
        _ => Ok(proof),
    }
}
