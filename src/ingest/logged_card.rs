//! Entries of cards in the ingest log, made or resumed before copying.

use super::card_plan::{CardPlan, CardState};
use super::request::Request;
use crate::catalogue::{Catalogue, Finding, IngestPlace, NewIngest};
use crate::error::Error;

/// Card with its entries in the ingest log.
pub(super) struct LoggedCard {
    /// Id of its ingest.
    pub(super) ingest: i64,
    /// True if this ingest resumes an earlier one that had other shoot facts.
    pub(super) facts_changed: bool,
    /// Ids of its files, in the order of the tasks.
    pub(super) files: Vec<i64>,
    /// Numbers of its destinations in the log, in the order of the plan.
    pub(super) destination_numbers: Vec<usize>,
    /// Per destination: true if an earlier run wrote a manifest there.
    pub(super) is_sealed: Vec<bool>,
}

/// Records in the catalogue that the ingest of each accepted card begins or is resumed.
pub(super) fn begin(
    plans: &[CardPlan],
    request: &Request,
    catalogue: &Catalogue,
) -> Result<Vec<Option<LoggedCard>>, Error> {
    let begin_card = |plan: &CardPlan| {
        if plan.state == CardState::Refused {
            return Ok(None);
        }
        let new_ingest = NewIngest {
            day: plan.day.clone(),
            card: plan.card.clone(),
            source: plan.source.clone(),
            volume: plan.volume.clone(),
            inside: plan.inside.clone(),
            is_in_place: request.is_in_place,
            hash: plan.hash,
            author: request.author.clone(),
            facts: plan.facts.clone(),
        };
        let destinations = plan.locate_destinations(catalogue)?;
        let earlier = plan.earlier.as_ref();
        let facts_changed =
            earlier.is_some_and(|earlier| earlier.details.facts != new_ingest.facts);
        let (ingest, numbers) = if let Some(earlier) = earlier {
            let numbers = catalogue.resume_ingest(earlier.id, &new_ingest, &destinations)?;
            (earlier.id, numbers)
        } else {
            let ingest = catalogue.begin_ingest(&new_ingest, &destinations)?;
            (ingest, (0..destinations.len()).collect())
        };
        let files = plan.tasks.iter().map(|task| {
            let item = &task.item;
            (item.inside.as_path(), item.bytes, item.modified)
        });
        // If the manifest was deleted, a new one is written.
        let is_sealed = |number: &usize| {
            let logged = earlier.and_then(|earlier| earlier.places.get(*number));
            logged.is_some_and(IngestPlace::has_manifest)
        };
        let files = catalogue.list_ingested(ingest, files)?;
        let sampled = plan.tasks.iter().zip(&files).filter_map(|(task, file)| {
            let sample = plan.samples.get(&task.item.inside)?;
            Some(Finding::Sampled(*file, *sample))
        });
        catalogue.record_findings(&sampled.collect::<Vec<_>>())?;
        Ok(Some(LoggedCard {
            ingest,
            is_sealed: numbers.iter().map(is_sealed).collect(),
            facts_changed,
            files,
            destination_numbers: numbers,
        }))
    };
    plans.iter().map(begin_card).collect()
}
