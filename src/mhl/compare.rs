//! Comparison of computed hashes with a history: the only place where the result is decided.

use super::{HashAction, History};
use crate::checksum::{Checksum, HashKind};

/// Result for all hashes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealVerdict {
    /// Hashes and actions that the next generation records.
    pub hashes: Vec<(Checksum, HashAction)>,
    /// Overall result.
    pub outcome: SealOutcome,
}

/// State of a file compared with its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SealOutcome {
    /// The history does not contain the file.
    New,
    /// The file is unchanged.
    Verified,
    /// The file differs from its record.
    Failed,
    /// The history contains the file, but no hash of a recorded kind was computed. It must not be
    /// recorded.
    Unproven,
}

/// Decides the action of each computed hash of a file.
///
/// The rules are those of the reference implementation (`seal_file_path`). Without a history, all
/// hashes are original. If a kind is recorded, the first hash of this kind decides between verified
/// and failed. A new kind is verified if all recorded kinds are, and left out otherwise. The result
/// keeps the order of `found`.
#[must_use]
pub fn judge(history: Option<&History>, path: &str, found: &[Checksum]) -> SealVerdict {
    let expected = history.and_then(|history| history.expected(path));
    let Some(expected) = expected.filter(|expected| !expected.is_empty()) else {
        return SealVerdict {
            hashes: found
                .iter()
                .map(|checksum| (checksum.clone(), HashAction::Original))
                .collect(),
            outcome: SealOutcome::New,
        };
    };
    let of_kind = |kind| expected.iter().find(|known| known.kind() == kind);
    let known = |checksum: &Checksum| of_kind(checksum.kind()).map(|known| **known == *checksum);
    let outcome = match found.iter().filter_map(known).min() {
        None => SealOutcome::Unproven,
        Some(true) => SealOutcome::Verified,
        Some(false) => SealOutcome::Failed,
    };
    let hashes = found
        .iter()
        .filter_map(|checksum| {
            let action = match known(checksum) {
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

/// Returns the hash kinds to compute for a file if `requested` are wanted, each once. A kind not
/// yet recorded for the file can only be recorded together with a recorded one, and the reference
/// implementation requires the original one.
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
