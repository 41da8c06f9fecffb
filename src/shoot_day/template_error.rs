//! Errors of destination templates.

use super::placeholder::Placeholder;
use crate::error::escape;

/// Template that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct TemplateError {
    /// Text of the error.
    pub message: String,
    /// Suggestion for the user.
    pub hint: String,
}

impl TemplateError {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Template that cannot be filled with values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The value of a placeholder is missing, or empty after sanitizing.
    #[error("no value for `{0}`")]
    Absent(Placeholder),
    /// A path component would be longer than filesystems allow.
    #[error("the folder name `{}` has {} bytes; the limit is 255", escape(.0), .0.len())]
    TooLong(String),
}

impl FillError {
    /// Returns a suggestion for the user.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Absent(placeholder) => format!(
                "set {}, or remove `{placeholder}` from the path",
                placeholder.example()
            ),
            Self::TooLong(_) => {
                "use fewer placeholders between two slashes, or shorten their values".to_owned()
            }
        }
    }
}
