//! What rules look at, and what they gave: the catalogue tagged anew, without a drive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rusqlite::params;

use super::Catalogue;
use super::document_codec::Packer;
use super::renaming::decided_as;
use crate::clip::Clip;
use crate::error::Error;
use crate::tag::{UserRules, Vocabulary};
use crate::value::from_bytes;

/// A folder as rules look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Housed {
    /// Below the volume's root.
    pub inside: PathBuf,
    /// What its volume is called.
    pub volume: String,
    /// The names of the files that are there, companions too.
    pub names: Vec<String>,
}

/// A file, and what is kept of it.
#[derive(Debug)]
pub struct Kept {
    /// The number of its clip.
    pub clip: i64,
    /// Where it is below its volume.
    pub inside: PathBuf,
    /// What the content says.
    pub content: Clip,
    /// What its names, sidecars and rules said.
    pub own: Clip,
}

/// A file's row.
struct Row {
    file: i64,
    clip: i64,
    inside: PathBuf,
    content: Option<Vec<u8>>,
    own: Vec<u8>,
    folder: i64,
}

/// A file whose facts are others now.
struct Changed {
    file: i64,
    clip: i64,
    before: Vec<u8>,
    now: Vec<u8>,
}

/// Rows that are looked at together.
const BATCH: usize = 4096;

/// Keys of what a person wrote beside the built-in rules.
const RULES: &str = "rules";
const VOCABULARY: &str = "vocabulary";
const RENAMED: &str = "renamed-tags";

impl Catalogue {
    /// The rules and the vocabulary of a person that are in force.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn own_rules(&self) -> Result<UserRules, Error> {
        Ok(UserRules {
            rules: self.remembered(RULES)?,
            vocabulary: self.remembered(VOCABULARY)?,
            renamed: self.renamed_tags()?,
        })
    }

    /// Tags that are called otherwise, by what they were called.
    pub(super) fn renamed_tags(&self) -> Result<BTreeMap<String, String>, Error> {
        let renamed = self.remembered(RENAMED)?;
        Ok(renamed
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default())
    }

    /// Puts rules and vocabulary in force, for all that is tagged from now on.
    ///
    /// # Errors
    /// When the catalogue cannot be written.
    pub fn put_in_force(&self, own: &UserRules) -> Result<(), Error> {
        self.at_once(|| {
            for (key, value) in [(RULES, &own.rules), (VOCABULARY, &own.vocabulary)] {
                match value {
                    Some(value) => self.remember(key, value)?,
                    None => self.forget(key)?,
                }
            }
            self.remember_renamed(&own.renamed)
        })
    }

    pub(super) fn remember_renamed(&self, renamed: &BTreeMap<String, String>) -> Result<(), Error> {
        if renamed.is_empty() {
            return self.forget(RENAMED);
        }
        let json = serde_json::to_string(renamed).unwrap_or_default();
        self.remember(RENAMED, &json)
    }

    /// The vocabulary in force.
    ///
    /// # Errors
    /// When `SQLite` fails, or what is in force cannot be understood by this version.
    pub fn vocabulary(&self) -> Result<Vocabulary, Error> {
        let own = self.own_rules()?;
        Vocabulary::new(own.vocabulary.as_deref(), own.renamed)
    }

    /// A folder as rules look at it; its names only where they are asked for.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn housed(&self, folder: i64, with_names: bool) -> Result<Housed, Error> {
        let (inside, volume) = self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT d.path, coalesce(v.name, v.label) FROM dir d JOIN volume v ON v.id = d.volume
                     WHERE d.id = ?1",
                )?
                .query_row([folder], |row| {
                    Ok((PathBuf::from(from_bytes(row.get(0)?)), row.get(1)?))
                })
        })?;
        let names = if with_names {
            self.names_in(folder)?
        } else {
            Vec::new()
        };
        Ok(Housed {
            inside,
            volume,
            names,
        })
    }

    fn names_in(&self, folder: i64) -> Result<Vec<String>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(
                    "SELECT name FROM file WHERE dir = ?1 AND state <> 2 AND NOT was AND role <> 4 ORDER BY name",
                )?
                .query_map([folder], |row| {
                    Ok(from_bytes(row.get(0)?).to_string_lossy().into_owned())
                })?
                .collect()
        })
    }

    /// The numbers of all folders that hold footage.
    ///
    /// # Errors
    /// When `SQLite` fails.
    pub fn folders(&self) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare("SELECT id FROM dir ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Looks at every file of some folders that was read, on all processors, folder by folder;
    /// where `tell` gives other facts for it, those are written. Gives how many clips changed.
    ///
    /// `place` makes of a folder what `tell` looks at. `each` hears after each batch how many files were looked
    /// at; when it says no, what was written stays and the rest is left.
    ///
    /// # Errors
    /// When the catalogue cannot be read or written.
    pub fn tell_anew<P: Send + Sync>(
        &self,
        folders: &[i64],
        place: &mut dyn FnMut(i64) -> Result<P, Error>,
        tell: &(dyn Fn(&P, &Kept) -> Option<Clip> + Sync),
        each: &mut dyn FnMut(usize) -> bool,
    ) -> Result<usize, Error> {
        let mut clips = HashSet::new();
        let behind = self.left_behind()?;
        let mut looked = 0;
        let mut at = 0;
        while at < folders.len() {
            let mut batch: Vec<(P, Vec<Row>)> = Vec::new();
            let mut rows = 0;
            while at < folders.len() && rows < BATCH {
                let folder = folders[at];
                let behind = behind.get(&folder).map_or(&[][..], Vec::as_slice);
                let files = self.read_files(folder, behind)?;
                rows += files.len();
                if !files.is_empty() {
                    batch.push((place(folder)?, files));
                }
                at += 1;
            }
            let changed = changed_of(batch, tell);
            looked += rows;
            if !changed.is_empty() {
                self.write_changed(&changed, &mut clips)?;
            }
            if !each(looked) {
                break;
            }
        }
        Ok(clips.len())
    }

    fn write_changed(&self, changed: &[Changed], clips: &mut HashSet<i64>) -> Result<(), Error> {
        self.at_once(|| {
            let mut touched = HashSet::new();
            for one in changed {
                // Whoever read it meanwhile knows better.
                let count = self.check(|connection| {
                    connection
                        .prepare_cached("UPDATE file SET facts = ?2 WHERE id = ?1 AND facts = ?3")?
                        .execute(params![one.file, one.now, one.before])
                })?;
                if count > 0 && touched.insert(one.clip) {
                    self.touch(one.clip)?;
                }
            }
            clips.extend(touched);
            Ok(())
        })
    }

    /// The files of a clip that were read, each with the number of its folder, in an order that mounting
    /// does not change.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn kept(&self, clip: i64) -> Result<Vec<(i64, Kept)>, Error> {
        let mut rows = self.rows("f.clip = ?1", clip)?;
        rows.sort_by(|a, b| (a.folder, &a.inside).cmp(&(b.folder, &b.inside)));
        let unpack = |stored: Option<&Vec<u8>>| self.unpack(stored).unwrap_or_default();
        let kept = rows.into_iter().map(|row| {
            let kept = Kept {
                clip,
                content: unpack(row.content.as_ref()),
                own: unpack(Some(&row.own)),
                inside: row.inside,
            };
            (row.folder, kept)
        });
        Ok(kept.collect())
    }

    /// Tags that people gave clips, or took from them, as the number of the clip and the tag.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn decided_tags(&self) -> Result<HashSet<(i64, String)>, Error> {
        let (mut decided, renamed) = (HashSet::new(), self.renamed_tags()?);
        for (clip, content) in self.contents_with_tags()? {
            let tags = decided_as(&self.edits(content)?, &renamed).into_keys();
            decided.extend(tags.map(|tag| (clip, tag)));
        }
        Ok(decided)
    }

    /// Files by their numbers whose places other contents took, folder by folder.
    fn left_behind(&self) -> Result<HashMap<i64, Vec<i64>>, Error> {
        let rows: Vec<(i64, i64)> = self.check(|connection| {
            connection
                .prepare("SELECT dir, id FROM file WHERE was")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let mut behind: HashMap<i64, Vec<i64>> = HashMap::new();
        for (folder, file) in rows {
            behind.entry(folder).or_default().push(file);
        }
        Ok(behind)
    }

    /// The files of a folder that were read.
    fn read_files(&self, folder: i64, behind: &[i64]) -> Result<Vec<Row>, Error> {
        let mut rows = self.rows("f.dir = ?1 AND NOT f.was", folder)?;
        for &file in behind {
            rows.extend(self.rows("f.id = ?1", file)?);
        }
        Ok(rows)
    }

    fn rows(&self, which: &str, number: i64) -> Result<Vec<Row>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT f.id, f.clip, d.path, f.name, c.facts, f.facts, f.dir
                     FROM file f JOIN clip c ON c.id = f.clip JOIN dir d ON d.id = f.dir
                     WHERE {which} AND f.role = 0 AND f.facts IS NOT NULL"
                ))?
                .query_map([number], |row| {
                    let folder = PathBuf::from(from_bytes(row.get(2)?));
                    Ok(Row {
                        file: row.get(0)?,
                        clip: row.get(1)?,
                        inside: folder.join(from_bytes(row.get(3)?)),
                        content: row.get(4)?,
                        own: row.get(5)?,
                        folder: row.get(6)?,
                    })
                })?
                .collect()
        })
    }
}

/// Which files are told otherwise.
fn changed_of<P: Send + Sync>(
    batch: Vec<(P, Vec<Row>)>,
    tell: &(dyn Fn(&P, &Kept) -> Option<Clip> + Sync),
) -> Vec<Changed> {
    let mut files = Vec::new();
    let mut places = Vec::new();
    for (number, (place, rows)) in batch.into_iter().enumerate() {
        places.push(place);
        files.extend(rows.into_iter().map(|row| (number, row)));
    }
    files
        .into_par_iter()
        .map_init(Packer::new, |packer, (number, row)| {
            // What cannot be unpacked stays as it is; a rescan reads it anew.
            let packer = packer.as_mut().ok()?;
            let mut unpack = |stored: &[u8]| -> Option<Clip> {
                serde_json::from_str(&packer.unpack(stored).ok()?).ok()
            };
            let kept = Kept {
                clip: row.clip,
                inside: row.inside,
                content: row
                    .content
                    .as_deref()
                    .map_or(Some(Clip::default()), &mut unpack)?,
                own: unpack(&row.own)?,
            };
            let now = tell(&places[number], &kept)?;
            let json = serde_json::to_string(&now).ok()?;
            Some(Changed {
                file: row.file,
                clip: row.clip,
                before: row.own,
                now: packer.pack(&json).ok()?,
            })
        })
        .flatten_iter()
        .collect()
}
