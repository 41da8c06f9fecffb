//! `btsindex edits export`, `import`, `adopt`

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use btsindex::catalogue::{Adoption, Catalogue, Imported};
use btsindex::error::{Error, escape};
use btsindex::present::{counted, grouped};
use btsindex::publish;

use super::interrupt::Interrupt;
use super::{Exit, ask, stdout};
use crate::cli::EditsCommand;

/// Lines of a journal, that are no edits, that are told one by one.
const TOLD: usize = 20;

pub(crate) fn run(command: &EditsCommand, catalogue: &Path) -> anyhow::Result<Exit> {
    match command {
        EditsCommand::Export { file } => export(file.as_deref(), &Catalogue::open(catalogue)?),
        EditsCommand::Import { files } => {
            // First, so that no signal is missed, also by a process that ignores it otherwise.
            let interrupt = Interrupt::new()?;
            // A journal may come before the first drive.
            let catalogue = Catalogue::create(catalogue)?;
            import(files, &catalogue, &interrupt)
        }
        EditsCommand::Adopt { clips, all, yes } => {
            adopt(clips, *all, *yes, &Catalogue::open(catalogue)?)
        }
    }
}

fn export(file: Option<&Path>, catalogue: &Catalogue) -> anyhow::Result<Exit> {
    let mut count = 0;
    let interrupt = Interrupt::new()?;
    let mut write = |out: &mut dyn Write| {
        catalogue.each_edit(&mut |edit| {
            if interrupt.is_asked() {
                return Err(io::Error::other(Error::Interrupted));
            }
            count += 1;
            writeln!(out, "{}", edit.to_line())
        })
    };
    if let Some(path) = file.filter(|path| *path != Path::new("-")) {
        let mut failure = None;
        let published = publish::new_with(path, |file| {
            let mut out = BufWriter::new(file);
            match write(&mut out) {
                Ok(written) => written.and_then(|()| out.flush()),
                Err(error) => {
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
        // Whoever reads it may be slow.
        interrupt.at_once(|| -> anyhow::Result<()> {
            write(&mut out)??;
            Ok(out.flush()?)
        })?;
    }
    writeln!(io::stderr(), "{} exported", counted(count, "edit"))?;
    Ok(Exit::Done)
}

fn refuse_interrupted(interrupt: &Interrupt) -> Result<(), Error> {
    if interrupt.is_asked() {
        return Err(Error::Interrupted);
    }
    Ok(())
}

/// Each file is taken in by one transaction, so that ending the process takes in all of it or nothing.
fn import(files: &[PathBuf], catalogue: &Catalogue, interrupt: &Interrupt) -> anyhow::Result<Exit> {
    interrupt.at_once(|| take_in(files, catalogue))
}

fn take_in(files: &[PathBuf], catalogue: &Catalogue) -> anyhow::Result<Exit> {
    let mut all = Imported::default();
    let mut talk = io::stderr();
    for path in files {
        let imported = if path == Path::new("-") {
            catalogue.import(&mut io::stdin().lock())?
        } else {
            let file = File::open(path).map_err(Error::path(path))?;
            catalogue.import(&mut BufReader::new(file))?
        };
        let imported = imported.map_err(Error::path(path))?;
        let shown = escape(&path.to_string_lossy());
        for (line, reason) in imported.refused.iter().take(TOLD) {
            writeln!(talk, "warning: {shown}:{line}: {}", escape(reason))?;
        }
        if imported.refused.len() > TOLD {
            let more = grouped(imported.refused.len() - TOLD);
            writeln!(
                talk,
                "warning: {shown}: {more} more lines that are no edits"
            )?;
        }
        all.new += imported.new;
        all.known += imported.known;
        all.waiting += imported.waiting;
        all.refused.extend(imported.refused);
    }
    let mut out = stdout();
    writeln!(out, "{} imported", counted(all.new, "edit"))?;
    for (count, what) in [
        (all.known, "known already"),
        (
            all.waiting,
            "clips that were not scanned yet: their edits wait for them",
        ),
        (all.refused.len(), "lines that are no edits, passed over"),
    ] {
        if count > 0 {
            writeln!(out, "{count:>9}  {what}")?;
        }
    }
    out.flush()?;
    Ok(if all.refused.is_empty() {
        Exit::Done
    } else {
        Exit::SomeUnreadable
    })
}

fn adopt(clips: &[PathBuf], all: bool, yes: bool, catalogue: &Catalogue) -> anyhow::Result<Exit> {
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
        writeln!(out, "there is nothing to take over")?;
        out.flush()?;
        return Ok(Exit::NothingFound);
    }
    let is_listed = clips.is_empty() && !(all && yes);
    if is_listed {
        for offer in &offers {
            tell(offer, catalogue, &mut out)?;
        }
        out.flush()?;
    }
    if clips.is_empty() && !all {
        writeln!(
            io::stderr(),
            "`btsindex edits adopt CLIP` takes over what was said of one of them, `--all` of all"
        )?;
        return Ok(Exit::Done);
    }
    let question = format!("have {} take it over?", counted(offers.len(), "clip"));
    if all && offers.len() > 1 && !yes && !ask::confirm(&question)? {
        return Ok(Exit::NothingFound);
    }
    catalogue.adopt(&offers)?;
    let edits = offers.iter().map(|offer| offer.actions.len()).sum();
    writeln!(
        out,
        "{} taken over by {}",
        counted(edits, "edit"),
        counted(offers.len(), "clip")
    )?;
    out.flush()?;
    Ok(Exit::Done)
}

/// One offer: the file, how alike the two contents are, and what was said.
fn tell(offer: &Adoption, catalogue: &Catalogue, out: &mut dyn Write) -> anyhow::Result<()> {
    let now = catalogue.clip(offer.clip)?.unwrap_or_default();
    let before = catalogue.clip(offer.former)?.unwrap_or_default();
    let path = now
        .path
        .as_ref()
        .map(|path| path.value.path.to_string_lossy().into_owned());
    writeln!(out, "{}", escape(&path.unwrap_or_default()))?;
    let is_alike = now.duration.is_some()
        && now.duration.as_ref().map(|fact| fact.value)
            == before.duration.as_ref().map(|fact| fact.value)
        && now.video_codec.as_ref().map(|fact| &fact.value)
            == before.video_codec.as_ref().map(|fact| &fact.value);
    let verdict = if is_alike {
        "as long as before, coded alike"
    } else {
        "another length or coding than before"
    };
    writeln!(out, "  {verdict}")?;
    for edit in &offer.actions {
        let (action, author) = (
            escape(&edit.said.action.to_string()),
            escape(&edit.said.author),
        );
        writeln!(out, "  {action}  ({author}, {})", edit.at())?;
    }
    Ok(())
}
