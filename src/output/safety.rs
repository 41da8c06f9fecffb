//! Whether a card may be formatted, for people and for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::read_progress::Reading;
use super::{Look, Table, counted, grouped};
use crate::checksum::HashKind;
use crate::error::escape;
use crate::offload::How;
use crate::safe::{Copy, Event, FileState, Report, Shelf};
use crate::value::{Age, Bytes, instant_of_seconds};

/// Files that are listed one by one when nobody asked for all.
const LISTED: usize = 20;
/// Shows the events of one look at a card.
pub struct SafetyProgress<'a>(Reading<'a>);

impl<'a> SafetyProgress<'a> {
    /// Data goes to `data`, talk to `talk`, a bar to standard error.
    pub fn new(look: Look, data: &'a mut dyn Write, talk: &'a mut dyn Write) -> Self {
        Self(Reading::new(look, "reading", data, talk))
    }

    /// Shows one event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Begins { files, bytes } => self.begin("card", *files, *bytes),
            Event::Copies { files, bytes } => self.begin("copies", *files, *bytes),
            Event::Reading(path) => self.0.file(path),
            Event::Read(bytes) => self.0.read(*bytes),
        }
    }

    /// Takes the bar away.
    pub fn end(self) {
        self.0.end();
    }

    fn begin(&mut self, what: &str, files: usize, bytes: u64) {
        self.0.begin(bytes);
        self.0
            .object(|| json!({ "event": "begins", "reads": what, "files": files, "bytes": bytes }));
        let (files, bytes) = (counted(files, "file"), Bytes(bytes));
        self.0
            .line(&format!("reading the {what}: {files}, {bytes}"));
    }
}

/// What it came to, for people: where copies are, what is in doubt, and the verdict last. `all`: every file with each of
/// its copies.
///
/// # Errors
/// When `out` cannot be written to.
pub fn safety(report: &Report, all: bool, out: &mut dyn Write) -> io::Result<()> {
    heading(report, out)?;
    shelves(report, out)?;
    let is_listed = |file: &&FileState| all || !file.is_safe(report.wanted.copies);
    let files: Vec<&FileState> = report.files.iter().filter(is_listed).collect();
    let most = if all { usize::MAX } else { LISTED };
    for file in files.iter().take(most) {
        one_file(report, file, out)?;
    }
    if files.len() > most {
        let more = grouped(files.len() - most);
        writeln!(out, "  and {more} more: `--files` lists them all")?;
    }
    for doubt in &report.doubts {
        let path = doubt.path.to_string_lossy();
        writeln!(out, "  {}: {}", escape(&path), escape(&doubt.reason))?;
    }
    for folder in &report.left_out {
        let folder = folder.to_string_lossy();
        writeln!(out, "  not looked at, the system's: {}", escape(&folder))?;
    }
    verdict(report, out)
}

fn heading(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let bytes = report.files.iter().map(|file| file.bytes).sum();
    let trusted = report.files.iter().filter(|file| file.is_trusted).count();
    write!(
        out,
        "{}  {}, {}",
        escape(&report.card.to_string_lossy()),
        counted(report.files.len(), "file"),
        Bytes(bytes)
    )?;
    if let Some(how) = report.how {
        write!(out, ", hashed now: {}, {}", HashKind::Xxh128, how.name())?;
    }
    if trusted > 0 {
        write!(
            out,
            ", {} not read: as their ingest hashed them",
            grouped(trusted)
        )?;
    }
    writeln!(out)
}

/// What one volume does for the card.
#[derive(Default)]
struct OnShelf {
    files: usize,
    bytes: u64,
    oldest: Option<i64>,
    by: Vec<&'static str>,
    doubtful: BTreeMap<String, usize>,
}

fn shelves(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut on: BTreeMap<i64, OnShelf> = BTreeMap::new();
    for file in &report.files {
        for copy in &file.counted.copies {
            let shelf = on.entry(copy.volume).or_default();
            match &copy.outcome {
                Ok(proof) => {
                    shelf.files += 1;
                    shelf.bytes += file.bytes;
                    let oldest = shelf.oldest.get_or_insert(proof.at);
                    *oldest = proof.at.min(*oldest);
                    if !shelf.by.contains(&proof.by.name()) {
                        shelf.by.push(proof.by.name());
                    }
                }
                Err(doubt) => *shelf.doubtful.entry(doubt.to_string()).or_default() += 1,
            }
        }
    }
    if on.is_empty() {
        return Ok(());
    }
    let headings = ["copies on", "disk", "where", "files", "", "verified", "by"];
    let mut table = Table::new(&headings, None);
    for (volume, on) in &on {
        let Some(shelf) = report.shelves.get(volume) else {
            continue;
        };
        table.row(&[
            shelf.label.clone(),
            disk(shelf),
            if shelf.is_mounted {
                "mounted"
            } else {
                "offline"
            }
            .to_owned(),
            grouped(on.files),
            Bytes(on.bytes).to_string(),
            on.oldest.map_or_else(String::new, |at| ago(report, at)),
            on.by.join(", "),
        ]);
    }
    writeln!(out)?;
    table.write(out)?;
    writeln!(out)?;
    for (volume, on) in &on {
        let label = report.shelves.get(volume).map_or("", |shelf| &shelf.label);
        for (doubt, files) in &on.doubtful {
            let copies = if *files == 1 { "copy" } else { "copies" };
            let (files, label, doubt) = (grouped(*files), escape(label), escape(doubt));
            writeln!(out, "  {files} {copies} on {label} not counted: {doubt}")?;
        }
    }
    Ok(())
}

/// What is known of a volume's disk.
fn disk(shelf: &Shelf) -> String {
    if shelf.disks.are_known() {
        shelf.told.join(", ")
    } else {
        "unknown".to_owned()
    }
}

/// `3 h ago`, by this machine's clock.
fn ago(report: &Report, at: i64) -> String {
    match report.wanted.now.saturating_sub(at) {
        seconds if seconds < 0 => format!("{} (in the future)", date(at)),
        seconds => format!("{} ago, {}", Age(seconds), date(at)),
    }
}

/// `2026-05-02 14:00`, UTC.
fn date(seconds: i64) -> String {
    let text = instant_of_seconds(seconds).unwrap_or_default();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

fn one_file(report: &Report, file: &FileState, out: &mut dyn Write) -> io::Result<()> {
    let name = file.inside.to_string_lossy();
    if let Err(reason) = &file.content {
        return writeln!(out, "  {}: {}", escape(&name), escape(reason));
    }
    let count = match file.counted.disks {
        0 => "no disk".to_owned(),
        disks => counted(disks, "disk"),
    };
    writeln!(out, "  {}: {count}", escape(&name))?;
    for copy in &file.counted.copies {
        let told = match &copy.outcome {
            Ok(proof) => {
                let how = proof.how.map_or("", How::name);
                let ago = ago(report, proof.at);
                format!("verified {ago}, {}, {how}", proof.by)
            }
            Err(doubt) => doubt.to_string(),
        };
        let path = copy.path.to_string_lossy();
        let told = told.trim_end_matches(", ");
        writeln!(out, "      {}: {}", escape(&path), escape(told))?;
    }
    Ok(())
}

fn verdict(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let wanted = report.wanted.copies;
    let disks = counted(wanted, "disk");
    if report.is_safe() {
        let proofs = report.files.iter().flat_map(|file| &file.counted.copies);
        let oldest = proofs.filter_map(|copy| Some(copy.outcome.as_ref().ok()?.at));
        let oldest = oldest.min().map_or_else(String::new, |at| ago(report, at));
        let what = format!(
            "every file is on {disks} at least, verified by full hash; the oldest verification: {oldest}"
        );
        if report.is_whole_volume {
            return writeln!(out, "SAFE TO FORMAT: {what}");
        }
        return writeln!(
            out,
            "SAFE TO DELETE: {what}\nit is a folder of {}: what is beside it was not looked at, so formatting is another question",
            escape(&report.label)
        );
    }
    if !report.mends.is_empty() {
        writeln!(out, "\nto mend it:")?;
    }
    for mend in &report.mends {
        writeln!(out, "  {}", escape(&mend.what))?;
        if let Some(command) = &mend.command {
            writeln!(out, "      {}", escape(command))?;
        }
    }
    let few = report.unsafe_files().count();
    let why = if report.is_interrupted {
        "interrupted: not everything was looked at".to_owned()
    } else if few > 0 {
        format!(
            "{} of {} not on {disks}",
            grouped(few),
            counted(report.files.len(), "file")
        )
    } else {
        format!("{} in doubt", counted(report.doubts.len(), "thing"))
    };
    writeln!(out, "\nNOT SAFE: {why}")
}

/// … and for programs: an object a file, then one for the card.
#[must_use]
pub fn safety_json(report: &Report) -> Vec<Value> {
    let copies = report.wanted.copies;
    let mut lines: Vec<Value> = report
        .files
        .iter()
        .map(|file| {
            json!({
                "event": "file",
                "path": file.inside.to_string_lossy(),
                "bytes": file.bytes,
                "xxh128": file.content.as_ref().ok().map(ToString::to_string),
                "problem": file.content.as_ref().err(),
                "trusted": file.is_trusted,
                "disks": file.counted.disks,
                "safe": file.is_safe(copies),
                "copies": file.counted.copies.iter().map(|copy| copy_json(report, copy)).collect::<Vec<_>>(),
            })
        })
        .collect();
    lines.push(json!({
        "event": "summary",
        "card": report.card.to_string_lossy(),
        "volume": report.label,
        "whole_volume": report.is_whole_volume,
        "safe": report.is_safe(),
        "verdict": match (report.is_safe(), report.is_whole_volume) {
            (true, true) => "safe to format",
            (true, false) => "safe to delete",
            (false, _) => "not safe",
        },
        "files": report.files.len(),
        "bytes": report.files.iter().map(|file| file.bytes).sum::<u64>(),
        "unsafe_files": report.unsafe_files().count(),
        "copies_wanted": copies,
        "max_age_seconds": report.wanted.max_age.map(|age| age.0),
        "read": report.how.map(How::name),
        "doubts": report.doubts.iter().map(|problem| json!({
            "path": problem.path.to_string_lossy(), "reason": problem.reason,
        })).collect::<Vec<_>>(),
        "left_out": report.left_out.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "mend": report.mends.iter().map(|mend| json!({
            "what": mend.what, "command": mend.command,
        })).collect::<Vec<_>>(),
        "interrupted": report.is_interrupted,
    }));
    lines
}

fn copy_json(report: &Report, copy: &Copy) -> Value {
    let shelf = report.shelves.get(&copy.volume);
    let proof = copy.outcome.as_ref().ok();
    let at = proof.map(|proof| proof.at);
    json!({
        "volume": shelf.map(|shelf| &shelf.label),
        "disks": shelf.map(|shelf| &shelf.told),
        "mounted": shelf.map(|shelf| shelf.is_mounted),
        "path": copy.path.to_string_lossy(),
        "counts": proof.is_some(),
        "verified": at.and_then(instant_of_seconds),
        "age_seconds": at.map(|at| report.wanted.now.saturating_sub(at)),
        "hash": proof.map(|proof| proof.by.name()),
        "read_back": proof.and_then(|proof| proof.how).map(How::name),
        "doubt": copy.outcome.as_ref().err().map(ToString::to_string),
    })
}
