//! What would have to be done until a card may be formatted.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::copy_state::Doubt;
use super::independence::{Site, most_apart};
use super::verdict::{Copy, Shelf, ShelfCache};
use super::{COPIES, FileState, Report, Request};
use crate::catalogue::Catalogue;
use crate::error::{Error, is_unsafe};
use crate::mhl::{self, Histories};

/// What a person knows.
const ELSEWHERE: &str = "FOLDER-ON-ANOTHER-DISK";

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
    volume: i64,
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
    /// … once its volume was unmounted, which empties the cache that it was read from.
    Remount,
    /// … once a scan has seen it as it is: no ingest wrote it down.
    Scan,
    /// A person may know the disk.
    Disk,
    /// A person may know the card's.
    Card,
    /// It has to be copied again, when whatever stands there is out of the way.
    Copy,
    /// Nothing: it is no copy that counts.
    Nothing,
}

impl Help {
    /// What helps a copy of a file; `None` when it needs no help.
    fn of(copy: &Copy, report: &Report) -> Option<Self> {
        let doubt = copy.outcome.as_ref().err()?;
        let shelf = report.shelves.get(&copy.volume);
        let cache = shelf.map_or(ShelfCache::None, |shelf| shelf.cache);
        match (doubt, cache) {
            (Doubt::FromMemory, ShelfCache::UntilUnmounted) => return Some(Self::Remount),
            (Doubt::FromMemory, ShelfCache::Always) => return Some(Self::Nothing),
            _ => {}
        }
        // Each generation adds to a history's chain: what is a chain there will never be equal to the card's.
        if mhl::is_chain(&copy.path) {
            return Some(Self::Nothing);
        }
        let is_scanned = copy.root.is_none();
        Some(match doubt {
            Doubt::Changed | Doubt::Shifted | Doubt::Unlike | Doubt::ListedOtherwise
                if is_scanned =>
            {
                Self::Scan
            }
            doubt => Self::against(doubt),
        })
    }

    fn against(doubt: &Doubt) -> Self {
        match doubt {
            Doubt::Changed
            | Doubt::Shifted
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
            Doubt::Altered(_)
            | Doubt::Missing(_)
            | Doubt::Gone
            | Doubt::Replaced(_)
            | Doubt::MadeAgain => Self::Copy,
            Doubt::Continued | Doubt::CardsDisk | Doubt::InMemory | Doubt::View => Self::Nothing,
        }
    }

    /// Whether it makes a copy count as it is.
    fn is_without_copying(&self) -> bool {
        matches!(
            self,
            Self::Verify | Self::Remount | Self::Scan | Self::Disk | Self::Card
        )
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
    let mut scan: BTreeMap<PathBuf, i64> = BTreeMap::new();
    let mut disks: BTreeSet<i64> = BTreeSet::new();
    let mut remount: BTreeSet<i64> = BTreeSet::new();
    let mut shared: BTreeSet<(i64, i64)> = BTreeSet::new();
    let mut histories: BTreeSet<&Path> = BTreeSet::new();
    let mut copied: Vec<&FileState> = Vec::new();
    let mut is_card_asked = false;
    for file in report.unsafe_files().filter(|file| file.content.is_ok()) {
        for copy in &file.counted.copies {
            match Help::of(copy, report) {
                Some(Help::Verify) => drop(verify.insert(folder_of(copy), copy.volume)),
                Some(Help::Remount) => {
                    remount.insert(copy.volume);
                    verify.insert(folder_of(copy), copy.volume);
                }
                Some(Help::Scan) => drop(scan.insert(folder_of(copy), copy.volume)),
                Some(Help::Disk) => drop(disks.insert(copy.volume)),
                Some(Help::Card) => is_card_asked = true,
                None | Some(Help::Copy | Help::Nothing) => {}
            }
        }
        shared.extend(file.counted.may_be_one);
        let is_wanting = reach(file, report, &[]) < report.wanted.copies;
        if is_wanting && is_continued(file) {
            histories.extend(file.inside.parent());
        } else if is_wanting {
            copied.push(file);
        }
    }
    let safe = |options: &str| {
        let (asked, card) = (asked_again(request), quoted(&report.card));
        format!("{program} safe{options}{asked} {card}")
    };
    let mut mends: Vec<Mend> = Vec::new();
    let mut is_paranoia_asked = false;
    let away = |volume: &i64| report.shelves.get(volume).filter(|shelf| !shelf.is_mounted);
    for (folder, volume) in &verify {
        let away = away(volume);
        // What has a damaged history is not verified by it.
        if away.is_none() && Histories::read(folder).is_err() {
            is_paranoia_asked = true;
            continue;
        }
        let what = match report
            .shelves
            .get(volume)
            .filter(|_| remount.contains(volume))
        {
            Some(shelf) => format!(
                "unmount {0} and mount it again, then read its copies again",
                shelf.label
            ),
            None => mounted(away, "read its copies again", "read the copies again"),
        };
        mends.push(run(what, format!("{program} verify {}", quoted(folder))));
    }
    for (folder, volume) in &scan {
        let what = mounted(away(volume), "scan it again", "scan the copies again");
        mends.push(run(what, format!("{program} scan {}", quoted(folder))));
    }
    if !scan.is_empty() {
        let what = "read what was scanned whole, and compare it";
        mends.push(run(what.to_owned(), format!("{program} copies --verify")));
    }
    if is_paranoia_asked {
        let what = "read the copies again, where a manifest beside them is damaged";
        let options = if request.is_paranoid {
            ""
        } else {
            " --paranoid"
        };
        mends.push(run(what.to_owned(), safe(options)));
    }
    let shelves = disks.iter().filter_map(|disk| report.shelves.get(disk));
    mends.extend(shelves.map(|shelf| say_disk(shelf, report, &program)));
    mends.extend(shared.iter().filter_map(|(share, disk)| {
        let (share, disk) = (report.shelves.get(share)?, report.shelves.get(disk)?);
        let mut mend = say_disk(share, report, &program);
        mend.what = format!(
            "mount {0} and {1} at the same time and ask again; or say which disk {0} is on, if it is not {1}",
            share.label, disk.label
        );
        Some(mend)
    }));
    if is_card_asked {
        let what = "mount the copies, or say which disk the card is on: what you call it";
        mends.push(run(what.to_owned(), safe(" --card-disk DISK")));
    }
    if copied.is_empty() && histories.is_empty() {
        return Ok(mends);
    }
    let places = places(report, catalogue)?;
    if !copied.is_empty() {
        mends.extend(move_away(&in_the_way(&copied, &places, report)));
        mends.push(ingest(&copied, report, &program, &places));
    }
    let kept = histories.into_iter();
    mends.extend(kept.map(|history| keep(history, report, &program, &places)));
    Ok(mends)
}

fn mounted(away: Option<&Shelf>, then: &str, at_once: &str) -> String {
    match away {
        Some(shelf) => format!("mount {}, then {then}", shelf.label),
        None => at_once.to_owned(),
    }
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

/// What stands where files are to be copied to, and is none of their sound copies.
fn in_the_way(wanting: &[&FileState], places: &[Place], report: &Report) -> BTreeSet<PathBuf> {
    let mounted = places.iter().filter(|place| place.away.is_none());
    let all = mounted.flat_map(|place| wanting.iter().map(move |file| (place, file)));
    let there = all.filter_map(|(place, file)| {
        let path = place.folder.join(&file.inside);
        let copies = &mut file.counted.copies.iter();
        let is_copy =
            copies.any(|copy| copy.path == path && Help::of(copy, report) != Some(Help::Copy));
        (!is_copy && path.symlink_metadata().is_ok()).then_some(path)
    });
    there.collect()
}

fn move_away(in_the_way: &BTreeSet<PathBuf>) -> Option<Mend> {
    let all: Vec<String> = in_the_way.iter().take(3).map(|path| quoted(path)).collect();
    let more = match in_the_way.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!all.is_empty()).then(|| Mend {
        what: format!(
            "move away what is another file, or altered: {}{more}",
            all.join(", ")
        ),
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
    let disk = request.disk.as_ref();
    let disk = disk.map(|disk| format!(" --card-disk={}", quoted(Path::new(disk))));
    [copies, age, trust, paranoid, disk]
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
    // What took the place of a volume is not where its copies go.
    let is_there = |volume: i64| {
        let shelf = report.shelves.get(&volume);
        shelf.is_none_or(|shelf| {
            shelf.replaced_by.is_none() && !shelf.backing.is_memory && !shelf.backing.is_view
        })
    };
    let known = known.filter(|place| place.folder.is_absolute() && is_there(place.volume));
    let identity = |folder: &Path| volumes.of(folder).0.identity;
    let placed = known.map(|place| {
        let parent = place
            .folder
            .parent()
            .filter(|parent| place.is_mounted && identity(parent) == identity(&place.folder));
        Place {
            beside: parent.unwrap_or(&place.folder).to_owned(),
            folder: place.folder,
            volume: place.volume,
            away: (!place.is_mounted).then_some(place.label),
        }
    });
    Ok(placed.collect())
}

/// Taking it in again, to where it went, and to as many more places as are wanted.
fn ingest(copied: &[&FileState], report: &Report, program: &str, places: &[Place]) -> Mend {
    let volumes: Vec<i64> = places.iter().map(|place| place.volume).collect();
    let reached = copied.iter().map(|file| reach(file, report, &volumes));
    let more = report
        .wanted
        .copies
        .saturating_sub(reached.min().unwrap_or(0));
    // A command that copies nowhere is none.
    let more = more.max(usize::from(places.is_empty()));
    let known = places.iter().map(|place| quoted(&template(&place.folder)));
    let more = (0..more).map(|_| ELSEWHERE.to_owned());
    let what = when_mounted("copy what is missing", places);
    run(what, take_in(program, &report.card, known.chain(more)))
}

/// Copying a history of the card as it is: where it was copied with its footage, the chain has more in it by now.
fn keep(history: &Path, report: &Report, program: &str, places: &[Place]) -> Mend {
    let of = report.card.file_name().unwrap_or("it".as_ref());
    let mut name = OsString::from("{card} of ");
    name.push(template(Path::new(of)));
    let known = places
        .iter()
        .map(|place| quoted(&template(&place.beside).join(&name)));
    let more = report.wanted.copies.saturating_sub(places.len());
    let more = (0..more).map(|_| quoted(&Path::new(ELSEWHERE).join(&name)));
    let what = when_mounted("keep the card's history as it is, too", places);
    let history = report.card.join(history);
    run(what, take_in(program, &history, known.chain(more)))
}

/// The command that copies a folder to others, which are written as a shell reads them.
fn take_in(program: &str, folder: &Path, to: impl Iterator<Item = String>) -> String {
    let to: Vec<String> = to.map(|folder| format!(" --to {folder}")).collect();
    format!("{program} ingest {}{}", quoted(folder), to.concat())
}

/// A folder as `--to` takes it, where braces are filled in.
fn template(folder: &Path) -> PathBuf {
    let text = folder.as_os_str();
    if !text
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"{}".contains(byte))
    {
        return folder.to_owned();
    }
    // A name that is not Unicode and has braces is for no command line.
    let text = text.to_string_lossy();
    text.replace('{', "{{").replace('}', "}}").into()
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

/// On how many disks a file would be when its copies were helped as they are, and it was copied to some volumes. A disk
/// that nobody knows yet may turn out to be another one.
fn reach(file: &FileState, report: &Report, more: &[i64]) -> usize {
    let copies = file.counted.copies.iter();
    let helped =
        copies.filter(|copy| Help::of(copy, report).is_none_or(|help| help.is_without_copying()));
    let mut volumes: BTreeSet<i64> = helped.map(|copy| copy.volume).collect();
    volumes.extend(more);
    let shelves = volumes.iter().map(|volume| report.shelves.get(volume));
    let (known, unknown): (Vec<_>, Vec<_>) =
        shelves.partition(|shelf| shelf.is_some_and(|shelf| shelf.disks.are_known()));
    let sites = known.into_iter().flatten().map(|shelf| Site {
        shelf,
        mounted_sets: &[],
        is_seen: true,
        changed: None,
    });
    most_apart(&sites.collect::<Vec<_>>()) + unknown.len()
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    match path.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(is_unsafe) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            // What no terminal shows as it is, byte by byte.
            let bytes = path.as_os_str().as_encoded_bytes().iter();
            let all = bytes.map(|byte| match byte {
                b'/' | b'.' | b'_' | b'-' | b' ' => char::from(*byte).to_string(),
                byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            });
            format!("$'{}'", all.collect::<String>())
        }
    }
}
