//! Planning of an ingest: the contents of each card, its destinations and the existing copies.

mod folder_claim;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::civil::Date;

use super::card_contents::Contents;
use super::card_history::{EarlierIngest, FolderClaim};
use super::destination::{self, FreeSpace, Need};
use super::destination_disk::MountPoints;
use super::{Event, Request, remaining_work, seal, shoot_facts, skipped};
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
    /// Files remain to be copied or verified.
    Ready,
    /// The card was ingested before, and all copies are verified.
    Known,
    /// The card cannot be ingested.
    Refused,
}

/// Work planned for one card.
#[derive(Debug, Clone)]
pub struct CardPlan {
    /// Name at the destinations, with a number appended if another card has the same name.
    pub card: String,
    /// Root of the card.
    pub source: PathBuf,
    /// Shoot date, which is also the name of the source of its facts.
    pub day: String,
    /// Shoot facts for its clips.
    pub facts: Clip,
    /// Kind of hash that verifies copies.
    pub hash: HashKind,
    /// All kinds of hashes to compute: `hash`, xxh128 for the catalogue, and the kinds in manifests
    /// on the card.
    pub(super) kinds: Vec<HashKind>,
    /// Files and folders of the card.
    pub listing: Listing,
    /// Destinations, in the order of the day's templates.
    pub destinations: Vec<PlannedDestination>,
    /// Copy tasks, one per file, in the order of the listing.
    pub tasks: Vec<CopyTask>,
    /// Result of planning.
    pub state: CardState,
    /// Earlier ingest that this one resumes.
    pub(super) earlier: Option<Ingest>,
    /// Device of the card.
    pub(super) drive: Drive,
    /// Identity of its volume.
    pub(super) volume: String,
    /// Root relative to that volume.
    pub(super) inside: PathBuf,
    /// Problems that every run reports: recorded findings, and files missing in the manifest.
    pub(super) remarks: Vec<Problem>,
    /// Chains of MHL histories that need no copy, as task and destination: the destination's chain
    /// extends the card's by further generations.
    pub(super) extended_chains: Vec<(usize, usize)>,
    /// Clock and time stamps of the card's filesystem.
    pub(super) times: Times,
    /// Time at which the listing ended.
    pub(super) listed: Instant,
    /// Samples that are missing in the log, by path.
    pub(super) samples: HashMap<PathBuf, Fingerprint>,
    /// MHL histories on the card; `None` if unreadable.
    histories: Option<Arc<Histories>>,
    refused: Option<Problem>,
}

/// Destination of one card.
#[derive(Debug, Clone)]
pub struct PlannedDestination {
    /// Folder that corresponds to the card's root.
    pub folder: PathBuf,
    /// Label of its volume.
    pub label: String,
    /// Files that are not verified there yet.
    pub files: usize,
    /// Size of these files.
    pub bytes: u64,
    /// Ancestor of `folder` that must exist before copying.
    pub(super) base: PathBuf,
    /// Id of its filesystem at planning time.
    pub(super) filesystem: Option<u64>,
    /// Device of the destination.
    pub(super) drive: Drive,
    volume: Volume,
    inside: PathBuf,
}

impl CardPlan {
    /// Returns the reason for refusal, if any, and the problems of listing the card.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.refused.iter().chain(&self.listing.problems)
    }

    /// Returns the reason why the card cannot be ingested.
    #[must_use]
    pub fn refusal(&self) -> Option<&Problem> {
        self.refused.as_ref()
    }

    /// Returns the number of bytes to read from the card.
    #[must_use]
    pub fn bytes_to_read(&self) -> u64 {
        let is_pending = |task: &&CopyTask| task.is_verified.contains(&false);
        self.tasks
            .iter()
            .filter(is_pending)
            .map(|task| task.item.bytes)
            .sum()
    }

    /// Returns the volume id and path of each destination. Records the volumes as seen.
    pub(super) fn locate_destinations(
        &self,
        catalogue: &Catalogue,
    ) -> Result<Vec<(i64, PathBuf)>, Error> {
        let locate = |destination: &PlannedDestination| {
            Ok((
                catalogue.record_volume(&destination.volume)?.id,
                destination.inside.clone(),
            ))
        };
        self.destinations.iter().map(locate).collect()
    }

    /// Returns all folders of the copy at a destination. They may not exist yet.
    pub(super) fn folders_at(
        &self,
        destination: &PlannedDestination,
    ) -> impl Iterator<Item = PathBuf> {
        let inside = self.listing.folders.iter();
        let inside = inside.map(|(inside, _)| destination.folder.join(inside));
        std::iter::once(destination.folder.clone()).chain(inside)
    }

    fn refuse(&mut self, reason: String) {
        self.state = CardState::Refused;
        self.refused = Some(Problem::new(&self.source, reason));
    }
}

/// Plans every card of every day. A card that cannot be ingested is refused without affecting others.
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
            // After an interrupted comparison, it is unknown whether this is another card.
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
    /// Destination folders of the cards planned so far.
    claimed: Vec<PathBuf>,
    free_space: FreeSpace,
    mount_points: MountPoints,
    /// Folders with a reported warning, so that it is not repeated.
    warned: HashSet<PathBuf>,
}

impl Planner<'_> {
    fn plan(
        &mut self,
        day: &Day,
        card: &DayCard,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<CardPlan, Error> {
        let source = destination::resolve_links(&card.path);
        let (volume, inside) = self.volumes.locate(&source);
        let listed = list(&source, &|| self.request.cancel().is_cancelled());
        let (listing, fault) = match listed {
            Ok(mut listing) => {
                listing.report_unreadable();
                listing.leave_out_unfinished(&source, skipped::UNFINISHED);
                (listing, None)
            }
            Err(error) => (Listing::default(), Some(error.to_string())),
        };
        let listed = Instant::now();
        let date = self.shoot_date_of(day, card, &listing, on_event);
        let requested = day.to.hash.as_deref().and_then(HashKind::from_name);
        let histories = Histories::read(&source).ok().map(Arc::new);
        let on_card: Vec<HashKind> = histories.iter().flat_map(|all| all.kinds()).collect();
        let hash = requested
            .or(on_card.first().copied())
            .unwrap_or(HashKind::Xxh128);
        let mut plan = CardPlan {
            card: card_name(card, &source, &volume),
            day: shoot_facts::source_name(date),
            facts: shoot_facts::from_day(day, card, date, &self.vocabulary)?,
            kinds: hash_kinds(hash, &on_card),
            hash,
            destinations: Vec::new(),
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
            extended_chains: Vec::new(),
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
        } else if plan.listing.files.is_empty() && !plan.listing.is_interrupted {
            plan.refuse("no files: is the card mounted there?".to_owned());
        } else if self.request.is_in_place {
            plan.earlier = self.earlier_in_place(&plan)?;
        } else if let Err(reason) = self.assign_folders(&mut plan, day, card, date, on_event)? {
            plan.refuse(reason);
        }
        Ok(plan)
    }

    /// Returns the shoot date of a card: the requested date, or else the date of its newest files.
    fn shoot_date_of(
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
        let Some((first, last)) = shoot_facts::shoot_dates(listing, card, starts) else {
            return shoot_date(local_now().datetime(), starts);
        };
        if first != last {
            on_event(Event::Warning {
                message: format!(
                    "{}: its files are dated {first} to {last}; all are assigned to {last}",
                    escape(&card.path.to_string_lossy())
                ),
                hint: "set the day with `--date`, or `date` in the day file".to_owned(),
            });
        }
        last
    }

    /// Assigns destination folders to a card and plans its tasks. The inner error is the reason why
    /// the card cannot be copied.
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
        let base_name = plan.card.clone();
        let (source, listing) = (plan.source.clone(), plan.listing.clone());
        let is_cancelled = self.request.is_cancelled();
        let readers = plan.drive.kind.readers(self.request.scan.jobs);
        let mut contents = Contents::new(&source, &listing, readers, &is_cancelled);
        for number in 1..=MAX_SAME_NAME {
            let name = match number {
                1 => base_name.clone(),
                number => format!("{base_name}-{number}"),
            };
            let mut values = day.values(card, Some(&name));
            values.card = Some(&name);
            values.date = Some(date);
            let (mut typed, mut folders) = (Vec::new(), Vec::new());
            for template in &day.to.folders {
                match template.fill(&values) {
                    Ok(folder) => {
                        folders.push(destination::resolve_links(&folder));
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
            if let Some(reason) = destination::find_overlap(&folders, &plan.source) {
                return Ok(Err(reason));
            }
            if let Err(reason) = self.check_disks(&typed, &folders, on_event) {
                return Ok(Err(reason));
            }
            let earlier = match self.find_claim(&folders, plan, &mut contents, on_event)? {
                FolderClaim::OtherCard if is_named => continue,
                FolderClaim::OtherCard | FolderClaim::Unused => None,
                FolderClaim::SameCard(earlier) => earlier,
            };
            plan.card = name;
            let bases = day
                .to
                .folders
                .iter()
                .map(|template| destination::resolve_links(&template.base()));
            return self.plan_tasks(plan, earlier, folders, bases.collect());
        }
        Ok(Err(format!(
            "the destination already has {MAX_SAME_NAME} cards of that name"
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

    /// Creates a destination without planned files.
    fn new_destination(&self, folder: &Path, base: PathBuf) -> PlannedDestination {
        let (volume, inside) = self.volumes.locate(folder);
        PlannedDestination {
            label: volume.label.clone(),
            files: 0,
            bytes: 0,
            filesystem: filesystem(folder),
            base,
            drive: volume.drive.clone(),
            folder: folder.to_owned(),
            volume,
            inside,
        }
    }

    /// Returns the number of a destination folder in the log of an ingest; `None` if it is new.
    fn logged_number(
        &self,
        catalogue: &Catalogue,
        ingest: &Ingest,
        folder: &Path,
    ) -> Result<Option<usize>, Error> {
        let (volume, inside) = self.volumes.locate(folder);
        let Some(volume) = catalogue.volume_id(&volume.identity)? else {
            return Ok(None);
        };
        let mut at_volume = catalogue.ingests_on(volume)?.into_iter();
        let logged = at_volume.find(|(id, _, path)| *id == ingest.id && *path == inside);
        Ok(logged.map(|(_, number, _)| number))
    }

    /// Plans the tasks of a card for its destination folders. The inner error is the reason why the
    /// card cannot be copied, such as insufficient space.
    fn plan_tasks(
        &mut self,
        plan: &mut CardPlan,
        earlier: Option<Box<EarlierIngest>>,
        folders: Vec<PathBuf>,
        bases: Vec<PathBuf>,
    ) -> Result<Result<(), String>, Error> {
        let mut logged: HashMap<PathBuf, Ingested> = HashMap::new();
        let mut doubted = HashSet::new();
        let mut numbers = vec![None; folders.len()];
        let mut is_sealed = vec![false; folders.len()];
        if let (Some(catalogue), Some(earlier)) = (self.catalogue, earlier) {
            let EarlierIngest {
                ingest,
                files,
                compared,
            } = *earlier;
            plan.samples = compared.samples;
            doubted.extend(compared.doubted);
            let files = files.into_iter();
            logged = files.map(|file| (file.inside.clone(), file)).collect();
            plan.hash = ingest.details.hash;
            plan.kinds = hash_kinds(plan.hash, &plan.kinds);
            for (at, folder) in folders.iter().enumerate() {
                numbers[at] = self.logged_number(catalogue, &ingest, folder)?;
                let destination = numbers[at].and_then(|number| ingest.places.get(number));
                is_sealed[at] = destination.is_some_and(IngestPlace::has_manifest);
            }
            plan.earlier = Some(ingest);
        }
        for (folder, base) in folders.iter().zip(bases) {
            plan.destinations.push(self.new_destination(folder, base));
        }
        let destination_times: Vec<(PathBuf, Times)> = plan
            .destinations
            .iter()
            .map(|planned| {
                (
                    planned.folder.clone(),
                    destination::times_of(&planned.volume),
                )
            })
            .collect();
        for item in &plan.listing.files {
            let file = logged.get(&item.inside);
            let mut task =
                remaining_work::for_file(item, file, &destination_times, &numbers, plan.hash);
            if doubted.contains(&item.inside) {
                task.must_reread = true;
                task.is_verified.fill(false);
            }
            // A file is read again if a manifest needs kinds of hashes that are not recorded.
            let histories = plan.histories.as_deref();
            if is_sealed.contains(&false)
                && histories.is_some_and(|all| seal::lacks_hashes(&task, all, plan.hash))
            {
                task.known_hashes = None;
                let unsealed = task.is_verified.iter_mut().zip(&is_sealed);
                unsealed.for_each(|(is_verified, is_sealed)| *is_verified &= *is_sealed);
            }
            for (at, folder) in folders.iter().enumerate() {
                let copy_path = folder.join(&item.inside);
                let is_extended = !task.is_verified[at]
                    && mhl::is_chain(&item.inside)
                    && mhl::has_grown(&copy_path, &plan.source.join(&item.inside));
                if is_extended {
                    task.is_verified[at] = true;
                    plan.extended_chains.push((plan.tasks.len(), at));
                }
                let copy = file.zip(numbers[at]);
                let copy = copy.and_then(|(file, number)| file.copies.get(number)?.as_ref());
                let problem = copy.and_then(|copy| copy.problem.as_ref());
                if let Some(problem) = problem.filter(|_| task.is_verified[at]) {
                    plan.remarks.push(Problem::new(&copy_path, problem.clone()));
                }
            }
            for (planned, _) in plan
                .destinations
                .iter_mut()
                .zip(&task.is_verified)
                .filter(|(_, is_verified)| !**is_verified)
            {
                planned.files += 1;
                planned.bytes += item.bytes;
            }
            plan.tasks.push(task);
        }
        if plan.destinations.iter().all(|planned| planned.files == 0)
            && !plan.listing.is_interrupted
        {
            plan.state = CardState::Known;
        }
        let needs: Vec<Need<'_>> = plan
            .destinations
            .iter()
            .map(|planned| space_needed(planned, plan))
            .collect();
        if let Err(reason) = self.free_space.reserve_all(&needs) {
            return Ok(Err(reason));
        }
        drop(needs);
        self.claimed.extend(folders);
        Ok(Ok(()))
    }
}

/// Returns the kinds of hashes to compute, without duplicates. The first one verifies copies.
fn hash_kinds(hash: HashKind, others: &[HashKind]) -> Vec<HashKind> {
    let mut kinds = vec![hash];
    for kind in [HashKind::Xxh128].iter().chain(others) {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    kinds
}

/// Returns the space needed at a destination. Existing files need none, since they are only compared.
fn space_needed<'a>(planned: &'a PlannedDestination, plan: &CardPlan) -> Need<'a> {
    let at = plan
        .destinations
        .iter()
        .position(|other| other.folder == planned.folder);
    let is_pending = |task: &&CopyTask| at.is_some_and(|at| !task.is_verified[at]);
    let path = |task: &CopyTask| planned.folder.join(&task.item.inside);
    let is_absent = |task: &&CopyTask| path(task).symlink_metadata().is_err();
    let (mut files, mut bytes) = (0, 0);
    for task in plan.tasks.iter().filter(is_pending).filter(is_absent) {
        files += 1;
        bytes += task.item.bytes;
    }
    // Leftovers of a killed ingest will be removed.
    let leftovers = plan
        .folders_at(planned)
        .map(|folder| atomic_file::sweepable_bytes(&folder));
    Need {
        volume: &planned.volume,
        folder: &planned.folder,
        files,
        bytes: bytes.saturating_sub(leftovers.sum()),
    }
}

/// Returns the name of a card: the requested name, or else its own volume label, or else the name
/// of its folder.
fn card_name(card: &DayCard, source: &Path, volume: &Volume) -> String {
    if let Some(name) = &card.name {
        return name.clone();
    }
    match source.file_name() {
        _ if volume.is_label_own && volume.mount == source => volume.label.clone(),
        Some(name) => name.to_string_lossy().into_owned(),
        None => volume.label.clone(),
    }
}
