//! What the catalogue and its index answer, and what they are told.
//!
//! The index is opened once, and searched where it is. Bringing it up to what was changed since
//! takes longer than a key may, so another thread does that, with a catalogue of its own, and
//! hands over a new one.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::state::{Counted, Facet, VALUES};
use crate::catalogue::{Catalogue, Edited};
use crate::clip::facet;
use crate::clip::{Action, Clip, Edit, EditId};
use crate::desktop;
use crate::error::Error;
use crate::index::{self, Hits, Index, Note, Order};
use crate::output::{PicturePaths, suggestion_lines, write_clip_details};
use crate::query::Query;

/// What clips are counted by, and the name that a query asks for its values by.
const FACETS: [(&str, &str); 4] = [
    ("tag", "tag"),
    ("camera", "camera"),
    ("day", "date"),
    ("volume", "volume"),
];

/// The catalogue, its index, and who keeps that up to date.
pub(super) struct Shelf {
    folder: PathBuf,
    catalogue: Catalogue,
    /// The numbers of the volumes that are mounted.
    mounted: Vec<i64>,
    author: String,
    index: Option<Index>,
    orders: Sender<Errand>,
    answers: Receiver<Answer>,
    /// The last change of the catalogue that is known here.
    seq: i64,
}

/// What the keeper of the index is to do.
enum Errand {
    BringUp,
    Remake,
}

/// What the keeper of the index says.
pub(super) enum Answer {
    /// An index that holds what was changed when it was asked for.
    Fresh(Box<Index>),
    /// Something that people should know.
    Told(Note),
    /// There is no index.
    Failed(Error),
}

impl Shelf {
    /// Opens the catalogue in a folder; its index follows.
    pub(super) fn open(folder: &Path, author: &str) -> Result<Self, Error> {
        let catalogue = Catalogue::open(folder)?;
        let (orders, inbox) = channel();
        let (outbox, answers) = channel();
        let its_folder = folder.to_owned();
        thread::spawn(move || keep(&its_folder, &inbox, &outbox));
        let shelf = Self {
            folder: folder.to_owned(),
            seq: catalogue.seq()?,
            mounted: catalogue.mounted()?,
            catalogue,
            author: author.to_owned(),
            index: None,
            orders,
            answers,
        };
        shelf.bring_up();
        Ok(shelf)
    }

    /// Has the index brought up to what was changed; an answer says when.
    fn bring_up(&self) {
        // When the keeper is gone, it said why.
        let _ = self.orders.send(Errand::BringUp);
    }

    /// What the keeper of the index said since.
    pub(super) fn answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// Takes a new index.
    pub(super) fn take(&mut self, index: Index) {
        self.index = Some(index);
    }

    /// Whether anybody else changed the catalogue since this was asked last; then the index
    /// follows.
    pub(super) fn has_changed(&mut self) -> Result<bool, Error> {
        let seq = self.catalogue.seq()?;
        let has_changed = seq != self.seq;
        if has_changed {
            self.seq = seq;
            self.bring_up();
        }
        Ok(has_changed)
    }

    /// Whether the index holds every change that is known.
    pub(super) fn is_current(&self) -> bool {
        let index = self.index.as_ref();
        index.is_some_and(|index| index.seq() >= self.seq)
    }

    /// The query that a line makes.
    fn query(&self, line: &str) -> Result<Query, Error> {
        self.catalogue
            .asked(|context| Query::parse_line(line, context))
    }

    /// Asks the index; `None` before there is one.
    fn ask<T>(
        &mut self,
        line: &str,
        ask: impl FnOnce(&Index, &Query, &[i64]) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let query = self.query(line)?;
        if self.index.as_ref().is_some_and(Index::is_cut_short) {
            self.index = None;
            let _ = self.orders.send(Errand::Remake);
        }
        let Some(index) = &self.index else {
            return Ok(None);
        };
        match ask(index, &query, &self.mounted) {
            Err(error @ Error::Index(_)) => {
                self.index = None;
                // When the keeper is gone, it said why.
                let _ = self.orders.send(Errand::Remake);
                Err(error)
            }
            answer => answer.map(Some),
        }
    }

    /// The clips that match a line, at most so many; `None` before there is an index.
    pub(super) fn search(&mut self, line: &str, most: usize) -> Result<Option<Hits>, Error> {
        self.ask(line, |index, query, mounted| {
            index.search(query, mounted, &Order::default(), most)
        })
    }

    /// How many of all clips that match have which tag, camera, day and volume.
    pub(super) fn facets(&mut self, line: &str) -> Result<Vec<Facet>, Error> {
        let facets: Vec<_> = FACETS
            .iter()
            .filter_map(|(name, _)| facet(name).ok())
            .collect();
        let tallies = self.ask(line, |index, query, mounted| {
            index.tally(query, mounted, &facets, false)
        })?;
        let tallies = tallies.map_or_else(Vec::new, |tallies| tallies.facets);
        let counted = FACETS.iter().zip(tallies).map(|((name, asked), tally)| {
            let rows = tally.rows.into_iter().take(VALUES);
            Facet {
                name,
                asked,
                values: rows
                    .map(|(value, sum)| Counted {
                        value,
                        count: usize::try_from(sum.clips).unwrap_or(usize::MAX),
                    })
                    .collect(),
            }
        });
        Ok(counted.filter(|facet| !facet.values.is_empty()).collect())
    }

    /// What to ask instead of a line that nothing matches, the most helpful first.
    pub(super) fn advice(&mut self, line: &str) -> Result<Vec<String>, Error> {
        let advice = self.ask(line, Index::advise)?;
        Ok(advice.map_or_else(Vec::new, |advice| suggestion_lines(&advice)))
    }

    /// A clip by its number.
    pub(super) fn clip(&self, number: i64) -> Result<Option<Clip>, Error> {
        self.catalogue.clip(number)
    }

    /// Where the catalogue's pictures are.
    pub(super) fn posters(&self) -> crate::catalogue::Folder {
        self.catalogue.thumbnails().posters
    }

    /// Everything known of a clip, a line each, as `btsindex show` prints it.
    pub(super) fn details(&self, number: i64) -> Result<Vec<String>, Error> {
        let Some(clip) = self.clip(number)? else {
            return Ok(vec!["no file holds this clip any more".to_owned()]);
        };
        let pictures = PicturePaths::find(&clip, &self.catalogue.thumbnails());
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        let _ = write_clip_details(&clip, &pictures, &mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Says something of a clip.
    pub(super) fn say(&mut self, number: i64, actions: Vec<Action>) -> Result<Edited, Error> {
        for action in &actions {
            action.check()?;
        }
        let edited = self.catalogue.edit(&[(number, actions)], &self.author)?;
        self.changed_here()?;
        Ok(edited)
    }

    /// Takes a command back.
    pub(super) fn undo(&mut self, command: EditId) -> Result<Vec<Edit>, Error> {
        let undone = self.catalogue.undo_command(command, &self.author)?;
        self.changed_here()?;
        Ok(undone)
    }

    fn changed_here(&mut self) -> Result<(), Error> {
        self.seq = self.catalogue.seq()?;
        self.bring_up();
        Ok(())
    }

    /// The file of a clip that can be opened now, whatever was mounted since.
    pub(super) fn file_at_hand(&mut self, number: i64) -> Result<PathBuf, Error> {
        let gone = || Error::NoClip(number.to_string());
        let clip = self.clip(number)?.ok_or_else(gone)?;
        match desktop::file_at_hand(&clip) {
            Err(Error::Offline { .. }) => {
                self.catalogue = Catalogue::open(&self.folder)?;
                self.mounted = self.catalogue.mounted()?;
                let clip = self.clip(number)?.ok_or_else(gone)?;
                desktop::file_at_hand(&clip).map(Path::to_owned)
            }
            found => found.map(Path::to_owned),
        }
    }
}

/// Keeps the index, until nobody asks any more.
fn keep(folder: &Path, orders: &Receiver<Errand>, answers: &Sender<Answer>) {
    let catalogue = match Catalogue::open(folder) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            let _ = answers.send(Answer::Failed(error));
            return;
        }
    };
    while let Ok(order) = orders.recv() {
        let is_remake = std::iter::once(order)
            .chain(orders.try_iter())
            .any(|order| matches!(order, Errand::Remake));
        let mut told = |note: &Note| {
            let _ = answers.send(Answer::Told(note.clone()));
        };
        let index = if is_remake {
            Index::remake(&catalogue, &mut told, &mut |_, _| ())
        } else {
            // Where it cannot be followed here, it is made in memory.
            let _ = index::follow(&catalogue, "browse", &mut told);
            Index::current(&catalogue, "browse", &mut told)
        };
        let answer = match index {
            Ok(index) => Answer::Fresh(Box::new(index)),
            Err(error) => Answer::Failed(error),
        };
        if answers.send(answer).is_err() {
            return;
        }
    }
}
