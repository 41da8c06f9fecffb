//! `btsindex edits export`, `import` and `adopt`: transfer edits between catalogues and clips.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use btsindex::atomic_file;
use btsindex::catalogue::{Adoption, Catalogue, Imported, JournalError};
use btsindex::clip::Edit;
use btsindex::error::{Error, escape};
use btsindex::output::{OutputFormat, RowColumn, RowListing};
use btsindex::value::{counted, grouped};
use serde_json::json;

use super::confirm::confirm;
use super::interrupt::Interrupt;
use super::stdio::{print, stdout};
use crate::cli::{EditsCommand, Exit};

/// Maximum number of invalid lines listed for each imported file.
const LISTED: usize = 20;

pub(crate) fn run(command: &EditsCommand, catalogue: &Path) -> anyhow::Result<Exit> {
    match command {
        EditsCommand::Export { file } => export(file.as_deref(), &Catalogue::open(catalogue)?),
        EditsCommand::Import { files } => {
            // Before the catalogue is opened, so that no signal is missed, even by a process that
            // inherited an ignored SIGINT.
            let interrupt = Interrupt::new()?;
            // Edits can be imported before the first scan.
            let catalogue = Catalogue::create(catalogue)?;
            import(files, &catalogue, &interrupt)
        }
        EditsCommand::Adopt {
            clips,
            all,
            yes,
            format,
        } => {
            let catalogue = Catalogue::open(catalogue)?;
            adopt(clips, (*all, *yes), format.get(), &catalogue)
        }
    }
}

fn export(file: Option<&Path>, catalogue: &Catalogue) -> anyhow::Result<Exit> {
    let mut count = 0;
    let interrupt = Interrupt::new()?;
    let mut write = |out: &mut dyn Write| {
        catalogue.each_edit(&mut |edit| {
            if interrupt.is_requested() {
                return Err(io::Error::other(Error::Interrupted));
            }
            count += 1;
            writeln!(out, "{}", edit.to_line())
        })
    };
    if let Some(path) = file.filter(|path| *path != Path::new("-")) {
        let mut failure = None;
        let published = atomic_file::create_with(path, |file| {
            let mut out = BufWriter::new(file);
            match write(&mut out) {
                Ok(()) => out.flush(),
                Err(JournalError::Journal(error)) => Err(error),
                Err(JournalError::Catalogue(error)) => {
                    failure = Some(error);
                    Err(io::Error::other("the catalogue cannot be read"))
                }
            }
        });
        refuse_interrupted(&interrupt)?;
        failure.map_or(Ok(()), Err)?;
        published.map_err(Error::path(path))?;
    } else {
        let mut out = stdout();
        // The reader of a pipe may be slow.
        interrupt.run_interruptible(|| -> anyhow::Result<()> {
            match write(&mut out) {
                Ok(()) => Ok(out.flush()?),
                Err(JournalError::Journal(error)) => Err(error.into()),
                Err(JournalError::Catalogue(error)) => Err(error.into()),
            }
        })?;
    }
    writeln!(io::stderr(), "{} exported", counted(count, "edit"))?;
    Ok(Exit::Done)
}

fn refuse_interrupted(interrupt: &Interrupt) -> Result<(), Error> {
    if interrupt.is_requested() {
        return Err(Error::Interrupted);
    }
    Ok(())
}

/// Imports each file in one transaction: if the process ends, a file is imported completely or not
/// at all.
fn import(files: &[PathBuf], catalogue: &Catalogue, interrupt: &Interrupt) -> anyhow::Result<Exit> {
    interrupt.run_interruptible(|| import_files(files, catalogue))
}

fn import_files(files: &[PathBuf], catalogue: &Catalogue) -> anyhow::Result<Exit> {
    let mut all = Imported::default();
    let mut stderr = io::stderr();
    for path in files {
        let imported = if path == Path::new("-") {
            catalogue.import(&mut io::stdin().lock())
        } else {
            let file = File::open(path).map_err(Error::path(path))?;
            catalogue.import(&mut BufReader::new(file))
        };
        let imported = imported.map_err(|error| match error {
            JournalError::Journal(error) => Error::path(path)(error),
            JournalError::Catalogue(error) => error,
        })?;
        let shown = escape(&path.to_string_lossy());
        for (line, reason) in imported.refused.iter().take(LISTED) {
            writeln!(stderr, "warning: {shown}:{line}: {}", escape(reason))?;
        }
        if imported.refused.len() > LISTED {
            let more = grouped(imported.refused.len() - LISTED);
            writeln!(stderr, "warning: {shown}: {more} more invalid lines")?;
        }
        all.new += imported.new;
        all.known += imported.known;
        all.waiting += imported.waiting;
        all.refused.extend(imported.refused);
    }
    let mut out = stdout();
    writeln!(out, "{} imported", counted(all.new, "edit"))?;
    for (count, label) in [
        (all.known, "already known"),
        (
            all.waiting,
            "clips not scanned yet: their edits are stored and apply once they are",
        ),
        (all.refused.len(), "invalid lines skipped"),
    ] {
        if count > 0 {
            writeln!(out, "{count:>9}  {label}")?;
        }
    }
    out.flush()?;
    Ok(if all.refused.is_empty() {
        Exit::Done
    } else {
        Exit::SomeUnreadable
    })
}

fn adopt(
    clips: &[PathBuf],
    (all, yes): (bool, bool),
    format: OutputFormat,
    catalogue: &Catalogue,
) -> anyhow::Result<Exit> {
    let mut offers = catalogue.adoptions(usize::MAX)?;
    if !clips.is_empty() {
        let numbers: Result<Vec<i64>, Error> = clips
            .iter()
            .map(|clip| catalogue.find_number(clip))
            .collect();
        let numbers = numbers?;
        offers.retain(|offer| numbers.contains(&offer.clip));
    }
    let mut out = stdout();
    if offers.is_empty() {
        if !format.is_for_programs() {
            writeln!(out, "no edits to adopt")?;
            out.flush()?;
        }
        return Ok(Exit::Negative);
    }
    let is_listed = clips.is_empty() && !(all && yes);
    if is_listed {
        print(offer_listing(&offers, catalogue), format, &mut out)?;
    }
    if clips.is_empty() && !all {
        writeln!(
            io::stderr(),
            "hint: `btsindex edits adopt CLIP` adopts the edits of one clip, `--all` those of all"
        )?;
        return Ok(Exit::Done);
    }
    let action = format!("adopt these edits for {}", counted(offers.len(), "clip"));
    if all && offers.len() > 1 && !yes && !confirm(&action)? {
        return Ok(Exit::Negative);
    }
    catalogue.adopt(&offers)?;
    let edits = offers.iter().map(|offer| offer.actions.len()).sum();
    writeln!(
        out,
        "{} adopted for {}",
        counted(edits, "edit"),
        counted(offers.len(), "clip")
    )?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Edits that a clip can adopt from the previous content of its file.
struct Offer<'a> {
    path: Option<PathBuf>,
    /// True if the two contents have the same duration and codec.
    is_alike: bool,
    edits: &'a [Edit],
}

fn offer_listing<'a>(
    offers: &'a [Adoption],
    catalogue: &'a Catalogue,
) -> RowListing<'a, Offer<'a>> {
    let columns = vec![
        RowColumn::new("path", |offer: &Offer<'_>| {
            json!(offer.path.as_ref().map(|path| path.to_string_lossy()))
        }),
        RowColumn::new("same_duration_and_codec", |offer: &Offer<'_>| {
            json!(offer.is_alike)
        }),
        RowColumn::new("edits", |offer: &Offer<'_>| {
            let edit = |edit: &Edit| {
                json!({
                    "edit": edit.id, "at": edit.time_text(), "author": edit.content.author,
                    "action": edit.content.action,
                })
            };
            offer.edits.iter().map(edit).collect()
        })
        .cell(|offer| {
            let actions = offer
                .edits
                .iter()
                .map(|edit| edit.content.action.to_string());
            actions.collect::<Vec<_>>().join("; ")
        }),
    ];
    let rows = offers.iter().map(|adoption| offer(adoption, catalogue));
    RowListing::new(columns, rows)
        .paths(|offer| offer.path.clone().into_iter().collect())
        .text_of_row(write_offer)
}

fn offer<'a>(adoption: &'a Adoption, catalogue: &Catalogue) -> Result<Offer<'a>, Error> {
    let now = catalogue.clip(adoption.clip)?.unwrap_or_default();
    let before = catalogue.clip(adoption.former)?.unwrap_or_default();
    let is_alike = now.duration.is_some()
        && now.duration.as_ref().map(|fact| fact.value)
            == before.duration.as_ref().map(|fact| fact.value)
        && now.video_codec.as_ref().map(|fact| &fact.value)
            == before.video_codec.as_ref().map(|fact| &fact.value);
    Ok(Offer {
        path: now.path.map(|path| path.value.path),
        is_alike,
        edits: &adoption.actions,
    })
}

fn write_offer(offer: &Offer<'_>, out: &mut dyn Write) -> io::Result<()> {
    let path = offer.path.as_ref().map(|path| path.to_string_lossy());
    writeln!(out, "{}", escape(&path.unwrap_or_default()))?;
    let verdict = if offer.is_alike {
        "same duration and codec as before"
    } else {
        "different duration or codec than before"
    };
    writeln!(out, "  {verdict}")?;
    for edit in offer.edits {
        let (action, author) = (
            escape(&edit.content.action.to_string()),
            escape(&edit.content.author),
        );
        writeln!(out, "  {action}  ({author}, {})", edit.time_text())?;
    }
    Ok(())
}
