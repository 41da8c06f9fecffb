//! `btsindex safe`

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use btsindex::catalogue::Catalogue;
use btsindex::media::Cancel;
use btsindex::output::{Look, SafetyProgress, json_line, safety, safety_json};
use btsindex::safe::{Request, safe};

use super::scan::stop_on_ctrl_c;
use super::{Exit, stdout};
use crate::cli;

/// `is_named`: whether the catalogue is another than the usual one.
pub(crate) fn run(args: &cli::SafeArgs, folder: &Path, is_named: bool) -> anyhow::Result<Exit> {
    let cancel = Cancel::default();
    stop_on_ctrl_c(&cancel)?;
    let look = match (args.json, io::stderr().is_terminal()) {
        (true, _) => Look::Json,
        (false, true) => Look::Bar,
        (false, false) => Look::Lines,
    };
    let mut out = stdout();
    let mut are_all_safe = true;
    for card in &args.cards {
        let request = Request {
            card: card.clone(),
            copies: args.copies.into(),
            max_age: args.max_age,
            disk: args.card_disk.clone(),
            is_ingest_trusted: args.trust_ingest,
            is_paranoid: args.paranoid,
            is_catalogue_named: is_named,
            cancel: cancel.clone(),
        };
        // For each anew: what is mounted may be something else by then.
        let catalogue = Catalogue::open(folder)?;
        let mut talk = io::stderr();
        let mut progress = SafetyProgress::new(look, &mut out, &mut talk);
        let found = safe(&request, &catalogue, &mut |event| progress.event(&event));
        progress.end();
        let found = found?;
        if args.json {
            for line in safety_json(&found) {
                writeln!(out, "{}", json_line(&line))?;
            }
        } else {
            safety(&found, args.files, &mut out)?;
        }
        out.flush()?;
        // As it was told: whoever interrupts what is over has its verdict.
        if found.is_interrupted {
            return Ok(Exit::Interrupted);
        }
        are_all_safe &= found.is_safe();
    }
    Ok(if are_all_safe {
        Exit::Done
    } else {
        Exit::NothingFound
    })
}
