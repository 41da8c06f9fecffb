//! `btsindex search`

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::clip::{Clip, FileState};
use btsindex::error::escape;
use btsindex::index::{self, Hits};
use btsindex::present::{counted, grouped, json, json_line, search_table};
use btsindex::query::Query;
use btsindex::value::to_bytes;

use super::open::Wish;
use super::{Exit, said, stdout, thumbs, width};
use crate::cli;

/// Rows of a table that people look through.
const TABLE_ROWS: usize = 50;

pub(crate) fn run(args: &cli::Search, catalogue: &Path) -> anyhow::Result<Exit> {
    let query = Query::parse(&args.words)?;
    let catalogue = Catalogue::open(catalogue)?;
    let wish = Wish::of(args);
    let most = match args.limit {
        _ if wish.is_some() => wish.map_or(0, |wish| wish.nth),
        Some(0) => usize::MAX,
        Some(most) => most,
        None if is_list(args) => usize::MAX,
        None => TABLE_ROWS,
    };
    if query.terms.is_empty() {
        let hits = Hits {
            total: catalogue.count()?,
            clips: catalogue.all(most)?,
        };
        return answer(&hits, &catalogue, args);
    }
    let found = index::find(&query, &catalogue, most, &mut said)?;
    let exit = answer(&found.hits, &catalogue, args)?;
    found.tidy(&catalogue, &mut said);
    Ok(exit)
}

fn answer(hits: &Hits, catalogue: &Catalogue, args: &cli::Search) -> anyhow::Result<Exit> {
    match Wish::of(args) {
        Some(wish) if !hits.clips.is_empty() => wish.fulfil(&hits.clips, catalogue),
        _ => show(hits, catalogue, args),
    }
}

fn show(hits: &Hits, catalogue: &Catalogue, args: &cli::Search) -> anyhow::Result<Exit> {
    if hits.clips.is_empty() {
        writeln!(io::stderr(), "nothing found")?;
        return Ok(Exit::NothingFound);
    }
    let is_list = is_list(args);
    let mut out = stdout();
    if is_list {
        for &clip in &hits.clips {
            if let Some(clip) = catalogue.clip(clip)? {
                print(&clip, args, &mut out)?;
            }
        }
    } else {
        let clips = hits.clips.iter().map(|&clip| catalogue.clip(clip));
        let clips: Vec<Clip> = clips
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect();
        match width() {
            Some(width) if args.thumbs => thumbs::show(clips, catalogue, width)?,
            width => search_table(&clips, width).write(&mut out)?,
        }
        if args.thumbs && width().is_none() {
            writeln!(io::stderr(), "posters are drawn on a terminal only")?;
        }
    }
    out.flush()?;
    if !is_list || hits.clips.len() < hits.total {
        say_count(hits)?;
    }
    Ok(Exit::Done)
}

/// Everything that a query finds, for the commands that do something with it.
pub(super) fn find_all(words: &[String], catalogue: &Catalogue) -> anyhow::Result<Vec<i64>> {
    let query = Query::parse(words)?;
    if query.terms.is_empty() {
        return Ok(catalogue.all(usize::MAX)?);
    }
    let found = index::find(&query, catalogue, usize::MAX, &mut said)?;
    let clips = found.hits.clips.clone();
    found.tidy(catalogue, &mut said);
    Ok(clips)
}

/// Whether the output is for another program.
fn is_list(args: &cli::Search) -> bool {
    args.json || args.paths || args.null || args.all_files
}

fn say_count(hits: &Hits) -> io::Result<()> {
    let mut talk = io::stderr().lock();
    if hits.clips.len() < hits.total {
        let (shown, total) = (grouped(hits.clips.len()), counted(hits.total, "clip"));
        writeln!(
            talk,
            "{total} found, the first {shown} shown; `--limit 0` shows all"
        )
    } else {
        writeln!(talk, "{} found", counted(hits.total, "clip"))
    }
}

fn print(clip: &Clip, args: &cli::Search, out: &mut dyn Write) -> io::Result<()> {
    if args.json {
        return writeln!(out, "{}", json_line(&json(clip)));
    }
    let copies = if args.all_files { clip.files.len() } else { 1 };
    let is_shown = |state| !args.all_files || state != FileState::Missing;
    for copy in clip
        .files
        .iter()
        .take(copies)
        .filter(|copy| is_shown(copy.state))
    {
        if args.null {
            out.write_all(&to_bytes(copy.path.as_os_str()))?;
            out.write_all(b"\0")?;
        } else {
            print_path(&copy.path, out)?;
        }
    }
    Ok(())
}

/// A path to a pipe as it is; to a terminal, or with a line break in it, escaped.
fn print_path(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    let bytes = to_bytes(path.as_os_str());
    if io::IsTerminal::is_terminal(&io::stdout()) || bytes.contains(&b'\n') {
        writeln!(out, "{}", escape(&path.to_string_lossy()))
    } else {
        out.write_all(&bytes)?;
        out.write_all(b"\n")
    }
}
