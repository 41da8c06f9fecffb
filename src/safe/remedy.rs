//! Suggests steps that make an unsafe card safe to format.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::copy_state::Doubt;
use super::independence::{ValidCopy, max_independent};
use super::verdict::{CandidateCopy, CopyVolume, VolumeCache};
use super::{COPIES, CheckedFile, Report, Request};
use crate::catalogue::Catalogue;
use crate::error::{Error, is_unsafe};
use crate::mhl::{self, Histories};

/// Placeholder that the user replaces.
const ELSEWHERE: &str = "FOLDER-ON-ANOTHER-DISK";

/// Suggested step towards a safe card.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remedy {
    /// Description for the user.
    pub what: String,
    /// Shell command; `None` for a manual step.
    pub command: Option<String>,
}

/// Folder that the card was copied to.
struct CardDestination {
    folder: PathBuf,
    volume: i64,
    /// Folder on the same volume that can receive more copies.
    parent: PathBuf,
    /// Label of the volume, if it is not mounted.
    away: Option<String>,
}

/// Kind of step that can make a copy count.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum RemedyKind {
    /// Read it again with `verify`.
    Verify,
    /// Unmount and mount its volume, which drops the cache, then read it again.
    Remount,
    /// Scan it and then verify it; it is not in the ingest log.
    Scan,
    /// Name the disk of its volume.
    Disk,
    /// Name the disk of the card.
    Card,
    /// Copy it again, after removing what is in the way.
    Copy,
    /// No step can make this copy count.
    Nothing,
}

impl RemedyKind {
    /// Returns the step for a copy; `None` if the copy counts.
    fn for_copy(copy: &CandidateCopy, report: &Report) -> Option<Self> {
        let doubt = copy.outcome.as_ref().err()?;
        let copy_volume = report.copy_volumes.get(&copy.volume);
        let cache = copy_volume.map_or(VolumeCache::None, |copy_volume| copy_volume.cache);
        match (doubt, cache) {
            (Doubt::FromMemory, VolumeCache::UntilUnmounted) => return Some(Self::Remount),
            (Doubt::FromMemory, VolumeCache::Always) => return Some(Self::Nothing),
            _ => {}
        }
        // Each generation appends to a history's chain, so a copied chain will never equal the
        // card's.
        if mhl::is_chain(&copy.path) {
            return Some(Self::Nothing);
        }
        let is_scanned = copy.root.is_none();
        Some(match doubt {
            Doubt::Changed
            | Doubt::TimeShifted
            | Doubt::SizeDiffers
            | Doubt::ScannedDifferently
                if is_scanned =>
            {
                Self::Scan
            }
            doubt => Self::for_doubt(doubt),
        })
    }

    fn for_doubt(doubt: &Doubt) -> Self {
        match doubt {
            Doubt::Changed
            | Doubt::TimeShifted
            | Doubt::Conflicting
            | Doubt::ScannedDifferently
            | Doubt::FromMemory
            | Doubt::Unread(_)
            | Doubt::Unreadable(_)
            | Doubt::NotVerified
            | Doubt::SizeDiffers
            | Doubt::TooOld(_)
            | Doubt::InFuture => Self::Verify,
            Doubt::UnknownDisk => Self::Disk,
            Doubt::UnknownCardDisk => Self::Card,
            Doubt::Altered(_)
            | Doubt::Missing(_)
            | Doubt::Gone
            | Doubt::Replaced(_)
            | Doubt::Reformatted => Self::Copy,
            Doubt::AppendedTo | Doubt::CardDisk | Doubt::InMemory | Doubt::View => Self::Nothing,
        }
    }

    /// Returns true if the step makes the copy count without copying it again.
    fn is_without_copying(&self) -> bool {
        matches!(
            self,
            Self::Verify | Self::Remount | Self::Scan | Self::Disk | Self::Card
        )
    }
}

/// Steps that the copies of unsafe files need.
#[derive(Default)]
struct Needs<'a> {
    /// Folders to verify, with the volume of each.
    verify: BTreeMap<PathBuf, i64>,
    /// Folders to scan, with the volume of each.
    scan: BTreeMap<PathBuf, i64>,
    /// Volumes to unmount and mount again before they are verified.
    remount: BTreeSet<i64>,
    /// Volumes whose disk has to be named.
    disks: BTreeSet<i64>,
    /// Shares, each with a volume that may be on the same disk.
    shared: BTreeSet<(i64, i64)>,
    /// Folders of the card's own histories to copy unchanged.
    histories: BTreeSet<&'a Path>,
    /// Files to copy.
    copied: Vec<&'a CheckedFile>,
    /// True if the disk of the card has to be named.
    card_disk: bool,
}

impl<'a> Needs<'a> {
    fn collect(report: &'a Report) -> Self {
        let mut needs = Self::default();
        for file in report.unsafe_files().filter(|file| file.content.is_ok()) {
            for copy in &file.counted.copies {
                needs.add(copy, report);
            }
            needs.shared.extend(file.counted.may_be_one);
            let lacks_copies = reachable_disks(file, report, &[]) < report.requirements.copies;
            if lacks_copies && is_extended_chain(file) {
                needs.histories.extend(file.inside.parent());
            } else if lacks_copies {
                needs.copied.push(file);
            }
        }
        needs
    }

    fn add(&mut self, copy: &CandidateCopy, report: &Report) {
        match RemedyKind::for_copy(copy, report) {
            Some(RemedyKind::Verify) => drop(self.verify.insert(folder_of(copy), copy.volume)),
            Some(RemedyKind::Remount) => {
                self.remount.insert(copy.volume);
                self.verify.insert(folder_of(copy), copy.volume);
            }
            Some(RemedyKind::Scan) => drop(self.scan.insert(folder_of(copy), copy.volume)),
            Some(RemedyKind::Disk) => drop(self.disks.insert(copy.volume)),
            Some(RemedyKind::Card) => self.card_disk = true,
            None | Some(RemedyKind::Copy | RemedyKind::Nothing) => {}
        }
    }
}

/// Returns the suggested steps, cheapest first.
pub(super) fn suggest(
    report: &Report,
    request: &Request,
    catalogue: &Catalogue,
) -> Result<Vec<Remedy>, Error> {
    let program = program(request, catalogue);
    let needs = Needs::collect(report);
    let safe = |options: &str| {
        let (asked, card) = (repeated_options(request), quoted(&report.card));
        format!("{program} safe{options}{asked} {card}")
    };
    let mut remedies: Vec<Remedy> = Vec::new();
    let mut is_history_damaged = false;
    let unmounted = |volume: &i64| {
        report
            .copy_volumes
            .get(volume)
            .filter(|copy_volume| !copy_volume.is_mounted)
    };
    for (folder, volume) in &needs.verify {
        let unmounted = unmounted(volume);
        // `verify` cannot check a folder whose history is damaged.
        if unmounted.is_none() && Histories::read(folder).is_err() {
            is_history_damaged = true;
            continue;
        }
        let what = match report
            .copy_volumes
            .get(volume)
            .filter(|_| needs.remount.contains(volume))
        {
            Some(copy_volume) => format!(
                "unmount {0} and mount it again, then verify its copies",
                copy_volume.label
            ),
            None => after_mounting(unmounted, "verify its copies", "verify the copies"),
        };
        remedies.push(command(
            what,
            format!("{program} verify {}", quoted(folder)),
        ));
    }
    for (folder, volume) in &needs.scan {
        let what = after_mounting(unmounted(volume), "scan it again", "scan the copies again");
        remedies.push(command(what, format!("{program} scan {}", quoted(folder))));
    }
    if !needs.scan.is_empty() {
        let what = "hash the scanned copies in full and compare them";
        remedies.push(command(
            what.to_owned(),
            format!("{program} copies --verify"),
        ));
    }
    if is_history_damaged {
        let what = "read the copies again: a manifest next to them is damaged";
        let options = if request.is_paranoid {
            ""
        } else {
            " --paranoid"
        };
        remedies.push(command(what.to_owned(), safe(options)));
    }
    let copy_volumes = needs
        .disks
        .iter()
        .filter_map(|disk| report.copy_volumes.get(disk));
    remedies.extend(copy_volumes.map(|copy_volume| name_disk(copy_volume, report, &program)));
    remedies.extend(needs.shared.iter().filter_map(|(share, disk)| {
        let (share, disk) = (report.copy_volumes.get(share)?, report.copy_volumes.get(disk)?);
        let mut remedy = name_disk(share, report, &program);
        remedy.what = format!(
            "mount {0} and {1} at the same time and check again; or, if they are different disks, name the disk of {0}",
            share.label, disk.label
        );
        Some(remedy)
    }));
    if needs.card_disk {
        let what = "mount the copies, or name the disk of the card";
        remedies.push(command(what.to_owned(), safe(" --card-disk DISK")));
    }
    if needs.copied.is_empty() && needs.histories.is_empty() {
        return Ok(remedies);
    }
    let destinations = destinations(report, catalogue)?;
    if !needs.copied.is_empty() {
        remedies.extend(move_away(&obstacles(&needs.copied, &destinations, report)));
        remedies.push(ingest(&needs.copied, report, &program, &destinations));
    }
    let histories = needs.histories.iter();
    remedies
        .extend(histories.map(|history| keep_history(history, report, &program, &destinations)));
    Ok(remedies)
}

fn after_mounting(unmounted: Option<&CopyVolume>, then: &str, at_once: &str) -> String {
    match unmounted {
        Some(copy_volume) => format!("mount {}, then {then}", copy_volume.label),
        None => at_once.to_owned(),
    }
}

/// Returns true if the file is the chain of a history that was copied and has grown there.
fn is_extended_chain(file: &CheckedFile) -> bool {
    mhl::is_chain(&file.inside) && !file.counted.copies.is_empty()
}

fn name_disk(copy_volume: &CopyVolume, report: &Report, program: &str) -> Remedy {
    let copy_volumes = report.copy_volumes.values();
    let same = copy_volumes.filter(|other| other.label == copy_volume.label);
    let is_clear = same.count() == 1 && !copy_volume.label.starts_with('-');
    let name = if is_clear {
        &copy_volume.label
    } else {
        &copy_volume.identity
    };
    let what = format!(
        "name the disk of {}: the number printed on it, or your own name for it",
        copy_volume.label
    );
    let name = quoted(Path::new(name));
    command(what, format!("{program} volumes disk {name} DISK"))
}

/// Returns existing files at the destinations that are not valid copies.
fn obstacles(
    lacking: &[&CheckedFile],
    destinations: &[CardDestination],
    report: &Report,
) -> BTreeSet<PathBuf> {
    let mounted = destinations
        .iter()
        .filter(|destination| destination.away.is_none());
    let all = mounted.flat_map(|destination| lacking.iter().map(move |file| (destination, file)));
    let there = all.filter_map(|(destination, file)| {
        let path = destination.folder.join(&file.inside);
        let copies = &mut file.counted.copies.iter();
        let is_copy = copies.any(|copy| {
            copy.path == path && RemedyKind::for_copy(copy, report) != Some(RemedyKind::Copy)
        });
        (!is_copy && path.symlink_metadata().is_ok()).then_some(path)
    });
    there.collect()
}

fn move_away(obstacles: &BTreeSet<PathBuf>) -> Option<Remedy> {
    let all: Vec<String> = obstacles.iter().take(3).map(|path| quoted(path)).collect();
    let more = match obstacles.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!all.is_empty()).then(|| Remedy {
        what: format!(
            "move away altered or different files: {}{more}",
            all.join(", ")
        ),
        command: None,
    })
}

/// Returns the start of a command that uses the same catalogue.
fn program(request: &Request, catalogue: &Catalogue) -> String {
    if !request.is_catalogue_named {
        return "btsindex".to_owned();
    }
    let folder = catalogue.folder();
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    format!("btsindex --catalogue {}", quoted(&whole))
}

/// Repeats the options of this check, so that a repeated check is not weaker.
fn repeated_options(request: &Request) -> String {
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

fn command(what: String, command: String) -> Remedy {
    Remedy {
        what,
        command: Some(command),
    }
}

/// Returns the folder to verify in order to check a copy.
fn folder_of(copy: &CandidateCopy) -> PathBuf {
    let root = copy.root.as_deref().or(copy.path.parent());
    root.unwrap_or(&copy.path).to_owned()
}

/// Returns the destinations of the card's last ingest. The location of a forgotten volume is
/// unknown.
fn destinations(report: &Report, catalogue: &Catalogue) -> Result<Vec<CardDestination>, Error> {
    let volumes = catalogue.volumes();
    let (volume, inside) = volumes.locate(&report.card);
    let ingests = catalogue.ingests_of_card(&volume.identity, &inside)?;
    let last = match ingests.last() {
        Some(last) => catalogue.ingest(*last)?,
        None => None,
    };
    let known = last.into_iter().flat_map(|last| last.places);
    // A volume that was replaced is not a destination.
    let is_there = |volume: i64| {
        let copy_volume = report.copy_volumes.get(&volume);
        copy_volume.is_none_or(|copy_volume| {
            copy_volume.replaced_by.is_none()
                && !copy_volume.backing.is_memory
                && !copy_volume.backing.is_view
        })
    };
    let known = known
        .filter(|destination| destination.folder.is_absolute() && is_there(destination.volume));
    let identity = |folder: &Path| volumes.locate(folder).0.identity;
    let placed = known.map(|destination| {
        let parent = destination.folder.parent().filter(|parent| {
            destination.is_mounted && identity(parent) == identity(&destination.folder)
        });
        CardDestination {
            parent: parent.unwrap_or(&destination.folder).to_owned(),
            folder: destination.folder,
            volume: destination.volume,
            away: (!destination.is_mounted).then_some(destination.label),
        }
    });
    Ok(placed.collect())
}

/// Suggests another ingest to the earlier destinations, and to further ones until there are enough.
fn ingest(
    copied: &[&CheckedFile],
    report: &Report,
    program: &str,
    destinations: &[CardDestination],
) -> Remedy {
    let volumes: Vec<i64> = destinations
        .iter()
        .map(|destination| destination.volume)
        .collect();
    let reached = copied
        .iter()
        .map(|file| reachable_disks(file, report, &volumes));
    let more = report
        .requirements
        .copies
        .saturating_sub(reached.min().unwrap_or(0));
    // An ingest needs at least one destination.
    let more = more.max(usize::from(destinations.is_empty()));
    let known = destinations
        .iter()
        .map(|destination| quoted(&template(&destination.folder)));
    let more = (0..more).map(|_| ELSEWHERE.to_owned());
    let what = when_mounted("copy the missing files", destinations);
    command(
        what,
        ingest_command(program, &report.card, known.chain(more)),
    )
}

/// Suggests a separate, unchanged copy of the card's history: the ingest added generations to the one
/// that was copied with the footage.
fn keep_history(
    history: &Path,
    report: &Report,
    program: &str,
    destinations: &[CardDestination],
) -> Remedy {
    let of = report.card.file_name().unwrap_or("it".as_ref());
    let mut name = OsString::from("{card} of ");
    name.push(template(Path::new(of)));
    let known = destinations
        .iter()
        .map(|destination| quoted(&template(&destination.parent).join(&name)));
    let more = report
        .requirements
        .copies
        .saturating_sub(destinations.len());
    let more = (0..more).map(|_| quoted(&Path::new(ELSEWHERE).join(&name)));
    let what = when_mounted("also copy the card's history unchanged", destinations);
    let history = report.card.join(history);
    command(what, ingest_command(program, &history, known.chain(more)))
}

/// Composes an ingest command; `to` are destinations quoted for a shell.
fn ingest_command(program: &str, folder: &Path, to: impl Iterator<Item = String>) -> String {
    let to: Vec<String> = to.map(|folder| format!(" --to {folder}")).collect();
    format!("{program} ingest {}{}", quoted(folder), to.concat())
}

/// Escapes the braces of a path for `--to`, which expands placeholders.
fn template(folder: &Path) -> PathBuf {
    let text = folder.as_os_str();
    if !text
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"{}".contains(byte))
    {
        return folder.to_owned();
    }
    // A non-Unicode name with braces cannot be written on a command line.
    let text = text.to_string_lossy();
    text.replace('{', "{{").replace('}', "}}").into()
}

fn when_mounted(what: &str, destinations: &[CardDestination]) -> String {
    let away: Vec<&str> = destinations
        .iter()
        .filter_map(|destination| destination.away.as_deref())
        .collect();
    match away[..] {
        [] => what.to_owned(),
        _ => format!("mount {}, then {what}", away.join(" and ")),
    }
}

/// Returns the number of disks that hold the file after the fixes that need no copying, and after
/// copying it to the volumes in `more`. An unknown disk may turn out to be a distinct one.
fn reachable_disks(file: &CheckedFile, report: &Report, more: &[i64]) -> usize {
    let copies = file.counted.copies.iter();
    let fixable = copies.filter(|copy| {
        RemedyKind::for_copy(copy, report).is_none_or(|kind| kind.is_without_copying())
    });
    let mut volumes: BTreeSet<i64> = fixable.map(|copy| copy.volume).collect();
    volumes.extend(more);
    let copy_volumes = volumes.iter().map(|volume| report.copy_volumes.get(volume));
    let (known, unknown): (Vec<_>, Vec<_>) = copy_volumes.partition(|copy_volume| {
        copy_volume.is_some_and(|copy_volume| copy_volume.disks.are_known())
    });
    let valid_copies = known.into_iter().flatten().map(|copy_volume| ValidCopy {
        copy_volume,
        mounted_sets: &[],
        is_seen: true,
        changed: None,
    });
    max_independent(&valid_copies.collect::<Vec<_>>()) + unknown.len()
}

/// Quotes a path for a shell.
fn quoted(path: &Path) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    match path.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(is_unsafe) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            // Characters that terminals do not show are written as escaped bytes.
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
