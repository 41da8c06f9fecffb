//! Synchronization of edits with XMP sidecars: writes the catalogue's edits for other programs, and
//! reads their edits. It runs only on request and never changes media files.

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
use crate::sidecar::xmp::{ClipEdits, Conflict, MAX_BYTES, Packet, merge};
use crate::source_file;
use crate::tag::Vocabulary;
use crate::value::{Fingerprint, Selection, parse_tag};
use folder::NotWritten;

pub use folder::SidecarFolder;

/// Result of writing one sidecar.
#[derive(Debug)]
pub struct SidecarResult {
    /// Path of the sidecar.
    pub path: PathBuf,
    /// Outcome: written, unchanged or refused.
    pub outcome: SidecarOutcome,
    /// Properties for which another program wrote a different value. Its value was kept.
    pub conflicts: Vec<Conflict>,
    /// Reason for an unusual sidecar name, as a message for the user.
    pub note: Option<String>,
}

/// Outcome of writing one sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SidecarOutcome {
    /// The sidecar was created or changed.
    Written,
    /// The sidecar already contains all edits.
    Unchanged,
    /// The sidecar could not be written; contains the reason.
    Refused(String),
}

/// Returns a clip and its edits. Returns `None` if the clip does not exist, or has no content
/// identity yet and thus no edits.
fn clip_with_edits(catalogue: &Catalogue, number: i64) -> Result<Option<(Clip, Vec<Edit>)>, Error> {
    let Some(clip) = catalogue.clip(number)? else {
        return Ok(None);
    };
    match catalogue.content_of(number) {
        Err(Error::NoContent { .. }) => Ok(None),
        content => Ok(Some((clip, catalogue.edits(content?)?))),
    }
}

/// Returns the edits to write to a sidecar; `None` if the clip never had any. `decided` maps the
/// current names of tags to true (added) or false (removed). Former names are removed from the
/// sidecar.
fn edits_to_write(
    clip: &Clip,
    edits: &[Edit],
    decided: &BTreeMap<String, bool>,
) -> Option<ClipEdits> {
    let mut result = ClipEdits {
        stars: clip
            .rating
            .as_ref()
            .and_then(|stars| u8::try_from(stars.value).ok()),
        selection: clip.selection.as_ref().map(|fact| fact.value),
        ..ClipEdits::default()
    };
    let is_present = |tag: &String| decided.get(tag) == Some(&true);
    result.tags = decided
        .keys()
        .filter(|tag| is_present(tag))
        .cloned()
        .collect();
    let all: BTreeSet<String> = decided
        .keys()
        .cloned()
        .chain(decided_tags(edits).into_keys())
        .collect();
    result.removed = all.into_iter().filter(|tag| !is_present(tag)).collect();
    for edit in in_effect(edits) {
        match &edit.content.action {
            Action::Note(text) => result.notes.push(text.clone()),
            Action::Mark(marker) => result.markers.push(marker.clone()),
            _ => {}
        }
    }
    result.markers.sort();
    // If all edits were undone, the sidecar may still contain them.
    (!edits.is_empty()).then_some(result)
}

/// Writes the sidecars of all available files of a clip. Does nothing for a clip that never had
/// edits.
///
/// # Errors
/// Returns an error if the catalogue cannot be read or written. Errors with single files are
/// reported in their outcome.
pub fn write_sidecars(
    catalogue: &Catalogue,
    number: i64,
    folder: &mut SidecarFolder,
) -> Result<Vec<SidecarResult>, Error> {
    let Some((clip, edits)) = clip_with_edits(catalogue, number)? else {
        return Ok(Vec::new());
    };
    let Some(to_write) = edits_to_write(&clip, &edits, &catalogue.decided_by(&edits)?) else {
        return Ok(Vec::new());
    };
    let mut written = Vec::new();
    for copy in clip.files.iter().filter(|copy| is_available(copy)) {
        let location = sidecar_path(copy, folder);
        let (path, note) = match &location {
            Ok(location) => (location.path.clone(), location.note.clone()),
            Err(_) => (copy.path.with_extension("xmp"), None),
        };
        let outcome = location.and_then(|location| write_sidecar(&location.path, &to_write));
        let (outcome, conflicts) = match outcome {
            Ok((is_changed, bytes, conflicts)) => {
                folder.add(&path);
                record_sidecar(catalogue, copy, &path, &bytes)?;
                let outcome = if is_changed {
                    SidecarOutcome::Written
                } else {
                    SidecarOutcome::Unchanged
                };
                (outcome, conflicts)
            }
            // The edits are empty, and there is no existing sidecar to update.
            Err(NotWritten::Nothing) => continue,
            Err(NotWritten::Refused(reason)) => (SidecarOutcome::Refused(reason), Vec::new()),
        };
        written.push(SidecarResult {
            path,
            outcome,
            conflicts,
            note,
        });
    }
    Ok(written)
}

fn sidecar_path(
    copy: &FileCopy,
    folder: &mut SidecarFolder,
) -> Result<folder::SidecarPath, NotWritten> {
    if copy.frames.is_some() {
        return Err(NotWritten::Refused(
            "image sequences cannot have a sidecar".to_owned(),
        ));
    }
    folder.sidecar_path(copy)
}

fn is_available(copy: &FileCopy) -> bool {
    copy.is_mounted && copy.state != FileState::Missing
}

/// Merges edits into one sidecar. Returns whether it changed, its new content, and the conflicts.
fn write_sidecar(
    path: &Path,
    edits: &ClipEdits,
) -> Result<(bool, Vec<u8>, Vec<Conflict>), NotWritten> {
    // Accepts only regular files, not links or pipes.
    let before = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Some(metadata),
        Ok(_) => {
            return Err(NotWritten::Refused("not a regular file".to_owned()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    if before.is_none() && is_empty(edits) {
        return Err(NotWritten::Nothing);
    }
    let existing = match before {
        Some(_) => Some(read(path)?),
        None => None,
    };
    let merged = merge(existing.as_deref(), edits)
        .map_err(|error| NotWritten::Refused(error.to_string()))?;
    if merged.is_changed {
        match &before {
            Some(before) => atomic_file::replace(path, before, &merged.bytes)?,
            None => atomic_file::create(path, &merged.bytes)?,
        }
    }
    Ok((merged.is_changed, merged.bytes, merged.conflicts))
}

fn is_empty(edits: &ClipEdits) -> bool {
    edits.tags.is_empty()
        && edits.stars.is_none()
        && edits.selection.is_none()
        && edits.notes.is_empty()
        && edits.markers.is_empty()
}

/// Reads a sidecar, up to one byte more than the size limit.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The extra byte shows whether the file exceeds the limit.
    source_file::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Records in the catalogue that this program wrote a sidecar. A scan then does not treat it as a
/// new file, and its content can be verified.
fn record_sidecar(
    catalogue: &Catalogue,
    copy: &FileCopy,
    path: &Path,
    bytes: &[u8],
) -> Result<(), Error> {
    // If the file was removed or replaced in the meantime, the next scan will detect it.
    if let Ok(found) = found(path, Role::Sidecar) {
        let digest = Fingerprint(xxh3_128(bytes));
        catalogue.record_written_sidecar(copy.volume_number, &copy.inside, &found, digest)?;
    }
    Ok(())
}

/// New edits found in the sidecars of a clip.
#[derive(Debug, Default)]
pub struct SidecarEdits {
    /// Edits to apply to the clip.
    pub actions: Vec<Action>,
    /// Differences between a sidecar and the catalogue, one message each.
    pub conflicts: Vec<String>,
    /// Sidecars that could not be read or parsed, and files whose folder could not be listed, each
    /// with the reason.
    pub failed: Vec<(PathBuf, String)>,
    /// Number of sidecars read.
    pub read: usize,
}

/// Reads the sidecars of all available files of a clip. Edits in the catalogue take precedence
/// unless `prefer_xmp` is set.
///
/// # Errors
/// Returns an error if the catalogue cannot be read.
pub fn read_sidecars(
    catalogue: &Catalogue,
    vocabulary: &Vocabulary,
    number: i64,
    prefer_xmp: bool,
    folder: &mut SidecarFolder,
) -> Result<SidecarEdits, Error> {
    let mut result = SidecarEdits::default();
    let Some((clip, edits)) = clip_with_edits(catalogue, number)? else {
        return Ok(result);
    };
    let decided = catalogue.decided_by(&edits)?;
    let mut paths = Vec::new();
    for copy in clip.files.iter().filter(|copy| is_available(copy)) {
        match folder.sidecars_of(copy) {
            Ok(sidecars) => paths.extend(sidecars),
            Err(error) => result.failed.push((copy.path.clone(), error.to_string())),
        }
    }
    for path in paths {
        let packet = match read(&path) {
            Ok(bytes) => Packet::parse(&bytes).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match packet {
            Ok(packet) => {
                result.read += 1;
                result.add_tags(&packet, &decided, vocabulary, prefer_xmp);
                result.add_edits(&packet, &clip, &edits, prefer_xmp);
            }
            Err(reason) => result.failed.push((path, reason)),
        }
    }
    Ok(result)
}

impl SidecarEdits {
    fn add_edits(&mut self, packet: &Packet, clip: &Clip, edits: &[Edit], prefer_xmp: bool) {
        self.add_rating(packet, clip, prefer_xmp);
        self.add_notes(packet, edits);
        for marker in &packet.markers {
            let Some(marker) = clip.marker_at(marker.micros, &marker.text) else {
                continue;
            };
            let is_same = |action: &Action| matches!(action, Action::Mark(other) if other.micros == marker.micros && other.text == marker.text);
            if !edits.iter().any(|edit| is_same(&edit.content.action)) {
                self.add(Action::Mark(marker));
            }
        }
    }

    /// Adds an edit if it is valid and not in the list yet.
    fn add(&mut self, action: Action) {
        if action.check().is_ok() && !self.actions.contains(&action) {
            self.actions.push(action);
        }
    }

    fn add_tags(
        &mut self,
        packet: &Packet,
        decided: &BTreeMap<String, bool>,
        vocabulary: &Vocabulary,
        prefer_xmp: bool,
    ) {
        for subject in &packet.tags {
            // Some programs store several tags in one item, separated by commas.
            for word in subject.split(',') {
                let Ok(typed) = parse_tag(word) else { continue };
                let tag = vocabulary.resolve(&typed).unwrap_or(typed);
                match decided.get(&tag) {
                    Some(true) => {}
                    Some(false) if !prefer_xmp => {
                        self.conflicts.push(format!(
                            "tag `{tag}` was removed in the catalogue and was not added again"
                        ));
                    }
                    _ => self.add(Action::AddTag(tag)),
                }
            }
        }
    }

    fn add_rating(&mut self, packet: &Packet, clip: &Clip, prefer_xmp: bool) {
        let our_stars = clip.rating.as_ref().map(|fact| fact.value);
        let our_selection = clip.selection.as_ref().map(|fact| fact.value);
        let selection = match (packet.rating, packet.good) {
            (Some(-1), _) => Some(Selection::Rejected),
            (_, Some(true)) => Some(Selection::Selected),
            _ => None,
        };
        if let Some(theirs) = selection.filter(|theirs| Some(*theirs) != our_selection) {
            match our_selection {
                Some(ours) if !prefer_xmp => {
                    self.conflicts
                        .push(format!("{ours} in the catalogue, {theirs} in the sidecar"));
                }
                _ => self.add(Action::Select(Some(theirs))),
            }
        }
        let stars = packet.rating.and_then(|rating| u8::try_from(rating).ok());
        let stars = stars.filter(|stars| (1..=MAX_STARS).contains(stars));
        let other = self.actions.iter().find_map(|action| match action {
            Action::Stars(other) if Some(*other) != stars => Some(*other),
            _ => None,
        });
        if let (Some(other), Some(stars)) = (other, stars) {
            // The sidecar of another copy was read first and has a different rating.
            self.conflicts
                .push(format!("sidecars differ: {other} and {stars} stars"));
            return;
        }
        if let Some(theirs) = stars.filter(|stars| Some(u32::from(*stars)) != our_stars) {
            match our_stars {
                Some(ours) if !prefer_xmp => {
                    self.conflicts.push(format!(
                        "{ours} stars in the catalogue, {theirs} in the sidecar"
                    ));
                }
                _ => self.add(Action::Stars(theirs)),
            }
        }
    }

    /// Adds each line of the log comment that was never a note of the clip. A removed note is not
    /// added again.
    fn add_notes(&mut self, packet: &Packet, edits: &[Edit]) {
        let was_noted = |line: &str| {
            edits.iter().any(|edit| match &edit.content.action {
                Action::Note(text) => text.lines().any(|noted| noted.trim() == line),
                _ => false,
            })
        };
        let log = packet.log_comment.as_deref().unwrap_or_default();
        for line in log.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !was_noted(line) {
                self.add(Action::Note(line.to_owned()));
            }
        }
    }
}
