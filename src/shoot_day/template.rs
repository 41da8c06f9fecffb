//! Where cards are copied to: a folder's path with `{placeholders}` in it.
//!
//! A template is split into components before anything is filled in, and a value only ever fills a
//! part of one, so no value can lead to another place than the template says.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::Place;
use super::file_name::no_device;
use super::placeholder::{Placeholder, Values};
use crate::error::{closest, escape};

/// Bytes in a component of a path, on nearly every file system.
const MOST_BYTES: usize = 255;
/// Letters in a template.
const MOST_LETTERS: usize = 1000;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct BadTemplate {
    /// What is wrong with it.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

impl BadTemplate {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Why a template gives no folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfilled {
    /// A placeholder has no value, or none of which anything can stand in a name.
    #[error("there is nothing to write for `{0}`")]
    Absent(Placeholder),
    /// A component of the path would be longer than file systems have them.
    #[error("the folder's name `{}` would be {} bytes long, and 255 is the most", escape(.0), .0.len())]
    TooLong(String),
}

impl Unfilled {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Absent(placeholder) => format!(
                "write {}, or leave `{placeholder}` out of the folder's path",
                placeholder.said_by()
            ),
            Self::TooLong(_) => {
                "put fewer placeholders between two slashes, or shorten what they stand for"
                    .to_owned()
            }
        }
    }
}

/// A destination folder's path, with placeholders.
#[derive(Debug, Clone)]
pub struct Template {
    typed: String,
    /// What components stand below; empty for a relative path.
    root: PathBuf,
    components: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

impl Template {
    /// Reads a path with placeholders. `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// When it is empty, has a placeholder that there is not, a brace alone, or a `..`.
    pub fn parse(typed: &str) -> Result<Self, BadTemplate> {
        let path = written_path(typed)?;
        let mut root = PathBuf::new();
        let mut components = Vec::new();
        for component in Path::new(path).components() {
            match component {
                Component::Prefix(_) | Component::RootDir => root.push(component),
                Component::CurDir => {}
                Component::ParentDir => {
                    return Err(BadTemplate::new(
                        format!("`..` in `{path}`"),
                        "write the whole path",
                    ));
                }
                // It is a part of a `str`, cut at separators, so none of it is lost.
                Component::Normal(text) => components.push(pieces(&text.to_string_lossy())?),
            }
        }
        Ok(Self {
            typed: path.to_owned(),
            root,
            components,
        })
    }

    /// Whether it says where from the root on.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        self.root.has_root()
    }

    /// Whether a placeholder is in it.
    #[must_use]
    pub fn uses(&self, placeholder: Placeholder) -> bool {
        let mut pieces = self.components.iter().flatten();
        pieces.any(|piece| *piece == Piece::Value(placeholder))
    }

    /// The folder that must be there before anything is copied: what comes before the first
    /// placeholder; where there is none, the folder above.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        let mut base = self.root.clone();
        for pieces in &self.components {
            let texts = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Value(_) => None,
            });
            let Some(name) = texts.collect::<Option<String>>() else {
                return here(base);
            };
            base.push(name);
        }
        base.pop();
        here(base)
    }

    /// Whether both give the same folders, however they were typed.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.compared() == other.compared()
    }

    /// Its path with placeholders between characters that no text has, to be compared.
    fn compared(&self) -> PathBuf {
        let mut path = self.root.clone();
        for pieces in &self.components {
            let pieces = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Value(placeholder) => format!("\0{}\0", placeholder.name()),
            });
            path.push(pieces.collect::<String>());
        }
        path
    }

    /// The same template where it is not absolute below a place, or below the home folder after `~/`.
    ///
    /// # Errors
    /// When it begins with `~/` and the home folder is not known.
    pub(crate) fn at(mut self, place: &Place) -> Result<Self, BadTemplate> {
        let is_home = !self.is_absolute() && self.typed.starts_with("~/");
        if is_home {
            place.home()?.clone_into(&mut self.root);
            self.components.remove(0);
        } else {
            self.root = place.folder.join(&self.root);
        }
        Ok(self)
    }

    /// The folder for one card of one day. Values are [`super::sanitised`], so each fills a part of one
    /// component.
    ///
    /// # Errors
    /// When a placeholder has no value, or a component comes to more than 255 bytes: cut, two cards
    /// might come into one folder.
    pub fn fill(&self, values: &Values<'_>) -> Result<PathBuf, Unfilled> {
        let mut folder = self.root.clone();
        for pieces in &self.components {
            let mut name = String::new();
            for piece in pieces {
                match piece {
                    Piece::Text(text) => name.push_str(text),
                    Piece::Value(placeholder) => {
                        let value = values.of(*placeholder);
                        name.push_str(&value.ok_or(Unfilled::Absent(*placeholder))?);
                    }
                }
            }
            let name = no_device(name);
            if name.len() > MOST_BYTES {
                return Err(Unfilled::TooLong(name));
            }
            folder.push(name);
        }
        Ok(folder)
    }
}

impl fmt::Display for Template {
    /// What was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl FromStr for Template {
    type Err = BadTemplate;

    fn from_str(text: &str) -> Result<Self, BadTemplate> {
        Self::parse(text)
    }
}

/// A path as people write it, without blanks around it.
pub(super) fn written_path(typed: &str) -> Result<&str, BadTemplate> {
    let path = typed.trim();
    if path.is_empty() {
        return Err(BadTemplate::new(
            "an empty path",
            "write such as \"/media/A001\"",
        ));
    }
    if path.chars().count() > MOST_LETTERS || path.contains(char::is_control) {
        let most = "a path is up to 1,000 letters, without control characters";
        return Err(BadTemplate::new(most, "is it the right path?"));
    }
    if path.starts_with('~') && !path.starts_with("~/") {
        return Err(BadTemplate::new(
            format!("`{path}` begins with `~`, but not with `~/`"),
            "`~/` is your home folder; write other paths whole, or such as `./~name`",
        ));
    }
    Ok(path)
}

/// Text and placeholders of a component.
fn pieces(component: &str) -> Result<Vec<Piece>, BadTemplate> {
    // There such a component would lead elsewhere: `C:`.
    if cfg!(windows) && component.contains([':', '*', '?', '"', '<', '>', '|']) {
        return Err(BadTemplate::new(
            format!("`{component}` is no folder's name"),
            "leave out the characters that Windows does not take",
        ));
    }
    let alone = |brace: char| {
        BadTemplate::new(
            format!("`{brace}` alone in `{component}`"),
            "write a placeholder such as `{card}`; `{{` and `}}` stand for braces",
        )
    };
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = component;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let behind = &rest[at + 1..];
        if let Some(behind) = behind.strip_prefix(brace) {
            text.push_str(brace);
            rest = behind;
        } else if brace == "{" {
            let (name, behind) = behind.split_once('}').ok_or_else(|| alone('{'))?;
            if name.contains('{') {
                return Err(alone('{'));
            }
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Value(named(name)?));
            rest = behind;
        } else {
            return Err(alone('}'));
        }
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// The placeholder of a name.
fn named(name: &str) -> Result<Placeholder, BadTemplate> {
    let found = Placeholder::ALL
        .into_iter()
        .find(|known| known.name() == name);
    found.ok_or_else(|| {
        let names = Placeholder::ALL.map(Placeholder::name);
        let hint = match closest(&name.trim().to_lowercase(), &names) {
            Some(close) => format!("did you mean `{{{close}}}`?"),
            None => format!(
                "there are {}",
                Placeholder::ALL.map(|one| one.to_string()).join(", ")
            ),
        };
        BadTemplate::new(format!("no placeholder `{{{name}}}`"), hint)
    })
}

/// A path, also where it is empty: then the folder that people are in.
fn here(path: PathBuf) -> PathBuf {
    if path.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use proptest::prelude::*;

    use super::*;

    fn values() -> Values<'static> {
        Values {
            production: Some("ACME: Spring/Summer"),
            date: Some(Date::constant(2026, 5, 2)),
            number: Some(3),
            kind: Some("ad shoot"),
            location: None,
            camera: Some("A"),
            card: Some("A001"),
        }
    }

    fn filled(template: &str) -> String {
        let folder = Template::parse(template).unwrap().fill(&values());
        folder.unwrap().to_str().unwrap().replace('\\', "/")
    }

    #[test]
    fn placeholders_are_filled() {
        for (template, folder) in [
            (
                "/raid/{production}/{date}/{camera}/{card}",
                "/raid/ACME- Spring-Summer/2026-05-02/A/A001",
            ),
            ("/raid/{year}/{month}/day {day}", "/raid/2026/05/day 03"),
            ("/raid//{kind}_{card}/./", "/raid/ad shoot_A001"),
            ("/{{x}}/{{{card}}}", "/{x}/{A001}"),
            ("/nul/x", "/nul_/x"),
        ] {
            assert_eq!(filled(template), folder, "{template}");
        }
        let template = Template::parse(" /raid/{card} ").unwrap();
        assert_eq!(template.to_string(), "/raid/{card}");
        assert!(template.uses(Placeholder::Card) && !template.uses(Placeholder::Camera));
        assert!(template.is_same(&Template::parse("/raid/./{card}/").unwrap()));
    }

    #[test]
    fn what_has_no_value_is_never_an_empty_name() {
        let fill = |template: &str, values: &Values<'_>| {
            Template::parse(template).unwrap().fill(values).unwrap_err()
        };
        let absent = fill("/raid/{location}/{card}", &values());
        assert_eq!(absent, Unfilled::Absent(Placeholder::Location));
        assert_eq!(
            absent.to_string(),
            "there is nothing to write for `{location}`"
        );
        assert!(
            absent
                .hint()
                .contains("`location = \"Stage 4\"` under `[day]`")
        );
        let none = Values {
            card: Some("../.."),
            ..Values::default()
        };
        for placeholder in Placeholder::ALL {
            let wrong = fill(&format!("/raid/x{placeholder}"), &none);
            assert_eq!(wrong, Unfilled::Absent(placeholder));
            assert!(!wrong.hint().is_empty());
        }
        let long = "京".repeat(66);
        let long = Values {
            card: Some(&long),
            ..values()
        };
        let wrong = fill("/raid/{card}{card}", &long);
        assert!(matches!(wrong, Unfilled::TooLong(_)), "{wrong}");
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (template, message, hint) in [
            ("", "an empty path", "/media"),
            (
                "/raid/{camra}",
                "no placeholder `{camra}`",
                "did you mean `{camera}`?",
            ),
            (
                "/raid/{Card}",
                "no placeholder `{Card}`",
                "did you mean `{card}`?",
            ),
            (
                "/raid/{}",
                "no placeholder `{}`",
                "there are {production}, ",
            ),
            ("/raid/{card", "`{` alone in `{card`", "`{{`"),
            ("/raid/card}", "`}` alone", "`}}`"),
            ("/raid/{a/b}", "`{` alone", "`{{`"),
            ("/raid/{a{card}", "`{` alone", "`{{`"),
            ("/raid/../{card}", "`..` in", "whole path"),
            ("~other/x", "begins with `~`", "home folder"),
            ("/a\u{0}b", "control characters", "right path"),
        ] {
            let wrong = Template::parse(template).unwrap_err();
            assert!(wrong.message.contains(message), "{template}: {wrong}");
            assert!(wrong.hint.contains(hint), "{template}: {wrong}");
        }
    }

    /// Values of every sort, the hostile ones too.
    fn value() -> impl Strategy<Value = String> {
        "(\\.\\./){0,3}\\PC{0,80}|(?s).{0,40}|[./\\\\~ :]{0,10}|(con|aux)\\.?x?"
    }

    proptest! {
        #![proptest_config(crate::random_tests::random(256))]

        #[test]
        fn no_value_leads_elsewhere(
            template in "/raid(/[a-z .]{0,3}\\{(production|camera|card|kind|date)\\}[a-z_]{0,3}(\\{card\\})?){1,4}",
            texts in prop::array::uniform4(value()),
        ) {
            let template = Template::parse(&template).unwrap();
            let values = Values {
                production: Some(&texts[0]),
                camera: Some(&texts[1]),
                card: Some(&texts[2]),
                kind: Some(&texts[3]),
                ..values()
            };
            if let Ok(folder) = template.fill(&values) {
                let components: Vec<Component<'_>> = folder.components().collect();
                prop_assert_eq!(components.len(), template.components.len() + 1);
                prop_assert!(folder.starts_with("/raid"));
                for component in &components[1..] {
                    let Component::Normal(name) = component else {
                        return Err(TestCaseError::fail(format!("{folder:?}")));
                    };
                    let name = name.to_str().unwrap();
                    prop_assert!(name.len() <= 255 && !name.contains(char::is_control));
                }
            }
        }

        #[test]
        fn any_text_is_a_template_or_not(text in "[{}a-d/~.]{0,20}|\\PC{0,30}") {
            if let Ok(template) = Template::parse(&text) {
                prop_assert_eq!(template.to_string(), text.trim());
            }
        }
    }
}
