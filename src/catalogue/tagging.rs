//! Applies rules to files in the catalogue, without access to their drives.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rusqlite::params;

use super::Catalogue;
use super::document_codec::Packer;
use super::tag_renaming::decided_as;
use crate::clip::Clip;
use crate::error::Error;
use crate::tag::{UserRules, Vocabulary};
use crate::value::from_bytes;

/// Folder as input for rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFolder {
    /// Path relative to the root of the volume.
    pub inside: PathBuf,
    /// Name given by the user, otherwise the label of the volume.
    pub volume: String,
    /// Names of the files in the folder, including companions.
    pub names: Vec<String>,
}

/// File and its stored facts as input for rules.
#[derive(Debug)]
pub struct RuleFile {
    /// Row id of the clip.
    pub clip: i64,
    /// Path relative to the root of the volume.
    pub inside: PathBuf,
    /// Facts of the content.
    pub content: Clip,
    /// Facts from names, sidecars and rules.
    pub own: Clip,
}

/// Stored facts of a file and of its content, before they are unpacked.
struct FactsRow {
    file: i64,
    clip: i64,
    inside: PathBuf,
    content: Option<Vec<u8>>,
    own: Vec<u8>,
    folder: i64,
}

/// File whose facts the rules changed.
struct Changed {
    file: i64,
    clip: i64,
    before: Vec<u8>,
    now: Vec<u8>,
}

/// Number of files that are processed together.
const BATCH: usize = 4096;

/// Keys of custom rules, vocabulary and renamed tags in the `meta` table.
const RULES: &str = "rules";
const VOCABULARY: &str = "vocabulary";
const RENAMED: &str = "renamed-tags";

impl Catalogue {
    /// Returns the active custom rules and vocabulary.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn user_rules(&self) -> Result<UserRules, Error> {
        Ok(UserRules {
            rules: self.meta_value(RULES)?,
            vocabulary: self.meta_value(VOCABULARY)?,
            renamed: self.renamed_tags()?,
        })
    }

    /// Returns the current names of renamed tags, by former name.
    pub(super) fn renamed_tags(&self) -> Result<BTreeMap<String, String>, Error> {
        let renamed = self.meta_value(RENAMED)?;
        Ok(renamed
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default())
    }

    /// Activates custom rules and vocabulary for all future tagging.
    ///
    /// # Errors
    /// If the catalogue cannot be written.
    pub fn activate_rules(&self, custom: &UserRules) -> Result<(), Error> {
        self.write_transaction(|| {
            for (key, value) in [(RULES, &custom.rules), (VOCABULARY, &custom.vocabulary)] {
                match value {
                    Some(value) => self.set_meta(key, value)?,
                    None => self.delete_meta(key)?,
                }
            }
            self.set_renamed_tags(&custom.renamed)
        })
    }

    pub(super) fn set_renamed_tags(&self, renamed: &BTreeMap<String, String>) -> Result<(), Error> {
        if renamed.is_empty() {
            return self.delete_meta(RENAMED);
        }
        let json = serde_json::to_string(renamed).unwrap_or_default();
        self.set_meta(RENAMED, &json)
    }

    /// Returns the active vocabulary.
    ///
    /// # Errors
    /// If `SQLite` fails, or this version cannot parse the active vocabulary.
    pub fn vocabulary(&self) -> Result<Vocabulary, Error> {
        let custom = self.user_rules()?;
        Vocabulary::new(custom.vocabulary.as_deref(), custom.renamed)
    }

    /// Returns a folder as input for rules. Includes the names of its files if `with_names` is true.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn rule_folder(&self, folder: i64, with_names: bool) -> Result<RuleFolder, Error> {
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
        Ok(RuleFolder {
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

    /// Returns the row ids of all folders.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn folders(&self) -> Result<Vec<i64>, Error> {
        self.check(|connection| {
            connection
                .prepare("SELECT id FROM dir ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Applies `rules` in parallel to all files of some folders that were read, and writes the
    /// changed facts. Returns the number of changed clips.
    ///
    /// `prepare` returns the context of a folder, given its row id. `on_batch` receives the number
    /// of processed files after each batch. If it returns false, the remaining files are skipped.
    ///
    /// # Errors
    /// If the catalogue cannot be read or written.
    pub fn retag_files<P: Send + Sync>(
        &self,
        folders: &[i64],
        prepare: &mut dyn FnMut(i64) -> Result<P, Error>,
        rules: &(dyn Fn(&P, &RuleFile) -> Option<Clip> + Sync),
        on_batch: &mut dyn FnMut(usize) -> bool,
    ) -> Result<usize, Error> {
        let mut clips = HashSet::new();
        let replaced = self.replaced_files()?;
        let mut processed = 0;
        let mut at = 0;
        while at < folders.len() {
            let mut batch: Vec<(P, Vec<FactsRow>)> = Vec::new();
            let mut rows = 0;
            while at < folders.len() && rows < BATCH {
                let folder = folders[at];
                let in_folder = replaced.get(&folder).map_or(&[][..], Vec::as_slice);
                let files = self.read_files(folder, in_folder)?;
                rows += files.len();
                if !files.is_empty() {
                    batch.push((prepare(folder)?, files));
                }
                at += 1;
            }
            let changed = changed_files(batch, rules);
            processed += rows;
            if !changed.is_empty() {
                self.write_changed(&changed, &mut clips)?;
            }
            if !on_batch(processed) {
                break;
            }
        }
        Ok(clips.len())
    }

    fn write_changed(&self, changed: &[Changed], clips: &mut HashSet<i64>) -> Result<(), Error> {
        self.write_transaction(|| {
            let mut touched = HashSet::new();
            for file in changed {
                // A concurrent scan may have written newer facts, which are not overwritten.
                let count = self.check(|connection| {
                    connection
                        .prepare_cached("UPDATE file SET facts = ?2 WHERE id = ?1 AND facts = ?3")?
                        .execute(params![file.file, file.now, file.before])
                })?;
                if count > 0 && touched.insert(file.clip) {
                    self.touch(file.clip)?;
                }
            }
            clips.extend(touched);
            Ok(())
        })
    }

    /// Returns the files of a clip that were read, with the row ids of their folders. The order does
    /// not depend on mounted volumes.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn rule_files(&self, clip: i64) -> Result<Vec<(i64, RuleFile)>, Error> {
        let mut rows = self.rows("f.clip = ?1", clip)?;
        rows.sort_by(|a, b| (a.folder, &a.inside).cmp(&(b.folder, &b.inside)));
        let unpack = |stored: Option<&Vec<u8>>| self.unpack(stored).unwrap_or_default();
        let files = rows.into_iter().map(|row| {
            let file = RuleFile {
                clip,
                content: unpack(row.content.as_ref()),
                own: unpack(Some(&row.own)),
                inside: row.inside,
            };
            (row.folder, file)
        });
        Ok(files.collect())
    }

    /// Returns the tags that people added or removed, each with the row id of the clip.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn decided_tags(&self) -> Result<HashSet<(i64, String)>, Error> {
        let (mut decided, renamed) = (HashSet::new(), self.renamed_tags()?);
        for (clip, content) in self.contents_with_tags()? {
            let tags = decided_as(&self.edits(content)?, &renamed).into_keys();
            decided.extend(tags.map(|tag| (clip, tag)));
        }
        Ok(decided)
    }

    /// Returns the row ids of the former contents of files, by folder.
    fn replaced_files(&self) -> Result<HashMap<i64, Vec<i64>>, Error> {
        let rows: Vec<(i64, i64)> = self.check(|connection| {
            connection
                .prepare("SELECT dir, id FROM file WHERE was")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })?;
        let mut replaced: HashMap<i64, Vec<i64>> = HashMap::new();
        for (folder, file) in rows {
            replaced.entry(folder).or_default().push(file);
        }
        Ok(replaced)
    }

    /// Returns the read files of a folder, and the former contents with the row ids `replaced`.
    fn read_files(&self, folder: i64, replaced: &[i64]) -> Result<Vec<FactsRow>, Error> {
        let mut rows = self.rows("f.dir = ?1 AND NOT f.was", folder)?;
        for &file in replaced {
            rows.extend(self.rows("f.id = ?1", file)?);
        }
        Ok(rows)
    }

    fn rows(&self, condition: &str, id: i64) -> Result<Vec<FactsRow>, Error> {
        self.check(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT f.id, f.clip, d.path, f.name, c.facts, f.facts, f.dir
                     FROM file f JOIN clip c ON c.id = f.clip JOIN dir d ON d.id = f.dir
                     WHERE {condition} AND f.role = 0 AND f.facts IS NOT NULL"
                ))?
                .query_map([id], |row| {
                    let folder = PathBuf::from(from_bytes(row.get(2)?));
                    Ok(FactsRow {
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

/// Returns the files whose facts the rules change.
fn changed_files<P: Send + Sync>(
    batch: Vec<(P, Vec<FactsRow>)>,
    rules: &(dyn Fn(&P, &RuleFile) -> Option<Clip> + Sync),
) -> Vec<Changed> {
    let mut files = Vec::new();
    let mut contexts = Vec::new();
    for (number, (context, rows)) in batch.into_iter().enumerate() {
        contexts.push(context);
        files.extend(rows.into_iter().map(|row| (number, row)));
    }
    files
        .into_par_iter()
        .map_init(Packer::new, |packer, (number, row)| {
            // A damaged document is left unchanged. A rescan reads the file again.
            let packer = packer.as_mut().ok()?;
            let mut unpack = |stored: &[u8]| -> Option<Clip> {
                serde_json::from_str(&packer.unpack(stored).ok()?).ok()
            };
            let file = RuleFile {
                clip: row.clip,
                inside: row.inside,
                content: row
                    .content
                    .as_deref()
                    .map_or(Some(Clip::default()), &mut unpack)?,
                own: unpack(&row.own)?,
            };
            let now = rules(&contexts[number], &file)?;
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
