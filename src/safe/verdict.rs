//! Whether a card may be formatted, from what its files are and where they stand: nothing here reads anything.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::disks::{Disks, most_apart};
use super::standing::{Doubt, Proof, Sight, standing};
use crate::catalogue::Stood;
use crate::value::{Age, Fingerprint};

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
pub struct Shelf {
    /// What people call it.
    pub label: String,
    /// Its disks.
    pub disks: Disks,
    /// What was told of them, for people.
    pub told: Vec<String>,
    /// Whether it is mounted now.
    pub is_mounted: bool,
    /// Whether it is mounted, and from another device than the card.
    pub is_beside: bool,
    /// What it is known by.
    pub identity: String,
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
}

/// Counts the copies of a content, given with its bytes. `at`: each place, with where that is for people, and what
/// is seen there.
#[must_use]
pub fn counted(
    content: (Fingerprint, u64),
    at: &[(&Stood, PathBuf, Option<PathBuf>, &Sight)],
    card: &OfCard,
    shelves: &BTreeMap<i64, Shelf>,
    wanted: Wanted,
) -> Counted {
    let mut counted = Counted::default();
    for (stood, path, root, sight) in at {
        let is_cards = Some(stood.volume) == card.volume;
        if is_cards && stood.path.starts_with(&card.inside) {
            continue;
        }
        let shelf = shelves.get(&stood.volume);
        let outcome = match shelf.filter(|shelf| shelf.disks.are_known()) {
            _ if is_cards => Err(Doubt::CardsDisk),
            None => Err(Doubt::UnknownDisk),
            Some(shelf) if card.disks.are_known() && !shelf.disks.are_apart(&card.disks) => {
                Err(Doubt::CardsDisk)
            }
            // A system that tells a disk's number would have told the card's, were it on that disk.
            Some(shelf)
                if !card.disks.are_known() && !shelf.disks.are_told() && !shelf.is_beside =>
            {
                Err(Doubt::UnknownCard)
            }
            Some(_) => standing(content, stood, sight).and_then(|proof| in_time(proof, wanted)),
        };
        counted.copies.push(Copy {
            volume: stood.volume,
            path: path.clone(),
            root: root.clone(),
            outcome,
        });
    }
    let mut volumes: Vec<i64> = counted
        .copies
        .iter()
        .filter(|copy| copy.outcome.is_ok())
        .map(|copy| copy.volume)
        .collect();
    volumes.sort_unstable();
    volumes.dedup();
    let disks: Vec<&Disks> = volumes
        .iter()
        .filter_map(|volume| Some(&shelves.get(volume)?.disks))
        .collect();
    counted.disks = most_apart(&disks);
    counted
}

fn in_time(proof: Proof, wanted: Wanted) -> Result<Proof, Doubt> {
    let age = Age(wanted.now.saturating_sub(proof.at));
    match wanted.max_age {
        _ if age < Age(0) => Err(Doubt::InFuture),
        Some(most) if age > most => Err(Doubt::TooOld(age)),
        _ => Ok(proof),
    }
}
