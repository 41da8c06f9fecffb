//! `btsindex volumes`: lists volumes; renames and forgets them, and sets their disks.

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, LostClips, VolumeRow};
use btsindex::error::{Error, escape};
use btsindex::output::{OutputFormat, RowColumn, RowListing};
use btsindex::scan;
use btsindex::value::{Bytes, counted, format_unix_seconds, grouped, parse_name};
use btsindex::volume::Backing;
use serde_json::json;

use super::confirm::confirm;
use super::stdio::{print, stdout};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::VolumesArgs, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    match &args.command {
        None => list(&catalogue, args.format.get()),
        Some(cli::VolumesCommand::Rename { volume, name }) => rename(&catalogue, volume, name),
        Some(cli::VolumesCommand::Disk { volume, disk }) => set_disk(&catalogue, volume, disk),
        Some(cli::VolumesCommand::Forget { volume, yes }) => forget(&catalogue, volume, *yes),
    }
}

fn list(catalogue: &Catalogue, format: OutputFormat) -> anyhow::Result<Exit> {
    let rows = catalogue.all_volumes()?;
    let listing = RowListing::new(columns(), rows.into_iter().map(Ok));
    print(listing, format, &mut stdout())?;
    for (clone, original) in catalogue.volumes().clones() {
        writeln!(
            io::stderr(),
            "warning: {} looks like a clone of {}; they are treated as two volumes",
            escape(&clone.to_string_lossy()),
            escape(&original.to_string_lossy())
        )?;
    }
    Ok(Exit::Done)
}

fn columns() -> Vec<RowColumn<'static, VolumeRow>> {
    vec![
        RowColumn::new("volume", |row: &VolumeRow| json!(row.label))
            .shown("volume", |row| row.label.clone()),
        RowColumn::new("identity", |row: &VolumeRow| json!(row.identity)),
        RowColumn::new("bytes", |row: &VolumeRow| json!(row.bytes)).shown("size", |row| {
            let size = row.bytes.map(|bytes| Bytes(bytes).to_string());
            size.unwrap_or_default()
        }),
        RowColumn::new("clips", |row: &VolumeRow| json!(row.clips))
            .shown("clips", |row| grouped(row.clips)),
        RowColumn::text("hours", |row: &VolumeRow| {
            format!("{:.1}", row.duration.as_seconds() / 3600.0)
        }),
        RowColumn::new("clip_bytes", |row: &VolumeRow| json!(row.clip_bytes))
            .shown("footage", |row| Bytes(row.clip_bytes).to_string()),
        RowColumn::new("duration", |row: &VolumeRow| json!(row.duration)),
        RowColumn::new("missing", |row: &VolumeRow| json!(row.missing)),
        RowColumn::new("last_seen", |row: &VolumeRow| {
            json!(format_unix_seconds(row.last_seen))
        })
        .shown("last seen", |row| format_time(row.last_seen)),
        RowColumn::new("mounted", |row: &VolumeRow| {
            json!(row.mounted.as_ref().map(|mount| mount.to_string_lossy()))
        })
        .shown("where", |row| match &row.mounted {
            Some(mount) => mount.to_string_lossy().into_owned(),
            None => "offline".to_owned(),
        }),
        RowColumn::new("last_mount", |row: &VolumeRow| {
            json!(row.mount.to_string_lossy())
        }),
        RowColumn::new("hardware", |row: &VolumeRow| json!(row.hardware)),
        RowColumn::new("disks", |row: &VolumeRow| json!(row.disks)),
        RowColumn::new("on", |row: &VolumeRow| {
            json!(row.backing.as_ref().map(backing_name))
        }),
        RowColumn::text("missing", |row: &VolumeRow| match row.missing {
            0 => String::new(),
            missing => grouped(missing),
        }),
    ]
}

/// Formats a Unix time, UTC: `2026-05-02 14:00`.
fn format_time(seconds: i64) -> String {
    let text = format_unix_seconds(seconds).unwrap_or_default();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

/// Returns `memory`, `other filesystems`, `image file` or `disk`.
fn backing_name(backing: &Backing) -> &'static str {
    match backing {
        Backing {
            is_memory: true, ..
        } => "memory",
        Backing { is_view: true, .. } => "other filesystems",
        Backing { images, .. } if !images.is_empty() => "image file",
        _ => "disk",
    }
}

fn rename(catalogue: &Catalogue, volume: &str, name: &str) -> anyhow::Result<Exit> {
    let row = catalogue.find_volume(volume)?;
    let name = parse_name(name)?;
    catalogue.rename_volume(row.id, name)?;
    let mut out = stdout();
    writeln!(out, "renamed {} to {}", escape(&row.label), escape(name))?;
    out.flush()?;
    Ok(Exit::Done)
}

fn set_disk(catalogue: &Catalogue, volume: &str, disk: &str) -> anyhow::Result<Exit> {
    let row = catalogue.find_volume(volume)?;
    let disk = parse_name(disk)?;
    if let Some(backing) = &row.backing
        && (backing.is_memory || backing.is_view)
    {
        return Err(Error::NoDisk {
            volume: escape(&row.label),
            is_memory: backing.is_memory,
        }
        .into());
    }
    catalogue.name_disk(&row, disk)?;
    let mut out = stdout();
    writeln!(
        out,
        "disk of {} set to {}",
        escape(&row.label),
        escape(disk)
    )?;
    out.flush()?;
    Ok(Exit::Done)
}

fn forget(catalogue: &Catalogue, volume: &str, yes: bool) -> anyhow::Result<Exit> {
    let row = catalogue.find_volume(volume)?;
    let label = escape(&row.label);
    let mut stderr = io::stderr();
    for line in describe_loss(&label, catalogue.count_lost_clips(row.id)?) {
        writeln!(stderr, "{line}")?;
    }
    if !yes && !confirm(&format!("forget {label}"))? {
        writeln!(stderr, "nothing changed")?;
        return Ok(Exit::Negative);
    }
    // A running scan may be reading this volume.
    let mut on_wait = |holder: &str| {
        // Standard error may be closed.
        let _ = writeln!(
            stderr,
            "another btsindex is running ({}); waiting for it",
            escape(holder)
        );
    };
    let _alone = scan::acquire_scan_lock(
        catalogue.folder(),
        "forgetting a volume",
        &|| false,
        &mut on_wait,
    )?;
    catalogue.forget_volume(row.id)?;
    let mut out = stdout();
    writeln!(out, "forgot {label}; edits of its clips are kept")?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Lists what would be lost by forgetting a volume.
fn describe_loss(label: &str, loss: LostClips) -> Vec<String> {
    let mut lines = vec![format!("{} on {label}", counted(loss.clips, "clip"))];
    if loss.only_here > 0 {
        lines.push(format!(
            "{:>9}  on no other volume: searches will no longer find them",
            grouped(loss.only_here)
        ));
    }
    if loss.unverified > 0 {
        lines.push(format!(
            "{:>9}  also on another volume, but never compared completely: use `btsindex copies --verify`",
            grouped(loss.unverified)
        ));
    }
    lines
}
