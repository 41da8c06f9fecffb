//! Renames tags in edits, and in the table of current names that is applied to rule results.

use std::collections::BTreeMap;

use super::Catalogue;
use crate::clip::{Action, Edit, decided_tags_renamed};
use crate::error::Error;
use crate::tag::current_name;
use crate::value::Fingerprint;

/// Maximum length of a combined former name in bytes. No tag is longer.
const MAX_NAME: usize = 400;

/// Row id of a clip, and the edits to append.
type Planned = (i64, Vec<Action>);

impl Catalogue {
    /// Renames tags and their subtags. Appends edits to the clips as one command of `author`; rule
    /// results are renamed the next time the rules are applied. Returns the number of clips with new
    /// edits.
    ///
    /// # Errors
    /// If the catalogue cannot be written. In that case nothing is renamed.
    pub fn rename_tags(&self, from: &[String], to: &str, author: &str) -> Result<usize, Error> {
        self.write_transaction(|| {
            let before = self.renamed_tags()?;
            // A former name refers to the tag's current name, as in every command.
            let from: Vec<String> = from.iter().map(|tag| current_name(&before, tag)).collect();
            let renamed = with_rename(&before, &from, to);
            let planned = self.planned(&from, (&before, &renamed))?;
            self.set_renamed_tags(&renamed)?;
            // The tag's name changes even on clips without new edits.
            for (clip, _) in &planned {
                self.touch(*clip)?;
            }
            let is_match = |tag: &str| is_below_any(&current_name(&before, tag), &from);
            self.touch_ingest_tagged(&is_match)?;
            Ok(self.edit_all(&planned, author)?.clips)
        })
    }

    /// Returns the clips on which edits added or removed a renamed tag, with new edits that do the
    /// same under the tag's new name.
    fn planned(
        &self,
        from: &[String],
        (before, renamed): (&BTreeMap<String, String>, &BTreeMap<String, String>),
    ) -> Result<Vec<Planned>, Error> {
        let mut planned = Vec::new();
        for (clip, content) in self.contents_with_tags()? {
            let edits = self.edits(content)?;
            let decided = decided_tags_renamed(&edits, &|tag| current_name(before, tag));
            let mut actions = Vec::new();
            let now = |tag: &str| is_below_any(tag, from).then(|| current_name(renamed, tag));
            // When tags are merged, a clip that has any of them gets the new one.
            for (tag, _) in decided.iter().filter(|(_, (is_set, _))| *is_set) {
                if let Some(now) = now(tag).filter(|now| now != tag) {
                    actions.push(Action::RemoveTag(tag.clone()));
                    actions.push(Action::AddTag(now));
                }
            }
            for (tag, _) in decided.iter().filter(|(_, (is_set, _))| !*is_set) {
                let Some(now) = now(tag) else { continue };
                let is_added = actions.contains(&Action::AddTag(now.clone()));
                if !is_added && !decided.contains_key(&now) && !self.has_tag(clip, &now)? {
                    // Without this edit, a rule that sets the new tag would undo the removal.
                    actions.push(Action::RemoveTag(now));
                }
            }
            if decided.keys().any(|tag| now(tag).is_some()) {
                planned.push((clip, actions));
            }
        }
        Ok(planned)
    }

    /// Returns the tags that these edits added (true) or removed (false), by current name.
    ///
    /// Each call reads the table of renamed tags. For many clips, read it once and call
    /// `decided_as`.
    ///
    /// # Errors
    /// If the catalogue cannot be read.
    pub fn decided_by(&self, edits: &[Edit]) -> Result<BTreeMap<String, bool>, Error> {
        Ok(decided_as(edits, &self.renamed_tags()?))
    }

    fn has_tag(&self, clip: i64, tag: &str) -> Result<bool, Error> {
        let tags = self.clip(clip)?.and_then(|clip| clip.tags);
        Ok(tags.is_some_and(|tags| tags.value.iter().any(|tagged| tagged.tag == tag)))
    }

    /// Returns the row ids and fingerprints of the clips with tag edits.
    pub(super) fn contents_with_tags(&self) -> Result<Vec<(i64, Fingerprint)>, Error> {
        self.check(|connection| {
            connection
                .prepare(
                    "SELECT DISTINCT c.id, c.fingerprint FROM edit e JOIN clip c ON c.fingerprint = e.clip
                     WHERE e.action LIKE '{\"add-tag\"%' OR e.action LIKE '{\"remove-tag\"%' ORDER BY c.id",
                )?
                .query_map([], |row| Ok((row.get(0)?, Fingerprint::from_bytes(row.get(1)?))))?
                .collect()
        })
    }
}

/// Returns the tags that these edits added (true) or removed (false), by their names in `renamed`.
pub(super) fn decided_as(
    edits: &[Edit],
    renamed: &BTreeMap<String, String>,
) -> BTreeMap<String, bool> {
    let decided = decided_tags_renamed(edits, &|tag| current_name(renamed, tag)).into_iter();
    decided.map(|(tag, (is_set, _))| (tag, is_set)).collect()
}

/// Returns the new name of a tag after all of `from` are renamed to `to`; `None` if neither the tag
/// nor a parent of it is renamed. The nearest renamed parent counts.
fn renamed_name(tag: &str, from: &[String], to: &str) -> Option<String> {
    let rest = |from: &String| {
        let rest = tag.strip_prefix(from.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    };
    let nearest = from.iter().filter_map(rest).min_by_key(|rest| rest.len())?;
    Some(format!("{to}{nearest}"))
}

fn is_below_any(tag: &str, from: &[String]) -> bool {
    renamed_name(tag, from, "").is_some()
}

/// Returns the table of names after the tags with the current names `from` are renamed to `to`.
///
/// [`current_name`] with the result has two properties. A current name maps to itself, so a name
/// that a user types is never read as the former name of another tag. A former name maps to the
/// current name of its tag, even after chains and rings of renames.
fn with_rename(
    before: &BTreeMap<String, String>,
    from: &[String],
    to: &str,
) -> BTreeMap<String, String> {
    let mut renamed: BTreeMap<String, String> = before
        .iter()
        .map(|(former, now)| {
            let now = renamed_name(now, from, to).unwrap_or_else(|| now.clone());
            (former.clone(), now)
        })
        .collect();
    renamed.extend(from.iter().map(|from| (from.clone(), to.to_owned())));
    // A current name maps to itself, even if its parent is a former name.
    renamed.insert(to.to_owned(), to.to_owned());
    expand_combined(&mut renamed);
    remove_redundant(&mut renamed);
    renamed
}

/// Adds entries for former names that need two existing entries to resolve: if `tv-set` is now `tv`
/// and `tv/taping` is now `show`, adds `tv-set/taping`. Later renames may change one of the two
/// entries, but must not change the meaning of the combined name.
fn expand_combined(renamed: &mut BTreeMap<String, String>) {
    let mut combined = BTreeMap::new();
    for (former, now) in renamed.iter() {
        let above = format!("{now}/");
        let below = renamed.range(above.clone()..);
        for (other, _) in below.take_while(|(other, _)| other.starts_with(&above)) {
            let name = format!("{former}/{}", &other[above.len()..]);
            if former != now && name.len() <= MAX_NAME && !renamed.contains_key(&name) {
                combined.insert(name.clone(), current_name(renamed, &name));
            }
        }
    }
    renamed.extend(combined);
}

/// Maps every former name to its current name, and removes redundant entries.
fn remove_redundant(renamed: &mut BTreeMap<String, String>) {
    let names: Vec<String> = renamed.keys().cloned().collect();
    for name in names {
        let now = current_name(renamed, &name);
        let is_below_another = || {
            let mut slashes = name.match_indices('/');
            slashes.any(|(at, _)| renamed.contains_key(&name[..at]))
        };
        if now == name && !is_below_another() {
            renamed.remove(&name);
        } else {
            renamed.insert(name, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies renames one after another. As in the program, a former name is replaced by the
    /// current name first.
    fn renamed(steps: &[(&str, &str)]) -> BTreeMap<String, String> {
        let mut renamed = BTreeMap::new();
        for (from, to) in steps {
            renamed = with_rename(&renamed, &[current_name(&renamed, from)], to);
        }
        renamed
    }

    #[test]
    fn names_follow_chains_and_never_loop() {
        let listed = |steps: &[(&str, &str)]| {
            let renamed = renamed(steps);
            let all = renamed.iter().map(|(from, to)| format!("{from}={to}"));
            all.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(listed(&[("a", "b"), ("b", "c")]), "a=c b=c");
        assert_eq!(listed(&[("a", "b"), ("b", "a")]), "b=a");
        assert_eq!(listed(&[("a", "a")]), "");
        assert_eq!(listed(&[("a", "b/x"), ("b", "c")]), "a=c/x b=c");
        assert_eq!(listed(&[("a", "b"), ("b", "c"), ("c", "a")]), "b=a c=a");
        let tag = |from: &str| vec![from.to_owned()];
        assert_eq!(
            renamed_name("tv-set/taping", &tag("tv-set"), "tv").as_deref(),
            Some("tv/taping")
        );
        assert_eq!(renamed_name("tv-settings", &tag("tv-set"), "tv"), None);
    }

    #[test]
    fn a_name_reused_in_a_ring_of_renames_maps_to_itself() {
        let ring = renamed(&[
            ("beta/two", "beta"),
            ("beta", "drone"),
            ("drone", "beta/two"),
        ]);
        for tag in ["beta/two", "beta", "drone"] {
            assert_eq!(current_name(&ring, tag), "beta/two", "{tag}");
        }
        assert_eq!(current_name(&ring, "beta/two/close"), "beta/two/close");
        assert_eq!(current_name(&ring, "beta/close"), "beta/two/close");
    }

    #[test]
    fn a_separately_renamed_subtag_keeps_its_name() {
        let table = renamed(&[
            ("beta/two", "drone"),
            ("beta", "alpha"),
            ("drone", "beta/two"),
        ]);
        assert_eq!(current_name(&table, "beta/two"), "beta/two");
        assert_eq!(current_name(&table, "beta/three"), "alpha/three");
    }

    #[test]
    fn a_former_subtag_keeps_its_meaning_under_a_renamed_parent() {
        let table = renamed(&[("tv/taping", "show"), ("tv-set", "tv")]);
        assert_eq!(current_name(&table, "tv-set/taping"), "show");
        assert_eq!(current_name(&table, "tv/taping"), "show");
    }

    #[test]
    fn a_tag_and_its_subtag_can_be_merged() {
        let both = ["a".to_owned(), "a/b".to_owned()];
        for from in [both.clone(), [both[1].clone(), both[0].clone()]] {
            let merged = with_rename(&BTreeMap::new(), &from, "c");
            assert_eq!(current_name(&merged, "a/b"), "c");
            assert_eq!(current_name(&merged, "a/b/x"), "c/x");
            assert_eq!(current_name(&merged, "a/x"), "c/x");
        }
    }

    #[test]
    fn current_names_map_to_themselves_after_any_renames() {
        // Every sequence of four allowed renames of tags and subtags.
        let names = ["a", "b", "a/x", "b/x"];
        let pairs: Vec<(&str, &str)> = names
            .iter()
            .flat_map(|from| names.iter().map(move |to| (*from, *to)))
            .collect();
        let below = names.iter().map(|name| format!("{name}/y"));
        let all: Vec<String> = names
            .iter()
            .map(|name| (*name).to_owned())
            .chain(below)
            .collect();
        for_each_sequence(&pairs, 4, &BTreeMap::new(), &all);
    }

    fn for_each_sequence(
        pairs: &[(&str, &str)],
        length: usize,
        before: &BTreeMap<String, String>,
        names: &[String],
    ) {
        if length == 0 {
            return;
        }
        for (from, to) in pairs {
            let from = current_name(before, from);
            let target = current_name(before, to);
            let is_allowed = (target == *to || target == from)
                && from != *to
                && !to.starts_with(&format!("{from}/"));
            if !is_allowed {
                continue;
            }
            let after = with_rename(before, std::slice::from_ref(&from), to);
            assert_eq!(current_name(&after, &from), *to);
            assert_eq!(current_name(&after, to), *to);
            for name in names {
                let now = current_name(&after, name);
                assert_eq!(
                    current_name(&after, &now),
                    now,
                    "{name} {from}={to} {after:?}"
                );
                let was = current_name(before, name);
                let expected = renamed_name(&was, std::slice::from_ref(&from), to).unwrap_or(was);
                assert_eq!(
                    now,
                    current_name(&after, &expected),
                    "{name} {from}={to} {before:?} {after:?}"
                );
            }
            for_each_sequence(pairs, length - 1, &after, names);
        }
    }
}
