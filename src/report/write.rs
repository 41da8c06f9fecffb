//! Writes a report as a page, a folder, JSON or CSV.

use std::borrow::Borrow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::anomalies::{Anomaly, Severity, find_anomalies};
use super::format::ReportFormat;
use super::output_files::{self, INDEX, MAX_IN_ONE_FILE};
use super::pictures::{ClipFeed, PICTURES, PictureTarget, RenderContext};
use super::sink::Sink;
use super::totals::{self, Total};
use super::{ReportScope, SheetLayout, ShootReport, Shot, contact_sheet, page};
use crate::clip::{Clip, field_names};
use crate::error::Error;
use crate::index::Sum;
use crate::output::{
    self, ClipColumns, OutputDevice, OutputFormat, RowColumn, RowListing, ingest_json, json_line,
    write_listing,
};
use crate::query::Query;

/// Maximum size of a page in bytes.
const MAX_PAGE_BYTES: usize = 60_000_000;
/// Bytes of markup around the pictures of a clip.
const MARKUP_BYTES: usize = 400;

/// Options for an HTML report.
#[derive(Debug, Clone)]
pub struct ReportRequest {
    /// Path of the page. If the report becomes a folder, its name is this path without `.html`.
    pub to: PathBuf,
    /// Layout of a contact sheet; `None` for a report.
    pub sheet: Option<SheetLayout>,
    /// True to write a folder even for a few clips.
    pub is_folder: bool,
}

impl ReportRequest {
    /// Returns the path for a report of this number of clips: `day.html`, or the folder `day`.
    #[must_use]
    pub fn output_path(&self, clips: usize) -> PathBuf {
        let is_page = self
            .to
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("html"));
        if self.is_folder_output(clips) && is_page {
            self.to.with_extension("")
        } else {
            self.to.clone()
        }
    }

    fn is_folder_output(&self, clips: usize) -> bool {
        self.is_folder || clips > MAX_IN_ONE_FILE
    }
}

/// Writes a page or a folder, and returns the size of the page in bytes. If writing is cancelled,
/// an earlier report at the path is left unchanged.
///
/// # Errors
/// [`Error::Interrupted`] if it was cancelled, [`Error::NotAReport`] if another file has this name,
/// [`Error::NoOutputFolder`] if the parent folder does not exist, [`Error::Path`] if it cannot be
/// written.
pub fn write(
    report: &ShootReport,
    request: &ReportRequest,
    context: &mut RenderContext<'_>,
) -> Result<u64, Error> {
    let output_path = request.output_path(report.shots.len());
    if !request.is_folder_output(report.shots.len()) {
        return output_files::save(&output_path, ReportFormat::Page, |sink| {
            write_page(report, request.sheet, context, sink)
        });
    }
    output_files::save_folder(&output_path, |folder| {
        let index = folder.join(INDEX);
        let pictures = folder.join(PICTURES);
        let mut file = File::create(&index).map_err(Error::path(&output_path))?;
        let target = Some(PictureTarget::Folder(&pictures));
        let bytes = output_files::fill_file(&mut file, &output_path, |sink| {
            html(report, request.sheet, (target, false), context, sink)
        })?;
        file.sync_all().map_err(Error::path(&output_path))?;
        Ok(bytes)
    })
}

/// Writes a page that includes all pictures, compressed as much as the size limit requires.
///
/// # Errors
/// [`Error::Interrupted`] if it was cancelled, and errors of the catalogue or the system.
pub fn write_page(
    report: &ShootReport,
    sheet: Option<SheetLayout>,
    context: &mut RenderContext<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    // A first pass without pictures measures the text.
    let mut discarded = io::sink();
    let mut measured = Sink::new(&mut discarded, Path::new(""));
    let mut without_progress = RenderContext {
        catalogue: context.catalogue,
        cancel: context.cancel,
        progress: &mut |_, _| (),
    };
    html(
        report,
        sheet,
        (None, true),
        &mut without_progress,
        &mut measured,
    )?;
    let count = report.shots.len();
    let text = usize::try_from(measured.bytes()).unwrap_or(usize::MAX);
    let text_and_markup = text.saturating_add(count * MARKUP_BYTES);
    let bytes_per_clip = MAX_PAGE_BYTES.saturating_sub(text_and_markup) / count.max(1);
    html(
        report,
        sheet,
        (Some(PictureTarget::Page(bytes_per_clip)), true),
        context,
        sink,
    )
}

fn html(
    report: &ShootReport,
    sheet: Option<SheetLayout>,
    (target, is_self_contained): (Option<PictureTarget<'_>>, bool),
    context: &mut RenderContext<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let mut feed = ClipFeed::new(&report.shots, target, context);
    let mut next = || feed.next();
    match sheet {
        None => page::write_report(report, &mut next, is_self_contained, sink),
        Some(sheet) => {
            contact_sheet::write_sheet(report, sheet, &mut next, is_self_contained, sink)
        }
    }
}

/// Writes the data of a report: one JSON object, or its clips in another format.
///
/// # Errors
/// See [`write_page`].
pub fn write_data(
    report: &ShootReport,
    format: OutputFormat,
    device: OutputDevice,
    context: &mut RenderContext<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    if format == OutputFormat::Json {
        write_json(report, context, sink)
    } else {
        write_clips(report, format, device, context, sink)
    }
}

/// Writes the whole report as one JSON object.
fn write_json(
    report: &ShootReport,
    context: &mut RenderContext<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let (day, query) = match &report.about {
        ReportScope::Day(day, query) => (Some(day.to_string()), Some(query)),
        ReportScope::Query(query) => (None, Some(query)),
    };
    let about = json!({
        "report": {
            "day": day,
            "query": query.filter(|query| !query.is_empty()),
            "made": report.created.to_string(),
            "by": concat!("btsindex ", env!("CARGO_PKG_VERSION")),
        },
        "productions": texts(&report.distinct(|summary| summary.production.as_ref())),
        "shoot_days": texts(&report.distinct(|summary| summary.shoot_day.as_ref())),
        "locations": texts(&report.distinct(|summary| summary.location.as_ref())),
        "crew": texts(&report.distinct(|summary| summary.crew.as_ref())),
        "kinds": texts(&report.tags_of_day()),
        "totals": totals_json(report),
        "cards": report.cards.iter().map(|card| ingest_json(card, None)).collect::<Vec<_>>(),
    });
    let about = json_line(&about);
    // Removes the closing brace, because lists are appended to the object.
    sink.put(about.strip_suffix('}').unwrap_or(&about))?;
    sink.put(",\"odd\":[")?;
    for (at, anomaly) in find_anomalies(report).iter().enumerate() {
        sink.put(if at == 0 { "" } else { "," })?;
        sink.put(&json_line(&anomaly_json(report, anomaly)))?;
    }
    sink.put("],\"clips\":[")?;
    let mut feed = ClipFeed::new(&report.shots, None, context);
    for (at, shot) in report.shots.iter().enumerate() {
        let (clip, _) = feed.next()?;
        sink.put(if at == 0 { "" } else { "," })?;
        sink.put(&json_line(&clip_json(report, shot, &clip)))?;
    }
    sink.put("]}\n")
}

fn texts(texts: &[Arc<str>]) -> Vec<&str> {
    texts.iter().map(|text| &**text).collect()
}

fn totals_json(report: &ShootReport) -> Value {
    let all = |totals: Vec<Total>| -> Vec<Value> {
        let one = |total: &Total| {
            let mut value = sum_json(total.sum);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("name".to_owned(), json!(total.name));
            }
            value
        };
        totals.iter().map(one).collect()
    };
    let mut whole = sum_json(totals::sum_of(&report.shots));
    if let Some(fields) = whole.as_object_mut() {
        fields.insert("by_day".to_owned(), all(totals::by_day(report)).into());
        fields.insert(
            "by_camera".to_owned(),
            all(totals::by_camera(report)).into(),
        );
        fields.insert("by_card".to_owned(), all(totals::by_card(report)).into());
        fields.insert("by_tag".to_owned(), all(totals::by_tag(report)).into());
        fields.insert(
            "by_volume".to_owned(),
            all(totals::by_volume(report)).into(),
        );
    }
    whole
}

fn sum_json(sum: Sum) -> Value {
    let micros = u64::try_from(sum.micros).unwrap_or(0);
    let seconds = crate::value::Duration::from_micros(micros).as_seconds();
    json!({ "clips": sum.clips, "seconds": seconds, "bytes": sum.bytes })
}

fn anomaly_json(report: &ShootReport, anomaly: &Anomaly) -> Value {
    let shot = &report.shots[anomaly.shot];
    json!({
        "kind": anomaly.kind.name(),
        "gravity": match anomaly.kind.severity() {
            Severity::Fault => "fault",
            Severity::Check => "look",
            Severity::Note => "note",
        },
        "clip": shot.summary.id,
        "name": shot.name(),
        "text": anomaly.text,
    })
}

fn clip_json(report: &ShootReport, shot: &Shot, clip: &Clip) -> Value {
    let mut clip = output::clip_json(clip);
    if let Some(fields) = clip.as_object_mut() {
        fields.insert("day".to_owned(), json!(shot.day.as_deref()));
        fields.insert("card".to_owned(), json!(report.card_of(shot)));
        fields.insert("volumes".to_owned(), json!(shot.copies.volumes));
        fields.insert("proved_volumes".to_owned(), json!(shot.copies.verified));
        fields.insert("differ".to_owned(), json!(shot.copies.do_differ));
    }
    clip
}

/// Columns of the clip; the report's own columns come before and after them.
const COLUMNS: [&str; 24] = field_names![
    captured,
    start_timecode,
    end_timecode,
    duration,
    bytes,
    display_width,
    display_height,
    rate,
    video_codec,
    bit_depth,
    chroma_subsampling,
    transfer,
    audio_codec,
    audio_channels,
    sample_rate,
    reel,
    scene,
    take,
    tags,
    rating,
    selection,
    notes,
    markers,
    path,
];

/// Clip of a report with its anomalies.
struct ReportRow<'a> {
    shot: &'a Shot,
    clip: Clip,
    anomalies: Vec<&'a Anomaly>,
}

impl Borrow<Clip> for ReportRow<'_> {
    fn borrow(&self) -> &Clip {
        &self.clip
    }
}

/// Writes one row per clip.
fn write_clips(
    report: &ShootReport,
    format: OutputFormat,
    device: OutputDevice,
    context: &mut RenderContext<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let fields = ClipColumns::parse(&names, &Query::default())?;
    let anomalies = find_anomalies(report);
    let mut by_shot: Vec<Vec<&Anomaly>> = vec![Vec::new(); report.shots.len()];
    for anomaly in &anomalies {
        by_shot[anomaly.shot].push(anomaly);
    }
    let mut feed = ClipFeed::new(&report.shots, None, context);
    let mut columns = leading_columns(report);
    columns.extend(fields.columns());
    columns.extend(trailing_columns());
    let rows = report.shots.iter().zip(by_shot);
    let rows = rows.map(|(shot, anomalies)| {
        let (clip, _) = feed.next()?;
        Ok(ReportRow {
            shot,
            clip,
            anomalies,
        })
    });
    let listing =
        RowListing::new(columns, rows).object(|row| clip_json(report, row.shot, &row.clip));
    let written = write_listing(listing, format, device, sink);
    written.map_err(|error| match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::path("")(error),
    })
}

fn leading_columns(report: &ShootReport) -> Vec<RowColumn<'_, ReportRow<'_>>> {
    vec![
        RowColumn::new("name", |row: &ReportRow<'_>| json!(row.shot.name())),
        RowColumn::new("day", |row: &ReportRow<'_>| json!(row.shot.day.as_deref())),
        RowColumn::new("card", |row: &ReportRow<'_>| {
            json!(report.card_of(row.shot))
        }),
        RowColumn::new("camera", |row: &ReportRow<'_>| json!(&*row.shot.camera)),
    ]
}

fn trailing_columns<'a>() -> Vec<RowColumn<'a, ReportRow<'a>>> {
    vec![
        RowColumn::new("on", |row: &ReportRow<'_>| {
            json!(texts(&row.shot.copies.labels))
        }),
        RowColumn::new("volumes", |row: &ReportRow<'_>| {
            json!(row.shot.copies.volumes)
        }),
        RowColumn::new("proved_volumes", |row: &ReportRow<'_>| {
            json!(row.shot.copies.verified)
        }),
        RowColumn::new("odd", |row: &ReportRow<'_>| {
            let anomalies = row.anomalies.iter();
            let anomalies =
                anomalies.map(|anomaly| format!("{}: {}", anomaly.kind.name(), anomaly.text));
            anomalies.collect()
        }),
    ]
}
