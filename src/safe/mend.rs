//! What would have to be done until a card may be formatted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::disks::{Disks, most_apart};
use super::standing::Doubt;
use super::verdict::Copy;
use super::{COPIES, FileState, Report, Request};
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

    /// Whether it makes a copy count.
    fn is_any(&self) -> bool {
        *self != Self::Nothing
    }

    /// … as it is.
    fn is_without_copying(&self) -> bool {
        matches!(self, Self::Verify | Self::Disk | Self::Card)
    }
}

/// Everything that would help, what costs least first.
pub(super) fn all(
    report: &Report,
    request: &Request,
    catalogue: &Catalogue,
) -> Result<Vec<Mend>, Error> {
    let program = program(request, catalogue);
    let mut mends: Vec<Mend> = Vec::new();
    let mut verify: BTreeMap<PathBuf, i64> = BTreeMap::new();
    let mut disks: BTreeSet<i64> = BTreeSet::new();
    let mut in_the_way: BTreeSet<&Path> = BTreeSet::new();
    let (mut is_to_be_copied, mut is_card_asked) = (false, false);
    for file in report.unsafe_files().filter(|file| file.content.is_ok()) {
        for copy in &file.counted.copies {
            match copy.outcome.as_ref().err().map(Help::against) {
                Some(Help::Verify) => drop(verify.insert(folder_of(copy), copy.volume)),
                Some(Help::Disk) => drop(disks.insert(copy.volume)),
                Some(Help::Card) => is_card_asked = true,
                Some(Help::MoveAway) => drop(in_the_way.insert(&copy.path)),
                None | Some(Help::Copy | Help::Nothing) => {}
            }
        }
        is_to_be_copied |= reach(file, report, Help::is_without_copying) < report.wanted.copies;
    }
    for (folder, volume) in verify {
        let shelf = report.shelves.get(&volume);
        let what = match shelf.filter(|shelf| !shelf.is_mounted) {
            Some(shelf) => format!("mount {}, then read its copies again", shelf.label),
            None => "read the copies again".to_owned(),
        };
        mends.push(run(what, format!("{program} verify {}", quoted(&folder))));
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
        let command = format!("{program} volumes disk {} DISK", quoted(Path::new(name)));
        mends.push(run(what, command));
    }
    if is_card_asked {
        let what = "mount the copies, or say which disk the card is on: what you call it";
        let asked = asked_again(request);
        let command = format!(
            "{program} safe --card-disk DISK{asked} {}",
            quoted(&report.card)
        );
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
        mends.push(ingest(report, &program, catalogue)?);
    }
    Ok(mends)
}

/// How a command begins that finds the same catalogue.
fn program(request: &Request, catalogue: &Catalogue) -> String {
    if !request.is_catalogue_named {
        return "btsindex".to_owned();
    }
    let folder = catalogue.folder();
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    format!("btsindex --catalogue {}", quoted(&whole))
}

/// What else was asked for: whoever asks anew is not to be told that less is enough.
fn asked_again(request: &Request) -> String {
    let copies =
        (request.copies != usize::from(COPIES)).then(|| format!(" --copies {}", request.copies));
    let age = request.max_age.map(|age| format!(" --max-age {}s", age.0));
    let trust = request
        .is_ingest_trusted
        .then(|| " --trust-ingest".to_owned());
    let paranoid = request.is_paranoid.then(|| " --paranoid".to_owned());
    [copies, age, trust, paranoid]
        .into_iter()
        .flatten()
        .collect()
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
fn ingest(report: &Report, program: &str, catalogue: &Catalogue) -> Result<Mend, Error> {
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
    let mut command = format!("{program} ingest {}", quoted(&report.card));
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
    let reached = |file: &FileState| reach(file, report, Help::is_any);
    // What has no copy yet goes where the rest went.
    let most = report.files.iter().map(reached).max();
    let most = most.filter(|most| *most > 0).unwrap_or(places);
    let files = report.unsafe_files();
    let least = files.map(|file| match file.counted.copies[..] {
        [] => most,
        _ => reached(file),
    });
    let least = least.min().unwrap_or(0);
    report.wanted.copies.saturating_sub(least)
}

/// On how many disks a file would be with such help. A disk that nobody knows yet may turn out to be another one.
fn reach(file: &FileState, report: &Report, helps: fn(&Help) -> bool) -> usize {
    let copies = file.counted.copies.iter();
    let helped = copies.filter(|copy| match &copy.outcome {
        Ok(_) => true,
        Err(doubt) => helps(&Help::against(doubt)),
    });
    let volumes: BTreeSet<i64> = helped.map(|copy| copy.volume).collect();
    let shelves = volumes.iter().map(|volume| report.shelves.get(volume));
    let disks = shelves.map(|shelf| shelf.map(|shelf| &shelf.disks));
    let (known, unknown): (Vec<_>, Vec<_>) =
        disks.partition(|disks| disks.is_some_and(Disks::are_known));
    let known: Vec<&Disks> = known.into_iter().flatten().collect();
    most_apart(&known) + unknown.len()
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
