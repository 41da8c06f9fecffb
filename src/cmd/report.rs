//! `btsindex report` and `btsindex sheet`

use std::io::{self, BufWriter, IsTerminal, Seek, Write};
use std::path::{Path, PathBuf};

use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::output::{Counting, Look, counted};
use btsindex::query::{Date, today};
use btsindex::report::{
    self, RenderContext, ReportFormat, ReportRequest, ReportScope, SheetLayout, ShootReport,
};
use btsindex::shoot_day::Day;
use btsindex::value::{Bytes, named_day};

use super::interrupt::Interrupt;
use super::{Exit, search, stdout};
use crate::cli;

pub(crate) fn report(args: &cli::ReportArgs, folder: &Path) -> anyhow::Result<Exit> {
    let form = match (args.json, args.csv) {
        (true, _) => Some(ReportFormat::Json),
        (_, true) => Some(ReportFormat::Csv),
        _ => None,
    };
    let output = args.output.as_deref();
    run(&args.words, folder, |book, work| match form {
        Some(form) => data(book, form, output, work),
        None => make(book, output, (None, args.folder), work),
    })
}

pub(crate) fn sheet(args: &cli::SheetArgs, folder: &Path) -> anyhow::Result<Exit> {
    let sheet = SheetLayout {
        columns: args.columns.unwrap_or(if args.strips { 1 } else { 4 }),
        strips: args.strips,
    };
    run(&args.words, folder, |book, work| {
        let how = (Some(sheet), args.folder);
        make(book, args.output.as_deref(), how, work)
    })
}

/// What writing a book needs.
struct Work<'a> {
    catalogue: &'a Catalogue,
    interrupt: &'a Interrupt,
}

/// Gathers the clips that were asked for, and writes them.
fn run(
    words: &[String],
    folder: &Path,
    write: impl FnOnce(&ShootReport, &Work<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let interrupt = Interrupt::new()?;
    let catalogue = Catalogue::open(folder)?;
    let Some(book) = gather(words, &catalogue, &interrupt)? else {
        return Ok(Exit::NothingFound);
    };
    let work = Work {
        catalogue: &catalogue,
        interrupt: &interrupt,
    };
    write(&book, &work)?;
    Ok(Exit::Done)
}

/// The clips that were asked for; `None` when there are none, which is said.
fn gather(
    words: &[String],
    catalogue: &Catalogue,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<ShootReport>> {
    let (first, rest) = words
        .split_first()
        .map_or(("", words), |(first, rest)| (first.as_str(), rest));
    let (about, asked) = match day(first)? {
        None => (ReportScope::Query(words.join(" ")), words.to_vec()),
        Some(date) => {
            // A night belongs to the day it began, as it was said; else the camera's clock tells.
            let day = [
                format!("shoot_date:{date}"),
                "OR".to_owned(),
                format!("date:{date}"),
            ];
            (
                ReportScope::Day(date, rest.join(" ")),
                [&day, rest].concat(),
            )
        }
    };
    // Nothing of a report is written yet, and a search can be killed at any time.
    let clips = interrupt.at_once(|| search::find_all(&asked, catalogue))?;
    let book = counted_out("gathering", |each| {
        let mut go_on = |done, all| {
            each(done, all);
            !interrupt.is_asked()
        };
        Ok(ShootReport::gather(
            about,
            &clips,
            today(),
            catalogue,
            &mut go_on,
        )?)
    })?;
    let book = book.ok_or(Error::Interrupted)?;
    if book.shots.is_empty() {
        // A search that finds nothing has said so.
        if !clips.is_empty() {
            writeln!(io::stderr(), "nothing found")?;
        }
        return Ok(None);
    }
    Ok(Some(book))
}

/// Shows how many of how many clips are done while something runs.
fn counted_out<T>(
    what: &'static str,
    run: impl FnOnce(&mut dyn FnMut(usize, usize)) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let look = if io::stderr().is_terminal() {
        Look::Bar
    } else {
        Look::Lines
    };
    let mut talk = io::stderr();
    let mut counting = Counting::new(what, look, &mut talk);
    let outcome = run(&mut |done, all| counting.at(done, all));
    counting.end();
    outcome
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

/// Writes JSON or CSV to a file, or prints it.
fn data(
    book: &ShootReport,
    form: ReportFormat,
    output: Option<&Path>,
    work: &Work<'_>,
) -> anyhow::Result<()> {
    let output = output.filter(|path| *path != Path::new("-"));
    let is_terminal = output.is_none() && io::stdout().is_terminal();
    with_making("writing", work, |making| {
        let write = |sink: &mut report::Sink<'_>| match form {
            ReportFormat::Csv => report::write_csv(book, is_terminal, making, sink),
            _ => report::write_json(book, making, sink),
        };
        match output {
            Some(path) => {
                report::save(path, form, write)?;
                Ok(())
            }
            None => print(work, write),
        }
    })
}

/// Writes a page, or a folder.
fn make(
    book: &ShootReport,
    output: Option<&Path>,
    (sheet, is_folder): (Option<SheetLayout>, bool),
    work: &Work<'_>,
) -> anyhow::Result<()> {
    let to = output.map_or_else(|| named(book, sheet.is_some()), Path::to_owned);
    if to == Path::new("-") {
        return with_making("writing", work, |making| {
            print(work, |sink| report::write_page(book, sheet, making, sink))
        });
    }
    let wish = ReportRequest {
        to,
        sheet,
        is_folder,
    };
    let bytes = with_making("writing", work, |making| {
        Ok(report::write(book, &wish, making)?)
    })?;
    let place = wish.output_path(book.shots.len());
    let (clips, size) = (counted(book.shots.len(), "clip"), Bytes(bytes));
    let place = escape(&place.to_string_lossy());
    writeln!(io::stderr(), "{place}: {clips}, {size}")?;
    Ok(())
}

fn with_making<T>(
    what: &'static str,
    work: &Work<'_>,
    write: impl FnOnce(&mut RenderContext<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let outcome = counted_out(what, |told| {
        write(&mut RenderContext {
            catalogue: work.catalogue,
            cancel: work.interrupt.cancel(),
            progress: told,
        })
    });
    if outcome.as_ref().is_err_and(is_interrupted) {
        writeln!(io::stderr(), "nothing was written")?;
    }
    outcome
}

fn is_interrupted(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Interrupted))
}

/// Bytes of what is printed that memory holds; the rest waits in a temporary file.
const MOST_IN_MEMORY: usize = 16 << 20;

/// Prints what is written whole, or nothing of it.
fn print(
    work: &Work<'_>,
    write: impl FnOnce(&mut report::Sink<'_>) -> Result<(), Error>,
) -> anyhow::Result<()> {
    let mut spool = tempfile::spooled_tempfile(MOST_IN_MEMORY);
    let place = std::env::temp_dir();
    {
        let mut buffered = BufWriter::new(&mut spool);
        write(&mut report::Sink::new(&mut buffered, &place))?;
        buffered.flush().map_err(Error::path(&place))?;
    }
    spool.rewind().map_err(Error::path(&place))?;
    // Whoever reads it may be slow; what was read already cannot be taken back.
    work.interrupt.at_once(|| {
        let mut out = stdout();
        io::copy(&mut spool, &mut out)?;
        out.flush()?;
        Ok(())
    })
}

/// What a page is called when nobody says so.
fn named(book: &ShootReport, is_sheet: bool) -> PathBuf {
    let name = match (&book.about, is_sheet) {
        (ReportScope::Day(date, _), false) => date.to_string(),
        (ReportScope::Day(date, _), true) => format!("{date}-sheet"),
        (ReportScope::Query(_), false) => "report".to_owned(),
        (ReportScope::Query(_), true) => "sheet".to_owned(),
    };
    format!("{name}.html").into()
}
