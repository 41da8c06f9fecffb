//! What would have to be done until a card may be formatted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Report;
use super::standing::Doubt;
use super::verdict::Copy;
use crate::catalogue::{Catalogue, IngestPlace};
use crate::error::Error;

/// Something that would help.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mend {
    /// What is to be done, for people.
    pub what: String,
    /// The command that does it, as a shell reads it; `None` where hands do.
    pub command: Option<String>,
}

/// What helps against a doubt.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Help {
    /// Reading it again may prove it.
    Verify,
    /// A person may know the disk.
    Disk,
    /// A person may know the card's.
    Card,
    /// It has to be copied again, when what stands there is out of the way.
    MoveAway,
    /// It has to be copied again.
    Copy,
    /// Nothing: it is no copy that counts.
    Nothing,
}

impl Help {
    fn against(doubt: &Doubt) -> Self {
        match doubt {
            Doubt::Changed
            | Doubt::Contradicted
            | Doubt::ListedOtherwise
            | Doubt::FromMemory
            | Doubt::Unread(_)
            | Doubt::Unreadable(_)
            | Doubt::Unproved
            | Doubt::Unlike
            | Doubt::TooOld(_)
            | Doubt::InFuture => Self::Verify,
            Doubt::UnknownDisk => Self::Disk,
            Doubt::UnknownCard => Self::Card,
            Doubt::Altered(_) => Self::MoveAway,
            Doubt::Missing(_) | Doubt::Gone => Self::Copy,
            Doubt::Continued | Doubt::CardsDisk => Self::Nothing,
        }
    }
}

/// Everything that would help, what costs least first.
pub(super) fn all(report: &Report, catalogue: &Catalogue) -> Result<Vec<Mend>, Error> {
    let mut mends: Vec<Mend> = Vec::new();
    let mut verify: BTreeMap<PathBuf, i64> = BTreeMap::new();
    let mut disks: BTreeSet<i64> = BTreeSet::new();
    let mut in_the_way: BTreeSet<&Path> = BTreeSet::new();
    let (mut is_to_be_copied, mut is_card_asked) = (false, false);
    for file in report.unsafe_files().filter(|file| file.content.is_ok()) {
        let mut hopeful: BTreeSet<i64> = BTreeSet::new();
        for copy in &file.counted.copies {
            let help = copy.outcome.as_ref().err().map(Help::against);
            match help {
                None => drop(hopeful.insert(copy.volume)),
                Some(Help::Verify) => {
                    hopeful.insert(copy.volume);
                    verify.insert(folder_of(copy), copy.volume);
                }
                Some(Help::Disk) => {
                    hopeful.insert(copy.volume);
                    disks.insert(copy.volume);
                }
                Some(Help::Card) => {
                    hopeful.insert(copy.volume);
                    is_card_asked = true;
                }
                Some(Help::MoveAway) => drop(in_the_way.insert(&copy.path)),
                Some(Help::Copy | Help::Nothing) => {}
            }
        }
        is_to_be_copied |= hopeful.len() < report.wanted.copies;
    }
    for (folder, volume) in verify {
        let shelf = report.shelves.get(&volume);
        let what = match shelf.filter(|shelf| !shelf.is_mounted) {
            Some(shelf) => format!("mount {}, then read its copies again", shelf.label),
            None => "read the copies again".to_owned(),
        };
        mends.push(run(what, format!("btsindex verify {}", quoted(&folder))));
    }
    for volume in disks {
        let Some(shelf) = report.shelves.get(&volume) else {
            continue;
        };
        let same = report
            .shelves
            .values()
            .filter(|other| other.label == shelf.label);
        let is_clear = same.count() == 1 && !shelf.label.starts_with('-');
        let name = if is_clear {
            &shelf.label
        } else {
            &shelf.identity
        };
        let what = format!(
            "say which disk {} is on: what stands on it, or what you call it",
            shelf.label
        );
        let command = format!("btsindex volumes disk {} DISK", quoted(Path::new(name)));
        mends.push(run(what, command));
    }
    if is_card_asked {
        let what = "mount the copies, or say which disk the card is on: what you call it";
        let command = format!("btsindex safe --card-disk DISK {}", quoted(&report.card));
        mends.push(run(what.to_owned(), command));
    }
    if is_to_be_copied {
        if !in_the_way.is_empty() {
            let all: Vec<String> = in_the_way.iter().take(3).map(|path| quoted(path)).collect();
            let more = match in_the_way.len().saturating_sub(3) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let what = format!("move away what is altered: {}{more}", all.join(", "));
            mends.push(Mend {
                what,
                command: None,
            });
        }
        mends.push(ingest(report, catalogue)?);
    }
    Ok(mends)
}

fn run(what: String, command: String) -> Mend {
    Mend {
        what,
        command: Some(command),
    }
}

/// The folder whose verification would tell of a copy.
fn folder_of(copy: &Copy) -> PathBuf {
    let root = copy.root.as_deref().or(copy.path.parent());
    root.unwrap_or(&copy.path).to_owned()
}

/// Taking it in again, to where it went, and to as many more places as are wanted.
fn ingest(report: &Report, catalogue: &Catalogue) -> Result<Mend, Error> {
    let (volume, inside) = catalogue.volumes().of(&report.card);
    let ingests = catalogue.ingests_of_card(&volume.identity, &inside)?;
    let last = match ingests.last() {
        Some(last) => catalogue.ingest(*last)?,
        None => None,
    };
    let places = last.map_or_else(Vec::new, |last| last.places);
    // Of a volume that was forgotten, nobody knows where it was.
    let known = places
        .into_iter()
        .filter(|place| place.folder.is_absolute());
    let places: Vec<IngestPlace> = known.collect();
    let mut command = format!("btsindex ingest {}", quoted(&report.card));
    for place in &places {
        command.push_str(" --to ");
        command.push_str(&quoted(&place.folder));
    }
    for _ in 0..wanting(report, places.len()) {
        command.push_str(" --to FOLDER-ON-ANOTHER-DISK");
    }
    let away: Vec<&str> = places
        .iter()
        .filter(|place| !place.is_mounted)
        .map(|place| place.label.as_str())
        .collect();
    let what = match away[..] {
        [] => "copy what is missing".to_owned(),
        _ => format!("mount {}, then copy what is missing", away.join(" and ")),
    };
    Ok(run(what, command))
}

/// How many disks are wanting beside those that have copies, or would have them once what was lost is copied again.
fn wanting(report: &Report, places: usize) -> usize {
    let most = report.files.iter().map(|file| file.counted.disks).max();
    let most = most.filter(|most| *most > 0).unwrap_or(places);
    let is_lost = |doubt: &Doubt| matches!(Help::against(doubt), Help::Copy | Help::MoveAway);
    let reached = report.unsafe_files().map(|file| {
        let counted = &file.counted;
        let copies = || counted.copies.iter();
        if counted.copies.is_empty() {
            return most;
        }
        let lost = copies().filter(|copy| copy.outcome.as_ref().is_err_and(is_lost));
        counted.disks + lost.count()
    });
    let least = reached.min().unwrap_or(0);
    report.wanted.copies.saturating_sub(least)
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
