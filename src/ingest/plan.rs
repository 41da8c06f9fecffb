//! Planning of an ingest: the contents of each card, its destinations and the existing copies.

mod folder_claim;
mod planner;
mod tasks;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use jiff::civil::Date;

use super::card_contents::Contents;
use super::card_history::FolderClaim;
use super::card_plan::{CardPlan, CardState};
use super::event::Event;
use super::ingest_run::IngestRun;
use super::{destination, shoot_facts, skipped};
use crate::catalogue::Catalogue;
use crate::checksum::HashKind;
use crate::error::{Error, escape};
use crate::mhl::Histories;
use crate::offload::{EMPTY_CARD, Listing, list};
use crate::shoot_day::{Day, DayCard, Placeholder, shoot_date};
use crate::value::local_now;
use crate::volume::{Volume, Volumes};
use planner::{PlanStop, Planner};
use tasks::hash_kinds;

/// Maximum number of cards with the same name.
const MAX_SAME_NAME: usize = 999;

/// Plans every card of every day. A card that cannot be ingested is refused without affecting others.
pub(super) fn plan_all(
    run: &mut IngestRun<'_>,
    catalogue: Option<&Catalogue>,
) -> Result<Vec<CardPlan>, Error> {
    let mounted;
    let volumes = if let Some(catalogue) = catalogue {
        catalogue.volumes()
    } else {
        mounted = Volumes::mounted();
        &mounted
    };
    let request = run.request;
    let mut planner = Planner::new(run, catalogue, volumes)?;
    let mut plans = Vec::new();
    for day in &request.days {
        for card in &day.cards {
            if planner.run.is_cancelled() {
                return Ok(plans);
            }
            planner.run.report(Event::Listing(card.path.clone()));
            let plan = planner.plan(day, card)?;
            // After an interrupted comparison, it is unknown whether this is another card.
            if planner.run.is_cancelled() {
                return Ok(plans);
            }
            for problem in plan.problems() {
                planner.run.report(Event::Problem(problem.clone()));
            }
            plans.push(plan);
        }
    }
    Ok(plans)
}

impl Planner<'_, '_> {
    fn plan(&mut self, day: &Day, card: &DayCard) -> Result<CardPlan, Error> {
        let source = destination::resolve_links(&card.path);
        let (volume, inside) = self.volumes.locate(&source);
        let listed = list(&source, &|| self.run.is_cancelled());
        let (listing, fault) = match listed {
            Ok(mut listing) => {
                listing.report_unreadable();
                listing.leave_out_unfinished(&source, skipped::UNFINISHED);
                (listing, None)
            }
            Err(error) => (Listing::default(), Some(error.to_string())),
        };
        let listed = Instant::now();
        let date = self.shoot_date_of(day, card, &listing);
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
            plan.refuse(EMPTY_CARD.to_owned());
        } else if self.run.request.is_in_place {
            plan.earlier = self.earlier_in_place(&plan)?;
        } else {
            match self.assign_folders(&mut plan, day, card, date) {
                Ok(()) => {}
                Err(PlanStop::Refused(reason)) => plan.refuse(reason),
                Err(PlanStop::Failed(error)) => return Err(error),
            }
        }
        Ok(plan)
    }

    /// Returns the shoot date of a card: the requested date, or else the date of its newest files.
    fn shoot_date_of(&mut self, day: &Day, card: &DayCard, listing: &Listing) -> Date {
        if let Some(date) = day.date {
            return date;
        }
        let starts = day.starts.unwrap_or(self.run.request.starts);
        let Some((first, last)) = shoot_facts::shoot_dates(listing, card, starts) else {
            return shoot_date(local_now().datetime(), starts);
        };
        if first != last {
            self.run.report(Event::Warning {
                message: format!(
                    "{}: its files are dated {first} to {last}; all are assigned to {last}",
                    escape(&card.path.to_string_lossy())
                ),
                hint: "set the day with `--date`, or `date` in the day file".to_owned(),
            });
        }
        last
    }

    /// Assigns destination folders to a card and plans its tasks. If another card has the same name,
    /// appends a number.
    fn assign_folders(
        &mut self,
        plan: &mut CardPlan,
        day: &Day,
        card: &DayCard,
        date: Date,
    ) -> Result<(), PlanStop> {
        if day.to.folders.is_empty() {
            let reason = "no destination: use --to FOLDER, or `[to] folders` in the day file";
            return Err(PlanStop::Refused(reason.to_owned()));
        }
        for template in &day.to.folders {
            if let Some((reason, hint)) = destination::missing_base(&template.base()) {
                return Err(PlanStop::Refused(format!("{reason}; {hint}")));
            }
        }
        let is_named = day
            .to
            .folders
            .iter()
            .any(|folder| folder.uses(Placeholder::Card));
        let base_name = plan.card.clone();
        let (source, listing) = (plan.source.clone(), plan.listing.clone());
        let readers = plan.drive.kind.readers(self.run.request.scan.jobs);
        let mut contents = Contents::new(&source, &listing, readers);
        for number in 1..=MAX_SAME_NAME {
            let name = match number {
                1 => base_name.clone(),
                number => format!("{base_name}-{number}"),
            };
            let filled = FilledFolders::new(day, card, &name, date)?;
            self.check_folders(&filled, &plan.source)?;
            let folders = filled.resolved;
            let earlier = match self.find_claim(&folders, plan, &mut contents)? {
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
        Err(PlanStop::Refused(format!(
            "the destination already has {MAX_SAME_NAME} cards of that name"
        )))
    }

    /// Checks the volumes and disks of destination folders, and that none overlaps with another or
    /// with the card.
    fn check_folders(&mut self, filled: &FilledFolders, source: &Path) -> Result<(), PlanStop> {
        let folders = &filled.resolved;
        let unmounted = |folder: &PathBuf| destination::unmounted(folder, self.catalogue?);
        let is_checked = !self.run.request.is_system_disk_allowed;
        if is_checked && let Some((reason, hint)) = folders.iter().find_map(unmounted) {
            return Err(PlanStop::Refused(format!("{reason}; {hint}")));
        }
        if let Some(reason) = destination::find_overlap(folders, source) {
            return Err(PlanStop::Refused(reason));
        }
        self.check_disks(&filled.typed, folders)
            .map_err(PlanStop::Refused)
    }
}

/// Destination folders of a card, with their placeholders filled in.
struct FilledFolders {
    /// Absolute paths as typed.
    typed: Vec<PathBuf>,
    /// Paths with links resolved.
    resolved: Vec<PathBuf>,
}

impl FilledFolders {
    fn new(day: &Day, card: &DayCard, name: &str, date: Date) -> Result<Self, PlanStop> {
        let mut values = day.values(card, Some(name));
        values.card = Some(name);
        values.date = Some(date);
        let (mut typed, mut resolved) = (Vec::new(), Vec::new());
        for template in &day.to.folders {
            let folder = template.fill(&values).map_err(|unfilled| {
                PlanStop::Refused(format!("{unfilled}; {}", unfilled.hint()))
            })?;
            resolved.push(destination::resolve_links(&folder));
            typed.push(std::path::absolute(&folder).unwrap_or(folder));
        }
        Ok(Self { typed, resolved })
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
