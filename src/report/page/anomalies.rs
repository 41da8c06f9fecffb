//! Section of anomalies, by kind, with links to the clips.

use maud::{Markup, html};

use super::{link, shown};
use crate::output::counted;
use crate::report::ShootReport;
use crate::report::anomalies::{Anomaly, AnomalyKind, Severity};

/// Clips listed per kind; the user can unfold more.
const LISTED: usize = 8;
/// Maximum number of unfolded clips; the clips themselves show the rest.
const MAX_LISTED: usize = 400;

pub(super) fn section(report: &ShootReport, anomalies: &[Anomaly]) -> Markup {
    html! {
        section id="odd" aria-labelledby="odd-title" {
            h2 id="odd-title" { "What is odd" }
            @if anomalies.is_empty() {
                p.well { "Nothing that could be found." }
            }
            div.findings {
                @for anomalies in anomalies.chunk_by(|one, next| one.kind == next.kind) {
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
                p { "Each of them: " (shown(&first[0].text)) "." }
            } @else {
                (list(report, first))
                @if !rest.is_empty() {
                    details {
                        summary { "and " (counted(rest.len(), "more clip")) }
                        (list(report, &rest[..rest.len().min(MAX_LISTED)]))
                        @if rest.len() > MAX_LISTED {
                            p.more { "Further ones are told where the clips are." }
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
                li { (link(report, anomaly.shot)) " " span { (shown(&anomaly.text)) } }
            }
        }
    }
}

pub(super) fn class(gravity: Severity) -> &'static str {
    match gravity {
        Severity::Fault => "fault",
        Severity::Look => "look",
        Severity::Note => "note",
    }
}

fn advice(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Unreadable => "Copy the card again before it is formatted.",
        AnomalyKind::Differs => "One of the copies is not what the camera wrote.",
        AnomalyKind::Gone => "It was there once; a drive may have been changed since.",
        AnomalyKind::OneCopy => {
            "Known copies on one volume only: make another before the card is formatted."
        }
        AnomalyKind::Gap => "Deleted in the camera, or left behind on the card.",
        AnomalyKind::Silent => "Other clips of the same camera have sound.",
        AnomalyKind::Rate | AnomalyKind::Size => "Set otherwise by mistake, or on purpose?",
        AnomalyKind::Clock => "Its clock was never set, or set wrongly.",
        AnomalyKind::Fast => "Shot for slow motion, perhaps.",
        AnomalyKind::OwnRate => "All of that camera: meant, most likely.",
        AnomalyKind::NoClock => "No camera wrote a time into it.",
    }
}
