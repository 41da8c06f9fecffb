//! `btsindex ingest`: copies cards, verifies the copies and catalogues their clips.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use btsindex::cancel::Cancel;
use btsindex::error::Error;
use btsindex::ingest::{Event, Request, Summary, Watch, ingest, plan, watch};
use btsindex::output::{
    IngestProgress, ProgressFormat, ingest_summary_json, json_line, plan_json,
    write_ingest_summary, write_plan,
};
use btsindex::scan;
use btsindex::shoot_day::{Day, DayCard, EXAMPLE};
use btsindex::value::parse_tag;
use jiff::civil::Time;

use super::author;
use super::scan::stop_on_ctrl_c;
use super::stdio::stdout;
use crate::cli::{self, Exit};

/// Interval between two checks of a watched folder.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &cli::IngestArgs, catalogue: PathBuf) -> anyhow::Result<Exit> {
    let mut out = stdout();
    if args.example {
        out.write_all(EXAMPLE.as_bytes())?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    let cancel = Cancel::default();
    let request = Request {
        days: days(args)?,
        starts: args.day_starts.unwrap_or(Time::midnight()),
        is_in_place: args.scan_only,
        is_system_disk_allowed: args.allow_system_disk,
        author: author::from_args(&args.by),
        scan: scan::ScanRequest {
            pictures: !args.no_pictures,
            cancel: cancel.clone(),
            ..scan::ScanRequest::new(catalogue)
        },
    };
    stop_on_ctrl_c(&cancel)?;
    let format = match (args.format.is_json(), io::stderr().is_terminal()) {
        (true, _) => ProgressFormat::Json,
        (false, true) => ProgressFormat::Bar,
        (false, false) => ProgressFormat::Lines,
    };
    let mut stderr = io::stderr();
    let mut progress = IngestProgress::new(format, &mut out, &mut stderr);
    if args.dry_run {
        let plans = plan(&request, &mut |event| {
            if matches!(event, Event::Warning { .. }) {
                progress.on_event(&event);
            }
        })?;
        progress.finish();
        if args.format.is_json() {
            for plan in &plans {
                writeln!(out, "{}", json_line(&plan_json(plan)))?;
            }
        } else {
            write_plan(&plans, &mut out)?;
        }
        out.flush()?;
        let is_flawed = plans.iter().any(|plan| plan.problems().next().is_some());
        return Ok(if is_flawed {
            Exit::SomeUnreadable
        } else {
            Exit::Done
        });
    }
    if let Some(folder) = &args.watch {
        return watch_folder(folder, args, &request, progress);
    }
    let outcome = ingest(&request, &mut |event| progress.on_event(&event));
    progress.finish();
    let summary = outcome?;
    print(&summary, args.format.is_json(), &mut out)?;
    out.flush()?;
    Ok(exit_of(&summary))
}

fn print(summary: &Summary, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", json_line(&ingest_summary_json(summary)));
    }
    write_ingest_summary(summary, out)
}

fn exit_of(summary: &Summary) -> Exit {
    if summary.is_interrupted {
        Exit::Interrupted
    } else if summary.is_flawed() {
        Exit::SomeUnreadable
    } else {
        Exit::Done
    }
}

/// Ingests cards as they appear in a folder, until Ctrl-C.
fn watch_folder(
    folder: &Path,
    args: &cli::IngestArgs,
    request: &Request,
    progress: IngestProgress<'_>,
) -> anyhow::Result<Exit> {
    let settings = Watch {
        folder: folder.to_owned(),
        every: WATCH_INTERVAL.min(Duration::from_secs(args.quiet)),
        quiet: Duration::from_secs(args.quiet),
    };
    let progress = std::cell::RefCell::new(progress);
    let mut is_flawed = false;
    let outcome = watch(
        &settings,
        request,
        &mut |event| progress.borrow_mut().on_event(&event),
        &mut |summary| {
            is_flawed |= summary.is_flawed();
            progress
                .borrow_mut()
                .print(&mut |out| print(summary, args.format.is_json(), out));
        },
    );
    progress.into_inner().finish();
    outcome?;
    // Ctrl-C is the normal way to stop watching, so it is not reported as an interruption.
    Ok(if is_flawed {
        Exit::SomeUnreadable
    } else {
        Exit::Done
    })
}

/// Returns one shoot day per day file, and one for cards given as arguments. Options override the
/// day files.
fn days(args: &cli::IngestArgs) -> Result<Vec<Day>, Error> {
    let (files, cards): (Vec<_>, Vec<_>) = args.paths.iter().partition(|path| is_day_file(path));
    let mut days = Vec::new();
    for file in files {
        days.push(Day::read(file)?);
    }
    if days.is_empty() || !cards.is_empty() {
        // With exactly one day file, cards given as arguments are added to its day.
        let mut day = match days.as_slice() {
            [_] => days.remove(0),
            _ => Day::default(),
        };
        for path in cards {
            day.cards.push(DayCard {
                path: path.clone(),
                ..DayCard::default()
            });
        }
        days.push(day);
    }
    for day in &mut days {
        apply_options(day, args)?;
    }
    Ok(days)
}

fn is_day_file(path: &Path) -> bool {
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    is_toml && !path.is_dir()
}

/// Applies command-line options to a shoot day and its cards.
fn apply_options(day: &mut Day, args: &cli::IngestArgs) -> Result<(), Error> {
    let options = &args.day;
    let override_text = |value: &mut Option<String>, option: &Option<String>| {
        if option.is_some() {
            value.clone_from(option);
        }
    };
    override_text(&mut day.production, &options.production);
    override_text(&mut day.kind, &options.kind);
    override_text(&mut day.location, &options.location);
    day.date = options.date.or(day.date);
    day.number = options.number.or(day.number);
    day.starts = args.day_starts.or(day.starts);
    for tag in &options.tags {
        day.tags.push(parse_tag(tag)?);
    }
    for crew in &options.crew {
        let (role, name) = crew.split_once('=').ok_or_else(|| Error::Query {
            message: format!("`--crew {crew}` has no role"),
            hint: "write `--crew \"director=Anna Kim\"`".to_owned(),
        })?;
        let (role, name) = (role.trim().to_owned(), name.trim().to_owned());
        match day.crew.iter_mut().find(|(known, _)| *known == role) {
            Some((_, names)) => names.push(name),
            None => day.crew.push((role, vec![name])),
        }
    }
    if day.cards.is_empty() && args.watch.is_some() {
        day.cards.push(DayCard::default());
    }
    for card in &mut day.cards {
        override_text(&mut card.camera, &options.camera);
        override_text(&mut card.name, &options.card_name);
        card.clock = options.clock.or(card.clock);
    }
    if !args.to.is_empty() {
        day.to.folders.clone_from(&args.to);
    }
    if let Some(hash) = args.hash {
        day.to.hash = Some(hash.name().to_owned());
    }
    Ok(())
}
