//! Journal of edits. It is append-only, and has the same effect on every machine with the same
//! edits.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead};

use rusqlite::{OptionalExtension, Row, params};

use super::Catalogue;
use crate::clip::{Action, Edit, EditContent, EditId, MAX_CLOCK, in_effect};
use crate::error::{Error, escape};
use crate::value::{Fingerprint, now, parse_name};

/// Maximum length of a line in a journal, in bytes.
const MAX_LINE: u64 = 1024 * 1024;
/// Microseconds by which an implausible clock may exceed the latest known one.
const MAX_CLOCK_LEAD: i64 = 3_600_000_000;

/// Sort key of edits: clock, then id.
type Order = (i64, [u8; 16]);

/// Result of appending edits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edited {
    /// Id of the command, with which it can be undone.
    pub batch: Option<EditId>,
    /// Number of clips with new edits.
    pub clips: usize,
    /// Number of clips that already had the same edits.
    pub unchanged: usize,
    /// Names of clips that cannot be edited because they are empty or not scanned yet.
    pub refused: Vec<String>,
}

/// Reason why a journal was not exported or imported.
#[derive(Debug)]
pub enum JournalError {
    /// The journal could not be read or written.
    Journal(io::Error),
    /// The catalogue could not be read or written.
    Catalogue(Error),
}

impl From<Error> for JournalError {
    fn from(error: Error) -> Self {
        Self::Catalogue(error)
    }
}

/// Result of importing a journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Number of new edits.
    pub new: usize,
    /// Number of edits that were already in the catalogue.
    pub known: usize,
    /// Number of clips that have new edits but are not in this catalogue yet.
    pub waiting: usize,
    /// Rejected lines: line number and reason.
    pub refused: Vec<(usize, String)>,
}

/// Clip that can adopt the edits of the clip that was previously in the same file.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// Row id of the new clip.
    pub clip: i64,
    /// Row id of the previous clip.
    pub former: i64,
    /// Edits that can be adopted: those in effect that the new clip does not have yet.
    pub actions: Vec<Edit>,
}

impl Catalogue {
    /// Returns all edits of the clip with this fingerprint, sorted by clock.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn edits(&self, fingerprint: Fingerprint) -> Result<Vec<Edit>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, clip, clock, at, author, batch, action FROM edit
                     WHERE clip = ?1 ORDER BY clock, id",
                )?
                .query_map([fingerprint.to_bytes()], edit_row)?
                .collect()
        })
    }

    /// Counts the edits.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn edit_count(&self) -> Result<usize, Error> {
        let count: i64 = self.check(|connection| {
            connection.query_row("SELECT count(*) FROM edit", [], |row| row.get(0))
        })?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Returns the fingerprint of a clip, which identifies its edits.
    ///
    /// # Errors
    /// [`Error::NoContent`] if the clip is empty or not scanned yet.
    pub fn content_of(&self, clip: i64) -> Result<Fingerprint, Error> {
        let row: Option<Option<[u8; 16]>> = self.check(|connection| {
            connection
                .prepare_cached("SELECT fingerprint FROM clip WHERE id = ?1")?
                .query_row([clip], |row| row.get(0))
                .optional()
        })?;
        match row.flatten() {
            Some(bytes) => Ok(Fingerprint::from_bytes(bytes)),
            None => Err(Error::NoContent {
                name: self.name_of(clip)?,
            }),
        }
    }

    fn name_of(&self, clip: i64) -> Result<String, Error> {
        let name = self.clip(clip)?.and_then(|clip| clip.name);
        Ok(name.map_or_else(|| "the clip".to_owned(), |name| escape(&name.value)))
    }

    /// Appends edits to clips as one command. The edits are on disk when this returns. If there are
    /// several clips, skips those that cannot be edited.
    ///
    /// # Errors
    /// [`Error::NoContent`] if a single clip cannot be edited, or if the catalogue cannot be
    /// written. In that case nothing is appended.
    pub fn edit(&self, edits: &[(i64, Vec<Action>)], author: &str) -> Result<Edited, Error> {
        self.write_transaction(|| self.edit_all(edits, author))
    }

    /// Implements [`Catalogue::edit`] within a transaction.
    pub(super) fn edit_all(
        &self,
        edits: &[(i64, Vec<Action>)],
        author: &str,
    ) -> Result<Edited, Error> {
        let mut journal = self.journal(author)?;
        let mut edited = Edited {
            batch: Some(journal.batch),
            ..Edited::default()
        };
        for (clip, actions) in edits {
            let content = match self.content_of(*clip) {
                Err(Error::NoContent { name }) if edits.len() > 1 => {
                    edited.refused.push(name);
                    continue;
                }
                content => content?,
            };
            let existing = self.edits(content)?;
            let mut is_new = false;
            for action in actions
                .iter()
                .filter(|action| !is_already_set(&existing, action))
            {
                journal.append(content, action.clone())?;
                is_new = true;
            }
            if is_new {
                self.touch(*clip)?;
                edited.clips += 1;
            } else {
                edited.unchanged += 1;
            }
        }
        Ok(edited)
    }

    fn last_clock(&self) -> Result<i64, Error> {
        self.check(|connection| {
            connection.query_row("SELECT coalesce(max(clock), 0) FROM edit", [], |row| {
                row.get(0)
            })
        })
    }

    fn journal(&self, author: &str) -> Result<Journal<'_>, Error> {
        let author = parse_name(author)?;
        let last = self.last_clock()?;
        let batch: [u8; 16] = self.check(|connection| {
            connection.query_row("SELECT randomblob(16)", [], |row| row.get(0))
        })?;
        let at = now().as_microsecond();
        Ok(Journal {
            catalogue: self,
            author: author.to_owned(),
            batch: Fingerprint::from_bytes(batch),
            clock: at.min(MAX_CLOCK - 1).max(last.saturating_add(1)),
            at,
        })
    }

    /// Inserts an edit. Returns false if the catalogue already has it.
    fn insert(&self, edit: &Edit) -> Result<bool, Error> {
        let content = &edit.content;
        let action = serde_json::to_string(&content.action).map_err(|error| Error::Record {
            path: self.folder.join(super::FILE),
            source: std::io::Error::other(error),
        })?;
        let count = self.check(|connection| {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO edit (id, clip, clock, at, author, batch, action)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    edit.id.to_bytes(),
                    content.clip.to_bytes(),
                    content.clock,
                    content.at,
                    content.author,
                    content.batch.to_bytes(),
                    action
                ])
        })?;
        Ok(count > 0)
    }

    /// Marks the clip with this fingerprint as changed. Returns false if there is none.
    fn touch_content(&self, content: Fingerprint) -> Result<bool, Error> {
        let clip: Option<i64> = self.check(|connection| {
            connection
                .prepare_cached("SELECT id FROM clip WHERE fingerprint = ?1")?
                .query_row([content.to_bytes()], |row| row.get(0))
                .optional()
        })?;
        clip.map_or(Ok(()), |clip| self.touch(clip))?;
        Ok(clip.is_some())
    }

    /// Undoes the author's last command that is still in effect. Returns the undone edits.
    ///
    /// # Errors
    /// If the catalogue cannot be written. In that case nothing is undone.
    pub fn undo_last(&self, author: &str) -> Result<Vec<Edit>, Error> {
        self.write_transaction(|| {
            let mut tried = HashSet::new();
            let mut before = (i64::MAX, [u8::MAX; 16]);
            // Skips undo edits, so that repeated undos go back further.
            while let Some((order, batch)) = self.batch_before(author, before)? {
                before = order;
                if !tried.insert(batch) {
                    continue;
                }
                let undone = self.undo_all(&self.batch(batch, author)?, author)?;
                if !undone.is_empty() {
                    return Ok(undone);
                }
            }
            Ok(Vec::new())
        })
    }

    /// Returns the author's previous edit, by clock and id, with its batch. The order of insertion
    /// does not matter, because imported edits may be older.
    fn batch_before(
        &self,
        author: &str,
        (clock, id): Order,
    ) -> Result<Option<(Order, [u8; 16])>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT clock, id, batch FROM edit
                     WHERE author = ?1 AND clock <= ?2 AND (clock, id) < (?2, ?3)
                       AND action NOT LIKE '{\"undo\"%'
                     ORDER BY clock DESC, id DESC LIMIT 1",
                )?
                .query_row(params![author, clock, id], |row| {
                    Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
                })
                .optional()
        })
    }

    /// Returns the edits of an author in a batch. A batch may contain edits of several authors
    /// after an import or an adoption.
    fn batch(&self, batch: [u8; 16], author: &str) -> Result<Vec<Edit>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT id, clip, clock, at, author, batch, action FROM edit
                     WHERE batch = ?1 AND author = ?2 ORDER BY clock",
                )?
                .query_map(params![batch, author], edit_row)?
                .collect()
        })
    }

    /// Undoes the edit whose id starts with `text`.
    ///
    /// # Errors
    /// [`Error::NoEdit`], or if the catalogue cannot be written.
    pub fn undo(&self, text: &str, author: &str) -> Result<Vec<Edit>, Error> {
        let is_id = (4..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        let found: Vec<Edit> = if is_id {
            self.check(|connection| {
                connection
                    .prepare(
                        "SELECT id, clip, clock, at, author, batch, action FROM edit
                         WHERE lower(hex(id)) GLOB ?1 || '*' LIMIT 2",
                    )?
                    .query_map([text.to_ascii_lowercase()], edit_row)?
                    .collect()
            })?
        } else {
            Vec::new()
        };
        let [edit] = found.as_slice() else {
            return Err(Error::NoEdit {
                name: escape(text),
                is_several: found.len() > 1,
            });
        };
        self.write_transaction(|| self.undo_all(std::slice::from_ref(edit), author))
    }

    /// Undoes the edits of a command that are in effect, and returns them.
    ///
    /// # Errors
    /// If the catalogue cannot be written. In that case nothing is undone.
    pub fn undo_command(&self, batch: EditId, author: &str) -> Result<Vec<Edit>, Error> {
        self.write_transaction(|| self.undo_all(&self.batch(batch.to_bytes(), author)?, author))
    }

    /// Appends an undo for each edit that is in effect.
    fn undo_all(&self, edits: &[Edit], author: &str) -> Result<Vec<Edit>, Error> {
        let mut journal = self.journal(author)?;
        let mut undone = Vec::new();
        // Computed once per clip, because a clip may have a hundred thousand edits.
        let mut effective: HashMap<Fingerprint, HashSet<EditId>> = HashMap::new();
        for edit in edits {
            let clip = edit.content.clip;
            let effective = match effective.entry(clip) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    let all = self.edits(clip)?;
                    entry.insert(in_effect(&all).iter().map(|edit| edit.id).collect())
                }
            };
            if effective.contains(&edit.id) {
                journal.append(clip, Action::Undo(edit.id))?;
                undone.push(edit.clone());
            }
        }
        let clips: HashSet<Fingerprint> = undone.iter().map(|edit| edit.content.clip).collect();
        for clip in clips {
            self.touch_content(clip)?;
        }
        Ok(undone)
    }

    /// Passes every edit to `each`, sorted by clock.
    ///
    /// # Errors
    /// If `SQLite` fails, or with the first error of `each`.
    pub fn each_edit(
        &self,
        each: &mut dyn FnMut(&Edit) -> io::Result<()>,
    ) -> Result<(), JournalError> {
        let visited = self.check(|connection| {
            let mut statement = connection.prepare(
                "SELECT id, clip, clock, at, author, batch, action FROM edit ORDER BY clock, id",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Err(error) = each(&edit_row(row)?) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        })?;
        visited.map_err(JournalError::Journal)
    }

    /// Imports a journal with one edit per line. Edits that are already in the catalogue change
    /// nothing. The order of lines and of journals does not matter.
    ///
    /// # Errors
    /// If the catalogue cannot be written, or if the journal cannot be read. In both cases nothing is
    /// imported.
    pub fn import(&self, journal: &mut dyn BufRead) -> Result<Imported, JournalError> {
        let mut imported = Imported::default();
        let mut edits = Vec::new();
        let mut number = 0;
        loop {
            number += 1;
            match next_line(journal).map_err(JournalError::Journal)? {
                None => break,
                Some(line) if line.trim_ascii().is_empty() => {}
                Some(line) => match read_line(&line) {
                    Ok(edit) => edits.push((number, edit)),
                    Err(reason) => imported.refused.push((number, reason)),
                },
            }
        }
        edits.sort_by_key(|(_, edit)| edit.content.clock);
        self.write_transaction(|| {
            let mut touched = HashSet::new();
            let mut waiting = HashSet::new();
            let mut last = self.last_clock()?;
            for (number, edit) in &edits {
                let (content, clock) = (edit.content.clip, edit.content.clock);
                if clock >= MAX_CLOCK.max(last.saturating_add(MAX_CLOCK_LEAD)) {
                    let reason = format!("clock {clock} is too far in the future");
                    imported.refused.push((*number, reason));
                    continue;
                }
                last = last.max(clock);
                if !self.insert(edit)? {
                    imported.known += 1;
                    continue;
                }
                imported.new += 1;
                if touched.insert(content) && !self.touch_content(content)? {
                    waiting.insert(content);
                }
            }
            imported.waiting = waiting.len();
            Ok(())
        })?;
        imported.refused.sort();
        Ok(imported)
    }

    /// Returns the clips that can adopt edits of the previous content of their file. Checks at most
    /// `limit` files.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn adoptions(&self, limit: usize) -> Result<Vec<Adoption>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let pairs: Vec<(i64, [u8; 16], i64, [u8; 16])> = self.check(|connection| {
            connection
                .prepare(
                    "SELECT DISTINCT n.id, n.fingerprint, o.id, o.fingerprint FROM file f
                     JOIN clip n ON n.id = f.clip JOIN clip o ON o.id = f.former
                     WHERE f.former IS NOT NULL AND NOT f.was AND n.id <> o.id AND n.fingerprint IS NOT NULL
                       AND EXISTS (SELECT 1 FROM edit e WHERE e.clip = o.fingerprint)
                     ORDER BY n.id DESC LIMIT ?1",
                )?
                .query_map([limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect()
        })?;
        let mut adoptions = Vec::new();
        for (clip, content, former, former_content) in pairs {
            let existing = self.edits(Fingerprint::from_bytes(content))?;
            let former_edits = self.edits(Fingerprint::from_bytes(former_content))?;
            let existing: HashSet<&Action> =
                existing.iter().map(|edit| &edit.content.action).collect();
            let exists = |edit: &Edit| existing.contains(&edit.content.action);
            let actions: Vec<Edit> = in_effect(&former_edits)
                .into_iter()
                .filter(|edit| !matches!(edit.content.action, Action::Undo(_)) && !exists(edit))
                .cloned()
                .collect();
            if !actions.is_empty() {
                adoptions.push(Adoption {
                    clip,
                    former,
                    actions,
                });
            }
        }
        Ok(adoptions)
    }

    /// Adopts edits as one command. Each edit keeps its author and time.
    ///
    /// # Errors
    /// If the catalogue cannot be written. In that case nothing is adopted.
    pub fn adopt(&self, adoptions: &[Adoption]) -> Result<(), Error> {
        self.write_transaction(|| {
            let mut journal: Option<Journal<'_>> = None;
            for adoption in adoptions {
                let content = self.content_of(adoption.clip)?;
                for edit in &adoption.actions {
                    let author = &edit.content.author;
                    let journal = match &mut journal {
                        Some(journal) => journal,
                        none => none.insert(self.journal(author)?),
                    };
                    journal.author.clone_from(author);
                    journal.at = edit.content.at;
                    journal.append(content, edit.content.action.clone())?;
                }
                self.touch(adoption.clip)?;
            }
            Ok(())
        })
    }
}

/// Appends the edits of one command.
struct Journal<'a> {
    catalogue: &'a Catalogue,
    author: String,
    batch: EditId,
    clock: i64,
    at: i64,
}

impl Journal<'_> {
    fn append(&mut self, clip: Fingerprint, action: Action) -> Result<(), Error> {
        let edit = Edit::new(EditContent {
            clip,
            clock: self.clock,
            at: self.at,
            author: self.author.clone(),
            batch: self.batch,
            action,
        });
        self.clock += 1;
        self.catalogue.insert(&edit)?;
        Ok(())
    }
}

/// Returns true if the action would repeat the last edit in effect of the same tag, of the rating,
/// or of the selection.
fn is_already_set(existing: &[Edit], action: &Action) -> bool {
    let effective = in_effect(existing);
    let has_same_subject = |edit: &&&Edit| match (&edit.content.action, action) {
        (
            Action::AddTag(tag) | Action::RemoveTag(tag),
            Action::AddTag(other) | Action::RemoveTag(other),
        ) => tag == other,
        (Action::Stars(_), Action::Stars(_)) | (Action::Select(_), Action::Select(_)) => true,
        _ => false,
    };
    let last = effective.iter().rfind(has_same_subject);
    last.is_some_and(|edit| edit.content.action == *action)
}

fn edit_row(row: &Row<'_>) -> rusqlite::Result<Edit> {
    let action: String = row.get(6)?;
    let damaged = |error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, Box::new(error))
    };
    Ok(Edit {
        id: Fingerprint::from_bytes(row.get(0)?),
        content: EditContent {
            clip: Fingerprint::from_bytes(row.get(1)?),
            clock: row.get(2)?,
            at: row.get(3)?,
            author: row.get(4)?,
            batch: Fingerprint::from_bytes(row.get(5)?),
            action: serde_json::from_str(&action).map_err(damaged)?,
        },
    })
}

/// Reads the next line; `None` at the end. A line that is too long is truncated, which makes it
/// invalid.
fn next_line(journal: &mut dyn BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = std::io::Read::take(&mut *journal, MAX_LINE).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE {
        journal.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

fn read_line(line: &[u8]) -> Result<Edit, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    Edit::from_line(text.trim())
}
