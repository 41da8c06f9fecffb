//! Comparison of a file's computed hashes with its history.

use super::{HashAction, History};
use crate::checksum::{Checksum, HashKind};

/// Result of comparing all hashes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealVerdict {
    /// Hashes that the next generation records, with their actions.
    pub hashes: Vec<(Checksum, HashAction)>,
    /// Result for the file as a whole.
    pub outcome: SealOutcome,
}

/// State of a file relative to its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SealOutcome {
    /// The history does not contain the file.
    New,
    /// The file is unchanged.
    Verified,
    /// The file differs from its recorded hash.
    Failed,
    /// The history contains the file, but no hash of a recorded kind was computed. The new hashes
    /// must not be recorded.
    Unverifiable,
}

/// Compares the computed hashes of a file with its history.
///
/// The rules are those of the reference implementation (`seal_file_path`). If no hash is recorded,
/// all hashes are original. A hash of a recorded kind is verified if it equals the first recorded
/// hash of that kind, and failed otherwise. A hash of a new kind is verified if all hashes of
/// recorded kinds are, and left out otherwise. The result keeps the order of `computed`.
#[must_use]
pub fn compare(history: Option<&History>, path: &str, computed: &[Checksum]) -> SealVerdict {
    let expected = history.and_then(|history| history.expected(path));
    let Some(expected) = expected.filter(|expected| !expected.is_empty()) else {
        return SealVerdict {
            hashes: computed
                .iter()
                .map(|checksum| (checksum.clone(), HashAction::Original))
                .collect(),
            outcome: SealOutcome::New,
        };
    };
    let recorded = |kind| expected.iter().find(|hash| hash.kind() == kind);
    let is_equal = |checksum: &Checksum| recorded(checksum.kind()).map(|hash| **hash == *checksum);
    let outcome = match computed.iter().filter_map(is_equal).min() {
        None => SealOutcome::Unverifiable,
        Some(true) => SealOutcome::Verified,
        Some(false) => SealOutcome::Failed,
    };
    let hashes = computed
        .iter()
        .filter_map(|checksum| {
            let action = match is_equal(checksum) {
                Some(true) => HashAction::Verified,
                Some(false) => HashAction::Failed,
                None if outcome == SealOutcome::Verified => HashAction::Verified,
                None => return None,
            };
            Some((checksum.clone(), action))
        })
        .collect();
    SealVerdict { hashes, outcome }
}

/// Returns the kinds of hashes to compute for a file so that `requested` can be recorded, without
/// duplicates. A kind that is new for the file can be recorded only if a recorded kind is verified,
/// too. The reference implementation requires this to be the original kind.
#[must_use]
pub fn required_kinds(
    history: Option<&History>,
    path: &str,
    requested: &[HashKind],
) -> Vec<HashKind> {
    let expected = history
        .and_then(|history| history.expected(path))
        .unwrap_or_default();
    let is_known = |kind: &HashKind| expected.iter().any(|known| known.kind() == *kind);
    let mut kinds: Vec<HashKind> = Vec::new();
    for kind in requested {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    if let Some(original) = expected.first()
        && !requested.contains(&original.kind())
        && !requested.iter().all(is_known)
    {
        kinds.insert(0, original.kind());
    }
    kinds
}
