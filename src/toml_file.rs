//! Reader for handwritten TOML files, whose errors have a line number, a reason and a hint.
//!
//! It is separate because several formats share it: rules, vocabulary and shoot-day files.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, closest};
use crate::source_file;

/// Maximum file size in bytes, far above that of any handwritten file.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// Text of a file, its name in errors, and its format.
#[derive(Clone, Copy)]
pub(crate) struct TomlFile<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) kind: TomlKind,
}

/// Format of a file, for hints in errors.
#[derive(Clone, Copy)]
pub(crate) struct TomlKind {
    /// Plural name of such files, such as `rules`.
    pub(crate) plural: &'static str,
    /// Command that prints an example.
    pub(crate) example: &'static str,
}

/// Reads the text of a handwritten file.
///
/// # Errors
/// [`Error::Path`] if it cannot be read or is not a regular file, [`Error::InvalidFile`] if it is not
/// UTF-8. A file above the maximum size is truncated to one byte more, so that the parser rejects
/// it.
pub fn read_toml(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let file = source_file::open(path).map_err(Error::path(path))?;
    // The extra byte shows that the file is too large.
    let read = file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(Error::path(path))?;
    // Truncation may split a character, which is not the error to report.
    if bytes.len() > MAX_BYTES {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|_| Error::InvalidFile {
        file: path.to_string_lossy().into_owned(),
        line: None,
        message: "not UTF-8 text".to_owned(),
        hint: "save it as plain text in UTF-8".to_owned(),
    })
}

/// A table with its position in the file.
pub(crate) struct TomlTable<'a> {
    file: TomlFile<'a>,
    entries: &'a DeTable<'a>,
    span: Range<usize>,
}

/// A value with its position in the file.
#[derive(Clone)]
pub(crate) struct TomlValue<'a> {
    file: TomlFile<'a>,
    value: &'a Spanned<DeValue<'a>>,
}

impl TomlFile<'_> {
    /// Parses the file and passes its root table to `read`.
    pub(crate) fn read<T>(
        self,
        read: impl FnOnce(&TomlTable<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.text.len() > MAX_BYTES {
            return Err(self.wrong(
                None,
                "larger than 1 MiB".to_owned(),
                format!(
                    "{} are small handwritten files; is this the right one?",
                    self.kind.plural
                ),
            ));
        }
        let table = DeTable::parse(self.text).map_err(|error| {
            let hint = format!(
                "put strings in quotes, and lists in square brackets with commas; `{}` prints an example",
                self.kind.example
            );
            self.wrong(error.span(), error.message().to_owned(), hint)
        })?;
        read(&TomlTable {
            file: self,
            entries: table.get_ref(),
            span: 0..0,
        })
    }

    fn wrong(self, at: Option<Range<usize>>, message: String, hint: impl Into<String>) -> Error {
        let line = at.map(|span| {
            let before = self.text.get(..span.start).unwrap_or(self.text);
            before.bytes().filter(|&byte| byte == b'\n').count() + 1
        });
        Error::InvalidFile {
            file: self.name.to_owned(),
            line,
            message,
            hint: hint.into(),
        }
    }
}

impl<'a> TomlTable<'a> {
    /// Returns an error for the first key that is not one of `known`.
    pub(crate) fn check_keys(&self, known: &[&str]) -> Result<(), Error> {
        let unknown = self
            .entries
            .keys()
            .find(|key| !known.contains(&key.get_ref().as_ref()));
        unknown.map_or(Ok(()), |key| {
            let name = key.get_ref();
            let hint = match closest(name, known) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("available settings: {}", known.join(", ")),
            };
            Err(self
                .file
                .wrong(Some(key.span()), format!("no setting `{name}`"), hint))
        })
    }

    /// Returns the keys and values in the order of the file.
    pub(crate) fn entries(&self) -> Vec<(&'a str, TomlValue<'a>)> {
        let file = self.file;
        let mut all: Vec<_> = self.entries.iter().collect();
        all.sort_by_key(|(key, _)| key.span().start);
        all.into_iter()
            .map(|(key, value)| (key.get_ref().as_ref(), TomlValue { file, value }))
            .collect()
    }

    pub(crate) fn get(&self, key: &str) -> Option<TomlValue<'a>> {
        let value = self.entries.get(key)?;
        Some(TomlValue {
            file: self.file,
            value,
        })
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        self.get(key).map(|value| value.text()).transpose()
    }

    /// Returns the string at a key, or an error if the key is missing.
    pub(crate) fn required(&self, key: &str, example: &str) -> Result<&'a str, Error> {
        self.text(key)?.ok_or_else(|| {
            self.wrong(
                format!("`{key}` is missing"),
                format!("write `{key} = \"{example}\"`"),
            )
        })
    }

    /// Returns a list of strings; a single string counts as a list of one.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<(&'a str, TomlValue<'a>)>, Error> {
        self.get(key).map_or(Ok(Vec::new()), |value| value.texts())
    }

    pub(crate) fn flag(&self, key: &str) -> Result<bool, Error> {
        self.get(key)
            .map_or(Ok(false), |value| match value.value.get_ref() {
                DeValue::Boolean(flag) => Ok(*flag),
                _ => Err(value.wrong(format!("`{key}` is neither true nor false"), "write `true`")),
            })
    }

    /// Returns an integer, or an error if it is not in `range`.
    pub(crate) fn number(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, Error> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = match value.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number
            .filter(|number| range.contains(number))
            .map(Some)
            .ok_or_else(|| {
                value.wrong(
                    format!(
                        "`{key}` is not a whole number from {} to {}",
                        range.start(),
                        range.end()
                    ),
                    format!("write `{key} = {}`", range.end()),
                )
            })
    }

    /// Returns the tables of `[[key]]`.
    pub(crate) fn tables(&self, key: &str) -> Result<Vec<TomlTable<'a>>, Error> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        match value.value.get_ref() {
            DeValue::Array(all) => all
                .iter()
                .map(|value| {
                    TomlValue {
                        file: self.file,
                        value,
                    }
                    .table(key)
                })
                .collect(),
            _ => Err(value.wrong(
                format!("`{key}` is not a list of tables"),
                format!("begin each table with a line `[[{key}]]`"),
            )),
        }
    }

    /// Creates an error at the position of the table.
    pub(crate) fn wrong(&self, message: String, hint: impl Into<String>) -> Error {
        self.file.wrong(Some(self.span.clone()), message, hint)
    }
}

impl<'a> TomlValue<'a> {
    /// Returns a string. Numbers are returned as written, booleans as `yes` and `no`.
    pub(crate) fn text(&self) -> Result<&'a str, Error> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.as_ref()),
            DeValue::Integer(number) => Ok(number.as_str()),
            DeValue::Float(number) => Ok(number.as_str()),
            DeValue::Boolean(true) => Ok("yes"),
            DeValue::Boolean(false) => Ok("no"),
            _ => Err(self.wrong(
                "not a string".to_owned(),
                "write it in quotes, such as \"interview\"",
            )),
        }
    }

    /// Returns a string, date or time as written; `None` for other types, such as numbers.
    pub(crate) fn text_or_date(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::Datetime(_) => self.file.text.get(self.value.span()),
            _ => self.as_string(),
        }
    }

    /// Returns a string; `None` for other types.
    pub(crate) fn as_string(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            _ => None,
        }
    }

    /// Returns true if the value is a boolean.
    pub(crate) fn is_flag(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Boolean(_))
    }

    pub(crate) fn texts(&self) -> Result<Vec<(&'a str, TomlValue<'a>)>, Error> {
        match self.value.get_ref() {
            DeValue::Array(_) => self
                .items()?
                .into_iter()
                .map(|value| Ok((value.text()?, value)))
                .collect(),
            _ => Ok(vec![(self.text()?, self.clone())]),
        }
    }

    pub(crate) fn items(&self) -> Result<Vec<TomlValue<'a>>, Error> {
        match self.value.get_ref() {
            DeValue::Array(all) => {
                let file = self.file;
                Ok(all.iter().map(|value| TomlValue { file, value }).collect())
            }
            _ => Err(self.wrong(
                "not a list".to_owned(),
                "write it in square brackets: [a, b]",
            )),
        }
    }

    pub(crate) fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    pub(crate) fn table(&self, key: &str) -> Result<TomlTable<'a>, Error> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Ok(TomlTable {
                file: self.file,
                entries,
                span: self.value.span(),
            }),
            _ => Err(self.wrong(
                format!("`{key}` is not a table"),
                "write it in braces, such as { path = \"interview\" }",
            )),
        }
    }

    pub(crate) fn wrong(&self, message: String, hint: impl Into<String>) -> Error {
        self.file.wrong(Some(self.value.span()), message, hint)
    }
}
