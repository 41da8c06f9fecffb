//! Plan of an ingest: contents of each card, its destinations, and copies that exist already.

mod owner;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::civil::Date;

use super::card_contents::Contents;
use super::card_history::{Earlier, Owner};
use super::destination::{self, FreeSpace, Need};
use super::destination_disk::MountPoints;
use super::{Event, Request, facts, seal, skipped, task};
use crate::atomic_file;
use crate::catalogue::{Catalogue, Ingest, IngestPlace, Ingested, NewIngest};
use crate::checksum::HashKind;
use crate::clip::Clip;
use crate::error::{Error, Problem, escape};
use crate::mhl::{self, Histories};
use crate::offload::{CopyTask, Listing, Times, filesystem, list};
use crate::shoot_day::{Day, DayCard, Placeholder, shoot_date};
use crate::tag::Vocabulary;
use crate::value::{Fingerprint, local_now};
use crate::volume::{Drive, Volume, Volumes};

/// Maximum number of cards with the same name.
const MAX_SAME_NAME: usize = 999;

/// State of a planned card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardState {
    /// Work remains.
    Ready,
    /// The card was ingested before, and every copy is verified.
    Known,
    /// The card cannot be ingested.
    Refused,
}

/// Work planned for one card.
#[derive(Debug, Clone)]
pub struct CardPlan {
    /// Name at the destinations; numbered if another card has its name.
    pub card: String,
    /// Root of the card.
    pub source: PathBuf,
    /// Day of the card, as named in the source of its facts.
    pub day: String,
    /// Facts of the day for its clips.
    pub facts: Clip,
    /// Kind of hash that verifies copies.
    pub hash: HashKind,
    /// All kinds of hashes to compute: `hash`, xxh128 for the catalogue, and those of manifests on
    /// the card.
    pub(super) kinds: Vec<HashKind>,
    /// Contents of the card.
    pub listing: Listing,
    /// Destinations of the card.
    pub places: Vec<PlannedPlace>,
    /// Files, in the order of the listing.
    pub tasks: Vec<CopyTask>,
    /// Ready, known from an earlier ingest, or refused.
    pub state: CardState,
    /// Earlier ingest that is resumed, in its previous state.
    pub(super) earlier: Option<Ingest>,
    /// Device of the card.
    pub(super) drive: Drive,
    /// Identity of its volume.
    pub(super) volume: String,
    /// Root relative to that volume.
    pub(super) inside: PathBuf,
    /// Problems reported on every run: earlier findings, and files in no manifest.
    pub(super) remarks: Vec<Problem>,
    /// Task and destination pairs that need no copy: the destination's chain is the card's,
    /// extended by generations.
    pub(super) grown: Vec<(usize, usize)>,
    /// Time-keeping properties of the card's filesystem.
    pub(super) times: Times,
    /// Time at which the listing ended.
    pub(super) listed: Instant,
    /// Samples missing from the log.
    pub(super) samples: HashMap<PathBuf, Fingerprint>,
    /// Histories on the card; `None` if unreadable.
    histories: Option<Arc<Histories>>,
    refused: Option<Problem>,
}

/// Destination of a card.
#[derive(Debug, Clone)]
pub struct PlannedPlace {
    /// Folder that receives the card's root.
    pub folder: PathBuf,
    /// Label of its volume.
    pub label: String,
    /// Files that are not verified there yet.
    pub files: usize,
    /// Size of these files.
    pub bytes: u64,
    /// Folder that must exist: `folder` or one of its ancestors.
    pub(super) base: PathBuf,
    /// Id of the filesystem at planning time.
    pub(super) filesystem: Option<u64>,
    /// Device of the destination.
    pub(super) drive: Drive,
    volume: Volume,
    inside: PathBuf,
}

impl CardPlan {
    /// Returns the problems of the card and its contents.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.refused.iter().chain(&self.listing.problems)
    }

    /// Returns the reason why the card cannot be ingested.
    #[must_use]
    pub fn refusal(&self) -> Option<&Problem> {
        self.refused.as_ref()
    }

    /// Returns the number of bytes to be read from the card.
    #[must_use]
    pub fn bytes_to_read(&self) -> u64 {
        let is_open = |task: &&CopyTask| task.is_verified.contains(&false);
        self.tasks
            .iter()
            .filter(is_open)
            .map(|task| task.item.bytes)
            .sum()
    }

    /// Returns its destinations as volume and path in the catalogue, recorded as seen.
    pub(super) fn catalogued(&self, catalogue: &Catalogue) -> Result<Vec<(i64, PathBuf)>, Error> {
        let place = |place: &PlannedPlace| {
            Ok((
                catalogue.record_volume(&place.volume)?.id,
                place.inside.clone(),
            ))
        };
        self.places.iter().map(place).collect()
    }

    /// Returns the folders of its copy at a destination, which may not exist yet.
    pub(super) fn folders_at(&self, place: &PlannedPlace) -> impl Iterator<Item = PathBuf> {
        let inside = self.listing.folders.iter();
        let inside = inside.map(|(inside, _)| place.folder.join(inside));
        std::iter::once(place.folder.clone()).chain(inside)
    }

    fn refuse(&mut self, reason: String) {
        self.state = CardState::Refused;
        self.refused = Some(Problem::new(&self.source, reason));
    }
}

/// Plans every card of every day. A card that cannot be ingested is refused; the others continue.
pub(super) fn plan_all(
    request: &Request,
    catalogue: Option<&Catalogue>,
    on_event: &mut dyn FnMut(Event),
) -> Result<Vec<CardPlan>, Error> {
    let mounted;
    let volumes = if let Some(catalogue) = catalogue {
        catalogue.volumes()
    } else {
        mounted = Volumes::mounted();
        &mounted
    };
    let mut planner = Planner {
        request,
        catalogue,
        volumes,
        vocabulary: match catalogue {
            Some(catalogue) => catalogue.vocabulary()?,
            None => Vocabulary::new(None, std::collections::BTreeMap::new())?,
        },
        claimed: Vec::new(),
        free_space: FreeSpace::default(),
        mount_points: MountPoints::read(catalogue, request.is_system_disk_allowed)?,
        warned: HashSet::new(),
    };
    let mut plans = Vec::new();
    for day in &request.days {
        for card in &day.cards {
            if request.cancel().is_cancelled() {
                return Ok(plans);
            }
            on_event(Event::Listing(card.path.clone()));
            let plan = planner.plan(day, card, on_event)?;
            // A card whose comparison was interrupted may be another one.
            if request.cancel().is_cancelled() {
                return Ok(plans);
            }
            for problem in plan.problems() {
                on_event(Event::Problem(problem.clone()));
            }
            plans.push(plan);
        }
    }
    Ok(plans)
}

struct Planner<'a> {
    request: &'a Request,
    catalogue: Option<&'a Catalogue>,
    volumes: &'a Volumes,
    vocabulary: Vocabulary,
    /// Folders used by cards of this batch.
    claimed: Vec<PathBuf>,
    free_space: FreeSpace,
    mount_points: MountPoints,
    /// Folders for which a warning was reported.
    warned: HashSet<PathBuf>,
}

impl Planner<'_> {
    fn plan(
        &mut self,
        day: &Day,
        card: &DayCard,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<CardPlan, Error> {
        let source = destination::resolved(&card.path);
        let (volume, inside) = self.volumes.locate(&source);
        let listed = list(&source, &self.request.go_on());
        let (listing, fault) = match listed {
            Ok(mut listing) => {
                listing.doubt_unreadable();
                listing.leave_out_unfinished(&source, skipped::UNFINISHED);
                (listing, None)
            }
            Err(error) => (Listing::default(), Some(error.to_string())),
        };
        let listed = Instant::now();
        let date = self.date(day, card, &listing, on_event);
        let requested = day.to.hash.as_deref().and_then(HashKind::from_name);
        let histories = Histories::read(&source).ok().map(Arc::new);
        let on_card: Vec<HashKind> = histories.iter().flat_map(|all| all.kinds()).collect();
        let hash = requested
            .or(on_card.first().copied())
            .unwrap_or(HashKind::Xxh128);
        let mut plan = CardPlan {
            card: name_of(card, &source, &volume),
            day: facts::name(date),
            facts: facts::from_day(day, card, date, &self.vocabulary)?,
            kinds: kinds(hash, &on_card),
            hash,
            places: Vec::new(),
            tasks: Vec::new(),
            state: CardState::Ready,
            earlier: None,
            drive: volume.drive.clone(),
            volume: volume.identity.clone(),
            inside,
            remarks: histories
                .as_ref()
                .and_then(|histories| skipped::by_history(&source, &listing, histories))
                .into_iter()
                .collect(),
            grown: Vec::new(),
            times: destination::times_of(&volume),
            listed,
            samples: HashMap::new(),
            histories,
            refused: None,
            source,
            listing,
        };
        if let Some(fault) = fault {
            plan.refuse(fault);
        } else if plan.listing.files.is_empty() && !plan.listing.is_cut {
            plan.refuse("no files: is the card mounted there?".to_owned());
        } else if self.request.is_in_place {
            plan.earlier = self.earlier_in_place(&plan)?;
        } else if let Err(reason) = self.assign_folders(&mut plan, day, card, date, on_event)? {
            plan.refuse(reason);
        }
        Ok(plan)
    }

    /// Returns the date of a card: the requested one, or that of its latest footage.
    fn date(
        &self,
        day: &Day,
        card: &DayCard,
        listing: &Listing,
        on_event: &mut dyn FnMut(Event),
    ) -> Date {
        if let Some(date) = day.date {
            return date;
        }
        let starts = day.starts.unwrap_or(self.request.starts);
        let Some((first, last)) = facts::dates(listing, card, starts) else {
            return shoot_date(local_now().datetime(), starts);
        };
        if first != last {
            on_event(Event::Warning {
                message: format!(
                    "{}: its files are from {first} to {last}; all of them count as {last}",
                    escape(&card.path.to_string_lossy())
                ),
                hint: "set the day with `--date`, or `date` in the day file".to_owned(),
            });
        }
        last
    }

    /// Finds the folders of a card and its existing copies, or returns the reason why the card
    /// cannot be copied there.
    fn assign_folders(
        &mut self,
        plan: &mut CardPlan,
        day: &Day,
        card: &DayCard,
        date: Date,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Result<(), String>, Error> {
        if day.to.folders.is_empty() {
            let reason = "no destination: use --to FOLDER, or `[to] folders` in the day file";
            return Ok(Err(reason.to_owned()));
        }
        for template in &day.to.folders {
            if let Some((reason, hint)) = destination::missing_base(&template.base()) {
                return Ok(Err(format!("{reason}; {hint}")));
            }
        }
        let is_named = day
            .to
            .folders
            .iter()
            .any(|folder| folder.uses(Placeholder::Card));
        let first = plan.card.clone();
        let (source, listing) = (plan.source.clone(), plan.listing.clone());
        let go_on = self.request.go_on();
        let readers = plan.drive.kind.readers(self.request.scan.jobs);
        let mut contents = Contents::new(&source, &listing, readers, &go_on);
        for number in 1..=MAX_SAME_NAME {
            let name = match number {
                1 => first.clone(),
                more => format!("{first}-{more}"),
            };
            let mut values = day.values(card, Some(&name));
            values.card = Some(&name);
            values.date = Some(date);
            let (mut typed, mut folders) = (Vec::new(), Vec::new());
            for template in &day.to.folders {
                match template.fill(&values) {
                    Ok(folder) => {
                        folders.push(destination::resolved(&folder));
                        typed.push(std::path::absolute(&folder).unwrap_or(folder));
                    }
                    Err(unfilled) => return Ok(Err(format!("{unfilled}; {}", unfilled.hint()))),
                }
            }
            let unmounted = |folder: &PathBuf| destination::unmounted(folder, self.catalogue?);
            let is_checked = !self.request.is_system_disk_allowed;
            if is_checked && let Some((reason, hint)) = folders.iter().find_map(unmounted) {
                return Ok(Err(format!("{reason}; {hint}")));
            }
            if let Some(reason) = destination::overlap(&folders, &plan.source) {
                return Ok(Err(reason));
            }
            if let Err(reason) = self.check_disks(&typed, &folders, on_event) {
                return Ok(Err(reason));
            }
            let earlier = match self.owner(&folders, plan, &mut contents, on_event)? {
                Owner::Other if is_named => continue,
                Owner::Other | Owner::Unclaimed => None,
                Owner::Same(earlier) => earlier,
            };
            plan.card = name;
            let bases = day
                .to
                .folders
                .iter()
                .map(|template| destination::resolved(&template.base()));
            return self.fill(plan, earlier, folders, bases.collect());
        }
        Ok(Err(format!(
            "{MAX_SAME_NAME} cards of that name exist there already"
        )))
    }

    fn earlier_in_place(&self, plan: &CardPlan) -> Result<Option<Ingest>, Error> {
        let Some(catalogue) = self.catalogue else {
            return Ok(None);
        };
        let is_same_ingest = |details: &NewIngest| {
            details.is_in_place && details.source == plan.source && details.day == plan.day
        };
        let mut all = catalogue.ingests()?.into_iter();
        Ok(all.find(|ingest| is_same_ingest(&ingest.details)))
    }

    /// Plans the tasks for the found folders, if there is enough space.
    fn fill(
        &mut self,
        plan: &mut CardPlan,
        earlier: Option<Box<Earlier>>,
        folders: Vec<PathBuf>,
        bases: Vec<PathBuf>,
    ) -> Result<Result<(), String>, Error> {
        let mut known: HashMap<PathBuf, Ingested> = HashMap::new();
        let mut doubted = HashSet::new();
        let mut numbers = vec![None; folders.len()];
        let mut is_sealed = vec![false; folders.len()];
        if let (Some(catalogue), Some(earlier)) = (self.catalogue, earlier) {
            let Earlier {
                ingest,
                files,
                compared,
            } = *earlier;
            plan.samples = compared.samples;
            doubted.extend(compared.doubted);
            let files = files.into_iter();
            known = files.map(|file| (file.inside.clone(), file)).collect();
            plan.hash = ingest.details.hash;
            plan.kinds = kinds(plan.hash, &plan.kinds);
            for (at, folder) in folders.iter().enumerate() {
                let (volume, inside) = self.volumes.locate(folder);
                let Some(volume) = catalogue.volume_id(&volume.identity)? else {
                    continue;
                };
                let mut places = catalogue.ingests_on(volume)?.into_iter();
                let place = places.find(|(id, _, path)| *id == ingest.id && *path == inside);
                numbers[at] = place.map(|(_, place, _)| place);
                let place = numbers[at].and_then(|number| ingest.places.get(number));
                is_sealed[at] = place.is_some_and(IngestPlace::has_manifest);
            }
            plan.earlier = Some(ingest);
        }
        for (folder, base) in folders.iter().zip(bases) {
            let (volume, inside) = self.volumes.locate(folder);
            plan.places.push(PlannedPlace {
                label: volume.label.clone(),
                files: 0,
                bytes: 0,
                filesystem: filesystem(folder),
                base,
                drive: volume.drive.clone(),
                folder: folder.clone(),
                volume,
                inside,
            });
        }
        let places = plan.places.iter();
        let kept: Vec<(PathBuf, Times)> = places
            .map(|place| (place.folder.clone(), destination::times_of(&place.volume)))
            .collect();
        for item in &plan.listing.files {
            let file = known.get(&item.inside);
            let mut task = task::for_file(item, file, &kept, &numbers, plan.hash);
            if doubted.contains(&item.inside) {
                task.is_doubted = true;
                task.is_verified.fill(false);
            }
            // A file is read again if a manifest needs further kinds of hashes.
            let histories = plan.histories.as_deref();
            if is_sealed.contains(&false)
                && histories.is_some_and(|all| seal::lacks_hashes(&task, all, plan.hash))
            {
                task.known = None;
                let unsealed = task.is_verified.iter_mut().zip(&is_sealed);
                unsealed.for_each(|(is_verified, is_sealed)| *is_verified &= *is_sealed);
            }
            for (at, folder) in folders.iter().enumerate() {
                let there = folder.join(&item.inside);
                let is_grown = !task.is_verified[at]
                    && mhl::is_chain(&item.inside)
                    && mhl::has_grown(&there, &plan.source.join(&item.inside));
                if is_grown {
                    task.is_verified[at] = true;
                    plan.grown.push((plan.tasks.len(), at));
                }
                let copy = file.zip(numbers[at]);
                let copy = copy.and_then(|(file, number)| file.copies.get(number)?.as_ref());
                let problem = copy.and_then(|copy| copy.problem.as_ref());
                if let Some(problem) = problem.filter(|_| task.is_verified[at]) {
                    plan.remarks.push(Problem::new(&there, problem.clone()));
                }
            }
            for (place, _) in plan
                .places
                .iter_mut()
                .zip(&task.is_verified)
                .filter(|(_, is)| !**is)
            {
                place.files += 1;
                place.bytes += item.bytes;
            }
            plan.tasks.push(task);
        }
        if plan.places.iter().all(|place| place.files == 0) && !plan.listing.is_cut {
            plan.state = CardState::Known;
        }
        let needs: Vec<Need<'_>> = plan.places.iter().map(|place| need(place, plan)).collect();
        if let Err(reason) = self.free_space.reserve_all(&needs) {
            return Ok(Err(reason));
        }
        drop(needs);
        self.claimed.extend(folders);
        Ok(Ok(()))
    }
}

/// Returns the kinds of hashes to compute, without duplicates; the first verifies copies.
fn kinds(hash: HashKind, others: &[HashKind]) -> Vec<HashKind> {
    let mut kinds = vec![hash];
    for kind in [HashKind::Xxh128].iter().chain(others) {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    kinds
}

/// Returns the space needed at a destination. Existing files are only compared.
fn need<'a>(place: &'a PlannedPlace, plan: &CardPlan) -> Need<'a> {
    let at = plan
        .places
        .iter()
        .position(|other| other.folder == place.folder);
    let is_open = |task: &&CopyTask| at.is_some_and(|at| !task.is_verified[at]);
    let path = |task: &CopyTask| place.folder.join(&task.item.inside);
    let is_absent = |task: &&CopyTask| path(task).symlink_metadata().is_err();
    let (mut files, mut bytes) = (0, 0);
    for task in plan.tasks.iter().filter(is_open).filter(is_absent) {
        files += 1;
        bytes += task.item.bytes;
    }
    // Leftovers of a killed ingest will be removed.
    let left = plan
        .folders_at(place)
        .map(|folder| atomic_file::sweepable(&folder));
    Need {
        volume: &place.volume,
        folder: &place.folder,
        files,
        bytes: bytes.saturating_sub(left.sum()),
    }
}

/// Returns the name of a card: the requested one, its own label, or its folder's name.
fn name_of(card: &DayCard, source: &Path, volume: &Volume) -> String {
    if let Some(name) = &card.name {
        return name.clone();
    }
    match source.file_name() {
        _ if volume.is_label_own && volume.mount == source => volume.label.clone(),
        Some(name) => name.to_string_lossy().into_owned(),
        None => volume.label.clone(),
    }
}
