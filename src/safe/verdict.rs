//! Whether a card may be formatted, from what its files are and where they stand: nothing here reads anything.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::copy_state::{Doubt, Observation, Proof, check_copy};
use super::independence::{
    ImageNesting, Relation, ValidCopy, change_of, is_one_change, max_independent,
};
use crate::catalogue::{Disks, MountedWith, Stood};
use crate::value::{Age, Fingerprint};
use crate::volume::Backing;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Requirements {
    /// So many disks at least.
    pub copies: usize,
    /// Verified this long ago at most.
    pub max_age: Option<Age>,
    /// Seconds since 1970 UTC.
    pub now: i64,
}

/// A volume that copies are on.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that was recorded or is seen"
)]
pub struct CopyVolume {
    /// What people call it.
    pub label: String,
    /// Its disks.
    pub disks: Disks,
    /// Its disks, and those of the volumes that hold its image file, as far as the catalogue knows these.
    pub all_disks: Disks,
    /// The identities of these volumes.
    pub held_by: Vec<String>,
    /// What was disk_names of them, for people.
    pub disk_names: Vec<String>,
    /// Whether it is mounted now.
    pub is_mounted: bool,
    /// Whether it is mounted, and from another device than the card.
    pub is_on_other_device: bool,
    /// What it is known by.
    pub identity: String,
    /// What it is on, where that is no disk of its own.
    pub backing: Backing,
    /// Whether another machine answers for it.
    pub is_share: bool,
    /// Whether a person said which disk it is on.
    pub is_disk_named_by_user: bool,
    /// How far reading there can reach its medium.
    pub cache: VolumeCache,
    /// Volumes that were mounted at the same time, if it is a share.
    pub mounted_with: MountedWith,
    /// What its disk was seen to hold since it was away.
    pub replaced_by: Option<String>,
    /// How often its filesystem was found to be a new one.
    pub formats: i64,
}

/// What may answer instead of a volume's medium when a file of it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum VolumeCache {
    /// Nothing, or it is not known: the volume is away.
    #[default]
    None,
    /// A cache that is gone once it is unmounted.
    UntilUnmounted,
    /// A cache that stays.
    Always,
}

/// The card.
#[derive(Debug, Clone, Default)]
pub struct CardLocation {
    /// Its volume's number, where the catalogue knows it.
    pub volume: Option<i64>,
    /// Its root there.
    pub inside: PathBuf,
    /// Its disks.
    pub disks: Disks,
    /// Its disks, and those of the volumes that hold its image file, as far as the catalogue knows these.
    pub all_disks: Disks,
    /// What its volume is known by.
    pub identity: String,
    /// What its volume is on, where that is no disk of its own.
    pub backing: Backing,
    /// Identities of the volumes that hold its image file, the system disk left out.
    pub held_by: Vec<String>,
    /// Whether it is on the system disk, whose image files are where a person says.
    pub is_system_disk: bool,
    /// Whether another machine answers for it.
    pub is_share: bool,
    /// Whether a person said which disk it is on.
    pub is_disk_named_by_user: bool,
    /// When anything of its files was last changed, as far as its filesystem tells; in order.
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

/// A place where a file's content may be.
#[derive(Debug, Clone)]
pub struct CandidateCopy {
    /// The volume's number.
    pub volume: i64,
    /// Where it is, or was when its volume was last mounted.
    pub path: PathBuf,
    /// The folder that a card was copied to, as `path`.
    pub root: Option<PathBuf>,
    /// Whether it counts.
    pub outcome: Result<Proof, Doubt>,
}

/// What is found of one content's copies.
#[derive(Debug, Clone, Default)]
pub struct CountedCopies {
    /// Each place, but those on the card itself.
    pub copies: Vec<CandidateCopy>,
    /// Distinct disks, the card's left out, that surely hold it.
    pub disks: usize,
    /// Volumes of copies that count, but not twice: a share, and a disk that may have been in its server.
    pub may_be_one: Option<(i64, i64)>,
}

/// Counts the copies of a content, given with its bytes. `at`: each place, with where that is for people, and what
/// is seen there.
#[must_use]
pub fn count_copies(
    content: (Fingerprint, u64),
    at: &[(&Stood, PathBuf, Option<PathBuf>, &Observation)],
    card: &CardLocation,
    copy_volumes: &BTreeMap<i64, CopyVolume>,
    requirements: Requirements,
) -> CountedCopies {
    let mut counted = CountedCopies::default();
    let mut proofs: Vec<(i64, &CopyVolume, Proof, &Observation)> = Vec::new();
    for (stood, path, root, observation) in at {
        let is_cards = Some(stood.volume) == card.volume;
        if is_cards && stood.path.starts_with(&card.inside) {
            continue;
        }
        let copy_volume = copy_volumes.get(&stood.volume);
        let outcome = match copy_volume {
            _ if is_cards => Err(Doubt::CardDisk),
            None => Err(Doubt::UnknownDisk),
            Some(copy_volume) => check_disk(copy_volume, card)
                .and_then(|()| check_copy(content, stood, observation))
                .and_then(|proof| check_not_replaced(proof, copy_volume, observation))
                .and_then(|proof| check_not_card(proof, copy_volume, card, observation))
                .and_then(|proof| check_age(proof, requirements)),
        };
        if let (Some(copy_volume), Ok(proof)) = (copy_volume, &outcome) {
            proofs.push((stood.volume, copy_volume, proof.clone(), observation));
        }
        counted.copies.push(CandidateCopy {
            volume: stood.volume,
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

/// Whether a volume is on some disk that is not the card's.
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
        && !copy_volume.disks.are_told()
        && !copy_volume.is_on_other_device
    {
        // A system that tells a disk's number would have disk_names the card's, were it on that disk.
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

/// Whether nothing was seen, of a volume that is away, that took its place since.
fn check_not_replaced(
    proof: Proof,
    copy_volume: &CopyVolume,
    observation: &Observation,
) -> Result<Proof, Doubt> {
    // What is seen is there; whether it is what was verified, only the time of its last change tells for sure.
    let is_certain = match observation {
        Observation::Read(..) => true,
        Observation::File(_, is_change_kept) => *is_change_kept,
        Observation::NotMounted | Observation::Missing | Observation::Unreadable(_) => false,
    };
    match &copy_volume.replaced_by {
        Some(by) if !is_seen(observation) => Err(Doubt::Replaced(by.clone())),
        _ if !is_certain && proof.formats < copy_volume.formats => Err(Doubt::Reformatted),
        _ => Ok(proof),
    }
}

/// Whether a copy is surely not the card itself: shared by another machine, or in the machine that shares the card.
fn check_not_card(
    proof: Proof,
    copy_volume: &CopyVolume,
    card: &CardLocation,
    observation: &Observation,
) -> Result<Proof, Doubt> {
    let is_cards_file = |changed: i64| {
        let later = card.changes.partition_point(|own| *own < changed);
        let near = card.changes.iter().skip(later.saturating_sub(1)).take(2);
        near.copied().any(|own| is_one_change(own, changed))
    };
    if (card.is_share || copy_volume.is_share)
        && seen_change(observation).is_some_and(is_cards_file)
    {
        return Err(Doubt::CardDisk);
    }
    let may_be_card = copy_volume.may_share(&card.identity, &proof.mounted_sets);
    let may_be_cards_share = card.is_share && !copy_volume.is_share && !card.is_disk_named_by_user;
    if !is_seen(observation) && (may_be_card || may_be_cards_share) {
        Err(Doubt::UnknownCardDisk)
    } else {
        Ok(proof)
    }
}

fn check_age(proof: Proof, requirements: Requirements) -> Result<Proof, Doubt> {
    let age = Age(requirements.now.saturating_sub(proof.at));
    match requirements.max_age {
        _ if age < Age(0) => Err(Doubt::InFuture),
        Some(most) if age > most => Err(Doubt::TooOld(age)),
        _ => Ok(proof),
    }
}
