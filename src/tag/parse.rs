//! Rules as they are written, in TOML, made ready to be applied.

use std::collections::{HashMap, HashSet};

use jiff::civil::Weekday;
use regex::{Regex, RegexBuilder};

use super::condition::{Condition, NeighbourTest, Scope, is_of_words};
use super::lexicon::{Lexicon, PhraseId};
use super::vocabulary::Vocabulary;
use super::{Rule, WRITTEN, Wish};
use crate::clip::{Clip, FIELDS};
use crate::error::{Error, closest};
use crate::toml_file::{TomlFile, TomlTable as Table, TomlValue as Value};
use crate::value::words::folded_runs;
use crate::value::{Malformed, Resolution, Scale, parse_tag};

/// Conditions in conditions go no deeper.
const DEEPEST: usize = 16;
/// No pattern may become larger than this in memory: `(a{1000}){1000}` would.
const LARGEST_PATTERN: usize = 1024 * 1024;
/// Letters in a phrase.
const LONGEST_PHRASE: usize = 100;
/// How sure a rule is that does not say.
const SURE: u8 = 90;

/// What a rule may say.
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
/// What a condition may ask for that is no field.
const ASKED: [&str; 16] = [
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

/// What all rules are made of.
pub(super) struct Maker<'v> {
    vocabulary: &'v Vocabulary,
    pub(super) lexicon: Lexicon,
    pub(super) tests: Vec<NeighbourTest>,
    pub(super) rules: Vec<Rule>,
    /// Phrases of folders in which names say nothing of a shoot.
    pub(super) elsewhere: HashSet<PhraseId>,
    /// By name.
    places: HashMap<String, usize>,
}

impl<'v> Maker<'v> {
    pub(super) fn new(vocabulary: &'v Vocabulary) -> Self {
        Self {
            vocabulary,
            lexicon: Lexicon::default(),
            tests: Vec::new(),
            rules: Vec::new(),
            elsewhere: HashSet::new(),
            places: HashMap::new(),
        }
    }

    /// Takes in a file of rules; one of a name that is known takes the place of that.
    pub(super) fn take(&mut self, name: &str, text: &str) -> Result<(), Error> {
        TomlFile {
            name,
            text,
            kind: WRITTEN,
        }
        .read(|file| {
            file.check_keys(&["rule", "words"])?;
            if let Some(words) = file.get("words") {
                self.take_words(&words.table("words")?)?;
            }
            let mut here = HashSet::new();
            let tables = file.tables("rule")?;
            for table in &tables {
                let rule = self.rule(table)?;
                if !here.insert(rule.name.clone()) {
                    return Err(table.wrong(
                        format!("two rules are called `{}`", rule.name),
                        "give each a name of its own",
                    ));
                }
                if let Some(&place) = self.places.get(&rule.name) {
                    self.rules[place] = rule;
                } else {
                    self.places.insert(rule.name.clone(), self.rules.len());
                    self.rules.push(rule);
                }
            }
            tables
                .iter()
                .try_for_each(|table| self.check_excluded(table))
        })
    }

    fn take_words(&mut self, table: &Table<'_>) -> Result<(), Error> {
        table.check_keys(&["not_in", "not_after", "not_before", "right"])?;
        for (text, _) in table.texts("not_in")? {
            self.elsewhere.insert(self.lexicon.add(text));
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
        self.lexicon.except(&lists[0], &lists[1], &lists[2]);
        Ok(())
    }

    /// A rule that excludes another must name one that is there.
    fn check_excluded(&self, table: &Table<'_>) -> Result<(), Error> {
        let names: Vec<&str> = self.rules.iter().map(|rule| rule.name.as_str()).collect();
        for (name, value) in table.texts("excludes")? {
            if !names.contains(&name) {
                let hint = closest(name, &names).map_or_else(
                    || "`btsindex tags rules` prints those that come with the program".to_owned(),
                    |close| format!("did you mean `{close}`?"),
                );
                return Err(value.wrong(format!("no rule `{name}`"), hint));
            }
        }
        Ok(())
    }

    fn rule(&mut self, table: &Table<'_>) -> Result<Rule, Error> {
        table.check_keys(&SETTINGS)?;
        let name = table.required("name", "ad-shoot")?.to_owned();
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '/');
        if name.is_empty() || name.len() > LONGEST_PHRASE || !name.chars().all(is_plain) {
            return Err(table.wrong(
                "a rule's name is up to 100 letters, digits, dashes and blanks".to_owned(),
                "write such as `name = \"ad-shoot\"`",
            ));
        }
        let is_off = table.flag("off")?;
        let when = match table.get("when") {
            Some(value) => self.condition(&value.table("when")?, 0)?,
            None if is_off => Condition::Any(Vec::new()),
            None => {
                return Err(table.wrong(
                    format!("the rule `{name}` does not say when"),
                    "write such as `when = { path = \"ad shoot\" }`",
                ));
            }
        };
        let tags: Result<Vec<String>, Error> = table.texts("tags")?.into_iter().map(tag).collect();
        let excludes = table.texts("excludes")?;
        let rule = Rule {
            name,
            when,
            tags: tags?,
            wishes: wishes(table)?,
            confidence: table
                .number("confidence", 1..=100)?
                .and_then(|number| u8::try_from(number).ok())
                .unwrap_or(SURE),
            priority: table.number("priority", -1000..=1000)?.unwrap_or(0),
            excludes: excludes
                .into_iter()
                .map(|(name, _)| name.to_owned())
                .collect(),
            is_off,
        };
        let gives = !rule.tags.is_empty() || !rule.wishes.is_empty() || !rule.excludes.is_empty();
        if gives || is_off {
            Ok(rule)
        } else {
            Err(table.wrong(
                format!("the rule `{}` gives nothing", rule.name),
                "write such as `tags = [\"interview\"]`",
            ))
        }
    }

    fn condition(&mut self, table: &Table<'_>, depth: usize) -> Result<Condition, Error> {
        if depth > DEEPEST {
            return Err(table.wrong(
                format!("conditions within conditions more than {DEEPEST} deep"),
                "make two rules of it",
            ));
        }
        let mut all = Vec::new();
        for (key, value) in table.entries() {
            all.push(self.asked(key, &value, depth)?);
        }
        match all.len() {
            0 => Err(table.wrong(
                "a condition that asks for nothing".to_owned(),
                "write such as `{ path = \"interview\" }`",
            )),
            1 => Ok(all.remove(0)),
            _ => Ok(Condition::All(all)),
        }
    }

    fn asked(&mut self, key: &str, value: &Value<'_>, depth: usize) -> Result<Condition, Error> {
        match key {
            "all" | "any" => {
                let mut inner = Vec::new();
                for item in value.items()? {
                    inner.push(self.condition(&item.table(key)?, depth + 1)?);
                }
                if inner.is_empty() {
                    return Err(value.wrong(
                        format!("`{key}` of nothing"),
                        "write such as [{ path = \"drone\" }, { scheme = \"DJI\" }]",
                    ));
                }
                Ok(if key == "all" {
                    Condition::All(inner)
                } else {
                    Condition::Any(inner)
                })
            }
            "not" => {
                let inner = self.condition(&value.table(key)?, depth + 1)?;
                Ok(Condition::Not(Box::new(inner)))
            }
            "path" => self.words(Scope::Path, value),
            "folder" => self.words(Scope::Folder, value),
            "name" => self.words(Scope::Name, value),
            "volume" => self.words(Scope::Volume, value),
            "text" => self.words(Scope::Text, value),
            "neighbour" => {
                let test = match pattern(value)? {
                    Some(pattern) => NeighbourTest::Fits(pattern),
                    None => NeighbourTest::Says(self.phrases(value)?),
                };
                self.tests.push(test);
                Ok(Condition::Neighbour(self.tests.len() - 1))
            }
            "scheme" => scheme(value),
            "extension" => {
                let texts = value.texts()?.into_iter();
                let plain = texts.map(|(text, _)| text.trim_start_matches('.').to_owned());
                Ok(Condition::Extension(plain.collect()))
            }
            "time" => any_of(value, |text| Scale::CLOCK.read(text).map(Condition::Time)),
            "weekday" => {
                let days = value.texts()?.into_iter().map(|(text, value)| {
                    weekday(text).ok_or_else(|| {
                        value.wrong(
                            format!("`{text}` is no day of the week"),
                            "write such as \"sat\" or \"saturday\"",
                        )
                    })
                });
                days.collect::<Result<Vec<_>, _>>().map(Condition::Weekday)
            }
            "near" => any_of(value, |text| text.parse().map(Condition::Near)),
            "resolution" => any_of(value, |text| {
                Resolution::read(text).map(Condition::Resolution)
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
            name => self.field(name, value),
        }
    }

    fn field(&mut self, name: &str, value: &Value<'_>) -> Result<Condition, Error> {
        let fields = field_named(name, value)?;
        let mut any = Vec::new();
        for at in fields {
            if is_of_words(at) {
                any.push(self.words(Scope::Field(at), value)?);
                continue;
            }
            let texts = value.texts()?.into_iter();
            let wanted = texts.map(|(text, value)| {
                (FIELDS[at].wanted)(text).map_err(|wrong| malformed(&value, &wrong, name))
            });
            any.push(Condition::Field(at, wanted.collect::<Result<_, _>>()?));
        }
        Ok(Condition::Any(any))
    }

    /// Phrases, or a pattern.
    fn words(&mut self, scope: Scope, value: &Value<'_>) -> Result<Condition, Error> {
        Ok(match pattern(value)? {
            Some(pattern) => Condition::Fits(scope, pattern),
            None => Condition::Says(scope, self.phrases(value)?),
        })
    }

    fn phrases(&mut self, value: &Value<'_>) -> Result<HashSet<PhraseId>, Error> {
        let mut phrases = HashSet::new();
        for (text, value) in value.texts()? {
            if let Some(id) = text.strip_prefix('@') {
                let Some(spoken) = self.vocabulary.spoken(id) else {
                    let hint = match self.vocabulary.nearest(id) {
                        Some(close) => format!("did you mean `@{close}`?"),
                        None => "`btsindex tags` lists them; add it to vocabulary.toml".to_owned(),
                    };
                    return Err(value.wrong(format!("no tag `{id}` in the vocabulary"), hint));
                };
                phrases.extend(spoken.iter().map(|text| self.lexicon.add(text)));
                continue;
            }
            let plain = text.strip_suffix('*').unwrap_or(text);
            let is_open = plain.len() < text.len();
            if text.len() > LONGEST_PHRASE || folded_runs(plain).is_empty() || plain.contains('*') {
                return Err(value.wrong(
                    format!("`{text}` is no phrase"),
                    "write words, such as \"ad shoot\"; a `*` may stand at the end of a single word, and { pattern = '…' } takes a regular expression",
                ));
            }
            if is_open && (folded_runs(plain).len() > 1 || plain.chars().count() < 3) {
                return Err(value.wrong(
                    format!("`{text}` leaves too much open"),
                    "a `*` stands behind three letters or more of a single word",
                ));
            }
            phrases.insert(self.lexicon.add(text));
        }
        if phrases.is_empty() {
            return Err(value.wrong("an empty list".to_owned(), "write such as [\"interview\"]"));
        }
        Ok(phrases)
    }
}

fn tag((text, value): (&str, Value<'_>)) -> Result<String, Error> {
    parse_tag(text)
        .map_err(|wrong| value.wrong(wrong.to_string(), "write such as \"tv-set/rehearsal\""))
}

/// What a rule gives beside tags.
fn wishes(table: &Table<'_>) -> Result<Vec<Wish>, Error> {
    let mut wishes = Vec::new();
    for key in ["production", "shoot_day", "camera_letter", "scene", "take"] {
        if let Some(value) = table.get(key) {
            let text = value.text()?;
            let is_number = matches!(key, "shoot_day" | "take");
            if is_number && !text.starts_with('$') && text.parse::<u32>().is_err() {
                return Err(value.wrong(
                    format!("`{key}` is a number"),
                    format!("write `{key} = 3`, or `{key} = \"$day\"` for what a pattern's group `day` takes"),
                ));
            }
            wishes.push(Wish {
                field: key,
                text: text.to_owned(),
            });
        }
    }
    Ok(wishes)
}

fn malformed(value: &Value<'_>, wrong: &Malformed, name: &str) -> Error {
    value.wrong(
        wrong.to_string(),
        format!("what may stand here is what a query takes after `{name}:`; see docs/query.md"),
    )
}

fn any_of(
    value: &Value<'_>,
    read: impl Fn(&str) -> Result<Condition, Malformed>,
) -> Result<Condition, Error> {
    let texts = value.texts()?.into_iter();
    let any = texts.map(|(text, value)| {
        read(text).map_err(|wrong| {
            value.wrong(
                wrong.to_string(),
                "it is written as in a query; see docs/query.md",
            )
        })
    });
    Ok(Condition::Any(any.collect::<Result<_, _>>()?))
}

fn scheme(value: &Value<'_>) -> Result<Condition, Error> {
    let mut makers: Vec<&str> = super::names::makers().collect();
    makers.dedup();
    let mut wanted = Vec::new();
    for (text, value) in value.texts()? {
        if !makers.iter().any(|maker| maker.eq_ignore_ascii_case(text)) {
            return Err(value.wrong(
                format!("no naming scheme of `{text}` is known"),
                format!("there are {}", makers.join(", ")),
            ));
        }
        wanted.push(text.to_owned());
    }
    Ok(Condition::Scheme(wanted))
}

fn field_named(name: &str, value: &Value<'_>) -> Result<Vec<usize>, Error> {
    let fields: Vec<usize> = Clip::fields_named(name).map(|(at, _)| at).collect();
    let is_given = fields.iter().any(|&at| FIELDS[at].name == "tags");
    if is_given {
        return Err(value.wrong(
            "a rule cannot ask for tags, which rules give".to_owned(),
            "ask for what gives the tag, or write `excludes`",
        ));
    }
    if !fields.is_empty() {
        return Ok(fields);
    }
    let known: Vec<&str> = Clip::field_names().chain(ASKED).collect();
    let hint = closest(name, &known).map_or_else(
        || {
            format!(
                "there are the fields that `btsindex fields` lists, and {}",
                ASKED.join(", ")
            )
        },
        |close| format!("did you mean `{close}`?"),
    );
    Err(value.wrong(format!("nothing is called `{name}`"), hint))
}

/// `{ pattern = '…' }`
fn pattern(value: &Value<'_>) -> Result<Option<Regex>, Error> {
    if !value.is_table() {
        return Ok(None);
    }
    let table = value.table("pattern")?;
    table.check_keys(&["pattern"])?;
    let text = table.required("pattern", "(?i)^sc(?<scene>\\d+)")?;
    let made = RegexBuilder::new(text)
        .size_limit(LARGEST_PATTERN)
        .dfa_size_limit(LARGEST_PATTERN)
        .nest_limit(50)
        .build();
    made.map(Some).map_err(|error| {
        let message = match &error {
            regex::Error::CompiledTooBig(_) => "the pattern stands for too much: it would take more than a megabyte".to_owned(),
            // The first line repeats the pattern over several lines; the last says what is wrong.
            error => {
                let text = error.to_string();
                let last = text.lines().rev().find(|line| line.starts_with("error: "));
                let reason = last.map_or(text.as_str(), |line| &line["error: ".len()..]);
                format!("bad pattern: {reason}")
            }
        };
        value.wrong(
            message,
            "a regular expression as the `regex` crate has them: no look-around, no references back; in TOML it stands best in single quotes",
        )
    })
}

fn weekday(text: &str) -> Option<Weekday> {
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
