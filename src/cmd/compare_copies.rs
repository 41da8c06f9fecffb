//! Complete comparison of copies, for `copies --verify` and `duplicates --verify`.

use std::io::{self, IsTerminal, Write};

use btsindex::cancel::Cancel;
use btsindex::catalogue::{Catalogue, ClipCopies, ClipFiles};
use btsindex::error::{Error, escape};
use btsindex::output::ByteBar;
use btsindex::scan::{HashEvent, hash_copies};
use btsindex::value::counted;
use serde_json::{Value, json};

use super::scan::stop_on_ctrl_c;
use crate::cli::Exit;

/// Number of clips read from the catalogue at a time.
const PAGE: usize = 500;

/// Hashes the files of clips with several files, except those hashed since their last change.
pub(super) fn hash_files(clips: &[i64], catalogue: &Catalogue) -> anyhow::Result<Exit> {
    let cancel = Cancel::default();
    stop_on_ctrl_c(&cancel)?;
    let bar = ByteBar::new(io::stderr().is_terminal());
    let mut problems = 0;
    let hashed = hash_copies(clips, catalogue, &cancel, &mut |event| match event {
        HashEvent::Started { bytes, .. } => bar.set_total(bytes),
        HashEvent::File(path) => bar.set_file(&path),
        HashEvent::Read(bytes) => bar.add(bytes),
        HashEvent::Problem(problem) => {
            problems += 1;
            let (path, reason) = (
                escape(&problem.path.to_string_lossy()),
                escape(&problem.reason),
            );
            bar.print_message(&format!("warning: {path}: {reason}"));
        }
    })?;
    bar.finish();
    if cancel.is_cancelled() {
        writeln!(io::stderr(), "interrupted; run the same command to resume")?;
        return Ok(Exit::Interrupted);
    }
    if hashed.offline > 0 {
        writeln!(
            io::stderr(),
            "{} on volumes that are not mounted, not read",
            counted(hashed.offline, "file")
        )?;
    }
    Ok(if problems > 0 {
        Exit::SomeUnreadable
    } else {
        Exit::Done
    })
}

/// Reads the copies of clips page by page, so that large catalogues need little memory.
pub(super) fn read_pages<'a>(
    clips: &'a [i64],
    catalogue: &'a Catalogue,
) -> impl Iterator<Item = Result<ClipCopies, Error>> + 'a {
    clips.chunks(PAGE).flat_map(|page| {
        let (copies, error) = match catalogue.clip_copies(page) {
            Ok(copies) => (copies, None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        copies.into_iter().map(Ok).chain(error)
    })
}

/// Lists the files of a clip as one cell: `SHELF-07: /media/shelf/a.mov; RAID-A: /raid/a.mov`.
pub(super) fn files_cell(copied: &ClipFiles) -> String {
    let files = copied.files.iter();
    let files = files.map(|file| format!("{}: {}", file.label, file.path.to_string_lossy()));
    files.collect::<Vec<_>>().join("; ")
}

/// Returns the files of a clip as JSON.
pub(super) fn files_json(copied: &ClipFiles) -> Value {
    let file = |file: &btsindex::catalogue::HashedFile| {
        json!({
            "volume": file.label,
            "mounted": file.is_mounted,
            "path": file.path.to_string_lossy(),
            "bytes": file.bytes,
            "xxh128": file.digest,
        })
    };
    copied.files.iter().map(file).collect()
}
