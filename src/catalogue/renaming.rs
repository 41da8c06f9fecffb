//! Tags that are called otherwise from now on: what people said, and what rules will give.

use std::collections::BTreeMap;

use super::Catalogue;
use crate::clip::{Action, decided_tags};
use crate::error::Error;
use crate::tag::called;
use crate::value::Fingerprint;

/// A clip and what people are to say of it.
type Planned = (i64, Vec<Action>);

impl Catalogue {
    /// Calls tags, and all below them, otherwise: in what people said, as one command of
    /// `author`, and in what rules give from now on, once clips are tagged anew. Gives how many
    /// clips people had to say something new of.
    ///
    /// # Errors
    /// When the catalogue cannot be written; then nothing was renamed.
    pub fn rename_tags(&self, from: &[String], to: &str, author: &str) -> Result<usize, Error> {
        self.at_once(|| {
            let planned = self.planned(from, to)?;
            let mut renamed = self.renamed_tags()?;
            let before = renamed.clone();
            for tag in from {
                add_name(&mut renamed, tag, to);
            }
            self.remember_renamed(&renamed)?;
            // It is heard otherwise, also where nothing has to be said.
            for (clip, _) in &planned {
                self.touch(*clip)?;
            }
            let is_meant = |tag: &str| {
                let tag = called(&before, tag);
                from.iter().any(|from| other_name(&tag, from, to).is_some())
            };
            self.touch_told(&is_meant)?;
            Ok(self.edit_all(&planned, author)?.clips)
        })
    }

    /// The clips of whose tags people decided under a former name, and what has to be said so that
    /// their words are of the new one.
    fn planned(&self, from: &[String], to: &str) -> Result<Vec<Planned>, Error> {
        let mut planned = Vec::new();
        for (clip, content) in self.contents_with_tags()? {
            let edits = self.edits(content)?;
            let decided = decided_tags(&edits);
            let mut actions = Vec::new();
            let now = |tag: &str| from.iter().find_map(|from| other_name(tag, from, to));
            // Of several that become one, it stays where one of them is.
            for (tag, _) in decided.iter().filter(|(_, (is_there, _))| *is_there) {
                if let Some(now) = now(tag) {
                    actions.push(Action::RemoveTag(tag.clone()));
                    actions.push(Action::AddTag(now));
                }
            }
            for (tag, _) in decided.iter().filter(|(_, (is_there, _))| !*is_there) {
                let Some(now) = now(tag) else { continue };
                let is_added = actions.contains(&Action::AddTag(now.clone()));
                if !is_added && !decided.contains_key(&now) && !self.has_tag(clip, &now)? {
                    // A rule that gives it from now on must not bring it back.
                    actions.push(Action::RemoveTag(now));
                }
            }
            if decided.keys().any(|tag| now(tag).is_some()) {
                planned.push((clip, actions));
            }
        }
        Ok(planned)
    }

    fn has_tag(&self, clip: i64, tag: &str) -> Result<bool, Error> {
        let tags = self.clip(clip)?.and_then(|clip| clip.tags);
        Ok(tags.is_some_and(|tags| tags.value.iter().any(|tagged| tagged.tag == tag)))
    }

    /// Clips of whose tags people decided, by number and content.
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

/// What a tag is called when `from`, or what stands above it there, is called `to`.
fn other_name(tag: &str, from: &str, to: &str) -> Option<String> {
    let below = tag.strip_prefix(from)?;
    (below.is_empty() || below.starts_with('/')).then(|| format!("{to}{below}"))
}

/// Adds a name to those that are other ones now; names that lead to it lead on, and none leads
/// back to itself.
fn add_name(renamed: &mut BTreeMap<String, String>, from: &str, to: &str) {
    for now in renamed.values_mut() {
        if let Some(on) = other_name(now, from, to) {
            *now = on;
        }
    }
    renamed.insert(from.to_owned(), to.to_owned());
    renamed.retain(|from, to| from != to);
    renamed.remove(to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_on_and_never_in_a_circle() {
        let renamed = |steps: &[(&str, &str)]| {
            let mut renamed = BTreeMap::new();
            for (from, to) in steps {
                add_name(&mut renamed, from, to);
            }
            let all = renamed.iter().map(|(from, to)| format!("{from}={to}"));
            all.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(renamed(&[("a", "b"), ("b", "c")]), "a=c b=c");
        assert_eq!(renamed(&[("a", "b"), ("b", "a")]), "b=a");
        assert_eq!(renamed(&[("a", "a")]), "");
        assert_eq!(renamed(&[("a", "b/x"), ("b", "c")]), "a=c/x b=c");
        assert_eq!(renamed(&[("a", "b"), ("b", "c"), ("c", "a")]), "b=a c=a");
        assert_eq!(
            other_name("tv-set/taping", "tv-set", "tv").as_deref(),
            Some("tv/taping")
        );
        assert_eq!(other_name("tv-settings", "tv-set", "tv"), None);
    }
}
