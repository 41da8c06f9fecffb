//! Tags from names: rules that read folder and file names, and say which words fired them.

use std::path::Path;

use serde::Deserialize;

use crate::error::Error;
use crate::value::words::{composed, fold, folded_parts, parts, runs};
use crate::value::{Tagged, Tags, Why};

/// The rules that come with the program.
const BUILT_IN: &str = include_str!("rules.toml");

/// Rules, ready to be applied.
#[derive(Debug)]
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    name: String,
    tag: String,
    /// Each phrase as folded parts.
    phrases: Vec<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rule: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    name: String,
    tag: String,
    phrases: Vec<String>,
}

impl Rules {
    /// The built-in rules.
    ///
    /// # Errors
    /// [`Error::Rules`] when they do not parse, which a test rules out.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(BUILT_IN)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let file: RuleFile =
            toml::from_str(text).map_err(|error| Error::Rules(error.to_string()))?;
        let rules = file.rule.into_iter().map(|rule| Rule {
            phrases: rule
                .phrases
                .iter()
                .map(|phrase| folded_parts(phrase))
                .collect(),
            name: rule.name,
            tag: rule.tag,
        });
        Ok(Self(rules.collect()))
    }

    /// The tags that a path's folder and file names earn.
    #[must_use]
    pub fn tags(&self, path: &Path) -> Tags {
        let names: Vec<Name> = path
            .iter()
            .map(|part| Name::new(&part.to_string_lossy()))
            .collect();
        let fired = self.0.iter().filter_map(|rule| {
            // The innermost folder or the file name speaks most directly.
            let evidence = names
                .iter()
                .rev()
                .find_map(|name| rule.phrases.iter().find_map(|phrase| name.holds(phrase)))?;
            Some(Tagged {
                tag: rule.tag.clone(),
                why: Why::Rule {
                    rule: rule.name.clone(),
                    evidence,
                },
            })
        });
        fired.collect()
    }
}

/// One folder or file name, cut into words.
struct Name {
    /// As it stands.
    text: String,
    /// Each part, folded, with where it stands in `text`.
    parts: Vec<(String, usize, usize)>,
    /// Each whole run, likewise.
    runs: Vec<(String, usize, usize)>,
}

impl Name {
    fn new(text: &str) -> Self {
        let text = &composed(text);
        let place = |piece: &str| {
            let start = piece.as_ptr() as usize - text.as_ptr() as usize;
            (fold(piece), start, start + piece.len())
        };
        Self {
            parts: runs(text).flat_map(parts).map(place).collect(),
            runs: runs(text).map(place).collect(),
            text: text.clone().into_owned(),
        }
    }

    /// The words of the name that are `phrase`, as they stand.
    fn holds(&self, phrase: &[String]) -> Option<String> {
        [&self.parts, &self.runs].into_iter().find_map(|words| {
            let found = words.windows(phrase.len()).find(|window| {
                window
                    .iter()
                    .zip(phrase)
                    .all(|((word, ..), wanted)| word == wanted)
            })?;
            let (start, end) = (found.first()?.1, found.last()?.2);
            self.text.get(start..end).map(str::to_owned)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(path: &str) -> String {
        Rules::built_in().unwrap().tags(Path::new(path)).to_string()
    }

    #[test]
    fn names_earn_their_tags_however_they_are_written() {
        for (path, expected) in [
            ("AdShoot_ACME/A001.mov", "ad shoot"),
            ("ad-shoot/A001.mov", "ad shoot"),
            ("ADSHOOT/A001.mov", "ad shoot"),
            (
                "Studio Session - Night Owls/Day1/C0001.MP4",
                "studio session",
            ),
            ("tv_set/control room/B001.mov", "tv set"),
            ("Music Video 03/clip.mov", "music video"),
            ("shoot/BTSInterview_Drummer.mov", "interview"),
            ("Location Scout/drone/DJI_0042.MP4", "drone, location scout"),
        ] {
            assert_eq!(tags(path), expected, "{path}");
        }
    }

    #[test]
    fn words_that_only_contain_a_phrase_do_not_fire() {
        for path in [
            "roadshow/a.mov",
            "Brad Shooter/a.mov",
            "setting/a.mov",
            "tour2d/x.mov",
            "Adshooting/a.mov",
            "preview/a.mov",
        ] {
            let tags = tags(path);
            assert!(
                !tags.contains("ad shoot") && !tags.contains("set"),
                "{path}: {tags}"
            );
        }
    }

    #[test]
    fn a_tag_says_which_rule_and_which_words() {
        let tags = Rules::built_in()
            .unwrap()
            .tags(Path::new("x/AdShoot_ACME/y.mov"));
        let tagged = tags.iter().next().unwrap();
        let why = Why::Rule {
            rule: "ad-shoot".to_owned(),
            evidence: "AdShoot".to_owned(),
        };
        assert_eq!(tagged.why, why);
    }

    #[test]
    fn rule_names_and_phrases_are_whole() {
        let rules = Rules::built_in().unwrap();
        assert!(
            rules
                .0
                .iter()
                .all(|rule| rule.phrases.iter().all(|phrase| !phrase.is_empty()))
        );
        let mut names: Vec<_> = rules.0.iter().map(|rule| &rule.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), rules.0.len());
    }
}
