//! `btsindex volumes`, `volumes rename`, `volumes disk`, `volumes forget`

use std::io::{self, Write};
use std::path::Path;

use btsindex::catalogue::{Catalogue, Loss, VolumeRow};
use btsindex::error::{Error, escape};
use btsindex::output::{Table, counted, grouped, json_line};
use btsindex::scan;
use btsindex::value::{Bytes, instant_of_seconds, parse_name};
use btsindex::volume::Backing;
use serde_json::json;

use super::{Exit, ask, stdout, width};
use crate::cli;

pub(crate) fn run(args: &cli::VolumesArgs, folder: &Path) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::open(folder)?;
    match &args.command {
        None => list(&catalogue, args.json),
        Some(cli::VolumesCommand::Rename { volume, name }) => rename(&catalogue, volume, name),
        Some(cli::VolumesCommand::Disk { volume, disk }) => say_disk(&catalogue, volume, disk),
        Some(cli::VolumesCommand::Forget { volume, yes }) => forget(&catalogue, volume, *yes),
    }
}

fn list(catalogue: &Catalogue, as_json: bool) -> anyhow::Result<Exit> {
    let mut out = stdout();
    let headings = [
        "volume",
        "size",
        "clips",
        "hours",
        "footage",
        "last seen",
        "where",
        "missing",
    ];
    let mut table = Table::new(&headings, width());
    for row in catalogue.all_volumes()? {
        if as_json {
            writeln!(out, "{}", json_line(&row_json(&row)))?;
            continue;
        }
        let missing = if row.missing == 0 {
            String::new()
        } else {
            grouped(row.missing)
        };
        table.row(&[
            row.label.clone(),
            row.bytes
                .map_or_else(String::new, |bytes| Bytes(bytes).to_string()),
            grouped(row.clips),
            format!("{:.1}", row.duration.as_seconds() / 3600.0),
            Bytes(row.clip_bytes).to_string(),
            day(row.last_seen),
            match &row.mounted {
                Some(mount) => mount.to_string_lossy().into_owned(),
                None => "offline".to_owned(),
            },
            missing,
        ]);
    }
    if !as_json {
        table.write(&mut out)?;
    }
    out.flush()?;
    for (clone, original) in catalogue.volumes().clones() {
        writeln!(
            io::stderr(),
            "warning: {} looks like {}, as a copy of a whole disk does; the two are told apart",
            escape(&clone.to_string_lossy()),
            escape(&original.to_string_lossy())
        )?;
    }
    Ok(Exit::Done)
}

/// `2026-05-02 14:00`, UTC.
fn day(seconds: i64) -> String {
    let text = instant_of_seconds(seconds).unwrap_or_default();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

fn row_json(row: &VolumeRow) -> serde_json::Value {
    json!({
        "volume": row.label,
        "identity": row.identity,
        "bytes": row.bytes,
        "clips": row.clips,
        "clip_bytes": row.clip_bytes,
        "duration": row.duration,
        "missing": row.missing,
        "last_seen": instant_of_seconds(row.last_seen),
        "mounted": row.mounted.as_ref().map(|mount| mount.to_string_lossy()),
        "last_mount": row.mount.to_string_lossy(),
        "hardware": row.hardware,
        "disks": row.disks,
        "on": row.backing.as_ref().map(on),
    })
}

/// What a volume is on: `memory`, `other filesystems`, `image file`, else `disk`.
fn on(backing: &Backing) -> &'static str {
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
    writeln!(
        out,
        "{} is called {} from now on",
        escape(&row.label),
        escape(name)
    )?;
    out.flush()?;
    Ok(Exit::Done)
}

fn say_disk(catalogue: &Catalogue, volume: &str, disk: &str) -> anyhow::Result<Exit> {
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
    catalogue.say_disk(&row, disk)?;
    let mut out = stdout();
    writeln!(
        out,
        "{} is on the disk {} from now on",
        escape(&row.label),
        escape(disk)
    )?;
    out.flush()?;
    Ok(Exit::Done)
}

fn forget(catalogue: &Catalogue, volume: &str, yes: bool) -> anyhow::Result<Exit> {
    let row = catalogue.find_volume(volume)?;
    let label = escape(&row.label);
    let mut talk = io::stderr();
    for line in told(&label, catalogue.loss_of(row.id)?) {
        writeln!(talk, "{line}")?;
    }
    if !yes && !ask::confirm(&format!("forget {label}?"))? {
        writeln!(talk, "nothing was forgotten")?;
        return Ok(Exit::NothingFound);
    }
    // A scan that runs may be on that very volume.
    let mut waiting = |holder: &str| {
        // Nobody may be listening.
        let _ = writeln!(
            talk,
            "another btsindex is at work ({}); waiting for it",
            escape(holder)
        );
    };
    let _alone = scan::acquire_scan_lock(
        catalogue.folder(),
        "forgetting a volume",
        &|| false,
        &mut waiting,
    )?;
    catalogue.forget_volume(row.id)?;
    let mut out = stdout();
    writeln!(
        out,
        "{label} is forgotten; what people said of its clips is kept"
    )?;
    out.flush()?;
    Ok(Exit::Done)
}

fn told(label: &str, loss: Loss) -> Vec<String> {
    let mut lines = vec![format!("{} on {label}", counted(loss.clips, "clip"))];
    if loss.only_here > 0 {
        lines.push(format!(
            "{:>9}  are on no other volume: they would not be found any more",
            grouped(loss.only_here)
        ));
    }
    if loss.unproved > 0 {
        lines.push(format!(
            "{:>9}  are on another volume too, but their files were never compared in full: `btsindex copies --verify` does",
            grouped(loss.unproved)
        ));
    }
    lines
}
