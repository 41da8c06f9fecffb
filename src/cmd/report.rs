//! `btsindex report` and `btsindex sheet`

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use btsindex::book::{self, About, Book, Form, Making, Sheet, Wish};
use btsindex::catalogue::Catalogue;
use btsindex::day::Day;
use btsindex::error::{Error, escape};
use btsindex::media::Cancel;
use btsindex::present::{Counting, Look, counted, json_line};
use btsindex::query::{Date, today};
use btsindex::value::{Bytes, named_day};

use super::scan::stop_on_ctrl_c;
use super::{Exit, search, stdout};
use crate::cli;

pub(crate) fn report(args: &cli::Report, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let Some(book) = gather(&args.words, &catalogue)? else {
        return Ok(Exit::NothingFound);
    };
    if args.json {
        let line = json_line(&book::json(&book));
        return told(
            args.output.as_deref(),
            Form::Json,
            format!("{line}\n").as_bytes(),
        );
    }
    if args.csv {
        let is_terminal = args.output.is_none() && io::stdout().is_terminal();
        let mut rows = Vec::new();
        book::csv(&book, is_terminal, &mut rows)?;
        return told(args.output.as_deref(), Form::Csv, &rows);
    }
    make(
        &book,
        args.output.as_deref(),
        (None, args.folder),
        &catalogue,
    )
}

pub(crate) fn sheet(args: &cli::Sheet, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    let Some(book) = gather(&args.words, &catalogue)? else {
        return Ok(Exit::NothingFound);
    };
    let sheet = Sheet {
        columns: args.columns.unwrap_or(if args.strips { 1 } else { 4 }),
        strips: args.strips,
    };
    make(
        &book,
        args.output.as_deref(),
        (Some(sheet), args.folder),
        &catalogue,
    )
}

/// The clips that were asked for; `None` when there are none, which is said.
fn gather(words: &[String], catalogue: &Catalogue) -> anyhow::Result<Option<Book>> {
    let (first, rest) = words
        .split_first()
        .map_or(("", words), |(first, rest)| (first.as_str(), rest));
    let (about, asked) = match day(first)? {
        None => (About::Query(words.join(" ")), words.to_vec()),
        Some(date) => {
            // A night belongs to the day it began, as it was said; else the camera's clock tells.
            let day = [
                format!("shoot_date:{date}"),
                "OR".to_owned(),
                format!("date:{date}"),
            ];
            (About::Day(date, rest.join(" ")), [&day, rest].concat())
        }
    };
    let clips = search::find_all(&asked, catalogue)?;
    let book = Book::gather(about, &clips, today(), catalogue)?;
    if book.shots.is_empty() {
        // A search that finds nothing has said so.
        if !clips.is_empty() {
            writeln!(io::stderr(), "nothing found")?;
        }
        return Ok(None);
    }
    Ok(Some(book))
}

/// The day that a word names: a date, `yesterday`, a day file.
fn day(word: &str) -> Result<Option<Date>, Error> {
    let is_file = Path::new(word).extension().is_some_and(|it| it == "toml");
    if is_file {
        let day = Day::read(Path::new(word))?;
        return day.date.map(Some).ok_or_else(|| Error::Query {
            message: format!("{} has no date", escape(word)),
            hint: "write `date = 2026-05-02` below `[day]`, or the date instead of the file"
                .to_owned(),
        });
    }
    if !is_written_as_date(word) {
        return Ok(named_day(word, &today));
    }
    word.parse().map(Some).map_err(|_| Error::Query {
        message: format!("{word} is no day"),
        hint: format!("write a day of the calendar, or `'\"{word}\"'` to search for the word"),
    })
}

/// `2026-05-02`, and `2026-02-30`, which no calendar has.
fn is_written_as_date(word: &str) -> bool {
    let like = "2026-05-02";
    let is_like =
        |(c, like): (char, char)| c == like || c.is_ascii_digit() && like.is_ascii_digit();
    word.len() == like.len() && word.chars().zip(like.chars()).all(is_like)
}

/// Prints data, or writes it to a file.
fn told(output: Option<&Path>, form: Form, bytes: &[u8]) -> anyhow::Result<Exit> {
    if let Some(path) = output.filter(|path| *path != Path::new("-")) {
        book::save(path, form, bytes)?;
    } else {
        let mut out = stdout();
        out.write_all(bytes)?;
        out.flush()?;
    }
    Ok(Exit::Done)
}

fn make(
    book: &Book,
    output: Option<&Path>,
    (sheet, is_folder): (Option<Sheet>, bool),
    catalogue: &Catalogue,
) -> anyhow::Result<Exit> {
    let cancel = Cancel::default();
    stop_on_ctrl_c(&cancel)?;
    let look = if io::stderr().is_terminal() {
        Look::Bar
    } else {
        Look::Lines
    };
    let mut talk = io::stderr();
    let mut counting = Counting::new("pictures", look, &mut talk);
    let thumbnails = catalogue.thumbnails();
    let mut making = Making {
        thumbnails: &thumbnails,
        cancel: &cancel,
        told: &mut |done, all| counting.at(done, all),
    };
    let to = output.map_or_else(|| named(book, sheet.is_some()), Path::to_owned);
    let is_piped = to == Path::new("-");
    let wish = Wish {
        to,
        sheet,
        is_folder,
    };
    let written = if is_piped {
        book::page_of(book, sheet, &mut making)?.map(|page| (page.len(), Some(page)))
    } else {
        book::write(book, &wish, &mut making)?.map(|bytes| (bytes, None))
    };
    counting.end();
    match written {
        None => {
            writeln!(io::stderr(), "interrupted; nothing was written")?;
            Ok(Exit::Interrupted)
        }
        Some((_, Some(page))) => told(None, Form::Html, page.as_bytes()),
        Some((bytes, None)) => {
            let place = wish.place(book.shots.len());
            let (clips, size) = (counted(book.shots.len(), "clip"), Bytes(bytes as u64));
            let place = escape(&place.to_string_lossy());
            writeln!(io::stderr(), "{place}: {clips}, {size}")?;
            Ok(Exit::Done)
        }
    }
}

/// What a page is called when nobody says so.
fn named(book: &Book, is_sheet: bool) -> PathBuf {
    let name = match (&book.about, is_sheet) {
        (About::Day(date, _), false) => date.to_string(),
        (About::Day(date, _), true) => format!("{date}-sheet"),
        (About::Query(_), false) => "report".to_owned(),
        (About::Query(_), true) => "sheet".to_owned(),
    };
    format!("{name}.html").into()
}
