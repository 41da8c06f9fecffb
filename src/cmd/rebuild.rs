//! `btsindex rebuild`

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

use btsindex::catalogue::Catalogue;
use btsindex::index::Index;
use btsindex::output::{Counting, Look, Progress, counted, json_line};
use btsindex::scan::{ScanRequest, ScanSummary, remake_pictures};
use serde_json::json;

use super::scan::stop_on_ctrl_c;
use super::{Exit, said, stdout};
use crate::cli;

pub(crate) fn run(args: &cli::RebuildArgs, folder: &Path) -> anyhow::Result<Exit> {
    let begun = Instant::now();
    let catalogue = Catalogue::open(folder)?;
    let look = if io::stderr().is_terminal() {
        Look::Bar
    } else {
        Look::Lines
    };
    let clips = index(&catalogue, if args.json { Look::Json } else { look })?;
    let mut out = stdout();
    if !args.json {
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(out, "indexed {} in {seconds:.1} s", counted(clips, "clip"))?;
        out.flush()?;
    }
    let made = if args.no_pictures {
        ScanSummary::default()
    } else {
        pictures(folder, look)?
    };
    if args.json {
        let seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let line = json!({
            "clips": clips, "posters": made.posters, "offline": made.offline,
            "unreadable": made.unreadable, "seconds": seconds,
        });
        writeln!(out, "{}", json_line(&line))?;
    } else {
        if made.posters > 0 {
            writeln!(out, "made {}", counted(made.posters, "poster"))?;
        }
        if made.offline > 0 {
            let clips = counted(made.offline, "clip");
            writeln!(out, "{clips} without pictures are on no mounted volume")?;
        }
    }
    out.flush()?;
    Ok(match (made.is_interrupted, made.unreadable) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Done,
        (false, _) => Exit::SomeUnreadable,
    })
}

/// Makes the index anew; gives how many clips it holds.
fn index(catalogue: &Catalogue, look: Look) -> anyhow::Result<usize> {
    let mut talk = io::stderr();
    let mut counting = Counting::new("indexing", look, &mut talk);
    let index = Index::rebuild(catalogue, &mut said, &mut |done, total| {
        counting.at(done, total);
    });
    counting.end();
    Ok(usize::try_from(index?.count())?)
}

/// Makes the pictures that are gone.
fn pictures(folder: &Path, look: Look) -> anyhow::Result<ScanSummary> {
    let request = ScanRequest::new(folder.to_owned());
    stop_on_ctrl_c(&request.cancel)?;
    let (mut nothing, mut talk) = (io::sink(), io::stderr());
    let mut progress = Progress::new(look, &mut nothing, &mut talk);
    let made = remake_pictures(&request, &mut |event| progress.event(&event));
    let problems = progress.end();
    if look == Look::Bar {
        for problem in problems {
            let path = btsindex::error::escape(&problem.path.to_string_lossy());
            writeln!(
                io::stderr(),
                "warning: {path}: {}",
                btsindex::error::escape(&problem.reason)
            )?;
        }
    }
    Ok(made?)
}
