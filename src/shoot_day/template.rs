//! Destination paths with `{placeholders}`.
//!
//! A template is split into path components before values are inserted, and each value fills a part
//! of one component. So no value can lead outside the template's path.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::file_name::escape_device_name;
use super::path_base::PathBase;
use super::placeholder::{Placeholder, PlaceholderValues};
use super::template_error::{FillError, TemplateError};
use crate::error::closest;

/// Maximum number of bytes in a path component, on nearly all filesystems.
const MAX_BYTES: usize = 255;
/// Maximum number of characters of a template.
const MAX_CHARS: usize = 1000;

/// A destination path with placeholders.
#[derive(Debug, Clone)]
pub struct Template {
    typed: String,
    /// Prefix and root of an absolute path; empty for a relative path.
    root: PathBuf,
    components: Vec<Vec<TemplatePart>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Value(Placeholder),
}

impl Template {
    /// Parses a path with placeholders. `{{` and `}}` are literal braces.
    ///
    /// # Errors
    /// Returns an error if the path is empty, too long, or contains control characters, an unknown
    /// placeholder, an unmatched brace, or `..`.
    pub fn parse(typed: &str) -> Result<Self, TemplateError> {
        let path = check_path(typed)?;
        let mut root = PathBuf::new();
        let mut components = Vec::new();
        for component in Path::new(path).components() {
            match component {
                Component::Prefix(_) | Component::RootDir => root.push(component),
                Component::CurDir => {}
                Component::ParentDir => {
                    return Err(TemplateError::new(
                        format!("the path `{path}` contains `..`"),
                        "use an absolute path",
                    ));
                }
                // A part of a `str` is valid UTF-8, so the conversion is lossless.
                Component::Normal(text) => {
                    components.push(parse_component(&text.to_string_lossy())?);
                }
            }
        }
        Ok(Self {
            typed: path.to_owned(),
            root,
            components,
        })
    }

    /// Returns true if the path is absolute.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        self.root.has_root()
    }

    /// Returns true if the template contains a placeholder.
    #[must_use]
    pub fn uses(&self, placeholder: Placeholder) -> bool {
        let mut parts = self.components.iter().flatten();
        parts.any(|part| *part == TemplatePart::Value(placeholder))
    }

    /// Returns the folder that must exist before copying: the components before the first placeholder;
    /// without placeholders, the parent folder.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        let mut base = self.root.clone();
        for parts in &self.components {
            let texts = parts.iter().map(|part| match part {
                TemplatePart::Text(text) => Some(text.as_str()),
                TemplatePart::Value(_) => None,
            });
            let Some(name) = texts.collect::<Option<String>>() else {
                return or_current_folder(base);
            };
            base.push(name);
        }
        base.pop();
        or_current_folder(base)
    }

    /// Returns true if both templates produce the same folders.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.normalized() == other.normalized()
    }

    /// Returns a path for comparison, with placeholders enclosed in NUL characters, which no text
    /// contains.
    fn normalized(&self) -> PathBuf {
        let mut path = self.root.clone();
        for parts in &self.components {
            let parts = parts.iter().map(|part| match part {
                TemplatePart::Text(text) => text.clone(),
                TemplatePart::Value(placeholder) => format!("\0{}\0", placeholder.name()),
            });
            path.push(parts.collect::<String>());
        }
        path
    }

    /// Resolves a relative template against a base folder, or against the home folder after `~/`.
    ///
    /// # Errors
    /// Returns an error if the template starts with `~/` and the home folder is unknown.
    pub(super) fn resolve(mut self, base: &PathBase) -> Result<Self, TemplateError> {
        let is_home = !self.is_absolute() && self.typed.starts_with("~/");
        if is_home {
            base.home()?.clone_into(&mut self.root);
            self.components.remove(0);
        } else {
            self.root = base.folder.join(&self.root);
        }
        Ok(self)
    }

    /// Returns the folder for one card of one day. Values are sanitized with
    /// [`super::sanitize_file_name`], so each fills a part of one component.
    ///
    /// # Errors
    /// Returns an error if a placeholder has no value, or a component exceeds 255 bytes. Truncating
    /// it could make two cards share a folder.
    pub fn fill(&self, values: &PlaceholderValues<'_>) -> Result<PathBuf, FillError> {
        let mut folder = self.root.clone();
        for parts in &self.components {
            let mut name = String::new();
            for part in parts {
                match part {
                    TemplatePart::Text(text) => name.push_str(text),
                    TemplatePart::Value(placeholder) => {
                        let value = values.text(*placeholder);
                        name.push_str(&value.ok_or(FillError::Absent(*placeholder))?);
                    }
                }
            }
            let name = escape_device_name(name);
            if name.len() > MAX_BYTES {
                return Err(FillError::TooLong(name));
            }
            folder.push(name);
        }
        Ok(folder)
    }
}

impl fmt::Display for Template {
    /// Writes the template as the user typed it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::parse(text)
    }
}

/// Trims and checks a path typed by a user.
pub(super) fn check_path(typed: &str) -> Result<&str, TemplateError> {
    let path = typed.trim();
    if path.is_empty() {
        return Err(TemplateError::new(
            "the path is empty",
            "write, for example, \"/media/A001\"",
        ));
    }
    if path.chars().count() > MAX_CHARS || path.contains(char::is_control) {
        let message = "the path has over 1,000 characters, or control characters";
        return Err(TemplateError::new(message, "check the path"));
    }
    if path.starts_with('~') && !path.starts_with("~/") {
        return Err(TemplateError::new(
            format!("`{path}` begins with `~` but not with `~/`"),
            "`~/` is your home folder; for other folders use an absolute path, or `./~name`",
        ));
    }
    Ok(path)
}

/// Splits a component into text and placeholders.
fn parse_component(component: &str) -> Result<Vec<TemplatePart>, TemplateError> {
    // On Windows, such a component could lead to another drive: `C:`.
    if cfg!(windows) && component.contains([':', '*', '?', '"', '<', '>', '|']) {
        return Err(TemplateError::new(
            format!("`{component}` is not a valid folder name"),
            "remove the characters that Windows does not allow",
        ));
    }
    let unmatched = |brace: char| {
        TemplateError::new(
            format!("unmatched `{brace}` in `{component}`"),
            "write a placeholder such as `{card}`; write `{{` and `}}` for literal braces",
        )
    };
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = component;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
        } else if brace == "{" {
            let (name, after) = after.split_once('}').ok_or_else(|| unmatched('{'))?;
            if name.contains('{') {
                return Err(unmatched('{'));
            }
            if !text.is_empty() {
                parts.push(TemplatePart::Text(std::mem::take(&mut text)));
            }
            parts.push(TemplatePart::Value(parse_placeholder(name)?));
            rest = after;
        } else {
            return Err(unmatched('}'));
        }
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(TemplatePart::Text(text));
    }
    Ok(parts)
}

/// Returns the placeholder called `name`, which is given without braces.
fn parse_placeholder(name: &str) -> Result<Placeholder, TemplateError> {
    let found = Placeholder::ALL
        .into_iter()
        .find(|known| known.name() == name);
    found.ok_or_else(|| {
        let names = Placeholder::ALL.map(Placeholder::name);
        let hint = match closest(&name.trim().to_lowercase(), &names) {
            Some(close) => format!("did you mean `{{{close}}}`?"),
            None => format!(
                "available: {}",
                Placeholder::ALL.map(|one| one.to_string()).join(", ")
            ),
        };
        TemplateError::new(format!("no placeholder `{{{name}}}`"), hint)
    })
}

/// Returns the path, or the current folder for an empty one.
fn or_current_folder(path: PathBuf) -> PathBuf {
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

    fn values() -> PlaceholderValues<'static> {
        PlaceholderValues {
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
    fn fills_placeholders() {
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
    fn rejects_missing_values() {
        let fill = |template: &str, values: &PlaceholderValues<'_>| {
            Template::parse(template).unwrap().fill(values).unwrap_err()
        };
        let absent = fill("/raid/{location}/{card}", &values());
        assert_eq!(absent, FillError::Absent(Placeholder::Location));
        assert_eq!(absent.to_string(), "no value for `{location}`");
        assert!(
            absent
                .hint()
                .contains("`location = \"Stage 4\"` under `[day]`")
        );
        let none = PlaceholderValues {
            card: Some("../.."),
            ..PlaceholderValues::default()
        };
        for placeholder in Placeholder::ALL {
            let error = fill(&format!("/raid/x{placeholder}"), &none);
            assert_eq!(error, FillError::Absent(placeholder));
            assert!(!error.hint().is_empty());
        }
        let long = "京".repeat(66);
        let long = PlaceholderValues {
            card: Some(&long),
            ..values()
        };
        let error = fill("/raid/{card}{card}", &long);
        assert!(matches!(error, FillError::TooLong(_)), "{error}");
    }

    #[test]
    fn rejects_invalid_templates() {
        for (template, message, hint) in [
            ("", "the path is empty", "/media"),
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
                "available: {production}, ",
            ),
            ("/raid/{card", "unmatched `{` in `{card`", "`{{`"),
            ("/raid/card}", "unmatched `}`", "`}}`"),
            ("/raid/{a/b}", "unmatched `{`", "`{{`"),
            ("/raid/{a{card}", "unmatched `{`", "`{{`"),
            ("/raid/../{card}", "contains `..`", "absolute path"),
            ("~other/x", "begins with `~`", "home folder"),
            ("/a\u{0}b", "control characters", "check the path"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.message.contains(message), "{template}: {error}");
            assert!(error.hint.contains(hint), "{template}: {error}");
        }
    }

    /// Generates values of every kind, including hostile ones.
    fn value() -> impl Strategy<Value = String> {
        "(\\.\\./){0,3}\\PC{0,80}|(?s).{0,40}|[./\\\\~ :]{0,10}|(con|aux)\\.?x?"
    }

    proptest! {
        #![proptest_config(crate::property_tests::random(256))]

        #[test]
        fn values_never_lead_outside_the_template(
            template in "/raid(/[a-z .]{0,3}\\{(production|camera|card|kind|date)\\}[a-z_]{0,3}(\\{card\\})?){1,4}",
            texts in prop::array::uniform4(value()),
        ) {
            let template = Template::parse(&template).unwrap();
            let values = PlaceholderValues {
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
        fn arbitrary_text_never_panics(text in "[{}a-d/~.]{0,20}|\\PC{0,30}") {
            if let Ok(template) = Template::parse(&text) {
                prop_assert_eq!(template.to_string(), text.trim());
            }
        }
    }
}
