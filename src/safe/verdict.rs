//! Whether a card may be formatted, from what its files are and where they stand: nothing here reads anything.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::copy_state::{Doubt, Proof, Sight, standing};
use super::independence::{InFile, Relation, Site, change_of, is_one_change, most_apart};
use crate::catalogue::{Disks, MountedWith, RecordedPath};
use crate::value::{Age, Fingerprint};
use crate::volume::Backing;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
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
pub struct Shelf {
    /// What people call it.
    pub label: String,
    /// Its disks.
    pub disks: Disks,
    /// Its disks, and those of the volumes that hold its image file, as far as the catalogue knows these.
    pub all_disks: Disks,
    /// The identities of these volumes.
    pub held_by: Vec<String>,
    /// What was told of them, for people.
    pub told: Vec<String>,
    /// Whether it is mounted now.
    pub is_mounted: bool,
    /// Whether it is mounted, and from another device than the card.
    pub is_beside: bool,
    /// What it is known by.
    pub identity: String,
    /// What it is on, where that is no disk of its own.
    pub backing: Backing,
    /// Whether another machine answers for it.
    pub is_share: bool,
    /// Whether a person said which disk it is on.
    pub is_disk_said: bool,
    /// How far reading there can reach its medium.
    pub cache: ShelfCache,
    /// Volumes that were mounted at the same time, if it is a share.
    pub mounted_with: MountedWith,
    /// What its disk was seen to hold since it was away.
    pub replaced_by: Option<String>,
    /// How often its filesystem was found to be a new one.
    pub formats: i64,
}

/// What may answer instead of a volume's medium when a file of it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShelfCache {
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
pub struct OfCard {
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
    pub is_disk_said: bool,
    /// When anything of its files was last changed, as far as its filesystem tells; in order.
    pub changes: Vec<i64>,
}

impl OfCard {
    fn in_file(&self) -> InFile<'_> {
        InFile {
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
pub struct Copy {
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
pub struct Counted {
    /// Each place, but those on the card itself.
    pub copies: Vec<Copy>,
    /// Distinct disks, the card's left out, that surely hold it.
    pub disks: usize,
    /// Volumes of copies that count, but not twice: a share, and a disk that may have been in its server.
    pub may_be_one: Option<(i64, i64)>,
}

/// Counts the copies of a content, given with its bytes. `at`: each place, with where that is for people, and what
/// is seen there.
#[must_use]
pub fn counted(
    content: (Fingerprint, u64),
    at: &[(&RecordedPath, PathBuf, Option<PathBuf>, &Sight)],
    card: &OfCard,
    shelves: &BTreeMap<i64, Shelf>,
    wanted: Wanted,
) -> Counted {
    let mut counted = Counted::default();
    let mut proofs: Vec<(i64, &Shelf, Proof, &Sight)> = Vec::new();
    for (stood, path, root, sight) in at {
        let is_cards = Some(stood.volume) == card.volume;
        if is_cards && stood.path.starts_with(&card.inside) {
            continue;
        }
        let shelf = shelves.get(&stood.volume);
        let outcome = match shelf {
            _ if is_cards => Err(Doubt::CardsDisk),
            None => Err(Doubt::UnknownDisk),
            Some(shelf) => on_disk(shelf, card)
                .and_then(|()| standing(content, stood, sight))
                .and_then(|proof| not_replaced(proof, shelf, sight))
                .and_then(|proof| not_shared_card(proof, shelf, card, sight))
                .and_then(|proof| in_time(proof, wanted)),
        };
        if let (Some(shelf), Ok(proof)) = (shelf, &outcome) {
            proofs.push((stood.volume, shelf, proof.clone(), sight));
        }
        counted.copies.push(Copy {
            volume: stood.volume,
            path: path.clone(),
            root: root.clone(),
            outcome,
        });
    }
    let sites = proofs.iter().map(|(volume, shelf, proof, sight)| {
        let site = Site {
            shelf,
            mounted_sets: &proof.mounted_sets,
            is_seen: is_seen(sight),
            changed: seen_change(sight),
        };
        (*volume, site)
    });
    let sites: Vec<(i64, Site<'_>)> = sites.collect();
    let all: Vec<Site<'_>> = sites.iter().map(|(_, site)| *site).collect();
    counted.disks = most_apart(&all);
    let mut pairs = sites
        .iter()
        .flat_map(|one| sites.iter().map(move |other| (one, other)));
    let may_be_one = pairs.find(|(one, other)| {
        one.1.shelf.is_share && one.1.relation(other.1) == Relation::MayBeShared
    });
    counted.may_be_one = may_be_one.map(|(one, other)| (one.0, other.0));
    counted
}

/// Whether a volume is on some disk that is not the card's.
fn on_disk(shelf: &Shelf, card: &OfCard) -> Result<(), Doubt> {
    if shelf.backing.is_memory {
        Err(Doubt::InMemory)
    } else if shelf.backing.is_view {
        Err(Doubt::View)
    } else if !shelf.disks.are_known() {
        Err(Doubt::UnknownDisk)
    } else if (card.all_disks.are_known() && !shelf.all_disks.are_apart(&card.all_disks))
        || card.in_file().is_in_common(shelf.in_file())
    {
        Err(Doubt::CardsDisk)
    } else if !card.disks.are_known() && !shelf.disks.are_reported() && !shelf.is_beside {
        // A system that tells a disk's number would have told the card's, were it on that disk.
        Err(Doubt::UnknownCard)
    } else {
        Ok(())
    }
}

fn is_seen(sight: &Sight) -> bool {
    matches!(sight, Sight::File(..) | Sight::Read(..))
}

fn seen_change(sight: &Sight) -> Option<i64> {
    match sight {
        Sight::File(stamp, _) | Sight::Read(_, stamp, ..) => change_of(stamp),
        Sight::Away | Sight::Gone | Sight::Unreadable(_) => None,
    }
}

/// Whether nothing was seen, of a volume that is away, that took its place since.
fn not_replaced(proof: Proof, shelf: &Shelf, sight: &Sight) -> Result<Proof, Doubt> {
    // What is seen is there; whether it is what was verified, only the time of its last change tells for sure.
    let is_surely_it = match sight {
        Sight::Read(..) => true,
        Sight::File(_, is_change_kept) => *is_change_kept,
        Sight::Away | Sight::Gone | Sight::Unreadable(_) => false,
    };
    match &shelf.replaced_by {
        Some(by) if !is_seen(sight) => Err(Doubt::Replaced(by.clone())),
        _ if !is_surely_it && proof.formats < shelf.formats => Err(Doubt::MadeAgain),
        _ => Ok(proof),
    }
}

/// Whether a copy is surely not the card itself: shared by another machine, or in the machine that shares the card.
fn not_shared_card(
    proof: Proof,
    shelf: &Shelf,
    card: &OfCard,
    sight: &Sight,
) -> Result<Proof, Doubt> {
    let is_cards_file = |changed: i64| {
        let later = card.changes.partition_point(|own| *own < changed);
        let near = card.changes.iter().skip(later.saturating_sub(1)).take(2);
        near.copied().any(|own| is_one_change(own, changed))
    };
    if (card.is_share || shelf.is_share) && seen_change(sight).is_some_and(is_cards_file) {
        return Err(Doubt::CardsDisk);
    }
    let may_be_card = shelf.may_share(&card.identity, &proof.mounted_sets);
    let may_be_cards_share = card.is_share && !shelf.is_share && !card.is_disk_said;
    if !is_seen(sight) && (may_be_card || may_be_cards_share) {
        Err(Doubt::UnknownCard)
    } else {
        Ok(proof)
    }
}

fn in_time(proof: Proof, wanted: Wanted) -> Result<Proof, Doubt> {
    let age = Age(wanted.now.saturating_sub(proof.at));
    match wanted.max_age {
        _ if age < Age(0) => Err(Doubt::InFuture),
        Some(most) if age > most => Err(Doubt::TooOld(age)),
        _ => Ok(proof),
    }
}
