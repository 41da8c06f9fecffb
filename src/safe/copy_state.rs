//! Decides whether a path certainly holds a content, from all recorded claims about the path and from
//! its current state. Any doubt means no.

use std::fmt;

use super::independence::change_of;
use crate::catalogue::{CHANGED_SINCE_VERIFIED, CopyState, HashRecord, RecordedPath};
use crate::checksum::HashKind;
use crate::mhl;
use crate::offload::ReadMethod;
use crate::source_file::{COARSEST_RESOLUTION, Stamp};
use crate::value::{Age, Fingerprint};

/// Step of time zone offsets, nanoseconds.
const QUARTER_HOUR: u64 = 900 * 1_000_000_000;

/// Maximum difference of two time zones (UTC−12 and UTC+14), nanoseconds.
const FARTHEST_ZONES: u64 = 26 * 4 * QUARTER_HOUR;

/// Last verification of a copy that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Unix time of the verification.
    pub at: i64,
    /// Algorithm of the hash that was compared.
    pub by: HashKind,
    /// How the copy was read; `None` if this was not recorded.
    pub how: Option<ReadMethod>,
    /// Number of times the volume had been formatted before the verification.
    pub formats: i64,
    /// Sets of volumes mounted during each known verification; empty if one of them recorded no
    /// set. All are considered, because clocks cannot tell which verification was the last.
    pub mounted_sets: Vec<i64>,
}

/// Reason why a copy does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// Content was found to differ at this Unix time.
    Altered(i64),
    /// Missing at this Unix time.
    Missing(i64),
    /// Unreadable at this Unix time.
    Unread(i64),
    /// Volume is mounted, but the file is missing.
    Gone,
    /// Exists but cannot be read.
    Unreadable(String),
    /// Size differs.
    SizeDiffers,
    /// Content or metadata changed after the verification.
    Changed,
    /// Modification time differs by a multiple of 15 minutes. FAT stores local times, which a
    /// change of the time zone shifts.
    TimeShifted,
    /// Different content was verified at the same path.
    Conflicting,
    /// A scan found the file changed or missing.
    ScannedDifferently,
    /// Last read came from a cache, not from the medium.
    FromMemory,
    /// Grew after it was copied; only the appended part was checked.
    AppendedTo,
    /// No verification of the current content is known.
    NotVerified,
    /// Verified this long ago: longer than the requested maximum.
    TooOld(Age),
    /// Verification time is in the future according to this computer's clock.
    InFuture,
    /// Filesystem is in memory and is lost when unmounted.
    InMemory,
    /// Filesystem shows files of other filesystems, which may be counted already.
    View,
    /// Disk was later seen with a different volume, named here.
    Replaced(String),
    /// Volume was formatted after the verification and kept its identity.
    Reformatted,
    /// Disk is unknown: neither reported nor named.
    UnknownDisk,
    /// Copy is on the card's disk.
    CardDisk,
    /// Card's disk is unknown, and the copy's disk has only a name given by the user.
    UnknownCardDisk,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Altered(_) => "altered: the content is different",
            Self::Missing(_) => "missing at the last check",
            Self::Unread(_) => "unreadable at the last check",
            Self::Gone => "missing from the mounted volume",
            Self::Unreadable(reason) => return write!(f, "cannot be read: {reason}"),
            Self::SizeDiffers => "size differs",
            Self::Changed => CHANGED_SINCE_VERIFIED,
            Self::TimeShifted => {
                "time differs by a multiple of 15 minutes, as after a time zone change on FAT"
            }
            Self::Conflicting => "different content was verified at the same path",
            Self::ScannedDifferently => "a scan found it changed or missing",
            Self::FromMemory => "may have been read from memory, not from the disk",
            Self::AppendedTo => "data was appended after it was copied",
            Self::NotVerified => "not verified in its current state",
            Self::TooOld(age) => return write!(f, "verified {age} ago: older than --max-age"),
            Self::InFuture => "verified in the future, according to this computer's clock",
            Self::InMemory => "in memory: lost when it is unmounted",
            Self::View => "on a filesystem that shows files of other filesystems",
            Self::Replaced(by) => {
                return write!(f, "its disk was later seen with {by}: mount it to check");
            }
            Self::Reformatted => "volume formatted since it was verified",
            Self::UnknownDisk => "disk serial unknown",
            Self::CardDisk => "on the card's own disk",
            Self::UnknownCardDisk => "may be the card's own disk",
        })
    }
}

/// Current state of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Volume is not mounted.
    NotMounted,
    /// Regular file, and whether its filesystem stores ctimes.
    File(Stamp, bool),
    /// No regular file of this name.
    Missing,
    /// Path cannot be read, for this reason.
    Unreadable(String),
    /// File that was just read in full: XXH128, stamp, Unix time and read mode.
    Read(Fingerprint, Stamp, i64, ReadMethod),
}

/// Checks that a path holds a content, given as hash and size.
///
/// # Errors
/// The reason why the copy does not count.
pub fn check_copy(
    (content, bytes): (Fingerprint, u64),
    recorded: &RecordedPath,
    observation: &Observation,
) -> Result<Proof, Doubt> {
    let is_about_content = |claim: &HashRecord| claim.content == content && claim.bytes == bytes;
    match observation {
        Observation::Read(found, now, at, how) => {
            let is_same = *found == content && now.bytes == bytes;
            return match how {
                _ if !is_same => Err(Doubt::Altered(*at)),
                ReadMethod::Cached => Err(Doubt::FromMemory),
                how => Ok(Proof {
                    at: *at,
                    by: HashKind::Xxh128,
                    how: Some(*how),
                    formats: 0,
                    mounted_sets: Vec::new(),
                }),
            };
        }
        Observation::Missing => return Err(Doubt::Gone),
        Observation::Unreadable(reason) => return Err(Doubt::Unreadable(reason.clone())),
        Observation::File(now, _) if now.bytes != bytes => return Err(Doubt::SizeDiffers),
        Observation::File(now, keeps_ctime) => {
            // What is observed now takes precedence over earlier records.
            let is_of_then = |claim: &&HashRecord| {
                let is_read = matches!(claim.state, CopyState::Verified | CopyState::Unread);
                is_read && is_about_content(claim)
            };
            let claims = recorded.records.iter().filter(is_of_then);
            let mut stamps = claims.filter_map(|claim| claim.stamp).peekable();
            let is_untouched = |then: Stamp| then.is_like(now, *keeps_ctime);
            let first = stamps.peek().copied();
            if let Some(then) = first.filter(|_| !stamps.any(is_untouched)) {
                return Err(describe_change(then, *now, *keeps_ctime));
            }
        }
        Observation::NotMounted => {}
    }
    let claim = find_claim(recorded, &is_about_content)?;
    match observation {
        // Each generation appends to a history's chain, so an old verification does not apply
        // to the current chain.
        Observation::NotMounted if mhl::is_chain(&recorded.path) => return Err(Doubt::AppendedTo),
        Observation::NotMounted => check_listing(claim, recorded)?,
        Observation::File(now, keeps_ctime) => {
            let is_untouched = |then: Stamp| then.is_like(now, *keeps_ctime);
            if !claim.stamp.is_some_and(is_untouched) {
                let then = claim.stamp;
                let doubt = then.map(|then| describe_change(then, *now, *keeps_ctime));
                return Err(doubt.unwrap_or(Doubt::Changed));
            }
        }
        Observation::Missing | Observation::Unreadable(_) | Observation::Read(..) => {}
    }
    let read = recorded.records.iter().filter(|claim| is_read_back(claim));
    let sets: Option<Vec<i64>> = read.map(|claim| claim.mounted_set).collect();
    Ok(Proof {
        at: claim.at,
        by: claim.by,
        how: claim.how,
        formats: claim.formats,
        mounted_sets: sets.unwrap_or_default(),
    })
}

/// Returns true if the copy was verified by bytes from its medium.
fn is_read_back(claim: &HashRecord) -> bool {
    claim.state == CopyState::Verified && claim.how.is_some_and(ReadMethod::is_from_medium)
}

/// Returns the reason for a file whose stamp differs from the verified one.
fn describe_change(then: Stamp, now: Stamp, keeps_ctime: bool) -> Doubt {
    let shift = now.modified.abs_diff(then.modified);
    let rest = shift % QUARTER_HOUR;
    let is_zone = shift > COARSEST_RESOLUTION
        && shift <= FARTHEST_ZONES + COARSEST_RESOLUTION
        && rest.min(QUARTER_HOUR - rest) <= COARSEST_RESOLUTION;
    // A separate ctime is in UTC, so someone set the modification time.
    let is_local = !keeps_ctime || change_of(&now).is_none();
    if is_zone && is_local && then.bytes == now.bytes {
        Doubt::TimeShifted
    } else {
        Doubt::Changed
    }
}

/// Checks that the last scan saw the verified file, for a copy whose volume is not mounted.
fn check_listing(claim: &HashRecord, recorded: &RecordedPath) -> Result<(), Doubt> {
    let Some(listed) = recorded.listed else {
        return Ok(());
    };
    let is_time = claim
        .stamp
        .is_some_and(|stamp| is_close(stamp.modified, listed.modified));
    if listed.is_missing || listed.bytes != claim.bytes || !is_time {
        return Err(Doubt::ScannedDifferently);
    }
    Ok(())
}

/// Returns the best claim that the copy is verified.
fn find_claim<'a>(
    recorded: &'a RecordedPath,
    is_about_content: &dyn Fn(&HashRecord) -> bool,
) -> Result<&'a HashRecord, Doubt> {
    let claims = || recorded.records.iter();
    for claim in claims().filter(|claim| is_about_content(claim)) {
        match claim.state {
            CopyState::Altered => return Err(Doubt::Altered(claim.at)),
            CopyState::Missing => return Err(Doubt::Missing(claim.at)),
            CopyState::Unread => return Err(Doubt::Unread(claim.at)),
            CopyState::Verified | CopyState::NotCopied => {}
        }
    }
    // Clocks can go backwards, so times do not show which content was there last.
    let mut verified = claims().filter(|claim| claim.state == CopyState::Verified);
    if verified.any(|claim| !is_about_content(claim)) {
        return Err(Doubt::Conflicting);
    }
    let verified = claims().filter(|claim| claim.state == CopyState::Verified);
    let best = verified.max_by_key(|claim| {
        let is_logged = claim.logged.is_some();
        (is_read_back(claim), claim.formats, is_logged, claim.at)
    });
    match best {
        None => Err(Doubt::NotVerified),
        Some(claim) => match claim.how {
            None if claim.logged.is_some() => Err(Doubt::AppendedTo),
            None | Some(ReadMethod::Cached) => Err(Doubt::FromMemory),
            Some(ReadMethod::Remounted | ReadMethod::Dropped | ReadMethod::Bypassed) => Ok(claim),
        },
    }
}

/// Returns true if two times are equal within the resolution of any filesystem.
fn is_close(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= COARSEST_RESOLUTION
}
