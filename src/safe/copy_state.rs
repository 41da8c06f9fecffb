//! Whether a content stands at a path for sure, by everything that was ever told of the path, and by what can be
//! seen there now. Every doubt ends in no.

use std::fmt;

use super::independence::change_of;
use crate::catalogue::{CopyState, HashRecord, RecordedPath};
use crate::checksum::HashKind;
use crate::mhl;
use crate::offload::How;
use crate::source_file::Stamp;
use crate::value::{Age, Fingerprint};

/// How far a time is off that went through FAT, nanoseconds.
const COARSEST: u64 = 2_000_000_000;

/// Step of the offsets of time zones, nanoseconds.
const QUARTER_HOUR: u64 = 900 * 1_000_000_000;

/// Difference between the zones that are farthest apart (UTC−12 and UTC+14), nanoseconds.
const FARTHEST_ZONES: u64 = 26 * 4 * QUARTER_HOUR;

/// A copy that counts: when it was last read whole, and how it was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Seconds since 1970 UTC.
    pub at: i64,
    /// By which hash.
    pub by: HashKind,
    /// How it was read, where that was written down.
    pub how: Option<How>,
    /// How often its volume had been formatted by then.
    pub formats: i64,
    /// Sets of volumes that were mounted while it was read, one for each verification that is known; none where one of them
    /// recorded no set. All are considered, because no clock says which verification was the last.
    pub mounted_sets: Vec<i64>,
}

/// Why a copy does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It holds something else, found at that time.
    Altered(i64),
    /// It was not there any more, found at that time.
    Missing(i64),
    /// It was there and could not be read, found at that time.
    Unread(i64),
    /// Its volume is mounted, and it is not there now.
    Gone,
    /// It is there and cannot be looked at.
    Unreadable(String),
    /// What is there has another size.
    Unlike,
    /// It, or something of it, was changed after it was verified.
    Changed,
    /// Its time is another by whole quarters of an hour: FAT keeps local times, which another time zone shifts.
    Shifted,
    /// Another content was verified at the same path.
    Contradicted,
    /// A scan found it changed or missing.
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
    /// Its filesystem is in memory, and is lost when it is unmounted.
    InMemory,
    /// Its filesystem shows files of others, which may be counted already.
    View,
    /// Its disk was seen since with something else on it: what that is called.
    Replaced(String),
    /// Its volume was found since to hold a new filesystem under the same identity.
    MadeAgain,
    /// Nobody knows which disk it is on.
    UnknownDisk,
    /// It is on the disk that the card is on.
    CardsDisk,
    /// Nobody knows which disk the card is on, and a person only said which disk the copy is on.
    UnknownCard,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Altered(_) => "altered: it holds something else",
            Self::Missing(_) => "missing when it was last looked for",
            Self::Unread(_) => "could not be read when it was last tried",
            Self::Gone => "not there",
            Self::Unreadable(reason) => return write!(f, "cannot be read: {reason}"),
            Self::Unlike => "has another size",
            Self::Changed => "changed after it was verified",
            Self::Shifted => {
                "its time is off by whole quarters of an hour, as after a change of the time zone on FAT"
            }
            Self::Contradicted => "something else was verified at the same path",
            Self::ListedOtherwise => "a scan found it changed or missing",
            Self::FromMemory => "read from memory only, as far as is known",
            Self::Continued => "was added to there, and is no equal copy",
            Self::Unproved => "was not verified as it is now",
            Self::TooOld(age) => return write!(f, "verified {age} ago, too long for --max-age"),
            Self::InFuture => "verified in the future, by this machine's clock",
            Self::InMemory => "in memory: lost when it is unmounted",
            Self::View => "on a filesystem that shows files of other filesystems",
            Self::Replaced(by) => {
                return write!(f, "its disk has held {by} since: mount it to see it again");
            }
            Self::MadeAgain => "its volume was formatted since",
            Self::UnknownDisk => "on a disk whose number nobody knows",
            Self::CardsDisk => "on the card's own disk",
            Self::UnknownCard => "whether that is the card's disk, nobody knows",
        })
    }
}

/// What is seen at a path now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Its volume is not mounted.
    Away,
    /// A file, which looks so; and whether its filesystem keeps when anything of it was last changed.
    File(Stamp, bool),
    /// No file.
    Gone,
    /// Nobody can tell what.
    Unreadable(String),
    /// It was read whole, now: its xxh128, what it looks like, when, and how.
    Read(Fingerprint, Stamp, i64, How),
}

/// Whether a content, given with its bytes, stands there.
///
/// # Errors
/// Why that cannot be relied upon.
pub fn standing(
    (content, bytes): (Fingerprint, u64),
    stood: &RecordedPath,
    sight: &Sight,
) -> Result<Proof, Doubt> {
    let is_of_it = |claim: &HashRecord| claim.content == content && claim.bytes == bytes;
    match sight {
        Sight::Read(found, now, at, how) => {
            let is_same = *found == content && now.bytes == bytes;
            return match how {
                _ if !is_same => Err(Doubt::Altered(*at)),
                How::Cached => Err(Doubt::FromMemory),
                how => Ok(Proof {
                    at: *at,
                    by: HashKind::Xxh128,
                    how: Some(*how),
                    formats: 0,
                    mounted_sets: Vec::new(),
                }),
            };
        }
        Sight::Gone => return Err(Doubt::Gone),
        Sight::Unreadable(reason) => return Err(Doubt::Unreadable(reason.clone())),
        Sight::File(now, _) if now.bytes != bytes => return Err(Doubt::Unlike),
        Sight::File(now, is_change_kept) => {
            // What is seen is said before what was recorded of it earlier.
            let is_of_then = |claim: &&HashRecord| {
                let is_read = matches!(claim.state, CopyState::Verified | CopyState::Unread);
                is_read && is_of_it(claim)
            };
            let claims = stood.records.iter().filter(is_of_then);
            let mut stamps = claims.filter_map(|claim| claim.stamp).peekable();
            let is_untouched = |then| is_untouched(then, *now, *is_change_kept);
            let first = stamps.peek().copied();
            if let Some(then) = first.filter(|_| !stamps.any(is_untouched)) {
                return Err(change(then, *now, *is_change_kept));
            }
        }
        Sight::Away => {}
    }
    let claim = claimed(stood, &is_of_it)?;
    match sight {
        // Each generation adds to a history's chain: what it held once says nothing of now.
        Sight::Away if mhl::is_chain(&stood.path) => return Err(Doubt::Continued),
        Sight::Away => as_listed(claim, stood)?,
        Sight::File(now, is_change_kept) => {
            let is_untouched = |then| is_untouched(then, *now, *is_change_kept);
            if !claim.stamp.is_some_and(is_untouched) {
                let then = claim.stamp;
                let doubt = then.map(|then| change(then, *now, *is_change_kept));
                return Err(doubt.unwrap_or(Doubt::Changed));
            }
        }
        Sight::Gone | Sight::Unreadable(_) | Sight::Read(..) => {}
    }
    let read = stood.records.iter().filter(|claim| is_read_back(claim));
    let sets: Option<Vec<i64>> = read.map(|claim| claim.mounted_set).collect();
    Ok(Proof {
        at: claim.at,
        by: claim.by,
        how: claim.how,
        formats: claim.formats,
        mounted_sets: sets.unwrap_or_default(),
    })
}

/// Returns whether a claim says that a copy was verified, by its bytes on the medium.
fn is_read_back(claim: &HashRecord) -> bool {
    claim.state == CopyState::Verified && claim.how.is_some_and(How::is_from_medium)
}

/// Whether a file looks as it did, as far as its filesystem tells.
pub(super) fn is_untouched(then: Stamp, now: Stamp, is_change_kept: bool) -> bool {
    if is_change_kept {
        then == now
    } else {
        then.bytes == now.bytes && is_close(then.modified, now.modified)
    }
}

/// What makes a file doubtful that does not look as it did then.
fn change(then: Stamp, now: Stamp, is_change_kept: bool) -> Doubt {
    let shift = now.modified.abs_diff(then.modified);
    let rest = shift % QUARTER_HOUR;
    let is_zone = shift > COARSEST
        && shift <= FARTHEST_ZONES + COARSEST
        && rest.min(QUARTER_HOUR - rest) <= COARSEST;
    // Where a time of the last change is kept apart, it is of UTC, and somebody set the time.
    let is_local = !is_change_kept || change_of(&now).is_none();
    if is_zone && is_local && then.bytes == now.bytes {
        Doubt::Shifted
    } else {
        Doubt::Changed
    }
}

/// Whether the last scan that saw a copy, which is away now, saw what was verified.
fn as_listed(claim: &HashRecord, stood: &RecordedPath) -> Result<(), Doubt> {
    let Some(listed) = stood.listed else {
        return Ok(());
    };
    let is_time = claim
        .stamp
        .is_some_and(|stamp| is_close(stamp.modified, listed.modified));
    if listed.is_missing || listed.bytes != claim.bytes || !is_time {
        return Err(Doubt::ListedOtherwise);
    }
    Ok(())
}

/// The claim by which it is known to be there.
fn claimed<'a>(
    stood: &'a RecordedPath,
    is_of_it: &dyn Fn(&HashRecord) -> bool,
) -> Result<&'a HashRecord, Doubt> {
    let claims = || stood.records.iter();
    for claim in claims().filter(|claim| is_of_it(claim)) {
        match claim.state {
            CopyState::Altered => return Err(Doubt::Altered(claim.at)),
            CopyState::Missing => return Err(Doubt::Missing(claim.at)),
            CopyState::Unread => return Err(Doubt::Unread(claim.at)),
            CopyState::Verified | CopyState::NotCopied => {}
        }
    }
    // Clocks go back: which of two was there last, the times do not tell.
    let mut verified = claims().filter(|claim| claim.state == CopyState::Verified);
    if verified.any(|claim| !is_of_it(claim)) {
        return Err(Doubt::Contradicted);
    }
    let verified = claims().filter(|claim| claim.state == CopyState::Verified);
    let best = verified.max_by_key(|claim| {
        let is_logged = claim.logged.is_some();
        (is_read_back(claim), claim.formats, is_logged, claim.at)
    });
    match best {
        None => Err(Doubt::Unproved),
        Some(claim) => match claim.how {
            None if claim.logged.is_some() => Err(Doubt::Continued),
            None | Some(How::Cached) => Err(Doubt::FromMemory),
            Some(How::Remounted | How::Dropped | How::Bypassed) => Ok(claim),
        },
    }
}

/// Whether two times may be one, on whatever filesystem.
fn is_close(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= COARSEST
}
