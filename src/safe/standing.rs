//! Whether a content stands at a path for sure, by everything that was ever told of the path, and by what can be
//! seen there now. Every doubt ends in no.

use std::fmt;

use crate::catalogue::{Claim, CopyState, Stood};
use crate::checksum::HashKind;
use crate::offload::How;
use crate::value::{Age, Fingerprint};

/// Clocks and filesystems are this exact: nanoseconds that a time may be later than it should.
const SLACK: i64 = 120_000_000_000;
/// How far a time is off that went through FAT, nanoseconds.
const COARSEST: i64 = 2_000_000_000;

/// A copy that counts: when it was last read whole, and how it was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Seconds since 1970 UTC.
    pub at: i64,
    /// By which hash.
    pub by: HashKind,
    /// How it was read, where that was written down.
    pub how: Option<How>,
}

/// Why a copy does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It holds something else, found at that time.
    Altered(i64),
    /// It was not there any more, found at that time.
    Missing(i64),
    /// Its volume is mounted, and it is not there now.
    Gone,
    /// It is there and cannot be looked at.
    Unreadable(String),
    /// What is there has another size.
    Unlike,
    /// It, or something of it, was changed after it was verified.
    Changed,
    /// Another content was verified at the same path.
    Contradicted,
    /// A scan found it changed, unreadable or missing.
    ListedOtherwise,
    /// When it was read back, it may have come from memory.
    FromMemory,
    /// Only what was added to it was looked at.
    Continued,
    /// Nothing says any more that it is that content.
    Unproved,
    /// It was verified longer ago than is asked for.
    TooOld(Age),
    /// By this machine's clock, it will be verified in the future.
    InFuture,
    /// Nobody knows which disk it is on.
    UnknownDisk,
    /// It is on the disk that the card is on.
    CardsDisk,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Altered(_) => "altered: it holds something else",
            Self::Missing(_) => "missing when it was last looked for",
            Self::Gone => "not there",
            Self::Unreadable(reason) => return write!(f, "cannot be read: {reason}"),
            Self::Unlike => "has another size",
            Self::Changed => "changed after it was verified",
            Self::Contradicted => "something else was verified at the same path",
            Self::ListedOtherwise => "a scan found it changed, unreadable or missing",
            Self::FromMemory => "read back from memory only",
            Self::Continued => "was added to there, and is no equal copy",
            Self::Unproved => "was not verified as it is now",
            Self::TooOld(age) => return write!(f, "verified {age} ago, too long for --max-age"),
            Self::InFuture => "verified in the future, by this machine's clock",
            Self::UnknownDisk => "on a disk whose number nobody knows",
            Self::CardsDisk => "on the card's own disk",
        })
    }
}

/// What is seen at a path now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Its volume is not mounted.
    Away,
    /// A file.
    File {
        /// Bytes.
        bytes: u64,
        /// Modification time, nanoseconds since 1970 UTC.
        modified: i64,
        /// When anything of it was last changed, by a clock that is this machine's.
        changed: Option<i64>,
    },
    /// No file.
    Gone,
    /// Nobody can tell what.
    Unreadable(String),
    /// It was read whole, now: its xxh128 and bytes, when, and how.
    Read(Fingerprint, u64, i64, How),
}

/// Whether a content, given with its bytes, stands there.
///
/// # Errors
/// Why that cannot be relied upon.
pub fn standing(
    (content, bytes): (Fingerprint, u64),
    stood: &Stood,
    sight: &Sight,
) -> Result<Proof, Doubt> {
    if let Sight::Read(found, length, at, how) = sight {
        let is_same = *found == content && *length == bytes;
        return match how {
            _ if !is_same => Err(Doubt::Altered(*at)),
            How::Cached => Err(Doubt::FromMemory),
            how => Ok(Proof {
                at: *at,
                by: HashKind::Xxh128,
                how: Some(*how),
            }),
        };
    }
    let is_of_it = |claim: &&Claim| claim.content == content && claim.bytes == bytes;
    let claim = claimed(stood, &is_of_it)?;
    if let Some(listed) = stood.listed
        && (!listed.is_sound || listed.bytes != bytes)
    {
        return Err(Doubt::ListedOtherwise);
    }
    // Whoever proved it as it was listed knows of the later time.
    let is_proved_as_listed = stood
        .claims
        .iter()
        .any(|claim| is_of_it(&claim) && claim.logged.is_none());
    if let Some(listed) = stood.listed
        && !is_proved_as_listed
        && !is_unchanged(claim, listed.modified)
    {
        return Err(Doubt::ListedOtherwise);
    }
    match sight {
        Sight::Gone => return Err(Doubt::Gone),
        Sight::Unreadable(reason) => return Err(Doubt::Unreadable(reason.clone())),
        Sight::File { bytes: there, .. } if *there != bytes => return Err(Doubt::Unlike),
        Sight::File {
            modified, changed, ..
        } => {
            let is_later = changed.is_some_and(|changed| is_later(claim, changed));
            if is_later || !is_unchanged(claim, *modified) {
                return Err(Doubt::Changed);
            }
        }
        Sight::Away | Sight::Read(..) => {}
    }
    Ok(Proof {
        at: claim.at,
        by: claim.by,
        how: claim.how,
    })
}

/// The claim by which it is known to be there.
fn claimed<'a>(stood: &'a Stood, is_of_it: &dyn Fn(&&Claim) -> bool) -> Result<&'a Claim, Doubt> {
    let claims = || stood.claims.iter();
    for claim in claims().filter(is_of_it) {
        match claim.state {
            CopyState::Altered => return Err(Doubt::Altered(claim.at)),
            CopyState::Missing => return Err(Doubt::Missing(claim.at)),
            CopyState::Verified | CopyState::NotCopied => {}
        }
    }
    // Clocks go back: which of two was there last, the times do not tell.
    let is_other = |claim: &&Claim| claim.state == CopyState::Verified && !is_of_it(claim);
    if claims().any(|claim| is_other(&claim)) {
        return Err(Doubt::Contradicted);
    }
    let verified = |claim: &&Claim| claim.state == CopyState::Verified && is_of_it(claim);
    let logged = claims().filter(|claim| verified(claim) && claim.logged.is_some());
    let best = logged.max_by_key(|claim| {
        let is_read_back = claim.how.is_some_and(|how| how > How::Cached);
        (is_read_back, claim.how.is_some(), claim.at)
    });
    match best {
        Some(claim) => match claim.how {
            None => Err(Doubt::Continued),
            Some(How::Cached) => Err(Doubt::FromMemory),
            Some(How::Dropped | How::Bypassed) => Ok(claim),
        },
        None => claims().find(verified).ok_or(Doubt::Unproved),
    }
}

/// Whether a file of that modification time can be the one that was verified, untouched: as the card had it, or
/// older than its verification.
fn is_unchanged(claim: &Claim, modified: i64) -> bool {
    modified.abs_diff(claim.modified) <= COARSEST.unsigned_abs()
        || (claim.logged.is_some() && !is_later(claim, modified))
}

fn is_later(claim: &Claim, time: i64) -> bool {
    time > claim.at.saturating_mul(1_000_000_000).saturating_add(SLACK)
}
