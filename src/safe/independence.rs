//! Decides whether a single failure can destroy two copies. Two volumes can be on the same storage
//! even if their disks have different names.

use super::copy_volume::CopyVolume;
use crate::source_file::{COARSEST_RESOLUTION, Stamp};
use crate::volume::Backing;

/// Valid copy, with the facts that decide whether it is independent of others.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValidCopy<'a> {
    pub(super) copy_volume: &'a CopyVolume,
    /// Sets of volumes that were mounted at each verification ([`super::Proof`]).
    pub(super) mounted_sets: &'a [i64],
    /// True if the file is visible now.
    pub(super) is_seen: bool,
    /// Time of the last change (ctime), if the file is visible and the time is meaningful
    /// ([`change_of`]).
    pub(super) changed: Option<i64>,
}

/// Returns the time of the last change (ctime) in nanoseconds since 1970 UTC. Returns `None` if the
/// filesystem does not store one and reports the modification time instead.
pub(super) fn change_of(stamp: &Stamp) -> Option<i64> {
    let is_own = |changed: &i64| changed.abs_diff(stamp.modified) > COARSEST_RESOLUTION;
    stamp.changed.filter(is_own)
}

/// Returns true if two ctimes are equal. Only one file that is visible twice has equal ctimes.
pub(super) fn is_same_change(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= ROUNDED
}

/// Rounding of times by network filesystems, nanoseconds.
const ROUNDED: u64 = 1_000;

/// Relation of two valid copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// No single failure destroys both.
    Independent,
    /// Both are on the same disk or server, or one volume is in an image file on the other.
    Same,
    /// One is on a share. The disk of the other was not mounted here at the time, so it may have
    /// been in the server.
    MayBeSameDisk,
}

impl ValidCopy<'_> {
    pub(super) fn relation(self, other: Self) -> Relation {
        let (one, two) = (self.copy_volume, other.copy_volume);
        if one.identity == two.identity
            || !one.all_disks.are_apart(&two.all_disks)
            || one.image_nesting().shares_storage_with(two.image_nesting())
            || self.is_one_file(other)
        {
            Relation::Same
        } else if self.may_share_disk_of(other) || other.may_share_disk_of(self) {
            Relation::MayBeSameDisk
        } else {
            Relation::Independent
        }
    }

    /// Returns true if one copy is on a share, and both paths show the same file.
    fn is_one_file(self, other: Self) -> bool {
        let changes = self.changed.zip(other.changed);
        (self.copy_volume.is_share || other.copy_volume.is_share)
            && changes.is_some_and(|(one, two)| is_same_change(one, two))
    }

    /// Returns true if this copy is on a share that may have been the other's disk. If both are on
    /// shares, two servers may have shared the same disk at different times.
    fn may_share_disk_of(self, other: Self) -> bool {
        self.copy_volume
            .may_share(&other.copy_volume.identity, self.mounted_sets)
            && !(self.is_seen && other.is_seen)
    }
}

/// Identity and image files of a volume or card.
#[derive(Clone, Copy)]
pub(super) struct ImageNesting<'a> {
    pub(super) identity: &'a str,
    pub(super) backing: &'a Backing,
    /// Volumes that hold its image files, except the system disk.
    pub(super) held_by: &'a [String],
}

impl ImageNesting<'_> {
    /// Returns true if one volume is in an image file on the other, or if both are in image files on
    /// one volume or in the same file.
    pub(super) fn shares_storage_with(self, other: Self) -> bool {
        self.is_image_next_to(other)
            || other.is_image_next_to(self)
            || self.backing.shares_image(other.backing)
    }

    fn is_image_next_to(self, other: Self) -> bool {
        let is_there =
            |holder: &String| *holder == other.identity || other.held_by.contains(holder);
        self.backing.is_held_by(other.identity) || self.held_by.iter().any(is_there)
    }
}

impl CopyVolume {
    pub(super) fn image_nesting(&self) -> ImageNesting<'_> {
        ImageNesting {
            identity: &self.identity,
            backing: &self.backing,
            held_by: &self.held_by,
        }
    }

    /// Returns true if the server of this share may have shared that volume. It cannot if the
    /// volume was mounted here at every verification, or if the user named the disk of the share.
    pub(super) fn may_share(&self, volume: &str, mounted_sets: &[i64]) -> bool {
        let is_in = |set: &i64| self.mounted_with.contains(&(volume.to_owned(), *set));
        let was_here = !mounted_sets.is_empty() && mounted_sets.iter().all(is_in);
        self.is_share && !self.is_disk_named_by_user && !was_here
    }
}

/// Returns the size of the largest subset of mutually independent copies. Exact for up to [`EXACT`]
/// copies; for more, a greedy lower bound.
pub(super) fn max_independent(valid_copies: &[ValidCopy<'_>]) -> usize {
    let is_independent = |one: usize, other: usize| {
        valid_copies[one].relation(valid_copies[other]) == Relation::Independent
    };
    if valid_copies.len() > EXACT {
        let mut chosen: Vec<usize> = Vec::new();
        for at in 0..valid_copies.len() {
            if chosen.iter().all(|other| is_independent(at, *other)) {
                chosen.push(at);
            }
        }
        return chosen.len();
    }
    let independent: Vec<u32> = (0..valid_copies.len())
        .map(|one| {
            let others = (0..valid_copies.len()).filter(|other| is_independent(one, *other));
            others.fold(0, |set, other| set | 1 << other)
        })
        .collect();
    largest(&independent, u32::MAX)
}

/// Maximum number of copies for the exact search. More copies of one content are rare.
const EXACT: usize = 20;

/// Returns the size of the largest subset of `allowed` of mutually independent copies. Bit `n` of
/// `independent[m]` is set if `m` and `n` are independent.
fn largest(independent: &[u32], allowed: u32) -> usize {
    let mut largest_size = 0;
    for (at, others) in (0..u32::BITS).zip(independent) {
        if allowed & 1 << at != 0 {
            // Members are added in ascending order, so each subset is tried once.
            let later = u32::MAX.checked_shl(at + 1).unwrap_or(0);
            largest_size = largest_size.max(1 + largest(independent, allowed & others & later));
        }
    }
    largest_size
}
