//! Contact sheet: the clips of a report as a grid of pictures for printing.

use maud::{PreEscaped, html};

use super::anomalies::find_anomalies;
use super::page::{Clips, Next, PictureMode, STYLE, begin, end, head, tools};
use super::sink::Sink;
use super::{ShootReport, page};
use crate::error::Error;

/// Layout of a contact sheet.
#[derive(Debug, Clone, Copy)]
pub struct SheetLayout {
    /// Number of pictures per row.
    pub columns: u8,
    /// True for filmstrips instead of posters.
    pub strips: bool,
}

/// Minimum number of columns for paper in landscape orientation.
const LANDSCAPE_COLUMNS: u8 = 5;

/// Writes the whole sheet; see [`page::write_report`].
pub(super) fn write_sheet(
    report: &ShootReport,
    sheet: SheetLayout,
    next: &mut Next<'_>,
    is_self_contained: bool,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let anomalies = find_anomalies(report);
    let clips = Clips::new(report, &anomalies);
    let (mode, grid) = if sheet.strips {
        (PictureMode::Strip, "<div class=\"grid strips\">")
    } else {
        (PictureMode::Poster, "<div class=\"grid\">")
    };
    sink.put(&begin(&page::title(report), &style(sheet), is_self_contained).into_string())?;
    let above = html! {
        (head(report, "Contact sheet"))
        (PreEscaped("<main id=\"main\"><section id=\"clips\" aria-labelledby=\"clips-title\">"))
        h2.unseen id="clips-title" { "Clips" }
        (tools(&clips))
        (PreEscaped(grid))
    };
    sink.put(&above.into_string())?;
    clips.grid(mode, next, sink)?;
    sink.put("</div></section></main>")?;
    sink.put(&end().into_string())
}

/// Returns the style sheet for the number of columns. It is part of the style element, because the
/// content security policy forbids style attributes.
fn style(sheet: SheetLayout) -> String {
    let paper = if sheet.columns >= LANDSCAPE_COLUMNS {
        "landscape"
    } else {
        "portrait"
    };
    format!(
        "{STYLE}.grid{{--columns:{}}}@page{{size:{paper}}}",
        sheet.columns
    )
}
