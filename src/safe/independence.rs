//! Whether one failure could take two copies: which volumes may be one thing, whatever their disks are called.

use super::verdict::CopyVolume;
use crate::source_file::Stamp;
use crate::volume::Backing;

/// A copy that counts, as far as that asks for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValidCopy<'a> {
    pub(super) copy_volume: &'a CopyVolume,
    /// Sets of volumes that were mounted when it was verified ([`super::Proof`]).
    pub(super) mounted_sets: &'a [i64],
    /// Whether it is seen now.
    pub(super) is_seen: bool,
    /// When anything of it was last changed, where it is seen now and that says something ([`change_of`]).
    pub(super) changed: Option<i64>,
}

/// When anything of a file was last changed, nanoseconds since 1970 UTC; `None` where the filesystem keeps no such time, and
/// tells the modification time instead.
pub(super) fn change_of(stamp: &Stamp) -> Option<i64> {
    let is_own = |changed: &i64| changed.abs_diff(stamp.modified) > COARSEST;
    stamp.changed.filter(is_own)
}

/// Whether two files were changed at the same time, as only one file that is seen twice is.
pub(super) fn is_one_change(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= ROUNDED
}

/// What FAT makes of a time, nanoseconds.
const COARSEST: u64 = 2_000_000_000;
/// What a network filesystem may take off a time, nanoseconds.
const ROUNDED: u64 = 1_000;

/// What two copies came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// No failure of one thing takes both.
    Independent,
    /// They are on one disk, on one server, or one volume is in a file on the other.
    Same,
    /// One is on a share, the other on a disk that was not mounted here at that time: it may have been in the server then.
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
        } else if self.may_have_been(other) || other.may_have_been(self) {
            Relation::MayBeSameDisk
        } else {
            Relation::Independent
        }
    }

    /// Whether one is on a share, and both are seen to be the same file.
    fn is_one_file(self, other: Self) -> bool {
        let changes = self.changed.zip(other.changed);
        (self.copy_volume.is_share || other.copy_volume.is_share)
            && changes.is_some_and(|(one, two)| is_one_change(one, two))
    }

    /// Whether this is on a share, and what was shared may have been the other's disk, or the disk that another server shared
    /// at another time.
    fn may_have_been(self, other: Self) -> bool {
        self.copy_volume
            .may_share(&other.copy_volume.identity, self.mounted_sets)
            && !(self.is_seen && other.is_seen)
    }
}

/// What a volume is, as far as image files are concerned.
#[derive(Clone, Copy)]
pub(super) struct ImageNesting<'a> {
    pub(super) identity: &'a str,
    pub(super) backing: &'a Backing,
    /// Volumes that hold its image files, the system disk left out.
    pub(super) held_by: &'a [String],
}

impl ImageNesting<'_> {
    /// Returns whether one is in an image file on the other, or both are in image files on one volume, or in one file.
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

    /// Returns whether what a server shared may have been that volume: it is not in each of the sets of volumes that were
    /// mounted here then, and no person said which disk the share is on.
    pub(super) fn may_share(&self, volume: &str, mounted_sets: &[i64]) -> bool {
        let is_in = |set: &i64| self.mounted_with.contains(&(volume.to_owned(), *set));
        let was_here = !mounted_sets.is_empty() && mounted_sets.iter().all(is_in);
        self.is_share && !self.is_disk_named_by_user && !was_here
    }
}

/// As many of these as can be that are all independent from each other. Sets of up to [`EXACT`] are tried all, of more the first
/// ones that fit are taken, which may be fewer.
pub(super) fn max_independent(valid_copies: &[ValidCopy<'_>]) -> usize {
    let is_independent = |one: usize, other: usize| {
        valid_copies[one].relation(valid_copies[other]) == Relation::Independent
    };
    if valid_copies.len() > EXACT {
        let mut taken: Vec<usize> = Vec::new();
        for at in 0..valid_copies.len() {
            if taken.iter().all(|other| is_independent(at, *other)) {
                taken.push(at);
            }
        }
        return taken.len();
    }
    let independent: Vec<u32> = (0..valid_copies.len())
        .map(|one| {
            let others = (0..valid_copies.len()).filter(|other| is_independent(one, *other));
            others.fold(0, |set, other| set | 1 << other)
        })
        .collect();
    largest(&independent, u32::MAX)
}

/// Copies of one content are hardly ever more.
const EXACT: usize = 20;

/// The size of the largest set of valid_copies, among those allowed, of which each pair is independent.
fn largest(independent: &[u32], allowed: u32) -> usize {
    let mut most = 0;
    for (at, others) in (0..u32::BITS).zip(independent) {
        if allowed & 1 << at != 0 {
            // Sets are tried once, in the order of their members.
            let later = u32::MAX.checked_shl(at + 1).unwrap_or(0);
            most = most.max(1 + largest(independent, allowed & others & later));
        }
    }
    most
}
