//! A book written down: as a page or a folder, as JSON, as CSV.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::anomalies::{Finding, Gravity, find};
use super::files::{self, Form, INDEX, MOST_IN_ONE, PICTURES, Sink};
use super::pictures::{Feed, Making, Room};
use super::totals::{self, Total};
use super::{About, Book, Sheet, Shot, contact_sheet, page};
use crate::clip::Clip;
use crate::error::Error;
use crate::index::Sum;
use crate::output::{self, ClipColumns, ingest_json, json_line, write_csv_with};
use crate::query::Query;

/// What JSON and CSV of ours begin with.
pub(super) const JSON_MARK: &[u8] = b"{\"report\":{";
pub(super) const CSV_MARK: &[u8] = b"name,day,card,camera,captured,start_timecode,";

/// No page is larger, in bytes.
const MOST_BYTES: usize = 60_000_000;
/// Bytes of tags and addresses around the pictures of a clip.
const AROUND: usize = 400;

/// What is made of a book.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The page's file; of a book that is too large for one, what its folder is called with an ending.
    pub to: PathBuf,
    /// A contact sheet instead of a report.
    pub sheet: Option<Sheet>,
    /// A folder, however few clips there are.
    pub is_folder: bool,
}

impl Wish {
    /// Where a book of so many clips goes: `day.html`, or the folder `day`.
    #[must_use]
    pub fn place(&self, clips: usize) -> PathBuf {
        let is_page = self
            .to
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("html"));
        if self.makes_folder(clips) && is_page {
            self.to.with_extension("")
        } else {
            self.to.clone()
        }
    }

    fn makes_folder(&self, clips: usize) -> bool {
        self.is_folder || clips > MOST_IN_ONE
    }
}

/// Writes a page, or a folder; returns how large the page is. Nothing is there when it was ended early.
///
/// # Errors
/// [`Error::Interrupted`] when it was ended early, [`Error::NotAReport`] when something else is there, [`Error::NoOutputFolder`]
/// when there is no folder for it, [`Error::Path`] when it cannot be written.
pub fn write(book: &Book, wish: &Wish, making: &mut Making<'_>) -> Result<u64, Error> {
    let place = wish.place(book.shots.len());
    if !wish.makes_folder(book.shots.len()) {
        return files::save(&place, Form::Html, |sink| {
            whole_page(book, wish.sheet, making, sink)
        });
    }
    files::folder(&place, |folder| {
        let index = folder.join(INDEX);
        let pictures = folder.join(PICTURES);
        let mut file = File::create(&index).map_err(Error::path(&place))?;
        let room = Some(Room::Folder(&pictures));
        let bytes = files::filled(&mut file, &place, |sink| {
            html(book, wish.sheet, (room, false), making, sink)
        })?;
        file.sync_all().map_err(Error::path(&place))?;
        Ok(bytes)
    })
}

/// Writes a page with everything in it, whatever it takes to stay small.
///
/// # Errors
/// [`Error::Interrupted`] when it was ended early; else what the catalogue or the system says.
pub fn whole_page(
    book: &Book,
    sheet: Option<Sheet>,
    making: &mut Making<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let mut nowhere = io::sink();
    let mut without = Sink::new(&mut nowhere, Path::new(""));
    let mut quiet = Making {
        catalogue: making.catalogue,
        cancel: making.cancel,
        progress: &mut |_, _| (),
    };
    html(book, sheet, (None, true), &mut quiet, &mut without)?;
    let count = book.shots.len();
    let text = usize::try_from(without.bytes()).unwrap_or(usize::MAX);
    let written = text.saturating_add(count * AROUND);
    let each = MOST_BYTES.saturating_sub(written) / count.max(1);
    html(book, sheet, (Some(Room::Page(each)), true), making, sink)
}

fn html(
    book: &Book,
    sheet: Option<Sheet>,
    (room, is_whole): (Option<Room<'_>>, bool),
    making: &mut Making<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let mut feed = Feed::new(&book.shots, room, making);
    let mut next = || feed.next();
    match sheet {
        None => page::report(book, &mut next, is_whole, sink),
        Some(sheet) => contact_sheet::sheet(book, sheet, &mut next, is_whole, sink),
    }
}

/// Writes the whole book as one object.
///
/// # Errors
/// See [`whole_page`].
pub fn json(book: &Book, making: &mut Making<'_>, sink: &mut Sink<'_>) -> Result<(), Error> {
    let (day, query) = match &book.about {
        About::Day(day, query) => (Some(day.to_string()), Some(query)),
        About::Query(query) => (None, Some(query)),
    };
    let about = json!({
        "report": {
            "day": day,
            "query": query.filter(|query| !query.is_empty()),
            "made": book.made.to_string(),
            "by": concat!("btsindex ", env!("CARGO_PKG_VERSION")),
        },
        "productions": texts(&book.distinct(|gist| gist.production.as_ref())),
        "shoot_days": texts(&book.distinct(|gist| gist.shoot_day.as_ref())),
        "locations": texts(&book.distinct(|gist| gist.location.as_ref())),
        "crew": texts(&book.distinct(|gist| gist.crew.as_ref())),
        "kinds": texts(&book.tags_of_day()),
        "totals": totals_json(book),
        "cards": book.cards.iter().map(|card| ingest_json(card, None)).collect::<Vec<_>>(),
    });
    let about = json_line(&about);
    // An object is open until its last list is written.
    sink.put(about.strip_suffix('}').unwrap_or(&about))?;
    sink.put(",\"odd\":[")?;
    for (at, finding) in find(book).iter().enumerate() {
        sink.put(if at == 0 { "" } else { "," })?;
        sink.put(&json_line(&odd_json(book, finding)))?;
    }
    sink.put("],\"clips\":[")?;
    let mut feed = Feed::new(&book.shots, None, making);
    for (at, shot) in book.shots.iter().enumerate() {
        let (clip, _) = feed.next()?;
        sink.put(if at == 0 { "" } else { "," })?;
        sink.put(&json_line(&clip_json(book, shot, &clip)))?;
    }
    sink.put("]}\n")
}

fn texts(texts: &[Arc<str>]) -> Vec<&str> {
    texts.iter().map(|text| &**text).collect()
}

fn totals_json(book: &Book) -> Value {
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
    let mut whole = sum_json(totals::of(&book.shots));
    if let Some(fields) = whole.as_object_mut() {
        fields.insert("by_day".to_owned(), all(totals::by_day(book)).into());
        fields.insert("by_camera".to_owned(), all(totals::by_camera(book)).into());
        fields.insert("by_card".to_owned(), all(totals::by_card(book)).into());
        fields.insert("by_tag".to_owned(), all(totals::by_tag(book)).into());
        fields.insert("by_volume".to_owned(), all(totals::by_volume(book)).into());
    }
    whole
}

fn sum_json(sum: Sum) -> Value {
    let micros = u64::try_from(sum.micros).unwrap_or(0);
    let seconds = crate::value::Duration::from_micros(micros).as_seconds();
    json!({ "clips": sum.clips, "seconds": seconds, "bytes": sum.bytes })
}

fn odd_json(book: &Book, finding: &Finding) -> Value {
    let shot = &book.shots[finding.shot];
    json!({
        "kind": finding.oddity.name(),
        "gravity": match finding.oddity.gravity() {
            Gravity::Fault => "fault",
            Gravity::Look => "look",
            Gravity::Note => "note",
        },
        "clip": shot.gist.id,
        "name": shot.name(),
        "text": finding.text,
    })
}

fn clip_json(book: &Book, shot: &Shot, clip: &Clip) -> Value {
    let mut clip = output::clip_json(clip);
    if let Some(fields) = clip.as_object_mut() {
        fields.insert("day".to_owned(), json!(shot.day.as_deref()));
        fields.insert("card".to_owned(), json!(book.card_of(shot)));
        fields.insert("volumes".to_owned(), json!(shot.copies.volumes));
        fields.insert("proved_volumes".to_owned(), json!(shot.copies.proved));
        fields.insert("differ".to_owned(), json!(shot.copies.do_differ));
    }
    clip
}

/// Columns of the CSV: those of a clip, and between them those of a book.
const COLUMNS: [&str; 24] = [
    "captured",
    "start_timecode",
    "end_timecode",
    "duration",
    "bytes",
    "display_width",
    "display_height",
    "rate",
    "video_codec",
    "bit_depth",
    "chroma_subsampling",
    "transfer",
    "audio_codec",
    "audio_channels",
    "sample_rate",
    "reel",
    "scene",
    "take",
    "tags",
    "rating",
    "selection",
    "notes",
    "markers",
    "path",
];

/// Writes a row a clip, with a heading.
///
/// # Errors
/// See [`whole_page`].
pub fn csv(
    book: &Book,
    is_terminal: bool,
    making: &mut Making<'_>,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let columns = ClipColumns::parse(&names, &Query::default())?;
    let found = find(book);
    let mut odd: Vec<Vec<&Finding>> = vec![Vec::new(); book.shots.len()];
    for finding in &found {
        odd[finding.shot].push(finding);
    }
    let mut feed = Feed::new(&book.shots, None, making);
    let mut fault = None;
    let rows = book.shots.iter().zip(&odd).map(|(shot, odd)| {
        let (clip, _) = feed.next().map_err(|error| {
            fault = Some(error);
            io::Error::other("a clip cannot be read")
        })?;
        Ok((before(book, shot), clip, after(shot, odd)))
    });
    let names = (
        &["name", "day", "card", "camera"][..],
        &["on", "volumes", "proved_volumes", "odd"][..],
    );
    let written = write_csv_with(&columns, names, rows, is_terminal, sink);
    match fault {
        Some(error) => Err(error),
        None => written.map_err(Error::path("")),
    }
}

fn before(book: &Book, shot: &Shot) -> Vec<String> {
    vec![
        shot.name().to_owned(),
        shot.day.as_deref().unwrap_or_default().to_owned(),
        book.card_of(shot).unwrap_or_default().to_owned(),
        shot.camera.to_string(),
    ]
}

fn after(shot: &Shot, odd: &[&Finding]) -> Vec<String> {
    let odd = odd
        .iter()
        .map(|finding| format!("{}: {}", finding.oddity.name(), finding.text));
    vec![
        shot.copies.labels.join("; "),
        shot.copies.volumes.to_string(),
        shot.copies.proved.to_string(),
        odd.collect::<Vec<_>>().join("; "),
    ]
}
