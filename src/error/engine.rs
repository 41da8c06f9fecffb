//! Error of a storage engine, without the engine's own type: only the engine's module knows that.

use std::error::Error as StdError;
use std::fmt;

/// Kind of an engine's error, as far as it decides what the user can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// The disk is full.
    DiskFull,
    /// The content of a file is damaged.
    Damaged,
    /// Another process is writing.
    Busy,
    /// A file or its folder cannot be opened or written.
    NotWritable,
    /// Reading or writing failed.
    Io,
    /// Any other kind.
    Other,
}

/// Error of a storage engine.
#[derive(Debug)]
pub struct EngineError {
    kind: EngineErrorKind,
    cause: Box<dyn StdError + Send + Sync>,
}

impl EngineError {
    /// Creates an error from that of the engine.
    pub fn new(kind: EngineErrorKind, cause: impl StdError + Send + Sync + 'static) -> Self {
        let cause = Box::new(cause);
        Self { kind, cause }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> EngineErrorKind {
        self.kind
    }

    /// Returns the engine's own error, for the engine's module.
    #[must_use]
    pub fn cause<T: StdError + 'static>(&self) -> Option<&T> {
        self.cause.downcast_ref()
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl StdError for EngineError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}
