//! `btsindex search`: finds clips, and prints them as table, paths, JSON or CSV.

mod open;
mod thumbs;

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::clip::{Clip, Facet, FileState};
use btsindex::error::{Error, escape};
use btsindex::index::{Finder, Hits, SortOrder, Tally};
use btsindex::output::{
    ClipColumns, TextTable, clip_json, json_line, tally_table, write_csv, write_tally_json,
};
use btsindex::query::Query;
use btsindex::value::{counted, grouped, parse_name, to_bytes};

use super::query_args;
use super::stdio::{print_index_notice, stdout, width};
use crate::cli::{self, Exit};
use open::DesktopAction;

/// Default number of rows of a table.
const TABLE_ROWS: usize = 50;

pub(crate) fn run(args: &cli::SearchArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    if args.saved {
        return list_saved(&catalogue, args.json);
    }
    if let Some(name) = &args.forget {
        return forget(name, &catalogue);
    }
    let query = query_args::parse(&args.words, &catalogue)?;
    if let Some(name) = &args.save {
        save(name, &args.words, &catalogue)?;
    }
    let columns = ClipColumns::parse(&args.columns, &query)?;
    let order = order(args)?;
    let mut finder = Finder::open(&catalogue, &mut print_index_notice)?;
    let exit = find(
        &query,
        order.as_ref(),
        &columns,
        &mut finder,
        &catalogue,
        args,
    )?;
    finder.tidy(&mut print_index_notice);
    Ok(exit)
}

fn find(
    query: &Query,
    order: Option<&SortOrder>,
    columns: &ClipColumns,
    finder: &mut Finder<'_>,
    catalogue: &Catalogue,
    args: &cli::SearchArgs,
) -> anyhow::Result<Exit> {
    if args.explain {
        return explain(query, finder);
    }
    if args.count {
        return count(query, finder, args.json);
    }
    if !args.facets.is_empty() {
        return facets(query, finder, args);
    }
    let hits = match order {
        // Without a query or sort order, clips are listed by folder.
        None if query.is_everything() => Hits {
            total: finder.count(query, &mut print_index_notice)?,
            clips: catalogue.all(hit_limit(args))?,
        },
        order => {
            let order = order.cloned().unwrap_or_default();
            finder.find(query, &order, hit_limit(args), &mut print_index_notice)?
        }
    };
    if hits.total == 0 {
        query_args::print_nothing_found(query, finder)?;
        return Ok(Exit::Negative);
    }
    let group = ResultGroup::from_args(query, finder, args)?;
    print_hits(&hits, group.as_ref(), columns, catalogue, args)
}

/// Returns the ids of all clips that a query finds, for commands that process them.
pub(super) fn find_all(words: &[String], catalogue: &Catalogue) -> anyhow::Result<Vec<i64>> {
    let query = query_args::parse(words, catalogue)?;
    if query.is_everything() {
        return Ok(catalogue.all(usize::MAX)?);
    }
    let mut finder = Finder::open(catalogue, &mut print_index_notice)?;
    let hits = finder.find(
        &query,
        &SortOrder::default(),
        usize::MAX,
        &mut print_index_notice,
    )?;
    if hits.total == 0 {
        query_args::print_nothing_found(&query, &mut finder)?;
    }
    finder.tidy(&mut print_index_notice);
    Ok(hits.clips)
}

/// Parses the sort order; with `--group`, clips are sorted by group first.
fn order(args: &cli::SearchArgs) -> Result<Option<SortOrder>, Error> {
    let sort = args.sort.as_deref();
    match &args.group {
        None => sort.map(str::parse).transpose(),
        Some(group) => {
            let facet = query_args::parse_facets(std::slice::from_ref(group))?;
            let group = facet.first().map_or("day", |facet| facet.name);
            format!("{group},{}", sort.unwrap_or("relevance"))
                .parse()
                .map(Some)
        }
    }
}

/// Returns the number of hits to fetch.
fn hit_limit(args: &cli::SearchArgs) -> usize {
    match DesktopAction::from_args(args) {
        Some(action) => action.nth,
        None => limit(args, is_list(args)),
    }
}

/// Returns the maximum number of rows, which is unlimited by default for other programs.
fn limit(args: &cli::SearchArgs, is_list: bool) -> usize {
    match args.limit {
        Some(0) => usize::MAX,
        Some(limit) => limit,
        None if is_list => usize::MAX,
        None => TABLE_ROWS,
    }
}

/// Returns true if the output is for another program.
fn is_list(args: &cli::SearchArgs) -> bool {
    args.json || args.csv || args.paths || args.null || args.all_files
}

fn print_hits(
    hits: &Hits,
    group: Option<&ResultGroup>,
    columns: &ClipColumns,
    catalogue: &Catalogue,
    args: &cli::SearchArgs,
) -> anyhow::Result<Exit> {
    if let Some(action) = DesktopAction::from_args(args) {
        return action.perform(&hits.clips, catalogue);
    }
    let mut out = stdout();
    let is_list = is_list(args);
    if args.csv {
        let clips = hits
            .clips
            .iter()
            .filter_map(|&clip| catalogue.clip(clip).transpose());
        let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
        write_csv(columns, clips, is_terminal, &mut out)?;
    } else if is_list {
        for &clip in &hits.clips {
            if let Some(clip) = catalogue.clip(clip)? {
                print(&clip, args, &mut out)?;
            }
        }
    } else {
        let clips = catalogue.clips(&hits.clips)?;
        match (group, width()) {
            (Some(group), _) => write_groups(&clips, group, columns, &mut out)?,
            (None, Some(width)) if args.thumbs => thumbs::show(clips, catalogue, width)?,
            (None, width) => columns.table(&clips, width).write(&mut out)?,
        }
        if args.thumbs && width().is_none() {
            writeln!(io::stderr(), "warning: --thumbs needs a terminal")?;
        }
    }
    out.flush()?;
    if !is_list || hits.clips.len() < hits.total {
        print_count(hits)?;
    }
    Ok(Exit::Done)
}

/// Writes clips in groups, each under a heading. A clip with several values is in several groups.
/// The count in a heading covers all hits, not only those shown.
fn write_groups(
    shown: &[Clip],
    group: &ResultGroup,
    columns: &ClipColumns,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut groups: Vec<(Option<String>, Vec<&Clip>)> = Vec::new();
    let mut has_multiple_values = false;
    for clip in shown {
        let mut values: Vec<Option<String>> =
            group.facet.values(clip).into_iter().map(Some).collect();
        has_multiple_values |= values.len() > 1;
        if values.is_empty() {
            values.push(None);
        }
        for value in values {
            match groups.iter_mut().find(|(known, _)| *known == value) {
                Some((_, clips)) => clips.push(clip),
                None => groups.push((value, vec![clip])),
            }
        }
    }
    if has_multiple_values {
        groups.sort_by(|(a, _), (b, _)| (a.is_none(), a).cmp(&(b.is_none(), b)));
    }
    for (at, (value, clips)) in groups.into_iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let all = group.count(value.as_deref()).max(clips.len());
        let count = if clips.len() < all {
            format!("{} of {}", grouped(clips.len()), counted(all, "clip"))
        } else {
            counted(all, "clip")
        };
        let heading = value.unwrap_or_else(|| format!("no {}", group.facet.name));
        writeln!(out, "{} ({count})", escape(&heading))?;
        columns.table(clips, width()).write(out)?;
    }
    Ok(())
}

/// Facet that results are grouped by, with the clip count of each value.
struct ResultGroup {
    facet: Facet,
    tally: Tally,
}

impl ResultGroup {
    /// Counts the values of the facet of `--group`; `None` without it.
    fn from_args(
        query: &Query,
        finder: &mut Finder<'_>,
        args: &cli::SearchArgs,
    ) -> anyhow::Result<Option<Self>> {
        let Some(name) = args.group.as_ref().filter(|_| !is_list(args)) else {
            return Ok(None);
        };
        let facets = query_args::parse_facets(std::slice::from_ref(name))?;
        let tallies = finder.tally(query, &facets, false, &mut print_index_notice)?;
        let group = facets.into_iter().zip(tallies.facets).next();
        Ok(group.map(|(facet, tally)| Self { facet, tally }))
    }

    /// Returns the number of clips with a value; `None` counts clips without one.
    fn count(&self, value: Option<&str>) -> usize {
        let sum = match value {
            None => Some(self.tally.without),
            Some(value) => {
                let row = self.tally.rows.iter().find(|(known, _)| known == value);
                row.map(|(_, sum)| *sum)
            }
        };
        sum.map_or(0, |sum| usize::try_from(sum.clips).unwrap_or(usize::MAX))
    }
}

fn explain(query: &Query, finder: &mut Finder<'_>) -> anyhow::Result<Exit> {
    let mut out = stdout();
    if query.is_everything() {
        writeln!(out, "every clip")?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    writeln!(out, "{}", escape(&query.to_string()))?;
    let mut table = TextTable::new(&["part", "clips"], width());
    for term in query.terms() {
        let count = finder.count(term, &mut print_index_notice)?;
        table.row(&[term.to_string(), grouped(count)]);
    }
    table.row(&[
        "all parts".to_owned(),
        grouped(finder.count(query, &mut print_index_notice)?),
    ]);
    table.write(&mut out)?;
    out.flush()?;
    Ok(Exit::Done)
}

fn count(query: &Query, finder: &mut Finder<'_>, as_json: bool) -> anyhow::Result<Exit> {
    let count = finder.count(query, &mut print_index_notice)?;
    let mut out = stdout();
    if as_json {
        writeln!(out, "{}", serde_json::json!({ "clips": count }))?;
    } else {
        writeln!(out, "{count}")?;
    }
    out.flush()?;
    if count == 0 {
        query_args::print_nothing_found(query, finder)?;
        return Ok(Exit::Negative);
    }
    Ok(Exit::Done)
}

fn facets(query: &Query, finder: &mut Finder<'_>, args: &cli::SearchArgs) -> anyhow::Result<Exit> {
    let facets = query_args::parse_facets(&args.facets)?;
    let tallies = finder.tally(query, &facets, false, &mut print_index_notice)?;
    if tallies.total.clips == 0 {
        query_args::print_nothing_found(query, finder)?;
        return Ok(Exit::Negative);
    }
    let limit = limit(args, args.json);
    let mut out = stdout();
    for (at, tally) in tallies.facets.iter().enumerate() {
        if args.json {
            write_tally_json(tally, limit, &mut out)?;
        } else {
            if at > 0 {
                writeln!(out)?;
            }
            tally_table(tally, limit, width()).write(&mut out)?;
        }
    }
    out.flush()?;
    if !args.json {
        let found = usize::try_from(tallies.total.clips).unwrap_or(usize::MAX);
        writeln!(io::stderr(), "{} found", counted(found, "clip"))?;
    }
    Ok(Exit::Done)
}

fn save(name: &str, words: &[String], catalogue: &Catalogue) -> anyhow::Result<()> {
    let name = parse_name(name).map_err(Error::Malformed)?;
    if words.is_empty() {
        return Err(Error::Query {
            message: "nothing to save: the query is empty".to_owned(),
            hint: "add the query after the name: `--save NAME WORDS`".to_owned(),
        }
        .into());
    }
    let replaced = catalogue.save_search(name, words)?;
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "saved as `{}`", escape(name))?;
    if let Some(before) = replaced.filter(|before| before != words) {
        let before = escape(&before.join(" "));
        writeln!(stderr, "replaced `{before}`")?;
    }
    Ok(())
}

fn forget(name: &str, catalogue: &Catalogue) -> anyhow::Result<Exit> {
    let name = name.strip_prefix('@').unwrap_or(name);
    if catalogue.forget_search(name)? {
        writeln!(io::stderr(), "deleted `{}`", escape(name))?;
        return Ok(Exit::Done);
    }
    writeln!(
        io::stderr(),
        "no saved search `{}`\nhint: `btsindex search --saved` lists them all",
        escape(name)
    )?;
    Ok(Exit::Negative)
}

fn list_saved(catalogue: &Catalogue, as_json: bool) -> anyhow::Result<Exit> {
    let saved = catalogue.saved_searches()?;
    if saved.is_empty() {
        writeln!(io::stderr(), "no saved searches yet")?;
        return Ok(Exit::Negative);
    }
    let mut out = stdout();
    let mut table = TextTable::new(&["name", "query"], width());
    for (name, words) in &saved {
        if as_json {
            let line = serde_json::json!({ "name": name, "words": words });
            writeln!(out, "{}", json_line(&line))?;
        }
        table.row(&[name.clone(), words.join(" ")]);
    }
    if !as_json {
        table.write(&mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn print_count(hits: &Hits) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    if hits.clips.len() < hits.total {
        let (shown, total) = (grouped(hits.clips.len()), counted(hits.total, "clip"));
        writeln!(
            stderr,
            "{total} found, first {shown} shown; `--limit 0` shows all"
        )
    } else {
        writeln!(stderr, "{} found", counted(hits.total, "clip"))
    }
}

fn print(clip: &Clip, args: &cli::SearchArgs, out: &mut dyn Write) -> io::Result<()> {
    if args.json {
        return writeln!(out, "{}", json_line(&clip_json(clip)));
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

/// Prints a path unchanged, so that programs can open it. It is escaped on a terminal, or if it
/// contains a line break.
fn print_path(path: &Path, out: &mut dyn Write) -> io::Result<()> {
    let bytes = to_bytes(path.as_os_str());
    if io::IsTerminal::is_terminal(&io::stdout()) || bytes.contains(&b'\n') {
        writeln!(out, "{}", escape(&path.to_string_lossy()))
    } else {
        out.write_all(&bytes)?;
        out.write_all(b"\n")
    }
}
