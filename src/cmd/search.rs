//! `btsindex search`: finds clips, and prints them or what else its mode asks for.

mod open;
mod thumbs;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use btsindex::catalogue::Catalogue;
use btsindex::catalogue_query::save_search;
use btsindex::clip::{Clip, Facet, FileCopy, FileState};
use btsindex::error::{Error, escape};
use btsindex::index::{Finder, Hits, SortOrder, Tally};
use btsindex::output::{ClipColumns, OutputFormat, RowColumn, RowListing, facet_listing};
use btsindex::query::Query;
use btsindex::value::{counted, grouped, parse_name};
use serde_json::json;

use super::query_args;
use super::stdio::{print, print_index_notice, stdout, width};
use crate::cli::{self, Exit, SearchMode};
use open::DesktopAction;

/// Default number of rows of a table.
const TABLE_ROWS: usize = 50;

pub(crate) fn run(args: &cli::SearchArgs, catalogue: &Path) -> anyhow::Result<Exit> {
    let (mode, format) = args.mode_and_format()?;
    let catalogue = Catalogue::open(catalogue)?;
    match mode {
        SearchMode::Saved => return list_saved(&catalogue, format),
        SearchMode::Forget(name) => return forget(name, &catalogue),
        _ => {}
    }
    let query = query_args::parse(&args.words, &catalogue)?;
    if let Some(name) = &args.save {
        save(name, &args.words, &catalogue)?;
    }
    let search = Search {
        columns: ClipColumns::parse(&args.columns, &query)?,
        order: order(args.sort.as_deref(), mode)?,
        limit: limit(args.limit, format),
        has_all_files: args.all_files,
        query: &query,
        mode,
        format,
        catalogue: &catalogue,
    };
    let mut finder = Finder::open(&catalogue, &mut print_index_notice)?;
    let exit = search.run(&mut finder)?;
    finder.tidy(&mut print_index_notice);
    Ok(exit)
}

/// Search with its options.
struct Search<'a> {
    query: &'a Query,
    columns: ClipColumns,
    order: Option<SortOrder>,
    /// Maximum number of rows.
    limit: usize,
    /// True if paths of all copies are printed, not only of the best one.
    has_all_files: bool,
    mode: SearchMode<'a>,
    format: OutputFormat,
    catalogue: &'a Catalogue,
}

impl Search<'_> {
    fn run(&self, finder: &mut Finder<'_>) -> anyhow::Result<Exit> {
        match self.mode {
            SearchMode::Explain => return explain(self.query, self.format, finder),
            SearchMode::Count => return count(self.query, self.format, finder),
            SearchMode::Facets(names) => return self.facets(names, finder),
            _ => {}
        }
        let action = DesktopAction::from_mode(self.mode);
        let limit = action.map_or(self.limit, |action| action.nth);
        let hits = self.find(limit, finder)?;
        if hits.total == 0 {
            query_args::print_nothing_found(self.query, finder)?;
            return Ok(Exit::Negative);
        }
        if let Some(action) = action {
            return action.perform(&hits.clips, self.catalogue);
        }
        match self.mode {
            SearchMode::Groups(facet) => {
                let group = ResultGroup::count(facet, self.query, finder)?;
                let clips = self.catalogue.clips(&hits.clips)?;
                let mut out = stdout();
                write_groups(&clips, &group, &self.columns, &mut out)?;
                out.flush()?;
            }
            SearchMode::Posters => self.print_posters(&hits)?,
            _ => self.print_clips(&hits)?,
        }
        if !self.format.is_for_programs() || hits.clips.len() < hits.total {
            print_count(&hits)?;
        }
        Ok(Exit::Done)
    }

    fn find(&self, limit: usize, finder: &mut Finder<'_>) -> anyhow::Result<Hits> {
        Ok(match &self.order {
            // Without a query or sort order, clips are listed by folder.
            None if self.query.is_everything() => Hits {
                total: finder.count(self.query, &mut print_index_notice)?,
                clips: self.catalogue.all(limit)?,
            },
            order => {
                let order = order.clone().unwrap_or_default();
                finder.find(self.query, &order, limit, &mut print_index_notice)?
            }
        })
    }

    fn print_clips(&self, hits: &Hits) -> anyhow::Result<()> {
        let paths = |clip: &Clip| paths(clip, self.has_all_files);
        if self.format.is_for_programs() {
            // Read one by one: there may be millions.
            let clips = hits.clips.iter();
            let clips = clips.filter_map(|&clip| self.catalogue.clip(clip).transpose());
            let listing = self.columns.listing(clips).paths(paths);
            return print(listing, self.format, &mut stdout());
        }
        let clips = self.catalogue.clips(&hits.clips)?;
        let listing = self.columns.listing(clips.into_iter().map(Ok));
        print(listing, self.format, &mut stdout())
    }

    fn print_posters(&self, hits: &Hits) -> anyhow::Result<()> {
        let Some(width) = width() else {
            self.print_clips(hits)?;
            writeln!(io::stderr(), "warning: --thumbs needs a terminal")?;
            return Ok(());
        };
        let clips = self.catalogue.clips(&hits.clips)?;
        Ok(thumbs::show(clips, self.catalogue, width)?)
    }

    fn facets(&self, names: &[String], finder: &mut Finder<'_>) -> anyhow::Result<Exit> {
        let facets = query_args::parse_facets(names)?;
        let tallies = finder.tally(self.query, &facets, false, &mut print_index_notice)?;
        if tallies.total.clips == 0 {
            query_args::print_nothing_found(self.query, finder)?;
            return Ok(Exit::Negative);
        }
        print(
            facet_listing(&tallies, self.limit),
            self.format,
            &mut stdout(),
        )?;
        if !self.format.is_for_programs() {
            let found = usize::try_from(tallies.total.clips).unwrap_or(usize::MAX);
            writeln!(io::stderr(), "{} found", counted(found, "clip"))?;
        }
        Ok(Exit::Done)
    }
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
fn order(sort: Option<&str>, mode: SearchMode<'_>) -> Result<Option<SortOrder>, Error> {
    match mode {
        SearchMode::Groups(group) => {
            let facet = query_args::parse_facets(&[group.to_owned()])?;
            let group = facet.first().map_or("day", |facet| facet.name);
            format!("{group},{}", sort.unwrap_or("relevance"))
                .parse()
                .map(Some)
        }
        _ => sort.map(str::parse).transpose(),
    }
}

/// Returns the maximum number of rows, which is unlimited by default for other programs.
fn limit(limit: Option<usize>, format: OutputFormat) -> usize {
    match limit {
        Some(0) => usize::MAX,
        Some(limit) => limit,
        None if format.is_for_programs() => usize::MAX,
        None => TABLE_ROWS,
    }
}

/// Returns the path of the best copy, or of all copies that are not missing.
fn paths(clip: &Clip, has_all_files: bool) -> Vec<PathBuf> {
    let copies = clip.files.iter();
    let path = |copy: &FileCopy| copy.path.clone();
    if has_all_files {
        let copies = copies.filter(|copy| copy.state != FileState::Missing);
        copies.map(path).collect()
    } else {
        copies.take(1).map(path).collect()
    }
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
        let all = group.clips(value.as_deref()).max(clips.len());
        let count = if clips.len() < all {
            format!("{} of {}", grouped(clips.len()), counted(all, "clip"))
        } else {
            counted(all, "clip")
        };
        let heading = value.unwrap_or_else(|| format!("no {}", group.facet.name));
        writeln!(out, "{} ({count})", escape(&heading))?;
        print(
            columns.listing(clips.into_iter().map(Ok)),
            OutputFormat::Table,
            out,
        )?;
    }
    Ok(())
}

/// Facet that results are grouped by, with the clip count of each value.
struct ResultGroup {
    facet: Facet,
    tally: Tally,
}

impl ResultGroup {
    /// Counts the values of a facet.
    fn count(name: &str, query: &Query, finder: &mut Finder<'_>) -> anyhow::Result<Self> {
        let facets = query_args::parse_facets(&[name.to_owned()])?;
        let tallies = finder.tally(query, &facets, false, &mut print_index_notice)?;
        let group = facets.into_iter().zip(tallies.facets).next();
        let (facet, tally) = group.context("no facet to group by")?;
        Ok(Self { facet, tally })
    }

    /// Returns the number of clips with a value; `None` counts clips without one.
    fn clips(&self, value: Option<&str>) -> usize {
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

fn explain(query: &Query, format: OutputFormat, finder: &mut Finder<'_>) -> anyhow::Result<Exit> {
    let mut out = stdout();
    if !format.is_for_programs() {
        if query.is_everything() {
            writeln!(out, "every clip")?;
            out.flush()?;
            return Ok(Exit::Done);
        }
        writeln!(out, "{}", escape(&query.to_string()))?;
    }
    let mut parts = Vec::new();
    for term in query.terms() {
        let count = finder.count(term, &mut print_index_notice)?;
        parts.push((Some(term.to_string()), count));
    }
    parts.push((None, finder.count(query, &mut print_index_notice)?));
    let columns = vec![
        RowColumn::new("part", |(part, _): &(Option<String>, usize)| json!(part))
            .shown("part", |(part, _)| {
                part.clone().unwrap_or_else(|| "all parts".to_owned())
            }),
        RowColumn::new("clips", |(_, count): &(Option<String>, usize)| json!(count))
            .shown("clips", |(_, count)| grouped(*count)),
    ];
    print(
        RowListing::new(columns, parts.into_iter().map(Ok)),
        format,
        &mut out,
    )?;
    Ok(Exit::Done)
}

fn count(query: &Query, format: OutputFormat, finder: &mut Finder<'_>) -> anyhow::Result<Exit> {
    let count = finder.count(query, &mut print_index_notice)?;
    let listing = RowListing::of_object(
        count,
        |count| json!({ "clips": count }),
        |count, out| writeln!(out, "{count}"),
    );
    print(listing, format, &mut stdout())?;
    if count == 0 {
        query_args::print_nothing_found(query, finder)?;
        return Ok(Exit::Negative);
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
    let replaced = save_search(catalogue, name, words)?;
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

fn list_saved(catalogue: &Catalogue, format: OutputFormat) -> anyhow::Result<Exit> {
    let saved = catalogue.saved_searches()?;
    if saved.is_empty() {
        writeln!(io::stderr(), "no saved searches yet")?;
        return Ok(Exit::Negative);
    }
    let columns = vec![
        RowColumn::new("name", |(name, _): &(String, Vec<String>)| json!(name))
            .shown("name", |(name, _)| name.clone()),
        RowColumn::new("words", |(_, words): &(String, Vec<String>)| json!(words))
            .cell(|(_, words)| words.join(" "))
            .shown("query", |(_, words)| words.join(" ")),
    ];
    print(
        RowListing::new(columns, saved.into_iter().map(Ok)),
        format,
        &mut stdout(),
    )?;
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
