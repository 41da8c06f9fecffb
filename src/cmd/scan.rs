//! `btsindex scan`: catalogues footage.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use btsindex::cancel::Cancel;
use btsindex::footage::WalkOptions;
use btsindex::media::{HeaderReaders, ThumbnailFormat, kill_all};
use btsindex::output::{
    ProgressFormat, ScanProgress, json_line, scan_summary_json, write_scan_summary, write_timings,
};
use btsindex::scan::{ScanRequest, scan};

use super::stdio::stdout;
use crate::cli::{self, Exit};

pub(crate) fn run(args: cli::ScanArgs, catalogue: PathBuf) -> anyhow::Result<Exit> {
    let cancel = Cancel::default();
    stop_on_ctrl_c(&cancel)?;
    let request = ScanRequest {
        paths: args.paths,
        walk: WalkOptions {
            follow_links: args.follow_links,
            exclude: args.exclude,
            own: None,
            ..WalkOptions::default()
        },
        readers: args.readers.map(usize::from),
        headers: match args.reader {
            cli::ReaderChoice::Own => HeaderReaders::Builtin,
            cli::ReaderChoice::Ffprobe => HeaderReaders::Ffprobe,
        },
        strip: args.strip.into(),
        pictures: !args.no_pictures,
        thumbs: match args.thumbs {
            cli::PictureFormat::Jpeg => ThumbnailFormat::Jpeg,
            cli::PictureFormat::Webp => ThumbnailFormat::Webp,
        },
        deadline: Duration::from_secs(args.deadline),
        accept_missing: args.accept_missing,
        recheck: args.recheck,
        mark_volume: args.mark_volume,
        cancel,
        ..ScanRequest::new(catalogue)
    };
    let request = if args.refresh {
        request.refreshing_all()
    } else {
        request
    };
    let request = match args.jobs {
        Some(jobs) => ScanRequest {
            jobs: jobs.into(),
            ..request
        },
        None => request,
    };
    let format = match (args.format.is_json(), io::stderr().is_terminal()) {
        (true, _) => ProgressFormat::Json,
        (false, true) => ProgressFormat::Bar,
        (false, false) => ProgressFormat::Lines,
    };
    let (mut out, mut stderr) = (stdout(), io::stderr());
    let mut progress = ScanProgress::new(format, &mut out, &mut stderr);
    let outcome = scan(&request, &mut |event| progress.on_event(&event));
    let problems = progress.finish();
    let summary = outcome?;
    if args.format.is_json() {
        writeln!(out, "{}", json_line(&scan_summary_json(&summary)))?;
    } else {
        write_scan_summary(&summary, &problems, &mut out)?;
        if args.timings {
            write_timings(&summary, &mut out)?;
        }
    }
    out.flush()?;
    Ok(match (summary.is_interrupted, summary.unreadable) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Done,
        (false, _) => Exit::SomeUnreadable,
    })
}

/// Installs a handler: the first Ctrl-C requests a clean stop, the second exits immediately.
pub(super) fn stop_on_ctrl_c(cancel: &Cancel) -> anyhow::Result<()> {
    let cancel = cancel.clone();
    ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            kill_all();
            std::process::exit(Exit::Interrupted.code().into());
        }
        cancel.cancel();
    })
    .context("cannot handle Ctrl-C")
}
