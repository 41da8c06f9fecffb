//! HTML page of a report.
//!
//! All markup comes from templates, so that text from drives is always escaped. The page is
//! readable without its script, which only searches, filters, sorts and scrubs.

mod anomalies;
mod cards;
mod clips;
mod filters;
mod head;
mod markup;
mod overview;
#[cfg(test)]
mod tests;
mod timeline;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::ShootReport;
use super::anomalies::find_anomalies;
use super::sink::Sink;
use crate::error::Error;

pub(super) use clips::{Clips, Next, PictureMode, length};
pub(super) use filters::tools;
pub(super) use head::{head, title};

/// Style sheet and script of a page.
pub(super) const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Writes the whole report. `is_self_contained` is true if the pictures are part of the page.
pub(super) fn write_report(
    report: &ShootReport,
    next: &mut Next<'_>,
    is_self_contained: bool,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let anomalies = find_anomalies(report);
    let clips = Clips::new(report, &anomalies);
    sink.put(&begin(&title(report), STYLE, is_self_contained).into_string())?;
    let above = html! {
        (head(report, "Camera report"))
        (PreEscaped("<main id=\"main\">"))
        (overview::glance(report, &anomalies))
    };
    sink.put(&above.into_string())?;
    sink.put(&timeline::timelines(report).into_string())?;
    sink.put(&anomalies::section(report, &anomalies).into_string())?;
    let clips_begin = html! {
        (cards::cards(report))
        (PreEscaped("<section id=\"clips\" aria-labelledby=\"clips-title\">"))
        h2 id="clips-title" { "Clips" }
        (tools(&clips))
        (PreEscaped("<div class=\"clips\">"))
    };
    sink.put(&clips_begin.into_string())?;
    clips.articles(next, sink)?;
    sink.put("</div></section></main>")?;
    sink.put(&end().into_string())
}

/// Starts a page without references to other sites. Its content security policy permits scripts and
/// styles by hash, so that injected code does not run. Separate pictures are on the same disk or
/// server.
pub(super) fn begin(title: &str, style: &str, is_self_contained: bool) -> Markup {
    let files = if is_self_contained {
        ""
    } else {
        " file: 'self'"
    };
    let policy = format!(
        "default-src 'none'; img-src data:{files}; style-src 'sha256-{}'; script-src 'sha256-{}'; \
         base-uri 'none'; form-action 'none'",
        hash(style),
        hash(SCRIPT)
    );
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta name="generator" content={ "btsindex " (env!("CARGO_PKG_VERSION")) };
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            style { (PreEscaped(style)) }
        }
        (PreEscaped("<body>"))
    }
}

/// Ends a page that [`begin`] started.
pub(super) fn end() -> Markup {
    html! {
        footer { p { "Created by btsindex " (env!("CARGO_PKG_VERSION")) ". Times are by the cameras’ clocks. This page loads nothing from other sites." } }
        script { (PreEscaped(SCRIPT)) }
        (PreEscaped("</body></html>"))
    }
}

fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}
