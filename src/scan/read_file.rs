//! Reads one file: fingerprint, header, sidecars, names and rules. Runs on many threads.
//!
//! The built-in readers take milliseconds, ffprobe much longer. So files that need ffprobe are
//! deferred until all other files are read.

use std::io;
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use super::still_growing::is_stable;
use super::tagging::FolderCache;
use super::worker_message::{ReadTask, WorkerMessage};
use crate::catalogue::{
    Catalogue, KnownContent, PictureRequest, ReadOutcome, Reading, Thumbnails, UnreadFile,
};
use crate::clip::{Clip, Fact, Source};
use crate::error::Error;
use crate::footage::{HeadKind, Sample, fingerprint, fingerprint_frames, frame_paths, sniff};
use crate::media::{
    self, HeaderReader, HeaderReaders, ProbeResult, ProcessLimits, ThumbnailKind, ThumbnailPlan,
    Tools,
};
use crate::sidecar;
use crate::source_file::{self, Original};
use crate::tag::Rules;
use crate::value::Fingerprint;

/// State that all workers share.
pub(super) struct FileReader<'a> {
    /// Connection for queries; only the calling thread writes.
    pub catalogue: Mutex<Catalogue>,
    pub thumbnails: Thumbnails,
    pub tools: Tools,
    pub headers: HeaderReaders,
    /// Number of pictures in a strip; 0 disables strips.
    pub strip: usize,
    pub rules: &'a Rules,
    pub folders: FolderCache,
    pub limits: ProcessLimits,
    /// True to read the header of content that is already in the catalogue.
    pub refresh: bool,
}

/// Problem of a file whose content changed although its size and modification time did not.
const CONTENT_CHANGED: &str = "content changed, but size and modification time did not: the file may \
                               be damaged; the previous clip is kept and marked missing";

/// Result of reading the content of a file.
struct ContentResult {
    outcome: ReadOutcome,
    /// Reason why the file could not be read completely.
    problem: Option<String>,
    /// Stored facts, if the content is already in the catalogue.
    known: Option<Box<Clip>>,
}

impl From<(ReadOutcome, Option<String>)> for ContentResult {
    fn from((outcome, problem): (ReadOutcome, Option<String>)) -> Self {
        Self {
            outcome,
            problem,
            known: None,
        }
    }
}

/// Reason why reading ended without a result.
enum ReadStop {
    Cancelled,
    /// The file or a sidecar could not be opened or read, for this reason.
    Unopened(String),
    /// The file changed since the walk.
    StillGrowing,
    /// Only ffprobe can read the header.
    Deferred(Fingerprint),
    Fatal(Error),
}

impl From<io::Error> for ReadStop {
    fn from(error: io::Error) -> Self {
        Self::Unopened(error.to_string())
    }
}

impl From<Error> for ReadStop {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

impl FileReader<'_> {
    /// Reads one file and sends the result.
    pub(super) fn read(&self, mut task: ReadTask, sender: &SyncSender<WorkerMessage>) {
        let unread = self.with_catalogue(|catalogue| catalogue.unread_file(task.file));
        let message = match unread {
            Ok(None) => return,
            Err(error) => WorkerMessage::Fatal(error),
            Ok(Some(unread)) => {
                // Sending fails only if the scan has already failed.
                let _ = sender.send(WorkerMessage::Started(unread.path.clone()));
                match self.read_facts(&unread, task.deferred) {
                    Ok((reading, problem)) => finished(unread, reading, problem),
                    Err(ReadStop::Unopened(reason)) => unopened(unread, reason),
                    Err(ReadStop::Cancelled) => return,
                    Err(ReadStop::StillGrowing) => WorkerMessage::StillGrowing(unread.path),
                    Err(ReadStop::Deferred(fingerprint)) => {
                        task.deferred = Some(fingerprint);
                        WorkerMessage::Deferred(task)
                    }
                    Err(ReadStop::Fatal(error)) => WorkerMessage::Fatal(error),
                }
            }
        };
        let _ = sender.send(message);
    }

    /// Runs a query while no other worker uses the catalogue.
    fn with_catalogue<T>(&self, query: impl FnOnce(&Catalogue) -> T) -> T {
        query(
            &self
                .catalogue
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Reads the content, sidecars and names of a file. The second value is the reason why it could
    /// not be read completely.
    fn read_facts(
        &self,
        unread: &UnreadFile,
        deferred: Option<Fingerprint>,
    ) -> Result<(Reading, Option<String>), ReadStop> {
        let mut file_facts = read_sidecars(unread)?;
        let (fingerprint, content) = if let Some(fingerprint) = deferred {
            let known = self.known_content(fingerprint)?;
            let content = self.ask_ffprobe(unread, known.as_ref(), &file_facts)?;
            (Some(fingerprint), content)
        } else {
            let (sample, original) = Self::sample(unread)?;
            let content = self.read_content(unread, &sample, original, &file_facts)?;
            (sample.fingerprint, content)
        };
        // A partly written file would become a separate clip.
        if !is_stable(unread) {
            return Err(ReadStop::StillGrowing);
        }
        let ContentResult {
            outcome,
            problem,
            known,
        } = content;
        let facts = match &outcome {
            ReadOutcome::Read { facts, .. } => Some(facts),
            _ => known.as_ref(),
        };
        let from_names = self.apply_rules(
            unread,
            facts.map_or(&Clip::default(), |facts| facts),
            &file_facts,
        );
        file_facts.merge(&from_names?);
        let is_content_changed = unread
            .previous
            .zip(fingerprint)
            .is_some_and(|(before, fingerprint)| before != fingerprint);
        let problem = problem.or_else(|| is_content_changed.then(|| CONTENT_CHANGED.to_owned()));
        let reading = Reading {
            file: unread.id,
            fingerprint,
            file_facts,
            sidecar_readers: sidecar::readers_label(&unread.sidecars),
            outcome,
        };
        Ok((reading, problem))
    }

    /// Opens a file and computes its fingerprint; for an image sequence, from samples of its
    /// frames. Also returns the open file, so that the header is read without opening it again.
    fn sample(unread: &UnreadFile) -> io::Result<(Sample, Option<Original>)> {
        if unread.frames.is_some() {
            let frames = frame_paths(&unread.path);
            return Ok((fingerprint_frames(&frames, unread.bytes)?, None));
        }
        let mut original = Original::open(&unread.path)?;
        Ok((fingerprint(&mut original)?, Some(original)))
    }

    /// Returns the facts of the content, from the catalogue or the header. Stops with
    /// [`ReadStop::Deferred`] if only ffprobe can read the header.
    fn read_content(
        &self,
        unread: &UnreadFile,
        sample: &Sample,
        original: Option<Original>,
        file_facts: &Clip,
    ) -> Result<ContentResult, ReadStop> {
        let known = match sample.fingerprint {
            Some(fingerprint) => self.known_content(fingerprint)?,
            None => None,
        };
        let current = known
            .as_ref()
            .filter(|content| !content.is_stale && !self.refresh);
        let work = current.map(|content| self.missing_pictures(content));
        if let (Some(content), Some(None)) = (current, work) {
            let problem = content.facts.problem.as_ref();
            return Ok(ContentResult {
                problem: problem.map(|fact| fact.value.clone()),
                outcome: ReadOutcome::Recognised { pictures: None },
                known: known.map(|content| content.facts),
            });
        }
        if let Some(reason) = reason_not_media(sample) {
            let outcome = failed_outcome(reason, Source::DISK, self.tools.ffprobe.version()?);
            return Ok((outcome, Some(reason.to_owned())).into());
        }
        let header = match (original, self.headers) {
            (Some(mut original), HeaderReaders::Builtin) => media::read_header(&mut original)?,
            _ => None,
        };
        if let (Some(content), Some(Some(work))) = (current, work) {
            // The content is known, but its pictures were deleted. The header contains the keyframe
            // positions.
            let keyframes = header.as_ref().and_then(|header| header.keyframes.as_ref());
            let pictures = self.plan_pictures(work, &content.facts, keyframes, file_facts);
            return Ok(ContentResult {
                outcome: ReadOutcome::Recognised { pictures },
                problem: None,
                known: known.map(|content| content.facts),
            });
        }
        match (header, sample.fingerprint) {
            (Some(header), _) => self.header_result(Ok(header), known.as_ref(), file_facts),
            (None, Some(fingerprint)) if unread.frames.is_none() => {
                Err(ReadStop::Deferred(fingerprint))
            }
            (None, _) => self.ask_ffprobe(unread, known.as_ref(), file_facts),
        }
    }

    /// Looks up the content in the catalogue.
    fn known_content(&self, fingerprint: Fingerprint) -> Result<Option<KnownContent>, Error> {
        let is_current = |tool: &str| self.tools.has_version(tool);
        self.with_catalogue(|catalogue| catalogue.known_content(fingerprint, &is_current))
    }

    /// Returns the first picture stage that known content lacks; `None` if its pictures are
    /// complete or already queued.
    fn missing_pictures(&self, content: &KnownContent) -> Option<ThumbnailKind> {
        let is_present =
            |folder: &crate::catalogue::PictureFolder| folder.find(content.fingerprint).is_some();
        if content.has_poster && content.is_poster_stale {
            Some(ThumbnailKind::Poster)
        } else if content.is_queued {
            None
        } else if content.has_poster && !is_present(&self.thumbnails.posters) {
            Some(ThumbnailKind::Poster)
        } else if content.has_poster && self.strip > 0 {
            let is_strip_complete = match content.strip {
                None => false,
                Some(pictures) => pictures == 0 || is_present(&self.thumbnails.strips),
            };
            (!is_strip_complete).then_some(ThumbnailKind::Strip)
        } else {
            None
        }
    }

    /// Reads the header with ffprobe. It reports a failing drive as a bad file, so the file is then
    /// read here to tell the two apart.
    fn ask_ffprobe(
        &self,
        unread: &UnreadFile,
        known: Option<&KnownContent>,
        file_facts: &Clip,
    ) -> Result<ContentResult, ReadStop> {
        let header = media::probe_with_ffprobe(&unread.path, &self.tools, &self.limits);
        if let Err(media::ProbeError::BadFile(_)) = header {
            source_file::try_reading(&unread.path)?;
        }
        self.header_result(header, known, file_facts)
    }

    /// Converts the result of a header reader, and plans the pictures. For content that is already
    /// in the catalogue as `known`, plans only those that it lacks.
    fn header_result(
        &self,
        header: Result<ProbeResult, media::ProbeError>,
        known: Option<&KnownContent>,
        file_facts: &Clip,
    ) -> Result<ContentResult, ReadStop> {
        let header = match header {
            Ok(header) => header,
            Err(unread) => {
                let ffprobe = self.tools.ffprobe.version()?;
                let (reason, tool) = reason_and_tool(unread, ffprobe)?;
                let outcome = failed_outcome(&reason, Source::tool(ffprobe), &tool);
                return Ok((outcome, Some(reason)).into());
            }
        };
        let keyframes = header.keyframes.as_ref();
        let poster = ThumbnailKind::Poster;
        let planned = self.plan_pictures(poster, &header.facts, keyframes, file_facts);
        let pictures = match known.filter(|content| content.has_poster) {
            None => planned,
            Some(content) => {
                let former = self.plan_pictures(poster, &content.facts, keyframes, file_facts);
                if planned == former {
                    self.missing_pictures(content)
                        .and_then(|work| planned.map(|request| PictureRequest { work, ..request }))
                } else {
                    planned
                }
            }
        };
        let outcome = ReadOutcome::Read {
            facts: Box::new(header.facts),
            reader: header.reader.label(),
            pictures,
        };
        Ok((outcome, None).into())
    }

    /// Plans the pictures of a clip; `None` if it has no video. A sidecar may describe the coding
    /// more precisely than the header.
    fn plan_pictures(
        &self,
        work: ThumbnailKind,
        facts: &Clip,
        keyframes: Option<&media::Keyframes>,
        file_facts: &Clip,
    ) -> Option<PictureRequest> {
        let mut facts = facts.clone();
        facts.merge(file_facts);
        let plan = ThumbnailPlan::new(&facts, keyframes, self.strip)?;
        Some(PictureRequest {
            work,
            plan: Box::new(plan),
        })
    }

    /// Returns the facts and tags from names and rules. Rules can also use the facts of the content
    /// and the sidecars.
    fn apply_rules(
        &self,
        unread: &UnreadFile,
        facts: &Clip,
        sidecar_facts: &Clip,
    ) -> Result<Clip, Error> {
        let folder_context = self
            .with_catalogue(|catalogue| self.folders.get(catalogue, self.rules, unread.folder))?;
        let mut known = facts.clone();
        known.merge(sidecar_facts);
        Ok(self.rules.apply(&folder_context, &unread.inside, &known))
    }
}

/// Returns the message that a file was read.
fn finished(unread: UnreadFile, reading: Reading, problem: Option<String>) -> WorkerMessage {
    WorkerMessage::Finished {
        reading: Box::new(reading),
        path: unread.path,
        bytes: unread.bytes,
        problem,
    }
}

/// Returns the message that a file or its sidecar could not be opened.
fn unopened(unread: UnreadFile, reason: String) -> WorkerMessage {
    let reading = Reading {
        file: unread.id,
        fingerprint: None,
        file_facts: Clip::default(),
        sidecar_readers: None,
        outcome: ReadOutcome::Unopened {
            reason: reason.clone(),
        },
    };
    finished(unread, reading, Some(reason))
}

/// Reads the facts of all sidecars of a file.
fn read_sidecars(unread: &UnreadFile) -> Result<Clip, ReadStop> {
    let mut facts = Clip::default();
    for path in &unread.sidecars {
        let sidecar_facts = sidecar::read(path, &unread.path).map_err(|error| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ReadStop::Unopened(format!("sidecar {name} could not be read: {error}"))
        })?;
        facts.merge(&sidecar_facts);
    }
    Ok(facts)
}

/// Returns the reason why the content cannot be media, regardless of its name; `None` if it can be.
fn reason_not_media(sample: &Sample) -> Option<&'static str> {
    match sniff(&sample.head) {
        HeadKind::Empty => Some("the file is empty"),
        HeadKind::Text => Some("contains text, not media"),
        HeadKind::Media | HeadKind::Unknown if sample.is_blank => {
            Some("every sampled byte is zero, as in an unfinished copy")
        }
        HeadKind::Media | HeadKind::Unknown => None,
    }
}

/// Returns the outcome for content that `tool` could not read. `source` is recorded with the
/// reason.
fn failed_outcome(reason: &str, source: Source, tool: &str) -> ReadOutcome {
    ReadOutcome::Failed {
        facts: Box::new(Clip {
            problem: Some(Fact::new(reason.to_owned(), source)),
            ..Clip::default()
        }),
        reader: HeaderReader::Ffprobe.label(),
        failed_with: tool.to_owned(),
    }
}

/// Returns the reason and the tool that failed. For a timeout, the tool is `deadline`, so that the
/// next scan tries again.
fn reason_and_tool(unread: media::ProbeError, tool: &str) -> Result<(String, String), ReadStop> {
    match unread {
        media::ProbeError::BadFile(reason) => Ok((reason, tool.to_owned())),
        media::ProbeError::Temporary(reason) => Ok((reason, "deadline".to_owned())),
        media::ProbeError::Cancelled => Err(ReadStop::Cancelled),
        media::ProbeError::Fatal(error) => Err(ReadStop::Fatal(error)),
    }
}
