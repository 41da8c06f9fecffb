//! The second stage of a scan: one file, from its bytes to its facts. Runs on many threads.
//!
//! A header that this program reads itself takes a moment; one that only ffprobe knows waits
//! until all others are read, so that no small file waits behind a slow one.

use std::io;
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use super::Message;
use super::still_growing::stands_still;
use super::tagging::Places;
use crate::catalogue::{
    Catalogue, KnownContent, PictureRequest, ReadOutcome, Reading, Thumbnails, UnreadFile,
};
use crate::clip::{Clip, Fact, Source};
use crate::error::{Error, Problem};
use crate::footage::{
    HeadKind, Identity, Sample, fingerprint, fingerprint_frames, frame_paths, sniff,
};
use crate::media::{
    self, HeaderReaders, ProbeResult, ProcessLimits, ThumbnailKind, ThumbnailPlan, Tools,
};
use crate::sidecar;
use crate::source_file::{self, Original};
use crate::tag::Rules;

/// What every worker shares.
pub(super) struct Reader<'a> {
    /// For looking up; all writing is the caller's.
    pub catalogue: Mutex<Catalogue>,
    pub thumbnails: Thumbnails,
    pub tools: Tools,
    pub headers: HeaderReaders,
    /// Pictures in a strip.
    pub strip: usize,
    pub rules: &'a Rules,
    pub places: Places,
    pub limits: ProcessLimits,
}

/// A file to read.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// Its number.
    pub file: i64,
    /// The lane of its device.
    pub lane: usize,
    /// The numbers of its content, where they were taken already and only ffprobe knows the header.
    pub deferred: Option<Box<Identity>>,
}

/// What is told of a file that changed although neither its size nor its time did.
const OTHER: &str = "its content is another, though its size and time are as they were: it may be \
                     damaged; what it was before is kept, and missing";

/// What reading came to.
struct Answered {
    outcome: ReadOutcome,
    /// Why the file could not be read, wholly or in part.
    problem: Option<String>,
    /// What is known of the content from before.
    known: Option<Box<Clip>>,
}

impl From<(ReadOutcome, Option<String>)> for Answered {
    fn from((outcome, problem): (ReadOutcome, Option<String>)) -> Self {
        Self {
            outcome,
            problem,
            known: None,
        }
    }
}

/// A reading that ended without an answer.
enum Stop {
    Cancelled,
    /// The file is not as the walk saw it.
    Moved,
    /// Only ffprobe knows the header.
    Deferred(Identity),
    Fatal(Error),
}

impl Reader<'_> {
    /// Reads one file and sends what came of it.
    pub(super) fn read(&self, mut task: Task, sender: &SyncSender<Message>) {
        let unread = self.locked(|catalogue| catalogue.unread_file(task.file));
        let message = match unread {
            Ok(None) => return,
            Err(error) => Message::Fatal(error),
            Ok(Some(unread)) => {
                // The receiver is gone only when the scan has failed already.
                let _ = sender.send(Message::Started(unread.path.clone()));
                match self.reading(&unread, task.deferred.as_deref().copied()) {
                    Ok((reading, problem)) => Message::Finished {
                        reading: Box::new(reading),
                        path: unread.path,
                        bytes: unread.bytes,
                        problem,
                    },
                    Err(Stop::Cancelled) => return,
                    Err(Stop::Moved) => Message::Moves(unread.path),
                    Err(Stop::Deferred(identity)) => {
                        task.deferred = Some(Box::new(identity));
                        Message::Deferred(task)
                    }
                    Err(Stop::Fatal(error)) => Message::Fatal(error),
                }
            }
        };
        let _ = sender.send(message);
    }

    fn locked<T>(&self, look: impl FnOnce(&Catalogue) -> T) -> T {
        look(
            &self
                .catalogue
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn reading(
        &self,
        unread: &UnreadFile,
        deferred: Option<Identity>,
    ) -> Result<(Reading, Option<String>), Stop> {
        let reading = |identity, file_facts, outcome| Reading {
            file: unread.id,
            identity,
            file_facts,
            outcome,
        };
        let unopened = |reason: String| {
            let outcome = ReadOutcome::Unopened {
                reason: reason.clone(),
            };
            Ok((reading(None, Clip::default(), outcome), Some(reason)))
        };
        let mut file_facts = match beside(unread) {
            Ok(facts) => facts,
            Err(problem) => {
                let name = problem
                    .path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy();
                return unopened(format!(
                    "its sidecar {name} could not be read: {}",
                    problem.reason
                ));
            }
        };
        let (identity, answered) = if let Some(identity) = deferred {
            let told = match self.ask(unread) {
                Ok(told) => told,
                Err(error) => return unopened(error.to_string()),
            };
            (Some(identity), self.answer(told, &file_facts)?)
        } else {
            let (sample, original) = match Self::sample(unread) {
                Ok(sampled) => sampled,
                Err(error) => return unopened(error.to_string()),
            };
            let answered = match self.content(unread, &sample, original, &file_facts) {
                Ok(answered) => answered?,
                Err(error) => return unopened(error.to_string()),
            };
            (sample.identity, answered)
        };
        // A file that grows is not read by halves: what it came to would be a clip of its own.
        if !stands_still(unread) {
            return Err(Stop::Moved);
        }
        let Answered {
            outcome,
            problem,
            known,
        } = answered;
        let facts = match &outcome {
            ReadOutcome::Read { facts, .. } => Some(facts),
            _ => known.as_ref(),
        };
        let given = self.given(
            unread,
            facts.map_or(&Clip::default(), |facts| facts),
            &file_facts,
        );
        file_facts.merge(&given.map_err(Stop::Fatal)?);
        let is_other = unread
            .before
            .zip(identity)
            .is_some_and(|(before, identity)| before != identity.now);
        let problem = problem.or_else(|| is_other.then(|| OTHER.to_owned()));
        Ok((reading(identity, file_facts, outcome), problem))
    }

    /// Opens a file once and takes its fingerprint; of an image sequence, of some frames.
    fn sample(unread: &UnreadFile) -> io::Result<(Sample, Option<Original>)> {
        if unread.frames.is_some() {
            let frames = frame_paths(&unread.path);
            return Ok((fingerprint_frames(&frames, unread.bytes)?, None));
        }
        let mut original = Original::open(&unread.path)?;
        Ok((fingerprint(&mut original)?, Some(original)))
    }

    /// What the content says, as far as it is known or can be read here.
    fn content(
        &self,
        unread: &UnreadFile,
        sample: &Sample,
        original: Option<Original>,
        file_facts: &Clip,
    ) -> io::Result<Result<Answered, Stop>> {
        let known = match self.known(sample) {
            Ok(known) => known,
            Err(error) => return Ok(Err(Stop::Fatal(error))),
        };
        let work = known
            .as_ref()
            .map(|content| self.missing_work(content, sample));
        if let (Some(content), Some(None)) = (&known, work) {
            let problem = content.facts.problem.as_ref();
            return Ok(Ok(Answered {
                problem: problem.map(|fact| fact.value.clone()),
                outcome: ReadOutcome::Recognised { pictures: None },
                known: known.map(|content| content.facts),
            }));
        }
        if let Some(reason) = not_media(sample) {
            let outcome = match self.tools.ffprobe.version() {
                Ok(version) => failed(reason, Source::DISK, version),
                Err(error) => return Ok(Err(Stop::Fatal(error))),
            };
            return Ok(Ok((outcome, Some(reason.to_owned())).into()));
        }
        let told = match (original, self.headers) {
            (Some(mut original), HeaderReaders::Builtin) => media::read_header(&mut original)?,
            _ => None,
        };
        if let (Some(content), Some(Some(work))) = (&known, work) {
            // Its pictures are gone; where its frames are, the header tells anew.
            let keyframes = told.as_ref().and_then(|told| told.keyframes.as_ref());
            let pictures = self.wanted(work, &content.facts, keyframes, file_facts);
            return Ok(Ok(Answered {
                outcome: ReadOutcome::Recognised { pictures },
                problem: None,
                known: known.map(|content| content.facts),
            }));
        }
        Ok(match (told, sample.identity) {
            (Some(told), _) => self.answer(Ok(told), file_facts),
            (None, Some(identity)) if unread.frames.is_none() => Err(Stop::Deferred(identity)),
            (None, _) => {
                let told = self.ask(unread)?;
                self.answer(told, file_facts)
            }
        })
    }

    /// What is known of the content.
    fn known(&self, sample: &Sample) -> Result<Option<KnownContent>, Error> {
        let Some(identity) = sample.identity else {
            return Ok(None);
        };
        let is_current = |tool: &str| self.tools.has_version(tool);
        self.locked(|catalogue| catalogue.known_content(identity, &is_current))
    }

    /// Which pictures a known content should have and has not.
    fn missing_work(&self, content: &KnownContent, sample: &Sample) -> Option<ThumbnailKind> {
        let fingerprint = sample.identity?.now;
        let is_there =
            |folder: &crate::catalogue::PictureFolder| folder.find(fingerprint).is_some();
        if content.is_queued {
            None
        } else if content.has_poster && !is_there(&self.thumbnails.posters) {
            Some(ThumbnailKind::Poster)
        } else if content.has_poster && self.strip > 0 {
            let is_made = match content.strip {
                None => false,
                Some(pictures) => pictures == 0 || is_there(&self.thumbnails.strips),
            };
            (!is_made).then_some(ThumbnailKind::Strip)
        } else {
            None
        }
    }

    /// Asks ffprobe, which tells of a drive that fails as if the file were at fault.
    fn ask(&self, unread: &UnreadFile) -> io::Result<Result<ProbeResult, media::ProbeError>> {
        let told = media::ask_ffprobe(&unread.path, &self.tools, &self.limits);
        if let Err(media::ProbeError::BadFile(_)) = told {
            source_file::try_reading(&unread.path)?;
        }
        Ok(told)
    }

    /// What a reader told, with the pictures that are to be made.
    fn answer(
        &self,
        told: Result<ProbeResult, media::ProbeError>,
        file_facts: &Clip,
    ) -> Result<Answered, Stop> {
        let told = match told {
            Ok(told) => told,
            Err(unread) => {
                let ffprobe = self.tools.ffprobe.version().map_err(Stop::Fatal)?;
                let (reason, tool) = reason(unread, ffprobe)?;
                let outcome = failed(&reason, Source::tool(ffprobe), &tool);
                return Ok((outcome, Some(reason)).into());
            }
        };
        let keyframes = told.keyframes.as_ref();
        let pictures = self.wanted(ThumbnailKind::Poster, &told.facts, keyframes, file_facts);
        let outcome = ReadOutcome::Read {
            facts: Box::new(told.facts),
            pictures,
        };
        Ok((outcome, None).into())
    }

    /// Pictures of a content. What lies beside the file may know better how it was coded.
    fn wanted(
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

    /// What names and rules say, of a file whose content says `facts`.
    fn given(&self, unread: &UnreadFile, facts: &Clip, beside: &Clip) -> Result<Clip, Error> {
        let place =
            self.locked(|catalogue| self.places.of(catalogue, self.rules, unread.folder))?;
        let mut known = facts.clone();
        known.merge(beside);
        Ok(self.rules.apply(&place, &unread.inside, &known))
    }
}

/// What lies beside a file says of it.
fn beside(unread: &UnreadFile) -> Result<Clip, Problem> {
    let mut facts = Clip::default();
    for path in &unread.sidecars {
        let told = sidecar::read(path, &unread.path);
        facts.merge(&told.map_err(|error| Problem::new(path, error.to_string()))?);
    }
    Ok(facts)
}

/// Why the content cannot be media, whatever its name says.
fn not_media(sample: &Sample) -> Option<&'static str> {
    match sniff(&sample.head) {
        HeadKind::Empty => Some("the file is empty"),
        HeadKind::Text => Some("it holds text, not media"),
        HeadKind::Media | HeadKind::Unknown if sample.is_blank => {
            Some("every byte looked at is zero, as in an unfinished copy")
        }
        HeadKind::Media | HeadKind::Unknown => None,
    }
}

/// `tool` failed; `source` says why.
fn failed(reason: &str, source: Source, tool: &str) -> ReadOutcome {
    ReadOutcome::Failed {
        facts: Box::new(Clip {
            problem: Some(Fact::new(reason.to_owned(), source)),
            ..Clip::default()
        }),
        failed_with: tool.to_owned(),
    }
}

/// The reason, and which tool failed: none that exists where it may pass, so that the next
/// scan tries again.
fn reason(unread: media::ProbeError, tool: &str) -> Result<(String, String), Stop> {
    match unread {
        media::ProbeError::BadFile(reason) => Ok((reason, tool.to_owned())),
        media::ProbeError::Temporary(reason) => Ok((reason, "deadline".to_owned())),
        media::ProbeError::Cancelled => Err(Stop::Cancelled),
        media::ProbeError::Fatal(error) => Err(Stop::Fatal(error)),
    }
}
