//! The journal of what people said: appended, never changed, and the same on every machine that
//! knows the same edits.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use rusqlite::{OptionalExtension, Row, params};

use super::Catalogue;
use crate::clip::{Action, Edit, EditContent, EditId, MAX_CLOCK, in_effect};
use crate::error::{Error, escape};
use crate::value::{Fingerprint, canonical_tag, now, parse_name};

/// Lines of a journal that are longer than this are no edits.
const LONGEST_LINE: u64 = 1024 * 1024;
/// Microseconds that a clock beyond belief may be ahead of one that is known.
const STRIDE: i64 = 3_600_000_000;

/// What edits come after one another by: clock, then id.
type Order = (i64, [u8; 16]);

/// What appending came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edited {
    /// The number of the command, by which it can be taken back.
    pub batch: Option<EditId>,
    /// Clips that an edit was appended for.
    pub clips: usize,
    /// Clips that had been told the same by a person before.
    pub unchanged: usize,
    /// Names of clips that nothing can be said of: they are empty, or were not read yet.
    pub refused: Vec<String>,
}

/// What importing a journal came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Edits that were not known.
    pub new: usize,
    /// Edits that were.
    pub known: usize,
    /// Edits, of all these, on clips that this catalogue has not seen yet.
    pub waiting: usize,
    /// Lines that are no edits: their number, and why.
    pub refused: Vec<(usize, String)>,
}

/// A file whose content was replaced, while people had said something of what stood there.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The clip that is there now.
    pub clip: i64,
    /// The clip that was there before.
    pub former: i64,
    /// What it would take over: edits that count and that it was not told yet.
    pub actions: Vec<Edit>,
}

impl Catalogue {
    /// The edits of a content, in the order of their clocks; all, or those that count.
    ///
    /// # Errors
    /// When `SQLite` fails.
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

    /// How many edits there are.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn edit_count(&self) -> Result<usize, Error> {
        let count: i64 = self.check(|connection| {
            connection.query_row("SELECT count(*) FROM edit", [], |row| row.get(0))
        })?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// The content of a clip, as people's words are kept by; an error where it has none yet.
    ///
    /// # Errors
    /// [`Error::NoContent`] of a clip that was not read yet, or is empty.
    pub fn content_of(&self, clip: i64) -> Result<Fingerprint, Error> {
        let row: Option<(Option<[u8; 16]>, u32)> = self.check(|connection| {
            connection
                .prepare_cached("SELECT fingerprint, algorithm FROM clip WHERE id = ?1")?
                .query_row([clip], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        match row {
            Some((Some(bytes), super::readings::ALGORITHM)) => Ok(Fingerprint::from_bytes(bytes)),
            _ => Err(Error::NoContent {
                name: self.name_of(clip)?,
            }),
        }
    }

    fn name_of(&self, clip: i64) -> Result<String, Error> {
        let name = self.clip(clip)?.and_then(|clip| clip.name);
        Ok(name.map_or_else(|| "the clip".to_owned(), |name| escape(&name.value)))
    }

    /// Appends what is said of each clip, as one command. On return it is on the disk. Of
    /// several clips, those that nothing can be said of are left out.
    ///
    /// # Errors
    /// [`Error::NoContent`] of a single clip, or when the catalogue cannot be written; then
    /// nothing was appended.
    pub fn edit(&self, said: &[(i64, Vec<Action>)], author: &str) -> Result<Edited, Error> {
        self.at_once(|| self.edit_all(said, author))
    }

    /// The same, within a transaction.
    pub(super) fn edit_all(
        &self,
        said: &[(i64, Vec<Action>)],
        author: &str,
    ) -> Result<Edited, Error> {
        let mut journal = self.journal(author)?;
        let mut edited = Edited {
            batch: Some(journal.batch),
            ..Edited::default()
        };
        for (clip, actions) in said {
            let content = match self.content_of(*clip) {
                Err(Error::NoContent { name }) if said.len() > 1 => {
                    edited.refused.push(name);
                    continue;
                }
                content => content?,
            };
            let known = self.edits(content)?;
            let mut is_new = false;
            for action in actions.iter().filter(|action| !is_said(&known, action)) {
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

    /// Writes an edit, unless it is known.
    fn insert(&self, edit: &Edit) -> Result<bool, Error> {
        let said = &edit.content;
        let action = serde_json::to_string(&said.action).map_err(|error| Error::Record {
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
                    said.clip.to_bytes(),
                    said.clock,
                    said.at,
                    said.author,
                    said.batch.to_bytes(),
                    action
                ])
        })?;
        Ok(count > 0)
    }

    /// Every view hears of the clip of a content; whether there is one.
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

    /// Takes back the last command of a person that still counts; gives what was taken back.
    ///
    /// # Errors
    /// When the catalogue cannot be written; then nothing was taken back.
    pub fn undo_last(&self, author: &str) -> Result<Vec<Edit>, Error> {
        self.at_once(|| {
            let mut tried = HashSet::new();
            let mut before = (i64::MAX, [u8::MAX; 16]);
            // An undo takes back; it is not what the next one takes back.
            while let Some((order, batch)) = self.batch_before(author, before)? {
                before = order;
                if !tried.insert(batch) {
                    continue;
                }
                let undone = self.take_back_all(&self.batch(batch, author)?, author)?;
                if !undone.is_empty() {
                    return Ok(undone);
                }
            }
            Ok(Vec::new())
        })
    }

    /// The edit of a person that comes before, by clock and id; and its batch. What was taken in
    /// from elsewhere came in last, but need not be what was said last.
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

    /// What a person said by one command. A journal from elsewhere may give others' edits the
    /// same batch, and an adoption does.
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

    /// Takes back the edit whose id begins so.
    ///
    /// # Errors
    /// [`Error::NoEdit`], or when the catalogue cannot be written.
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
        self.at_once(|| self.take_back_all(std::slice::from_ref(edit), author))
    }

    /// Takes back what a person said by one command, as far as it counts still; gives what was
    /// taken back.
    ///
    /// # Errors
    /// When the catalogue cannot be written; then nothing was taken back.
    pub fn undo_command(&self, batch: EditId, author: &str) -> Result<Vec<Edit>, Error> {
        self.at_once(|| self.take_back_all(&self.batch(batch.to_bytes(), author)?, author))
    }

    /// Appends an undo for each of these edits that counts.
    fn take_back_all(&self, edits: &[Edit], author: &str) -> Result<Vec<Edit>, Error> {
        let mut journal = self.journal(author)?;
        let mut undone = Vec::new();
        // What counts is looked up once a clip: a journal may say a hundred thousand things of one.
        let mut counting: HashMap<Fingerprint, HashSet<EditId>> = HashMap::new();
        for edit in edits {
            let clip = edit.content.clip;
            let counting = match counting.entry(clip) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let all = self.edits(clip)?;
                    unknown.insert(in_effect(&all).iter().map(|edit| edit.id).collect())
                }
            };
            if counting.contains(&edit.id) {
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

    /// Tells every edit, in the order in which they came.
    ///
    /// # Errors
    /// When `SQLite` fails, or `each` does.
    pub fn each_edit(
        &self,
        each: &mut dyn FnMut(&Edit) -> std::io::Result<()>,
    ) -> Result<std::io::Result<()>, Error> {
        self.check(|connection| {
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
        })
    }

    /// Takes in a journal, a line an edit; what is known already changes nothing, and the
    /// order of lines and of journals does not matter.
    ///
    /// # Errors
    /// When the journal cannot be read, or the catalogue not written; then nothing was taken in.
    pub fn import(
        &self,
        journal: &mut dyn BufRead,
    ) -> Result<Result<Imported, std::io::Error>, Error> {
        let mut imported = Imported::default();
        let mut edits = Vec::new();
        let mut number = 0;
        loop {
            number += 1;
            match next_line(journal) {
                Err(error) => return Ok(Err(error)),
                Ok(None) => break,
                Ok(Some(line)) if line.trim_ascii().is_empty() => {}
                Ok(Some(line)) => match read_line(&line) {
                    Ok(edit) => edits.push((number, edit)),
                    Err(reason) => imported.refused.push((number, reason)),
                },
            }
        }
        edits.sort_by_key(|(_, edit)| edit.content.clock);
        self.at_once(|| {
            let mut touched = HashSet::new();
            let mut waiting = HashSet::new();
            let mut last = self.last_clock()?;
            for (number, edit) in &edits {
                let (content, clock) = (edit.content.clip, edit.content.clock);
                if clock >= MAX_CLOCK.max(last.saturating_add(STRIDE)) {
                    let reason = format!("its clock, {clock}, cannot be");
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
        Ok(Ok(imported))
    }

    /// Files whose content was replaced while people had said something of the former one that
    /// the new one was not told; so many of them are looked at.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn adoptions(&self, most: usize) -> Result<Vec<Adoption>, Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let pairs: Vec<(i64, [u8; 16], i64, [u8; 16])> = self.check(|connection| {
            connection
                .prepare(
                    "SELECT DISTINCT n.id, n.fingerprint, o.id, o.fingerprint FROM file f
                     JOIN clip n ON n.id = f.clip JOIN clip o ON o.id = f.former
                     WHERE f.former IS NOT NULL AND NOT f.was AND n.id <> o.id AND n.fingerprint IS NOT NULL
                       AND EXISTS (SELECT 1 FROM edit e WHERE e.clip = o.fingerprint)
                     ORDER BY n.id DESC LIMIT ?1",
                )?
                .query_map([most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect()
        })?;
        let mut adoptions = Vec::new();
        for (clip, now, former, before) in pairs {
            let told = self.edits(Fingerprint::from_bytes(now))?;
            let said = self.edits(Fingerprint::from_bytes(before))?;
            let told: HashSet<&Action> = told.iter().map(|edit| &edit.content.action).collect();
            let is_told = |edit: &Edit| told.contains(&edit.content.action);
            let actions: Vec<Edit> = in_effect(&said)
                .into_iter()
                .filter(|edit| !matches!(edit.content.action, Action::Undo(_)) && !is_told(edit))
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

    /// Has clips be told what people had said of what stood in their places before, as one
    /// command: each word keeps its author and time.
    ///
    /// # Errors
    /// When the catalogue cannot be written; then nothing was taken over.
    pub fn adopt(&self, adoptions: &[Adoption]) -> Result<(), Error> {
        self.at_once(|| {
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

/// The end of the journal, while one command appends to it.
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

/// Whether people said just that already, and nothing else since.
fn is_said(known: &[Edit], action: &Action) -> bool {
    let counting = in_effect(known);
    let about = |edit: &&&Edit| match (&edit.content.action, action) {
        (
            Action::AddTag(one) | Action::RemoveTag(one),
            Action::AddTag(other) | Action::RemoveTag(other),
        ) => canonical_tag(one) == canonical_tag(other),
        (Action::Stars(_), Action::Stars(_)) | (Action::Select(_), Action::Select(_)) => true,
        _ => false,
    };
    let last = counting.iter().rfind(about);
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

/// The next line without its end; one that is too long is cut, and so no edit.
fn next_line(journal: &mut dyn BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = std::io::Read::take(&mut *journal, LONGEST_LINE).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == LONGEST_LINE {
        journal.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

fn read_line(line: &[u8]) -> Result<Edit, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    Edit::from_line(text.trim())
}
