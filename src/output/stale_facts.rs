//! Clips whose facts come from an older version of a reader, as text and JSON.

use serde_json::{Value, json};

use crate::catalogue::StaleFacts;
use crate::error::escape;
use crate::value::{counted, grouped};

/// Advice for refreshing stale facts.
pub const STALE_FACTS_HINT: &str =
    "`btsindex scan` refreshes up to 5,000 clips of mounted volumes; `scan --refresh` all of them";

/// Describes the stale facts in one line: the number of clips, and the number on each volume.
#[must_use]
pub fn stale_facts_line(stale: &StaleFacts) -> String {
    let volumes: Vec<String> = stale
        .volumes
        .iter()
        .map(|volume| {
            let mount = if volume.is_mounted {
                ""
            } else {
                " (not mounted)"
            };
            format!(
                "{} on {}{mount}",
                grouped(volume.clips),
                escape(&volume.label)
            )
        })
        .collect();
    format!(
        "{} read by an older version: {}",
        counted(stale.clips, "clip"),
        volumes.join(", ")
    )
}

/// Returns the stale facts as JSON.
#[must_use]
pub(super) fn stale_facts_json(stale: &StaleFacts) -> Value {
    let volumes: Vec<Value> = stale
        .volumes
        .iter()
        .map(|volume| {
            json!({ "volume": volume.label, "mounted": volume.is_mounted, "clips": volume.clips })
        })
        .collect();
    json!({ "clips": stale.clips, "volumes": volumes })
}
