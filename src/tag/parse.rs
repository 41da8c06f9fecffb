//! Parser of rules files in TOML.

use std::collections::{HashMap, HashSet};

use jiff::civil::Weekday;
use regex::{Regex, RegexBuilder};

use super::condition::{Condition, NeighbourTest, TextScope, is_text_field};
use super::phrase_matcher::{PhraseId, PhraseMatcher};
use super::rule::{Rule, RuleFact};
use super::vocabulary::{FILE_KIND, Vocabulary};
use crate::clip::{Clip, FIELDS};
use crate::error::{Error, closest};
use crate::toml_file::{TomlFile, TomlTable, TomlValue};
use crate::value::words::folded_runs;
use crate::value::{Malformed, Quantity, Resolution, parse_tag};

/// Maximum nesting depth of conditions.
const MAX_DEPTH: usize = 16;
/// Maximum size of a compiled pattern in bytes; `(a{1000}){1000}` exceeds it.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;
/// Maximum length of a phrase in bytes.
const MAX_PHRASE_BYTES: usize = 100;
/// Default confidence of a rule in percent.
const DEFAULT_CONFIDENCE: u8 = 90;

/// Keys of a rule.
const SETTINGS: [&str; 13] = [
    "name",
    "help",
    "when",
    "tags",
    "production",
    "shoot_day",
    "camera_letter",
    "scene",
    "take",
    "confidence",
    "priority",
    "excludes",
    "off",
];
/// Keys of a condition that are not fields.
const CONDITIONS: [&str; 16] = [
    "all",
    "any",
    "not",
    "path",
    "folder",
    "name",
    "volume",
    "text",
    "neighbour",
    "scheme",
    "extension",
    "time",
    "weekday",
    "near",
    "resolution",
    "has",
];

/// Builder of [`super::Rules`]: collects the rules of several files, with their phrases and
/// neighbour tests.
pub(super) struct RuleBuilder<'v> {
    vocabulary: &'v Vocabulary,
    pub(super) phrase_matcher: PhraseMatcher,
    pub(super) tests: Vec<NeighbourTest>,
    pub(super) rules: Vec<Rule>,
    /// Phrases in folder names that disable name-based rules.
    pub(super) unrelated: HashSet<PhraseId>,
    /// Index of each rule in `rules`, by name.
    indices: HashMap<String, usize>,
}

impl<'v> RuleBuilder<'v> {
    pub(super) fn new(vocabulary: &'v Vocabulary) -> Self {
        Self {
            vocabulary,
            phrase_matcher: PhraseMatcher::default(),
            tests: Vec::new(),
            rules: Vec::new(),
            unrelated: HashSet::new(),
            indices: HashMap::new(),
        }
    }

    /// Adds a rules file. A rule replaces the rule of the same name in an earlier file.
    pub(super) fn add_file(&mut self, name: &str, text: &str) -> Result<(), Error> {
        TomlFile {
            name,
            text,
            kind: FILE_KIND,
        }
        .read(|file| {
            file.check_keys(&["rule", "words"])?;
            if let Some(words) = file.get("words") {
                self.add_words(&words.table("words")?)?;
            }
            let mut names_in_file = HashSet::new();
            let tables = file.tables("rule")?;
            for table in &tables {
                let rule = self.parse_rule(table)?;
                if !names_in_file.insert(rule.name.clone()) {
                    return Err(table.wrong(
                        format!("two rules are named `{}`", rule.name),
                        "give each rule a different name",
                    ));
                }
                if let Some(&index) = self.indices.get(&rule.name) {
                    self.rules[index] = rule;
                } else {
                    self.indices.insert(rule.name.clone(), self.rules.len());
                    self.rules.push(rule);
                }
            }
            tables
                .iter()
                .try_for_each(|table| self.check_excluded(table))
        })
    }

    fn add_words(&mut self, table: &TomlTable<'_>) -> Result<(), Error> {
        table.check_keys(&["not_in", "not_after", "not_before", "right"])?;
        for (text, _) in table.texts("not_in")? {
            self.unrelated.insert(self.phrase_matcher.add(text));
        }
        let mut lists = Vec::new();
        for key in ["not_after", "not_before", "right"] {
            lists.push(
                table
                    .texts(key)?
                    .into_iter()
                    .map(|(text, _)| text)
                    .collect::<Vec<_>>(),
            );
        }
        self.phrase_matcher
            .add_exceptions(&lists[0], &lists[1], &lists[2]);
        Ok(())
    }

    /// Checks that the rules named in `excludes` exist.
    fn check_excluded(&self, table: &TomlTable<'_>) -> Result<(), Error> {
        let names: Vec<&str> = self.rules.iter().map(|rule| rule.name.as_str()).collect();
        for (name, value) in table.texts("excludes")? {
            if !names.contains(&name) {
                let hint = closest(name, &names).map_or_else(
                    || "`btsindex tags rules` prints the built-in rules".to_owned(),
                    |close| format!("did you mean `{close}`?"),
                );
                return Err(value.wrong(format!("no rule `{name}`"), hint));
            }
        }
        Ok(())
    }

    fn parse_rule(&mut self, table: &TomlTable<'_>) -> Result<Rule, Error> {
        table.check_keys(&SETTINGS)?;
        let name = table.required("name", "ad-shoot")?.to_owned();
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '/');
        if name.is_empty() || name.len() > MAX_PHRASE_BYTES || !name.chars().all(is_plain) {
            return Err(table.wrong(
                "a rule's name must have 1 to 100 letters, digits, dashes and spaces".to_owned(),
                "for example `name = \"ad-shoot\"`",
            ));
        }
        let is_off = table.flag("off")?;
        let when = match table.get("when") {
            Some(value) => self.parse_condition(&value.table("when")?, 0)?,
            None if is_off => Condition::Any(Vec::new()),
            None => {
                return Err(table.wrong(
                    format!("the rule `{name}` has no condition"),
                    "for example `when = { path = \"ad shoot\" }`",
                ));
            }
        };
        let tags: Result<Vec<String>, Error> = table
            .texts("tags")?
            .into_iter()
            .map(parse_tag_entry)
            .collect();
        let excludes = table.texts("excludes")?;
        let rule = Rule {
            name,
            when,
            tags: tags?,
            facts: parse_facts(table)?,
            confidence: table
                .number("confidence", 1..=100)?
                .and_then(|number| u8::try_from(number).ok())
                .unwrap_or(DEFAULT_CONFIDENCE),
            priority: table.number("priority", -1000..=1000)?.unwrap_or(0),
            excludes: excludes
                .into_iter()
                .map(|(name, _)| name.to_owned())
                .collect(),
            is_off,
        };
        let has_effect =
            !rule.tags.is_empty() || !rule.facts.is_empty() || !rule.excludes.is_empty();
        if has_effect || is_off {
            Ok(rule)
        } else {
            Err(table.wrong(
                format!("the rule `{}` has no effect", rule.name),
                "for example `tags = [\"interview\"]`",
            ))
        }
    }

    fn parse_condition(&mut self, table: &TomlTable<'_>, depth: usize) -> Result<Condition, Error> {
        if depth > MAX_DEPTH {
            return Err(table.wrong(
                format!("conditions are nested more than {MAX_DEPTH} deep"),
                "split it into two rules",
            ));
        }
        let mut all = Vec::new();
        for (key, value) in table.entries() {
            all.push(self.parse_entry(key, &value, depth)?);
        }
        match all.len() {
            0 => Err(table.wrong(
                "the condition is empty".to_owned(),
                "for example `{ path = \"interview\" }`",
            )),
            1 => Ok(all.remove(0)),
            _ => Ok(Condition::All(all)),
        }
    }

    fn parse_entry(
        &mut self,
        key: &str,
        value: &TomlValue<'_>,
        depth: usize,
    ) -> Result<Condition, Error> {
        match key {
            "all" | "any" => {
                let mut inner = Vec::new();
                for item in value.items()? {
                    inner.push(self.parse_condition(&item.table(key)?, depth + 1)?);
                }
                if inner.is_empty() {
                    return Err(value.wrong(
                        format!("`{key}` is empty"),
                        "for example [{ path = \"drone\" }, { scheme = \"DJI\" }]",
                    ));
                }
                Ok(if key == "all" {
                    Condition::All(inner)
                } else {
                    Condition::Any(inner)
                })
            }
            "not" => {
                let inner = self.parse_condition(&value.table(key)?, depth + 1)?;
                Ok(Condition::Not(Box::new(inner)))
            }
            "path" => self.parse_words(TextScope::Path, value),
            "folder" => self.parse_words(TextScope::Folder, value),
            "name" => self.parse_words(TextScope::Name, value),
            "volume" => self.parse_words(TextScope::Volume, value),
            "text" => self.parse_words(TextScope::Text, value),
            "neighbour" => {
                let test = match parse_pattern(value)? {
                    Some(pattern) => NeighbourTest::Pattern(pattern),
                    None => NeighbourTest::Phrases(self.parse_phrases(value)?),
                };
                self.tests.push(test);
                Ok(Condition::Neighbour(self.tests.len() - 1))
            }
            "scheme" => parse_scheme(value),
            "extension" => {
                let texts = value.texts()?.into_iter();
                let plain = texts.map(|(text, _)| text.trim_start_matches('.').to_owned());
                Ok(Condition::Extension(plain.collect()))
            }
            "time" => parse_any_of(value, |text| {
                Quantity::CLOCK.parse(text).map(Condition::Time)
            }),
            "weekday" => {
                let days = value.texts()?.into_iter().map(|(text, value)| {
                    parse_weekday(text).ok_or_else(|| {
                        value.wrong(
                            format!("`{text}` is not a day of the week"),
                            "for example \"sat\" or \"saturday\"",
                        )
                    })
                });
                days.collect::<Result<Vec<_>, _>>().map(Condition::Weekday)
            }
            "near" => parse_any_of(value, |text| text.parse().map(Condition::Near)),
            "resolution" => parse_any_of(value, |text| {
                Resolution::parse(text).map(Condition::Resolution)
            }),
            "has" => {
                let fields = value
                    .texts()?
                    .into_iter()
                    .map(|(text, value)| field_named(text, &value));
                let fields: Vec<Vec<usize>> = fields.collect::<Result<_, Error>>()?;
                Ok(Condition::Any(
                    fields.concat().into_iter().map(Condition::Has).collect(),
                ))
            }
            name => self.parse_field(name, value),
        }
    }

    fn parse_field(&mut self, name: &str, value: &TomlValue<'_>) -> Result<Condition, Error> {
        let fields = field_named(name, value)?;
        let mut any = Vec::new();
        for at in fields {
            if is_text_field(at) {
                any.push(self.parse_words(TextScope::Field(at), value)?);
                continue;
            }
            let texts = value.texts()?.into_iter();
            let filters = texts.map(|(text, value)| {
                (FIELDS[at].parse_filter)(text).map_err(|wrong| malformed(&value, &wrong, name))
            });
            any.push(Condition::Field(at, filters.collect::<Result<_, _>>()?));
        }
        Ok(Condition::Any(any))
    }

    /// Parses phrases or a pattern.
    fn parse_words(&mut self, scope: TextScope, value: &TomlValue<'_>) -> Result<Condition, Error> {
        Ok(match parse_pattern(value)? {
            Some(pattern) => Condition::Pattern(scope, pattern),
            None => Condition::Phrases(scope, self.parse_phrases(value)?),
        })
    }

    fn parse_phrases(&mut self, value: &TomlValue<'_>) -> Result<HashSet<PhraseId>, Error> {
        let mut phrases = HashSet::new();
        for (text, value) in value.texts()? {
            if let Some(id) = text.strip_prefix('@') {
                let Some(tag_phrases) = self.vocabulary.rule_phrases(id) else {
                    let hint = match self.vocabulary.nearest(id) {
                        Some(close) => format!("did you mean `@{close}`?"),
                        None => "`btsindex tags` lists all tags; add new ones to vocabulary.toml"
                            .to_owned(),
                    };
                    return Err(value.wrong(format!("no tag `{id}` in the vocabulary"), hint));
                };
                phrases.extend(tag_phrases.iter().map(|text| self.phrase_matcher.add(text)));
                continue;
            }
            let plain = text.strip_suffix('*').unwrap_or(text);
            let is_prefix = plain.len() < text.len();
            if text.len() > MAX_PHRASE_BYTES || folded_runs(plain).is_empty() || plain.contains('*')
            {
                return Err(value.wrong(
                    format!("`{text}` is not a phrase"),
                    "write words such as \"ad shoot\"; a single word may end in `*`, and { pattern = '…' } takes a regular expression",
                ));
            }
            if is_prefix && (folded_runs(plain).len() > 1 || plain.chars().count() < 3) {
                return Err(value.wrong(
                    format!("`{text}` is too general"),
                    "write a single word of three letters or more before the `*`",
                ));
            }
            phrases.insert(self.phrase_matcher.add(text));
        }
        if phrases.is_empty() {
            return Err(value.wrong(
                "the list is empty".to_owned(),
                "for example [\"interview\"]",
            ));
        }
        Ok(phrases)
    }
}

fn parse_tag_entry((text, value): (&str, TomlValue<'_>)) -> Result<String, Error> {
    parse_tag(text)
        .map_err(|wrong| value.wrong(wrong.to_string(), "for example \"tv-set/rehearsal\""))
}

/// Parses the facts that a rule assigns.
fn parse_facts(table: &TomlTable<'_>) -> Result<Vec<RuleFact>, Error> {
    let mut facts = Vec::new();
    for key in ["production", "shoot_day", "camera_letter", "scene", "take"] {
        if let Some(value) = table.get(key) {
            let text = value.text()?;
            let is_number = matches!(key, "shoot_day" | "take");
            if is_number && !text.starts_with('$') && text.parse::<u32>().is_err() {
                return Err(value.wrong(
                    format!("`{key}` must be a number"),
                    format!("write `{key} = 3`, or `{key} = \"$day\"` for the text of a pattern's group `day`"),
                ));
            }
            facts.push(RuleFact {
                field: key,
                text: text.to_owned(),
            });
        }
    }
    Ok(facts)
}

fn malformed(value: &TomlValue<'_>, wrong: &Malformed, name: &str) -> Error {
    value.wrong(
        wrong.to_string(),
        format!("use a value that a query accepts after `{name}:`; see docs/query.md"),
    )
}

fn parse_any_of(
    value: &TomlValue<'_>,
    parse: impl Fn(&str) -> Result<Condition, Malformed>,
) -> Result<Condition, Error> {
    let texts = value.texts()?.into_iter();
    let any = texts.map(|(text, value)| {
        parse(text).map_err(|wrong| {
            value.wrong(
                wrong.to_string(),
                "use the syntax of a query; see docs/query.md",
            )
        })
    });
    Ok(Condition::Any(any.collect::<Result<_, _>>()?))
}

fn parse_scheme(value: &TomlValue<'_>) -> Result<Condition, Error> {
    let mut makers: Vec<&str> = super::names::makers().collect();
    makers.dedup();
    let mut selected = Vec::new();
    for (text, value) in value.texts()? {
        if !makers.iter().any(|maker| maker.eq_ignore_ascii_case(text)) {
            return Err(value.wrong(
                format!("unknown naming scheme `{text}`"),
                format!("known schemes: {}", makers.join(", ")),
            ));
        }
        selected.push(text.to_owned());
    }
    Ok(Condition::Scheme(selected))
}

fn field_named(name: &str, value: &TomlValue<'_>) -> Result<Vec<usize>, Error> {
    let fields: Vec<usize> = Clip::fields_named(name).map(|(at, _)| at).collect();
    let is_assigned = fields.iter().any(|&at| FIELDS[at].name == "tags");
    if is_assigned {
        return Err(value.wrong(
            "a rule cannot depend on tags, which rules assign".to_owned(),
            "use the condition that assigns the tag, or `excludes`",
        ));
    }
    if !fields.is_empty() {
        return Ok(fields);
    }
    let names: Vec<&str> = Clip::field_names().chain(CONDITIONS).collect();
    let hint = closest(name, &names).map_or_else(
        || {
            format!(
                "conditions are the fields that `btsindex fields` lists, and {}",
                CONDITIONS.join(", ")
            )
        },
        |close| format!("did you mean `{close}`?"),
    );
    Err(value.wrong(format!("no condition `{name}`"), hint))
}

/// Parses `{ pattern = '…' }`. Returns `None` for other values.
fn parse_pattern(value: &TomlValue<'_>) -> Result<Option<Regex>, Error> {
    if !value.is_table() {
        return Ok(None);
    }
    let table = value.table("pattern")?;
    table.check_keys(&["pattern"])?;
    let text = table.required("pattern", "(?i)^sc(?<scene>\\d+)")?;
    let compiled = RegexBuilder::new(text)
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .nest_limit(50)
        .build();
    compiled.map(Some).map_err(|error| {
        let message = match &error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large: compiled, it needs more than a megabyte".to_owned(),
            // The first lines repeat the pattern; the last line states the reason.
            error => {
                let text = error.to_string();
                let last = text.lines().rev().find(|line| line.starts_with("error: "));
                let reason = last.map_or(text.as_str(), |line| &line["error: ".len()..]);
                format!("invalid pattern: {reason}")
            }
        };
        value.wrong(
            message,
            "use the syntax of the `regex` crate, without look-around and backreferences; in TOML, put the pattern in single quotes",
        )
    })
}

fn parse_weekday(text: &str) -> Option<Weekday> {
    let text = text.to_lowercase();
    [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ]
    .into_iter()
    .find(|(name, _)| text.len() >= 3 && name.starts_with(text.as_str()))
    .map(|(_, day)| day)
}
