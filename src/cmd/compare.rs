//! Comparing copies in full, for the commands that tell of them.

use std::io::{self, IsTerminal, Write};

use btsindex::catalogue::{Catalogue, Copied};
use btsindex::error::escape;
use btsindex::media::Cancel;
use btsindex::output::ByteBar;
use btsindex::scan::{HashEvent, hash_copies};
use serde_json::{Value, json};

use super::Exit;
use super::scan::stop_on_ctrl_c;

/// Hashes every file, of clips that have several, that was not hashed as it is now.
pub(super) fn all(clips: &[i64], catalogue: &Catalogue) -> anyhow::Result<Exit> {
    let cancel = Cancel::default();
    stop_on_ctrl_c(&cancel)?;
    let bar = ByteBar::new(io::stderr().is_terminal());
    let mut problems = 0;
    let verified = hash_copies(clips, catalogue, &cancel, &mut |event| match event {
        HashEvent::Started { bytes, .. } => bar.begin(bytes),
        HashEvent::File(path) => bar.name(&path),
        HashEvent::Read(bytes) => bar.add(bytes),
        HashEvent::Problem(problem) => {
            problems += 1;
            let (path, reason) = (
                escape(&problem.path.to_string_lossy()),
                escape(&problem.reason),
            );
            bar.say(&format!("warning: {path}: {reason}"));
        }
    })?;
    bar.end();
    if cancel.is_cancelled() {
        writeln!(
            io::stderr(),
            "interrupted; the same command goes on from here"
        )?;
        return Ok(Exit::Interrupted);
    }
    if verified.offline > 0 {
        writeln!(
            io::stderr(),
            "{} files are on volumes that are not mounted, and were not read",
            verified.offline
        )?;
    }
    Ok(if problems > 0 {
        Exit::SomeUnreadable
    } else {
        Exit::Done
    })
}

/// The files of a clip, for programs.
pub(super) fn files_json(copied: &Copied) -> Vec<Value> {
    let file = |file: &btsindex::catalogue::Hashed| {
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
