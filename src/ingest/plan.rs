//! What is to be done with each card: what is on it, where that goes, and what is there already.

mod owner;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::civil::Date;

use super::card_contents::Contents;
use super::card_history::{Earlier, Owner};
use super::destination::{self, Need, Room};
use super::destination_disk::Grounds;
use super::{Event, Request, facts, seal, skipped, task};
use crate::atomic_file;
use crate::catalogue::{Catalogue, Ingest, IngestPlace, Ingested, NewIngest};
use crate::checksum::HashKind;
use crate::clip::Clip;
use crate::error::{Error, Problem, escape};
use crate::mhl::{self, Histories};
use crate::offload::{Listing, Task, Times, filesystem, list};
use crate::shoot_day::{Day, DayCard, Placeholder, shoot_date};
use crate::tag::Vocabulary;
use crate::value::{Fingerprint, local_now};
use crate::volume::{Drive, Volume, Volumes};

/// Cards of one name are numbered up to this.
const MOST_OF_A_NAME: usize = 999;

/// How a card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Something is to be done.
    Ready,
    /// It was taken in before, and every copy is proved.
    Known,
    /// It cannot be taken in.
    Refused,
}

/// What is to be done with one card.
#[derive(Debug, Clone)]
pub struct CardPlan {
    /// What it is called where it goes: numbered where another has its name.
    pub card: String,
    /// Its root.
    pub source: PathBuf,
    /// The day it belongs to, as its facts' source says it.
    pub day: String,
    /// What the day says of its clips.
    pub facts: Clip,
    /// By which hash copies are proved.
    pub hash: HashKind,
    /// All hashes that are computed: that one, xxh128 for the catalogue, and those that manifests on the card have.
    pub(super) kinds: Vec<HashKind>,
    /// What is on it.
    pub listing: Listing,
    /// Where it goes.
    pub places: Vec<PlannedPlace>,
    /// Its files, in the order of the listing.
    pub tasks: Vec<Task>,
    /// How it stands.
    pub state: State,
    /// The ingest that it goes on with, as it was.
    pub(super) earlier: Option<Ingest>,
    /// The device it is on.
    pub(super) drive: Drive,
    /// What its volume is known by.
    pub(super) volume: String,
    /// Its root below that volume.
    pub(super) inside: PathBuf,
    /// What is to be told of it on every run: what earlier ones found, and what no manifest has.
    pub(super) remarks: Vec<Problem>,
    /// Tasks, with places, that need no copy: the chain there is the card's, with generations added.
    pub(super) grown: Vec<(usize, usize)>,
    /// How its filesystem keeps times.
    pub(super) times: Times,
    /// When its listing ended.
    pub(super) listed: Instant,
    /// Samples of its files that the log lacks.
    pub(super) samples: HashMap<PathBuf, Fingerprint>,
    /// The histories on it, where they can be read.
    histories: Option<Arc<Histories>>,
    refused: Option<Problem>,
}

/// One destination of a card.
#[derive(Debug, Clone)]
pub struct PlannedPlace {
    /// The folder that takes the card's root.
    pub folder: PathBuf,
    /// What people call its volume.
    pub label: String,
    /// Files that are not proved there yet.
    pub files: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// The folder, it or one above it, that must be there.
    pub(super) base: PathBuf,
    /// Which filesystem stood there when it was planned.
    pub(super) filesystem: Option<u64>,
    /// The device it is on.
    pub(super) drive: Drive,
    volume: Volume,
    inside: PathBuf,
}

impl CardPlan {
    /// What is wrong with the card, and with what is on it.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.refused.iter().chain(&self.listing.problems)
    }

    /// Why it cannot be taken in.
    #[must_use]
    pub fn refusal(&self) -> Option<&Problem> {
        self.refused.as_ref()
    }

    /// Bytes that are to be read from it.
    #[must_use]
    pub fn bytes_to_read(&self) -> u64 {
        let is_open = |task: &&Task| task.is_proved.contains(&false);
        self.tasks
            .iter()
            .filter(is_open)
            .map(|task| task.item.bytes)
            .sum()
    }

    /// Its places, as the catalogue has them: noted as seen.
    pub(super) fn catalogued(&self, catalogue: &Catalogue) -> Result<Vec<(i64, PathBuf)>, Error> {
        let place = |place: &PlannedPlace| {
            Ok((
                catalogue.see_volume(&place.volume)?.id,
                place.inside.clone(),
            ))
        };
        self.places.iter().map(place).collect()
    }

    /// The folders of its copy at one of its places, which need not be there yet.
    pub(super) fn folders_at(&self, place: &PlannedPlace) -> impl Iterator<Item = PathBuf> {
        let inside = self.listing.folders.iter();
        let inside = inside.map(|(inside, _)| place.folder.join(inside));
        std::iter::once(place.folder.clone()).chain(inside)
    }

    fn refuse(&mut self, reason: String) {
        self.state = State::Refused;
        self.refused = Some(Problem::new(&self.source, reason));
    }
}

/// Plans every card of every day. A card that cannot be taken in is refused, and the others are not.
pub(super) fn all(
    request: &Request,
    catalogue: Option<&Catalogue>,
    report: &mut dyn FnMut(Event),
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
        room: Room::default(),
        grounds: Grounds::read(catalogue, request.is_system_disk_allowed)?,
        warned: HashSet::new(),
    };
    let mut plans = Vec::new();
    for day in &request.days {
        for card in &day.cards {
            if request.cancel().is_cancelled() {
                return Ok(plans);
            }
            report(Event::Listing(card.path.clone()));
            let plan = planner.plan(day, card, report)?;
            // A card that was not compared to the end may be another one.
            if request.cancel().is_cancelled() {
                return Ok(plans);
            }
            for problem in plan.problems() {
                report(Event::Problem(problem.clone()));
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
    /// Folders that cards of this batch go to.
    claimed: Vec<PathBuf>,
    room: Room,
    grounds: Grounds,
    /// Folders of which people were warned.
    warned: HashSet<PathBuf>,
}

impl Planner<'_> {
    fn plan(
        &mut self,
        day: &Day,
        card: &DayCard,
        report: &mut dyn FnMut(Event),
    ) -> Result<CardPlan, Error> {
        let source = destination::resolved(&card.path);
        let (volume, inside) = self.volumes.of(&source);
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
        let date = self.date(day, card, &listing, report);
        let said = day.to.hash.as_deref().and_then(HashKind::from_name);
        let histories = Histories::read(&source).ok().map(Arc::new);
        let on_card: Vec<HashKind> = histories.iter().flat_map(|all| all.kinds()).collect();
        let hash = said
            .or(on_card.first().copied())
            .unwrap_or(HashKind::Xxh128);
        let mut plan = CardPlan {
            card: name_of(card, &source, &volume),
            day: facts::name(date),
            facts: facts::of(day, card, date, &self.vocabulary)?,
            kinds: kinds(hash, &on_card),
            hash,
            places: Vec::new(),
            tasks: Vec::new(),
            state: State::Ready,
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
            plan.refuse("there is no file on it: is the card mounted there?".to_owned());
        } else if self.request.is_in_place {
            plan.earlier = self.earlier_in_place(&plan)?;
        } else if let Err(reason) = self.house(&mut plan, day, card, date, report)? {
            plan.refuse(reason);
        }
        Ok(plan)
    }

    /// The day that a card belongs to: what was said, else its latest footage's.
    fn date(
        &self,
        day: &Day,
        card: &DayCard,
        listing: &Listing,
        report: &mut dyn FnMut(Event),
    ) -> Date {
        if let Some(date) = day.date {
            return date;
        }
        let starts = day.starts.unwrap_or(self.request.starts);
        let Some((first, last)) = facts::dates(listing, card, starts) else {
            return shoot_date(local_now().datetime(), starts);
        };
        if first != last {
            report(Event::Warning {
                message: format!(
                    "{}: its files are of {first} to {last}; all of it is taken for {last}",
                    escape(&card.path.to_string_lossy())
                ),
                hint: "say which day it is with `--date`, or `date` in the day file".to_owned(),
            });
        }
        last
    }

    /// Finds the folders of a card, and what of it is there already; else why it cannot go there.
    fn house(
        &mut self,
        plan: &mut CardPlan,
        day: &Day,
        card: &DayCard,
        date: Date,
        report: &mut dyn FnMut(Event),
    ) -> Result<Result<(), String>, Error> {
        if day.to.folders.is_empty() {
            let reason =
                "it is not said where to copy it: `--to FOLDER`, or `[to] folders` in the day file";
            return Ok(Err(reason.to_owned()));
        }
        for template in &day.to.folders {
            if let Some((reason, hint)) = destination::refused(&template.base()) {
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
        for number in 1..=MOST_OF_A_NAME {
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
            let away = |folder: &PathBuf| destination::away(folder, self.catalogue?);
            let is_checked = !self.request.is_system_disk_allowed;
            if is_checked && let Some((reason, hint)) = folders.iter().find_map(away) {
                return Ok(Err(format!("{reason}; {hint}")));
            }
            if let Some(reason) = destination::overlap(&folders, &plan.source) {
                return Ok(Err(reason));
            }
            if let Err(reason) = self.stand(&typed, &folders, report) {
                return Ok(Err(reason));
            }
            let earlier = match self.owner(&folders, plan, &mut contents, report)? {
                Owner::Other if is_named => continue,
                Owner::Other | Owner::Nobody => None,
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
            "there are {MOST_OF_A_NAME} cards of its name there"
        )))
    }

    fn earlier_in_place(&self, plan: &CardPlan) -> Result<Option<Ingest>, Error> {
        let Some(catalogue) = self.catalogue else {
            return Ok(None);
        };
        let is_it = |told: &NewIngest| {
            told.is_in_place && told.source == plan.source && told.day == plan.day
        };
        let mut all = catalogue.ingests()?.into_iter();
        Ok(all.find(|ingest| is_it(&ingest.details)))
    }

    /// What is to be done in the folders that were found, if there is room for it.
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
                let (volume, inside) = self.volumes.of(folder);
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
            let (volume, inside) = self.volumes.of(folder);
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
            let mut task = task::of(item, file, &kept, &numbers, plan.hash);
            if doubted.contains(&item.inside) {
                task.is_doubted = true;
                task.is_proved.fill(false);
            }
            // What is to be in a manifest is read again where that needs more hashes.
            let histories = plan.histories.as_deref();
            if is_sealed.contains(&false)
                && histories.is_some_and(|all| seal::lacks_hashes(&task, all, plan.hash))
            {
                task.known = None;
                let unsealed = task.is_proved.iter_mut().zip(&is_sealed);
                unsealed.for_each(|(is_proved, is_sealed)| *is_proved &= *is_sealed);
            }
            for (at, folder) in folders.iter().enumerate() {
                let there = folder.join(&item.inside);
                let is_grown = !task.is_proved[at]
                    && mhl::is_chain(&item.inside)
                    && mhl::has_grown(&there, &plan.source.join(&item.inside));
                if is_grown {
                    task.is_proved[at] = true;
                    plan.grown.push((plan.tasks.len(), at));
                }
                let copy = file.zip(numbers[at]);
                let copy = copy.and_then(|(file, number)| file.copies.get(number)?.as_ref());
                let problem = copy.and_then(|copy| copy.problem.as_ref());
                if let Some(problem) = problem.filter(|_| task.is_proved[at]) {
                    plan.remarks.push(Problem::new(&there, problem.clone()));
                }
            }
            for (place, _) in plan
                .places
                .iter_mut()
                .zip(&task.is_proved)
                .filter(|(_, is)| !**is)
            {
                place.files += 1;
                place.bytes += item.bytes;
            }
            plan.tasks.push(task);
        }
        if plan.places.iter().all(|place| place.files == 0) && !plan.listing.is_cut {
            plan.state = State::Known;
        }
        let needs: Vec<Need<'_>> = plan.places.iter().map(|place| need(place, plan)).collect();
        if let Err(reason) = self.room.take_all(&needs) {
            return Ok(Err(reason));
        }
        drop(needs);
        self.claimed.extend(folders);
        Ok(Ok(()))
    }
}

/// The kinds of hashes to compute, each once: the first proves copies.
fn kinds(hash: HashKind, others: &[HashKind]) -> Vec<HashKind> {
    let mut kinds = vec![hash];
    for kind in [HashKind::Xxh128].iter().chain(others) {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    kinds
}

/// What is left to be written at a place: what stands there already is only compared.
fn need<'a>(place: &'a PlannedPlace, plan: &CardPlan) -> Need<'a> {
    let at = plan
        .places
        .iter()
        .position(|other| other.folder == place.folder);
    let is_open = |task: &&Task| at.is_some_and(|at| !task.is_proved[at]);
    let path = |task: &Task| place.folder.join(&task.item.inside);
    let is_absent = |task: &&Task| path(task).symlink_metadata().is_err();
    let (mut files, mut bytes) = (0, 0);
    for task in plan.tasks.iter().filter(is_open).filter(is_absent) {
        files += 1;
        bytes += task.item.bytes;
    }
    // What an ingest that was killed left unfinished makes room.
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

/// What a card is called: as it was said, else by its own label, else by its folder.
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
