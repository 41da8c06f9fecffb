//! Progress and result of `btsindex safe`, which checks whether a card can be formatted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::ProgressFormat;
use super::read_progress::ReadProgress;
use super::remedies::SuggestedOptions;
use super::table::TextTable;
use crate::catalogue::DISK_NAME_PREFIX;
use crate::checksum::HashKind;
use crate::error::escape;
use crate::offload::ReadMethod;
use crate::safe::{CandidateCopy, CheckedFile, CopyVolume, Event, Report};
use crate::value::{Age, Bytes, counted, format_unix_seconds, grouped};

/// Maximum number of files listed without `--files`.
const MAX_LISTED: usize = 20;

/// Shows the progress of checking one card.
pub struct SafetyProgress<'a>(ReadProgress<'a>);

impl<'a> SafetyProgress<'a> {
    /// Creates a display. JSON is written to `data`, log lines to `messages`, a bar to standard error.
    pub fn new(
        format: ProgressFormat,
        data: &'a mut dyn Write,
        messages: &'a mut dyn Write,
    ) -> Self {
        Self(ReadProgress::new(format, "reading", data, messages))
    }

    /// Updates the display after an event.
    pub fn on_event(&mut self, event: &Event) {
        match event {
            Event::CardStarted { files, bytes } => self.begin("card", *files, *bytes),
            Event::CopiesStarted { files, bytes } => self.begin("copies", *files, *bytes),
            Event::Reading(path) => self.0.set_file(path),
            Event::Read(bytes) => self.0.add(*bytes),
        }
    }

    /// Removes the bar from the terminal.
    pub fn finish(self) {
        self.0.finish();
    }

    fn begin(&mut self, what: &str, files: usize, bytes: u64) {
        self.0.begin(bytes);
        self.0.write_json(
            || json!({ "event": "begins", "reads": what, "files": files, "bytes": bytes }),
        );
        let (files, bytes) = (counted(files, "file"), Bytes(bytes));
        self.0.log(&format!("reading the {what}: {files}, {bytes}"));
    }
}

/// Writes the result as text: volumes with copies, unsafe files, open problems, then the verdict.
/// `all` lists every file with all its copies.
///
/// # Errors
/// Returns an error if `out` cannot be written.
pub fn write_safety(
    report: &Report,
    options: SuggestedOptions<'_>,
    all: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_heading(report, out)?;
    write_volumes(report, out)?;
    let is_listed = |file: &&CheckedFile| all || !file.is_safe(report.requirements.copies);
    let files: Vec<&CheckedFile> = report.files.iter().filter(is_listed).collect();
    let limit = if all { usize::MAX } else { MAX_LISTED };
    for file in files.iter().take(limit) {
        write_file(report, file, out)?;
    }
    if files.len() > limit {
        let more = grouped(files.len() - limit);
        writeln!(out, "  and {more} more: `--files` lists them all")?;
    }
    for doubt in &report.doubts {
        let path = doubt.path.to_string_lossy();
        writeln!(out, "  {}: {}", escape(&path), escape(&doubt.reason))?;
    }
    for folder in &report.left_out {
        let folder = folder.to_string_lossy();
        writeln!(out, "  skipped system folder: {}", escape(&folder))?;
    }
    write_verdict(report, options, out)
}

fn write_heading(report: &Report, out: &mut dyn Write) -> io::Result<()> {
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
            ", {} not read: hashes of their ingest used",
            grouped(trusted)
        )?;
    }
    writeln!(out)
}

/// Copies of the card's files on one volume.
#[derive(Default)]
struct VolumeTally {
    files: usize,
    bytes: u64,
    /// Unix time of the oldest verification.
    oldest: Option<i64>,
    /// Hash algorithms that verified the copies, without duplicates.
    hashes: Vec<&'static str>,
    /// Number of copies that are not counted, by reason.
    doubtful: BTreeMap<String, usize>,
}

fn write_volumes(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut on: BTreeMap<i64, VolumeTally> = BTreeMap::new();
    for file in &report.files {
        for copy in &file.counted.copies {
            let tally = on.entry(copy.volume).or_default();
            match &copy.outcome {
                Ok(proof) => {
                    tally.files += 1;
                    tally.bytes += file.bytes;
                    let oldest = tally.oldest.get_or_insert(proof.at);
                    *oldest = proof.at.min(*oldest);
                    if !tally.hashes.contains(&proof.by.name()) {
                        tally.hashes.push(proof.by.name());
                    }
                }
                Err(doubt) => *tally.doubtful.entry(doubt.to_string()).or_default() += 1,
            }
        }
    }
    if on.is_empty() {
        return Ok(());
    }
    let headings = [
        "copies on",
        "disk",
        "status",
        "files",
        "size",
        "verified",
        "hash",
    ];
    let mut table = TextTable::new(&headings, None);
    for (volume, on) in &on {
        let Some(copy_volume) = report.copy_volumes.get(volume) else {
            continue;
        };
        table.row(&[
            copy_volume.label.clone(),
            disk_names(copy_volume),
            if copy_volume.is_mounted {
                "mounted"
            } else {
                "offline"
            }
            .to_owned(),
            grouped(on.files),
            Bytes(on.bytes).to_string(),
            on.oldest.map_or_else(String::new, |at| ago(report, at)),
            on.hashes.join(", "),
        ]);
    }
    writeln!(out)?;
    table.write(out)?;
    writeln!(out)?;
    for (volume, on) in &on {
        let label = report
            .copy_volumes
            .get(volume)
            .map_or("", |copy_volume| &copy_volume.label);
        for (doubt, files) in &on.doubtful {
            let copies = if *files == 1 { "copy" } else { "copies" };
            let (files, label, doubt) = (grouped(*files), escape(label), escape(doubt));
            writeln!(out, "  {files} {copies} on {label} not counted: {doubt}")?;
        }
    }
    Ok(())
}

/// Lists the serial numbers or user-given names of a volume's disks. `unknown` if they are not known.
fn disk_names(copy_volume: &CopyVolume) -> String {
    if !copy_volume.disks.are_known() {
        return "unknown".to_owned();
    }
    let names = copy_volume.disk_names.iter();
    let names = names.map(|name| match name.strip_prefix(DISK_NAME_PREFIX) {
        Some(name) => format!("{name} (named by user)"),
        None => name.clone(),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// Formats a Unix time as age and date: `3 h ago, 2026-05-02 14:00`. Uses this computer's clock.
fn ago(report: &Report, at: i64) -> String {
    match report.requirements.now.saturating_sub(at) {
        seconds if seconds < 0 => format!("{} (in the future)", date(at)),
        seconds => format!("{} ago, {}", Age(seconds), date(at)),
    }
}

/// Formats a Unix time to the minute, in UTC: `2026-05-02 14:00`.
fn date(seconds: i64) -> String {
    let text = format_unix_seconds(seconds).unwrap_or_default();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

fn write_file(report: &Report, file: &CheckedFile, out: &mut dyn Write) -> io::Result<()> {
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
        let status = match &copy.outcome {
            Ok(proof) => {
                let how = proof.how.map_or("", ReadMethod::name);
                let ago = ago(report, proof.at);
                format!("verified {ago}, {}, {how}", proof.by)
            }
            Err(doubt) => doubt.to_string(),
        };
        let path = copy.path.to_string_lossy();
        let status = status.trim_end_matches(", ");
        writeln!(out, "      {}: {}", escape(&path), escape(status))?;
    }
    Ok(())
}

fn write_verdict(
    report: &Report,
    options: SuggestedOptions<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let required = report.requirements.copies;
    let disks = counted(required, "disk");
    if report.is_safe() {
        let copies = report.files.iter().flat_map(|file| &file.counted.copies);
        let oldest = copies.filter_map(|copy| Some(copy.outcome.as_ref().ok()?.at));
        let oldest = oldest.min().map_or_else(String::new, |at| ago(report, at));
        let reason = format!(
            "every file is on at least {disks}, verified by full hash; oldest verification {oldest}"
        );
        if report.is_whole_volume {
            return writeln!(out, "SAFE TO FORMAT: {reason}");
        }
        return writeln!(
            out,
            "SAFE TO DELETE: {reason}\nonly this folder of {} was checked; check the whole volume before formatting it",
            escape(&report.label)
        );
    }
    if !report.remedies.is_empty() {
        writeln!(out, "\nto fix this:")?;
    }
    for suggestion in options.suggestions(report) {
        writeln!(out, "  {}", escape(&suggestion.what))?;
        if let Some(command) = &suggestion.command {
            writeln!(out, "      {}", escape(command))?;
        }
    }
    let unsafe_count = report.unsafe_files().count();
    let reason = if report.is_interrupted {
        "interrupted before all files were checked".to_owned()
    } else if unsafe_count > 0 {
        format!(
            "{} of {} not on {disks}",
            grouped(unsafe_count),
            counted(report.files.len(), "file")
        )
    } else {
        counted(report.doubts.len(), "open problem")
    };
    writeln!(out, "\nNOT SAFE: {reason}")
}

/// Returns the result as JSON: one object per file, then one for the card.
#[must_use]
pub fn safety_json(report: &Report, options: SuggestedOptions<'_>) -> Vec<Value> {
    let copies = report.requirements.copies;
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
        "max_age_seconds": report.requirements.max_age.map(|age| age.0),
        "read": report.how.map(ReadMethod::name),
        "doubts": report.doubts.iter().map(|problem| json!({
            "path": problem.path.to_string_lossy(), "reason": problem.reason,
        })).collect::<Vec<_>>(),
        "left_out": report.left_out.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "mend": options.suggestions(report).map(|suggestion| json!({
            "what": suggestion.what, "command": suggestion.command,
        })).collect::<Vec<_>>(),
        "interrupted": report.is_interrupted,
    }));
    lines
}

fn copy_json(report: &Report, copy: &CandidateCopy) -> Value {
    let copy_volume = report.copy_volumes.get(&copy.volume);
    let proof = copy.outcome.as_ref().ok();
    let at = proof.map(|proof| proof.at);
    json!({
        "volume": copy_volume.map(|volume| &volume.label),
        "disks": copy_volume.map(|volume| &volume.disk_names),
        "mounted": copy_volume.map(|volume| volume.is_mounted),
        "path": copy.path.to_string_lossy(),
        "counts": proof.is_some(),
        "verified": at.and_then(format_unix_seconds),
        "age_seconds": at.map(|at| report.requirements.now.saturating_sub(at)),
        "hash": proof.map(|proof| proof.by.name()),
        "read_back": proof.and_then(|proof| proof.how).map(ReadMethod::name),
        "doubt": copy.outcome.as_ref().err().map(ToString::to_string),
    })
}
