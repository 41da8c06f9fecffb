//! What is odd, by kind, each with links to its clips.

use maud::{Markup, html};

use super::{link, shown};
use crate::output::counted;
use crate::report::Book;
use crate::report::anomalies::{Finding, Gravity, Oddity};

/// Clips of one kind that are listed openly; further ones can be unfolded.
const LISTED: usize = 8;
/// Further than this nothing is listed: the clips themselves say it.
const MOST_LISTED: usize = 400;

pub(super) fn odd(book: &Book, found: &[Finding]) -> Markup {
    html! {
        section id="odd" aria-labelledby="odd-title" {
            h2 id="odd-title" { "What is odd" }
            @if found.is_empty() {
                p.well { "Nothing that could be found." }
            }
            div.findings {
                @for kind in found.chunk_by(|one, next| one.oddity == next.oddity) {
                    (finding(book, kind))
                }
            }
        }
    }
}

fn finding(book: &Book, kind: &[Finding]) -> Markup {
    let Some(oddity) = kind.first().map(|finding| finding.oddity) else {
        return html! {};
    };
    let is_most = kind.len() * 2 > book.shots.len() && kind.len() > LISTED;
    let (first, rest) = kind.split_at(kind.len().min(LISTED));
    html! {
        div class={ "finding " (class(oddity.gravity())) } {
            h3 { (oddity.title()) span.count { (counted(kind.len(), "clip")) } }
            p.advice { (advice(oddity)) }
            @if is_most && is_alike(kind) {
                p { "Each of them: " (shown(&first[0].text)) "." }
            } @else {
                (list(book, first))
                @if !rest.is_empty() {
                    details {
                        summary { "and " (counted(rest.len(), "more clip")) }
                        (list(book, &rest[..rest.len().min(MOST_LISTED)]))
                        @if rest.len() > MOST_LISTED {
                            p.more { "Further ones are told where the clips are." }
                        }
                    }
                }
            }
        }
    }
}

fn is_alike(kind: &[Finding]) -> bool {
    kind.windows(2).all(|pair| pair[0].text == pair[1].text)
}

fn list(book: &Book, findings: &[Finding]) -> Markup {
    html! {
        ul {
            @for finding in findings {
                li { (link(book, finding.shot)) " " span { (shown(&finding.text)) } }
            }
        }
    }
}

pub(super) fn class(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Fault => "fault",
        Gravity::Look => "look",
        Gravity::Note => "note",
    }
}

fn advice(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::Unreadable => "Copy the card again before it is formatted.",
        Oddity::Differs => "One of the copies is not what the camera wrote.",
        Oddity::Gone => "It was there once; a drive may have been changed since.",
        Oddity::OneCopy => {
            "Known copies on one volume only: make another before the card is formatted."
        }
        Oddity::Gap => "Deleted in the camera, or left behind on the card.",
        Oddity::Silent => "Other clips of the same camera have sound.",
        Oddity::Rate | Oddity::Size => "Set otherwise by mistake, or on purpose?",
        Oddity::Clock => "Its clock was never set, or set wrongly.",
        Oddity::Fast => "Shot for slow motion, perhaps.",
        Oddity::OwnRate => "All of that camera: meant, most likely.",
        Oddity::NoClock => "No camera wrote a time into it.",
    }
}
