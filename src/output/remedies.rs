//! Suggestions of `btsindex safe`: what to do about an unsafe card, and the command that does it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::shell_quote::shell_quoted;
use crate::safe::{COPIES, MountStep, NamedVolume, Remedy, RemedyDestinations, Report, Request};

/// Placeholder that the user replaces.
const ELSEWHERE: &str = "FOLDER-ON-ANOTHER-DISK";

/// Number of files that a suggestion names.
const MAX_NAMED: usize = 3;

/// Suggested step, as text.
pub(super) struct Suggestion {
    /// Description for the user.
    pub what: String,
    /// Shell command; `None` for a manual step.
    pub command: Option<String>,
}

/// Options of the check and of the program, which suggested commands repeat.
#[derive(Debug, Clone, Copy)]
pub struct SuggestedOptions<'a> {
    /// Request of the check.
    pub request: &'a Request,
    /// Folder of the catalogue, if it was given on the command line.
    pub catalogue: Option<&'a Path>,
}

impl SuggestedOptions<'_> {
    /// Returns the suggestions for a card, in the order in which they should be followed.
    pub(super) fn suggestions<'a>(
        &'a self,
        report: &'a Report,
    ) -> impl Iterator<Item = Suggestion> + 'a {
        let remedies = report.remedies.iter();
        remedies.map(|remedy| Suggestion {
            what: description(remedy),
            command: self.command(remedy, report),
        })
    }

    fn command(&self, remedy: &Remedy, report: &Report) -> Option<String> {
        let card = &report.card;
        let arguments = match remedy {
            Remedy::Verify { folder, .. } => format!("verify {}", shell_quoted(folder)),
            Remedy::Scan { folder, .. } => format!("scan {}", shell_quoted(folder)),
            Remedy::CompareCopies => "copies --verify".to_owned(),
            Remedy::ReadCopies if self.request.is_paranoid => self.check_again("", card),
            Remedy::ReadCopies => self.check_again(" --paranoid", card),
            Remedy::NameDisk { volume } | Remedy::MountTogether { share: volume, .. } => {
                format!("volumes disk {} DISK", shell_quoted(&volume.name))
            }
            Remedy::NameCardDisk => self.check_again(" --card-disk DISK", card),
            Remedy::MoveAway { .. } => return None,
            Remedy::Ingest { to } => {
                let known = to.folders.iter().map(template);
                ingest(card, known, to.further, Path::new(ELSEWHERE))
            }
            Remedy::KeepHistory { history, to } => {
                let mut name = OsString::from("{card} of ");
                name.push(template(card.file_name().unwrap_or("it".as_ref())));
                let known = to.folders.iter().map(|folder| template(folder).join(&name));
                let further = Path::new(ELSEWHERE).join(&name);
                ingest(history, known, to.further, &further)
            }
        };
        Some(format!("{} {arguments}", self.program()))
    }

    /// Returns the start of a command that uses the same catalogue.
    fn program(&self) -> String {
        self.catalogue.map_or_else(
            || "btsindex".to_owned(),
            |folder| {
                let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
                format!("btsindex --catalogue {}", shell_quoted(whole))
            },
        )
    }

    /// Returns the arguments of another check with the same options, so that it is not weaker.
    fn check_again(&self, options: &str, card: &Path) -> String {
        let request = self.request;
        let copies = (request.copies != usize::from(COPIES))
            .then(|| format!(" --copies {}", request.copies));
        let age = request.max_age.map(|age| format!(" --max-age {}s", age.0));
        let trust = request
            .is_ingest_trusted
            .then(|| " --trust-ingest".to_owned());
        let paranoid = request.is_paranoid.then(|| " --paranoid".to_owned());
        let disk = request.disk.as_ref();
        let disk = disk.map(|disk| format!(" --card-disk={}", shell_quoted(disk)));
        let repeated = [copies, age, trust, paranoid, disk];
        let repeated: String = repeated.into_iter().flatten().collect();
        format!("safe{options}{repeated} {}", shell_quoted(card))
    }
}

/// Describes a remedy for the user.
fn description(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Verify { first, .. } => match first {
            MountStep::None => "verify the copies".to_owned(),
            MountStep::Mount(label) => format!("mount {label}, then verify its copies"),
            MountStep::Remount(label) => {
                format!("unmount {label} and mount it again, then verify its copies")
            }
        },
        Remedy::Scan { first, .. } => match first {
            MountStep::None => "scan the copies again".to_owned(),
            MountStep::Mount(label) => format!("mount {label}, then scan it again"),
            MountStep::Remount(label) => {
                format!("unmount {label} and mount it again, then scan it again")
            }
        },
        Remedy::CompareCopies => "hash the scanned copies in full and compare them".to_owned(),
        Remedy::ReadCopies => {
            "read the copies again: a manifest next to them is damaged".to_owned()
        }
        Remedy::NameDisk {
            volume: NamedVolume { label, .. },
        } => format!("name the disk of {label}: the number printed on it, or your own name for it"),
        Remedy::MountTogether {
            share: NamedVolume { label, .. },
            other,
        } => format!(
            "mount {label} and {other} at the same time and check again; or, if they are different disks, name the \
             disk of {label}"
        ),
        Remedy::NameCardDisk => "mount the copies, or name the disk of the card".to_owned(),
        Remedy::MoveAway { files } => {
            let named: Vec<String> = files.iter().take(MAX_NAMED).map(shell_quoted).collect();
            let more = match files.len().saturating_sub(MAX_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "move away altered or different files: {}{more}",
                named.join(", ")
            )
        }
        Remedy::Ingest { to } => when_mounted("copy the missing files", to),
        Remedy::KeepHistory { to, .. } => {
            when_mounted("also copy the card's history unchanged", to)
        }
    }
}

fn when_mounted(what: &str, to: &RemedyDestinations) -> String {
    if to.unmounted.is_empty() {
        return what.to_owned();
    }
    format!("mount {}, then {what}", to.unmounted.join(" and "))
}

/// Returns the arguments of an ingest to the known destinations and to `further` others.
fn ingest(
    folder: &Path,
    known: impl Iterator<Item = PathBuf>,
    further: usize,
    other: &Path,
) -> String {
    let others = (0..further).map(|_| other.to_owned());
    let to = known.chain(others);
    let to = to.map(|folder| format!(" --to {}", shell_quoted(folder)));
    format!("ingest {}{}", shell_quoted(folder), to.collect::<String>())
}

/// Escapes the braces of a path for `--to`, which expands placeholders.
fn template(folder: impl AsRef<Path>) -> PathBuf {
    let text = folder.as_ref().as_os_str();
    if !text
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"{}".contains(byte))
    {
        return folder.as_ref().to_owned();
    }
    // A non-Unicode name with braces cannot be written on a command line.
    let text = text.to_string_lossy();
    text.replace('{', "{{").replace('}', "}}").into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cancel::Cancel;
    use crate::safe::Requirements;
    use crate::value::Age;

    fn request() -> Request {
        Request {
            card: PathBuf::from("/mnt/my card"),
            copies: COPIES.into(),
            max_age: None,
            is_ingest_trusted: false,
            disk: None,
            is_paranoid: false,
            cancel: Cancel::default(),
        }
    }

    /// Returns the description and the command of a remedy.
    fn suggestion(options: SuggestedOptions<'_>, remedy: Remedy) -> (String, Option<String>) {
        let report = Report {
            card: options.request.card.clone(),
            label: "CARD".to_owned(),
            is_whole_volume: true,
            requirements: Requirements {
                copies: options.request.copies,
                max_age: None,
                now: 0,
            },
            files: Vec::new(),
            doubts: Vec::new(),
            left_out: Vec::new(),
            copy_volumes: BTreeMap::new(),
            how: None,
            remedies: vec![remedy],
            is_interrupted: false,
        };
        let only = options.suggestions(&report).next().unwrap();
        (only.what, only.command)
    }

    #[test]
    fn commands_name_the_catalogue_and_repeat_the_options_of_the_check() {
        let request = Request {
            copies: 3,
            max_age: Some(Age(60)),
            is_ingest_trusted: true,
            disk: Some("K 7".to_owned()),
            ..request()
        };
        let options = SuggestedOptions {
            request: &request,
            catalogue: Some(Path::new("/srv/the catalogue")),
        };
        let (_, command) = suggestion(options, Remedy::ReadCopies);
        assert_eq!(
            command.unwrap(),
            "btsindex --catalogue '/srv/the catalogue' safe --paranoid --copies 3 --max-age 60s --trust-ingest \
             --card-disk='K 7' '/mnt/my card'"
        );
    }

    #[test]
    fn destinations_are_quoted_and_their_braces_escaped() {
        let request = request();
        let options = SuggestedOptions {
            request: &request,
            catalogue: None,
        };
        let to = RemedyDestinations {
            folders: vec![PathBuf::from("/mnt/raid/{day}")],
            further: 1,
            unmounted: vec!["RAID".to_owned(), "SHUTTLE".to_owned()],
        };
        let (what, command) = suggestion(options, Remedy::Ingest { to: to.clone() });
        assert_eq!(what, "mount RAID and SHUTTLE, then copy the missing files");
        assert_eq!(
            command.unwrap(),
            "btsindex ingest '/mnt/my card' --to '/mnt/raid/{{day}}' --to FOLDER-ON-ANOTHER-DISK"
        );
        let history = PathBuf::from("/mnt/my card/ascmhl");
        let (_, command) = suggestion(options, Remedy::KeepHistory { history, to });
        assert_eq!(
            command.unwrap(),
            "btsindex ingest '/mnt/my card/ascmhl' --to '/mnt/raid/{{day}}/{card} of my card' \
             --to 'FOLDER-ON-ANOTHER-DISK/{card} of my card'"
        );
    }

    #[test]
    fn a_manual_step_has_no_command_and_names_few_files() {
        let request = request();
        let options = SuggestedOptions {
            request: &request,
            catalogue: None,
        };
        let files = (1..=5).map(|number| PathBuf::from(format!("/mnt/{number}")));
        let remedy = Remedy::MoveAway {
            files: files.collect(),
        };
        let expected = "move away altered or different files: /mnt/1, /mnt/2, /mnt/3 and 2 more";
        assert_eq!(suggestion(options, remedy), (expected.to_owned(), None));
    }
}
