//! Ingests as text and JSON: the plan of a dry run, the summary of an ingest, and the ingest log.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::format::{RowColumn, RowListing};
use crate::catalogue::{CopyFound, CopyState, Ingest, Ingested};
use crate::error::{Problem, escape};
use crate::ingest::{CardPlan, CardState, Summary};
use crate::media;
use crate::value::{Bytes, counted, format_unix_seconds, grouped, rounded_seconds};

/// Maximum number of problems that are listed; the others are only counted.
const MAX_LISTED: usize = 200;

/// Writes the plan of a dry run as text.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_plan(plans: &[CardPlan], out: &mut dyn Write) -> io::Result<()> {
    for plan in plans {
        let listing = &plan.listing;
        writeln!(
            out,
            "{}  {}  {}, {}  {}",
            escape(&plan.card),
            plan.day,
            counted(listing.files.len(), "file"),
            Bytes(listing.bytes()),
            escape(&plan.source.to_string_lossy())
        )?;
        if let Some(refusal) = plan.refusal() {
            writeln!(out, "    cannot be ingested: {}", escape(&refusal.reason))?;
            continue;
        }
        for (field, text) in facts_of(plan) {
            writeln!(out, "    {field}: {}", escape(&text))?;
        }
        for destination in &plan.destinations {
            let work = match destination.files {
                0 => "complete and verified".to_owned(),
                files => format!(
                    "{}, {} to verify",
                    counted(files, "file"),
                    Bytes(destination.bytes)
                ),
            };
            writeln!(
                out,
                "    -> {} on {}: {work}, {}",
                escape(&destination.folder.to_string_lossy()),
                escape(&destination.label),
                plan.hash
            )?;
        }
        for folder in &listing.left_out {
            writeln!(out, "    skipped: {}", escape(&folder.to_string_lossy()))?;
        }
        for problem in &listing.problems {
            writeln!(
                out,
                "    {}: {}",
                escape(&problem.path.to_string_lossy()),
                escape(&problem.reason)
            )?;
        }
    }
    Ok(())
}

fn facts_of(plan: &CardPlan) -> Vec<(&'static str, String)> {
    let fields = crate::clip::FIELDS.iter();
    fields
        .filter_map(|field| Some((field.name, (field.text)(&plan.facts)?)))
        .collect()
}

/// Returns the plan of one card as JSON.
#[must_use]
pub fn plan_json(plan: &CardPlan) -> Value {
    let facts: serde_json::Map<String, Value> = facts_of(plan)
        .into_iter()
        .map(|(field, text)| (field.to_owned(), text.into()))
        .collect();
    json!({
        "event": "plan",
        "card": plan.card,
        "source": plan.source.to_string_lossy(),
        "day": plan.day,
        "state": match plan.state {
            CardState::Ready => "ready",
            CardState::Known => "known",
            CardState::Refused => "refused",
        },
        "reason": plan.refusal().map(|refusal| &refusal.reason),
        "files": plan.listing.files.len(),
        "bytes": plan.listing.bytes(),
        "bytes_to_read": plan.bytes_to_read(),
        "hash": plan.hash.name(),
        "facts": facts,
        "places": plan.destinations.iter().map(|destination| json!({
            "folder": destination.folder.to_string_lossy(),
            "volume": destination.label,
            "files_to_verify": destination.files,
            "bytes_to_verify": destination.bytes,
        })).collect::<Vec<_>>(),
        "problems": plan.listing.problems.iter().map(problem_json).collect::<Vec<_>>(),
    })
}

fn problem_json(problem: &Problem) -> Value {
    json!({ "path": problem.path.to_string_lossy(), "reason": problem.reason })
}

/// Writes the summary of an ingest as text.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_ingest_summary(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let verb = if summary.is_interrupted {
        "interrupted after"
    } else {
        "ingested"
    };
    writeln!(
        out,
        "{verb} {} of {}, {}, {} in {:.1} s",
        grouped(summary.complete),
        counted(summary.cards, "card"),
        counted(summary.files, "file"),
        Bytes(summary.bytes),
        summary.elapsed.as_secs_f64()
    )?;
    let new = summary.scanned.as_ref().map_or(0, |scan| scan.new);
    for (count, singular, plural, rest) in [
        (
            summary.known,
            "card",
            "cards",
            " already ingested (same sizes, times and samples of the files); `btsindex verify` reads the copies again",
        ),
        (summary.copied, "copy", "copies", " written and verified"),
        (
            summary.already_there,
            "identical copy",
            "identical copies",
            " existed already",
        ),
        (summary.manifests.len(), "manifest", "manifests", " written"),
        (new, "new clip", "new clips", " in the catalogue"),
        (summary.problems.len(), "problem", "problems", ""),
        (
            summary.unreadable.len(),
            "file",
            "files",
            " copied, but not readable as footage",
        ),
    ] {
        if count > 0 {
            let what = if count == 1 { singular } else { plural };
            writeln!(out, "{:>9}  {what}{rest}", grouped(count))?;
        }
    }
    if let Some(how) = summary.how {
        writeln!(out, "           copies were read back: {}", how.name())?;
    }
    for problem in summary
        .problems
        .iter()
        .chain(&summary.unreadable)
        .take(MAX_LISTED)
    {
        let path = problem.path.to_string_lossy();
        writeln!(
            out,
            "           {}: {}",
            escape(&path),
            escape(&media::explain_problem(&problem.reason))
        )?;
    }
    let all = summary.problems.len() + summary.unreadable.len();
    if all > MAX_LISTED {
        writeln!(out, "           and {} more", grouped(all - MAX_LISTED))?;
    }
    if summary.is_interrupted || summary.complete < summary.cards {
        writeln!(out, "run the same command to resume")?;
    }
    Ok(())
}

/// Returns the summary of an ingest as JSON.
#[must_use]
pub fn ingest_summary_json(summary: &Summary) -> Value {
    json!({
        "event": "summary",
        "cards": summary.cards,
        "complete": summary.complete,
        "known": summary.known,
        "files": summary.files,
        "bytes": summary.bytes,
        "copied": summary.copied,
        "bytes_copied": summary.copied_bytes,
        "already_there": summary.already_there,
        "read_back": summary.how.map(crate::offload::ReadMethod::name),
        "manifests": summary.manifests.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "outside_manifests": summary.outside,
        "problems": summary.problems.iter().map(problem_json).collect::<Vec<_>>(),
        "unreadable": summary.unreadable.iter().map(problem_json).collect::<Vec<_>>(),
        "interrupted": summary.is_interrupted,
        "seconds": rounded_seconds(summary.elapsed),
        "seconds_copying": rounded_seconds(summary.copying),
    })
}

/// Formats a Unix time to the minute, in UTC: `2026-05-02 14:00`.
fn format_time(seconds: i64) -> String {
    let text = format_unix_seconds(seconds).unwrap_or_default();
    text.get(..16)
        .map_or(text.clone(), |text| text.replace('T', " "))
}

/// Lists the ingest log, one row per ingest.
#[must_use]
pub fn ingest_listing(ingests: &[Ingest]) -> RowListing<'_, &Ingest> {
    let copied = |ingest: &Ingest, text: String| {
        if ingest.details.is_in_place {
            String::new()
        } else {
            text
        }
    };
    let columns = vec![
        RowColumn::new("ingest", |ingest: &&Ingest| json!(ingest.id))
            .shown("no", |ingest| ingest.id.to_string()),
        RowColumn::new("begun", |ingest: &&Ingest| {
            json!(format_unix_seconds(ingest.begun))
        })
        .shown("started (UTC)", |ingest| format_time(ingest.begun)),
        RowColumn::new("day", |ingest: &&Ingest| json!(ingest.details.day))
            .shown("day", |ingest| ingest.details.day.clone()),
        RowColumn::new("card", |ingest: &&Ingest| json!(ingest.details.card))
            .shown("card", |ingest| escape(&ingest.details.card)),
        RowColumn::new("source", |ingest: &&Ingest| {
            json!(ingest.details.source.to_string_lossy())
        }),
        RowColumn::new("files", |ingest: &&Ingest| json!(ingest.files))
            .shown("files", move |ingest| copied(ingest, grouped(ingest.files))),
        RowColumn::new("bytes", |ingest: &&Ingest| json!(ingest.bytes))
            .shown("bytes", move |ingest| {
                copied(ingest, Bytes(ingest.bytes).to_string())
            }),
        RowColumn::new("hash", |ingest: &&Ingest| json!(ingest.details.hash.name()))
            .shown("hash", move |ingest| {
                copied(ingest, ingest.details.hash.to_string())
            }),
        RowColumn::new("copies", |ingest: &&Ingest| json!(copies(ingest)))
            .shown("copies", |ingest| copies(ingest).join(", ")),
        RowColumn::new("state", |ingest: &&Ingest| json!(state_name(ingest)))
            .shown("state", |ingest| state_name(ingest).to_owned()),
        RowColumn::new("author", |ingest: &&Ingest| json!(ingest.details.author)),
    ];
    RowListing::new(columns, ingests.iter().map(Ok)).object(|ingest| ingest_json(ingest, None))
}

/// Lists the destinations of an ingest: `6 of 6 on RAID-A`.
fn copies(ingest: &Ingest) -> Vec<String> {
    let copies = ingest.places.iter().map(|destination| {
        format!(
            "{} of {} on {}",
            grouped(destination.verified),
            grouped(ingest.files),
            escape(&destination.label)
        )
    });
    copies.collect()
}

fn state_name(ingest: &Ingest) -> &'static str {
    let is_incomplete = ingest
        .places
        .iter()
        .any(|destination| destination.verified < ingest.files);
    match ingest.ended {
        None => "not finished",
        Some(_) if ingest.details.is_in_place => "in place",
        Some(_) if is_incomplete || !ingest.problems.is_empty() => "with problems",
        Some(_) => "verified",
    }
}

/// Writes all details of one ingest, with its files if given.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_ingest_details(
    ingest: &Ingest,
    files: Option<&[Ingested]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let details = &ingest.details;
    writeln!(
        out,
        "{}  {}  {}",
        escape(&details.card),
        details.day,
        state_name(ingest)
    )?;
    writeln!(
        out,
        "    from {}",
        escape(&details.source.to_string_lossy())
    )?;
    writeln!(
        out,
        "    started {} by {}",
        format_time(ingest.begun),
        escape(&details.author)
    )?;
    if let Some(ended) = ingest.ended {
        writeln!(out, "    ended {}", format_time(ended))?;
    }
    if !details.is_in_place {
        writeln!(
            out,
            "    {}, {}, {}",
            counted(ingest.files, "file"),
            Bytes(ingest.bytes),
            details.hash
        )?;
    }
    for destination in &ingest.places {
        let offline = if destination.is_mounted {
            ""
        } else {
            ", not mounted"
        };
        writeln!(
            out,
            "    -> {} on {}{offline}",
            escape(&destination.folder.to_string_lossy()),
            escape(&destination.label)
        )?;
        let verified = format!(
            "{} of {} verified",
            grouped(destination.verified),
            grouped(ingest.files)
        );
        let oldest = destination.oldest.map_or_else(String::new, |at| {
            format!(", oldest verification {}", format_time(at))
        });
        let how = destination
            .how
            .as_deref()
            .map_or_else(String::new, |how| format!(", {how}"));
        writeln!(out, "       {verified}{oldest}{how}")?;
        if let Some(manifest) = &destination.manifest {
            writeln!(out, "       {}", escape(&manifest.to_string_lossy()))?;
        }
        if let Some(problem) = &destination.problem {
            writeln!(out, "       {}", escape(problem))?;
        }
    }
    for problem in ingest.problems.iter().take(MAX_LISTED) {
        writeln!(
            out,
            "    {}: {}",
            escape(&problem.path.to_string_lossy()),
            escape(&problem.reason)
        )?;
    }
    for file in files.into_iter().flatten() {
        let hash = file
            .digest
            .as_ref()
            .map_or_else(|| "not read".to_owned(), ToString::to_string);
        let copies: Vec<&str> = file
            .copies
            .iter()
            .map(|copy| copy_state(copy.as_ref()))
            .collect();
        writeln!(
            out,
            "{hash}  {:>12}  {}  {}",
            file.bytes,
            copies.join(", "),
            escape(&file.inside.to_string_lossy())
        )?;
    }
    Ok(())
}

fn copy_state(copy: Option<&CopyFound>) -> &'static str {
    match copy.map(|copy| copy.state) {
        None => "unknown",
        Some(CopyState::Verified) => "verified",
        Some(CopyState::Altered) => "altered",
        Some(CopyState::Missing) => "missing",
        Some(CopyState::NotCopied) => "not copied",
        Some(CopyState::Unread) => "could not be read",
    }
}

/// Returns one ingest as JSON, with its files if given.
#[must_use]
pub fn ingest_json(ingest: &Ingest, files: Option<&[Ingested]>) -> Value {
    let details = &ingest.details;
    let at = format_unix_seconds;
    json!({
        "ingest": ingest.id,
        "day": details.day,
        "card": details.card,
        "source": details.source.to_string_lossy(),
        "in_place": details.is_in_place,
        "hash": details.hash.name(),
        "author": details.author,
        "begun": at(ingest.begun),
        "ended": ingest.ended.and_then(at),
        "state": state_name(ingest),
        "files": ingest.files,
        "bytes": ingest.bytes,
        "unread": ingest.unread,
        "problems": ingest.problems.iter().map(problem_json).collect::<Vec<_>>(),
        "places": ingest.places.iter().map(|destination| json!({
            "folder": destination.folder.to_string_lossy(),
            "volume": destination.label,
            "mounted": destination.is_mounted,
            "verified": destination.verified,
            "bytes_verified": destination.bytes,
            "first_verified": destination.oldest.and_then(at),
            "read_back": destination.how,
            "not_verified": destination.bad,
            "manifest": destination.manifest.as_ref().map(|path| path.to_string_lossy()),
            "problem": destination.problem,
        })).collect::<Vec<_>>(),
        "copies": files.map(|files| files.iter().map(|file| json!({
            "path": file.inside.to_string_lossy(),
            "bytes": file.bytes,
            "digest": file.digest.as_ref().map(ToString::to_string),
            "xxh128": file.xxh128.as_ref().map(ToString::to_string),
            "problem": file.problem,
            "copies": file.copies.iter().map(|copy| json!({
                "state": copy_state(copy.as_ref()),
                "at": copy.as_ref().and_then(|copy| at(copy.at)),
                "read_back": copy.as_ref().and_then(|copy| copy.how.as_ref()),
                "problem": copy.as_ref().and_then(|copy| copy.problem.as_ref()),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>()),
    })
}
