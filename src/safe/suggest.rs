//! Suggests steps that make an unsafe card safe to format.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::copy_state::Doubt;
use super::copy_volume::{CopyVolume, VolumeCache};
use super::independence::{ValidCopy, max_independent};
use super::remedy::{MountStep, NamedVolume, Remedy, RemedyDestinations};
use super::report::{CheckedFile, Report};
use super::verdict::CandidateCopy;
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::mhl::{self, Histories};

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
pub(super) fn suggest(report: &Report, catalogue: &Catalogue) -> Result<Vec<Remedy>, Error> {
    let needs = Needs::collect(report);
    let mut remedies = reread_copies(&needs, report);
    let volumes = needs
        .disks
        .iter()
        .filter_map(|disk| report.copy_volumes.get(disk));
    remedies.extend(volumes.map(|volume| Remedy::NameDisk {
        volume: named_volume(volume, report),
    }));
    remedies.extend(needs.shared.iter().filter_map(|(share, disk)| {
        let (share, disk) = (
            report.copy_volumes.get(share)?,
            report.copy_volumes.get(disk)?,
        );
        Some(Remedy::MountTogether {
            share: named_volume(share, report),
            other: disk.label.clone(),
        })
    }));
    if needs.card_disk {
        remedies.push(Remedy::NameCardDisk);
    }
    if needs.copied.is_empty() && needs.histories.is_empty() {
        return Ok(remedies);
    }
    let destinations = destinations(report, catalogue)?;
    if !needs.copied.is_empty() {
        let obstacles = obstacles(&needs.copied, &destinations, report);
        if !obstacles.is_empty() {
            remedies.push(Remedy::MoveAway { files: obstacles });
        }
        remedies.push(ingest(&needs.copied, report, &destinations));
    }
    let histories = needs.histories.iter();
    remedies.extend(histories.map(|history| keep_history(history, report, &destinations)));
    Ok(remedies)
}

/// Suggests reading copies that exist already.
fn reread_copies(needs: &Needs<'_>, report: &Report) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    let mut is_history_damaged = false;
    let mount = |volume: &i64| match report.copy_volumes.get(volume) {
        Some(volume) if !volume.is_mounted => MountStep::Mount(volume.label.clone()),
        _ => MountStep::None,
    };
    for (folder, volume) in &needs.verify {
        let mount = mount(volume);
        // `verify` cannot check a folder whose history is damaged.
        if mount == MountStep::None && Histories::read(folder).is_err() {
            is_history_damaged = true;
            continue;
        }
        let remounted = report.copy_volumes.get(volume);
        let remounted = remounted.filter(|_| needs.remount.contains(volume));
        remedies.push(Remedy::Verify {
            folder: folder.clone(),
            first: remounted.map_or(mount, |volume| MountStep::Remount(volume.label.clone())),
        });
    }
    for (folder, volume) in &needs.scan {
        remedies.push(Remedy::Scan {
            folder: folder.clone(),
            first: mount(volume),
        });
    }
    if !needs.scan.is_empty() {
        remedies.push(Remedy::CompareCopies);
    }
    if is_history_damaged {
        remedies.push(Remedy::ReadCopies);
    }
    remedies
}

/// Returns true if the file is the chain of a history that was copied and has grown there.
fn is_extended_chain(file: &CheckedFile) -> bool {
    mhl::is_chain(&file.inside) && !file.counted.copies.is_empty()
}

/// Returns the name that identifies a volume on a command line: its label, if that is unique.
fn named_volume(copy_volume: &CopyVolume, report: &Report) -> NamedVolume {
    let copy_volumes = report.copy_volumes.values();
    let same = copy_volumes.filter(|other| other.label == copy_volume.label);
    let is_clear = same.count() == 1 && !copy_volume.label.starts_with('-');
    let name = if is_clear {
        &copy_volume.label
    } else {
        &copy_volume.identity
    };
    NamedVolume {
        label: copy_volume.label.clone(),
        name: name.clone(),
    }
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
fn ingest(copied: &[&CheckedFile], report: &Report, destinations: &[CardDestination]) -> Remedy {
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
    let folders = destinations
        .iter()
        .map(|destination| destination.folder.clone());
    Remedy::Ingest {
        to: RemedyDestinations {
            folders: folders.collect(),
            // An ingest needs at least one destination.
            further: more.max(usize::from(destinations.is_empty())),
            unmounted: unmounted_labels(destinations),
        },
    }
}

/// Suggests a separate, unchanged copy of the card's history: the ingest added generations to the one
/// that was copied with the footage.
fn keep_history(history: &Path, report: &Report, destinations: &[CardDestination]) -> Remedy {
    let folders = destinations
        .iter()
        .map(|destination| destination.parent.clone());
    Remedy::KeepHistory {
        history: report.card.join(history),
        to: RemedyDestinations {
            folders: folders.collect(),
            further: report
                .requirements
                .copies
                .saturating_sub(destinations.len()),
            unmounted: unmounted_labels(destinations),
        },
    }
}

fn unmounted_labels(destinations: &[CardDestination]) -> Vec<String> {
    let away = destinations
        .iter()
        .filter_map(|destination| destination.away.clone());
    away.collect()
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
