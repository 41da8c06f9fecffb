//! The second half of a scan: one file, from its bytes to its facts. Runs on many threads.

use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use crate::catalogue::{Catalogue, KnownContent, Outcome, Posters, Reading, Unread};
use crate::clip::{Clip, Fact, Source, Value};
use crate::error::{Error, Problem};
use crate::footage::{Content, Sample, fingerprint, fingerprint_frames, frame_paths, sniff};
use crate::media::{self, Limits, Tools};
use crate::sidecar;
use crate::tag::Rules;
use crate::value::WallTime;

/// What a worker tells the writer.
pub(super) enum Message {
    /// A file is being read.
    Started(PathBuf),
    /// A file was read.
    Finished {
        reading: Box<Reading>,
        path: PathBuf,
        bytes: u64,
        /// Why it could not be read, wholly or in part.
        problem: Option<String>,
    },
    /// The scan cannot go on.
    Fatal(Error),
}

/// What every worker shares.
pub(super) struct Reader<'a> {
    /// For looking up; all writing is the caller's.
    pub catalogue: Mutex<Catalogue>,
    pub posters: Posters,
    pub tools: Tools,
    pub rules: &'a Rules,
    pub limits: Limits,
}

/// What reading came to, and why the file could not be read, wholly or in part.
type Answered = (Outcome, Option<String>);

/// A reading that ended without an answer.
enum Stop {
    Cancelled,
    Fatal(Error),
}

impl Reader<'_> {
    /// Reads one file and sends what came of it.
    pub(super) fn read(&self, file: i64, sender: &SyncSender<Message>) {
        let unread = self.locked(|catalogue| catalogue.unread_file(file));
        let message = match unread {
            Ok(None) => return,
            Err(error) => Message::Fatal(error),
            Ok(Some(unread)) => {
                // The receiver is gone only when the scan has failed already.
                let _ = sender.send(Message::Started(unread.path.clone()));
                match self.reading(&unread) {
                    Ok((reading, problem)) => Message::Finished {
                        reading: Box::new(reading),
                        path: unread.path,
                        bytes: unread.bytes,
                        problem,
                    },
                    Err(Stop::Cancelled) => return,
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

    fn reading(&self, unread: &Unread) -> Result<(Reading, Option<String>), Stop> {
        let frames = unread.frames.map(|_| frame_paths(&unread.path));
        let sample = match &frames {
            Some(frames) => fingerprint_frames(frames, unread.bytes),
            None => fingerprint(&unread.path),
        };
        let reading = |fingerprint, file_facts, outcome| Reading {
            file: unread.id,
            fingerprint,
            file_facts,
            outcome,
        };
        let unopened = |reason: String| {
            let outcome = Outcome::Unopened {
                reason: reason.clone(),
            };
            Ok((reading(None, Clip::default(), outcome), Some(reason)))
        };
        let sample = match sample {
            Ok(sample) => sample,
            Err(error) => return unopened(error.to_string()),
        };
        let file_facts = match self.file_facts(unread) {
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
        let picture = frames
            .as_ref()
            .and_then(|frames| frames.get(frames.len() / 2))
            .unwrap_or(&unread.path);
        let (outcome, problem) = match self.known(&sample).map_err(Stop::Fatal)? {
            Some(content) => self.recognised(content, picture, &sample)?,
            None => self.content(&unread.path, picture, &sample)?,
        };
        Ok((reading(sample.fingerprint, file_facts, outcome), problem))
    }

    /// What is known of the content.
    fn known(&self, sample: &Sample) -> Result<Option<KnownContent>, Error> {
        let Some(fingerprint) = sample.fingerprint else {
            return Ok(None);
        };
        let tools = [
            self.tools.ffprobe.version.as_str(),
            self.tools.ffmpeg.version.as_str(),
        ];
        self.locked(|catalogue| catalogue.content_known(fingerprint, &tools))
    }

    /// Content that is known is not probed again; a poster that was deleted is made anew.
    fn recognised(
        &self,
        content: KnownContent,
        picture: &Path,
        sample: &Sample,
    ) -> Result<Answered, Stop> {
        let is_there = |fingerprint| self.posters.path(fingerprint).exists();
        if content.has_poster && !sample.fingerprint.is_some_and(is_there) {
            return self.with_poster(*content.facts, picture, sample);
        }
        let problem = content.facts.problem.map(|fact| fact.value);
        Ok((Outcome::Recognised, problem))
    }

    /// What the content says, and its poster.
    fn content(&self, path: &Path, picture: &Path, sample: &Sample) -> Result<Answered, Stop> {
        let ffprobe = &self.tools.ffprobe.version;
        if let Some(reason) = not_media(sample) {
            let outcome = failed(reason, Source::DISK, ffprobe);
            return Ok((outcome, Some(reason.to_owned())));
        }
        match media::probe(path, &sample.head, &self.tools, &self.limits) {
            Ok(facts) => self.with_poster(facts, picture, sample),
            Err(unread) => {
                let (reason, tool) = reason(unread, ffprobe)?;
                let outcome = failed(&reason, Source::tool(ffprobe), &tool);
                Ok((outcome, Some(reason)))
            }
        }
    }

    /// Facts as they are, with the poster made, or with why it could not be.
    fn with_poster(
        &self,
        mut facts: Clip,
        picture: &Path,
        sample: &Sample,
    ) -> Result<Answered, Stop> {
        let (has_poster, failed_with) = match self.poster(picture, &facts, sample) {
            Ok(made) => (made, None),
            Err(unread) => {
                let ffmpeg = &self.tools.ffmpeg.version;
                let (reason, tool) = reason(unread, ffmpeg)?;
                let reason = format!("no picture could be decoded: {reason}");
                facts.problem = Some(Fact::new(reason, Source::tool(ffmpeg)));
                (false, Some(tool))
            }
        };
        let problem = facts.problem.as_ref().map(|fact| fact.value.clone());
        let outcome = Outcome::Read {
            facts: Box::new(facts),
            has_poster,
            failed_with,
        };
        Ok((outcome, problem))
    }

    fn poster(&self, picture: &Path, facts: &Clip, sample: &Sample) -> Result<bool, media::Unread> {
        let Some(fingerprint) = sample.fingerprint else {
            return Ok(false);
        };
        let Some(poster) = media::poster(picture, facts, &self.tools.ffmpeg, &self.limits)? else {
            return Ok(false);
        };
        let path = self.posters.path(fingerprint);
        self.posters
            .save(fingerprint, &poster.jpeg)
            .map_err(|error| media::Unread::Fatal(Error::path(path)(error)))?;
        Ok(true)
    }

    /// What names, folders and sidecars say.
    fn file_facts(&self, unread: &Unread) -> Result<Clip, Problem> {
        let tags = self.rules.tags(&unread.inside);
        let mut facts = Clip {
            tags: some((!tags.is_empty()).then_some(tags), Source::RULES),
            captured: some(
                unread
                    .inside
                    .iter()
                    .rev()
                    .find_map(|name| WallTime::in_name(&name.to_string_lossy())),
                Source::NAME,
            ),
            ..Clip::default()
        };
        for path in &unread.sidecars {
            let told = sidecar::read(path);
            facts.merge(&told.map_err(|error| Problem::new(path, error.to_string()))?);
        }
        Ok(facts)
    }
}

fn some<T: Value>(value: Option<T>, source: Source) -> Option<Fact<T>> {
    value.map(|value| Fact::new(value, source))
}

/// Why the content cannot be media, whatever its name says.
fn not_media(sample: &Sample) -> Option<&'static str> {
    match sniff(&sample.head) {
        Content::Empty => Some("the file is empty"),
        Content::Text => Some("it holds text, not media"),
        Content::Media | Content::Unknown if sample.is_blank => {
            Some("every byte looked at is zero, as in an unfinished copy")
        }
        Content::Media | Content::Unknown => None,
    }
}

/// `tool` failed; `source` says why.
fn failed(reason: &str, source: Source, tool: &str) -> Outcome {
    Outcome::Failed {
        facts: Box::new(Clip {
            problem: Some(Fact::new(reason.to_owned(), source)),
            ..Clip::default()
        }),
        failed_with: tool.to_owned(),
    }
}

/// The reason, and which tool failed: none that exists where it may pass, so that the next
/// scan tries again.
fn reason(unread: media::Unread, tool: &str) -> Result<(String, String), Stop> {
    match unread {
        media::Unread::Fault(reason) => Ok((reason, tool.to_owned())),
        media::Unread::Late(reason) => Ok((reason, "deadline".to_owned())),
        media::Unread::Cancelled => Err(Stop::Cancelled),
        media::Unread::Fatal(error) => Err(Stop::Fatal(error)),
    }
}
