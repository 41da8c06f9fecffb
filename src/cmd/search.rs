//! `btsindex search`

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::clip::{Clip, Facet, FileState};
use btsindex::error::{Error, escape};
use btsindex::index::{Finder, Hits, SortOrder, Tally};
use btsindex::output::{
    Columns, Table, counted, csv, grouped, json, json_line, tally_json, tally_table,
};
use btsindex::query::Query;
use btsindex::value::{parse_name, to_bytes};

use super::open::Wish;
use super::{Exit, asked, said, stdout, thumbs, width};
use crate::cli;

/// Rows of a table that people look through.
const TABLE_ROWS: usize = 50;

pub(crate) fn run(args: &cli::SearchArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(catalogue)?;
    if args.saved {
        return list_saved(&catalogue, args.json);
    }
    if let Some(name) = &args.forget {
        return forget(name, &catalogue);
    }
    let query = asked::query(&args.words, &catalogue)?;
    if let Some(name) = &args.save {
        save(name, &args.words, &catalogue)?;
    }
    let columns = Columns::named(&args.columns, &query)?;
    let order = order(args)?;
    let mut finder = Finder::open(&catalogue, &mut said)?;
    let exit = find(
        &query,
        order.as_ref(),
        &columns,
        &mut finder,
        &catalogue,
        args,
    )?;
    finder.tidy(&mut said);
    Ok(exit)
}

fn find(
    query: &Query,
    order: Option<&SortOrder>,
    columns: &Columns,
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
        // As the folders are.
        None if query.is_everything() => Hits {
            total: finder.count(query, &mut said)?,
            clips: catalogue.all(most(args))?,
        },
        order => {
            let order = order.cloned().unwrap_or_default();
            finder.find(query, &order, most(args), &mut said)?
        }
    };
    if hits.total == 0 {
        asked::say_nothing_found(query, finder)?;
        return Ok(Exit::NothingFound);
    }
    let group = Group::of(query, finder, args)?;
    show(&hits, group.as_ref(), columns, catalogue, args)
}

/// Everything that a query finds, for the commands that do something with it.
pub(super) fn find_all(words: &[String], catalogue: &Catalogue) -> anyhow::Result<Vec<i64>> {
    let query = asked::query(words, catalogue)?;
    if query.is_everything() {
        return Ok(catalogue.all(usize::MAX)?);
    }
    let mut finder = Finder::open(catalogue, &mut said)?;
    let hits = finder.find(&query, &SortOrder::default(), usize::MAX, &mut said)?;
    if hits.total == 0 {
        asked::say_nothing_found(&query, &mut finder)?;
    }
    finder.tidy(&mut said);
    Ok(hits.clips)
}

/// What the order goes by; groups come first in it.
fn order(args: &cli::SearchArgs) -> Result<Option<SortOrder>, Error> {
    let sort = args.sort.as_deref();
    match &args.group {
        None => sort.map(str::parse).transpose(),
        Some(group) => {
            let facet = asked::facets(std::slice::from_ref(group))?;
            let group = facet.first().map_or("day", |facet| facet.name);
            format!("{group},{}", sort.unwrap_or("relevance"))
                .parse()
                .map(Some)
        }
    }
}

fn most(args: &cli::SearchArgs) -> usize {
    match Wish::of(args) {
        Some(wish) => wish.nth,
        None => limit(args, is_list(args)),
    }
}

/// How many rows there are at most, for people or for another program.
fn limit(args: &cli::SearchArgs, is_list: bool) -> usize {
    match args.limit {
        Some(0) => usize::MAX,
        Some(most) => most,
        None if is_list => usize::MAX,
        None => TABLE_ROWS,
    }
}

/// Whether the output is for another program.
fn is_list(args: &cli::SearchArgs) -> bool {
    args.json || args.csv || args.paths || args.null || args.all_files
}

fn show(
    hits: &Hits,
    group: Option<&Group>,
    columns: &Columns,
    catalogue: &Catalogue,
    args: &cli::SearchArgs,
) -> anyhow::Result<Exit> {
    if let Some(wish) = Wish::of(args) {
        return wish.fulfil(&hits.clips, catalogue);
    }
    let mut out = stdout();
    let is_list = is_list(args);
    if args.csv {
        let clips = hits
            .clips
            .iter()
            .filter_map(|&clip| catalogue.clip(clip).transpose());
        let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
        csv(columns, clips, is_terminal, &mut out)?;
    } else if is_list {
        for &clip in &hits.clips {
            if let Some(clip) = catalogue.clip(clip)? {
                print(&clip, args, &mut out)?;
            }
        }
    } else {
        let clips = catalogue.clips(&hits.clips)?;
        match (group, width()) {
            (Some(group), _) => groups(&clips, group, columns, &mut out)?,
            (None, Some(width)) if args.thumbs => thumbs::show(clips, catalogue, width)?,
            (None, width) => columns.table(&clips, width).write(&mut out)?,
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

/// Clips that stand together under a heading each, and under several where they have several
/// values; how many there are of each is counted of all that is found.
fn groups(
    shown: &[Clip],
    group: &Group,
    columns: &Columns,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut together: Vec<(Option<String>, Vec<&Clip>)> = Vec::new();
    let mut is_several = false;
    for clip in shown {
        let mut values: Vec<Option<String>> =
            group.facet.values(clip).into_iter().map(Some).collect();
        is_several |= values.len() > 1;
        if values.is_empty() {
            values.push(None);
        }
        for value in values {
            match together.iter_mut().find(|(known, _)| *known == value) {
                Some((_, clips)) => clips.push(clip),
                None => together.push((value, vec![clip])),
            }
        }
    }
    if is_several {
        together.sort_by(|(a, _), (b, _)| (a.is_none(), a).cmp(&(b.is_none(), b)));
    }
    for (at, (value, clips)) in together.into_iter().enumerate() {
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

/// What clips stand together by, and how many there are of each.
struct Group {
    facet: Facet,
    tally: Tally,
}

impl Group {
    /// What was asked for, if anything was.
    fn of(
        query: &Query,
        finder: &mut Finder<'_>,
        args: &cli::SearchArgs,
    ) -> anyhow::Result<Option<Self>> {
        let Some(name) = args.group.as_ref().filter(|_| !is_list(args)) else {
            return Ok(None);
        };
        let facets = asked::facets(std::slice::from_ref(name))?;
        let tallies = finder.tally(query, &facets, false, &mut said)?;
        let group = facets.into_iter().zip(tallies.facets).next();
        Ok(group.map(|(facet, tally)| Self { facet, tally }))
    }

    /// How many clips have a value, or none.
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
    let mut table = Table::new(&["part", "clips"], width());
    for term in query.terms() {
        let count = finder.count(term, &mut said)?;
        table.row(&[term.to_string(), grouped(count)]);
    }
    table.row(&[
        "all of it".to_owned(),
        grouped(finder.count(query, &mut said)?),
    ]);
    table.write(&mut out)?;
    out.flush()?;
    Ok(Exit::Done)
}

fn count(query: &Query, finder: &mut Finder<'_>, as_json: bool) -> anyhow::Result<Exit> {
    let count = finder.count(query, &mut said)?;
    let mut out = stdout();
    if as_json {
        writeln!(out, "{}", serde_json::json!({ "clips": count }))?;
    } else {
        writeln!(out, "{count}")?;
    }
    out.flush()?;
    if count == 0 {
        asked::say_nothing_found(query, finder)?;
        return Ok(Exit::NothingFound);
    }
    Ok(Exit::Done)
}

fn facets(query: &Query, finder: &mut Finder<'_>, args: &cli::SearchArgs) -> anyhow::Result<Exit> {
    let facets = asked::facets(&args.facets)?;
    let tallies = finder.tally(query, &facets, false, &mut said)?;
    if tallies.whole.clips == 0 {
        asked::say_nothing_found(query, finder)?;
        return Ok(Exit::NothingFound);
    }
    let most = limit(args, args.json);
    let mut out = stdout();
    for (at, tally) in tallies.facets.iter().enumerate() {
        if args.json {
            tally_json(tally, most, &mut out)?;
        } else {
            if at > 0 {
                writeln!(out)?;
            }
            tally_table(tally, most, width()).write(&mut out)?;
        }
    }
    out.flush()?;
    if !args.json {
        let found = usize::try_from(tallies.whole.clips).unwrap_or(usize::MAX);
        writeln!(io::stderr(), "{} found", counted(found, "clip"))?;
    }
    Ok(Exit::Done)
}

fn save(name: &str, words: &[String], catalogue: &Catalogue) -> anyhow::Result<()> {
    let name = parse_name(name).map_err(Error::Malformed)?;
    if words.is_empty() {
        return Err(Error::Query {
            message: "there is nothing to save".to_owned(),
            hint: "write what to search for after the name".to_owned(),
        }
        .into());
    }
    let replaced = catalogue.save_search(name, words)?;
    let mut talk = io::stderr().lock();
    writeln!(talk, "saved as `{}`", escape(name))?;
    if let Some(before) = replaced.filter(|before| before != words) {
        let before = escape(&before.join(" "));
        writeln!(talk, "it was `{before}` before")?;
    }
    Ok(())
}

fn forget(name: &str, catalogue: &Catalogue) -> anyhow::Result<Exit> {
    let name = name.strip_prefix('@').unwrap_or(name);
    if catalogue.forget_search(name)? {
        writeln!(io::stderr(), "forgot `{}`", escape(name))?;
        return Ok(Exit::Done);
    }
    writeln!(
        io::stderr(),
        "no saved search `{}`; `btsindex search --saved` lists them all",
        escape(name)
    )?;
    Ok(Exit::NothingFound)
}

fn list_saved(catalogue: &Catalogue, as_json: bool) -> anyhow::Result<Exit> {
    let saved = catalogue.saved_searches()?;
    if saved.is_empty() {
        writeln!(io::stderr(), "no search was saved yet")?;
        return Ok(Exit::NothingFound);
    }
    let mut out = stdout();
    let mut table = Table::new(&["name", "asks for"], width());
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

fn print(clip: &Clip, args: &cli::SearchArgs, out: &mut dyn Write) -> io::Result<()> {
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
