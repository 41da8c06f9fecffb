//! TOML that people write, read so that every complaint says in which line, why, and what would
//! be right. It stands apart from what is written in it: rules, a vocabulary, a shoot day.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, closest};
use crate::source_file;

/// Bytes of such a file: nobody writes more by hand.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// A file's text, what it is called in complaints, and what it should be.
#[derive(Clone, Copy)]
pub(crate) struct TomlFile<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) kind: Kind,
}

/// What is written in a file, so that a complaint points to help of its own.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// What such files are called, in the plural: `rules`.
    pub(crate) plural: &'static str,
    /// The command that prints an example.
    pub(crate) example: &'static str,
}

/// The text of a file that a person wrote.
///
/// # Errors
/// [`Error::Path`] when it cannot be read or is no regular file, [`Error::InvalidFile`] when it is not
/// in UTF-8. What is too long to be written by hand is cut a byte after that, and complained of by
/// who reads it.
pub fn read_written(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let file = source_file::open(path).map_err(Error::path(path))?;
    // One byte more than it may have tells that it is too long.
    let read = file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(Error::path(path))?;
    // A cut may fall into a letter; of a file that is too long, this is not what is wrong.
    if bytes.len() > MOST_BYTES {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|_| Error::InvalidFile {
        file: path.to_string_lossy().into_owned(),
        line: None,
        message: "it is not in UTF-8".to_owned(),
        hint: "save it as plain text in UTF-8".to_owned(),
    })
}

/// A table in it.
pub(crate) struct Table<'a> {
    file: TomlFile<'a>,
    entries: &'a DeTable<'a>,
    span: Range<usize>,
}

/// A value in it.
#[derive(Clone)]
pub(crate) struct Value<'a> {
    file: TomlFile<'a>,
    value: &'a Spanned<DeValue<'a>>,
}

impl TomlFile<'_> {
    /// Reads the file and hands its outermost table to `read`.
    pub(crate) fn read<T>(
        self,
        read: impl FnOnce(&Table<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.text.len() > MOST_BYTES {
            return Err(self.wrong(
                None,
                "it is larger than 1 MiB".to_owned(),
                format!(
                    "{} are written by hand; is it the right file?",
                    self.kind.plural
                ),
            ));
        }
        let table = DeTable::parse(self.text).map_err(|error| {
            let hint = format!(
                "strings stand in quotes; lists in square brackets, with commas; `{}` prints an example",
                self.kind.example
            );
            self.wrong(error.span(), error.message().to_owned(), hint)
        })?;
        read(&Table {
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

impl<'a> Table<'a> {
    /// Complains of a key that is none of these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Error> {
        let stranger = self
            .entries
            .keys()
            .find(|key| !known.contains(&key.get_ref().as_ref()));
        stranger.map_or(Ok(()), |key| {
            let name = key.get_ref();
            let hint = match closest(name, known) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("what may stand here: {}", known.join(", ")),
            };
            Err(self
                .file
                .wrong(Some(key.span()), format!("no setting `{name}`"), hint))
        })
    }

    /// Each key with its value, in the order of the file.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Value<'a>)> {
        let file = self.file;
        let mut all: Vec<_> = self.entries.iter().collect();
        all.sort_by_key(|(key, _)| key.span().start);
        all.into_iter()
            .map(|(key, value)| (key.get_ref().as_ref(), Value { file, value }))
            .collect()
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value<'a>> {
        let value = self.entries.get(key)?;
        Some(Value {
            file: self.file,
            value,
        })
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        self.get(key).map(|value| value.text()).transpose()
    }

    /// A text that must be there.
    pub(crate) fn needed(&self, key: &str, example: &str) -> Result<&'a str, Error> {
        self.text(key)?.ok_or_else(|| {
            self.wrong(
                format!("`{key}` is not said"),
                format!("write `{key} = \"{example}\"`"),
            )
        })
    }

    /// A text, or several.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<(&'a str, Value<'a>)>, Error> {
        self.get(key).map_or(Ok(Vec::new()), |value| value.texts())
    }

    pub(crate) fn flag(&self, key: &str) -> Result<bool, Error> {
        self.get(key)
            .map_or(Ok(false), |value| match value.value.get_ref() {
                DeValue::Boolean(flag) => Ok(*flag),
                _ => Err(value.wrong(format!("`{key}` is neither true nor false"), "write `true`")),
            })
    }

    /// A whole number in a range.
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
                        "`{key}` is no whole number from {} to {}",
                        range.start(),
                        range.end()
                    ),
                    format!("write `{key} = {}`", range.end()),
                )
            })
    }

    /// The tables of `[[key]]`.
    pub(crate) fn tables(&self, key: &str) -> Result<Vec<Table<'a>>, Error> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        match value.value.get_ref() {
            DeValue::Array(all) => all
                .iter()
                .map(|value| {
                    Value {
                        file: self.file,
                        value,
                    }
                    .table(key)
                })
                .collect(),
            _ => Err(value.wrong(
                format!("`{key}` is no list of tables"),
                format!("begin each with a line `[[{key}]]`"),
            )),
        }
    }

    /// A complaint about the table as a whole.
    pub(crate) fn wrong(&self, message: String, hint: impl Into<String>) -> Error {
        self.file.wrong(Some(self.span.clone()), message, hint)
    }
}

impl<'a> Value<'a> {
    /// A text; of a number, as it is written.
    pub(crate) fn text(&self) -> Result<&'a str, Error> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.as_ref()),
            DeValue::Integer(number) => Ok(number.as_str()),
            DeValue::Float(number) => Ok(number.as_str()),
            DeValue::Boolean(true) => Ok("yes"),
            DeValue::Boolean(false) => Ok("no"),
            _ => Err(self.wrong(
                "no text".to_owned(),
                "write it in quotes, such as \"interview\"",
            )),
        }
    }

    /// A text, or a date or time, as it is written; `None` of anything else, such as a number.
    pub(crate) fn written(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::Datetime(_) => self.file.text.get(self.value.span()),
            _ => self.as_string(),
        }
    }

    /// A text in quotes.
    pub(crate) fn as_string(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            _ => None,
        }
    }

    /// Whether it is `true` or `false`.
    pub(crate) fn is_flag(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Boolean(_))
    }

    pub(crate) fn texts(&self) -> Result<Vec<(&'a str, Value<'a>)>, Error> {
        match self.value.get_ref() {
            DeValue::Array(_) => self
                .items()?
                .into_iter()
                .map(|value| Ok((value.text()?, value)))
                .collect(),
            _ => Ok(vec![(self.text()?, self.clone())]),
        }
    }

    pub(crate) fn items(&self) -> Result<Vec<Value<'a>>, Error> {
        match self.value.get_ref() {
            DeValue::Array(all) => {
                let file = self.file;
                Ok(all.iter().map(|value| Value { file, value }).collect())
            }
            _ => Err(self.wrong("no list".to_owned(), "write it in square brackets: [a, b]")),
        }
    }

    pub(crate) fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    pub(crate) fn table(&self, what: &str) -> Result<Table<'a>, Error> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Ok(Table {
                file: self.file,
                entries,
                span: self.value.span(),
            }),
            _ => Err(self.wrong(
                format!("`{what}` is no table"),
                "write it in braces, such as { path = \"interview\" }",
            )),
        }
    }

    pub(crate) fn wrong(&self, message: String, hint: impl Into<String>) -> Error {
        self.file.wrong(Some(self.value.span()), message, hint)
    }
}
