//! `btsindex rebuild`: rebuilds the index and missing pictures.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use btsindex::catalogue::Catalogue;
use btsindex::index::Index;
use btsindex::output::{ClipProgress, ProgressFormat, ScanProgress, json_line};
use btsindex::scan::{ScanRequest, ScanSummary, remake_pictures};
use btsindex::value::counted;
use serde_json::json;

use super::scan::stop_on_ctrl_c;
use super::stdio::{print_index_notice, stdout};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::RebuildArgs, folder: &Path) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let catalogue = Catalogue::open(folder)?;
    let format = if io::stderr().is_terminal() {
        ProgressFormat::Bar
    } else {
        ProgressFormat::Lines
    };
    let index_format = if args.format.is_json() {
        ProgressFormat::Json
    } else {
        format
    };
    let clips = rebuild_index(&catalogue, index_format)?;
    let mut out = stdout();
    if !args.format.is_json() {
        let seconds = started.elapsed().as_secs_f64();
        writeln!(out, "indexed {} in {seconds:.1} s", counted(clips, "clip"))?;
        out.flush()?;
    }
    let pictures = if args.no_pictures {
        ScanSummary::default()
    } else {
        rebuild_pictures(folder, format)?
    };
    if args.format.is_json() {
        let seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let line = json!({
            "clips": clips, "posters": pictures.posters, "offline": pictures.offline,
            "unreadable": pictures.unreadable, "seconds": seconds,
        });
        writeln!(out, "{}", json_line(&line))?;
    } else {
        if pictures.posters > 0 {
            writeln!(out, "created {}", counted(pictures.posters, "poster"))?;
        }
        if pictures.offline > 0 {
            let clips = counted(pictures.offline, "clip");
            writeln!(out, "{clips} without pictures: not on a mounted volume")?;
        }
    }
    out.flush()?;
    Ok(match (pictures.is_interrupted, pictures.unreadable) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Done,
        (false, _) => Exit::SomeUnreadable,
    })
}

/// Rebuilds the index. Returns the number of clips in it.
fn rebuild_index(catalogue: &Catalogue, format: ProgressFormat) -> anyhow::Result<usize> {
    let mut stderr = io::stderr();
    let mut counter = ClipProgress::new("indexing", format, &mut stderr);
    let index = Index::rebuild(catalogue, &mut print_index_notice, &mut |done, total| {
        counter.set(done, total);
    });
    counter.finish();
    Ok(usize::try_from(index?.count())?)
}

/// Creates missing pictures of clips on mounted volumes.
fn rebuild_pictures(folder: &Path, format: ProgressFormat) -> anyhow::Result<ScanSummary> {
    let request = ScanRequest::new(folder.to_owned());
    stop_on_ctrl_c(&request.cancel)?;
    let (mut sink, mut stderr) = (io::sink(), io::stderr());
    let mut progress = ScanProgress::new(format, &mut sink, &mut stderr);
    let summary = remake_pictures(&request, &mut |event| progress.on_event(&event));
    let problems = progress.finish();
    if format == ProgressFormat::Bar {
        for problem in problems {
            let path = btsindex::error::escape(&problem.path.to_string_lossy());
            writeln!(
                io::stderr(),
                "warning: {path}: {}",
                btsindex::error::escape(&problem.reason)
            )?;
        }
    }
    Ok(summary?)
}
