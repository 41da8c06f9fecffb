//! Section about the ingested cards and the copies of clips.

use maud::{Markup, html};

use super::markup::{escape_text, escape_truncated};
use super::overview::chart;
use crate::catalogue::{Ingest, IngestPlace};
use crate::report::{ShootReport, totals};
use crate::value::{Bytes, counted, format_unix_seconds, grouped};

pub(super) fn cards(report: &ShootReport) -> Markup {
    let volumes = totals::by_volume(report);
    let left = report
        .shots
        .iter()
        .filter(|shot| shot.card.is_none())
        .count();
    html! {
        section aria-labelledby="cards-title" {
            h2 id="cards-title" { "Cards and copies" }
            @if !report.cards.is_empty() {
                div.cards { @for ingest in &report.cards { (card(ingest)) } }
            }
            @if left > 0 {
                p.more {
                    @if left == report.shots.len() {
                        "No clip was ingested, so the cards are unknown. The copies were found by scans."
                    } @else {
                        (counted(left, "clip")) " not ingested from a card. Their copies were found by scans."
                    }
                }
            }
            div.charts { (chart("Volumes", "volume", &volumes)) }
            p.more { (comparison_summary(report)) }
        }
    }
}

/// Describes how thoroughly the copies were compared.
fn comparison_summary(report: &ShootReport) -> String {
    let several = |shot: &&crate::report::Shot| shot.copies.volumes > 1;
    let all = report.shots.iter().filter(several).count();
    let verified = report.shots.iter().filter(several);
    let verified = verified.filter(|shot| shot.copies.verified >= shot.copies.volumes);
    let verified = verified.count();
    if all == 0 {
        return "No clip is known to be on more than one volume.".to_owned();
    }
    let clips = counted(all, "clip");
    match verified {
        0 => format!("{clips} on more than one volume; the copies were compared by samples only."),
        _ if verified == all => {
            format!("{clips} on more than one volume; all copies were compared by full hash.")
        }
        _ => format!(
            "{clips} on more than one volume: {} with all copies compared by full hash, the rest by samples only.",
            grouped(verified)
        ),
    }
}

fn card(ingest: &Ingest) -> Markup {
    let facts = &ingest.details;
    html! {
        div.card {
            h3 { bdi { (escape_truncated(&facts.card, 80)) } }
            p {
                @if facts.is_in_place {
                    "Catalogued in place"
                } @else {
                    (counted(ingest.files, "file")) ", " (Bytes(ingest.bytes)) ", by " (facts.hash)
                }
                ". Started " span.tc { (time(ingest.begun)) } " UTC by " bdi { (escape_text(&facts.author)) }
                @match ingest.ended {
                    Some(ended) => { ", finished " span.tc { (time(ended)) } "." }
                    None => { ", " strong { "not finished" } "." }
                }
            }
            ul { @for place in &ingest.places { li { (copy(ingest, place)) } } }
            @if ingest.unread > 0 {
                p.fault { (counted(ingest.unread, "file")) " could not be read from the card." }
            }
            @for problem in ingest.problems.iter().take(20) {
                p.fault { bdi { (escape_text(&problem.path.to_string_lossy())) } ": " (escape_text(&problem.reason)) }
            }
        }
    }
}

fn copy(ingest: &Ingest, place: &IngestPlace) -> Markup {
    let is_whole = place.verified == ingest.files && place.bad == 0;
    html! {
        strong { bdi { (escape_text(&place.label)) } } " "
        span.path { bdi { (escape_text(&place.folder.to_string_lossy())) } }
        br;
        span class=(if is_whole { "well" } else { "fault" }) {
            (grouped(place.verified)) " of " (counted(ingest.files, "file")) " verified"
        }
        @if place.bad > 0 { ", " span.fault { (grouped(place.bad)) " altered, missing or not copied" } }
        @if let Some(oldest) = place.oldest { ", oldest check " span.tc { (time(oldest)) } }
        @if let Some(how) = &place.how { ", " (how) }
        @match &place.manifest {
            Some(manifest) => { "; manifest " span.path { (escape_text(&manifest.to_string_lossy())) } }
            None => { "; no manifest" }
        }
        @if let Some(problem) = &place.problem { "; " span.fault { (escape_text(problem)) } }
    }
}

fn time(seconds: i64) -> String {
    let text = format_unix_seconds(seconds).unwrap_or_default();
    text.get(..16)
        .map_or(text.clone(), |text| text.replace('T', " "))
}
