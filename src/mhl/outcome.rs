//! What a found hash means, given what was known: the one place where it is decided.

use super::{Action, History};
use crate::checksum::{Checksum, HashKind};

/// What was made of the hashes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What a generation records of it.
    pub hashes: Vec<(Checksum, Action)>,
    /// What it comes to.
    pub outcome: Outcome,
}

/// What a file is, beside its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was not recorded before.
    New,
    /// It is as it was recorded.
    Verified,
    /// It is not as it was recorded.
    Failed,
    /// It was recorded, but no hash of a recorded kind was found: nothing may be recorded of it.
    Unproven,
}

/// Decides what each hash that was found of a file stands for.
///
/// As the reference does (`seal_file_path`): without a history, all are original. Where a kind is
/// known, the first hash of this kind decides between verified and failed. A kind that is not known
/// is verified when all those known are, and left out otherwise. Kinds come in the order in which
/// they were found.
#[must_use]
pub fn judged(history: Option<&History>, path: &str, found: &[Checksum]) -> Verdict {
    let expected = history.and_then(|history| history.expected(path));
    let Some(expected) = expected.filter(|expected| !expected.is_empty()) else {
        return Verdict {
            hashes: found
                .iter()
                .map(|checksum| (checksum.clone(), Action::Original))
                .collect(),
            outcome: Outcome::New,
        };
    };
    let of_kind = |kind| expected.iter().find(|known| known.kind() == kind);
    let known = |checksum: &Checksum| of_kind(checksum.kind()).map(|known| **known == *checksum);
    let outcome = match found.iter().filter_map(known).min() {
        None => Outcome::Unproven,
        Some(true) => Outcome::Verified,
        Some(false) => Outcome::Failed,
    };
    let hashes = found
        .iter()
        .filter_map(|checksum| {
            let action = match known(checksum) {
                Some(true) => Action::Verified,
                Some(false) => Action::Failed,
                None if outcome == Outcome::Verified => Action::Verified,
                None => return None,
            };
            Some((checksum.clone(), action))
        })
        .collect();
    Verdict { hashes, outcome }
}

/// The kinds of hashes to make of a file when those are wanted: a kind that is not known of it yet
/// can only be recorded together with one that is, and the reference wants the original one. None
/// is there twice.
#[must_use]
pub fn needed(history: Option<&History>, path: &str, wanted: &[HashKind]) -> Vec<HashKind> {
    let expected = history
        .and_then(|history| history.expected(path))
        .unwrap_or_default();
    let is_known = |kind: &HashKind| expected.iter().any(|known| known.kind() == *kind);
    let mut kinds: Vec<HashKind> = Vec::new();
    for kind in wanted {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    if let Some(original) = expected.first()
        && !wanted.contains(&original.kind())
        && !wanted.iter().all(is_known)
    {
        kinds.insert(0, original.kind());
    }
    kinds
}
