//! What would have to be done until a card may be formatted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::disks::{Disks, most_apart};
use super::standing::Doubt;
use super::verdict::{Copy, Shelf};
use super::{COPIES, FileState, Report, Request};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::mhl;

/// Something that would help.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mend {
    /// What is to be done, for people.
    pub what: String,
    /// The command that does it, as a shell reads it; `None` where hands do.
    pub command: Option<String>,
}

/// Where a card went.
struct Place {
    folder: PathBuf,
    /// A folder of the same volume, into which more may be copied.
    beside: PathBuf,
    /// What its volume is called, where it is not mounted.
    away: Option<String>,
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
    /// What helps a copy of a file; `None` when it needs no help.
    fn of(file: &FileState, copy: &Copy) -> Option<Self> {
        let doubt = copy.outcome.as_ref().err()?;
        // Each generation adds to a history's chain: what is a chain there will never be equal to the card's.
        let is_continued = mhl::is_chain(&file.inside) && mhl::is_chain(&copy.path);
        Some(if is_continued {
            Self::Nothing
        } else {
            Self::against(doubt)
        })
    }

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
    let mut verify: BTreeMap<PathBuf, i64> = BTreeMap::new();
    let mut disks: BTreeSet<i64> = BTreeSet::new();
    let mut in_the_way: BTreeSet<&Path> = BTreeSet::new();
    let mut histories: BTreeSet<&Path> = BTreeSet::new();
    let (mut is_to_be_copied, mut is_card_asked) = (false, false);
    for file in report.unsafe_files().filter(|file| file.content.is_ok()) {
        for copy in &file.counted.copies {
            match Help::of(file, copy) {
                Some(Help::Verify) => drop(verify.insert(folder_of(copy), copy.volume)),
                Some(Help::Disk) => drop(disks.insert(copy.volume)),
                Some(Help::Card) => is_card_asked = true,
                Some(Help::MoveAway) => drop(in_the_way.insert(&copy.path)),
                None | Some(Help::Copy | Help::Nothing) => {}
            }
        }
        let is_wanting = reach(file, report, Help::is_without_copying) < report.wanted.copies;
        if is_wanting && is_continued(file) {
            histories.extend(file.inside.parent());
        } else {
            is_to_be_copied |= is_wanting;
        }
    }
    let mut mends: Vec<Mend> = Vec::new();
    let read = verify.iter().map(|(folder, volume)| {
        let shelf = report.shelves.get(volume);
        let what = match shelf.filter(|shelf| !shelf.is_mounted) {
            Some(shelf) => format!("mount {}, then read its copies again", shelf.label),
            None => "read the copies again".to_owned(),
        };
        run(what, format!("{program} verify {}", quoted(folder)))
    });
    mends.extend(read);
    let shelves = disks.iter().filter_map(|disk| report.shelves.get(disk));
    mends.extend(shelves.map(|shelf| say_disk(shelf, report, &program)));
    if is_card_asked {
        let what = "mount the copies, or say which disk the card is on: what you call it";
        let asked = asked_again(request);
        let card = quoted(&report.card);
        let command = format!("{program} safe --card-disk DISK{asked} {card}");
        mends.push(run(what.to_owned(), command));
    }
    if !is_to_be_copied && histories.is_empty() {
        return Ok(mends);
    }
    let places = places(report, catalogue)?;
    if is_to_be_copied {
        mends.extend(move_away(&in_the_way));
        mends.push(ingest(report, &program, &places));
    }
    let kept = histories.into_iter();
    mends.extend(kept.map(|history| keep(history, report, &program, &places)));
    Ok(mends)
}

/// Whether it is the chain of a history that has copies: those were added to.
fn is_continued(file: &FileState) -> bool {
    mhl::is_chain(&file.inside) && !file.counted.copies.is_empty()
}

fn say_disk(shelf: &Shelf, report: &Report, program: &str) -> Mend {
    let shelves = report.shelves.values();
    let same = shelves.filter(|other| other.label == shelf.label);
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
    let name = quoted(Path::new(name));
    run(what, format!("{program} volumes disk {name} DISK"))
}

fn move_away(in_the_way: &BTreeSet<&Path>) -> Option<Mend> {
    let all: Vec<String> = in_the_way.iter().take(3).map(|path| quoted(path)).collect();
    let more = match in_the_way.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!all.is_empty()).then(|| Mend {
        what: format!("move away what is altered: {}{more}", all.join(", ")),
        command: None,
    })
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

/// Where the card went when it was last taken in. Of a volume that was forgotten, nobody knows where it was.
fn places(report: &Report, catalogue: &Catalogue) -> Result<Vec<Place>, Error> {
    let volumes = catalogue.volumes();
    let (volume, inside) = volumes.of(&report.card);
    let ingests = catalogue.ingests_of_card(&volume.identity, &inside)?;
    let last = match ingests.last() {
        Some(last) => catalogue.ingest(*last)?,
        None => None,
    };
    let known = last.into_iter().flat_map(|last| last.places);
    let known = known.filter(|place| place.folder.is_absolute());
    let identity = |folder: &Path| volumes.of(folder).0.identity;
    let placed = known.map(|place| {
        let parent = place
            .folder
            .parent()
            .filter(|parent| place.is_mounted && identity(parent) == identity(&place.folder));
        Place {
            beside: parent.unwrap_or(&place.folder).to_owned(),
            folder: place.folder,
            away: (!place.is_mounted).then_some(place.label),
        }
    });
    Ok(placed.collect())
}

/// Taking it in again, to where it went, and to as many more places as are wanted.
fn ingest(report: &Report, program: &str, places: &[Place]) -> Mend {
    let card = quoted(&report.card);
    let to = places.iter().map(|place| place.folder.clone());
    let to = to_all(to, wanting(report, places.len()));
    let what = when_mounted("copy what is missing", places);
    run(what, format!("{program} ingest {card}{to}"))
}

/// Copying a history of the card as it is: where it was copied with its footage, the chain has more in it by now.
fn keep(history: &Path, report: &Report, program: &str, places: &[Place]) -> Mend {
    let card = quoted(&report.card.join(history));
    let name = match report.card.file_name() {
        Some(name) => format!("{{card}} of {}", name.to_string_lossy()),
        None => "{card} of it".to_owned(),
    };
    let to = places.iter().map(|place| place.beside.join(&name));
    let to = to_all(to, report.wanted.copies.saturating_sub(places.len()));
    let what = when_mounted("keep the card's history as it is, too", places);
    run(what, format!("{program} ingest {card}{to}"))
}

fn to_all(folders: impl Iterator<Item = PathBuf>, more: usize) -> String {
    let known = folders.map(|folder| format!(" --to {}", quoted(&folder)));
    let more = (0..more).map(|_| " --to FOLDER-ON-ANOTHER-DISK".to_owned());
    known.chain(more).collect()
}

fn when_mounted(what: &str, places: &[Place]) -> String {
    let away: Vec<&str> = places
        .iter()
        .filter_map(|place| place.away.as_deref())
        .collect();
    match away[..] {
        [] => what.to_owned(),
        _ => format!("mount {}, then {what}", away.join(" and ")),
    }
}

/// How many disks are wanting beside those that have copies, or would have them once what was lost is copied again.
fn wanting(report: &Report, places: usize) -> usize {
    let reached = |file: &FileState| reach(file, report, Help::is_any);
    // What has no copy yet goes where the rest went.
    let most = report.files.iter().map(reached).max();
    let most = most.filter(|most| *most > 0).unwrap_or(places);
    let files = report.unsafe_files().filter(|file| !is_continued(file));
    let least = files.map(|file| match file.counted.copies[..] {
        [] => most,
        _ => reached(file),
    });
    let least = least.min().unwrap_or(most);
    report.wanted.copies.saturating_sub(least)
}

/// On how many disks a file would be with such help. A disk that nobody knows yet may turn out to be another one.
fn reach(file: &FileState, report: &Report, helps: fn(&Help) -> bool) -> usize {
    let copies = file.counted.copies.iter();
    let helped = copies.filter(|copy| Help::of(file, copy).is_none_or(|help| helps(&help)));
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
