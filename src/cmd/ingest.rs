//! `btsindex ingest`

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use btsindex::error::Error;
use btsindex::ingest::{Event, Request, Summary, Watch, ingest, plan, watch};
use btsindex::media::Cancel;
use btsindex::output::{
    IngestProgress, Look, ingest_summary, ingest_summary_json, json_line, plan as print_plan,
    plan_json,
};
use btsindex::scan;
use btsindex::shoot_day::{Day, DayCard, EXAMPLE};
use btsindex::value::parse_tag;
use jiff::civil::Time;

use super::scan::stop_on_ctrl_c;
use super::{Exit, ask, stdout};
use crate::cli;

/// Between two looks at a folder that is watched.
const EVERY: Duration = Duration::from_secs(2);

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
        author: ask::author(&args.by),
        scan: scan::ScanRequest {
            pictures: !args.no_pictures,
            cancel: cancel.clone(),
            ..scan::ScanRequest::new(catalogue)
        },
    };
    stop_on_ctrl_c(&cancel)?;
    let look = match (args.json, io::stderr().is_terminal()) {
        (true, _) => Look::Json,
        (false, true) => Look::Bar,
        (false, false) => Look::Lines,
    };
    let mut talk = io::stderr();
    let mut progress = IngestProgress::new(look, &mut out, &mut talk);
    if args.dry_run {
        let plans = plan(&request, &mut |event| {
            if matches!(event, Event::Warning { .. }) {
                progress.event(&event);
            }
        })?;
        progress.end();
        if args.json {
            for plan in &plans {
                writeln!(out, "{}", json_line(&plan_json(plan)))?;
            }
        } else {
            print_plan(&plans, &mut out)?;
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
        return watched(folder, args, &request, progress);
    }
    let outcome = ingest(&request, &mut |event| progress.event(&event));
    progress.end();
    let summary = outcome?;
    print(&summary, args.json, &mut out)?;
    out.flush()?;
    Ok(exit(&summary))
}

fn print(summary: &Summary, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", json_line(&ingest_summary_json(summary)));
    }
    ingest_summary(summary, out)
}

fn exit(summary: &Summary) -> Exit {
    if summary.is_interrupted {
        Exit::Interrupted
    } else if summary.is_flawed() {
        Exit::SomeUnreadable
    } else {
        Exit::Done
    }
}

fn watched(
    folder: &Path,
    args: &cli::IngestArgs,
    request: &Request,
    progress: IngestProgress<'_>,
) -> anyhow::Result<Exit> {
    let watched = Watch {
        folder: folder.to_owned(),
        every: EVERY.min(Duration::from_secs(args.quiet)),
        quiet: Duration::from_secs(args.quiet),
    };
    let progress = std::cell::RefCell::new(progress);
    let mut is_flawed = false;
    let outcome = watch(
        &watched,
        request,
        &mut |event| progress.borrow_mut().event(&event),
        &mut |summary| {
            is_flawed |= summary.is_flawed();
            progress
                .borrow_mut()
                .print(&mut |out| print(summary, args.json, out));
        },
    );
    progress.into_inner().end();
    outcome?;
    // Ctrl-C is how it ends.
    Ok(if is_flawed {
        Exit::SomeUnreadable
    } else {
        Exit::Done
    })
}

/// The days of day files, and one of what was typed: what is typed stands above what a file says.
fn days(args: &cli::IngestArgs) -> Result<Vec<Day>, Error> {
    let (files, cards): (Vec<_>, Vec<_>) = args.paths.iter().partition(|path| is_day_file(path));
    let mut days = Vec::new();
    for file in files {
        days.push(Day::read(file)?);
    }
    if days.is_empty() || !cards.is_empty() {
        // Cards that are typed belong to the one day that a file tells of.
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
        say(day, args)?;
    }
    Ok(days)
}

fn is_day_file(path: &Path) -> bool {
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    is_toml && !path.is_dir()
}

fn say(day: &mut Day, args: &cli::IngestArgs) -> Result<(), Error> {
    let said = &args.day;
    let over = |told: &mut Option<String>, said: &Option<String>| {
        if said.is_some() {
            told.clone_from(said);
        }
    };
    over(&mut day.production, &said.production);
    over(&mut day.kind, &said.kind);
    over(&mut day.location, &said.location);
    day.date = said.date.or(day.date);
    day.number = said.number.or(day.number);
    day.starts = args.day_starts.or(day.starts);
    for tag in &said.tags {
        day.tags.push(parse_tag(tag)?);
    }
    for crew in &said.crew {
        let (role, name) = crew.split_once('=').ok_or_else(|| Error::Query {
            message: format!("`--crew {crew}` names no role"),
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
        over(&mut card.camera, &said.camera);
        over(&mut card.name, &said.card_name);
        card.clock = said.clock.or(card.clock);
    }
    if !args.to.is_empty() {
        day.to.folders.clone_from(&args.to);
    }
    if let Some(hash) = args.hash {
        day.to.hash = Some(hash.name().to_owned());
    }
    Ok(())
}
