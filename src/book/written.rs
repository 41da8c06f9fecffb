//! A book written down: as a page or a folder, as JSON, as CSV.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::files::{self, Form, INDEX, MOST_IN_ONE, PICTURES};
use super::odd::{Finding, Gravity, find};
use super::pictures::{Making, Pictures, Room, make};
use super::totals::{self, Total};
use super::{About, Book, Sheet, page, sheet};
use crate::error::Error;
use crate::index::Sum;
use crate::present::{self, Columns, csv_with, ingest_json};
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

/// Writes a page, or a folder; says how large the page is, or `None` when it was ended early.
///
/// # Errors
/// [`Error::NotOurs`] when something else is there, [`Error::NoPlace`] when there is no folder for it, [`Error::Path`]
/// when it cannot be written.
pub fn write(book: &Book, wish: &Wish, making: &mut Making<'_>) -> Result<Option<usize>, Error> {
    let place = wish.place(book.shots.len());
    if !wish.makes_folder(book.shots.len()) {
        // Before anything is made.
        files::earlier(&place, Form::Html)?;
        let Some(page) = page_of(book, wish.sheet, making).map_err(Error::path(&place))? else {
            return Ok(None);
        };
        files::save(&place, Form::Html, page.as_bytes())?;
        return Ok(Some(page.len()));
    }
    let mut bytes = 0;
    let is_whole = files::folder(&place, |folder| {
        let pictures = make(&book.shots, Room::Folder(&folder.join(PICTURES)), making)?;
        let page = html(book, &pictures, wish.sheet);
        bytes = page.len();
        std::fs::write(folder.join(INDEX), page)?;
        Ok(pictures.len() == book.shots.len())
    })?;
    Ok(is_whole.then_some(bytes))
}

/// A page with everything in it, whatever it takes to stay small; `None` when it was ended early.
///
/// # Errors
/// None but of threads: nothing is written.
pub fn page_of(
    book: &Book,
    sheet: Option<Sheet>,
    making: &mut Making<'_>,
) -> io::Result<Option<String>> {
    let count = book.shots.len();
    let written = html(book, &[], sheet).len() + count * AROUND;
    let each = MOST_BYTES.saturating_sub(written) / count.max(1);
    let pictures = make(&book.shots, Room::Page(each), making)?;
    Ok((pictures.len() == count).then(|| html(book, &pictures, sheet)))
}

fn html(book: &Book, pictures: &[Pictures], sheet: Option<Sheet>) -> String {
    match sheet {
        None => page::report(book, pictures),
        Some(sheet) => sheet::sheet(book, pictures, sheet),
    }
}

/// The whole book as one object.
#[must_use]
pub fn json(book: &Book) -> Value {
    let found = find(book);
    let (day, query) = match &book.about {
        About::Day(day, query) => (Some(day.to_string()), Some(query)),
        About::Query(query) => (None, Some(query)),
    };
    json!({
        "report": {
            "day": day,
            "query": query.filter(|query| !query.is_empty()),
            "made": book.made.to_string(),
            "by": concat!("btsindex ", env!("CARGO_PKG_VERSION")),
        },
        "productions": book.told(|clip| clip.production.as_ref().map(|it| it.value.clone())),
        "shoot_days": book.told(|clip| clip.shoot_day.as_ref().map(|it| it.value.to_string())),
        "locations": book.told(|clip| clip.location.as_ref().map(|it| it.value.clone())),
        "crew": book.told(|clip| clip.crew.as_ref().map(|it| it.value.clone())),
        "kinds": book.told_tags(),
        "totals": totals_json(book),
        "cards": book.cards.iter().map(|card| ingest_json(card, None)).collect::<Vec<_>>(),
        "odd": found.iter().map(|finding| odd_json(book, finding)).collect::<Vec<_>>(),
        "clips": (0..book.shots.len()).map(|at| clip_json(book, at)).collect::<Vec<_>>(),
    })
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
        "clip": shot.clip.id.as_ref().map(|id| id.value),
        "name": shot.name(),
        "text": finding.text,
    })
}

fn clip_json(book: &Book, at: usize) -> Value {
    let shot = &book.shots[at];
    let mut clip = present::json(&shot.clip);
    if let Some(fields) = clip.as_object_mut() {
        fields.insert("day".to_owned(), json!(shot.day));
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

/// A row a clip, with a heading.
///
/// # Errors
/// When `out` cannot be written to.
pub fn csv(book: &Book, is_terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let columns = Columns::named(&names, &Query::default()).map_err(io::Error::other)?;
    let found = find(book);
    let mut odd: Vec<Vec<String>> = vec![Vec::new(); book.shots.len()];
    for finding in &found {
        odd[finding.shot].push(format!("{}: {}", finding.oddity.name(), finding.text));
    }
    let rows = book.shots.iter().enumerate().map(|(at, shot)| {
        let before = vec![
            shot.name().to_owned(),
            shot.day.clone().unwrap_or_default(),
            book.card_of(shot).unwrap_or_default(),
            shot.camera.clone(),
        ];
        let after = vec![
            shot.copies.labels.join("; "),
            shot.copies.volumes.to_string(),
            shot.copies.proved.to_string(),
            odd[at].join("; "),
        ];
        (before, &shot.clip, after)
    });
    let before = ["name", "day", "card", "camera"];
    let after = ["on", "volumes", "proved_volumes", "odd"];
    csv_with(&columns, (&before, &after), rows, is_terminal, out)
}
