//! `btsindex scan`

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use btsindex::footage::WalkOptions;
use btsindex::media::{Cancel, HeaderReaders, ThumbnailFormat, kill_all};
use btsindex::output::{Look, Progress, json_line, summary, summary_json, timings};
use btsindex::scan::{ScanRequest, scan};

use super::{Exit, stdout};
use crate::cli;

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
            cli::HeaderReader::Own => HeaderReaders::Builtin,
            cli::HeaderReader::Ffprobe => HeaderReaders::Ffprobe,
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
    let request = match args.jobs {
        Some(jobs) => ScanRequest {
            jobs: jobs.into(),
            ..request
        },
        None => request,
    };
    let look = match (args.json, io::stderr().is_terminal()) {
        (true, _) => Look::Json,
        (false, true) => Look::Bar,
        (false, false) => Look::Lines,
    };
    let (mut out, mut talk) = (stdout(), io::stderr());
    let mut progress = Progress::new(look, &mut out, &mut talk);
    let outcome = scan(&request, &mut |event| progress.event(&event));
    let problems = progress.end();
    let found = outcome?;
    if args.json {
        writeln!(out, "{}", json_line(&summary_json(&found)))?;
    } else {
        summary(&found, &problems, &mut out)?;
        if args.timings {
            timings(&found, &mut out)?;
        }
    }
    out.flush()?;
    Ok(match (found.is_interrupted, found.unreadable) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Done,
        (false, _) => Exit::SomeUnreadable,
    })
}

/// The first Ctrl-C asks for a clean end, the second takes it.
pub(super) fn stop_on_ctrl_c(cancel: &Cancel) -> anyhow::Result<()> {
    let cancel = cancel.clone();
    ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            kill_all();
            std::process::exit(130);
        }
        cancel.cancel();
    })
    .context("Ctrl-C cannot be caught")
}
