//! Access of the screen to the catalogue and the index.
//!
//! The index is opened once and searched in this thread. Updating it takes too long for a key
//! press. So a background thread with its own catalogue connection updates it and sends back a new
//! index.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::state::{FacetCounts, FacetValue, VALUES};
use crate::catalogue::{Catalogue, Edited};
use crate::catalogue_query::parse_query;
use crate::clip::facet;
use crate::clip::{Action, Clip, Edit, EditId};
use crate::desktop;
use crate::error::Error;
use crate::index::{self, Hits, Index, IndexNotice, SortOrder};
use crate::output::{PicturePaths, suggestion_lines, write_clip_details};
use crate::query::Query;

/// Facets on the screen, each with the query field that selects its values.
const FACETS: [(&str, &str); 4] = [
    ("tag", "tag"),
    ("camera", "camera"),
    ("day", "date"),
    ("volume", "volume"),
];

/// Catalogue, index, and the channel to the thread that updates the index.
pub(super) struct Backend {
    catalogue: Catalogue,
    /// Row ids of the mounted volumes.
    mounted: Vec<i64>,
    author: String,
    index: Option<Index>,
    requests: Sender<IndexRequest>,
    events: Receiver<BackendEvent>,
    /// Sequence number of the last catalogue change seen here.
    seq: i64,
}

/// Request to the index thread.
enum IndexRequest {
    Update,
    Rebuild,
}

/// Message from the index thread.
pub(super) enum BackendEvent {
    /// Index with all changes that existed when it was requested.
    Fresh(Box<Index>),
    /// Notice for the user.
    Notice(IndexNotice),
    /// The index could not be opened or built.
    Failed(Error),
}

impl Backend {
    /// Opens the catalogue in a folder and requests an up-to-date index.
    pub(super) fn open(folder: &Path, author: &str) -> Result<Self, Error> {
        let catalogue = Catalogue::open(folder)?;
        let (requests, inbox) = channel();
        let (outbox, events) = channel();
        let thread_folder = folder.to_owned();
        thread::spawn(move || update_index(&thread_folder, &inbox, &outbox));
        let backend = Self {
            seq: catalogue.seq()?,
            mounted: catalogue.mounted()?,
            catalogue,
            author: author.to_owned(),
            index: None,
            requests,
            events,
        };
        backend.request_update();
        Ok(backend)
    }

    /// Requests an index with all changes; it arrives as [`BackendEvent::Fresh`].
    fn request_update(&self) {
        // If the index thread has ended, it has reported why.
        let _ = self.requests.send(IndexRequest::Update);
    }

    /// Returns the next message of the index thread, without waiting.
    pub(super) fn next_event(&self) -> Option<BackendEvent> {
        self.events.try_recv().ok()
    }

    /// Replaces the index.
    pub(super) fn set_index(&mut self, index: Index) {
        self.index = Some(index);
    }

    /// Returns true if another process changed the catalogue since the last call, and then requests
    /// an updated index.
    pub(super) fn has_changed(&mut self) -> Result<bool, Error> {
        let seq = self.catalogue.seq()?;
        let has_changed = seq != self.seq;
        if has_changed {
            self.seq = seq;
            self.request_update();
        }
        Ok(has_changed)
    }

    /// Returns true if the index contains all known changes.
    pub(super) fn is_current(&self) -> bool {
        let index = self.index.as_ref();
        index.is_some_and(|index| index.seq() >= self.seq)
    }

    /// Parses a line as a query.
    fn query(&self, line: &str) -> Result<Query, Error> {
        parse_query(&self.catalogue, |context| Query::parse_line(line, context))
    }

    /// Runs a query on the index; `None` until there is an index.
    fn run_query<T>(
        &mut self,
        line: &str,
        run_query: impl FnOnce(&Index, &Query, &[i64]) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let query = self.query(line)?;
        if self.index.as_ref().is_some_and(Index::is_truncated) {
            self.index = None;
            let _ = self.requests.send(IndexRequest::Rebuild);
        }
        let Some(index) = &self.index else {
            return Ok(None);
        };
        match run_query(index, &query, &self.mounted) {
            Err(error @ Error::Index(_)) => {
                self.index = None;
                // If the index thread has ended, it has reported why.
                let _ = self.requests.send(IndexRequest::Rebuild);
                Err(error)
            }
            answer => answer.map(Some),
        }
    }

    /// Returns at most `limit` clips that match a line; `None` until there is an index.
    pub(super) fn search(&mut self, line: &str, limit: usize) -> Result<Option<Hits>, Error> {
        self.run_query(line, |index, query, mounted| {
            index.search(query, mounted, &SortOrder::default(), limit)
        })
    }

    /// Counts the matching clips by tag, camera, day and volume.
    pub(super) fn facets(&mut self, line: &str) -> Result<Vec<FacetCounts>, Error> {
        let facets: Vec<_> = FACETS
            .iter()
            .filter_map(|(name, _)| facet(name).ok())
            .collect();
        let tallies = self.run_query(line, |index, query, mounted| {
            index.tally(query, mounted, &facets, false)
        })?;
        let tallies = tallies.map_or_else(Vec::new, |tallies| tallies.facets);
        let counted = FACETS.iter().zip(tallies).map(|((name, field), tally)| {
            let rows = tally.rows.into_iter().take(VALUES);
            FacetCounts {
                name,
                field,
                values: rows
                    .map(|(value, sum)| FacetValue {
                        value,
                        count: usize::try_from(sum.clips).unwrap_or(usize::MAX),
                    })
                    .collect(),
            }
        });
        Ok(counted.filter(|facet| !facet.values.is_empty()).collect())
    }

    /// Suggests other queries for a line without matches, most helpful first.
    pub(super) fn suggestions(&mut self, line: &str) -> Result<Vec<String>, Error> {
        let suggestions = self.run_query(line, Index::advise)?;
        Ok(suggestions.map_or_else(Vec::new, |suggestions| suggestion_lines(&suggestions)))
    }

    /// Reads a clip by its row id.
    pub(super) fn clip(&self, number: i64) -> Result<Option<Clip>, Error> {
        self.catalogue.clip(number)
    }

    /// Returns the folder of the catalogue's posters.
    pub(super) fn posters(&self) -> crate::catalogue::PictureFolder {
        self.catalogue.thumbnails().posters
    }

    /// Returns the output of `btsindex show` for a clip, as lines.
    pub(super) fn details(&self, number: i64) -> Result<Vec<String>, Error> {
        let Some(clip) = self.clip(number)? else {
            return Ok(vec!["no file contains this clip now".to_owned()]);
        };
        let pictures = PicturePaths::find(&clip, &self.catalogue.thumbnails());
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        let _ = write_clip_details(&clip, &pictures, &mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Applies edits to a clip.
    pub(super) fn edit(&mut self, number: i64, actions: Vec<Action>) -> Result<Edited, Error> {
        for action in &actions {
            action.check()?;
        }
        let edited = self.catalogue.edit(&[(number, actions)], &self.author)?;
        self.after_edit()?;
        Ok(edited)
    }

    /// Undoes a command.
    pub(super) fn undo(&mut self, command: EditId) -> Result<Vec<Edit>, Error> {
        let undone = self.catalogue.undo_command(command, &self.author)?;
        self.after_edit()?;
        Ok(undone)
    }

    fn after_edit(&mut self) -> Result<(), Error> {
        self.seq = self.catalogue.seq()?;
        self.request_update();
        Ok(())
    }

    /// Returns a file of the clip that can be opened; checks again which volumes are mounted.
    pub(super) fn available_file(&mut self, number: i64) -> Result<PathBuf, Error> {
        let no_clip = || Error::NoClip(number.to_string());
        let clip = self.clip(number)?.ok_or_else(no_clip)?;
        match desktop::available_file(&clip) {
            Err(Error::Offline { .. }) => {
                self.catalogue.refresh_mounts()?;
                self.mounted = self.catalogue.mounted()?;
                let clip = self.clip(number)?.ok_or_else(no_clip)?;
                desktop::available_file(&clip).map(Path::to_owned)
            }
            found => found.map(Path::to_owned),
        }
    }
}

/// Runs the index thread until the screen closes its channel.
fn update_index(folder: &Path, requests: &Receiver<IndexRequest>, events: &Sender<BackendEvent>) {
    let catalogue = match Catalogue::open(folder) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            let _ = events.send(BackendEvent::Failed(error));
            return;
        }
    };
    while let Ok(request) = requests.recv() {
        let is_rebuild = std::iter::once(request)
            .chain(requests.try_iter())
            .any(|request| matches!(request, IndexRequest::Rebuild));
        let mut on_notice = |note: &IndexNotice| {
            let _ = events.send(BackendEvent::Notice(note.clone()));
        };
        let index = if is_rebuild {
            Index::rebuild(&catalogue, &mut on_notice, &mut |_, _| ())
        } else {
            // If it cannot be updated on disk, `current` builds it in memory.
            let _ = index::try_catch_up(&catalogue, "browse", &mut on_notice);
            Index::current(&catalogue, "browse", &mut on_notice)
        };
        let answer = match index {
            Ok(index) => BackendEvent::Fresh(Box::new(index)),
            Err(error) => BackendEvent::Failed(error),
        };
        if events.send(answer).is_err() {
            return;
        }
    }
}
