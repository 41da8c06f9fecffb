//! `btsindex report` and `btsindex sheet`: write a report or a contact sheet of clips.

use std::io::{self, BufWriter, IsTerminal, Seek, Write};
use std::path::{Path, PathBuf};

use btsindex::catalogue::Catalogue;
use btsindex::error::{Error, escape};
use btsindex::output::{ClipProgress, OutputDevice, OutputFormat, ProgressFormat};
use btsindex::query::{Date, today};
use btsindex::report::{
    self, RenderContext, ReportFormat, ReportRequest, ReportScope, SheetLayout, ShootReport,
};
use btsindex::shoot_day::Day;
use btsindex::value::{Bytes, counted, named_day};

use super::interrupt::Interrupt;
use super::search;
use super::stdio::stdout;
use crate::cli::{self, Exit};

pub(crate) fn report(args: &cli::ReportArgs, folder: &Path) -> anyhow::Result<Exit> {
    let output = args.output.as_deref();
    run(&args.words, folder, |shoot, context| {
        match args.format.chosen() {
            Some(format) => write_data(shoot, format, output, context),
            None => write_page(shoot, output, (None, args.folder), context),
        }
    })
}

pub(crate) fn sheet(args: &cli::SheetArgs, folder: &Path) -> anyhow::Result<Exit> {
    let sheet = SheetLayout {
        columns: args.columns.unwrap_or(if args.strips { 1 } else { 4 }),
        strips: args.strips,
    };
    run(&args.words, folder, |shoot, context| {
        let style = (Some(sheet), args.folder);
        write_page(shoot, args.output.as_deref(), style, context)
    })
}

/// Catalogue and interrupt request that writing a report needs.
struct ReportContext<'a> {
    catalogue: &'a Catalogue,
    interrupt: &'a Interrupt,
}

/// Gathers the clips that a day or query selects, and writes them.
fn run(
    words: &[String],
    folder: &Path,
    write: impl FnOnce(&ShootReport, &ReportContext<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let interrupt = Interrupt::new()?;
    let catalogue = Catalogue::open(folder)?;
    let Some(shoot) = gather(words, &catalogue, &interrupt)? else {
        return Ok(Exit::Negative);
    };
    let context = ReportContext {
        catalogue: &catalogue,
        interrupt: &interrupt,
    };
    write(&shoot, &context)?;
    Ok(Exit::Done)
}

/// Gathers the clips that a day or query selects. Returns `None` if nothing matches, after printing
/// that.
fn gather(
    words: &[String],
    catalogue: &Catalogue,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<ShootReport>> {
    let (first, rest) = words
        .split_first()
        .map_or(("", words), |(first, rest)| (first.as_str(), rest));
    let (about, query) = match parse_day(first)? {
        None => (ReportScope::Query(words.join(" ")), words.to_vec()),
        Some(date) => {
            // Footage shot after midnight belongs to the shoot day recorded at its ingest. Without one,
            // the camera's clock decides.
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
    // Nothing is written yet, so the process may exit during the search.
    let clips = interrupt.run_interruptible(|| search::find_all(&query, catalogue))?;
    let shoot = with_counter("gathering", |on_progress| {
        let mut is_continued = |done, all| {
            on_progress(done, all);
            !interrupt.is_requested()
        };
        Ok(ShootReport::gather(
            about,
            &clips,
            today(),
            catalogue,
            &mut is_continued,
        )?)
    })?;
    let shoot = shoot.ok_or(Error::Interrupted)?;
    if shoot.shots.is_empty() {
        // A search without results was already reported.
        if !clips.is_empty() {
            writeln!(io::stderr(), "nothing found")?;
        }
        return Ok(None);
    }
    Ok(Some(shoot))
}

/// Runs an operation on clips and shows how many are done. `verb`: such as `gathering`.
fn with_counter<T>(
    verb: &'static str,
    run: impl FnOnce(&mut dyn FnMut(usize, usize)) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let format = if io::stderr().is_terminal() {
        ProgressFormat::Bar
    } else {
        ProgressFormat::Lines
    };
    let mut stderr = io::stderr();
    let mut counter = ClipProgress::new(verb, format, &mut stderr);
    let outcome = run(&mut |done, all| counter.set(done, all));
    counter.finish();
    outcome
}

/// Parses a date, `yesterday`, or the path of a day file. `None` for any other word.
fn parse_day(word: &str) -> Result<Option<Date>, Error> {
    let is_file = Path::new(word).extension().is_some_and(|it| it == "toml");
    if is_file {
        let day = Day::read(Path::new(word))?;
        return day.date.map(Some).ok_or_else(|| Error::Query {
            message: format!("{} has no date", escape(word)),
            hint: "write `date = 2026-05-02` below `[day]`, or the date instead of the file"
                .to_owned(),
        });
    }
    if !looks_like_date(word) {
        return Ok(named_day(word, &today));
    }
    word.parse().map(Some).map_err(|_| Error::Query {
        message: format!("{word} is not a date"),
        hint: format!("give a date that exists, or `'\"{word}\"'` to search for the word"),
    })
}

/// Returns true for `2026-05-02`, and for dates that do not exist, such as `2026-02-30`.
fn looks_like_date(word: &str) -> bool {
    let example = "2026-05-02";
    let is_alike =
        |(c, model): (char, char)| c == model || c.is_ascii_digit() && model.is_ascii_digit();
    word.len() == example.len() && word.chars().zip(example.chars()).all(is_alike)
}

/// Writes data to a file, or prints it.
fn write_data(
    shoot: &ShootReport,
    format: OutputFormat,
    output: Option<&Path>,
    context: &ReportContext<'_>,
) -> anyhow::Result<()> {
    let output = output.filter(|path| *path != Path::new("-"));
    let device = OutputDevice {
        is_terminal: output.is_none() && io::stdout().is_terminal(),
        width: None,
    };
    with_progress("writing", context, |making| {
        let write =
            |sink: &mut report::Sink<'_>| report::write_data(shoot, format, device, making, sink);
        match output {
            Some(path) => {
                report::save(path, ReportFormat::Data(format), write)?;
                Ok(())
            }
            None => print(context, write),
        }
    })
}

/// Writes a page, or a folder with a page and its pictures.
fn write_page(
    shoot: &ShootReport,
    output: Option<&Path>,
    (sheet, is_folder): (Option<SheetLayout>, bool),
    context: &ReportContext<'_>,
) -> anyhow::Result<()> {
    let to = output.map_or_else(|| default_name(shoot, sheet.is_some()), Path::to_owned);
    if to == Path::new("-") {
        return with_progress("writing", context, |making| {
            print(context, |sink| {
                report::write_page(shoot, sheet, making, sink)
            })
        });
    }
    let request = ReportRequest {
        to,
        sheet,
        is_folder,
    };
    let bytes = with_progress("writing", context, |making| {
        Ok(report::write(shoot, &request, making)?)
    })?;
    let place = request.output_path(shoot.shots.len());
    let (clips, size) = (counted(shoot.shots.len(), "clip"), Bytes(bytes));
    let place = escape(&place.to_string_lossy());
    writeln!(io::stderr(), "{place}: {clips}, {size}")?;
    Ok(())
}

fn with_progress<T>(
    verb: &'static str,
    context: &ReportContext<'_>,
    write: impl FnOnce(&mut RenderContext<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let outcome = with_counter(verb, |on_progress| {
        write(&mut RenderContext {
            catalogue: context.catalogue,
            cancel: context.interrupt.cancel(),
            progress: on_progress,
        })
    });
    if outcome.as_ref().is_err_and(is_interrupted) {
        writeln!(io::stderr(), "nothing written")?;
    }
    outcome
}

fn is_interrupted(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Interrupted))
}

/// Maximum size of printed output held in memory; larger output goes to a temporary file.
const MAX_IN_MEMORY: usize = 16 << 20;

/// Renders the complete output first, so nothing is printed if rendering fails.
fn print(
    context: &ReportContext<'_>,
    write: impl FnOnce(&mut report::Sink<'_>) -> Result<(), Error>,
) -> anyhow::Result<()> {
    let mut spool = tempfile::spooled_tempfile(MAX_IN_MEMORY);
    let folder = std::env::temp_dir();
    {
        let mut buffered = BufWriter::new(&mut spool);
        write(&mut report::Sink::new(&mut buffered, &folder))?;
        buffered.flush().map_err(Error::path(&folder))?;
    }
    spool.rewind().map_err(Error::path(&folder))?;
    // The reader of a pipe may be slow, and what was written to it cannot be taken back.
    context.interrupt.run_interruptible(|| {
        let mut out = stdout();
        io::copy(&mut spool, &mut out)?;
        out.flush()?;
        Ok(())
    })
}

/// Returns the default file name of a page, without `-o`.
fn default_name(shoot: &ShootReport, is_sheet: bool) -> PathBuf {
    let name = match (&shoot.about, is_sheet) {
        (ReportScope::Day(date, _), false) => date.to_string(),
        (ReportScope::Day(date, _), true) => format!("{date}-sheet"),
        (ReportScope::Query(_), false) => "report".to_owned(),
        (ReportScope::Query(_), true) => "sheet".to_owned(),
    };
    format!("{name}.html").into()
}
