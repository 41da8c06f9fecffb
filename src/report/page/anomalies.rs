//! Anomaly section: one list per kind, with links to the clips.

use maud::{Markup, html};

use super::markup::{escape_text, link};
use crate::report::ShootReport;
use crate::report::anomalies::{Anomaly, AnomalyKind, Severity};
use crate::value::counted;

/// Number of clips listed per kind; the user can unfold more.
const LISTED: usize = 8;
/// Maximum number of unfolded clips per kind. Further anomalies are shown only with their clips.
const MAX_LISTED: usize = 400;

pub(super) fn section(report: &ShootReport, anomalies: &[Anomaly]) -> Markup {
    html! {
        section id="odd" aria-labelledby="odd-title" {
            h2 id="odd-title" { "Anomalies" }
            @if anomalies.is_empty() {
                p.well { "None found." }
            }
            div.findings {
                @for anomalies in anomalies.chunk_by(|a, b| a.kind == b.kind) {
                    (of_kind(report, anomalies))
                }
            }
        }
    }
}

fn of_kind(report: &ShootReport, anomalies: &[Anomaly]) -> Markup {
    let Some(kind) = anomalies.first().map(|anomaly| anomaly.kind) else {
        return html! {};
    };
    let is_most = anomalies.len() * 2 > report.shots.len() && anomalies.len() > LISTED;
    let (first, rest) = anomalies.split_at(anomalies.len().min(LISTED));
    html! {
        div class={ "finding " (class(kind.severity())) } {
            h3 { (kind.title()) span.count { (counted(anomalies.len(), "clip")) } }
            p.advice { (advice(kind)) }
            @if is_most && have_same_text(anomalies) {
                p { "All of them: " (escape_text(&first[0].text)) "." }
            } @else {
                (list(report, first))
                @if !rest.is_empty() {
                    details {
                        summary { "and " (counted(rest.len(), "more clip")) }
                        (list(report, &rest[..rest.len().min(MAX_LISTED)]))
                        @if rest.len() > MAX_LISTED {
                            p.more { "The others are listed with their clips." }
                        }
                    }
                }
            }
        }
    }
}

fn have_same_text(anomalies: &[Anomaly]) -> bool {
    anomalies
        .windows(2)
        .all(|pair| pair[0].text == pair[1].text)
}

fn list(report: &ShootReport, anomalies: &[Anomaly]) -> Markup {
    html! {
        ul {
            @for anomaly in anomalies {
                li { (link(report, anomaly.shot)) " " span { (escape_text(&anomaly.text)) } }
            }
        }
    }
}

pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Fault => "fault",
        Severity::Check => "look",
        Severity::Note => "note",
    }
}

fn advice(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Unreadable => "Copy the card again before formatting it.",
        AnomalyKind::CopiesDiffer => "At least one copy differs from what the camera wrote.",
        AnomalyKind::NoCopy => {
            "An earlier scan found its files; they may have been moved or deleted since."
        }
        AnomalyKind::OneCopy => {
            "All known copies are on one volume: make another before formatting the card."
        }
        AnomalyKind::Gap => "Deleted in the camera, or not copied from the card.",
        AnomalyKind::Silent => "Other clips of the same camera have sound.",
        AnomalyKind::Rate | AnomalyKind::Size => "Changed by mistake, or on purpose?",
        AnomalyKind::Clock => "The camera clock was not set, or set incorrectly.",
        AnomalyKind::HighRate => "Probably shot for slow motion.",
        AnomalyKind::CameraRate => "All clips of the camera have it, so it is probably intended.",
        AnomalyKind::NoClock => "The camera stored no time in the file.",
    }
}
