//! `btsindex search`

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::clip::{Clip, FileState};
use btsindex::error::{Error, escape};
use btsindex::index::{Hits, Index};
use btsindex::present::{counted, grouped, json, json_line, search_table};
use btsindex::query::Query;
use btsindex::value::to_bytes;

use super::{Exit, stdout, width};
use crate::cli;

/// Rows of a table that people look through.
const TABLE_ROWS: usize = 50;

pub(crate) fn run(args: &cli::Search, catalogue: &Path) -> anyhow::Result<Exit> {
    let query = Query::parse(&args.words)?;
    let catalogue = Catalogue::open(catalogue)?;
    let is_list = args.json || args.paths || args.null || args.all_files;
    let most = match args.limit {
        Some(0) => usize::MAX,
        Some(most) => most,
        None if is_list => usize::MAX,
        None => TABLE_ROWS,
    };
    let hits = find(&query, &catalogue, most)?;
    if hits.clips.is_empty() {
        writeln!(io::stderr(), "nothing found")?;
        return Ok(Exit::NothingFound);
    }
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
        search_table(&clips, width()).write(&mut out)?;
    }
    out.flush()?;
    if !is_list || hits.clips.len() < hits.total {
        say_count(&hits)?;
    }
    Ok(Exit::Done)
}

pub(super) fn find(query: &Query, catalogue: &Catalogue, most: usize) -> anyhow::Result<Hits> {
    if query.terms.is_empty() {
        return Ok(Hits {
            total: catalogue.count()?,
            clips: catalogue.all(most)?,
        });
    }
    let index = Index::open(catalogue)?;
    if let Err(error) = index.catch_up(catalogue) {
        // What it holds can be searched all the same.
        let message = escape(&error.to_string());
        writeln!(
            io::stderr(),
            "warning: the index could not follow the catalogue: {message}"
        )?;
    }
    Ok(search_whole(index, query, catalogue, most)?)
}

/// Searches; an index that turns out to be damaged is made anew, once.
fn search_whole(
    index: Index,
    query: &Query,
    catalogue: &Catalogue,
    most: usize,
) -> Result<Hits, Error> {
    // A file that was cut off or altered may make tantivy panic; what it says then is no news.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let first = panic::catch_unwind(AssertUnwindSafe(|| index.search(query, most)));
    panic::set_hook(hook);
    if let Ok(Ok(hits)) = first {
        return Ok(hits);
    }
    drop(index);
    let index = Index::anew(catalogue)?;
    index.catch_up(catalogue)?;
    index.search(query, most)
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
