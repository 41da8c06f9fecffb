//! Missing is a state, never a delete; and when too much is gone at once, it is not believed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::writer::Writer;
use super::{Event, Request, Summary};
use crate::catalogue::{Catalogue, KnownFile, VolumeRow};
use crate::clip::FileState;
use crate::error::Error;
use crate::footage::{Role, frame_paths};
use crate::volume::Volumes;

/// KnownFile files that a walk did not come by, volume by volume.
#[derive(Default)]
pub(super) struct Unseen(HashMap<i64, OnVolume>);

#[derive(Default)]
struct OnVolume {
    /// Shots known as present under the root, seen or not.
    known: usize,
    files: Vec<File>,
}

struct File {
    id: i64,
    path: PathBuf,
    is_media: bool,
    is_sequence: bool,
}

/// Files of one root on one volume that are there no more.
pub(super) struct Gone {
    root: PathBuf,
    volume: i64,
    /// Shots that are known there.
    known: usize,
    /// Each file, and whether it is a shot.
    files: Vec<(i64, bool)>,
    /// The volume's label, where the volume itself is not there.
    away: Option<String>,
}

impl Gone {
    /// Everything under `root` of a volume that was mounted there and is not now.
    pub(super) fn of_volume(
        root: &Path,
        volume: &VolumeRow,
        catalogue: &Catalogue,
    ) -> Result<Option<Self>, Error> {
        let below = root.strip_prefix(&volume.mount).unwrap_or(Path::new(""));
        let mut gone = Self::files_below(root, volume.id, below, catalogue)?;
        gone.away = Some(volume.label.clone());
        Ok((gone.known > 0).then_some(gone))
    }

    /// Everything under a path that is not there, or cannot be read, though its volume is.
    pub(super) fn below(path: &Path, catalogue: &Catalogue) -> Result<Option<Self>, Error> {
        let (volume, inside) = catalogue.volumes().of(path);
        let Some(id) = catalogue.volume_id(&volume.identity)? else {
            return Ok(None);
        };
        let gone = Self::files_below(path, id, &inside, catalogue)?;
        Ok((gone.known > 0).then_some(gone))
    }

    fn files_below(
        root: &Path,
        volume: i64,
        inside: &Path,
        catalogue: &Catalogue,
    ) -> Result<Self, Error> {
        let mut files = Vec::new();
        for (folder, _) in catalogue.known_folders(volume, inside)? {
            let known = catalogue.known_files(folder)?.into_values();
            files.extend(
                known
                    .filter(|known| known.state != FileState::Missing)
                    .map(|known| (known.id, known.role == Role::Media)),
            );
        }
        Ok(Self {
            root: root.to_owned(),
            volume,
            known: files.iter().filter(|(_, is_media)| *is_media).count(),
            files,
            away: None,
        })
    }

    /// What is said when so many of its shots are not believed to be gone.
    fn doubt(&self, count: usize) -> Event {
        let root = self.root.display();
        let message = match &self.away {
            Some(label) => format!(
                "{root}: {label} is not mounted there any more; the {count} clips known there stay as they were"
            ),
            None => format!(
                "{root}: {count} of {} known clips are not there; nothing was changed",
                self.known
            ),
        };
        Event::Warning {
            message,
            hint: "is the drive mounted? if they are gone for good, scan again with `--accept-missing`"
                .to_owned(),
        }
    }
}

impl Unseen {
    /// Counts a file that is known under the root.
    pub(super) fn count(&mut self, volume: i64, known: &KnownFile) {
        if known.state != FileState::Missing && known.role == Role::Media {
            self.0.entry(volume).or_default().known += 1;
        }
    }

    /// Notes a file that was not seen where it should be.
    pub(super) fn add(&mut self, volume: i64, known: &KnownFile, path: PathBuf) {
        if known.state != FileState::Missing {
            self.0.entry(volume).or_default().files.push(File {
                id: known.id,
                path,
                is_media: known.role == Role::Media,
                is_sequence: known.frames.is_some(),
            });
        }
    }

    /// Which of them are gone, those in known folders that were not walked included.
    ///
    /// A file that is there but was passed over is not gone. When the root is not where it was
    /// at the beginning, the drive was taken away, and nothing can be said.
    pub(super) fn gone(
        mut self,
        root: &Path,
        catalogue: &Catalogue,
        walked: &HashSet<i64>,
    ) -> Result<Vec<Gone>, Error> {
        for (volume, begin) in catalogue.volumes().under(root) {
            let Some(id) = catalogue.volume_id(&volume.identity)? else {
                continue;
            };
            for (folder, inside) in catalogue.known_folders(id, &begin)? {
                let Some(path) = catalogue.volumes().path(&volume.identity, &inside) else {
                    continue;
                };
                if walked.contains(&folder) || !path.starts_with(root) {
                    continue;
                }
                for (name, known) in catalogue.known_files(folder)? {
                    self.count(id, &known);
                    self.add(id, &known, path.join(crate::value::from_bytes(name)));
                }
            }
        }
        let gone = self.0.into_iter().map(|(id, volume)| Gone {
            root: root.to_owned(),
            volume: id,
            known: volume.known,
            files: volume
                .files
                .into_iter()
                .filter(File::is_gone)
                .map(|file| (file.id, file.is_media))
                .collect(),
            away: None,
        });
        let gone: Vec<Gone> = gone.filter(|gone| !gone.files.is_empty()).collect();
        let is_same = || Volumes::mounted().are_same_under(catalogue.volumes(), root);
        let is_there = fs::metadata(root).is_ok() && is_same();
        Ok(if is_there { gone } else { Vec::new() })
    }
}

impl File {
    fn is_gone(&self) -> bool {
        match fs::metadata(&self.path) {
            Err(error) => matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ),
            Ok(metadata) if !metadata.is_file() => true,
            // A sequence that begins elsewhere now is another file; one frame is none.
            Ok(_) if self.is_sequence => {
                let frames = frame_paths(&self.path);
                frames.len() < 2 || frames.first() != Some(&self.path)
            }
            Ok(_) => false,
        }
    }
}

/// Marks what is gone as missing; gives the originals to read again without a sidecar.
///
/// What was found elsewhere, in this scan or since the one before, has moved. Of the rest never
/// more than half of what is known is believed to be gone, unless that was accepted: the drive is
/// more likely gone than its files.
pub(super) fn settle(
    gone: &[Gone],
    walked: &HashSet<i64>,
    seen_before: &HashMap<i64, i64>,
    request: &Request,
    writer: &mut Writer<'_>,
    summary: &mut Summary,
    report: &mut dyn FnMut(Event),
) -> Result<Vec<i64>, Error> {
    let mut originals = Vec::new();
    for gone in gone {
        let mut moved = Vec::new();
        let mut lost = Vec::new();
        // Of a volume that was not seen in this scan, nothing is known to have moved.
        let since = seen_before.get(&gone.volume).copied().unwrap_or(i64::MAX);
        for &(file, is_media) in &gone.files {
            let is_elsewhere = is_media
                && gone.away.is_none()
                && writer.catalogue.is_elsewhere(file, walked, since)?;
            if is_elsewhere { &mut moved } else { &mut lost }.push((file, is_media));
        }
        let count = lost.iter().filter(|(_, is_media)| *is_media).count();
        summary.moved += moved.len();
        if count * 2 > gone.known && !request.accept_missing {
            summary.doubted += count;
            report(gone.doubt(count));
            // They stay as they are for whoever searches; for `safe` they are not there.
            if gone.away.is_none() {
                for (file, _) in &lost {
                    writer.write(report, |catalogue| catalogue.doubt_file(*file))?;
                }
            }
            lost.clear();
        } else {
            summary.missing += count;
        }
        // Shots before what belongs to them: of a shot that is gone, no sidecar is missed.
        let mut all: Vec<(i64, bool)> = moved.into_iter().chain(lost).collect();
        all.sort_by_key(|(_, is_media)| !is_media);
        for (file, _) in all {
            let original = writer.write(report, |catalogue| {
                catalogue.set_state(file, FileState::Missing)
            })?;
            originals.extend(original);
        }
    }
    Ok(originals)
}
