//! What people said, beside the footage: put into XMP sidecars for other programs, and taken from
//! those that others wrote. Only when asked, only where a volume may be written, and never into
//! the media themselves.

mod folder;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use crate::atomic_file;
use crate::catalogue::Catalogue;
use crate::clip::{Action, Clip, Edit, FileCopy, FileState, MAX_STARS, decided_tags, in_effect};
use crate::error::Error;
use crate::footage::{Role, found};
use crate::sidecar::xmp::{Conflict, MOST, Packet, Said, merged};
use crate::source_file;
use crate::tag::Vocabulary;
use crate::value::{Fingerprint, Selection, parse_tag};

pub use folder::Beside;

/// What became of one sidecar.
#[derive(Debug)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// What was done.
    pub outcome: Outcome,
    /// What others wrote that says otherwise, and stays.
    pub conflicts: Vec<Conflict>,
    /// Why it has not the usual name.
    pub note: Option<String>,
}

/// What was done with a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was written.
    Written,
    /// It says all of it already.
    Unchanged,
    /// It could not be written: why.
    Refused(String),
}

/// A clip with what people said of it; `None` of one of which nothing can be said.
fn spoken_of(catalogue: &Catalogue, number: i64) -> Result<Option<(Clip, Vec<Edit>)>, Error> {
    let Some(clip) = catalogue.clip(number)? else {
        return Ok(None);
    };
    match catalogue.content_of(number) {
        Err(Error::NoContent { .. }) => Ok(None),
        content => Ok(Some((clip, catalogue.edits(content?)?))),
    }
}

/// What people said of a clip, as it stands in a sidecar; nothing when that is nothing. `decided` has the tags by their
/// names of now; a sidecar may hold former names, which go.
fn said(clip: &Clip, edits: &[Edit], decided: &BTreeMap<String, bool>) -> Option<Said> {
    let mut said = Said {
        stars: clip
            .rating
            .as_ref()
            .and_then(|stars| u8::try_from(stars.value).ok()),
        selection: clip.selection.as_ref().map(|fact| fact.value),
        ..Said::default()
    };
    let is_there = |tag: &String| decided.get(tag) == Some(&true);
    said.tags = decided
        .keys()
        .filter(|tag| is_there(tag))
        .cloned()
        .collect();
    let all: BTreeSet<String> = decided
        .keys()
        .cloned()
        .chain(decided_tags(edits).into_keys())
        .collect();
    said.removed = all.into_iter().filter(|tag| !is_there(tag)).collect();
    for edit in in_effect(edits) {
        match &edit.content.action {
            Action::Note(text) => said.notes.push(text.clone()),
            Action::Mark(marker) => said.markers.push(marker.clone()),
            _ => {}
        }
    }
    said.markers.sort();
    // What was taken back may still stand in a sidecar.
    (!edits.is_empty()).then_some(said)
}

/// Writes the sidecars of a clip's files that are there. A clip of which nobody ever said anything
/// gets none.
///
/// # Errors
/// When the catalogue cannot be read or written. What goes wrong with one file is its outcome.
pub fn write_sidecars(
    catalogue: &Catalogue,
    number: i64,
    beside: &mut Beside,
) -> Result<Vec<Written>, Error> {
    let Some((clip, edits)) = spoken_of(catalogue, number)? else {
        return Ok(Vec::new());
    };
    let Some(said) = said(&clip, &edits, &catalogue.decided_by(&edits)?) else {
        return Ok(Vec::new());
    };
    let mut written = Vec::new();
    for copy in clip.files.iter().filter(|copy| is_there(copy)) {
        let place = place_of(copy, beside);
        let (path, note) = match &place {
            Ok(place) => (place.path.clone(), place.note.clone()),
            Err(_) => (copy.path.with_extension("xmp"), None),
        };
        let outcome = place.and_then(|place| write_one(&place.path, &said));
        let (outcome, conflicts) = match outcome {
            Ok((is_changed, bytes, conflicts)) => {
                beside.add(&path);
                know(catalogue, copy, &path, &bytes)?;
                let outcome = if is_changed {
                    Outcome::Written
                } else {
                    Outcome::Unchanged
                };
                (outcome, conflicts)
            }
            // Nothing to say, and no sidecar that says otherwise.
            Err(Stop::Nothing) => continue,
            Err(Stop::Refused(reason)) => (Outcome::Refused(reason), Vec::new()),
        };
        written.push(Written {
            path,
            outcome,
            conflicts,
            note,
        });
    }
    Ok(written)
}

fn place_of(copy: &FileCopy, beside: &mut Beside) -> Result<folder::Place, Stop> {
    if copy.frames.is_some() {
        return Err(Stop::Refused(
            "an image sequence is many files, and has no sidecar".to_owned(),
        ));
    }
    beside.place(copy)?.map_err(Stop::Refused)
}

fn is_there(copy: &FileCopy) -> bool {
    copy.is_mounted && copy.state != FileState::Missing
}

/// Why a sidecar was not written.
enum Stop {
    Nothing,
    Refused(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Refused(match error.kind() {
            io::ErrorKind::ReadOnlyFilesystem => "the volume can only be read".to_owned(),
            io::ErrorKind::PermissionDenied => "it may not be written there".to_owned(),
            io::ErrorKind::StorageFull => "the volume is full".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// Merges what was said into one sidecar; whether it changed, and what it holds now.
fn write_one(path: &Path, said: &Said) -> Result<(bool, Vec<u8>, Vec<Conflict>), Stop> {
    // A pipe or a link in its place is not followed.
    let before = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Some(metadata),
        Ok(_) => {
            return Err(Stop::Refused(
                "what stands in its place is no file".to_owned(),
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if before.is_none() && says_nothing(said) {
        return Err(Stop::Nothing);
    }
    let existing = match before {
        Some(_) => Some(read(path)?),
        None => None,
    };
    let merged =
        merged(existing.as_deref(), said).map_err(|error| Stop::Refused(error.to_string()))?;
    if merged.is_changed {
        match &before {
            Some(before) => atomic_file::instead(path, before, &merged.bytes)?,
            None => atomic_file::new(path, &merged.bytes)?,
        }
    }
    Ok((merged.is_changed, merged.bytes, merged.conflicts))
}

fn says_nothing(said: &Said) -> bool {
    said.tags.is_empty()
        && said.stars.is_none()
        && said.selection.is_none()
        && said.notes.is_empty()
        && said.markers.is_empty()
}

/// Reads a sidecar whole.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than it may have tells that it is too long.
    source_file::open(path)?
        .take(MOST + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Has the catalogue know a sidecar that is ours, as it is now: no scan takes it for new, and what it
/// holds can be verified.
fn know(catalogue: &Catalogue, copy: &FileCopy, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // It may be gone again, or another by now; then a scan will see.
    if let Ok(found) = found(path, Role::Sidecar) {
        let digest = Fingerprint(xxh3_128(bytes));
        catalogue.know_sidecar(copy.volume_number, &copy.inside, &found, digest)?;
    }
    Ok(())
}

/// What a clip's sidecars say that is new here.
#[derive(Debug, Default)]
pub struct Heard {
    /// What is to be said of the clip.
    pub actions: Vec<Action>,
    /// Where a sidecar says otherwise than people here: what stays, and what it says.
    pub conflicts: Vec<String>,
    /// Sidecars that could not be understood, each with the reason.
    pub unread: Vec<(PathBuf, String)>,
    /// Sidecars that were read.
    pub read: usize,
}

/// Reads the sidecars of a clip's files that are there. What people decided here stays, unless
/// `prefer_xmp`.
///
/// # Errors
/// When the catalogue cannot be read.
pub fn read_sidecars(
    catalogue: &Catalogue,
    vocabulary: &Vocabulary,
    number: i64,
    prefer_xmp: bool,
    beside: &mut Beside,
) -> Result<Heard, Error> {
    let mut heard = Heard::default();
    let Some((clip, edits)) = spoken_of(catalogue, number)? else {
        return Ok(heard);
    };
    let decided = catalogue.decided_by(&edits)?;
    let mut paths = Vec::new();
    for copy in clip.files.iter().filter(|copy| is_there(copy)) {
        match beside.own(copy) {
            Ok(own) => paths.extend(own),
            Err(error) => heard.unread.push((copy.path.clone(), error.to_string())),
        }
    }
    for path in paths {
        let packet = match read(&path) {
            Ok(bytes) => Packet::read(&bytes).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match packet {
            Ok(packet) => {
                heard.read += 1;
                heard.tags(&packet, &decided, vocabulary, prefer_xmp);
                heard.take(&packet, &clip, &edits, prefer_xmp);
            }
            Err(reason) => heard.unread.push((path, reason)),
        }
    }
    Ok(heard)
}

impl Heard {
    fn take(&mut self, packet: &Packet, clip: &Clip, edits: &[Edit], prefer_xmp: bool) {
        self.rating(packet, clip, prefer_xmp);
        self.notes(packet, edits);
        for marker in &packet.markers {
            let Some(marker) = clip.marker_at(marker.micros, &marker.text) else {
                continue;
            };
            let is_said = |action: &Action| matches!(action, Action::Mark(other) if other.micros == marker.micros && other.text == marker.text);
            if !edits.iter().any(|edit| is_said(&edit.content.action)) {
                self.say(Action::Mark(marker));
            }
        }
    }

    /// Says it, unless another sidecar of the clip had it said.
    fn say(&mut self, action: Action) {
        if action.check().is_ok() && !self.actions.contains(&action) {
            self.actions.push(action);
        }
    }

    fn tags(
        &mut self,
        packet: &Packet,
        decided: &BTreeMap<String, bool>,
        vocabulary: &Vocabulary,
        prefer_xmp: bool,
    ) {
        for subject in &packet.tags {
            // A comma parts several in some programs.
            for word in subject.split(',') {
                let Ok(typed) = parse_tag(word) else { continue };
                let tag = vocabulary.resolve(&typed).unwrap_or(typed);
                match decided.get(&tag) {
                    Some(true) => {}
                    Some(false) if !prefer_xmp => {
                        self.conflicts
                            .push(format!("{tag} was removed here, and stays so"));
                    }
                    _ => self.say(Action::AddTag(tag)),
                }
            }
        }
    }

    fn rating(&mut self, packet: &Packet, clip: &Clip, prefer_xmp: bool) {
        let stars_here = clip.rating.as_ref().map(|fact| fact.value);
        let selection_here = clip.selection.as_ref().map(|fact| fact.value);
        let selection = match (packet.rating, packet.good) {
            (Some(-1), _) => Some(Selection::Rejected),
            (_, Some(true)) => Some(Selection::Selected),
            _ => None,
        };
        if let Some(wanted) = selection.filter(|wanted| Some(*wanted) != selection_here) {
            match selection_here {
                Some(here) if !prefer_xmp => {
                    self.conflicts
                        .push(format!("it is {here} here, {wanted} there"));
                }
                _ => self.say(Action::Select(Some(wanted))),
            }
        }
        let stars = packet.rating.and_then(|rating| u8::try_from(rating).ok());
        let stars = stars.filter(|stars| (1..=MAX_STARS).contains(stars));
        let other = self.actions.iter().find_map(|action| match action {
            Action::Stars(other) if Some(*other) != stars => Some(*other),
            _ => None,
        });
        if let (Some(other), Some(stars)) = (other, stars) {
            // Another copy's sidecar was heard first.
            self.conflicts
                .push(format!("one sidecar gives {other} stars, another {stars}"));
            return;
        }
        if let Some(wanted) = stars.filter(|stars| Some(u32::from(*stars)) != stars_here) {
            match stars_here {
                Some(here) if !prefer_xmp => {
                    self.conflicts
                        .push(format!("it has {here} stars here, {wanted} there"));
                }
                _ => self.say(Action::Stars(wanted)),
            }
        }
    }

    /// Each line that nobody here ever wrote: a note that was taken back does not come again.
    fn notes(&mut self, packet: &Packet, edits: &[Edit]) {
        let known = |line: &str| {
            edits.iter().any(|edit| match &edit.content.action {
                Action::Note(text) => text.lines().any(|known| known.trim() == line),
                _ => false,
            })
        };
        let log = packet.log_comment.as_deref().unwrap_or_default();
        for line in log.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !known(line) {
                self.say(Action::Note(line.to_owned()));
            }
        }
    }
}
