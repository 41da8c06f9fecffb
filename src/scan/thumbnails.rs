//! The last stages of a scan: posters, then strips, of many clips at a time.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use super::Message;
use super::device_queues::Lane;
use crate::catalogue::{Catalogue, INDEX, PendingPictures, Thumbnails};
use crate::clip::Source;
use crate::error::Error;
use crate::footage::{frame_paths, modified};
use crate::media::{
    ProbeError, ThumbnailFormat, ThumbnailJob, ThumbnailKind, ThumbnailMaker, ThumbnailOutput,
    ThumbnailPlan,
};
use crate::source_file::{self, Gate};
use crate::value::Fingerprint;
use crate::volume::Drive;

/// Clips that one ffmpeg makes posters of: enough that its start costs nothing.
const POSTERS: usize = 48;
/// Fewer are not shared between workers: starting ffmpeg costs as much as two pictures.
const FEWEST_POSTERS: usize = 8;
/// Clips that one ffmpeg makes strips of.
const STRIPS: usize = 12;

/// Clips that are decoded together.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    clips: Vec<PendingPictures>,
    gate: Gate,
}

/// What became of one clip's pictures.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It has its poster; a strip is to follow.
    Poster(Box<ThumbnailPlan>),
    /// It has a strip of so many pictures.
    Strip(usize),
    /// No picture of it can be decoded, by that tool.
    Failed {
        reason: String,
        source: Source,
        failed_with: String,
    },
    /// It has a poster, but that tool cannot make its strip.
    NoStrip { reason: String, failed_with: String },
    /// They wait for the next scan: the file changed since it was read, or its drive is gone.
    Waits,
    /// Its plan is of another version: it is to be read again.
    Unplanned,
}

/// What every worker shares.
pub(super) struct Pictures {
    pub work: ThumbnailKind,
    /// For looking up; all writing is the caller's.
    pub catalogue: Mutex<Catalogue>,
    pub thumbnails: Thumbnails,
    pub studio: ThumbnailMaker,
}

/// Groups clips that share a decoder and a device, a lane for each device.
///
/// `drive` tells a clip's device. So many `jobs` decode at a time; through each device's
/// gate so many read as `readers` says.
pub(super) fn lanes(
    pending: Vec<PendingPictures>,
    work: ThumbnailKind,
    jobs: usize,
    drive: &dyn Fn(&PendingPictures) -> Drive,
    readers: &dyn Fn(&Drive) -> usize,
) -> Vec<Lane<Batch>> {
    let (least, most) = match work {
        ThumbnailKind::Poster => (FEWEST_POSTERS, POSTERS),
        ThumbnailKind::Strip => (1, STRIPS),
    };
    let mut drives: BTreeMap<Drive, Vec<Vec<PendingPictures>>> = BTreeMap::new();
    let mut groups: BTreeMap<(bool, Option<i64>, Drive), Vec<PendingPictures>> = BTreeMap::new();
    for clip in pending {
        // Those that ffmpeg opens itself come last, one by one.
        let key = (clip.recipe.is_none(), clip.recipe, drive(&clip));
        groups.entry(key).or_default().push(clip);
    }
    for ((is_single, _, drive), clips) in groups {
        let batches = drives.entry(drive).or_default();
        let size = if is_single {
            1
        } else {
            // Every worker gets a part of a group, where that is worth another start of ffmpeg.
            clips.len().div_ceil(jobs).clamp(least, most)
        };
        batches.extend(clips.chunks(size.max(1)).map(<[PendingPictures]>::to_vec));
    }
    drives
        .into_iter()
        .map(|(drive, batches)| {
            let gate = Gate::new(readers(&drive));
            let mut lane = Lane::new(jobs);
            lane.waiting = batches
                .into_iter()
                .map(|clips| Batch {
                    clips,
                    gate: gate.clone(),
                })
                .collect();
            lane
        })
        .collect()
}

/// A clip of a batch, while its pictures are made.
struct Sitting {
    clip: i64,
    fingerprint: Fingerprint,
    path: PathBuf,
    bytes: u64,
    modified: i64,
    is_sequence: bool,
}

impl Pictures {
    /// Makes the pictures of a batch and sends what came of each clip.
    pub(super) fn make(&self, batch: &Batch, sender: &SyncSender<Message>) {
        // The receiver is gone only when the scan has failed already.
        let send = |message| drop(sender.send(message));
        if self.studio.is_stalled() {
            return;
        }
        let (sittings, subjects) = match self.sittings(batch, &send) {
            Ok(found) => found.into_iter().unzip::<_, _, Vec<_>, Vec<_>>(),
            Err(error) => return send(Message::Fatal(error)),
        };
        if let Some(first) = sittings.first() {
            let first: &Sitting = first;
            send(Message::Started(first.path.clone()));
        }
        let ended = self.studio.make(self.work, &subjects, &mut |at, made| {
            let sitting: &Sitting = &sittings[at];
            match self.outcome(sitting, made) {
                Ok(Some(outcome)) => send(Message::Pictured {
                    clip: sitting.clip,
                    path: sitting.path.clone(),
                    outcome,
                }),
                Ok(None) => {}
                Err(error) => send(Message::Fatal(error)),
            }
        });
        if let Err(ProbeError::Fatal(error)) = ended {
            send(Message::Fatal(error));
        }
        if self.studio.is_stalled() {
            send(Message::Hopeless);
        }
    }

    /// The clips of a batch whose files are as they were when they were read.
    fn sittings(
        &self,
        batch: &Batch,
        send: &dyn Fn(Message),
    ) -> Result<Vec<(Sitting, ThumbnailJob)>, Error> {
        let mut found = Vec::new();
        for &pending in &batch.clips {
            let waiting = {
                let catalogue = self.catalogue.lock();
                let catalogue = catalogue.unwrap_or_else(PoisonError::into_inner);
                catalogue.waiting(pending)?
            };
            let Some(waiting) = waiting else { continue };
            let Some(plan) = waiting.plan else {
                send(Message::Pictured {
                    clip: waiting.clip,
                    path: waiting.path,
                    outcome: Outcome::Unplanned,
                });
                continue;
            };
            let frames = if waiting.is_sequence {
                frame_paths(&waiting.path)
            } else {
                Vec::new()
            };
            let sitting = Sitting {
                clip: waiting.clip,
                fingerprint: waiting.fingerprint,
                path: waiting.path.clone(),
                bytes: waiting.bytes,
                modified: waiting.modified,
                is_sequence: waiting.is_sequence,
            };
            if !sitting.is_as_it_was() {
                send(Message::Pictured {
                    clip: sitting.clip,
                    path: sitting.path,
                    outcome: Outcome::Waits,
                });
                continue;
            }
            let subject = ThumbnailJob {
                path: waiting.path,
                frames,
                gate: batch.gate.clone(),
                plan,
            };
            found.push((sitting, subject));
        }
        Ok(found)
    }

    /// Saves what was made; `None` when it was not, but may be by the next scan.
    fn outcome(
        &self,
        sitting: &Sitting,
        made: Result<ThumbnailOutput, ProbeError>,
    ) -> Result<Option<Outcome>, Error> {
        // Taken away or replaced meanwhile: whatever was made of it is not of this clip.
        if !sitting.is_as_it_was() {
            return Ok(Some(Outcome::Waits));
        }
        Ok(match made {
            Ok(ThumbnailOutput::Poster { image, next }) => {
                self.save(sitting, ThumbnailKind::Poster, &image)?;
                Some(Outcome::Poster(next))
            }
            Ok(ThumbnailOutput::Strip { strip, poster }) => {
                if let Some(poster) = poster {
                    self.save(sitting, ThumbnailKind::Poster, &poster)?;
                }
                let mut pictures = 0;
                if let Some((image, index)) = strip {
                    pictures = index.seconds.len();
                    let index = serde_json::to_vec(&index).unwrap_or_default();
                    let path = self.thumbnails.strips.path(sitting.fingerprint, INDEX);
                    self.thumbnails
                        .strips
                        .write(sitting.fingerprint, INDEX, &index)
                        .map_err(Error::path(path))?;
                    self.save(sitting, ThumbnailKind::Strip, &image)?;
                }
                Some(Outcome::Strip(pictures))
            }
            // The drive is at fault, not the file.
            Err(ProbeError::BadFile(_)) if source_file::try_reading(&sitting.path).is_err() => {
                Some(Outcome::Waits)
            }
            Err(ProbeError::BadFile(reason)) => Some(self.failed(&reason, None)?),
            Err(ProbeError::Temporary(reason)) => Some(self.failed(&reason, Some("deadline"))?),
            Err(ProbeError::Cancelled) => None,
            Err(ProbeError::Fatal(error)) => return Err(error),
        })
    }

    fn failed(&self, reason: &str, tool: Option<&str>) -> Result<Outcome, Error> {
        let version = self.studio.ffmpeg.version()?;
        let failed_with = tool.unwrap_or(version).to_owned();
        Ok(match self.work {
            ThumbnailKind::Poster => Outcome::Failed {
                reason: format!("no picture could be decoded: {reason}"),
                source: Source::tool(version),
                failed_with,
            },
            ThumbnailKind::Strip => Outcome::NoStrip {
                reason: format!("no strip could be made: {reason}"),
                failed_with,
            },
        })
    }

    fn save(&self, sitting: &Sitting, work: ThumbnailKind, image: &[u8]) -> Result<(), Error> {
        let folder = match work {
            ThumbnailKind::Poster => &self.thumbnails.posters,
            ThumbnailKind::Strip => &self.thumbnails.strips,
        };
        let ending = match self.studio.format {
            ThumbnailFormat::Jpeg => "jpg",
            ThumbnailFormat::Webp => "webp",
        };
        let path = folder.path(sitting.fingerprint, ending);
        folder
            .save(sitting.fingerprint, ending, image)
            .map_err(Error::path(path))
    }
}

impl Sitting {
    /// Whether the file is still the one that was read: its frames are where its header said.
    fn is_as_it_was(&self) -> bool {
        let Ok(now) = fs::metadata(&self.path) else {
            return false;
        };
        // Size and time of an image sequence are those of all its frames.
        self.is_sequence || (now.len() == self.bytes && modified(&now) == self.modified)
    }
}
